//! Who does something at the console, and for whom.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use gatematch_domain::account::Account;
use gatematch_domain::visit::Place;

use super::shown::{path_of, told};
use crate::http::administrator::Administrator;
use crate::http::app::App;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Guest, Shell, TheOperator, see};
use crate::standing::Shut;
use crate::store::Act;
use crate::words::Language;
use crate::words::people::acts::Acts;
use crate::words::people::once::Once;
use crate::words::with;

/// The person in the path, and what of his is meant, where there is more.
pub(super) struct Whose {
    name: String,
    /// What of his is meant; empty where that is himself.
    pub(super) id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Whose {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut path) = path.map_err(|_| Problem::not_found())?;
        let name = path.remove("name").ok_or_else(Problem::not_found)?;
        Ok(Self { name, id: path.remove("id").unwrap_or_default() })
    }
}

/// An operator before a person.
pub(super) struct Scene {
    pub(super) app: App,
    pub(super) language: Language,
    pub(super) guest: Guest,
    pub(super) admin: Administrator,
    pub(super) account: Account,
}

impl Scene {
    /// Whoever may look at people looks at this one.
    ///
    /// # Errors
    /// 404 where there is nobody of this name.
    pub(super) async fn looking(
        app: &App,
        language: Language,
        TheOperator(guest, admin): TheOperator,
        whose: &Whose,
    ) -> Answer<Self> {
        let username = app.settings.domains.canonical(&whose.name).map_err(|_| Problem::not_found())?;
        let account = app.store.account(username).await?.ok_or_else(Problem::not_found)?;
        Ok(Self { app: App::clone(app), language, guest, admin, account })
    }

    /// The same, where the operator may manage the person.
    ///
    /// # Errors
    /// 404, 403.
    pub(super) async fn managing(app: &App, language: Language, who: TheOperator, whose: &Whose) -> Answer<Self> {
        let scene = Self::looking(app, language, who, whose).await?;
        scene.may_manage()?;
        Ok(scene)
    }

    /// Whether the operator may manage the person.
    ///
    /// # Errors
    /// 403.
    pub(super) fn may_manage(&self) -> Answer<()> {
        self.app.may_manage(&self.admin, &self.account.user)
    }

    /// The operator acts now.
    pub(super) fn act(&self) -> Act {
        self.app.act_of(&self.admin)
    }

    /// The name as it stands in a sentence.
    pub(super) fn name(&self) -> String {
        told(self.account.user.username.as_str())
    }

    /// The person's page.
    pub(super) fn page(&self) -> String {
        path_of(self.account.user.username.as_str())
    }

    /// Sends the browser to the person's page, where it is said what was done.
    pub(super) fn done(&self, what: &str) -> axum::response::Response {
        see(&format!("{}?done={what}", self.page()))
    }

    /// What stands around a page about the person.
    pub(super) fn shell(&self, title: impl Into<String>) -> Shell {
        Shell::new(&self.app, Place::Console, Some(&self.guest), self.language, ("people", title))
    }

    /// What is asked and said around doing something.
    pub(super) const fn acts(&self) -> &'static Acts {
        Acts::of(self.language)
    }

    /// What is said around what is shown once.
    pub(super) const fn once(&self) -> &'static Once {
        Once::of(self.language)
    }

    /// Why what is made is of no use before the account is open again; empty where it is open.
    pub(super) fn shut(&self) -> String {
        let words = self.once();
        let text = match Shut::of(&self.account.user, self.app.settings.dormant_after, self.app.now()) {
            None => return String::new(),
            Some(Shut::Disabled) => words.shut_disabled,
            Some(Shut::Locked) => words.shut_locked,
            Some(Shut::Dormant) => words.shut_dormant,
        };
        with(text, &[&self.name()])
    }
}
