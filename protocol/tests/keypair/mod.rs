//! Signing and checking with `p256`, as the traits of the crate ask for it.

use gatematch_protocol::base64url;
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::{Sign, SigningFailed, Verify};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// Checks signatures.
pub(crate) struct P256;

impl Verify for P256 {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        let read =
            || Some((VerifyingKey::from_sec1_bytes(&key.to_sec1()).ok()?, Signature::from_slice(signature).ok()?));
        read().is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
    }
}

/// A key pair.
pub(crate) struct Pair(SigningKey);

impl Pair {
    /// The pair with this private half in base64url, if it is one.
    pub(crate) fn from_private(d: &str) -> Option<Self> {
        SigningKey::from_slice(&base64url::decode(d).ok()?).ok().map(Self)
    }

    /// The public half.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        PublicKey::from_sec1(self.0.verifying_key().to_sec1_point(false).as_bytes())
    }
}

impl Sign for Pair {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_bytes().into())
    }
}
