//! Failed credentials are slowed down and summed; keys that are taken away are out at once.

use std::sync::Arc;

use gatematch_client_sim::edge::random;
use gatematch_domain::audit::Actor;
use gatematch_domain::role::Role;
use gatematch_protocol::base64url;
use gatematch_protocol::problem::Code;
use gatematch_server::edge::{Clock as _, Edge};
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::{Act, KeyRevoked};
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail, refusal};
use gatematch_tests::wire::refused;

use super::SELF;

#[tokio::test]
async fn three_hundred_failures_of_a_kind_then_wait_and_the_honest_are_served() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (alice, stranger) = (site.person("alice").await, site.blank_phone());
    let bad_key = async || {
        let key = format!("Bearer gma_{}", base64url::encode(random::<32>()));
        site.api().call("GET", "/v1/users", &[("authorization", &key)], None).await.unwrap()
    };
    let bad_proof = async || stranger.call("GET", SELF, None).await.unwrap();
    let api = site.api();
    for _ in 0..300 {
        let key = format!("Bearer gma_{}", base64url::encode(random::<32>()));
        let answer = api.call("GET", "/v1/users", &[("authorization", &key)], None).await.unwrap();
        assert_eq!(answer.status, 401);
    }
    let answer = bad_key().await;
    refused(&answer, Code::TooManyFailures);
    assert_eq!(answer.header("retry-after"), Some("60"));
    refused(&bad_proof().await, Code::CredentialInvalid);
    for _ in 0..299 {
        assert_eq!(bad_proof().await.status, 401);
    }
    refused(&bad_proof().await, Code::TooManyFailures);
    // A valid credential is served all the while, and is answered as ever where it may not.
    site.admin.get_user("alice").await.unwrap();
    alice.phone.self_view().await.unwrap();
    gateway.create(&alice.login(), None).await.unwrap();
    refused(&gateway.call("GET", "/v1/users", None).await.unwrap(), Code::WrongParty);
    site.phone_of("alice").await;
    site.clock.advance(59);
    let answer = bad_key().await;
    refused(&answer, Code::TooManyFailures);
    assert_eq!(answer.header("retry-after"), Some("1"));
    site.clock.advance(1);
    refused(&bad_key().await, Code::CredentialInvalid);
    let events = site.audit_when(|events| count(events, "credential.refused") >= 2).await;
    let mut told: Vec<(String, String)> = events
        .iter()
        .filter(|event| event.kind == "credential.refused")
        .map(|event| (detail(event, "kind"), detail(event, "count")))
        .collect();
    told.sort();
    assert_eq!(told, [("key".to_owned(), "302".to_owned()), ("proof".to_owned(), "301".to_owned())]);
}

#[tokio::test]
async fn three_hundred_forged_responses_then_wait_and_a_true_one_is_heard() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    let sound = alice.signed_approval(&asked).await;
    let thief = site.blank_phone().with_account(alice.phone.account().unwrap());
    let forged = {
        let signed = alice.signed(&asked).await;
        thief.response(&signed, gatematch_protocol::response::Decision::Approve, asked.number.as_deref(), None).unwrap()
    };
    let id = asked.id.to_string();
    for _ in 0..300 {
        assert_eq!(alice.phone.post_response(&id, &forged).await.unwrap().status, 401);
    }
    refused(&alice.phone.post_response(&id, &forged).await.unwrap(), Code::TooManyFailures);
    // What is malformed is no credential that failed.
    refused(&alice.phone.post_response(&id, "e30").await.unwrap(), Code::MalformedResponse);
    assert_eq!(gateway.get(asked.id, 0).await.unwrap().status, "pending");
    assert_eq!(alice.phone.post_response(&id, &sound).await.unwrap().status, 200);
    site.clock.advance(60);
    let events = site.audit_when(|events| count(events, "credential.refused") > 0).await;
    let told = events.iter().find(|event| event.kind == "credential.refused").unwrap();
    assert_eq!((detail(told, "kind").as_str(), detail(told, "count").as_str()), ("response", "301"));
}

#[tokio::test]
async fn keys_made_and_taken_away_by_another_process_hold_at_once() {
    let site = Site::start().await;
    let edge = Edge { clock: Arc::new(site.clock.clone()), entropy: Edge::system().entropy };
    let (beside, _) = open_store(site.settings(), &edge, Arc::new(Silent)).await.unwrap();
    let act = || Act::new(Actor::CommandLine("root".to_owned()), site.clock.now());
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let open = gateway.create(&alice.login(), None).await.unwrap();
    let late = alice.signed_approval(&open).await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    helpdesk.get_user("alice").await.unwrap();
    let keys = beside.admin_keys().await.unwrap();
    let key = keys.iter().find(|key| key.role == Role::Helpdesk).unwrap();
    assert_eq!(beside.revoke_admin_key(act(), key.id).await.unwrap(), KeyRevoked::Done);
    assert_eq!(refusal(helpdesk.get_user("alice").await), Code::CredentialInvalid);

    assert!(beside.revoke_device(act(), alice.phone.device_id().unwrap(), "lost".to_owned()).await.unwrap());
    refused(&alice.phone.call("GET", SELF, None).await.unwrap(), Code::CredentialInvalid);
    refused(&alice.phone.post_response(&open.id.to_string(), &late).await.unwrap(), Code::ResponseNotAuthentic);
    assert_eq!(gateway.get(open.id, 0).await.unwrap().status, "denied");

    assert!(beside.delete_gateway(act(), gateway.id.unwrap()).await.unwrap());
    assert_eq!(refusal(gateway.create(&alice.login(), None).await), Code::CredentialInvalid);
    beside.close().await;
    let events = site.audit().await;
    let by_hand: Vec<&str> =
        events.iter().filter(|it| it.actor.as_deref() == Some("cli:root")).map(|it| it.kind.as_str()).collect();
    assert_eq!(by_hand, ["admin_key.revoked", "device.deleted", "challenge.denied", "gateway.deleted"]);
}
