//! Many logins that are open at once, each of which must get its own answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use gatematch_protocol::response::Decision;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{MACHINE, fetch, respond, told};
use crate::load::{Percentiles, Person, reason};
use crate::radius::storm::Sockets;
use crate::radius::{AccessRequest, Answer, Silence, Timing};

/// How many phones are busy at once.
const PHONES_AT_ONCE: usize = 32;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HoldReport {
    /// Logins that were opened.
    pub opened: u32,
    /// Logins that were pending on their phones, all at once.
    pub pending: u32,
    /// Approved on the phone, and let in.
    pub accepted: u32,
    /// Denied on the phone, and refused.
    pub rejected: u32,
    /// Everything else, by what happened.
    pub wrong: BTreeMap<String, u32>,
    /// From the first request until all were pending, in seconds.
    pub seconds_to_pending: f64,
    /// From the first phone's answer to the last RADIUS answer, in seconds.
    pub seconds_to_answers: f64,
    /// From the moment when a phone begins to answer to the RADIUS answer.
    pub answer: Percentiles,
}

/// One login's end: whose, when, and what the gateway was told.
type Ended = (usize, Instant, Result<Answer, Silence>);

/// Opens one login for each of `people`, waits until all are pending on the phones, approves every second one, denies
/// the others, and looks at what the gateway is told.
pub async fn hold(sockets: Arc<Sockets>, people: Vec<Person>, timing: Timing) -> HoldReport {
    let people: Vec<_> = people.into_iter().map(Arc::new).collect();
    let mut report = HoldReport { opened: count(people.len()), ..HoldReport::default() };
    let started = Instant::now();
    let mut logins = open(&sockets, &people, timing);
    let challenges = fetch_all(&people, &mut report).await;
    report.seconds_to_pending = started.elapsed().as_secs_f64();
    while let Some(early) = logins.try_join_next() {
        if let Ok((_, _, answer)) = early {
            report.wrong(format!("{} before the phone had answered", told(&answer)));
        }
    }
    let answering = Instant::now();
    let mut began = respond_all(&people, challenges, &mut report).await;
    let mut latencies = Vec::new();
    while let Some(login) = logins.join_next().await {
        let Ok((index, ended, answer)) = login else { continue };
        // Where the phone could not answer, that has been told already.
        let Some(began) = began.remove(&index) else { continue };
        latencies.push(ended.saturating_duration_since(began));
        match (decision(index), &answer) {
            (Decision::Approve, Ok(accept)) if accept.is_accept() => report.accepted += 1,
            (Decision::Deny, Ok(reject)) if reject.is_reject() => report.rejected += 1,
            (Decision::Approve, other) => report.wrong(format!("{} after an approval", told(other))),
            (_, other) => report.wrong(format!("{} after a denial", told(other))),
        }
    }
    report.seconds_to_answers = answering.elapsed().as_secs_f64();
    report.answer = Percentiles::of(latencies);
    report
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What the phone of the `index`-th person says.
const fn decision(index: usize) -> Decision {
    if index.is_multiple_of(2) { Decision::Approve } else { Decision::Deny }
}

impl HoldReport {
    fn wrong(&mut self, what: String) {
        *self.wrong.entry(what).or_insert(0) += 1;
    }

    /// Whether every login was held and got its own right answer.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.pending == self.opened && self.accepted + self.rejected == self.opened && self.wrong.is_empty()
    }
}

fn open(sockets: &Arc<Sockets>, people: &[Arc<Person>], timing: Timing) -> JoinSet<Ended> {
    let mut logins = JoinSet::new();
    for (index, person) in people.iter().enumerate() {
        let (sockets, person) = (Arc::clone(sockets), Arc::clone(person));
        logins.spawn(async move {
            let Some(client) = sockets.of(index) else { return (index, Instant::now(), Err(Silence::default())) };
            let prepared = client.request(AccessRequest::rd_gateway(&person.user).machine(MACHINE));
            let answer = client.exchange(&prepared, timing).await;
            (index, Instant::now(), answer)
        });
    }
    logins
}

/// The challenges that wait on the phones, by person.
async fn fetch_all(people: &[Arc<Person>], report: &mut HoldReport) -> Vec<(usize, String)> {
    let permits = Arc::new(Semaphore::new(PHONES_AT_ONCE));
    let mut phones = JoinSet::new();
    for (index, person) in people.iter().enumerate() {
        let (person, permits) = (Arc::clone(person), Arc::clone(&permits));
        phones.spawn(async move {
            let _permit = permits.acquire().await;
            (index, fetch(&person).await)
        });
    }
    let mut challenges = Vec::new();
    while let Some(phone) = phones.join_next().await {
        match phone {
            Ok((index, Ok(challenge))) => challenges.push((index, challenge)),
            Ok((_, Err(failure))) => report.wrong(format!("on the phone: {}", reason(&failure))),
            Err(fault) => report.wrong(fault.to_string()),
        }
    }
    report.pending = count(challenges.len());
    challenges
}

/// Answers on every phone, and says when each began.
async fn respond_all(
    people: &[Arc<Person>],
    challenges: Vec<(usize, String)>,
    report: &mut HoldReport,
) -> BTreeMap<usize, Instant> {
    let permits = Arc::new(Semaphore::new(PHONES_AT_ONCE));
    let mut phones = JoinSet::new();
    for (index, challenge) in challenges {
        let Some(person) = people.get(index).map(Arc::clone) else { continue };
        let permits = Arc::clone(&permits);
        phones.spawn(async move {
            let _permit = permits.acquire().await;
            let began = Instant::now();
            (index, began, respond(&person, &challenge, decision(index)).await)
        });
    }
    let mut answered = BTreeMap::new();
    while let Some(phone) = phones.join_next().await {
        match phone {
            Ok((index, began, Ok(()))) => {
                answered.insert(index, began);
            }
            Ok((_, _, Err(failure))) => report.wrong(format!("on the phone: {}", reason(&failure))),
            Err(fault) => report.wrong(fault.to_string()),
        }
    }
    answered
}
