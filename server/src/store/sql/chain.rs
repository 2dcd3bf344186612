//! The chain of the audit log in the database.

use gatematch_domain::audit::Event;
use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use gatematch_protocol::chain::beginning;
use gatematch_protocol::id::EventId;
use gatematch_protocol::time::Timestamp;

use super::SqlStore;
use super::conn::Conn;
use super::reads::on_one;
use super::row::{Row, args};
use super::rows::{audit_event, small, text};
use crate::store::verb::{KeepCheckpoint, MoveCursor, RemoveBeginning};
use crate::store::{Act, AuditChain, LogBeginning, LogEnd, Reply, StoreError};

/// How many events are chained in one transaction, when older ones are.
const AT_ONCE: i64 = 5_000;

/// What the next event follows.
pub(super) struct Tip {
    /// Its `seq`; 0 where there is none.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) hash: String,
}

impl Tip {
    /// Of the log as it is.
    pub(super) async fn of(conn: &mut Conn) -> Result<Self, StoreError> {
        let sql = "SELECT seq, hash FROM (SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1) AS last
                   UNION ALL SELECT size, head FROM audit_beginnings ORDER BY 1 DESC LIMIT 1";
        let Some(row) = conn.first(sql, &[]).await? else {
            return Ok(Self { seq: 0, hash: beginning() });
        };
        let hash: Option<String> = row.get("hash")?;
        let seq: i64 = row.get("seq")?;
        Ok(Self {
            seq: u64::try_from(seq).map_err(|_| StoreError::Corrupt("seq"))?,
            hash: hash.ok_or(StoreError::Corrupt("hash"))?,
        })
    }

    /// Puts `event` into the chain.
    pub(super) fn chain(&mut self, event: &Event, id: EventId) -> Result<AuditEvent, StoreError> {
        let mut chained = AuditEvent {
            seq: self.seq + 1,
            id,
            at: event.at,
            kind: event.kind.to_owned(),
            actor: Some(event.actor.to_string()),
            user: event.user.clone(),
            device: event.device.map(|id| id.to_string()),
            gateway: event.gateway.map(|id| id.to_string()),
            client: event.client.as_ref().and_then(gatematch_domain::challenge::Client::shown),
            outcome: Some(event.outcome.as_str().to_owned()),
            reason: event.reason.clone(),
            number_match: event.number_match,
            policy: event.policy.clone(),
            detail: (!event.detail.is_empty()).then(|| event.detail.clone()),
            prev_hash: None,
            hash: None,
        };
        self.follow(&mut chained)?;
        Ok(chained)
    }

    /// Gives an event the hashes that it has in this place.
    fn follow(&mut self, event: &mut AuditEvent) -> Result<(), StoreError> {
        let hash = event.hash_after(&self.hash).ok_or(StoreError::Corrupt("audit event"))?;
        event.prev_hash = Some(std::mem::replace(&mut self.hash, hash.clone()));
        event.hash = Some(hash);
        self.seq = event.seq;
        Ok(())
    }
}

/// Chains the events of versions that did not.
pub(super) async fn catch_up(conn: &mut Conn) -> Result<(), StoreError> {
    while chain_some(conn).await? {}
    Ok(())
}

/// Chains the next of them; whether there may be more.
async fn chain_some(conn: &mut Conn) -> Result<bool, StoreError> {
    let missing = "SELECT 1 FROM audit_events WHERE hash IS NULL LIMIT 1";
    if conn.first(missing, &[]).await?.is_none() {
        return Ok(false);
    }
    // Another command may be at it in the same moment.
    conn.begin().await?;
    let sql = "SELECT * FROM audit_events WHERE hash IS NULL ORDER BY seq LIMIT ?";
    let found = conn.all(sql, args![AT_ONCE]).await?;
    let mut events = found.iter().map(audit_event).collect::<Result<Vec<_>, _>>()?;
    if let Some(first) = events.first() {
        let before = i64::try_from(first.seq - 1).unwrap_or(i64::MAX);
        let sql = "SELECT hash FROM audit_events WHERE seq = ?";
        let hash = conn.first(sql, args![before]).await?;
        let hash: Option<String> = hash.map(|row| row.get("hash")).transpose()?.flatten();
        let mut tip = Tip { seq: first.seq - 1, hash: hash.unwrap_or_else(beginning) };
        for event in &mut events {
            tip.follow(event)?;
            let sql = "UPDATE audit_events SET prev_hash = ?, hash = ? WHERE seq = ?";
            let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
            conn.run(sql, args![event.prev_hash, event.hash, seq]).await?;
        }
    }
    conn.commit().await?;
    Ok(!events.is_empty())
}

pub(super) fn end(row: &Row) -> Result<LogEnd, StoreError> {
    Ok(LogEnd { size: small(row, "size")?, head: text(row, "head")? })
}

impl AuditChain for SqlStore {
    fn log_end(&self) -> Reply<'_, LogEnd> {
        Box::pin(async move {
            let Tip { seq, hash } = on_one!(self.reads, conn => Tip::of(conn))?;
            Ok(LogEnd { size: seq, head: hash })
        })
    }

    fn log_beginning(&self) -> Reply<'_, Option<LogBeginning>> {
        Box::pin(async move {
            let sql = "SELECT * FROM audit_beginnings ORDER BY size DESC LIMIT 1";
            let found = self.reads.first(sql, &[]).await?;
            found.as_ref().map(|row| Ok(LogBeginning { end: end(row)?, signed: text(row, "signed")? })).transpose()
        })
    }

    fn keep_checkpoint(&self, checkpoint: Checkpoint, key_id: String, now: Timestamp) -> Reply<'_, ()> {
        self.write(KeepCheckpoint { checkpoint, key_id, now })
    }

    fn last_checkpoint(&self) -> Reply<'_, Option<Checkpoint>> {
        Box::pin(async move {
            let sql = "SELECT * FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
            let found = self.reads.first(sql, &[]).await?;
            let read = |row: &Row| {
                let LogEnd { size, head } = end(row)?;
                Ok(Checkpoint { size, head, signed: text(row, "signed")? })
            };
            found.as_ref().map(read).transpose()
        })
    }

    fn checkpoint_keys(&self) -> Reply<'_, Vec<String>> {
        Box::pin(async move {
            let sql = "SELECT DISTINCT key_id FROM audit_checkpoints ORDER BY key_id";
            self.reads.scan(sql, &[]).await?.iter().map(|row| text(row, "key_id")).collect()
        })
    }

    fn log_before(&self, time: Timestamp) -> Reply<'_, Option<LogEnd>> {
        Box::pin(async move {
            // Events are written in the order in which they are numbered; a clock that was set back may date one earlier.
            let sql = "SELECT seq AS size, hash AS head FROM audit_events
                       WHERE seq < (SELECT coalesce(min(seq), (SELECT max(seq) FROM audit_events)) FROM audit_events
                                    WHERE at >= ?) ORDER BY seq DESC LIMIT 1";
            let found = self.reads.scan(sql, args![time.micros()]).await?.into_iter().next();
            found.as_ref().map(end).transpose()
        })
    }

    fn log_event(&self, seq: u64) -> Reply<'_, Option<LogEnd>> {
        Box::pin(async move {
            let sql = "SELECT seq AS size, hash AS head FROM audit_events WHERE seq = ?";
            let found = self.reads.first(sql, args![seq]).await?;
            found.as_ref().map(end).transpose()
        })
    }

    fn remove_beginning(&self, act: Act, beginning: LogBeginning, reason: String) -> Reply<'_, bool> {
        self.write(RemoveBeginning { act, beginning, reason })
    }

    fn cursor(&self, name: String) -> Reply<'_, u64> {
        Box::pin(async move {
            let sql = "SELECT seq FROM audit_cursors WHERE name = ?";
            let row = self.reads.first(sql, args![name]).await?;
            let seq: Option<i64> = row.map(|row| row.get("seq")).transpose()?;
            Ok(seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
        })
    }

    fn move_cursor(&self, name: String, seq: u64) -> Reply<'_, ()> {
        self.write(MoveCursor { name, seq })
    }
}
