//! Connections that read.
//!
//! A pool of our own, since it is small and knows what it is for: each question is one statement outside of any
//! transaction, and a connection whose question was cut off, by a client that hung up for instance, is closed and never used
//! again. So nothing is left behind for the next one, and no connection needs to be tried before or after each use.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Link, Server};
use crate::store::StoreError;

/// How many connections read at the same time.
const READERS: usize = 12;
/// How long one waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one waits for an answer, where few rows are found by an index.
const ANSWER: Duration = Duration::from_secs(3);
/// How long one waits for an answer, where many are looked at.
const LONG_ANSWER: Duration = Duration::from_secs(15);

/// Connections that read.
pub(crate) struct Pool {
    server: Server,
    room: Arc<Semaphore>,
    idle: Mutex<Vec<Link>>,
}

impl Pool {
    pub(super) fn new(server: Server) -> Self {
        Self { server, room: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() }
    }

    /// A connection. Whoever drops it, and does not give it back, closes it.
    pub(crate) async fn lend(&self, is_long: bool) -> Result<Link, StoreError> {
        let unreachable = |what: &str| StoreError::Unreachable(what.into());
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        let place = place.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Closed)?;
        let link = match self.kept(is_long) {
            Some(link) => link,
            None => {
                let connected = tokio::time::timeout(PATIENCE, self.server.connect_to_read(is_long)).await;
                connected.map_err(|_| unreachable("the server does not answer"))??
            }
        };
        Ok(link.in_place(place))
    }

    /// One that nobody has; where there is none of its kind, one of the other makes room for it.
    fn kept(&self, is_long: bool) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = idle.iter().position(|link| link.is_long == is_long) {
            return Some(idle.swap_remove(index));
        }
        if idle.len() > self.room.available_permits() {
            idle.pop();
        }
        None
    }

    /// What `answer` is, unless it takes too long; `is_long` says that it may take longer than most.
    pub(crate) async fn in_time<T>(
        &self,
        is_long: bool,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| StoreError::Unreachable("the server does not answer".into());
        tokio::time::timeout(if is_long { LONG_ANSWER } else { ANSWER }, answer).await.map_err(late)?
    }

    /// Takes a connection back that has answered so. Where one is broken, those that nobody has are likely to be.
    pub(crate) fn give_back<T>(&self, link: Link, answer: &Result<T, StoreError>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Err(StoreError::Unreachable(_)) => idle.clear(),
            _ => idle.push(link.without_place()),
        }
    }

    /// Closes those that nobody has, and lends no more.
    pub(crate) fn close(&self) {
        self.room.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
