//! What is asked before something is done for a person: one sentence that says what will happen, some fields, the reason.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::role::Role;
use gatematch_protocol::authenticator::AuthenticatorView;

use super::act;
use super::deed::Deed;
use super::fault::{Fault, explained};
use super::scene::{Scene, Whose};
use super::shown::{segment, told};
use crate::http::app::App;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Shell, TheOperator, page};
use crate::standing::{bypasses, ways};
use crate::words::Language;
use crate::words::people::People;
use crate::words::people::acts::Acts;
use crate::words::with;

/// How a field is filled in.
pub(super) enum Kind {
    /// A line of text.
    Text,
    /// Some lines.
    Lines,
    /// A whole number from 1 on.
    Number,
    /// Six digits.
    Code,
    /// A time.
    Moment,
    /// One of these: its word, and what it is called.
    Choice(Vec<(&'static str, String)>),
}

/// A field of a form.
pub(super) struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: Kind,
    value: String,
    is_required: bool,
    most: u16,
}

impl Field {
    fn new(form: &Form, name: &'static str, label: &'static str, kind: Kind) -> Self {
        let value = form.raw(name).unwrap_or_default().to_owned();
        Self { name, label, hint: "", kind, value, is_required: true, most: 64 }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    fn at_most(self, most: u16) -> Self {
        Self { most, ..self }
    }

    /// What stands there as long as nothing was typed.
    fn or(self, form: &Form, value: impl Into<String>) -> Self {
        if form.raw(self.name).is_some() { self } else { Self { value: value.into(), ..self } }
    }
}

/// What is asked.
#[derive(Template)]
#[template(path = "console/people/ask.html")]
struct Ask {
    shell: Shell,
    back: String,
    action: String,
    what: String,
    warning: String,
    fields: Vec<Field>,
    button: &'static str,
    is_hard: bool,
    until_local: &'static str,
    fault: Fault,
}

impl Ask {
    /// What is wrong with the field of this name.
    fn wrong(&self, name: &str) -> &'static str {
        if self.fault.field == name { self.fault.text } else { "" }
    }

    /// What is wrong with none of the fields.
    fn fault(&self) -> &'static str {
        if self.fields.iter().any(|field| field.name == self.fault.field) { "" } else { self.fault.text }
    }
}

const NO_FAULT: Fault = Fault { field: "", text: "" };

/// Shows what is asked.
pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    Extension(deed): Extension<Deed>,
    who: TheOperator,
    whose: Whose,
) -> Answer<Response> {
    let scene = Scene::looking(&app, language, who, &whose).await?;
    if deed.is_managing() {
        scene.may_manage()?;
    }
    page(&ask(&scene, deed, &whose.id, &Form::default(), NO_FAULT).await?)
}

/// Does it; where something was wrong with the form, it is shown again.
pub(super) async fn act(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    Extension(deed): Extension<Deed>,
    who: TheOperator,
    whose: Whose,
    form: Form,
) -> Answer<Response> {
    let scene = Scene::looking(&app, language, who, &whose).await?;
    if deed.is_managing() {
        scene.may_manage()?;
    }
    let problem = match act::run(&scene, deed, &whose.id, &form).await {
        Ok(response) => return Ok(response),
        Err(problem) => problem,
    };
    let fault = explained(scene.acts(), &problem).ok_or(problem)?;
    let mut response = page(&ask(&scene, deed, &whose.id, &form, fault).await?)?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn ask(scene: &Scene, deed: Deed, id: &str, form: &Form, fault: Fault) -> Answer<Ask> {
    let (words, name) = (scene.acts(), scene.name());
    let (title, what, button) = sentence(scene, deed, id).await?;
    let path = deed.path().replace("{name}", &segment(scene.account.user.username.as_str()));
    let mut fields = fields(scene, deed, form);
    if reasons(deed) {
        let around = crate::words::shell::Shell::of(scene.language);
        fields.push(Field::new(form, "reason", around.reason, Kind::Text).hint(around.reason_hint));
    }
    let is_last = deed == Deed::Remove && is_last(&scene.account, id, scene.app.now());
    let warning = match deed {
        Deed::Remove if is_last => with(words.remove_last, &[&name]),
        Deed::Role if scene.account.user.role.is_none() => phones_warning(scene),
        Deed::Pass | Deed::Codes | Deed::App | Deed::Bypass => scene.shut(),
        _ => String::new(),
    };
    let takes = [Deed::Lock, Deed::Disable, Deed::Delete, Deed::Remove, Deed::RemoveBrowser, Deed::Bypass];
    Ok(Ask {
        shell: scene.shell(title),
        back: scene.page(),
        action: path.replace("{id}", &segment(id)),
        what,
        warning,
        fields,
        button,
        is_hard: takes.contains(&deed),
        until_local: words.until_local,
        fault,
    })
}

/// Whoever gives a role lets these phones in at the console: somebody else may have enrolled one of them.
fn phones_warning(scene: &Scene) -> String {
    let names: Vec<&str> = scene.account.active_devices().map(|phone| phone.name.as_str()).collect();
    if names.is_empty() { String::new() } else { with(scene.acts().role_phones, &[&names.join(", ")]) }
}

/// Whether somebody is asked why.
const fn reasons(deed: Deed) -> bool {
    !matches!(deed, Deed::Change | Deed::RemoveBrowser | Deed::ConfirmPhone | Deed::ConfirmApp)
}

/// What it is, what will happen, and what the button says.
async fn sentence(scene: &Scene, deed: Deed, id: &str) -> Answer<(String, String, &'static str)> {
    let words = scene.acts();
    let (title, what, button) = match deed {
        Deed::Pass => (words.pass, words.pass_what, words.pass_do),
        Deed::Lock => (words.lock, words.lock_what, words.lock_do),
        Deed::Unlock => (words.unlock, words.unlock_what, words.unlock_do),
        Deed::Codes => (words.codes, words.codes_what, words.codes_do),
        Deed::App => (words.app, words.app_what, words.app_do),
        Deed::Bypass => (words.bypass, words.bypass_what, words.bypass_do),
        Deed::Disable => (words.disable, words.disable_what, words.disable_do),
        Deed::Enable => (words.enable, words.enable_what, words.enable_do),
        Deed::Delete => (words.delete, words.delete_what, words.delete_do),
        Deed::Change => (words.change, words.change_what, words.change_do),
        Deed::Role => (words.role, words.role_what, words.role_do),
        Deed::Remove => return removal(scene, id),
        Deed::RemoveBypass => (words.remove_bypass, words.remove_bypass_what, words.remove_do),
        Deed::RemoveBrowser => (words.remove_browser, words.remove_browser_what, words.remove_do),
        Deed::ConfirmPhone => (words.confirm_phone, words.confirm_phone_what, words.confirm_do),
        Deed::ConfirmApp => (words.confirm_app, words.confirm_app_what, words.confirm_do),
    };
    if !is_there(scene, deed, id).await? {
        return Err(Problem::not_found());
    }
    let name = scene.name();
    // Where groups are not his business, nothing that concerns them is said.
    let what = if deed == Deed::Change && scene.admin.role != Role::Admin { "" } else { what };
    Ok((with(title, &[&name]), with(what, &[&name, &name]), button))
}

/// Whether what is meant is there.
async fn is_there(scene: &Scene, deed: Deed, id: &str) -> Answer<bool> {
    let (account, now) = (&scene.account, scene.app.now());
    Ok(match deed {
        Deed::RemoveBypass => bypasses(account, now).any(|bypass| bypass.id.to_string() == id),
        Deed::RemoveBrowser => {
            let browsers = scene.app.store.browsers(account.user.id).await?;
            browsers.iter().any(|browser| browser.id.to_string() == id)
        }
        Deed::ConfirmPhone => account.devices.iter().any(|device| device.id.to_string() == id),
        Deed::ConfirmApp => held(scene, id).is_some_and(|held| held.kind == "totp"),
        _ => true,
    })
}

/// What of his has this id.
fn held(scene: &Scene, id: &str) -> Option<AuthenticatorView> {
    scene.account.authenticators(scene.app.now()).into_iter().find(|held| held.id == id)
}

fn removal(scene: &Scene, id: &str) -> Answer<(String, String, &'static str)> {
    let (words, name) = (scene.acts(), scene.name());
    let held = held(scene, id).ok_or_else(Problem::not_found)?;
    let kind = People::of(scene.language).way(&held.kind);
    let called = held.name.as_deref().map(|called| format!("{kind} {}", told(called)));
    let what = if held.kind == "phone" { words.remove_phone_what } else { words.remove_what };
    let title = with(words.remove, &[called.as_deref().unwrap_or(kind)]);
    Ok((format!("{title} ({name})"), with(what, &[&name]), words.remove_do))
}

/// Whether nothing is left to sign in with when this goes.
fn is_last(account: &Account, id: &str, now: gatematch_protocol::time::Timestamp) -> bool {
    let mut after = account.clone();
    after.devices.retain(|device| device.id.to_string() != id);
    after.factors.retain(|factor| factor.id.to_string() != id);
    ways(&after, now).is_empty()
}

fn fields(scene: &Scene, deed: Deed, form: &Form) -> Vec<Field> {
    let (words, user) = (scene.acts(), &scene.account.user);
    match deed {
        Deed::Pass => {
            let mut lives = hours(words, &act::PASS_HOURS);
            lives.push((act::UNTIL, words.until_then.to_owned()));
            vec![
                Field::new(form, "life", words.pass_life, Kind::Choice(lives)).or(form, "8"),
                Field::new(form, "until", words.until, Kind::Moment).hint(words.until_hint).optional(),
                Field::new(form, "uses", words.uses, Kind::Number).hint(words.pass_uses_hint).or(form, "5"),
            ]
        }
        Deed::Bypass => vec![
            Field::new(form, "life", words.pass_life, Kind::Choice(hours(words, &act::BYPASS_HOURS))).or(form, "2"),
            Field::new(form, "uses", words.uses, Kind::Number).hint(words.bypass_uses_hint).optional(),
        ],
        Deed::App => vec![Field::new(form, "label", words.app_name, Kind::Text).hint(words.app_name_hint).optional()],
        Deed::ConfirmPhone | Deed::ConfirmApp => vec![Field::new(form, "code", words.code, Kind::Code)],
        Deed::Role => {
            let roles = vec![
                ("none", words.role_none.to_owned()),
                (Role::Helpdesk.as_str(), words.role_helpdesk.to_owned()),
                (Role::Auditor.as_str(), words.role_auditor.to_owned()),
                (Role::Admin.as_str(), words.role_admin.to_owned()),
            ];
            let now = user.role.map_or("none", Role::as_str);
            vec![Field::new(form, "role", words.role_label, Kind::Choice(roles)).or(form, now)]
        }
        Deed::Change => details(scene.language, form, (user.display_name.as_deref(), user.email.as_deref()), {
            (scene.admin.role == Role::Admin).then(|| user.groups.join("\n"))
        }),
        _ => Vec::new(),
    }
}

/// What is known of a person; groups where those may be said.
pub(super) fn details(
    language: Language,
    form: &Form,
    (display_name, email): (Option<&str>, Option<&str>),
    groups: Option<String>,
) -> Vec<Field> {
    let words = People::of(language);
    let given = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let display_name =
        Field::new(form, "display_name", words.display_name, Kind::Text).optional().or(form, given(display_name));
    let email = Field::new(form, "email", words.email, Kind::Text).optional().at_most(254).or(form, given(email));
    let groups = groups.map(|groups| {
        Field::new(form, "groups", words.groups, Kind::Lines).hint(words.groups_hint).optional().or(form, groups)
    });
    [display_name, email].into_iter().chain(groups).collect()
}

fn hours(words: &Acts, hours: &[&'static str]) -> Vec<(&'static str, String)> {
    let called = |hours: &&'static str| match *hours {
        "1" => (*hours, words.hour.to_owned()),
        hours => (hours, with(words.hours, &[hours])),
    };
    hours.iter().map(called).collect()
}
