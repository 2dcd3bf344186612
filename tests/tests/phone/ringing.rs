//! The phone rings.

use std::time::Duration;

use gatematch_client_sim::push::service::{Message, PushService, SubscriptionId};
use gatematch_tests::Site;
use gatematch_tests::moves::count;
use gatematch_tests::web_phone::WebPhone;
use serde_json::{Value, json};

use super::{approves, asks, at_home, can_answer, site};

/// Longer than any push takes, since nothing here waits for a clock on the wall.
const LONG: Duration = Duration::from_secs(30);

/// Puts a new subscription at the push service of the test where the browser will get it.
async fn offer(phone: &mut WebPhone, site: &Site, service: &PushService) -> SubscriptionId {
    let answer = site.api().call("GET", "/.well-known/gatematch", &[], None).await.unwrap();
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    let (subscription, id) = service.subscribe(told["vapid_public_key"].as_str()).unwrap();
    let give = json!({"endpoint": subscription.endpoint.reveal(), "keys": {
        "p256dh": subscription.keys.p256dh, "auth": subscription.keys.auth.reveal()}});
    phone.order("subscription", json!({"give": give})).await;
    id
}

/// Lets the phone ring, by the push service of the test.
async fn turn_on(phone: &mut WebPhone, site: &Site, service: &PushService) -> SubscriptionId {
    let id = offer(phone, site, service).await;
    phone.order("waits", json!({"for": "#turn-on:not([hidden])"})).await;
    phone.tap("#turn-on").await;
    phone.order("waits", json!({"for": "#push[data-push=on]"})).await;
    id
}

/// What the push service has opened next.
async fn next(service: &PushService, id: &SubscriptionId) -> (Message, Value) {
    let message = service.next(id, LONG).await.expect("nothing is pushed");
    let plaintext = message.plaintext.clone().expect("it opens with the phone's key");
    let plaintext = serde_json::from_slice(&plaintext).unwrap();
    (message, plaintext)
}

#[tokio::test]
async fn a_sign_in_rings_and_the_notification_says_nothing_and_can_do_nothing() {
    let (site, service) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let id = turn_on(&mut phone, &site, &service).await;
    assert!(site.admin.devices("alice").await.unwrap()[0].push);
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    let (message, plaintext) = next(&service, &id).await;
    assert_eq!((message.urgency.as_str(), message.ttl), ("high", 60));
    assert_eq!(message.topic.unwrap(), challenge.id.to_string().replace('-', ""));
    phone.is_pushed(&plaintext.to_string()).await;
    phone.reaches("request", "asking").await;
    let shown = phone.notifies("Somebody is signing in").await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["tag"], &shown[0]["actions"]), (&json!(challenge.id.to_string()), &json!(0)));
    let text = format!("{} {} {}", shown[0]["title"], shown[0]["body"], shown[0]["data"]);
    for secret in ["alice", "CLIENT-PC", "Oslo", "203.0.113.7", "Contoso", challenge.number.as_deref().unwrap()] {
        assert!(!text.contains(secret), "{secret} stands in: {text}");
    }

    // The same again, and another time: nothing more is shown, and nothing is answered.
    phone.is_pushed(&plaintext.to_string()).await;
    phone.order("waits", json!({"for": "#deny:not([aria-disabled=true])"})).await;
    assert_eq!(phone.notifies("Somebody is signing in").await.len(), 1);
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().status, "pending");

    approves(&mut phone, challenge.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    let traffic = phone.order("traffic", json!({})).await;
    let answers = traffic.as_str().unwrap().matches("/response ").count();
    assert_eq!(answers, 1, "the one of the person");
    phone.closes().await;
}

#[tokio::test]
async fn a_push_that_comes_late_or_of_what_is_over_promises_nothing() {
    let (site, service) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let id = turn_on(&mut phone, &site, &service).await;
    let gateway = site.gateway().await;
    // The phone must not find the request by itself.
    phone.order("blind", json!({"on": true})).await;
    phone.tap("#look").await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    let (_, asked) = next(&service, &id).await;
    gateway.cancel(challenge.id).await.unwrap();
    let (_, called_off) = next(&service, &id).await;
    assert_eq!(called_off, json!({"v": 1, "cancelled": challenge.id}));
    // In the wrong order.
    phone.is_pushed(&called_off.to_string()).await;
    phone.notifies("This sign-in is over").await;
    phone.is_pushed(&asked.to_string()).await;
    assert_eq!(phone.notifies("Somebody is signing in").await.len(), 1, "the same tag");
    phone.order("blind", json!({"on": false})).await;
    phone.tap("#look").await;
    phone.reaches("home", "idle").await;
    for nonsense in ["", "hello", "{\"v\":2}", "{\"v\":1,\"challenge\":7}", "[]"] {
        phone.is_pushed(nonsense).await;
    }
    phone.notifies("Open Gatematch to look").await;
    phone.reaches("home", "idle").await;
    phone.closes().await;
}

#[tokio::test]
async fn ap_10_a_push_alone_answers_nothing_and_the_worker_could_not() {
    let worker = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../phone/sw.js")).unwrap();
    for tool in ["subtle", "indexedDB", "importScripts", "import(", "/v1/", "/response", "POST"] {
        assert!(!worker.contains(tool), "the service worker has {tool}");
    }
    let (site, service) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let id = turn_on(&mut phone, &site, &service).await;
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    let (_, plaintext) = next(&service, &id).await;
    phone.is_pushed(&plaintext.to_string()).await;
    phone.notifies("Somebody is signing in").await;
    phone.reaches("request", "asking").await;
    can_answer(&mut phone).await;
    let traffic = phone.order("traffic", json!({})).await;
    assert!(!traffic.as_str().unwrap().contains("/v1/challenges/"), "nobody has touched the phone");
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().status, "pending");
    phone.closes().await;
}

#[tokio::test]
async fn a_phone_that_cannot_ring_says_why_and_works_all_the_same() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    phone.order("subscription", json!({"give": null})).await;
    phone.order("waits", json!({"for": "#turn-on:not([hidden])"})).await;
    phone.tap("#turn-on").await;
    phone.order("waits", json!({"for": "#push[data-push=unreachable]"})).await;
    assert!(phone.text("#push").await.contains("cannot be reached"));

    // A push service that the server does not know.
    phone.order("expect", json!({"text": "422"})).await;
    let keys = gatematch_client_sim::push::open::UserAgentKeys::random().told();
    let give =
        json!({"endpoint": "https://push.example.com/x", "keys": {"p256dh": keys.p256dh, "auth": keys.auth.reveal()}});
    phone.order("subscription", json!({"give": give})).await;
    phone.tap("#turn-on").await;
    phone.order("waits", json!({"for": "#push[data-push=refused]"})).await;

    phone.order("permit", json!({"name": "notifications", "setting": "denied"})).await;
    phone.order("reload", json!({})).await;
    phone.reaches("home", "idle").await;
    phone.order("waits", json!({"for": "#push[data-push=blocked]"})).await;
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    approves(&mut phone, challenge.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    phone.closes().await;
}

#[tokio::test]
async fn a_subscription_that_the_push_service_has_forgotten_is_made_anew_when_the_app_is_opened() {
    let (site, service) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let id = turn_on(&mut phone, &site, &service).await;
    assert!(service.remove(&id));
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    site.audit_when(|events| count(events, "device.push_changed") == 2).await;
    assert!(!site.admin.devices("alice").await.unwrap()[0].push);
    gateway.cancel(challenge.id).await.unwrap();
    let id = offer(&mut phone, &site, &service).await;
    phone.order("reload", json!({})).await;
    phone.comes_to("home").await;
    site.audit_when(|events| count(events, "device.push_changed") == 3).await;
    phone.order("waits", json!({"for": "#push[data-push=on]"})).await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    let (message, _) = next(&service, &id).await;
    assert_eq!(message.topic.unwrap(), challenge.id.to_string().replace('-', ""));
    phone.closes().await;
}
