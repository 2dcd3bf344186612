//! Enrollments with the wrong token, proof, name or push address (EN-01, EN-03, EN-06, EN-07, EN-08).

use gatematch_protocol::base64url;
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof;
use gatematch_protocol::secret::prefix;
use serde_json::{Value, json};

use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::crypto::P256Key;
use crate::edge;
use crate::failure::Failure;
use crate::phone::{Phone, ProofOverrides, public_key_value};

const PATH: &str = "/v1/devices";
const INVALID: Expect = Expect::Problem(Code::CredentialInvalid);
const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const OUT_OF_RANGE: Expect = Expect::Problem(Code::InvalidValue);
const GONE: Expect = Expect::Problem(Code::EnrollmentGone);

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("token-twice", "EN-01", "the same token for two phones", GONE, |scene| {
        let (phone, first) = (scene.phone()?, edge::random_key());
        let message = message(&first, scene.token()?);
        Ok(vec![enroll(phone, &first, &message)?, sound(scene)?])
    }),
    entry("token-unknown", "EN-04", "a token that nobody made", GONE, |scene| {
        changed(scene, "enrollment_token", json!(unknown_token()))
    }),
    entry("token-missing", "EN-04", "no token", MALFORMED, |scene| changed(scene, "enrollment_token", json!(null))),
    entry("token-as-number", "EN-04", "the token is a number", MALFORMED, |scene| {
        changed(scene, "enrollment_token", json!(7))
    }),
    entry("enroll-for-other", "EN-03", "another user's name beside the token", MALFORMED, |scene| {
        changed(scene, "user", json!("administrator"))
    }),
    entry("enroll-confirmed", "AD-02", "a state smuggled in beside the token", MALFORMED, |scene| {
        changed(scene, "status", json!("active"))
    }),
    Misbehaviour::requests_of(
        Needs::SecondEnrollment,
        "key-taken",
        "EN-07",
        "a key that is registered already, with a fresh token",
        Expect::Problem(Code::DeviceExists),
        |scene| Ok(vec![sound(scene)?]),
    ),
    entry("enroll-no-proof", "EN-06", "no proof", Expect::Problem(Code::CredentialMissing), |scene| {
        proven(scene, |_| Ok(Vec::new()))
    }),
    entry("enroll-two-proofs", "EN-06", "two sound proofs", INVALID, |scene| {
        proven(scene, |phone| Ok(vec![phone.proof("POST", PATH)?, phone.proof("POST", PATH)?]))
    }),
    entry("enroll-proof-other-path", "EN-06", "a proof for another path", INVALID, |scene| {
        proven(scene, |phone| Ok(vec![phone.proof("POST", "/v1/devices/self")?]))
    }),
    entry("enroll-proof-other-method", "EN-06", "a proof for another method", INVALID, |scene| {
        proven(scene, |phone| Ok(vec![phone.proof("PUT", PATH)?]))
    }),
    entry("enroll-proof-stale", "EN-06", "a proof of an hour ago", Expect::Problem(Code::StaleProof), |scene| {
        proven(scene, |phone| {
            let overrides = ProofOverrides { iat: Some(phone.now() - 3_600), ..Default::default() };
            Ok(vec![phone.proof_with("POST", PATH, overrides)?])
        })
    }),
    entry(
        "enroll-proof-reused",
        "EN-06",
        "a proof that an unknown token was tried with before",
        Expect::Problem(Code::ProofReplayed),
        |scene| {
            let phone = scene.phone()?;
            let proof = phone.proof("POST", PATH)?;
            let with = |token: &str| request(&message(phone.key(), token)).header("dpop", proof.clone());
            Ok(vec![with(&unknown_token()), with(scene.token()?)])
        },
    ),
    entry("key-mismatch", "EN-06", "a sound proof by another key than the one registered", INVALID, |scene| {
        let (phone, other) = (scene.phone()?, edge::random_key());
        Ok(vec![enroll(phone, &other, &message(phone.key(), scene.token()?))?])
    }),
    entry("name-empty", "EN-08", "an empty name", OUT_OF_RANGE, |scene| changed(scene, "name", json!(""))),
    entry("name-too-long", "EN-08", "a name of 65 characters", OUT_OF_RANGE, |scene| {
        changed(scene, "name", json!("n".repeat(65)))
    }),
    entry("name-too-many-bytes", "EN-08", "a name of 33 characters and 132 bytes", OUT_OF_RANGE, |scene| {
        changed(scene, "name", json!("\u{1f4f1}".repeat(33)))
    }),
    entry("name-huge", "EN-08", "a name of 1 MB", Expect::Problem(Code::BodyTooLarge), |scene| {
        changed(scene, "name", json!("n".repeat(1_000_000)))
    }),
    entry(
        "name-hostile",
        "EN-08",
        "markup, a right-to-left mark and a line break in the name",
        Expect::Allowed(201),
        |scene| changed(scene, "name", json!("<script>alert(1)</script>\u{202e}\r\nSet-Cookie: a=b")),
    ),
    entry(
        "push-loopback",
        "PU-01",
        "a push address on this very machine",
        Expect::Problem(Code::InvalidPushSubscription),
        |scene| {
            let p256dh = base64url::encode(edge::random_key().public().to_sec1());
            changed(scene, "push", push("http://127.0.0.1:9/push", &p256dh))
        },
    ),
    entry(
        "push-bad-key",
        "PU-01",
        "a push key of three bytes",
        Expect::Problem(Code::InvalidPushSubscription),
        |scene| changed(scene, "push", push("https://fcm.googleapis.com/fcm/send/x", "AAAA")),
    ),
];

const fn entry(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Enrollment, name, case, what, expect, make)
}

fn unknown_token() -> String {
    format!("{}{}", prefix::ENROLLMENT, base64url::encode(edge::random::<32>()))
}

fn push(endpoint: &str, p256dh: &str) -> Value {
    json!({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": base64url::encode([7; 16])}})
}

/// A sound enrollment message of `key`.
pub(super) fn message(key: &P256Key, token: &str) -> Value {
    json!({"enrollment_token": token, "public_key": public_key_value(key), "name": "Misbehaving phone"})
}

pub(super) fn request(message: &Value) -> Request {
    Request::new("POST", PATH).json(message.to_string())
}

fn enroll(phone: &Phone, signer: &P256Key, message: &Value) -> Result<Request, Failure> {
    let claims = phone.proof_claims("POST", PATH, ProofOverrides::default());
    Ok(request(message).header("dpop", proof::make(&claims, &signer.public(), signer)?))
}

fn sound(scene: &Scene<'_>) -> Result<Request, Failure> {
    let phone = scene.phone()?;
    enroll(phone, phone.key(), &message(phone.key(), scene.token()?))
}

/// A message with one other member (`null` takes it away), under a sound proof.
fn changed(scene: &Scene<'_>, name: &str, value: Value) -> Result<Vec<Request>, Failure> {
    let phone = scene.phone()?;
    let mut message = message(phone.key(), scene.token()?);
    if let Some(members) = message.as_object_mut() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }
    Ok(vec![enroll(phone, phone.key(), &message)?])
}

/// A sound message under other proofs.
fn proven(
    scene: &Scene<'_>,
    proofs: impl FnOnce(&Phone) -> Result<Vec<String>, Failure>,
) -> Result<Vec<Request>, Failure> {
    let phone = scene.phone()?;
    let request = request(&message(phone.key(), scene.token()?));
    Ok(vec![proofs(phone)?.into_iter().fold(request, |request, proof| request.header("dpop", proof))])
}
