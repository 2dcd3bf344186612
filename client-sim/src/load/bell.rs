//! A push service for many phones that is as quick as it can be: it opens what comes and hands it to the phone.
//!
//! [`crate::push::service`] is the one that looks closely, remembers and misbehaves.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::secret::Secret;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::edge::Clock;
use crate::push::open::{MAX_SEALED_BYTES, UserAgentKeys};
use crate::push::plaintext::Plaintext;
use crate::push::vapid;

/// How many messages a phone may leave unheard; further ones are not taken.
const UNHEARD: usize = 16;

/// The push service. It ends when it is dropped.
pub struct Bell {
    inner: Arc<Inner>,
    address: SocketAddr,
    task: AbortHandle,
}

struct Inner {
    origin: String,
    clock: Clock,
    phones: RwLock<Vec<Arc<Subscribed>>>,
    /// The credential that was found good last: a server shows the same one for hours.
    believed: Mutex<String>,
}

struct Subscribed {
    keys: UserAgentKeys,
    rings: mpsc::Sender<String>,
}

/// Where one phone hears it.
pub struct Rung(tokio::sync::Mutex<mpsc::Receiver<String>>);

impl Bell {
    /// Listens at `listen`, which must be of this machine: what is pushed can be read here.
    ///
    /// # Errors
    /// What the system says.
    pub async fn start(listen: SocketAddr, clock: Clock) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{listen} can be reached from elsewhere")));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let origin = format!("http://{address}");
        let inner = Arc::new(Inner { origin, clock, phones: RwLock::default(), believed: Mutex::default() });
        let router = Router::new()
            .route("/push/{number}", post(push))
            .layer(DefaultBodyLimit::max(MAX_SEALED_BYTES))
            .with_state(Arc::clone(&inner));
        let listener = listener.tap_io(|stream| {
            // Without it an answer is only slower.
            let _ = stream.set_nodelay(true);
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { inner, address, task })
    }

    /// What the server's `push_allowed_hosts` must name.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A new subscription, and where its phone hears it.
    #[must_use]
    pub fn subscribe(&self) -> (PushSubscription, Rung) {
        let keys = UserAgentKeys::random().quick();
        let told = keys.told();
        let (rings, rung) = mpsc::channel(UNHEARD);
        let mut phones = self.inner.phones.write().unwrap_or_else(PoisonError::into_inner);
        let endpoint = Secret::new(format!("{}/push/{}", self.inner.origin, phones.len()));
        phones.push(Arc::new(Subscribed { keys, rings }));
        (PushSubscription { endpoint, keys: told }, Rung(tokio::sync::Mutex::new(rung)))
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rung {
    /// The next signed challenge that was pushed, unchecked, within this time.
    pub async fn challenge(&self, within: Duration) -> Option<String> {
        tokio::time::timeout(within, async { self.0.lock().await.recv().await }).await.ok()?
    }

    /// Forgets what was pushed and not heard: of logins that have come to nothing.
    pub async fn hush(&self) {
        let mut rung = self.0.lock().await;
        while rung.try_recv().is_ok() {}
    }
}

impl Inner {
    /// Whether the sender is an application server; a new credential is looked at as any push service does.
    fn believes(&self, headers: &HeaderMap) -> bool {
        let Some(shown) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        if *self.believed.lock().unwrap_or_else(PoisonError::into_inner) == shown {
            return true;
        }
        let expected = vapid::Expected { origin: &self.origin, key: None, now: (self.clock)() };
        let good = vapid::check(shown, expected).is_ok();
        if good {
            shown.clone_into(&mut self.believed.lock().unwrap_or_else(PoisonError::into_inner));
        }
        good
    }
}

async fn push(
    State(inner): State<Arc<Inner>>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    sealed: Bytes,
) -> StatusCode {
    if !inner.believes(&headers) {
        return StatusCode::FORBIDDEN;
    }
    let phone = inner.phones.read().unwrap_or_else(PoisonError::into_inner).get(number).cloned();
    let Some(phone) = phone else { return StatusCode::GONE };
    match phone.keys.open(&sealed).ok().and_then(|plain| Plaintext::read(&plain).ok()) {
        Some(Plaintext::Challenge(challenge)) => match phone.rings.try_send(challenge) {
            Err(mpsc::error::TrySendError::Full(_)) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::CREATED,
        },
        Some(_) => StatusCode::CREATED,
        None => StatusCode::BAD_REQUEST,
    }
}
