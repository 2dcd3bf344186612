//! What a person manages himself, signed in by one of his phones: the proof of its key is the factor that each change
//! asks for.

use axum::Json as Answered;
use axum::extract::State;
use axum::http::StatusCode;
use gatematch_domain::account::Account;
use gatematch_domain::audit::Actor;
use gatematch_domain::enrollment::MAX_LIFE_SECONDS;
use gatematch_domain::factors::FactorChange;
use gatematch_domain::fault::seconds;
use gatematch_domain::text::outside;
use gatematch_protocol::authenticator::{
    Authenticators, ConfirmTotp, CreateOwnEnrollment, CreateRecoveryCodes, CreateTotp, RecoveryCodesCreated,
    RenameDevice, TotpConfirmed, TotpCreated,
};
use gatematch_protocol::device::PhoneView;
use gatematch_protocol::enrollment::EnrollmentCreated;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::problem::Code;

use super::administrator::needs_admin;
use super::app::{App, Inner};
use super::body::Json;
use super::guard::PhoneCaller;
use super::params::{Segment, ThePhone};
use super::problem::{Answer, Problem};
use crate::store::Act;

/// Why a phone or another factor goes, where its person removes it.
pub(super) const BY_HIMSELF: &str = "removed by its person";

pub(super) async fn list(State(app): State<App>, ThePhone(phone): ThePhone) -> Answer<Answered<Authenticators>> {
    let account = app.own_account(&phone).await?;
    Ok(Answered(Authenticators { items: account.authenticators(app.now()) }))
}

pub(super) async fn remove(State(app): State<App>, ThePhone(phone): ThePhone, id: Segment) -> Answer<StatusCode> {
    let account = app.own_account(&phone).await?;
    let is_phone = |device: &DeviceId| account.devices.iter().any(|phone| phone.id == *device);
    let change = match id.id::<DeviceId>().ok().filter(is_phone) {
        Some(id) => FactorChange::RemovePhone { id, why: BY_HIMSELF.to_owned() },
        None => FactorChange::Remove { id: id.id()?, reason: Some(BY_HIMSELF.to_owned()), bypass: false },
    };
    app.change(app.own_act(&phone), &account, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_phone(State(app): State<App>, ThePhone(phone): ThePhone, id: Segment) -> Answer<StatusCode> {
    let account = app.own_account(&phone).await?;
    let change = FactorChange::RemovePhone { id: id.id()?, why: BY_HIMSELF.to_owned() };
    app.change(app.own_act(&phone), &account, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn rename_phone(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    id: Segment,
    Json(body): Json<RenameDevice>,
) -> Answer<Answered<PhoneView>> {
    let account = app.own_account(&phone).await?;
    let id: DeviceId = id.id()?;
    let name = outside("name", &body.name)?;
    // Everybody may call his phones what he likes.
    app.change(app.act(Actor::Device(phone.device.id)), &account, FactorChange::RenamePhone { id, name }).await?;
    let account = app.own_account(&phone).await?;
    let renamed = account.devices.iter().find(|device| device.id == id).ok_or_else(Problem::not_found)?;
    Ok(Answered(renamed.view_by(phone.device.id)))
}

pub(super) async fn enroll(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    Json(body): Json<CreateOwnEnrollment>,
) -> Answer<(StatusCode, Answered<EnrollmentCreated>)> {
    let account = app.own_account(&phone).await?;
    app.may_change(&account)?;
    let life = seconds("expires_in", body.expires_in, MAX_LIFE_SECONDS, 1..=MAX_LIFE_SECONDS)?;
    let by = Some(phone.device.id);
    let created = app.new_enrollment(app.own_act(&phone), &account.user, life, (false, by)).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn add_totp(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    Json(body): Json<CreateTotp>,
) -> Answer<(StatusCode, Answered<TotpCreated>)> {
    let account = app.own_account(&phone).await?;
    app.may_change(&account)?;
    let created = app.new_totp(app.own_act(&phone), &account, body.name.as_deref(), None).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn confirm_totp(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    id: Segment,
    Json(body): Json<ConfirmTotp>,
) -> Answer<Answered<TotpConfirmed>> {
    let account = app.own_account(&phone).await?;
    app.may_change(&account)?;
    app.confirm(app.own_act(&phone), &account, id.text()?, body).await
}

pub(super) async fn make_recovery_codes(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    Json(_): Json<CreateRecoveryCodes>,
) -> Answer<(StatusCode, Answered<RecoveryCodesCreated>)> {
    let account = app.own_account(&phone).await?;
    app.may_change(&account)?;
    let created = app.new_recovery_codes(app.own_act(&phone), &account, None).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

impl Inner {
    /// The account of the phone that calls. A phone that nobody has confirmed may be anybody's: it manages nothing.
    async fn own_account(&self, phone: &PhoneCaller) -> Answer<Account> {
        let account = self.store.account(phone.user.username.clone()).await?.ok_or_else(Problem::not_found)?;
        if account.active_device(phone.device.id).is_none() {
            return Err(Problem::new(Code::RoleNotAllowed, "This phone must be confirmed first."));
        }
        Ok(account)
    }

    /// Whether its person may add to his account now: it is not locked, and not one that administrators alone manage.
    pub(super) fn may_change(&self, account: &Account) -> Answer<()> {
        if !account.user.may_sign_in() {
            return Err(Problem::new(Code::AccountLocked, "Nothing was changed."));
        }
        if account.user.is_protected(&self.settings.protected_groups) {
            return Err(needs_admin("Managing a user of a protected group"));
        }
        Ok(())
    }

    fn own_act(&self, phone: &PhoneCaller) -> Act {
        let mut act = self.act(Actor::Device(phone.device.id));
        act.spares.clone_from(&self.settings.protected_groups);
        act
    }
}
