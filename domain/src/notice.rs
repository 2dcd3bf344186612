//! What the phones of a user are told that needs no answer.

use gatematch_protocol::challenge::ShownClient;
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, NoticeId, UserId};
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;

use crate::account::Account;
use crate::audit::Journal;
use crate::challenge::Client;
use crate::open::Login;

/// How long a notice can be fetched, in seconds: 30 days.
pub const KEEP_SECONDS: i64 = 30 * 86_400;
/// The most notices that a phone is given at a time: the latest.
pub const MOST: u32 = 50;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A login was refused because its gateway has no screen and nobody had the connect page open.
    NoPage,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPage => "no-page",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        (word == "no-page").then_some(Self::NoPage)
    }
}

/// A notice to all phones of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Names it.
    pub id: NoticeId,
    /// Whose phones are told.
    pub user: UserId,
    /// What happened.
    pub kind: Kind,
    /// The gateway that it concerns.
    pub gateway: GatewayId,
    /// Where the login came from.
    pub client: Client,
    /// When it happened.
    pub at: Timestamp,
}

impl Account {
    /// Tells the phones what became of `login`, unless they were told of enough of late: whoever can start logins must
    /// not be able to ring somebody all day.
    pub(crate) fn tell_of(&mut self, login: &Login, kind: Kind, journal: &mut Journal) {
        if self.user.limits.may_tell(login.gateway, login.client.name.as_deref(), login.now) {
            let client = login.client.clone();
            journal.notices.push(Notice::of_login(login.id, self.user.id, kind, login.gateway, client, login.now));
        }
    }
}

impl Notice {
    /// What a later notice of the same kind to the same user has as well: 32 characters, as a topic of Web Push may have
    /// (RFC 8030 section 5.4).
    #[must_use]
    pub fn topic(&self) -> String {
        let mut topic = sha256(format!("notice {} {}", self.kind.as_str(), self.user));
        topic.truncate(32);
        topic
    }

    /// A notice about the login with this challenge; it has the same id, since a login is told of once.
    #[must_use]
    pub fn of_login(
        challenge: ChallengeId,
        user: UserId,
        kind: Kind,
        gateway: GatewayId,
        client: Client,
        at: Timestamp,
    ) -> Self {
        Self { id: challenge.into(), user, kind, gateway, client, at }
    }

    /// The claims of the signed notice for the phone `device` of the user with this name.
    #[must_use]
    pub fn claims(&self, issuer: &str, device: DeviceId, username: &str, gateway: Option<String>) -> NoticeClaims {
        let client = ShownClient { ip: self.client.ip, name: self.client.name.clone(), location: None };
        NoticeClaims {
            iss: issuer.to_owned(),
            aud: device,
            sub: username.to_owned(),
            jti: self.id,
            iat: self.at.numeric_date(),
            kind: self.kind.as_str().to_owned(),
            gateway,
            client: (client != ShownClient::default()).then_some(client),
        }
    }
}
