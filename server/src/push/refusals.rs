//! Tells a push service that refuses us from a phone that made it do so.
//!
//! A phone's owner can set off a refusal at will: by a subscription that was made for another server's key. So one
//! person's phones say nothing about the push service; those of two do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gatematch_protocol::id::UserId;

/// Whose phones were refused since the last acceptance, by push service: as many as the list of hosts has entries.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<String, Refused>>);

struct Refused {
    first: UserId,
    others: bool,
}

impl Refusals {
    /// A push to a phone of `user` was refused; yields whether pushes to two people were since the last acceptance.
    pub(super) fn refused(&self, service: &str, user: UserId) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = all.entry(service.to_owned()).or_insert(Refused { first: user, others: false });
        refused.others |= refused.first != user;
        refused.others
    }

    /// The push service took something.
    pub(super) fn accepted(&self, service: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::time::Timestamp;

    use super::*;

    #[test]
    fn two_people_are_needed() {
        let user = |n: u8| UserId::new(Timestamp::from_numeric_date(1_800_000_000), [n; 10]);
        let refusals = Refusals::default();
        assert!(!refusals.refused("fcm.googleapis.com", user(1)));
        assert!(!refusals.refused("fcm.googleapis.com", user(1)), "his other phone");
        assert!(!refusals.refused("*.push.apple.com", user(2)), "another push service");
        assert!(refusals.refused("fcm.googleapis.com", user(2)));
        assert!(refusals.refused("fcm.googleapis.com", user(1)));
        refusals.accepted("fcm.googleapis.com");
        assert!(!refusals.refused("fcm.googleapis.com", user(2)), "it lets us push");
    }
}
