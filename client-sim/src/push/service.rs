//! The push service (RFC 8030) in code: a server on loopback that keeps its subscriptions' keys, opens what is pushed to
//! them, and can be told to misbehave.
//!
//! | request | what it does |
//! | --- | --- |
//! | `POST /push/{id}` | the push resource (RFC 8030, section 5; RFC 8291; RFC 8292) |
//! | `POST /subscriptions` `{"vapid_public_key"?}` | 201 `{"id", "endpoint", "keys": {"p256dh", "auth"}}` |
//! | `GET /subscriptions/{id}/messages?after=N&wait=SECONDS` | `{"items": [{"seq", "plaintext", "ttl", "urgency", "topic", "sealed_bytes"}]}` |
//! | `DELETE /subscriptions/{id}` | 204; pushes get 410 from then on |
//! | `PUT /misbehaviour` `{"word": "429:5"}`, or `null` for the word | 204 |
//! | `GET /misbehaviour` | `{"word"}` |
//!
//! A server reaches it only where `GATEMATCH_PUSH_ALLOWED_HOSTS` names its host and port. Everything is in memory and
//! bounded; who can reach the port can read what is pushed, so it listens on loopback only.

mod attempt;
mod desk;
mod line;
mod misbehaviour;
mod resource;
mod subscription;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use gatematch_protocol::base64url;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::secret::Secret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::attempt::{Attempt, MAX_ATTEMPTS, Outcome};
pub use self::line::DRIP_PACE;
pub use self::misbehaviour::{Misbehaviour, RetryAfter, UnknownWord, WORDS, http_date};
pub use self::subscription::{MAX_MESSAGES, MAX_SUBSCRIPTIONS, Message, SubscriptionId};
use crate::edge::{self, Clock};
use crate::push::open::UserAgentKeys;

use self::attempt::Attempts;
use self::line::{Conduct, Lines};
use self::subscription::{Found, Subscription, Subscriptions};

/// More than any request to the desk needs.
const MAX_DESK_BODY_BYTES: usize = 4_096;

/// A push service that runs. It ends when it is dropped.
#[derive(Debug)]
pub struct PushService {
    inner: Arc<Inner>,
    address: SocketAddr,
    task: Option<JoinHandle<io::Result<()>>>,
}

/// No room for another subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the push service has as many subscriptions as it takes")]
pub struct Full;

struct Inner {
    /// RFC 6454, section 6.2.
    origin: String,
    clock: Clock,
    subscriptions: Mutex<Subscriptions>,
    misbehaviour: Mutex<Option<Misbehaviour>>,
    attempts: Mutex<Attempts>,
    attempted: watch::Sender<u64>,
    closed: watch::Sender<bool>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl PushService {
    /// Listens at `listen`; port 0 for any.
    ///
    /// # Errors
    /// An address that is not loopback, or what the system says.
    pub async fn start(listen: SocketAddr, clock: Clock) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            let what = format!("{listen} can be reached from elsewhere, and what is pushed can be read here");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        // The default port of http is not part of an origin.
        let origin =
            if address.port() == 80 { format!("http://{}", host(address)) } else { format!("http://{address}") };
        let inner = Arc::new(Inner {
            origin,
            clock,
            subscriptions: Mutex::default(),
            misbehaviour: Mutex::default(),
            attempts: Mutex::default(),
            attempted: watch::Sender::new(0),
            closed: watch::Sender::new(false),
        });
        let app = router(Arc::clone(&inner)).into_make_service_with_connect_info::<Conduct>();
        let mut closed = inner.closed.subscribe();
        let end = async move {
            // The sender lives as long as the task.
            let _ = closed.wait_for(|closed| *closed).await;
        };
        let serving = axum::serve(Lines::new(listener), app).with_graceful_shutdown(end);
        let task = tokio::spawn(async move { serving.await });
        Ok(Self { inner, address, task: Some(task) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `aud` must be: `http://127.0.0.1:9090`. Also the base of its endpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// What the server's `push_allowed_hosts` must name: `127.0.0.1:9090`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A new subscription, which only the application server with the key `vapid_public` (uncompressed, base64url) may
    /// push to; `None`: any. The keys that open what is pushed stay here.
    ///
    /// # Errors
    /// [`Full`] at [`MAX_SUBSCRIPTIONS`].
    pub fn subscribe(&self, vapid_public: Option<&str>) -> Result<(PushSubscription, SubscriptionId), Full> {
        self.inner.subscribe(vapid_public.map(str::to_owned))
    }

    /// Ends a subscription: pushes to it get 410. False where it was not there.
    pub fn remove(&self, id: &SubscriptionId) -> bool {
        self.inner.subscriptions().remove(id.as_str())
    }

    /// What is kept for a subscription, oldest first, fetched or not.
    #[must_use]
    pub fn messages(&self, id: &SubscriptionId) -> Vec<Message> {
        match self.inner.subscriptions().find(id.as_str()) {
            Found::There(subscription) => {
                subscription.release(Instant::now());
                subscription.look()
            }
            Found::Gone | Found::Unknown => Vec::new(),
        }
    }

    /// Fetches the next message, as the user agent does that is connected; waits for one up to `within`. `None` where
    /// none comes, or the subscription is not there.
    pub async fn next(&self, id: &SubscriptionId, within: Duration) -> Option<Message> {
        self.inner.wait(id.as_str(), within, Subscription::fetch_next).await
    }

    /// Misbehaves from now on; `None`: no more. What was held back is delivered.
    pub fn misbehave(&self, misbehaviour: Option<Misbehaviour>) {
        self.inner.misbehave(misbehaviour);
    }

    /// What senders tried, oldest first, at most the last [`MAX_ATTEMPTS`].
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.inner.attempts().all()
    }

    /// The first attempt that is remembered behind `seq` (0: the first of all); waits for it up to `within`.
    pub async fn attempt_after(&self, seq: u64, within: Duration) -> Option<Attempt> {
        let mut attempted = self.inner.attempted.subscribe();
        let come = attempted.wait_for(|last| *last > seq);
        tokio::time::timeout(within, come).await.ok()?.ok()?;
        self.inner.attempts().after(seq)
    }

    /// Ends it and waits until the port is free.
    pub async fn stop(mut self) {
        self.inner.closed.send_replace(true);
        if let Some(task) = self.task.take() {
            // Connections that a client leaves open are not waited for: the listener is gone first.
            let _ = tokio::time::timeout(Duration::from_secs(1), task).await;
        }
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.inner.closed.send_replace(true);
    }
}

fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/subscriptions", post(desk::subscribe))
        .route("/subscriptions/{id}", delete(desk::remove))
        .route("/subscriptions/{id}/messages", get(desk::messages))
        .route("/misbehaviour", get(desk::misbehaviour).put(desk::misbehave))
        .layer(DefaultBodyLimit::max(MAX_DESK_BODY_BYTES))
        .route("/push/{id}", post(resource::push))
        .with_state(inner)
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn now(&self) -> i64 {
        (self.clock)()
    }

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        locked(&self.subscriptions)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        locked(&self.attempts)
    }

    fn subscribe(&self, vapid: Option<String>) -> Result<(PushSubscription, SubscriptionId), Full> {
        let id = SubscriptionId(base64url::encode(edge::random::<16>()));
        let endpoint = Secret::new(format!("{}/push/{id}", self.origin));
        let keys = UserAgentKeys::random();
        let subscription = PushSubscription { endpoint, keys: keys.told() };
        let added = self.subscriptions().add(&id, Subscription::new(keys, vapid));
        if added { Ok((subscription, id)) } else { Err(Full) }
    }

    fn misbehaviour(&self) -> Option<Misbehaviour> {
        locked(&self.misbehaviour).clone()
    }

    fn misbehave(&self, misbehaviour: Option<Misbehaviour>) {
        *locked(&self.misbehaviour) = misbehaviour;
        self.subscriptions().release_all();
    }

    fn remember(&self, attempt: Attempt) {
        let last = self.attempts().add(attempt);
        self.attempted.send_if_modified(|seen| {
            let later = last > *seen;
            *seen = last.max(*seen);
            later
        });
    }

    /// What `fetch` finds in a subscription: at once, or as soon as something is delivered, up to `within`.
    async fn wait<T>(
        &self,
        id: &str,
        within: Duration,
        fetch: impl Fn(&mut Subscription, i64) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut closed = self.closed.subscribe();
        loop {
            let rings = match self.subscriptions().find(id) {
                Found::There(subscription) => Arc::clone(&subscription.rings),
                Found::Gone | Found::Unknown => return None,
            };
            let mut ring = std::pin::pin!(rings.notified());
            // Heard from here on, so that nothing is missed between the look and the wait.
            ring.as_mut().enable();
            let due = match self.subscriptions().find(id) {
                Found::There(subscription) => {
                    let due = subscription.release(Instant::now());
                    if let Some(found) = fetch(subscription, self.now()) {
                        return Some(found);
                    }
                    due
                }
                Found::Gone | Found::Unknown => return None,
            };
            if Instant::now() >= deadline {
                return None;
            }
            let wake = due.map_or(deadline, |due| due.min(deadline));
            tokio::select! {
                () = ring => {}
                () = tokio::time::sleep_until(wake) => {}
                _ = closed.wait_for(|closed| *closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
