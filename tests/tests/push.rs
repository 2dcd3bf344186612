//! What the server tells phones by push, and when it tells them nothing. What leaves on the wire is in `push_sim`, and
//! in the server's own tests.

mod farewell;
mod floods;

use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::phone::Phone;
use gatematch_domain::push::PushHosts;
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::jws::Jws;
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_server::push::recording::Recording;
use gatematch_server::push::{Outcome, Parcel};
use gatematch_server::settings::{Settings, TlsFiles};
use gatematch_tests::moves::{another_number, count, state};
use gatematch_tests::{Person, Site};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long a test waits for what must happen.
const LONG: Duration = Duration::from_secs(60);

/// The receiver of RFC 8291, appendix A.
const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn subscription(endpoint: &str) -> PushSubscription {
    let keys = PushKeys { p256dh: P256DH.to_owned(), auth: Secret::new(AUTH) };
    PushSubscription { endpoint: Secret::new(endpoint), keys }
}

fn endpoint(name: &str) -> String {
    format!("https://fcm.googleapis.com/fcm/send/{name}")
}

/// What a parcel says, and to whom: `one: challenge ID`, `one: notice KIND`.
fn told(parcel: &Parcel) -> String {
    let to = parcel.to.endpoint.reveal().rsplit('/').next().unwrap();
    let said: Value = serde_json::from_str(&parcel.text).unwrap();
    assert_eq!(said["v"], 1);
    let members = said.as_object().unwrap();
    assert_eq!(members.len(), 2);
    let (kind, value) = members.iter().find(|(name, _)| *name != "v").unwrap();
    let value = value.as_str().unwrap();
    let id = match kind.as_str() {
        "cancelled" => value.to_owned(),
        _ => Jws::parse(value).unwrap().claims()["jti"].as_str().unwrap().to_owned(),
    };
    if kind == "notice" {
        // The next one about the same person takes its place.
        let topic = parcel.topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        assert!(topic && parcel.topic.len() == 32 && parcel.topic != id.replace('-', ""));
        let of = Jws::parse(value).unwrap().claims()["kind"].as_str().unwrap().to_owned();
        return format!("{to}: notice {of}");
    } else {
        assert_eq!(parcel.topic, id.replace('-', ""));
    }
    format!("{to}: {kind} {id}")
}

/// A site whose pushes are recorded, and alice with two phones, `one` and `two`.
struct Scene {
    site: Site,
    delivery: Arc<Recording>,
    alice: Person,
    two: Phone,
}

impl Scene {
    async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::delivering(Recording::default(), change).await
    }

    async fn delivering(delivery: Recording, change: impl FnOnce(&mut Settings)) -> Self {
        let delivery = Arc::new(delivery);
        let site = Site::start_delivering(Arc::<Recording>::clone(&delivery), change).await;
        let alice = site.person("alice").await;
        let two = site.phone_of("alice").await;
        alice.phone.set_push(Some(&subscription(&endpoint("one")))).await.unwrap();
        two.set_push(Some(&subscription(&endpoint("two")))).await.unwrap();
        Self { site, delivery, alice, two }
    }

    /// The first so many things that phones were told, the latest ones sorted.
    async fn told(&self, already: usize, more: usize) -> Vec<String> {
        let parcels = self.delivery.after(already + more).await;
        let mut told: Vec<String> = parcels[already..].iter().map(told).collect();
        assert_eq!(told.len(), more, "{told:?}");
        told.sort();
        told
    }

    /// Waits until this was told, whatever else was.
    async fn until_told(&self, expected: &str) {
        let is_told = async {
            let mut seen = 0;
            while !self.delivery.after(seen + 1).await.iter().any(|parcel| told(parcel) == expected) {
                seen = self.delivery.parcels().len();
            }
        };
        timeout(LONG, is_told).await.unwrap_or_else(|_| panic!("{expected} is not told"));
    }
}

/// The notices of one kind that a phone fetches.
async fn notices_of(phone: &Phone, kind: &str) -> Vec<NoticeClaims> {
    phone.notices().await.unwrap().into_iter().filter(|notice| notice.kind == kind).collect()
}

fn both(kind: &str, id: ChallengeId) -> Vec<String> {
    vec![format!("one: {kind} {id}"), format!("two: {kind} {id}")]
}

#[tokio::test]
async fn every_phone_is_pushed_the_very_bytes_that_it_would_fetch() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    let login = gateway.create(&scene.alice.login(), None).await.unwrap();
    assert_eq!(scene.told(0, 2).await, both("challenge", login.id));
    for parcel in scene.delivery.parcels() {
        let phone = if parcel.to.endpoint.reveal().ends_with("one") { &scene.alice.phone } else { &scene.two };
        let fetched = phone.waiting(0).await.unwrap();
        let said: Value = serde_json::from_str(&parcel.text).unwrap();
        assert_eq!(said["challenge"], fetched[0].challenge);
        assert_eq!(parcel.good_until, login.expires_at);
        assert_eq!(phone.read(&fetched[0].challenge).await.unwrap().jti, login.id);
    }
}

#[tokio::test]
async fn who_decides_is_not_told_and_the_others_are() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    for (round, decision) in [Decision::Approve, Decision::Deny].into_iter().enumerate() {
        let login = gateway.create(&scene.alice.login(), None).await.unwrap();
        assert_eq!(scene.told(round * 3, 2).await, both("challenge", login.id));
        let signed = scene.alice.signed(&login).await;
        scene.alice.phone.respond(&signed, decision, login.number.as_deref(), None).await.unwrap();
        assert_eq!(scene.told(round * 3 + 2, 1).await, [format!("two: cancelled {}", login.id)]);
        // Of what becomes of an approval, no phone shows anything.
        gateway.redeem(login.id, "once", 0).await.unwrap();
    }
    assert_eq!(scene.delivery.parcels().len(), 6);
}

#[tokio::test]
async fn whatever_ends_a_challenge_but_time_is_told_to_its_phones() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    let first = gateway.create(&scene.alice.login(), None).await.unwrap();
    scene.told(0, 2).await;
    // Superseded by the same login tried again.
    let second = gateway.create(&scene.alice.login(), None).await.unwrap();
    let mut expected = [both("cancelled", first.id), both("challenge", second.id)].concat();
    expected.sort();
    assert_eq!(scene.told(2, 4).await, expected);
    gateway.cancel(second.id).await.unwrap();
    assert_eq!(scene.told(6, 2).await, both("cancelled", second.id));
    // A wrong number.
    let third = gateway.create(&scene.alice.login(), None).await.unwrap();
    scene.told(8, 2).await;
    let wrong = another_number(third.number.as_deref().unwrap());
    let signed = scene.alice.signed(&third).await;
    scene.alice.phone.respond(&signed, Decision::Approve, Some(&wrong), None).await.unwrap();
    let expected = [format!("two: cancelled {}", third.id), "two: notice factor-failed".to_owned()];
    assert_eq!(scene.told(10, 2).await, expected);
    // Time: nothing is told, neither about the one whose time runs out nor in its place.
    let fourth = gateway.create(&scene.alice.login_from("OTHER-PC"), None).await.unwrap();
    scene.told(12, 2).await;
    scene.site.clock.advance(61);
    assert_eq!(state(&gateway.get(fourth.id, 0).await.unwrap()), ("expired", Some("timeout")));
    let fifth = gateway.create(&scene.alice.login(), None).await.unwrap();
    assert_eq!(scene.told(14, 2).await, both("challenge", fifth.id));
    scene.site.lock("alice").await;
    assert_eq!(scene.told(16, 2).await, both("cancelled", fifth.id));
}

#[tokio::test]
async fn a_request_that_is_repeated_pushes_nothing() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    let first = gateway.create(&scene.alice.login(), Some("key")).await.unwrap();
    scene.told(0, 2).await;
    for _ in 0..5 {
        assert_eq!(gateway.create(&scene.alice.login(), Some("key")).await.unwrap().id, first.id);
    }
    let other = gateway.create(&scene.alice.login_from("OTHER-PC"), Some("another")).await.unwrap();
    assert_eq!(scene.told(2, 2).await, both("challenge", other.id));
}

#[tokio::test]
async fn phones_without_subscription_unconfirmed_or_gone_are_told_nothing() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    scene.alice.phone.set_push(None).await.unwrap();
    let first = gateway.create(&scene.alice.login(), None).await.unwrap();
    assert_eq!(scene.told(0, 1).await, [format!("two: challenge {}", first.id)]);
    // The one that is taken away hears nothing of it, not even that its challenge is over.
    scene.alice.phone.set_push(Some(&subscription(&endpoint("one")))).await.unwrap();
    scene.two.remove_self().await.unwrap();
    gateway.cancel(first.id).await.unwrap();
    let expected = [format!("one: cancelled {}", first.id), "one: notice phone-removed".to_owned()];
    assert_eq!(scene.told(1, 2).await, expected);

    let confirming = Scene::new(|settings| settings.require_device_confirmation = true).await;
    let gateway = confirming.site.gateway().await;
    let login = gateway.create(&confirming.alice.login(), None).await.unwrap();
    assert_eq!(state(&login), ("denied", Some("not-enrolled")));
    assert!(confirming.delivery.parcels().is_empty());
}

#[tokio::test]
async fn ch_01_a_flood_of_prompts_is_not_pushed_and_others_do_not_notice() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    for number in 0..200 {
        gateway.create(&scene.alice.login_from(&format!("PC-{}", number % 7)), None).await.unwrap();
    }
    let bob = scene.site.person("bob").await;
    bob.phone.set_push(Some(&subscription(&endpoint("bob")))).await.unwrap();
    let login = gateway.create(&bob.login(), None).await.unwrap();
    let expected = format!("bob: challenge {}", login.id);
    scene.until_told(&expected).await;
    let parcels = scene.delivery.parcels();
    let asked = parcels.iter().map(told).filter(|told| told.starts_with("one: challenge")).count();
    assert!((1..=10).contains(&asked), "alice's phone was asked {asked} times");
}

#[tokio::test]
async fn a_notice_is_pushed_to_all_phones_of_the_user() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway_named("Blind gateway", false).await;
    let login = gateway.create(&scene.alice.login(), None).await.unwrap();
    assert_eq!(state(&login), ("denied", Some("policy")));
    assert_eq!(scene.told(0, 2).await, ["one: notice no-page", "two: notice no-page"]);
    let fetched = notices_of(&scene.alice.phone, "no-page").await;
    let parcels = scene.delivery.parcels();
    let parcel = parcels.iter().find(|parcel| parcel.to.endpoint.reveal().ends_with("one")).unwrap();
    let said: Value = serde_json::from_str(&parcel.text).unwrap();
    let claims = Jws::parse(said["notice"].as_str().unwrap()).unwrap().claims().clone();
    assert_eq!(Value::Object(claims), serde_json::to_value(&fetched[0]).unwrap());
}

#[tokio::test]
async fn pu_02_a_login_works_by_fetching_while_no_push_arrives() {
    // Nothing is ever answered.
    let scene = Scene::delivering(Recording::held(), |_| ()).await;
    let gateway = scene.site.gateway().await;
    for _ in 0..20 {
        let login = gateway.create(&scene.alice.login(), None).await.unwrap();
        let signed = scene.alice.signed(&login).await;
        scene.alice.phone.respond(&signed, Decision::Approve, login.number.as_deref(), None).await.unwrap();
        assert_eq!(gateway.redeem(login.id, "once", 0).await.unwrap().status, "redeemed");
    }
    let under_way = scene.delivery.parcels().len();
    assert!(under_way <= 16, "{under_way} pushes to one push service are under way");
    scene.site.stop().await;
}

#[tokio::test]
async fn pu_02_only_a_subscription_that_is_gone_is_dropped() {
    let refused = |status| Outcome::Refused { status };
    let answers = [refused(403), Outcome::Rejected { status: 400 }, Outcome::TooLarge, Outcome::Gone];
    let scene = Scene::delivering(Recording::default().answering(answers), |_| ()).await;
    // What is told of it would take the first answer.
    scene.alice.phone.set_push(None).await.unwrap();
    scene.two.remove_self().await.unwrap();
    scene.alice.phone.set_push(Some(&subscription(&endpoint("one")))).await.unwrap();
    let gateway = scene.site.gateway().await;
    for round in 1..=4 {
        assert!(scene.alice.phone.self_view().await.unwrap().push);
        let login = gateway.create(&scene.alice.login_from(&format!("PC-{round}")), None).await.unwrap();
        scene.delivery.after(round).await;
        // A hint would take the next answer.
        scene.site.clock.advance(61);
        assert_eq!(gateway.get(login.id, 0).await.unwrap().status, "expired");
    }
    let gone = |events: &[gatematch_protocol::audit::AuditEvent]| count(events, "device.push_changed") == 5;
    let events = scene.site.audit_when(gone).await;
    assert!(!scene.alice.phone.self_view().await.unwrap().push);
    assert_eq!(count(&events, "push.refused"), 1);
    let metrics = scene.site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
    assert!(metrics.contains("gatematch_push_total{outcome=\"gone\"} 1"), "{metrics}");
    for text in [metrics, format!("{events:?}")] {
        assert!(!text.contains("/fcm/send"), "an endpoint is told: {text}");
    }
}

#[tokio::test]
async fn pu_01_no_byte_leaves_for_an_endpoint_that_is_not_allowed_any_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let named = PushHosts::from_entries(&[&host]).unwrap();
    let site = Site::start_with(|settings| settings.push_hosts = named).await;
    let alice = site.person("alice").await;
    alice.phone.set_push(Some(&subscription(&format!("http://{host}/push/secret")))).await.unwrap();
    let gateway = site.gateway().await;
    gateway.create(&alice.login(), None).await.unwrap();
    let (mut stream, _) = timeout(LONG, listener.accept()).await.expect("it is called").unwrap();
    let mut head = [0; 24];
    timeout(LONG, stream.read_exact(&mut head)).await.expect("it says something").unwrap();
    assert_eq!(&head, b"POST /push/secret HTTP/1");
    drop(stream);

    // The administrator takes the host from the list; what phones registered stays, and is not called.
    let site = site.restart_with(|settings| settings.push_hosts = PushHosts::default()).await;
    let gateway = site.gateway_named("Another", true).await;
    gateway.create(&alice.login(), None).await.unwrap();
    let refused = "gatematch_push_total{outcome=\"not-allowed\"} 1";
    let is_told = async {
        while !site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text().contains(refused) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, is_told).await.expect("it is counted");
    assert!(site.phone_again(&alice.phone).self_view().await.unwrap().push, "it is not dropped");
    let nobody = timeout(Duration::ZERO, listener.accept()).await;
    assert!(nobody.is_err(), "nobody connected");
}

/// A listener with TLS that knows no push resource, so it answers each push with 404: another Gatematch.
async fn stranger(dir: &std::path::Path) -> (Site, u16) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(dir.join("ca.pem"), certificate.pem()).unwrap();
    let site = Site::start_with(|settings| {
        settings.public_listen = Some("127.0.0.1:0".parse().unwrap());
        settings.tls = Some(TlsFiles { certificate: dir.join("ca.pem"), key: dir.join("key.pem") });
        settings.issuer = Some("https://localhost".to_owned());
    });
    let site = site.await;
    let port = site.running().public_place().unwrap().address.port();
    (site, port)
}

#[tokio::test]
async fn a_push_service_is_believed_by_the_systems_authorities_or_the_one_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_stranger, port) = stranger(dir.path()).await;
    for (authority, outcome) in [(None, "failed"), (Some(dir.path().join("ca.pem")), "gone")] {
        let site = Site::start_with(|settings| {
            settings.push_hosts = PushHosts::from_entries(&[format!("localhost:{port}")]).unwrap();
            settings.push_ca_file = authority;
        });
        let site = site.await;
        let alice = site.person("alice").await;
        alice.phone.set_push(Some(&subscription(&format!("https://localhost:{port}/push/x")))).await.unwrap();
        site.gateway().await.create(&alice.login(), None).await.unwrap();
        let line = format!("gatematch_push_total{{outcome=\"{outcome}\"}} 1");
        let is_told = async {
            while !site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text().contains(&line) {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, is_told).await.expect("it is counted");
    }
}
