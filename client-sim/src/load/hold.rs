//! Logins that wait, thousands of them: what they cost the server's memory, and how fast a decision reaches its waiter.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::response::Decision;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::figures::{Histogram, Percentiles};
use super::login::{create, fetch, respond};
use super::meter::{Reading, mebibytes};
use super::people::Person;
use super::reason;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::http::Api;

/// How many logins one person has waiting at once, each at another computer: as many as the server allows.
pub const EACH: u32 = 3;
/// How long a login may take, in seconds: as long as the server allows.
const EXPIRES_IN: i64 = 600;
/// How long one request waits, in seconds: as long as the server allows. Then it is made again.
const WAIT: u32 = 60;
/// How many logins are opened at once.
const OPENED_AT_ONCE: usize = 64;
/// How long the servers may take until they say that all wait.
const SETTLE: Duration = Duration::from_secs(30);
/// How often they are asked.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a waiter may take to hear of a decision.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many logins wait.
    pub logins: u32,
    /// How many of them are decided, one after the other.
    pub sample: u32,
    /// Whether the waiter is on another node than the phone.
    pub across: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Logins that were opened.
    pub opened: u64,
    /// How many of them waited when the memory was read, as the servers told.
    pub waiting: u64,
    /// How long it took to open them all, in seconds.
    pub seconds_to_open: f64,
    /// The servers' memory.
    pub servers: Vec<Memory>,
    /// Logins that were decided on the phone.
    pub decided: u64,
    /// From the moment when the phone sends its response until the waiter hears of it.
    pub heard: Percentiles,
    /// From the moment when the phone sends its response until it hears that it was taken.
    pub responded: Percentiles,
    /// Everything else, by what happened.
    pub wrong: BTreeMap<String, u64>,
    /// Whether somebody ended it before all was done.
    pub ended_early: bool,
}

/// The memory of one server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Memory {
    /// Its address.
    pub server: String,
    /// Requests that waited there.
    pub waiting: u64,
    /// Resident when the people were there and nobody waited, in MiB.
    pub resident_before_mib: f64,
    /// Resident when all waited.
    pub resident_mib: f64,
    /// What one that waits takes of it, in KiB.
    pub kib_per_waiter: Option<f64>,
    /// Resident after the decisions, where all were made.
    pub resident_after_mib: Option<f64>,
}

/// A login that waits.
struct Held {
    person: Arc<Person>,
    view: ChallengeView,
}

/// What a waiter has heard: which one, when, and what.
type Heard = (usize, Instant, Result<String, String>);

/// Who waits where, and how far it is.
pub struct Hall {
    /// A gateway on each connection: the waiters take them in turn. Every second is at another node, where there are two.
    pub gateways: Vec<Arc<Gateway>>,
    /// The servers.
    pub servers: Vec<Api>,
    /// How many have been opened.
    pub opened: AtomicU64,
    /// How many have been decided.
    pub decided: AtomicU64,
}

/// How many people it takes.
#[must_use]
pub const fn people(logins: u32) -> u32 {
    logins.div_ceil(EACH)
}

/// Opens the logins of `plan`, one waiter for each, reads the servers' memory, and decides some. `end` ends it early.
pub async fn run(plan: Plan, hall: Arc<Hall>, people: Vec<Person>, end: impl Future<Output = ()>) -> Report {
    let mut report = Report::default();
    tokio::select! {
        () = hold(plan, &hall, people, &mut report) => {}
        () = end => report.ended_early = true,
    }
    report
}

async fn hold(plan: Plan, hall: &Arc<Hall>, people: Vec<Person>, report: &mut Report) {
    let people: Vec<_> = people.into_iter().map(Arc::new).collect();
    let before = readings(&hall.servers).await;
    let began = Instant::now();
    let (told, mut heard) = mpsc::unbounded_channel();
    let mut waiters = JoinSet::new();
    let held = open(plan, hall, &people, &told, &mut waiters, report).await;
    report.opened = count(held.len());
    report.seconds_to_open = began.elapsed().as_secs_f64();
    let full = settled(&hall.servers, report.opened).await;
    report.waiting = full.iter().flatten().map(|reading| reading.waiting).sum();
    while let Ok((_, _, early)) = heard.try_recv() {
        report.wrong(early.map_or_else(|reason| reason, |status| format!("{status} before anybody decided")));
    }
    let servers = hall.servers.iter().zip(before).zip(full);
    report.servers = servers.filter_map(|((server, before), full)| Some(memory(server, before?, full?))).collect();
    decide(plan, hall, &held, &mut heard, report).await;
    for (server, after) in hall.servers.iter().zip(readings(&hall.servers).await) {
        let told = report.servers.iter_mut().find(|told| told.server == server.base());
        if let Some((told, after)) = told.zip(after) {
            told.resident_after_mib = Some(mebibytes(after.resident));
        }
    }
}

async fn readings(servers: &[Api]) -> Vec<Option<Reading>> {
    let mut readings = Vec::new();
    for server in servers {
        readings.push(Reading::of(server).await);
    }
    readings
}

/// What the servers tell as soon as so many wait there; or after a while, whatever they tell.
async fn settled(servers: &[Api], waiters: u64) -> Vec<Option<Reading>> {
    let began = Instant::now();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let readings = readings(servers).await;
        let waiting: u64 = readings.iter().flatten().map(|reading| reading.waiting).sum();
        if waiting >= waiters || began.elapsed() > SETTLE {
            return readings;
        }
    }
}

fn memory(server: &Api, before: Reading, full: Reading) -> Memory {
    let grown = full.resident.saturating_sub(before.resident);
    Memory {
        server: server.base().to_owned(),
        waiting: full.waiting,
        resident_before_mib: mebibytes(before.resident),
        resident_mib: mebibytes(full.resident),
        kib_per_waiter: (full.waiting > 0).then(|| grown as f64 / 1_024.0 / full.waiting as f64),
        resident_after_mib: None,
    }
}

/// Opens a login of each person at each of his computers, and begins to wait for each.
async fn open(
    plan: Plan,
    hall: &Arc<Hall>,
    people: &[Arc<Person>],
    told: &UnboundedSender<Heard>,
    waiters: &mut JoinSet<()>,
    report: &mut Report,
) -> Vec<Held> {
    let permits = Arc::new(Semaphore::new(OPENED_AT_ONCE));
    let mut opening = JoinSet::new();
    let computers = people.iter().enumerate().flat_map(|person| (0..EACH).map(move |computer| (person, computer)));
    let wanted = usize::try_from(plan.logins).unwrap_or(usize::MAX);
    for ((index, person), computer) in computers.take(wanted) {
        let (hall, person, permits) = (Arc::clone(hall), Arc::clone(person), Arc::clone(&permits));
        opening.spawn(async move {
            let _permit = permits.acquire().await;
            let turn = index * usize::try_from(EACH).unwrap_or(1) + usize::try_from(computer).unwrap_or(0);
            let gateway = hall.gateway(index, turn, plan.across).ok_or("there is no gateway")?;
            let machine = format!("LOAD-{computer}");
            let view = create(&gateway, &person, &machine, Some(EXPIRES_IN)).await;
            hall.opened.fetch_add(1, Ordering::Relaxed);
            view.map(|view| (gateway, Held { person, view })).map_err(|failure| reason(&failure))
        });
    }
    let mut held = Vec::new();
    while let Some(opened) = opening.join_next().await {
        match opened.unwrap_or_else(|fault| Err(fault.to_string())) {
            Ok((gateway, login)) => {
                waiters.spawn(wait(gateway, login.view.clone(), held.len(), told.clone()));
                held.push(login);
            }
            Err(reason) => report.wrong(reason),
        }
    }
    held
}

async fn wait(gateway: Arc<Gateway>, view: ChallengeView, index: usize, told: UnboundedSender<Heard>) {
    let outcome = loop {
        match gateway.get(view.id, WAIT).await {
            Ok(seen) if seen.status == "pending" => {}
            Ok(seen) => break Ok(seen.status),
            Err(failure) => break Err(reason(&failure)),
        }
    };
    // Nobody listens any more when it is over.
    let _ = told.send((index, Instant::now(), outcome));
}

/// Decides some of the logins, spread over all of them, one after the other.
async fn decide(plan: Plan, hall: &Hall, held: &[Held], heard: &mut UnboundedReceiver<Heard>, report: &mut Report) {
    let (mut to_waiter, mut to_phone) = (Histogram::default(), Histogram::default());
    let sample = usize::try_from(plan.sample).unwrap_or(usize::MAX).min(held.len());
    for number in 0..sample {
        let index = number * held.len() / sample;
        let Some(login) = held.get(index) else { break };
        match decision(login, index, heard).await {
            Ok((waiter, phone)) => {
                report.decided += 1;
                to_waiter.add(waiter);
                to_phone.add(phone);
                (report.heard, report.responded) = (to_waiter.percentiles(), to_phone.percentiles());
            }
            Err(reason) => report.wrong(reason),
        }
        hall.decided.fetch_add(1, Ordering::Relaxed);
    }
}

/// Approves one login on its phone; how long it took until its waiter, and until the phone, heard.
async fn decision(
    login: &Held,
    index: usize,
    heard: &mut UnboundedReceiver<Heard>,
) -> Result<(Duration, Duration), String> {
    let told = |failure: Failure| reason(&failure);
    let challenge = fetch(&login.person, Some(login.view.id)).await.map_err(told)?;
    let (id, number) = (login.view.id.to_string(), login.view.number.as_deref());
    let began = Instant::now();
    respond(&login.person, id, &challenge, Decision::Approve, number).await.map_err(told)?;
    let responded = began.elapsed();
    loop {
        let next = timeout(PATIENCE, heard.recv()).await.map_err(|_| "a waiter did not hear of a decision")?;
        match next.ok_or("all waiters are gone")? {
            (which, at, Ok(status)) if which == index && status == "approved" => {
                return Ok((at.saturating_duration_since(began), responded));
            }
            // An answer to an earlier decision that came after all.
            (which, _, Ok(status)) if which != index && status == "approved" => {}
            (_, _, outcome) => return Err(format!("a waiter heard: {}", outcome.unwrap_or_else(|reason| reason))),
        }
    }
}

impl Hall {
    /// The gateway that waits for a login of the `person`-th person: on the node of his phone, or across.
    fn gateway(&self, person: usize, turn: usize, across: bool) -> Option<Arc<Gateway>> {
        let nodes = self.servers.len().max(1);
        let node = (person + usize::from(across)) % nodes;
        let lines = self.gateways.len() / nodes;
        let line = turn % lines.max(1);
        self.gateways.get(line * nodes + node).cloned()
    }
}

impl Report {
    fn wrong(&mut self, what: impl Into<String>) {
        *self.wrong.entry(what.into()).or_insert(0) += 1;
    }

    /// Whether every login waited, and every decision was heard.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && (self.servers.is_empty() || self.waiting >= self.opened)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_logins_to_a_person() {
        assert_eq!([1, 3, 4, 20_000].map(people), [1, 1, 2, 6_667]);
    }
}
