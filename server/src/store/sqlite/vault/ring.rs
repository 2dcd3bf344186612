//! How the data keys become known: at the start, and when another process has changed them.

use gatematch_domain::audit::{Actor, Event};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::open::Opened;
use super::super::rows::{signing_key, text, time};
use super::record;
use crate::edge::Edge;
use crate::keys;
use crate::store::StoreError;
use crate::vault::{DoesNotOpen, MasterKeyFault, SealedKey, Vault};

/// Why the data keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingFault {
    /// They, or what is sealed under the master key itself, do not open.
    #[error(transparent)]
    Sealed(#[from] DoesNotOpen),
    /// The next master key could not be put in its place.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyFault),
    /// The database said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RingFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The data keys as they are stored, oldest first.
pub(super) async fn stored(conn: &mut SqliteConnection) -> Result<Vec<SealedKey>, StoreError> {
    let found = sqlx::query("SELECT * FROM vault_keys ORDER BY number").fetch_all(conn).await?;
    found.iter().map(key).collect()
}

fn key(row: &SqliteRow) -> Result<SealedKey, StoreError> {
    use sqlx::Row as _;
    let number: i64 = row.try_get("number")?;
    Ok(SealedKey {
        number: u32::try_from(number).map_err(|_| StoreError::Corrupt("number"))?,
        sealed: text(row, "sealed")?,
        status: text(row, "status")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) async fn insert(conn: &mut SqliteConnection, key: &SealedKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO vault_keys (number, sealed, status, created_at) VALUES (?, ?, ?, ?)";
    let row = sqlx::query(sql).bind(i64::from(key.number)).bind(&key.sealed).bind(&key.status);
    row.bind(key.created_at.micros()).execute(conn).await?;
    Ok(())
}

impl Opened {
    /// Makes the data keys known to `vault`, and the first one where there is none yet.
    ///
    /// # Errors
    /// [`RingFault`]; where the master key is another one, nothing was changed.
    pub async fn open_ring(&mut self, vault: &Vault, edge: &Edge) -> Result<(), RingFault> {
        let mut keys = stored(&mut self.conn).await?;
        if keys.is_empty() {
            keys = self.first_key(vault, edge).await?;
        }
        vault.learn(&keys)?;
        vault.check_master(&keys)?;
        // The database is open already: files that cannot be moved, on a full disk for instance, wait for the next one.
        if vault.is_change_unfinished(&keys)
            && let Err(fault) = self.finish_change(vault).await
        {
            tracing::warn!(%fault, "a change of the master key that was cut off cannot be finished yet: keep master.key.next");
        }
        Ok(())
    }

    /// Ends a change of the master key that was cut off; not where somebody is at work on it.
    async fn finish_change(&mut self, vault: &Vault) -> Result<(), RingFault> {
        let Some(lock) = vault.try_lock_change()? else { return Ok(()) };
        // What was read before the lock may be over.
        let keys = stored(&mut self.conn).await?;
        if let Some(old) = vault.finish_change(&lock, &keys)? {
            tracing::warn!(
                old = %old.display(),
                "a change of the master key that was cut off is finished: make a backup of master.key now, and run \
                 gatematch keys rotate; the old key is kept for older backups"
            );
        }
        Ok(())
    }

    /// Whether the data keys are sealed under the master key that `vault` has or finds in its file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_sealed_under(&mut self, vault: &Vault) -> Result<bool, StoreError> {
        let keys = stored(&mut self.conn).await?;
        Ok(!keys.is_empty() && vault.check_master(&keys).is_ok())
    }

    /// Two processes that come at once end with the same key: who is second finds it.
    async fn first_key(&mut self, vault: &Vault, edge: &Edge) -> Result<Vec<SealedKey>, RingFault> {
        // From before there were data keys. No key is made under a master key that is not the database's own.
        for row in sqlx::query("SELECT * FROM signing_keys").fetch_all(&mut self.conn).await? {
            let stored = signing_key(&row)?;
            match vault.open(&keys::label(stored.id), &stored.private) {
                // Another process has made the first key, and sealed something under it, since we looked.
                Ok(_) | Err(DoesNotOpen::UnknownKey(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.conn).await?;
        let made = self.make_first(vault, edge).await;
        let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
        sqlx::query(end).execute(&mut self.conn).await?;
        made
    }

    async fn make_first(&mut self, vault: &Vault, edge: &Edge) -> Result<Vec<SealedKey>, RingFault> {
        let keys = stored(&mut self.conn).await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM signing_keys WHERE substr(private_key, 1, 3) <> 'v1.')";
        if sqlx::query_scalar(sql).fetch_one(&mut self.conn).await? {
            // Something is sealed under data keys, and all of them are gone.
            return Err(DoesNotOpen::Spoilt.into());
        }
        let key = vault.new_key(1, edge.now()).map_err(StoreError::from)?;
        insert(&mut self.conn, &key).await?;
        let event = Event::new("vault_key.created", Actor::System, key.created_at).with("data_key", key.number);
        record(&mut self.conn, vault, edge, vec![event]).await?;
        Ok(vec![key])
    }
}

/// Looks whether another process has changed anything, and learns its data keys.
#[derive(Default)]
pub(in super::super) struct Watch {
    seen: Option<i64>,
}

impl Watch {
    /// To be called within the transaction of `conn`, which is always the same one: from then on, the active key is
    /// the one of the database, and nothing is sealed under a key that may be deleted.
    pub(in super::super) async fn look(
        &mut self,
        conn: &mut SqliteConnection,
        vault: &Vault,
    ) -> Result<(), StoreError> {
        // https://www.sqlite.org/pragma.html#pragma_data_version: another number when another connection committed.
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *conn).await?;
        if self.seen == Some(version) {
            return Ok(());
        }
        vault.learn(&stored(conn).await?)?;
        self.seen = Some(version);
        Ok(())
    }
}
