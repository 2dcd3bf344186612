//! Administrators' keys: how one is taken away.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::role::AdminKey;
use gatematch_protocol::id::AdminKeyId;

use super::settings::shell;
use super::{Moment, faulty};
use crate::http::app::{App, Inner};
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Guest, Shell, TheOperator, page, see};
use crate::store::KeyRevoked;
use crate::words::rules::Rules;
use crate::words::rules::settings::Settings as Words;
use crate::words::shell::Shell as ShellWords;
use crate::words::{Language, with};

#[derive(Template)]
#[template(path = "console/rules/key.html")]
struct Page {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    id: AdminKeyId,
    role: &'static str,
    user: String,
    made: Moment,
    sure: String,
    fault: &'static str,
}

async fn found(app: &Inner, id: &Segment) -> Answer<AdminKey> {
    let id: AdminKeyId = id.id()?;
    app.store.admin_keys().await?.into_iter().find(|key| key.id == id).ok_or_else(Problem::not_found)
}

fn shown(app: &Inner, guest: &Guest, key: AdminKey, (fault, language): (&'static str, Language)) -> Page {
    let words = Words::of(language);
    Page {
        shell: shell(app, guest, language, with(words.revoke_of, &[&key.name])),
        words,
        common: Rules::of(language),
        id: key.id,
        role: ShellWords::of(language).role(key.role),
        user: key.user.unwrap_or_default(),
        made: key.created_at.into(),
        sure: with(words.revoke_sure, &[&key.name]),
        fault,
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    id: Segment,
) -> Answer<Response> {
    let key = found(&app, &id).await?;
    page(&shown(&app, &guest, key, ("", language)))
}

pub(super) async fn revoke(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    id: Segment,
    form: Form,
) -> Answer<Response> {
    let key = found(&app, &id).await?;
    let fault = if form.is_ticked("sure") {
        match app.store.revoke_admin_key(app.act_of(&admin), key.id).await? {
            KeyRevoked::Done => return Ok(see("/console/settings?revoked=1")),
            KeyRevoked::Unknown => return Err(Problem::not_found()),
            KeyRevoked::LastAdministrator => Words::of(language).last_key,
        }
    } else {
        Rules::of(language).tick_missing
    };
    faulty(StatusCode::UNPROCESSABLE_ENTITY, &shown(&app, &guest, key, (fault, language)))
}
