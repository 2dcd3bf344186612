//! What waits to be pushed, and what may go next: plain data, without tasks or time of its own.
//!
//! Each push service (an entry of the list of hosts) has a lane of its own, so that one that hangs holds up nobody else;
//! a phone that makes up names below a wildcard gets no lane by it. Lanes take turns. A letter about something takes the
//! place of an earlier one about the same that has not gone yet, and a phone has few letters at a time.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use gatematch_protocol::id::DeviceId;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;

use super::MOST_REST_SECONDS;
use super::letter::{Key, Letter};

/// The most letters that are not done, whatever their lane. Not among them: what waits in the mailbox (as many), and one
/// that follows each that is under way.
pub(super) const MAX_LETTERS: usize = 4_096;
/// The most letters of one lane.
pub(super) const MAX_LETTERS_OF_LANE: usize = 1_024;
/// The most letters of one phone.
pub(super) const MAX_LETTERS_OF_DEVICE: usize = 8;
/// The most tries under way, whatever their lane.
pub(super) const MAX_UNDER_WAY: usize = 256;
/// The most tries under way in one lane.
pub(super) const MAX_UNDER_WAY_IN_LANE: usize = 16;
/// The most subscriptions that are left alone for some time because their push service asked for it.
const MAX_RESTS: usize = 8_192;
/// The longest that a letter waits for its time, in seconds. One that would have to wait longer is given up, so that it
/// takes no place; the phone fetches.
pub(super) const MOST_WAIT_SECONDS: i64 = 60;

/// Names a letter in the queue.
pub(super) type Ticket = u64;

/// What may be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Try it.
    Try(Going),
    /// It is of no use any more, and was given up.
    Late,
}

/// A letter that is to be tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Going {
    pub(super) ticket: Ticket,
    pub(super) letter: Arc<Letter>,
    /// The entry of the list of hosts that its push service is.
    pub(super) service: Arc<str>,
    /// How often it was tried before.
    pub(super) tries: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    Later(Timestamp),
    UnderWay,
}

struct Errand {
    letter: Arc<Letter>,
    service: Arc<str>,
    place: Place,
    tries: u32,
    /// What is to go as soon as this is done.
    follow: Option<Letter>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Ticket>,
    under_way: usize,
    letters: usize,
}

impl Lane {
    fn can_go(&self) -> bool {
        !self.waiting.is_empty() && self.under_way < MAX_UNDER_WAY_IN_LANE
    }
}

/// Letters that are not done.
#[derive(Default)]
pub(super) struct Queue {
    errands: HashMap<Ticket, Errand>,
    by_key: HashMap<Key, Ticket>,
    /// As many as there are entries on the list of hosts, and no more.
    lanes: HashMap<Arc<str>, Lane>,
    by_device: HashMap<DeviceId, Vec<Ticket>>,
    /// The lanes that can go, each once, in turn.
    turns: VecDeque<Arc<str>>,
    later: BTreeSet<(Timestamp, Ticket)>,
    /// Until when a subscription is left alone, by the digest of its endpoint.
    rests: HashMap<String, Timestamp>,
    under_way: usize,
    last_ticket: Ticket,
}

impl Queue {
    /// How many letters are not done.
    pub(super) fn len(&self) -> usize {
        self.errands.len()
    }

    /// Takes in a letter for this push service. Yields how many were given up: this one, or one of the same phone for it.
    pub(super) fn admit(&mut self, letter: Letter, service: &str) -> u64 {
        let earlier = self.by_key.get(&letter.key()).copied();
        if let Some(ticket) = earlier {
            match self.errands.get_mut(&ticket) {
                // It must not overtake the one that is under way.
                Some(errand) if errand.place == Place::UnderWay => {
                    errand.follow = Some(letter);
                    return 0;
                }
                _ => self.remove(ticket),
            }
        }
        let Some(given_up) = self.make_room(letter.device) else { return 1 };
        let full = self.lanes.get(service).is_some_and(|lane| lane.letters >= MAX_LETTERS_OF_LANE);
        if full || self.errands.len() >= MAX_LETTERS {
            return given_up + 1;
        }
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let service =
            self.lanes.get_key_value(service).map_or_else(|| Arc::from(service), |(known, _)| Arc::clone(known));
        self.by_key.insert(letter.key(), ticket);
        self.by_device.entry(letter.device).or_default().push(ticket);
        self.lanes.entry(Arc::clone(&service)).or_default().letters += 1;
        let letter = Arc::new(letter);
        self.errands.insert(ticket, Errand { letter, service, place: Place::Waiting, tries: 0, follow: None });
        self.wait(ticket);
        given_up
    }

    /// Gives up the oldest letter of `device` that is not under way, where it has as many as are allowed. Challenges and
    /// hints go before notices: they are soon of no use, and a notice may be the one word about an attack. Yields how many
    /// were given up, or `None` where all are under way.
    fn make_room(&mut self, device: DeviceId) -> Option<u64> {
        let tickets = self.by_device.get(&device).map(Vec::as_slice).unwrap_or_default();
        if tickets.len() < MAX_LETTERS_OF_DEVICE {
            return Some(0);
        }
        let errands = tickets.iter().filter_map(|ticket| Some((*ticket, self.errands.get(ticket)?)));
        let waiting = errands.filter(|(_, errand)| errand.place != Place::UnderWay);
        let (ticket, _) = waiting.min_by_key(|(ticket, errand)| (errand.letter.is_notice(), *ticket))?;
        self.remove(ticket);
        Some(1)
    }

    /// What may go now; `None` while nothing may.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Next> {
        while let Some(due) = self.due(now) {
            self.later.remove(&due);
            self.wait(due.1);
        }
        loop {
            if self.under_way >= MAX_UNDER_WAY {
                return None;
            }
            let service = self.turns.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&service) else { continue };
            let ticket = lane.waiting.pop_front();
            if lane.can_go() {
                self.turns.push_back(service);
            }
            let Some((ticket, errand)) = ticket.and_then(|ticket| Some((ticket, self.errands.get_mut(&ticket)?)))
            else {
                continue;
            };
            let letter = Arc::clone(&errand.letter);
            let rests =
                self.rests.get(&sha256(letter.to.endpoint.reveal())).copied().filter(|until| rests(*until, now));
            let too_long = rests.is_some_and(|until| until > now.plus_seconds(MOST_WAIT_SECONDS));
            if too_long || letter.good_until <= rests.unwrap_or(now) {
                self.remove(ticket);
                return Some(Next::Late);
            }
            if let Some(until) = rests {
                errand.place = Place::Later(until);
                self.later.insert((until, ticket));
                continue;
            }
            errand.place = Place::UnderWay;
            let going = Going { ticket, letter, service: Arc::clone(&errand.service), tries: errand.tries };
            self.under_way += 1;
            if let Some(lane) = self.lanes.get_mut(&errand.service) {
                lane.under_way += 1;
                // Its turn was given back before this one counted.
                if lane.under_way == MAX_UNDER_WAY_IN_LANE {
                    self.turns.retain(|turn| *turn != errand.service);
                }
            }
            return Some(Next::Try(going));
        }
    }

    /// One whose time has come, or is further ahead than any can be: then the clock was set back meanwhile.
    fn due(&self, now: Timestamp) -> Option<(Timestamp, Ticket)> {
        let first = self.later.first().copied().filter(|(at, _)| *at <= now);
        let most = now.plus_seconds(MOST_WAIT_SECONDS);
        first.or_else(|| self.later.last().copied().filter(|(at, _)| *at > most))
    }

    /// When something that waits for its time may go.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.later.first().map(|(at, _)| *at)
    }

    /// A try ended, and the letter is done. Yields what is to be admitted then.
    pub(super) fn done(&mut self, ticket: Ticket) -> Option<Letter> {
        let follow = self.errands.get_mut(&ticket).and_then(|errand| errand.follow.take());
        self.land(ticket);
        self.remove(ticket);
        follow
    }

    /// A try ended, and there is to be another one at `at`, unless a later letter takes its place: that is yielded.
    pub(super) fn again(&mut self, ticket: Ticket, at: Timestamp) -> Option<Letter> {
        if self.errands.get(&ticket).is_none_or(|errand| errand.follow.is_some()) {
            return self.done(ticket);
        }
        self.land(ticket);
        if let Some(errand) = self.errands.get_mut(&ticket) {
            errand.tries += 1;
            errand.place = Place::Later(at);
            self.later.insert((at, ticket));
        }
        None
    }

    /// Leaves the subscription of `letter` alone until `until`.
    pub(super) fn rest(&mut self, letter: &Letter, until: Timestamp, now: Timestamp) {
        if self.rests.len() >= MAX_RESTS {
            self.rests.retain(|_, until| rests(*until, now));
        }
        if self.rests.len() < MAX_RESTS {
            let until = until.min(now.plus_seconds(MOST_REST_SECONDS));
            self.rests.insert(sha256(letter.to.endpoint.reveal()), until);
        }
    }

    /// Puts a letter at the end of its lane.
    fn wait(&mut self, ticket: Ticket) {
        let Some(errand) = self.errands.get_mut(&ticket) else { return };
        errand.place = Place::Waiting;
        let Some(lane) = self.lanes.get_mut(&errand.service) else { return };
        let could_go = lane.can_go();
        lane.waiting.push_back(ticket);
        if !could_go && lane.can_go() {
            self.turns.push_back(Arc::clone(&errand.service));
        }
    }

    /// A try is not under way any more.
    fn land(&mut self, ticket: Ticket) {
        let Some(errand) = self.errands.get(&ticket).filter(|errand| errand.place == Place::UnderWay) else { return };
        self.under_way = self.under_way.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(&errand.service) else { return };
        let could_go = lane.can_go();
        lane.under_way = lane.under_way.saturating_sub(1);
        if !could_go && lane.can_go() {
            self.turns.push_back(Arc::clone(&errand.service));
        }
    }

    /// Forgets a letter that is not under way (any more).
    fn remove(&mut self, ticket: Ticket) {
        let Some(errand) = self.errands.remove(&ticket) else { return };
        self.by_key.remove(&errand.letter.key());
        if let Some(tickets) = self.by_device.get_mut(&errand.letter.device) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.by_device.remove(&errand.letter.device);
            }
        }
        if let Place::Later(at) = errand.place {
            self.later.remove(&(at, ticket));
        }
        let Some(lane) = self.lanes.get_mut(&errand.service) else { return };
        lane.letters = lane.letters.saturating_sub(1);
        lane.waiting.retain(|waiting| *waiting != ticket);
        if !lane.can_go() {
            self.turns.retain(|turn| *turn != errand.service);
        }
    }
}

/// Whether a rest until then still holds. One further ahead than any can be was made before the clock was set back.
fn rests(until: Timestamp, now: Timestamp) -> bool {
    until > now && until <= now.plus_seconds(MOST_REST_SECONDS)
}

#[cfg(test)]
mod tests;
