//! Public keys as a phone sends them at enrollment (contract section 4; EN-05).

use gatematch_protocol::base64url;
use serde_json::{Value, json};

use super::key::{self, Key};
use super::world::device_key;
use super::{Case, File};

/// The file `jwk.json`.
pub(crate) fn file() -> File {
    let mut cases = sound();
    cases.extend(unsound().into_iter().map(|(verdict, name, why, jwk)| Case::new(verdict, name, why).with("jwk", jwk)));
    for (name, value) in [
        ("ext", json!(true)),
        ("key_ops", json!(["verify"])),
        ("use", json!("sig")),
        ("alg", json!("ES256")),
        ("kid", json!("x")),
    ] {
        let why = "only kty, crv, x and y; in the header of a proof it would be ignored";
        cases.push(Case::new("malformed", format!("a public parameter: {name}"), why).with("jwk", with(name, value)));
    }
    File {
        name: "jwk.json",
        description: "The member `public_key` of POST /v1/devices. Verdicts: `accept` (with the uncompressed SEC1 point in hex \
            as `sec1`); `malformed` (400 malformed-body: other members, key type or curve); `invalid-key` (422 invalid-key: \
            coordinates that are not 32 bytes in canonical base64url); `refuse` (a point that is not on the curve: 401, as no \
            proof by it can hold).",
        source: "RFC 7517; RFC 7518 section 6.2; RFC 7515 appendix A.3 and RFC 6979 appendix A.2.5 (keys); wire contract section 4; \
            EN-05 of the security cases",
        shared: vec![("keys", json!({"device": device_key().private_jwk()}))],
        cases,
    }
}

fn with(name: &str, value: Value) -> Value {
    let mut jwk = device_key().jwk();
    if let Some(members) = jwk.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    jwk
}

fn without(name: &str) -> Value {
    let mut jwk = device_key().jwk();
    if let Some(members) = jwk.as_object_mut() {
        members.remove(name);
    }
    jwk
}

fn point(x: &str, y: &str) -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": base64url::encode(key::bytes(x)), "y": base64url::encode(key::bytes(y))})
}

/// The y of the point with x = 0.
const Y_AT_ZERO: &str = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";

const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[rustfmt::skip] // a table: one case, one line
fn sound() -> Vec<Case> {
    let rfc_7515 = json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let rfc_6979 = Key::from_private(&key::bytes("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"));
    let generator = Key::from_private(&key::bytes("0000000000000000000000000000000000000000000000000000000000000001"));
    let at_zero = format!("04{ZERO}{Y_AT_ZERO}");
    let of = |name, why, key: &Key| Case::new("accept", name, why).with("jwk", key.jwk()).with("sec1", key::hex(&key.public().to_sec1()));
    vec![
        of("sound", "as a phone makes it", &device_key()),
        of("x begins with a zero byte", "32 bytes all the same", &Key::with_short_x()),
        of("RFC 6979, A.2.5", "a published key", &rfc_6979),
        of("the base point", "a point like any other", &generator),
        Case::new("accept", "RFC 7515, A.3", "a published key").with("jwk", rfc_7515).with(
            "sec1",
            "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a46232885 88e5ad"
                .replace(' ', ""),
        ),
        Case::new("accept", "x is zero", "a point of the curve, if an odd one").with("jwk", point(ZERO, Y_AT_ZERO)).with("sec1", at_zero),
    ]
}

/// JWKs that are no key, here and in the header of a proof.
#[rustfmt::skip] // a table: one case, one line
pub(crate) fn unsound() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let x = |bytes: &[u8]| with("x", json!(base64url::encode(bytes)));
    let own_x = device_key().jwk().get("x").and_then(Value::as_str).unwrap_or_default().to_owned();
    let short = Key::with_short_x().public().to_sec1();
    let mut stripped = Key::with_short_x().jwk();
    if let Some(x) = stripped.get_mut("x") {
        *x = json!(base64url::encode(&short[2..33]));
    }
    let rsa = json!({"kty": "RSA", "n": base64url::encode([0xc5; 256]), "e": "AQAB"});
    let mut found = vec![
        ("malformed", "with d", "a private key is never sent, stored or logged", device_key().private_jwk()),
        ("malformed", "with d null", "not even the name", with("d", Value::Null)),
        ("malformed", "with x5c", "another member", with("x5c", json!(["MIIB"]))),
        ("malformed", "with an unknown member", "another member", with("oth", json!([]))),
        ("malformed", "RSA", "another key type", rsa),
        ("malformed", "oct", "a shared secret is no public key", json!({"kty": "oct", "k": "AAAA"})),
        ("malformed", "Ed25519", "another key type", json!({"kty": "OKP", "crv": "Ed25519", "x": own_x})),
        ("malformed", "kty ec", "case matters", with("kty", json!("ec"))),
        ("malformed", "crv P-384", "another curve", with("crv", json!("P-384"))),
        ("malformed", "crv P-521", "another curve", with("crv", json!("P-521"))),
        ("malformed", "crv secp256k1", "another curve, of the same size", with("crv", json!("secp256k1"))),
        ("malformed", "crv p-256", "case matters", with("crv", json!("p-256"))),
        ("malformed", "x a number", "it is a string", with("x", json!(7))),
        ("malformed", "y null", "it is a string", with("y", Value::Null)),
        ("malformed", "without kty", "it is required", without("kty")),
        ("malformed", "without y", "no compressed points", without("y")),
        ("malformed", "a list of the four values", "it is an object", json!(["EC", "P-256", own_x, own_x])),
        ("malformed", "a string", "it is an object", json!(device_key().jwk().to_string())),
        ("malformed", "null", "it is an object", Value::Null),
    ];
    found.extend([
        ("invalid-key", "x of 31 bytes", "32 are needed", x(&[1; 31])),
        ("invalid-key", "x of 33 bytes, a zero before", "no byte is dropped", x(&[&[0], &short[33..]].concat())),
        ("invalid-key", "x without its leading zero", "32 bytes all the same (RFC 7518, 6.2.1.2)", stripped),
        ("invalid-key", "x of 48 bytes", "the size of another curve", x(&[1; 48])),
        ("invalid-key", "x empty", "32 bytes are needed", with("x", json!(""))),
        ("invalid-key", "x padded", "no padding", with("x", json!(format!("{own_x}=")))),
        ("invalid-key", "x in hex", "base64url is needed", with("x", json!(key::hex(&short[1..33])))),
        ("invalid-key", "x in the other alphabet", "+ and / are not base64url", with("x", json!("+/".repeat(21) + "A"))),
        ("invalid-key", "x with a stray bit", "one text for one value", with("x", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"))),
        ("invalid-key", "x with a line feed", "no white space", with("x", json!(format!("{own_x}\n")))),
        ("refuse", "(0, 0)", "not a point of the curve", point(ZERO, ZERO)),
        ("refuse", "off the curve", "the y of another x", with("x", json!(base64url::encode([1; 32])))),
        ("refuse", "x above the field's prime", "the point with x = 0, written as x = p", point(key::PRIME, Y_AT_ZERO)),
        ("refuse", "all ones", "above the field's prime", point(&"ff".repeat(32), &"ff".repeat(32))),
    ]);
    found
}
