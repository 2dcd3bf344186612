//! How people come in: by their phone and a number, by an invitation, or, at the portal, by a pass or a recovery code.
//!
//! Whoever knocks has proven nothing. So he is answered alike whether or not somebody has the name, has a phone, or may be
//! asked now: a number stands there, and if nobody types it, its time runs out.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use gatematch_domain::challenge::State as Life;
use gatematch_domain::login::DEFAULT_LIFE_SECONDS;
use gatematch_domain::passcode::{StaleCode, Typed};
use gatematch_domain::visit::{self, Knock, NoEntry, Place, Stage};
use gatematch_protocol::secret::{Secret, sha256};

use super::TheGuest;
use super::cookie::Cookie;
use super::form::Form;
use super::page::{Shell, page, see};
use super::threshold::query;
use crate::http::app::App;
use crate::http::guard::Source;
use crate::http::params::Query;
use crate::http::passcode::{MAX_HASHINGS, keeps_changing};
use crate::http::problem::Answer;
use crate::http::strangers::Kind;
use crate::http::waiting;
use crate::pepper::For;
use crate::store::{Accept, Enter, PortalCode};
use crate::words::Language;
use crate::words::door::Door;

#[derive(Template)]
#[template(path = "site/door.html")]
struct SignIn {
    shell: Shell,
    words: &'static Door,
    name: String,
    next: String,
    note: &'static str,
}

#[derive(Template)]
#[template(path = "site/number.html")]
struct ShowNumber {
    shell: Shell,
    words: &'static Door,
    name: String,
    number: String,
    spoken: String,
    next: String,
}

#[derive(Template)]
#[template(path = "site/invitation.html")]
struct Invited {
    shell: Shell,
    words: &'static Door,
    note: &'static str,
}

#[derive(Template)]
#[template(path = "site/code.html")]
struct TypeCode {
    shell: Shell,
    words: &'static Door,
    name: String,
    note: &'static str,
}

/// A number as it is shown: three and three where it has six digits.
pub(super) fn grouped(number: &str) -> String {
    match number.split_at_checked(3) {
        Some((first, second)) if number.len() == 6 => format!("{first} {second}"),
        _ => number.to_owned(),
    }
}

/// Where to go afterwards: to a page of this place, and nowhere else.
fn next_of(place: Place, wanted: Option<&str>) -> String {
    let home = format!("/{}", place.as_str());
    let is_ours = |wanted: &&str| {
        let rest = wanted.strip_prefix(home.as_str());
        let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'));
        is_below && !wanted.contains('\\') && !wanted.contains(char::is_control) && wanted.len() <= 1_024
    };
    wanted.filter(is_ours).map_or(home.clone(), str::to_owned)
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    query: Query,
) -> Answer<Response> {
    let words = Door::of(language);
    let note = match (query.text("over"), query.text("left"), query.text("again")) {
        (Some(_), ..) => words.is_over,
        (_, Some(_), _) => words.has_left,
        (.., Some(_)) => words.not_let_in,
        _ => "",
    };
    let next = next_of(place, query.text("next"));
    let shell = Shell::new(&app, place, None, language, ("", words.title(place)));
    page(&SignIn { shell, words, name: app.remembered(place, &headers).await?, next, note })
}

pub(super) async fn knock(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(Source(address)): Extension<Source>,
    headers: HeaderMap,
    form: Form,
) -> Answer<Response> {
    let next = next_of(place, form.raw("next"));
    let given = form.text("name").unwrap_or_default().to_owned();
    if given.is_empty() {
        return Ok(see(&format!("/{}/sign-in?{}", place.as_str(), query(&[("next", &next)]))));
    }
    app.count_visitor(Kind::Knock, address).await?;
    let knock = app.knock_of(place, &given, &headers).await?;
    let asked = app.ring_unless_limited(place, &given, (knock, address)).await?;
    let token = Secret::from_random("", &app.edge.random()?);
    let mut visit = app.knock_visit(place, &given, (&token, address))?;
    visit.challenge = asked;
    let mut replaces = Cookie::Knock(place).digest_of(&headers);
    if asked.is_none() {
        // What was not asked for took no write; this makes up for it, so that the time tells nothing.
        let other = Secret::from_random("", &app.edge.random()?);
        app.store.knock(app.knock_visit(place, &given, (&other, address))?, replaces).await?;
        replaces = Some(other.digest());
    }
    app.store.knock(visit, replaces).await?;
    let path = format!("/{}/sign-in/number?{}", place.as_str(), query(&[("next", &next)]));
    Ok((AppendHeaders([Cookie::Knock(place).set(&token)?]), see(&path)).into_response())
}

pub(super) async fn number(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    query: Query,
) -> Answer<Response> {
    let again = format!("/{}/sign-in", place.as_str());
    let Some(cookie) = Cookie::Knock(place).of(&headers) else { return Ok(see(&again)) };
    let visit = app.store.visit(sha256(cookie)).await?.filter(|visit| visit.place == place);
    let Some(visit) = visit.filter(|visit| visit.stage == Stage::Knocking && app.now() < visit.expires_at) else {
        return Ok(see(&again));
    };
    let number = match visit.challenge {
        Some(id) => waiting::current(&app, id).await?.number.map(|number| number.reveal().to_owned()),
        None => None,
    };
    let number = match number {
        Some(number) => number,
        None => app.nobodys_number(&visit, cookie).await?,
    };
    let words = Door::of(language);
    page(&ShowNumber {
        shell: Shell::new(&app, place, None, language, ("", words.number_title)),
        words,
        name: visit.name,
        spoken: number.chars().map(String::from).collect::<Vec<_>>().join(", "),
        number: grouped(&number),
        next: next_of(place, query.text("next")),
    })
}

pub(super) async fn enter(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(Source(address)): Extension<Source>,
    headers: HeaderMap,
    form: Form,
) -> Answer<Response> {
    let door = format!("/{}/sign-in", place.as_str());
    let next = next_of(place, form.raw("next"));
    let again = see(&format!("{door}?again=1"));
    let Some(token_digest) = Cookie::Knock(place).digest_of(&headers) else { return Ok(again) };
    let knock = app.store.visit(token_digest.clone()).await?.filter(|knock| knock.place == place);
    let Some(knock) = knock else { return Ok(again) };
    // A knock that nobody hears, or that was refused, is like one that is still waited for, until its time is over.
    let is_waiting = app.now() < knock.created_at.plus_seconds(DEFAULT_LIFE_SECONDS) && knock.stage == Stage::Knocking;
    let wait = if is_waiting { see(&format!("{door}/number?{}", query(&[("next", &next)]))) } else { again };
    let Some(id) = knock.challenge else { return Ok(wait) };
    let challenge = waiting::current(&app, id).await?;
    // Whoever asks before a phone has approved takes no place among those who write.
    if !matches!(challenge.state, Life::Approved { .. }) {
        return Ok(wait);
    }
    let (token, entry) = app.entry(address)?;
    let replaces = Cookie::Visit(place).digest_of(&headers);
    let result = app.result_of(&challenge)?;
    match app.store.enter(Enter { entry, token_digest, place, result, replaces }).await? {
        Ok(_) => {
            let cookies = [Cookie::Visit(place).set(&token)?, Cookie::Knock(place).forget()?];
            Ok((AppendHeaders(cookies), see(&next)).into_response())
        }
        Err(NoEntry::NoRole) => Ok(see(&format!("{door}?again=1"))),
        Err(NoEntry::Waiting | NoEntry::Unknown | NoEntry::Refused) => Ok(wait),
    }
}

pub(super) async fn invitation(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(language): Extension<Language>,
) -> Answer<Response> {
    let words = Door::of(language);
    let shell = Shell::new(&app, place, None, language, ("", words.invited_title));
    page(&Invited { shell, words, note: "" })
}

pub(super) async fn accept(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(Source(address)): Extension<Source>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    form: Form,
) -> Answer<Response> {
    app.count_visitor(Kind::Knock, address).await?;
    let (token, entry) = app.entry(address)?;
    let token_digest = sha256(form.text("invitation").unwrap_or_default());
    let replaces = Cookie::Visit(place).digest_of(&headers);
    let (login, atlas) = (app.visit_login(place, "", (Knock::Stranger, address)).await?, app.atlas());
    let protected_groups = app.settings.protected_groups.clone();
    match app.store.accept(Accept { entry, place, token_digest, login, atlas, protected_groups, replaces }).await? {
        Ok(_) => {
            let home = format!("/{}", place.as_str());
            Ok((AppendHeaders([Cookie::Visit(place).set(&token)?]), see(&home)).into_response())
        }
        Err(_) => {
            let words = Door::of(language);
            let shell = Shell::new(&app, place, None, language, ("", words.invited_title));
            page(&Invited { shell, words, note: words.not_invited })
        }
    }
}

pub(super) async fn code(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
) -> Answer<Response> {
    let words = Door::of(language);
    let shell = Shell::new(&app, place, None, language, ("", words.code_title));
    page(&TypeCode { shell, words, name: app.remembered(place, &headers).await?, note: "" })
}

/// A code is answered alike, and after the same work, whether or not somebody has the name, and whether it was wrong or
/// not looked at.
pub(super) async fn use_code(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Extension(Source(address)): Extension<Source>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    form: Form,
) -> Answer<Response> {
    app.count_page_code(address).await?;
    let given = form.text("name").unwrap_or_default().to_owned();
    let typed = Typed::new(&Secret::new(form.text("code").unwrap_or_default()));
    let known = Cookie::Visit(place).digest_of(&headers);
    let name = app.settings.domains.canonical(&given).ok();
    let mut stale = 0;
    while stale < MAX_HASHINGS {
        let account = match &name {
            Some(name) => app.store.account(name.clone()).await?,
            None => None,
        };
        let passcode = app.hashed(&typed, account.as_ref(), For::Page).await?;
        let Some(name) = name.clone() else { break };
        let (token, entry) = app.entry(address)?;
        let (login, atlas) = (app.visit_login(place, &given, (Knock::Stranger, address)).await?, app.atlas());
        let unheard = app.knock_visit(place, &given, (&token, address))?;
        let (known, dormant_after) = (known.clone(), app.settings.dormant_after);
        let code = PortalCode { entry, name, passcode, login, atlas, unheard, known, dormant_after };
        match app.store.code_at_portal(code).await? {
            Err(StaleCode) => stale += 1,
            Ok(Ok(_)) => {
                return Ok((AppendHeaders([Cookie::Visit(place).set(&token)?]), see("/portal")).into_response());
            }
            Ok(Err(_)) => break,
        }
    }
    if stale == MAX_HASHINGS {
        return Err(keeps_changing());
    }
    let words = Door::of(language);
    let shell = Shell::new(&app, place, None, language, ("", words.code_title));
    page(&TypeCode { shell, words, name: given, note: words.code_refused })
}

pub(super) async fn leave(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    TheGuest(guest): TheGuest,
) -> Answer<Response> {
    let act = app.act(visit::actor(place, &guest.account));
    app.store.leave(act, guest.visit.token_digest.clone()).await?;
    let door = format!("/{}/sign-in?left=1", place.as_str());
    Ok((AppendHeaders([Cookie::Visit(place).forget()?]), see(&door)).into_response())
}
