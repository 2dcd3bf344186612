//! Keys with fixed private halves, and the signatures that they make.

use gatematch_protocol::base64url;
use gatematch_protocol::jwk::PublicKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The order of the group: r and s must be below it (FIPS 186-5, SEC 2).
pub(crate) const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// The prime of the field: coordinates must be below it.
pub(crate) const PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

/// The bytes of `hex`.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| pair.iter().fold(0, |value, byte| (value << 4) | digit(byte))).collect()
}

/// The hex of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A P-256 key pair.
#[derive(Clone)]
pub(crate) struct Key(SigningKey);

impl Key {
    /// The pair whose private half is SHA-256 of `label`.
    pub(crate) fn named(label: &str) -> Self {
        Self::from_private(&Sha256::digest(label))
    }

    /// The pair with this private half.
    #[expect(clippy::expect_used, reason = "the private halves are fixed, and each is a scalar of the group")]
    pub(crate) fn from_private(private: &[u8]) -> Self {
        Self(SigningKey::from_slice(private).expect("a scalar of the group"))
    }

    /// The first pair of a row of names whose x coordinate begins with a zero byte.
    pub(crate) fn with_short_x() -> Self {
        let row = (0_u32..).map(|n| Self::named(&format!("gatematch test vector, short x {n}")));
        let mut short = row.filter(|key| key.public().to_sec1().get(1) == Some(&0));
        short.next().unwrap_or_else(|| Self::named("never reached"))
    }

    /// The public half.
    pub(crate) fn public(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        PublicKey::from_sec1(point.as_bytes()).unwrap_or(PublicKey::from_coordinates([0; 32], [0; 32]))
    }

    /// The public half as JWK.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = self.public().to_jwk();
        json!({"crv": jwk.crv, "kty": jwk.kty, "x": jwk.x, "y": jwk.y})
    }

    /// Both halves as JWK, for implementers who want to sign by themselves.
    pub(crate) fn private_jwk(&self) -> Value {
        let jwk = self.public().to_jwk();
        json!({"crv": jwk.crv, "d": base64url::encode(self.0.to_bytes()), "kty": jwk.kty, "x": jwk.x, "y": jwk.y})
    }

    /// The signature of RFC 6979 as r || s.
    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        let signature: Signature = self.0.sign(message.as_bytes());
        signature.to_bytes().to_vec()
    }
}

/// The other signature of the same message by the same key: (r, n - s).
pub(crate) fn twin(signature: &[u8]) -> Vec<u8> {
    let Ok(read) = Signature::from_slice(signature) else {
        return signature.to_vec();
    };
    let (r, s) = read.split_scalars();
    Signature::from_scalars(r.to_bytes(), (-s).to_bytes())
        .map_or_else(|_| signature.to_vec(), |twin| twin.to_bytes().to_vec())
}

/// Whether s lies in the upper half, where some libraries refuse it.
pub(crate) fn is_high(signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|read| read.normalize_s() != read)
}

/// The signature as ASN.1 DER (RFC 3279, section 2.2.3), which JWS does not use.
pub(crate) fn der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len().min(32));
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap_or(u8::MAX)], body].concat()
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut number: Vec<u8> = magnitude.iter().copied().skip_while(|byte| *byte == 0).collect();
    if number.first().is_none_or(|byte| *byte >= 0x80) {
        number.insert(0, 0);
    }
    [vec![2, u8::try_from(number.len()).unwrap_or(u8::MAX)], number].concat()
}

/// HMAC-SHA256 (RFC 2104), for the attack in which a public key serves as a shared secret.
pub(crate) fn hmac(secret: &[u8], message: &str) -> Vec<u8> {
    let mut block = if secret.len() > 64 { Sha256::digest(secret).to_vec() } else { secret.to_vec() };
    block.resize(64, 0);
    let pad = |with: u8| -> Vec<u8> { block.iter().map(|byte| byte ^ with).collect() };
    let inner = Sha256::digest([pad(0x36), message.as_bytes().to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}
