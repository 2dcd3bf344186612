//! The operator himself: whoever came by a link enrolls the phone here that lets him in from then on.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::enrollment::MAX_LIFE_SECONDS;
use gatematch_domain::visit::{self, Place};
use gatematch_protocol::id::DeviceId;

use super::act::six_digits;
use super::fault::{Fault, explained};
use super::once::own;
use super::row::Held;
use crate::http::app::App;
use crate::http::params::{Query, Segment};
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Guest, Shell, TheGuest, page, see};
use crate::store::Act;
use crate::words::Language;
use crate::words::people::People;
use crate::words::people::acts::Acts;

#[derive(Template)]
#[template(path = "console/people/me.html")]
struct Me {
    shell: Shell,
    words: &'static People,
    acts: &'static Acts,
    done: (&'static str, &'static str),
    /// His phones, and where each is confirmed.
    phones: Vec<(Held, String)>,
    has_active: bool,
    has_waiting: bool,
    fault: &'static str,
}

fn shell(app: &App, guest: &Guest, language: Language) -> Shell {
    Shell::new(app, Place::Console, Some(guest), language, ("", People::of(language).me))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheGuest(guest): TheGuest,
    query: Query,
) -> Answer<Response> {
    let acts = Acts::of(language);
    let done = match query.text("done") {
        Some("confirmed") => ("done", acts.done_confirmed),
        Some("gone") => ("warning", acts.fault_gone),
        _ => ("", ""),
    };
    page(&me(&app, &guest, language, done, ""))
}

fn me(app: &App, guest: &Guest, language: Language, done: (&'static str, &'static str), fault: &'static str) -> Me {
    let words = People::of(language);
    let phone = |device: &gatematch_domain::device::Device| {
        let confirm = format!("/console/me/phones/{}", device.id);
        (Held::of(device.authenticator_view(), "/console/me", words), confirm)
    };
    let devices = &guest.account.devices;
    Me {
        shell: shell(app, guest, language),
        words,
        acts: Acts::of(language),
        done,
        phones: devices.iter().map(phone).collect(),
        has_active: guest.has_phone(),
        has_waiting: devices.iter().any(|device| !device.is_active()),
        fault,
    }
}

/// A link for his first phone: while what let him in is fresh, for there is no phone yet that could be asked.
pub(super) async fn enroll_first(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheGuest(guest): TheGuest,
) -> Answer<Response> {
    if guest.has_phone() {
        return Ok(see("/console/me"));
    }
    enroll(&app, &guest, language).await
}

/// A link for another phone of his: he has proven a moment ago, by one that he has, that it is he.
pub(super) async fn enroll_another(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheGuest(guest): TheGuest,
) -> Answer<Response> {
    enroll(&app, &guest, language).await
}

async fn enroll(app: &App, guest: &Guest, language: Language) -> Answer<Response> {
    let by = match guest.visit.phone() {
        Some(id) => {
            // As on the phone itself: a protected person's phones are an administrator's business.
            app.may_change(&guest.account)?;
            (false, Some(id))
        }
        // Whoever invited him to the console is an administrator; the link dies if he is locked or loses his role.
        None => (true, Some(DeviceId::NIL)),
    };
    let act = act(app, guest);
    let created = app.new_enrollment(act, &guest.account.user, MAX_LIFE_SECONDS, by).await?;
    let title = crate::words::people::once::Once::of(language).enroll_me;
    own(
        Shell::new(app, Place::Console, Some(guest), language, ("", title)),
        language,
        created,
        app.has_room(&guest.account),
    )
}

/// Lets a phone of his in that waits, by the six digits that it shows.
pub(super) async fn confirm(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheGuest(guest): TheGuest,
    id: Segment,
    form: Form,
) -> Answer<Response> {
    let problem = match confirmed(&app, &guest, &id, &form).await {
        Ok(()) => return Ok(see("/console/me?done=confirmed")),
        Err(problem) => problem,
    };
    let fault: Fault = explained(Acts::of(language), &problem).ok_or(problem)?;
    let account = app.store.account(guest.account.user.username.clone()).await?.ok_or_else(Problem::not_found)?;
    if account.devices.len() < guest.account.devices.len() {
        return Ok(see("/console/me?done=gone"));
    }
    let mut response = page(&me(&app, &guest, language, ("", ""), fault.text))?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn confirmed(app: &App, guest: &Guest, id: &Segment, form: &Form) -> Answer<()> {
    let text = id.text()?;
    let device = guest.account.devices.iter().find(|device| device.id.to_string() == text);
    let device = device.ok_or_else(Problem::not_found)?;
    let code = six_digits(form)?;
    let mut act = act(app, guest);
    if guest.visit.phone().is_some() {
        // One phone of his vouches for another, as at the portal.
        act.actor = visit::actor(Place::Portal, &guest.account);
    }
    Ok(app.store.confirm_device(act, device.id, code.reveal().to_owned()).await??)
}

/// He acts on his own account, as long as his visit holds.
fn act(app: &App, guest: &Guest) -> Act {
    let mut act = app.act(visit::actor(Place::Console, &guest.account));
    act.visit = Some(guest.visit.token_digest.clone());
    act
}
