//! A clock that goes only when the test moves it.

use std::sync::Arc;

use gatematch_protocol::time::Timestamp;
use gatematch_server::edge::{Clock, Pending};
use tokio::sync::watch;

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct HeldClock(Arc<watch::Sender<Timestamp>>);

impl HeldClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(watch::channel(at).0))
    }

    /// Moves it by `seconds`, either way; whoever sleeps until then wakes up.
    pub fn advance(&self, seconds: i64) {
        self.0.send_modify(|now| *now = now.plus_seconds(seconds));
    }

    /// The time that it will show in `seconds`.
    pub fn now_plus(&self, seconds: i64) -> Timestamp {
        self.0.borrow().plus_seconds(seconds)
    }

    /// The seconds since the epoch, for the simulator.
    pub fn seconds(&self) -> gatematch_client_sim::edge::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now().numeric_date())
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pending<'static, ()> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as the site; a site that is gone wakes everybody.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}
