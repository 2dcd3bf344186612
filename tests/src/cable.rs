//! The cable between a node and PostgreSQL, in the test's hand: it can be cut, held, made slow, and cut at the very
//! moment that counts, when a transaction is committed and the answer is not there yet.
//!
//! It reads the messages of PostgreSQL's protocol (version 3) as far as it must to know when a commit is done.

mod message;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch as channel;
use tokio::time::timeout;

use self::message::{Message, begin};
pub use self::watch::Moment;
use self::watch::{Seen, Watch};

/// How the cable is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// All goes through.
    #[default]
    Whole,
    /// It is cut: what is connected ends, and nobody connects.
    Cut,
    /// Nothing comes back, and nobody is told why.
    Held,
    /// Each message that comes back takes this long.
    Slow(Duration),
}

/// A cable that ends with the test.
pub struct Cable {
    address: SocketAddr,
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

struct Inner {
    to: Mutex<SocketAddr>,
    mood: channel::Sender<Mood>,
    /// Whether nobody can listen for notifications.
    deaf: channel::Sender<bool>,
    plan: Mutex<Option<Plan>>,
    /// How often a plan was carried out.
    cuts: channel::Sender<u32>,
}

/// Where the cable is to be cut, once: in the transaction of whoever sends this.
struct Plan {
    moment: Moment,
    marker: Vec<u8>,
}

/// What the two directions of one connection know of each other.
type Shared = Arc<Mutex<Watch>>;

impl Cable {
    /// A cable to the server at `to`.
    pub async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            to: Mutex::new(to),
            mood: channel::Sender::default(),
            deaf: channel::Sender::default(),
            plan: Mutex::default(),
            cuts: channel::Sender::default(),
        });
        let task = tokio::spawn(Arc::clone(&inner).serve(listener));
        Self { address, inner, task }
    }

    /// Where a node finds its end.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections to another server.
    pub fn lead_to(&self, to: SocketAddr) {
        *self.inner.to.lock().unwrap() = to;
    }

    /// Changes how it is.
    pub fn set(&self, mood: Mood) {
        self.inner.mood.send_replace(mood);
    }

    /// Cuts a connection once, at this moment of the next transaction in which the node sends the bytes `marker`.
    pub fn cut_at(&self, moment: Moment, marker: &str) {
        *self.inner.plan.lock().unwrap() = Some(Plan { moment, marker: marker.as_bytes().to_vec() });
    }

    /// How often such a moment came.
    pub fn cuts(&self) -> u32 {
        *self.inner.cuts.borrow()
    }

    /// Cuts the connections that listen for notifications, and lets nobody listen until it is undone.
    pub fn deafen(&self, deaf: bool) {
        self.inner.deaf.send_replace(deaf);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.task.abort();
        self.set(Mood::Cut);
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((node, _)) = listener.accept().await else { continue };
            if *self.mood.borrow() != Mood::Cut {
                tokio::spawn(Arc::clone(&self).connection(node));
            }
        }
    }

    /// Carries one connection, until one end or the plan ends it; both ends are closed then.
    async fn connection(self: Arc<Self>, mut node: TcpStream) {
        let Ok(first) = begin(&mut node).await else { return };
        let to = *self.to.lock().unwrap();
        let Ok(mut server) = TcpStream::connect(to).await else { return };
        if server.write_all(&first).await.is_err() {
            return;
        }
        let shared = Shared::default();
        let ((from_node, to_node), (from_server, to_server)) = (node.into_split(), server.into_split());
        let (mut mood, mut deaf) = (self.mood.subscribe(), self.deaf.subscribe());
        tokio::select! {
            _ = self.forth(from_node, to_server, &shared) => {}
            _ = self.back(from_server, to_node, &shared) => {}
            _ = mood.wait_for(|mood| *mood == Mood::Cut) => {}
            _ = deaf.wait_for(|deaf| *deaf && shared.lock().unwrap().listens()) => {}
        }
    }

    /// What the node says.
    async fn forth(&self, from: OwnedReadHalf, to: OwnedWriteHalf, shared: &Shared) -> std::io::Result<()> {
        let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
        loop {
            let message = Message::read(&mut from).await?;
            if message.contains(b"LISTEN ") {
                let mut deaf = self.deaf.subscribe();
                let _ = deaf.wait_for(|deaf| !deaf).await;
            }
            let moment = shared.lock().unwrap().said(&message, |sent| self.is_marked(sent));
            if self.is_planned(moment) {
                return Ok(());
            }
            to.write_all(message.bytes()).await?;
            if from.buffer().is_empty() {
                to.flush().await?;
            }
        }
    }

    /// What the server answers.
    async fn back(&self, from: OwnedReadHalf, to: OwnedWriteHalf, shared: &Shared) -> std::io::Result<()> {
        let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
        let mut mood = self.mood.subscribe();
        loop {
            let message = Message::read(&mut from).await?;
            let now = *mood.wait_for(|mood| *mood != Mood::Held).await.map_err(std::io::Error::other)?;
            if let Mood::Slow(time) = now {
                let _ = timeout(time, std::future::pending::<()>()).await;
            }
            let moment = shared.lock().unwrap().heard(&message);
            if self.is_planned(moment) {
                return Ok(());
            }
            to.write_all(message.bytes()).await?;
            if from.buffer().is_empty() {
                to.flush().await?;
            }
        }
    }

    fn is_marked(&self, sent: &Message) -> bool {
        self.plan.lock().unwrap().as_ref().is_some_and(|plan| sent.contains(&plan.marker))
    }

    /// Whether this is the moment; it comes once.
    fn is_planned(&self, seen: Option<Seen>) -> bool {
        let Some(seen) = seen.filter(|seen| seen.is_marked) else { return false };
        let mut plan = self.plan.lock().unwrap();
        let is_now = plan.as_ref().is_some_and(|plan| plan.moment == seen.moment);
        if is_now {
            *plan = None;
            self.cuts.send_modify(|cuts| *cuts += 1);
        }
        is_now
    }
}
