//! Responses whose header is not to be believed (AP-05).

use gatematch_protocol::problem::Code;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::{Expect, Forge, Misbehaviour};
use crate::edge;
use crate::jws::sign_texts;
use crate::phone::public_key_value;

const REFUSED: Expect = Expect::Problem(Code::ResponseNotAuthentic);
const MALFORMED: Expect = Expect::Problem(Code::MalformedResponse);

pub(super) const TABLE: &[Misbehaviour] = &[
    Misbehaviour::response("alg-none", "AP-05", "alg none, and no signature", REFUSED, |forge| {
        Ok(forge.with_algorithm("none", |_| Vec::new()))
    }),
    Misbehaviour::response("alg-none-signed", "AP-05", "alg none, with a sound signature", REFUSED, |forge| {
        forge.with_header("alg", json!("none"))
    }),
    Misbehaviour::response("alg-hs256", "AP-05", "alg HS256, the phone's public key as its secret", REFUSED, hs256),
    Misbehaviour::response("alg-es384", "AP-05", "alg ES384, with a signature of 96 bytes", REFUSED, |forge| {
        Ok(forge.with_algorithm("ES384", |_| edge::random::<96>().to_vec()))
    }),
    Misbehaviour::response("alg-rs256", "AP-05", "alg RS256, with a signature of 256 bytes", REFUSED, |forge| {
        Ok(forge.with_algorithm("RS256", |_| edge::random::<256>().to_vec()))
    }),
    Misbehaviour::response("alg-lower-case", "AP-05", "alg es256", REFUSED, |forge| {
        forge.with_header("alg", json!("es256"))
    }),
    Misbehaviour::response("alg-missing", "AP-05", "no alg", REFUSED, |forge| forge.with_header("alg", json!(null))),
    Misbehaviour::response("typ-missing", "AP-05", "no typ", REFUSED, |forge| forge.with_header("typ", json!(null))),
    Misbehaviour::response("typ-jwt", "AP-05", "typ JWT", REFUSED, |forge| forge.with_header("typ", json!("JWT"))),
    Misbehaviour::response("typ-proof", "AP-05", "the typ of a DPoP proof", REFUSED, |forge| {
        forge.with_header("typ", json!("dpop+jwt"))
    }),
    Misbehaviour::response("typ-result", "AP-05", "the typ of a result", REFUSED, |forge| {
        forge.with_header("typ", json!("gatematch-result+jwt"))
    }),
    Misbehaviour::response("header-jwk", "AP-05", "the signer's own key in the header", REFUSED, |forge| {
        forge.with_header("jwk", public_key_value(forge.key))
    }),
    Misbehaviour::response(
        "header-jwk-attacker",
        "AP-05",
        "a stranger's key in the header, and his signature",
        REFUSED,
        |forge| {
            let stranger = edge::random_key();
            let mut header = forge.header();
            if let Some(members) = header.as_object_mut() {
                members.insert("jwk".to_owned(), public_key_value(&stranger));
            }
            let claims = serde_json::Value::Object(forge.claims()).to_string();
            sign_texts(&header.to_string(), &claims, &stranger)
        },
    ),
    Misbehaviour::response("header-jku", "AP-05", "a jku that points elsewhere", REFUSED, |forge| {
        forge.with_header("jku", json!(forge.elsewhere))
    }),
    Misbehaviour::response("header-x5u", "AP-05", "an x5u that points elsewhere", REFUSED, |forge| {
        forge.with_header("x5u", json!(forge.elsewhere))
    }),
    Misbehaviour::response("header-x5c", "AP-05", "a certificate in the header", REFUSED, |forge| {
        forge.with_header("x5c", json!(["MIIB"]))
    }),
    Misbehaviour::response("header-crit", "AP-05", "crit with a member that nobody knows", REFUSED, |forge| {
        forge.with_header("crit", json!(["exp"]))
    }),
    Misbehaviour::response("header-b64", "AP-05", "b64 false", REFUSED, |forge| forge.with_header("b64", json!(false))),
    Misbehaviour::response("kid-missing", "AP-05", "no kid", REFUSED, |forge| forge.with_header("kid", json!(null))),
    Misbehaviour::response("kid-path", "AP-05", "a kid that is a path, and the same in iss", REFUSED, |forge| {
        signed_by(forge, "../../../../etc/passwd")
    }),
    Misbehaviour::response("kid-sql", "AP-05", "a kid that is a piece of SQL, and the same in iss", REFUSED, |forge| {
        signed_by(forge, "' OR 1=1 --")
    }),
    Misbehaviour::response("kid-upper-case", "AP-05", "the kid in capitals, and the same in iss", REFUSED, |forge| {
        signed_by(forge, &forge.device.to_uppercase())
    }),
    Misbehaviour::response(
        "kid-of-other",
        "AP-03",
        "another phone's id in kid and iss, signed by this one",
        REFUSED,
        |forge| signed_by(forge, &forge.other),
    ),
    Misbehaviour::response("kid-other-than-iss", "AP-05", "another phone's id in kid alone", REFUSED, |forge| {
        forge.with_header("kid", json!(forge.other))
    }),
    Misbehaviour::response("wrong-issuer", "AP-05", "another phone's id in iss alone", REFUSED, |forge| {
        forge.with_claim("iss", json!(forge.other))
    }),
    Misbehaviour::response("duplicate-header", "AP-05", "alg stands twice in the header", MALFORMED, |forge| {
        let header = forge.header().to_string().replacen('{', r#"{"alg":"none","#, 1);
        sign_texts(&header, &serde_json::Value::Object(forge.claims()).to_string(), forge.key)
    }),
    Misbehaviour::response("header-not-an-object", "AP-05", "the header is a JSON array", MALFORMED, |forge| {
        sign_texts(r#"["ES256"]"#, &serde_json::Value::Object(forge.claims()).to_string(), forge.key)
    }),
];

fn hs256(forge: &Forge<'_>) -> Result<String, gatematch_protocol::jws::SigningFailed> {
    let secret = forge.key.public().to_sec1();
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).map_err(|_| gatematch_protocol::jws::SigningFailed)?;
    Ok(forge.with_algorithm("HS256", |input| {
        mac.update(input);
        mac.finalize().into_bytes().to_vec()
    }))
}

fn signed_by(forge: &Forge<'_>, name: &str) -> Result<String, gatematch_protocol::jws::SigningFailed> {
    let mut header = forge.header();
    if let Some(members) = header.as_object_mut() {
        members.insert("kid".to_owned(), json!(name));
    }
    let mut claims = forge.claims();
    claims.insert("iss".to_owned(), json!(name));
    forge.sign(&header, &claims)
}
