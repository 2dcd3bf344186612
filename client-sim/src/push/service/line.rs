//! Connections that can be made to misbehave below HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How long it takes for a byte to drip.
pub const DRIP_PACE: Duration = Duration::from_millis(500);
/// More connections wait until one is closed.
const MAX_CONNECTIONS: usize = 1_024;
/// How long to wait where the system has no room for another connection.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(100);

const SOUND: u8 = 0;
const DRIPPING: u8 = 1;
const BROKEN: u8 = 2;

/// How one connection behaves from now on: what a handler has of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Conduct(Arc<AtomicU8>);

impl Conduct {
    /// Lets only one byte out at a time.
    pub(super) fn drip(&self) {
        self.0.store(DRIPPING, Ordering::Relaxed);
    }

    /// Lets nothing out any more: the connection ends with the next byte.
    pub(super) fn cut(&self) {
        self.0.store(BROKEN, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Lines>> for Conduct {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().conduct.clone()
    }
}

/// Where connections come from; not more than [`MAX_CONNECTIONS`] at once.
pub(super) struct Lines {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Lines {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => {
                    // Without it an answer is only slower.
                    let _ = stream.set_nodelay(true);
                    return (Line { stream, conduct: Conduct::default(), pause: None, _permit: permit }, from);
                }
                Err(_) => tokio::time::sleep(NO_ROOM_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    conduct: Conduct,
    pause: Option<Pin<Box<Sleep>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        match line.conduct.0.load(Ordering::Relaxed) {
            SOUND => Pin::new(&mut line.stream).poll_write(cx, bytes),
            BROKEN => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            _ => {
                if let Some(pause) = &mut line.pause {
                    ready!(pause.as_mut().poll(cx));
                    line.pause = None;
                }
                let drop = bytes.get(..1).unwrap_or_default();
                let written = ready!(Pin::new(&mut line.stream).poll_write(cx, drop))?;
                line.pause = Some(Box::pin(tokio::time::sleep(DRIP_PACE)));
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
