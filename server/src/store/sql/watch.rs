//! What is asked by those who watch: answered in about the same time however long the log is.
//!
//! One condition is found by its index, and the others are looked at row by row, of so many rows at a time: what is rare
//! among very many is told to lie further on.

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;

use super::SqlStore;
use super::people::condition;
use super::reads::Reads;
use super::row::{Arg, AsArg, Row, args};
use super::{factors, rows};
use crate::store::{
    ASTRAY_SECONDS, Few, Look, Looked, MOST_LOOKED_AT, Reply, Standing, StoreError, UserState, Watching,
};

/// The longest life of a bypass, and what a clock may be off, in microseconds: those that end later are none.
const DAY_AND_HOUR: i64 = 90_000_000_000;
/// The most bypasses that are looked at.
const MOST_BYPASSES: u32 = 1_000;

/// A part of the log by one condition that has an index, and the conditions beside it.
struct Part<'a> {
    driver: &'static str,
    by: Vec<Arg<'a>>,
    rest: String,
    others: Vec<Arg<'a>>,
    after: u64,
    before: u64,
    latest_first: bool,
    limit: u32,
}

impl<'a> Part<'a> {
    /// Of `look`, with the types `kinds`.
    fn of(look: &'a Look, kinds: &'a [String]) -> Self {
        let mut part = Self {
            driver: "",
            by: Vec::new(),
            rest: String::new(),
            others: Vec::new(),
            after: look.after,
            // No event has a number beyond that.
            before: look.before.unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs()),
            latest_first: look.latest_first,
            limit: look.limit,
        };
        if let Some(user) = &look.user {
            (part.driver, part.by) = ("username = ? AND", vec![user.arg()]);
        }
        match look.gateways.as_slice() {
            [] => {}
            [one] if part.by.is_empty() => (part.driver, part.by) = ("gateway = ? AND", vec![one.arg()]),
            _ => part.also(" AND coalesce(gateway, '') {in ?}", Arg::Texts(&look.gateways)),
        }
        match kinds {
            [] => {}
            [one] if part.by.is_empty() => (part.driver, part.by) = ("type = ? AND", vec![one.arg()]),
            _ => part.also(" AND coalesce(type, '') {in ?}", Arg::Texts(kinds)),
        }
        if let Some(reason) = &look.reason {
            part.also(" AND reason = ?", reason.arg());
        }
        if let Some(actor) = &look.actor {
            part.also(" AND instr(coalesce(actor, ''), ?) > 0", actor.arg());
        }
        if let Some(since) = look.since {
            part.also(" AND at >= ?", Arg::Int(Some(since.micros())));
        }
        if let Some(until) = look.until {
            part.also(" AND at < ?", Arg::Int(Some(until.micros())));
        }
        part
    }

    fn also(&mut self, condition: &str, value: Arg<'a>) {
        self.rest.push_str(condition);
        self.others.push(value);
    }

    const fn order(&self) -> &'static str {
        if self.latest_first { "ORDER BY seq DESC" } else { "ORDER BY seq" }
    }

    /// Up to where may be looked, where there is more than that.
    async fn edge(&self, reads: &Reads) -> Result<Option<u64>, StoreError> {
        if self.others.is_empty() {
            return Ok(None);
        }
        if self.by.is_empty() {
            return self.edge_by_number(reads).await;
        }
        let (driver, order) = (self.driver, self.order());
        let sql = format!("SELECT seq FROM audit_events WHERE {driver} seq > ? AND seq < ? {order} LIMIT 1 OFFSET ?");
        let mut args = self.by.clone();
        args.extend([self.after.arg(), self.before.arg(), MOST_LOOKED_AT.arg()]);
        let found = reads.scan(&sql, &args).await?;
        found.first().map(|row| rows::small(row, "seq")).transpose()
    }

    /// The same where nothing but the number has an index: the log has no gaps, so nothing need be counted.
    async fn edge_by_number(&self, reads: &Reads) -> Result<Option<u64>, StoreError> {
        let most = u64::from(MOST_LOOKED_AT);
        let (first, last) = (end(reads, "seq").await?, end(reads, "seq DESC").await?);
        let (after, before) = (self.after.max(first.saturating_sub(1)), self.before.min(last.saturating_add(1)));
        let edge = if self.latest_first { before.saturating_sub(most) } else { after.saturating_add(most) };
        Ok(Some(edge).filter(|edge| after + 1 < *edge && *edge + 1 < before))
    }

    async fn look(mut self, reads: &Reads) -> Result<Looked, StoreError> {
        let mut reached = self.edge(reads).await?;
        match (reached, self.latest_first) {
            (Some(edge), true) => self.after = self.after.max(edge.saturating_sub(1)),
            (Some(edge), false) => self.before = self.before.min(edge.saturating_add(1)),
            (None, _) => {}
        }
        let (driver, rest, order) = (self.driver, &self.rest, self.order());
        let sql = format!("SELECT * FROM audit_events WHERE {driver} seq > ? AND seq < ?{rest} {order} LIMIT ?");
        let mut args = self.by.clone();
        args.extend([self.after.arg(), self.before.arg()]);
        args.extend_from_slice(&self.others);
        // One more tells whether there are more.
        let one_more = self.limit.saturating_add(1);
        args.push(one_more.arg());
        let found = reads.scan(&sql, &args).await?;
        let mut events = found.iter().map(rows::audit_event).collect::<Result<Vec<_>, _>>()?;
        if events.len() > self.limit as usize {
            events.truncate(self.limit as usize);
            reached = events.last().map(|event| event.seq);
        }
        Ok(Looked { events, reached })
    }
}

/// Several answers to one question as one: as far as all of them go.
fn merged(parts: Vec<Looked>, latest_first: bool, limit: usize) -> Looked {
    let reached = parts.iter().filter_map(|part| part.reached);
    let mut reached = if latest_first { reached.max() } else { reached.min() };
    let mut events: Vec<AuditEvent> = parts.into_iter().flat_map(|part| part.events).collect();
    if latest_first {
        events.sort_by_key(|event| std::cmp::Reverse(event.seq));
        events.retain(|event| reached.is_none_or(|reached| reached <= event.seq));
    } else {
        events.sort_by_key(|event| event.seq);
        events.retain(|event| reached.is_none_or(|reached| event.seq <= reached));
    }
    if events.len() > limit {
        events.truncate(limit);
        reached = events.last().map(|event| event.seq);
    }
    Looked { events, reached }
}

async fn look(reads: &Reads, mut look: Look) -> Result<Looked, StoreError> {
    let texts = look.user.iter().chain(&look.actor).chain(&look.reason).chain(&look.kinds).chain(&look.gateways);
    // Nobody has such a name, and a server does not take it.
    if look.limit == 0 || texts.into_iter().any(|text| text.contains('\0')) {
        return Ok(Looked::default());
    }
    // By the clock there is no index: times stand in the order of the log, but for clocks that were set back.
    if let Some(since) = look.since {
        look.after = look.after.max(seq_before(reads, since.plus_seconds(-ASTRAY_SECONDS)).await?);
    }
    if let Some(until) = look.until {
        let beyond = seq_before(reads, until.plus_seconds(ASTRAY_SECONDS)).await?.saturating_add(1);
        look.before = Some(look.before.map_or(beyond, |before| before.min(beyond)));
    }
    let by_kind = look.user.is_none() && look.gateways.len() != 1 && look.kinds.len() > 1;
    if !by_kind {
        return Part::of(&look, &look.kinds).look(reads).await;
    }
    let mut parts = Vec::with_capacity(look.kinds.len());
    for kind in &look.kinds {
        parts.push(Part::of(&look, std::slice::from_ref(kind)).look(reads).await?);
    }
    Ok(merged(parts, look.latest_first, look.limit as usize))
}

/// The first event in this order; 0 where there is none.
async fn end(reads: &Reads, order: &str) -> Result<u64, StoreError> {
    let sql = format!("SELECT seq FROM audit_events WHERE seq > 0 ORDER BY {order} LIMIT 1");
    reads.first(&sql, &[]).await?.as_ref().map_or(Ok(0), |row| rows::small(row, "seq"))
}

async fn seq_before(reads: &Reads, time: Timestamp) -> Result<u64, StoreError> {
    let mut beyond = end(reads, "seq DESC").await?;
    let mut known = 0;
    while known < beyond {
        let middle = known + (beyond - known) / 2;
        let sql = "SELECT seq, at FROM audit_events WHERE seq > ? ORDER BY seq LIMIT 1";
        let Some(row) = reads.first(sql, args![middle]).await? else { break };
        if rows::time(&row, "at")? < time {
            known = rows::small(&row, "seq")?;
        } else {
            beyond = middle;
        }
    }
    Ok(known)
}

impl SqlStore {
    async fn count(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let found = self.reads.scan(sql, args).await?;
        found.first().map_or(Ok(0), |row| rows::small(row, "count"))
    }

    async fn bypasses(&self, now: Timestamp, limit: u32) -> Result<Few<(String, Timestamp)>, StoreError> {
        let sql = "SELECT f.*, u.username FROM factors AS f JOIN users AS u ON u.id = f.user_id
                   WHERE f.ends_at > ? AND f.ends_at < ? AND f.kind = 'bypass' ORDER BY f.ends_at LIMIT ?";
        let (now_micros, last) = (now.micros(), now.micros().saturating_add(DAY_AND_HOUR));
        let found = self.reads.scan(sql, args![now_micros, last, MOST_BYPASSES]).await?;
        let mut few = Few { first: Vec::new(), count: 0 };
        for row in &found {
            let factor = factors::factor(row, &self.vault)?;
            if factor.method(now).is_none() {
                continue;
            }
            few.count += 1;
            if let Some(ends) = factor.ends_at().filter(|_| few.first.len() < limit as usize) {
                few.first.push((rows::text(row, "username")?, ends));
            }
        }
        Ok(few)
    }

    async fn standing_now(&self, now: Timestamp, limit: u32) -> Result<Standing, StoreError> {
        let waiting = "SELECT count(*) AS count FROM challenges
                       WHERE state IN ('pending', 'approved') AND expires_at > ? AND state = 'pending'";
        let locked = "SELECT username, locked FROM users WHERE status = 'active' AND locked IS NOT NULL
                      ORDER BY username LIMIT ?";
        let unconfirmed = "SELECT u.username, d.created_at FROM devices AS d JOIN users AS u ON u.id = d.user_id
                           WHERE d.status = 'unconfirmed' ORDER BY d.created_at DESC LIMIT ?";
        let locked = self.reads.scan(locked, args![limit]).await?;
        let unconfirmed = self.reads.scan(unconfirmed, args![limit]).await?;
        let why = |row: &Row| Ok((rows::text(row, "username")?, rows::text(row, "locked")?));
        let since = |row: &Row| Ok((rows::text(row, "username")?, rows::time(row, "created_at")?));
        Ok(Standing {
            waiting: self.count(waiting, args![now.micros()]).await?,
            locked: Few {
                first: locked.iter().map(why).collect::<Result<_, StoreError>>()?,
                count: self.count_where(UserState::Locked).await?,
            },
            unconfirmed: Few {
                first: unconfirmed.iter().map(since).collect::<Result<_, StoreError>>()?,
                count: self.count("SELECT count(*) AS count FROM devices WHERE status = 'unconfirmed'", &[]).await?,
            },
            bypasses: self.bypasses(now, limit).await?,
        })
    }

    async fn count_where(&self, state: UserState) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) AS count FROM users AS u WHERE {}", condition(state));
        self.count(&sql, &[]).await
    }
}

impl Watching for SqlStore {
    fn look(&self, question: Look) -> Reply<'_, Looked> {
        Box::pin(look(&self.reads, question))
    }

    fn event_at(&self, seq: u64) -> Reply<'_, Option<AuditEvent>> {
        Box::pin(async move {
            let found = self.reads.first("SELECT * FROM audit_events WHERE seq = ?", args![seq]).await?;
            found.as_ref().map(rows::audit_event).transpose()
        })
    }

    fn seq_before(&self, time: Timestamp) -> Reply<'_, u64> {
        Box::pin(seq_before(&self.reads, time))
    }

    fn under_way(&self, now: Timestamp, limit: u32) -> Reply<'_, Vec<Challenge>> {
        let sql = "SELECT * FROM challenges WHERE state IN ('pending', 'approved') AND expires_at > ?
                   ORDER BY expires_at DESC LIMIT ?";
        Box::pin(self.with_keys(move || async move {
            let found = self.reads.scan(sql, args![now.micros(), limit]).await?;
            found.iter().map(|row| rows::challenge(row, &self.vault)).collect()
        }))
    }

    fn standing(&self, now: Timestamp, limit: u32) -> Reply<'_, Standing> {
        Box::pin(self.with_keys(move || self.standing_now(now, limit)))
    }

    fn count_users(&self, state: UserState) -> Reply<'_, u64> {
        Box::pin(self.count_where(state))
    }
}
