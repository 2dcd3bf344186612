//! Refusals of the unauthenticated: counted by source, so that guessing is slowed down and the audit log is not
//! flooded (contract section 1).

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_protocol::time::Timestamp;

/// How many refusals of one kind a source gets in a minute before it is told to wait.
pub const PER_MINUTE: u32 = 300;
/// The length of a window, in seconds.
const WINDOW_SECONDS: i64 = 60;
/// The most sources remembered at a time; those beyond are counted together.
const MAX_SOURCES: usize = 50_000;
/// The most users named in one event.
const MAX_USERS: usize = 16;

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A gateway's or administrator's key.
    Key,
    /// A phone's proof.
    Proof,
    /// A phone's signed response.
    Response,
    /// An enrollment token that nobody made.
    Enrollment,
    /// An enrollment token that is used, expired, or a disabled user's: no guess, so nobody has to wait for it.
    SpentEnrollment,
}

impl Kind {
    /// The word in the audit log and in `/metrics`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Proof => "proof",
            Self::Response => "response",
            Self::Enrollment => "enrollment",
            Self::SpentEnrollment => "spent-enrollment",
        }
    }

    const fn is_limited(self) -> bool {
        !matches!(self, Self::SpentEnrollment)
    }
}

/// Where strangers come from, and how often.
#[derive(Default)]
pub struct Strangers {
    windows: Mutex<HashMap<(Kind, Option<IpAddr>), Window>>,
}

struct Window {
    began: Timestamp,
    count: u32,
    /// Whom it concerned, as far as that is known.
    users: BTreeSet<String>,
}

impl Window {
    const fn new(began: Timestamp) -> Self {
        Self { began, count: 0, users: BTreeSet::new() }
    }

    fn end(&self) -> Timestamp {
        self.began.plus_seconds(WINDOW_SECONDS)
    }

    /// Its minute is over, or lies ahead because the clock was set back.
    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.end() || now.plus_seconds(WINDOW_SECONDS) < self.began
    }
}

/// Whether a stranger is refused as usual or told to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As usual.
    Left,
    /// He must wait so many seconds.
    Gone {
        /// Seconds until his window ends.
        seconds: u64,
    },
}

impl Strangers {
    /// Whether `source` has used up what it may fail.
    pub fn patience(&self, kind: Kind, source: IpAddr, now: Timestamp) -> Patience {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        match windows.get(&(kind, Some(block(source)))).or_else(|| windows.get(&(kind, None))) {
            Some(window) if kind.is_limited() && window.count >= PER_MINUTE && !window.is_over(now) => {
                Patience::Gone { seconds: window.end().since(now).as_secs().clamp(1, 60) }
            }
            _ => Patience::Left,
        }
    }

    /// Counts a refusal, and whom it concerned. What an earlier window of this source had counted is told by [`Strangers::ended`].
    pub fn count(&self, kind: Kind, source: IpAddr, user: Option<String>, now: Timestamp) -> Option<Event> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (kind, Some(block(source)));
        if windows.len() >= MAX_SOURCES && !windows.contains_key(&key) {
            key.1 = None;
        }
        let window = windows.entry(key).or_insert_with(|| Window::new(now));
        let ended = window.is_over(now).then(|| summary(key, &std::mem::replace(window, Window::new(now))));
        window.count = window.count.saturating_add(1);
        if window.users.len() < MAX_USERS {
            window.users.extend(user);
        }
        ended
    }

    /// One event for each kind and source whose minute is over (or all of them, when the server stops).
    pub fn ended(&self, now: Timestamp, all: bool) -> Vec<Event> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = Vec::new();
        windows.retain(|key, window| {
            let over = all || window.is_over(now);
            if over {
                events.push(summary(*key, window));
            }
            !over
        });
        events
    }
}

fn summary((kind, source): (Kind, Option<IpAddr>), window: &Window) -> Event {
    let source = source.map_or_else(|| "many".to_owned(), |source| source.to_string());
    let mut event = Event::new("credential.refused", Actor::System, window.began);
    event = event.ended(Outcome::Refused, "credential-invalid").with("kind", kind.as_str());
    event = event.with("source", source).with("count", window.count);
    let mut users = window.users.iter();
    match (users.next(), users.next()) {
        (None, _) => event,
        (Some(only), None) => event.user(only),
        _ => event.with("users", window.users.iter().cloned().collect::<Vec<_>>()),
    }
}

/// Who counts as one source: an IPv4 address, or an IPv6 /64.
fn block(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_a_minute_and_source_then_patience_is_gone() {
        let strangers = Strangers::default();
        let at = |second: i64| Timestamp::from_numeric_date(second);
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        for _ in 0..PER_MINUTE {
            assert_eq!(strangers.patience(Kind::Enrollment, guesser, at(0)), Patience::Left);
            assert!(strangers.count(Kind::Enrollment, guesser, None, at(0)).is_none());
        }
        assert_eq!(strangers.patience(Kind::Enrollment, neighbour, at(1)), Patience::Gone { seconds: 59 });
        assert_eq!(strangers.patience(Kind::Enrollment, other, at(1)), Patience::Left);
        assert_eq!(strangers.patience(Kind::Key, guesser, at(1)), Patience::Left);
        assert_eq!(strangers.patience(Kind::Enrollment, guesser, at(60)), Patience::Left);
        let events = strangers.ended(at(60), false);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].detail["count"], 300);
        assert!(strangers.ended(at(120), true).is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let strangers = Strangers::default();
        let (source, hour): (IpAddr, i64) = ("192.0.2.1".parse().unwrap(), 3_600);
        for _ in 0..PER_MINUTE {
            strangers.count(Kind::Key, source, None, Timestamp::from_numeric_date(2 * hour));
        }
        let patience = |second| strangers.patience(Kind::Key, source, Timestamp::from_numeric_date(second));
        assert_eq!(patience(2 * hour), Patience::Gone { seconds: 60 });
        assert_eq!(patience(hour), Patience::Left);
        let told = strangers.count(Kind::Key, source, None, Timestamp::from_numeric_date(hour));
        assert_eq!(told.map(|event| event.detail["count"].clone()), Some(300.into()));
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(block(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
