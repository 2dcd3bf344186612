//! Sign-ins, put together from the events of the audit log: the one with which each began, and those that followed.

use std::collections::{BTreeMap, HashMap};

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;
use serde_json::Value;

use super::{Asked, Cell};
use crate::store::{AuditQuery, Store, StoreError};

/// The columns of a sign-in.
pub(super) const COLUMNS: [&str; 13] = [
    "time",
    "ended",
    "user",
    "gateway",
    "client_ip",
    "client_name",
    "outcome",
    "method",
    "reason",
    "let_in",
    "device",
    "rule",
    "challenge",
];
/// How a sign-in ends, or does not yet.
pub(crate) const OUTCOMES: [&str; 5] = ["pending", "approved", "denied", "expired", "cancelled"];
/// By what it was decided.
pub(crate) const METHODS: [&str; 9] =
    ["number", "push", "totp", "recovery_code", "access_pass", "bypass", "policy", "reuse", "none"];

/// The events that a sign-in has.
const KINDS: [&str; 6] = [
    "challenge.created",
    "challenge.approved",
    "challenge.redeemed",
    "challenge.denied",
    "challenge.expired",
    "challenge.cancelled",
];
/// How many events are read at a time.
const PAGE: u32 = 1_000;
/// After so many seconds a sign-in has no more events: longer than any lives, and than a clock is set back.
pub(super) const LIFE_SECONDS: i64 = 3_600;

/// A sign-in.
pub(super) struct SignIn {
    pub(super) began: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) user: Option<String>,
    pub(super) gateway: Option<String>,
    pub(super) client: [Option<String>; 2],
    pub(super) outcome: &'static str,
    pub(super) method: &'static str,
    pub(super) reason: Option<String>,
    pub(super) let_in: bool,
    pub(super) device: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) challenge: String,
    pub(super) is_numbered: bool,
    pub(super) is_over: bool,
}

impl SignIn {
    /// The sign-in that begins with `event`.
    pub(super) fn begun(event: &AuditEvent, challenge: &str) -> Self {
        let client = |name: &str| Some(event.client.as_ref()?.get(name)?.as_str()?.to_owned());
        let mut begun = Self {
            began: event.at,
            ended: None,
            user: event.user.clone(),
            gateway: event.gateway.clone(),
            client: [client("ip"), client("name")],
            outcome: "pending",
            method: "none",
            reason: None,
            let_in: false,
            device: None,
            rule: event.policy.clone(),
            challenge: challenge.to_owned(),
            is_numbered: event.number_match == Some(true),
            is_over: false,
        };
        begun.went_on(event);
        begun
    }

    /// What `event` tells of it.
    pub(super) fn went_on(&mut self, event: &AuditEvent) {
        match event.kind.as_str() {
            "challenge.approved" => {
                self.outcome = "approved";
                self.method = method(event);
            }
            "challenge.redeemed" => {
                (self.outcome, self.let_in) = ("approved", true);
                self.method = method(event);
            }
            "challenge.denied" => {
                self.outcome = "denied";
                if event.device.is_some() && self.method == "none" {
                    self.method = if self.is_numbered { "number" } else { "push" };
                }
            }
            "challenge.expired" => self.outcome = "expired",
            "challenge.cancelled" => self.outcome = "cancelled",
            _ => return,
        }
        self.is_over = self.let_in || self.outcome != "approved";
        self.ended = Some(event.at);
        self.reason.clone_from(&event.reason);
        if event.device.is_some() {
            self.device.clone_from(&event.device);
        }
    }

    fn is_asked_for(&self, asked: &Asked) -> bool {
        let is = |given: &Option<String>, word: &str| given.as_ref().is_none_or(|given| given == word);
        is(&asked.outcome, self.outcome) && is(&asked.method, self.method)
    }

    fn row(self, gateways: &HashMap<String, String>) -> Vec<Cell> {
        let gateway = self.gateway.map(|id| gateways.get(&id).cloned().unwrap_or(id));
        let [ip, name] = self.client;
        vec![
            self.began.into(),
            self.ended.into(),
            self.user.into(),
            gateway.into(),
            ip.into(),
            name.into(),
            self.outcome.into(),
            self.method.into(),
            self.reason.into(),
            self.let_in.into(),
            self.device.into(),
            self.rule.into(),
            self.challenge.into(),
        ]
    }
}

pub(super) fn member<'a>(event: &'a AuditEvent, name: &str) -> Option<&'a Value> {
    event.detail.as_ref()?.get(name)
}

pub(super) fn method(event: &AuditEvent) -> &'static str {
    let word = member(event, "method").and_then(Value::as_str).unwrap_or_default();
    if word == "push" && event.number_match == Some(true) {
        return "number";
    }
    METHODS.into_iter().find(|method| *method == word).unwrap_or("none")
}

/// Whether a sign-in begins with this event: it was asked for, or policy has just decided, or nobody asked policy.
/// Whatever was asked for has its rule in every later event.
pub(super) fn is_beginning(event: &AuditEvent) -> bool {
    match event.kind.as_str() {
        "challenge.created" => true,
        "challenge.approved" | "challenge.denied" => member(event, "facts").is_some() || event.policy.is_none(),
        _ => false,
    }
}

/// One page of sign-ins, in the order in which they began, and where the next one begins.
pub(super) async fn rows(
    store: &dyn Store,
    asked: &Asked,
    user: Option<String>,
) -> Result<(Vec<Vec<Cell>>, Option<u64>), StoreError> {
    let gateways = store.gateways().await?;
    let names = gateways.into_iter().map(|gateway| (gateway.id.to_string(), gateway.name)).collect();
    let (mut rows, mut next) = (Vec::new(), None);
    walk(store, asked, user, |seq, sign_in| {
        rows.push(sign_in.row(&names));
        next = (rows.len() >= asked.limit as usize).then_some(seq);
        next.is_none()
    })
    .await?;
    Ok((rows, next))
}

/// How many there were, by outcome and method.
pub(super) async fn counted(
    store: &dyn Store,
    asked: &Asked,
    user: Option<String>,
) -> Result<Vec<Vec<Cell>>, StoreError> {
    let mut counts: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
    walk(store, asked, user, |_, sign_in| {
        let count = counts.entry((sign_in.outcome, sign_in.method)).or_default();
        *count = count.saturating_add(1);
        true
    })
    .await?;
    let row = |((outcome, method), count): (_, _)| vec![Cell::from(outcome), Cell::from(method), Cell::Number(count)];
    Ok(counts.into_iter().map(row).collect())
}

/// Gives what is asked for to `take`, in the order in which it began, with the `seq` of that event, until it has enough.
///
/// Kept are those alone whose end, or that of an earlier one, was not read yet.
async fn walk(
    store: &dyn Store,
    asked: &Asked,
    user: Option<String>,
    mut take: impl FnMut(u64, SignIn) -> bool,
) -> Result<(), StoreError> {
    let gateways = gateways(store, asked.gateway.as_deref()).await?;
    let mut query = AuditQuery { after: asked.after, limit: PAGE, user, gateways, ..AuditQuery::default() };
    query.kinds = KINDS.map(str::to_owned).to_vec();
    if let Some(since) = asked.since {
        query.after = query.after.max(before(store, since.plus_seconds(-LIFE_SECONDS)).await?);
    }
    let mut open = Open::default();
    loop {
        let page = store.audit(query.clone()).await?;
        let mut is_last = page.len() < PAGE as usize;
        let mut latest = None;
        for event in page {
            query.after = event.seq;
            latest = latest.max(Some(event.at));
            open.read(&event, asked);
        }
        // Nothing later begins or ends in the time that is asked for.
        is_last |= asked.until.is_some_and(|until| latest.is_some_and(|at| at > until.plus_seconds(LIFE_SECONDS)));
        while let Some((seq, sign_in)) = open.first(latest.filter(|_| !is_last)) {
            if sign_in.is_asked_for(asked) && !take(seq, sign_in) {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Sign-ins under way in the log, by the `seq` with which they began, and by challenge.
#[derive(Default)]
struct Open {
    begun: BTreeMap<u64, SignIn>,
    by_challenge: HashMap<String, u64>,
}

impl Open {
    fn read(&mut self, event: &AuditEvent, asked: &Asked) {
        let Some(challenge) = member(event, "challenge").and_then(Value::as_str) else { return };
        // One that is known goes on: events of before there was policy tell no rule, however they were decided.
        if let Some(sign_in) = self.by_challenge.get(challenge).and_then(|seq| self.begun.get_mut(seq)) {
            sign_in.went_on(event);
        } else if is_beginning(event) {
            let is_in_time = asked.since.is_none_or(|since| since <= event.at);
            if is_in_time && asked.until.is_none_or(|until| event.at < until) {
                self.begun.insert(event.seq, SignIn::begun(event, challenge));
                self.by_challenge.insert(challenge.to_owned(), event.seq);
            }
        }
    }

    /// The first one, if nothing more can be read of it; at the end of the log (`None`) nothing can.
    fn first(&mut self, latest: Option<Timestamp>) -> Option<(u64, SignIn)> {
        let first = self.begun.first_entry()?;
        let sign_in = first.get();
        let is_old = latest.is_none_or(|latest| sign_in.began.plus_seconds(LIFE_SECONDS) < latest);
        if !sign_in.is_over && !is_old {
            return None;
        }
        let (seq, sign_in) = first.remove_entry();
        self.by_challenge.remove(&sign_in.challenge);
        Some((seq, sign_in))
    }
}

/// The ids of the gateways called so; none where all are meant.
pub(super) async fn gateways(store: &dyn Store, name: Option<&str>) -> Result<Vec<String>, StoreError> {
    let Some(name) = name else { return Ok(Vec::new()) };
    let found = store.gateways().await?.into_iter().filter(|gateway| gateway.name == name);
    let mut found: Vec<String> = found.map(|gateway| gateway.id.to_string()).collect();
    // One that is gone still stands in events, by its id.
    found.push(name.to_owned());
    Ok(found)
}

/// The `seq` up to which every event is from before `time`, found by halving.
async fn before(store: &dyn Store, time: Timestamp) -> Result<u64, StoreError> {
    let (mut known, mut beyond) = (0, store.log_end().await?.size);
    while known < beyond {
        let middle = known + (beyond - known) / 2;
        let found = store.audit(AuditQuery { after: middle, limit: 1, ..AuditQuery::default() }).await?;
        match found.first().filter(|event| event.at < time) {
            Some(event) => known = event.seq,
            None => beyond = middle,
        }
    }
    Ok(known)
}
