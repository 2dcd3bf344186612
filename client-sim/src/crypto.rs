//! P-256 keys and ES256 (RFC 7518, section 3.4), by `p256`; and by aws-lc-rs where speed is measured.

mod quick;

use std::fmt;

use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::{Sign, SigningFailed, Verify};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

pub use self::quick::{Checker, QuickKey};

/// 32 bytes that are no private key: zero, or not below the order of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are not a P-256 private key")]
pub struct NotAKey;

/// A private key with its public half. Wiped when dropped; `Debug` tells the public half only.
#[derive(Clone)]
pub struct P256Key {
    signing: SigningKey,
    public: PublicKey,
}

impl P256Key {
    /// The key whose secret scalar is `secret`, big endian: random bytes, or what [`P256Key::secret`] gave.
    ///
    /// # Errors
    /// [`NotAKey`]; of random bytes, one in 2^32 is.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, NotAKey> {
        let signing = SigningKey::from_slice(secret).map_err(|_| NotAKey)?;
        let public = PublicKey::from_sec1(signing.verifying_key().to_sec1_point(false).as_bytes());
        Ok(Self { signing, public: public.ok_or(NotAKey)? })
    }

    /// The secret scalar, 32 bytes, big endian.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes().into())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for P256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P256Key({})", self.public.thumbprint())
    }
}

impl Sign for P256Key {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed> {
        let signature: Signature = self.signing.try_sign(message).map_err(|_| SigningFailed)?;
        Ok(signature.to_bytes().into())
    }
}

/// Checks ES256 signatures.
#[derive(Clone, Copy, Debug, Default)]
pub struct P256Verifier;

impl Verify for P256Verifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        // Both refuse by themselves: a point off the curve; r or s that is zero or not below the order.
        let key = VerifyingKey::from_sec1_bytes(&key.to_sec1());
        let signature = Signature::from_slice(signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => key.verify(message, &signature).is_ok(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::base64url;
    use serde_json::json;

    use super::*;
    use crate::signature;

    // RFC 7515, appendix A.3.
    const INPUT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const SECRET: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

    fn rfc_key() -> PublicKey {
        PublicKey::from_value(&json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}))
        .unwrap()
    }

    #[test]
    fn the_example_of_rfc_7515_holds_and_so_does_its_twin() {
        let bytes = base64url::decode_array(SIGNATURE).unwrap();
        assert!(signature::is_high(&bytes), "the example is a high-S one");
        let twin = signature::twin(&bytes).unwrap();
        assert_ne!(bytes, twin);
        for sound in [bytes, twin] {
            assert!(P256Verifier.verify(&rfc_key(), INPUT.as_bytes(), &sound));
            assert!(!P256Verifier.verify(&rfc_key(), b"something else", &sound));
        }
    }

    #[test]
    fn a_secret_goes_there_and_back() {
        let secret = base64url::decode_array(SECRET).unwrap();
        let key = P256Key::from_secret(&secret).unwrap();
        assert_eq!(key.public(), rfc_key());
        assert_eq!(*key.secret(), secret);
        let signed = key.sign(b"a message").unwrap();
        assert!(P256Verifier.verify(&rfc_key(), b"a message", &signed));
        assert!(!format!("{key:?}").contains(SECRET));
        assert!(P256Key::from_secret(&[0; 32]).is_err());
        assert!(P256Key::from_secret(&signature::ORDER).is_err());
    }

    #[test]
    fn what_is_no_signature_or_no_key_never_holds() {
        let sound: [u8; 64] = base64url::decode_array(SIGNATURE).unwrap();
        let verify = |key, signature: &[u8; 64]| P256Verifier.verify(&key, INPUT.as_bytes(), signature);
        for value in [[0; 32], signature::ORDER, [0xff; 32]] {
            assert!(!verify(rfc_key(), &signature::with_r(&sound, value)));
            assert!(!verify(rfc_key(), &signature::with_s(&sound, value)));
        }
        let off_curve = PublicKey::from_coordinates([1; 32], [1; 32]);
        assert!(!verify(off_curve, &sound));
        assert!(!verify(PublicKey::from_coordinates([0; 32], [0; 32]), &sound));
    }
}
