//! What is counted, as Prometheus text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::label::escaped;
use crate::packet::code;

/// Counters by client.
pub(super) struct Metrics {
    clients: Vec<(String, Counters)>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    duplicates: AtomicU64,
    accepts: AtomicU64,
    rejects: AtomicU64,
    challenges: AtomicU64,
}

impl Metrics {
    /// Nothing counted yet, for clients of these names.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { clients: names.into_iter().map(|name| (name, Counters::default())).collect() }
    }

    /// A login or a Status-Server that is new.
    pub(super) fn request(&self, client: usize) {
        self.count(Some(client), |counters| &counters.requests);
    }

    /// A retransmission.
    pub(super) fn duplicate(&self, client: Option<usize>) {
        self.count(client, |counters| &counters.duplicates);
    }

    /// An answer; not those to retransmissions.
    pub(super) fn answer(&self, client: usize, code: u8) {
        self.count(Some(client), |counters| match code {
            code::ACCESS_ACCEPT => &counters.accepts,
            code::ACCESS_CHALLENGE => &counters.challenges,
            _ => &counters.rejects,
        });
    }

    fn count(&self, client: Option<usize>, counter: impl Fn(&Counters) -> &AtomicU64) {
        if let Some((_, counters)) = client.and_then(|index| self.clients.get(index)) {
            counter(counters).fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text, without what was dropped but with the head of its lines at the end.
    pub(super) fn text(&self, waiting: usize) -> String {
        let mut text = String::new();
        head(&mut text, "requests_total", "counter", "Logins and Status-Servers, without retransmissions.");
        self.lines(&mut text, "requests_total", "", |counters| &counters.requests);
        head(&mut text, "answers_total", "counter", "Answers, without those to retransmissions.");
        self.lines(&mut text, "answers_total", ",answer=\"accept\"", |counters| &counters.accepts);
        self.lines(&mut text, "answers_total", ",answer=\"reject\"", |counters| &counters.rejects);
        self.lines(&mut text, "answers_total", ",answer=\"challenge\"", |counters| &counters.challenges);
        head(&mut text, "duplicates_total", "counter", "Retransmissions.");
        self.lines(&mut text, "duplicates_total", "", |counters| &counters.duplicates);
        head(&mut text, "waiting", "gauge", "Logins that wait for their answer.");
        // Writing to a String does not fail.
        let _ = writeln!(text, "gatematch_radius_waiting {waiting}");
        head(&mut text, "dropped_total", "counter", "Requests that were not served, by cause.");
        text
    }

    fn lines(&self, text: &mut String, name: &str, labels: &str, counter: impl Fn(&Counters) -> &AtomicU64) {
        for (client, counters) in &self.clients {
            let (client, value) = (escaped(client), counter(counters).load(Ordering::Relaxed));
            let _ = writeln!(text, "gatematch_radius_{name}{{client=\"{client}\"{labels}}} {value}");
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP gatematch_radius_{name} {help}\n# TYPE gatematch_radius_{name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_lines() {
        let metrics = Metrics::new(vec!["rdg01".to_owned(), "vpn".to_owned()]);
        metrics.request(0);
        metrics.answer(0, code::ACCESS_REJECT);
        metrics.answer(1, code::ACCESS_CHALLENGE);
        metrics.duplicate(Some(1));
        metrics.duplicate(None);
        metrics.request(7);
        let text = metrics.text(3);
        for line in [
            "gatematch_radius_requests_total{client=\"rdg01\"} 1",
            "gatematch_radius_answers_total{client=\"rdg01\",answer=\"reject\"} 1",
            "gatematch_radius_answers_total{client=\"vpn\",answer=\"challenge\"} 1",
            "gatematch_radius_answers_total{client=\"vpn\",answer=\"accept\"} 0",
            "gatematch_radius_duplicates_total{client=\"vpn\"} 1",
            "gatematch_radius_waiting 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
