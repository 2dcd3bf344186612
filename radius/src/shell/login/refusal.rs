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
    #[error("there is no code where one should be")]
    NoCode,
    #[error("the code was not right")]
    WrongCode,
    /// It may have been counted, or spent, all the same.
    #[error("a code was given to the server, which did not answer and has not let in on it")]
    CodeLost,
    #[error("refused by the upstream server")]
    FirstFactor,
    #[error("the client's gateway cannot show a number")]
    CannotDisplay,
    /// No challenge was made, as far as is known here.
    #[error("the server did not answer, or could not decide")]
    Unreachable,
    #[error("not served: {0}")]
    NotServed(Cause),
}

impl Refusal {
    /// What a challenge is told by that is neither waiting nor approved. A status that is not known decides nothing.
    pub(super) fn decided(view: &ChallengeView) -> Self {
        match view.status.as_str() {
            "denied" | "expired" | "cancelled" => {
                Self::Decided { status: view.status.clone(), reason: view.reason.clone() }
            }
            _ => Self::NotServed(Cause::CallRefused),
        }
    }

    /// The same, of a login that has learnt of no challenge.
    pub(super) fn without_challenge(self) -> Self {
        if self == Self::NotServed(Cause::ServerUnavailable) { Self::Unreachable } else { self }
    }

    /// Whether a challenge may still be open behind it.
    pub(super) const fn leaves_it_open(&self) -> bool {
        !matches!(self, Self::Decided { .. })
    }

    /// What the administrator is to hear of.
    pub(super) const fn cause(&self) -> Option<Cause> {
        match self {
            Self::NotServed(cause) => Some(*cause),
            Self::Unreachable | Self::CodeLost => Some(Cause::ServerUnavailable),
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

/// A deadline that comes while the server does not answer is the server's.
pub(super) fn ended_after(ended: Ended, failed: bool) -> Refusal {
    match ended {
        Ended::Deadline if failed => Refusal::NotServed(Cause::ServerUnavailable),
        ended => ended.into(),
    }
}
