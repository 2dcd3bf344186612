//! The same phone and gateway doing the wrong thing on purpose: one name for each refusal.
//!
//! A misbehaviour is a list of requests, made from a [`Scene`] without any I/O; [`Misbehaviour::carry_out`] sends
//! them in order and gives back the last answer. What the contract says about that answer is in
//! [`Misbehaviour::expect`]. What goes over RADIUS is no request and answer of HTTP: [`radius`] has a catalogue of its
//! own, made in the same way.

mod body;
mod claim;
mod enrollment;
mod forge;
mod gateway;
mod header;
mod helpdesk;
mod key;
mod own;
mod passcode;
mod proof;
pub mod radius;
mod replay;
mod signature;

use std::sync::LazyLock;
use std::time::Duration;

use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId};
use gatematch_protocol::jws::SigningFailed;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::ResponseOutcome;

pub use self::forge::Forge;
pub use self::key::PRIVATE_PART;
use crate::admin::Admin;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::http::Answer;
use crate::phone::Phone;

/// The catalogue, in the order of its chapters. Names are unique.
pub static ALL: LazyLock<Vec<Misbehaviour>> = LazyLock::new(|| {
    let tables = [
        header::TABLE,
        signature::TABLE,
        claim::TABLE,
        replay::TABLE,
        body::TABLE,
        proof::TABLE,
        enrollment::TABLE,
        key::TABLE,
        gateway::TABLE,
        passcode::TABLE,
        own::TABLE,
        helpdesk::TABLE,
    ];
    tables.concat()
});

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
    /// The security case that it belongs to, such as `AP-05`.
    pub case: &'static str,
    /// What is done, in words.
    pub what: &'static str,
    /// What the contract says that the server answers.
    pub expect: Expect,
    /// What there must be in the scene.
    pub needs: Needs,
    make: Make,
}

/// What the contract says about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This problem, with its status.
    Problem(Code),
    /// A response that was heard: 200 with this state and reason.
    Outcome(&'static str, Option<&'static str>),
    /// Odd, but allowed: this status.
    Allowed(u16),
}

/// What there must be in a [`Scene`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// An enrolled phone.
    Phone,
    /// An enrolled phone, and a challenge with a number that is pending for it.
    Challenge,
    /// A phone that is not enrolled, and a fresh enrollment token.
    Enrollment,
    /// An enrolled phone, and a fresh enrollment token, of whomever.
    SecondEnrollment,
    /// A gateway that can display numbers.
    Gateway,
    /// A gateway, and a challenge of its own that is approved, or will be within a minute.
    Login,
    /// As `Login`, and a second gateway.
    OtherGateway,
    /// An enrolled phone, and an authenticator app of its person that waits to be confirmed.
    Confirming,
    /// An administrator's tool with the role `admin` or `helpdesk`, and a user whom it may manage.
    Helpdesk,
}

/// What a misbehaviour has to work with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scene<'a> {
    /// The phone.
    pub phone: Option<&'a Phone>,
    /// The challenge that is pending for the phone, as signed by the server.
    pub challenge: Option<&'a str>,
    /// The right number of that challenge.
    pub number: Option<&'a str>,
    /// A fresh enrollment token.
    pub token: Option<&'a str>,
    /// The gateway.
    pub gateway: Option<&'a Gateway>,
    /// A challenge that the gateway made.
    pub login: Option<ChallengeId>,
    /// A gateway that did not make it.
    pub other_gateway: Option<&'a Gateway>,
    /// Somebody else's phone; an invented id where absent.
    pub other_device: Option<DeviceId>,
    /// An authenticator app of the phone's person that waits to be confirmed.
    pub app: Option<AuthenticatorId>,
    /// An administrator's tool.
    pub admin: Option<&'a Admin>,
    /// Whom the administrator manages.
    pub user: Option<&'a str>,
    /// Where a forged `jku` or `x5u` points to, so that a test can listen there; an address that leads nowhere
    /// where absent.
    pub elsewhere: Option<&'a str>,
}

/// A request as it will be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Not to be sent before this NumericDate on the phone's clock.
    pub not_before: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum Make {
    /// A response to the pending challenge.
    Response(fn(&Forge<'_>) -> Result<String, SigningFailed>),
    /// Anything else.
    Requests(fn(&Scene<'_>) -> Result<Vec<Request>, Failure>),
}

impl Misbehaviour {
    /// What would be sent, in order.
    ///
    /// # Errors
    /// [`Failure::Missing`] or [`Failure::NotEnrolled`] where the scene has not what is needed.
    pub fn requests(&self, scene: &Scene<'_>) -> Result<Vec<Request>, Failure> {
        match self.make {
            Make::Response(make) => {
                let forge = Forge::new(scene)?;
                Ok(vec![forge.post(&forge.id, &make(&forge)?)?])
            }
            Make::Requests(make) => make(scene),
        }
    }

    /// Does it, and gives back the last answer.
    ///
    /// # Errors
    /// As [`Misbehaviour::requests`]; and [`Failure::Transport`]. A refusal is an [`Answer`].
    pub async fn carry_out(&self, scene: &Scene<'_>) -> Result<Answer, Failure> {
        let api = scene.phone.map(Phone::api).or_else(|| scene.gateway.map(|gateway| &gateway.api));
        let api = api.or_else(|| scene.admin.map(|admin| &admin.api));
        let api = api.ok_or(Failure::Missing("a misbehaviour needs a phone, a gateway or an administrator"))?;
        let mut last = Err(Failure::Missing("nothing was sent"));
        for request in self.requests(scene)? {
            if let (Some(not_before), Some(phone)) = (request.not_before, scene.phone) {
                let left = u64::try_from(not_before.saturating_sub(phone.now())).unwrap_or(0);
                tokio::time::sleep(Duration::from_secs(left)).await;
            }
            let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            last = Ok(api.raw(request.method, &request.path, &headers, request.body).await?);
        }
        last
    }

    const fn response(
        name: &'static str,
        case: &'static str,
        what: &'static str,
        expect: Expect,
        make: fn(&Forge<'_>) -> Result<String, SigningFailed>,
    ) -> Self {
        Self { name, case, what, expect, needs: Needs::Challenge, make: Make::Response(make) }
    }

    const fn requests_of(
        needs: Needs,
        name: &'static str,
        case: &'static str,
        what: &'static str,
        expect: Expect,
        make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
    ) -> Self {
        Self { name, case, what, expect, needs, make: Make::Requests(make) }
    }
}

impl Expect {
    /// Whether `answer` is what the contract says.
    #[must_use]
    pub fn is_met_by(&self, answer: &Answer) -> bool {
        match self {
            Self::Problem(code) => {
                answer.problem().is_some_and(|problem| problem.code == code.as_str() && problem.status == code.status())
            }
            Self::Outcome(status, reason) => answer
                .json::<ResponseOutcome>()
                .is_ok_and(|outcome| outcome.status == *status && outcome.reason.as_deref() == *reason),
            Self::Allowed(status) => answer.status == *status,
        }
    }
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Problem(code) => write!(f, "{} {code}", code.status()),
            Self::Outcome(status, None) => write!(f, "200 {status}"),
            Self::Outcome(status, Some(reason)) => write!(f, "200 {status} ({reason})"),
            Self::Allowed(status) => write!(f, "{status}"),
        }
    }
}

impl<'a> Scene<'a> {
    fn phone(&self) -> Result<&'a Phone, Failure> {
        self.phone.ok_or(Failure::Missing("this misbehaviour needs a phone"))
    }

    fn gateway(&self) -> Result<&'a Gateway, Failure> {
        self.gateway.ok_or(Failure::Missing("this misbehaviour needs a gateway"))
    }

    fn login(&self) -> Result<ChallengeId, Failure> {
        self.login.ok_or(Failure::Missing("this misbehaviour needs a login that the gateway has started"))
    }

    fn token(&self) -> Result<&'a str, Failure> {
        self.token.ok_or(Failure::Missing("this misbehaviour needs an enrollment token"))
    }
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), ..Self::default() }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn json(self, body: impl Into<Vec<u8>>) -> Self {
        let mut request = self.header("content-type", "application/json");
        request.body = body.into();
        request
    }
}

#[cfg(test)]
mod tests;
