use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use gatematch_protocol::id::{ChallengeId, KeyId};
use gatematch_protocol::jwk::ServerJwk;
use gatematch_protocol::jws::{Header, sign, typ};
use gatematch_protocol::problem::ProblemDocument;
use gatematch_protocol::response::{Decision, UnverifiedResponse, UserVerification, challenge_digest};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::*;
use crate::crypto::P256Verifier;

pub(super) const ISSUER: &str = "https://mfa.example.com";
pub(super) const NOW: i64 = 1_800_000_000;

fn phone() -> Phone {
    let api = Api::new("http://127.0.0.1:9").unwrap();
    Phone::new(api, ISSUER, P256Key::from_secret(&[7; 32]).unwrap(), Arc::new(|| NOW))
}

pub(super) fn enrolled(server: &P256Key) -> Phone {
    let at = Timestamp::from_numeric_date(NOW);
    let kid = KeyId::new(at, [1; 10]).to_string();
    phone().with_account(Account {
        issuer: ISSUER.to_owned(),
        device_id: DeviceId::new(at, [2; 10]),
        user: "alice".to_owned(),
        server_keys: JwkSet { keys: vec![ServerJwk::new(&server.public(), kid)] },
    })
}

pub(super) fn challenge(server: &P256Key, phone: &Phone, change: impl FnOnce(&mut Value)) -> String {
    let account = phone.account().unwrap();
    let mut claims = json!({
        "iss": ISSUER, "aud": account.device_id, "sub": "alice",
        "jti": ChallengeId::new(Timestamp::from_numeric_date(NOW), [3; 10]),
        "iat": NOW, "exp": NOW + 60, "nonce": "AAAAAAAAAAAAAAAAAAAAAA", "app": "Remote Desktop",
        "gateway": "Oslo", "client": {"name": "CLIENT-PC"}, "match": {"kind": "number", "digits": 3},
    });
    change(&mut claims);
    let kid = account.server_keys.keys.first().unwrap().kid.clone();
    sign(&Header::with_kid(typ::CHALLENGE, kid), &claims, server).unwrap()
}

#[test]
fn a_proof_holds_for_its_request_and_no_other() {
    let phone = phone();
    let target = |method, path, now| proof::Target { method, issuer: ISSUER, path, now };
    let made = phone.proof("GET", "/v1/devices/self").unwrap();
    let check = |target| proof::check(&made, target, &P256Verifier);
    assert_eq!(check(target("GET", "/v1/devices/self", NOW)).unwrap().key, phone.key().public());
    for wrong in [
        target("PUT", "/v1/devices/self", NOW),
        target("GET", "/v1/devices", NOW),
        target("GET", "/v1/devices/self", NOW + 61),
    ] {
        assert!(check(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn proofs_differ_and_can_be_told_what_to_say() {
    let phone = phone();
    assert_ne!(phone.proof("GET", "/x").unwrap(), phone.proof("GET", "/x").unwrap());
    let overrides = ProofOverrides {
        jti: Some("twice".to_owned()),
        iat: Some(1),
        htu: Some("elsewhere".to_owned()),
        htm: Some("PUT".to_owned()),
    };
    let claims = phone.proof_claims("GET", "/x", overrides);
    assert_eq!(
        (claims.jti.as_str(), claims.iat, claims.htu.as_str(), claims.htm.as_str()),
        ("twice", 1, "elsewhere", "PUT")
    );
}

#[tokio::test]
async fn a_challenge_is_read_and_answered() {
    let server = P256Key::from_secret(&[8; 32]).unwrap();
    let phone = enrolled(&server);
    let signed = challenge(&server, &phone, |_| {});
    let claims = phone.read(&signed).await.unwrap();
    assert_eq!(claims.matching.unwrap().digits, 3);

    let response = phone.response(&signed, Decision::Approve, Some("047"), Some(UserVerification::Pin)).unwrap();
    let unverified = UnverifiedResponse::parse(&response).unwrap();
    assert_eq!(unverified.signer().unwrap(), phone.device_id().unwrap());
    let answer = unverified.verify(&phone.key().public(), &P256Verifier).unwrap();
    assert!(answer.is_for(ISSUER, claims.jti));
    assert_eq!(answer.challenge, challenge_digest(&signed));
    assert_eq!(answer.number.as_deref(), Some("047"));
}

#[tokio::test]
async fn a_challenge_that_is_not_for_this_phone_is_not_shown() {
    let server = P256Key::from_secret(&[8; 32]).unwrap();
    let stranger = P256Key::from_secret(&[9; 32]).unwrap();
    let phone = enrolled(&server);
    let with = |name: &'static str, value: Value| challenge(&server, &phone, move |claims| claims[name] = value);
    let other = DeviceId::new(Timestamp::from_numeric_date(NOW), [5; 10]);
    for signed in [
        challenge(&stranger, &phone, |_| {}),
        with("iss", json!("https://other.example.com")),
        with("aud", json!(other)),
        with("exp", json!(NOW)),
        with("match", json!({"kind": "colour", "digits": 3})),
        "nothing".to_owned(),
    ] {
        assert!(matches!(phone.read(&signed).await, Err(Failure::Challenge(_))), "{signed}");
    }
}

#[test]
fn the_servers_time_is_read_as_text_or_number() {
    let answer = |value: Value| {
        let mut problem = ProblemDocument::new(Code::StaleProof, "late");
        problem.more.insert("server_time".to_owned(), value);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))]);
        Answer { status: 401, headers, body: serde_json::to_vec(&problem).unwrap() }
    };
    assert_eq!(server_time(&answer(json!("2027-01-15T08:00:00Z"))), Some(NOW));
    assert_eq!(server_time(&answer(json!(NOW))), Some(NOW));
    assert_eq!(server_time(&answer(json!(null))), None);
}

#[test]
fn a_link_of_another_server_is_refused() {
    let phone = phone();
    assert!(phone.token_of("gme_abc").is_ok());
    assert!(phone.token_of(&format!("{ISSUER}/app/#enroll=gme_abc")).is_ok());
    assert!(phone.token_of("https://other.example.com/app/#enroll=gme_abc").is_err());
}

#[test]
fn what_is_not_enrolled_answers_nothing() {
    assert!(matches!(phone().response("x", Decision::Deny, None, None), Err(Failure::NotEnrolled)));
}

/// Answers one connection after the other with these, and gives back the requests.
fn served(answers: Vec<(&'static str, &'static str, String)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for (status, header, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            requests.push(String::from_utf8(request).unwrap());
        }
        requests
    });
    (base, server)
}

fn proof_in(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("dpop: ")).unwrap()
}

#[tokio::test]
async fn a_wrong_clock_is_set_by_the_server_once() {
    let mut stale = ProblemDocument::new(Code::StaleProof, "late");
    stale.more.insert("server_time".to_owned(), json!(Timestamp::from_numeric_date(NOW + 500)));
    let stale = serde_json::to_string(&stale).unwrap();
    let problem = "content-type: application/problem+json";
    let (base, server) = served(vec![
        ("401 Unauthorized", problem, stale.clone()),
        ("200 OK", "content-type: application/json", r#"{"items":[]}"#.to_owned()),
        ("401 Unauthorized", problem, stale.clone()),
        ("401 Unauthorized", problem, stale),
    ]);
    let key = P256Key::from_secret(&[7; 32]).unwrap();
    let phone = Phone::new(Api::new(&base).unwrap(), ISSUER, key, Arc::new(|| NOW));
    assert_eq!(phone.waiting(5).await.unwrap(), []);
    assert_eq!(phone.now(), NOW + 500);
    assert_eq!(phone.waiting(0).await.unwrap_err().code(), Some(Code::StaleProof));

    let requests = server.join().unwrap();
    assert!(requests[0].starts_with("GET /v1/devices/self/challenges?wait=5 "));
    let target = proof::Target { method: "GET", issuer: ISSUER, path: "/v1/devices/self/challenges", now: NOW };
    assert!(proof::check(proof_in(&requests[0]), target, &P256Verifier).is_ok());
    assert!(proof::check(proof_in(&requests[1]), proof::Target { now: NOW + 500, ..target }, &P256Verifier).is_ok());
    assert_ne!(proof_in(&requests[0]), proof_in(&requests[1]));
}

#[tokio::test]
async fn redirects_are_not_followed_and_headers_may_stand_twice() {
    let (base, server) = served(vec![("302 Found", "location: /elsewhere", String::new())]);
    let answer =
        Api::new(&base).unwrap().raw("GET", "/here", &[("dpop", "a"), ("dpop", "b")], Vec::new()).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("/elsewhere")));
    assert!(answer.success().is_err());
    let requests = server.join().unwrap();
    assert_eq!(requests[0].matches("dpop: ").count(), 2);
}

#[tokio::test]
async fn an_unknown_server_key_is_fetched_once() {
    let (old, new) = (P256Key::from_secret(&[8; 32]).unwrap(), P256Key::from_secret(&[9; 32]).unwrap());
    let keys = |kid| serde_json::to_string(&JwkSet { keys: vec![ServerJwk::new(&new.public(), kid)] }).unwrap();
    let json = "content-type: application/json";
    let (base, server) = served(vec![("200 OK", json, keys("new")), ("200 OK", json, keys("other"))]);
    let account = enrolled(&old).account().unwrap();
    let phone = || {
        let key = P256Key::from_secret(&[7; 32]).unwrap();
        Phone::new(Api::new(&base).unwrap(), ISSUER, key, Arc::new(|| NOW)).with_account(account.clone())
    };
    let first = phone();
    let renamed =
        Account { server_keys: JwkSet { keys: vec![ServerJwk::new(&new.public(), "new")] }, ..account.clone() };
    let signed = challenge(&new, &phone().with_account(renamed), |_| {});
    assert!(first.read(&signed).await.is_ok());
    assert!(first.read(&signed).await.is_ok(), "the key is kept");
    assert!(matches!(phone().read(&signed).await, Err(Failure::Challenge(_))));
    assert_eq!(server.join().unwrap().len(), 2);
}
