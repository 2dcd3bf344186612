//! Time-based codes of an authenticator app or a hardware token (RFC 6238 on RFC 4226; contract section 10).

use std::fmt;

use gatematch_protocol::passcode::TOTP_DIGITS;
use gatematch_protocol::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// How many wrong codes end an authenticator that is not confirmed.
pub const MAX_CONFIRM_TRIES: u8 = 5;
/// How many apps and tokens a user may have.
pub const MAX_TOTPS: usize = 5;
/// How many bytes a seed has that is made here (RFC 4226 section 4, R6).
pub const SEED_BYTES: usize = 20;
/// How long a code is shown, unless a hardware token says otherwise, in seconds.
pub const PERIOD_SECONDS: u32 = 30;
/// How many steps a clock may be off, either way.
const WINDOW: i64 = 1;

/// What app and server share. `Debug` does not tell it, and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    /// The seed of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes; the caller must know where they go.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// The six digits of `step` (RFC 4226 section 5.3).
    #[must_use]
    pub fn code(&self, step: u64) -> Zeroizing<String> {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return Zeroizing::new(String::new()) };
        mac.update(&step.to_be_bytes());
        let sum = mac.finalize().into_bytes();
        let offset = usize::from(sum.last().copied().unwrap_or_default() & 0xf);
        let word = sum.iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let code = (word & 0x7fff_ffff) % 10_u32.pow(u32::try_from(TOTP_DIGITS).unwrap_or(6));
        Zeroizing::new(format!("{code:0TOTP_DIGITS$}"))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Whether an authenticator may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TotpStatus {
    /// It may.
    Active,
    /// Not before a code of it was seen.
    Unconfirmed {
        /// How many codes were wrong.
        wrong_tries: u8,
    },
    /// Never: what is kept of its seed does not open. It can only be removed.
    Unreadable,
}

/// An app or a hardware token that shows codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// What the person calls it, or the serial number of a token.
    pub name: Option<String>,
    /// What its codes are made of.
    pub seed: Seed,
    /// How long a code is shown, in seconds: 30, or 60 for some tokens.
    pub period: u32,
    /// Whether it may be used.
    pub status: TotpStatus,
    /// The latest step whose code was used: none before it works any more.
    pub last_step: Option<i64>,
}

impl Totp {
    /// The step whose code this is, where it is one now, or one step off, and later than any that was used.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let current = now.numeric_date().div_euclid(i64::from(self.period.max(1)));
        let mut found = None;
        for step in current - WINDOW..=current + WINDOW {
            let Ok(counter) = u64::try_from(step) else { continue };
            let is_it = bool::from(self.seed.code(counter).as_bytes().ct_eq(code.as_bytes()));
            if is_it && self.last_step.is_none_or(|last| last < step) {
                found = found.or(Some(step));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totp(seed: &[u8]) -> Totp {
        let status = TotpStatus::Active;
        Totp { name: None, seed: Seed::new(seed), period: 30, status, last_step: None }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_numeric_date(second)
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_of_hotp() {
        let seed = Seed::new(b"12345678901234567890");
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in expected.iter().enumerate() {
            assert_eq!(seed.code(step as u64).as_str(), *code, "{step}");
        }
    }

    /// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn the_vectors_of_totp() {
        let totp = totp(b"12345678901234567890");
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.step_of(code, at(second)), Some(second / 30), "{second}");
        }
    }

    #[test]
    fn one_step_either_way_and_each_once() {
        let mut totp = totp(b"12345678901234567890");
        let code = totp.seed.code(100).to_string();
        for (step, found) in [(98, None), (99, Some(100)), (100, Some(100)), (101, Some(100)), (102, None)] {
            assert_eq!(totp.step_of(&code, at(step * 30)), found, "{step}");
            assert_eq!(totp.step_of(&code, at(step * 30 + 29)), found, "{step}");
        }
        totp.last_step = Some(100);
        assert_eq!(totp.step_of(&code, at(3_000)), None);
        assert_eq!(totp.step_of(&totp.seed.code(99), at(3_000)), None, "an earlier step is as good as used");
        assert_eq!(totp.step_of(&totp.seed.code(101), at(3_000)), Some(101));
    }

    #[test]
    fn a_token_may_show_a_code_for_a_minute() {
        let totp = Totp { period: 60, ..totp(b"12345678901234567890") };
        assert_eq!(totp.step_of(&totp.seed.code(2), at(179)), Some(2));
        assert_eq!(totp.step_of(&totp.seed.code(2), at(240)), None);
        assert_eq!(totp.step_of("", at(179)), None);
        assert_eq!(totp.step_of("755224", at(-90)), None);
    }
}
