//! Signed responses as a server receives them (contract section 6.2).

use gatematch_protocol::jws::typ;
use gatematch_protocol::response::challenge_digest;
use serde_json::{Value, json};

use super::key;
use super::object::Object;
use super::token::Token;
use super::world::{
    self, ISSUER, NOW, challenge, challenge_id, device_id, device_key, header, other_challenge_id, other_device_id,
    other_device_key,
};
use super::{Case, File, attack};

/// The file `response.json`.
pub(crate) fn file() -> File {
    let mut cases = accepted();
    cases.extend(wrong_types());
    cases.extend(wrong_words());
    cases.extend(signers());
    cases.extend(wrong_challenges());
    cases.extend(attack::all("response", &response(), &other_device_key()));
    cases.push(carried_key());
    File {
        name: "response.json",
        description: "Signed responses as a server receives them at POST /v1/challenges/{challenge_id}/response. `challenge` is the \
            signed challenge that was made for the phone `device_id`, whose registered key is `device_jwk`; the server's issuer is \
            `issuer`. Verdicts: `accept` (believed; `decision`, `number` and `uv` are what it says: whether the number is right is \
            then for the state of the challenge); `malformed` (400 malformed-response); `refuse` (401 response-not-authentic); \
            `wrong-challenge` (422 wrong-challenge). Nothing but `accept` changes or counts anything.",
        source: "RFC 7515; RFC 7518 section 3.4; RFC 7519; RFC 8725; wire contract sections 1, 2 and 6.2; AP-03 and AP-05 of the security cases",
        shared: vec![
            ("keys", json!({"device": device_key().private_jwk(), "other_device": other_device_key().private_jwk()})),
            ("issuer", json!(ISSUER)),
            ("challenge_id", json!(challenge_id().to_string())),
            ("challenge", json!(challenge().signed())),
            ("device_id", json!(device_id().to_string())),
            ("device_jwk", device_key().jwk()),
        ],
        cases,
    }
}

fn response() -> Token {
    let claims = Object::default()
        .text("iss", device_id().to_string())
        .text("aud", ISSUER)
        .text("jti", challenge_id().to_string())
        .number("iat", NOW)
        .text("challenge", challenge_digest(&challenge().signed()))
        .text("decision", "approve")
        .text("number", "047")
        .text("uv", "biometric");
    Token { header: header(typ::RESPONSE, &device_id().to_string()), claims, key: device_key() }
}

fn case(verdict: &'static str, name: impl Into<String>, why: &str, token: &Token) -> Case {
    Case::new(verdict, name, why).with("response", token.signed())
}

fn believed(name: &str, why: &str, token: &Token, says: (&str, Option<&str>, Option<&str>)) -> Case {
    let (decision, number, uv) = says;
    case("accept", name, why, token).with("decision", decision).with("number", json!(number)).with("uv", json!(uv))
}

#[rustfmt::skip] // a table: one case, one line
fn accepted() -> Vec<Case> {
    let (sound, all) = (response(), ("approve", Some("047"), Some("biometric")));
    let bare = sound.claims(|c| c.without("number").without("uv"));
    let decided = |decision: &'static str| bare.claims(|c| c.text("decision", decision));
    let twin = Case::new("accept", "the malleable twin", "(r, n - s) is valid too; replay is stopped by the state")
        .with("response", sound.sealed(&key::twin(&sound.signature())));
    vec![
        believed("approve with number and biometric", "as a phone makes it", &sound, all),
        twin.with("decision", "approve").with("number", "047").with("uv", "biometric"),
        believed("approve with pin", "the phone's own word", &sound.claims(|c| c.text("uv", "pin")), ("approve", Some("047"), Some("pin"))),
        believed(
            "approve with uv none",
            "the phone's own word",
            &sound.claims(|c| c.text("uv", "none")),
            ("approve", Some("047"), Some("none")),
        ),
        believed("approve without number and uv", "both are optional here", &bare, ("approve", None, None)),
        believed("number null", "the same as absent", &bare.claims(|c| c.raw("number", "null")), ("approve", None, None)),
        believed("uv null", "the same as absent", &bare.claims(|c| c.raw("uv", "null")), ("approve", None, None)),
        believed(
            "number of six digits",
            "a string keeps its zeros",
            &bare.claims(|c| c.text("number", "000042")),
            ("approve", Some("000042"), None),
        ),
        believed(
            "number with letters",
            "its form is judged later (422)",
            &bare.claims(|c| c.text("number", "4x7")),
            ("approve", Some("4x7"), None),
        ),
        believed("deny", "no number is needed", &decided("deny"), ("deny", None, None)),
        believed("report", "no number is needed", &decided("report"), ("report", None, None)),
        believed(
            "deny with a number",
            "it is ignored",
            &sound.claims(|c| c.text("decision", "deny")),
            ("deny", Some("047"), Some("biometric")),
        ),
        believed("unknown claims", "they are ignored", &sound.claims(|c| c.raw("x", r#"{"a":[1,2]}"#).raw("exp", "1")), all),
        believed("unknown header member", "it is ignored", &sound.header(|h| h.text("x5t", "AA").raw("x", "{}")), all),
        believed("iat of yesterday", "recorded, not checked", &sound.claims(|c| c.number("iat", NOW - 86_400)), all),
        believed("iat with a fraction", "NumericDate may have one (RFC 7519, 2)", &sound.claims(|c| c.raw("iat", format!("{NOW}.5"))), all),
        believed("iat far beyond any clock", "recorded, not checked: no overflow", &sound.claims(|c| c.raw("iat", "1e300")), all),
        believed(
            "claims in another order",
            "order has no meaning",
            &sound.claims(|c| c.without("iss").text("iss", device_id().to_string())),
            all,
        ),
        believed("names with escapes", "the same names", &sound.claims(|c| c.without("decision").text("\\u0064ecision", "approve")), all),
    ]
}

#[rustfmt::skip] // a table: one case, one line
fn wrong_types() -> Vec<Case> {
    let mut cases = Vec::new();
    for claim in ["iss", "aud", "jti", "iat", "challenge", "decision"] {
        for (what, raw) in [("absent", ""), ("null", "null"), ("a boolean", "true"), ("a list", r#"["x"]"#), ("an object", "{}")] {
            let token = response().claims(|c| if raw.is_empty() { c.without(claim) } else { c.raw(claim, raw) });
            cases.push(case("malformed", format!("{claim} {what}"), "a required claim of one type", &token));
        }
    }
    for (claim, raw) in [
        ("iss", "7"),
        ("aud", "7"),
        ("jti", "7"),
        ("challenge", "7"),
        ("decision", "1"),
        ("iat", "\"1767225600\""),
        ("iat", "\"2026-01-01T00:00:00Z\""),
        ("aud", r#"["https://mfa.example.com"]"#),
        ("number", "47"),
        ("number", "[0,4,7]"),
        ("number", "false"),
        ("uv", "true"),
        ("uv", r#"["biometric"]"#),
    ] {
        let token = response().claims(|c| c.raw(claim, raw));
        cases.push(case("malformed", format!("{claim}: {raw}"), "another type", &token));
    }
    let denied = response().claims(|c| c.text("decision", "deny").raw("number", "47"));
    cases.push(case("malformed", "number a number on deny", "wrong types are refused before anything is ignored", &denied));
    cases
}

fn wrong_words() -> Vec<Case> {
    ["Approve", "approved", "allow", "approve ", "cancel", ""]
        .into_iter()
        .map(|word| {
            let token = response().claims(|c| c.text("decision", word));
            case("malformed", format!("decision {word:?}"), "approve, deny or report", &token)
        })
        .chain([case(
            "malformed",
            "uv \"face\"",
            "biometric, pin or none",
            &response().claims(|c| c.text("uv", "face")),
        )])
        .collect()
}

#[rustfmt::skip] // a table: one case, one line
fn signers() -> Vec<Case> {
    let (own, other) = (device_id().to_string(), other_device_id().to_string());
    let kid = |kid: &str| response().header(|h| h.text("kid", kid));
    let both = |name: &str| kid(name).claims(|c| c.text("iss", name));
    vec![
        case("refuse", "kid absent", "it names the phone", &response().header(|h| h.without("kid"))),
        case("refuse", "kid null", "it names the phone", &response().header(|h| h.raw("kid", "null"))),
        case("refuse", "kid a number", "it names the phone", &response().header(|h| h.raw("kid", "7"))),
        case("refuse", "kid a path", "a name, never a file", &kid("../../../../dev/null")),
        case("refuse", "kid and iss a path", "a name, never a file", &both("../../../../dev/null")),
        case("refuse", "kid and iss an address", "a name, never fetched", &both("https://attacker.example/key")),
        case("refuse", "kid and iss with SQL", "a name, never a query", &both("x' OR '1'='1")),
        case("refuse", "kid and iss in upper case", "ids have one form", &both(&own.to_uppercase())),
        case("refuse", "kid and iss without hyphens", "ids have one form", &both(&own.replace('-', ""))),
        case("refuse", "kid and iss in braces", "ids have one form", &both(&format!("{{{own}}}"))),
        case("refuse", "kid and iss empty", "no phone has that name", &both("")),
        case("refuse", "kid of another phone", "kid and iss must be one", &kid(&other)),
        case("refuse", "iss of another phone", "kid and iss must be one", &response().claims(|c| c.text("iss", &other))),
        case("refuse", "kid and iss of another phone", "signed by this one's key", &both(&other))
            .with("device_id", other)
            .with("device_jwk", other_device_key().jwk()),
        case("refuse", "signed by the server's key", "not this phone's", &response().by(&world::server_key())),
        case(
            "refuse",
            "typ of a challenge",
            "a token of one type is no token of another",
            &response().header(|h| h.text("typ", typ::CHALLENGE)),
        ),
        case("refuse", "typ of a proof", "a token of one type is no token of another", &response().header(|h| h.text("typ", typ::PROOF))),
        case(
            "refuse",
            "typ with application/ before",
            "compared as a string",
            &response().header(|h| h.text("typ", format!("application/{}", typ::RESPONSE))),
        ),
    ]
}

fn carried_key() -> Case {
    let token = response().header(|h| h.value("jwk", &device_key().jwk()));
    case("refuse", "a jwk, even the right one", "a response does not bring its own key", &token)
}

#[rustfmt::skip] // a table: one case, one line
fn wrong_challenges() -> Vec<Case> {
    let of = |name: &str, why: &str, claim: &str, value: String| {
        case("wrong-challenge", name, why, &response().claims(|c| c.text(claim, value)))
    };
    let digest = challenge_digest(&challenge().signed());
    let for_other = challenge().claims(|c| c.text("aud", other_device_id().to_string())).signed();
    let unsigned: Value = json!(challenge().signing_input());
    vec![
        of("aud of another server", "signed for somebody else", "aud", "https://other.example.com".to_owned()),
        of("aud with a slash behind", "compared as a string", "aud", format!("{ISSUER}/")),
        of("aud in upper case", "compared as a string", "aud", ISSUER.to_uppercase()),
        of("aud empty", "signed for nobody", "aud", String::new()),
        of("jti of another challenge", "signed for another login (AP-03)", "jti", other_challenge_id().to_string()),
        of("jti in upper case", "ids have one form", "jti", challenge_id().to_string().to_uppercase()),
        of("jti empty", "signed for no login", "jti", String::new()),
        of("challenge made for another phone", "each phone has its own", "challenge", challenge_digest(&for_other)),
        of("challenge digest padded", "one text for one value", "challenge", format!("{digest}=")),
        of(
            "challenge digest of the unsigned part",
            "the whole JWS is hashed",
            "challenge",
            challenge_digest(unsigned.as_str().unwrap_or_default()),
        ),
        of("challenge itself in place of its digest", "the digest is asked for", "challenge", challenge().signed()),
        of("challenge empty", "nothing was answered", "challenge", String::new()),
    ]
}
