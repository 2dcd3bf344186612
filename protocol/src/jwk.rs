//! Public keys as JWK (RFC 7517, RFC 7518 section 6.2) and their thumbprints (RFC 7638). P-256 only.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base64url;
use crate::json;
use crate::secret::sha256;

/// A P-256 public key in JWK form, as it goes over the wire. The members are not checked yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicJwk {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// The x coordinate: 32 bytes, base64url.
    pub x: String,
    /// The y coordinate: 32 bytes, base64url.
    pub y: String,
}

/// Why a JWK is not a public key for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkFault {
    /// Another member than `kty`, `crv`, `x`, `y`, one missing or not a string, or another key type or curve.
    #[error("the key must have just the members kty, crv, x and y, with kty \"EC\" and crv \"P-256\"")]
    Members,
    /// `x` or `y` is not 32 bytes in canonical base64url.
    #[error("x and y must be 32 bytes each in base64url without padding")]
    Coordinates,
}

/// The two coordinates of a P-256 public key, 32 bytes each, big endian. Whether the point is on the curve is
/// asked by [`PublicKey::is_on_curve`]; a verification with one that is not always fails.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    x: [u8; 32],
    y: [u8; 32],
}

impl PublicKey {
    /// The key with these coordinates.
    #[must_use]
    pub const fn from_coordinates(x: [u8; 32], y: [u8; 32]) -> Self {
        Self { x, y }
    }

    /// The key of an uncompressed SEC1 point (`04 || x || y`).
    #[must_use]
    pub fn from_sec1(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (x, y) = rest.split_at_checked(32)?;
        if *tag != 4 {
            return None;
        }
        Some(Self { x: x.try_into().ok()?, y: y.try_into().ok()? })
    }

    /// The key in a JWK, whose members must be just `kty`, `crv`, `x` and `y`.
    ///
    /// # Errors
    /// [`JwkFault`], of which `Members` comes first.
    pub fn from_value(value: &Value) -> Result<Self, JwkFault> {
        let jwk: PublicJwk = json::from_value(value.clone()).map_err(|_| JwkFault::Members)?;
        Self::from_jwk(&jwk)
    }

    /// The key in a JWK of a DPoP proof (RFC 9449, section 4.2), where the public parameters that WebCrypto
    /// exports (`ext`, `key_ops`, `use`, `alg`, `kid`) may stand beside the key, but nothing private.
    ///
    /// # Errors
    /// As [`PublicKey::from_value`].
    pub fn from_proof_header(jwk: &Map<String, Value>) -> Result<Self, JwkFault> {
        let mut key = jwk.clone();
        for parameter in ["ext", "key_ops", "use", "alg", "kid"] {
            key.remove(parameter);
        }
        Self::from_value(&Value::Object(key))
    }

    /// The key in `jwk`.
    ///
    /// # Errors
    /// As [`PublicKey::from_value`].
    pub fn from_jwk(jwk: &PublicJwk) -> Result<Self, JwkFault> {
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(JwkFault::Members);
        }
        let coordinate = |text: &str| base64url::decode_array(text).map_err(|_| JwkFault::Coordinates);
        Ok(Self { x: coordinate(&jwk.x)?, y: coordinate(&jwk.y)? })
    }

    /// The key as JWK.
    #[must_use]
    pub fn to_jwk(&self) -> PublicJwk {
        PublicJwk {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            x: base64url::encode(self.x),
            y: base64url::encode(self.y),
        }
    }

    /// The uncompressed SEC1 point, `04 || x || y`.
    #[must_use]
    pub fn to_sec1(&self) -> [u8; 65] {
        let mut point = [4; 65];
        for (to, from) in point.iter_mut().skip(1).zip(self.x.iter().chain(&self.y)) {
            *to = *from;
        }
        point
    }

    /// Whether the coordinates are a point of the curve (and so below the field's prime).
    #[must_use]
    pub fn is_on_curve(&self) -> bool {
        p256::PublicKey::from_sec1_bytes(&self.to_sec1()).is_ok()
    }

    /// The RFC 7638 thumbprint: base64url(SHA-256 of the JWK with its members in lexical order).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let PublicJwk { x, y, .. } = self.to_jwk();
        sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}

/// One of the server's public keys in a [`JwkSet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerJwk {
    /// The key itself.
    #[serde(flatten)]
    pub key: ServerKeyMaterial,
    /// What tokens name in their header.
    pub kid: String,
    /// `ES256`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// The key parameters of a [`ServerJwk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerKeyMaterial {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// The x coordinate.
    pub x: String,
    /// The y coordinate.
    pub y: String,
}

impl ServerJwk {
    /// The entry of `key` under `kid`.
    #[must_use]
    pub fn new(key: &PublicKey, kid: impl Into<String>) -> Self {
        let PublicJwk { kty, crv, x, y } = key.to_jwk();
        Self {
            key: ServerKeyMaterial { kty, crv, x, y },
            kid: kid.into(),
            alg: "ES256".to_owned(),
            usage: "sig".to_owned(),
        }
    }

    /// The public key of this entry.
    ///
    /// # Errors
    /// As [`PublicKey::from_jwk`].
    pub fn public_key(&self) -> Result<PublicKey, JwkFault> {
        let ServerKeyMaterial { kty, crv, x, y } = self.key.clone();
        PublicKey::from_jwk(&PublicJwk { kty, crv, x, y })
    }
}

/// A set of the server's keys (RFC 7517, section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// Active and retiring keys.
    pub keys: Vec<ServerJwk>,
}

impl JwkSet {
    /// The public key that `kid` names, if it is there and sound.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<PublicKey> {
        self.keys.iter().find(|entry| entry.kid == kid)?.public_key().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // RFC 7515, appendix A.3.
    fn rfc_key() -> Value {
        json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut jwk = rfc_key();
        if let Some(object) = jwk.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
        jwk
    }

    #[test]
    fn a_sound_key_goes_there_and_back() {
        let key = PublicKey::from_value(&rfc_key()).unwrap();
        assert!(key.is_on_curve());
        assert_eq!(serde_json::to_value(key.to_jwk()).unwrap(), rfc_key());
        assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Some(key));
        assert_eq!(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_apart() {
        let long = base64url::encode([1; 33]);
        for (jwk, fault) in [
            (with("d", json!("AA")), JwkFault::Members),
            (with("kid", json!("x")), JwkFault::Members),
            (with("kty", json!("RSA")), JwkFault::Members),
            (with("crv", json!("P-384")), JwkFault::Members),
            (with("x", json!(7)), JwkFault::Members),
            (json!([]), JwkFault::Members),
            (json!(["EC", "P-256", rfc_key()["x"], rfc_key()["y"]]), JwkFault::Members),
            (with("x", json!(long)), JwkFault::Coordinates),
            (with("x", json!("AA==")), JwkFault::Coordinates),
            (with("y", json!("")), JwkFault::Coordinates),
        ] {
            assert_eq!(PublicKey::from_value(&jwk), Err(fault), "{jwk}");
        }
        let zero = base64url::encode([0; 32]);
        let off = PublicKey::from_value(&json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero})).unwrap();
        assert!(!off.is_on_curve());
    }
}
