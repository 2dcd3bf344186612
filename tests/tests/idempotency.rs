//! The `Idempotency-Key`: the same login asked for again is the same login, never a second one.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::{Answer, body};
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, race, refusal, state};
use serde_json::Value;

async fn create_raw(gateway: &Gateway, body: Vec<u8>, keys: &[&str]) -> Answer {
    let authorization = gateway.authorization();
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(keys.iter().map(|key| ("Idempotency-Key", *key)));
    gateway.api.call("POST", "/v1/challenges", &headers, Some(body)).await.unwrap()
}

async fn create(gateway: &Gateway, challenge: &CreateChallenge, key: &str) -> Answer {
    create_raw(gateway, body(challenge).unwrap(), &[key]).await
}

fn document(answer: &Answer) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn the_same_key_has_the_same_answer_whatever_became_of_the_login() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let first = create(&gateway, &alice.login(), "key-1").await;
    let login: ChallengeView = first.json().unwrap();
    assert_eq!(document(&create(&gateway, &alice.login(), "key-1").await), document(&first));
    assert_eq!(alice.phone.waiting(0).await.unwrap().len(), 1);
    alice.approve(&login).await;
    assert_eq!(document(&create(&gateway, &alice.login(), "key-1").await), document(&first));
    gateway.redeem(login.id, "r", 0).await.unwrap();
    assert_eq!(document(&create(&gateway, &alice.login(), "key-1").await), document(&first));
    // The way in which the body is written makes no difference, nor does `null`.
    let respelt = br#" {"client": {"name":"CLIENT-PC", "ip":"203.0.113.7"}, "context": null, "user":"alice"} "#;
    assert_eq!(document(&create_raw(&gateway, respelt.to_vec(), &["key-1"]).await), document(&first));
    site.clock.advance(599);
    assert_eq!(document(&create(&gateway, &alice.login(), "key-1").await), document(&first));
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
    // Ten minutes later it is a new login.
    site.clock.advance(1);
    let next: ChallengeView = create(&gateway, &alice.login(), "key-1").await.json().unwrap();
    assert_ne!(next.id, login.id);
    assert_eq!(next.status, "pending");
    assert_eq!(document(&create(&gateway, &alice.login(), "key-1").await)["id"], next.id.to_string());
    assert_eq!(count(&site.audit().await, "challenge.created"), 2);
}

#[tokio::test]
async fn refusals_are_repeated_as_well_and_count_nothing() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    for client in ["PC-1", "PC-2", "PC-3"] {
        gateway.create(&alice.login_from(client), None).await.unwrap();
    }
    let limited = create(&gateway, &alice.login_from("PC-4"), "four").await;
    assert_eq!(state(&limited.json().unwrap()), ("denied", Some("rate-limited")));
    site.clock.advance(60);
    assert_eq!(document(&create(&gateway, &alice.login_from("PC-4"), "four").await), document(&limited));
    let unknown = CreateChallenge { user: "No\u{7}body \u{202e}".repeat(20), ..CreateChallenge::default() };
    let first = create(&gateway, &unknown, "nobody").await;
    assert_eq!(state(&first.json().unwrap()), ("denied", Some("not-enrolled")));
    assert_eq!(document(&create(&gateway, &unknown, "nobody").await), document(&first));
    let shown = document(&first)["user"].as_str().unwrap().to_owned();
    assert_eq!(shown.chars().count(), 128);
    assert!(!shown.contains(['\u{7}', '\u{202e}']));
    assert_eq!(count(&site.audit().await, "challenge.denied"), 2);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_and_one_gateway() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let alice = site.person("alice").await;
    let first = create(&gateway, &alice.login(), "key").await;
    for different in [
        alice.login_from("OTHER-PC"),
        CreateChallenge { user: "ALICE".to_owned(), ..alice.login() },
        CreateChallenge { expires_in: Some(60), ..alice.login() },
        CreateChallenge { client: None, ..alice.login() },
    ] {
        let answer = create(&gateway, &different, "key").await;
        assert_eq!(refusal(answer.success()), Code::IdempotencyKeyReused);
    }
    assert_eq!(document(&create(&gateway, &alice.login(), "key").await), document(&first));
    let elsewhere = document(&create(&other, &alice.login_from("OTHER-PC"), "key").await);
    assert_ne!(elsewhere["id"], document(&first)["id"]);
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "request.refused")), (2, 4));
}

#[tokio::test]
async fn a_key_is_1_to_128_visible_ascii_characters_once() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = || body(&alice.login()).unwrap();
    let (longest, too_long) = ("k".repeat(128), "k".repeat(129));
    for keys in
        [&[""][..], &[" "], &["a b"], &["k\u{e9}y"], &["tab\tkey"], &[too_long.as_str()], &["a", "a"], &["a", "b"]]
    {
        let answer = create_raw(&gateway, login(), keys).await;
        assert_eq!(refusal(answer.success()), Code::MalformedHeader, "{keys:?}");
    }
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    for key in ["!", "~", longest.as_str(), "' OR 1=1;--"] {
        let allowed = key.bytes().all(|byte| byte.is_ascii_graphic());
        assert_eq!(create_raw(&gateway, login(), &[key]).await.status == 201, allowed, "{key}");
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "request.refused")), (3, 9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_make_one_login() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = Arc::new(site.person("alice").await);
    let mut in_progress = 0;
    for round in 0..10 {
        site.clock.advance(61);
        let answers = race(100, |_| {
            let (gateway, alice) = (Arc::clone(&gateway), Arc::clone(&alice));
            async move { create(&gateway, &alice.login(), &format!("round-{round}")).await }
        })
        .await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
        let made: BTreeSet<String> = made.iter().map(|answer| document(answer).to_string()).collect();
        assert_eq!(made.len(), 1, "one login, always told alike");
        in_progress += refused.len();
        assert!(refused.into_iter().all(|answer| refusal(answer.success()) == Code::IdempotencyInProgress));
        assert_eq!(alice.phone.waiting(0).await.unwrap().len(), 1);
        let after = create(&gateway, &alice.login(), &format!("round-{round}")).await;
        assert!(made.contains(&document(&after).to_string()));
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "request.refused")), (10, in_progress));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_it_is_answered_nothing_is_in_progress() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = Arc::new(site.person("alice").await);
    let first = document(&create(&gateway, &alice.login(), "key").await);
    let answers = race(100, |_| {
        let (gateway, alice) = (Arc::clone(&gateway), Arc::clone(&alice));
        async move { create(&gateway, &alice.login(), "key").await }
    })
    .await;
    assert!(answers.iter().all(|answer| document(answer) == first));
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bodies_under_one_key_at_once_one_makes_a_login() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = Arc::new(site.person("alice").await);
    let answers = race(60, |index| {
        let (gateway, alice) = (Arc::clone(&gateway), Arc::clone(&alice));
        async move { create(&gateway, &alice.login_from(&format!("PC-{}", index % 2)), "key").await }
    })
    .await;
    let made: BTreeSet<String> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| document(answer).to_string()).collect();
    assert_eq!(made.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let code = refusal(answer.success());
        assert!([Code::IdempotencyInProgress, Code::IdempotencyKeyReused].contains(&code), "{code}");
    }
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
}
