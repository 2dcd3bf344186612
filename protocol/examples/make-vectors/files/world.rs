//! Who the cases are about: one server, two phones, one gateway, one login, at one moment.

use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, KeyId};
use gatematch_protocol::jws::typ;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::key::Key;
use super::object::Object;
use super::token::Token;

/// The server.
pub(crate) const ISSUER: &str = "https://mfa.example.com";

/// 2026-01-01T00:00:00Z, as NumericDate.
pub(crate) const NOW: i64 = 1_767_225_600;

/// The user who signs in.
pub(crate) const USER: &str = "ada";

const fn then() -> Timestamp {
    Timestamp::from_numeric_date(NOW - 3_600)
}

/// The phone that answers.
pub(crate) fn device_id() -> DeviceId {
    DeviceId::new(then(), [1; 10])
}

/// Another phone of the same user.
pub(crate) fn other_device_id() -> DeviceId {
    DeviceId::new(then(), [2; 10])
}

/// The gateway that asks.
pub(crate) fn gateway_id() -> GatewayId {
    GatewayId::new(then(), [3; 10])
}

/// Another gateway.
pub(crate) fn other_gateway_id() -> GatewayId {
    GatewayId::new(then(), [4; 10])
}

/// The login.
pub(crate) fn challenge_id() -> ChallengeId {
    ChallengeId::new(Timestamp::from_numeric_date(NOW - 5), [5; 10])
}

/// Another login of the same user.
pub(crate) fn other_challenge_id() -> ChallengeId {
    ChallengeId::new(Timestamp::from_numeric_date(NOW - 5), [6; 10])
}

/// The name of the server's key.
pub(crate) fn server_kid() -> String {
    KeyId::new(then(), [7; 10]).to_string()
}

/// The name of the server's former key, still in its set.
pub(crate) fn retiring_kid() -> String {
    KeyId::new(then(), [8; 10]).to_string()
}

/// The key of the phone that answers.
pub(crate) fn device_key() -> Key {
    Key::named("gatematch test vector, device")
}

/// The key of the other phone.
pub(crate) fn other_device_key() -> Key {
    Key::named("gatematch test vector, other device")
}

/// The server's key.
pub(crate) fn server_key() -> Key {
    Key::named("gatematch test vector, server")
}

/// The server's former key.
pub(crate) fn retiring_key() -> Key {
    Key::named("gatematch test vector, server, retiring")
}

/// The answer of `jwks_uri`.
pub(crate) fn server_keys() -> Value {
    let entry = |key: &Key, kid: String| {
        let mut jwk = key.jwk();
        if let Some(members) = jwk.as_object_mut() {
            members.extend(
                [("kid", kid), ("alg", "ES256".into()), ("use", "sig".into())].map(|(k, v)| (k.to_owned(), json!(v))),
            );
        }
        jwk
    };
    json!({"keys": [entry(&server_key(), server_kid()), entry(&retiring_key(), retiring_kid())]})
}

/// A header that names its signer.
pub(crate) fn header(typ: &str, kid: &str) -> Object {
    Object::default().text("alg", "ES256").text("typ", typ).text("kid", kid)
}

/// The challenge that is sent to the phone, with a number of three digits to match.
pub(crate) fn challenge() -> Token {
    let claims = Object::default()
        .text("iss", ISSUER)
        .text("aud", device_id().to_string())
        .text("sub", USER)
        .text("jti", challenge_id().to_string())
        .number("iat", NOW - 5)
        .number("exp", NOW + 55)
        .text("nonce", "AAECAwQFBgcICQoLDA0ODw")
        .text("app", "Remote Desktop")
        .text("gateway", "rdg01")
        .raw("client", r#"{"ip":"198.51.100.7","name":"LAPTOP-7"}"#)
        .raw("match", r#"{"kind":"number","digits":3}"#);
    Token { header: header(typ::CHALLENGE, &server_kid()), claims, key: server_key() }
}
