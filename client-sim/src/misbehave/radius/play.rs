//! Carrying it out.

use std::pin::pin;
use std::time::Duration;

use super::{Heard, Misbehaviour, NOBODY, Play, Reply, Scene};
use crate::radius::{AccessRequest, Answer, Prepared, RadiusClient, Silence, Timing, Unsound};

/// Between two datagrams of which the first must be worked on before the second comes.
const PAUSE: Duration = Duration::from_millis(200);
const COPIES: u32 = 5;

impl Misbehaviour {
    /// Does it, and gives back what came.
    pub async fn carry_out(&self, scene: &Scene<'_>) -> Heard {
        // What is left of earlier ones.
        while scene.client.recv_raw(Duration::ZERO).await.is_some() {}
        let replies = match self.play {
            Play::Datagrams(_) | Play::Request(_) => {
                let mut replies = Vec::new();
                for datagram in self.datagrams_for(scene) {
                    replies.push(ask(scene, datagram).await);
                }
                replies
            }
            Play::Retransmit => retransmit(scene).await,
            Play::SameIdentifier => same_identifier(scene).await,
            Play::ReplayedState => replayed_state(scene).await,
            Play::ForeignState => foreign_state(scene).await,
        };
        let timing = Timing::every(Duration::from_millis(500), Duration::from_secs(5));
        let is_alive = scene.client.exchange(&scene.client.status_server(), timing).await.is_ok();
        Heard { replies, is_alive }
    }

    /// What would be sent, where it does not hang on what comes back.
    #[must_use]
    pub fn datagrams_for(&self, scene: &Scene<'_>) -> Vec<Vec<u8>> {
        match self.play {
            Play::Datagrams(make) => make(scene),
            Play::Request(make) => vec![scene.client.request(make(scene)).bytes],
            _ => Vec::new(),
        }
    }
}

impl Scene<'_> {
    /// What RD Gateway would ask for this user.
    pub(super) fn request_for(&self, user: &str) -> AccessRequest {
        AccessRequest::rd_gateway(user).machine(self.machine)
    }

    pub(super) fn request(&self) -> AccessRequest {
        self.request_for(self.user)
    }
}

fn reply(answer: Result<Answer, Silence>) -> Reply {
    match answer {
        Ok(answer) => Reply::Answer(answer),
        Err(silence) => silence.unsound.map_or(Reply::Nothing, Reply::Unsound),
    }
}

/// Sends one datagram and listens as long as silence must last.
async fn ask(scene: &Scene<'_>, datagram: Vec<u8>) -> Reply {
    let client = scene.client;
    if let Some(prepared) = Prepared::of(datagram.clone()) {
        return reply(client.exchange(&prepared, Timing::once(scene.quiet)).await);
    }
    // What this machine cannot send, nobody answers.
    let _ = client.send_raw(&datagram).await;
    match client.recv_raw(scene.quiet).await {
        Some(_) => Reply::Unsound(Unsound::Malformed),
        None => Reply::Nothing,
    }
}

async fn retransmit(scene: &Scene<'_>) -> Vec<Reply> {
    let client = scene.client;
    let prepared = client.request(scene.request());
    for _ in 1..COPIES {
        // A copy that is lost is one less, as on any network.
        let _ = client.send_raw(&prepared.bytes).await;
    }
    let first = reply(client.exchange(&prepared, Timing::once(scene.patience)).await);
    let mut replies = vec![first.clone()];
    while let Some(datagram) = client.recv_raw(scene.quiet).await {
        let is_same = matches!(&first, Reply::Answer(answer) if answer.bytes == datagram);
        replies.push(if is_same { first.clone() } else { Reply::Unsound(Unsound::Identifier) });
    }
    replies.push(reply(client.exchange(&prepared, Timing::once(scene.quiet)).await));
    replies
}

async fn same_identifier(scene: &Scene<'_>) -> Vec<Reply> {
    let client = scene.client;
    let old = client.request(scene.request());
    let fresh = client.request(scene.request());
    let new = client.request_as(scene.request(), old.identifier, fresh.authenticator);
    let mut first = pin!(client.exchange(&old, Timing::once(scene.patience)));
    let second = async {
        tokio::time::sleep(PAUSE).await;
        reply(client.exchange(&new, Timing::once(scene.patience)).await)
    };
    let mut second = pin!(second);
    tokio::select! {
        answer = &mut first => vec![reply(answer), second.await],
        second = &mut second => {
            let first = tokio::time::timeout(scene.quiet, first).await;
            vec![first.map_or(Reply::Nothing, reply), second]
        }
    }
}

/// The State of a fresh challenge, or what came in its place: that shall not count as the answer to what was not
/// even sent.
async fn challenge(scene: &Scene<'_>) -> Result<Vec<u8>, Vec<Reply>> {
    let prepared = scene.client.request(scene.request());
    let answer = scene.client.exchange(&prepared, Timing::once(scene.patience)).await;
    let state = answer.as_ref().ok().filter(|answer| answer.is_challenge()).and_then(Answer::state);
    match state {
        Some(state) => Ok(state.to_vec()),
        None => Err(vec![Reply::NoChallenge(Box::new(reply(answer)))]),
    }
}

async fn second(client: &RadiusClient, request: AccessRequest, state: &[u8], wait: Duration) -> Reply {
    let prepared = client.request(request.password("").state(state));
    reply(client.exchange(&prepared, Timing::once(wait)).await)
}

async fn replayed_state(scene: &Scene<'_>) -> Vec<Reply> {
    let state = match challenge(scene).await {
        Ok(state) => state,
        Err(replies) => return replies,
    };
    let first = second(scene.client, scene.request(), &state, scene.quiet);
    let replay = async {
        tokio::time::sleep(PAUSE).await;
        second(scene.client, scene.request(), &state, scene.quiet).await
    };
    let (first, replay) = tokio::join!(first, replay);
    vec![first, replay]
}

async fn foreign_state(scene: &Scene<'_>) -> Vec<Reply> {
    match challenge(scene).await {
        Ok(state) => vec![second(scene.client, scene.request_for(NOBODY), &state, scene.quiet).await],
        Err(replies) => replies,
    }
}
