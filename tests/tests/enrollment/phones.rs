//! What a phone says of itself (EN-08), how many a user may have, and confirmation by somebody else.

use std::sync::Arc;

use gatematch_client_sim::edge::random_key;
use gatematch_client_sim::misbehave::{Expect, Needs};
use gatematch_client_sim::phone::Phone;
use gatematch_domain::role::Role;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail, only, race, refusal};
use gatematch_tests::wire::{json, refused};
use serde_json::{Value, json};

use super::{PATH, message, misbehave, phones_of, try_token};

#[tokio::test]
async fn en_08_device_names_are_bounded_and_cannot_steer() {
    let site = Site::start().await;
    for (misbehaviour, user, token) in misbehave(&site, "EN-08", Needs::Enrollment).await {
        let heard = misbehaviour.expect == Expect::Allowed(201);
        let devices = site.admin.devices(&user).await.unwrap();
        assert_eq!(devices.len(), usize::from(heard), "{}", misbehaviour.name);
        match devices.first() {
            Some(device) => {
                assert_eq!(device.name, "<script>alert(1)</script>\u{fffd}\u{fffd}\u{fffd}Set-Cookie: a=b");
            }
            None => assert_eq!(try_token(&site, token.reveal()).await.status, 201, "{}", misbehaviour.name),
        }
    }
    site.user("alice").await;
    let token = site.token("alice").await;
    for (name, text, code) in [
        ("name", "n".repeat(65), Code::InvalidValue),
        ("name", "\u{1f4f1}".repeat(33), Code::InvalidValue),
        ("platform", String::new(), Code::InvalidValue),
        ("platform", "p".repeat(65), Code::InvalidValue),
    ] {
        let phone = site.blank_phone();
        let mut body = message(phone.key(), token.reveal());
        body[name] = json!(text);
        refused(&phone.call("POST", PATH, json(&body)).await.unwrap(), code);
    }
    let phone = site.blank_phone();
    let mut body = message(phone.key(), token.reveal());
    body["name"] = json!("\u{1f4f1}".repeat(32));
    body["platform"] = json!("\u{200f}\u{2067}A\u{0}\u{85}");
    assert_eq!(phone.call("POST", PATH, json(&body)).await.unwrap().status, 201);
    let device = site.admin.devices("alice").await.unwrap().remove(0);
    assert_eq!(device.platform.as_deref(), Some("\u{fffd}\u{fffd}A\u{fffd}\u{fffd}"));
    let events = site.audit().await;
    let told: Vec<String> = events.iter().map(|event| detail(event, "name")).collect();
    assert!(told.iter().any(|name| name.contains("Set-Cookie")));
    assert!(!told.iter().any(|name| name.contains(['\r', '\n', '\u{202e}'])));
}

#[tokio::test]
async fn en_08_a_megabyte_is_answered_and_not_read() {
    let site = Site::start().await;
    for _ in 0..20 {
        let phone = site.blank_phone();
        let mut body = message(phone.key(), "gme_x");
        body["name"] = json!("n".repeat(1_000_000));
        refused(&phone.call("POST", PATH, json(&body)).await.unwrap(), Code::BodyTooLarge);
    }
    assert_eq!(count(&site.audit().await, "device.registered"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_at_most_five_phones_whoever_is_first() {
    let site = Site::start().await;
    site.user("alice").await;
    let mut tokens = Vec::new();
    for _ in 0..50 {
        tokens.push(site.token("alice").await);
    }
    let phones: Vec<Arc<Phone>> = (0..50).map(|_| Arc::new(site.blank_phone())).collect();
    let answers = race(50, |index| {
        let (phone, token) = (Arc::clone(&phones[index]), tokens[index].clone());
        async move { phone.enroll(token.reveal(), "Pixel").await }
    })
    .await;
    let loser = answers.iter().position(Result::is_err).unwrap();
    let (winners, losers): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 5);
    for answer in losers {
        assert_eq!(refusal(answer), Code::TooManyDevices);
    }
    // A conflict is told before a value that is out of range.
    let mut body = message(phones[loser].key(), tokens[loser].reveal());
    body["name"] = json!("");
    refused(&phones[loser].call("POST", PATH, json(&body)).await.unwrap(), Code::TooManyDevices);
    // The token is not spent: once there is room it works.
    site.admin.delete_device(winners[0].as_ref().unwrap().device_id).await.unwrap();
    phones[loser].enroll(tokens[loser].reveal(), "Pixel").await.unwrap();
    assert_eq!(phones_of(&site, "alice").await, 5);
    let events = site.audit().await;
    assert_eq!((count(&events, "device.registered"), count(&events, "device.deleted")), (6, 1));
}

#[tokio::test]
async fn a_bad_push_subscription_does_not_spend_the_token() {
    let site = Site::start().await;
    site.user("alice").await;
    let token = site.token("alice").await;
    let point = base64url::encode(random_key().public().to_sec1());
    let auth = base64url::encode([7; 16]);
    let mut off_curve = [7; 65];
    off_curve[0] = 4;
    let off_curve = base64url::encode(off_curve);
    let service = "https://fcm.googleapis.com/fcm/send/x";
    let short = base64url::encode([7; 15]);
    for (endpoint, p256dh, auth) in [
        ("http://fcm.googleapis.com/fcm/send/x", &point, &auth),
        ("https://user@fcm.googleapis.com/x", &point, &auth),
        ("https://127.0.0.1/x", &point, &auth),
        ("https://169.254.169.254/latest", &point, &auth),
        ("https://[::ffff:10.0.0.1]/x", &point, &auth),
        ("https://2130706433/x", &point, &auth),
        ("https://fcm.googleapis.com.evil.example/x", &point, &auth),
        ("javascript:alert(1)", &point, &auth),
        ("", &point, &auth),
        (service, &off_curve, &auth),
        (service, &auth, &auth),
        (service, &point, &short),
        (service, &point, &point),
    ] {
        let phone = site.blank_phone();
        let mut body = message(phone.key(), token.reveal());
        body["push"] = json!({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}});
        let answer = phone.call("POST", PATH, json(&body)).await.unwrap();
        refused(&answer, Code::InvalidPushSubscription);
    }
    let phone = site.blank_phone();
    let mut body = message(phone.key(), token.reveal());
    body["push"] = json!({"endpoint": service, "keys": {"p256dh": point, "auth": auth}});
    assert_eq!(phone.call("POST", PATH, json(&body)).await.unwrap().status, 201);
    assert!(phone.self_view().await.unwrap().push);
    // The phone's own later word has the same rules; `null` takes it back, and an empty body is no `null`.
    let put = |body: Option<Vec<u8>>| phone.call("PUT", "/v1/devices/self/push", body);
    let bad = json!({"endpoint": "https://127.0.0.1/x", "keys": {"p256dh": point, "auth": auth}});
    refused(&put(json(&bad)).await.unwrap(), Code::InvalidPushSubscription);
    refused(&put(json(&json!({"push": null}))).await.unwrap(), Code::MalformedBody);
    refused(&put(None).await.unwrap(), Code::MalformedBody);
    assert!(phone.self_view().await.unwrap().push);
    assert_eq!(put(json(&Value::Null)).await.unwrap().status, 204);
    assert!(!phone.self_view().await.unwrap().push);
    let events = site.audit().await;
    assert_eq!((count(&events, "device.registered"), count(&events, "device.push_changed")), (1, 1));
    assert!(!serde_json::to_string(&events).unwrap().contains("fcm.googleapis.com"));
}

#[tokio::test]
async fn an_unconfirmed_phone_gets_and_answers_nothing() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    let gateway = site.gateway().await;
    site.user("alice").await;
    let phone = site.blank_phone();
    let registered = phone.enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let code = registered.code.clone().unwrap();
    assert_eq!(registered.status, "unconfirmed");
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));
    let login = json!({"user": "alice", "client": {"name": "PC"}});
    let denied: Value = gateway.call("POST", "/v1/challenges", json(&login)).await.unwrap().json().unwrap();
    assert_eq!((denied["status"].as_str(), denied["reason"].as_str()), (Some("denied"), Some("not-enrolled")));
    assert!(phone.waiting(0).await.unwrap().is_empty());
    // Nobody reads the code again, and nobody confirms himself.
    let device = format!("/v1/devices/{}", registered.device_id);
    for answer in [
        phone.call("GET", "/v1/devices/self", None).await.unwrap(),
        site.admin.call("GET", "/v1/users/alice/devices", None).await.unwrap(),
    ] {
        assert!(answer.status == 200 && !answer.text().contains(&code));
    }
    let confirm = format!("{device}/confirm");
    let body = json(&json!({"code": code}));
    refused(&phone.call("POST", &confirm, body.clone()).await.unwrap(), Code::NotFound);
    refused(&gateway.call("POST", &confirm, body.clone()).await.unwrap(), Code::WrongParty);
    let auditor = site.admin_with(Role::Auditor).await;
    refused(&auditor.call("POST", &confirm, body.clone()).await.unwrap(), Code::RoleNotAllowed);

    site.admin_with(Role::Helpdesk).await.confirm_device(registered.device_id, &code).await.unwrap();
    refused(&site.admin.call("POST", &confirm, body).await.unwrap(), Code::DeviceConfirmed);
    let login = CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() };
    let asked = gateway.create(&login, None).await.unwrap();
    let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
    let outcome = phone.respond(&signed, Decision::Approve, asked.number.as_deref(), None).await.unwrap();
    assert_eq!(outcome.status, "approved");
    let events = site.audit().await;
    assert_eq!(only(&events, "device.confirmed").actor.as_deref(), Some("admin:helpdesk-key"));
    assert!(!serde_json::to_string(&events).unwrap().contains(&format!("\"{code}\"")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_wrong_codes_take_an_unconfirmed_phone_away_also_at_once() {
    let site = Arc::new(Site::start_with(|settings| settings.require_device_confirmation = true).await);
    site.user("alice").await;
    let phone = site.blank_phone();
    let registered = phone.enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let confirm = format!("/v1/devices/{}/confirm", registered.device_id);
    let right = registered.code.unwrap();
    let wrong: Vec<String> =
        (0..60).map(|index| format!("{index:06}")).filter(|code| *code != right).take(50).collect();
    let answers = race(50, |index| {
        let (site, confirm, code) = (Arc::clone(&site), confirm.clone(), wrong[index].clone());
        async move { site.admin.call("POST", &confirm, json(&json!({"code": code}))).await.unwrap() }
    })
    .await;
    let wrong = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!(wrong, 3, "more codes were tried than allowed");
    for answer in &answers {
        refused(answer, if answer.status == 422 { Code::WrongCode } else { Code::NotFound });
    }
    refused(&site.admin.call("POST", &confirm, json(&json!({"code": right}))).await.unwrap(), Code::NotFound);
    refused(&phone.call("GET", "/v1/devices/self", None).await.unwrap(), Code::CredentialInvalid);
    let events = site.audit().await;
    assert_eq!((count(&events, "device.confirm_failed"), count(&events, "device.confirmed")), (3, 0));
    assert_eq!(detail(only(&events, "device.deleted"), "why"), "too many wrong codes");
}

#[tokio::test]
async fn a_second_phone_is_confirmed_by_the_first_and_by_no_stranger() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    site.user("mallory").await;
    let (first, second, mallory) = (site.blank_phone(), site.blank_phone(), site.blank_phone());
    for (phone, user) in [(&first, "alice"), (&mallory, "mallory")] {
        let registered = phone.enroll(site.token(user).await.reveal(), "Pixel").await.unwrap();
        site.admin.confirm_device(registered.device_id, &registered.code.unwrap()).await.unwrap();
    }
    let registered = second.enroll(site.token("alice").await.reveal(), "Tablet").await.unwrap();
    let confirm = format!("/v1/devices/{}/confirm", registered.device_id);
    let body = json(&json!({"code": registered.code.unwrap()}));
    let stranger = mallory.call("POST", &confirm, body.clone()).await.unwrap();
    refused(&stranger, Code::NotFound);
    let unknown = format!("/v1/devices/{}/confirm", site.admin.get_user("alice").await.unwrap().id);
    assert_eq!(stranger.text(), mallory.call("POST", &unknown, body.clone()).await.unwrap().text());
    assert_eq!(first.call("POST", &confirm, body).await.unwrap().status, 200);
    assert_eq!(second.self_view().await.unwrap().status, "active");
    let events = site.audit().await;
    let by = format!("device:{}", first.device_id().unwrap());
    assert_eq!(events.iter().filter(|event| event.actor.as_deref() == Some(&by)).count(), 2);
    let tried = format!("device:{}", mallory.device_id().unwrap());
    let refusals =
        events.iter().filter(|event| event.kind == "request.refused" && event.actor.as_deref() == Some(&tried));
    assert_eq!(refusals.count(), 2);
}
