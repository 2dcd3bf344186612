//! The store, on whichever database: one writer for each node, and connections that read.

mod chain;
pub(crate) mod conn;
pub(crate) mod copy;
mod factors;
mod latest;
mod load;
mod log;
mod migrations;
mod opening;
mod pages;
mod people;
mod policy;
mod reads;
pub(crate) mod restore;
pub(crate) mod row;
mod rows;
mod save;
mod vault;
mod verbs;
mod visitors;
mod visits;
mod watch;
pub(super) mod words;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::device::Device;
use gatematch_domain::user::User;
use tokio::sync::mpsc;

pub(crate) use self::conn::Conn;
pub(super) use self::migrations::unfit;
pub(crate) use self::migrations::{MIGRATIONS, newest_migration};
pub(crate) use self::opening::{Opening, Place};
pub(super) use self::reads::Reads;
use self::row::Row;
pub(crate) use self::vault::RingFault;
use self::writer::{Job, QUEUE, Writer};
use super::postgres;
use super::verb::Verb;
use super::{Bell, Reply, StoreError};
use crate::edge::Edge;
use crate::vault::Vault;

/// The store.
pub(super) struct SqlStore {
    reads: Reads,
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<writer::Running>>,
    /// Who hears of what other nodes write, where there may be others.
    listener: Option<postgres::Listener>,
    vault: Arc<Vault>,
    shelf: Arc<policy::Shelf>,
    room: vault::Room,
}

impl SqlStore {
    /// Starts the writer on `conn`.
    pub(super) fn start(
        conn: Conn,
        place: Place,
        (reads, listener): (Reads, Option<postgres::Listener>),
        vault: Arc<Vault>,
        edge: Edge,
        bell: Arc<dyn Bell>,
    ) -> Self {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let shelf: Arc<policy::Shelf> = Arc::default();
        let room = vault::Room { place: place.clone(), edge: edge.clone() };
        let (held, watch) = (Arc::clone(&shelf), vault::Watch::default());
        let (is_lost, is_news_due, rung) = (false, false, None);
        let name = listener.as_ref().and_then(postgres::Listener::name);
        let writer = Writer {
            conn,
            name,
            is_lost,
            is_news_due,
            rung,
            place,
            vault: Arc::clone(&vault),
            shelf: held,
            watch,
            edge,
            bell,
        };
        let writer = Mutex::new(Some(writer.start(jobs)));
        Self { reads, jobs: Mutex::new(Some(sender)), writer, listener, vault, shelf, room }
    }

    fn write<V: Verb>(&self, verb: V) -> Reply<'_, V::Reply> {
        let (job, answer) = writer::job(verb);
        let sent = match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Err(StoreError::Closed),
            Some(jobs) => jobs.try_send(job).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            }),
        };
        Box::pin(async move {
            sent?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }

    async fn device_with_user(&self, sql: &'static str, key: String) -> Result<Option<(Device, User)>, StoreError> {
        self.one(sql, key, |row| self.device_and_user(row)).await
    }

    /// A phone and whose it is, from the columns of both with `cut` between them.
    fn device_and_user(&self, row: &Row) -> Result<(Device, User), StoreError> {
        let (device, user) = row.split("cut").ok_or(StoreError::Corrupt("cut"))?;
        Ok((rows::device(&device, &self.vault)?, rows::user(&user)?))
    }
}
