//! Opens the database, or says why not. What is broken is never replaced by something empty.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::pool::BUSY;
use super::precaution::keep_before_migration;
use super::{File as Place, Pool};
use crate::edge::Edge;
use crate::store::sql::{Conn, MIGRATIONS, Opening, Place as AnyPlace, Reads, SqlStore, unfit};
use crate::store::{Bell, Store};
use crate::vault::Vault;

/// Up to this size the whole database is checked at start; beyond it that would take too long, and SQLite
/// finds what is wrong when it reads it.
const CHECKED_AT_START: u64 = 64 * 1024 * 1024;

/// Why the database is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The file is empty: something cut it off.
    #[error(
        "the database {0} is empty: it was cut off, has lost its -wal file, or was made by something else. Restore it from a backup, or move it away to begin anew"
    )]
    Empty(PathBuf),
    /// Not a SQLite database.
    #[error("{0} is not a SQLite database. Restore it from a backup, or name another file")]
    NotADatabase(PathBuf),
    /// Its pages do not fit together.
    #[error("the database {path} is damaged ({what}). Restore it from a backup; what is there was left as it is")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// It was made by a newer Gatematch, or by something else.
    #[error(
        "the database {path} has another schema ({what}). Use the version of Gatematch that wrote it, or a newer one"
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// It must be brought up to date, and there is no room to keep what is there.
    #[error(
        "the database {path} must be brought up to date, and is copied before: that needs {needed} bytes, and {free} are free. Make room; what is there was left as it is"
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// How many bytes are needed.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// There is none, and one was there before.
    #[error(
        "{directory} has a master key but there is no database {path}: one was there before. Restore it from a backup (or mount where it is), or remove {directory}/master.key to begin anew"
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The data directory.
        directory: PathBuf,
    },
    /// The system says no.
    #[error("the database {path}: {what}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
}

/// A database that was opened and brought up to date, and is not served yet.
pub struct Opened {
    conn: Conn,
    file: Place,
}

impl Opened {
    /// Opens or makes the database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// [`OpenFault`]; the file is then as it was.
    pub async fn at(path: &Path) -> Result<Self, OpenFault> {
        Self::with(path, true).await
    }

    /// The same of a file that is a copy already: what it was is not kept once more.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub(crate) async fn of_copy(path: &Path) -> Result<Self, OpenFault> {
        Self::with(path, false).await
    }

    async fn with(path: &Path, is_kept: bool) -> Result<Self, OpenFault> {
        let io = |what: String| OpenFault::Io { path: path.to_owned(), what };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        if !path.try_exists().map_err(|error| io(error.to_string()))? {
            create(path, options.clone()).await?;
        }
        look_at_header(path)?;
        if let Some(next) = look_inside(path).await?
            && is_kept
        {
            keep_before_migration(path, next)?;
        }
        let mut conn = options.connect().await.map_err(|error| refused(path, &error.to_string()))?;
        migrate(path, &mut conn).await?;
        conn.close().await.map_err(|error| refused(path, &error.to_string()))?;
        let file = Place(path.to_owned());
        let mut conn = Conn::Sqlite(file.connect().map_err(|error| refused(path, &error.to_string()))?);
        let chained = Opening::on(&mut conn).chain_events().await;
        chained.map_err(|error| refused(path, &error.to_string()))?;
        Ok(Self { conn, file })
    }

    /// The connection.
    pub(crate) const fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Starts the writer and the readers.
    #[must_use]
    pub(crate) fn serve(self, vault: Arc<Vault>, edge: Edge, bell: Arc<dyn Bell>) -> Arc<dyn Store> {
        let reads = (Reads::Sqlite(Pool::new(self.file.clone())), None);
        Arc::new(SqlStore::start(self.conn, AnyPlace::Sqlite(self.file), reads, vault, edge, bell))
    }
}

/// Makes the tables in the empty file at `path`: of a database that is filled from another one.
pub(crate) async fn make_tables(path: &Path) -> Result<(), OpenFault> {
    let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
    let mut conn = options.connect().await.map_err(|error| refused(path, &error.to_string()))?;
    migrate(path, &mut conn).await?;
    conn.close().await.map_err(|error| refused(path, &error.to_string()))
}

/// Makes a database beside `path` and puts it there when its schema is whole: nobody ever finds half of one, neither
/// after a crash nor when two commands are the first at the same moment.
async fn create(path: &Path, options: SqliteConnectOptions) -> Result<(), OpenFault> {
    let io = |what: String| OpenFault::Io { path: path.to_owned(), what };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let nursery = tempfile::Builder::new().prefix(".gatematch-").tempdir_in(directory);
    let nursery = nursery.map_err(|error| io(error.to_string()))?;
    let young = tempfile::TempPath::try_from_path(nursery.path().join("young.db"));
    let young = young.map_err(|error| io(error.to_string()))?;
    let options = options.filename(&young).create_if_missing(true);
    let mut conn = options.connect().await.map_err(|error| refused(path, &error.to_string()))?;
    migrate(path, &mut conn).await?;
    // Folds the log of writes into the file.
    conn.close().await.map_err(|error| refused(path, &error.to_string()))?;
    match young.persist_noclobber(path) {
        Err(fault) if fault.error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(io(fault.error.to_string()));
        }
        _ => {}
    }
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| io(error.to_string()))
}

fn look_at_header(path: &Path) -> Result<(), OpenFault> {
    let io = |error: std::io::Error| OpenFault::Io { path: path.to_owned(), what: error.to_string() };
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length == 0 {
        return Err(OpenFault::Empty(path.to_owned()));
    }
    // https://www.sqlite.org/fileformat.html, sections 1.3.1 and 1.3.2.
    let (mut magic, mut page_size) = ([0; 16], [0; 2]);
    let read = file.read_exact(&mut magic).and_then(|()| file.read_exact(&mut page_size));
    if read.is_err() || magic != *b"SQLite format 3\0" {
        return Err(OpenFault::NotADatabase(path.to_owned()));
    }
    let page_size = match u16::from_be_bytes(page_size) {
        1 => 65_536,
        size => u64::from(size),
    };
    // SQLite would read zeros for what is missing. With a log of writes, the last page may be whole there.
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
    if length.checked_rem(page_size) != Some(0) && !has_log {
        return Err(OpenFault::Damaged { path: path.to_owned(), what: "its last page is cut off".to_owned() });
    }
    Ok(())
}

/// Finds out what is wrong before anything is opened for writing: a connection that only reads changes no byte,
/// neither when it opens nor when it closes. Yields the next migration to be made, if
/// there is one.
async fn look_inside(path: &Path) -> Result<Option<i64>, OpenFault> {
    let options =
        SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY).disable_statement_logging();
    let mut conn = options.connect().await.map_err(|error| refused(path, &error.to_string()))?;
    check_pages(path, &mut conn).await?;
    let next = check_schema(path, &mut conn).await?;
    conn.close().await.map_err(|error| refused(path, &error.to_string()))?;
    Ok(next)
}

async fn check_pages(path: &Path, conn: &mut SqliteConnection) -> Result<(), OpenFault> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_AT_START) {
        return Ok(());
    }
    let found: Result<String, sqlx::Error> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(conn).await;
    match found {
        Ok(word) if word == "ok" => Ok(()),
        Ok(what) => Err(OpenFault::Damaged { path: path.to_owned(), what }),
        Err(error) => Err(refused(path, &error.to_string())),
    }
}

async fn check_schema(path: &Path, conn: &mut SqliteConnection) -> Result<Option<i64>, OpenFault> {
    let broken = |error: sqlx::Error| refused(path, &error.to_string());
    let other = |what: String| OpenFault::Schema { path: path.to_owned(), what };
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *conn).await.map_err(broken)?;
    if tables.is_empty() {
        return Err(OpenFault::Empty(path.to_owned()));
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(other("it was not made by Gatematch".to_owned()));
    }
    let sql = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
    let applied: Vec<(i64, Vec<u8>, bool)> = sqlx::query_as(sql).fetch_all(conn).await.map_err(broken)?;
    let is_made = |wanted: i64| applied.iter().any(|(version, ..)| *version == wanted);
    let next = MIGRATIONS.iter().map(|migration| migration.version).find(|version| !is_made(*version));
    unfit(&applied).map_or(Ok(next), |what| Err(other(what)))
}

async fn migrate(path: &Path, conn: &mut SqliteConnection) -> Result<(), OpenFault> {
    let done = MIGRATIONS.run_direct(None, conn, false).await;
    done.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => {
            OpenFault::Schema { path: path.to_owned(), what: error.to_string() }
        }
        error => refused(path, &error.to_string()),
    })
}

fn refused(path: &Path, what: &str) -> OpenFault {
    let damaged = ["malformed", "not a database", "disk image", "corrupt"].iter().any(|word| what.contains(word));
    if damaged {
        OpenFault::Damaged { path: path.to_owned(), what: what.to_owned() }
    } else {
        OpenFault::Io { path: path.to_owned(), what: what.to_owned() }
    }
}
