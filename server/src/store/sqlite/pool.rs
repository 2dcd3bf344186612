//! Connections that read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

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
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// A connection that writes; every commit of it is durable.
    pub(crate) fn connect(&self) -> Result<Link, StoreError> {
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        conn.execute_batch(WRITING)?;
        Ok(Link::new(conn))
    }

    /// A connection that only reads.
    pub(crate) fn connect_to_read(&self) -> Result<Link, StoreError> {
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        Ok(Link::new(conn))
    }

    /// A connection to a file that nobody else knows yet, and that is thrown away where anything goes wrong.
    pub(crate) fn connect_to_fill(&self) -> Result<Link, StoreError> {
        let conn =
            Connection::open_with_flags(&self.0, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")?;
        Ok(Link::new(conn))
    }

    /// A connection that keeps everybody else out, in a transaction, with everything folded into the one file.
    ///
    /// # Errors
    /// [`NotHeld`]; what is there is as it was.
    pub(crate) fn hold(&self) -> Result<Link, NotHeld> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.0, flags)?;
        conn.busy_timeout(BUSY)?;
        // https://www.sqlite.org/wal.html#activating_and_configuring_wal_mode: only whoever is alone leaves it.
        let mode: String = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(NotHeld::InUse);
        }
        conn.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(Link::new(conn))
    }
}

/// Why a file is not held.
#[derive(Debug)]
pub(crate) enum NotHeld {
    /// Somebody else has it open.
    InUse,
    /// It is no sound database.
    Broken(String),
    /// It could not be tried, on a full disk for instance.
    Failed(StoreError),
}

impl From<rusqlite::Error> for NotHeld {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Broken(error.to_string()),
            _ => Self::Failed(error.into()),
        }
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

    /// Keeps a connection for the next one who reads; not one that is still in a transaction, and sees what was.
    pub(crate) fn give_back(&self, link: Link) {
        if link.is_in_transaction() {
            return;
        }
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
