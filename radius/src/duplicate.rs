//! The duplicate table of RFC 5080, section 2.2.2: a retransmission is no second login.
//!
//! An entry is in progress until its answer is there, then answered for [`LIFE_SECONDS`]. Number and size are
//! bounded: each entry in progress has the room for its answer set aside, so an answer always fits. When the
//! table is full, answers older than [`LEAST_LIFE_SECONDS`] make room; what still does not fit is refused.
//!
//! A client that uses a Request Authenticator for two different requests would get for one what was decided for the
//! other, so each entry keeps the SHA-256 of its request's octets, and other octets are no retransmission.
//!
//! One table serves one listening address.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use gatematch_protocol::time::Timestamp;

use crate::packet::MAX_LENGTH;

/// How long an answer is kept, in seconds (RFC 5080, section 2.2.2, asks for 5 to 30).
pub const LIFE_SECONDS: i64 = 30;
/// How long an answer is kept at least, in seconds, when there is no room.
pub const LEAST_LIFE_SECONDS: i64 = 5;
/// How far the clock may be set back before answers made since then are forgotten, in seconds.
const CLOCK_STEP_SECONDS: i64 = 60;

/// What makes two datagrams the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The address and port of the client.
    pub source: SocketAddr,
    /// The packet's Identifier.
    pub identifier: u8,
    /// The packet's Request Authenticator.
    pub authenticator: [u8; 16],
}

/// How much the table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most entries.
    pub entries: usize,
    /// The most octets of answers, with [`MAX_LENGTH`] set aside for each entry in progress.
    pub octets: usize,
}

impl Default for Limits {
    /// 13,000 quick answers a second, or 16,000 logins in progress.
    fn default() -> Self {
        Self { entries: 65_536, octets: 64 * 1024 * 1024 }
    }
}

/// What a request is to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new, and in progress from now on.
    New {
        /// Its entry's number, which no other entry has.
        serial: u64,
        /// The request in progress whose address, port and identifier it took over; its client waits no longer.
        superseded: Option<Key>,
    },
    /// It is in progress already.
    InProgress,
    /// It was answered already, with these octets.
    Answered(Arc<[u8]>),
    /// It is new, and there is no room.
    Full,
    /// It has the authenticator of another request that is known here: it is entered nowhere.
    Reused,
}

/// Address, port and identifier: at any time they belong to one request.
pub(crate) type Slot = (SocketAddr, u8);

impl Key {
    pub(crate) const fn slot(&self) -> Slot {
        (self.source, self.identifier)
    }
}

#[derive(Debug)]
struct Entry {
    /// Which entry it is: another one may have the same key later.
    serial: u64,
    authenticator: [u8; 16],
    /// SHA-256 of the request's octets.
    content: Digest,
    answer: Option<Answer>,
}

#[derive(Debug)]
struct Answer {
    octets: Arc<[u8]>,
    /// When it was given, and which answer it is: the queue names it by this.
    at: Timestamp,
    number: u64,
}

/// The requests in progress, and those answered a short time ago.
#[derive(Debug)]
pub struct Duplicates {
    limits: Limits,
    entries: HashMap<Slot, Entry>,
    /// The answers in the order in which they were given; some are gone from `entries` already.
    answered: VecDeque<(Timestamp, u64, Slot)>,
    answers_given: u64,
    /// How many entries there have been: the serial of the last.
    entered: u64,
    in_progress: usize,
    octets: usize,
}

impl Duplicates {
    /// An empty table.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            answered: VecDeque::new(),
            answers_given: 0,
            entered: 0,
            in_progress: 0,
            octets: 0,
        }
    }

    /// Looks a request with these `octets` up, and enters it where it is new. Its Message-Authenticator must have been
    /// checked before (RFC 5080, section 2.2.2).
    pub fn begin(&mut self, key: Key, octets: &[u8], now: Timestamp) -> Begun {
        self.expire(LIFE_SECONDS, now);
        if let Some(known) = self.known(&key, octets, now) {
            return known;
        }
        if !self.makes_room(&key, now) {
            return Begun::Full;
        }
        self.entered += 1;
        let serial = self.entered;
        let entry = Entry { serial, authenticator: key.authenticator, content: fingerprint(octets), answer: None };
        let before = self.entries.insert(key.slot(), entry);
        let superseded = before.and_then(|before| {
            self.subtract(&before);
            before.answer.is_none().then_some(Key { authenticator: before.authenticator, ..key })
        });
        self.in_progress += 1;
        Begun::New { serial, superseded }
    }

    /// Stores the answer to a request in progress. False, and nothing is stored, when it is not in progress: it was
    /// superseded or forgotten.
    pub fn answer(&mut self, key: &Key, serial: u64, octets: Arc<[u8]>, now: Timestamp) -> bool {
        let entry = self.entries.get_mut(&key.slot());
        let Some(entry) = entry.filter(|entry| is_in_progress(entry, key, serial)) else { return false };
        self.answers_given += 1;
        self.in_progress -= 1;
        self.octets += octets.len();
        entry.answer = Some(Answer { octets, at: now, number: self.answers_given });
        self.answered.push_back((now, self.answers_given, key.slot()));
        self.compact();
        true
    }

    /// Forgets a request in progress: it gets no answer, and its retransmission is a new request. False when it is
    /// not in progress.
    pub fn forget(&mut self, key: &Key, serial: u64) -> bool {
        if !self.is_in_progress(key, serial) {
            return false;
        }
        self.remove(key.slot());
        true
    }

    /// Whether this request is in progress.
    #[must_use]
    pub fn is_in_progress(&self, key: &Key, serial: u64) -> bool {
        self.entries.get(&key.slot()).is_some_and(|entry| is_in_progress(entry, key, serial))
    }

    /// Whether a later request has the same key.
    #[must_use]
    pub fn is_entered_again(&self, key: &Key, serial: u64) -> bool {
        let entry = self.entries.get(&key.slot());
        entry.is_some_and(|entry| entry.authenticator == key.authenticator && entry.serial > serial)
    }

    /// How many entries there are, of both kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many requests are in progress.
    #[must_use]
    pub const fn in_progress(&self) -> usize {
        self.in_progress
    }

    /// What the table says of a request whose authenticator it has in that place.
    fn known(&self, key: &Key, octets: &[u8], now: Timestamp) -> Option<Begun> {
        let entry = self.entries.get(&key.slot()).filter(|entry| entry.authenticator == key.authenticator)?;
        let answer = entry.answer.as_ref();
        if answer.is_some_and(|answer| !is_kept(answer.at, LIFE_SECONDS, now)) {
            return None;
        }
        if entry.content.as_ref() != fingerprint(octets).as_ref() {
            return Some(Begun::Reused);
        }
        Some(answer.map_or(Begun::InProgress, |answer| Begun::Answered(Arc::clone(&answer.octets))))
    }

    /// Whether `key` fits, if need be after old answers have gone.
    fn makes_room(&mut self, key: &Key, now: Timestamp) -> bool {
        if !self.has_room(key) {
            self.expire(LEAST_LIFE_SECONDS, now);
        }
        self.has_room(key)
    }

    fn has_room(&self, key: &Key) -> bool {
        let (mut entries, mut in_progress, mut octets) = (self.entries.len(), self.in_progress, self.octets);
        if let Some(before) = self.entries.get(&key.slot()) {
            entries -= 1;
            match &before.answer {
                Some(answer) => octets -= answer.octets.len(),
                None => in_progress -= 1,
            }
        }
        let set_aside = in_progress.saturating_add(1).saturating_mul(MAX_LENGTH);
        entries < self.limits.entries && octets.saturating_add(set_aside) <= self.limits.octets
    }

    /// Removes the answers that are older than `life_seconds`, oldest first. Each answer is looked at once.
    fn expire(&mut self, life_seconds: i64, now: Timestamp) {
        while let Some((at, number, slot)) = self.answered.front().copied() {
            let is_there = self.is_there(number, &slot);
            if is_there && is_kept(at, life_seconds, now) {
                break;
            }
            self.answered.pop_front();
            if is_there {
                self.remove(slot);
            }
        }
    }

    /// Superseded answers leave their names in the queue; when these are more than half of it, they go.
    fn compact(&mut self) {
        if self.answered.len() > self.limits.entries.saturating_mul(2) {
            let mut answered = std::mem::take(&mut self.answered);
            answered.retain(|(_, number, slot)| self.is_there(*number, slot));
            self.answered = answered;
        }
    }

    fn is_there(&self, number: u64, slot: &Slot) -> bool {
        let answer = self.entries.get(slot).and_then(|entry| entry.answer.as_ref());
        answer.is_some_and(|answer| answer.number == number)
    }

    fn remove(&mut self, slot: Slot) {
        if let Some(entry) = self.entries.remove(&slot) {
            self.subtract(&entry);
        }
    }

    fn subtract(&mut self, gone: &Entry) {
        match &gone.answer {
            Some(answer) => self.octets -= answer.octets.len(),
            None => self.in_progress -= 1,
        }
    }
}

fn fingerprint(octets: &[u8]) -> Digest {
    digest(&SHA256, octets)
}

fn is_in_progress(entry: &Entry, key: &Key, serial: u64) -> bool {
    entry.authenticator == key.authenticator && entry.serial == serial && entry.answer.is_none()
}

/// Whether an answer given at `at` is kept `life_seconds`. One from the future is not: the clock was set back.
fn is_kept(at: Timestamp, life_seconds: i64, now: Timestamp) -> bool {
    now < at.plus_seconds(life_seconds) && at <= now.plus_seconds(CLOCK_STEP_SECONDS)
}

#[cfg(test)]
mod tests;
