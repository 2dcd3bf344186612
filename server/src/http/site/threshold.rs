//! In front of every page: who comes, whether he may, and whether he has sent the form himself.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use gatematch_domain::account::Account;
use gatematch_domain::address::is_global;
use gatematch_domain::audit::{Event, Outcome};
use gatematch_domain::text::disarm;
use gatematch_domain::username::Username;
use gatematch_domain::visit::{self, Place, Visit};
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::{Secret, sha256};

use super::cookie::Cookie;
use super::form::Form;
use super::{Admits, page, prove};
use crate::http::administrator::Administrator;
use crate::http::app::{App, Inner};
use crate::http::guard::{Source, source_of};
use crate::http::problem::{Answer, Problem, Refused};
use crate::words::Language;

/// The field of every form that tells that it is ours.
pub(super) const TOKEN: &str = "form_token";

/// What stands in front of one page.
#[derive(Clone)]
pub(super) struct Threshold {
    pub(super) app: App,
    pub(super) place: Place,
    pub(super) admits: Admits,
    pub(super) fresh: bool,
    pub(super) route: &'static str,
}

/// Somebody who is signed in at the console or the portal.
#[derive(Clone)]
pub(in crate::http) struct Guest {
    /// His visit.
    pub(in crate::http) visit: Visit,
    /// His account, as it is now.
    pub(in crate::http) account: Account,
    /// What his forms send back, so that no other site's form is taken for one of ours.
    pub(in crate::http) token: Secret,
}

impl Guest {
    /// The guest with the cookie of `place`, if his visit holds.
    async fn of(app: &Inner, place: Place, headers: &HeaderMap) -> Answer<Option<Self>> {
        let Some(cookie) = Cookie::Visit(place).of(headers) else { return Ok(None) };
        let visit = app.store.visit(sha256(cookie)).await?.filter(|visit| visit.place == place);
        let Some(visit) = visit.filter(|visit| visit.user.is_some()) else { return Ok(None) };
        let account = app.store.account(Username::from_stored(visit.name.clone())).await?;
        let Some(account) = account.filter(|account| visit.holds(account, app.now())) else {
            if !visit.is_finished() {
                app.store.finish(app.now(), visit.token_digest).await?;
            }
            return Ok(None);
        };
        // What follows from the cookie, and tells nothing of it.
        let token = Secret::new(sha256(format!("form {cookie}")));
        Ok(Some(Self { visit, account, token }))
    }
}

/// Lets a request through to its page, or says why not; remembers refusals, and gives each page its headers.
pub(super) async fn threshold(
    State(threshold): State<Threshold>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let source = source_of(peer.ip(), request.headers(), &threshold.app.settings.trusted_proxies);
    let language = Language::of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let guest = Guest::of(&threshold.app, threshold.place, request.headers()).await;
    let answer = match &guest {
        Err(_) => Err(Problem::new(Code::Unavailable, "The database does not answer.")),
        Ok(guest) => threshold.pass(guest.as_ref(), Source(source), language, request, next).await,
    };
    let response = answer.unwrap_or_else(Problem::into_response);
    let guest = guest.ok().flatten();
    let response = match response.extensions().get::<Refused>().cloned() {
        Some(refused) => {
            threshold.remember(&refused, guest.as_ref(), (&method, &path), response.status()).await;
            page::refusal(&threshold.app, threshold.place, guest.as_ref(), language, response)
        }
        None => response,
    };
    page::with_headers(response)
}

impl Threshold {
    async fn pass(
        &self,
        guest: Option<&Guest>,
        source: Source,
        language: Language,
        request: Request,
        next: Next,
    ) -> Answer<Response> {
        // Where one listener serves everything, the console is for this network all the same.
        let is_outside = self.app.settings.public_listen.is_none() && is_global(source.0);
        if self.place == Place::Console && is_outside {
            return Err(Problem::new(Code::NotFound, "There is no such path."));
        }
        let (mut parts, body) = request.into_parts();
        let acts = parts.method == Method::POST;
        if acts {
            from_here(&parts.headers)?;
        }
        match (self.admits, guest) {
            (Admits::Anyone, _) | (Admits::Persons, Some(_)) => {}
            (Admits::Operators(roles), Some(guest)) => {
                let role = guest.account.user.role.filter(|role| roles.contains(role));
                role.ok_or_else(|| Problem::new(Code::RoleNotAllowed, "Your role does not allow this."))?;
            }
            (_, None) => return Ok(self.to_the_door(&parts, acts)),
        }
        if acts {
            let form = Form::read(&parts.headers, body).await?;
            if let Some(guest) = guest.filter(|_| self.admits != Admits::Anyone) {
                let token = Secret::new(form.raw(TOKEN).unwrap_or_default());
                if token != guest.token {
                    return Err(Problem::new(Code::CrossSite, "This form was not made for this visit."));
                }
            }
            if let Some(guest) = guest.filter(|guest| self.asks_anew(guest))
                && let Some(page) = prove::prove(&self.app, guest, source, language, (parts.uri.path(), &form)).await?
            {
                return Ok(page);
            }
            parts.extensions.insert(form);
        }
        if let Some(guest) = guest {
            // A page that only waits is no sign of life of its person.
            if guest.visit.wants_renewal(self.app.now()) && !waits(&parts) {
                self.app.store.seen(self.app.now(), guest.visit.token_digest.clone()).await?;
            }
            parts.extensions.insert(guest.clone());
        }
        parts.extensions.insert(source);
        parts.extensions.insert(self.place);
        parts.extensions.insert(language);
        Ok(next.run(Request::from_parts(parts, axum::body::Body::empty())).await)
    }

    /// Whether he must prove anew that it is he. At the portal, whoever was let in without a phone may have none, or have
    /// lost it: there, those prove it by their phones who came by them.
    fn asks_anew(&self, guest: &Guest) -> bool {
        let can_prove = self.place == Place::Console || guest.visit.phone().is_some();
        self.fresh && can_prove && !guest.visit.is_fresh(self.app.now())
    }

    /// Whoever is not signed in is shown where he can; after that he comes back to what he wanted to see.
    fn to_the_door(&self, parts: &Parts, acts: bool) -> Response {
        let door = format!("/{}/sign-in", self.place.as_str());
        let wanted = parts.uri.path_and_query().map_or("", |wanted| wanted.as_str());
        if waits(parts) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let next = if acts { "over=1".to_owned() } else { query(&[("next", wanted)]) };
        Redirect::to(&format!("{door}?{next}")).into_response()
    }

    async fn remember(&self, refused: &Refused, guest: Option<&Guest>, asked: (&Method, &str), status: StatusCode) {
        let Some(guest) = guest.filter(|_| status.is_client_error()) else { return };
        let actor = visit::actor(self.place, &guest.account);
        let event = Event::new("request.refused", actor, self.app.now()).ended(Outcome::Refused, refused.code.as_str());
        let event = event.user(&guest.account.user.username).with("method", asked.0.as_str()).with("route", self.route);
        let path: String = disarm(asked.1).chars().take(200).collect();
        let event = event.with("path", path).with("status", status.as_u16());
        if let Err(error) = self.app.store.record_events(vec![event]).await {
            tracing::error!(%error, "a refusal could not be recorded");
        }
    }
}

/// Whether a script asks, again and again.
fn waits(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).is_some_and(|accept| {
        accept.as_bytes().starts_with(b"application/json") || accept.as_bytes().starts_with(b"text/event-stream")
    })
}

/// The parameters as they stand in an address.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Refuses what a page of another site makes a browser send (Fetch Metadata of the W3C; RFC 6454 section 7). What is no
/// browser says nothing of it.
fn from_here(headers: &HeaderMap) -> Answer<()> {
    let elsewhere = || Problem::new(Code::CrossSite, "Only a page of this server may ask for this.");
    let text = |name: &header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if headers.get_all("sec-fetch-site").iter().any(|site| site != "same-origin") {
        return Err(elsewhere());
    }
    let Some(origin) = text(&header::ORIGIN) else { return Ok(()) };
    let host = text(&header::HOST).unwrap_or_default();
    let is_same =
        origin.split_once("://").is_some_and(|(_, origin)| !host.is_empty() && origin.eq_ignore_ascii_case(host));
    // A proxy may call us by another name; the browser's own word on it stands above.
    if is_same || headers.contains_key("sec-fetch-site") { Ok(()) } else { Err(elsewhere()) }
}

/// Who is signed in.
pub(in crate::http) struct TheGuest(pub(in crate::http) Guest);

impl<S: Send + Sync> FromRequestParts<S> for TheGuest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let guest = parts.extensions.get::<Guest>().cloned();
        guest.map(Self).ok_or_else(|| Problem::internal("nobody is signed in on a page for those who are"))
    }
}

/// Who is signed in at the console, with what he may do there.
pub(in crate::http) struct TheOperator(pub(in crate::http) Guest, pub(in crate::http) Administrator);

impl<S: Send + Sync> FromRequestParts<S> for TheOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let TheGuest(guest) = TheGuest::from_request_parts(parts, state).await?;
        let administrator = Administrator::at_console(&guest);
        let administrator =
            administrator.ok_or_else(|| Problem::internal("somebody without a role is at the console"))?;
        Ok(Self(guest, administrator))
    }
}
