//! A token before it is signed, so that anything about it can be wrong.

use gatematch_protocol::base64url;

use super::key::Key;
use super::object::Object;

/// Header and claims of a token, and who signs it.
#[derive(Clone)]
pub(crate) struct Token {
    /// The protected header.
    pub(crate) header: Object,
    /// The claims.
    pub(crate) claims: Object,
    /// The signer.
    pub(crate) key: Key,
}

impl Token {
    /// The same token with another header.
    pub(crate) fn header(&self, change: impl FnOnce(Object) -> Object) -> Self {
        Self { header: change(self.header.clone()), ..self.clone() }
    }

    /// The same token with other claims.
    pub(crate) fn claims(&self, change: impl FnOnce(Object) -> Object) -> Self {
        Self { claims: change(self.claims.clone()), ..self.clone() }
    }

    /// The same token signed by another.
    pub(crate) fn by(&self, key: &Key) -> Self {
        Self { key: key.clone(), ..self.clone() }
    }

    /// The first two parts.
    pub(crate) fn signing_input(&self) -> String {
        format!("{}.{}", base64url::encode(self.header.to_string()), base64url::encode(self.claims.to_string()))
    }

    /// The right signature.
    pub(crate) fn signature(&self) -> Vec<u8> {
        self.key.sign(&self.signing_input())
    }

    /// The token with the right signature.
    pub(crate) fn signed(&self) -> String {
        self.sealed(&self.signature())
    }

    /// The token with any bytes as its signature.
    pub(crate) fn sealed(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.signing_input(), base64url::encode(signature))
    }
}

/// A soundly signed token whose first two parts are any texts.
pub(crate) fn signed_parts(header: &str, payload: &str, key: &Key) -> String {
    let input = format!("{header}.{payload}");
    let signature = key.sign(&input);
    format!("{input}.{}", base64url::encode(signature))
}
