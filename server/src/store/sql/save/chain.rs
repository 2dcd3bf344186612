//! What is signed of the audit log, and who has it.

use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::world::World;

// The same size is signed once: who asks again is told the same again.
const INSERT_CHECKPOINTS: Write<'_> = Write {
    sql: "
    INSERT INTO audit_checkpoints (size, head, signed, key_id, made_at) {rows} ON CONFLICT (size) DO NOTHING",
    kinds: "ntttn",
};

const INSERT_BEGINNINGS: Write<'_> =
    Write { sql: "INSERT INTO audit_beginnings (size, head, signed, removed_at) {rows}", kinds: "nttn" };

const DELETE_EVENTS: Write<'_> = Write {
    sql: "
    WITH v (size) AS ({rows}) DELETE FROM audit_events WHERE seq <= (SELECT max(size) FROM v)",
    kinds: "n",
};

const UPSERT_CURSORS: Write<'_> = Write {
    sql: "
    INSERT INTO audit_cursors (name, seq) {rows} ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
    kinds: "tn",
};

impl Pen<'_> {
    pub(super) async fn save_chain(&mut self, after: &World) -> Result<(), StoreError> {
        let rows = after.checkpoints.iter().map(|(checkpoint, key, now)| {
            json!([checkpoint.size, checkpoint.head, checkpoint.signed, key, now.micros()])
        });
        self.run(&INSERT_CHECKPOINTS, rows.collect()).await?;
        let removed = after.removed.iter();
        let rows = removed.clone().map(|(beginning, now)| {
            json!([beginning.end.size, beginning.end.head, beginning.signed, Timestamp::micros(*now)])
        });
        self.run(&INSERT_BEGINNINGS, rows.collect()).await?;
        self.run(&DELETE_EVENTS, removed.map(|(beginning, _)| json!([beginning.end.size])).collect()).await?;
        let rows = after.cursors.iter().map(|(name, seq)| json!([name, seq])).collect();
        self.run(&UPSERT_CURSORS, rows).await?;
        Ok(())
    }
}
