//! Status-Server (RFC 5997): answered only while the server can decide, so that a proxy goes elsewhere in time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatematch_protocol::time::Timestamp;

use super::Shared;
use crate::api::Api;
use crate::door::{Cause, StatusRequest};
use crate::edge::Edge;
use crate::packet::code;

/// How long an answer of the server counts.
const FRESH: Duration = Duration::from_secs(1);
/// How long the server is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many wait for the server at the same time.
const MOST_WAITING: usize = 64;

/// Whether the server can decide, as it said a moment ago.
#[derive(Default)]
pub(super) struct Readiness {
    known: Mutex<Option<(Timestamp, bool)>>,
    /// Whoever asks the server holds it.
    asking: tokio::sync::Mutex<()>,
    waiting: Arc<AtomicUsize>,
}

impl Readiness {
    fn known(&self, now: Timestamp) -> Option<bool> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Neither older than a second, nor from before the clock was set back.
        known.filter(|(at, _)| now >= *at && now.since(*at) < FRESH).map(|(_, ready)| ready)
    }

    /// One more waits; `None` when too many do.
    fn waiter(&self) -> Option<Waiter> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiter = Waiter(Arc::clone(&self.waiting));
        (before < MOST_WAITING).then_some(waiter)
    }

    async fn ask(&self, api: &Api, edge: &Edge) -> bool {
        let _asking = self.asking.lock().await;
        if let Some(ready) = self.known(edge.now()) {
            return ready;
        }
        let ready = api.is_ready(PATIENCE).await;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((edge.now(), ready));
        ready
    }
}

/// One of those who wait for the server; gone when it is dropped.
struct Waiter(Arc<AtomicUsize>);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers a Status-Server with Access-Accept, now or when the server has answered; else with silence.
pub(super) fn answer(shared: &Arc<Shared>, request: Box<StatusRequest>) {
    let shared = Arc::clone(shared);
    let Some(waiter) = shared.readiness.waiter() else {
        shared.note(&request.head, Cause::Overloaded);
        return;
    };
    tokio::spawn(async move {
        let ready = shared.readiness.ask(&shared.api, &shared.edge).await;
        drop(waiter);
        let answered = if ready {
            shared.reply(&request.head, code::ACCESS_ACCEPT, &[]).await.map_err(|_| Cause::AnswerTooLong)
        } else {
            Err(Cause::ServerUnavailable)
        };
        if let Err(cause) = answered {
            shared.note(&request.head, cause);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_however_the_wait_ends() {
        let readiness = Readiness::default();
        let waiters: Vec<_> = (0..MOST_WAITING).map(|_| readiness.waiter().unwrap()).collect();
        assert!(readiness.waiter().is_none() && readiness.waiter().is_none());
        drop(waiters);
        assert_eq!(readiness.waiting.load(Ordering::Relaxed), 0);
        let waiter = readiness.waiter();
        let broken = std::thread::spawn(move || {
            let _waiter = waiter;
            panic!("as a test of what happens then");
        });
        assert!(broken.join().is_err());
        assert_eq!(readiness.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn an_answer_counts_for_a_second() {
        let at = |millis: i64| Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000);
        let readiness = Readiness::default();
        assert_eq!(readiness.known(at(0)), None);
        *readiness.known.lock().unwrap() = Some((at(0), true));
        assert_eq!(readiness.known(at(999)), Some(true));
        assert_eq!(readiness.known(at(1_000)), None);
        assert_eq!(readiness.known(at(-1)), None, "the clock was set back");
    }
}
