//! Who is at the portal, with what each of its pages needs.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::factors::FactorRefusal;
use gatematch_domain::visit::{self, By, Place, Stage};
use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::home;
use crate::http::app::App;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Guest, Shell, TheGuest, page};
use crate::store::Act;
use crate::words::Language;
use crate::words::portal::{Making, Portal, Recent};

/// Who is at the portal, with what each of its pages needs.
pub(super) struct Here {
    pub(super) app: App,
    pub(super) guest: Guest,
    pub(super) language: Language,
    pub(super) words: &'static Portal,
    pub(super) making: &'static Making,
    pub(super) recent: &'static Recent,
}

impl FromRequestParts<App> for Here {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let TheGuest(guest) = TheGuest::from_request_parts(parts, app).await?;
        let language = parts.extensions.get::<Language>().copied().unwrap_or_default();
        let (words, making, recent) = (Portal::of(language), Making::of(language), Recent::of(language));
        Ok(Self { app: app.clone(), guest, language, words, making, recent })
    }
}

#[derive(Template)]
#[template(path = "portal/gone.html")]
struct Gone {
    shell: Shell,
    words: &'static Making,
}

/// What the home page tells beside what it shows.
#[derive(Default)]
pub(super) struct Told {
    /// What was done a moment ago.
    pub(super) done: &'static str,
    /// Whether a login was reported that had let somebody in.
    pub(super) alarm: bool,
    /// Why something was not done.
    pub(super) fault: Option<Fault>,
}

/// Why something was not done.
pub(super) struct Fault {
    /// The field that it is about, or nothing.
    pub(super) at: String,
    /// Why.
    pub(super) says: &'static str,
    /// What was typed there.
    pub(super) typed: String,
}

impl Told {
    /// What is wrong with the field `at`.
    pub(super) fn fault_at(&self, at: &str) -> Option<&Fault> {
        self.fault.as_ref().filter(|fault| fault.at == at)
    }
}

impl Here {
    /// He acts now, at the portal, as long as his visit holds.
    pub(super) fn act(&self) -> Act {
        let mut act = self.app.act(visit::actor(Place::Portal, &self.guest.account));
        act.spares.clone_from(&self.app.settings.protected_groups);
        act.visit = Some(self.guest.visit.token_digest.clone());
        act
    }

    /// Whether he may add something now, counted as by the phone `by`. The write asks again; what is asked before spares the
    /// server the work of making what nobody gets.
    pub(super) fn may_add(&self, by: DeviceId) -> Answer<()> {
        let account = &self.guest.account;
        self.app.may_change(account)?;
        let counted = account.user.limits.clone().own_change(by, self.app.now());
        Ok(counted.map_err(|seconds| FactorRefusal::TooOften { seconds })?)
    }

    /// Whether this pass let him in.
    pub(super) fn came_by(&self, id: AuthenticatorId) -> bool {
        matches!(self.guest.visit.stage, Stage::Inside { by: By::AccessPass(pass), .. } if pass == id)
    }

    /// The page that tells that his visit is over, since what had let him in is gone.
    pub(super) fn gone(&self) -> Answer<Response> {
        let words = self.making;
        let shell = Shell::new(&self.app, Place::Portal, None, self.language, ("", words.gone_title));
        page(&Gone { shell, words })
    }

    /// His account as it is now: he may have changed it since the request began.
    pub(super) async fn account(&self) -> Answer<Account> {
        let name = self.guest.account.user.username.clone();
        self.app.store.account(name).await?.ok_or_else(Problem::not_found)
    }

    /// What stands around a page of his.
    pub(super) fn shell(&self, title: &str) -> Shell {
        Shell::new(&self.app, Place::Portal, Some(&self.guest), self.language, ("", title))
    }

    /// The home page once more, since something was not done.
    ///
    /// # Errors
    /// The problem itself, where the page has no words for it.
    pub(super) async fn again(&self, field: (String, &str), problem: Problem) -> Answer<Response> {
        let Some((status, says)) = self.words_for(problem.code()) else { return Err(problem) };
        self.told(status, field, says).await
    }

    /// The home page once more, with this fault.
    pub(super) async fn told(
        &self,
        status: StatusCode,
        (at, typed): (String, &str),
        says: &'static str,
    ) -> Answer<Response> {
        let fault = Fault { at, says, typed: typed.to_owned() };
        let mut response = home::page_of(self, Told { fault: Some(fault), ..Told::default() }).await?;
        *response.status_mut() = status;
        Ok(response)
    }

    fn words_for(&self, code: Code) -> Option<(StatusCode, &'static str)> {
        let words = self.words;
        let says = match code {
            Code::AccountLocked => words.fault_locked,
            Code::RoleNotAllowed => words.fault_protected,
            // To a machine this would say that the server is broken; a person has done too much.
            Code::Overloaded => return Some((StatusCode::TOO_MANY_REQUESTS, words.fault_too_often)),
            Code::TooManyDevices | Code::TooManyAuthenticators => words.fault_too_many,
            Code::InvalidValue => words.fault_name,
            Code::WrongCode => words.fault_wrong_code,
            Code::AuthenticatorConfirmed | Code::DeviceConfirmed => words.fault_confirmed,
            _ => return None,
        };
        Some((StatusCode::from_u16(code.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), says))
    }
}

/// A time, for machines and for people.
pub(super) struct When {
    pub(super) machine: String,
    pub(super) shown: String,
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        let whole: String = at.to_string().chars().take("2031-01-31T08:00:00".len()).collect();
        Self { machine: format!("{whole}Z"), shown: format!("{} UTC", whole.replace('T', " ")) }
    }
}
