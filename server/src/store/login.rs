//! What the verbs of a login take and do.

use gatematch_domain::challenge::Challenge;
use gatematch_domain::login::Login;
use gatematch_domain::policy::Ruling;
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};

use super::Act;

/// What [`super::Store::open_challenge`] takes. It has no `Debug`: the number follows from the draw.
#[derive(Clone)]
pub struct OpenChallenge {
    /// Who asks.
    pub act: Act,
    /// What for.
    pub login: Login,
    /// What the login must bring.
    pub ruling: Ruling,
    /// The signed challenge of each phone, in the order of the account's phones.
    pub signed: Vec<(DeviceId, String)>,
    /// Whether those signed challenges ask for a number.
    pub numbered: bool,
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
    /// The account changed since the challenge was signed: sign again.
    Stale {
        /// Whether the phone must ask for a number, as it looks now.
        numbered: bool,
    },
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
