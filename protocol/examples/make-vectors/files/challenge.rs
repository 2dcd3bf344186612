//! Signed challenges as a phone receives them (contract section 6.1).

use gatematch_protocol::jws::typ;
use serde_json::{Value, json};

use super::key;
use super::token::Token;
use super::world::{
    ISSUER, NOW, challenge, device_id, device_key, other_device_id, retiring_key, retiring_kid, server_key, server_keys,
};
use super::{Case, File, attack};

/// The file `challenge.json`.
pub(crate) fn file() -> File {
    let mut cases = accepted();
    cases.extend(malformed());
    cases.extend(refused());
    cases.extend(attack::all("challenge", &challenge(), &device_key()));
    File {
        name: "challenge.json",
        description: "Signed challenges as a phone receives them, by push or by fetching. The phone is `device_id`, enrolled at \
            `issuer`, knows `server_keys`, and believes that the server's time is `now`. Verdicts: `accept` (show it; `claims` are \
            what the payload says, as far as it is known); `unknown-key` (fetch the server's keys once, try again, then refuse); \
            `malformed` and `refuse` (show nothing that can be approved). A phone may treat the last three alike.",
        source: "RFC 7515; RFC 7519; RFC 8725; wire contract sections 1, 2 and 6.1; AP-05 of the security cases",
        shared: vec![
            (
                "keys",
                json!({"server": server_key().private_jwk(), "server_retiring": retiring_key().private_jwk(), "device": device_key().private_jwk()}),
            ),
            ("issuer", json!(ISSUER)),
            ("device_id", json!(device_id().to_string())),
            ("server_keys", server_keys()),
            ("now", json!(NOW)),
        ],
        cases,
    }
}

fn case(verdict: &'static str, name: impl Into<String>, why: &str, token: &Token) -> Case {
    Case::new(verdict, name, why).with("challenge", token.signed())
}

fn shown(name: &str, why: &str, token: &Token) -> Case {
    let claims: Value = serde_json::from_str(&token.claims.clone().without("x").to_string()).unwrap_or_default();
    case("accept", name, why, token).with("claims", claims)
}

#[rustfmt::skip] // a table: one case, one line
fn accepted() -> Vec<Case> {
    let sound = challenge();
    let twin = Case::new("accept", "the malleable twin", "(r, n - s) is valid too")
        .with("challenge", sound.sealed(&key::twin(&sound.signature())));
    let claims = sound.claims.to_string();
    let retiring = sound.header(|h| h.text("kid", retiring_kid())).by(&retiring_key());
    let client = r#"{"ip":"2001:db8::7","location":"Ulm, Germany","name":"PC\ufffd1"}"#;
    vec![
        shown("with a number to match", "as a server makes it", &sound),
        twin.with("claims", serde_json::from_str::<Value>(&claims).unwrap_or_default()),
        shown("without a match", "approval alone", &sound.claims(|c| c.without("match"))),
        shown("six digits", "the profile nist-aal2", &sound.claims(|c| c.raw("match", r#"{"kind":"number","digits":6}"#))),
        shown("uv required", "the phone must verify the person", &sound.claims(|c| c.text("uv", "required"))),
        shown("with context", "shown as given", &sound.claims(|c| c.raw("context", r#"{"host":"ts07","port":"3389"}"#))),
        shown("client with all members", "IPv6, a place, a replaced character", &sound.claims(|c| c.raw("client", client))),
        shown("client without members", "nothing is known", &sound.claims(|c| c.raw("client", "{}"))),
        shown("unknown claim", "it is ignored: later versions add some", &sound.claims(|c| c.raw("x", "[1]"))),
        shown("unknown header member", "it is ignored", &sound.header(|h| h.text("x5t", "AA"))),
        shown("by the retiring key", "every key of the set counts", &retiring),
        shown("one second left", "alive until exp", &sound.claims(|c| c.number("exp", NOW + 1))),
        shown("iat ahead of the phone's clock", "only exp is checked", &sound.claims(|c| c.number("iat", NOW + 5))),
    ]
}

#[rustfmt::skip] // a table: one case, one line
fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for claim in ["iss", "aud", "sub", "jti", "iat", "exp", "nonce", "app", "gateway", "client"] {
        let absent = challenge().claims(|c| c.without(claim));
        cases.push(case("malformed", format!("{claim} absent"), "a required claim", &absent));
    }
    for (claim, raw, why) in [
        ("exp", "\"1767225655\"", "a string is no number"),
        ("exp", "null", "null is no number"),
        ("aud", r#"["01"]"#, "one phone, as a string"),
        ("aud", "\"phone\"", "not an id"),
        ("jti", "\"../7\"", "not an id"),
        ("match", "\"number\"", "an object"),
        ("match", r#"{"kind":"icon","digits":3}"#, "a way of matching that is not known cannot be shown"),
        ("match", r#"{"kind":"number"}"#, "digits are needed"),
        ("match", r#"{"kind":"number","digits":"3"}"#, "digits are a number"),
        ("context", r#"["ts07"]"#, "an object"),
    ] {
        let token = challenge().claims(|c| c.raw(claim, raw));
        cases.push(case("malformed", format!("{claim}: {raw}"), why, &token));
    }
    cases
}

#[rustfmt::skip] // a table: one case, one line
fn refused() -> Vec<Case> {
    let sound = challenge();
    let of = |verdict, name: &str, why: &str, claim: &str, raw: Value| case(verdict, name, why, &sound.claims(|c| c.value(claim, &raw)));
    let kid = |kid: &str| sound.header(|h| h.text("kid", kid));
    vec![
        of("refuse", "another issuer", "a phone answers the server that it enrolled with", "iss", json!("https://attacker.example")),
        of("refuse", "issuer with a slash behind", "compared as a string", "iss", json!(format!("{ISSUER}/"))),
        of("refuse", "made for another phone", "each phone has its own", "aud", json!(other_device_id().to_string())),
        of("refuse", "exp now", "dead from exp on", "exp", json!(NOW)),
        of("refuse", "exp past", "dead", "exp", json!(NOW - 1)),
        of("refuse", "exp zero", "dead", "exp", json!(0)),
        case("unknown-key", "kid unknown", "fetch the keys once", &kid("another")),
        case("unknown-key", "kid an address", "the keys come from the issuer alone", &kid("https://attacker.example/jwks.json")),
        case("unknown-key", "kid a path", "a name, never a file", &kid("../../server.key")),
        case("unknown-key", "kid absent", "no key is tried at random", &sound.header(|h| h.without("kid"))),
        case("unknown-key", "no key is known", "an empty set", &sound).with("server_keys", json!({"keys": []})),
        case("refuse", "kid of the retiring key", "signed by the active one", &kid(&retiring_kid())),
        case("refuse", "signed by the phone's own key", "only the server asks", &sound.by(&device_key())),
        case("refuse", "with a jwk", "a challenge does not bring its own key", &sound.header(|h| h.value("jwk", &server_key().jwk()))),
        case("refuse", "typ of a result", "a token of one type is no token of another", &sound.header(|h| h.text("typ", typ::RESULT))),
        case("refuse", "typ of a response", "a token of one type is no token of another", &sound.header(|h| h.text("typ", typ::RESPONSE))),
        Case::new("refuse", "another application under this signature", "one claim was changed").with("challenge", swapped(&sound)),
    ]
}

// The claims of one challenge under the signature of another.
fn swapped(sound: &Token) -> String {
    sound.claims(|c| c.text("app", "Payroll")).sealed(&sound.signature())
}
