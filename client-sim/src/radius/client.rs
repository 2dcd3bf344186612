//! The socket that a gateway asks from.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Answer, Asked, Demand, Unsound};
use super::request::{AccessRequest, Prepared};
use crate::edge;

/// The longest datagram that is read whole, in bytes; RADIUS ends at 4,096.
const LONGEST: usize = 65_535;
/// How many datagrams that nobody waits for are kept for [`RadiusClient::recv_raw`]; further ones are lost.
const UNCLAIMED: usize = 1_024;

/// A gateway's socket. Up to 256 requests can wait on it at once; its answers find their request by identifier and
/// Response Authenticator. Shared by reference: all its methods take `&self`.
pub struct RadiusClient {
    socket: Arc<UdpSocket>,
    secret: Secret,
    desk: Arc<Desk>,
    unclaimed: tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>,
    listener: AbortHandle,
}

/// How long and how often a gateway asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long it waits in all.
    pub timeout: Duration,
    /// How long it waits for an answer before it sends the same bytes again.
    pub interval: Duration,
    /// How often it does that, at most.
    pub retransmissions: u32,
}

/// No answer that is to be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Silence {
    /// How often the request was sent.
    pub copies: u32,
    /// Why the last answer was dropped, where one came.
    pub unsound: Option<Unsound>,
    /// What this machine said: nobody listens there, or the datagram cannot be sent.
    pub fault: Option<String>,
}

/// Who waits for which answer, and which identifiers are taken.
struct Desk {
    demand: Demand,
    waiting: Mutex<Waiting>,
    identifiers: Mutex<Identifiers>,
}

#[derive(Default)]
struct Waiting {
    next_ticket: u64,
    by_identifier: BTreeMap<u8, Vec<Waiter>>,
    fault: Option<String>,
}

struct Waiter {
    ticket: u64,
    asked: Asked,
    sender: mpsc::Sender<Result<Answer, Unsound>>,
}

#[derive(Default)]
struct Identifiers {
    next: u8,
    taken: BTreeSet<u8>,
}

/// A taken identifier; free again when it goes.
pub(super) struct Slot {
    identifier: u8,
    desk: Arc<Desk>,
}

/// A place at the desk; given up when it goes.
struct Place<'a> {
    desk: &'a Desk,
    identifier: u8,
    ticket: u64,
    receiver: mpsc::Receiver<Result<Answer, Unsound>>,
}

impl Timing {
    /// Sends once and waits this long.
    #[must_use]
    pub const fn once(timeout: Duration) -> Self {
        Self { timeout, interval: timeout, retransmissions: 0 }
    }

    /// Sends again every `interval` until `timeout`.
    #[must_use]
    pub const fn every(interval: Duration, timeout: Duration) -> Self {
        Self { timeout, interval, retransmissions: u32::MAX }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.unsound, &self.fault) {
            (Some(unsound), _) => write!(f, "an answer came, but {unsound}"),
            (None, Some(fault)) => write!(f, "no answer ({fault})"),
            (None, None) => f.write_str("no answer"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RadiusClient {
    /// A socket of its own, for one server; it demands what [`Demand::Signed`] says. Must be called within a tokio
    /// runtime. Nothing is sent yet.
    ///
    /// # Errors
    /// What the system says where there is no port left or no way to that address.
    pub async fn connect(server: SocketAddr, secret: Secret) -> io::Result<Self> {
        Self::connect_with(server, secret, Demand::Signed).await
    }

    /// As [`RadiusClient::connect`], with another demand.
    ///
    /// # Errors
    /// As there.
    pub async fn connect_with(server: SocketAddr, secret: Secret, demand: Demand) -> io::Result<Self> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = Arc::new(UdpSocket::bind(any).await?);
        socket.connect(server).await?;
        let desk = Arc::new(Desk { demand, waiting: Mutex::default(), identifiers: Mutex::default() });
        let (sender, receiver) = mpsc::channel(UNCLAIMED);
        let listener = tokio::spawn(listen(Arc::clone(&socket), Arc::clone(&desk), secret.clone(), sender));
        let unclaimed = tokio::sync::Mutex::new(receiver);
        Ok(Self { socket, secret, desk, unclaimed, listener: listener.abort_handle() })
    }

    /// The address that the server sees, where the way there is direct.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The secret that it shares with the server.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// A request with a random authenticator and an identifier that no other living request of this socket has; where
    /// all 256 are taken, one of these is used again.
    #[must_use]
    pub fn request(&self, request: impl Borrow<AccessRequest>) -> Prepared {
        let (identifier, slot) = self.take_identifier();
        Prepared { slot, ..self.request_as(request, identifier, edge::random()) }
    }

    /// A request with this identifier and authenticator, whoever else has them.
    #[must_use]
    pub fn request_as(&self, request: impl Borrow<AccessRequest>, identifier: u8, authenticator: [u8; 16]) -> Prepared {
        let bytes = request.borrow().encode(identifier, &authenticator, &self.secret);
        Prepared { bytes, identifier, authenticator, slot: None }
    }

    /// A Status-Server packet (RFC 5997).
    #[must_use]
    pub fn status_server(&self) -> Prepared {
        self.request(AccessRequest::status_server())
    }

    fn take_identifier(&self) -> (u8, Option<Arc<Slot>>) {
        let mut identifiers = lock(&self.desk.identifiers);
        for _ in 0..=u8::MAX {
            let identifier = identifiers.next;
            identifiers.next = identifier.wrapping_add(1);
            if identifiers.taken.insert(identifier) {
                return (identifier, Some(Arc::new(Slot { identifier, desk: Arc::clone(&self.desk) })));
            }
        }
        let identifier = identifiers.next;
        identifiers.next = identifier.wrapping_add(1);
        (identifier, None)
    }

    /// Sends the request, again as `timing` says, and waits for the first answer that is to be believed.
    ///
    /// # Errors
    /// [`Silence`] when the time is over.
    pub async fn exchange(&self, prepared: &Prepared, timing: Timing) -> Result<Answer, Silence> {
        self.exchange_watched(prepared, timing, |_| ()).await
    }

    /// As [`RadiusClient::exchange`]; `sent` hears how many copies have gone, after each.
    ///
    /// # Errors
    /// As there.
    pub async fn exchange_watched(
        &self,
        prepared: &Prepared,
        timing: Timing,
        mut sent: impl FnMut(u32),
    ) -> Result<Answer, Silence> {
        let mut place = self.desk.wait_for(prepared);
        let deadline = Instant::now() + timing.timeout;
        let mut silence = Silence::default();
        loop {
            if let Err(fault) = self.send_raw(&prepared.bytes).await {
                silence.fault = Some(fault.to_string());
            }
            silence.copies += 1;
            sent(silence.copies);
            let more = silence.copies <= timing.retransmissions;
            let until = if more { deadline.min(Instant::now() + timing.interval) } else { deadline };
            while let Ok(Some(heard)) = timeout_at(until, place.receiver.recv()).await {
                match heard {
                    Ok(answer) => return Ok(answer),
                    Err(unsound) => silence.unsound = Some(unsound),
                }
            }
            if Instant::now() >= deadline {
                silence.fault = silence.fault.or_else(|| self.desk.fault());
                return Err(silence);
            }
        }
    }

    /// Sends just these bytes.
    ///
    /// # Errors
    /// What the system says: too long, no way there, or nobody listens there.
    pub async fn send_raw(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).await.map(|_| ())
    }

    /// The next datagram that came and fits no request that waits, as it came; `None` when none comes within `wait`.
    pub async fn recv_raw(&self, wait: Duration) -> Option<Vec<u8>> {
        timeout(wait, async { self.unclaimed.lock().await.recv().await }).await.ok().flatten()
    }
}

impl Drop for RadiusClient {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl fmt::Debug for RadiusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RadiusClient({:?})", self.socket.peer_addr())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.desk.identifiers).taken.remove(&self.identifier);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.identifier)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.desk.waiting);
        if let Some(waiters) = waiting.by_identifier.get_mut(&self.identifier) {
            waiters.retain(|waiter| waiter.ticket != self.ticket);
        }
    }
}

impl Desk {
    fn wait_for(&self, prepared: &Prepared) -> Place<'_> {
        let (sender, receiver) = mpsc::channel(4);
        let (identifier, authenticator) = (prepared.identifier, prepared.authenticator);
        let asked = Asked { identifier, authenticator, proxy_states: prepared.proxy_states() };
        let mut waiting = lock(&self.waiting);
        let ticket = waiting.next_ticket;
        waiting.next_ticket += 1;
        waiting.by_identifier.entry(identifier).or_default().push(Waiter { ticket, asked, sender });
        Place { desk: self, identifier, ticket, receiver }
    }

    fn fault(&self) -> Option<String> {
        lock(&self.waiting).fault.clone()
    }

    /// Hands a datagram to the request that it answers, and says whether there was one. Who waits under its
    /// identifier hears why it was dropped.
    fn deliver(&self, datagram: &[u8], secret: &[u8]) -> bool {
        let waiting = lock(&self.waiting);
        let waiters = datagram.get(1).and_then(|identifier| waiting.by_identifier.get(identifier));
        let mut unsound = Vec::new();
        for waiter in waiters.into_iter().flatten() {
            match Answer::check(datagram, &waiter.asked, self.demand, secret) {
                Ok(answer) => return waiter.sender.try_send(Ok(answer)).is_ok(),
                Err(fault) => unsound.push((waiter, fault)),
            }
        }
        for (waiter, fault) in unsound {
            // Who has heard of many unsound answers need not hear of one more.
            let _ = waiter.sender.try_send(Err(fault));
        }
        false
    }
}

async fn listen(socket: Arc<UdpSocket>, desk: Arc<Desk>, secret: Secret, unclaimed: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => {
                let datagram = buffer.get(..length).unwrap_or_default();
                if !desk.deliver(datagram, secret.reveal().as_bytes()) {
                    // Beyond what is kept, it is lost, as it would be in a full socket.
                    let _ = unclaimed.try_send(datagram.to_vec());
                }
            }
            // Each tells of one datagram that nobody took; the next may fare better.
            Err(fault) if fault.kind() == io::ErrorKind::ConnectionRefused => {
                lock(&desk.waiting).fault = Some("nobody listens on that port".to_owned());
            }
            Err(fault) => {
                lock(&desk.waiting).fault = Some(fault.to_string());
                return;
            }
        }
    }
}
