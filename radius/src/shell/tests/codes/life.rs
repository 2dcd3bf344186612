//! How long a challenge of the style `challenge` lives: not as long as one request may take, but as long as a person
//! looks for his paper with the codes.

use std::sync::atomic::{AtomicI64, Ordering};

use gatematch_protocol::time::Timestamp;

use super::*;
use crate::edge::{Clock, Pending};

/// The system's clock, put forward.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Edge::system().now().plus_seconds(self.0.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, at: Timestamp) -> Pending<'static, ()> {
        Edge::system().clock.sleep_until(at.plus_seconds(-self.0.load(Ordering::Relaxed)))
    }
}

/// A front door whose clock stands as many seconds ahead as is told.
async fn ahead(server: &Server, lines: &str) -> (Front, Nas, Arc<AtomicI64>) {
    let clock = Ahead::default();
    let seconds = Arc::clone(&clock.0);
    let edge = Edge { clock: Arc::new(clock), ..Edge::system() };
    let front = front_at(server, lines, "", edge).await;
    let nas = Nas::of(&front).await;
    (front, nas, seconds)
}

#[tokio::test]
async fn a_person_may_look_for_his_codes_longer_than_one_request_takes() {
    for (lines, after, ends) in [
        ("", 50, code::ACCESS_ACCEPT),
        ("", 121, code::ACCESS_REJECT),
        ("challenge_life = 30", 29, code::ACCESS_ACCEPT),
        ("challenge_life = 30", 31, code::ACCESS_REJECT),
    ] {
        let server = Server::start(both()).await;
        let (_front, nas, seconds) = ahead(&server, &format!("{STYLE}\n{lines}")).await;
        let (_, state) = nas.asked(login(1), 1).await;
        seconds.store(after, Ordering::Relaxed);
        assert_eq!(nas.ask(answer(b"123456", &state, 2), 2).await, ends, "{lines} {after}");
        let accepted = ends == code::ACCESS_ACCEPT;
        assert_eq!((server.count("POST passcode"), server.count("DELETE")), (accepted.into(), (!accepted).into()));
    }
}

#[tokio::test]
async fn each_request_is_answered_in_its_own_time_all_the_same() {
    let (server, _front, nas) = scene(both()).await;
    let (_, state) = nas.asked(login(1), 1).await;
    let begun = Instant::now();
    assert_eq!(nas.ask(answer(b"", &state, 2), 2).await, code::ACCESS_REJECT, "the phone does not answer");
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1_500) && took < Duration::from_millis(1_900), "{took:?}");
    assert_eq!(server.count("DELETE"), 1);
    assert_eq!(nas.ask(answer(b"123456", &state, 3), 3).await, code::ACCESS_REJECT, "and it is over");
}
