//! A phone that cannot prove which it is (EN-06, contract section 2).

use gatematch_protocol::jws::typ;
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof::{self, ProofClaims};
use serde_json::{Value, json};

use super::{Expect, Misbehaviour, Needs, PRIVATE_PART, Request, Scene};
use crate::edge;
use crate::failure::Failure;
use crate::http::body;
use crate::jws::{assemble, sign_raw, signing_input};
use crate::phone::{Phone, ProofOverrides, public_key_value};

const PATH: &str = "/v1/devices/self";
const INVALID: Expect = Expect::Problem(Code::CredentialInvalid);

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("no-proof", "no DPoP header", Expect::Problem(Code::CredentialMissing), |scene| {
        scene.phone()?;
        Ok(vec![Request::new("GET", PATH)])
    }),
    entry("two-proofs", "two sound proofs in two DPoP headers", INVALID, |scene| {
        let phone = scene.phone()?;
        let second = phone.proof("GET", PATH)?;
        Ok(vec![get(phone.proof("GET", PATH)?).header("dpop", second)])
    }),
    entry("proof-garbage", "a proof that is no JWS", INVALID, |scene| {
        scene.phone()?;
        Ok(vec![get("proof".to_owned())])
    }),
    entry("proof-other-path", "a proof for another path", INVALID, |scene| {
        one(scene, |phone| phone.proof("GET", "/v1/devices/self/challenges"))
    }),
    entry("proof-other-method", "a proof for another method", INVALID, |scene| {
        one(scene, |phone| phone.proof("DELETE", PATH))
    }),
    entry("proof-method-lower-case", "a proof whose htm is get", INVALID, |scene| {
        one(scene, |phone| phone.proof("get", PATH))
    }),
    entry("proof-other-server", "a proof for another server", INVALID, |scene| {
        overridden(scene, |_| ProofOverrides {
            htu: Some(format!("https://other.example.com{PATH}")),
            ..Default::default()
        })
    }),
    entry("proof-with-query", "a proof whose htu has a query", INVALID, |scene| {
        one(scene, |phone| phone.proof("GET", "/v1/devices/self?wait=0"))
    }),
    entry("proof-trailing-slash", "a proof whose htu ends in a slash", INVALID, |scene| {
        one(scene, |phone| phone.proof("GET", "/v1/devices/self/"))
    }),
    entry("stale-proof", "a proof of an hour ago", Expect::Problem(Code::StaleProof), |scene| {
        overridden(scene, |phone| ProofOverrides { iat: Some(phone.now() - 3_600), ..Default::default() })
    }),
    entry("proof-from-the-future", "a proof of an hour ahead", Expect::Problem(Code::StaleProof), |scene| {
        overridden(scene, |phone| ProofOverrides { iat: Some(phone.now() + 3_600), ..Default::default() })
    }),
    entry("proof-twice", "the same proof twice", Expect::Problem(Code::ProofReplayed), |scene| {
        let sound = scene.phone()?.proof("GET", PATH)?;
        Ok(vec![get(sound.clone()), get(sound)])
    }),
    entry("reused-jti", "a new proof with the jti of an earlier one", Expect::Problem(Code::ProofReplayed), |scene| {
        let phone = scene.phone()?;
        let jti = phone.proof_claims("GET", PATH, ProofOverrides::default()).jti;
        let with_age =
            |age| ProofOverrides { jti: Some(jti.clone()), iat: Some(phone.now() - age), ..Default::default() };
        Ok(vec![get(phone.proof_with("GET", PATH, with_age(0))?), get(phone.proof_with("GET", PATH, with_age(1))?)])
    }),
    entry("empty-jti", "an empty jti", INVALID, |scene| {
        overridden(scene, |_| ProofOverrides { jti: Some(String::new()), ..Default::default() })
    }),
    entry("long-jti", "a jti of 129 characters", INVALID, |scene| {
        overridden(scene, |_| ProofOverrides { jti: Some("j".repeat(129)), ..Default::default() })
    }),
    entry("proof-unknown-key", "a sound proof of a key that nobody registered", INVALID, |scene| {
        one(scene, |phone| {
            let stranger = edge::random_key();
            let claims = phone.proof_claims("GET", PATH, ProofOverrides::default());
            Ok(proof::make(&claims, &stranger.public(), &stranger)?)
        })
    }),
    entry("proof-other-signer", "the phone's key in the header, a stranger's signature", INVALID, |scene| {
        one(scene, |phone| {
            let claims = phone.proof_claims("GET", PATH, ProofOverrides::default());
            Ok(proof::make(&claims, &phone.key().public(), &edge::random_key())?)
        })
    }),
    entry("proof-alg-none", "alg none, and no signature", INVALID, |scene| {
        one(scene, |phone| {
            let header = json!({"alg": "none", "typ": typ::PROOF, "jwk": public_key_value(phone.key())});
            Ok(assemble(&signing_input(&header.to_string(), &claims(phone)?), &[]))
        })
    }),
    entry("proof-typ-jwt", "typ JWT", INVALID, |scene| with_header(scene, "typ", json!("JWT"))),
    entry("proof-crit", "crit with a member that nobody knows", INVALID, |scene| {
        with_header(scene, "crit", json!(["exp"]))
    }),
    entry("proof-without-key", "no jwk", INVALID, |scene| with_header(scene, "jwk", json!(null))),
    entry("proof-private-key", "a private part in the jwk", INVALID, |scene| {
        let mut jwk = public_key_value(scene.phone()?.key());
        if let Some(members) = jwk.as_object_mut() {
            members.insert("d".to_owned(), json!(PRIVATE_PART));
        }
        with_header(scene, "jwk", jwk)
    }),
    Misbehaviour::requests_of(
        Needs::Phone,
        "phone-as-gateway",
        "AD-01",
        "a phone asks for a challenge",
        Expect::Problem(Code::WrongParty),
        |scene| {
            let proof = scene.phone()?.proof("POST", "/v1/challenges")?;
            let body = r#"{"user":"alice"}"#;
            Ok(vec![Request::new("POST", "/v1/challenges").header("dpop", proof).json(body)])
        },
    ),
];

const fn entry(
    name: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Phone, name, "EN-06", what, expect, make)
}

fn get(proof: String) -> Request {
    Request::new("GET", PATH).header("dpop", proof)
}

fn one(scene: &Scene<'_>, make: impl FnOnce(&Phone) -> Result<String, Failure>) -> Result<Vec<Request>, Failure> {
    Ok(vec![get(make(scene.phone()?)?)])
}

fn overridden(scene: &Scene<'_>, overrides: impl FnOnce(&Phone) -> ProofOverrides) -> Result<Vec<Request>, Failure> {
    one(scene, |phone| phone.proof_with("GET", PATH, overrides(phone)))
}

fn with_header(scene: &Scene<'_>, name: &str, value: Value) -> Result<Vec<Request>, Failure> {
    one(scene, |phone| {
        let mut header = json!({"alg": "ES256", "typ": typ::PROOF, "jwk": public_key_value(phone.key())});
        if let Some(members) = header.as_object_mut() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.to_owned(), value);
            }
        }
        Ok(sign_raw(&header, &claims(phone)?, phone.key())?)
    })
}

fn claims(phone: &Phone) -> Result<String, Failure> {
    let claims: ProofClaims = phone.proof_claims("GET", PATH, ProofOverrides::default());
    Ok(String::from_utf8_lossy(&body(&claims)?).into_owned())
}
