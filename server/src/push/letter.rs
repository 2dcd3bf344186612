//! What is to be told to one phone, as the store hands it over after a commit.

use std::fmt;

use gatematch_domain::notice::Notice;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::id::{ChallengeId, DeviceId, UserId};
use gatematch_protocol::time::Timestamp;
use serde_json::json;
use url::Url;

/// How long a push service keeps a notice for a phone that is away, in seconds: one day. The phone can fetch it longer.
pub const NOTICE_SECONDS: i64 = 86_400;

/// What a phone is told.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A challenge waits for it.
    Challenge {
        /// Which.
        id: ChallengeId,
        /// The very bytes that the phone can fetch.
        signed: String,
    },
    /// A challenge that it may be showing was decided or taken back elsewhere.
    Cancelled {
        /// Which.
        id: ChallengeId,
    },
    /// Something that needs no answer.
    Notice {
        /// What.
        notice: Notice,
    },
    /// It was removed, and not by itself: the last that it is told. It has no row any more, and can fetch nothing.
    Farewell {
        /// What it is told; kept nowhere.
        notice: Notice,
    },
}

/// A [`Message`] on its way. Its `Debug` tells neither text nor endpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The phone.
    pub device: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// His canonical name.
    pub username: String,
    /// Where push reaches it.
    pub to: PushSubscription,
    /// What it is told.
    pub message: Message,
    /// When it is of no use any more.
    pub good_until: Timestamp,
    /// When it was committed.
    pub at: Timestamp,
}

/// Names what a letter is about: a later one about the same takes its place.
pub(super) type Key = (DeviceId, String);

impl Letter {
    /// What it is about, in 32 characters, as a topic may have (RFC 8030 section 5.4): the id of the challenge without
    /// hyphens, or the kind and the user of a notice.
    #[must_use]
    pub fn topic(&self) -> String {
        match &self.message {
            Message::Challenge { id, .. } | Message::Cancelled { id } => id.to_string().replace('-', ""),
            Message::Notice { notice } | Message::Farewell { notice } => notice.topic(),
        }
    }

    /// Whether it is a notice.
    pub(super) const fn is_notice(&self) -> bool {
        matches!(self.message, Message::Notice { .. } | Message::Farewell { .. })
    }

    /// Whether it goes to a phone that is no longer there.
    pub(super) const fn is_farewell(&self) -> bool {
        matches!(self.message, Message::Farewell { .. })
    }

    pub(super) fn key(&self) -> Key {
        (self.device, self.topic())
    }

    /// The origin of the push service: all of the endpoint that may be told.
    #[must_use]
    pub fn origin(&self) -> String {
        origin(self.to.endpoint.reveal())
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({} to {} by {})", self.topic(), self.device, self.origin())
    }
}

/// The origin of an endpoint.
pub(super) fn origin(endpoint: &str) -> String {
    Url::parse(endpoint).map_or_else(|_| "null".to_owned(), |url| url.origin().ascii_serialization())
}

/// What is sealed for the phone: `name` is `challenge`, `cancelled` or `notice`.
pub(super) fn text(name: &str, value: &str) -> String {
    json!({"v": 1, name: value}).to_string()
}
