//! Waiting for a decision, without a thread and without asking the database in a loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::app::App;
use super::problem::{Answer, Problem};
use crate::hub::{Topic, Waiter};

/// The safety net: how often a waiter looks for itself, should a wake-up be lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);
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

/// What is done with a challenge that was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is shown: so it is read once more, for another node may have changed it since this one was woken.
    Shown,
    /// A write is tried that is guarded against all that has changed: so what the writer told is enough.
    Guarded,
}

/// Waits up to `seconds` until `done` holds for the challenge, and yields it as it is then. Whoever may not ask for it is
/// told that there is none: `may` says who may. What is done `then` says whether what the writer told is enough.
///
/// # Errors
/// As [`current`]; 404 where it may not be asked for; 503 where too many wait already.
pub(super) async fn until(
    app: &App,
    id: ChallengeId,
    seconds: i64,
    may: impl Fn(&Challenge) -> bool,
    done: impl Fn(&Challenge) -> bool,
    then: Then,
) -> Answer<Challenge> {
    let mut end = app.now().plus_seconds(seconds);
    let latest = latest(seconds);
    // Before the first look, so that what changes after it is not missed.
    let mut waiter = (seconds > 0).then(|| app.hub.subscribe(Topic::Challenge(id))).transpose()?;
    let mut told = None;
    loop {
        // Many wait: none keeps the challenge meanwhile.
        end = {
            let will_do = |told: &Arc<Challenge>| then == Then::Guarded && done(told) && !told.is_overdue(app.now());
            let challenge = match told.take().filter(will_do) {
                Some(told) => Arc::unwrap_or_clone(told),
                None => current(app, id).await?,
            };
            if !may(&challenge) {
                return Err(Problem::not_found());
            }
            let Some(now) = waiter.as_ref().map(|_| app.now()) else { return Ok(challenge) };
            if done(&challenge) || now >= end || Instant::now() >= latest || app.stopping.is_cancelled() {
                return Ok(challenge);
            }
            challenge.deadline().map_or(end, |deadline| deadline.min(end))
        };
        if let Some(waiter) = &mut waiter {
            told = pause(app, waiter, end).await;
        }
    }
}

/// When a wait of `seconds` ends at the latest, whatever the clock is set to meanwhile.
pub(super) fn latest(seconds: i64) -> Instant {
    Instant::now() + Duration::from_secs(seconds.unsigned_abs())
}

/// Waits for a wake-up, for `end`, for the safety net, or for the server to stop. Yields the challenge that is waited for,
/// where the wake-up tells it.
pub(super) async fn pause(app: &App, waiter: &mut Waiter, end: Timestamp) -> Option<Arc<Challenge>> {
    tokio::select! {
        told = waiter.woken() => told,
        () = app.edge.clock.sleep_until(end) => None,
        () = tokio::time::sleep(LOOK_EVERY) => None,
        () = app.stopping.cancelled() => None,
    }
}
