//! Making and ending a challenge, also where the login ends in the middle of it.

use std::sync::Arc;

use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::id::ChallengeId;
use tokio::sync::oneshot;

use super::refusal::{Ended, Refusal, ended_after};
use super::{Login, ids};
use crate::api::{Failure, client_of};
use crate::deadline::{Pause, challenge_seconds, later};
use crate::door::{Cause, Request};
use crate::settings::{ClientSettings, FirstFactor, Style};
use crate::shell::Shared;

/// How often the end of a challenge is tried.
const TRIES: usize = 4;

/// The ways that are codes (contract section 6).
pub(super) const CODES: [&str; 3] = ["totp", "recovery_code", "access_pass"];

type Created = Result<ChallengeView, Failure>;

/// A call whose answer came too late, or not at all.
struct BrokenOff {
    ended: Ended,
    /// Whether it told of a challenge all the same, which is looked after.
    told_of_one: bool,
}

impl Login {
    /// Makes the challenge. While the server cannot, it is asked again until the login must end. A deadline that comes
    /// meanwhile is the server's: nothing else is waited for here.
    pub(super) async fn create(&self, client: &ClientSettings) -> Result<ChallengeView, Refusal> {
        let challenge = message(client, &self.request);
        let mut pause = Pause::new();
        loop {
            match self.create_once(&challenge).await {
                Ok(Ok(view)) => return Ok(view),
                Ok(Err(failure)) => self.weigh(&failure)?,
                Err(BrokenOff { ended, told_of_one: true }) => return Err(ended_after(ended, true)),
                Err(BrokenOff { ended, .. }) => return Err(ended_after(ended, true).without_challenge()),
            }
            self.rest(&mut pause).await.map_err(|ended| ended_after(ended, true).without_challenge())?;
        }
    }

    /// One call. It is not broken off in the middle: whoever is told of the challenge, ends it if need be.
    async fn create_once(&self, challenge: &CreateChallenge) -> Result<Created, BrokenOff> {
        let (sender, mut receiver) = oneshot::channel::<Created>();
        let (shared, challenge) = (Arc::clone(&self.shared), challenge.clone());
        let (head, key) = (self.request.head.clone(), ids::idempotency_key(&self.request));
        let client = head.client;
        // Whether it told of a challenge that nobody waited for.
        let call = tokio::spawn(async move {
            let Some(settings) = shared.clients.get(client) else { return false };
            let created = shared.api.create(&settings.gateway_key, &key, &challenge).await;
            let Err(Ok(view)) = sender.send(created) else { return false };
            // A new login with the same octets was given the same challenge.
            let is_begun_again = shared.door().is_begun_again(&head);
            if !is_begun_again {
                shared.cancel(client, view.id).await;
            }
            true
        });
        match self.within(&mut receiver).await {
            Ok(created) => Ok(created.unwrap_or_else(|_| Err(Failure::Unavailable("the call was lost".to_owned())))),
            Err(ended) => {
                receiver.close();
                let told_of_one = match receiver.try_recv() {
                    Ok(Ok(view)) => {
                        self.delete(client, view.id).await;
                        true
                    }
                    Ok(Err(_)) => false,
                    Err(_) => self.until_cleaned_up(call).await.is_some_and(|call| call.unwrap_or(true)),
                };
                Err(BrokenOff { ended, told_of_one })
            }
        }
    }

    /// Ends a challenge, and waits for that as long as there is time; it is ended in any case.
    pub(super) async fn delete(&self, client: usize, id: ChallengeId) {
        let shared = Arc::clone(&self.shared);
        let ending = tokio::spawn(async move { shared.cancel(client, id).await });
        let _ = self.until_cleaned_up(ending).await;
    }

    async fn until_cleaned_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let latest = self.times.clean_up(self.shared.edge.now(), self.late.is_cancelled());
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.shared.edge.clock.sleep_until(latest) => None,
        }
    }

    /// Whether a call that failed is worth another try.
    pub(super) fn weigh(&self, failure: &Failure) -> Result<(), Refusal> {
        match failure {
            Failure::Unavailable(_) => {
                tracing::debug!(%failure, "tried again while there is time");
                Ok(())
            }
            Failure::KeyRefused => {
                self.shared.credentials.doubt(self.request.head.client);
                Err(Refusal::NotServed(Cause::GatewayKeyRefused))
            }
            Failure::Refused(status) => {
                tracing::debug!(status, "the server refused a call");
                Err(Refusal::NotServed(Cause::CallRefused))
            }
            Failure::Unbelievable(fault) => {
                tracing::debug!(%fault, "a result is not to be believed; nobody was let in on it");
                Err(Refusal::NotServed(Cause::ResultUnbelievable))
            }
        }
    }

    pub(super) async fn rest(&self, pause: &mut Pause) -> Result<(), Ended> {
        self.within(self.shared.edge.clock.sleep_until(later(self.shared.edge.now(), pause.take()))).await
    }
}

impl Shared {
    async fn cancel(&self, client: usize, id: ChallengeId) {
        let Some(settings) = self.clients.get(client) else { return };
        let mut pause = Pause::new();
        for _ in 0..TRIES {
            match self.api.cancel(&settings.gateway_key, id).await {
                Err(failure) if failure.is_passing() => {}
                _ => return,
            }
            self.edge.clock.sleep_until(later(self.edge.now(), pause.take())).await;
        }
        tracing::debug!(challenge = %id, "could not be ended; it dies by itself");
    }
}

fn message(client: &ClientSettings, request: &Request) -> CreateChallenge {
    let calling_station = request.calling_station_id.as_deref().filter(|_| client.trust_calling_station_id);
    let display = if client.style == Style::Challenge { "number" } else { "none" };
    // The code is there already: no phone is to ring.
    let methods = (client.style == Style::Passcode).then(|| CODES.map(str::to_owned).to_vec());
    CreateChallenge {
        // A name alone is not to use a bypass up.
        factor_required: (client.first_factor == FirstFactor::None).then_some(true),
        user: request.user.clone(),
        client: client_of(request.machine_name.as_deref(), calling_station),
        display: Some(display.to_owned()),
        no_display: Some(client.no_display.as_str().to_owned()),
        expires_in: Some(challenge_seconds(client.challenge_life)),
        methods,
        context: None,
    }
}
