//! Why a login ends in Access-Reject. The log says which; the person is not told.

use gatematch_protocol::challenge::ChallengeView;

use crate::door::Cause;

/// Why work was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client's time is nearly over.
    Deadline,
    /// Another request took its place, or the front door stops.
    Told,
}

/// Why a login ends in Access-Reject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The server has decided, or the challenge is over.
    #[error("{status}, {}", .reason.as_deref().unwrap_or("without reason"))]
    Decided { status: String, reason: Option<String> },
    #[error("not decided in time")]
    Deadline,
    #[error("another request took its place, or the front door stops")]
    Told,
    #[error("the State is unknown, spent, expired, or was given to somebody else")]
    State,
    #[error("approved without a factor, and first_factor is none")]
    NameAlone,
    #[error("refused by the upstream server")]
    FirstFactor,
    #[error("the client's gateway cannot show a number")]
    CannotDisplay,
    #[error("the result is not to be believed: {0}")]
    Unbelievable(String),
    #[error("the server refused a call with {0}")]
    Call(u16),
    #[error("not served: {0}")]
    NotServed(Cause),
}

impl Refusal {
    pub(super) fn decided(view: &ChallengeView) -> Self {
        Self::Decided { status: view.status.clone(), reason: view.reason.clone() }
    }

    /// Whether a challenge may still be open behind it.
    pub(super) const fn leaves_it_open(&self) -> bool {
        !matches!(self, Self::Decided { .. })
    }

    /// What the administrator is to hear of.
    pub(super) const fn cause(&self) -> Option<Cause> {
        match self {
            Self::NotServed(cause) => Some(*cause),
            _ => None,
        }
    }
}

impl From<Ended> for Refusal {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Deadline => Self::Deadline,
            Ended::Told => Self::Told,
        }
    }
}
