//! What stands around every page of the console and the portal, and the headers of each.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::problem::Code;

use super::Guest;
use crate::http::app::{App, Inner};
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem, Refused};
use crate::words::Language;
use crate::words::shell::Shell as Words;

/// Nothing from elsewhere, nothing inline, in nobody's frame, forms to nobody else, and no text that becomes a script
/// (CSP level 3).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// A style sheet, or a script, of ours.
macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../site/", $name)))),*]
    };
}

/// What pages need beside themselves.
const ASSETS: &[(&str, &str)] = assets![
    "door.js",
    "people.css",
    "people.js",
    "portal.css",
    "portal.js",
    "rules.css",
    "rules.js",
    "site.css",
    "site.js",
    "watch.css",
    "watch.js",
];

/// What stands around a page.
pub(in crate::http) struct Shell {
    /// The page's language, as `lang` says it.
    pub(in crate::http) lang: &'static str,
    /// The words around pages.
    pub(in crate::http) words: &'static Words,
    /// The company.
    pub(in crate::http) company: String,
    /// `console` or `portal`.
    pub(in crate::http) place: &'static str,
    /// What the page is about.
    pub(in crate::http) title: String,
    /// The rail: where each entry leads, what it is called, and whether it is this page's.
    pub(in crate::http) rail: Vec<(&'static str, &'static str, bool)>,
    /// Who is signed in.
    pub(in crate::http) who: Option<Who>,
}

/// Who is signed in, as pages show it.
pub(in crate::http) struct Who {
    /// His name.
    pub(in crate::http) name: String,
    /// What he may do, in a word.
    pub(in crate::http) role: &'static str,
    /// The token of his forms.
    pub(in crate::http) token: String,
}

impl Shell {
    /// What stands around the page `title`, in the part `section` of the console or the portal.
    pub(in crate::http) fn new(
        app: &Inner,
        place: Place,
        guest: Option<&Guest>,
        language: Language,
        (section, title): (&str, impl Into<String>),
    ) -> Self {
        let words = Words::of(language);
        let role = guest.and_then(|guest| guest.account.user.role).filter(|_| place == Place::Console);
        let rail = match (place, guest, role) {
            (Place::Console, Some(_), Some(role)) => console_rail(words, role),
            _ => Vec::new(),
        };
        let rail = rail.into_iter().map(|(key, href, label)| (href, label, key == section)).collect();
        let who = guest.map(|guest| Who {
            name: guest.account.user.username.to_string(),
            role: role.map_or("", |role| words.role(role)),
            token: guest.token.reveal().to_owned(),
        });
        Self {
            lang: language.tag(),
            words,
            company: app.settings.name.clone(),
            place: place.as_str(),
            title: title.into(),
            rail,
            who,
        }
    }

    /// The token of this person's forms; nothing where nobody is signed in.
    pub(in crate::http) fn token(&self) -> &str {
        self.who.as_ref().map_or("", |who| who.token.as_str())
    }
}

impl Words {
    /// What a role is called.
    pub(in crate::http) const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Admin => self.role_admin,
            Role::Helpdesk => self.role_helpdesk,
            Role::Auditor => self.role_auditor,
        }
    }
}

/// The rail of the console for somebody with this role: what he may see.
fn console_rail(words: &'static Words, role: Role) -> Vec<(&'static str, &'static str, &'static str)> {
    let all = [
        ("overview", "/console", words.overview, &Role::ALL[..]),
        ("sign-ins", "/console/sign-ins", words.sign_ins, &[Role::Admin, Role::Auditor]),
        ("people", "/console/people", words.people, &[Role::Admin, Role::Helpdesk]),
        ("gateways", "/console/gateways", words.gateways, &[Role::Admin]),
        ("policy", "/console/policy", words.policy, &[Role::Admin]),
        ("audit", "/console/audit", words.audit, &[Role::Admin, Role::Auditor]),
        ("settings", "/console/settings", words.settings, &[Role::Admin]),
    ];
    let seen = all.into_iter().filter(|(.., roles)| roles.contains(&role));
    seen.map(|(key, href, label, _)| (key, href, label)).collect()
}

/// A page.
///
/// # Errors
/// 500 where it cannot be written.
pub(in crate::http) fn page(template: &impl Template) -> Answer<Response> {
    Ok(Html(template.render().map_err(Problem::internal)?).into_response())
}

/// Sends the browser to another page, to be read from there (303).
pub(in crate::http) fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}

#[derive(Template)]
#[template(path = "site/refusal.html")]
struct Refusal<'a> {
    shell: Shell,
    code: &'a str,
    what: &'static str,
    then: &'static str,
    detail: String,
}

/// The page in place of a problem document: what happened, what it means, what to do.
pub(super) fn refusal(
    app: &App,
    place: Place,
    guest: Option<&Guest>,
    language: Language,
    problem: Response,
) -> Response {
    let status = problem.status();
    let Some(refused) = problem.extensions().get::<Refused>().cloned() else { return problem };
    let words = Words::of(language);
    let (what, then) = words.refusal(refused.code);
    let shell = Shell::new(app, place, guest, language, ("", words.refused_title));
    // It is English and for the helpdesk; what is said in words stands above it.
    let page = Refusal { shell, code: refused.code.as_str(), what, then, detail: refused.detail.clone() };
    let mut response = match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => return problem,
    };
    *response.status_mut() = if status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { status };
    if let Some(after) = problem.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response.extensions_mut().insert(refused);
    response
}

impl Words {
    /// What a refusal says, and what to do then.
    pub(in crate::http) const fn refusal(&self, code: Code) -> (&'static str, &'static str) {
        match code {
            Code::NotFound => (self.not_found, self.not_found_then),
            Code::RoleNotAllowed => (self.role_refused, self.role_refused_then),
            Code::OwnAccount => (self.own_account, self.own_account_then),
            Code::CrossSite => (self.cross_site, self.cross_site_then),
            Code::CredentialInvalid | Code::CredentialMissing => (self.over, self.over_then),
            Code::AccountLocked => (self.locked, self.locked_then),
            Code::WrongCode => (self.wrong_code, self.wrong_code_then),
            Code::Overloaded | Code::TooManyFailures => (self.wait, self.wait_then),
            Code::Internal | Code::Unavailable => (self.broken, self.broken_then),
            _ => (self.invalid, self.invalid_then),
        }
    }
}

/// Gives each page its headers: not to be kept by anybody, and only as ours.
pub(super) fn with_headers(mut response: Response) -> Response {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (header::VARY, HeaderValue::from_static("accept-language, cookie")),
    ];
    response.headers_mut().extend(fixed);
    let kept = response.headers().contains_key(header::CACHE_CONTROL);
    if !kept {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A file that pages need.
pub(super) async fn asset(State(_): State<App>, Extension(_): Extension<Place>, name: Segment) -> Answer<Response> {
    let name = name.text()?;
    let found = ASSETS.iter().find(|(own, _)| *own == name).map(|(_, text)| *text);
    let (media, text) = match (name, found) {
        ("logo.svg", _) => ("image/svg+xml", crate::connect::LOGO),
        (name, Some(text)) if name.ends_with(".css") => ("text/css; charset=utf-8", text),
        (_, Some(text)) => ("text/javascript; charset=utf-8", text),
        (_, None) => return Err(Problem::not_found()),
    };
    let kept = HeaderValue::from_static("no-cache");
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(media)), (header::CACHE_CONTROL, kept)], text).into_response())
}
