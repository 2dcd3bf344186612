//! The logins that wait: who must be told when another one takes his place, and who waits for that.
//!
//! Under one address, port and identifier one login follows the other, and each waits for the end of all before it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::duplicate::{Key, Slot};

/// The logins that wait: as many as the door lets in, and on top those whose place was taken and that are not gone yet.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Table>);

#[derive(Default)]
struct Table {
    logins: Mutex<Logins>,
    changed: Notify,
}

#[derive(Default)]
struct Logins {
    queues: HashMap<Slot, Queue>,
    count: usize,
    /// How many have ever waited: the number of the last.
    last: u64,
}

/// The logins under one address, port and identifier: all but the last were told to end.
#[derive(Default)]
struct Queue {
    /// Cancelled when the login with this number is to end.
    ends: BTreeMap<u64, CancellationToken>,
    changed: Arc<Notify>,
}

/// One login's place among those that wait; given back when it is dropped.
pub(super) struct Ticket {
    table: Arc<Table>,
    slot: Slot,
    number: u64,
    end: CancellationToken,
    changed: Arc<Notify>,
}

impl Waiting {
    /// A login begins to wait, and the one whose place it takes is told to end.
    pub(super) fn enter(&self, key: &Key, stopping: &CancellationToken) -> Ticket {
        self.end(key);
        let (slot, end) = (key.slot(), stopping.child_token());
        let mut logins = self.0.logins();
        logins.count += 1;
        logins.last += 1;
        let number = logins.last;
        let queue = logins.queues.entry(slot).or_default();
        queue.ends.insert(number, end.clone());
        Ticket { table: Arc::clone(&self.0), slot, number, end, changed: Arc::clone(&queue.changed) }
    }

    /// The login with this address, port and identifier is told to end: another request has its place.
    pub(super) fn end(&self, key: &Key) {
        let logins = self.0.logins();
        if let Some((_, end)) = logins.queues.get(&key.slot()).and_then(|queue| queue.ends.last_key_value()) {
            end.cancel();
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.logins().count
    }

    /// Returns when none waits.
    pub(super) async fn gone(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.len() == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Ticket {
    /// Cancelled when the login is to end now.
    pub(super) const fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Returns when all logins whose place this one takes are gone.
    pub(super) async fn turn(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_first() {
                return;
            }
            changed.await;
        }
    }

    fn is_first(&self) -> bool {
        let logins = self.table.logins();
        let first = logins.queues.get(&self.slot).and_then(|queue| queue.ends.first_key_value());
        first.is_none_or(|(number, _)| *number >= self.number)
    }
}

impl Table {
    fn logins(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logins {
    fn remove(&mut self, slot: Slot, number: u64) {
        self.count = self.count.saturating_sub(1);
        if let Entry::Occupied(mut queue) = self.queues.entry(slot) {
            queue.get_mut().ends.remove(&number);
            if queue.get().ends.is_empty() {
                queue.remove();
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.logins().remove(self.slot, self.number);
        self.changed.notify_waiters();
        self.table.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(authenticator: u8) -> Key {
        Key { source: ([127, 0, 0, 1], 5_000).into(), identifier: 7, authenticator: [authenticator; 16] }
    }

    #[tokio::test]
    async fn one_that_is_superseded_is_told_and_waited_for() {
        let (waiting, stopping) = (Waiting::default(), CancellationToken::new());
        let old = waiting.enter(&key(1), &stopping);
        assert!(old.is_first() && !old.end().is_cancelled());
        let new = waiting.enter(&key(2), &stopping);
        assert!(old.end().is_cancelled() && !new.end().is_cancelled() && !new.is_first());
        tokio::join!(new.turn(), async {
            tokio::task::yield_now().await;
            drop(old);
        });
        let other = waiting.enter(&Key { identifier: 8, ..key(1) }, &stopping);
        assert!(other.is_first() && !new.end().is_cancelled());
        waiting.end(&key(9));
        assert!(new.end().is_cancelled() && !other.end().is_cancelled());
        assert_eq!(waiting.len(), 2);
    }

    #[test]
    fn the_third_waits_for_the_first_whatever_the_order_of_their_ends() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let (waiting, stopping) = (Waiting::default(), CancellationToken::new());
            let mut tickets = [1, 2, 3].map(|number| Some(waiting.enter(&key(number), &stopping)));
            let last = waiting.enter(&key(4), &stopping);
            for place in order {
                assert!(!last.is_first(), "{order:?} {place}");
                tickets[place] = None;
                for (later, ticket) in tickets.iter().enumerate() {
                    let all_gone = tickets.iter().take(later).all(Option::is_none);
                    assert!(ticket.as_ref().is_none_or(|ticket| ticket.is_first() == all_gone), "{order:?}");
                }
            }
            assert!(last.is_first() && !last.end().is_cancelled(), "{order:?}");
            assert_eq!((waiting.len(), waiting.0.logins().queues.len()), (1, 1));
            drop(last);
            assert_eq!((waiting.len(), waiting.0.logins().queues.len()), (0, 0));
        }
    }

    #[test]
    fn a_ticket_takes_only_its_own_entry_along() {
        let (waiting, stopping) = (Waiting::default(), CancellationToken::new());
        let old = waiting.enter(&key(1), &stopping);
        // Forgotten by the door, and sent once more, before the ticket is given back.
        let again = waiting.enter(&key(1), &stopping);
        drop(old);
        let next = waiting.enter(&key(2), &stopping);
        assert!(again.end().is_cancelled() && again.is_first() && !next.is_first());
    }

    #[tokio::test]
    async fn all_are_told_when_it_stops() {
        let (waiting, stopping) = (Waiting::default(), CancellationToken::new());
        let (one, two) = (waiting.enter(&key(1), &stopping), waiting.enter(&key(2), &stopping));
        stopping.cancel();
        assert!(one.end().is_cancelled() && two.end().is_cancelled());
        tokio::join!(waiting.gone(), async {
            drop(one);
            tokio::task::yield_now().await;
            drop(two);
        });
        assert_eq!(waiting.len(), 0);
    }
}
