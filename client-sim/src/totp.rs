//! An authenticator app: takes over the link that the server shows, and shows the code of any moment (RFC 6238).
//!
//! The link is read as strictly as the strictest app reads it, so that a link which works here works everywhere.

use std::fmt;

use gatematch_protocol::passcode::TOTP_DIGITS;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use zeroize::Zeroizing;

/// What every link begins with.
const SCHEME: &str = "otpauth://totp/";
/// The fewest bytes that a seed may have: 128 bits (RFC 4226 section 4, R6).
const MIN_SEED_BYTES: usize = 16;
/// How long a code may be shown, in seconds: as apps have it, and as some hardware tokens have it.
const PERIODS: [u32; 2] = [30, 60];
/// The symbols of base32, by value (RFC 4648 section 6).
const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A text that no authenticator app takes, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no authenticator app takes this: {0}")]
pub struct NotForAnApp(&'static str);

impl NotForAnApp {
    /// Why, as the end of a sentence.
    #[must_use]
    pub const fn why(self) -> &'static str {
        self.0
    }
}

/// An authenticator app with one account. `Debug` does not tell the seed, and its memory is wiped.
#[derive(Clone)]
pub struct App {
    issuer: Option<String>,
    account: Option<String>,
    seed: Zeroizing<Vec<u8>>,
    period: u32,
}

impl App {
    /// Takes over an `otpauth:` link.
    ///
    /// # Errors
    /// [`NotForAnApp`] for every link that is not just `otpauth://totp/ISSUER:ACCOUNT` with each of `secret` (base32 of
    /// 128 bits or more, without padding), `issuer` (as in the label), `algorithm=SHA1`, `digits=6` and `period` (30 or
    /// 60) once.
    pub fn from_uri(uri: &str) -> Result<Self, NotForAnApp> {
        let rest = uri.strip_prefix(SCHEME).ok_or(NotForAnApp("it does not begin with otpauth://totp/"))?;
        let (label, query) = rest.split_once('?').ok_or(NotForAnApp("it has no parameters"))?;
        let (company, account) =
            label.split_once(':').ok_or(NotForAnApp("its label is not the issuer, a colon and the account"))?;
        let (company, account) = (name(company)?, name(account)?);
        let mut parameters = Parameters::read(query)?;
        if unescape(parameters.take("issuer")?)? != company {
            return Err(NotForAnApp("the issuer in the label and the one behind it differ"));
        }
        let seed = decode(parameters.take("secret")?.as_bytes())?;
        if parameters.take("algorithm")? != "SHA1" {
            return Err(NotForAnApp("its algorithm is not SHA1"));
        }
        if parameters.take("digits")? != "6" {
            return Err(NotForAnApp("its digits are not 6"));
        }
        let shown = parameters.take("period")?;
        let period = PERIODS.into_iter().find(|period| period.to_string() == shown);
        let period = period.ok_or(NotForAnApp("its period is neither 30 nor 60"))?;
        if parameters.0.is_empty() {
            Ok(Self { issuer: Some(company), account: Some(account), seed, period })
        } else {
            Err(NotForAnApp("it has a parameter too many"))
        }
    }

    /// Takes over a seed in base32 as a person types it, in groups and small letters too, whose codes are shown for
    /// `period` seconds.
    ///
    /// # Errors
    /// [`NotForAnApp`] for what is not base32 of 128 bits or more, and for a period that is neither 30 nor 60.
    pub fn from_secret(secret: &str, period: u32) -> Result<Self, NotForAnApp> {
        if !PERIODS.contains(&period) {
            return Err(NotForAnApp("its period is neither 30 nor 60"));
        }
        let mut typed = Zeroizing::new(Vec::with_capacity(secret.len()));
        let symbols = secret.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-');
        typed.extend(symbols.map(|byte| byte.to_ascii_uppercase()));
        while typed.last() == Some(&b'=') {
            typed.pop();
        }
        Ok(Self { issuer: None, account: None, seed: decode(&typed)?, period })
    }

    /// Who asks for the codes; `None` where only the seed is known.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whose codes they are; `None` where only the seed is known.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// How long a code is shown, in seconds.
    #[must_use]
    pub const fn period(&self) -> u32 {
        self.period
    }

    /// The six digits that the app shows at `at`.
    #[must_use]
    pub fn code(&self, at: Timestamp) -> Secret {
        let step = at.numeric_date().div_euclid(i64::from(self.period));
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.seed) else { return Secret::new("") };
        mac.update(&step.to_be_bytes());
        let sum: [u8; 20] = mac.finalize().into_bytes().into();
        // Dynamic truncation (RFC 4226 section 5.3): the low half of the last byte says where the number begins.
        let [.., last] = sum;
        let windows = sum.windows(4).nth(usize::from(last % 16));
        let number = windows.and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes) % (1 << 31);
        Secret::new(format!("{:0TOTP_DIGITS$}", number % 1_000_000))
    }

    /// For how many more seconds the app shows that code: 1 to the period.
    #[must_use]
    pub fn seconds_left(&self, at: Timestamp) -> i64 {
        let period = i64::from(self.period);
        period - at.numeric_date().rem_euclid(period)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut app = f.debug_struct("App");
        app.field("issuer", &self.issuer).field("account", &self.account).field("period", &self.period);
        app.finish_non_exhaustive()
    }
}

/// The parameters of a link that nobody has asked for yet.
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, NotForAnApp> {
        let pairs = query.split('&').map(|pair| pair.split_once('=').ok_or(NotForAnApp("a parameter has no value")));
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The value of the parameter that is there once.
    fn take(&mut self, name: &str) -> Result<&'a str, NotForAnApp> {
        let found = self.0.iter().position(|(given, _)| *given == name);
        let at = found.ok_or(NotForAnApp("one of secret, issuer, algorithm, digits and period is missing"))?;
        let (_, value) = self.0.swap_remove(at);
        // What is there twice stays behind, and is one too many.
        Ok(value)
    }
}

/// One half of a label: the colon is between them only.
fn name(escaped: &str) -> Result<String, NotForAnApp> {
    let name = unescape(escaped)?;
    if name.is_empty() || name.trim() != name {
        return Err(NotForAnApp("its issuer or account is empty, or has blanks around it"));
    }
    if name.contains(':') {
        return Err(NotForAnApp("its issuer or account has a colon in it"));
    }
    Ok(name)
}

/// Undoes the percent-encoding of RFC 3986 section 2.1. A plus is no blank there, and apps differ on it.
fn unescape(text: &str) -> Result<String, NotForAnApp> {
    let odd = NotForAnApp("a character in it should have been escaped");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit().ok_or(odd)?, digit().ok_or(odd)?);
                u8::try_from(high * 16 + low).map_err(|_| odd)?
            }
            plain if plain.is_ascii_alphanumeric() || b"-._~*".contains(&plain) => plain,
            _ => return Err(odd),
        });
    }
    String::from_utf8(bytes).map_err(|_| odd)
}

/// The bytes of a seed in base32, in its one spelling: capital letters, no padding, no bits left over.
fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotForAnApp> {
    let mut seed = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for symbol in text {
        let value = SYMBOLS.iter().position(|known| known == symbol);
        let value = value.and_then(|value| u32::try_from(value).ok()).ok_or(NotForAnApp("its secret is no base32"))?;
        held = held << 5 | value;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            seed.extend(u8::try_from(held >> bits));
            held %= 1 << bits;
        }
    }
    if bits >= 5 || held != 0 {
        return Err(NotForAnApp("its secret is no base32"));
    }
    if seed.len() < MIN_SEED_BYTES {
        return Err(NotForAnApp("its secret is shorter than 128 bits"));
    }
    Ok(seed)
}

#[cfg(test)]
mod tests;
