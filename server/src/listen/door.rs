//! Who is let onto a listener, and how long one that does not take its answers is kept.

use std::future::{Future as _, Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready as poll_ready};
use std::time::Duration;

use axum_server::accept::Accept;
use gatematch_protocol::time::Timestamp;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use super::plan::Way;
use super::share::{Shares, Taken, share};
use super::traffic::{Line, Streams};
use super::{Limits, PUBLIC};
use crate::edge::Edge;
use crate::http::Metrics;

/// How often the same trouble is logged, in seconds.
const TELL_SECONDS: i64 = 60;

/// What `/metrics` tells about connections.
#[derive(Clone)]
pub(super) struct Counts {
    open: IntGaugeVec,
    turned_away: IntCounterVec,
    refused: IntCounterVec,
}

impl Counts {
    /// At zero, and known to `metrics`.
    pub(super) fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let open = Opts::new("gatematch_connections", "Connections that are open, by listener.");
        let away = Opts::new("gatematch_connections_turned_away_total", "Connections closed unserved, by cause.");
        let refused = Opts::new("gatematch_streams_refused_total", "Requests over HTTP/2 that found no place.");
        let counts = Self {
            open: IntGaugeVec::new(open, &["listener"])?,
            refused: IntCounterVec::new(refused, &["listener"])?,
            turned_away: IntCounterVec::new(away, &["listener", "cause"])?,
        };
        metrics.register(Box::new(counts.open.clone()))?;
        metrics.register(Box::new(counts.turned_away.clone()))?;
        metrics.register(Box::new(counts.refused.clone()))?;
        Ok(counts)
    }
}

/// A cause, counted each time and logged once a minute.
struct Cause {
    count: IntCounter,
    told: Mutex<Option<Timestamp>>,
}

impl Cause {
    fn new(counts: &Counts, listener: &str, cause: &str) -> Self {
        Self { count: counts.turned_away.with_label_values(&[listener, cause]), told: Mutex::default() }
    }

    /// Counts it; whether it is to be logged.
    fn happened(&self, now: Timestamp) -> bool {
        self.count.inc();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not silence the log.
        if told.is_some_and(|at| at <= now && now < at.plus_seconds(TELL_SECONDS)) {
            return false;
        }
        *told = Some(now);
        true
    }
}

/// The door of one listener.
#[derive(Clone)]
pub(super) struct Door(Arc<Inner>);

struct Inner {
    listener: &'static str,
    way: Way,
    /// Whose connections are those of many people.
    proxies: Vec<IpAddr>,
    places: Arc<Semaphore>,
    shares: Arc<Shares>,
    streams: Streams,
    stall: Duration,
    edge: Edge,
    open: IntGauge,
    unnamed: Cause,
    full: Cause,
    address: Cause,
    early: Cause,
    failed: Cause,
}

impl Door {
    /// A door for as many connections at a time as `limits` says, of which an address that is none of `proxies` may
    /// have its share. Whoever takes nothing of what is sent to him for too long is let go.
    pub(super) fn new(
        listener: &'static str,
        way: Way,
        proxies: &[IpAddr],
        limits: &Limits,
        edge: Edge,
        counts: &Counts,
    ) -> Self {
        let cause = |cause| Cause::new(counts, listener, cause);
        let refused = counts.refused.with_label_values(&[listener]);
        let early = cause(if way == Way::Tls { "handshake" } else { "gone" });
        Self(Arc::new(Inner {
            listener,
            way,
            proxies: proxies.to_vec(),
            places: Arc::new(Semaphore::new(limits.connections)),
            shares: Shares::new(share(limits.connections)),
            streams: Streams::new(limits, refused),
            stall: limits.stall,
            edge,
            open: counts.open.with_label_values(&[listener]),
            unnamed: cause("unnamed"),
            full: cause("full"),
            address: cause("address"),
            early,
            failed: cause("accept"),
        }))
    }

    /// Lets a connection in, or says why it is closed before a byte of it is read.
    fn let_in<S>(&self, stream: TcpStream, service: S) -> io::Result<(Guest, Line<S>)> {
        let Inner { listener, way, proxies, streams, stall, edge, open, unnamed, .. } = &*self.0;
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let peer = stream.peer_addr()?.ip().to_canonical();
        if !way.admits(peer) {
            if unnamed.happened(edge.now()) {
                tracing::warn!(listener, %peer, "a connection was closed: plain HTTP is for the proxies in trusted_proxies alone");
            }
            return Err(refused());
        }
        let (place, share) = self.place(peer).ok_or_else(refused)?;
        stream.set_nodelay(true)?;
        open.inc();
        let held = Seat { _place: place, _share: share, open: open.clone() };
        // Where everything is served one address may be that of a gateway for which thousands wait.
        let shared = (*listener == PUBLIC && way.is_shared(peer, proxies)).then_some(peer);
        let line = streams.line(service, shared, proxies.iter().any(|proxy| proxy.to_canonical() == peer));
        Ok((Guest { stream, stall: *stall, stalled: None, _held: held }, line))
    }

    /// A place for a connection from `peer`, and its part of what that address may have, where that is counted.
    fn place(&self, peer: IpAddr) -> Option<(OwnedSemaphorePermit, Option<Taken>)> {
        let Inner { listener, way, proxies, places, shares, edge, full, address, .. } = &*self.0;
        let share = if way.is_shared(peer, proxies) {
            let Some(taken) = shares.take(peer) else {
                if address.happened(edge.now()) {
                    tracing::warn!(listener, %peer, "a connection was closed: its address has too many");
                }
                return None;
            };
            Some(taken)
        } else {
            None
        };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            if full.happened(edge.now()) {
                tracing::error!(listener, "a connection was closed: there are too many");
            }
            return None;
        };
        Some((place, share))
    }

    /// A connection that did not come to be: without an address, the system gave none.
    pub(super) fn failed(&self, peer: Option<&SocketAddr>, error: &io::Error) {
        let Inner { listener, edge, early, failed, .. } = &*self.0;
        if peer.is_none() {
            if failed.happened(edge.now()) {
                tracing::error!(listener, %error, "no connection can be taken");
            }
        } else if error.kind() != io::ErrorKind::ConnectionRefused && early.happened(edge.now()) {
            // Scanners do this all day long.
            tracing::debug!(listener, %error, "a connection came to nothing before its first request");
        }
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Guest;
    type Service = Line<S>;
    type Future = Ready<io::Result<(Guest, Line<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(self.let_in(stream, service))
    }
}

/// A place on the listener, given back when the connection ends.
struct Seat {
    _place: OwnedSemaphorePermit,
    _share: Option<Taken>,
    open: IntGauge,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// A connection that was let in.
pub(super) struct Guest {
    stream: TcpStream,
    stall: Duration,
    /// Runs while the peer takes nothing of what is there for it.
    stalled: Option<Pin<Box<Sleep>>>,
    _held: Seat,
}

impl Guest {
    /// Passes on what became of a write, unless nothing has been taken for too long.
    fn written<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        poll_ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
