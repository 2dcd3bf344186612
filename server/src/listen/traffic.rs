//! What goes over one connection of HTTP/2. A stream costs its sender little, so hyper's limits on one connection are
//! not all: here is how many streams a listener and an address may have, how long a connection without any is kept, and
//! how long one that takes no answers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, Version};
use axum_server::ConnectionShutdown;
use futures_util::future::{BoxFuture, Either};
use http_body::{Frame, SizeHint};
use prometheus::IntCounter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower_service::Service;

use super::Limits;
use super::share::{Shares, Taken, share};
use crate::http::observe::NoPlace;

/// The streams of one listener.
#[derive(Clone)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    shares: Arc<Shares>,
    full: IntCounter,
    idle: Duration,
    stall: Duration,
}

impl Streams {
    /// As many as `limits` allows; `full` counts those that were refused.
    pub(super) fn new(limits: &Limits, full: IntCounter) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.streams)),
            shares: Shares::new(share(limits.streams)),
            full,
            idle: limits.head,
            stall: limits.stall,
        }
    }

    /// What serves one connection with `service`. The streams of `shared` count to the share of that address;
    /// `is_many` says that the peer is a proxy: one of its people who takes no answers must not end those of others.
    pub(super) fn line<S>(&self, service: S, shared: Option<IpAddr>, is_many: bool) -> Line<S> {
        let stall = (!is_many).then_some(self.stall);
        let traffic = Arc::new(Traffic { idle: self.idle, stall, under_way: Mutex::new(UnderWay::at(Instant::now())) });
        let line = Connection { streams: self.clone(), shared, traffic, watch: OnceLock::new() };
        Line { service, connection: Arc::new(line) }
    }
}

/// A connection with its service. What is not HTTP/2 goes through untouched: hyper times that itself.
#[derive(Clone)]
pub(super) struct Line<S> {
    service: S,
    connection: Arc<Connection>,
}

struct Connection {
    streams: Streams,
    shared: Option<IpAddr>,
    traffic: Arc<Traffic>,
    watch: OnceLock<AbortHandle>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.get() {
            watch.abort();
        }
    }
}

impl Connection {
    /// A place for one more stream, where there is one.
    fn begin(&self) -> Option<Stream> {
        let taken = match self.shared {
            Some(source) => Some(self.streams.shares.take(source)?),
            None => None,
        };
        let place = Arc::clone(&self.streams.places).try_acquire_owned().ok()?;
        let number = self.traffic.lock().begin();
        Some(Stream { traffic: Arc::clone(&self.traffic), number, _place: place, _share: taken })
    }
}

impl<S, B> Service<Request<B>> for Line<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if request.version() != Version::HTTP_2 {
            return Either::Left(self.service.call(request));
        }
        // Also one whose requests find no place: it must not stay for ever by that.
        if let Some(shutdown) = request.extensions().get::<ConnectionShutdown>() {
            let traffic = &self.connection.traffic;
            let watch = || tokio::spawn(Arc::clone(traffic).watch(shutdown.clone())).abort_handle();
            self.connection.watch.get_or_init(watch);
        }
        let Some(stream) = self.connection.begin() else {
            self.connection.streams.full.inc();
            request.extensions_mut().insert(NoPlace);
            return Either::Left(self.service.call(request));
        };
        let answer = self.service.call(request);
        Either::Right(Box::pin(async move { answer.await.map(|response| response.map(|body| stream.carry(body))) }))
    }
}

/// A stream that is open: from its head until all of its answer was handed over, or nobody wants it any more.
struct Stream {
    traffic: Arc<Traffic>,
    number: u64,
    _place: OwnedSemaphorePermit,
    _share: Option<Taken>,
}

impl Stream {
    fn carry(self, body: Body) -> Body {
        self.traffic.lock().given(self.number, Instant::now());
        Body::new(Carried { body, stream: self })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.traffic.lock().end(self.number, Instant::now());
    }
}

/// An answer's body. hyper asks for more of it only when the peer has taken enough of what it was given before.
struct Carried {
    body: Body,
    stream: Stream,
}

impl HttpBody for Carried {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.stream.traffic.lock().taken(self.stream.number);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.stream.traffic.lock().given(self.stream.number, Instant::now());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What one connection has under way, and for how long.
struct Traffic {
    idle: Duration,
    stall: Option<Duration>,
    under_way: Mutex<UnderWay>,
}

struct UnderWay {
    streams: usize,
    last: u64,
    /// Since when there has been none.
    idle_since: Instant,
    /// What was given to streams that have not asked for more, and when.
    given: BTreeMap<u64, Instant>,
}

impl UnderWay {
    const fn at(now: Instant) -> Self {
        Self { streams: 0, last: 0, idle_since: now, given: BTreeMap::new() }
    }

    fn begin(&mut self) -> u64 {
        self.streams += 1;
        self.last += 1;
        self.last
    }

    fn given(&mut self, number: u64, now: Instant) {
        self.given.insert(number, now);
    }

    fn taken(&mut self, number: u64) {
        self.given.remove(&number);
    }

    fn end(&mut self, number: u64, now: Instant) {
        self.given.remove(&number);
        self.streams = self.streams.saturating_sub(1);
        self.idle_since = now;
    }
}

/// What is to be done about a connection.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// Nothing has been asked for long enough.
    Idle,
    /// Nothing has been taken for too long.
    Stalled,
    /// Nothing before then.
    Later(Instant),
}

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self, now: Instant) -> Due {
        let under_way = self.lock();
        let idle_from = if under_way.streams == 0 { under_way.idle_since } else { now };
        let mut next = idle_from + self.idle;
        if next <= now {
            return Due::Idle;
        }
        if let Some(stall) = self.stall {
            let stalled = under_way.given.values().min().map_or(now, |oldest| *oldest) + stall;
            if stalled <= now {
                return Due::Stalled;
            }
            next = next.min(stalled);
        }
        Due::Later(next)
    }

    /// Says goodbye to a peer that asks for nothing any more, and hangs up on one that takes nothing, or does not go.
    async fn watch(self: Arc<Self>, shutdown: ConnectionShutdown) {
        let mut told = false;
        loop {
            match self.due(Instant::now()) {
                Due::Later(at) => tokio::time::sleep_until(at).await,
                Due::Idle if !told => {
                    told = true;
                    shutdown.graceful_shutdown();
                    tokio::time::sleep(self.idle).await;
                }
                Due::Idle | Due::Stalled => return shutdown.shutdown(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn traffic(start: Instant) -> Traffic {
        Traffic { idle: 10 * SECOND, stall: Some(30 * SECOND), under_way: Mutex::new(UnderWay::at(start)) }
    }

    #[test]
    fn a_connection_without_streams_is_kept_for_a_while() {
        let start = Instant::now();
        let traffic = traffic(start);
        assert_eq!(traffic.due(start), Due::Later(start + 10 * SECOND));
        assert_eq!(traffic.due(start + 10 * SECOND), Due::Idle);
        let number = traffic.lock().begin();
        let later = start + 100 * SECOND;
        assert_eq!(traffic.due(later), Due::Later(later + 10 * SECOND), "one that waits is not idle");
        traffic.lock().end(number, later);
        assert_eq!(traffic.due(later), Due::Later(later + 10 * SECOND));
        assert_eq!(traffic.due(later + 10 * SECOND), Due::Idle);
    }

    #[test]
    fn who_takes_nothing_is_found_by_the_oldest_that_he_left() {
        let start = Instant::now();
        let traffic = traffic(start);
        let deaf = traffic.lock().begin();
        let hears = traffic.lock().begin();
        traffic.lock().given(deaf, start);
        let later = start + 29 * SECOND;
        traffic.lock().given(hears, later);
        assert_eq!(traffic.due(later), Due::Later(start + 30 * SECOND));
        assert_eq!(traffic.due(start + 30 * SECOND), Due::Stalled);
        traffic.lock().taken(deaf);
        assert_eq!(traffic.due(later), Due::Later(later + 10 * SECOND));
        assert_eq!(traffic.due(later + 30 * SECOND), Due::Stalled);
        let proxy = Traffic { stall: None, ..traffic };
        assert_ne!(proxy.due(start + 1_000 * SECOND), Due::Stalled);
    }
}
