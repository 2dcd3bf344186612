//! What `/metrics` tells, in Prometheus' text format. Names of people and numbers are never among the labels.

use std::sync::{Mutex, PoisonError};

use gatematch_domain::challenge::{Challenge, Reason};
use prometheus::core::Collector;
use prometheus::{Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::process;

/// Tells metrics in Prometheus' text format.
pub(crate) type Tale = Box<dyn Fn() -> String + Send + Sync>;

/// The server's metrics.
pub struct Metrics {
    registry: Registry,
    others: Mutex<Vec<Tale>>,
    /// Requests by route and status.
    pub requests: IntCounterVec,
    /// How long requests took, by route, in seconds.
    pub seconds: HistogramVec,
    /// Challenges by the state in which they were opened or decided, and the reason.
    pub challenges: IntCounterVec,
    /// Refusals of the unauthenticated, by kind.
    pub strangers: IntCounterVec,
    /// What RADIUS front doors reported to have dropped, by cause.
    pub drops: IntCounterVec,
    /// What is waited for now.
    pub waiting: IntGauge,
}

impl Metrics {
    /// Metrics at zero.
    ///
    /// # Errors
    /// [`prometheus::Error`] if two metrics had one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let seconds = HistogramOpts::new("gatematch_http_request_seconds", "How long requests took, waiting included.")
            .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 60.0]);
        let seconds = HistogramVec::new(seconds, &["method", "route"])?;
        registry.register(Box::new(seconds.clone()))?;
        let waiting = IntGauge::new("gatematch_waiting", "Requests that wait for a decision or a challenge now.")?;
        registry.register(Box::new(waiting.clone()))?;
        Ok(Self {
            requests: counter("gatematch_http_requests_total", "Requests answered.", &["method", "route", "status"])?,
            challenges: counter("gatematch_challenges_total", "Steps of challenges.", &["state", "reason"])?,
            drops: counter("gatematch_reported_drops_total", "Datagrams that RADIUS front doors dropped.", &["cause"])?,
            strangers: counter("gatematch_refused_credentials_total", "Credentials refused.", &["kind"])?,
            seconds,
            waiting,
            registry,
            others: Mutex::default(),
        })
    }

    /// Counts that a challenge was opened or decided.
    pub fn step(&self, challenge: &Challenge) {
        let reason = challenge.state.reason().map_or("", |reason| reason.as_str());
        self.challenges.with_label_values(&[challenge.state.as_str(), reason]).inc();
    }

    /// Counts a login that was reported on the connect page.
    pub fn reported(&self) {
        let (state, reason) = ("denied", Reason::Reported.as_str());
        self.challenges.with_label_values(&[state, reason]).inc();
    }

    /// Counts a login of which its person said at the portal that it was not he; it was over, as a rule.
    pub fn disowned(&self) {
        self.challenges.with_label_values(&["disowned", Reason::Reported.as_str()]).inc();
    }

    /// Adds what somebody else in this process counts.
    ///
    /// # Errors
    /// [`prometheus::Error`] if two metrics had one name.
    pub(crate) fn register(&self, collector: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        self.registry.register(collector)
    }

    /// Adds what somebody else in this process tells.
    pub(crate) fn also_tell(&self, tale: Tale) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(tale);
    }

    /// What the counters or gauges called so tell now, by their values of `label`; an empty text where they have none.
    pub fn told(&self, name: &str, label: &str) -> Vec<(String, i64)> {
        let families = self.registry.gather();
        let family = families.iter().filter(|family| family.name() == name);
        let told = family.flat_map(|family| family.get_metric()).map(|metric| {
            let value = metric.get_label().iter().find(|pair| pair.name() == label).map(|pair| pair.value().to_owned());
            let counted = metric.get_counter().get_value() + metric.get_gauge().get_value();
            (value.unwrap_or_default(), counted as i64)
        });
        told.collect()
    }

    /// The text of a scrape.
    ///
    /// # Errors
    /// [`prometheus::Error`].
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        text.extend_from_slice(process::text().as_bytes());
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.iter().for_each(|tale| text.extend_from_slice(tale().as_bytes()));
        Ok(text)
    }
}
