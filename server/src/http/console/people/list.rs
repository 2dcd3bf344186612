//! The people: found by a name and a state, fifty at a time; and a form that adds somebody.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::role::Role;
use gatematch_domain::user::{User, UserChange};
use gatematch_domain::visit::Place;
use gatematch_protocol::base64url;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;

use super::act::groups;
use super::fault::{Fault, explained};
use super::person::done;
use super::shown::{At, path_of};
use crate::http::app::{App, Inner};
use crate::http::params::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Shell, TheOperator, page, see};
use crate::http::user::read_cursor;
use crate::report::STALE_DAYS;
use crate::standing::Shut;
use crate::store::{UserQuery, UserState};
use crate::words::people::People;
use crate::words::people::acts::Acts;
use crate::words::{Language, with};

/// How many stand on one page.
const PAGE: u32 = 50;
/// The filters: their words in the address.
const FILTERS: [&str; 6] = ["all", "not-enrolled", "locked", "disabled", "dormant", "role"];

/// Somebody in the list.
struct Row {
    name: String,
    href: String,
    display_name: String,
    class: &'static str,
    state: &'static str,
    role: &'static str,
    phones: u32,
    last_sign_in: Option<At>,
}

#[derive(Template)]
#[template(path = "console/people/list.html")]
struct List {
    shell: Shell,
    words: &'static People,
    done: String,
    asked: Asked,
    /// The filters: the word, what it is called, and whether it is this one.
    filters: Vec<(&'static str, &'static str, bool)>,
    lead: String,
    rows: Vec<Row>,
    /// The rest of the address of the page that follows.
    next: Option<String>,
    /// The rest of the address of the first page, where this is another.
    first: Option<String>,
    new: New,
    fault: Fault,
}

/// What the list is asked for.
#[derive(Clone, Default)]
struct Asked {
    text: String,
    show: &'static str,
    after: Option<String>,
}

/// What was typed about somebody who is to be added.
#[derive(Default)]
struct New {
    name: String,
    display_name: String,
    email: String,
    /// `None` for whoever may not say groups.
    groups: Option<String>,
}

impl List {
    /// What is wrong with the field of this name.
    fn wrong(&self, name: &str) -> &'static str {
        if self.fault.field == name { self.fault.text } else { "" }
    }
}

impl Asked {
    fn of(query: &Query) -> Answer<Self> {
        let show = query.text("show").unwrap_or("all");
        let show = FILTERS.into_iter().find(|word| *word == show);
        let bad = || Problem::new(Code::MalformedQuery, "show must be one of the words of the form.");
        let after = query.text("after").map(read_cursor).transpose()?;
        let text = query.text("q").unwrap_or_default().trim().to_owned();
        Ok(Self { text, show: show.ok_or_else(bad)?, after })
    }

    /// Those who are meant; for how many days nobody has signed in, where that is asked.
    fn query(&self, app: &Inner) -> (UserQuery, Option<i64>) {
        let state = match self.show {
            "not-enrolled" => Some(UserState::NotEnrolled),
            "locked" => Some(UserState::Locked),
            "disabled" => Some(UserState::Disabled),
            "role" => Some(UserState::Operator),
            _ => None,
        };
        // Where no account sleeps by itself, as long as the report of phones that nobody uses says.
        let days = app.settings.dormant_after.map_or(i64::from(STALE_DAYS), |seconds| seconds / 86_400);
        let days = (self.show == "dormant").then_some(days);
        let idle_since = days.map(|days| app.now().plus_seconds(-days * 86_400));
        let query =
            UserQuery { text: self.text.clone(), after: self.after.clone(), limit: PAGE + 1, idle_since, state };
        (query, days)
    }

    /// The same, in an address; after `after`.
    fn address(&self, after: Option<&str>) -> String {
        let mut address = url::form_urlencoded::Serializer::new(String::new());
        if !self.text.is_empty() {
            address.append_pair("q", &self.text);
        }
        if self.show != "all" {
            address.append_pair("show", self.show);
        }
        if let Some(after) = after {
            address.append_pair("after", &base64url::encode(after));
        }
        address.finish()
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    who: TheOperator,
    query: Query,
) -> Answer<Response> {
    let asked = Asked::of(&query)?;
    let new = New { groups: (who.1.role == Role::Admin).then(String::new), ..New::default() };
    let (_, done) = done(Acts::of(language), query.text("done").unwrap_or_default(), "");
    list((&app, language, &who), asked, done, new, Fault { field: "", text: "" }).await
}

async fn list(
    (app, language, who): (&App, Language, &TheOperator),
    asked: Asked,
    done: String,
    new: New,
    fault: Fault,
) -> Answer<Response> {
    let words = People::of(language);
    let (query, days) = asked.query(app);
    let mut found = app.store.users(query).await?;
    let has_more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let last = found.last().filter(|_| has_more).map(|(user, _)| user.username.as_str());
    let next = last.map(|last| asked.address(Some(last)));
    let labels =
        [words.all, words.not_enrolled, words.locked, words.disabled, words.dormant, words.with_role].into_iter();
    let title = crate::words::shell::Shell::of(language).people;
    page(&List {
        shell: Shell::new(app, Place::Console, Some(&who.0), language, ("people", title)),
        words,
        done,
        filters: FILTERS.into_iter().zip(labels).map(|(word, label)| (word, label, word == asked.show)).collect(),
        lead: days.map(|days| with(words.dormant_lead, &[&days.to_string()])).unwrap_or_default(),
        rows: found.into_iter().map(|(user, phones)| row(app, language, &user, phones)).collect(),
        next,
        first: asked.after.is_some().then(|| asked.address(None)),
        asked,
        new,
        fault,
    })
}

fn row(app: &App, language: Language, user: &User, phones: u32) -> Row {
    let words = People::of(language);
    let (class, state) = match Shut::of(user, app.settings.dormant_after, app.now()) {
        None if phones == 0 => ("warn", words.without_phone),
        None => ("good", words.active),
        Some(Shut::Disabled) => ("idle", words.disabled),
        Some(Shut::Locked) => ("bad", words.locked),
        Some(Shut::Dormant) => ("warn", words.dormant),
    };
    Row {
        href: path_of(user.username.as_str()),
        name: user.username.to_string(),
        display_name: user.display_name.clone().unwrap_or_default(),
        class,
        state,
        role: user.role.map_or("", |role| crate::words::shell::Shell::of(language).role(role)),
        phones,
        last_sign_in: user.last_sign_in_at.map(At::from),
    }
}

/// Adds somebody who is not there yet.
pub(super) async fn add(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    who: TheOperator,
    form: Form,
) -> Answer<Response> {
    let problem = match added(&app, &who, &form).await {
        Ok(name) => return Ok(see(&format!("{}?done=added", path_of(&name)))),
        Err(problem) => problem,
    };
    let fault = explained(Acts::of(language), &problem).ok_or(problem)?;
    let typed = |name| form.raw(name).unwrap_or_default().to_owned();
    let groups = (who.1.role == Role::Admin).then(|| typed("groups"));
    let new = New { name: typed("name"), display_name: typed("display_name"), email: typed("email"), groups };
    let asked = Asked { show: "all", ..Asked::default() };
    let mut response = list((&app, language, &who), asked, String::new(), new, fault).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn added(app: &App, TheOperator(_, admin): &TheOperator, form: &Form) -> Answer<String> {
    let username = app.settings.domains.canonical(form.text("name").unwrap_or_default());
    let username = username.map_err(|fault| Problem::new(Code::InvalidUsername, fault.to_string()))?;
    if app.store.account(username.clone()).await?.is_some() {
        return Err(gatematch_domain::fault::Fault::range("there", "is somebody of this name").into());
    }
    let change = UserChange::from_body(&PutUser {
        display_name: form.text("display_name").map(str::to_owned),
        email: form.text("email").map(str::to_owned),
        groups: groups(form).filter(|groups| !groups.is_empty()),
        status: None,
    })?;
    let (_, user) = app.put_user(app.act_of(admin), admin, username, change).await?;
    Ok(user.username.to_string())
}
