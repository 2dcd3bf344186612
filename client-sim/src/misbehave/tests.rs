use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_protocol::base64url;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::json;
use gatematch_protocol::jwk::{JwkSet, PublicKey};
use gatematch_protocol::jws::{Header, sign, typ};
use gatematch_protocol::response::{PostResponse, UnverifiedResponse};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use serde_json::Value;

use super::*;
use crate::crypto::{P256Key, P256Verifier};
use crate::http::Api;
use crate::phone::Account;

const ISSUER: &str = "https://mfa.example.com";
const NOW: i64 = 1_800_000_000;

struct Stage {
    phone: Phone,
    gateway: Gateway,
    challenge: String,
    id: ChallengeId,
    app: AuthenticatorId,
    admin: Admin,
}

impl Stage {
    fn new() -> Self {
        let (api, at) = (Api::new("http://127.0.0.1:9").unwrap(), Timestamp::from_numeric_date(NOW));
        let key = P256Key::from_secret(&[7; 32]).unwrap();
        let (device_id, id) = (DeviceId::new(at, [2; 10]), ChallengeId::new(at, [3; 10]));
        let account =
            Account { issuer: ISSUER.to_owned(), device_id, user: "alice".to_owned(), server_keys: JwkSet::default() };
        let claims = serde_json::json!({"jti": id, "exp": NOW + 60});
        Self {
            challenge: sign(&Header::with_kid(typ::CHALLENGE, "k"), &claims, &key).unwrap(),
            phone: Phone::new(api.clone(), ISSUER, key, Arc::new(|| NOW)).with_account(account),
            app: AuthenticatorId::new(at, [4; 10]),
            admin: Admin::new(api.clone(), Secret::new("gma_x")),
            gateway: Gateway::new(api, ISSUER, None, Secret::new("gmg_x"), Arc::new(|| NOW)),
            id,
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            phone: Some(&self.phone),
            challenge: Some(&self.challenge),
            number: Some("047"),
            token: Some("gme_token"),
            gateway: Some(&self.gateway),
            login: Some(self.id),
            other_gateway: Some(&self.gateway),
            app: Some(self.app),
            admin: Some(&self.admin),
            user: Some("alice"),
            ..Scene::default()
        }
    }

    /// The last response that would be posted, where the body around it is sound.
    fn response(&self, name: &str) -> String {
        let requests = find(name).unwrap().requests(&self.scene()).unwrap();
        json::parse_into::<PostResponse>(&requests.last().unwrap().body).unwrap().response
    }
}

#[test]
fn names_are_unique_and_kebab_case() {
    let mut seen = BTreeSet::new();
    for misbehaviour in ALL.iter() {
        let name = misbehaviour.name;
        assert!(seen.insert(name), "{name} stands twice");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
        assert!(!misbehaviour.what.is_empty() && misbehaviour.case.len() == 5, "{name}");
        assert!(std::ptr::eq(find(name).unwrap(), misbehaviour));
    }
    assert!(find("no such thing").is_none());
}

#[test]
fn each_can_be_made_from_a_full_scene_and_none_from_an_empty_one() {
    let stage = Stage::new();
    for misbehaviour in ALL.iter() {
        let requests = misbehaviour.requests(&stage.scene()).unwrap();
        assert!(!requests.is_empty(), "{}", misbehaviour.name);
        assert!(misbehaviour.requests(&Scene::default()).is_err(), "{}", misbehaviour.name);
    }
}

#[test]
fn what_is_needed_is_enough() {
    let stage = Stage::new();
    for misbehaviour in ALL.iter() {
        let (full, none) = (stage.scene(), Scene::default());
        let scene = match misbehaviour.needs {
            Needs::Phone => Scene { phone: full.phone, ..none },
            Needs::Challenge => Scene { phone: full.phone, challenge: full.challenge, number: full.number, ..none },
            Needs::Enrollment | Needs::SecondEnrollment => Scene { phone: full.phone, token: full.token, ..none },
            Needs::Gateway => Scene { gateway: full.gateway, ..none },
            Needs::Login => Scene { gateway: full.gateway, login: full.login, ..none },
            Needs::OtherGateway => {
                Scene { gateway: full.gateway, login: full.login, other_gateway: full.other_gateway, ..none }
            }
            Needs::Confirming => Scene { phone: full.phone, app: full.app, ..none },
            Needs::Helpdesk => Scene { admin: full.admin, user: full.user, ..none },
        };
        assert!(misbehaviour.requests(&scene).is_ok(), "{}", misbehaviour.name);
    }
}

/// The simulator's wrong responses fail (or hold) in the protocol's own reading just where they should.
#[test]
fn wrong_responses_are_wrong_in_the_place_that_they_name() {
    let stage = Stage::new();
    let key: PublicKey = stage.phone.key().public();
    for misbehaviour in ALL.iter().filter(|misbehaviour| matches!(misbehaviour.make, Make::Response(_))) {
        let name = misbehaviour.name;
        let text = stage.response(name);
        let parsed = UnverifiedResponse::parse(&text);
        if misbehaviour.expect == Expect::Problem(Code::MalformedResponse) {
            assert!(parsed.is_err(), "{name}");
            continue;
        }
        let authentic = parsed.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let signer = authentic.signer();
        let claims = authentic.verify(&key, &P256Verifier);
        let held = claims.is_ok() && signer == stage.phone.device_id().map_err(|_| unreachable!());
        assert_eq!(held, misbehaviour.expect != Expect::Problem(Code::ResponseNotAuthentic), "{name}");
    }
}

#[test]
fn a_respelt_signature_has_the_same_bytes() {
    let stage = Stage::new();
    let text = stage.response("noncanonical-base64");
    let (input, signature) = text.rsplit_once('.').unwrap();
    assert_eq!(signature.len(), 86);
    let canonical: Vec<_> = ["A", "Q", "g", "w"]
        .iter()
        .filter_map(|last| base64url::decode_array::<64>(format!("{}{last}", &signature[..85])).ok())
        .filter(|bytes| {
            gatematch_protocol::jws::Verify::verify(&P256Verifier, &stage.phone.key().public(), input.as_bytes(), bytes)
        })
        .collect();
    assert_eq!(canonical.len(), 1);
}

#[test]
fn twins_differ_in_the_signature_alone() {
    let stage = Stage::new();
    let requests = find("malleable-twin").unwrap().requests(&stage.scene()).unwrap();
    let responses: Vec<_> =
        requests.iter().map(|request| json::parse_into::<PostResponse>(&request.body).unwrap().response).collect();
    assert_ne!(responses[0], responses[1]);
    for response in &responses {
        let unverified = UnverifiedResponse::parse(response).unwrap();
        assert!(unverified.verify(&stage.phone.key().public(), &P256Verifier).is_ok());
    }
}

#[test]
fn a_late_response_waits_and_a_large_body_is_large() {
    let stage = Stage::new();
    let of = |name: &str| find(name).unwrap().requests(&stage.scene()).unwrap();
    assert_eq!(of("late")[0].not_before, Some(NOW + 61));
    assert!(of("body-too-large")[0].body.len() > 64 * 1024);
    assert!(json::parse(&of("body-too-large")[0].body).is_ok());
    assert!(std::str::from_utf8(&of("body-not-utf8")[0].body).is_err());
    assert_eq!(of("two-proofs")[0].headers.len(), 2);
    let key = &json::parse(&of("key-with-d")[0].body).unwrap()["public_key"]["d"];
    assert_eq!(key, &Value::from(PRIVATE_PART));
    assert_eq!(base64url::decode(PRIVATE_PART).unwrap().len(), 32);
}
