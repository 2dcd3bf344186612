//! What somebody signs in with when his phone is not at hand: apps and recovery codes, made and removed by himself.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::factors::FactorChange;
use gatematch_protocol::authenticator::{ConfirmTotp, RecoveryCodesCreated, TotpCreated};
use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::Secret;

use super::here::{Here, When};
use super::phones::picture;
use crate::http::own::BY_HIMSELF;
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Shell, page, see};
use crate::words::portal::Making;
use crate::words::with;

#[derive(Template)]
#[template(path = "portal/app.html")]
struct NewApp {
    shell: Shell,
    words: &'static Making,
    id: String,
    shown: Option<Shown>,
    fault: &'static str,
}

/// What is shown of an app once.
struct Shown {
    picture: String,
    secret: String,
    link: String,
}

#[derive(Template)]
#[template(path = "portal/codes.html")]
struct NewCodes {
    shell: Shell,
    words: &'static Making,
    whose: String,
    codes: Vec<String>,
    made: When,
}

pub(super) async fn add_app(here: Here, form: Form) -> Answer<Response> {
    let typed = form.text("name");
    match here.new_app(typed).await {
        Ok(TotpCreated { id, secret, otpauth_uri, qr_svg }) => {
            let picture = picture(qr_svg.reveal());
            let shown = Shown { picture, secret: grouped(secret.reveal()), link: otpauth_uri.reveal().to_owned() };
            here.app_page(here.making.app_title, id.to_string(), Some(shown), "")
        }
        Err(problem) => here.again(("app-name".to_owned(), typed.unwrap_or_default()), problem).await,
    }
}

pub(super) async fn confirm_app(here: Here, id: Segment, form: Form) -> Answer<Response> {
    let id: AuthenticatorId = id.id()?;
    let body = ConfirmTotp { code: Secret::new(form.text("code").unwrap_or_default()) };
    let confirmed = match here.app.may_change(&here.guest.account) {
        Ok(()) => here.app.confirm(here.act(), &here.guest.account, &id.to_string(), body).await,
        Err(problem) => Err(problem),
    };
    let Err(problem) = confirmed else { return Ok(see("/portal?done=app")) };
    if problem.code() != Code::WrongCode {
        return here.again((String::new(), ""), problem).await;
    }
    if !here.account().await?.factors.iter().any(|factor| factor.id == id) {
        let says = here.words.fault_wrong_last;
        return here.told(StatusCode::UNPROCESSABLE_ENTITY, (String::new(), ""), says).await;
    }
    let mut page = here.app_page(here.making.app_again_title, id.to_string(), None, here.words.fault_wrong_code)?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

pub(super) async fn make(here: Here) -> Answer<Response> {
    let created = match here.new_codes().await {
        Ok(created) => created,
        Err(problem) => return here.again((String::new(), ""), problem).await,
    };
    let words = here.making;
    page(&NewCodes {
        shell: here.shell(words.codes_title),
        words,
        whose: with(words.codes_of, &[here.guest.account.user.username.as_str()]),
        codes: created.codes.iter().map(|code| code.reveal().to_owned()).collect(),
        made: here.app.now().into(),
    })
}

pub(super) async fn remove(here: Here, id: Segment) -> Answer<Response> {
    let id: AuthenticatorId = id.id()?;
    let change = FactorChange::Remove { id, reason: Some(BY_HIMSELF.to_owned()), bypass: false };
    match here.app.change(here.act(), &here.guest.account, change).await {
        Ok(()) if here.came_by(id) => here.gone(),
        Ok(()) => Ok(see("/portal?done=removed")),
        Err(problem) => here.again((String::new(), ""), problem).await,
    }
}

impl Here {
    async fn new_app(&self, name: Option<&str>) -> Answer<TotpCreated> {
        self.may_add(DeviceId::NIL)?;
        self.app.new_totp(self.act(), &self.guest.account, name, None).await
    }

    async fn new_codes(&self) -> Answer<RecoveryCodesCreated> {
        self.may_add(DeviceId::NIL)?;
        self.app.new_recovery_codes(self.act(), &self.guest.account, None).await
    }

    fn app_page(
        &self,
        title: &str,
        id: String,
        shown: Option<Shown>,
        fault: &'static str,
    ) -> Result<Response, Problem> {
        page(&NewApp { shell: self.shell(title), words: self.making, id, shown, fault })
    }
}

/// A secret in groups of four, as one can read and type it.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
