//! ES256 signatures by themselves, whatever the token says (RFC 7518, section 3.4).

use gatematch_protocol::base64url;
use serde_json::{Value, json};

use super::key::{self, Key};
use super::object::Object;
use super::token::Token;
use super::world::{device_key, other_device_key};
use super::{Case, File};

// RFC 7515, appendix A.3.
const RFC_INPUT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RFC_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// The file `signature.json`.
pub(crate) fn file() -> File {
    let mut cases = published();
    cases.extend(made());
    File {
        name: "signature.json",
        description: "Whether the signature of the compact JWS `jws` holds under `jwk`, by ES256, without a look at its header or claims. \
            Verdicts: `accept`; `refuse` (it does not hold); `malformed` (not a canonical compact JWS).",
        source: "RFC 7515 appendix A.3; RFC 7518 section 3.4; RFC 6979; FIPS 186-5; CVE-2022-21449",
        shared: vec![(
            "keys",
            json!({"device": device_key().private_jwk(), "other_device": other_device_key().private_jwk()}),
        )],
        cases,
    }
}

fn rfc_jwk() -> Value {
    json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
}

#[rustfmt::skip] // a table: one case, one line
fn published() -> Vec<Case> {
    let signature = base64url::decode(RFC_SIGNATURE).unwrap_or_default();
    let sealed = |signature: &[u8]| format!("{RFC_INPUT}.{}", base64url::encode(signature));
    let of = |verdict, name, why, jws: String| Case::new(verdict, name, why).with("jws", jws).with("jwk", rfc_jwk());
    vec![
        of("accept", "RFC 7515, A.3", "the published example; its s is in the upper half", sealed(&signature)),
        of("accept", "RFC 7515, A.3, its twin", "s in the lower half", sealed(&key::twin(&signature))),
        of("refuse", "RFC 7515, A.3, in DER", "r || s only", sealed(&key::der(&signature))),
        of(
            "refuse",
            "RFC 7515, A.3, one character of the payload changed",
            "other bytes",
            sealed(&signature).replacen(".eyJpc3MiOiJqb2Ui", ".eyJpc3MiOiJqb2Yi", 1),
        ),
        of("malformed", "RFC 7515, A.3, padded", "no padding", format!("{}==", sealed(&signature))),
        of(
            "malformed",
            "RFC 7515, A.3, respelled",
            "the last character has bits that no byte takes",
            sealed(&signature).replace("U1Q", "U1R"),
        ),
        Case::new("refuse", "RFC 7515, A.3, under another key", "somebody else")
            .with("jws", sealed(&signature))
            .with("jwk", device_key().jwk()),
    ]
}

fn token(number: u32) -> Token {
    let header = Object::default().text("alg", "ES256");
    Token { header, claims: Object::default().number("n", number), key: device_key() }
}

// The first token of a row whose signature is so.
fn first(such: impl Fn(&[u8]) -> bool) -> Token {
    let mut row = (0..1_000_000).map(token);
    row.find(|token| such(&token.signature())).unwrap_or_else(|| token(0))
}

#[rustfmt::skip] // a table: one case, one line
fn made() -> Vec<Case> {
    let of = |verdict, name, why, jws: String| Case::new(verdict, name, why).with("jws", jws).with("jwk", device_key().jwk());
    let (high, low) = (first(key::is_high), first(|signature| !key::is_high(signature)));
    let short_r = first(|signature| signature.first() == Some(&0));
    let short_s = first(|signature| signature.get(32) == Some(&0));
    let stripped = |place: usize, token: &Token| {
        let mut signature = token.signature();
        signature.remove(place);
        token.sealed(&signature)
    };
    let off = json!({"kty": "EC", "crv": "P-256", "x": base64url::encode([1; 32]), "y": base64url::encode([1; 32])});
    let zero = json!({"kty": "EC", "crv": "P-256", "x": base64url::encode([0; 32]), "y": base64url::encode([0; 32])});
    vec![
        of("accept", "s in the upper half", "valid in JWS", high.signed()),
        of("accept", "s in the lower half", "valid", low.signed()),
        of("accept", "r with a leading zero byte", "32 bytes each", short_r.signed()),
        of("accept", "s with a leading zero byte", "32 bytes each", short_s.signed()),
        of("refuse", "r without its leading zero byte", "32 bytes each", stripped(0, &short_r)),
        of("refuse", "s without its leading zero byte", "32 bytes each", stripped(32, &short_s)),
        of("refuse", "all zeros", "CVE-2022-21449", low.sealed(&[0; 64])),
        of("refuse", "empty", "64 bytes are needed", low.sealed(&[])),
        of("refuse", "of another token", "other bytes", low.sealed(&high.signature())),
        Case::new("refuse", "a key off the curve", "no signature holds under it").with("jws", low.signed()).with("jwk", off),
        Case::new("refuse", "the key (0, 0)", "no signature holds under it").with("jws", low.signed()).with("jwk", zero),
        Case::new("refuse", "the twin under another key", "somebody else")
            .with("jws", low.sealed(&key::twin(&low.signature())))
            .with("jwk", Key::jwk(&other_device_key())),
    ]
}
