//! A new data key, and every secret sealed under it.

use std::sync::Arc;

use gatematch_domain::audit::{Actor, Event};
use gatematch_protocol::time::Timestamp;

use super::super::conn::Conn;
use super::super::row::args;
use super::columns::{Column, SEALED, Sealed, counts};
use super::{record, ring};
use crate::edge::Edge;
use crate::store::{RotateRefusal, Rotated, StoreError};
use crate::vault::{SealedKey, Vault, active};

/// How many rows are sealed anew in one transaction: some milliseconds, in which others wait.
const BATCH: u32 = 256;
/// How long the database is left to others after each of them, in microseconds.
const PAUSE: i64 = 5_000;
/// How often all columns are gone through. Whatever was written meanwhile is sealed under the new key already, so that
/// the second time finds nothing.
const PASSES: u32 = 8;
/// How often it is tried to begin, each time for as long as a writer waits.
const BEGINNINGS: u32 = 5;

/// Somebody who changes keys, on a connection of his own. Where he is cut off, his transaction is undone.
pub(super) struct Desk {
    pub(super) conn: Conn,
    pub(super) vault: Arc<Vault>,
    pub(super) edge: Edge,
    pub(super) actor: Actor,
}

/// What was done, and the connection.
pub(super) type Done<T> = Result<(T, Conn), StoreError>;

/// What a pass has done.
#[derive(Default)]
struct Pass {
    resealed: u64,
    /// Changed by somebody else in between.
    missed: u64,
    unopened: u64,
}

impl Desk {
    pub(super) async fn rotate(mut self) -> Done<Result<Rotated, RotateRefusal>> {
        let number = match self.add_key().await? {
            Ok(number) => number,
            Err(refusal) => return Ok((Err(refusal), self.conn)),
        };
        let (mut resealed, mut unopened) = (0, 0);
        for _ in 0..PASSES {
            let pass = self.reseal_all().await?;
            resealed += pass.resealed;
            unopened = pass.unopened;
            if pass.resealed + pass.missed == 0 {
                break;
            }
        }
        let deleted = self.delete_unused(resealed).await?;
        Ok((Ok(Rotated { number, resealed, unopened, deleted, is_folded: false }), self.conn))
    }

    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        for _ in 1..BEGINNINGS {
            if self.conn.begin().await.is_ok() {
                return Ok(());
            }
            // A server may have begun, and not got the lock.
            let _ = self.conn.roll_back().await;
        }
        self.conn.begin().await.map(drop)
    }

    /// Ends the transaction, with the events that tell of it.
    pub(super) async fn commit(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        if !events.is_empty() {
            // Each of them tells of keys.
            self.conn.turn_keys().await?;
        }
        record(&mut self.conn, &self.vault, &self.edge, events).await?;
        self.conn.commit().await
    }

    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.conn.roll_back().await
    }

    pub(super) fn event(&self, kind: &'static str) -> Event {
        Event::new(kind, self.actor.clone(), self.edge.now())
    }

    /// From this commit on, whoever writes seals under the new key.
    async fn add_key(&mut self) -> Result<Result<u32, RotateRefusal>, StoreError> {
        self.begin().await?;
        let keys = ring::stored(&mut self.conn).await?;
        if active(&keys).is_some_and(SealedKey::is_between_masters) {
            self.roll_back().await?;
            return Ok(Err(RotateRefusal::MasterWaits));
        }
        // Under no other master key than the others.
        self.vault.check_master(&keys)?;
        let last = keys.last().map_or(0, |key| key.number);
        let number = last.checked_add(1).ok_or(StoreError::Corrupt("number"))?;
        let key = self.vault.new_key(number, self.edge.now())?;
        self.conn.run("UPDATE vault_keys SET status = 'retiring'", &[]).await?;
        ring::insert(&mut self.conn, &key).await?;
        let event = self.event("vault_key.created").with("data_key", number);
        self.commit(vec![event]).await?;
        self.vault.learn(&[key])?;
        Ok(Ok(number))
    }

    async fn reseal_all(&mut self) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        for column in SEALED {
            let mut after = String::new();
            loop {
                let number = self.vault.active().ok_or(StoreError::UnknownKey)?;
                let found = column.not_under(&mut self.conn, number, &after, BATCH).await?;
                let Some(last) = found.last() else { break };
                after.clone_from(&last.id);
                self.reseal(*column, found, &mut pass).await?;
            }
        }
        Ok(pass)
    }

    /// One batch. What somebody else has changed since it was read is left to him.
    async fn reseal(&mut self, column: Column, found: Vec<Sealed>, pass: &mut Pass) -> Result<(), StoreError> {
        let mut renewed = Vec::with_capacity(found.len());
        for sealed in found {
            let label = (column.label)(&sealed.id);
            let opened =
                label.and_then(|label| self.vault.open(&label, &sealed.text).ok().map(|secret| (label, secret)));
            match opened {
                Some((label, secret)) => renewed.push((sealed, self.vault.seal(&label, &secret)?)),
                None => pass.unopened += 1,
            }
        }
        if renewed.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        let replaced = column.replace(&mut self.conn, &renewed).await?;
        self.commit(Vec::new()).await?;
        pass.resealed += replaced;
        pass.missed += (renewed.len() as u64).saturating_sub(replaced);
        let rested = Timestamp::from_micros(self.edge.now().micros().saturating_add(PAUSE));
        self.edge.clock.sleep_until(rested).await;
        Ok(())
    }

    /// Deletes the retiring keys that nothing names.
    async fn delete_unused(&mut self, resealed: u64) -> Result<Vec<u32>, StoreError> {
        // Before others are kept from writing: nobody seals under a retiring key any more, so what is unused stays so.
        let counts = counts(&mut self.conn).await?;
        self.begin().await?;
        let mut deleted = Vec::new();
        let mut events = Vec::new();
        for key in ring::stored(&mut self.conn).await? {
            if key.status == "retiring" && !counts.contains_key(&Some(key.number)) {
                let sql = "DELETE FROM vault_keys WHERE number = ? AND status = 'retiring'";
                self.conn.run(sql, args![key.number]).await?;
                let event = self.event("vault_key.deleted").with("data_key", key.number);
                events.push(event.with("resealed", resealed));
                deleted.push(key.number);
            }
        }
        self.commit(events).await?;
        Ok(deleted)
    }
}
