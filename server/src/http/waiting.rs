//! Waiting for a decision, without a thread and without asking the database in a loop.

use std::time::{Duration, Instant};

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::app::App;
use super::problem::{Answer, Problem};
use crate::hub::{Topic, Waiter};

/// The safety net: how often a waiter looks for itself at most, for what another process wrote.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many waiters look for themselves each second, all in all: more would keep a processor busy with waiting alone.
const LOOKS_A_SECOND: u64 = 500;
/// How often the end of a challenge is tried to be written down for one reader.
const MAX_TURNS: usize = 100;

/// The challenge as it is now. One whose time has run out is written down as expired first, so that no reader
/// sees it pending, and no two readers see different ends.
///
/// # Errors
/// 404; 503 when it cannot be written down.
pub(super) async fn current(app: &App, id: ChallengeId) -> Answer<Challenge> {
    for _ in 0..MAX_TURNS {
        let challenge = app.store.challenge(id).await?.ok_or_else(Problem::not_found)?;
        let now = app.now();
        if !challenge.is_overdue(now) {
            return Ok(challenge);
        }
        // Some hundred at a time, oldest first: this one's turn comes.
        app.store.settle(now).await?;
    }
    Err(Problem::new(Code::Unavailable, "The end of this challenge cannot be written down now."))
}

/// Waits up to `seconds` until `done` holds for a challenge that was just read, and yields it as it is then.
///
/// # Errors
/// As [`current`]; 503 where too many wait already.
pub(super) async fn until(
    app: &App,
    challenge: Challenge,
    seconds: i64,
    done: impl Fn(&Challenge) -> bool,
) -> Answer<Challenge> {
    if seconds == 0 || done(&challenge) {
        return Ok(challenge);
    }
    let id = challenge.id;
    // Many wait: none keeps more than it must meanwhile.
    drop(challenge);
    let end = app.now().plus_seconds(seconds);
    let latest = latest(seconds);
    let mut waiter = app.hub.subscribe(Topic::Challenge(id))?;
    loop {
        let end = {
            let challenge = current(app, id).await?;
            let now = app.now();
            if done(&challenge) || now >= end || Instant::now() >= latest || app.stopping.is_cancelled() {
                return Ok(challenge);
            }
            challenge.deadline().map_or(end, |deadline| deadline.min(end))
        };
        pause(app, &mut waiter, end).await;
    }
}

/// When a wait of `seconds` ends at the latest, whatever the clock is set to meanwhile.
pub(super) fn latest(seconds: i64) -> Instant {
    Instant::now() + Duration::from_secs(seconds.unsigned_abs())
}

/// Waits for a wake-up, for `end`, for the safety net, or for the server to stop.
pub(super) async fn pause(app: &App, waiter: &mut Waiter, end: Timestamp) {
    tokio::select! {
        () = waiter.woken() => {}
        () = app.edge.clock.sleep_until(end) => {}
        () = tokio::time::sleep(look_after(app.hub.len())) => {}
        () = app.stopping.cancelled() => {}
    }
}

/// After how long one of so many waiters looks for itself.
fn look_after(waiters: usize) -> Duration {
    let waiters = u32::try_from(waiters).unwrap_or(u32::MAX);
    LOOK_EVERY.max(Duration::from_millis(1_000 * u64::from(waiters) / LOOKS_A_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_wait_the_less_often_each_looks() {
        let seconds = [0, 1, 1_000, 5_000, 20_000].map(|waiters| look_after(waiters).as_secs());
        assert_eq!(seconds, [2, 2, 2, 10, 40]);
        assert!(look_after(usize::MAX) > LOOK_EVERY);
    }
}
