//! How the time of one login is shared out, so that an answer always leaves before the client gives up.
//!
//! ```text
//! arrived                   half             deadline   cleaned up    the client gives up
//!    |--- upstream servers ---|                  |-- margin/2 --|            |
//!    |------------- waiting for the person ------|------- margin ------------|
//! ```

use std::time::Duration;

use gatematch_protocol::time::Timestamp;

/// The most time that is kept back to end a login in.
const MOST_MARGIN: Duration = Duration::from_secs(2);
/// How long ending a login may take where there is time: whoever takes its place waits for it.
const CLEAN_UP: Duration = Duration::from_millis(1_500);
/// The first and the longest pause between two tries of one call.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The point `by` after `at`.
#[must_use]
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(at.micros().saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// The times of one login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    arrived: Timestamp,
    time_limit: Duration,
}

impl Times {
    /// The times of a login that arrived then, from a client that waits `time_limit`.
    #[must_use]
    pub(crate) const fn new(arrived: Timestamp, time_limit: Duration) -> Self {
        Self { arrived, time_limit }
    }

    /// When the upstream servers must have answered: half of the time belongs to the phone.
    #[must_use]
    pub(crate) fn upstream(self) -> Timestamp {
        later(self.arrived, self.time_limit / 2)
    }

    /// When the login must be decided.
    #[must_use]
    pub(crate) fn deadline(self) -> Timestamp {
        later(self.arrived, self.time_limit.saturating_sub(self.margin()))
    }

    /// Until when a login that ends now may take to end its challenge; its answer leaves then at the latest. `late`:
    /// its deadline is over. That is told by whoever slept until then, and not read off the clock, which may have been
    /// set back meanwhile.
    #[must_use]
    pub(crate) fn clean_up(self, now: Timestamp, late: bool) -> Timestamp {
        let latest = later(now, self.margin() / 2);
        if late { latest } else { later(now, CLEAN_UP).min(latest.max(later(self.deadline(), self.margin() / 2))) }
    }

    fn margin(self) -> Duration {
        MOST_MARGIN.min(self.time_limit / 5)
    }
}

/// How long a challenge that is to live `life` does, in seconds that the server takes. It is the same for each request of
/// a client: a create that is tried again must have an equal body (contract section 1).
#[must_use]
pub(crate) fn challenge_seconds(life: Duration) -> i64 {
    i64::try_from(life.as_secs()).unwrap_or(i64::MAX).clamp(10, 600)
}

/// Growing pauses between the tries of one call: 100 ms, doubled up to 2 s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause(Duration);

impl Pause {
    /// The pauses from the first one on.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// The next pause.
    #[must_use]
    pub(crate) fn take(&mut self) -> Duration {
        let pause = self.0;
        self.0 = LONGEST_PAUSE.min(pause * 2);
        pause
    }
}

impl Default for Pause {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000)
    }

    #[test]
    fn an_answer_leaves_before_the_client_gives_up() {
        for (limit, half, deadline, cleaned_up) in [
            (50, 25_000, 48_000, 49_000),
            (300, 150_000, 298_000, 299_000),
            (5, 2_500, 4_000, 4_500),
            (2, 1_000, 1_600, 1_800),
        ] {
            let times = Times::new(at(0), Duration::from_secs(limit));
            assert_eq!((times.upstream(), times.deadline()), (at(half), at(deadline)), "{limit}");
            assert_eq!(times.clean_up(at(deadline), true), at(cleaned_up), "{limit}");
            let set_back = times.clean_up(at(deadline - 60_000), true);
            assert_eq!(set_back, at(cleaned_up - 60_000), "a clock that was set back gives no time: {limit}");
        }
        let times = Times::new(at(0), Duration::from_secs(50));
        assert_eq!(times.clean_up(at(10_000), false), at(11_500), "whoever takes its place waits for this");
        assert_eq!(times.clean_up(at(47_900), false), at(49_000));
    }

    #[test]
    fn a_challenge_lives_as_long_as_the_server_takes() {
        for (wanted, life) in [(2, 10), (10, 10), (50, 50), (300, 300), (600, 600), (601, 600)] {
            assert_eq!(challenge_seconds(Duration::from_secs(wanted)), life);
        }
    }

    #[test]
    fn pauses_grow_to_two_seconds() {
        let mut pause = Pause::new();
        let millis: Vec<_> = (0..7).map(|_| pause.take().as_millis()).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
    }
}
