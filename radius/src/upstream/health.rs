//! Whether a server is believed to answer (after RFC 5997, section 4.2, and RFC 3539, section 3.4).
//!
//! ```text
//! with Status-Server:     alive --no answer--> suspect --no answer--> dead
//!                         suspect, dead: probed; any answer --> alive
//! without (NPS):          alive --no answer--> dead; after `revive_after` one request tries it
//! ```

use std::time::Duration;

use gatematch_protocol::time::Timestamp;

/// How often a server that does not answer is probed while somebody needs it, in seconds.
const PROBE_EVERY: i64 = 10;
/// How long nothing more is said of a server whose rank has changed, in seconds.
const TELL_EVERY: i64 = 60;

/// What is known of one server.
#[derive(Clone, Debug)]
pub(super) struct Health {
    state: State,
    status_server: bool,
    revive_after: Duration,
    /// Until when nothing more is said of it.
    told_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Alive,
    /// A request was not answered. `next`: when it is probed.
    Suspect {
        next: Timestamp,
    },
    /// `next`: when it is probed, or tried, again.
    Dead {
        next: Timestamp,
    },
}

/// How willingly a server is asked, most willingly first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Alive,
    Suspect,
    Dead,
}

impl Health {
    pub(super) const fn new(status_server: bool, revive_after: Duration) -> Self {
        Self { state: State::Alive, status_server, revive_after, told_until: None }
    }

    /// How willingly it is asked now. Where no Status-Server can tell, a dead one is let have one request each
    /// `revive_after`: to that one caller it counts as alive.
    pub(super) fn rank(&mut self, now: Timestamp) -> Rank {
        match self.state {
            State::Alive => Rank::Alive,
            State::Suspect { .. } => Rank::Suspect,
            State::Dead { next } if !self.status_server && is_due(next, now, self.revival(now)) => {
                self.state = State::Dead { next: self.revival(now) };
                Rank::Alive
            }
            State::Dead { .. } => Rank::Dead,
        }
    }

    /// A request or a probe was answered, or was not. Tells the new rank where it is another one.
    pub(super) fn note(&mut self, answered: bool, now: Timestamp) -> Option<Rank> {
        let next = now.plus_seconds(PROBE_EVERY);
        let (state, rank) = match (answered, self.state) {
            (true, State::Alive) => return None,
            (true, _) => (State::Alive, Rank::Alive),
            (false, State::Dead { .. }) => return None,
            (false, _) if !self.status_server => (State::Dead { next: self.revival(now) }, Rank::Dead),
            (false, State::Alive) => (State::Suspect { next: now }, Rank::Suspect),
            (false, State::Suspect { .. }) => (State::Dead { next }, Rank::Dead),
        };
        self.state = state;
        Some(rank)
    }

    /// Whether a change of rank is worth a line in the log: a server that answers half of a thousand requests changes it
    /// with each.
    pub(super) fn is_news(&mut self, now: Timestamp) -> bool {
        let next = now.plus_seconds(TELL_EVERY);
        let is_news = self.told_until.is_none_or(|until| is_due(until, now, next));
        if is_news {
            self.told_until = Some(next);
        }
        is_news
    }

    /// Whether a probe is to be sent now; whoever hears yes sends it.
    pub(super) fn is_probe_due(&mut self, now: Timestamp) -> bool {
        let later = now.plus_seconds(PROBE_EVERY);
        match &mut self.state {
            State::Suspect { next } | State::Dead { next } if self.status_server && is_due(*next, now, later) => {
                *next = later;
                true
            }
            _ => false,
        }
    }

    fn revival(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(i64::try_from(self.revive_after.as_secs()).unwrap_or(i64::MAX))
    }
}

/// Whether it is time. `latest` is the latest that could have been said now: what is later was said before the clock was
/// set back.
fn is_due(next: Timestamp, now: Timestamp, latest: Timestamp) -> bool {
    now >= next || next > latest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_numeric_date(1_800_000_000 + seconds)
    }

    #[test]
    fn one_missed_answer_makes_suspect_and_a_probe_decides() {
        let mut health = Health::new(true, Duration::from_secs(30));
        assert!(!health.is_probe_due(at(0)));
        assert_eq!(health.note(false, at(0)), Some(Rank::Suspect));
        assert!(health.is_probe_due(at(0)) && !health.is_probe_due(at(0)), "one probe, not one per request");
        assert_eq!(health.note(true, at(1)), Some(Rank::Alive));
        assert_eq!((health.note(true, at(2)), health.rank(at(2))), (None, Rank::Alive));
        health.note(false, at(3));
        assert_eq!(health.note(false, at(8)), Some(Rank::Dead));
        assert_eq!(health.note(false, at(9)), None);
    }

    #[test]
    fn a_dead_one_is_probed_every_ten_seconds_while_somebody_asks() {
        let mut health = Health::new(true, Duration::from_secs(30));
        health.note(false, at(0));
        health.note(false, at(0));
        let probes: Vec<_> = (0..35).filter(|second| health.is_probe_due(at(*second))).collect();
        assert_eq!(probes, [10, 20, 30]);
        assert_eq!(health.rank(at(1_000)), Rank::Dead, "only an answer revives it");
        health.note(true, at(1_000));
        assert_eq!(health.rank(at(1_000)), Rank::Alive);
    }

    #[test]
    fn a_clock_that_is_set_back_stops_no_probe() {
        for status_server in [true, false] {
            let mut health = Health::new(status_server, Duration::from_secs(30));
            health.note(false, at(10_000));
            health.note(false, at(10_000));
            let mut is_tried = |second| {
                if status_server { health.is_probe_due(at(second)) } else { health.rank(at(second)) == Rank::Alive }
            };
            assert!(!is_tried(10_001) && is_tried(0) && !is_tried(1) && is_tried(31), "{status_server}");
        }
    }

    #[test]
    fn one_change_a_minute_is_news() {
        let mut health = Health::new(true, Duration::from_secs(30));
        let news: Vec<_> = (0..130).filter(|second| health.is_news(at(*second))).collect();
        assert_eq!(news, [0, 60, 120]);
        assert!(health.is_news(at(-10_000)) && !health.is_news(at(-9_999)), "the clock was set back");
    }

    #[test]
    fn without_status_server_one_request_tries_a_dead_one() {
        let mut health = Health::new(false, Duration::from_secs(30));
        assert_eq!(health.note(false, at(0)), Some(Rank::Dead));
        let tried: Vec<_> = (0..65).filter(|second| health.rank(at(*second)) == Rank::Alive).collect();
        assert_eq!(tried, [30, 60]);
        assert!(!health.is_probe_due(at(100)));
        assert_eq!(health.note(true, at(61)), Some(Rank::Alive));
        assert_eq!(health.rank(at(61)), Rank::Alive);
    }
}
