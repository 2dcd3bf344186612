//! Gateways: made by an admin, their key shown once, and gone at once.

use std::fs;
use std::sync::Arc;

use gatematch_domain::role::Role;
use gatematch_protocol::base64url;
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, only, race, refusal, state};
use gatematch_tests::wire::{json, refused};
use serde_json::{Value, json};

fn sound() -> Value {
    json!({"name": "Oslo", "application": "Remote Desktop", "can_display": true})
}

#[tokio::test]
async fn the_key_is_shown_once_and_kept_by_nobody() {
    let site = Site::start().await;
    let answer = site.admin.call("POST", "/v1/gateways", json(&sound())).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made: GatewayCreated = answer.json().unwrap();
    let key = made.key.reveal();
    let random = base64url::decode(key.strip_prefix("gmg_").unwrap()).unwrap();
    assert_eq!(random.len(), 32);
    assert_eq!((made.gateway.client_address.as_str(), made.gateway.can_display), ("trusted", true));
    let list = site.admin.call("GET", "/v1/gateways", None).await.unwrap();
    assert!(list.text().contains(&made.gateway.id.to_string()));
    let events = site.audit().await;
    let told = serde_json::to_string(&events).unwrap();
    assert!(!list.text().contains(&key[4..]) && !told.contains(&key[4..]));
    for entry in fs::read_dir(&site.settings().data_dir).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    }
    assert_eq!(only(&events, "gateway.created").gateway.as_deref(), Some(made.gateway.id.to_string().as_str()));
}

#[tokio::test]
async fn what_makes_no_gateway_is_refused() {
    let site = Site::start().await;
    for (member, value, code) in [
        ("name", json!(""), Code::InvalidValue),
        ("name", json!("n".repeat(65)), Code::InvalidValue),
        ("application", json!(""), Code::InvalidValue),
        ("application", json!("\u{10348}".repeat(33)), Code::InvalidValue),
        ("client_address", json!("Trusted"), Code::InvalidValue),
        ("client_address", json!(true), Code::MalformedBody),
        ("can_display", json!("true"), Code::MalformedBody),
        ("can_display", json!(1), Code::MalformedBody),
        ("can_display", json!(null), Code::MalformedBody),
        ("name", json!(["Oslo"]), Code::MalformedBody),
        // AD-02
        ("id", json!("00000000-0000-7000-8000-000000000000"), Code::MalformedBody),
        ("key", json!("gmg_mine"), Code::MalformedBody),
        ("role", json!("admin"), Code::MalformedBody),
    ] {
        let mut body = sound();
        body[member] = value;
        refused(&site.admin.call("POST", "/v1/gateways", json(&body)).await.unwrap(), code);
    }
    for member in ["name", "application", "can_display"] {
        let mut body = sound();
        body.as_object_mut().unwrap().remove(member);
        refused(&site.admin.call("POST", "/v1/gateways", json(&body)).await.unwrap(), Code::MalformedBody);
    }
    assert!(site.admin.list_gateways().await.unwrap().is_empty());
    let events = site.audit().await;
    assert_eq!((count(&events, "gateway.created"), count(&events, "request.refused")), (0, 16));
}

#[tokio::test]
async fn a_gateway_that_cannot_display_makes_no_number() {
    let site = Site::start().await;
    let blind = site.gateway_named("Blind", false).await;
    let alice = site.person("alice").await;
    let asked = |display: &str| {
        let mut login = alice.login();
        login.display = Some(display.to_owned());
        login
    };
    assert_eq!(refusal(blind.create(&asked("number"), None).await), Code::DisplayNotPossible);
    // Nothing shows a number, and nobody chose to go without: no login.
    let refusing = blind.create(&alice.login(), None).await.unwrap();
    assert_eq!((state(&refusing), refusing.number.as_deref()), (("denied", Some("policy")), None));
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    let events = site.audit().await;
    assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("display-not-possible")).count(), 1);
}

#[tokio::test]
async fn a_deleted_gateway_is_out_from_the_moment_of_the_answer() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen", true).await);
    let alice = site.person("alice").await;
    let (pending, approved) = (
        gateway.create(&alice.login_from("PC-1"), None).await.unwrap(),
        gateway.create(&alice.login_from("PC-2"), None).await.unwrap(),
    );
    alice.approve(&approved).await;
    let late = alice.signed_approval(&pending).await;
    let theirs = other.create(&alice.login_from("PC-3"), None).await.unwrap();
    let path = format!("/v1/gateways/{}", gateway.id.unwrap());
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    refused(&helpdesk.call("DELETE", &path, None).await.unwrap(), Code::RoleNotAllowed);
    refused(&gateway.call("DELETE", &path, None).await.unwrap(), Code::WrongParty);
    site.admin.delete_gateway(gateway.id.unwrap()).await.unwrap();

    assert_eq!(refusal(gateway.create(&alice.login(), None).await), Code::CredentialInvalid);
    assert_eq!(refusal(gateway.redeem(approved.id, "r", 0).await), Code::CredentialInvalid);
    refused(&alice.phone.post_response(&pending.id.to_string(), &late).await.unwrap(), Code::AlreadyDecided);
    for challenge in [&pending, &approved] {
        let seen = site.admin.challenge(challenge.id).await.unwrap();
        assert_eq!(state(&seen), ("denied", Some("revoked")));
    }
    assert_eq!(other.get(theirs.id, 0).await.unwrap().status, "pending");
    refused(&site.admin.call("DELETE", &path, None).await.unwrap(), Code::NotFound);
    assert_eq!(site.admin.list_gateways().await.unwrap().len(), 1);
    let events = site.audit_of(&approved).await;
    assert_eq!(gatematch_tests::audit_names(&events), ["challenge.created", "challenge.approved", "challenge.denied"]);
    assert_eq!(count(&site.audit().await, "gateway.deleted"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_deleted_once_and_makes_nothing_afterwards() {
    let site = Arc::new(Site::start().await);
    let gateway = Arc::new(site.gateway().await);
    let id = gateway.id.unwrap();
    let alice = Arc::new(site.person("alice").await);
    let answers = race(100, |index| {
        let (site, gateway, alice) = (Arc::clone(&site), Arc::clone(&gateway), Arc::clone(&alice));
        async move {
            if index % 2 == 0 {
                return site.admin.delete_gateway(id).await.is_ok();
            }
            let _ = gateway.create(&alice.login_from(&format!("PC-{index}")), None).await;
            false
        }
    })
    .await;
    assert_eq!(answers.into_iter().filter(|deleted| *deleted).count(), 1);
    // A create that was under way when the gateway went must not leave an open challenge behind.
    let waiting = alice.phone.waiting(0).await.unwrap();
    assert!(waiting.is_empty(), "{} challenges of a gateway that is gone", waiting.len());
    assert_eq!(count(&site.audit().await, "gateway.deleted"), 1);
}
