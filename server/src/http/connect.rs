//! The connect page: the number on a browser where the gateway has no screen (contract section 9).
//!
//! Whoever opens it has proven nothing. So it answers alike whether or not somebody has the name, and it only ever
//! shows something: nothing is decided here but that a login is not this person's.

use std::net::IpAddr;

use axum::Json as Answered;
use axum::extract::{Extension, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatematch_domain::challenge::Challenge;
use gatematch_domain::connect::{
    ARMED_SECONDS, BOUND_SECONDS, Bound, Browser, NothingToConfirm, Session, Shown, Stage,
};
use gatematch_domain::text::cut_unknown_user;
use gatematch_protocol::connect::{ArmSession, Armed, BrowserView, Browsers, Confirm, SessionView};
use gatematch_protocol::id::{BrowserId, SessionId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::{Secret, sha256};

use super::app::{App, Inner};
use super::body::Json;
use super::guard::Source;
use super::params::{Segment, TheAdmin, UserAndId};
use super::problem::{Answer, Problem};
use super::strangers::{Kind, block};
use super::waiting;
use crate::store::{self, ConfirmSession, Page, TellApproval};

/// The cookie of a session.
const SESSION_COOKIE: &str = "__Host-gatematch-connect";
/// The cookie of a bound browser.
const BROWSER_COOKIE: &str = "__Host-gatematch-browser";
/// Fetch Metadata (W3C): where a request comes from, as the browser says.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request that no page of another site has made. What is no browser says nothing, and is believed.
pub(super) struct SameOrigin;

impl SameOrigin {
    fn check(headers: &HeaderMap) -> Answer<()> {
        if headers.get_all(FETCH_SITE).iter().all(|site| site == "same-origin") {
            return Ok(());
        }
        Err(Problem::new(Code::CrossSite, "Only the connect page itself may ask for this."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        Self::check(&parts.headers).map(|()| Self)
    }
}

/// The session that a request's cookie names, for a request that no other site has made.
pub(super) struct Visitor {
    pub(super) token_digest: String,
    pub(super) page: Page,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let token = cookie(&parts.headers, SESSION_COOKIE);
        let none = || Problem::new(Code::CredentialMissing, "There is no session: open the connect page anew.");
        let token_digest = sha256(token.ok_or_else(none)?);
        let page = app.store.page(token_digest.clone(), app.now()).await?;
        let gone = || Problem::new(Code::CredentialInvalid, "This session is over: open the connect page anew.");
        let page = page.ok_or_else(gone)?;
        SameOrigin::check(&parts.headers)?;
        Ok(Self { token_digest, page })
    }
}

pub(super) async fn arm(
    State(app): State<App>,
    Extension(Source(source)): Extension<Source>,
    _: SameOrigin,
    headers: HeaderMap,
    Json(body): Json<ArmSession>,
) -> Answer<Response> {
    let now = app.now();
    let browser_token = cookie(&headers, BROWSER_COOKIE).map(sha256);
    app.spare(source, browser_token.as_deref()).await?;
    let token = Secret::from_random("", &app.edge.random()?);
    let session = Session {
        id: SessionId::new(now, app.edge.random()?),
        name: app.settings.domains.canonical(&body.user).map_or_else(|_| nobodys(&body.user), |name| name.to_string()),
        token_digest: token.digest(),
        browser: None,
        address: source,
        block: block(source),
        hears: false,
        counted_at: now,
        armed_at: now,
        expires_at: now.plus_seconds(ARMED_SECONDS),
        stage: Stage::Armed,
        opened: None,
        wrong_passcodes: 0,
    };
    let replaces = cookie(&headers, SESSION_COOKIE).map(sha256);
    let armed = app.store.arm_session(store::ArmSession { session, replaces, browser_token }).await?;
    if !armed.hears {
        app.metrics.strangers.with_label_values(&[Kind::DeafPage.as_str()]).inc();
        // What an earlier minute had counted is told by the job that tells the rest.
        let (_, ended) = app.strangers.count(Kind::DeafPage, source, None, now);
        if let Some(event) = ended {
            // The session is armed whether or not that can be remembered.
            if let Err(error) = app.store.record_events(vec![event]).await {
                tracing::error!(%error, "deaf pages could not be recorded");
            }
        }
    }
    let body = Answered(Armed { state: Shown::Armed.as_str().to_owned(), expires_at: armed.expires_at });
    Ok((StatusCode::CREATED, [set_cookie(SESSION_COOKIE, &token, None)?], body).into_response())
}

/// A name that nobody can have, told from every name that somebody can.
fn nobodys(given: &str) -> String {
    format!("? {}", cut_unknown_user(given))
}

pub(super) async fn current(State(app): State<App>, visitor: Visitor) -> Answer<Response> {
    app.sign_of_life(&visitor).await?;
    let (shown, view) = app.shown(&visitor.page).await?;
    let mut response = Answered(view).into_response();
    if shown == Shown::Approved
        && let Some(cookie) = app.tell_approval(&visitor).await?
    {
        response.headers_mut().append(cookie.0, cookie.1);
    }
    Ok(response)
}

pub(super) async fn confirm(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<Confirm>,
) -> Answer<Answered<SessionView>> {
    // Whatever else it shows, there is nothing to confirm: that costs nobody's account a look, and takes the same time
    // whether or not somebody has the name.
    if visitor.page.session.challenge().is_none() {
        return Err(nothing_to_confirm(app.shown(&visitor.page).await?.0.as_str()));
    }
    let confirm = ConfirmSession { now: app.now(), token_digest: visitor.token_digest.clone(), mine: body.mine };
    match app.store.confirm_session(confirm).await? {
        Some(Ok(())) if body.mine => {}
        Some(Ok(())) => app.metrics.reported(),
        Some(Err(NothingToConfirm { shown })) => return Err(nothing_to_confirm(shown)),
        None => return Err(nothing_to_confirm(app.shown(&visitor.page).await?.0.as_str())),
    }
    let page = app.store.page(visitor.token_digest, app.now()).await?.ok_or_else(Problem::not_found)?;
    Ok(Answered(app.shown(&page).await?.1))
}

pub(super) fn nothing_to_confirm(shown: &'static str) -> Problem {
    Problem::new(Code::NothingToConfirm, "Nothing was changed.").with("state", shown)
}

impl Inner {
    /// Sends away who has armed deaf pages without end: each is a row. A browser that is bound is served all the same.
    async fn spare(&self, source: IpAddr, browser_token: Option<&str>) -> Answer<()> {
        let now = self.now();
        let Some(seconds) = self.strangers.seconds_to_wait(Kind::DeafPage, source, now) else { return Ok(()) };
        if let Some(token) = browser_token
            && self.store.is_bound(token.to_owned(), now).await?
        {
            return Ok(());
        }
        let problem = Problem::new(Code::Overloaded, "Too many pages from this address. Try again in a minute.");
        Err(problem.retry_after(seconds))
    }

    /// The page is still open.
    pub(super) async fn sign_of_life(&self, visitor: &Visitor) -> Answer<()> {
        let now = self.now();
        if visitor.page.session.wants_renewal(now) {
            self.store.renew_session(now, visitor.token_digest.clone()).await?;
        }
        Ok(())
    }

    /// What the page shows now.
    pub(super) async fn shown(self: &App, page: &Page) -> Answer<(Shown, SessionView)> {
        let session = &page.session;
        let challenge = match session.challenge() {
            Some(id) => Some(waiting::current(self, id).await?),
            None => None,
        };
        let shown = session.shown(challenge.as_ref(), page.is_eclipsed, self.now());
        let mut view = SessionView {
            state: shown.as_str().to_owned(),
            number: None,
            gateway: None,
            client_name: None,
            requested_at: None,
            open_until: None,
        };
        if let Shown::Number(number) = &shown {
            view.number = number.as_ref().map(|number| number.reveal().to_owned());
        }
        if shown == Shown::Armed && !page.is_eclipsed {
            view.open_until = session.open_by(self.now()).map(|opened| opened.until);
        }
        let tells = matches!(shown, Shown::Confirm | Shown::Number(_) | Shown::Approved | Shown::Refused);
        if let Some(challenge) = challenge.filter(|_| tells) {
            self.tell_login(session, &challenge, &mut view).await?;
        }
        Ok((shown, view))
    }

    /// A browser that is not known hears only that a login began, and when.
    async fn tell_login(&self, session: &Session, challenge: &Challenge, view: &mut SessionView) -> Answer<()> {
        view.requested_at = Some(challenge.created_at);
        if session.browser.is_some() {
            view.gateway = self.store.gateway(challenge.gateway).await?.map(|gateway| gateway.name);
            view.client_name.clone_from(&challenge.client.name);
        }
        Ok(())
    }

    /// Tells the approval to its browser, the first time; with the cookie that binds it.
    async fn tell_approval(&self, visitor: &Visitor) -> Answer<Option<(HeaderName, HeaderValue)>> {
        if matches!(visitor.page.session.stage, Stage::Serving { told: true, .. }) {
            return Ok(None);
        }
        let token = Secret::from_random("", &self.edge.random()?);
        let browser = BrowserId::new(self.now(), self.edge.random()?);
        let tell = TellApproval {
            now: self.now(),
            token_digest: visitor.token_digest.clone(),
            browser,
            browser_digest: token.digest(),
        };
        match self.store.tell_approval(tell).await? {
            Bound::New => Ok(Some(set_cookie(BROWSER_COOKIE, &token, Some(BOUND_SECONDS))?)),
            Bound::No => Ok(None),
        }
    }
}

/// The value of the cookie `name`; of two, the first.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(given, value)| *given == name && value.len() <= 128).map(|(_, value)| value).next()
}

/// `__Host-` (RFC 6265bis, section 4.1.3.2): this host alone, the whole host, and only over TLS.
fn set_cookie(name: &str, token: &Secret, seconds: Option<i64>) -> Answer<(HeaderName, HeaderValue)> {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={}; Path=/; Secure; HttpOnly; SameSite=Strict{age}", token.reveal());
    let value = HeaderValue::from_str(&text).map_err(Problem::internal)?;
    Ok((header::SET_COOKIE, value))
}

pub(super) async fn browsers(State(app): State<App>, name: Segment) -> Answer<Answered<Browsers>> {
    let name = name.username(&app.settings.domains)?;
    let account = app.store.account(name).await?.ok_or_else(Problem::not_found)?;
    let items = app.store.browsers(account.user.id).await?.iter().map(browser_view).collect();
    Ok(Answered(Browsers { items }))
}

pub(super) async fn remove_browser(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    UserAndId(name, id): UserAndId,
) -> Answer<StatusCode> {
    let name = app.settings.domains.canonical(&name).map_err(|_| Problem::not_found())?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let revoked = app.store.revoke_browser(app.act_of(&admin), name, id).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

fn browser_view(browser: &Browser) -> BrowserView {
    BrowserView {
        id: browser.id,
        client_names: browser.client_names.clone(),
        created_at: browser.created_at,
        expires_at: browser.expires_at,
        last_used_at: browser.last_used_at,
    }
}
