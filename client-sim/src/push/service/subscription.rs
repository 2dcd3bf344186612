//! Subscriptions and the messages that wait in them. Nothing here waits or reads a clock.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::push::open::UserAgentKeys;

/// How many subscriptions there may be, those that are gone included.
pub const MAX_SUBSCRIPTIONS: usize = 1_000;
/// How many messages one subscription keeps; then the oldest goes.
pub const MAX_MESSAGES: usize = 32;

/// Names a subscription: 128 random bits in base64url, the last segment of its endpoint.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionId(pub(super) String);

impl SubscriptionId {
    /// The id as it stands in an address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriptionId({})", self.0)
    }
}

/// A message as the user agent gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// 1, 2, 3, ... in the order in which the subscription's messages are delivered.
    pub seq: u64,
    /// When it was taken from the sender, as NumericDate.
    pub at: i64,
    /// How long it may be kept, in seconds.
    pub ttl: u32,
    /// `very-low`, `low`, `normal` or `high` (RFC 8030, section 5.3).
    pub urgency: String,
    /// What it replaces (RFC 8030, section 5.4).
    pub topic: Option<String>,
    /// The body as it came.
    pub sealed: Vec<u8>,
    /// What was in it; `None` where the subscription's keys do not open it.
    pub plaintext: Option<Vec<u8>>,
    /// Whether it is delivered even when its time is over.
    pub(super) stubborn: bool,
    pub(super) fetched: bool,
}

/// Tells what a log may know.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = f.debug_struct("Message");
        message.field("seq", &self.seq).field("at", &self.at).field("ttl", &self.ttl).field("urgency", &self.urgency);
        message.field("topic", &self.topic).field("sealed_bytes", &self.sealed.len()).finish_non_exhaustive()
    }
}

impl Message {
    fn is_alive(&self, now: i64) -> bool {
        self.stubborn || self.at.saturating_add(i64::from(self.ttl)) >= now
    }
}

/// How a message is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    AtOnce,
    Twice,
    /// Not before.
    Late(Instant),
    /// After the next one.
    Swapped,
}

/// A message that is held back; without a time until another comes.
struct Held {
    due: Option<Instant>,
    message: Message,
}

/// A subscription that is there.
pub(super) struct Subscription {
    pub(super) keys: UserAgentKeys,
    /// The only application server that may push (RFC 8292, section 4), uncompressed in base64url.
    pub(super) vapid: Option<String>,
    /// Wakes up who waits for messages.
    pub(super) rings: Arc<Notify>,
    messages: VecDeque<Message>,
    held: VecDeque<Held>,
    last_seq: u64,
}

impl Subscription {
    pub(super) fn new(keys: UserAgentKeys, vapid: Option<String>) -> Self {
        let rings = Arc::new(Notify::new());
        Self { keys, vapid, rings, messages: VecDeque::new(), held: VecDeque::new(), last_seq: 0 }
    }

    /// Takes a message.
    pub(super) fn take(&mut self, message: Message, delivery: Delivery) {
        match delivery {
            Delivery::AtOnce => self.deliver(message),
            Delivery::Twice => {
                self.deliver(message.clone());
                self.keep(message);
            }
            Delivery::Late(due) => self.hold(Some(due), message),
            Delivery::Swapped => match self.held.pop_front() {
                Some(first) => {
                    self.keep(message);
                    self.keep(first.message);
                }
                None => self.hold(None, message),
            },
        }
        self.rings.notify_waiters();
    }

    /// A message with the topic of one that nobody has fetched takes its place (RFC 8030, section 5.4).
    fn deliver(&mut self, message: Message) {
        if message.topic.is_some() {
            self.messages.retain(|older| older.fetched || older.topic != message.topic);
        }
        self.keep(message);
    }

    fn keep(&mut self, message: Message) {
        self.last_seq += 1;
        if self.messages.len() >= MAX_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(Message { seq: self.last_seq, ..message });
    }

    fn hold(&mut self, due: Option<Instant>, message: Message) {
        if self.held.len() >= MAX_MESSAGES {
            self.held.pop_front();
        }
        self.held.push_back(Held { due, message: Message { stubborn: true, ..message } });
    }

    /// Delivers what is held back no longer, and says when to look again.
    pub(super) fn release(&mut self, now: Instant) -> Option<Instant> {
        while self.held.front().and_then(|held| held.due).is_some_and(|due| due <= now) {
            if let Some(held) = self.held.pop_front() {
                self.keep(held.message);
            }
        }
        self.held.front().and_then(|held| held.due)
    }

    /// Delivers all that is held back.
    pub(super) fn release_all(&mut self) {
        while let Some(held) = self.held.pop_front() {
            self.keep(held.message);
        }
        self.rings.notify_waiters();
    }

    /// Fetches the messages behind `after` whose time is not over.
    pub(super) fn fetch(&mut self, after: u64, now: i64) -> Vec<Message> {
        let there = self.messages.iter_mut().filter(|message| message.seq > after && message.is_alive(now));
        let fetched = |message: &mut Message| {
            message.fetched = true;
            message.clone()
        };
        there.map(fetched).collect()
    }

    /// Fetches the oldest message that nobody has fetched and whose time is not over.
    pub(super) fn fetch_next(&mut self, now: i64) -> Option<Message> {
        let next = self.messages.iter_mut().find(|message| !message.fetched && message.is_alive(now))?;
        next.fetched = true;
        Some(next.clone())
    }

    /// What is kept, without fetching it.
    pub(super) fn look(&self) -> Vec<Message> {
        self.messages.iter().cloned().collect()
    }
}

/// All subscriptions; `None` for one that is gone.
#[derive(Default)]
pub(super) struct Subscriptions(HashMap<String, Option<Subscription>>);

/// What is known of an id.
pub(super) enum Found<'a> {
    There(&'a mut Subscription),
    Gone,
    Unknown,
}

impl Subscriptions {
    /// Adds one; false where there is no room.
    pub(super) fn add(&mut self, id: &SubscriptionId, subscription: Subscription) -> bool {
        let room = self.0.len() < MAX_SUBSCRIPTIONS;
        if room {
            self.0.insert(id.0.clone(), Some(subscription));
        }
        room
    }

    pub(super) fn find(&mut self, id: &str) -> Found<'_> {
        match self.0.get_mut(id) {
            Some(Some(subscription)) => Found::There(subscription),
            Some(None) => Found::Gone,
            None => Found::Unknown,
        }
    }

    /// Ends one; whoever waits for its messages wakes up. False where it was not there.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let ended = self.0.get_mut(id).and_then(Option::take);
        if let Some(ended) = &ended {
            ended.rings.notify_waiters();
        }
        ended.is_some()
    }

    pub(super) fn release_all(&mut self) {
        self.0.values_mut().flatten().for_each(Subscription::release_all);
    }
}
