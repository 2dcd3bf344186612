//! Sign-ins: who, where, when, and how each ended.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place as Where;

use super::filter::{Choice, Field, Place, Time, link, pairs, quick};
use super::health::State as How;
use super::{At, Gateways, Named};
use crate::http::app::{App, Inner};
use crate::http::params::Query;
use crate::http::problem::Answer;
use crate::http::site::{Shell, TheOperator, page};
use crate::report::{Asked, METHODS, Newest, OUTCOMES, newest};
use crate::words::shell::Shell as ShellWords;
use crate::words::watch::happened::Happened;
use crate::words::watch::log::Log;
use crate::words::{Language, with};

/// Where it is.
const PATH: &str = "/console/sign-ins";
/// How many there are on a page.
const PAGE: u32 = 50;

/// What is asked for.
pub(super) struct Filter {
    user: Field,
    gateway: Field,
    outcome: Field,
    method: Field,
    since: Time,
    until: Time,
    place: Place,
    place_fault: &'static str,
}

#[derive(Template)]
#[template(path = "console/watch/sign_ins.html")]
struct SignIns {
    shell: Shell,
    words: &'static Log,
    filter: Filter,
    gateways: Vec<Choice>,
    outcomes: Vec<Choice>,
    methods: Vec<Choice>,
    quick: Vec<(String, &'static str)>,
    export: String,
    export_what: String,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

/// A sign-in in the list.
struct Row {
    at: At,
    person: Option<Named>,
    class: &'static str,
    outcome: &'static str,
    /// By what he was let in, or why he was not.
    how: String,
    method: &'static str,
    gateway: String,
    from: String,
    why: String,
    whole: Newest,
    began: At,
    ended: Option<At>,
    took: String,
    past: String,
    explain: Option<String>,
}

impl Filter {
    pub(super) fn of(query: &Query, said: &Log) -> Self {
        let (place, place_fault) = Place::of(query, said);
        Self {
            user: Field::of(query, "user"),
            gateway: Field::of(query, "gateway"),
            outcome: Field::chosen(query, "outcome", &OUTCOMES, said),
            method: Field::chosen(query, "method", &METHODS, said),
            since: Time::of(query, "since", said),
            until: Time::of(query, "until", said),
            place,
            place_fault,
        }
    }

    pub(super) fn is_faulty(&self) -> bool {
        let fields = [&self.outcome, &self.method, &self.since.field, &self.until.field];
        !self.place_fault.is_empty() || fields.iter().any(|field| !field.fault.is_empty())
    }

    /// As a report is asked for.
    pub(super) fn asked(&self, limit: u32) -> Asked {
        Asked {
            since: self.since.at,
            until: self.until.at,
            user: self.user.value(),
            gateway: self.gateway.value(),
            outcome: self.outcome.value(),
            method: self.method.value(),
            limit,
            ..Asked::default()
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        pairs(&[
            ("user", self.user.value()),
            ("gateway", self.gateway.value()),
            ("outcome", self.outcome.value()),
            ("method", self.method.value()),
            ("since", self.since.word()),
            ("until", self.until.word()),
        ])
    }
}

impl Row {
    fn of(whole: Newest, gateways: &Gateways, role: Role, language: Language) -> Self {
        let (words, said) = (Happened::of(language), Log::of(language));
        let (how, outcome) = match (whole.outcome, whole.let_in, whole.reason.as_deref()) {
            ("approved", true, _) => (How::Good, words.let_in),
            ("approved", false, _) => (How::Idle, words.approved),
            ("denied" | "cancelled", _, Some("reported")) => (How::Bad, words.reported),
            ("denied", ..) => (How::Warn, words.refused),
            (other, ..) => (How::Idle, words.outcome(other)),
        };
        let took = whole.ended.map(|ended| format!("{:.1}", ended.since(whole.began).as_secs_f64()));
        let why = whole.reason.as_deref().map_or_else(String::new, |reason| words.reason(reason));
        Self {
            how: match (whole.outcome, whole.reason.as_deref()) {
                ("approved", _) => words.method(whole.method).to_owned(),
                // The words say it already.
                ("expired", _) | (_, Some("reported")) => String::new(),
                _ => why.clone(),
            },
            at: At::from(whole.ended.unwrap_or(whole.began)),
            person: whole.user.as_deref().map(|name| match whole.reason.as_deref() {
                Some("not-enrolled") => Named { name: name.to_owned(), href: Named::past_of(name) },
                _ => Named::of(name, role),
            }),
            class: how.class(),
            outcome,
            method: words.method(whole.method),
            gateway: whole.gateway.as_deref().map_or_else(String::new, |id| gateways.name(id)),
            from: whole.client.clone().or_else(|| whole.ip.clone()).unwrap_or_default(),
            why,
            began: At::from(whole.began),
            ended: whole.ended.map(At::from),
            took: took.map_or_else(String::new, |took| with(said.seconds, &[&took])),
            past: whole.user.as_deref().map_or_else(String::new, Named::past_of),
            explain: whole.asked.as_ref().filter(|_| role == Role::Admin).map(|id| explain(id)),
            whole,
        }
    }
}

/// Where the rules are asked anew about a sign-in that began with this event.
pub(super) fn explain(event: &str) -> String {
    format!("/console/policy/explain?{}", super::address(&[("event", event)]))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    query: Query,
) -> Answer<Response> {
    let (words, said) = (Happened::of(language), Log::of(language));
    let filter = Filter::of(&query, said);
    let gateways = Gateways::of(&app, language).await?;
    app.tell_reading(&operator).await?;
    let is_faulty = filter.is_faulty();
    let (rows, next) =
        if is_faulty { (Vec::new(), None) } else { rows(&app, &filter, &gateways, operator.role, language).await? };
    let pairs = filter.pairs();
    let named = |all: &[&'static str], name: &dyn Fn(&str) -> &'static str| -> Vec<(String, String)> {
        all.iter().map(|word| ((*word).to_owned(), name(word).to_owned())).collect()
    };
    let response = page(&SignIns {
        shell: Shell::new(
            &app,
            Where::Console,
            Some(&guest),
            language,
            ("sign-ins", ShellWords::of(language).sign_ins),
        ),
        words: said,
        gateways: gateways.choices(&filter.gateway),
        outcomes: filter.outcome.choices(named(&OUTCOMES, &|word| words.outcome(word)).into_iter()),
        methods: filter.method.choices(named(&METHODS, &|word| words.method(word)).into_iter()),
        quick: quick(PATH, &pairs, app.now(), said),
        export: link(&format!("{PATH}/export"), &pairs, None),
        export_what: with(said.export_what, &[&super::export::MOST.to_string()]),
        older: next.map(|next| link(PATH, &pairs, Some(("before", next.to_string())))),
        newest: filter.place.before.map(|_| link(PATH, &pairs, None)),
        filter,
        rows,
    })?;
    Ok(with_status(response, is_faulty))
}

/// The same page as one that was asked for wrongly.
pub(super) fn with_status(mut response: Response, is_faulty: bool) -> Response {
    if is_faulty {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

async fn rows(
    app: &Inner,
    filter: &Filter,
    gateways: &Gateways,
    role: Role,
    language: Language,
) -> Answer<(Vec<Row>, Option<u64>)> {
    let asked = filter.asked(PAGE);
    let user = asked.user.as_deref().map(|name| app.settings.domains.canonical_or_as_given(name));
    let side = newest(app.store.as_ref(), &asked, user, filter.place.before, app.now()).await?;
    let rows = side.sign_ins.into_iter().map(|whole| Row::of(whole, gateways, role, language)).collect();
    Ok((rows, side.next))
}
