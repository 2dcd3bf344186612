//! The data keys in the database: learned, made, and replaced while the server runs.

mod columns;
mod master;
mod ring;
mod rotation;

use std::future::Future;

use gatematch_domain::audit::Event;
use gatematch_protocol::time::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

pub use self::ring::RingFault;
pub(super) use self::ring::Watch;
use super::save::Pen;
use super::{Sqlite, rows};
use crate::edge::Edge;
use crate::store::world::World;
use crate::store::{Act, KeyList, MasterChanged, Reply, RotateRefusal, Rotated, SigningKeyRow, StoreError, VaultKeys};
use crate::vault::{DoesNotOpen, MasterKey, NotSealed, Vault};

/// How often a read is tried where a key is not known. Each new try needs another rotation in between.
const TRIES: u32 = 4;
/// How often it is tried to empty the log of writes: for some seconds in all.
const FOLDS: u32 = 8;
/// How long it is left to those who read in between, in microseconds.
const FOLD_PAUSE: i64 = 200_000;

/// What steps about keys need: they have a connection of their own, as a command beside the server would.
pub(super) struct Room {
    pub(super) options: SqliteConnectOptions,
    pub(super) edge: Edge,
}

impl From<NotSealed> for StoreError {
    fn from(fault: NotSealed) -> Self {
        Self::Database(fault.to_string().into())
    }
}

impl From<DoesNotOpen> for StoreError {
    fn from(fault: DoesNotOpen) -> Self {
        match fault {
            DoesNotOpen::UnknownKey(_) => Self::UnknownKey,
            // Where a data key does not open; what else does not is named by its column.
            DoesNotOpen::Spoilt => {
                Self::Database("the master key is another one, or the data keys were damaged".into())
            }
        }
    }
}

/// Records `events` in the transaction that `conn` is in.
async fn record(conn: &mut SqliteConnection, vault: &Vault, edge: &Edge, events: Vec<Event>) -> Result<(), StoreError> {
    let mut after = World::default();
    after.events = events;
    Pen { conn, vault, edge }.save(&World::default(), &after).await
}

impl Sqlite {
    /// Reads; once more where a key was not known: another process has made one meanwhile.
    pub(super) async fn with_keys<T, F>(&self, read: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        for _ in 1..TRIES {
            match read().await {
                Err(StoreError::UnknownKey) => {
                    let mut conn = self.readers.acquire().await?;
                    self.vault.learn(&ring::stored(&mut conn).await?)?;
                }
                answer => return answer,
            }
        }
        read().await
    }

    /// The row with this key, read.
    pub(super) async fn one<T>(
        &self,
        sql: &'static str,
        key: String,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.with_keys(|| async {
            let row = sqlx::query(sql).bind(key.as_str()).fetch_optional(&self.readers).await?;
            row.as_ref().map(&read).transpose()
        })
        .await
    }

    /// Takes a step on a connection of its own; yields as well whether what was replaced is gone from the files.
    async fn in_room<T, F>(&self, act: Act, step: impl FnOnce(rotation::Desk) -> F) -> Result<(T, bool), StoreError>
    where
        F: Future<Output = Result<(T, SqliteConnection), StoreError>>,
    {
        // What is sealed under keys that go must not stay in the free space of pages, or in the log of writes.
        let conn = self.room.options.clone().pragma("secure_delete", "ON").connect().await?;
        let desk = rotation::Desk { conn, vault: self.vault.clone(), edge: self.room.edge.clone(), actor: act.actor };
        let (answer, mut conn) = step(desk).await?;
        let is_folded = fold(&mut conn, &self.room.edge).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log of writes was not emptied");
            false
        });
        if !is_folded {
            tracing::warn!("old pages stay in the log of writes for a while");
        }
        conn.close().await?;
        Ok((answer, is_folded))
    }
}

/// Folds the log of writes into the file, and empties it; false where readers were at work all the time.
async fn fold(conn: &mut SqliteConnection, edge: &Edge) -> Result<bool, sqlx::Error> {
    sqlx::query("PRAGMA busy_timeout = 300").execute(&mut *conn).await?;
    for left in (0..FOLDS).rev() {
        // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: who is kept from it answers so in a row.
        let busy: i64 = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *conn).await?.try_get(0)?;
        if busy == 0 {
            return Ok(true);
        }
        if left > 0 {
            let rested = Timestamp::from_micros(edge.now().micros().saturating_add(FOLD_PAUSE));
            edge.clock.sleep_until(rested).await;
        }
    }
    Ok(false)
}

impl VaultKeys for Sqlite {
    fn list_keys(&self) -> Reply<'_, KeyList> {
        Box::pin(async move {
            let mut snapshot = self.readers.begin().await?;
            let keys = ring::stored(&mut snapshot).await?;
            let counts = columns::counts(&mut snapshot).await?;
            let signing = sqlx::query("SELECT * FROM signing_keys ORDER BY id").fetch_all(&mut *snapshot).await?;
            let count = |number| counts.get(&number).copied().unwrap_or_default();
            let row = |row| {
                let key = rows::signing_key(row)?;
                Ok(SigningKeyRow { id: key.id, purpose: key.purpose, status: key.status, created_at: key.created_at })
            };
            Ok(KeyList {
                under_master: count(None),
                data_keys: keys.into_iter().map(|key| (key.clone(), count(Some(key.number)))).collect(),
                signing_keys: signing.iter().map(row).collect::<Result<_, StoreError>>()?,
            })
        })
    }

    fn rotate_keys(&self, act: Act) -> Reply<'_, Result<Rotated, RotateRefusal>> {
        Box::pin(async move {
            let (done, is_folded) = self.in_room(act, |desk| desk.rotate()).await?;
            Ok(done.map(|rotated| Rotated { is_folded, ..rotated }))
        })
    }

    fn change_master(
        &self,
        act: Act,
        new: MasterKey,
        keep_old: bool,
    ) -> Reply<'_, Result<MasterChanged, RotateRefusal>> {
        Box::pin(async move {
            let (done, is_folded) = self.in_room(act, move |desk| desk.change_master(new, keep_old)).await?;
            Ok(done.map(|changed| MasterChanged { is_folded, ..changed }))
        })
    }

    fn drop_old_master(&self, act: Act) -> Reply<'_, bool> {
        Box::pin(async move { Ok(self.in_room(act, |desk| desk.drop_old_master()).await?.0) })
    }
}
