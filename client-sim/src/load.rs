//! The load generator: whole logins, from create to redeem, as many at once or as many a second as asked for.
//!
//! It is made to be cheap, so that it measures the server: it signs and checks with aws-lc-rs, keeps its connections, and
//! counts in bounded memory. [`hold`] is the other half: logins that wait.

pub mod bell;
pub mod figures;
pub mod fleet;
pub mod hold;
mod login;
pub mod meter;
pub mod people;
pub mod tally;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

pub use self::figures::Percentiles;
pub use self::login::{Step, Waits};
use self::meter::Meter;
pub use self::people::{Origin, Person};
pub use self::tally::{Report, Tally};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::radius::Timing;
use crate::radius::storm::Sockets;

/// How often the servers' memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How logins follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many at once: one begins when another ends.
    AtOnce(u32),
    /// So many begin each second, evenly, whether others end or not: as people come at nine in the morning. What a login
    /// waits for before it can begin counts as its own time.
    EachSecond(u32),
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many logins in all.
    pub logins: u64,
    /// How they follow each other. No more run at once than there are people: several logins of one limit each other.
    pub pace: Pace,
}

/// Whom the gateways talk to.
pub enum Door {
    /// Gateways over HTTP: each at every node.
    Http {
        /// For each gateway, it at each node. Logins take them in turn.
        gateways: Vec<Vec<Gateway>>,
        /// How each waits for the decision.
        waits: Waits,
    },
    /// A RADIUS front door.
    Radius {
        /// It.
        sockets: Sockets,
        /// How long and how often it is asked.
        timing: Timing,
    },
}

impl Door {
    async fn login(&self, turn: u64, person: &Person) -> Result<login::Times, String> {
        let turn = usize::try_from(turn).unwrap_or_default();
        match self {
            Self::Http { gateways, waits } => {
                let gateway = gateways.get(turn % gateways.len().max(1));
                let at_node = gateway.and_then(|nodes| nodes.get(turn / gateways.len() % nodes.len().max(1)));
                login::over_http(at_node.ok_or("there is no gateway")?, *waits, person).await
            }
            Self::Radius { sockets, timing } => login::over_radius(sockets, turn, *timing, person).await,
        }
    }
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

pub(crate) fn reason(failure: &Failure) -> String {
    match failure.problem() {
        Some(problem) => problem.code.clone(),
        None => failure.to_string(),
    }
}

/// Gives a person back, whatever has become of his login.
struct Lent {
    person: Arc<Person>,
    back: mpsc::UnboundedSender<Arc<Person>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Nobody is waited for any more when the receiver is gone.
        let _ = self.back.send(Arc::clone(&self.person));
    }
}

/// Carries out `plan` and counts in `tally`; `end` ends it early: what has begun is brought to its end, and nothing more
/// begins. The servers of `meter` are looked at meanwhile.
pub async fn run(
    plan: Plan,
    door: Door,
    people: Vec<Person>,
    tally: Arc<Tally>,
    mut meter: Meter,
    end: impl Future<Output = ()>,
) -> Report {
    let began = Instant::now();
    let mut logins = pin!(begin(plan, Arc::new(door), people, Arc::clone(&tally), end));
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    {
        // A branch of its own, so that logins go on while a server's metrics are read.
        let looking = async {
            loop {
                looks.tick().await;
                meter.look().await;
            }
        };
        tokio::select! {
            () = &mut logins => {}
            () = looking => {}
        }
    }
    let (elapsed, own) = (began.elapsed(), meter.own_share());
    meter.look().await;
    let (let_in, failed) = tally.done();
    tally.report(elapsed, meter.cost(let_in + failed), own)
}

async fn begin(plan: Plan, door: Arc<Door>, people: Vec<Person>, tally: Arc<Tally>, end: impl Future<Output = ()>) {
    let count = people.len();
    if count == 0 {
        return;
    }
    let (back, mut free) = mpsc::unbounded_channel();
    people.into_iter().map(Arc::new).for_each(|person| drop(Lent { person, back: back.clone() }));
    let at_once = match plan.pace {
        Pace::AtOnce(count) => usize::try_from(count).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS),
        Pace::EachSecond(_) => Semaphore::MAX_PERMITS,
    };
    let permits = Arc::new(Semaphore::new(at_once));
    let started = Instant::now();
    let begins = async {
        for turn in 0..plan.logins {
            let due = match plan.pace {
                Pace::AtOnce(_) => None,
                Pace::EachSecond(rate) => Some(started + after(turn, rate)),
            };
            if let Some(due) = due {
                sleep_until(due).await;
            }
            // The semaphore is never closed, and this function holds a sender.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            if due.is_some() && free.is_empty() {
                tally.late();
            }
            let Some(person) = free.recv().await else { return };
            let lent = Lent { person, back: back.clone() };
            let (door, tally) = (Arc::clone(&door), Arc::clone(&tally));
            let due = due.unwrap_or_else(Instant::now);
            tokio::spawn(async move {
                let outcome = door.login(turn, &lent.person).await;
                tally.add(outcome, due.elapsed());
                drop((lent, permit));
            });
        }
    };
    tokio::select! {
        () = begins => {}
        () = end => {}
    }
    // When all are back, all is over.
    for _ in 0..count {
        free.recv().await;
    }
}

/// When the `turn`-th of so many a second begins.
fn after(turn: u64, rate: u32) -> Duration {
    let rate = u64::from(rate.max(1));
    Duration::from_secs(turn / rate)
        + Duration::from_secs(1) * u32::try_from(turn % rate).unwrap_or(0) / u32::try_from(rate).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_means_nothing_to_do() {
        assert!(shares(Vec::new(), 8).is_empty());
    }

    #[test]
    fn a_rate_is_even() {
        let millis = Duration::from_millis;
        assert_eq!([0, 1, 4, 5, 9].map(|turn| after(turn, 4)), [0, 250, 1_000, 1_250, 2_250].map(millis));
        assert_eq!(after(3_000_000_007, 1_000), millis(3_000_000_007));
    }
}
