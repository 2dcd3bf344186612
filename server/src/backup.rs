//! A backup: all of the database at one moment, in one SQLite file, whichever database it is from.

use std::io;
use std::path::{Path, PathBuf};

use gatematch_protocol::audit::AuditEvent;

use crate::settings::Settings;
use crate::store::postgres::Server;
use crate::store::sql::copy::{Counts, copy, count, tables};
use crate::store::sql::{Conn, Opening};
use crate::store::sqlite::nursery::{Nursery, vacuum};
use crate::store::sqlite::{File, OpenFault, make_tables};
use crate::store::{LogEnd, StoreError};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupFault {
    /// There is a file of this name.
    #[error("there is a file {0}")]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The tables cannot be made.
    #[error(transparent)]
    Open(#[from] OpenFault),
    /// The database does not answer, or the file takes no more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was written is not what there is.
    #[error("what was written is not whole: {0}")]
    NotWhole(String),
}

/// What was written.
pub(crate) struct Made {
    /// How long the file is.
    pub(crate) bytes: u64,
    /// What the audit log in it ends in.
    pub(crate) end: LogEnd,
    /// How many rows its tables have.
    pub(crate) rows: Counts,
}

/// Writes a backup of the database in `settings`, beside whoever uses it.
pub(crate) async fn write(settings: &Settings, place: &Path) -> Result<Made, BackupFault> {
    let io = |source| BackupFault::Io { path: place.to_owned(), source };
    if place.try_exists().map_err(io)? {
        return Err(BackupFault::Exists(place.to_owned()));
    }
    let nursery = Nursery::beside(place).map_err(io)?;
    let copied = match &settings.database_server {
        Some(server) => Some(from_server(server, &nursery).await?),
        None => {
            vacuum(&settings.database, nursery.path())?;
            None
        }
    };
    let (end, rows) = look_at(nursery.path()).await?;
    if copied.is_some_and(|copied| copied != rows) {
        return Err(BackupFault::NotWhole("rows are missing".to_owned()));
    }
    let bytes = std::fs::metadata(nursery.path()).map_err(io)?.len();
    nursery.settle(place).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupFault::Exists(place.to_owned()),
        _ => io(source),
    })?;
    Ok(Made { bytes, end, rows })
}

/// Copies what is on the server at one moment; others go on meanwhile.
async fn from_server(server: &Server, nursery: &Nursery) -> Result<Counts, BackupFault> {
    let mut conn = Conn::Postgres(Box::new(server.connect_patiently().await?));
    // Before the moment that is copied: a restore that is under way empties tables, and an older snapshot sees them empty.
    let lock = locking(&mut conn, "ACCESS SHARE").await?;
    conn.begin_snapshot().await?;
    conn.run(&lock, &[]).await?;
    let copied = fill(&mut conn, nursery).await?;
    conn.roll_back().await?;
    conn.close().await?;
    Ok(copied)
}

/// What locks every table of ours on a server, in a transaction. It is asked for before that: a question would be what a
/// snapshot begins with.
pub(crate) async fn locking(conn: &mut Conn, mode: &str) -> Result<String, StoreError> {
    let sql = "SELECT CAST(tablename AS text) AS name FROM pg_tables
               WHERE schemaname = current_schema() AND tablename <> '_sqlx_migrations' ORDER BY 1";
    let names = conn.all(sql, &[]).await?;
    let names = names.iter().map(|row| row.get::<String>("name")).collect::<Result<Vec<_>, _>>()?;
    // Nothing but names of our own was put in.
    Ok(format!("LOCK TABLE {} IN {mode} MODE", names.join(", ")))
}

/// Fills the empty file with all rows of a database that is in a transaction.
pub(crate) async fn fill(from: &mut Conn, nursery: &Nursery) -> Result<Counts, BackupFault> {
    make_tables(nursery.path()).await?;
    let mut file = Conn::Sqlite(File::at(nursery.path()).connect_to_fill()?);
    let tables = tables(&mut file).await?;
    file.begin().await?;
    // What the migrations put there is in the other database as well.
    for table in &tables {
        file.run(&format!("DELETE FROM {}", table.name), &[]).await?;
    }
    let copied = copy(&tables, from, &mut file).await?;
    file.commit().await?;
    file.close().await?;
    Ok(copied)
}

/// Looks at what was written: whether its pages fit together, and whether its log ends as it says.
async fn look_at(path: &Path) -> Result<(LogEnd, Counts), BackupFault> {
    let mut conn = Conn::Sqlite(File::at(path).connect_to_read()?);
    let found = conn.first("PRAGMA quick_check(1)", &[]).await?;
    let found: Option<String> = found.map(|row| row.get("quick_check")).transpose()?;
    if found.as_deref() != Some("ok") {
        return Err(BackupFault::NotWhole(found.unwrap_or_default()));
    }
    let mut opening = Opening::on(&mut conn);
    let end = opening.log_end().await?;
    let last: Option<AuditEvent> = opening.last_event().await?;
    let is_sound = |event: &AuditEvent| {
        let hash = event.prev_hash.as_deref().and_then(|prev| event.hash_after(prev));
        event.seq == end.size && event.hash.as_ref() == Some(&end.head) && hash.as_ref() == Some(&end.head)
    };
    if last.is_some_and(|event| !is_sound(&event)) {
        return Err(BackupFault::NotWhole("the end of the audit log is not as it was written".to_owned()));
    }
    let tables = tables(&mut conn).await?;
    let rows = count(&tables, &mut conn).await?;
    conn.close().await?;
    Ok((end, rows))
}
