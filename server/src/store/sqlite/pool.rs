//! Connections that read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Link;
use crate::store::StoreError;

/// How long a writer waits for another process (the command line beside a running server).
pub(super) const BUSY: Duration = Duration::from_secs(3);
/// How a connection writes. Durable: what is acknowledged outlives the power. What a statement would need to be undone,
/// and the pages that are in use, stay in memory (16 MiB); the log of writes is folded into the file every 16 MiB.
const WRITING: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4096;";
/// How many connections stay open while nobody reads.
const KEPT: usize = 8;

/// The file of the database.
#[derive(Clone, Debug)]
pub(crate) struct File(pub(super) PathBuf);

impl File {
    /// A connection that writes; every commit of it is durable.
    pub(crate) fn connect(&self) -> Result<Link, StoreError> {
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        conn.execute_batch(WRITING)?;
        Ok(Link::new(conn))
    }

    fn connect_to_read(&self) -> Result<Link, StoreError> {
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        Ok(Link::new(conn))
    }
}

/// Connections that read.
#[derive(Clone)]
pub(crate) struct Pool {
    file: File,
    /// `None`: closed.
    idle: Arc<Mutex<Option<Vec<Link>>>>,
}

impl Pool {
    pub(super) fn new(file: File) -> Self {
        Self { file, idle: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    /// A connection. Whoever has read gives it back.
    pub(crate) fn take(&self) -> Result<Link, StoreError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.as_mut().ok_or(StoreError::Closed)?.pop();
        drop(idle);
        kept.map_or_else(|| self.file.connect_to_read(), Ok)
    }

    /// Keeps a connection for the next one who reads.
    pub(crate) fn give_back(&self, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < KEPT) {
            idle.push(link);
        }
    }

    /// Closes those that nobody has, and the others once they are given back.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
