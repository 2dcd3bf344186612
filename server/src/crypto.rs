//! ES256 by aws-lc-rs: the server's side of every signature (why: `docs/decisions/crypto.md`).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::{Sign, SigningFailed, Verify};
use zeroize::Zeroizing;

/// Checks signatures with aws-lc-rs.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Verify for AwsLc {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).verify(message, signature).is_ok()
    }
}

/// A private P-256 key of the server.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    random: SystemRandom,
}

/// A private key that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 private key in PKCS #8")]
pub struct NotAKey;

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`SigningFailed`] when the cryptographic module fails.
    pub fn generate() -> Result<Self, SigningFailed> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SigningFailed)?;
        let document = pair.to_pkcs8v1().map_err(|_| SigningFailed)?;
        Ok(Self { pair, pkcs8: Zeroizing::new(document.as_ref().to_vec()), random: SystemRandom::new() })
    }

    /// The key in `pkcs8` (PKCS #8 v1, DER).
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, NotAKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| NotAKey)?;
        Ok(Self { pair, pkcs8, random: SystemRandom::new() })
    }

    /// The key as PKCS #8 v1, DER.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::from_sec1(self.pair.public_key().as_ref()).unwrap_or(PublicKey::from_coordinates([0; 32], [0; 32]))
    }
}

impl Sign for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| SigningFailed)?;
        signature.as_ref().try_into().map_err(|_| SigningFailed)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public().thumbprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_and_survives_storage() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(Zeroizing::new(key.pkcs8().to_vec())).unwrap();
        let signature = again.sign(b"message").unwrap();
        assert!(AwsLc.verify(&key.public(), b"message", &signature));
        assert!(!AwsLc.verify(&key.public(), b"massage", &signature));
        assert!(SigningKey::from_pkcs8(Zeroizing::new(vec![0; 10])).is_err());
    }
}
