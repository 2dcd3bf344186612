//! What `/metrics` tells of push. Outcomes are labels; names and endpoints never are.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts};

use crate::http::Metrics;

/// The metrics of push; clones share their counts.
#[derive(Clone)]
pub struct PushMetrics {
    /// Tries by outcome, and letters that were given up: `dropped` (too many waited), `late` (of no use any more, or it
    /// would have waited too long), `moot` (decided meanwhile, or the phone is gone). `broken` is a fault of our own.
    pub outcomes: IntCounterVec,
    /// From the commit to the push service's acceptance, in seconds.
    pub seconds: Histogram,
    /// Letters that wait, are tried, or will be tried again.
    pub waiting: IntGauge,
}

impl PushMetrics {
    /// Metrics at zero, which `metrics` tells.
    ///
    /// # Errors
    /// [`prometheus::Error`] if another metric had one of the names.
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let outcomes = Opts::new("gatematch_push_total", "Tries to push by outcome, and pushes given up.");
        let outcomes = IntCounterVec::new(outcomes, &["outcome"])?;
        let seconds = HistogramOpts::new("gatematch_push_seconds", "From the commit to the push service's acceptance.")
            .buckets(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        let seconds = Histogram::with_opts(seconds)?;
        let waiting = IntGauge::new("gatematch_push_waiting", "Pushes that are not done.")?;
        metrics.register(Box::new(outcomes.clone()))?;
        metrics.register(Box::new(seconds.clone()))?;
        metrics.register(Box::new(waiting.clone()))?;
        Ok(Self { outcomes, seconds, waiting })
    }
}
