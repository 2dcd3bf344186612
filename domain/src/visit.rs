//! Visits: somebody signed in at the console, where others are managed, or at the portal, where everybody manages
//! himself.
//!
//! Whoever comes has proven nothing, not even a password. So a visit begins as a knock: his phones are asked with a
//! number that his browser shows, and the approval is spent in the write that lets him in. An invitation, a pass or a
//! recovery code do so without a phone.

mod entry;

use std::net::IpAddr;

use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId, GatewayId, InvitationId, UserId, VisitId};
use gatematch_protocol::time::Timestamp;

pub use self::entry::nobodys_digits;
use crate::account::Account;
use crate::audit::Actor;
use crate::challenge::{CLOCK_STEP_SECONDS, Challenge};

/// How long a knock waits for its phone, in seconds: as long as its challenge, and some for the last step.
pub const KNOCK_SECONDS: i64 = 90;
/// How long nobody may do anything before a visit is over, in seconds.
pub const IDLE_SECONDS: i64 = 900;
/// How long a proof is fresh enough for what is dangerous, in seconds.
pub const FRESH_SECONDS: i64 = 300;
/// The same, where somebody came in without a phone, in seconds: he has none yet that could be asked again.
pub const FIRST_FRESH_SECONDS: i64 = 900;
/// How long the browser of a visit stays known afterwards, in seconds: 180 days.
pub const KNOWN_SECONDS: i64 = 180 * 86_400;
/// How long an invitation to the portal holds, in seconds: three days. A later one takes its place.
pub const INVITATION_SECONDS: i64 = 3 * 86_400;
/// How long the link of the command line to the console holds, in seconds.
pub const LINK_SECONDS: i64 = 600;
/// How often a sign of life of a visit is written down, in seconds.
pub const SEEN_EVERY_SECONDS: i64 = 60;
/// The name of a browser that was here before, as phones show it.
pub const KNOWN_BROWSER: &str = "a known browser";
/// The name of any other.
pub const NEW_BROWSER: &str = "a new browser";

/// Where somebody visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Where others are managed.
    Console,
    /// Where everybody manages himself.
    Portal,
}

impl Place {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Console, Self::Portal];

    /// The word in the database and in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Portal => "portal",
        }
    }

    /// The place of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == word)
    }

    /// How long a visit lasts at most, in seconds.
    #[must_use]
    pub const fn longest_seconds(self) -> i64 {
        match self {
            Self::Console => 8 * 3_600,
            Self::Portal => 3_600,
        }
    }

    /// The gateway by which the phones are asked: the server itself.
    #[must_use]
    pub fn gateway(self) -> GatewayId {
        // Version 7, of the first second of 1970: no gateway that is made can have it.
        let random = match self {
            Self::Console => [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            Self::Portal => [0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        };
        GatewayId::new(Timestamp::from_micros(0), random)
    }

    /// What that gateway is called.
    #[must_use]
    pub const fn gateway_name(self) -> &'static str {
        match self {
            Self::Console => "Gatematch console",
            Self::Portal => "Gatematch portal",
        }
    }

    /// The place whose gateway this is.
    #[must_use]
    pub fn of_gateway(id: GatewayId) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.gateway() == id)
    }
}

/// Who knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// A browser in which this person was signed in before.
    Known,
    /// Anybody.
    Stranger,
}

impl Knock {
    /// The name that phones show.
    #[must_use]
    pub const fn client_name(self) -> &'static str {
        match self {
            Self::Known => KNOWN_BROWSER,
            Self::Stranger => NEW_BROWSER,
        }
    }

    /// The knock that `challenge` is, where it is one.
    #[must_use]
    pub fn of(challenge: &Challenge) -> Option<Self> {
        Place::of_gateway(challenge.gateway)?;
        let is_known = challenge.client.name.as_deref() == Some(KNOWN_BROWSER);
        Some(if is_known { Self::Known } else { Self::Stranger })
    }
}

/// By what somebody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An invitation, or a link of the command line.
    Invitation,
    /// His phone, by the number.
    Phone(DeviceId),
    /// An access pass: this one.
    AccessPass(AuthenticatorId),
    /// A recovery code.
    RecoveryCode,
}

impl By {
    /// The word in the database and in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Phone(_) => "phone",
            Self::AccessPass(_) => "access_pass",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// How far a visit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// His phones are asked; or nobody is, and that is not told.
    Knocking,
    /// He is in.
    Inside {
        /// By what.
        by: By,
        /// When he last proved that it is he.
        proven_at: Timestamp,
    },
}

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Names it.
    pub id: VisitId,
    /// Where.
    pub place: Place,
    /// The name that was given, canonical where it can be.
    pub name: String,
    /// Whose account it is; `None` while he knocks.
    pub user: Option<UserId>,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// Where the browser is.
    pub address: IpAddr,
    /// By which he is to prove that it is he: at the door, or anew.
    pub challenge: Option<ChallengeId>,
    /// How far it has come.
    pub stage: Stage,
    /// When it began.
    pub created_at: Timestamp,
    /// When something was last done in it.
    pub seen_at: Timestamp,
    /// When it ends, whatever is done in it.
    pub expires_at: Timestamp,
}

/// Somebody who is let in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names the visit.
    pub id: VisitId,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// Where the browser is.
    pub address: IpAddr,
    /// When.
    pub now: Timestamp,
}

impl Entry {
    /// The visit of `account` at `place`, let in by `by`.
    #[must_use]
    pub fn visit(&self, place: Place, account: &Account, by: By) -> Visit {
        Visit {
            id: self.id,
            place,
            name: account.user.username.to_string(),
            user: Some(account.user.id),
            token_digest: self.token_digest.clone(),
            address: self.address,
            challenge: None,
            stage: Stage::Inside { by, proven_at: self.now },
            created_at: self.now,
            seen_at: self.now,
            expires_at: self.now.plus_seconds(place.longest_seconds()),
        }
    }
}

impl Visit {
    /// Whether it holds now for `account`: it is inside, neither idle nor old, the account was not closed since it began,
    /// and the phone or the pass that let it in is still there.
    #[must_use]
    pub fn holds(&self, account: &Account, now: Timestamp) -> bool {
        let Stage::Inside { by, .. } = self.stage else { return false };
        let in_time = now < self.expires_at && now < self.seen_at.plus_seconds(IDLE_SECONDS);
        let is_past = self.created_at <= now.plus_seconds(CLOCK_STEP_SECONDS);
        let is_vouched_for = match by {
            By::Phone(id) => account.active_device(id).is_some(),
            By::AccessPass(id) => account.factors.iter().any(|factor| factor.id == id),
            By::Invitation | By::RecoveryCode => true,
        };
        let is_his = self.user == Some(account.user.id);
        let is_open = account.user.may_sign_in() && account.user.limits.is_open_since(self.created_at);
        let has_business = self.place == Place::Portal || account.user.role.is_some();
        in_time && is_past && is_vouched_for && is_his && is_open && has_business
    }

    /// The phone that let him in, where it was one.
    #[must_use]
    pub const fn phone(&self) -> Option<DeviceId> {
        match self.stage {
            Stage::Inside { by: By::Phone(id), .. } => Some(id),
            Stage::Inside { .. } | Stage::Knocking => None,
        }
    }

    /// Whether he proved a moment ago that it is he.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        match self.stage {
            Stage::Inside { by, proven_at } => {
                // Whoever came without a phone has none to prove himself anew with.
                let seconds = if let By::Phone(_) = by { FRESH_SECONDS } else { FIRST_FRESH_SECONDS };
                now < proven_at.plus_seconds(seconds) && self.is_past(proven_at, now)
            }
            Stage::Knocking => false,
        }
    }

    fn is_past(&self, at: Timestamp, now: Timestamp) -> bool {
        at <= now.plus_seconds(CLOCK_STEP_SECONDS)
    }

    /// Whether it has ended for good.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.expires_at <= self.created_at
    }

    /// It has ended for good.
    pub const fn finish(&mut self) {
        self.expires_at = self.created_at;
    }

    /// Whether it still tells that its browser is known to its person, inside or afterwards: not after the account was closed,
    /// nor after its phone was removed.
    #[must_use]
    pub fn knows(&self, account: &Account, now: Timestamp) -> bool {
        let Stage::Inside { by, .. } = self.stage else { return false };
        let phone_is_there = if let By::Phone(id) = by { account.active_device(id).is_some() } else { true };
        let is_his = self.user == Some(account.user.id) && account.user.limits.is_open_since(self.created_at);
        is_his && phone_is_there && now < self.seen_at.plus_seconds(KNOWN_SECONDS)
    }

    /// Whether a sign of life is to be written down.
    #[must_use]
    pub fn wants_renewal(&self, now: Timestamp) -> bool {
        self.seen_at.plus_seconds(SEEN_EVERY_SECONDS) <= now
    }
}

/// An invitation: whoever has its token is let in once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Names it.
    pub id: InvitationId,
    /// Whom it lets in.
    pub user: UserId,
    /// Where.
    pub place: Place,
    /// base64url(SHA-256(its token)).
    pub token_digest: String,
    /// Whether its maker may manage whoever is reserved to administrators.
    pub by_admin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// Why nobody was let in. A stranger is told the same for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEntry {
    /// There is no such knock or invitation, or its time is over.
    Unknown,
    /// The phones have not decided yet.
    Waiting,
    /// It was refused, by the phones or on the way there.
    Refused,
    /// He has no business at the console.
    NoRole,
}

impl NoEntry {
    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::NoRole => "no-role",
        }
    }
}

/// Who acts in a visit, where `account` is its person's.
#[must_use]
pub fn actor(place: Place, account: &Account) -> Actor {
    let (user, name) = (account.user.id, account.user.username.to_string());
    match (place, account.user.role) {
        (Place::Console, Some(role)) => Actor::Operator { user, name, role },
        _ => Actor::Person { user, name },
    }
}

#[cfg(test)]
mod tests;
