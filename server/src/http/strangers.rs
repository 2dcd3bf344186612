//! Refusals of the unauthenticated: counted by source, so that guessing is slowed down and the audit log is not
//! flooded (contract section 1).

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_protocol::time::Timestamp;

/// How many refusals of one kind a source gets in a minute before it is told to wait.
pub const PER_MINUTE: u32 = 300;
/// How many deaf pages a source arms in a minute before it is sent away: each of them is a row.
pub const DEAF_PAGES_PER_MINUTE: u32 = 3_000;
/// How many knocks at the console and the portal a source has in a minute before it is told to wait.
pub const KNOCKS_PER_MINUTE: u32 = 60;
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
    /// The cookie of a connect page.
    Session,
    /// A page that was armed beyond the limits and stays deaf: nobody is told so.
    DeafPage,
    /// A code on a connect page, whatever became of it.
    PageCode,
    /// A knock at the console or the portal, or an invitation there, whatever became of it.
    Knock,
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
            Self::Session => "session",
            Self::DeafPage => "deaf-page",
            Self::PageCode => "page-code",
            Self::Knock => "knock",
            Self::SpentEnrollment => "spent-enrollment",
        }
    }

    /// How many a source gets in a minute before it is told to wait.
    const fn per_minute(self) -> u32 {
        match self {
            Self::Key | Self::Proof | Self::Response | Self::Enrollment | Self::Session | Self::PageCode => PER_MINUTE,
            Self::DeafPage => DEAF_PAGES_PER_MINUTE,
            Self::Knock => KNOCKS_PER_MINUTE,
            Self::SpentEnrollment => u32::MAX,
        }
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

    fn patience(&self, kind: Kind, now: Timestamp) -> Patience {
        if self.count < kind.per_minute() {
            return Patience::Left;
        }
        Patience::Gone { seconds: self.end().since(now).as_secs().max(1) }
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
    /// Whether `source` has used up what it may fail, so that nothing more should be done for it.
    pub fn is_out_of_patience(&self, kind: Kind, source: IpAddr, now: Timestamp) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get(&(kind, Some(block(source)))).or_else(|| windows.get(&(kind, None)));
        window.is_some_and(|window| !window.is_over(now) && window.patience(kind, now) != Patience::Left)
    }

    /// How long `source` must wait, where it has used up what it may do. Unlike above, only what it did itself counts.
    pub fn seconds_to_wait(&self, kind: Kind, source: IpAddr, now: Timestamp) -> Option<u64> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get(&(kind, Some(block(source)))).filter(|window| !window.is_over(now))?;
        match window.patience(kind, now) {
            Patience::Left => None,
            Patience::Gone { seconds } => Some(seconds),
        }
    }

    /// Counts a refusal and whom it concerned, and tells whether its source has patience left. With it comes what an
    /// earlier window had counted; the rest of those is told by [`Strangers::ended`].
    pub fn count(&self, kind: Kind, source: IpAddr, user: Option<String>, now: Timestamp) -> (Patience, Option<Event>) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (kind, Some(block(source)));
        if windows.len() >= MAX_SOURCES && !windows.contains_key(&key) {
            key.1 = None;
        }
        let window = windows.entry(key).or_insert_with(|| Window::new(now));
        let ended = window.is_over(now).then(|| summary(key, &std::mem::replace(window, Window::new(now))));
        let patience = window.patience(kind, now);
        window.count = window.count.saturating_add(1);
        if window.users.len() < MAX_USERS {
            window.users.extend(user);
        }
        (patience, ended)
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
    let (what, why) = match kind {
        Kind::DeafPage => ("connect.deaf", "rate-limited"),
        Kind::Knock => ("visit.knocked", "unproven"),
        _ => ("credential.refused", "credential-invalid"),
    };
    let mut event = Event::new(what, Actor::System, window.began);
    event = event.ended(Outcome::Refused, why).with("kind", kind.as_str());
    event = event.with("source", source).with("count", window.count);
    let mut users = window.users.iter();
    match (users.next(), users.next()) {
        (None, _) => event,
        (Some(only), None) => event.user(only),
        _ => event.with("users", window.users.iter().cloned().collect::<Vec<_>>()),
    }
}

/// Who counts as one source: an IPv4 address, or an IPv6 /64.
pub(crate) fn block(source: IpAddr) -> IpAddr {
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
            assert_eq!(strangers.count(Kind::Enrollment, guesser, None, at(0)), (Patience::Left, None));
        }
        let patience = |kind, source, second| strangers.count(kind, source, None, at(second)).0;
        assert_eq!(patience(Kind::Enrollment, neighbour, 1), Patience::Gone { seconds: 59 });
        assert_eq!(patience(Kind::Enrollment, other, 1), Patience::Left);
        assert_eq!(patience(Kind::Key, guesser, 1), Patience::Left);
        let (patience, told) = strangers.count(Kind::Enrollment, guesser, None, at(60));
        assert_eq!(patience, Patience::Left);
        assert_eq!(told.unwrap().detail["count"], 301);
        assert_eq!(strangers.ended(at(61), false).len(), 2);
        assert_eq!(strangers.ended(at(61), true).len(), 1);
        assert!(strangers.ended(at(120), true).is_empty());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let strangers = Strangers::default();
        let source: IpAddr = "192.0.2.1".parse().unwrap();
        let count = |second| strangers.count(Kind::Key, source, None, Timestamp::from_numeric_date(second));
        for _ in 0..PER_MINUTE {
            count(7_200);
        }
        assert_eq!(count(7_200).0, Patience::Gone { seconds: 60 });
        let (patience, told) = count(3_600);
        assert_eq!(patience, Patience::Left);
        assert_eq!(told.unwrap().detail["count"], 301);
    }

    #[test]
    fn spent_tokens_make_nobody_wait_and_are_told_with_their_users() {
        let strangers = Strangers::default();
        let (source, now): (IpAddr, _) = ("192.0.2.1".parse().unwrap(), Timestamp::from_numeric_date(0));
        for index in 0..1_000 {
            let user = format!("user{:04}", index % 40);
            assert_eq!(strangers.count(Kind::SpentEnrollment, source, Some(user), now), (Patience::Left, None));
        }
        let event = strangers.ended(now, true).remove(0);
        assert_eq!(event.detail["count"], 1_000);
        assert_eq!(event.detail["users"].as_array().unwrap().len(), MAX_USERS);
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(block(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
