//! What the verbs of a login take and do.

use std::sync::Arc;

use gatematch_domain::challenge::Challenge;
use gatematch_domain::course::Foreseen;
use gatematch_domain::device::Device;
use gatematch_domain::login::Login;
use gatematch_domain::place::Atlas;
use gatematch_domain::user::User;
use gatematch_protocol::id::{ChallengeId, GatewayId, UserId};

use super::Act;

/// What [`super::Store::open_challenge`] takes. It has no `Debug`: the number follows from the draw.
#[derive(Clone)]
pub struct OpenChallenge {
    /// Who asks.
    pub act: Act,
    /// What for.
    pub login: Login,
    /// Who is asked, and with what, as it looked before the write.
    pub foreseen: Foreseen,
    /// The signed challenge of each of those phones, in their order.
    pub signed: Vec<String>,
    /// Who knows where addresses are.
    pub atlas: Arc<dyn Atlas>,
    /// 64 uniform random bits, for the number.
    pub draw: u64,
    /// After how many seconds without a sign-in an account sleeps; `None`: never.
    pub dormant_after: Option<i64>,
    /// The Idempotency-Key and the digest of the body, where one was given.
    pub repeat: Option<(String, String)>,
}

/// What [`super::Store::open_challenge`] did.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// There is a new challenge.
    New(Box<Challenge>),
    /// The Idempotency-Key was used before: this is the first answer.
    Repeated(Box<FirstAnswer>),
    /// The Idempotency-Key was used with another body.
    KeyReused,
    /// What decides changed since the challenges were signed: sign again, for this.
    Stale(Box<Foreseen>),
}

/// The first answer to an Idempotency-Key.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstAnswer {
    /// The digest of the body that it answered.
    pub body_digest: String,
    /// The challenge as it is now.
    pub challenge: Challenge,
    /// The state in the first answer.
    pub status: String,
    /// The reason in the first answer.
    pub reason: Option<String>,
}

/// The phone that answers a challenge.
#[derive(Clone, Debug)]
pub struct Answering {
    /// The phone.
    pub device: Device,
    /// Whose it is.
    pub user: User,
    /// Whose the challenge is; `None`: nobody's, or there is none.
    pub asked: Option<UserId>,
    /// What was signed for the phone; `None`: it was not asked.
    pub signed: Option<String>,
}

/// What [`super::Store::redeem`] takes.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// Who redeems.
    pub act: Act,
    /// The challenge.
    pub id: ChallengeId,
    /// The gateway that made it.
    pub gateway: GatewayId,
    /// What the gateway calls this redemption.
    pub redemption_id: String,
    /// The signed result.
    pub result: String,
}
