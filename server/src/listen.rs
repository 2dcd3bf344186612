//! The listeners: who may connect, with or without TLS, and how long he may take.
//!
//! `axum::serve` waits for ever for a TLS handshake, a request's head or a reader; this does not.

mod certificate;
mod chain;
mod door;
mod inspect;
mod keeper;
mod pem;
pub mod plan;
mod share;
mod tls;
mod traffic;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Control, Handle, Server};
use rustix::process::Resource;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::door::{Counts, Door};
pub(crate) use self::inspect::{Inspected, Shown, inspect, shown};
use self::keeper::{Gauges, Keeper};
use self::plan::{About, Plan, Way, is_near};
pub use self::tls::TlsFault;
use crate::edge::Edge;
use crate::http::app::App;
use crate::http::{Metrics, public_router, router};
use crate::settings::Settings;
use crate::start::StartFault;

/// The most bytes of a request's head. The longest header that is understood, a phone's proof, has 4 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How many requests one connection of HTTP/2 may have under way where everything is served: some five connections are
/// enough for all logins that may wait ([`crate::hub::MAX_WAITERS`]).
const STREAMS: u32 = 4_096;
/// The same where phones and browsers come from everywhere: as many as RFC 9113, section 6.5.2, asks for at least.
const PUBLIC_STREAMS: u32 = 100;
/// How much of an answer is kept for a stream whose peer does not take it yet; no answer but files is longer.
const MAX_SEND_BYTES: usize = 64 * 1024;
/// The name of the listener that serves everything, in the log and in `/metrics`.
const MAIN: &str = "main";
/// The name of the one for phones and browsers.
const PUBLIC: &str = "public";
/// The name of the one for what runs in the same process.
const INNER: &str = "inner";

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, the time before its first byte included: so long is an idle connection kept. One of
    /// HTTP/2 must also answer a ping within this time, which is sent when it has been silent for as long.
    pub head: Duration,
    /// For taking anything at all of what is sent to it.
    pub stall: Duration,
    /// How many there may be on each listener at a time.
    pub connections: usize,
    /// How many requests may be under way on each listener at a time over HTTP/2, on however few connections.
    pub streams: usize,
}

impl Default for Limits {
    /// What holds for everybody but tests.
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            connections: 20_000,
            // Somewhat more than may wait, so that those who do not wait are served beside them.
            streams: 32_768,
        }
    }
}

/// Listeners that are decided upon; nothing is bound.
pub(crate) struct Prepared {
    plan: Plan,
    has_inner: bool,
    keeper: Option<Arc<Keeper>>,
    counts: Counts,
    edge: Edge,
}

impl Prepared {
    /// Decides on the listeners, and reads the certificate where one is served with.
    ///
    /// # Errors
    /// [`StartFault`].
    pub(crate) fn of(settings: &Settings, edge: &Edge, metrics: &Metrics) -> Result<Self, StartFault> {
        let plan = Plan::of(settings)?;
        let keeper = match &settings.tls {
            Some(files) if plan.has_tls() => {
                let issuer = settings.issuer.as_deref().unwrap_or_default();
                let keeper = Keeper::open(files.clone(), issuer, edge.clone(), Gauges::new(metrics)?)?;
                Some(Arc::new(keeper))
            }
            _ => None,
        };
        // The front door speaks plain HTTP, and comes from this machine.
        let has_inner = settings.radius.is_some() && !is_near(settings.listen);
        Ok(Self { plan, has_inner, keeper, counts: Counts::new(metrics)?, edge: edge.clone() })
    }

    /// Binds them all.
    ///
    /// # Errors
    /// [`StartFault::Listen`] for the first that cannot be.
    pub(crate) async fn bind(self) -> Result<Bound, StartFault> {
        let main = Socket::bind(MAIN, self.plan.main).await?;
        let mut others = Vec::new();
        if let Some(public) = self.plan.public {
            others.push(Socket::bind(PUBLIC, public).await?);
        }
        if self.has_inner {
            let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            others.push(Socket::bind(INNER, (free, Way::Plain)).await?);
        }
        Ok(Bound { main, others, keeper: self.keeper, counts: self.counts, edge: self.edge })
    }
}

struct Socket {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    way: Way,
}

impl Socket {
    async fn bind(name: &'static str, (address, way): (SocketAddr, Way)) -> Result<Self, StartFault> {
        let setting = match name {
            MAIN => About::Listen.key(),
            PUBLIC => About::PublicListen.key(),
            _ => "the address for what runs in the same process",
        };
        let fault = |source| StartFault::Listen { setting, address, source };
        let listener = TcpListener::bind(address).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        Ok(Self { name, listener, address, way })
    }

    fn place(&self) -> Place {
        Place { address: self.address, scheme: self.way.scheme() }
    }
}

/// Listeners that are bound; nobody is served.
pub(crate) struct Bound {
    main: Socket,
    others: Vec<Socket>,
    keeper: Option<Arc<Keeper>>,
    counts: Counts,
    edge: Edge,
}

impl Bound {
    /// Where everything is served.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.main.address
    }

    /// Serves.
    pub(crate) fn serve(self, app: &App, limits: Limits) -> Serving {
        let Self { main, others, keeper, counts, edge } = self;
        let control = Control::new();
        let place = |name| others.iter().find(|socket| socket.name == name).map(Socket::place);
        let (public, inner) = (place(PUBLIC), place(INNER));
        let main_place = main.place();
        let connections = limits.connections.min(connections_by_open_files() / (others.len() + 1));
        let limits = Limits { connections, ..limits };
        let serve = |Socket { name, listener, way, .. }: Socket| {
            let router = if name == PUBLIC { public_router(Arc::clone(app)) } else { router(Arc::clone(app)) };
            // An https address that was seen once is not called by http any more (RFC 6797).
            let router = if way == Way::Tls { router.layer(map_response(only_https)) } else { router };
            let keeper = keeper.clone().filter(|_| way == Way::Tls);
            let door = Door::new(name, way, &app.settings.trusted_proxies, &limits, edge.clone(), &counts);
            let streams = if name == PUBLIC { PUBLIC_STREAMS } else { STREAMS };
            tokio::spawn(serve(listener, router, door, keeper, limits, streams, control.clone()))
        };
        let tasks = std::iter::once(main).chain(others).map(serve).collect();
        Serving { main: main_place, public, inner, keeper, control, tasks }
    }
}

/// How many connections all listeners may have together, by the limit on open files: some are left for the database
/// and whatever else is opened.
fn connections_by_open_files() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit / 4 * 3).unwrap_or(usize::MAX))
}

async fn only_https(mut response: Response) -> Response {
    let year = HeaderValue::from_static("max-age=31536000");
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    response
}

/// Speaks HTTP/1.1, and HTTP/2 with whoever begins it: by ALPN over TLS, by prior knowledge without.
async fn serve(
    listener: TcpListener,
    router: Router,
    door: Door,
    keeper: Option<Arc<Keeper>>,
    limits: Limits,
    streams: u32,
    control: Control,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let told = door.clone();
    let mut server = Server::<SocketAddr>::from_listener(listener)
        .handle(Handle::with_control(control))
        .first_request_timeout(limits.head)
        .accept_error_handler(move |peer, error| told.failed(peer, error));
    let http = server.http_builder();
    http.http1().header_read_timeout(limits.head).max_buf_size(MAX_HEAD_BYTES);
    // What hyper and h2 do by themselves stays: a connection is closed whose peer has 20 streams reset that were not served
    // yet (CVE-2023-44487), makes us reset 1,024 of them (CVE-2025-8671), or sends a head that never ends (CVE-2024-27316).
    http.http2()
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(streams)
        .max_send_buf_size(MAX_SEND_BYTES)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head);
    match keeper {
        None => server.acceptor(door).serve(service).await,
        Some(keeper) => {
            let acceptor = RustlsAcceptor::new(keeper.config()).handshake_timeout(limits.handshake).acceptor(door);
            server.acceptor(acceptor).serve(service).await
        }
    }
}

/// Where a listener is, and what it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address, with the port that was found where none was asked for.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.address)
    }
}

/// Listeners that serve.
pub(crate) struct Serving {
    /// Where everything is served.
    pub(crate) main: Place,
    /// Where only that is served which phones and browsers need.
    pub(crate) public: Option<Place>,
    inner: Option<Place>,
    keeper: Option<Arc<Keeper>>,
    control: Control,
    tasks: Vec<JoinHandle<io::Result<()>>>,
}

impl Serving {
    /// Where what runs in the same process finds everything.
    pub(crate) fn inner(&self) -> Place {
        self.inner.unwrap_or(self.main)
    }

    /// Who keeps the certificate, where there is one.
    pub(crate) const fn keeper(&self) -> Option<&Arc<Keeper>> {
        self.keeper.as_ref()
    }

    /// Takes no more connections, and lets requests under way end; whether they did, within this time.
    pub(crate) async fn stop(&mut self, time: Duration) -> bool {
        self.control.graceful_shutdown(None);
        let ended = async {
            for task in &mut self.tasks {
                let _ = task.await;
            }
        };
        let ended = tokio::time::timeout(time, ended).await.is_ok();
        if !ended {
            self.control.shutdown();
            self.tasks.iter().for_each(JoinHandle::abort);
        }
        ended
    }
}
