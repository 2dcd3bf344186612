//! One login, from its request to its answer. Whatever hangs or fails on the way, an answer leaves in time, and it is
//! Access-Accept only on a checked result that is this login's.

mod call;
mod challenge;
mod fingerprint;
mod hold;
mod ids;
mod passcode;
mod refusal;

use std::future::Future;
use std::sync::Arc;

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use tokio_util::sync::CancellationToken;

use self::challenge::Ways;
use self::fingerprint::Fingerprint;
pub(super) use self::fingerprint::Fingerprints;
use self::hold::last_moment;
use self::passcode::Field;
use self::refusal::{Ended, Refusal};
use super::Shared;
use super::waiting::Ticket;
use crate::attribute::{REPLY_MESSAGE, STATE};
use crate::credentials::Standing;
use crate::deadline::{Times, later};
use crate::door::{Cause, Head, NoReply, REFUSED, Request};
use crate::packet::{Packet, code};
use crate::settings::{ClientSettings, FirstFactor, Style, WhenUnreachable};
use crate::upstream::{Granted, Question, Verdict, seal};

/// How long a login waits for the end of those whose place it takes.
const SUCCESSION: std::time::Duration = std::time::Duration::from_secs(2);

/// A challenge that was made and is not decided.
#[derive(Clone, Debug)]
pub(super) struct Open {
    id: ChallengeId,
    /// The user in the server's answer.
    user: String,
    ways: Ways,
    /// What the first request's password field held, where there may be another request.
    first_field: Option<Fingerprint>,
    /// How often the person typed what is no code, where only a code helps.
    misses: u8,
    expires_at: Timestamp,
    /// What the upstream server grants.
    granted: Vec<Granted>,
}

enum Answer {
    Accept(Vec<Granted>),
    Challenge { message: String, state: [u8; 16] },
}

/// A login that the door let in, given back to it when it is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    head: Head,
}

struct Login {
    shared: Arc<Shared>,
    request: Box<Request>,
    /// Goes before the ticket does.
    _place: Place,
    ticket: Ticket,
    times: Times,
    /// Cancelled when the deadline is over.
    late: CancellationToken,
}

/// Decides a login and answers it.
pub(super) async fn run(shared: Arc<Shared>, request: Box<Request>, place: Place, ticket: Ticket) {
    let index = request.head.client;
    let Some(client) = shared.clients.get(index) else { return };
    let times = Times::new(request.arrived, client.time_limit);
    let name = client.name.clone();
    let login = Login { shared, request, _place: place, ticket, times, late: CancellationToken::new() };
    let refusal = match login.decide_in_time().await {
        Ok(answer) => login.give(answer).await.err(),
        Err(refusal) => Some(refusal),
    };
    if let Some(refusal) = refusal {
        if let Some(cause) = refusal.cause() {
            login.shared.note(&login.request.head, cause);
        }
        if refusal == Refusal::Unreachable && login.shared.when_unreachable == WhenUnreachable::Silence {
            tracing::debug!(client = %name, why = %refusal, "no answer");
            return;
        }
        tracing::debug!(client = %name, why = %refusal, "Access-Reject");
        let message = [(REPLY_MESSAGE, REFUSED.as_bytes().to_vec())];
        if login.shared.reply(&login.request.head, code::ACCESS_REJECT, &message).await.is_err() {
            login.shared.note(&login.request.head, Cause::AnswerTooLong);
        }
    }
}

impl Place {
    pub(super) fn new(shared: &Arc<Shared>, head: &Head) -> Self {
        Self { shared: Arc::clone(shared), head: head.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Where it was answered, this does nothing; where it was not, its retransmission is a new login.
        self.shared.door().forget(&self.head);
    }
}

impl Login {
    /// One sleep for the whole login: a clock that is set back meanwhile does not give it more time.
    async fn decide_in_time(&self) -> Result<Answer, Refusal> {
        let mut decision = std::pin::pin!(self.decide());
        tokio::select! {
            biased;
            decided = &mut decision => return decided,
            () = self.shared.edge.clock.sleep_until(self.times.deadline()) => self.late.cancel(),
        }
        decision.await
    }

    async fn decide(&self) -> Result<Answer, Refusal> {
        let client = self.client()?;
        let latest = later(self.shared.edge.now(), SUCCESSION);
        self.within(async {
            tokio::select! {
                biased;
                () = self.ticket.turn() => {}
                () = self.shared.edge.clock.sleep_until(latest) => {}
            }
        })
        .await?;
        if let Some(state) = &self.request.state {
            return self.second(client, state).await;
        }
        let field = self.field(client)?;
        let granted = self.first_factor(client, field.as_ref().and_then(Field::password)).await?;
        let gateway = self.gateway().await.map_err(Refusal::without_challenge)?;
        let first_field = self.first_field(client)?;
        let view = self.create(client).await?;
        let (user, ways) = (view.user.clone(), Ways::of(&view));
        let open = Open { id: view.id, user, ways, first_field, misses: 0, expires_at: view.expires_at, granted };
        self.ending(&open, self.first(client, gateway, (&view, &open), field.and_then(Field::into_code))).await
    }

    /// The first request of a login whose challenge was just made. `code`: what the person gave along with it.
    async fn first(
        &self,
        client: &ClientSettings,
        gateway: GatewayId,
        (view, open): (&ChallengeView, &Open),
        code: Option<Secret>,
    ) -> Result<Answer, Refusal> {
        match view.status.as_str() {
            "pending" | "approved" if self.shared.edge.now() > last_moment(open) => {
                Err(Refusal::NotServed(Cause::ClockDiffers))
            }
            "pending" => match (client.style, code) {
                (Style::Passcode, Some(code)) => {
                    self.spend(client, gateway, open, code).await?.ok_or(Refusal::WrongCode)
                }
                // There is no bypass for him, and nothing else to wait for.
                (Style::Passcode, None) => Err(Refusal::NoCode),
                (Style::Challenge, _) => self.first_question(client, gateway, open).await,
                (Style::Hold, _) => self.hold(client, gateway, open).await,
            },
            "approved" => self.hold(client, gateway, open).await,
            _ => Err(Refusal::decided(view)),
        }
    }

    /// Ends the challenge where the login ends in any other way than by its decision.
    async fn ending(
        &self,
        open: &Open,
        login: impl Future<Output = Result<Answer, Refusal>>,
    ) -> Result<Answer, Refusal> {
        let outcome = login.await;
        if outcome.as_ref().is_err_and(Refusal::leaves_it_open) {
            self.delete(self.request.head.client, open.id).await;
        }
        outcome
    }

    /// What the first factor grants; nothing where the client has checked it, or nobody does. `password`: what is passed
    /// on in place of the password field.
    async fn first_factor(&self, client: &ClientSettings, password: Option<&[u8]>) -> Result<Vec<Granted>, Refusal> {
        if client.first_factor != FirstFactor::Radius {
            return Ok(Vec::new());
        }
        let packet = Packet::decode(&self.request.raw).map_err(|_| Refusal::NotServed(Cause::Malformed))?;
        let question = Question { packet: &packet, client_secret: &client.secret, password };
        let asked = self.shared.upstreams.ask(&client.upstreams, question, self.times.upstream());
        match self.within(asked).await? {
            Verdict::Accept(granted) => Ok(granted),
            Verdict::Reject => Err(Refusal::FirstFactor),
            Verdict::Challenge => Err(Refusal::NotServed(Cause::UpstreamChallenge)),
            Verdict::Silence => Err(Refusal::NotServed(Cause::UpstreamUnavailable)),
            Verdict::Unauthentic => Err(Refusal::NotServed(Cause::UpstreamUnauthentic)),
            Verdict::NotPassedOn => Err(Refusal::NotServed(Cause::NotPassedOn)),
        }
    }

    /// The gateway that the client's key belongs to.
    async fn gateway(&self) -> Result<GatewayId, Refusal> {
        match self.within(self.shared.credentials.standing(self.request.head.client)).await {
            Ok(Standing::Sound(gateway)) => Ok(gateway),
            Ok(Standing::CannotDisplay) => Err(Refusal::CannotDisplay),
            Ok(Standing::Refused | Standing::Unknown) => Err(Refusal::NotServed(Cause::GatewayKeyRefused)),
            // Nothing is known of the key because the server has not answered since the start.
            Err(Ended::Deadline) => Err(Refusal::NotServed(Cause::ServerUnavailable)),
            Err(ended) => Err(ended.into()),
        }
    }

    /// Sends an Access-Accept or Access-Challenge.
    async fn give(&self, answer: Answer) -> Result<(), Refusal> {
        let client = self.client()?;
        let head = &self.request.head;
        let (code, attributes) = match answer {
            Answer::Challenge { message, state } => {
                (code::ACCESS_CHALLENGE, vec![(REPLY_MESSAGE, message.into_bytes()), (STATE, state.to_vec())])
            }
            Answer::Accept(granted) => {
                let granted = merged(granted, &client.accept);
                let sealed = seal(&granted, &head.key.authenticator, &client.secret, &self.shared.edge);
                (code::ACCESS_ACCEPT, sealed.map_err(|_| Refusal::NotServed(Cause::NoEntropy))?)
            }
        };
        if let Err(fault) = self.shared.reply(head, code, &attributes).await {
            self.take_back(&attributes).await;
            return Err(match fault {
                NoReply::TooLong(_) => Refusal::NotServed(Cause::AnswerTooLong),
                NoReply::Superseded => Refusal::Told,
            });
        }
        tracing::info!(client = %client.name, code, "answered");
        Ok(())
    }

    /// Ends the challenge of an Access-Challenge that was not sent.
    async fn take_back(&self, attributes: &[(u8, Vec<u8>)]) {
        let state = attributes.iter().find(|(kind, _)| *kind == STATE);
        let open = state.and_then(|(_, state)| self.shared.states().forget(state));
        if let Some(open) = open {
            self.delete(self.request.head.client, open.id).await;
        }
    }

    /// Runs `work` until the login must end.
    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::select! {
            biased;
            () = self.ticket.end().cancelled() => Err(Ended::Told),
            done = work => Ok(done),
            () = self.late.cancelled() => Err(Ended::Deadline),
        }
    }

    fn client(&self) -> Result<&ClientSettings, Refusal> {
        let client = self.shared.clients.get(self.request.head.client);
        client.ok_or(Refusal::NotServed(Cause::UnknownClient))
    }
}

/// What upstream grants, but for what the settings say of the same type, and then the settings.
fn merged(mut granted: Vec<Granted>, settings: &[Granted]) -> Vec<Granted> {
    granted.retain(|upstream| !settings.iter().any(|setting| setting.is_alike(upstream)));
    granted.extend_from_slice(settings);
    granted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{CLASS, SESSION_TIMEOUT};

    #[test]
    fn a_setting_takes_the_place_of_what_upstream_grants() {
        let upstream = vec![Granted::open(SESSION_TIMEOUT, &[0, 0, 0, 9]), Granted::open(CLASS, b"c")];
        let merged = merged(upstream, &[Granted::open(SESSION_TIMEOUT, &[0, 0, 0, 1])]);
        let edge = crate::edge::Edge::system();
        let sealed = seal(&merged, &[0; 16], &gatematch_protocol::secret::Secret::new("s"), &edge).unwrap();
        assert_eq!(sealed, [(CLASS, b"c".to_vec()), (SESSION_TIMEOUT, vec![0, 0, 0, 1])]);
    }
}
