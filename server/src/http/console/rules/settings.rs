//! The settings that hold, and who manages others.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::role::AdminKey;
use gatematch_domain::user::User;
use gatematch_domain::visit::Place;
use gatematch_protocol::id::AdminKeyId;

use super::Moment;
use super::radius::{Part, parts};
use super::values::{Group, groups};
use crate::http::app::{App, Inner};
use crate::http::console::people::path_of;
use crate::http::params::Query;
use crate::http::problem::Answer;
use crate::http::site::{Guest, Shell, TheOperator, page};
use crate::words::Language;
use crate::words::rules::settings::Settings as Words;
use crate::words::shell::Shell as ShellWords;

/// Somebody with a role.
struct Operator {
    name: String,
    path: String,
    role: &'static str,
    state: &'static str,
    tone: &'static str,
}

/// An administrator's key; never the key itself.
struct Key {
    id: AdminKeyId,
    name: String,
    role: &'static str,
    user: String,
    user_path: String,
    made: Moment,
}

#[derive(Template)]
#[template(path = "console/rules/settings.html")]
struct Page {
    shell: Shell,
    words: &'static Words,
    was_revoked: bool,
    operators: Vec<Operator>,
    keys: Vec<Key>,
    groups: Vec<Group>,
    radius: Vec<Part>,
}

pub(super) fn shell(app: &Inner, guest: &Guest, language: Language, title: impl Into<String>) -> Shell {
    Shell::new(app, Place::Console, Some(guest), language, ("settings", title))
}

fn operator(user: &User, language: Language) -> Option<Operator> {
    let (words, name) = (Words::of(language), user.username.to_string());
    let (state, tone) = match user.state() {
        "locked" => (words.locked, "warn"),
        "disabled" => (words.disabled, "idle"),
        _ => (words.active, "good"),
    };
    let role = ShellWords::of(language).role(user.role?);
    Some(Operator { path: path_of(&name), name, role, state, tone })
}

fn key(key: AdminKey, language: Language) -> Key {
    let user = key.user.unwrap_or_default();
    Key {
        id: key.id,
        name: key.name,
        role: ShellWords::of(language).role(key.role),
        user_path: path_of(&user),
        user,
        made: key.created_at.into(),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    query: Query,
) -> Answer<Response> {
    let words = Words::of(language);
    let operators = app.store.operators().await?;
    let keys = app.store.admin_keys().await?;
    page(&Page {
        shell: shell(&app, &guest, language, ShellWords::of(language).settings),
        words,
        was_revoked: query.text("revoked").is_some(),
        operators: operators.iter().filter_map(|user| operator(user, language)).collect(),
        keys: keys.into_iter().map(|it| key(it, language)).collect(),
        groups: groups(&app, language),
        radius: app.settings.radius.as_ref().map(|radius| parts(radius, words)).unwrap_or_default(),
    })
}
