//! The chain of the audit log in the database.

use gatematch_domain::audit::Event;
use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use gatematch_protocol::chain::beginning;
use gatematch_protocol::id::EventId;
use gatematch_protocol::time::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use super::Sqlite;
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
    pub(super) async fn of(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let sql = "SELECT seq, hash FROM (SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1)
                   UNION ALL SELECT size, head FROM audit_beginnings ORDER BY 1 DESC LIMIT 1";
        let Some(row) = sqlx::query(sql).fetch_optional(conn).await? else {
            return Ok(Self { seq: 0, hash: beginning() });
        };
        let hash: Option<String> = row.try_get("hash")?;
        let seq: i64 = row.try_get("seq")?;
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
pub(super) async fn catch_up(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    while chain_some(conn).await? {}
    Ok(())
}

/// Chains the next of them; whether there may be more.
async fn chain_some(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
    let missing = "SELECT 1 FROM audit_events WHERE hash IS NULL LIMIT 1";
    if sqlx::query(missing).fetch_optional(&mut *conn).await?.is_none() {
        return Ok(false);
    }
    // Another command may be at it in the same moment.
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let sql = "SELECT * FROM audit_events WHERE hash IS NULL ORDER BY seq LIMIT ?";
    let found = sqlx::query(sql).bind(AT_ONCE).fetch_all(&mut *transaction).await?;
    let mut events = found.iter().map(audit_event).collect::<Result<Vec<_>, _>>()?;
    if let Some(first) = events.first() {
        let before = i64::try_from(first.seq - 1).unwrap_or(i64::MAX);
        let sql = "SELECT hash FROM audit_events WHERE seq = ?";
        let hash: Option<String> =
            sqlx::query_scalar(sql).bind(before).fetch_optional(&mut *transaction).await?.flatten();
        let mut tip = Tip { seq: first.seq - 1, hash: hash.unwrap_or_else(beginning) };
        for event in &mut events {
            tip.follow(event)?;
            let sql = "UPDATE audit_events SET prev_hash = ?, hash = ? WHERE seq = ?";
            let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
            sqlx::query(sql).bind(&event.prev_hash).bind(&event.hash).bind(seq).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(!events.is_empty())
}

fn end(row: &SqliteRow) -> Result<LogEnd, StoreError> {
    Ok(LogEnd { size: small(row, "size")?, head: text(row, "head")? })
}

impl AuditChain for Sqlite {
    fn log_end(&self) -> Reply<'_, LogEnd> {
        Box::pin(async move {
            let Tip { seq, hash } = Tip::of(&mut *self.readers.acquire().await?).await?;
            Ok(LogEnd { size: seq, head: hash })
        })
    }

    fn log_beginning(&self) -> Reply<'_, Option<LogBeginning>> {
        Box::pin(async move {
            let sql = "SELECT * FROM audit_beginnings ORDER BY size DESC LIMIT 1";
            let found = sqlx::query(sql).fetch_optional(&self.readers).await?;
            found.as_ref().map(|row| Ok(LogBeginning { end: end(row)?, signed: text(row, "signed")? })).transpose()
        })
    }

    fn keep_checkpoint(&self, checkpoint: Checkpoint, key_id: String, now: Timestamp) -> Reply<'_, ()> {
        self.write(KeepCheckpoint { checkpoint, key_id, now })
    }

    fn last_checkpoint(&self) -> Reply<'_, Option<Checkpoint>> {
        Box::pin(async move {
            let sql = "SELECT * FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
            let found = sqlx::query(sql).fetch_optional(&self.readers).await?;
            let read = |row: &SqliteRow| {
                let LogEnd { size, head } = end(row)?;
                Ok(Checkpoint { size, head, signed: text(row, "signed")? })
            };
            found.as_ref().map(read).transpose()
        })
    }

    fn checkpoint_keys(&self) -> Reply<'_, Vec<String>> {
        Box::pin(async move {
            let sql = "SELECT DISTINCT key_id FROM audit_checkpoints ORDER BY key_id";
            Ok(sqlx::query_scalar(sql).fetch_all(&self.readers).await?)
        })
    }

    fn log_before(&self, time: Timestamp) -> Reply<'_, Option<LogEnd>> {
        Box::pin(async move {
            // Events are written in the order in which they are numbered; a clock that was set back may date one earlier.
            let sql = "SELECT seq AS size, hash AS head FROM audit_events
                       WHERE seq < (SELECT coalesce(min(seq), (SELECT max(seq) FROM audit_events)) FROM audit_events
                                    WHERE at >= ?) ORDER BY seq DESC LIMIT 1";
            let found = sqlx::query(sql).bind(time.micros()).fetch_optional(&self.readers).await?;
            found.as_ref().map(end).transpose()
        })
    }

    fn log_event(&self, seq: u64) -> Reply<'_, Option<LogEnd>> {
        Box::pin(async move {
            let sql = "SELECT seq AS size, hash AS head FROM audit_events WHERE seq = ?";
            let found =
                sqlx::query(sql).bind(i64::try_from(seq).unwrap_or(i64::MAX)).fetch_optional(&self.readers).await?;
            found.as_ref().map(end).transpose()
        })
    }

    fn remove_beginning(&self, act: Act, beginning: LogBeginning, reason: String) -> Reply<'_, bool> {
        self.write(RemoveBeginning { act, beginning, reason })
    }

    fn cursor(&self, name: String) -> Reply<'_, u64> {
        Box::pin(async move {
            let sql = "SELECT seq FROM audit_cursors WHERE name = ?";
            let seq: Option<i64> = sqlx::query_scalar(sql).bind(name).fetch_optional(&self.readers).await?;
            Ok(seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
        })
    }

    fn move_cursor(&self, name: String, seq: u64) -> Reply<'_, ()> {
        self.write(MoveCursor { name, seq })
    }
}
