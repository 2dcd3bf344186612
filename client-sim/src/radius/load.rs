//! Whole logins over RADIUS: RD Gateway asks, the phone approves, the gateway hears of it.
//!
//! Nobody reads a number here: the front door's client has `no_display = "approve_only"`, and no connect page is
//! open.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gatematch_protocol::response::{Decision, UserVerification};
use serde::Serialize;
use tokio::task::JoinSet;

use super::storm::Sockets;
use super::{AccessRequest, Answer, Silence, Timing};
use crate::failure::Failure;
use crate::load::{Percentiles, Person, reason, shares};

mod hold;

pub use self::hold::{HoldReport, hold};

/// How long a phone waits for its challenge, in seconds.
const WAIT: u32 = 30;
/// What the computers call themselves.
const MACHINE: &str = "LOAD";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many logins in all.
    pub logins: u32,
    /// How many at once, at most one for each person.
    pub concurrency: u32,
    /// How many begin each second, evenly; `None` as fast as they end.
    pub rate: Option<u32>,
    /// How long and how often the gateway asks.
    pub timing: Timing,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Logins that were let in.
    pub let_in: u32,
    /// Logins that were not, by reason.
    pub failed: BTreeMap<String, u32>,
    /// From the first request to the last answer, in seconds.
    pub seconds: f64,
    /// Logins that were let in, each second.
    pub per_second: f64,
    /// From the request to the answer, the phone's part included.
    pub whole: Percentiles,
    /// From the moment when the server has the approval to the answer.
    pub answer: Percentiles,
}

struct Times {
    whole: Duration,
    answer: Duration,
}

/// Carries out `plan`: everybody is let in.
pub async fn run(plan: Plan, sockets: Arc<Sockets>, people: Vec<Person>) -> Report {
    let next = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    // Each has people of his own: several logins of one person limit each other.
    for (index, own) in shares(people, plan.concurrency).into_iter().enumerate() {
        let (sockets, next) = (Arc::clone(&sockets), Arc::clone(&next));
        workers.spawn(async move {
            let mut outcomes = Vec::new();
            for person in own.iter().cycle() {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if turn >= plan.logins {
                    break;
                }
                if let Some(rate) = plan.rate {
                    let due = started + Duration::from_secs(1) / rate.max(1) * turn;
                    tokio::time::sleep_until(due.into()).await;
                }
                outcomes.push(login(&sockets, index, person, plan.timing).await);
            }
            outcomes
        });
    }
    let (mut done, mut failed) = (Vec::new(), BTreeMap::new());
    while let Some(worker) = workers.join_next().await {
        for outcome in worker.unwrap_or_else(|fault| vec![Err(fault.to_string())]) {
            match outcome {
                Ok(times) => done.push(times),
                Err(reason) => *failed.entry(reason).or_insert(0) += 1,
            }
        }
    }
    report(&done, failed, started.elapsed())
}

fn report(done: &[Times], failed: BTreeMap<String, u32>, elapsed: Duration) -> Report {
    let let_in = u32::try_from(done.len()).unwrap_or(u32::MAX);
    let seconds = elapsed.as_secs_f64();
    Report {
        let_in,
        failed,
        seconds,
        per_second: if seconds > 0.0 { f64::from(let_in) / seconds } else { 0.0 },
        whole: Percentiles::of(done.iter().map(|times| times.whole).collect()),
        answer: Percentiles::of(done.iter().map(|times| times.answer).collect()),
    }
}

/// One login from request to answer.
async fn login(sockets: &Sockets, index: usize, person: &Person, timing: Timing) -> Result<Times, String> {
    let client = sockets.of(index).ok_or("there is no socket")?;
    let prepared = client.request(AccessRequest::rd_gateway(&person.user).machine(MACHINE));
    let started = Instant::now();
    let mut exchange = pin!(client.exchange(&prepared, timing));
    let approved = async {
        let challenge = fetch(person).await?;
        respond(person, &challenge, Decision::Approve).await
    };
    tokio::select! {
        early = &mut exchange => return Err(format!("{} before the phone had answered", told(&early))),
        approved = approved => approved.map_err(|failure| reason(&failure))?,
    }
    let approved = Instant::now();
    let answer = exchange.await;
    match &answer {
        Ok(accept) if accept.is_accept() => Ok(Times { whole: started.elapsed(), answer: approved.elapsed() }),
        other => Err(format!("{} after the approval", told(other))),
    }
}

fn told(answer: &Result<Answer, Silence>) -> String {
    match answer {
        Ok(answer) => answer.name(),
        Err(silence) => silence.to_string(),
    }
}

/// The one challenge that waits for this phone, checked; as signed by the server.
async fn fetch(person: &Person) -> Result<String, Failure> {
    let waiting = person.phone.waiting(WAIT).await?;
    let challenge = waiting.into_iter().next().ok_or(Failure::Missing("no challenge has come to the phone"))?;
    let claims = person.phone.read(&challenge.challenge).await?;
    if claims.matching.is_some() {
        return Err(Failure::Missing("the challenge asks for a number: the client needs no_display = approve_only"));
    }
    Ok(challenge.challenge)
}

async fn respond(person: &Person, challenge: &str, decision: Decision) -> Result<(), Failure> {
    person.phone.respond(challenge, decision, None, Some(UserVerification::Biometric)).await.map(|_| ())
}
