//! What is asked of the audit log and of the notices.

use gatematch_domain::notice::{self, Notice};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;
use serde_json::Value;
use sqlx::sqlite::SqlitePool;

use super::rows;
use crate::store::{AuditQuery, StoreError};

/// Audit events, in order.
pub(super) async fn audit(readers: &SqlitePool, query: AuditQuery) -> Result<Vec<AuditEvent>, StoreError> {
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    // Each shape has an index of its own. Several types are told apart row by row (`+type`): by their index, all that
    // there are would be sorted for each page. So are gateways.
    let sql = match (&query.user, query.kinds.len(), query.gateways.is_empty()) {
        (None, 0, true) => "SELECT * FROM audit_events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        (Some(_), 0, true) => "SELECT * FROM audit_events WHERE seq > ?1 AND username = ?3 ORDER BY seq LIMIT ?2",
        (None, 1, true) => "SELECT * FROM audit_events WHERE seq > ?1 AND type = ?4 ->> 0 ORDER BY seq LIMIT ?2",
        (Some(_), 1, true) => {
            "SELECT * FROM audit_events WHERE seq > ?1 AND username = ?3 AND type = ?4 ->> 0 ORDER BY seq LIMIT ?2"
        }
        (None, ..) => {
            "SELECT * FROM audit_events WHERE seq > ?1
                 AND (json_array_length(?4) = 0 OR +type IN (SELECT value FROM json_each(?4)))
                 AND (json_array_length(?5) = 0 OR gateway IN (SELECT value FROM json_each(?5)))
             ORDER BY seq LIMIT ?2"
        }
        (Some(_), ..) => {
            "SELECT * FROM audit_events WHERE seq > ?1 AND username = ?3
                 AND (json_array_length(?4) = 0 OR +type IN (SELECT value FROM json_each(?4)))
                 AND (json_array_length(?5) = 0 OR gateway IN (SELECT value FROM json_each(?5)))
             ORDER BY seq LIMIT ?2"
        }
    };
    let list = |words: Vec<String>| Value::from(words).to_string();
    let found = sqlx::query(sql).bind(after).bind(query.limit).bind(query.user);
    let found = found.bind(list(query.kinds)).bind(list(query.gateways)).fetch_all(readers).await?;
    found.iter().map(rows::audit_event).collect()
}

/// The latest notices to the phones of a user since `since`, oldest first.
pub(super) async fn notices(readers: &SqlitePool, user: UserId, since: Timestamp) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT * FROM (SELECT * FROM notices WHERE user_id = ? AND created_at >= ?
               ORDER BY created_at DESC LIMIT ?) ORDER BY created_at, id";
    let found = sqlx::query(sql).bind(user.to_string()).bind(since.micros()).bind(notice::MOST);
    found.fetch_all(readers).await?.iter().map(rows::notice).collect()
}
