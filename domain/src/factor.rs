//! What a login can pass with besides a phone: codes of an app or a token, recovery codes, an access pass, and, in
//! place of a factor, a bypass (contract section 10).

use std::fmt;

use gatematch_protocol::authenticator::{AuthenticatorView, BypassView};
use gatematch_protocol::id::{AuthenticatorId, KeyId, UserId};
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::challenge::CLOCK_STEP_SECONDS;
use crate::policy::Method;
use crate::totp::{Totp, TotpStatus};

/// How many recovery codes a set has.
pub const RECOVERY_CODES: usize = 10;
/// The longest life of an access pass from its start on, and how far ahead that may be, in seconds: 30 days.
pub const MAX_PASS_SECONDS: i64 = 30 * 86_400;
/// The longest life of a bypass, in seconds: 24 hours.
pub const MAX_BYPASS_SECONDS: i64 = 86_400;
/// The most sign-ins of one pass or bypass, where they are counted.
pub const MAX_USES: i64 = 1_000;
/// The most bypasses of one user at a time.
pub const MAX_BYPASSES: usize = 20;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Names it.
    pub id: AuthenticatorId,
    /// Whose it is.
    pub user: UserId,
    /// What it is.
    pub kind: Kind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub last_used_at: Option<Timestamp>,
}

/// What a [`Factor`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An app or a hardware token.
    Totp(Totp),
    /// A set of recovery codes.
    RecoveryCodes(RecoveryCodes),
    /// An access pass.
    AccessPass(AccessPass),
    /// A bypass, which is no factor.
    Bypass(Bypass),
}

/// With what a code is hashed before it is kept (argon2id, RFC 9106).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashing {
    /// 16 random bytes, base64url: of a whole set, so that a guess is hashed once and not ten times.
    pub salt: String,
    /// The key of the server that is mixed in, and is not in the database in clear.
    pub pepper: KeyId,
}

/// The hash of a code, base64url. It tells nobody the code; `Debug` does not tell it all the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// The hash in this text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether it is the same one; in the same time wherever the difference lies.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

/// A set of codes of which each works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodes {
    /// How they are hashed.
    pub hashing: Hashing,
    /// Those that are left.
    pub hashes: Vec<Hash>,
}

/// A pass that works for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPass {
    /// How it is hashed.
    pub hashing: Hashing,
    /// The pass.
    pub hash: Hash,
    /// From when on it works.
    pub starts_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// For how many sign-ins.
    pub max_uses: u32,
    /// How many there were.
    pub uses: u32,
}

/// A login that would be asked passes without a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bypass {
    /// Why there is one.
    pub reason: String,
    /// Who made it, as the audit log names him.
    pub made_by: String,
    /// When it dies.
    pub expires_at: Timestamp,
    /// For how many sign-ins; `None`: as many as there are.
    pub max_uses: Option<u32>,
    /// How many there were.
    pub uses: u32,
}

impl Factor {
    /// The way of signing in that it serves; `None` for what does not work now.
    ///
    /// What was made in the future does not: the clock was set back, and by its own count it would live longer than it
    /// may.
    #[must_use]
    pub fn method(&self, now: Timestamp) -> Option<Method> {
        if self.created_at > now.plus_seconds(CLOCK_STEP_SECONDS) {
            return None;
        }
        match &self.kind {
            Kind::Totp(totp) => (totp.status == TotpStatus::Active).then_some(Method::Totp),
            Kind::RecoveryCodes(codes) => (!codes.hashes.is_empty()).then_some(Method::RecoveryCode),
            Kind::AccessPass(pass) => pass.works(now).then_some(Method::AccessPass),
            Kind::Bypass(bypass) => bypass.is_in_force(now).then_some(Method::Bypass),
        }
    }

    /// How codes for it are hashed, where they are.
    #[must_use]
    pub const fn hashing(&self) -> Option<&Hashing> {
        match &self.kind {
            Kind::RecoveryCodes(codes) => Some(&codes.hashing),
            Kind::AccessPass(pass) => Some(&pass.hashing),
            Kind::Totp(_) | Kind::Bypass(_) => None,
        }
    }

    /// When it dies by itself.
    #[must_use]
    pub const fn ends_at(&self) -> Option<Timestamp> {
        match &self.kind {
            Kind::AccessPass(pass) => Some(pass.expires_at),
            Kind::Bypass(bypass) => Some(bypass.expires_at),
            Kind::Totp(_) | Kind::RecoveryCodes(_) => None,
        }
    }

    /// The word in lists, in the audit log and in the database.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.kind {
            Kind::Totp(_) => "totp",
            Kind::RecoveryCodes(_) => "recovery_codes",
            Kind::AccessPass(_) => "access_pass",
            Kind::Bypass(_) => "bypass",
        }
    }

    /// As administrators and its person see it; `None` for a bypass, which is no authenticator.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> Option<AuthenticatorView> {
        let mut view = AuthenticatorView {
            id: self.id.to_string(),
            kind: self.word().to_owned(),
            name: None,
            status: "active".to_owned(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            starts_at: None,
            expires_at: self.ends_at(),
            left: None,
        };
        match &self.kind {
            Kind::Totp(totp) => {
                view.name.clone_from(&totp.name);
                match totp.status {
                    TotpStatus::Active => {}
                    TotpStatus::Unconfirmed { .. } => "unconfirmed".clone_into(&mut view.status),
                    TotpStatus::Unreadable => "unreadable".clone_into(&mut view.status),
                }
            }
            Kind::RecoveryCodes(codes) => view.left = u32::try_from(codes.hashes.len()).ok(),
            Kind::AccessPass(pass) => {
                view.starts_at = Some(pass.starts_at);
                view.left = Some(pass.max_uses.saturating_sub(pass.uses));
                if now < pass.starts_at {
                    "not-yet".clone_into(&mut view.status);
                }
            }
            Kind::Bypass(_) => return None,
        }
        if self.method(now).is_none() && view.status == "active" {
            "over".clone_into(&mut view.status);
        }
        Some(view)
    }

    /// The bypass as administrators see it, where it is one.
    #[must_use]
    pub fn bypass_view(&self) -> Option<BypassView> {
        let Kind::Bypass(bypass) = &self.kind else { return None };
        Some(BypassView {
            id: self.id,
            reason: bypass.reason.clone(),
            made_by: bypass.made_by.clone(),
            created_at: self.created_at,
            expires_at: bypass.expires_at,
            max_uses: bypass.max_uses,
            uses: bypass.uses,
        })
    }
}

impl AccessPass {
    /// Whether it works at `now`.
    #[must_use]
    pub fn works(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.expires_at && self.uses < self.max_uses
    }
}

impl Bypass {
    /// Whether a login passes by it at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.max_uses.is_none_or(|most| self.uses < most)
    }
}
