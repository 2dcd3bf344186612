//! The logins that wait: who must be told when another one takes his place, and who waits for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::duplicate::Key;

/// The logins that wait. As many as the door lets in.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Table>);

#[derive(Default)]
struct Table {
    logins: Mutex<HashMap<Key, Login>>,
    changed: Notify,
}

struct Login {
    end: CancellationToken,
    gone: CancellationToken,
}

/// One login's place among those that wait; given back when it is dropped.
pub(super) struct Ticket {
    table: Arc<Table>,
    key: Key,
    /// Cancelled when the login is to end now.
    pub(super) end: CancellationToken,
    /// Cancelled when the login whose place this one takes is gone.
    pub(super) before: Option<CancellationToken>,
    gone: CancellationToken,
}

impl Waiting {
    /// A login begins to wait, and the one that it supersedes is told to end.
    pub(super) fn enter(&self, key: Key, superseded: Option<&Key>, stopping: &CancellationToken) -> Ticket {
        let (end, gone) = (stopping.child_token(), CancellationToken::new());
        let mut logins = self.0.logins();
        let before = superseded.and_then(|key| logins.get(key)).map(|login| {
            login.end.cancel();
            login.gone.clone()
        });
        logins.insert(key, Login { end: end.clone(), gone: gone.clone() });
        Ticket { table: Arc::clone(&self.0), key, end, before, gone }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.logins().len()
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

impl Table {
    fn logins(&self) -> MutexGuard<'_, HashMap<Key, Login>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.logins().remove(&self.key);
        self.gone.cancel();
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
        let old = waiting.enter(key(1), None, &stopping);
        assert!(old.before.is_none() && !old.end.is_cancelled());
        let new = waiting.enter(key(2), Some(&key(1)), &stopping);
        assert!(old.end.is_cancelled() && !new.end.is_cancelled());
        let before = new.before.clone().unwrap();
        assert!(!before.is_cancelled());
        drop(old);
        assert!(before.is_cancelled());
        assert!(waiting.enter(key(3), Some(&key(9)), &stopping).before.is_none(), "gone already");
        assert_eq!(waiting.len(), 1);
    }

    #[tokio::test]
    async fn all_are_told_when_it_stops() {
        let (waiting, stopping) = (Waiting::default(), CancellationToken::new());
        let (one, two) = (waiting.enter(key(1), None, &stopping), waiting.enter(key(2), None, &stopping));
        stopping.cancel();
        assert!(one.end.is_cancelled() && two.end.is_cancelled());
        tokio::join!(waiting.gone(), async {
            drop(one);
            tokio::task::yield_now().await;
            drop(two);
        });
        assert_eq!(waiting.len(), 0);
    }
}
