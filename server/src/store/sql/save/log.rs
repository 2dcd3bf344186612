//! The audit log, and what is forgotten.

use gatematch_domain::audit::Event;
use gatematch_domain::connect::LONGEST_SECONDS;
use gatematch_domain::notice::{KEEP_SECONDS, Notice};
use gatematch_domain::visit::KNOWN_SECONDS;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::EventId;
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

use super::super::chain::Tip;
use super::super::conn::Write;
use super::super::row::args;
use super::Pen;
use crate::store::{REPEAT_SECONDS, StoreError};

/// How long a challenge is kept after it was made, in seconds: for those who still ask how it ended.
const KEEP_CHALLENGES_SECONDS: i64 = 86_400;
/// How long a spent proof is kept, in seconds: longer than any clock skew lets it be tried again, and longer than a
/// clock that is an hour off and comes back.
const KEEP_PROOFS_SECONDS: i64 = 7_200;

/// How long a session of the connect page is kept after it was armed, in seconds: longer than it lives or counts.
const KEEP_SESSIONS_SECONDS: i64 = 3_600;

/// How long a pass or a bypass is kept after its end, in seconds: for those who look why somebody was let in.
const KEEP_ENDED_FACTORS_SECONDS: i64 = 86_400;

pub(in crate::store::sql) const INSERT_EVENTS: Write<'_> = Write {
    sql: "
    INSERT INTO audit_events (id, seq, at, type, actor, username, device, gateway, client, outcome, reason,
                              number_match, policy, detail, prev_hash, hash)
    {rows}",
    kinds: "tnnttttttttftttt",
};

const INSERT_NOTICES: Write<'_> = Write {
    sql: "
    INSERT INTO notices (id, user_id, kind, gateway_id, has_client, client_ip, client_name, but_device, created_at)
    {rows}",
    kinds: "ttttftttn",
};

const PURGE_NOTICES: &str = "
    DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE created_at < ? ORDER BY created_at LIMIT 2000)";
const PURGE_PROOFS: &str = "
    DELETE FROM spent_proofs WHERE (thumbprint, jti) IN
        (SELECT thumbprint, jti FROM spent_proofs WHERE spent_at < ? ORDER BY spent_at LIMIT 2000)";
const PURGE_REPEATS: &str = "
    DELETE FROM repeats WHERE (gateway_id, repeat_key) IN
        (SELECT gateway_id, repeat_key FROM repeats WHERE created_at < ? ORDER BY created_at LIMIT 2000)";
const PURGE_ENROLLMENTS: &str = "
    DELETE FROM enrollments WHERE id IN (SELECT id FROM enrollments WHERE expires_at < ? ORDER BY expires_at LIMIT 2000)";
const PURGE_SESSIONS: &str = "
    DELETE FROM connect_sessions WHERE id IN
        (SELECT id FROM connect_sessions WHERE armed_at < ? ORDER BY armed_at LIMIT 2000)";
const PURGE_DEAF_SESSIONS: &str = "
    DELETE FROM connect_sessions WHERE id IN
        (SELECT id FROM connect_sessions WHERE armed_at < ? AND NOT hears ORDER BY armed_at LIMIT 2000)";
const PURGE_FACTORS: &str = "
    DELETE FROM factors WHERE id IN (SELECT id FROM factors WHERE ends_at < ? ORDER BY ends_at LIMIT 2000)";
const PURGE_BROWSERS: &str = "
    DELETE FROM browsers WHERE id IN (SELECT id FROM browsers WHERE expires_at < ? ORDER BY expires_at LIMIT 2000)";
const PURGE_KNOCKS: &str = "
    DELETE FROM visits WHERE id IN
        (SELECT id FROM visits WHERE user_id IS NULL AND expires_at < ? ORDER BY expires_at LIMIT 2000)";
const PURGE_VISITS: &str = "
    DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE seen_at < ? ORDER BY seen_at LIMIT 2000)";
const PURGE_INVITATIONS: &str = "
    DELETE FROM invitations WHERE id IN
        (SELECT id FROM invitations WHERE expires_at < ? ORDER BY expires_at LIMIT 2000)";
const PURGE_DELIVERIES: &str = "
    DELETE FROM deliveries WHERE challenge_id IN
        (SELECT id FROM challenges WHERE created_at < ? AND state NOT IN ('pending', 'approved')
         ORDER BY created_at LIMIT 2000)";
const PURGE_CHALLENGES: &str = "
    DELETE FROM challenges WHERE id IN
        (SELECT id FROM challenges WHERE created_at < ? AND state NOT IN ('pending', 'approved')
         ORDER BY created_at LIMIT 2000)";

impl Pen<'_> {
    pub(super) async fn save_events(&mut self, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut tip = Tip::of(&mut *self.conn).await?;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let random = self.edge.random().map_err(|_| StoreError::Database("no random bytes".into()))?;
            rows.push(event_row(&tip.chain(event, EventId::new(event.at, random))?));
        }
        self.run(&INSERT_EVENTS, rows).await?;
        Ok(())
    }

    pub(super) async fn save_notices(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        let rows = notices.iter().map(|Notice { id, news }| {
            let ip = news.client.as_ref().and_then(|client| client.ip);
            let name = news.client.as_ref().and_then(|client| client.name.as_ref());
            let (kind, is_login) = (news.kind.as_str(), news.client.is_some());
            json!([id, news.user, kind, news.gateway, is_login, ip, name, news.but, news.at.micros()])
        });
        self.run(&INSERT_NOTICES, rows.collect()).await?;
        Ok(())
    }

    pub(super) async fn purge(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let old = now.plus_seconds(-KEEP_CHALLENGES_SECONDS).micros();
        for (sql, before) in [
            (PURGE_PROOFS, now.plus_seconds(-KEEP_PROOFS_SECONDS).micros()),
            (PURGE_REPEATS, now.plus_seconds(-REPEAT_SECONDS).micros()),
            (PURGE_ENROLLMENTS, old),
            (PURGE_DEAF_SESSIONS, now.plus_seconds(-LONGEST_SECONDS).micros()),
            (PURGE_SESSIONS, now.plus_seconds(-KEEP_SESSIONS_SECONDS).micros()),
            (PURGE_BROWSERS, now.micros()),
            (PURGE_KNOCKS, now.micros()),
            (PURGE_VISITS, now.plus_seconds(-KNOWN_SECONDS).micros()),
            (PURGE_INVITATIONS, now.micros()),
            (PURGE_FACTORS, now.plus_seconds(-KEEP_ENDED_FACTORS_SECONDS).micros()),
            (PURGE_NOTICES, now.plus_seconds(-KEEP_SECONDS).micros()),
            (PURGE_DELIVERIES, old),
            (PURGE_CHALLENGES, old),
        ] {
            self.conn.run(sql, args![before]).await?;
        }
        Ok(())
    }
}

/// A row of `audit_events`, as [`INSERT_EVENTS`] takes it.
pub(in crate::store::sql) fn event_row(event: &AuditEvent) -> Value {
    let text = |object: &Option<Map<String, Value>>| object.clone().map(|object| Value::Object(object).to_string());
    json!([
        event.id,
        event.seq,
        event.at.micros(),
        event.kind,
        event.actor,
        event.user,
        event.device,
        event.gateway,
        text(&event.client),
        event.outcome,
        event.reason,
        event.number_match,
        event.policy,
        text(&event.detail),
        event.prev_hash,
        event.hash,
    ])
}
