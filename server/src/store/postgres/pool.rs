//! Connections that read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::Link;
use crate::store::StoreError;

/// How many connections read at the same time.
const READERS: u32 = 12;
/// How long one waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one waits for an answer.
const ANSWER: Duration = Duration::from_secs(15);
/// Connections that read.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: PgPool,
    /// When a connection was found broken last: those that are older are tried before they are used.
    broken: Arc<Mutex<Option<Instant>>>,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let broken: Arc<Mutex<Option<Instant>>> = Arc::default();
        let found = Arc::clone(&broken);
        let pool = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            // A question more for each question: only where there is a doubt.
            .test_before_acquire(false)
            .before_acquire(move |conn, held| {
                let broken = *found.lock().unwrap_or_else(PoisonError::into_inner);
                let doubtful = broken.is_some_and(|at| held.age > at.elapsed());
                Box::pin(async move { if doubtful { Ok(conn.ping().await.is_ok()) } else { Ok(true) } })
            })
            .connect_lazy_with(options);
        Self { pool, broken }
    }

    /// A connection; it goes back by itself.
    pub(crate) async fn lend(&self) -> Result<Link, StoreError> {
        match self.pool.acquire().await {
            Ok(conn) => Ok(Link::lent(conn)),
            Err(sqlx::Error::PoolClosed) => Err(StoreError::Closed),
            Err(error) => Err(StoreError::Unreachable(error.to_string().into())),
        }
    }

    /// What `answer` is, unless it takes too long.
    pub(crate) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| StoreError::Unreachable("the server does not answer".into());
        tokio::time::timeout(ANSWER, answer).await.map_err(late)?
    }

    /// Gives a connection back that has answered so; one that is broken is closed.
    pub(crate) fn look_at<T>(&self, link: Link, answer: &Result<T, StoreError>) {
        if let Err(StoreError::Unreachable(_)) = answer {
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            link.discard();
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
