//! The policy: what holds, what held, and how an earlier version holds again.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::policy::{Names, Policy};
use gatematch_domain::visit::Place;
use gatematch_protocol::policy::PolicyVersion;

use super::reports::{MOST_EVENTS, Reported};
use super::spoken::{Change, SpokenRule, changes, spoken};
use super::{Moment, faulty};
use crate::http::app::{App, Inner};
use crate::http::params::{Query, Segment};
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Guest, Shell, TheOperator, page, see};
use crate::policy::{comment, history, local_warnings, shipped};
use crate::store::{Expected, PutPolicy, PutRefusal, Replacement, StoreError};
use crate::words::rules::Rules;
use crate::words::rules::policy::Policies as Words;
use crate::words::shell::Shell as ShellWords;
use crate::words::{Language, with};

/// How many versions are shown at a time.
const VERSIONS: u32 = 10;

/// A version in the history.
pub(super) struct Row {
    pub(super) version: u64,
    pub(super) at: Option<Moment>,
    pub(super) actor: String,
    pub(super) comment: String,
    pub(super) changes: Vec<Change>,
    /// As they were written down, where the rules themselves cannot be read any more.
    pub(super) told: Vec<String>,
    pub(super) how_many: String,
}

#[derive(Template)]
#[template(path = "console/rules/policy.html")]
struct Show {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    now_holds: Option<String>,
    holds: String,
    latest: Option<Row>,
    closed: Option<String>,
    rules: Vec<SpokenRule>,
    warnings: Vec<String>,
    reported: Option<Reported>,
    reports_lead: String,
    history: Vec<Row>,
    earlier: Option<u64>,
    is_paged: bool,
}

#[derive(Template)]
#[template(path = "console/rules/policy_version.html")]
struct Version {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    row: Row,
    version: u64,
    profile: &'static str,
    rules: Vec<SpokenRule>,
    holds: bool,
    current: u64,
    why: String,
    changes: Vec<Change>,
    comment: String,
    comment_fault: &'static str,
    fault: Option<(String, String)>,
}

pub(super) fn shell(app: &Inner, guest: &Guest, language: Language, title: impl Into<String>) -> Shell {
    Shell::new(app, Place::Console, Some(guest), language, ("policy", title))
}

impl Row {
    fn of(told: PolicyVersion, changes: Option<Vec<Change>>, words: &Words) -> Self {
        let count = changes.as_ref().map_or(told.changes.len(), Vec::len);
        let how_many = match count {
            0 => words.no_change.to_owned(),
            1 => words.change_of.to_owned(),
            count => with(words.changes_of, &[&count.to_string()]),
        };
        Self {
            version: told.version,
            at: told.at.map(Moment::from),
            actor: told.actor.unwrap_or_default(),
            comment: told.comment.unwrap_or_default(),
            told: if changes.is_some() { Vec::new() } else { told.changes },
            changes: changes.unwrap_or_default(),
            how_many,
        }
    }
}

impl Inner {
    /// A version of the policy; `None` where there is none, or where it cannot be read.
    pub(super) async fn readable(&self, version: u64) -> Answer<Option<Policy>> {
        match self.store.policy_of(version).await {
            Err(StoreError::Corrupt(_)) => Ok(None),
            found => Ok(found?),
        }
    }

    /// What about the policy that holds looks like a mistake.
    async fn warnings(&self, policy: &Policy) -> Answer<Vec<String>> {
        let again = Policy::of(policy.version, policy.profile, &policy.written(), Names::Stored);
        let mut warnings = again.map(|checked| checked.warnings).unwrap_or_default();
        warnings.extend(local_warnings(policy, self.store.as_ref(), self.places.are_known()).await?);
        Ok(warnings)
    }

    /// The latest versions before `before`, and whether there are earlier ones.
    async fn versions(&self, before: u64, language: Language) -> Answer<(Vec<Row>, bool)> {
        let (items, more) = history(self.store.as_ref(), before, VERSIONS).await?;
        let mut rows = Vec::new();
        for told in items {
            rows.push(self.row(told, language).await?);
        }
        Ok((rows, more))
    }

    async fn row(&self, told: PolicyVersion, language: Language) -> Answer<Row> {
        let is = self.readable(told.version).await?;
        let was = match told.version.checked_sub(1).filter(|earlier| *earlier >= Policy::SHIPPED) {
            Some(earlier) => self.readable(earlier).await?,
            None => None,
        };
        let made = match (was, is) {
            (Some(was), Some(is)) => Some(changes(&was, &is, language)),
            _ if told.version == Policy::SHIPPED => Some(Vec::new()),
            _ => None,
        };
        Ok(Row::of(told, made, Words::of(language)))
    }

    /// A version as the history tells it.
    async fn version_told(&self, version: u64) -> Answer<PolicyVersion> {
        if version == Policy::SHIPPED {
            return Ok(shipped());
        }
        let found = self.store.policy_versions(version.saturating_add(1), 1).await?;
        found.into_iter().find(|told| told.version == version).ok_or_else(Problem::not_found)
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    query: Query,
) -> Answer<Response> {
    let words = Words::of(language);
    let policy = app.store.policy().await?;
    let before = query.number("before", u64::MAX, 1..=u64::MAX)?;
    let (rows, more) = app.versions(before, language).await?;
    let latest = app.version_told(policy.version).await.ok();
    let number = policy.version.to_string();
    let reported = app.reported(&policy, language).await?;
    if reported.is_some() {
        // Whose sign-ins these were is read from the audit log.
        app.tell_reading(&admin).await?;
    }
    let begun = reported.as_ref().map_or(0, |reported| reported.begun).to_string();
    page(&Show {
        shell: shell(&app, &guest, language, ShellWords::of(language).policy),
        words,
        common: Rules::of(language),
        now_holds: query.text("now").filter(|now| *now == number).map(|now| with(words.now_holds, &[now])),
        holds: with(words.holds, &[&number, policy.profile.as_str()]),
        latest: latest.map(|told| Row::of(told, None, words)),
        closed: policy.is_closed().then(|| with(words.closed, &[&number])),
        rules: spoken(&policy, language),
        warnings: app.warnings(&policy).await?,
        reports_lead: with(words.reports_lead, &[&MOST_EVENTS.to_string(), &begun]),
        reported,
        earlier: rows.last().filter(|_| more).map(|row| row.version),
        history: rows,
        is_paged: before != u64::MAX,
    })
}

/// The version that a path names.
async fn named(app: &Inner, number: &Segment) -> Answer<Policy> {
    let text = number.text()?;
    let number = text.parse().ok().filter(|number: &u64| number.to_string() == text).ok_or_else(Problem::not_found)?;
    app.readable(number).await?.ok_or_else(Problem::not_found)
}

async fn showing(app: &Inner, guest: &Guest, policy: &Policy, language: Language) -> Answer<Version> {
    let words = Words::of(language);
    let current: Arc<Policy> = app.store.policy().await?;
    let number = policy.version.to_string();
    let told = app.version_told(policy.version).await?;
    Ok(Version {
        shell: shell(app, guest, language, with(words.version_title, &[&number])),
        words,
        common: Rules::of(language),
        row: app.row(told, language).await?,
        version: policy.version,
        profile: policy.profile.as_str(),
        rules: spoken(policy, language),
        holds: current.version == policy.version,
        current: current.version,
        why: with(words.roll_back_why, &[&current.version.to_string()]),
        changes: changes(&current, policy, language),
        comment: String::new(),
        comment_fault: "",
        fault: None,
    })
}

pub(super) async fn version(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    number: Segment,
) -> Answer<Response> {
    let policy = named(&app, &number).await?;
    page(&showing(&app, &guest, &policy, language).await?)
}

pub(super) async fn roll_back(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    number: Segment,
    form: Form,
) -> Answer<Response> {
    let words = Words::of(language);
    let policy = named(&app, &number).await?;
    let expected = form.text("expected").and_then(|text| text.parse().ok()).into_iter().collect();
    let given = form.text("comment");
    let (status, fault) = match comment(given) {
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Ok(comment) => {
            let replacement = Replacement::Earlier(Box::new(policy.clone()));
            let expected = Expected::OneOf(expected);
            let put = PutPolicy { act: app.act_of(&admin), expected, replacement, comment };
            match app.store.put_policy(put).await? {
                Ok(checked) => return Ok(see(&format!("/console/policy?now={}", checked.policy.version))),
                Err(refusal) => refused(refusal, words),
            }
        }
    };
    let mut shown = showing(&app, &guest, &policy, language).await?;
    shown.comment = given.unwrap_or_default().to_owned();
    shown.comment_fault = if fault.is_none() { words.comment_fault } else { "" };
    shown.fault = fault;
    faulty(status, &shown)
}

/// A refusal in words, and what of it is told in English alone.
fn refused(refusal: PutRefusal, words: &Words) -> (StatusCode, Option<(String, String)>) {
    match refusal {
        PutRefusal::Stale(version) => {
            let text = with(words.stale, &[&version.to_string()]);
            (StatusCode::PRECONDITION_FAILED, Some((text, String::new())))
        }
        PutRefusal::Fault(fault) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Some((words.must_not_hold.to_owned(), fault.to_string())))
        }
    }
}
