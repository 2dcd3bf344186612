//! The data keys in the database: learned, made, and replaced while the server runs.

mod columns;
mod master;
mod ring;
mod rotation;

use std::future::Future;

use gatematch_domain::audit::Event;
use gatematch_protocol::time::Timestamp;

pub(crate) use self::ring::RingFault;
pub(super) use self::ring::Watch;
use super::conn::Conn;
use super::reads::on_one;
use super::row::{Row, args};
use super::save::Pen;
use super::{Place, SqlStore, rows};
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
    pub(super) place: Place,
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
pub(super) async fn record(conn: &mut Conn, vault: &Vault, edge: &Edge, events: Vec<Event>) -> Result<(), StoreError> {
    let mut after = World::default();
    after.events = events;
    Pen { conn, vault, edge }.save(&World::default(), &after).await
}

impl SqlStore {
    /// Reads; once more where a key was not known: another process has made one meanwhile.
    pub(super) async fn with_keys<T, F>(&self, read: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        for _ in 1..TRIES {
            match read().await {
                Err(StoreError::UnknownKey) => {
                    self.vault.learn(&on_one!(self.reads, conn => ring::stored(conn))?)?;
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
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.with_keys(|| async {
            let row = self.reads.first(sql, args![key]).await?;
            row.as_ref().map(&read).transpose()
        })
        .await
    }

    /// Takes a step on a connection of its own; yields as well whether what was replaced is gone from the files.
    async fn in_room<T, F>(&self, act: Act, step: impl FnOnce(rotation::Desk) -> F) -> Result<(T, bool), StoreError>
    where
        F: Future<Output = Result<(T, Conn), StoreError>>,
    {
        // What is sealed under keys that go must not stay in the free space of pages, or in the log of writes.
        let mut conn = self.room.place.connect().await?;
        if let Conn::Sqlite(link) = &mut conn {
            link.delete_securely()?;
        }
        let desk = rotation::Desk { conn, vault: self.vault.clone(), edge: self.room.edge.clone(), actor: act.actor };
        let (answer, mut conn) = step(desk).await?;
        let is_folded = fold(&mut conn, &self.room.edge).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log of writes was not emptied");
            false
        });
        if !is_folded && matches!(conn, Conn::Sqlite(_)) {
            tracing::warn!("old pages stay in the log of writes for a while");
        }
        conn.close().await?;
        Ok((answer, is_folded))
    }
}

/// Folds the log of writes into the file, and empties it; false where readers were at work all the time.
async fn fold(conn: &mut Conn, edge: &Edge) -> Result<bool, StoreError> {
    // A server keeps what was replaced until it cleans up, and in its own log for longer.
    let Conn::Sqlite(link) = conn else { return Ok(false) };
    for left in (0..FOLDS).rev() {
        if link.fold()? {
            return Ok(true);
        }
        if left > 0 {
            let rested = Timestamp::from_micros(edge.now().micros().saturating_add(FOLD_PAUSE));
            edge.clock.sleep_until(rested).await;
        }
    }
    Ok(false)
}

impl VaultKeys for SqlStore {
    fn list_keys(&self) -> Reply<'_, KeyList> {
        Box::pin(async move {
            let mut snapshot = self.room.place.connect().await?;
            snapshot.begin_snapshot().await?;
            let keys = ring::stored(&mut snapshot).await?;
            let counts = columns::counts(&mut snapshot).await?;
            let signing = snapshot.all("SELECT * FROM signing_keys ORDER BY id", &[]).await?;
            snapshot.roll_back().await?;
            snapshot.close().await?;
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
