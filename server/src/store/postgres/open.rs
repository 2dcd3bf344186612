//! Opens the database, or says why not.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use sqlx::ConnectOptions as _;
use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use url::Url;

use super::{Link, Listener, Pool};
use crate::edge::Edge;
use crate::store::sql::{Conn, MIGRATIONS, Opening, Place, Reads, SqlStore, unfit};
use crate::store::{Bell, Store, StoreError};
use crate::vault::Vault;

/// How long the server works on one statement, and how long a transaction may be left alone, before it is ended: a node
/// that is cut off in the middle must not keep the others from writing.
const SERVER_SIDE: [(&str, &str); 11] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "4s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    // Each statement finds few rows by an index, whatever its arguments: to plan it anew each time, or to compile it, takes
    // longer than to run it.
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    // A plan that was made when a table was new must do when it is long: by the index, wherever there is one.
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];
/// An index over millions of rows takes longer than any other statement may, and so does a copy of everything.
const PATIENT: &str = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
/// Whoever looks at many rows is better off with whatever plan suits what he asks for.
const AT_LENGTH: &str = "SET plan_cache_mode = force_custom_plan; SET enable_seqscan = on; SET enable_hashjoin = on; \
                         SET enable_mergejoin = on";
/// How long a server may take to let somebody in.
const CALL: Duration = Duration::from_secs(5);
/// How many statements stay prepared on each connection: all that there are.
const PREPARED: usize = 512;
/// The oldest version of the server that is known to do.
const OLDEST: i64 = 130_000;

/// Why the database is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The server is not there, or lets nobody in.
    #[error("the database {server}: {what}")]
    Unreachable {
        /// Which.
        server: Server,
        /// What it says.
        what: String,
    },
    /// It was made by a newer Gatematch, or by something else.
    #[error(
        "the database {server} has another schema ({what}). Use the version of Gatematch that wrote it, or a newer one"
    )]
    Schema {
        /// Which.
        server: Server,
        /// What does not fit.
        what: String,
    },
    /// What is acknowledged there may be gone with the power.
    #[error(
        "the server of {server} runs with {setting}: what it acknowledges may be lost, used codes and revoked phones among it. Change that there, or set database_unsafe_fsync_off = true where nothing is of value"
    )]
    Unsafe {
        /// Which.
        server: Server,
        /// By which setting.
        setting: &'static str,
    },
    /// It is no PostgreSQL that is known to do.
    #[error("the server of {server} is {what}; PostgreSQL 13 or newer is needed")]
    Unknown {
        /// Which.
        server: Server,
        /// What it says that it is.
        what: String,
    },
}

/// A database on a server.
#[derive(Clone)]
pub struct Server {
    options: Arc<PgConnectOptions>,
    allow_fsync_off: bool,
}

impl Server {
    /// What a URL `postgres://user:password@host/database` names; other words for its parts are libpq's
    /// (`?host=/var/run/postgresql`, `sslmode`, `sslrootcert`).
    ///
    /// # Errors
    /// What is wrong with it; never what stands in it.
    pub fn of(url: &Secret) -> Result<Self, &'static str> {
        let parsed = Url::parse(url.reveal()).map_err(|_| "is no URL")?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err("does not begin with postgres://");
        }
        let options = PgConnectOptions::from_str(url.reveal()).map_err(|_| "cannot be read")?;
        if options.get_database().is_none() {
            return Err("names no database");
        }
        let options = options.statement_cache_capacity(PREPARED).disable_statement_logging();
        let options =
            if options.get_application_name().is_none() { options.application_name("gatematch") } else { options };
        Ok(Self { options: Arc::new(options.options(SERVER_SIDE)), allow_fsync_off: false })
    }

    /// The same, on a server that may lose what it acknowledges.
    #[must_use]
    pub const fn allowing_fsync_off(mut self, allow: bool) -> Self {
        self.allow_fsync_off = allow;
        self
    }

    /// Whether the server may lose what it acknowledges.
    #[must_use]
    pub const fn allows_fsync_off(&self) -> bool {
        self.allow_fsync_off
    }

    /// A connection of one's own that reads: few rows by an index, or, where `is_long`, many, by a plan for each question.
    pub(super) async fn connect_to_read(&self, is_long: bool) -> Result<Link, StoreError> {
        let mut conn = self.options.connect().await?;
        if is_long {
            sqlx::raw_sql(AT_LENGTH).execute(&mut conn).await?;
        }
        Ok(Link::new(conn).at_length(is_long))
    }

    /// Looks at it, and changes nothing.
    ///
    /// # Errors
    /// [`OpenFault`], as opening would.
    pub(crate) async fn look(&self) -> Result<Found, OpenFault> {
        let mut conn = self.call().await?;
        let (version, unsafe_setting) = look_at_server(self, &mut conn).await?;
        if let Some(setting) = unsafe_setting.filter(|_| !self.allow_fsync_off) {
            return Err(OpenFault::Unsafe { server: self.clone(), setting });
        }
        let newest = check_schema(self, &mut conn).await?;
        Ok(Found { conn: Conn::Postgres(Box::new(Link::new(conn))), version, unsafe_setting, newest })
    }

    /// A connection whose steps may take as long as they need.
    pub(crate) async fn connect_patiently(&self) -> Result<Link, StoreError> {
        let mut conn = self.options.connect().await?;
        sqlx::raw_sql(PATIENT).execute(&mut conn).await?;
        sqlx::raw_sql(AT_LENGTH).execute(&mut conn).await?;
        Ok(Link::new(conn))
    }

    /// A connection; a server that says nothing is not waited for.
    async fn call(&self) -> Result<PgConnection, OpenFault> {
        let unreachable = |what: String| OpenFault::Unreachable { server: self.clone(), what };
        let called = tokio::time::timeout(CALL, self.options.connect()).await;
        let called = called.map_err(|_| unreachable(format!("no answer within {} s", CALL.as_secs())))?;
        called.map_err(|error| unreachable(told(&error)))
    }

    /// Whether it is asked who it is, and nobody on the way can be taken for it.
    pub(crate) fn is_verified(&self) -> bool {
        matches!(self.options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull)
    }

    /// A connection of one's own that writes: only where what is acknowledged is kept, whatever server answers by now.
    pub(crate) async fn connect_to_write(&self) -> Result<Link, StoreError> {
        let unreachable = |fault: OpenFault| StoreError::Unreachable(fault.to_string().into());
        let mut conn = self.call().await.map_err(unreachable)?;
        match look_at_server(self, &mut conn).await.map_err(unreachable)? {
            (_, Some(setting)) if !self.allow_fsync_off => {
                Err(unreachable(OpenFault::Unsafe { server: self.clone(), setting }))
            }
            _ => Ok(Link::new(conn)),
        }
    }

    /// The name of the host, or the folder of the socket.
    #[must_use]
    pub fn host(&self) -> String {
        self.options.get_socket().map_or_else(|| self.options.get_host().to_owned(), |path| path.display().to_string())
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.options.get_port()
    }
}

/// Without what opens it.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.options.get_database().unwrap_or_default();
        write!(f, "{name} at {}:{}", self.host(), self.port())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A database that was looked at.
pub(crate) struct Found {
    /// A connection to it.
    pub(crate) conn: Conn,
    /// What the server is.
    pub(crate) version: String,
    /// What makes it lose what it has acknowledged, where that was allowed.
    pub(crate) unsafe_setting: Option<&'static str>,
    /// The number of the last migration; 0 where there is nothing yet.
    pub(crate) newest: i64,
}

/// A database that was looked at and brought up to date, and is not served yet.
pub struct Database {
    server: Server,
    conn: Conn,
}

impl Database {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// [`OpenFault`]; the database is then as it was.
    pub async fn at(server: &Server) -> Result<Self, OpenFault> {
        let mut conn = server.call().await?;
        let (_, unsafe_setting) = look_at_server(server, &mut conn).await?;
        if let Some(setting) = unsafe_setting {
            if !server.allow_fsync_off {
                return Err(OpenFault::Unsafe { server: server.clone(), setting });
            }
            tracing::warn!(%server, setting, "what the server acknowledges may be lost");
        }
        check_schema(server, &mut conn).await?;
        migrate(server, &mut conn).await?;
        let mut conn = Conn::Postgres(Box::new(Link::new(conn)));
        let unchained = |error: StoreError| OpenFault::Unreachable { server: server.clone(), what: error.to_string() };
        Opening::on(&mut conn).chain_events().await.map_err(unchained)?;
        Ok(Self { server: server.clone(), conn })
    }

    /// The connection.
    pub(crate) const fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Ends the connection.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.conn.close().await
    }

    /// Starts the writer, the readers and the listener.
    #[must_use]
    pub(crate) fn serve(self, vault: Arc<Vault>, edge: Edge, bell: Arc<dyn Bell>) -> Arc<dyn Store> {
        let listener = Listener::start((*self.server.options).clone(), &edge, Arc::clone(&bell));
        let reads = (Reads::Postgres(Arc::new(Pool::new(self.server.clone()))), Some(listener));
        Arc::new(SqlStore::start(self.conn, Place::Postgres(self.server), reads, vault, edge, bell))
    }
}

/// What the server said, or why there is none; sqlx wraps it more than once.
fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

/// What it is, and what makes it lose what it has acknowledged.
async fn look_at_server(server: &Server, conn: &mut PgConnection) -> Result<(String, Option<&'static str>), OpenFault> {
    let unreachable = |error: sqlx::Error| OpenFault::Unreachable { server: server.clone(), what: told(&error) };
    let sql = "SELECT split_part(version(), ' on ', 1), CAST(current_setting('server_version_num') AS bigint),
                      current_setting('fsync') <> 'on', current_setting('synchronous_commit') = 'off'";
    let (name, version, fsync_off, commit_off): (String, i64, bool, bool) =
        sqlx::query_as(sql).fetch_one(conn).await.map_err(unreachable)?;
    if !name.starts_with("PostgreSQL") || version < OLDEST {
        return Err(OpenFault::Unknown { server: server.clone(), what: name });
    }
    let unsafe_setting = if fsync_off { Some("fsync=off") } else { commit_off.then_some("synchronous_commit=off") };
    Ok((name, unsafe_setting))
}

/// Finds out what is wrong before anything is changed.
/// Yields the number of its last migration; 0 where there is nothing yet.
async fn check_schema(server: &Server, conn: &mut PgConnection) -> Result<i64, OpenFault> {
    let unreachable = |error: sqlx::Error| OpenFault::Unreachable { server: server.clone(), what: told(&error) };
    let other = |what: String| OpenFault::Schema { server: server.clone(), what };
    let sql = "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema()";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *conn).await.map_err(unreachable)?;
    if tables.is_empty() {
        return Ok(0);
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(other("it was not made by Gatematch".to_owned()));
    }
    let sql = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
    let applied: Vec<(i64, Vec<u8>, bool)> = sqlx::query_as(sql).fetch_all(conn).await.map_err(unreachable)?;
    match unfit(&applied) {
        Some(what) => Err(other(what)),
        None => Ok(applied.last().map_or(0, |(version, ..)| *version)),
    }
}

/// Two nodes that come at once wait for each other: the migrator takes a lock of the server's.
async fn migrate(server: &Server, conn: &mut PgConnection) -> Result<(), OpenFault> {
    let usual = "RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout";
    let unreachable = |error: sqlx::Error| OpenFault::Unreachable { server: server.clone(), what: told(&error) };
    sqlx::raw_sql(PATIENT).execute(&mut *conn).await.map_err(unreachable)?;
    let done = MIGRATIONS.run_direct(None, conn, false).await;
    if done.is_err() {
        // Whoever comes next must not find it locked.
        let _ = conn.unlock().await;
    }
    done.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => {
            OpenFault::Schema { server: server.clone(), what: error.to_string() }
        }
        error => OpenFault::Unreachable { server: server.clone(), what: error.to_string() },
    })?;
    sqlx::raw_sql(usual).execute(&mut *conn).await.map_err(unreachable)?;
    Ok(())
}
