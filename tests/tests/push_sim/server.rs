//! The real server pushes to the simulated push service (PU-02, PU-03, PU-04).

use std::sync::{Arc, OnceLock};

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::{Phone, Ring, Silence};
use gatematch_client_sim::push::open::UserAgentKeys;
use gatematch_client_sim::push::service::{Message, Outcome};
use gatematch_domain::push::PushHosts;
use gatematch_protocol::challenge::{ChallengeFault, ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::jws::Jws;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_tests::moves::{count, heard, refusal, state};
use gatematch_tests::{Person, Site};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// A server that may push to a simulated push service, and a person whose phone is rung by it.
struct Scene {
    site: Site,
    service: PushService,
    gateway: Gateway,
    alice: Person,
    id: SubscriptionId,
    vapid: String,
}

impl Scene {
    async fn new() -> Self {
        // The service has the server's clock, but is there before the server.
        let later: Arc<OnceLock<Clock>> = Arc::default();
        let clock = Arc::clone(&later);
        let service = service(Arc::new(move || clock.get().map_or(0, |clock| clock()))).await;
        let hosts = PushHosts::from_entries(&[service.host()]).unwrap();
        let site = Site::start_with(|settings| settings.push_hosts = hosts).await;
        later.set(site.clock.seconds()).ok().unwrap();
        let Discovery { vapid_public_key: vapid, .. } = site.api().get("/.well-known/gatematch").await.unwrap();
        site.user("alice").await;
        let (phone, id) = enroll(&site, &service, &vapid).await;
        let alice = Person { name: "alice".to_owned(), phone };
        let gateway = site.gateway().await;
        Self { site, service, gateway, alice, id, vapid }
    }

    async fn login(&self, client: &str) -> ChallengeView {
        self.gateway.create(&self.alice.login_from(client), None).await.unwrap()
    }

    async fn pushed(&self) -> Message {
        self.service.next(&self.id, WITHIN).await.expect("a push comes")
    }

    async fn ring(&self, message: &Message) -> Ring {
        self.alice.phone.on_push(message.plaintext.as_deref().unwrap()).await.unwrap()
    }

    async fn redeem(&self, login: &ChallengeView) -> (String, Option<String>) {
        let view = self.gateway.redeem(login.id, "redemption", 0).await.unwrap();
        (view.status, view.reason)
    }
}

async fn enroll(site: &Site, service: &PushService, vapid: &str) -> (Phone, SubscriptionId) {
    let (push, id) = service.subscribe(Some(vapid)).unwrap();
    let phone = site.blank_phone();
    phone.enroll_with_push(site.token("alice").await.reveal(), "Pixel", &push).await.unwrap();
    (phone, id)
}

fn redeemed() -> (String, Option<String>) {
    ("redeemed".to_owned(), None)
}

fn topic(id: ChallengeId) -> String {
    id.to_string().replace('-', "")
}

#[tokio::test]
async fn a_phone_is_rung_by_push_with_the_bytes_that_it_would_fetch() {
    let scene = Scene::new().await;
    assert!(scene.alice.phone.self_view().await.unwrap().push);
    let login = scene.login("CLIENT-PC").await;
    let message = scene.pushed().await;
    let Ring::SignIn { challenge, claims } = scene.ring(&message).await else { panic!("it rings") };
    assert_eq!(challenge, scene.alice.signed(&login).await);
    assert_eq!(claims.jti, login.id);
    let left = claims.exp - scene.site.clock.seconds()();
    assert!(i64::from(message.ttl) <= left && message.ttl > 0, "{} of {left}", message.ttl);
    assert_eq!((message.urgency.as_str(), message.topic), ("high", Some(topic(login.id))));
    let number = login.number.as_deref();
    let outcome = scene.alice.phone.respond(&challenge, Decision::Approve, number, Some(UserVerification::Pin)).await;
    assert_eq!(heard(&outcome.unwrap()), ("approved", None));
    assert_eq!(scene.redeem(&login).await, redeemed());
}

#[tokio::test]
async fn pu_03_the_sealed_body_opens_only_with_that_phones_key_and_holds_no_number() {
    let scene = Scene::new().await;
    let (_, other) = enroll(&scene.site, &scene.service, &scene.vapid).await;
    let _of_the_other = scene.pushed().await;
    // Without an address, of which a part might be the number by chance.
    let client = CreateClient { ip: None, name: Some("CLIENT-PC".to_owned()) };
    let asked = CreateChallenge { client: Some(client), ..scene.alice.login() };
    let login = scene.gateway.create(&asked, None).await.unwrap();
    let (one, two) = (scene.pushed().await, scene.service.next(&other, WITHIN).await.unwrap());
    assert_ne!(one.sealed, two.sealed);
    assert_ne!(one.plaintext, two.plaintext, "each phone has a challenge of its own");
    assert!(UserAgentKeys::random().open(&one.sealed).is_err());
    // A sound sender's message for the one phone, sent to the other: it is taken, and cannot be opened.
    let attempt =
        scene.service.attempts().into_iter().find(|attempt| attempt.subscription == scene.id.as_str()).unwrap();
    let headers = attempt.headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let api = Api::new(scene.service.origin()).unwrap();
    let answer = api.raw("POST", &format!("/push/{other}"), &headers, one.sealed.clone()).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(scene.service.next(&other, WITHIN).await.unwrap().plaintext, None);

    let number = login.number.unwrap();
    for message in [&one, &two] {
        let plaintext: Value = serde_json::from_slice(message.plaintext.as_deref().unwrap()).unwrap();
        let signed = plaintext["challenge"].as_str().unwrap();
        assert_eq!(plaintext, json!({"v": 1, "challenge": signed}));
        let jws = Jws::parse(signed).unwrap();
        let known = ["iss", "aud", "sub", "jti", "iat", "exp", "nonce", "app", "gateway", "client", "match"];
        assert!(jws.claims().keys().all(|name| known.contains(&name.as_str())), "{:?}", jws.claims().keys());
        assert!(!jws.claims().values().any(|value| tells(value, &number)));
        let head: Vec<_> =
            attempt.headers.iter().filter(|(name, _)| name != "authorization" && name != "topic").collect();
        assert!(!head.iter().any(|(_, value)| *value == number), "{head:?}");
    }
}

/// Whether a value is the number, or has it in it as a word.
fn tells(value: &Value, number: &str) -> bool {
    match value {
        Value::Object(members) => members.values().any(|value| tells(value, number)),
        Value::Array(items) => items.iter().any(|value| tells(value, number)),
        Value::String(text) => text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == number),
        Value::Number(found) => found.to_string() == number,
        Value::Bool(_) | Value::Null => false,
    }
}

#[tokio::test]
async fn pu_04_a_push_that_comes_twice_rings_once() {
    let scene = Scene::new().await;
    scene.service.misbehave(Some(Misbehaviour::Duplicate));
    let login = scene.login("CLIENT-PC").await;
    let (first, second) = (scene.pushed().await, scene.pushed().await);
    assert_eq!(first.plaintext, second.plaintext);
    assert!(matches!(scene.ring(&first).await, Ring::SignIn { .. }));
    assert_eq!(scene.ring(&second).await, Ring::Nothing(Silence::Again));
    assert_eq!(heard(&scene.alice.approve(&login).await), ("approved", None));
    // Whoever answers the second copy is told that it is over.
    let signed = serde_json::from_slice::<Value>(second.plaintext.as_deref().unwrap()).unwrap();
    let signed = signed["challenge"].as_str().unwrap();
    let again = scene.alice.phone.respond(signed, Decision::Deny, None, None).await;
    assert_eq!(refusal(again), Code::AlreadyDecided);
    assert_eq!(scene.redeem(&login).await, redeemed());
    let events = scene.site.audit_of(&login).await;
    assert_eq!(count(&events, "challenge.approved"), 1);
}

#[tokio::test]
async fn pu_04_a_push_that_comes_too_late_changes_nothing() {
    let scene = Scene::new().await;
    scene.service.misbehave(Some(Misbehaviour::Late { seconds: 3_600 }));
    let login = scene.login("CLIENT-PC").await;
    let taken = scene.service.attempt_after(0, WITHIN).await.unwrap();
    assert_eq!(taken.outcome, Outcome::Misbehaved("late:3600".to_owned()));
    scene.site.clock.advance(61);
    scene.service.misbehave(None);
    let message = scene.pushed().await;
    assert_eq!(scene.ring(&message).await, Ring::Nothing(Silence::Challenge(ChallengeFault::NotForThisPhone)));
    let signed = serde_json::from_slice::<Value>(message.plaintext.as_deref().unwrap()).unwrap();
    let signed = signed["challenge"].as_str().unwrap();
    let answer = scene.alice.phone.respond(signed, Decision::Approve, login.number.as_deref(), None).await;
    assert_eq!(refusal(answer), Code::Expired);
    assert_eq!(state(&scene.gateway.get(login.id, 0).await.unwrap()), ("expired", Some("timeout")));
}

#[tokio::test]
async fn pu_04_pushes_in_another_order_ring_each_for_its_own_login() {
    let scene = Scene::new().await;
    scene.service.misbehave(Some(Misbehaviour::Reorder));
    let first = scene.login("CLIENT-1").await;
    assert!(scene.service.attempt_after(0, WITHIN).await.is_some());
    let second = scene.login("CLIENT-2").await;
    let mut rung = Vec::new();
    for _ in 0..2 {
        let message = scene.pushed().await;
        let Ring::SignIn { challenge, claims } = scene.ring(&message).await else { panic!("it rings") };
        rung.push((claims.jti, challenge));
    }
    assert_eq!(rung.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [second.id, first.id]);
    for ((_, challenge), login) in rung.iter().zip([&second, &first]) {
        let outcome = scene.alice.phone.respond(challenge, Decision::Approve, login.number.as_deref(), None).await;
        assert_eq!(heard(&outcome.unwrap()), ("approved", None));
        assert_eq!(scene.redeem(login).await, redeemed());
    }
}

#[tokio::test]
async fn pu_04_a_cancellation_that_overtakes_its_challenge_asks_to_fetch() {
    let scene = Scene::new().await;
    scene.service.misbehave(Some(Misbehaviour::Reorder));
    let login = scene.login("CLIENT-PC").await;
    assert!(scene.service.attempt_after(0, WITHIN).await.is_some());
    scene.gateway.cancel(login.id).await.unwrap();
    let (first, second) = (scene.pushed().await, scene.pushed().await);
    assert_eq!(first.topic, second.topic);
    assert_eq!(scene.ring(&first).await, Ring::FetchAgain(login.id));
    assert_eq!(scene.ring(&second).await, Ring::FetchAgain(login.id));
    assert_eq!(scene.alice.phone.waiting(0).await.unwrap(), []);
}

/// A login whose push goes wrong like this, which the phone fetches; and whether it still has its subscription.
async fn fetched(word: &str) -> bool {
    let scene = Scene::new().await;
    scene.service.misbehave(Some(word.parse().unwrap()));
    let login = scene.login("CLIENT-PC").await;
    let attempt = scene.service.attempt_after(0, WITHIN).await.unwrap();
    assert_eq!(attempt.outcome, Outcome::Misbehaved(word.to_owned()));
    assert_eq!(heard(&scene.alice.approve(&login).await), ("approved", None), "{word}");
    assert_eq!(scene.redeem(&login).await, redeemed(), "{word}");
    // The next one as well, while the first push may still hang.
    let login = scene.login("CLIENT-2").await;
    assert_eq!(heard(&scene.alice.approve(&login).await), ("approved", None), "{word}");
    assert_eq!(scene.service.messages(&scene.id), []);
    let push = scene.alice.phone.self_view().await.unwrap().push;
    tokio::time::timeout(WITHIN, scene.site.stop()).await.expect("the server ends, whatever the push service does");
    push
}

#[tokio::test]
async fn pu_02_a_push_service_that_hangs_drips_or_floods_keeps_nobody_out() {
    for word in ["hang", "drip", "close", "huge"] {
        assert!(fetched(word).await, "{word}: a network fault deletes nothing");
    }
}

#[tokio::test]
async fn pu_02_a_push_service_that_refuses_keeps_nobody_out() {
    for word in ["403", "413", "429:30", "429:date:30", "500", "503"] {
        assert!(fetched(word).await, "{word}: the subscription stays");
    }
}

#[tokio::test]
async fn pu_02_a_subscription_that_is_gone_is_dropped() {
    for status in ["404", "410"] {
        let scene = Scene::new().await;
        scene.service.misbehave(Some(status.parse().unwrap()));
        let login = scene.login("CLIENT-PC").await;
        scene.service.attempt_after(0, WITHIN).await.unwrap();
        let events = scene.site.audit_when(|events| count(events, "device.push_changed") > 0).await;
        assert_eq!(count(&events, "device.push_changed"), 1, "{status}");
        assert!(!scene.alice.phone.self_view().await.unwrap().push);
        assert_eq!(heard(&scene.alice.approve(&login).await), ("approved", None));
    }
}

#[tokio::test]
async fn pu_01_a_redirection_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let word = format!("redirect:http://{}/push", elsewhere.local_addr().unwrap());
    fetched(&word).await;
    let none = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(none.is_err(), "no byte leaves");
}
