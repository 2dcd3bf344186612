//! Texts that must not be told: keys and tokens as they go over the wire once.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::base64url;

/// A text that is shown once and stored only as its SHA-256.
///
/// `Debug` does not tell it, comparison takes the same time wherever the difference lies, and its memory is
/// wiped when it goes.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` as a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A secret of 256 random bits behind a telling prefix.
    #[must_use]
    pub fn from_random(prefix: &str, random: &[u8; 32]) -> Self {
        Self(format!("{prefix}{}", base64url::encode(random)))
    }

    /// The text itself; the caller must know where it goes.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// base64url(SHA-256(text)): what is stored and looked up.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&self.0)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// base64url(SHA-256(text)).
#[must_use]
pub fn sha256(text: impl AsRef<[u8]>) -> String {
    base64url::encode(Sha256::digest(text.as_ref()))
}

/// What the credentials of each party begin with.
pub mod prefix {
    /// A gateway's key.
    pub const GATEWAY: &str = "gmg_";
    /// An administrator's key.
    pub const ADMIN: &str = "gma_";
    /// An enrollment token.
    pub const ENROLLMENT: &str = "gme_";
    /// An invitation to the console or the portal.
    pub const INVITATION: &str = "gmi_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_tell() {
        let secret = Secret::from_random(prefix::GATEWAY, &[9; 32]);
        assert!(secret.reveal().starts_with("gmg_"));
        assert!(!format!("{secret:?}").contains("CQkJ"));
    }
}
