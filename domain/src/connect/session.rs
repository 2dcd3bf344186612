//! Sessions: one browser that has the page open for a name.

use std::net::IpAddr;

use gatematch_protocol::id::{BrowserId, ChallengeId, SessionId};
use gatematch_protocol::time::Timestamp;

use crate::challenge::{Approval, CLOCK_STEP_SECONDS, Challenge, State};
use crate::number::Number;

/// How long a session is armed without a sign of life of its page, in seconds.
pub const ARMED_SECONDS: i64 = 120;
/// How long a session is armed at most, in seconds.
pub const LONGEST_SECONDS: i64 = 600;
/// The time over which sessions of unknown browsers are counted, in seconds.
pub const COUNTED_SECONDS: i64 = 600;

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a login.
    Armed,
    /// It serves a login, and never another one.
    Serving {
        /// The login's challenge.
        challenge: ChallengeId,
        /// Whether the person said that the login is his, or need not be asked.
        confirmed: bool,
        /// Whether the approval was told to this browser, which binds it.
        told: bool,
    },
    /// Two logins, or two browsers, stood against each other.
    Collided,
    /// The browser armed another session in its place.
    Replaced,
}

impl Stage {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Serving { .. } => "serving",
            Self::Collided => "collided",
            Self::Replaced => "replaced",
        }
    }
}

/// One browser that has the page open for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// The name that was typed: canonical, where it can have an account.
    pub name: String,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// The bound browser that it is, where it is one.
    pub browser: Option<BrowserId>,
    /// The address that it came from, which proves nothing.
    pub address: IpAddr,
    /// What is counted together with this address: itself, or its IPv6 /64.
    pub block: IpAddr,
    /// Whether it can ever show anything. One beyond the limits is deaf, and is not told so.
    pub hears: bool,
    /// When it took its place among those that are counted.
    pub counted_at: Timestamp,
    /// When it was armed.
    pub armed_at: Timestamp,
    /// When it ends unless its page gives a sign of life.
    pub expires_at: Timestamp,
    /// What it is doing.
    pub stage: Stage,
    /// By what the next login is let in, and until when: a code was typed here.
    pub opened: Option<Opened>,
    /// How many codes were wrong here.
    pub wrong_passcodes: u8,
}

/// A page on which a right code was typed before the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The code's factor.
    pub approval: Approval,
    /// When.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// What a session's page shows. `Debug` does not tell the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It waits for a login.
    Armed,
    /// A login began: is it this person's?
    Confirm,
    /// The number to type on the phone; none where the login waits for a code alone.
    Number(Option<Number>),
    /// The login was approved.
    Approved,
    /// The login was refused or taken back.
    Refused,
    /// Two stood against each other; both were refused.
    Collision,
    /// Time ran out.
    Expired,
}

impl Shown {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Confirm => "confirm",
            Self::Number(_) => "number",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Collision => "collision",
            Self::Expired => "expired",
        }
    }
}

impl Session {
    /// The challenge of the login that it serves or served.
    #[must_use]
    pub const fn challenge(&self) -> Option<ChallengeId> {
        match self.stage {
            Stage::Serving { challenge, .. } => Some(challenge),
            Stage::Armed | Stage::Collided | Stage::Replaced => None,
        }
    }

    /// Whether it waits for a login at `now`.
    #[must_use]
    pub fn is_armed(&self, now: Timestamp) -> bool {
        // One armed in the future was armed before the clock was set back.
        self.stage == Stage::Armed && self.armed_at <= now && now < self.expires_at
    }

    /// By what a login is let in that begins at `now`, where a code was typed here.
    #[must_use]
    pub fn open_by(&self, now: Timestamp) -> Option<&Opened> {
        self.opened.as_ref().filter(|opened| now < opened.until && self.is_armed(now))
    }

    /// A sign of life of its page: it stays armed for another [`ARMED_SECONDS`], within [`LONGEST_SECONDS`] in all.
    pub fn renew(&mut self, now: Timestamp) {
        if self.is_armed(now) {
            let longest = self.armed_at.plus_seconds(LONGEST_SECONDS);
            self.expires_at = now.plus_seconds(ARMED_SECONDS).min(longest).max(self.expires_at);
        }
    }

    /// Whether it takes a place at `now` among those of unknown browsers that are counted: for as long as they are
    /// counted, and for as long as it waits.
    #[must_use]
    pub fn is_counted(&self, now: Timestamp) -> bool {
        // One counted in the future was counted before the clock was set back.
        let sound = self.counted_at < now.plus_seconds(CLOCK_STEP_SECONDS);
        let counts = sound && now < self.counted_at.plus_seconds(COUNTED_SECONDS);
        self.hears && self.browser.is_none() && (counts || self.is_armed(now))
    }

    /// Whether a sign of life at `now` is worth a write.
    #[must_use]
    pub fn wants_renewal(&self, now: Timestamp) -> bool {
        let mut renewed = self.clone();
        renewed.renew(now);
        renewed.expires_at.since(self.expires_at).as_secs() >= 30
    }

    /// What its page shows at `now`. `challenge` is that of the login that it serves, settled; `is_eclipsed` tells
    /// whether a bound browser waits or shows beside it, so that it sees nothing.
    #[must_use]
    pub fn shown(&self, challenge: Option<&Challenge>, is_eclipsed: bool, now: Timestamp) -> Shown {
        let waits = if now < self.expires_at { Shown::Armed } else { Shown::Expired };
        if is_eclipsed && self.stage != Stage::Collided {
            return waits;
        }
        match (self.stage, challenge) {
            (Stage::Armed, _) => waits,
            (Stage::Collided, _) => Shown::Collision,
            (Stage::Replaced, _) | (Stage::Serving { .. }, None) => Shown::Expired,
            (Stage::Serving { confirmed, .. }, Some(challenge)) => match (&challenge.state, &challenge.number) {
                (State::Pending, number) if confirmed => Shown::Number(number.clone()),
                (State::Pending, _) => Shown::Confirm,
                (State::Approved { .. } | State::Redeemed { .. }, _) => Shown::Approved,
                (State::Expired { .. }, _) => Shown::Expired,
                (State::Denied { .. } | State::Cancelled { .. }, _) => Shown::Refused,
            },
        }
    }
}
