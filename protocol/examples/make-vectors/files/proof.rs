//! DPoP proofs: the phone's credential (RFC 9449, section 4; contract section 2).

use gatematch_protocol::jws::typ;
use serde_json::{Value, json};

use super::key::{self, Key};
use super::object::Object;
use super::token::Token;
use super::world::{ISSUER, NOW, device_id, device_key, other_device_key};
use super::{Case, File, attack, jwk};

const PATH: &str = "/v1/devices/self/challenges";

/// The file `proof.json`.
pub(crate) fn file() -> File {
    let mut cases = accepted();
    cases.extend(times());
    cases.extend(ids());
    cases.extend(claims());
    cases.extend(targets());
    cases.extend(keys());
    cases.extend(attack::all("proof", &proof(), &other_device_key()));
    File {
        name: "proof.json",
        description: "DPoP proofs as a server receives them. Check `proof` for a request with `method` to `path` (as sent, \
            without query) at a server whose issuer is `issuer` and whose clock says `now`. Verdicts: `accept` (the proof \
            was made by the key with `thumbprint`, and its `jti` is to be spent); `malformed` and `refuse` (401 \
            credential-invalid, both); `stale` (401 stale-proof, with server_time). All cases are first uses of their jti.",
        source: "RFC 9449 section 4.3; RFC 7515; RFC 8725; wire contract sections 1 and 2; EN-06 and AP-05 of the security cases",
        shared: vec![
            ("keys", json!({"device": device_key().private_jwk(), "other_device": other_device_key().private_jwk()})),
            ("issuer", json!(ISSUER)),
            ("method", json!("GET")),
            ("path", json!(PATH)),
            ("now", json!(NOW)),
        ],
        cases,
    }
}

fn signed_by(key: &Key, jwk: &Value) -> Token {
    let header = Object::default().text("alg", "ES256").text("typ", typ::PROOF).value("jwk", jwk);
    let claims = Object::default()
        .text("jti", "Vn0z6tJbB2wq1nS8")
        .text("htm", "GET")
        .text("htu", format!("{ISSUER}{PATH}"))
        .number("iat", NOW);
    Token { header, claims, key: key.clone() }
}

fn proof() -> Token {
    signed_by(&device_key(), &device_key().jwk())
}

fn case(verdict: &'static str, name: &str, why: &str, token: &Token) -> Case {
    finished(Case::new(verdict, name, why).with("proof", token.signed()), verdict, &token.key)
}

fn finished(case: Case, verdict: &'static str, key: &Key) -> Case {
    if verdict == "accept" { case.with("thumbprint", key.public().thumbprint()) } else { case }
}

#[rustfmt::skip] // a table: one case, one line
fn accepted() -> Vec<Case> {
    let sound = proof();
    let with = |name: &str, raw: &str| {
        let mut jwk = device_key().jwk();
        if let (Some(members), Ok(value)) = (jwk.as_object_mut(), serde_json::from_str::<Value>(raw)) {
            members.insert(name.to_owned(), value);
        }
        signed_by(&device_key(), &jwk)
    };
    let twin = Case::new("accept", "the malleable twin", "(r, n - s) is valid too; replay is stopped by jti")
        .with("proof", sound.sealed(&key::twin(&sound.signature())));
    let post = sound.claims(|c| c.text("htm", "POST").text("htu", format!("{ISSUER}/v1/devices")));
    let escaped = sound.claims(|c| c.text("htu", format!("{ISSUER}/v1/users/a%2fb/devices")));
    vec![
        case("accept", "sound", "as a phone makes it", &sound),
        finished(twin, "accept", &device_key()),
        case("accept", "another method and path", "as at enrollment", &post).with("method", "POST").with("path", "/v1/devices"),
        case("accept", "path with an escape", "the path as sent, not decoded", &escaped).with("path", "/v1/users/a%2fb/devices"),
        case("accept", "unknown claims", "they are ignored", &sound.claims(|c| c.text("ath", "x").raw("x", "[1]"))),
        case("accept", "unknown header member", "it is ignored", &sound.header(|h| h.text("x5t", "AA").raw("x", "{}"))),
        case("accept", "kid beside jwk", "it is ignored: the key counts", &sound.header(|h| h.text("kid", "../../etc/passwd"))),
        case("accept", "jwk with ext", "WebCrypto exports it", &with("ext", "true")),
        case("accept", "jwk with key_ops", "WebCrypto exports it", &with("key_ops", r#"["verify"]"#)),
        case("accept", "jwk with use, a public parameter", "RFC 7517, 4.2", &with("use", "\"sig\"")),
        case(
            "accept",
            "a key whose x begins with zero",
            "32 bytes all the same",
            &signed_by(&Key::with_short_x(), &Key::with_short_x().jwk()),
        ),
    ]
}

#[rustfmt::skip] // a table: one case, one line
fn times() -> Vec<Case> {
    let at = |verdict, iat: &str, why| case(verdict, &format!("iat {iat}"), why, &proof().claims(|c| c.raw("iat", iat)));
    vec![
        at("accept", &(NOW - 60).to_string(), "60 s old, still within"),
        at("accept", &(NOW + 60).to_string(), "60 s ahead, still within"),
        at("accept", &format!("{}.25", NOW - 30), "NumericDate may have a fraction (RFC 7519, 2)"),
        at("stale", &(NOW - 61).to_string(), "61 s old"),
        at("stale", &(NOW + 61).to_string(), "61 s ahead"),
        at("stale", &format!("{}.5", NOW - 61), "more than 60 s old"),
        at("stale", &(NOW - 3_600).to_string(), "a clock that is an hour slow"),
        at("stale", &(NOW * 1_000).to_string(), "milliseconds, not seconds"),
        at("stale", "0", "the epoch"),
        at("stale", "-1", "before the epoch"),
        at("stale", "9223372036854775807", "no overflow"),
        at("stale", "-9223372036854775808", "no overflow"),
        at("stale", "18446744073709551615", "no overflow"),
        at("stale", "1e300", "no overflow"),
        at("malformed", "1e400", "no number that can be held"),
        at("malformed", &format!("\"{NOW}\""), "a string is no number"),
        at("malformed", "null", "null is no number"),
        at("malformed", "true", "a boolean is no number"),
        case("malformed", "iat absent", "it is required", &proof().claims(|c| c.without("iat"))),
    ]
}

#[rustfmt::skip] // a table: one case, one line
fn ids() -> Vec<Case> {
    let with = |verdict, name, why, jti: String| case(verdict, name, why, &proof().claims(|c| c.text("jti", jti)));
    vec![
        with("accept", "jti of 1 character", "the shortest", "x".to_owned()),
        with("accept", "jti of 128 characters", "the longest", "x".repeat(128)),
        with("accept", "jti of 128 characters of three bytes", "characters count, not bytes", "\u{20ac}".repeat(128)),
        with("malformed", "jti of 129 characters", "one too many", "x".repeat(129)),
        with("malformed", "jti empty", "one too few", String::new()),
        case("malformed", "jti absent", "it is required", &proof().claims(|c| c.without("jti"))),
        case("malformed", "jti null", "null is no string", &proof().claims(|c| c.raw("jti", "null"))),
        case("malformed", "jti a number", "it is a string", &proof().claims(|c| c.raw("jti", "7"))),
        case("malformed", "jti a list", "it is a string", &proof().claims(|c| c.raw("jti", r#"["x"]"#))),
    ]
}

fn claims() -> Vec<Case> {
    let mut cases = Vec::new();
    for claim in ["htm", "htu"] {
        for (what, raw) in [("absent", ""), ("null", "null"), ("a number", "7")] {
            let token =
                proof().claims(|claims| if raw.is_empty() { claims.without(claim) } else { claims.raw(claim, raw) });
            cases.push(case("malformed", &format!("{claim} {what}"), "it is a required string", &token));
        }
    }
    cases
}

#[rustfmt::skip] // a table: one case, one line
fn targets() -> Vec<Case> {
    let mut cases = Vec::new();
    for (htm, why) in [("get", "case matters"), ("POST", "another method"), ("GET ", "compared as a string"), ("", "another method")] {
        let token = proof().claims(|c| c.text("htm", htm));
        cases.push(case("refuse", &format!("htm {htm:?}"), why, &token));
    }
    for (htu, why) in [
        (format!("{ISSUER}{PATH}/"), "a slash behind"),
        (format!("{ISSUER}/{PATH}"), "a slash too many"),
        (format!("{ISSUER}{PATH}?wait=30"), "the query is not part of it"),
        (format!("{ISSUER}{PATH}?"), "not even an empty query"),
        (format!("{ISSUER}{PATH}#x"), "nor a fragment"),
        (format!("{ISSUER}/V1/devices/self/challenges"), "case matters in the path"),
        (format!("{ISSUER}/v1/devices/%73elf/challenges"), "no escapes are undone"),
        (format!("{ISSUER}/v1/x/../devices/self/challenges"), "no dots are resolved"),
        (format!("https://MFA.example.com{PATH}"), "compared as a string, also the host"),
        (format!("https://mfa.example.com:443{PATH}"), "no default port is added or dropped"),
        (format!("https://mfa.example.com.{PATH}"), "no root dot either"),
        (format!("http://mfa.example.com{PATH}"), "another scheme"),
        (format!("https://attacker.example{PATH}"), "another server"),
        (format!("https://mfa.example.com@attacker.example{PATH}"), "another server"),
        (format!("http://127.0.0.1:8080{PATH}"), "the listen address plays no part"),
        (format!("{ISSUER}/v1/devices/self"), "another path"),
        (format!(" {ISSUER}{PATH}"), "nothing is trimmed"),
        (PATH.to_owned(), "without the issuer"),
        (ISSUER.to_owned(), "without the path"),
        (String::new(), "nothing"),
    ] {
        let token = proof().claims(|c| c.text("htu", &htu));
        cases.push(case("refuse", &format!("htu {htu:?}"), why, &token));
    }
    cases
}

#[rustfmt::skip] // a table: one case, one line
fn keys() -> Vec<Case> {
    let bare = proof().header(|h| h.without("jwk"));
    let mut cases = vec![
        case("refuse", "jwk absent", "the proof carries its key", &bare),
        case("refuse", "kid in place of jwk", "the proof carries its key", &bare.header(|h| h.text("kid", device_id().to_string()))),
        case("refuse", "jwk null", "not a key", &proof().header(|h| h.raw("jwk", "null"))),
        case("refuse", "jwk as a text", "not an object", &proof().header(|h| h.text("jwk", device_key().jwk().to_string()))),
        case("refuse", "jwk of another phone", "signed by another key than it carries", &proof().by(&other_device_key())),
    ];
    for (_, name, why, jwk) in jwk::unsound() {
        let token = signed_by(&device_key(), &jwk);
        cases.push(case("refuse", &format!("jwk: {name}"), why, &token));
    }
    cases
}
