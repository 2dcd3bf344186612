//! Who waits for what. A waiter is a small future: no thread, and no database loop.
//!
//! Whoever waits subscribes first and reads then, so no wake-up is lost between the two. The hub is fed by
//! the writer after each commit, which hands over the challenge that has changed; a slow re-read by the waiter is the safety
//! net for what was told to nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::id::{ChallengeId, DeviceId, SessionId};
use gatematch_protocol::time::Timestamp;
use tokio::sync::{Notify, watch};

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A change of this challenge's state.
    Challenge(ChallengeId),
    /// Something new for this phone.
    Device(DeviceId),
    /// Something new on this page.
    Page(SessionId),
    /// Something new in the log of sign-ins.
    SignIns,
}

/// How many may wait at a time; further ones are sent away with 503.
pub const MAX_WAITERS: usize = 20_000;
/// How many of those who look at a connect page may wait at a time, beside them: whoever opens one has proven nothing,
/// and must not take the place of a gateway or a phone.
pub const MAX_PAGE_WAITERS: usize = 10_000;
/// How many may wait for one thing at a time.
pub const MAX_WAITERS_OF_ONE: usize = 1_000;

/// Brings together those who wait and what they wait for.
#[derive(Default)]
pub struct Hub {
    topics: Mutex<HashMap<Topic, Entry>>,
    waiters: [AtomicUsize; 2],
    deadline: Mutex<Option<Timestamp>>,
    earlier_deadline: Notify,
}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// A gateway or a phone.
    Logins,
    /// Somebody with a connect page.
    Pages,
}

impl Pool {
    const fn most(self) -> usize {
        match self {
            Self::Logins => MAX_WAITERS,
            Self::Pages => MAX_PAGE_WAITERS,
        }
    }
}

/// What whoever is woken is told: the challenge, where it was written here; otherwise he looks for himself.
type Told = Option<Arc<Challenge>>;

struct Entry {
    sender: watch::Sender<Told>,
    waiters: usize,
}

/// There are as many waiters as are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWaiters;

impl Hub {
    /// Begins to listen for `topic`.
    ///
    /// # Errors
    /// [`TooManyWaiters`].
    pub fn subscribe(self: &Arc<Self>, topic: Topic) -> Result<Waiter, TooManyWaiters> {
        self.subscribe_in(Pool::Logins, topic)
    }

    /// [`Hub::subscribe`], for those of one pool.
    ///
    /// # Errors
    /// [`TooManyWaiters`].
    pub fn subscribe_in(self: &Arc<Self>, pool: Pool, topic: Topic) -> Result<Waiter, TooManyWaiters> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = self.of(pool).load(Ordering::Relaxed);
        let here = topics.get(&topic).map_or(0, |entry| entry.waiters);
        if waiters >= pool.most() || here >= MAX_WAITERS_OF_ONE {
            return Err(TooManyWaiters);
        }
        // Changed only under the lock of the topics.
        self.of(pool).store(waiters + 1, Ordering::Relaxed);
        let entry = topics.entry(topic).or_insert_with(|| Entry { sender: watch::channel(None).0, waiters: 0 });
        entry.waiters += 1;
        Ok(Waiter { hub: Arc::clone(self), pool, topic, receiver: entry.sender.subscribe() })
    }

    const fn of(&self, pool: Pool) -> &AtomicUsize {
        let [logins, pages] = &self.waiters;
        match pool {
            Pool::Logins => logins,
            Pool::Pages => pages,
        }
    }

    /// Wakes all who wait for `topic`.
    pub fn wake(&self, topic: Topic) {
        self.tell(topic, || None);
    }

    /// Wakes all who wait for `challenge`, and tells them how it is.
    pub fn wake_with(&self, challenge: &Challenge) {
        self.tell(Topic::Challenge(challenge.id), || Some(Arc::new(challenge.clone())));
    }

    fn tell(&self, topic: Topic, told: impl FnOnce() -> Told) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = topics.get(&topic) {
            entry.sender.send_replace(told());
        }
    }

    /// Wakes all who wait for anything, and whoever watches deadlines.
    pub fn wake_all(&self) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.values().for_each(|entry| drop(entry.sender.send_replace(None)));
        drop(topics);
        // Whoever watches deadlines asks anew as well.
        self.note_deadline(Timestamp::from_micros(0));
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiters.iter().map(|pool| pool.load(Ordering::Relaxed)).sum()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells that something runs out of time at `at`.
    pub fn note_deadline(&self, at: Timestamp) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if deadline.is_none_or(|known| at < known) {
            *deadline = Some(at);
            self.earlier_deadline.notify_one();
        }
    }

    /// The earliest deadline that was noted.
    pub fn deadline(&self) -> Option<Timestamp> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the deadline that was noted: whoever does must look for himself what comes next.
    pub fn take_deadline(&self) -> Option<Timestamp> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until an earlier deadline than the known one is noted.
    pub async fn earlier_deadline(&self) {
        self.earlier_deadline.notified().await;
    }
}

/// Somebody who waits for one topic.
pub struct Waiter {
    hub: Arc<Hub>,
    pool: Pool,
    topic: Topic,
    receiver: watch::Receiver<Told>,
}

impl Waiter {
    /// Waits for the next wake-up since the last call (or since subscribing). Yields the challenge as it was written last,
    /// where that is known.
    pub async fn woken(&mut self) -> Option<Arc<Challenge>> {
        // The sender lives as long as this waiter's entry does.
        self.receiver.changed().await.ok()?;
        self.receiver.borrow_and_update().clone()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut topics = self.hub.topics.lock().unwrap_or_else(PoisonError::into_inner);
        self.hub.of(self.pool).fetch_sub(1, Ordering::Relaxed);
        if let Some(entry) = topics.get_mut(&self.topic) {
            entry.waiters -= 1;
            if entry.waiters == 0 {
                topics.remove(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_between_subscribing_and_waiting_is_not_lost() {
        let hub = Arc::new(Hub::default());
        let topic = Topic::Device(DeviceId::new(Timestamp::from_micros(0), [0; 10]));
        let mut waiter = hub.subscribe(topic).unwrap();
        hub.wake(topic);
        waiter.woken().await;
        drop(waiter);
        assert!(hub.is_empty(), "nobody who left is remembered");
        hub.wake(topic);
    }
}
