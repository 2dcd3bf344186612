//! What was not served, and why: silence must not puzzle the administrator.
//!
//! The first of its client, cause and hour is told at once, in the log with the cure and to the server; those after
//! it are counted, and told as one sum when the hour is over. A flood costs one look-up each.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatematch_protocol::gateway::ReportDrops;
use gatematch_protocol::time::Timestamp;
use tokio::sync::mpsc;

use crate::door::Cause;
use crate::label::escaped;

/// How long drops are summed up, in seconds.
const HOUR: i64 = 3_600;
/// How long a report that the server did not take is kept before it is tried again, in seconds.
const AGAIN_AFTER: i64 = 300;
/// How many reports wait to be sent.
const QUEUE: usize = 256;

/// Something to tell the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The client's place in the settings, where the address is one's.
    pub(crate) client: Option<usize>,
    /// Why.
    pub(crate) cause: Cause,
    /// The address that the first came from.
    pub(crate) source: IpAddr,
    /// How many.
    pub(crate) count: u64,
}

/// What was not served, by client and cause.
pub(crate) struct Drops {
    names: Vec<String>,
    table: Mutex<HashMap<Kind, Entry>>,
    reports: mpsc::Sender<Report>,
}

type Kind = (Option<usize>, Cause);

struct Entry {
    total: u64,
    /// Not told to the server yet.
    unsaid: u64,
    /// When the next one counts as the first again.
    until: Timestamp,
    source: IpAddr,
}

impl Drops {
    /// Nothing dropped yet, for clients of these names. What is to be told comes out of the receiver.
    #[must_use]
    pub(crate) fn new(names: Vec<String>) -> (Self, mpsc::Receiver<Report>) {
        let (reports, receiver) = mpsc::channel(QUEUE);
        (Self { names, table: Mutex::default(), reports }, receiver)
    }

    /// Something was not served.
    pub(crate) fn note(&self, now: Timestamp, client: Option<usize>, cause: Cause, source: IpAddr) {
        let Some(report) = self.count(now, client, cause, source) else { return };
        tracing::warn!(
            client = self.name(client),
            %source,
            %cause,
            cure = cause.cure(),
            "a RADIUS request was not served; more of the kind are only counted for an hour"
        );
        self.tell(now, report);
    }

    /// Hands on what the hours that are over have summed up.
    pub(crate) fn tell_due(&self, now: Timestamp) {
        for report in self.due(now) {
            tracing::info!(
                client = self.name(report.client),
                cause = %report.cause,
                count = report.count,
                "RADIUS requests were not served in the last hour"
            );
            self.tell(now, report);
        }
    }

    /// Takes back a report that the server did not take.
    pub(crate) fn take_back(&self, now: Timestamp, report: Report) {
        if let Some(entry) = self.table().get_mut(&(report.client, report.cause)) {
            entry.unsaid = entry.unsaid.saturating_add(report.count);
            entry.until = entry.until.max(now.plus_seconds(AGAIN_AFTER));
        }
    }

    /// A report as the server takes it (`POST /v1/gateways/self/drops`).
    #[must_use]
    pub(crate) fn message(&self, report: Report) -> ReportDrops {
        ReportDrops {
            client: report.client.and_then(|index| self.names.get(index)).cloned(),
            source: report.source.to_string(),
            cause: report.cause.as_str().to_owned(),
            count: i64::try_from(report.count).unwrap_or(i64::MAX),
        }
    }

    /// Appends one line of Prometheus text for each client and cause.
    pub(crate) fn write_metrics(&self, text: &mut String) {
        let table = self.table();
        let clients = std::iter::once(None).chain((0..self.names.len()).map(Some));
        for (client, cause) in clients.flat_map(|client| Cause::ALL.map(|cause| (client, cause))) {
            if let Some(entry) = table.get(&(client, cause)) {
                // Writing to a String does not fail.
                let _ = writeln!(
                    text,
                    "gatematch_radius_dropped_total{{client=\"{}\",cause=\"{cause}\"}} {}",
                    escaped(self.name(client)),
                    entry.total
                );
            }
        }
    }

    fn count(&self, now: Timestamp, client: Option<usize>, cause: Cause, source: IpAddr) -> Option<Report> {
        let mut table = self.table();
        let fresh = || Entry { total: 0, unsaid: 0, until: now, source };
        let entry = table.entry((client, cause)).or_insert_with(fresh);
        entry.total = entry.total.saturating_add(1);
        entry.unsaid = entry.unsaid.saturating_add(1);
        // An hour that ends too far ahead was begun before the clock was set back.
        if now < entry.until && entry.until <= now.plus_seconds(HOUR) {
            return None;
        }
        entry.until = now.plus_seconds(HOUR);
        entry.source = source.to_canonical();
        Some(Report { client, cause, source: entry.source, count: std::mem::take(&mut entry.unsaid) })
    }

    fn due(&self, now: Timestamp) -> Vec<Report> {
        let mut table = self.table();
        let over = table.iter_mut().filter(|(_, entry)| entry.unsaid > 0 && now >= entry.until);
        over.map(|((client, cause), entry)| Report {
            client: *client,
            cause: *cause,
            source: entry.source,
            count: std::mem::take(&mut entry.unsaid),
        })
        .collect()
    }

    fn tell(&self, now: Timestamp, report: Report) {
        if self.reports.try_send(report).is_err() {
            self.take_back(now, report);
        }
    }

    fn name(&self, client: Option<usize>) -> &str {
        client.and_then(|index| self.names.get(index)).map_or("unknown", String::as_str)
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Kind, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_numeric_date(1_800_000_000 + seconds)
    }

    fn drops() -> (Drops, mpsc::Receiver<Report>) {
        Drops::new(vec!["rdg01".to_owned(), "vpn".to_owned()])
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn counts(receiver: &mut mpsc::Receiver<Report>) -> Vec<u64> {
        std::iter::from_fn(|| receiver.try_recv().ok()).map(|report| report.count).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_rest_as_a_sum() {
        let (drops, mut told) = drops();
        for second in 0..1_000 {
            drops.note(at(second), Some(0), Cause::Malformed, ip(if second == 0 { 1 } else { 2 }));
        }
        let first = told.try_recv().unwrap();
        assert_eq!((first.client, first.cause, first.source, first.count), (Some(0), Cause::Malformed, ip(1), 1));
        drops.tell_due(at(3_599));
        assert!(counts(&mut told).is_empty());
        drops.tell_due(at(3_600));
        let sum = told.try_recv().unwrap();
        assert_eq!((sum.count, sum.source), (999, ip(1)));
        drops.tell_due(at(9_000));
        assert!(counts(&mut told).is_empty(), "nothing new");
        drops.note(at(9_001), Some(0), Cause::Malformed, ip(3));
        assert_eq!(told.try_recv().unwrap().source, ip(3), "a new hour has a first one again");
    }

    #[test]
    fn clients_and_causes_have_hours_of_their_own() {
        let (drops, mut told) = drops();
        for client in [None, Some(0), Some(1)] {
            for cause in [Cause::Malformed, Cause::Overloaded] {
                drops.note(at(0), client, cause, ip(1));
                drops.note(at(1), client, cause, ip(1));
            }
        }
        assert_eq!(counts(&mut told), [1; 6]);
    }

    #[test]
    fn one_that_comes_after_the_hour_brings_the_sum_along() {
        let (drops, mut told) = drops();
        for second in [0, 1, 2, 4_000] {
            drops.note(at(second), None, Cause::UnknownClient, ip(1));
        }
        assert_eq!(counts(&mut told), [1, 3]);
        drops.note(at(0), None, Cause::UnknownClient, ip(1));
        assert_eq!(counts(&mut told), [1], "the clock was set back by more than an hour");
    }

    #[test]
    fn what_the_server_did_not_take_is_told_again_and_nothing_is_lost() {
        let (drops, mut told) = drops();
        drops.note(at(0), None, Cause::UnknownClient, ip(1));
        drops.note(at(1), None, Cause::UnknownClient, ip(1));
        let report = told.try_recv().unwrap();
        drops.take_back(at(2), report);
        drops.tell_due(at(3_600));
        let report = told.try_recv().unwrap();
        assert_eq!(report.count, 2);
        drops.take_back(at(3_600), report);
        drops.tell_due(at(3_601));
        assert!(counts(&mut told).is_empty());
        drops.tell_due(at(3_900));
        assert_eq!(counts(&mut told), [2]);
    }

    #[test]
    fn a_full_queue_loses_no_count() {
        let names: Vec<_> = (0..QUEUE + 9).map(|index| format!("c{index}")).collect();
        let (drops, mut told) = Drops::new(names);
        for client in 0..QUEUE + 9 {
            drops.note(at(0), Some(client), Cause::Malformed, ip(1));
        }
        assert_eq!(counts(&mut told).len(), QUEUE);
        drops.tell_due(at(3_600));
        assert_eq!(counts(&mut told).len(), 9);
    }

    #[test]
    fn the_message_and_the_metrics_name_client_and_cause() {
        let (drops, mut told) = drops();
        drops.note(at(0), Some(1), Cause::EapNotSupported, "::ffff:192.0.2.9".parse().unwrap());
        drops.note(at(0), None, Cause::UnknownClient, ip(9));
        let message = drops.message(told.try_recv().unwrap());
        assert_eq!((message.client.as_deref(), message.source.as_str()), (Some("vpn"), "192.0.2.9"));
        assert_eq!((message.cause.as_str(), message.count), ("eap-not-supported", 1));
        assert_eq!(drops.message(told.try_recv().unwrap()).client, None);
        let mut text = String::new();
        drops.write_metrics(&mut text);
        assert_eq!(
            text,
            "gatematch_radius_dropped_total{client=\"unknown\",cause=\"unknown-client\"} 1\n\
             gatematch_radius_dropped_total{client=\"vpn\",cause=\"eap-not-supported\"} 1\n"
        );
    }
}
