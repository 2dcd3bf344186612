//! Servers that do not answer: who is asked next, who is asked again, and whose time it is.

use std::time::Duration;

use gatematch_client_sim::radius::packet::kind;
use gatematch_client_sim::radius::{Answer, Prepared, RadiusClient, Timing};
use gatematch_protocol::response::Decision;
use gatematch_tests::front::{FrontDoor, ask, drops, rd_gateway};
use gatematch_tests::moves::count;
use gatematch_tests::{Person, Site};

use super::fake::{Asked, Fake};
use super::{Scene, front_before, with_password};
use crate::radius::{APPROVE_ONLY, blind, tap};

/// Two servers behind the front door.
struct Pair {
    site: Site,
    alice: Person,
    first: Fake,
    second: Fake,
    _front: FrontDoor,
    nps: RadiusClient,
}

impl Pair {
    async fn new(upstream_keys: &str) -> Self {
        let site = Site::start().await;
        let (gateway, alice) = (blind(&site).await, site.person("alice").await);
        let (first, second) = (Fake::start().await, Fake::start().await);
        let addresses = [first.address, second.address];
        let front = front_before(&site, &gateway, &addresses, APPROVE_ONLY, upstream_keys).await;
        let nps = front.nps().await;
        Self { site, alice, first, second, _front: front, nps }
    }

    fn request(&self) -> Prepared {
        self.nps.request(with_password("hunter2"))
    }

    /// A login that one server is asked for at once, accepts, and the person approves. Whether it was the first.
    async fn served_by_first(&self) -> bool {
        let request = self.request();
        let upstream = async {
            let is_first = tokio::select! {
                asked = self.first.request() => {
                    self.first.accept(&asked).await;
                    true
                }
                asked = self.second.request() => {
                    self.second.accept(&asked).await;
                    false
                }
            };
            tap(&self.alice, Decision::Approve).await;
            is_first
        };
        let (answer, is_first) = tokio::join!(ask(&self.nps, &request), upstream);
        assert!(answer.is_accept());
        is_first
    }

    /// A login that the first server leaves unanswered twice, and the second accepts.
    async fn passed_over(&self) -> (Answer, [Asked; 3]) {
        let request = self.request();
        let upstream = async {
            let first = self.first.request().await;
            assert!(self.first.is_quiet() && self.second.is_quiet());
            self.site.clock.advance(5);
            let again = self.first.request().await;
            assert!(self.second.is_quiet(), "two tries");
            self.site.clock.advance(5);
            let second = self.second.request().await;
            self.second.accept(&second).await;
            tap(&self.alice, Decision::Approve).await;
            [first, again, second]
        };
        tokio::join!(ask(&self.nps, &request), upstream)
    }
}

#[tokio::test]
async fn the_next_server_is_asked_after_two_tries_and_the_first_is_found_again_by_status_server() {
    let pair = Pair::new("").await;
    let (answer, [first, again, second]) = pair.passed_over().await;
    assert!(answer.is_accept());
    assert_eq!(first.bytes, again.bytes, "a try sends the same bytes");
    assert_ne!(first.authenticator, second.authenticator);
    assert_ne!(first.all(kind::USER_PASSWORD), second.all(kind::USER_PASSWORD), "hidden anew");
    assert_ne!(first.all(kind::PROXY_STATE), second.all(kind::PROXY_STATE));

    // It is looked after by Status-Server, which tells nothing of anybody; others go to the second meanwhile.
    let probe = pair.first.probe().await;
    assert!(probe.all(kind::USER_NAME).is_empty() && probe.all(kind::USER_PASSWORD).is_empty());
    assert!(!pair.served_by_first().await);
    pair.first.accept(&probe).await;
    // Its answer may be heard a login later.
    assert!(pair.served_by_first().await || pair.served_by_first().await);
    assert!(pair.served_by_first().await);
}

#[tokio::test]
async fn a_server_without_status_server_gets_one_login_each_thirty_seconds() {
    let pair = Pair::new("status_server = false\n").await;
    pair.passed_over().await;
    for _ in 0..3 {
        assert!(!pair.served_by_first().await);
    }
    assert!(pair.first.is_quiet(), "neither asked nor probed");
    pair.site.clock.advance(30);
    pair.passed_over().await;
    assert!(!pair.served_by_first().await);
    pair.site.clock.advance(30);
    assert!(pair.served_by_first().await, "its answer revives it");
    assert!(pair.served_by_first().await);
}

#[tokio::test]
async fn half_of_the_time_belongs_to_the_servers_and_the_login_ends_with_it() {
    let pair = Pair::new("timeout = 60\ntries = 1\nstatus_server = false\n").await;
    let request = pair.request();
    let upstream = async {
        pair.first.request().await;
        pair.site.clock.advance(12);
        assert!(pair.second.is_quiet());
        pair.site.clock.advance(1);
        pair.second.request().await;
        pair.site.clock.advance(11);
        let early = pair.nps.exchange(&request, Timing::once(Duration::from_millis(50))).await;
        assert!(early.is_err(), "24 of 50 seconds");
        pair.site.clock.advance(1);
    };
    let (answer, ()) = tokio::join!(ask(&pair.nps, &request), upstream);
    assert!(answer.is_reject());
    let events = pair.site.audit_when(|events| !drops(events).is_empty()).await;
    assert_eq!((drops(&events), count(&events, "challenge.created")), (vec!["upstream-unavailable".to_owned()], 0));
}

#[tokio::test]
async fn after_a_slow_server_the_person_has_what_is_left() {
    let scene = Scene::new(APPROVE_ONLY, "timeout = 60\ntries = 1\n").await;
    let mut answers = Vec::new();
    // 20 seconds for the server; approved after 47, and ignored until 48.
    for (wait, approves) in [(27, true), (28, false)] {
        let request = scene.nps.request(rd_gateway("alice"));
        let upstream = async {
            let asked = scene.behind.request().await;
            scene.site.clock.advance(20);
            scene.behind.accept(&asked).await;
            let waiting = scene.alice.phone.waiting(60).await.unwrap();
            scene.site.clock.advance(wait);
            if approves {
                scene.alice.phone.respond(&waiting[0].challenge, Decision::Approve, None, None).await.unwrap();
            }
        };
        answers.push(tokio::join!(ask(&scene.nps, &request), upstream).0);
    }
    assert!(answers[0].is_accept() && answers[1].is_reject());
    assert_eq!(count(&scene.site.audit().await, "challenge.cancelled"), 1);
}
