//! What became of pushes of late: counters only tell what became of them since the server began.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use gatematch_protocol::time::Timestamp;

use crate::http::Metrics;

/// How often the counters are looked at, in seconds.
const EVERY_SECONDS: i64 = 60;
/// How many looks are kept: a quarter of an hour.
const KEPT: usize = 16;
/// The counter of pushes.
const PUSHES: &str = "gatematch_push_total";

/// How many pushes there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// That a push service has taken.
    pub delivered: u64,
    /// That failed, were put off, or were given up.
    pub failed: u64,
}

/// What the counters told, from time to time.
#[derive(Default)]
pub struct Lately(Mutex<VecDeque<(Timestamp, Pushed)>>);

impl Pushed {
    fn now(metrics: &Metrics) -> Self {
        let mut pushed = Self::default();
        for (outcome, count) in metrics.told(PUSHES, "outcome") {
            let count = u64::try_from(count).unwrap_or(0);
            match outcome.as_str() {
                "delivered" => pushed.delivered += count,
                // Whoever is gone, or needs it no more, misses nothing.
                "gone" | "moot" => {}
                _ => pushed.failed += count,
            }
        }
        pushed
    }
}

impl Lately {
    /// Looks at the counters, if it is time to.
    pub fn look(&self, metrics: &Metrics, now: Timestamp) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // After a clock was set back, it is time as well.
        let is_fresh = looks.back().is_some_and(|(at, _)| *at <= now && now < at.plus_seconds(EVERY_SECONDS));
        if is_fresh {
            return;
        }
        if looks.len() == KEPT {
            looks.pop_front();
        }
        looks.push_back((now, Pushed::now(metrics)));
    }

    /// What became of pushes in the last quarter of an hour, or since the server began.
    #[must_use]
    pub fn pushed(&self, metrics: &Metrics) -> Pushed {
        let now = Pushed::now(metrics);
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let then = looks.front().filter(|_| looks.len() == KEPT).map_or_else(Pushed::default, |(_, then)| *then);
        Pushed {
            delivered: now.delivered.saturating_sub(then.delivered),
            failed: now.failed.saturating_sub(then.failed),
        }
    }
}
