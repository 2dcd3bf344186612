//! Tells of a thing once in a while, and not each time that it happens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gatematch_protocol::time::Timestamp;

/// The most things that are remembered; while there are more, nobody is told of the others.
const MAX_THINGS: usize = 1_024;

/// When things were last told of.
pub(super) struct Recent {
    seconds: i64,
    told: Mutex<HashMap<(String, &'static str), Timestamp>>,
}

impl Recent {
    /// Tells of each thing once in `seconds`.
    pub(super) fn new(seconds: i64) -> Self {
        Self { seconds, told: Mutex::default() }
    }

    /// Whether `what` at `place` is to be told now.
    pub(super) fn is_new(&self, place: &str, what: &'static str, now: Timestamp) -> bool {
        // One from the future was told before the clock was set back.
        let recent = |at: &Timestamp| *at <= now && now < at.plus_seconds(self.seconds);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = (place.to_owned(), what);
        if told.get(&thing).is_some_and(recent) {
            return false;
        }
        if told.len() >= MAX_THINGS {
            told.retain(|_, at| recent(at));
        }
        if told.len() >= MAX_THINGS {
            return false;
        }
        told.insert(thing, now);
        true
    }

    /// Tells of it again the next time.
    pub(super) fn forget(&self, place: &str, what: &'static str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&(place.to_owned(), what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_once_in_a_while() {
        let at = Timestamp::from_numeric_date;
        let recent = Recent::new(60);
        assert!(recent.is_new("https://a.example", "refused", at(100)));
        assert!(!recent.is_new("https://a.example", "refused", at(159)));
        assert!(recent.is_new("https://a.example", "failed", at(159)));
        assert!(recent.is_new("https://b.example", "refused", at(159)));
        assert!(recent.is_new("https://a.example", "refused", at(160)));
        assert!(recent.is_new("https://a.example", "refused", at(50)), "the clock was set back");
        recent.forget("https://a.example", "refused");
        assert!(recent.is_new("https://a.example", "refused", at(51)));
        for number in 0..MAX_THINGS + 10 {
            recent.is_new(&format!("https://{number}.example"), "failed", at(200));
        }
        assert!(recent.told.lock().unwrap().len() <= MAX_THINGS);
    }
}
