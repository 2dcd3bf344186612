//! Why something did not work, as the client's side sees it.

use gatematch_protocol::challenge::ChallengeFault;
use gatematch_protocol::jws::SigningFailed;
use gatematch_protocol::problem::{Code, ProblemDocument};
use gatematch_protocol::result::ResultFault;

use crate::enrollment::NotALink;

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server refused, and said why (RFC 9457).
    #[error("the server refused: {} ({}, HTTP {})", .0.detail, .0.code, .0.status)]
    Problem(Box<ProblemDocument>),
    /// What was given is no address of a server.
    #[error("not the address of a server: {0}")]
    Address(String),
    /// No answer: the server was not reached, or went silent.
    #[error("no answer from the server: {0}")]
    Transport(String),
    /// An answer that the contract does not know.
    #[error("the server answered with something else than the contract says (HTTP {status}): {what}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
    /// The phone has no account yet.
    #[error("this phone is not enrolled")]
    NotEnrolled,
    /// The link is none, or another server's.
    #[error(transparent)]
    Link(#[from] NotALink),
    /// The phone does not believe the challenge.
    #[error("the challenge is not to be believed: {0}")]
    Challenge(#[from] ChallengeFault),
    /// The gateway does not believe the result.
    #[error("the result is not to be believed: {0}")]
    Result(#[from] ResultFault),
    /// The key did not sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// What was asked for cannot be done with what was given.
    #[error("{0}")]
    Missing(&'static str),
}

impl Failure {
    pub(crate) fn unexpected(status: u16, what: impl Into<String>) -> Self {
        Self::Unexpected { status, what: what.into() }
    }

    /// The problem document, where the server gave one.
    #[must_use]
    pub fn problem(&self) -> Option<&ProblemDocument> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// The code of the problem document, where it is one of the table.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        Code::from_code(&self.problem()?.code)
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::Unexpected { status, .. } => Some(*status),
            _ => None,
        }
    }
}
