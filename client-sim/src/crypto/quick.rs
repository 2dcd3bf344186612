//! ES256 by aws-lc-rs: what the load generator signs and checks with, so that it measures the server and not itself.
//!
//! The ordinary simulator never does: its signatures are `p256`'s, the second opinion on the server's.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::{Sign, SigningFailed, Verify};

use super::{NotAKey, P256Key, P256Verifier};

/// A private key, ready to sign fast.
pub struct QuickKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl QuickKey {
    /// The same key as `key`.
    ///
    /// # Errors
    /// [`NotAKey`] where aws-lc-rs does not take it; there is no such key.
    pub fn of(key: &P256Key) -> Result<Self, NotAKey> {
        let (secret, public) = (key.secret(), key.public().to_sec1());
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &*secret, &public).map_err(|_| NotAKey)?;
        Ok(Self { pair, random: SystemRandom::new() })
    }
}

impl std::fmt::Debug for QuickKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QuickKey(..)")
    }
}

impl Sign for QuickKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed> {
        let signature = self.pair.sign(&self.random, message).map_err(|_| SigningFailed)?;
        signature.as_ref().try_into().map_err(|_| SigningFailed)
    }
}

/// Whose code checks signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checker {
    /// `p256`: another implementation than the server's.
    #[default]
    P256,
    /// aws-lc-rs: a fifth of the time.
    Quick,
}

impl Verify for Checker {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        match self {
            Self::P256 => P256Verifier.verify(key, message, signature),
            Self::Quick => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).verify(message, signature).is_ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_what_the_other_has_signed() {
        let key = P256Key::from_secret(&[7; 32]).unwrap();
        let quick = QuickKey::of(&key).unwrap();
        let signed = [key.sign(b"a message").unwrap(), quick.sign(b"a message").unwrap()];
        let other = P256Key::from_secret(&[8; 32]).unwrap();
        for checker in [Checker::P256, Checker::Quick] {
            for signature in &signed {
                assert!(checker.verify(&key.public(), b"a message", signature), "{checker:?}");
                assert!(!checker.verify(&key.public(), b"another", signature), "{checker:?}");
                assert!(!checker.verify(&other.public(), b"a message", signature), "{checker:?}");
            }
        }
    }
}
