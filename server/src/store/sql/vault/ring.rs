//! How the data keys become known: at the start, and when another process has changed them.

use gatematch_domain::audit::{Actor, Event};

use super::super::Opening;
use super::super::conn::Conn;
use super::super::row::{Row, args};
use super::super::rows::{signing_key, text, time};
use super::record;
use crate::edge::Edge;
use crate::keys;
use crate::store::StoreError;
use crate::vault::{DoesNotOpen, MasterKeyFault, SealedKey, Vault, active};

/// Why the data keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RingFault {
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

/// The data keys as they are stored, oldest first.
pub(super) async fn stored(conn: &mut Conn) -> Result<Vec<SealedKey>, StoreError> {
    let found = conn.all("SELECT * FROM vault_keys ORDER BY number", &[]).await?;
    found.iter().map(key).collect()
}

fn key(row: &Row) -> Result<SealedKey, StoreError> {
    let number: i64 = row.get("number")?;
    Ok(SealedKey {
        number: u32::try_from(number).map_err(|_| StoreError::Corrupt("number"))?,
        sealed: text(row, "sealed")?,
        status: text(row, "status")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) async fn insert(conn: &mut Conn, key: &SealedKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO vault_keys (number, sealed, status, created_at) VALUES (?, ?, ?, ?)";
    conn.run(sql, args![key.number, key.sealed, key.status, key.created_at.micros()]).await.map(drop)
}

impl Opening<'_> {
    /// Makes the data keys known to `vault`, and the first one where there is none yet.
    ///
    /// # Errors
    /// [`RingFault`]; where the master key is another one, nothing was changed.
    pub(crate) async fn open_ring(&mut self, vault: &Vault, edge: &Edge) -> Result<(), RingFault> {
        let mut keys = stored(self.conn).await?;
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
        let keys = stored(self.conn).await?;
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
    pub(crate) async fn is_sealed_under(&mut self, vault: &Vault) -> Result<bool, StoreError> {
        let keys = stored(self.conn).await?;
        Ok(!keys.is_empty() && vault.check_master(&keys).is_ok())
    }

    /// Two processes that come at once end with the same key: who is second finds it.
    async fn first_key(&mut self, vault: &Vault, edge: &Edge) -> Result<Vec<SealedKey>, RingFault> {
        // From before there were data keys. No key is made under a master key that is not the database's own.
        for row in self.conn.all("SELECT * FROM signing_keys", &[]).await? {
            let stored = signing_key(&row)?;
            match vault.open(&keys::label(stored.id), &stored.private) {
                // Another process has made the first key, and sealed something under it, since we looked.
                Ok(_) | Err(DoesNotOpen::UnknownKey(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        self.conn.begin().await?;
        let made = self.make_first(vault, edge).await;
        if made.is_ok() {
            self.conn.commit().await?;
        } else {
            self.conn.roll_back().await?;
        }
        made
    }

    async fn make_first(&mut self, vault: &Vault, edge: &Edge) -> Result<Vec<SealedKey>, RingFault> {
        let keys = stored(self.conn).await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        let sql = "SELECT 1 AS one FROM signing_keys WHERE substr(private_key, 1, 3) <> 'v1.' LIMIT 1";
        if self.conn.first(sql, &[]).await?.is_some() {
            // Something is sealed under data keys, and all of them are gone.
            return Err(DoesNotOpen::Spoilt.into());
        }
        let key = vault.new_key(1, edge.now()).map_err(StoreError::from)?;
        insert(self.conn, &key).await?;
        self.conn.turn_keys().await?;
        let event = Event::new("vault_key.created", Actor::System, key.created_at).with("data_key", key.number);
        record(self.conn, vault, edge, vec![event]).await?;
        Ok(vec![key])
    }
}

/// Looks whether another process has changed anything, and learns its data keys.
#[derive(Default)]
pub(in super::super) struct Watch {
    seen: Option<i64>,
}

impl Watch {
    /// To be called within a transaction of `conn`, which is always the same one, with what its beginning has yielded:
    /// from then on, the active key is the one of the database, and nothing is sealed under a key that may be deleted.
    /// Yields whether somebody else has changed something.
    pub(in super::super) async fn look(
        &mut self,
        turn: i64,
        conn: &mut Conn,
        vault: &Vault,
    ) -> Result<bool, StoreError> {
        if self.seen == Some(turn) {
            return Ok(false);
        }
        let keys = stored(conn).await?;
        vault.learn(&keys)?;
        // A key that the database does not have (any more, since another backup was restored) must seal nothing.
        if vault.active() != active(&keys).map(|key| key.number) {
            return Err(StoreError::UnknownKey);
        }
        Ok(self.seen.replace(turn).is_some())
    }
}
