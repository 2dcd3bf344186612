//! The State attribute: what ties the answer to an Access-Challenge to the login that it belongs to
//! (RFC 2865, section 5.24).
//!
//! A State is 128 random bits, so nobody guesses one; it is bound to a client and a user, it expires, and any use
//! of it, right or wrong, is its last. The number of States is bounded.

use std::collections::{BTreeSet, HashMap};

use gatematch_protocol::time::Timestamp;

/// How long a State is, in octets.
pub const STATE_LENGTH: usize = 16;

/// Whom a State is for, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound<T> {
    /// The index of the client that it was sent to.
    pub client: usize,
    /// The User-Name of the login, as it came.
    pub user: String,
    /// What the caller wants back.
    pub payload: T,
}

/// As many States wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins wait for an answer to their Access-Challenge")]
pub struct TooMany;

/// The States that wait for their answer.
#[derive(Debug)]
pub struct States<T> {
    limit: usize,
    waiting: HashMap<[u8; STATE_LENGTH], (Bound<T>, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, [u8; STATE_LENGTH])>,
}

impl<T> States<T> {
    /// Room for `limit` States.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, waiting: HashMap::new(), by_expiry: BTreeSet::new() }
    }

    /// Makes the State with these `random` octets, to be sent in the Access-Challenge. It is good until `expires`.
    ///
    /// # Errors
    /// [`TooMany`] when the limit is reached; [`States::sweep`] makes room. The same when these octets are taken
    /// already, which does not happen with random ones.
    pub fn issue(
        &mut self,
        random: [u8; STATE_LENGTH],
        bound: Bound<T>,
        expires: Timestamp,
    ) -> Result<[u8; STATE_LENGTH], TooMany> {
        if self.waiting.len() >= self.limit || self.waiting.contains_key(&random) {
            return Err(TooMany);
        }
        self.waiting.insert(random, (bound, expires));
        self.by_expiry.insert((expires, random));
        Ok(random)
    }

    /// What this State stands for, if it is known, in time, and bound to this client and user. Whatever the answer
    /// is, the State is gone.
    #[must_use]
    pub fn spend(&mut self, state: &[u8], client: usize, user: &str, now: Timestamp) -> Option<T> {
        let (bound, expires) = self.remove(state)?;
        (now < expires && bound.client == client && bound.user == user).then_some(bound.payload)
    }

    /// Takes a State back: its login has ended.
    pub fn forget(&mut self, state: &[u8]) -> Option<T> {
        self.remove(state).map(|(bound, _)| bound.payload)
    }

    /// Removes the States whose time is over, and returns what they stood for.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<T> {
        let mut swept = Vec::new();
        while let Some((expires, state)) = self.by_expiry.first().copied() {
            if now < expires {
                break;
            }
            swept.extend(self.forget(&state));
        }
        swept
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn remove(&mut self, state: &[u8]) -> Option<(Bound<T>, Timestamp)> {
        let state: &[u8; STATE_LENGTH] = state.try_into().ok()?;
        let removed = self.waiting.remove(state)?;
        self.by_expiry.remove(&(removed.1, *state));
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
        let mut states = States::new(4);
        let state = states.issue([7; 16], alice(42), at(50)).unwrap();
        assert_eq!(states.spend(&state, 1, "alice", at(49)), Some(42));
        assert_eq!(states.spend(&state, 1, "alice", at(49)), None);
        assert!(states.is_empty());
    }

    #[test]
    fn a_wrong_attempt_spends_it_too() {
        for (client, user, second) in [(2, "alice", 0), (1, "bob", 0), (1, "ALICE", 0), (1, "alice", 50)] {
            let mut states = States::new(4);
            let state = states.issue([7; 16], alice(42), at(50)).unwrap();
            assert_eq!(states.spend(&state, client, user, at(second)), None, "{client} {user} {second}");
            assert_eq!(states.spend(&state, 1, "alice", at(0)), None);
        }
    }

    #[test]
    fn what_is_no_state_of_ours_spends_nothing() {
        let mut states = States::new(4);
        let state = states.issue([7; 16], alice(42), at(50)).unwrap();
        for other in [&[][..], &[7; 15], &[7; 17], &[8; 16], &[7; 253]] {
            assert_eq!(states.spend(other, 1, "alice", at(0)), None);
        }
        assert_eq!(states.spend(&state, 1, "alice", at(0)), Some(42));
    }

    #[test]
    fn the_number_is_bounded_and_time_makes_room() {
        let mut states = States::new(2);
        states.issue([1; 16], alice(1), at(60)).unwrap();
        states.issue([2; 16], alice(2), at(50)).unwrap();
        assert_eq!(states.issue([3; 16], alice(3), at(99)), Err(TooMany));
        assert!(states.sweep(at(49)).is_empty());
        assert_eq!(states.sweep(at(50)), [2]);
        assert!(states.issue([3; 16], alice(3), at(99)).is_ok());
        assert_eq!(states.issue([4; 16], alice(4), at(99)), Err(TooMany));
        assert_eq!(states.forget(&[1; 16]), Some(1));
        assert_eq!(states.issue([3; 16], alice(4), at(99)), Err(TooMany), "taken already");
        assert_eq!(states.sweep(at(100)), [3]);
        assert_eq!((states.len(), states.by_expiry.len()), (0, 0));
    }
}
