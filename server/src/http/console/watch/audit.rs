//! The audit log: what happened, the latest first, and whether it still says what it said.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place as Where;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::problem::Code;

use super::filter::{Choice, Field, Place, Time, link, pairs, quick};
use super::kinds::KINDS;
use super::sign_ins::with_status;
use super::{At, Gateways, Named, short};
use crate::audit::{EndHolds, LogFault, said, verify_end};
use crate::http::app::{App, Inner};
use crate::http::params::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Guest, Shell, TheOperator, page};
use crate::store::Look;
use crate::words::shell::Shell as ShellWords;
use crate::words::watch::happened::Happened;
use crate::words::watch::log::Log;
use crate::words::{Language, with};

/// Where it is.
const PATH: &str = "/console/audit";
/// How many events there are on a page.
const PAGE: u32 = 100;
/// How many of the last events are checked at once.
const CHECKED: u64 = 10_000;

/// What is asked for.
pub(super) struct Filter {
    user: Field,
    kind: Field,
    gateway: Field,
    actor: Field,
    reason: Field,
    since: Time,
    until: Time,
    place: Place,
    place_fault: &'static str,
}

/// What was signed last.
struct Signed {
    size: u64,
    head: String,
    key: String,
    at: Option<At>,
}

#[derive(Template)]
#[template(path = "console/watch/audit.html")]
struct Audit {
    shell: Shell,
    words: &'static Log,
    kinds: &'static [&'static str],
    filter: Filter,
    gateways: Vec<Choice>,
    quick: Vec<(String, &'static str)>,
    exports: [String; 2],
    export_what: String,
    rows: Vec<Row>,
    older: Option<String>,
    newer: Option<String>,
    newest: Option<String>,
    signed: Option<Signed>,
    verify: String,
    /// What the check has found, and whether that is good.
    verified: Option<(bool, String)>,
}

/// An event in the list.
struct Row {
    seq: u64,
    at: At,
    kind: String,
    actor: String,
    person: Option<Named>,
    gateway: String,
    class: &'static str,
    outcome: String,
    reason: String,
}

impl Filter {
    pub(super) fn of(query: &Query, said: &Log) -> Self {
        let (place, place_fault) = Place::of(query, said);
        Self {
            user: Field::of(query, "user"),
            kind: Field::of(query, "type"),
            gateway: Field::of(query, "gateway"),
            actor: Field::of(query, "actor"),
            reason: Field::of(query, "reason"),
            since: Time::of(query, "since", said),
            until: Time::of(query, "until", said),
            place,
            place_fault,
        }
    }

    pub(super) fn is_faulty(&self) -> bool {
        let faults = [self.place_fault, self.since.field.fault, self.until.field.fault];
        faults.iter().any(|fault| !fault.is_empty())
    }

    /// What is looked for, from the place on where the page begins.
    pub(super) fn look(&self, app: &Inner, limit: u32) -> Look {
        Look {
            user: self.user.value().map(|name| app.settings.domains.canonical_or_as_given(&name)),
            kinds: self.kind.value().into_iter().collect(),
            gateways: self.gateway.value().into_iter().collect(),
            reason: self.reason.value(),
            actor: self.actor.value(),
            since: self.since.at,
            until: self.until.at,
            after: self.place.after.unwrap_or(0),
            before: self.place.before,
            latest_first: self.place.after.is_none(),
            limit,
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        pairs(&[
            ("user", self.user.value()),
            ("type", self.kind.value()),
            ("gateway", self.gateway.value()),
            ("actor", self.actor.value()),
            ("reason", self.reason.value()),
            ("since", self.since.word()),
            ("until", self.until.word()),
        ])
    }
}

/// Who did it, as people know him: gateways by their names.
pub(super) fn actor(event: &AuditEvent, gateways: &Gateways) -> String {
    let actor = event.actor.as_deref().unwrap_or_default();
    match actor.split_once(':') {
        Some(("gateway", id)) => format!("gateway:{}", gateways.name(id)),
        Some((kind @ ("device" | "browser"), id)) => format!("{kind}:{}", short(id)),
        _ => actor.to_owned(),
    }
}

/// How it went, as style sheets know it and in words.
pub(super) fn outcome(event: &AuditEvent, said: &Log) -> (&'static str, String) {
    match event.outcome.as_deref() {
        Some("success") => ("good", said.outcome_success.to_owned()),
        Some("failure") if event.reason.as_deref() == Some("reported") => ("bad", said.outcome_failure.to_owned()),
        Some("failure") => ("warn", said.outcome_failure.to_owned()),
        Some("refused") => ("bad", said.outcome_refused.to_owned()),
        other => ("idle", other.unwrap_or_default().to_owned()),
    }
}

impl Row {
    fn of(event: &AuditEvent, gateways: &Gateways, role: Role, language: Language) -> Self {
        let (words, said) = (Happened::of(language), Log::of(language));
        let (class, outcome) = outcome(event, said);
        Self {
            seq: event.seq,
            at: At::from(event.at),
            kind: event.kind.clone(),
            actor: actor(event, gateways),
            person: event.user.as_deref().map(|name| Named::of(name, role)),
            gateway: event.gateway.as_deref().map_or_else(String::new, |id| gateways.name(id)),
            class,
            outcome,
            reason: event.reason.as_deref().map_or_else(String::new, |reason| words.reason(reason)),
        }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    query: Query,
) -> Answer<Response> {
    app.tell_reading(&operator).await?;
    shown(&app, (&guest, operator.role), language, &query, None).await
}

/// Checks the end of the log, and shows what was found above the list.
pub(super) async fn verify(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    query: Query,
) -> Answer<Response> {
    let busy = || Problem::new(Code::Overloaded, "The log is being checked or written out. Try again in a moment.");
    let _held = app.exports.hold(guest.account.user.id, 1, super::export::AT_ONCE).ok_or_else(busy)?;
    app.tell_reading(&operator).await?;
    let said = Log::of(language);
    let found = match verify_end(app.store.as_ref(), app.keys.published(), CHECKED).await {
        Ok(EndHolds { after, size }) if after == size => (true, said.verified_none.to_owned()),
        Ok(EndHolds { after, size }) => (true, with(said.verified, &[&(after + 1).to_string(), &size.to_string()])),
        Err(LogFault::Chain(fault)) => {
            tracing::error!(%fault, "the audit log does not hold");
            (false, with(said.broken, &[&fault.to_string()]))
        }
        Err(fault) => return Err(fault.into()),
    };
    shown(&app, (&guest, operator.role), language, &query, Some(found)).await
}

async fn shown(
    app: &App,
    (guest, role): (&Guest, Role),
    language: Language,
    query: &Query,
    verified: Option<(bool, String)>,
) -> Answer<Response> {
    let said = Log::of(language);
    let filter = Filter::of(query, said);
    let gateways = Gateways::of(app, language).await?;
    let pairs = filter.pairs();
    let is_faulty = filter.is_faulty();
    let found = if is_faulty { Found::default() } else { found(app, &filter).await? };
    let turn = |name: &'static str| move |seq: u64| (name, seq.to_string());
    let export = |format: &str| link(&format!("{PATH}/export"), &pairs, Some(("format", format.to_owned())));
    let response = page(&Audit {
        shell: Shell::new(app, Where::Console, Some(guest), language, ("audit", ShellWords::of(language).audit)),
        words: said,
        kinds: &KINDS,
        gateways: gateways.choices(&filter.gateway),
        quick: quick(PATH, &pairs, app.now(), said),
        exports: [export("csv"), export("jsonl")],
        export_what: with(said.export_what, &[&super::export::MOST.to_string()]),
        rows: found.events.iter().map(|event| Row::of(event, &gateways, role, language)).collect(),
        older: found.older.map(turn("before")).map(|more| link(PATH, &pairs, Some(more))),
        newer: found.newer.map(turn("after")).map(|more| link(PATH, &pairs, Some(more))),
        newest: (filter.place != Place::default()).then(|| link(PATH, &pairs, None)),
        signed: signed(app).await?,
        verify: with(said.verify, &[&CHECKED.to_string()]),
        verified,
        filter,
    })?;
    Ok(with_status(response, is_faulty))
}

/// A page of events, the latest first, and where the pages beside it are.
#[derive(Default)]
struct Found {
    events: Vec<AuditEvent>,
    older: Option<u64>,
    newer: Option<u64>,
}

async fn found(app: &Inner, filter: &Filter) -> Answer<Found> {
    let looked = app.store.look(filter.look(app, PAGE)).await?;
    let mut events = looked.events;
    if filter.place.after.is_none() {
        let newer =
            filter.place.before.map(|before| events.first().map_or(before.saturating_sub(1), |event| event.seq));
        return Ok(Found { events, older: looked.reached, newer });
    }
    events.reverse();
    let older =
        events.last().map(|event| event.seq).or_else(|| filter.place.after.map(|after| after.saturating_add(1)));
    Ok(Found { events, older, newer: looked.reached })
}

async fn signed(app: &Inner) -> Answer<Option<Signed>> {
    let Some(last) = app.store.last_checkpoint().await? else { return Ok(None) };
    let (key, at) = said(&last).map_or((String::new(), None), |(key, at)| (key, Some(At::from(at))));
    Ok(Some(Signed { size: last.size, head: last.head, key, at }))
}
