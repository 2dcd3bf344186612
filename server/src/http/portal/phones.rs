//! Phones: added, named, confirmed and removed by their person.

use askama::Template;
use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::enrollment::{MAX_LIFE_SECONDS, RegisterRefusal};
use gatematch_domain::factors::FactorChange;
use gatematch_domain::text::outside;
use gatematch_protocol::enrollment::EnrollmentCreated;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::problem::Code;
use serde_json::{Value, json};

use super::here::{Here, When};
use crate::http::own::BY_HIMSELF;
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Shell, page, see};
use crate::words::portal::Making;

#[derive(Template)]
#[template(path = "portal/phone.html")]
struct NewPhone {
    shell: Shell,
    words: &'static Making,
    picture: String,
    link: String,
    until: When,
    /// How many phones he has now: once there are more, the page goes on.
    phones: usize,
    /// What the phone must be confirmed by, where it must.
    confirm: &'static str,
}

/// A picture of ours without the head that only a file of its own has.
pub(super) fn picture(svg: &str) -> String {
    svg.find("<svg").and_then(|at| svg.get(at..)).unwrap_or_default().to_owned()
}

pub(super) async fn add(here: Here) -> Answer<Response> {
    let created = match here.enrollment().await {
        Ok(created) => created,
        Err(problem) => return here.again((String::new(), ""), problem).await,
    };
    let words = here.making;
    let by_phone = here.guest.visit.phone().is_some();
    let confirm = match (here.app.settings.require_device_confirmation, by_phone) {
        (false, _) => "",
        (true, true) => words.phone_confirm_own,
        (true, false) => words.phone_confirm_helpdesk,
    };
    page(&NewPhone {
        shell: here.shell(words.phone_title),
        words,
        picture: picture(created.qr_svg.reveal()),
        link: created.link.reveal().to_owned(),
        until: created.expires_at.into(),
        phones: here.guest.account.devices.len(),
        confirm,
    })
}

/// For the script of that page: how many phones there are.
pub(super) async fn count(here: Here) -> Json<Value> {
    Json(json!({"phones": here.guest.account.devices.len()}))
}

pub(super) async fn rename(here: Here, id: Segment, form: Form) -> Answer<Response> {
    let id: DeviceId = id.id()?;
    let typed = form.text("name").unwrap_or_default();
    let renamed = match outside("name", typed).map_err(Problem::from) {
        // Everybody may call his phones what he likes.
        Ok(name) => {
            let mut act = here.act();
            act.spares.clear();
            here.app.change(act, &here.guest.account, FactorChange::RenamePhone { id, name }).await
        }
        Err(problem) => Err(problem),
    };
    match renamed {
        Ok(()) => Ok(see("/portal?done=renamed")),
        Err(problem) => here.again((format!("rename-{id}"), typed), problem).await,
    }
}

pub(super) async fn remove(here: Here, id: Segment) -> Answer<Response> {
    let id: DeviceId = id.id()?;
    let change = FactorChange::RemovePhone { id, why: BY_HIMSELF.to_owned() };
    if let Err(problem) = here.app.change(here.act(), &here.guest.account, change).await {
        return here.again((String::new(), ""), problem).await;
    }
    if here.guest.visit.phone() != Some(id) {
        return Ok(see("/portal?done=phone-removed"));
    }
    here.gone()
}

pub(super) async fn confirm(here: Here, id: Segment, form: Form) -> Answer<Response> {
    let id: DeviceId = id.id()?;
    let typed = form.text("code").unwrap_or_default();
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    match here.confirm(id, digits).await {
        Ok(()) => Ok(see("/portal?done=confirmed")),
        Err(problem) if problem.code() == Code::WrongCode => {
            let is_left = here.account().await?.devices.iter().any(|device| device.id == id);
            let says = if is_left { here.words.fault_wrong_code } else { here.words.fault_wrong_last };
            here.told(StatusCode::UNPROCESSABLE_ENTITY, (format!("confirm-{id}"), typed), says).await
        }
        Err(problem) => here.again((String::new(), ""), problem).await,
    }
}

impl Here {
    /// A link for a new phone of his. It holds as long as the phone that let him in is there, or, where it was none, as
    /// long as nobody locks him out.
    async fn enrollment(&self) -> Answer<EnrollmentCreated> {
        let account = &self.guest.account;
        let by = self.guest.visit.phone().unwrap_or(DeviceId::NIL);
        self.may_add(by)?;
        if account.devices.len() >= self.app.settings.max_devices {
            return Err(RegisterRefusal::TooMany.into());
        }
        self.app.new_enrollment(self.act(), &account.user, MAX_LIFE_SECONDS, (false, Some(by))).await
    }

    /// Confirms a new phone of his; the write asks once more for the phone that let him in.
    async fn confirm(&self, id: DeviceId, digits: String) -> Answer<()> {
        let account = &self.guest.account;
        self.app.may_change(account)?;
        let is_his = account.devices.iter().any(|device| device.id == id);
        if !is_his || self.guest.visit.phone().is_none() {
            return Err(Problem::not_found());
        }
        Ok(self.app.store.confirm_device(self.act(), id, digits).await??)
    }
}
