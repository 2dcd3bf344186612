//! Makes what people sign in with besides a phone: seeds, codes, passes. Each is shown once, by whoever asked for it.

use gatematch_domain::factor::{AccessPass, Bypass, Factor, Kind, RECOVERY_CODES, RecoveryCodes};
use gatematch_domain::terms::{BypassTerms, PassTerms};
use gatematch_domain::totp::{PERIOD_SECONDS, SEED_BYTES, Seed, Totp, TotpStatus};
use gatematch_protocol::id::{AuthenticatorId, UserId};
use gatematch_protocol::passcode::{self, ACCESS_PASS_LENGTH, RECOVERY_CODE_LENGTH};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use zeroize::Zeroizing;

use crate::base32;
use crate::edge::{Edge, NoEntropy};
use crate::pepper::{For, NoHash, Peppers};

/// Why nothing was made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotMade {
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// No hash.
    #[error(transparent)]
    Hash(#[from] NoHash),
}

/// Makes things for one user, at one time.
#[derive(Clone, Copy)]
pub struct Maker<'a> {
    /// Randomness.
    pub edge: &'a Edge,
    /// What codes are hashed with.
    pub peppers: &'a Peppers,
    /// For whom.
    pub user: UserId,
    /// When.
    pub now: Timestamp,
}

/// An app that is not confirmed yet, and what its person needs to set it up.
pub struct NewTotp {
    /// The factor.
    pub factor: Factor,
    /// The seed in base32 (RFC 4648 section 6), without padding.
    pub secret: Secret,
}

impl Maker<'_> {
    fn factor(&self, kind: Kind) -> Result<Factor, NotMade> {
        let id = AuthenticatorId::new(self.now, self.edge.random()?);
        Ok(Factor { id, user: self.user, kind, created_at: self.now, last_used_at: None })
    }

    /// A new seed for an app, to be confirmed.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn totp(&self, name: Option<String>) -> Result<NewTotp, NotMade> {
        let random = Zeroizing::new(self.edge.random::<SEED_BYTES>()?);
        let seed = Seed::new(random.as_slice());
        let secret = base32::encode(seed.reveal());
        let status = TotpStatus::Unconfirmed { wrong_tries: 0 };
        let totp = Totp { name, seed, period: PERIOD_SECONDS, status, last_step: None };
        Ok(NewTotp { factor: self.factor(Kind::Totp(totp))?, secret })
    }

    /// A hardware token whose seed its maker has told. It works from its next code on: the one of this moment, and all
    /// before, are as good as used, so that none of them becomes good again where the token is removed and imported
    /// once more. (One code is left out of that: the next one, of a token whose clock is ahead.)
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn token(&self, serial: String, seed: Seed, period: u32) -> Result<Factor, NotMade> {
        let last_step = Some(self.now.numeric_date().div_euclid(i64::from(period.max(1))));
        let totp = Totp { name: Some(serial), seed, period, status: TotpStatus::Active, last_step };
        self.factor(Kind::Totp(totp))
    }

    /// A new set of recovery codes.
    ///
    /// # Errors
    /// [`NotMade`].
    pub async fn recovery_codes(&self) -> Result<(Factor, Vec<Secret>), NotMade> {
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            let random = Zeroizing::new(self.edge.random::<RECOVERY_CODE_LENGTH>()?);
            codes.push(passcode::write(&random, 4));
        }
        let hashing = self.peppers.hashing(self.edge)?;
        let hashes = self.peppers.hash(codes.iter().filter_map(normal).collect(), &hashing, For::Gateway).await?;
        Ok((self.factor(Kind::RecoveryCodes(RecoveryCodes { hashing, hashes }))?, codes))
    }

    /// A new access pass on these terms.
    ///
    /// # Errors
    /// [`NotMade`].
    pub async fn access_pass(&self, terms: PassTerms) -> Result<(Factor, Secret), NotMade> {
        let random = Zeroizing::new(self.edge.random::<ACCESS_PASS_LENGTH>()?);
        let pass = passcode::write(&random, 5);
        let hashing = self.peppers.hashing(self.edge)?;
        let hashes = self.peppers.hash(normal(&pass).into_iter().collect(), &hashing, For::Gateway).await?;
        let hash = hashes.into_iter().next().ok_or(NoHash::Failed)?;
        let PassTerms { starts_at, expires_at, max_uses } = terms;
        let kept = AccessPass { hashing, hash, starts_at, expires_at, max_uses, uses: 0 };
        Ok((self.factor(Kind::AccessPass(kept))?, pass))
    }

    /// A bypass on these terms.
    ///
    /// # Errors
    /// [`NotMade`].
    pub fn bypass(&self, terms: BypassTerms, made_by: String) -> Result<Factor, NotMade> {
        let BypassTerms { reason, expires_at, max_uses } = terms;
        self.factor(Kind::Bypass(Bypass { reason, made_by, expires_at, max_uses, uses: 0 }))
    }
}

/// A code as it is read back from what is shown.
fn normal(code: &Secret) -> Option<Secret> {
    passcode::read(code.reveal()).map(|(_, normal)| normal)
}

/// The link by which an authenticator app takes a seed over (the format of Google's apps, which all others read).
#[must_use]
pub fn otpauth_uri(company: &str, username: &str, secret: &Secret) -> Secret {
    let escaped = |text: &str| -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    };
    // A colon ends the issuer there, even an escaped one.
    let (company, username) = (escaped(&company.replace(':', " ")), escaped(username));
    Secret::new(format!(
        "otpauth://totp/{company}:{username}?secret={}&issuer={company}&algorithm=SHA1&digits=6&period={PERIOD_SECONDS}",
        secret.reveal()
    ))
}
