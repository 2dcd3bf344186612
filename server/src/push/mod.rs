//! Push: phones are told of what they may fetch (contract section 7). It is a hint and nothing more: a push that is
//! lost, late or doubled costs convenience, never a login.
//!
//! After a commit the store hands [`Letter`]s to the [`office`], which brings them to a [`Delivery`]; the one that is
//! real is [`web::WebPush`]. It seals ([`seal`]), says who pushes ([`vapid`]), and calls public addresses only
//! ([`address`]).

pub mod address;
pub mod letter;
pub mod metrics;
pub mod office;
mod queue;
mod recent;
#[doc(hidden)]
pub mod recording;
mod refusals;
pub mod seal;
#[cfg(test)]
pub(crate) mod trial;
pub mod vapid;
pub mod web;

use std::fmt;
use std::time::Duration;

use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::time::Timestamp;

pub use self::letter::{Letter, Message};
use crate::edge::Pending;

/// The longest that a push service is left alone because it asks for it, in seconds.
const MOST_REST_SECONDS: i64 = 3_600;

/// What one push brings. Its `Debug` tells nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Where to.
    pub to: PushSubscription,
    /// A later push with the same topic takes its place while the phone is away (RFC 8030 section 5.4).
    pub topic: String,
    /// When it is of no use any more.
    pub good_until: Timestamp,
    /// The message, not yet sealed.
    pub text: String,
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel({})", self.topic)
    }
}

/// What became of one try to push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The push service took it.
    Delivered,
    /// The subscription is no more (404, 410).
    Gone,
    /// The push service does not let us push (401, 403): by our key, or at all.
    Refused {
        /// The status.
        status: u16,
    },
    /// It wants fewer (429), or none for now (503 that says how long).
    Busy {
        /// For how long it wants to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// The message is too long for it (413).
    TooLarge,
    /// It wants something else (any other 4xx, or a redirection, which is not followed).
    Rejected {
        /// The status.
        status: u16,
    },
    /// It could not be reached in time, or could not do it (5xx): perhaps later.
    Failed {
        /// What went wrong, without the endpoint.
        why: String,
    },
    /// We could not make the push: a fault of our own, which says nothing about the push service.
    Broken {
        /// What went wrong.
        why: String,
    },
    /// The endpoint is not among those that we may call (any more), or its keys are none.
    NotAllowed,
}

impl Outcome {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Refused { .. } => "refused",
            Self::Busy { .. } => "busy",
            Self::TooLarge => "too-large",
            Self::Rejected { .. } => "rejected",
            Self::Failed { .. } => "failed",
            Self::Broken { .. } => "broken",
            Self::NotAllowed => "not-allowed",
        }
    }
}

/// Brings a parcel to a push service: one try, in bounded time.
pub trait Delivery: Send + Sync {
    /// Tries it once.
    fn deliver(&self, parcel: Parcel) -> Pending<'_, Outcome>;
}
