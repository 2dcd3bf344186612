//! How sign-ins ended, hour by hour, for those who watch: counted once from the audit log, and moved forward by what is
//! written to it since. What it keeps does not grow with the log.

mod census;
mod ending;
mod lately;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;

pub use self::census::Census;
pub use self::ending::{ENDINGS, Ending};
pub use self::lately::{Lately, Pushed};
use crate::http::app::App;
use crate::store::{Look, Store, StoreError};

/// How many events are read at a time.
const PAGE: u32 = 1_000;
/// An hour, in seconds.
const HOUR_SECONDS: i64 = 3_600;
/// A day, in seconds.
const DAY_SECONDS: i64 = 86_400;
/// How many days there are to be seen.
pub const DAYS: usize = 30;
/// How many hours there are to be seen.
pub const HOURS: usize = 24;
/// How often it is moved forward where nobody looks.
const TICK: Duration = Duration::from_secs(10);
/// How long until it is tried again to count, where the store does not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How many sign-ins the feed has.
pub const FEED: usize = 20;

/// The events with which sign-ins end.
const ENDS: [&str; 4] = ["challenge.redeemed", "challenge.denied", "challenge.expired", "challenge.cancelled"];
/// What the feed shows.
const SHOWN: [&str; 6] = [
    "challenge.created",
    "challenge.redeemed",
    "challenge.denied",
    "challenge.expired",
    "challenge.cancelled",
    "challenge.collision",
];

/// How many sign-ins ended so, in the order of [`Ending::ALL`].
pub type Counts = [u32; ENDINGS];

/// Some time, and how sign-ins ended in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub from: Timestamp,
    /// How many ended so.
    pub counts: Counts,
}

/// How sign-ins ended.
#[derive(Default)]
pub struct Tally {
    counted: Mutex<Option<Counted>>,
    /// Whoever moves it forward.
    turn: tokio::sync::Mutex<()>,
    feed: tokio::sync::Mutex<Feed>,
}

/// By hours since the epoch, up to the event `read`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counted {
    read: u64,
    hours: BTreeMap<i64, Counts>,
}

/// The latest sign-ins, as they were when the log ended in `end`.
#[derive(Default)]
struct Feed {
    end: u64,
    events: Arc<[AuditEvent]>,
}

/// The hour in which `at` is.
const fn hour(at: Timestamp) -> i64 {
    at.numeric_date().div_euclid(HOUR_SECONDS)
}

/// The first hour that is still to be seen at `now`: that with which the first of the days began.
const fn first_hour(now: Timestamp) -> i64 {
    (now.numeric_date().div_euclid(DAY_SECONDS) - (DAYS as i64 - 1)) * 24
}

impl Counted {
    fn add(&mut self, event: &AuditEvent, now: Timestamp) {
        let hour = hour(event.at);
        // A clock that was far ahead, or is far behind now, makes no more of it than there is to be seen.
        let is_seen = (first_hour(now)..=self::hour(now) + 24).contains(&hour);
        if let Some(ending) = Ending::of(event).filter(|_| is_seen)
            && let Some(count) = self.hours.entry(hour).or_default().get_mut(ending as usize)
        {
            *count = count.saturating_add(1);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.hours = self.hours.split_off(&first_hour(now));
    }

    /// `count` spans of so many hours, the last one with `now` in it.
    fn spans(&self, hours: i64, count: usize, now: Timestamp) -> Vec<Span> {
        let last = hour(now).div_euclid(hours);
        let first = last - i64::try_from(count).unwrap_or(0) + 1;
        let span = |index: i64| {
            let mut counts = Counts::default();
            for hour in self.hours.range(index * hours..(index + 1) * hours) {
                for (sum, count) in counts.iter_mut().zip(hour.1) {
                    *sum = sum.saturating_add(*count);
                }
            }
            Span { from: Timestamp::from_numeric_date(index * hours * HOUR_SECONDS), counts }
        };
        (first..=last).map(span).collect()
    }
}

impl Tally {
    fn counted(&self) -> MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last [`HOURS`] hours; `None` while it counts.
    pub fn hours(&self, now: Timestamp) -> Option<Vec<Span>> {
        self.counted().as_ref().map(|counted| counted.spans(1, HOURS, now))
    }

    /// The last [`DAYS`] days, by UTC; `None` while it counts.
    pub fn days(&self, now: Timestamp) -> Option<Vec<Span>> {
        self.counted().as_ref().map(|counted| counted.spans(24, DAYS, now))
    }

    /// Counts what there is.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is counted then.
    pub async fn count(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let end = store.log_end().await?.size;
        let since = Timestamp::from_numeric_date(first_hour(now) * HOUR_SECONDS);
        let mut counted = Counted { read: end, ..Counted::default() };
        for kind in ENDS {
            let kinds = vec![kind.to_owned()];
            let limit = PAGE;
            let mut look = Look { kinds, since: Some(since), before: Some(end + 1), limit, ..Look::default() };
            while let Some(reached) = read(&mut counted, store, look.clone(), now).await? {
                // It was looked up where that is; the next page begins there.
                (look.after, look.since) = (reached, None);
                // Nobody waits for it, and others wait for the store.
                tokio::task::yield_now().await;
            }
        }
        *self.counted() = Some(counted);
        Ok(())
    }

    /// Moves it forward to where the log ends; nothing is done while it counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn go_on(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        if self.counted().is_none() {
            // To count takes a while, and nobody waits for it.
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let Some(mut counted) = self.counted().clone() else { return Ok(()) };
        let end = store.log_end().await?.size;
        if end == counted.read {
            return Ok(());
        }
        let kinds = ENDS.map(str::to_owned).to_vec();
        let mut look = Look { kinds, after: counted.read, before: Some(end + 1), limit: PAGE, ..Look::default() };
        while let Some(reached) = read(&mut counted, store, look.clone(), now).await? {
            look.after = reached;
        }
        counted.read = end;
        counted.forget(now);
        *self.counted() = Some(counted);
        Ok(())
    }

    /// The latest sign-ins, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(&self, store: &dyn Store) -> Result<Arc<[AuditEvent]>, StoreError> {
        let mut feed = self.feed.lock().await;
        let end = store.log_end().await?.size;
        if feed.end != end {
            let (kinds, limit) = (SHOWN.map(str::to_owned).to_vec(), FEED as u32);
            let look = Look { kinds, before: Some(end + 1), latest_first: true, limit, ..Look::default() };
            *feed = Feed { end, events: store.look(look).await?.events.into() };
        }
        Ok(Arc::clone(&feed.events))
    }
}

/// Counts a page; up to where, if there may be more.
async fn read(counted: &mut Counted, store: &dyn Store, look: Look, now: Timestamp) -> Result<Option<u64>, StoreError> {
    let looked = store.look(look).await?;
    looked.events.iter().for_each(|event| counted.add(event, now));
    Ok(looked.reached)
}

/// Counts, and goes on with it as long as the server runs.
pub(crate) async fn keep(app: App) {
    while let Err(error) = app.tally.count(app.store.as_ref(), app.now()).await {
        tracing::warn!(%error, "sign-ins could not be counted");
        tokio::time::sleep(AGAIN).await;
    }
    loop {
        tokio::time::sleep(TICK).await;
        app.lately.look(&app.metrics, app.now());
        if let Err(error) = app.tally.go_on(app.store.as_ref(), app.now()).await {
            tracing::debug!(%error, "sign-ins could not be counted further");
        }
    }
}

#[cfg(test)]
mod tests;
