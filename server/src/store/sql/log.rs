//! What is asked of the audit log and of the notices.

use gatematch_domain::notice::{self, Notice};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;

use super::reads::Reads;
use super::row::{AsArg, args};
use super::rows;
use crate::store::{AuditQuery, StoreError};

/// Audit events, in order.
pub(super) async fn audit(reads: &Reads, query: AuditQuery) -> Result<Vec<AuditEvent>, StoreError> {
    let AuditQuery { after, before, latest_first, limit, user, kinds, gateways } = query;
    let (one, few) = match <[String; 1]>::try_from(kinds) {
        Ok([kind]) if gateways.is_empty() => (Some(kind), None),
        Ok(kinds) => (None, Some(Vec::from(kinds))),
        Err(kinds) if kinds.is_empty() => (None, None),
        Err(kinds) => (None, Some(kinds)),
    };
    let gateways = (!gateways.is_empty()).then_some(gateways);
    let mut sql = "SELECT * FROM audit_events WHERE seq > ?".to_owned();
    let mut args = vec![after.arg()];
    // A user and a type have an index each. Several types are told apart row by row: by their index, all that there are
    // would be sorted for each page. So are gateways.
    let conditions = [
        (" AND seq < ?", before.as_ref().map(AsArg::arg)),
        (" AND username = ?", user.as_ref().map(AsArg::arg)),
        (" AND type = ?", one.as_ref().map(AsArg::arg)),
        (" AND coalesce(type, '') {in ?}", few.as_ref().map(AsArg::arg)),
        (" AND gateway {in ?}", gateways.as_ref().map(AsArg::arg)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(condition);
            args.push(value);
        }
    }
    sql.push_str(if latest_first { " ORDER BY seq DESC LIMIT ?" } else { " ORDER BY seq LIMIT ?" });
    args.push(limit.arg());
    reads.scan(&sql, &args).await?.iter().map(rows::audit_event).collect()
}

/// The latest notices to the phones of a user since `since`, oldest first.
pub(super) async fn notices(reads: &Reads, user: UserId, since: Timestamp) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT * FROM (SELECT * FROM notices WHERE user_id = ? AND created_at >= ?
               ORDER BY created_at DESC LIMIT ?) AS latest ORDER BY created_at, id";
    let found = reads.all(sql, args![user.to_string(), since.micros(), notice::MOST]).await?;
    found.iter().map(rows::notice).collect()
}
