//! When the server's keys are fetched, and what a result under an unknown one is worth meanwhile.

use std::sync::atomic::{AtomicI64, Ordering};

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::result::{ResultClaims, ResultFault};

use super::server::{Says, Server, forged, gateway};
use super::*;
use crate::api::{Expected, Failure};
use crate::edge::{Clock, Pending};

const NOW: i64 = 1_800_000_000;

/// A clock that stands still until it is told.
struct Held(AtomicI64);

impl Clock for Held {
    fn now(&self) -> Timestamp {
        Timestamp::from_numeric_date(self.0.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, _: Timestamp) -> Pending<'static, ()> {
        Box::pin(std::future::pending())
    }
}

struct Scene {
    server: Server,
    clock: Arc<Held>,
    trust: Trust,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start(Says::default()).await;
        let clock = Arc::new(Held(NOW.into()));
        let edge = Edge { clock: Arc::<Held>::clone(&clock), ..Edge::system() };
        let trust = Trust::new(Api::new(&server.url()).unwrap(), edge);
        Self { server, clock, trust }
    }

    /// What a result under this unknown key is worth in this second, and how often the keys were fetched until then.
    async fn checked(&self, second: i64, kid: &str) -> (Result<ResultClaims, Failure>, usize) {
        self.clock.0.store(NOW + second, Ordering::Relaxed);
        let challenge = ChallengeId::new(self.clock.now(), [3; 10]);
        let view = ChallengeView {
            id: challenge,
            status: "redeemed".to_owned(),
            reason: None,
            user: "alice".to_owned(),
            number: None,
            methods: Vec::new(),
            expires_at: self.clock.now(),
            result: Some(forged(challenge, self.clock.now(), kid)),
        };
        let expected = Expected { gateway: gateway(), challenge, user: "alice" };
        let without = ChallengeView { result: None, ..view.clone() };
        assert!(matches!(self.trust.check(&without, expected).await, Err(Failure::Unbelievable(_))));
        (self.trust.check(&view, expected).await, self.server.key_fetches.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_and_until_the_rest_is_over_nothing_is_decided() {
    let scene = Scene::new().await;
    for (second, fetches, is_decided) in [(0, 1, true), (1, 1, false), (59, 1, false), (60, 2, true), (61, 2, false)] {
        let (checked, fetched) = scene.checked(second, "two").await;
        match checked {
            Err(Failure::Unbelievable(ResultFault::UnknownKey)) => assert!(is_decided, "{second}"),
            Err(Failure::Unavailable(_)) => assert!(!is_decided, "{second}"),
            other => panic!("{second}: {other:?}"),
        }
        assert_eq!(fetched, fetches, "{second}");
    }
}

#[tokio::test]
async fn each_new_key_is_worth_a_call_before_its_time_within_bounds() {
    let scene = Scene::new().await;
    scene.trust.fetch().await.unwrap();
    for (kid, fetches) in [("a", 2), ("a", 2), ("b", 3), ("c", 4), ("d", 5), ("e", 5), ("b", 5)] {
        assert_eq!(scene.checked(1, kid).await.1, fetches, "{kid}");
    }
    assert!(matches!(scene.checked(1, "e").await.0, Err(Failure::Unavailable(_))));
    assert_eq!(scene.checked(61, "e").await.1, 6);
    assert_eq!(scene.checked(62, "a").await.1, 7, "a new minute");
}

#[tokio::test]
async fn after_a_failure_no_key_is_asked_for_at_once() {
    let scene = Scene::new().await;
    scene.server.says.lock().unwrap().broken = Some(503);
    assert!(matches!(scene.checked(0, "a").await.0, Err(Failure::Unavailable(_))));
    let (checked, fetches) = scene.checked(0, "b").await;
    assert!(matches!(checked, Err(Failure::Unavailable(_))));
    scene.server.says.lock().unwrap().broken = None;
    let (checked, later) = scene.checked(1, "b").await;
    assert_eq!((checked, later), (Err(Failure::Unbelievable(ResultFault::UnknownKey)), fetches + 1));
}
