//! What was done so far: counted while it is done, in bounded memory, and told in the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::figures::{Histogram, Percentiles};
use super::login::{Step, Times};
use super::meter::ServerCost;

/// How many different reasons are told; further ones are one.
const MAX_REASONS: usize = 32;
const OTHER: &str = "something else";

/// Counts logins.
pub struct Tally {
    began: Instant,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    let_in: u64,
    failed: BTreeMap<String, u64>,
    late: u64,
    steps: BTreeMap<Step, Histogram>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Logins that were let in.
    pub let_in: u64,
    /// Logins that were not, by problem code or reason.
    pub failed: BTreeMap<String, u64>,
    /// At a fixed rate: logins for which nobody was free when they should have begun. The time they lost is in `whole`.
    pub begun_late: u64,
    /// From the first create to the last redeem, in seconds.
    pub seconds: f64,
    /// Logins that were let in, each second.
    pub per_second: f64,
    /// How long each whole login took that was let in.
    pub whole: Percentiles,
    /// How long each of its steps took.
    pub steps: BTreeMap<&'static str, Percentiles>,
    /// What it cost the servers that tell.
    pub servers: Vec<ServerCost>,
    /// The CPU milliseconds of all of them for each login.
    pub server_cpu_ms_per_login: Option<f64>,
    /// The part of this machine's processors that the generator took: 0 to 1.
    pub own_cpu_share: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { began: Instant::now(), counted: Mutex::default() }
    }
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logins so far: those that were let in, and those that were not.
    #[must_use]
    pub fn done(&self) -> (u64, u64) {
        let counted = self.lock();
        (counted.let_in, counted.failed.values().sum())
    }

    /// How long it has been going on.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Counts a login that is over, all in all after `whole`.
    pub(super) fn add(&self, outcome: Result<Times, String>, whole: Duration) {
        let mut counted = self.lock();
        match outcome {
            Ok(times) => {
                counted.let_in += 1;
                for (step, took) in times.into_iter().chain([(Step::Whole, whole)]) {
                    counted.steps.entry(step).or_default().add(took);
                }
            }
            Err(reason) => {
                let is_new = !counted.failed.contains_key(&reason);
                let is_many = is_new && counted.failed.len() >= MAX_REASONS;
                *counted.failed.entry(if is_many { OTHER.to_owned() } else { reason }).or_insert(0) += 1;
            }
        }
    }

    pub(super) fn late(&self) {
        self.lock().late += 1;
    }

    /// What came of it, after `elapsed`.
    pub(super) fn report(&self, elapsed: Duration, servers: Vec<ServerCost>, own_cpu_share: f64) -> Report {
        let counted = self.lock();
        let seconds = elapsed.as_secs_f64();
        let of = |step: &Step| counted.steps.get(step).map(Histogram::percentiles);
        let steps = Step::ALL.iter().filter(|step| **step != Step::Whole);
        let per_login: Vec<f64> = servers.iter().filter_map(|server| server.cpu_ms_per_login).collect();
        Report {
            let_in: counted.let_in,
            failed: counted.failed.clone(),
            begun_late: counted.late,
            seconds,
            per_second: if seconds > 0.0 { counted.let_in as f64 / seconds } else { 0.0 },
            whole: of(&Step::Whole).unwrap_or_default(),
            steps: steps.filter_map(|step| Some((step.name(), of(step)?))).collect(),
            server_cpu_ms_per_login: (!per_login.is_empty()).then(|| per_login.iter().sum()),
            servers,
            own_cpu_share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_in_is_timed_and_what_was_not_is_named() {
        let tally = Tally::default();
        let millis = Duration::from_millis;
        tally.add(Ok(vec![(Step::Create, millis(4)), (Step::Heard, millis(2))]), millis(9));
        tally.add(Err("overloaded".to_owned()), millis(1));
        tally.late();
        let server = ServerCost { cpu_ms_per_login: Some(0.5), ..ServerCost::default() };
        let report = tally.report(Duration::from_secs(2), vec![server.clone(), server], 0.25);
        assert_eq!((report.let_in, report.begun_late, report.per_second), (1, 1, 0.5));
        assert_eq!(report.failed, BTreeMap::from([("overloaded".to_owned(), 1)]));
        assert_eq!(report.steps.keys().copied().collect::<Vec<_>>(), ["create", "heard"]);
        assert_eq!((report.whole.max, report.whole.p50), (9.0, 9.0), "a refusal is no time");
        assert_eq!(report.server_cpu_ms_per_login, Some(1.0));
        assert_eq!(tally.done(), (1, 1));
    }

    #[test]
    fn reasons_do_not_grow_without_end() {
        let tally = Tally::default();
        for number in 0..1_000 {
            tally.add(Err(format!("reason {number}")), Duration::ZERO);
        }
        let report = tally.report(Duration::from_secs(1), Vec::new(), 0.0);
        assert_eq!((report.failed.len(), report.failed[OTHER]), (MAX_REASONS + 1, 968));
        assert_eq!(report.server_cpu_ms_per_login, None);
    }
}
