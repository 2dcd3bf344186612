//! Signed results as a gateway receives them (contract section 6.3).

use gatematch_protocol::jws::typ;
use serde_json::{Value, json};

use super::key;
use super::object::Object;
use super::token::Token;
use super::world::{
    ISSUER, NOW, USER, challenge_id, device_id, device_key, gateway_id, header, other_challenge_id, other_gateway_id,
    retiring_key, retiring_kid, server_key, server_keys, server_kid,
};
use super::{Case, File, attack};

/// The file `result.json`.
pub(crate) fn file() -> File {
    let mut cases = accepted();
    cases.extend(malformed());
    cases.extend(refused());
    cases.extend(attack::all("result", &result(), &device_key()));
    File {
        name: "result.json",
        description: "Signed results as a gateway receives them from redeem. The gateway is `gateway_id`; it made the challenge \
            `challenge_id`, and the server answered that it is for `user`; it trusts `issuer` with `server_keys`, and its clock says \
            `now`. Verdicts: `accept` (let in; `claims` are what the payload says, as far as it is known); `unknown-key` (fetch the \
            server's keys once, try again, then refuse); `malformed` and `refuse` (let nobody in). A gateway may treat the last three alike.",
        source: "RFC 7515; RFC 7519; RFC 8176; RFC 8725; wire contract sections 1, 2 and 6.3; CH-05 and AP-05 of the security cases",
        shared: vec![
            (
                "keys",
                json!({"server": server_key().private_jwk(), "server_retiring": retiring_key().private_jwk(), "device": device_key().private_jwk()}),
            ),
            ("issuer", json!(ISSUER)),
            ("gateway_id", json!(gateway_id().to_string())),
            ("challenge_id", json!(challenge_id().to_string())),
            ("user", json!(USER)),
            ("server_keys", server_keys()),
            ("now", json!(NOW)),
        ],
        cases,
    }
}

fn result() -> Token {
    let claims = Object::default()
        .text("iss", ISSUER)
        .text("aud", gateway_id().to_string())
        .text("sub", USER)
        .text("jti", challenge_id().to_string())
        .number("iat", NOW)
        .number("exp", NOW + 60)
        .text("method", "push")
        .raw("amr", r#"["swk","user"]"#)
        .raw("number_match", "true")
        .text("display", "gateway")
        .text("device", device_id().to_string());
    Token { header: header(typ::RESULT, &server_kid()), claims, key: server_key() }
}

fn case(verdict: &'static str, name: impl Into<String>, why: &str, token: &Token) -> Case {
    Case::new(verdict, name, why).with("result", token.signed())
}

fn let_in(name: &str, why: &str, token: &Token) -> Case {
    let claims: Value = serde_json::from_str(&token.claims.clone().without("x").to_string()).unwrap_or_default();
    case("accept", name, why, token).with("claims", claims)
}

#[rustfmt::skip] // a table: one case, one line
fn accepted() -> Vec<Case> {
    let sound = result();
    let twin =
        Case::new("accept", "the malleable twin", "(r, n - s) is valid too").with("result", sound.sealed(&key::twin(&sound.signature())));
    let bypass = sound
        .claims(|c| c.text("method", "bypass").raw("amr", "[]").raw("number_match", "false").text("display", "none").without("device"));
    let retiring = sound.header(|h| h.text("kid", retiring_kid())).by(&retiring_key());
    vec![
        let_in("by push with a number", "as a server makes it", &sound),
        twin.with("claims", serde_json::from_str::<Value>(&sound.claims.to_string()).unwrap_or_default()),
        let_in("by bypass", "no phone took part", &bypass),
        let_in("by a one-time code", "another factor", &bypass.claims(|c| c.text("method", "totp").raw("amr", r#"["otp"]"#))),
        let_in("by the retiring key", "every key of the set counts", &retiring),
        let_in("unknown claim", "it is ignored: later versions add some", &sound.claims(|c| c.raw("x", "{}"))),
        let_in("unknown header member", "it is ignored", &sound.header(|h| h.text("x5t", "AA"))),
        let_in("one second left", "alive until exp", &sound.claims(|c| c.number("exp", NOW + 1))),
        let_in("iat ahead of the gateway's clock", "only exp is checked", &sound.claims(|c| c.number("iat", NOW + 5))),
    ]
}

#[rustfmt::skip] // a table: one case, one line
fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for claim in ["iss", "aud", "sub", "jti", "iat", "exp", "method", "amr", "number_match", "display"] {
        let absent = result().claims(|c| c.without(claim));
        cases.push(case("malformed", format!("{claim} absent"), "a required claim", &absent));
    }
    for (claim, raw, why) in [
        ("exp", "\"1767225660\"", "a string is no number"),
        ("exp", "null", "null is no number"),
        ("sub", "null", "nobody"),
        ("sub", r#"["ada"]"#, "one user, as a string"),
        ("jti", "7", "not an id"),
        ("aud", "\"*\"", "not an id"),
        ("amr", "\"swk\"", "a list"),
        ("number_match", "\"true\"", "a boolean"),
        ("number_match", "1", "a boolean"),
        ("device", "7", "not an id"),
    ] {
        let token = result().claims(|c| c.raw(claim, raw));
        cases.push(case("malformed", format!("{claim}: {raw}"), why, &token));
    }
    cases
}

#[rustfmt::skip] // a table: one case, one line
fn refused() -> Vec<Case> {
    let sound = result();
    let of = |name: &str, why: &str, claim: &str, raw: Value| case("refuse", name, why, &sound.claims(|c| c.value(claim, &raw)));
    let kid = |kid: &str| sound.header(|h| h.text("kid", kid));
    vec![
        of("another issuer", "a gateway believes its own server alone", "iss", json!("https://attacker.example")),
        of("issuer with a slash behind", "compared as a string", "iss", json!(format!("{ISSUER}/"))),
        of("for another gateway", "redeemed by somebody else", "aud", json!(other_gateway_id().to_string())),
        of("for another challenge", "another login (CH-05)", "jti", json!(other_challenge_id().to_string())),
        of("for another user", "the gateway lets in whom it asked for", "sub", json!("bob")),
        of("user in upper case", "the server's canonical name, compared as a string", "sub", json!("ADA")),
        of("user with a domain", "the server's canonical name, compared as a string", "sub", json!("CORP\\ada")),
        of("user empty", "nobody", "sub", json!("")),
        of("exp now", "dead from exp on", "exp", json!(NOW)),
        of("exp past", "dead", "exp", json!(NOW - 1)),
        case("unknown-key", "kid unknown", "fetch the keys once", &kid("another")),
        case("unknown-key", "kid a path", "a name, never a file", &kid("../../server.key")),
        case("unknown-key", "kid absent", "no key is tried at random", &sound.header(|h| h.without("kid"))),
        case("refuse", "kid of the retiring key", "signed by the active one", &kid(&retiring_kid())),
        case("refuse", "signed by the phone's key", "only the server lets in", &sound.by(&device_key())),
        case("refuse", "with a jwk", "a result does not bring its own key", &sound.header(|h| h.value("jwk", &server_key().jwk()))),
        case(
            "refuse",
            "typ of a challenge",
            "a token of one type is no token of another",
            &sound.header(|h| h.text("typ", typ::CHALLENGE)),
        ),
        case("refuse", "typ of a response", "a token of one type is no token of another", &sound.header(|h| h.text("typ", typ::RESPONSE))),
    ]
}
