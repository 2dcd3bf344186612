//! What is signed of the audit log, and who has it.

use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::Pen;
use crate::store::StoreError;
use crate::store::world::World;

// The same size is signed once: who asks again is told the same again.
const INSERT_CHECKPOINTS: &str = "
    INSERT INTO audit_checkpoints (size, head, signed, key_id, made_at) VALUES {rows} ON CONFLICT (size) DO NOTHING";

const INSERT_BEGINNINGS: &str = "INSERT INTO audit_beginnings (size, head, signed, removed_at) VALUES {rows}";

const DELETE_EVENTS: &str = "
    WITH v (size) AS (VALUES {rows}) DELETE FROM audit_events WHERE seq <= (SELECT max(size) FROM v)";

const UPSERT_CURSORS: &str = "
    INSERT INTO audit_cursors (name, seq) VALUES {rows} ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";

impl Pen<'_> {
    pub(super) async fn save_chain(&mut self, after: &World) -> Result<(), StoreError> {
        let rows = after.checkpoints.iter().map(|(checkpoint, key, now)| {
            json!([checkpoint.size, checkpoint.head, checkpoint.signed, key, now.micros()])
        });
        self.run(INSERT_CHECKPOINTS, rows.collect()).await?;
        let removed = after.removed.iter();
        let rows = removed.clone().map(|(beginning, now)| {
            json!([beginning.end.size, beginning.end.head, beginning.signed, Timestamp::micros(*now)])
        });
        self.run(INSERT_BEGINNINGS, rows.collect()).await?;
        self.run(DELETE_EVENTS, removed.map(|(beginning, _)| json!([beginning.end.size])).collect()).await?;
        let rows = after.cursors.iter().map(|(name, seq)| json!([name, seq])).collect();
        self.run(UPSERT_CURSORS, rows).await?;
        Ok(())
    }
}
