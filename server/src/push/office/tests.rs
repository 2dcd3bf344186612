mod bounds;
mod farewell;

use gatematch_domain::course::{Foreseen, Prompt};
use gatematch_domain::enrollment::Registration;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::login::Login;
use gatematch_domain::notice::{Kind, News, Notice};
use gatematch_domain::place::NoAtlas;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::Domains;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::{ChallengeId, DeviceId, EnrollmentId, GatewayId, UserId};
use gatematch_protocol::jws::Jws;
use gatematch_protocol::secret::sha256;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::crypto::SigningKey;
use crate::http::Metrics;
use crate::push::recording::Recording;
use crate::push::trial::{self, HeldClock, hint, letter, subscription};
use crate::store::{Act, AuditQuery, OpenChallenge, Opened, PutUser, RegisterDevice, UserPut, enrollment};

const A: &str = "https://a.example/secret-path";
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// An office with a delivery that records, and a person who waits for what it brings.
struct Scene {
    clock: HeldClock,
    delivery: Arc<Recording>,
    store: Arc<dyn Store>,
    metrics: Metrics,
    mailbox: Mailbox,
    office: JoinHandle<()>,
    gateway: Gateway,
    user: UserId,
    device: DeviceId,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn new(delivery: Recording) -> Self {
        let clock = HeldClock::new();
        let (dir, store, keys) = trial::store(&clock.edge()).await;
        let metrics = Metrics::new().unwrap();
        let (mailbox, post) = mailbox();
        let delivery = Arc::new(delivery);
        let desk = Desk {
            delivery: Arc::clone(&delivery) as Arc<dyn Delivery>,
            store: Arc::clone(&store),
            hosts: PushHosts::from_entries(&["a.example", "b.example"]).unwrap(),
            keys,
            issuer: "https://mfa.contoso.example".to_owned(),
            metrics: PushMetrics::new(&metrics).unwrap(),
            edge: clock.edge(),
        };
        let body = CreateGateway {
            name: "Oslo".to_owned(),
            application: "Remote Desktop".to_owned(),
            can_display: true,
            client_address: None,
        };
        let now = clock.edge().now();
        let gateway = Gateway::from_body(&body, GatewayId::new(now, [1; 10]), now).unwrap();
        store.create_gateway(act(now), gateway.clone(), sha256("key")).await.unwrap();
        let (user, device) = enroll(store.as_ref(), now).await;
        let office = open(desk, post);
        Self { clock, delivery, store, metrics, mailbox, office, gateway, user, device, _dir: dir }
    }

    fn now(&self) -> Timestamp {
        self.clock.edge().now()
    }

    /// A pending challenge in the store, and the letter about it.
    async fn challenge(&self, number: u8) -> Letter {
        let now = self.now();
        let id = ChallengeId::new(now, [number; 10]);
        let body = CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() };
        let open = OpenChallenge {
            act: Act::new(Actor::Gateway(self.gateway.id), now),
            login: Login::from_body(&body, id, &self.gateway, &Domains::default(), now).unwrap(),
            foreseen: asked(self.device),
            signed: vec!["signed".to_owned()],
            atlas: Arc::new(NoAtlas),
            draw: 7,
            dormant_after: None,
            repeat: None,
        };
        let opened = self.store.open_challenge(open).await.unwrap();
        assert!(matches!(opened, Opened::New(challenge) if challenge.state == State::Pending));
        let message = Message::Challenge { id, signed: "signed".to_owned() };
        let (device, user, username) = (self.device, self.user, "alice".to_owned());
        Letter { device, user, username, to: subscription(A), message, good_until: now.plus_seconds(60), at: now }
    }

    /// Moves the clock in steps of a tenth of a second until there are so many tries; yields how long it took, in
    /// seconds.
    async fn seconds_until(&self, tries: usize) -> f64 {
        let before = self.now();
        let moved = async {
            while self.delivery.parcels().len() < tries {
                tokio::task::yield_now().await;
                // Nobody sleeps while the store is asked whether the letter is still wanted.
                if self.clock.is_slept_on() {
                    self.clock.advance_millis(100);
                }
            }
        };
        timeout(PATIENCE, moved).await.expect("it is tried");
        self.now().since(before).as_secs_f64()
    }

    /// Moves the clock until something of this kind is told.
    async fn advance_until_told(&self, part: &str) {
        let moved = async {
            while !self.told().contains(part) {
                self.clock.advance_millis(100);
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, moved).await.unwrap_or_else(|_| panic!("{part} is not told"));
    }

    fn told(&self) -> String {
        String::from_utf8(self.metrics.text().unwrap()).unwrap()
    }

    async fn until_told(&self, line: &str) {
        let told = async {
            while !self.told().lines().any(|told| told == line) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("not {line}, but {}", self.told()));
    }

    async fn events(&self, kind: &str) -> Vec<Option<serde_json::Map<String, Value>>> {
        let query = AuditQuery { limit: 1_000, kinds: vec![kind.to_owned()], ..AuditQuery::default() };
        self.store.audit(query).await.unwrap().into_iter().map(|event| event.detail).collect()
    }

    async fn events_when(&self, kind: &str, count: usize) -> Vec<Option<serde_json::Map<String, Value>>> {
        let found = async {
            loop {
                let events = self.events(kind).await;
                if events.len() >= count {
                    return events;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, found).await.expect("it is recorded")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.office.abort();
    }
}

fn act(now: Timestamp) -> Act {
    Act::new(Actor::System, now)
}

async fn enroll(store: &dyn Store, now: Timestamp) -> (UserId, DeviceId) {
    let put = PutUser {
        act: act(now),
        id: UserId::new(now, [1; 10]),
        username: Domains::default().canonical("alice").unwrap(),
        change: UserChange::default(),
        protected_groups: Vec::new(),
        as_admin: true,
    };
    let UserPut::Created(user) = store.put_user(put).await.unwrap() else { panic!("she was there") };
    let token = enrollment(EnrollmentId::new(now, [1; 10]), user.id, sha256("token"), now, 600);
    store.create_enrollment(act(now), token).await.unwrap().unwrap();
    let phone = Registration {
        id: trial::device_id(1),
        key: SigningKey::generate().unwrap().public(),
        name: "Pixel".to_owned(),
        platform: None,
        push: Some(subscription(A)),
        code: None,
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    let device = phone.id;
    store.register_device(RegisterDevice { now, token_digest: sha256("token"), phone }).await.unwrap().unwrap();
    (user.id, device)
}

fn failed() -> Outcome {
    Outcome::Failed { why: "status 502".to_owned() }
}

fn busy(seconds: u64) -> Outcome {
    Outcome::Busy { retry_after: Some(Duration::from_secs(seconds)) }
}

fn says(parcel: &Parcel) -> Value {
    serde_json::from_str(&parcel.text).unwrap()
}

#[tokio::test]
async fn a_letter_goes_at_once_with_what_the_contract_says() {
    let scene = Scene::new(Recording::default()).await;
    let challenge = scene.challenge(1).await;
    scene.mailbox.post(vec![challenge.clone()]);
    let parcels = scene.delivery.after(1).await;
    assert_eq!(says(&parcels[0]), json!({"v": 1, "challenge": "signed"}));
    let Message::Challenge { id, .. } = challenge.message else { panic!() };
    assert_eq!(parcels[0].topic, id.to_string().replace('-', ""));
    assert_eq!(parcels[0].topic.len(), 32);
    assert_eq!(parcels[0].good_until, challenge.good_until);
    scene.until_told("gatematch_push_total{outcome=\"delivered\"} 1").await;
    scene.until_told("gatematch_push_seconds_count 1").await;
    scene.until_told("gatematch_push_waiting 0").await;
    assert!(!scene.told().contains("a.example"), "no endpoint is a label");
}

#[tokio::test]
async fn what_fails_is_tried_again_ever_more_slowly_while_it_is_good() {
    let answers: Vec<Outcome> = (0..20).map(|_| failed()).collect();
    let scene = Scene::new(Recording::default().answering(answers)).await;
    let challenge = scene.challenge(1).await;
    scene.mailbox.post(vec![challenge.clone()]);
    scene.delivery.after(1).await;
    for (tries, least, most) in [(2, 0.7, 1.4), (3, 1.4, 2.7), (4, 2.9, 5.3), (5, 5.9, 10.3), (6, 11.9, 20.3)] {
        let seconds = scene.seconds_until(tries).await;
        assert!((least..=most).contains(&seconds), "the try {tries} came after {seconds} s");
    }
    // By chance there is time for one more; the next one would come when the challenge is dead.
    scene.advance_until_told("outcome=\"late\"} 1").await;
    scene.until_told("gatematch_push_waiting 0").await;
    assert!((6..=7).contains(&scene.delivery.parcels().len()));
}

#[tokio::test]
async fn retry_after_is_obeyed_by_every_letter_to_that_subscription() {
    let scene = Scene::new(Recording::default().answering([busy(20)])).await;
    let (first, second) = (scene.challenge(1).await, letter(1, 9, A, scene.now()));
    scene.mailbox.post(vec![first]);
    scene.delivery.after(1).await;
    scene.until_told("gatematch_push_total{outcome=\"busy\"} 1").await;
    // A letter to another subscription of the same push service goes meanwhile.
    scene.mailbox.post(vec![second, letter(2, 1, "https://a.example/another", scene.now())]);
    scene.delivery.after(2).await;
    let seconds = scene.seconds_until(3).await;
    assert!((19.9..=20.3).contains(&seconds), "{seconds}");
    let topics: Vec<String> =
        scene.delivery.parcels().into_iter().map(|parcel| parcel.to.endpoint.reveal().to_owned()).collect();
    assert_eq!(topics, [A, "https://a.example/another", A]);
}

#[tokio::test]
async fn nothing_is_tried_again_that_nobody_waits_for() {
    let scene = Scene::new(Recording::default().answering([failed()])).await;
    let challenge = scene.challenge(1).await;
    let Message::Challenge { id, .. } = challenge.message else { panic!() };
    scene.mailbox.post(vec![challenge]);
    scene.delivery.after(1).await;
    let gateway = scene.gateway.id;
    scene.store.cancel_challenge(Act::new(Actor::Gateway(gateway), scene.now()), id, gateway).await.unwrap().unwrap();
    scene.advance_until_told("outcome=\"moot\"").await;
    assert_eq!(scene.delivery.parcels().len(), 1);
}

#[tokio::test]
async fn a_phone_that_was_taken_away_or_moved_is_not_told_again() {
    for revoked in [true, false] {
        let scene = Scene::new(Recording::default().answering([failed()])).await;
        let challenge = scene.challenge(1).await;
        scene.mailbox.post(vec![challenge]);
        scene.delivery.after(1).await;
        if revoked {
            assert!(scene.store.revoke_device(act(scene.now()), scene.device, "lost".to_owned()).await.unwrap());
        } else {
            let moved = Some(subscription("https://b.example/other"));
            scene.store.set_push(act(scene.now()), scene.device, moved).await.unwrap().unwrap();
        }
        scene.advance_until_told("outcome=\"moot\"").await;
        assert_eq!(scene.delivery.parcels().len(), 1);
    }
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_dropped_and_a_newer_one_stays() {
    let scene = Scene::new(Recording::held().answering([Outcome::Gone, Outcome::Gone])).await;
    let first = scene.challenge(1).await;
    scene.mailbox.post(vec![first]);
    scene.delivery.after(1).await;
    // The phone subscribes anew while the push is under way.
    let newer = subscription("https://a.example/newer-path");
    scene.store.set_push(act(scene.now()), scene.device, Some(newer.clone())).await.unwrap().unwrap();
    scene.delivery.let_answer(1);
    scene.until_told("gatematch_push_total{outcome=\"gone\"} 1").await;
    scene.until_told("gatematch_push_waiting 0").await;
    let push = || async { scene.store.device(scene.device).await.unwrap().unwrap().0.push };
    assert_eq!(push().await, Some(newer.clone()));

    scene.mailbox.post(vec![Letter { to: newer, ..scene.challenge(2).await }]);
    scene.delivery.after(2).await;
    scene.delivery.let_answer(1);
    let events = scene.events_when("device.push_changed", 2).await;
    assert_eq!(push().await, None);
    assert_eq!(events[1].as_ref().unwrap()["why"], "gone");
    assert!(!format!("{events:?}").contains("-path"));
}

#[tokio::test]
async fn other_refusals_are_not_tried_again_and_delete_nothing() {
    let answers = [Outcome::TooLarge, Outcome::Rejected { status: 400 }, Outcome::NotAllowed];
    let scene = Scene::new(Recording::default().answering(answers)).await;
    for number in 1..=3 {
        scene.mailbox.post(vec![letter(1, number, A, scene.now())]);
        scene.delivery.after(number as usize).await;
    }
    scene.until_told("gatematch_push_waiting 0").await;
    assert!(scene.store.device(scene.device).await.unwrap().unwrap().0.push.is_some());
    assert!(scene.events("device.push_changed").await.is_empty());
}

#[tokio::test]
async fn a_hint_waits_for_the_challenge_that_is_under_way_and_replaces_one_that_waits() {
    let scene = Scene::new(Recording::held()).await;
    let challenge = scene.challenge(1).await;
    scene.mailbox.post(vec![challenge.clone()]);
    scene.delivery.after(1).await;
    scene.mailbox.post(vec![hint(&challenge)]);
    scene.delivery.let_answer(2);
    let parcels = scene.delivery.after(2).await;
    let Message::Challenge { id, .. } = &challenge.message else { panic!() };
    assert_eq!(says(&parcels[1]), json!({"v": 1, "cancelled": id.to_string()}));
    assert_eq!(parcels[1].topic, parcels[0].topic, "it takes the place of the challenge at the push service too");
}

#[tokio::test]
async fn a_notice_is_signed_for_its_phone() {
    let scene = Scene::new(Recording::default()).await;
    let now = scene.now();
    let id = trial::challenge_id(5);
    let (gateway, client) = (Some(scene.gateway.id), Some(Default::default()));
    let news = News { user: scene.user, kind: Kind::NoPage, gateway, client, but: None, at: now };
    let notice = Notice { id: id.into(), news };
    let good_until = now.plus_seconds(86_400);
    let letter = Letter { message: Message::Notice { notice }, good_until, ..scene.challenge(1).await };
    scene.mailbox.post(vec![letter]);
    let parcels = scene.delivery.after(1).await;
    let said = says(&parcels[0]);
    assert_eq!(said["v"], 1);
    let jws = Jws::parse(said["notice"].as_str().unwrap()).unwrap();
    let claims = Value::Object(jws.claims().clone());
    let iat = now.numeric_date();
    let expected = json!({"iss": "https://mfa.contoso.example", "aud": scene.device.to_string(), "sub": "alice",
        "jti": id.to_string(), "iat": iat, "kind": "no-page", "gateway": "Oslo"});
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_counted() {
    let scene = Scene::new(Recording::held()).await;
    let now = scene.now();
    // The mailbox holds 4,096 while the office does not get to run, and the office as many of one lane as are allowed.
    scene.mailbox.post((0..5_000).map(|number| letter(number, 1, A, now)).collect());
    let dropped = 5_000 - crate::push::queue::MAX_LETTERS_OF_LANE;
    scene.until_told(&format!("gatematch_push_total{{outcome=\"dropped\"}} {dropped}")).await;
    scene.until_told("gatematch_push_waiting 1024").await;
    assert_eq!(scene.delivery.parcels().len(), 16, "so many are under way at one push service");
}

/// One phone is asked for three digits.
fn asked(device: DeviceId) -> Foreseen {
    Foreseen { phones: vec![device], prompt: Prompt { digits: Some(3), ..Prompt::default() } }
}
