//! The front door in the world: sockets, tasks and time around the sans-I/O [`crate::door`].

mod login;
mod metrics;
mod reporter;
mod socket;
mod status;
#[cfg(test)]
mod tests;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatematch_protocol::time::Timestamp;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::login::{Fingerprints, Open};
use self::metrics::Metrics;
use self::status::Readiness;
use self::waiting::Waiting;
use crate::api::{Api, ApiFault, Trust};
use crate::client::{Client, Clients, WrongClients};
use crate::credentials::Credentials;
use crate::door::{Cause, Door, Head, NoReply, Received, Refused};
use crate::drops::Drops;
use crate::duplicate::Limits;
use crate::edge::Edge;
use crate::packet::{MAX_LENGTH, code};
use crate::settings::{ClientSettings, Settings, WhenUnreachable};
use crate::state::States;
use crate::upstream::Upstreams;

/// How many datagrams are taken before other tasks get their turn.
const BATCH: usize = 64;
/// How long [`Front::stop`] waits for the logins that it ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer may wait for room in the socket's buffer.
const SENDING: Duration = Duration::from_secs(1);
/// How long a socket in trouble is left alone.
const TROUBLE: Duration = Duration::from_millis(10);
/// How many States may wait for their second request.
const MOST_STATES: usize = 65_536;
/// How many of one client.
const MOST_STATES_OF_CLIENT: usize = MOST_STATES / 4;
/// How long it is waited before a task that broke is started anew.
const BREATH: Duration = Duration::from_secs(1);

/// Why the front door does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The server's address cannot be used.
    #[error("server_url: {0}")]
    Server(#[from] ApiFault),
    /// The clients cannot stand side by side.
    #[error(transparent)]
    Clients(#[from] WrongClients),
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// The front door while it runs.
pub struct Front {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

/// What all tasks of a front door share.
struct Shared {
    edge: Edge,
    socket: UdpSocket,
    door: Mutex<Door>,
    clients: Vec<ClientSettings>,
    when_unreachable: WhenUnreachable,
    api: Api,
    trust: Trust,
    credentials: Credentials,
    upstreams: Arc<Upstreams>,
    states: Mutex<States<Open>>,
    fingerprints: Fingerprints,
    waiting: Waiting,
    readiness: Readiness,
    drops: Drops,
    metrics: Metrics,
    stopping: CancellationToken,
}

impl Front {
    /// Starts listening; returns when the socket is bound. `server_url` is where the Gatematch server is, unless the
    /// settings name another place. The server need not be up yet.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn start(settings: Settings, edge: Edge, server_url: &str) -> Result<Self, StartFault> {
        let api = Api::new(settings.server_url.as_deref().unwrap_or(server_url))?;
        let door = Door::new(Clients::new(settings.clients.iter().map(client).collect())?, Limits::default());
        let fault = |source| StartFault::Listen { address: settings.listen, source };
        let socket = socket::bind(settings.listen).map_err(fault)?;
        let address = socket.local_addr().map_err(fault)?;
        let (drops, reports) = Drops::new(settings.clients.iter().map(|client| client.name.clone()).collect());
        let shared = Arc::new(Shared {
            socket,
            door: Mutex::new(door),
            trust: Trust::new(api.clone(), edge.clone()),
            credentials: Credentials::new(settings.clients.len()),
            upstreams: Arc::new(Upstreams::new(settings.upstreams, edge.clone())),
            states: Mutex::new(States::new(MOST_STATES, MOST_STATES_OF_CLIENT)),
            fingerprints: Fingerprints::default(),
            waiting: Waiting::default(),
            readiness: Readiness::default(),
            drops,
            metrics: Metrics::new(settings.clients.iter().map(|client| client.name.clone()).collect()),
            stopping: CancellationToken::new(),
            clients: settings.clients,
            when_unreachable: settings.when_unreachable,
            api,
            edge,
        });
        let mut tasks = vec![
            tokio::spawn(keep_receiving(Arc::clone(&shared))),
            tokio::spawn(reporter::run(Arc::clone(&shared), reports)),
            tokio::spawn(first_keys(Arc::clone(&shared))),
        ];
        tasks.extend((0..shared.clients.len()).map(|index| tokio::spawn(keep_credential(Arc::clone(&shared), index))));
        Ok(Self { shared, address, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it counted, as Prometheus text.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let mut text = self.shared.metrics.text(self.shared.waiting.len());
        self.shared.drops.write_metrics(&mut text);
        text
    }

    /// Stops listening; those who wait are answered with Access-Reject after their challenges have ended. Takes two
    /// seconds at most. The Gatematch server should still be up.
    pub async fn stop(&self) {
        self.shared.stopping.cancel();
        if tokio::time::timeout(PATIENCE, self.shared.waiting.gone()).await.is_err() {
            tracing::warn!("logins were still waiting when the RADIUS front door stopped");
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn client(settings: &ClientSettings) -> Client {
    Client {
        name: settings.name.clone(),
        network: settings.network,
        secret: settings.secret.clone(),
        require_message_authenticator: settings.require_message_authenticator,
        limit_in_flight: settings.max_waiting,
    }
}

/// The server's keys are fetched before the first login needs them; if not now, then with the first result.
async fn first_keys(shared: Arc<Shared>) {
    if let Err(failure) = shared.trust.fetch().await {
        tracing::debug!(%failure, "the server's keys did not come yet");
    }
}

async fn keep_credential(shared: Arc<Shared>, index: usize) {
    if let Some(client) = shared.clients.get(index) {
        shared.credentials.keep(index, client, &shared.api, &shared.edge).await;
    }
}

async fn keep_receiving(shared: Arc<Shared>) {
    let stopping = shared.stopping.clone();
    keep_up(&stopping, BREATH, || receive(Arc::clone(&shared))).await;
}

/// Runs `work`, and runs it anew when it ends by itself or panics, until the front door stops.
async fn keep_up<F: Future<Output = ()> + Send + 'static>(
    stopping: &CancellationToken,
    breath: Duration,
    work: impl Fn() -> F,
) {
    while !stopping.is_cancelled() {
        let ended = tokio::spawn(work()).await;
        if stopping.is_cancelled() {
            return;
        }
        tracing::error!(fault = ?ended.err(), "the RADIUS socket was not looked after any more; that is begun anew");
        tokio::select! {
            () = stopping.cancelled() => {}
            () = tokio::time::sleep(breath) => {}
        }
    }
}

/// Takes datagrams until the front door stops. One that is dropped costs a look at it and a count.
async fn receive(shared: Arc<Shared>) {
    let mut buffer = vec![0; MAX_LENGTH + 1];
    loop {
        tokio::select! {
            biased;
            () = shared.stopping.cancelled() => return,
            readable = shared.socket.readable() => {
                if let Err(fault) = readable {
                    tracing::error!(%fault, "the RADIUS socket is broken");
                    return;
                }
            }
        }
        for _ in 0..BATCH {
            match shared.socket.try_recv_from(&mut buffer) {
                Ok((length, source)) => shared.take(source, buffer.get(..length).unwrap_or_default()),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break,
                Err(fault) => {
                    tracing::debug!(%fault, "the RADIUS socket");
                    tokio::time::sleep(TROUBLE).await;
                    break;
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

impl Shared {
    fn take(self: &Arc<Self>, source: SocketAddr, datagram: &[u8]) {
        let now = self.edge.now();
        let (received, client) = {
            let mut door = self.door();
            let received = door.receive(now, source, datagram);
            let again = matches!(received, Received::Again(_) | Received::Waiting);
            let client = if again { door.clients().find(source.ip()) } else { None };
            (received, client)
        };
        match received {
            Received::Dropped { client, cause } => self.drops.note(now, client, cause, source.ip()),
            Received::Again(octets) => {
                self.metrics.duplicate(client);
                // Without room in the buffer the client sends it once more.
                let _ = self.socket.try_send_to(&octets, source);
            }
            Received::Waiting => self.metrics.duplicate(client),
            Received::Refused(refused) => self.refused(now, source, &refused),
            Received::Status(request) => {
                self.metrics.request(request.head.client);
                status::answer(self, request);
            }
            Received::Login { request, .. } => {
                let place = login::Place::new(self, &request.head);
                let ticket = self.waiting.enter(&request.head.key, &self.stopping);
                self.metrics.request(request.head.client);
                tokio::spawn(login::run(Arc::clone(self), request, place, ticket));
            }
        }
    }

    fn refused(&self, now: Timestamp, source: SocketAddr, refused: &Refused) {
        self.metrics.request(refused.client);
        self.metrics.answer(refused.client, code::ACCESS_REJECT);
        self.drops.note(now, Some(refused.client), refused.cause, source.ip());
        if let Some(key) = &refused.superseded {
            self.waiting.end(key);
        }
        // As above: the client sends it once more.
        let _ = self.socket.try_send_to(&refused.octets, source);
    }

    /// Sends the answer to a request, and keeps it for retransmissions.
    async fn reply(&self, head: &Head, code: u8, attributes: &[(u8, Vec<u8>)]) -> Result<(), NoReply> {
        let octets = self.door().reply(head, code, attributes, self.edge.now())?;
        self.metrics.answer(head.client, code);
        let sent = tokio::time::timeout(SENDING, self.socket.send_to(&octets, head.key.source)).await;
        if !matches!(sent, Ok(Ok(_))) {
            tracing::debug!(destination = %head.key.source, "an answer could not be sent");
        }
        Ok(())
    }

    fn note(&self, head: &Head, cause: Cause) {
        self.drops.note(self.edge.now(), Some(head.client), cause, head.key.source.ip());
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn states(&self) -> MutexGuard<'_, States<Open>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
