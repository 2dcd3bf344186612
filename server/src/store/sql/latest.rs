//! What the end of the audit log tells, without reading all of it.

use std::collections::BTreeMap;

use gatematch_protocol::time::Timestamp;

use super::reads::Reads;
use super::row::args;
use super::rows::{audit_event, small, text, time};
use crate::store::{LetIn, Reports, StoreError};

/// The events with which logins begin.
const BEGINNINGS: [&str; 3] = ["challenge.created", "challenge.approved", "challenge.denied"];

/// What rules have reported of logins that began at `since` or later, of the latest `most` events of each kind.
pub(super) async fn reports(reads: &Reads, since: Timestamp, most: u32) -> Result<Reports, StoreError> {
    let mut reports = Reports::default();
    for kind in BEGINNINGS {
        let sql =
            "SELECT count(*) AS seen, coalesce(min(at), 0) AS first, coalesce(sum(CASE WHEN at >= ? AND detail LIKE ?
                   THEN 1 ELSE 0 END), 0) AS begun
                   FROM (SELECT at, detail FROM audit_events WHERE type = ? ORDER BY seq DESC LIMIT ?) AS latest";
        let found = reads.scan(sql, args![since.micros(), "%\"facts\":%", kind, most]).await?;
        let row = found.first().ok_or(StoreError::Corrupt("count"))?;
        let (seen, first): (u64, Timestamp) = (small(row, "seen")?, time(row, "first")?);
        reports.begun += small::<u64>(row, "begun")?;
        if seen == u64::from(most) && first > since {
            reports.from = reports.from.max(Some(first));
        }
        let sql = "SELECT * FROM (SELECT * FROM audit_events WHERE type = ? ORDER BY seq DESC LIMIT ?) AS latest
                   WHERE at >= ? AND detail LIKE ? ORDER BY seq DESC";
        let found = reads.scan(sql, args![kind, most, since.micros(), "%\"report_only\":%"]).await?;
        for row in &found {
            reports.events.push(audit_event(row)?);
        }
    }
    reports.events.sort_by_key(|event| std::cmp::Reverse(event.seq));
    Ok(reports)
}

/// How often somebody was let in at each gateway since `since`, of the latest `most` times.
pub(super) async fn let_in(reads: &Reads, since: Timestamp, most: u32) -> Result<LetIn, StoreError> {
    let sql = "SELECT coalesce(gateway, '') AS gateway, count(*) AS times
               FROM (SELECT gateway, at FROM audit_events WHERE type = ? ORDER BY seq DESC LIMIT ?) AS latest
               WHERE at >= ? GROUP BY coalesce(gateway, '')";
    let mut times = BTreeMap::new();
    for row in reads.scan(sql, args!["challenge.redeemed", most, since.micros()]).await? {
        times.insert(text(&row, "gateway")?, small(&row, "times")?);
    }
    let all: u64 = times.values().sum();
    Ok(LetIn { times, is_all: all < u64::from(most) })
}
