//! What holds for every request: contract section 1.

mod bodies;
mod paths;

use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_client_sim::edge::random;
use gatematch_client_sim::http::Answer;
use gatematch_domain::role::Role;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, race};
use gatematch_tests::wire::refused;
use serde_json::Value;

fn unknown_id() -> ChallengeId {
    ChallengeId::new(gatematch_protocol::time::Timestamp::from_micros(0), random())
}

async fn users(site: &Site, body: &str) -> Answer {
    site.admin.call("PUT", "/v1/users/alice", Some(body.as_bytes().to_vec())).await.unwrap()
}

#[tokio::test]
async fn a_problem_has_its_members_and_every_answer_its_headers() {
    let site = Site::start().await;
    let answer = site.admin.call("GET", "/v1/users/nobody", None).await.unwrap();
    refused(&answer, Code::NotFound);
    let members: Value = serde_json::from_slice(&answer.body).unwrap();
    let names: BTreeSet<&str> = members.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["type", "title", "status", "detail", "code"]));
    assert_eq!(members["type"], "urn:gatematch:problem:not-found");
    let mut ids = BTreeSet::new();
    for path in ["/v1/users", "/v1/users/nobody", "/v1/nothing", "/v1", "/v1/audit?limit=0", "/connect", "/connect/x"] {
        for headers in [&[][..], &[("x-request-id", "mine"), ("origin", "https://evil.example")]] {
            let answer = site.api().call("GET", path, headers, None).await.unwrap();
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            let id = answer.header("x-request-id").unwrap().to_owned();
            assert!(id != "mine" && ids.insert(id), "{path}: the id of another request");
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
        }
    }
    for path in ["/healthz", "/metrics", "/.well-known/jwks.json", "/nothing"] {
        let answer = site.api().call("GET", path, &[("origin", "https://evil.example")], None).await.unwrap();
        assert!(answer.header("x-request-id").is_some());
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{path}");
    }
    assert_eq!(count(&site.audit().await, "request.refused"), 1);
}

#[tokio::test]
async fn the_order_of_refusals() {
    let site = Site::start().await;
    let (gateway, helpdesk) = (site.gateway().await, site.admin_with(Role::Helpdesk).await);
    let (huge, broken) = ("x".repeat(70_000), "{".to_owned());
    let alice = site.person("alice").await;
    let final_one = gateway.create(&alice.login(), None).await.unwrap();
    gateway.cancel(final_one.id).await.unwrap();
    let (id, other) = (final_one.id, unknown_id());
    let (own, unknown) = (format!("/v1/challenges/{id}"), format!("/v1/challenges/{other}"));
    let (admins, gateways) = (site.admin.key.reveal().to_owned(), gateway.key.reveal().to_owned());
    let desk = helpdesk.key.reveal().to_owned();
    let json = "application/json";
    let reused = r#"{"user":"bob"}"#;
    for (code, key, method, path, media_type, body) in [
        // 401, 403, 413, 415, 400
        (Code::CredentialInvalid, "gma_wrong", "PUT", "/v1/users/.a", "text/plain", huge.as_str()),
        (Code::WrongParty, &gateways, "PUT", "/v1/users/.a", "text/plain", &huge),
        (Code::RoleNotAllowed, &desk, "POST", "/v1/gateways", "text/plain", &huge),
        (Code::BodyTooLarge, &admins, "PUT", "/v1/users/.a", "text/plain", &huge),
        (Code::UnsupportedMediaType, &admins, "PUT", "/v1/users/.a", "text/plain", &broken),
        (Code::MalformedBody, &admins, "PUT", "/v1/users/.a", json, &broken),
        (Code::InvalidUsername, &admins, "PUT", "/v1/users/.a", json, "{}"),
        // 400 before 404
        (Code::MalformedBody, &gateways, "POST", &format!("{unknown}/redeem"), json, &broken),
        (
            Code::MalformedQuery,
            &gateways,
            "POST",
            &format!("{unknown}/redeem?wait=99"),
            json,
            r#"{"redemption_id":""}"#,
        ),
        (Code::MalformedQuery, &gateways, "GET", &format!("{unknown}?wait=99"), json, ""),
        (Code::MalformedBody, &gateways, "POST", &format!("{unknown}/passcode"), json, "{}"),
        (Code::MalformedBody, &admins, "POST", "/v1/enrollments", json, r#"{"user":"nobody","expires_in":"1"}"#),
        // 404 before 409 and 422
        (Code::NotFound, &gateways, "POST", &format!("{unknown}/redeem"), json, r#"{"redemption_id":""}"#),
        (Code::NotFound, &gateways, "POST", &format!("{unknown}/passcode"), json, r#"{"passcode":""}"#),
        (Code::NotFound, &admins, "POST", "/v1/enrollments", json, r#"{"user":"nobody","expires_in":601}"#),
        (Code::NotFound, &gateways, "DELETE", &unknown, json, ""),
        // 409
        (Code::Cancelled, &gateways, "POST", &format!("{own}/passcode"), json, r#"{"passcode":"000000"}"#),
        (Code::Cancelled, &gateways, "DELETE", &own, json, ""),
        // 422
        (Code::InvalidValue, &gateways, "POST", &format!("{own}/redeem"), json, r#"{"redemption_id":""}"#),
        (Code::InvalidValue, &admins, "POST", "/v1/enrollments", json, r#"{"user":"alice","expires_in":601}"#),
        (Code::InvalidValue, &desk, "PUT", "/v1/users/bob", json, r#"{"status":"gone"}"#),
    ] {
        let headers = [("authorization", format!("Bearer {key}")), ("content-type", media_type.to_owned())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = site.api().raw(method, path, &headers, body.as_bytes().to_vec()).await.unwrap();
        let cut: String = body.chars().take(50).collect();
        assert_eq!(answer.status, code.status(), "{method} {path} {cut}: {}", answer.text());
        refused(&answer, code);
    }
    // A bad Idempotency-Key is a 400 as well, and goes before what is out of range.
    for key in ["", " ", "a b", "\u{e9}", &"k".repeat(129)] {
        let authorization = format!("Bearer {gateways}");
        let headers = [("authorization", authorization.as_str()), ("idempotency-key", key)];
        let body = br#"{"user":"bob","expires_in":9}"#.to_vec();
        let answer = site.api().call("POST", "/v1/challenges", &headers, Some(body)).await.unwrap();
        refused(&answer, Code::MalformedHeader);
        let twice = [("authorization", authorization.as_str()), ("idempotency-key", "a"), ("idempotency-key", "a")];
        let answer = site.api().call("POST", "/v1/challenges", &twice, Some(reused.into())).await.unwrap();
        refused(&answer, Code::MalformedHeader);
    }
    let events = site.audit().await;
    assert_eq!(count(&events, "request.refused"), 20 + 10);
}

#[tokio::test]
async fn discovery_is_public_and_tells_nothing_private() {
    let site = Site::start().await;
    let told: Value = site.api().get("/.well-known/gatematch").await.unwrap();
    let names: BTreeSet<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.is_superset(&BTreeSet::from(["issuer", "name", "jwks_uri", "vapid_public_key", "api_version"])));
    assert_eq!((told["issuer"].as_str(), told["api_version"].as_str()), (Some(site.issuer()), Some("1")));
    assert_eq!(told["jwks_uri"], format!("{}/.well-known/jwks.json", site.issuer()));
    for path in ["/.well-known/jwks.json", "/.well-known/jwks-audit.json"] {
        let set: Value = site.api().get(path).await.unwrap();
        for key in set["keys"].as_array().unwrap() {
            assert!(key["kid"].is_string() && key.get("d").is_none(), "{path}");
        }
    }
    let jwks: Value = site.api().get("/.well-known/jwks.json").await.unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    let metrics = site.api().call("GET", "/metrics", &[], None).await.unwrap();
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(count(&site.audit().await, "request.refused"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_for_repeats_makes_one_challenge_however_many_send_it() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = site.person("alice").await;
    let login = alice.login();
    let answers = race(100, |_| {
        let (gateway, login) = (Arc::clone(&gateway), login.clone());
        async move { gateway.create(&login, Some("the-same")).await }
    })
    .await;
    let mut made = BTreeSet::new();
    for answer in &answers {
        match answer {
            Ok(view) => {
                made.insert((view.id, view.number.clone()));
            }
            Err(failure) => assert_eq!(failure.code(), Some(Code::IdempotencyInProgress)),
        }
    }
    assert_eq!(made.len(), 1);
    let again = gateway.create(&login, Some("the-same")).await.unwrap();
    assert!(made.contains(&(again.id, again.number)));
    assert_eq!(alice.phone.waiting(0).await.unwrap().len(), 1);
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
}
