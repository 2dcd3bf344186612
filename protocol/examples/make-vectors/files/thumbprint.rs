//! JWK thumbprints: how a phone's key is found (RFC 7638).

use gatematch_protocol::secret::sha256;
use serde_json::{Value, json};

use super::key::{self, Key};
use super::world::{device_key, other_device_key};
use super::{Case, File};

/// The file `thumbprint.json`.
#[rustfmt::skip] // a table: one case, one line
pub(crate) fn file() -> File {
    let key = device_key();
    let jwk = key.jwk();
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (x, y) = (member("x"), member("y"));
    let right = key.public().thumbprint();
    let of = |verdict, name, why, thumbprint: String| Case::new(verdict, name, why).with("jwk", key.jwk()).with("thumbprint", thumbprint);
    let sound = |name, key: &Key| {
        Case::new("accept", name, "crv, kty, x, y in this order").with("jwk", key.jwk()).with("thumbprint", key.public().thumbprint())
    };
    let rfc = json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    File {
        name: "thumbprint.json",
        description: "Whether `thumbprint` is the RFC 7638 thumbprint (SHA-256, base64url) of `jwk`. Verdicts: `accept` (it is); `refuse` (it is not).",
        source: "RFC 7638; RFC 7515 appendix A.3 (a key); wire contract section 2",
        shared: vec![("keys", json!({"device": key.private_jwk()}))],
        cases: vec![
            sound("sound", &key),
            sound("another key", &other_device_key()),
            sound("x begins with a zero byte", &Key::with_short_x()),
            Case::new("accept", "RFC 7515, A.3", "crv, kty, x, y in this order")
                .with("jwk", rfc)
                .with("thumbprint", "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"),
            of("refuse", "of another key", "each key has its own", other_device_key().public().thumbprint()),
            of(
                "refuse",
                "members in the order kty, crv, x, y",
                "they are sorted by name",
                sha256(format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)),
            ),
            of(
                "refuse",
                "with white space",
                "none is allowed",
                sha256(format!(r#"{{"crv": "P-256", "kty": "EC", "x": "{x}", "y": "{y}"}}"#)),
            ),
            of(
                "refuse",
                "with kid",
                "only the required members count",
                sha256(format!(r#"{{"crv":"P-256","kid":"a","kty":"EC","x":"{x}","y":"{y}"}}"#)),
            ),
            of("refuse", "of the uncompressed point", "the JWK is hashed", sha256(key.public().to_sec1())),
            of("refuse", "padded", "base64url without padding", format!("{right}=")),
            of("refuse", "in hex", "base64url", key::hex(&gatematch_protocol::base64url::decode(&right).unwrap_or_default())),
            of("refuse", "case changed", "compared as a string", right.to_lowercase()),
            of("refuse", "empty", "43 characters are needed", String::new()),
        ],
    }
}
