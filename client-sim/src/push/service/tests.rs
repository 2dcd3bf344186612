use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::crypto::P256Key;
use crate::http::{Answer, Api};
use crate::push::seal::{Sealer, seal};
use crate::push::subscriber::Subscriber;
use crate::push::vapid::tests::header;

const NOW: i64 = 1_800_000_000;
const WITHIN: Duration = Duration::from_secs(10);
const AT_ONCE: Duration = Duration::ZERO;

/// A service, a clock to turn, and a sender.
struct Scene {
    service: PushService,
    clock: Arc<AtomicI64>,
    sender: P256Key,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let shown = Arc::clone(&clock);
        let listen = "127.0.0.1:0".parse().unwrap();
        let service = PushService::start(listen, Arc::new(move || shown.load(Ordering::Relaxed))).await.unwrap();
        Self { service, clock, sender: P256Key::from_secret(&[7; 32]).unwrap() }
    }

    fn api(&self) -> Api {
        Api::new(self.service.origin()).unwrap()
    }

    fn public(&self) -> String {
        base64url::encode(self.sender.public().to_sec1())
    }

    fn subscribe(&self) -> (PushSubscription, SubscriptionId) {
        self.service.subscribe(Some(&self.public())).unwrap()
    }

    fn authorization(&self) -> String {
        let exp = self.clock.load(Ordering::Relaxed) + 3_600;
        header(&self.sender, &json!({"aud": self.service.origin(), "exp": exp, "sub": "mailto:it@example.com"}))
    }

    /// Pushes with these headers in place of the sound ones; an empty value leaves one out.
    async fn push_with(&self, to: &PushSubscription, change: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let path = to.endpoint.reveal().strip_prefix(self.service.origin()).unwrap();
        let authorization = self.authorization();
        let mut headers = vec![
            ("ttl", "60"),
            ("urgency", "high"),
            ("topic", "topic"),
            ("content-encoding", "aes128gcm"),
            ("authorization", authorization.as_str()),
        ];
        headers.retain(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
        headers.extend(change.iter().filter(|(_, value)| !value.is_empty()));
        self.api().raw("POST", path, &headers, body).await.unwrap()
    }

    async fn push(&self, to: &PushSubscription, text: &str, topic: &str) -> u16 {
        let sealed = seal(&to.keys, text.as_bytes());
        self.push_with(to, &[("topic", topic)], sealed).await.status
    }

    async fn next(&self, id: &SubscriptionId) -> Option<String> {
        let message = self.service.next(id, AT_ONCE).await?;
        Some(String::from_utf8(message.plaintext.unwrap()).unwrap())
    }
}

#[tokio::test]
async fn a_message_is_taken_opened_and_remembered() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    let sealed = seal(&to.keys, b"hello");
    let answer = scene.push_with(&to, &[], sealed.clone()).await;
    assert_eq!(answer.status, 201);
    assert!(answer.header("location").unwrap().starts_with(scene.service.origin()));
    let kept = scene.service.messages(&id);
    let message = scene.service.next(&id, AT_ONCE).await.unwrap();
    assert_eq!(kept.len(), 1, "a look fetches nothing");
    assert_eq!((message.seq, message.at, message.ttl, message.urgency.as_str()), (1, NOW, 60, "high"));
    assert_eq!((message.topic.as_deref(), message.plaintext.as_deref()), (Some("topic"), Some(&b"hello"[..])));
    assert_eq!(message.sealed, sealed);
    assert_eq!(scene.service.next(&id, AT_ONCE).await, None, "each once");
    let attempt = scene.service.attempt_after(0, AT_ONCE).await.unwrap();
    assert_eq!((attempt.subscription.as_str(), attempt.sealed_bytes), (id.as_str(), sealed.len()));
    assert_eq!((attempt.header("ttl"), &attempt.outcome), (Some("60"), &Outcome::Accepted));
    assert!(!format!("{message:?} {attempt:?} {to:?}").contains("hello"));
    let unopened = seal(&scene.subscribe().0.keys, b"for another");
    assert_eq!(scene.push_with(&to, &[], unopened).await.status, 201, "a push service cannot know");
    assert_eq!(scene.service.next(&id, AT_ONCE).await.unwrap().plaintext, None);
}

#[tokio::test]
async fn a_message_that_is_not_as_it_should_be_is_refused() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    let sealed = || seal(&to.keys, b"hello");
    let long = "x".repeat(33);
    for (change, status) in [
        (("ttl", ""), 400),
        (("ttl", "x"), 400),
        (("ttl", "-1"), 400),
        (("ttl", "99999999999"), 400),
        (("urgency", "HIGH"), 400),
        (("topic", long.as_str()), 400),
        (("topic", "a.b"), 400),
        (("content-encoding", ""), 415),
        (("content-encoding", "aesgcm"), 415),
        (("authorization", ""), 401),
        (("authorization", "Bearer x"), 401),
        (("authorization", "vapid t=x, k=y"), 403),
    ] {
        assert_eq!(scene.push_with(&to, &[change], sealed()).await.status, status, "{change:?}");
    }
    assert_eq!(scene.push_with(&to, &[("ttl", "60"), ("ttl", "60")], sealed()).await.status, 400, "twice");
    assert_eq!(scene.push_with(&to, &[], Vec::new()).await.status, 400);
    assert_eq!(scene.push_with(&to, &[], vec![b'x'; 4_097]).await.status, 413);
    assert_eq!(scene.push_with(&to, &[], vec![b'x'; 4_096]).await.status, 201);
    assert_eq!(scene.push_with(&to, &[("urgency", ""), ("topic", "")], sealed()).await.status, 201);
    let other = Scene { sender: P256Key::from_secret(&[8; 32]).unwrap(), ..scene };
    assert_eq!(other.push(&to, "hello", "x").await, 403, "another sender's subscription");
    assert_eq!(other.service.messages(&id).len(), 2);
    assert_eq!(other.api().raw("GET", "/push/x", &[], Vec::new()).await.unwrap().status, 405);
    let refused = other.service.attempts().into_iter().filter(|attempt| attempt.outcome != Outcome::Accepted);
    assert!(refused.count() >= 15);
}

#[tokio::test]
async fn a_subscription_is_unknown_there_or_gone() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    let elsewhere =
        PushSubscription { endpoint: Secret::new(format!("{}/push/x", scene.service.origin())), ..to.clone() };
    assert_eq!(scene.push(&elsewhere, "hello", "x").await, 404);
    let waiting = scene.service.next(&id, WITHIN);
    let (waited, removed) = tokio::join!(waiting, async { scene.service.remove(&id) });
    assert_eq!((waited, removed), (None, true));
    assert_eq!(scene.push(&to, "hello", "x").await, 410);
    assert!(!scene.service.remove(&id));
    for _ in 1..MAX_SUBSCRIPTIONS {
        scene.service.subscribe(None).unwrap();
    }
    assert_eq!(scene.service.subscribe(None), Err(Full));
}

#[tokio::test]
async fn a_topic_replaces_what_nobody_has_fetched() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    for (text, topic) in [("1", "a"), ("2", "b"), ("3", "a")] {
        assert_eq!(scene.push(&to, text, topic).await, 201);
    }
    assert_eq!(scene.next(&id).await.as_deref(), Some("2"));
    assert_eq!(scene.next(&id).await.as_deref(), Some("3"));
    assert_eq!(scene.push(&to, "4", "a").await, 201);
    assert_eq!(scene.service.messages(&id).len(), 3, "what was fetched stays");
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_time_and_number() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    for number in 0..=MAX_MESSAGES {
        assert_eq!(scene.push(&to, &number.to_string(), "").await, 201);
    }
    assert_eq!(scene.service.messages(&id).len(), MAX_MESSAGES);
    assert_eq!(scene.next(&id).await.as_deref(), Some("1"));
    scene.clock.store(NOW + 61, Ordering::Relaxed);
    assert_eq!(scene.next(&id).await, None, "their time is over");
}

#[tokio::test]
async fn who_waits_is_woken_by_the_message() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    let (message, status) = tokio::join!(scene.service.next(&id, WITHIN), scene.push(&to, "hello", "x"));
    assert_eq!((message.unwrap().seq, status), (1, 201));
}

#[tokio::test]
async fn what_phones_get_can_come_twice_late_and_in_another_order() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    let mut heard = Vec::new();
    for (word, texts) in [("duplicate", &["1"][..]), ("reorder", &["2", "3", "4"]), ("late:3600", &["5"])] {
        scene.service.misbehave(Some(word.parse().unwrap()));
        for text in texts {
            assert_eq!(scene.push(&to, text, "same").await, 201);
        }
        while let Some(text) = scene.next(&id).await {
            heard.push(text);
        }
        heard.push("|".to_owned());
    }
    scene.clock.store(NOW + 3_600, Ordering::Relaxed);
    scene.service.misbehave(None);
    while let Some(text) = scene.next(&id).await {
        heard.push(text);
    }
    assert_eq!(heard.concat(), "11|32|4|5");
    assert_eq!(scene.service.attempts()[0].outcome, Outcome::Misbehaved("duplicate".to_owned()));
}

#[tokio::test]
async fn what_is_late_comes_by_itself() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    scene.service.misbehave(Some(Misbehaviour::Late { seconds: 1 }));
    assert_eq!(scene.push_with(&to, &[("ttl", "0")], seal(&to.keys, b"hello")).await.status, 201);
    assert_eq!(scene.next(&id).await, None);
    scene.clock.store(NOW + 1, Ordering::Relaxed);
    let message = scene.service.next(&id, WITHIN).await.unwrap();
    assert_eq!((message.seq, message.ttl), (1, 0), "though its time is over");
}

#[tokio::test]
async fn scripts_subscribe_fetch_and_remove() {
    let scene = Scene::new().await;
    let subscriber = Subscriber::new(scene.api());
    let made = subscriber.subscribe(Some(&scene.public())).await.unwrap();
    let text = r#"{"v":1,"cancelled":"x"}"#;
    let (waited, status) =
        tokio::join!(subscriber.messages(&made.id, 0, 10), scene.push(&made.subscription, text, "x"));
    assert_eq!(status, 201);
    assert_eq!(waited.unwrap()[0].plaintext, json!({"v": 1, "cancelled": "x"}));
    let path = format!("/subscriptions/{}/messages", made.id);
    let sealed_bytes = seal(&made.subscription.keys, text.as_bytes()).len();
    let items: Value = scene.api().get(&path).await.unwrap();
    assert_eq!(
        items,
        json!({"items": [{"seq": 1, "plaintext": {"v": 1, "cancelled": "x"}, "ttl": 60,
        "urgency": "high", "topic": "x", "sealed_bytes": sealed_bytes}]})
    );
    assert_eq!(subscriber.messages(&made.id, 1, 0).await.unwrap(), []);
    subscriber.unsubscribe(&made.id).await.unwrap();
    assert_eq!(subscriber.messages(&made.id, 0, 0).await.unwrap_err().status(), Some(404));
    assert_eq!(subscriber.unsubscribe(&made.id).await.unwrap_err().status(), Some(404));
    let api = scene.api();
    let call = |method, path: &'static str, body: &'static str| {
        let api = api.clone();
        async move { api.raw(method, path, &[], body.as_bytes().to_vec()).await.unwrap().status }
    };
    assert_eq!(call("POST", "/subscriptions", "").await, 201);
    assert_eq!(call("POST", "/subscriptions", r#"{"vapid_public_key": "x"}"#).await, 400);
    assert_eq!(call("POST", "/subscriptions", r#"{"more": 1}"#).await, 400);
    assert_eq!(call("GET", "/subscriptions/x/messages?wait=61", "").await, 400);
    assert_eq!(call("PUT", "/misbehaviour", r#"{"word": "429:5"}"#).await, 204);
    assert_eq!(api.get::<Value>("/misbehaviour").await.unwrap(), json!({"word": "429:5"}));
    assert_eq!(call("PUT", "/misbehaviour", r#"{"word": "sleep"}"#).await, 400);
    assert_eq!(call("PUT", "/misbehaviour", r#"{"word": null}"#).await, 204);
    assert_eq!(scene.service.inner.misbehaviour(), None);
}

#[tokio::test]
async fn refusals_say_when_to_come_back() {
    let scene = Scene::new().await;
    let (to, id) = scene.subscribe();
    for (word, status, retry_after, location) in [
        ("404", 404, None, None),
        ("410", 410, None, None),
        ("429:7", 429, Some("7"), None),
        ("429:date:30", 429, Some("Fri, 15 Jan 2027 08:00:30 GMT"), None),
        ("503", 503, None, None),
        ("redirect:http://127.0.0.1:9/x", 307, None, Some("http://127.0.0.1:9/x")),
    ] {
        scene.service.misbehave(Some(word.parse().unwrap()));
        let answer = scene.push_with(&to, &[], seal(&to.keys, b"hello")).await;
        let heard = (answer.status, answer.header("retry-after"), answer.header("location"));
        assert_eq!(heard, (status, retry_after, location), "{word}");
    }
    assert_eq!(scene.service.messages(&id), []);
    let opened = scene.service.attempts().into_iter().all(|attempt| attempt.plaintext.as_deref() == Some(b"hello"));
    assert!(opened, "what was refused is remembered all the same");
    assert_eq!(Sealer::default().record_size, 4_096);
}

#[tokio::test]
async fn it_listens_on_this_machine_only_and_ends_when_it_is_told_to() {
    let clock: Clock = Arc::new(|| NOW);
    let elsewhere = PushService::start("0.0.0.0:0".parse().unwrap(), Arc::clone(&clock)).await;
    assert_eq!(elsewhere.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let scene = Scene::new().await;
    let (to, _) = scene.subscribe();
    scene.service.misbehave(Some(Misbehaviour::Hang));
    let address = scene.service.address();
    let path = to.endpoint.reveal().strip_prefix(scene.service.origin()).unwrap().to_owned();
    let api = scene.api();
    let hanging = tokio::spawn(async move { api.raw("POST", &path, &[], Vec::new()).await });
    scene.service.attempt_after(0, WITHIN).await.unwrap();
    scene.service.stop().await;
    assert!(hanging.await.unwrap().is_err());
    assert!(PushService::start(address, clock).await.is_ok(), "the port is free");
}
