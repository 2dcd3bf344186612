//! A challenge and its life: `pending` -> `approved` -> `redeemed`, and the ways in which it ends otherwise.
//!
//! The states are a type whose variants carry just what each state has; [`State::step`] is the whole life
//! cycle in one `match`. What is not there does not happen.

use std::net::IpAddr;

use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId, GatewayId, UserId};
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::habit::Origin;
use crate::number::Number;
use crate::policy::Method;

/// How long after `expires_at` an approval can still be redeemed, in seconds.
pub const REDEEM_GRACE_SECONDS: i64 = 5;
/// How far the clock may be set back before what was made since then is dead, in seconds.
pub const CLOCK_STEP_SECONDS: i64 = 60;
/// How long the same redemption is answered with the same result, in seconds.
pub const REPEAT_SECONDS: i64 = 600;

/// Where a login comes from, as the gateway tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// The client's address; IPv4-mapped ones are IPv4 here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The client computer's name, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Client {
    /// As the audit log shows it; `None` where nothing is known.
    #[must_use]
    pub fn shown(&self) -> Option<Map<String, Value>> {
        let mut shown = Map::new();
        if let Some(ip) = self.ip {
            shown.insert("ip".to_owned(), ip.to_string().into());
        }
        if let Some(name) = &self.name {
            shown.insert("name".to_owned(), name.as_str().into());
        }
        (!shown.is_empty()).then_some(shown)
    }
}

/// Where the number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// By the gateway itself.
    Gateway,
    /// On the connect page of the person's browser.
    Page,
    /// Nowhere.
    None,
}

impl Display {
    /// Every place.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Page, Self::None];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Page => "page",
            Self::None => "none",
        }
    }

    /// The place with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|display| display.as_str() == word)
    }
}

/// Why a challenge was refused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The person denied it.
    User,
    /// The person said that it was not him.
    Reported,
    /// The number typed was another.
    WrongNumber,
    /// Three wrong passcodes.
    Passcode,
    /// Policy refuses it.
    Policy,
    /// The account is locked or disabled.
    Locked,
    /// There is no account, or one without a factor.
    NotEnrolled,
    /// A limit stands against it.
    RateLimited,
    /// Another login of the same user took its place, or collided with it.
    Superseded,
    /// The phone, the user or the gateway is gone.
    Revoked,
    /// Nobody decided in time.
    Timeout,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::User,
        Self::Reported,
        Self::WrongNumber,
        Self::Passcode,
        Self::Policy,
        Self::Locked,
        Self::NotEnrolled,
        Self::RateLimited,
        Self::Superseded,
        Self::Revoked,
        Self::Timeout,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Reported => "reported",
            Self::WrongNumber => "wrong-number",
            Self::Passcode => "passcode",
            Self::Policy => "policy",
            Self::Locked => "locked",
            Self::NotEnrolled => "not-enrolled",
            Self::RateLimited => "rate-limited",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Timeout => "timeout",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// How a login was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// By what.
    pub method: Method,
    /// By which phone.
    pub device: Option<DeviceId>,
    /// By which other factor, or by which bypass.
    pub authenticator: Option<AuthenticatorId>,
    /// How the phone claims to have verified the person.
    pub uv: UserVerification,
}

impl Approval {
    /// By something that is no factor of the person.
    #[must_use]
    pub const fn without(method: Method) -> Self {
        Self { method, device: None, authenticator: None, uv: UserVerification::None }
    }
}

/// Where a challenge is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a decision.
    Pending,
    /// It was approved and waits for its gateway.
    Approved {
        /// When.
        at: Timestamp,
        /// How.
        approval: Approval,
    },
    /// The gateway let the person in.
    Redeemed {
        /// When.
        at: Timestamp,
        /// How it was approved.
        approval: Approval,
        /// What the gateway calls this redemption.
        redemption_id: String,
        /// The signed result.
        result: String,
    },
    /// It was refused.
    Denied {
        /// When.
        at: Timestamp,
        /// Why.
        reason: Reason,
        /// By which phone, where one decided.
        device: Option<DeviceId>,
    },
    /// Its time ran out.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// It was taken back.
    Cancelled {
        /// When.
        at: Timestamp,
        /// Why, where it was not its gateway.
        reason: Option<Reason>,
    },
}

/// What can happen to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A factor approves it.
    Approve(Approval),
    /// It is refused.
    Deny {
        /// Why.
        reason: Reason,
        /// By which phone, where one decided.
        device: Option<DeviceId>,
    },
    /// Its time runs out.
    Expire,
    /// It is taken back.
    Cancel {
        /// Why, where it was not its gateway.
        reason: Option<Reason>,
    },
    /// Its gateway spends the approval.
    Redeem {
        /// What the gateway calls this redemption.
        redemption_id: String,
        /// The signed result.
        result: String,
    },
}

impl State {
    /// The life of a challenge: the state after `step`, or no state because that step does not exist.
    #[must_use]
    pub fn step(self, step: Step, at: Timestamp) -> Option<Self> {
        match (self, step) {
            (Self::Pending, Step::Approve(approval)) => Some(Self::Approved { at, approval }),
            (Self::Pending, Step::Deny { reason, device }) => Some(Self::Denied { at, reason, device }),
            (Self::Approved { .. }, Step::Deny { reason: reason @ (Reason::Revoked | Reason::Locked), device }) => {
                Some(Self::Denied { at, reason, device })
            }
            (Self::Pending | Self::Approved { .. }, Step::Expire) => Some(Self::Expired { at }),
            (Self::Pending | Self::Approved { .. }, Step::Cancel { reason }) => Some(Self::Cancelled { at, reason }),
            (Self::Approved { approval, .. }, Step::Redeem { redemption_id, result }) => {
                Some(Self::Redeemed { at, approval, redemption_id, result })
            }
            _ => None,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved { .. } => "approved",
            Self::Redeemed { .. } => "redeemed",
            Self::Denied { .. } => "denied",
            Self::Expired { .. } => "expired",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Why it ended, where there is a reason to tell.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Denied { reason, .. } => Some(*reason),
            Self::Cancelled { reason, .. } => *reason,
            Self::Expired { .. } => Some(Reason::Timeout),
            Self::Pending | Self::Approved { .. } | Self::Redeemed { .. } => None,
        }
    }

    /// Whether it can still lead to somebody being let in.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Pending | Self::Approved { .. })
    }

    /// The factor beside a phone, or the bypass, by which it was approved and waits for its gateway.
    #[must_use]
    pub const fn approved_with(&self) -> Option<AuthenticatorId> {
        match self {
            Self::Approved { approval, .. } => approval.authenticator,
            _ => None,
        }
    }

    /// Whether something else than its person has approved it, and it waits for its gateway.
    #[must_use]
    pub fn is_approved_without(&self) -> bool {
        matches!(self, Self::Approved { approval, .. } if Method::WITHOUT.contains(&approval.method))
    }

    /// The phone that decided, where one did.
    #[must_use]
    pub const fn decided_by(&self) -> Option<DeviceId> {
        match self {
            Self::Approved { approval, .. } | Self::Redeemed { approval, .. } => approval.device,
            Self::Denied { device, .. } => *device,
            Self::Pending | Self::Expired { .. } | Self::Cancelled { .. } => None,
        }
    }
}

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Names it.
    pub id: ChallengeId,
    /// Whose login it is; `None` where there is no such account.
    pub user: Option<UserId>,
    /// The canonical name, or what was given where there is no account.
    pub username: String,
    /// Who asked.
    pub gateway: GatewayId,
    /// Where the login comes from.
    pub client: Client,
    /// Where its client is, to be remembered once the person is let in.
    pub origin: Option<Origin>,
    /// Where the number is shown.
    pub display: Display,
    /// The number, where one is to be matched.
    pub number: Option<Number>,
    /// The ways that are allowed and held.
    pub methods: Vec<Method>,
    /// Whether an approval needs user verification.
    pub uv_required: bool,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The phones that it was made for.
    pub sent_to: Vec<DeviceId>,
    /// How many passcodes were wrong.
    pub wrong_passcodes: u8,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Where it is in its life.
    pub state: State,
}

impl Challenge {
    /// Takes `step`, if it exists from here; false and unchanged if not.
    #[must_use]
    pub fn take(&mut self, step: Step, at: Timestamp) -> bool {
        match self.state.clone().step(step, at) {
            Some(next) => {
                self.state = next;
                true
            }
            None => false,
        }
    }

    /// When its time runs out, as long as it is live: a pending one at `expires_at`, an approval some seconds later.
    #[must_use]
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Pending => Some(self.expires_at),
            State::Approved { .. } => Some(self.expires_at.plus_seconds(REDEEM_GRACE_SECONDS)),
            _ => None,
        }
    }

    /// Whether its time has run out but nobody has written that down yet.
    ///
    /// One that was made in the future is dead too: the clock was set back, and by its own count it would live
    /// longer than anything may.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let from_the_future = self.created_at > now.plus_seconds(CLOCK_STEP_SECONDS);
        self.deadline().is_some_and(|deadline| deadline <= now || from_the_future)
    }

    /// Whether its number was matched by this approval: a code that is typed instead matches none.
    #[must_use]
    pub fn is_matched_by(&self, approval: &Approval) -> bool {
        approval.method == Method::Push && self.number.is_some()
    }

    /// Whether phones were asked.
    #[must_use]
    pub const fn asks_phones(&self) -> bool {
        !self.sent_to.is_empty()
    }

    /// Whether a login with this gateway and client is the same login tried again.
    #[must_use]
    pub fn is_retried_by(&self, gateway: GatewayId, client: &Client) -> bool {
        self.gateway == gateway && self.client == *client
    }
}

#[cfg(test)]
mod tests;
