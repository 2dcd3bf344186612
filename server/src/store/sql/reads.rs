//! Whoever only reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::conn::Conn;
use super::row::{Arg, OwnArg, Row};
use crate::store::{StoreError, postgres, sqlite};

/// How often a question is asked that a server did not answer: one that was started again is there the next time, and to
/// read twice is to read.
pub(super) const TRIES: u32 = 3;

/// For how long it is asked again.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Connections that read. Each statement sees what was committed when it began.
#[derive(Clone)]
pub(crate) enum Reads {
    /// Of the file.
    Sqlite(sqlite::Pool),
    /// Of the server.
    Postgres(Arc<postgres::Pool>),
}

/// Does a step on a connection that reads, named here, and again on another one where it was broken; not where nobody
/// has answered for long.
macro_rules! on_one {
    ($reads:expr, $conn:ident => $step:expr) => {
        $crate::store::sql::reads::on_one!($reads, false, $conn => $step)
    };
    ($reads:expr, $is_long:expr, $conn:ident => $step:expr) => {{
        let mut tries = 1;
        let begun = std::time::Instant::now();
        loop {
            let mut lent = $reads.lend($is_long).await?;
            let $conn = &mut lent;
            let answer = $reads.in_time($is_long, $step).await;
            $reads.give_back(lent, &answer);
            let may_pass = matches!(answer, Err(StoreError::Unreachable(_)));
            if !may_pass
                || tries == $crate::store::sql::reads::TRIES
                || begun.elapsed() > $crate::store::sql::reads::PATIENCE
            {
                break answer;
            }
            tries += 1;
        }
    }};
}
pub(super) use on_one;

impl Reads {
    /// All rows that `sql` yields; few, found by an index.
    pub(crate) async fn all(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(_) => on_one!(self, false, conn => conn.all(sql, args)),
            Self::Postgres(_) => self.ask(false, sql, args).await,
        }
    }

    /// Asks in a task of its own: a client that hangs up does not take the connection along.
    async fn ask(&self, is_long: bool, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        let (reads, sql) = (self.clone(), sql.to_owned());
        let args: Vec<OwnArg> = args.iter().map(|arg| arg.to_own()).collect();
        let asked = tokio::spawn(async move {
            let args: Vec<Arg<'_>> = args.iter().map(OwnArg::arg).collect();
            on_one!(reads, is_long, conn => conn.all(&sql, &args))
        });
        asked.await.map_err(|_| StoreError::Closed)?
    }

    /// The first row that `sql` yields.
    pub(crate) async fn first(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// All rows that `sql` yields, where those are many or many are looked at for them.
    pub(crate) async fn scan(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        let Self::Sqlite(pool) = self else { return self.ask(true, sql, args).await };
        let link = pool.take()?;
        let rows = at_length(|| link.all(sql, args));
        pool.give_back(link);
        rows
    }

    /// A connection; [`Reads::give_back`] takes it.
    pub(super) async fn lend(&self, is_long: bool) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::Sqlite(pool.take()?),
            Self::Postgres(pool) => Conn::Postgres(Box::new(pool.lend(is_long).await?)),
        })
    }

    /// What `answer` is, unless it takes too long.
    pub(super) async fn in_time<T>(
        &self,
        is_long: bool,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(_) => answer.await,
            Self::Postgres(pool) => pool.in_time(is_long, answer).await,
        }
    }

    /// Takes a connection back, over which this was answered.
    pub(super) fn give_back<T>(&self, conn: Conn, answer: &Result<T, StoreError>) {
        match (self, conn) {
            (Self::Sqlite(pool), Conn::Sqlite(link)) => pool.give_back(link),
            (Self::Postgres(pool), Conn::Postgres(link)) => pool.give_back(*link, answer),
            _ => {}
        }
    }

    pub(crate) fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close(),
            Self::Postgres(pool) => pool.close(),
        }
    }
}

/// Does what takes long, so that others go on meanwhile.
fn at_length<T>(step: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(step),
        _ => step(),
    }
}
