//! A small load generator: whole logins, from create to redeem, as many at once as asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{CreateChallenge, CreateClient};
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_protocol::user::PutUser;
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};

use crate::admin::Admin;
use crate::edge::{self, Clock};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::phone::Phone;

/// How long the phone waits for its challenge, and the gateway for the decision, in seconds.
const WAIT: u32 = 10;

/// How many people are made at once.
const MADE_AT_ONCE: usize = 16;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many logins in all.
    pub logins: u32,
    /// How many at once. Each runs on its own user, one login after the other, since several logins of one user
    /// limit each other.
    pub concurrency: u32,
}

/// A user with a phone.
pub struct Person {
    /// The canonical name.
    pub user: String,
    /// His phone.
    pub phone: Phone,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Logins that were let in.
    pub let_in: u32,
    /// Logins that were not, by reason.
    pub failed: BTreeMap<String, u32>,
    /// From the first create to the last redeem, in seconds.
    pub seconds: f64,
    /// Logins that were let in, each second.
    pub per_second: f64,
    /// How long each whole login took that was let in.
    pub whole: Percentiles,
    /// How long each of its steps took.
    pub steps: Steps<Percentiles>,
}

/// The steps of a login.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Steps<T> {
    /// The gateway asks for a challenge.
    pub create: T,
    /// The phone fetches and checks it.
    pub fetch: T,
    /// The phone signs and sends its response.
    pub respond: T,
    /// The gateway redeems and checks the result.
    pub redeem: T,
}

/// Durations in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half were faster.
    pub p50: f64,
    /// Nine in ten were.
    pub p90: f64,
    /// 99 in 100 were.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Percentiles {
    /// The percentiles (nearest rank) of `durations`; zeros where there are none.
    #[must_use]
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let at = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100).saturating_sub(1);
            durations.get(rank).map_or(0.0, |duration| duration.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

/// Makes `count` users, named `<prefix>-0`, `<prefix>-1`, ..., each with an enrolled phone that talks through the
/// administrator's connection. They are made a few at once, and given back in the order of their numbers.
///
/// # Errors
/// The first [`Failure`], once nothing is under way any more.
pub async fn people(
    admin: &Admin,
    issuer: &str,
    prefix: &str,
    count: u32,
    clock: &Clock,
) -> Result<Vec<Person>, Failure> {
    let mut making = JoinSet::new();
    let mut made = BTreeMap::new();
    let mut outcome = Ok(());
    for index in 0..count {
        let (admin, issuer, clock) = (admin.clone(), issuer.to_owned(), Arc::clone(clock));
        let name = format!("{prefix}-{index}");
        making.spawn(async move { person(&admin, &issuer, &name, clock).await.map(|person| (index, person)) });
        if making.len() >= MADE_AT_ONCE {
            outcome = keep(&mut made, making.join_next().await);
        }
        if outcome.is_err() {
            break;
        }
    }
    while let Some(next) = making.join_next().await {
        outcome = outcome.and(keep(&mut made, Some(next)));
    }
    outcome.map(|()| made.into_values().collect())
}

type Made = Result<Result<(u32, Person), Failure>, JoinError>;

fn keep(made: &mut BTreeMap<u32, Person>, next: Option<Made>) -> Result<(), Failure> {
    let Some(next) = next else { return Ok(()) };
    let (index, person) = next.map_err(|_| Failure::Missing("a person could not be made"))??;
    made.insert(index, person);
    Ok(())
}

async fn person(admin: &Admin, issuer: &str, name: &str, clock: Clock) -> Result<Person, Failure> {
    let user = admin.put_user(name, &PutUser::default()).await?.username;
    let enrollment = admin.create_enrollment(&user, None).await?;
    let phone = Phone::new(admin.api.clone(), issuer, edge::random_key(), clock);
    phone.enroll(enrollment.token.reveal(), "Load generator").await?;
    Ok(Person { user, phone })
}

/// Carries out `plan`. At most as many logins run at once as there are `people`.
pub async fn run(plan: Plan, gateway: Arc<Gateway>, people: Vec<Person>) -> Report {
    let left = Arc::new(AtomicU32::new(plan.logins));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for share in shares(people, plan.concurrency) {
        workers.spawn(work(Arc::clone(&gateway), share, Arc::clone(&left)));
    }
    let mut done = Vec::new();
    let mut failed = BTreeMap::new();
    while let Some(worker) = workers.join_next().await {
        let outcomes = worker.unwrap_or_else(|fault| vec![Err(fault.to_string())]);
        for outcome in outcomes {
            match outcome {
                Ok(steps) => done.push(steps),
                Err(reason) => *failed.entry(reason).or_insert(0) += 1,
            }
        }
    }
    report(&done, failed, started.elapsed())
}

pub(crate) fn shares(people: Vec<Person>, concurrency: u32) -> Vec<Vec<Person>> {
    let count = usize::try_from(concurrency.max(1)).unwrap_or(usize::MAX).min(people.len());
    let mut shares: Vec<Vec<Person>> = (0..count).map(|_| Vec::new()).collect();
    for (index, person) in people.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(index % count) {
            share.push(person);
        }
    }
    shares
}

type Outcome = Result<Steps<Duration>, String>;

async fn work(gateway: Arc<Gateway>, people: Vec<Person>, left: Arc<AtomicU32>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for person in people.iter().cycle() {
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if taken.is_err() {
            break;
        }
        outcomes.push(login(&gateway, person).await.map_err(|failure| reason(&failure)));
    }
    outcomes
}

pub(crate) fn reason(failure: &Failure) -> String {
    match failure.problem() {
        Some(problem) => problem.code.clone(),
        None => failure.to_string(),
    }
}

/// One login from create to redeem.
async fn login(gateway: &Gateway, person: &Person) -> Result<Steps<Duration>, Failure> {
    let mut steps = Steps::default();
    let mut started = Instant::now();
    let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed();

    let client = CreateClient { ip: None, name: Some("LOAD".to_owned()) };
    let asked = CreateChallenge { user: person.user.clone(), client: Some(client), ..CreateChallenge::default() };
    let view = gateway.create(&asked, None).await?;
    if view.status != "pending" {
        return Err(Failure::unexpected(201, format!("{} {}", view.status, view.reason.unwrap_or_default())));
    }
    steps.create = lap();

    let waiting = person.phone.waiting(WAIT).await?;
    let own = waiting.iter().find(|item| item.id == view.id);
    let challenge = own.ok_or(Failure::Missing("the challenge does not wait for its phone"))?;
    person.phone.read(&challenge.challenge).await?;
    steps.fetch = lap();

    let number = view.number.as_deref();
    person.phone.respond(&challenge.challenge, Decision::Approve, number, Some(UserVerification::Biometric)).await?;
    steps.respond = lap();

    let redeemed = gateway.redeem(view.id, &base64url::encode(edge::random::<16>()), WAIT).await?;
    gateway.check_result(&redeemed).await?;
    steps.redeem = lap();
    Ok(steps)
}

fn report(done: &[Steps<Duration>], failed: BTreeMap<String, u32>, elapsed: Duration) -> Report {
    let of = |part: fn(&Steps<Duration>) -> Duration| Percentiles::of(done.iter().map(part).collect());
    let let_in = u32::try_from(done.len()).unwrap_or(u32::MAX);
    let seconds = elapsed.as_secs_f64();
    Report {
        let_in,
        failed,
        seconds,
        per_second: if seconds > 0.0 { f64::from(let_in) / seconds } else { 0.0 },
        whole: of(|steps| steps.create + steps.fetch + steps.respond + steps.redeem),
        steps: Steps {
            create: of(|steps| steps.create),
            fetch: of(|steps| steps.fetch),
            respond: of(|steps| steps.respond),
            redeem: of(|steps| steps.redeem),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of = |count| Percentiles::of((1..=count).rev().map(Duration::from_millis).collect());
        assert_eq!(of(0), Percentiles::default());
        assert_eq!(of(1), Percentiles { p50: 1.0, p90: 1.0, p99: 1.0, max: 1.0 });
        assert_eq!(of(200), Percentiles { p50: 100.0, p90: 180.0, p99: 198.0, max: 200.0 });
    }

    #[test]
    fn nobody_means_nothing_to_do() {
        assert!(shares(Vec::new(), 8).is_empty());
    }
}
