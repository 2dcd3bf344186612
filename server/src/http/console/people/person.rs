//! The page of one person: who it is, whether he can sign in now and how, and what can be done for him.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::limits::{LOCK_AT, Limited};
use gatematch_domain::role::Role;
use gatematch_domain::user::Status;

use super::row::{Exception, Held, Known, SignedIn};
use super::scene::{Scene, Whose};
use super::shown::At;
use crate::http::app::App;
use crate::http::params::Query;
use crate::http::problem::Answer;
use crate::http::site::{Shell, TheOperator, page};
use crate::report::{Asked, newest};
use crate::standing::{Shut, Standing, bypasses};
use crate::words::Language;
use crate::words::people::People;
use crate::words::people::acts::Acts;
use crate::words::with;

/// How many sign-ins are shown.
const SIGN_INS: u32 = 10;

/// Whether he can sign in now.
struct Now {
    class: &'static str,
    can: &'static str,
    why: String,
    then: &'static str,
}

/// Something that can be done.
struct Action {
    label: &'static str,
    /// Where it is asked for, or done.
    href: String,
    /// Whether it is done at once.
    is_at_once: bool,
    class: &'static str,
}

/// What is known of him.
struct About {
    email: String,
    groups: String,
    role: &'static str,
    last_sign_in: Option<At>,
    failures: String,
    made: At,
}

#[derive(Template)]
#[template(path = "console/people/person.html")]
struct Person {
    shell: Shell,
    words: &'static People,
    name: String,
    display_name: String,
    done: (&'static str, String),
    now: Now,
    about: About,
    /// Why there is little that this operator can do for him.
    note: &'static str,
    is_himself: bool,
    manages: bool,
    first: Vec<Action>,
    more: Vec<Action>,
    held: Vec<Held>,
    exceptions: Vec<Exception>,
    browsers: Vec<Known>,
    sign_ins: Vec<SignedIn>,
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    who: TheOperator,
    whose: Whose,
    query: Query,
) -> Answer<Response> {
    let scene = Scene::looking(&app, language, who, &whose).await?;
    let (words, account, now) = (People::of(language), &scene.account, app.now());
    let user = &account.user;
    let is_himself = app.is_himself(&scene.admin, user);
    let manages = scene.may_manage().is_ok();
    let standing = Standing::of(account, app.settings.dormant_after, now);
    let browsers = app.store.browsers(user.id).await?;
    let asked = Asked { limit: SIGN_INS, ..Asked::default() };
    let sign_ins = newest(app.store.as_ref(), &asked, Some(user.username.to_string()), None, now).await?.sign_ins;
    let gateways = app.store.gateways().await?;
    let path = scene.page();
    page(&Person {
        shell: scene.shell(user.username.as_str()),
        words,
        name: user.username.to_string(),
        display_name: user.display_name.clone().unwrap_or_default(),
        done: done(scene.acts(), query.text("done").unwrap_or_default(), &scene.name()),
        now: now_of(&standing, account, app.settings.dormant_after, words),
        about: about(account, words, language),
        note: match (is_himself, manages) {
            (true, _) => words.himself,
            (false, false) => words.reserved,
            (false, true) => "",
        },
        is_himself,
        manages,
        first: first(&scene, &standing, words, (is_himself, manages)),
        more: more(&scene, words, (is_himself, manages)),
        held: account.authenticators(now).into_iter().map(|held| Held::of(held, &path, words)).collect(),
        exceptions: bypasses(account, now).map(|bypass| Exception::of(bypass, &path, words)).collect(),
        browsers: browsers.iter().filter(|one| one.is_good(now)).map(|one| Known::of(one, &path)).collect(),
        sign_ins: sign_ins
            .into_iter()
            .take(SIGN_INS as usize)
            .map(|sign_in| SignedIn::of(sign_in, &gateways, words))
            .collect(),
    })
}

/// What was done a moment ago, and the class of that; empty where nothing was.
pub(super) fn done(words: &'static Acts, what: &str, name: &str) -> (&'static str, String) {
    let text = match what {
        "added" => words.done_added,
        "phone-removed" => words.done_phone_removed,
        "removed" => words.done_removed,
        "bypass-removed" => words.done_bypass_removed,
        "browser-removed" => words.done_browser_removed,
        "locked" => words.done_locked,
        "unlocked" => words.done_unlocked,
        "not-locked" => words.done_not_locked,
        "disabled" => words.done_disabled,
        "enabled" => words.done_enabled,
        "deleted" => words.done_deleted,
        "changed" => words.done_changed,
        "role" => words.done_role,
        "bypass" => words.done_bypass,
        "confirmed" => words.done_confirmed,
        "gone" => return ("warning", words.fault_gone.to_owned()),
        _ => return ("", String::new()),
    };
    ("done", with(text, &[name]))
}

fn now_of(standing: &Standing, account: &Account, dormant_after: Option<i64>, words: &'static People) -> Now {
    let can = if standing.is_open() { words.can } else { words.cannot };
    let (class, why, then) = match standing {
        Standing::With(ways) => {
            let ways: Vec<_> = ways.iter().map(|method| words.way(method.as_str())).collect();
            ("good", with(words.with_ways, &[&ways.join(", ")]), "")
        }
        Standing::Passes { .. } => ("warn", words.passes.to_owned(), words.passes_then),
        Standing::Shut(Shut::Disabled) => ("idle", words.is_disabled.to_owned(), words.is_disabled_then),
        Standing::Shut(Shut::Locked) => {
            let why = account.user.locked.as_deref().unwrap_or_default();
            let why = if why == "too many failures" { words.too_many_failures } else { why };
            ("bad", with(words.is_locked, &[why]), words.is_locked_then)
        }
        Standing::Shut(Shut::Dormant) => {
            let days = (dormant_after.unwrap_or_default() / 86_400).to_string();
            ("warn", with(words.is_dormant, &[&days]), words.is_dormant_then)
        }
        Standing::NotEnrolled { has_phone: true } => {
            ("warn", words.unconfirmed_phone.to_owned(), words.unconfirmed_phone_then)
        }
        Standing::NotEnrolled { has_phone: false } => ("warn", words.no_phone.to_owned(), words.no_phone_then),
        Standing::Limited { by, seconds } => {
            let (text, then) = match by {
                Limited::Cooldown => (words.cools_down, words.cools_down_then),
                Limited::Backoff => (words.denied_often, words.asked_too_often_then),
                Limited::Prompts | Limited::Reported | Limited::Pending => {
                    (words.asked_too_often, words.asked_too_often_then)
                }
            };
            ("warn", with(text, &[&(seconds / 60).to_string()]), then)
        }
    };
    Now { class, can, why, then }
}

fn about(account: &Account, words: &'static People, language: Language) -> About {
    let user = &account.user;
    let around = crate::words::shell::Shell::of(language);
    About {
        email: user.email.clone().unwrap_or_default(),
        groups: user.groups.join(", "),
        role: user.role.map_or("", |role| around.role(role)),
        last_sign_in: user.last_sign_in_at.map(At::from),
        failures: match user.limits.failures() {
            0 => String::new(),
            count => with(words.failures_of, &[&count.to_string(), &LOCK_AT.to_string()]),
        },
        made: user.created_at.into(),
    }
}

/// What stories at the helpdesk begin with.
fn first(scene: &Scene, now: &Standing, words: &'static People, (is_himself, manages): (bool, bool)) -> Vec<Action> {
    let path = scene.page();
    let action = |label, step: &str, class| Action { label, href: format!("{path}/{step}"), is_at_once: false, class };
    let account = &scene.account;
    let lock = (account.user.locked.is_none()).then(|| action(words.lock, "lock", "danger"));
    if is_himself {
        return Vec::new();
    }
    if !manages {
        let is_on = account.user.status == Status::Active;
        return lock.into_iter().chain(is_on.then(|| action(words.disable, "disable", "danger"))).collect();
    }
    let unlock = match now {
        Standing::Shut(Shut::Dormant) => Some(words.wake),
        _ if account.user.locked.is_some() => Some(words.unlock),
        _ if account.user.limits.failures() > 0 => Some(words.forget),
        _ => None,
    };
    let lost = match account.devices.as_slice() {
        [] => None,
        [only] => Some(action(words.remove_lost, &format!("remove/{}", only.id), "second")),
        _ => Some(Action { href: "#held".to_owned(), ..action(words.remove_lost, "", "second") }),
    };
    let is_new = matches!(now, Standing::NotEnrolled { has_phone: false });
    let enroll = if is_new { "primary" } else { "second" };
    // What lets nobody in comes first; failures that have led to nothing come last.
    let unlock = unlock.map(|label| action(label, "unlock", "second"));
    let (mut first, forget) = if now.is_open() { (Vec::new(), unlock) } else { (unlock.into_iter().collect(), None) };
    first.push(action(words.give_pass, "pass", "second"));
    first.push(Action { is_at_once: true, ..action(words.enroll, "enroll", enroll) });
    first.extend(lost);
    first.push(action(words.make_codes, "codes", "second"));
    first.push(action(words.add_app, "app", "second"));
    first.push(Action { is_at_once: true, ..action(words.invite, "invite", "second") });
    first.extend(forget);
    first.extend(lock);
    first
}

/// What is seldom done, or of consequence.
fn more(scene: &Scene, words: &'static People, (is_himself, manages): (bool, bool)) -> Vec<Action> {
    let path = scene.page();
    let action = |label, step: &str, class| Action { label, href: format!("{path}/{step}"), is_at_once: false, class };
    let (user, is_admin) = (&scene.account.user, scene.admin.role == Role::Admin);
    let is_disabled = user.status == Status::Disabled;
    if is_himself || !manages {
        return Vec::new();
    }
    let change = if is_admin { words.change_all } else { words.change };
    let mut more = vec![action(words.bypass, "bypass", "second"), action(change, "change", "second")];
    if is_admin {
        more.push(action(words.set_role, "role", "second"));
    }
    if is_disabled && is_admin {
        more.push(action(words.enable, "enable", "second"));
    }
    more.extend((!is_disabled).then(|| action(words.disable, "disable", "danger")));
    // Whoever is disabled or in a group is deleted by administrators alone.
    if is_admin || !user.is_bound() {
        more.push(action(words.delete, "delete", "danger"));
    }
    more
}
