//! What befalls the machines.

use std::time::{Duration, Instant};

use tokio::time::interval;

use super::town::pause;
use crate::dice::Dice;
use crate::node::Node;
use crate::postgres::{Ending, Postgres};

/// How often a node is tried to start while its database is away, and how many times.
const TRIES: (Duration, u32) = (Duration::from_millis(100), 200);
/// When PostgreSQL is restarted, in parts of the whole time.
const RESTARTS: [(f64, Ending); 2] = [(0.3, Ending::Killed), (0.7, Ending::Fast)];

/// How often what befell whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Nodes that were killed.
    pub kills: u32,
    /// Restarts of PostgreSQL.
    pub restarts: u32,
}

/// Kills nodes and restarts PostgreSQL for so long; in the end all is up again.
pub(super) async fn befall(
    nodes: &mut [Node],
    mut postgres: Option<&mut Postgres>,
    time: Duration,
    mut dice: Dice,
) -> Faults {
    let (began, mut faults) = (Instant::now(), Faults::default());
    let mut restarts = RESTARTS.into_iter().peekable();
    while began.elapsed() < time || (postgres.is_some() && restarts.peek().is_some()) {
        pause(400 + dice.roll(1_600)).await;
        let index = usize::try_from(dice.roll(nodes.len() as u64)).unwrap();
        nodes[index].kill().await;
        faults.kills += 1;
        let is_time = |(part, _): &(f64, Ending)| began.elapsed() >= time.mul_f64(*part);
        if let (Some((_, ending)), Some(postgres)) = (restarts.next_if(is_time), postgres.as_mut()) {
            // Now and then while the node is away, and now and then while it starts.
            if dice.roll(2) == 0 {
                postgres.restart(ending).await;
            } else {
                tokio::join!(postgres.restart(ending), up(&mut nodes[index]));
            }
            faults.restarts += 1;
        } else {
            pause(dice.roll(600)).await;
        }
        up(&mut nodes[index]).await;
    }
    faults
}

/// Starts a node, as often as it takes: it refuses while its database is away.
async fn up(node: &mut Node) {
    let mut tries = interval(TRIES.0);
    let mut told = String::new();
    for _ in 0..TRIES.1 {
        if node.runs() {
            return;
        }
        tries.tick().await;
        if let Err(log) = node.try_start().await {
            told = log;
        }
    }
    assert!(node.runs(), "a node does not start again: {told}");
}
