//! Enrollments with a key that is none for us (EN-05).

use gatematch_protocol::base64url;
use gatematch_protocol::jws::typ;
use gatematch_protocol::problem::Code;
use serde_json::{Value, json};

use super::enrollment::{message, request};
use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::failure::Failure;
use crate::http::body;
use crate::jws::sign_raw;
use crate::phone::{ProofOverrides, public_key_value};

/// The `d` that is sent where a private part is smuggled in: nobody's key, and easy to look for in logs and
/// databases.
pub const PRIVATE_PART: &str = "ZG8tbm90LXN0b3JlLW9yLWxvZy10aGlzLXByaXZhdGU";

const MEMBERS: Expect = Expect::Problem(Code::MalformedBody);
const COORDINATES: Expect = Expect::Problem(Code::InvalidKey);
const NO_POINT: Expect = Expect::Problem(Code::CredentialInvalid);

/// The prime of the field: the first value that is no coordinate.
const PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("key-off-curve", "a point off the curve, in the proof as well", NO_POINT, |scene| {
        registering(scene, point(&[1; 32], &[1; 32]))
    }),
    entry("key-zero", "the point (0, 0), in the proof as well", NO_POINT, |scene| {
        registering(scene, point(&[0; 32], &[0; 32]))
    }),
    entry("key-not-below-p", "coordinates that are the prime of the field", NO_POINT, |scene| {
        registering(scene, point(&PRIME, &PRIME))
    }),
    entry("key-p384", "a key of the curve P-384", MEMBERS, |scene| {
        registering(scene, json!({"kty": "EC", "crv": "P-384", "x": text(&[1; 48]), "y": text(&[2; 48])}))
    }),
    entry("key-secp256k1", "a key of the curve secp256k1", MEMBERS, |scene| changed(scene, "crv", json!("secp256k1"))),
    entry("key-rsa", "an RSA key", MEMBERS, |scene| {
        registering(scene, json!({"kty": "RSA", "n": text(&[0xc1; 256]), "e": "AQAB"}))
    }),
    entry("key-oct", "a symmetric key", MEMBERS, |scene| {
        registering(scene, json!({"kty": "oct", "k": text(&[7; 32])}))
    }),
    entry("key-with-d", "a private part in the key", MEMBERS, |scene| changed(scene, "d", json!(PRIVATE_PART))),
    entry("key-with-kid", "a kid in the key", MEMBERS, |scene| changed(scene, "kid", json!("mine"))),
    entry("key-without-y", "no y", MEMBERS, |scene| {
        let mut key = public_key_value(scene.phone()?.key());
        key.as_object_mut().and_then(|members| members.remove("y"));
        registering(scene, key)
    }),
    entry("key-as-text", "the key is a string", MEMBERS, |scene| registering(scene, json!("key"))),
    entry("key-short", "an x of 31 bytes", COORDINATES, |scene| changed(scene, "x", json!(text(&[1; 31])))),
    entry("key-long", "an x of 33 bytes", COORDINATES, |scene| changed(scene, "x", json!(text(&[1; 33])))),
    entry("key-padded", "a y in base64 with padding", COORDINATES, |scene| {
        let key = scene.phone()?.key().public().to_jwk();
        changed(scene, "y", json!(format!("{}=", key.y)))
    }),
    entry("key-empty", "an empty y", COORDINATES, |scene| changed(scene, "y", json!(""))),
];

const fn entry(
    name: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Enrollment, name, "EN-05", what, expect, make)
}

fn text(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

fn point(x: &[u8; 32], y: &[u8; 32]) -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
}

fn changed(scene: &Scene<'_>, name: &str, value: Value) -> Result<Vec<Request>, Failure> {
    let mut key = public_key_value(scene.phone()?.key());
    if let Some(members) = key.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    registering(scene, key)
}

/// Registers `key`, with the same in the header of the proof, which the phone's own key signs.
fn registering(scene: &Scene<'_>, key: Value) -> Result<Vec<Request>, Failure> {
    let phone = scene.phone()?;
    let claims = body(&phone.proof_claims("POST", "/v1/devices", ProofOverrides::default()))?;
    let header = json!({"alg": "ES256", "typ": typ::PROOF, "jwk": key});
    let proof = sign_raw(&header, &String::from_utf8_lossy(&claims), phone.key())?;
    let mut message = message(phone.key(), scene.token()?);
    if let Some(members) = message.as_object_mut() {
        members.insert("public_key".to_owned(), key);
    }
    Ok(vec![request(&message).header("dpop", proof)])
}
