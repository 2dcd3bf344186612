//! One login from its beginning to its end, over HTTP or over RADIUS, and how long each step of it took.

use std::pin::pin;
use std::time::{Duration, Instant};

use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::response::{Decision, PostResponse, ResponseOutcome, UserVerification};
use tokio::time::timeout;

use super::people::Person;
use super::reason;
use crate::edge;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::http::body;
use crate::phone::{challenge_id, response_path};
use crate::radius::storm::Sockets;
use crate::radius::{AccessRequest, Answer, Silence, Timing};

/// How long the phone waits for its challenge, and the gateway for the decision, in seconds.
const WAIT: u32 = 10;
/// What the person's computer calls itself.
const MACHINE: &str = "LOAD";

/// A step of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The gateway asks for a challenge; over RADIUS it is the front door that does.
    Create,
    /// The phone fetches the challenge and checks it. Over RADIUS this begins with the request.
    Fetch,
    /// From the answer to the create (over RADIUS from the request) until the push has come to the phone and was
    /// checked.
    Push,
    /// The phone signs and sends its response, and hears the outcome.
    Respond,
    /// From the moment when the phone sends its response until whoever waits for the decision hears of it.
    Heard,
    /// The gateway redeems the approval and checks the result; where it waits in that request, it is part of the step
    /// before.
    Redeem,
    /// All of it; at a fixed rate from the moment when it should have begun.
    Whole,
}

impl Step {
    /// All, in their order.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Fetch, Self::Push, Self::Respond, Self::Heard, Self::Redeem, Self::Whole];

    /// Its name, for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Fetch => "fetch",
            Self::Push => "push",
            Self::Respond => "respond",
            Self::Heard => "heard",
            Self::Redeem => "redeem",
            Self::Whole => "whole",
        }
    }
}

/// How long the steps of one login took.
pub(super) type Times = Vec<(Step, Duration)>;

/// How a gateway waits for the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waits {
    /// It asks for the challenge until it is decided, and redeems then: two requests.
    #[default]
    First,
    /// It redeems, and that request waits: one request, as the RADIUS front door does.
    InRedeem,
}

/// Signs `person` in over HTTP.
pub(super) async fn over_http(gateway: &Gateway, waits: Waits, person: &Person) -> Result<Times, String> {
    http(gateway, waits, person).await.map_err(|failure| reason(&failure))
}

async fn http(gateway: &Gateway, waits: Waits, person: &Person) -> Result<Times, Failure> {
    let began = Instant::now();
    let view = create(gateway, person, MACHINE, None).await?;
    let created = Instant::now();
    let decided = async {
        let redemption = base64url::encode(edge::random::<16>());
        let (heard, redeemed) = match waits {
            Waits::First => {
                until_decided(gateway, &view).await?;
                (Instant::now(), gateway.redeem(view.id, &redemption, 0).await?)
            }
            Waits::InRedeem => {
                let redeemed = gateway.redeem(view.id, &redemption, WAIT).await?;
                (Instant::now(), redeemed)
            }
        };
        gateway.check_result(&redeemed).await?;
        Ok::<_, Failure>((heard, Instant::now()))
    };
    let phone = async {
        let challenge = ring(person, Some(&view)).await?;
        let rung = Instant::now();
        let id = view.id.to_string();
        respond(person, id, &challenge, Decision::Approve, view.number.as_deref()).await?;
        Ok::<_, Failure>((rung, Instant::now()))
    };
    let ((heard, redeemed), (rung, responded)) = tokio::try_join!(decided, phone)?;
    let mut times = vec![
        (Step::Create, created - began),
        (if person.rung.is_some() { Step::Push } else { Step::Fetch }, rung - created),
        (Step::Respond, responded - rung),
        (Step::Heard, heard.saturating_duration_since(rung)),
    ];
    if waits == Waits::First {
        times.push((Step::Redeem, redeemed - heard));
    }
    Ok(times)
}

/// Asks for a login of `person` at a computer of this name. What is not pending is a failure.
pub(super) async fn create(
    gateway: &Gateway,
    person: &Person,
    machine: &str,
    expires_in: Option<i64>,
) -> Result<ChallengeView, Failure> {
    let client = CreateClient { ip: None, name: Some(machine.to_owned()) };
    let asked =
        CreateChallenge { user: person.user.clone(), client: Some(client), expires_in, ..CreateChallenge::default() };
    let view = gateway.create(&asked, None).await?;
    if view.status == "pending" { Ok(view) } else { Err(not_so(201, view)) }
}

fn not_so(status: u16, view: ChallengeView) -> Failure {
    Failure::unexpected(status, format!("{} {}", view.status, view.reason.unwrap_or_default()))
}

/// Waits until the login is approved.
async fn until_decided(gateway: &Gateway, view: &ChallengeView) -> Result<(), Failure> {
    let seen = gateway.get(view.id, WAIT).await?;
    if seen.status == "approved" { Ok(()) } else { Err(not_so(200, seen)) }
}

/// The signed challenge as it comes to the phone, checked; of `view` where that is known.
async fn ring(person: &Person, view: Option<&ChallengeView>) -> Result<String, Failure> {
    let none = || Failure::Missing("no challenge has come to the phone");
    let Some(rung) = &person.rung else { return fetch(person, view.map(|view| view.id)).await };
    loop {
        let challenge = rung.challenge(Duration::from_secs(WAIT.into())).await.ok_or_else(none)?;
        let claims = person.phone.read(&challenge).await?;
        // A late one of a login that came to nothing is passed over.
        if view.is_none_or(|view| view.id == claims.jti) {
            return Ok(challenge);
        }
    }
}

/// The signed challenge that the phone fetches, checked; this one where it is known.
pub(super) async fn fetch(person: &Person, id: Option<ChallengeId>) -> Result<String, Failure> {
    let waiting = person.phone.waiting(WAIT).await?;
    let own = waiting.into_iter().find(|item| id.is_none_or(|id| id == item.id));
    let own = own.ok_or(Failure::Missing("no challenge waits for the phone"))?;
    person.phone.read(&own.challenge).await?;
    Ok(own.challenge)
}

/// Signs and sends the phone's response.
pub(super) async fn respond(
    person: &Person,
    id: String,
    challenge: &str,
    decision: Decision,
    number: Option<&str>,
) -> Result<ResponseOutcome, Failure> {
    let path = response_path(&id);
    let uv = Some(UserVerification::Biometric);
    let response = person.phone.response_to(id, challenge, decision, number, uv)?;
    person.phone.api().call("POST", &path, &[], Some(body(&PostResponse { response })?)).await?.json()
}

/// Signs `person` in over RADIUS, by the `index`-th socket.
pub(super) async fn over_radius(
    sockets: &Sockets,
    index: usize,
    timing: Timing,
    person: &Person,
) -> Result<Times, String> {
    if let Some(rung) = &person.rung {
        rung.hush().await;
    }
    let client = sockets.of(index).ok_or("there is no socket")?;
    let prepared = client.request(AccessRequest::rd_gateway(&person.user).machine(MACHINE));
    let began = Instant::now();
    let mut exchange = pin!(client.exchange(&prepared, timing));
    let approved = async {
        let challenge = ring(person, None).await?;
        let rung = Instant::now();
        respond(person, challenge_id(&challenge)?, &challenge, Decision::Approve, None).await?;
        Ok::<_, Failure>((rung, Instant::now()))
    };
    let mut approved = pin!(approved);
    let (answer, (rung, responded)) = tokio::select! {
        // The answer may be here before the phone has heard that its response was taken.
        early = &mut exchange => {
            let heard = Instant::now();
            let late = timeout(Duration::from_secs(1), approved).await;
            let phone = late.map_err(|_| format!("{} before the phone had answered", told(&early)))?;
            ((early, heard), phone.map_err(|failure| reason(&failure))?)
        }
        phone = &mut approved => {
            let phone = phone.map_err(|failure| reason(&failure))?;
            let answer = exchange.await;
            ((answer, Instant::now()), phone)
        }
    };
    let (answer, heard) = answer;
    if !answer.as_ref().is_ok_and(Answer::is_accept) {
        return Err(format!("{} after the approval", told(&answer)));
    }
    Ok(vec![
        (if person.rung.is_some() { Step::Push } else { Step::Fetch }, rung - began),
        (Step::Respond, responded - rung),
        (Step::Heard, heard.saturating_duration_since(rung)),
    ])
}

fn told(answer: &Result<Answer, Silence>) -> String {
    match answer {
        Ok(answer) => answer.name(),
        Err(silence) => silence.to_string(),
    }
}
