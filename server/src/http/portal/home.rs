//! What I sign in with, and what was done with it of late.

use askama::Template;
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::device::Device;
use gatematch_domain::factor::{AccessPass, Factor, Kind, RECOVERY_CODES};
use gatematch_domain::policy::Method;
use gatematch_domain::totp::TotpStatus;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::time::Timestamp;

use super::here::{Here, Told, When};
use super::recent::{self, SignIn};
use crate::http::params::Query;
use crate::http::problem::Answer;
use crate::http::site::{Shell, page};
use crate::words::portal::{Portal, Recent};
use crate::words::with;

#[derive(Template)]
#[template(path = "portal/home.html")]
struct Home {
    shell: Shell,
    words: &'static Portal,
    recent: &'static Recent,
    told: Told,
    next: Next,
    may_change: bool,
    phones: Vec<Phone>,
    is_full: String,
    codes: Option<Codes>,
    apps: Vec<App>,
    pass: Option<Pass>,
    sign_ins: Vec<SignIn>,
}

/// What he should do next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Phone,
    Confirm,
    Codes,
    Nothing,
}

struct Phone {
    id: String,
    name: String,
    platform: String,
    added: When,
    used: Option<When>,
    rings: bool,
    is_active: bool,
    /// Whether it let him in here.
    is_here: bool,
    /// Whether he has nothing else to sign in with.
    is_last: bool,
    /// Whether he may confirm it here.
    confirms: bool,
}

struct Codes {
    id: String,
    left: String,
    is_empty: bool,
    made: When,
    used: Option<When>,
    is_last: bool,
}

struct App {
    id: String,
    name: String,
    state: &'static str,
    tone: &'static str,
    waits: bool,
    added: When,
    used: Option<When>,
    is_last: bool,
}

struct Pass {
    id: String,
    state: &'static str,
    tone: &'static str,
    from: When,
    until: When,
    left: u32,
    /// Whether it let him in here.
    is_here: bool,
    is_last: bool,
}

pub(super) async fn show(here: Here, query: Query) -> Answer<Response> {
    let (words, recent) = (here.words, here.recent);
    let done = match query.text("done") {
        Some("phone") => words.done_phone,
        Some("renamed") => words.done_renamed,
        Some("phone-removed") => words.done_phone_removed,
        Some("confirmed") => words.done_confirmed,
        Some("app") => words.done_app,
        Some("removed") => words.done_removed,
        Some("reported") => recent.done,
        Some("reported-knock") => recent.done_knock,
        _ => "",
    };
    page_of(&here, Told { done, alarm: query.text("done") == Some("reported-in"), fault: None }).await
}

/// The page, with what there is to tell.
pub(super) async fn page_of(here: &Here, told: Told) -> Answer<Response> {
    let account = here.account().await?;
    let (now, words) = (here.app.now(), here.words);
    let settings = &here.app.settings;
    let may_change = here.app.may_change(&account).is_ok();
    let most = settings.max_devices;
    let is_full = account.devices.len() >= most;
    let user = &account.user;
    let name = user.display_name.clone().unwrap_or_else(|| user.username.to_string());
    page(&Home {
        shell: here.shell(&with(words.hello, &[&name])),
        words,
        recent: here.recent,
        told,
        next: next(&account, now),
        may_change,
        phones: account.devices.iter().map(|device| phone(here, &account, device, now)).collect(),
        is_full: if is_full { with(words.phones_full, &[&most.to_string()]) } else { String::new() },
        codes: account.factors.iter().find_map(|factor| codes(words, &account, factor, now)),
        apps: account.factors.iter().filter_map(|factor| app(words, &account, factor, now)).collect(),
        pass: account.factors.iter().find_map(|factor| match &factor.kind {
            Kind::AccessPass(kept) => Some(pass(here, &account, (factor, kept), now)),
            _ => None,
        }),
        sign_ins: recent::of(here, &account).await?,
    })
}

/// What he should do next: a phone first, then something for the day on which it is lost.
fn next(account: &Account, now: Timestamp) -> Next {
    let active = account.active_devices().count();
    match (account.devices.len(), active) {
        (0, _) => Next::Phone,
        (all, active) if all > active => Next::Confirm,
        (_, 1) if !account.holds(Method::RecoveryCode, now) => Next::Codes,
        _ => Next::Nothing,
    }
}

/// How many things he has that let him in now: the last one is not to go unnoticed.
fn ways(account: &Account, now: Timestamp) -> usize {
    account.active_devices().count()
        + account.working(now).filter(|(_, method)| Method::FACTORS.contains(method)).count()
}

fn phone(here: &Here, account: &Account, device: &Device, now: Timestamp) -> Phone {
    let by: Option<DeviceId> = here.guest.visit.phone();
    Phone {
        id: device.id.to_string(),
        name: device.name.clone(),
        platform: device.platform.clone().unwrap_or_default(),
        added: device.created_at.into(),
        used: device.last_used_at.map(When::from),
        rings: device.push.is_some(),
        is_active: device.is_active(),
        is_here: by == Some(device.id),
        is_last: device.is_active() && ways(account, now) == 1,
        confirms: !device.is_active() && by.is_some(),
    }
}

fn is_last(account: &Account, factor: &Factor, now: Timestamp) -> bool {
    factor.method(now).is_some() && ways(account, now) == 1
}

fn codes(words: &Portal, account: &Account, factor: &Factor, now: Timestamp) -> Option<Codes> {
    let Kind::RecoveryCodes(codes) = &factor.kind else { return None };
    let left = codes.hashes.len().min(RECOVERY_CODES);
    Some(Codes {
        id: factor.id.to_string(),
        left: with(words.codes_left, &[&left.to_string()]),
        is_empty: left == 0,
        made: factor.created_at.into(),
        used: factor.last_used_at.map(When::from),
        is_last: is_last(account, factor, now),
    })
}

fn app(words: &'static Portal, account: &Account, factor: &Factor, now: Timestamp) -> Option<App> {
    let Kind::Totp(totp) = &factor.kind else { return None };
    let (state, tone) = match totp.status {
        TotpStatus::Active => (words.app_active, "good"),
        TotpStatus::Unconfirmed { .. } => (words.app_waiting, "warn"),
        TotpStatus::Unreadable => (words.app_unreadable, "bad"),
    };
    Some(App {
        id: factor.id.to_string(),
        name: totp.name.clone().unwrap_or_else(|| words.app_unnamed.to_owned()),
        state,
        tone,
        waits: matches!(totp.status, TotpStatus::Unconfirmed { .. }),
        added: factor.created_at.into(),
        used: factor.last_used_at.map(When::from),
        is_last: is_last(account, factor, now),
    })
}

fn pass(here: &Here, account: &Account, (factor, pass): (&Factor, &AccessPass), now: Timestamp) -> Pass {
    let words = here.words;
    let (state, tone) = match factor.method(now) {
        Some(_) => (words.pass_works, "good"),
        None if now < pass.starts_at => (words.pass_not_yet, "warn"),
        None => (words.pass_over, "idle"),
    };
    Pass {
        id: factor.id.to_string(),
        state,
        tone,
        from: pass.starts_at.into(),
        until: pass.expires_at.into(),
        left: pass.max_uses.saturating_sub(pass.uses),
        is_here: here.came_by(factor.id),
        is_last: is_last(account, factor, now),
    }
}
