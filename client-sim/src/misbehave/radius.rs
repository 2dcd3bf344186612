//! RD Gateway's NPS doing the wrong thing on purpose: the RADIUS side of the catalogue (RA-01 to RA-09).
//!
//! As over HTTP, each knows what must happen. Here that is silence, an Access-Reject, or a word about which answer
//! belongs to which copy. Whatever is sent, the front door must live on: a Status-Server follows each.

mod datagram;
mod login;
mod play;

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use crate::radius::{AccessRequest, Answer, RadiusClient, Unsound};

/// The RADIUS part of the catalogue, in the order of its chapters. Names are unique in the whole catalogue.
pub static ALL: LazyLock<Vec<Misbehaviour>> =
    LazyLock::new(|| [datagram::SIGNATURES, datagram::SHAPES, datagram::CODES, login::TABLE].concat());

/// A user whom nobody has, for requests that are odd but sound: they reach the end of the way, and disturb nobody.
pub const NOBODY: &str = "gatematch-sim-nobody";

/// The misbehaviour with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Misbehaviour> {
    ALL.iter().find(|misbehaviour| misbehaviour.name == name)
}

/// One wrong thing to do.
#[derive(Clone, Copy, Debug)]
pub struct Misbehaviour {
    /// Kebab-case, unique.
    pub name: &'static str,
    /// The security case that it belongs to, such as `RA-02`.
    pub case: &'static str,
    /// What is done, in words.
    pub what: &'static str,
    /// What must come back.
    pub expect: Expect,
    /// What there must be beside the front door.
    pub needs: Needs,
    play: Play,
}

/// What must come back. In each case the front door still answers a Status-Server afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing at all.
    Silence,
    /// An Access-Reject.
    Reject,
    /// Nothing, or an Access-Reject: never anything that helps.
    Refusal,
    /// Odd, but allowed: an answer that is to be believed.
    Answer,
    /// To every copy the same bytes or nothing, and to the last copy these bytes.
    SameBytes,
    /// To the first request nothing or an Access-Reject, to the second an answer of its own.
    SecondOnly,
}

/// What there must be beside the front door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    FrontDoor,
    /// A front door with `style = "hold"`, and a user who is refused at once or whose phone answers within the patience.
    Decision,
    /// A user with a phone, and a front door with `style = "challenge"`.
    Challenge,
}

/// What a misbehaviour has to work with.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The socket, of a client that the front door knows.
    pub client: &'a RadiusClient,
    /// Who signs in.
    pub user: &'a str,
    /// What his computer calls itself.
    pub machine: &'a str,
    /// How long silence must last to be believed.
    pub quiet: Duration,
    /// How long a decision may take.
    pub patience: Duration,
}

/// What came back to one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// Something that is to be believed.
    Answer(Answer),
    /// Something that is not.
    Unsound(Unsound),
    /// The login did not begin with an Access-Challenge, but with this: what was to be done could not be.
    NoChallenge(Box<Reply>),
}

/// What came back in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// To each datagram, in order.
    pub replies: Vec<Reply>,
    /// Whether the front door answered a Status-Server afterwards.
    pub is_alive: bool,
}

#[derive(Clone, Copy, Debug)]
enum Play {
    /// These, one after the other.
    Datagrams(fn(&Scene<'_>) -> Vec<Vec<u8>>),
    /// This request, signed as it should be.
    Request(fn(&Scene<'_>) -> AccessRequest),
    /// A sound request five times, and once more after the answer.
    Retransmit,
    /// Two sound requests under one identifier.
    SameIdentifier,
    /// The State of a challenge twice.
    ReplayedState,
    /// The State of a challenge with another user's name.
    ForeignState,
}

impl Misbehaviour {
    const fn datagrams(
        name: &'static str,
        case: &'static str,
        what: &'static str,
        expect: Expect,
        make: fn(&Scene<'_>) -> Vec<Vec<u8>>,
    ) -> Self {
        Self { name, case, what, expect, needs: Needs::FrontDoor, play: Play::Datagrams(make) }
    }
}

impl Expect {
    /// Whether this is what came back.
    #[must_use]
    pub fn is_met_by(&self, heard: &Heard) -> bool {
        let (Some(first), Some(last)) = (heard.replies.first(), heard.replies.last()) else { return false };
        let met = match self {
            Self::Silence => heard.replies.iter().all(|reply| *reply == Reply::Nothing),
            Self::Reject => last.is_reject(),
            Self::Refusal => heard.replies.iter().all(Reply::is_refusal),
            Self::Answer => matches!(last, Reply::Answer(_)),
            Self::SameBytes => {
                matches!(last, Reply::Answer(_))
                    && heard.replies.iter().all(|reply| reply == last || *reply == Reply::Nothing)
            }
            Self::SecondOnly => first.is_refusal() && matches!(last, Reply::Answer(_)),
        };
        met && heard.is_alive
    }
}

impl Reply {
    fn is_reject(&self) -> bool {
        matches!(self, Self::Answer(answer) if answer.is_reject())
    }

    fn is_refusal(&self) -> bool {
        *self == Self::Nothing || self.is_reject()
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "silence",
            Self::Reject => "Access-Reject",
            Self::Refusal => "silence or Access-Reject",
            Self::Answer => "an answer",
            Self::SameBytes => "the same bytes",
            Self::SecondOnly => "an answer to the second alone",
        })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("silence"),
            Self::Answer(answer) => f.write_str(&answer.name()),
            Self::Unsound(fault) => write!(f, "something, but {fault}"),
            Self::NoChallenge(reply) => write!(f, "{reply}, where an Access-Challenge was to begin with"),
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replies: Vec<_> = self.replies.iter().map(ToString::to_string).collect();
        let end = if self.is_alive { "" } else { ", and then no answer to a Status-Server" };
        write!(f, "{}{end}", replies.join(", then "))
    }
}

#[cfg(test)]
mod tests;
