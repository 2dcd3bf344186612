//! The State attribute: what ties the answer to an Access-Challenge to the login that it belongs to
//! (RFC 2865, section 5.24).
//!
//! A State is 128 random bits, so nobody guesses one; it is bound to a client and a user, it expires, and any use
//! of it, right or wrong, is its last. The number of States is bounded, also of those of one client.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use gatematch_protocol::time::Timestamp;

/// How long a State is, in octets.
pub(crate) const STATE_LENGTH: usize = 16;

/// Whom a State is for, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound<T> {
    /// The index of the client that it was sent to.
    pub(crate) client: usize,
    /// The User-Name of the login, as it came.
    pub(crate) user: String,
    /// What the caller wants back.
    pub(crate) payload: T,
}

/// As many States wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    /// Of all clients together.
    #[error("too many logins wait for an answer to their Access-Challenge")]
    All,
    /// Of this client.
    #[error("too many logins of this client wait for an answer to their Access-Challenge")]
    OfClient,
}

/// What a State was worth. Whatever it is, the State is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spent<T> {
    /// It is known, in time, and bound to whoever brought it.
    Ours(T),
    /// It is known, but bound to another client or user, or too late.
    Others(Bound<T>),
    /// It is not known.
    Unknown,
}

/// The States that wait for their answer.
#[derive(Debug)]
pub(crate) struct States<T> {
    limit: usize,
    limit_of_client: usize,
    waiting: HashMap<[u8; STATE_LENGTH], (Bound<T>, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, [u8; STATE_LENGTH])>,
    of_client: HashMap<usize, usize>,
}

impl<T> States<T> {
    /// Room for `limit` States, of which one client may have `limit_of_client`.
    #[must_use]
    pub(crate) fn new(limit: usize, limit_of_client: usize) -> Self {
        let (waiting, by_expiry, of_client) = (HashMap::new(), BTreeSet::new(), HashMap::new());
        Self { limit, limit_of_client, waiting, by_expiry, of_client }
    }

    /// Makes the State with these `random` octets, to be sent in the Access-Challenge. It is good until `expires`.
    ///
    /// # Errors
    /// [`TooMany`] when a limit is reached; [`States::sweep`] makes room. The same when these octets are taken already,
    /// which does not happen with random ones.
    pub(crate) fn issue(
        &mut self,
        random: [u8; STATE_LENGTH],
        bound: Bound<T>,
        expires: Timestamp,
    ) -> Result<[u8; STATE_LENGTH], TooMany> {
        if self.waiting.len() >= self.limit || self.waiting.contains_key(&random) {
            return Err(TooMany::All);
        }
        let of_client = self.of_client.entry(bound.client).or_default();
        if *of_client >= self.limit_of_client {
            return Err(TooMany::OfClient);
        }
        *of_client += 1;
        self.waiting.insert(random, (bound, expires));
        self.by_expiry.insert((expires, random));
        Ok(random)
    }

    /// Takes what this State stands for. Right or wrong, that was its only use.
    #[must_use]
    pub(crate) fn take(&mut self, state: &[u8], client: usize, user: &str, now: Timestamp) -> Spent<T> {
        match self.remove(state) {
            Some((bound, expires)) if now < expires && bound.client == client && bound.user == user => {
                Spent::Ours(bound.payload)
            }
            Some((bound, _)) => Spent::Others(bound),
            None => Spent::Unknown,
        }
    }

    /// Takes a State back: its login has ended.
    pub(crate) fn forget(&mut self, state: &[u8]) -> Option<T> {
        self.remove(state).map(|(bound, _)| bound.payload)
    }

    /// Removes the States whose time is over, and returns what they stood for.
    pub(crate) fn sweep(&mut self, now: Timestamp) -> Vec<T> {
        let mut swept = Vec::new();
        while let Some((expires, state)) = self.by_expiry.first().copied() {
            if now < expires {
                break;
            }
            swept.extend(self.forget(&state));
        }
        swept
    }

    fn remove(&mut self, state: &[u8]) -> Option<(Bound<T>, Timestamp)> {
        let state: &[u8; STATE_LENGTH] = state.try_into().ok()?;
        let removed = self.waiting.remove(state)?;
        self.by_expiry.remove(&(removed.1, *state));
        if let Entry::Occupied(mut of_client) = self.of_client.entry(removed.0.client) {
            *of_client.get_mut() -= 1;
            if *of_client.get() == 0 {
                of_client.remove();
            }
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_numeric_date(second)
    }

    fn alice(payload: u32) -> Bound<u32> {
        Bound { client: 1, user: "alice".to_owned(), payload }
    }

    #[test]
    fn a_state_is_good_once() {
        let mut states = States::new(4, 4);
        let state = states.issue([7; 16], alice(42), at(50)).unwrap();
        assert_eq!(states.take(&state, 1, "alice", at(49)), Spent::Ours(42));
        assert_eq!(states.take(&state, 1, "alice", at(49)), Spent::Unknown);
        assert!(states.waiting.is_empty());
    }

    #[test]
    fn a_wrong_attempt_spends_it_too() {
        for (client, user, second) in [(2, "alice", 0), (1, "bob", 0), (1, "ALICE", 0), (1, "alice", 50)] {
            let mut states = States::new(4, 4);
            let state = states.issue([7; 16], alice(42), at(50)).unwrap();
            let spent = states.take(&state, client, user, at(second));
            assert_eq!(spent, Spent::Others(alice(42)), "{client} {user} {second}");
            assert_eq!(states.take(&state, 1, "alice", at(0)), Spent::Unknown);
        }
    }

    #[test]
    fn what_is_no_state_of_ours_spends_nothing() {
        let mut states = States::new(4, 4);
        let state = states.issue([7; 16], alice(42), at(50)).unwrap();
        for other in [&[][..], &[7; 15], &[7; 17], &[8; 16], &[7; 253]] {
            assert_eq!(states.take(other, 1, "alice", at(0)), Spent::Unknown);
        }
        assert_eq!(states.take(&state, 1, "alice", at(0)), Spent::Ours(42));
    }

    #[test]
    fn the_number_is_bounded_and_time_makes_room() {
        let mut states = States::new(2, 2);
        states.issue([1; 16], alice(1), at(60)).unwrap();
        states.issue([2; 16], alice(2), at(50)).unwrap();
        assert_eq!(states.issue([3; 16], alice(3), at(99)), Err(TooMany::All));
        assert!(states.sweep(at(49)).is_empty());
        assert_eq!(states.sweep(at(50)), [2]);
        assert!(states.issue([3; 16], alice(3), at(99)).is_ok());
        assert_eq!(states.issue([4; 16], alice(4), at(99)), Err(TooMany::All));
        assert_eq!(states.forget(&[1; 16]), Some(1));
        assert_eq!(states.issue([3; 16], alice(4), at(99)), Err(TooMany::All), "taken already");
        assert_eq!(states.sweep(at(100)), [3]);
        assert_eq!((states.waiting.len(), states.by_expiry.len(), states.of_client.len()), (0, 0, 0));
    }

    #[test]
    fn one_client_does_not_take_all_the_room() {
        let mut states = States::new(4, 2);
        for number in 0..2 {
            states.issue([number; 16], alice(number.into()), at(60)).unwrap();
        }
        assert_eq!(states.issue([2; 16], alice(2), at(60)), Err(TooMany::OfClient));
        assert!(states.issue([2; 16], Bound { client: 2, ..alice(2) }, at(60)).is_ok());
        assert_eq!(states.take(&[0; 16], 9, "mallory", at(0)), Spent::Others(alice(0)));
        assert!(states.issue([3; 16], alice(3), at(60)).is_ok());
    }
}
