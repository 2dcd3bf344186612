//! Chaos: nodes that are killed and started again, a PostgreSQL that is restarted, and people who sign in all the while.
//! Who asks is told something or nothing, and tries again as real gateways and phones do: elsewhere, with the same
//! Idempotency-Key, the same signed response, the same `redemption_id`. All that was asked and told is kept, and in the
//! end the [`checker`] says what of it cannot be true.
//!
//! The seed decides who wants what, and what befalls whom and when; how all that meets is the machine's own.

pub mod checker;
mod faults;
pub mod history;
mod lane;
mod town;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::secret::Secret;
use tokio::time::timeout;

pub use self::faults::Faults;
use self::town::Town;
use crate::dice::Dice;
use crate::machine::new_gateway;
use crate::node::{Node, audit_until_now};
use crate::postgres::Postgres;

/// How long those may take who have begun something, when all is up again.
const PATIENCE: Duration = Duration::from_secs(60);
/// In a run that is shorter, nobody waits for a challenge to run out.
const LONG_RUN: Duration = Duration::from_secs(30);

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides all that chance decides.
    pub seed: u64,
    /// For how long things go wrong.
    pub time: Duration,
    /// How many sign in at a time.
    pub lanes: u32,
    /// How many people take turns in each lane.
    pub people: u32,
}

/// What has come of it.
pub struct Report {
    /// What befell the machines.
    pub faults: Faults,
    /// What was asked and told, in the order of the answers.
    pub entries: Vec<history::Entry>,
    /// The whole audit log.
    pub events: Vec<AuditEvent>,
}

/// Runs it on nodes that are up; all of them are up afterwards.
pub async fn run(plan: Plan, nodes: &mut [Node], postgres: Option<&mut Postgres>, key: &Secret) -> Report {
    tell(&format!("chaos: GATEMATCH_CHAOS_SEED={} GATEMATCH_CHAOS_SECONDS={}", plan.seed, plan.time.as_secs()));
    let mut dice = Dice::new(plan.seed);
    let admin = nodes[0].admin(key);
    let gateway = new_gateway(&admin, "Oslo gateway").await;
    let town = Arc::new(Town::new(nodes.iter().map(|node| node.api()).collect(), &gateway));
    let has_time = plan.time >= LONG_RUN;
    let mut lanes = Vec::new();
    for people in join_all((0..plan.lanes).map(|lane| town.people(&admin, lane, plan.people))).await {
        lanes.push(tokio::spawn(lane::work(Arc::clone(&town), people, dice.split(), has_time)));
    }
    let faults = faults::befall(nodes, postgres, plan.time, dice.split()).await;
    town.end();
    let ended = timeout(PATIENCE, join_all(lanes)).await;
    let ended = ended.unwrap_or_else(|_| panic!("somebody still waits (seed {}): {}", plan.seed, logs(nodes)));
    ended.into_iter().for_each(|lane| lane.expect("a lane found no fault"));
    let logs: Vec<_> = join_all(nodes.iter().map(async |node| audit_until_now(&node.admin(key)).await)).await;
    assert!(logs.windows(2).all(|two| two[0][..] == two[1][..two[0].len()]), "each node tells the same log");
    let entries = town.history.entries();
    tell(&format!("chaos: {} requests, {} events, {faults:?}", entries.len(), logs[0].len()));
    Report { faults, entries, events: logs.into_iter().next_back().expect("there is a node") }
}

fn logs(nodes: &[Node]) -> String {
    nodes.iter().map(Node::log).collect::<Vec<_>>().join("\n")
}

/// What somebody wants to know who looks at a run, or at what it has left in the runner's log.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
