//! What is done for a person, by the verbs that the API has for it.

use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::fault::Fault;
use gatematch_domain::role::Role;
use gatematch_domain::terms::{BypassTerms, PassTerms};
use gatematch_domain::text::reason;
use gatematch_domain::user::{Status, UserChange};
use gatematch_protocol::authenticator::{ConfirmTotp, CreateAccessPass, CreateBypass};
use gatematch_protocol::passcode::{self, Shape};
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use gatematch_protocol::user::PutUser;

use super::deed::Deed;
use super::once;
use super::scene::Scene;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, see};

/// For how many hours a pass may be, without further words.
pub(super) const PASS_HOURS: [&str; 3] = ["4", "8", "24"];
/// For how many hours a bypass may be.
pub(super) const BYPASS_HOURS: [&str; 5] = ["1", "2", "4", "8", "24"];
/// A pass is until a time that is named.
pub(super) const UNTIL: &str = "until";

/// Does it.
pub(super) async fn run(scene: &Scene, deed: Deed, id: &str, form: &Form) -> Answer<Response> {
    match deed {
        Deed::Lock => lock(scene, form, true).await,
        Deed::Unlock => lock(scene, form, false).await,
        Deed::Disable => switch(scene, form, Status::Disabled).await,
        Deed::Enable => switch(scene, form, Status::Active).await,
        Deed::Delete => delete(scene, form).await,
        Deed::Change => change(scene, form).await,
        Deed::Role => set_role(scene, form).await,
        Deed::Pass => {
            let (terms, why) = (pass_terms(form, scene.app.now())?, why(form)?);
            let created = scene.app.new_access_pass(scene.act(), &scene.account, terms, Some(why)).await?;
            once::pass(scene, &created, terms.max_uses)
        }
        Deed::Codes => {
            let why = why(form)?;
            let created = scene.app.new_recovery_codes(scene.act(), &scene.account, Some(why)).await?;
            once::codes(scene, &created)
        }
        Deed::App => {
            let why = why(form)?;
            let created = scene.app.new_totp(scene.act(), &scene.account, form.text("label"), Some(why)).await?;
            once::app(scene, &created)
        }
        Deed::Bypass => {
            let terms = bypass_terms(form, scene.app.now())?;
            scene.app.new_bypass(scene.act(), &scene.account, terms).await?;
            Ok(scene.done("bypass"))
        }
        Deed::Remove => {
            let why = why(form)?;
            let is_phone = scene.account.devices.iter().any(|device| device.id.to_string() == id);
            scene.app.remove_one(scene.act(), &scene.account, id, Some(why)).await?;
            Ok(scene.done(if is_phone { "phone-removed" } else { "removed" }))
        }
        Deed::RemoveBypass => {
            let (id, why) = (id.parse().map_err(|_| Problem::not_found())?, why(form)?);
            scene.app.remove_bypass_of(scene.act(), &scene.account, id, Some(why)).await?;
            Ok(scene.done("bypass-removed"))
        }
        Deed::RemoveBrowser => {
            let (name, id) = (scene.account.user.username.clone(), id.parse().map_err(|_| Problem::not_found())?);
            let is_gone = scene.app.store.revoke_browser(scene.act(), name, id).await?;
            if is_gone { Ok(scene.done("browser-removed")) } else { Err(Problem::not_found()) }
        }
        Deed::ConfirmPhone => confirm_phone(scene, id, form).await,
        Deed::ConfirmApp => confirm_app(scene, id, form).await,
    }
}

/// Why somebody does it.
fn why(form: &Form) -> Answer<String> {
    Ok(reason(form.text("reason").unwrap_or_default())?)
}

async fn lock(scene: &Scene, form: &Form, is_lock: bool) -> Answer<Response> {
    let (name, why) = (scene.account.user.username.clone(), why(form)?);
    let store = &scene.app.store;
    let done = if is_lock {
        store.lock_user(scene.act(), name, why).await?
    } else {
        store.unlock_user(scene.act(), name, why).await?
    };
    let done = done.ok_or_else(Problem::not_found)?;
    Ok(scene.done(match (is_lock, done) {
        (true, _) => "locked",
        (false, true) => "unlocked",
        (false, false) => "not-locked",
    }))
}

async fn switch(scene: &Scene, form: &Form, status: Status) -> Answer<Response> {
    let act = scene.act().because(why(form)?);
    let change = UserChange { status: Some(status), ..UserChange::default() };
    scene.app.put_user(act, &scene.admin, scene.account.user.username.clone(), change).await?;
    Ok(scene.done(if status == Status::Active { "enabled" } else { "disabled" }))
}

async fn delete(scene: &Scene, form: &Form) -> Answer<Response> {
    let act = scene.act().because(why(form)?);
    scene.app.delete_user(act, &scene.admin, scene.account.user.id).await?;
    Ok(see("/console/people?done=deleted"))
}

async fn set_role(scene: &Scene, form: &Form) -> Answer<Response> {
    let role = match form.text("role").unwrap_or_default() {
        "none" => None,
        word => Some(word.parse::<Role>().map_err(|_| Fault::range("role", "must be one of these"))?),
    };
    let act = scene.act().because(why(form)?);
    let set = scene.app.store.set_role(act, scene.account.user.id, role).await?;
    set.ok_or_else(Problem::not_found)?;
    Ok(scene.done("role"))
}

/// What differs from what is known; what is known cannot be emptied, but for groups.
async fn change(scene: &Scene, form: &Form) -> Answer<Response> {
    let user = &scene.account.user;
    let differs = |name: &'static str, known: &Option<String>| match (form.text(name), known) {
        (None, Some(_)) if form.raw(name).is_some() => Err(Fault::range(name, "cannot be emptied")),
        (given, known) => Ok(given.filter(|given| known.as_deref() != Some(*given)).map(str::to_owned)),
    };
    let change = UserChange::from_body(&PutUser {
        display_name: differs("display_name", &user.display_name)?,
        email: differs("email", &user.email)?,
        groups: groups(form).filter(|groups| *groups != user.groups),
        status: None,
    })?;
    if change != UserChange::default() {
        scene.app.put_user(scene.act(), &scene.admin, user.username.clone(), change).await?;
    }
    Ok(scene.done("changed"))
}

/// The groups in a form, one on each line; `None` where it has no such field.
pub(super) fn groups(form: &Form) -> Option<Vec<String>> {
    let lines = form.raw("groups")?.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut groups: Vec<String> = lines.map(str::to_owned).collect();
    groups.sort();
    groups.dedup();
    Some(groups)
}

/// So many hours, of those that may be chosen.
fn life(form: &Form, hours: &[&str]) -> Answer<i64> {
    let given = form.text("life").unwrap_or_default();
    let chosen = hours.iter().find(|hours| **hours == given).and_then(|hours| hours.parse::<i64>().ok());
    Ok(chosen.ok_or_else(|| Fault::range("life", "must be one of these"))? * 3_600)
}

/// For how many sign-ins.
fn uses(form: &Form) -> Answer<Option<i64>> {
    let number = |text: &str| text.parse().map_err(|_| Fault::range("max_uses", "must be a whole number"));
    Ok(form.text("uses").map(number).transpose()?)
}

fn pass_terms(form: &Form, now: Timestamp) -> Answer<PassTerms> {
    let life = if form.text("life") == Some(UNTIL) {
        until(form)?.numeric_date() - now.numeric_date()
    } else {
        life(form, &PASS_HOURS)?
    };
    let uses = uses(form)?;
    let body = CreateAccessPass { expires_in: life, starts_at: None, max_uses: uses, reason: None };
    Ok(PassTerms::from_body(&body, now)?)
}

fn bypass_terms(form: &Form, now: Timestamp) -> Answer<BypassTerms> {
    let body = CreateBypass { reason: why(form)?, expires_in: life(form, &BYPASS_HOURS)?, max_uses: uses(form)? };
    Ok(BypassTerms::from_body(&body, now)?)
}

/// A time as browsers send it, which has no zone: of UTC, unless a script has told how many minutes that is behind.
fn until(form: &Form) -> Answer<Timestamp> {
    let bad = || Fault::range("until", "must be a time");
    let text = form.text("until").ok_or_else(bad)?;
    let seconds = if text.matches(':').count() == 1 { ":00Z" } else { "Z" };
    let at: Timestamp = format!("{text}{seconds}").parse().map_err(|_| bad())?;
    let offset = form.text("offset").map_or(Ok(0), str::parse::<i64>).map_err(|_| bad())?;
    if !(-900..=900).contains(&offset) {
        return Err(bad().into());
    }
    Ok(at.plus_seconds(offset * 60))
}

/// The six digits of a form. Others are not tried, and do not count as a wrong code.
pub(super) fn six_digits(form: &Form) -> Answer<Secret> {
    match passcode::read(form.text("code").unwrap_or_default()) {
        Some((Shape::Totp, code)) => Ok(code),
        _ => Err(Fault::range("code", "must be six digits").into()),
    }
}

async fn confirm_phone(scene: &Scene, id: &str, form: &Form) -> Answer<Response> {
    let code = six_digits(form)?;
    let device = scene.account.devices.iter().find(|device| device.id.to_string() == id);
    let id = device.ok_or_else(Problem::not_found)?.id;
    let confirmed = scene.app.store.confirm_device(scene.act(), id, code.reveal().to_owned()).await?;
    let is_left = |account: &Account| account.devices.iter().any(|device| device.id == id);
    confirmed_or_gone(scene, confirmed.map_err(Problem::from), is_left).await
}

async fn confirm_app(scene: &Scene, id: &str, form: &Form) -> Answer<Response> {
    let code = six_digits(form)?;
    let confirmed = scene.app.confirm(scene.act(), &scene.account, id, ConfirmTotp { code }).await.map(drop);
    let is_left = |account: &Account| account.factors.iter().any(|factor| factor.id.to_string() == id);
    confirmed_or_gone(scene, confirmed, is_left).await
}

/// The last wrong code takes away what it was for: there is no form for that any more.
async fn confirmed_or_gone(
    scene: &Scene,
    confirmed: Answer<()>,
    is_left: impl Fn(&Account) -> bool,
) -> Answer<Response> {
    match confirmed {
        Ok(()) => Ok(scene.done("confirmed")),
        Err(problem) if problem.code() == Code::WrongCode => {
            let account = scene.app.store.account(scene.account.user.username.clone()).await?;
            if account.is_some_and(|account| is_left(&account)) { Err(problem) } else { Ok(scene.done("gone")) }
        }
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests;
