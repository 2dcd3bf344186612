//! Making and ending a challenge, also where the login ends in the middle of it.

use std::sync::Arc;

use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::id::ChallengeId;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::refusal::{Ended, Refusal};
use super::{Login, ids};
use crate::api::{Failure, client_of};
use crate::deadline::{Pause, challenge_seconds, later};
use crate::door::{Cause, Request};
use crate::settings::{ClientSettings, Style};
use crate::shell::Shared;

/// How often the end of a challenge is tried.
const TRIES: usize = 4;

type Created = Result<ChallengeView, Failure>;

impl Login {
    /// Makes the challenge. While the server cannot, it is asked again until the login must end.
    pub(super) async fn create(&self, client: &ClientSettings) -> Result<ChallengeView, Refusal> {
        let challenge = message(client, &self.request);
        let mut pause = Pause::new();
        let mut failed = false;
        loop {
            match self.create_once(&challenge).await.map_err(|ended| ended_after(ended, failed))? {
                Ok(view) => return Ok(view),
                Err(failure) => self.weigh(&failure)?,
            }
            failed = true;
            self.rest(&mut pause).await.map_err(|ended| ended_after(ended, failed))?;
        }
    }

    /// One call. It is not broken off in the middle: whoever is told of the challenge, ends it if need be.
    async fn create_once(&self, challenge: &CreateChallenge) -> Result<Created, Ended> {
        let (sender, mut receiver) = oneshot::channel::<Created>();
        let over = CancellationToken::new();
        let (shared, challenge, guard) = (Arc::clone(&self.shared), challenge.clone(), over.clone().drop_guard());
        let (client, key) = (self.request.head.client, ids::idempotency_key(&self.request.head.key));
        tokio::spawn(async move {
            let _guard = guard;
            let Some(settings) = shared.clients.get(client) else { return };
            let created = shared.api.create(&settings.gateway_key, &key, &challenge).await;
            if let Err(Ok(view)) = sender.send(created) {
                shared.cancel(client, view.id).await;
            }
        });
        match self.within(&mut receiver).await {
            Ok(created) => Ok(created.unwrap_or_else(|_| Err(Failure::Unavailable("the call was lost".to_owned())))),
            Err(ended) => {
                receiver.close();
                match receiver.try_recv() {
                    Ok(Ok(view)) => self.delete(client, view.id).await,
                    Ok(Err(_)) => {}
                    Err(_) => self.until_cleaned_up(over.cancelled()).await,
                }
                Err(ended)
            }
        }
    }

    /// Ends a challenge, and waits for that as long as there is time; it is ended in any case.
    pub(super) async fn delete(&self, client: usize, id: ChallengeId) {
        let shared = Arc::clone(&self.shared);
        let ending = tokio::spawn(async move { shared.cancel(client, id).await });
        self.until_cleaned_up(async {
            let _ = ending.await;
        })
        .await;
    }

    async fn until_cleaned_up(&self, work: impl Future<Output = ()>) {
        let latest = self.times.clean_up(self.shared.edge.now(), self.late.is_cancelled());
        tokio::select! {
            biased;
            () = work => {}
            () = self.shared.edge.clock.sleep_until(latest) => {}
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
                tracing::warn!(status, "the server refused a call; are both of the same version?");
                Err(Refusal::Call(*status))
            }
            Failure::Unbelievable(fault) => {
                tracing::error!(%fault, "a result is not to be believed; nobody was let in on it");
                Err(Refusal::Unbelievable(fault.to_string()))
            }
        }
    }

    pub(super) async fn rest(&self, pause: &mut Pause) -> Result<(), Ended> {
        self.within(self.shared.edge.clock.sleep_until(later(self.shared.edge.now(), pause.take()))).await
    }
}

/// A deadline that comes while the server does not answer is the server's.
pub(super) fn ended_after(ended: Ended, failed: bool) -> Refusal {
    match ended {
        Ended::Deadline if failed => Refusal::NotServed(Cause::ServerUnavailable),
        ended => ended.into(),
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
    CreateChallenge {
        user: request.user.clone(),
        client: client_of(request.machine_name.as_deref(), calling_station),
        display: Some(display.to_owned()),
        no_display: Some(client.no_display.as_str().to_owned()),
        expires_in: Some(challenge_seconds(client.time_limit)),
        context: None,
    }
}
