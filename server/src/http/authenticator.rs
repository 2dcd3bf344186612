//! What a person signs in with besides his phone, as administrators and the helpdesk manage it (contract section 10).

use axum::Json as Answered;
use axum::extract::State;
use axum::http::StatusCode;
use gatematch_domain::account::Account;
use gatematch_domain::factors::FactorChange;
use gatematch_domain::terms::{BypassTerms, PassTerms};
use gatematch_domain::text::{outside_if_given, reason};
use gatematch_protocol::authenticator::{
    AccessPassCreated, Authenticators, Because, BypassCreated, Bypasses, ConfirmTotp, CreateAccessPass, CreateBypass,
    CreateRecoveryCodes, CreateTotp, RecoveryCodesCreated, TotpConfirmed, TotpCreated,
};
use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::UserView;

use super::administrator::Administrator;
use super::app::{App, Inner};
use super::body::Json;
use super::enrollment::qr_svg;
use super::params::{Query, Segment, TheAdmin, UserAndId};
use super::problem::{Answer, Problem};
use super::user::{named, view};
use crate::factors::{Maker, NewTotp, otpauth_uri};
use crate::store::Act;

/// Why a phone or another factor goes, where nobody tells more.
pub(super) const BY_ADMINISTRATOR: &str = "removed by an administrator";

pub(super) async fn list(State(app): State<App>, name: Segment) -> Answer<Answered<Authenticators>> {
    Ok(Answered(Authenticators { items: named(&app, &name).await?.authenticators(app.now()) }))
}

pub(super) async fn remove(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    UserAndId(name, id): UserAndId,
    query: Query,
) -> Answer<StatusCode> {
    let account = app.managed(&admin, &name).await?;
    let reason = app.query_reason(&query)?;
    app.remove_one(app.act_of(&admin), &account, &id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn add_totp(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<CreateTotp>,
) -> Answer<(StatusCode, Answered<TotpCreated>)> {
    let account = app.managed(&admin, name.text()?).await?;
    let reason = app.reason(body.reason.as_deref())?;
    let created = app.new_totp(app.act_of(&admin), &account, body.name.as_deref(), reason).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn confirm_totp(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    UserAndId(name, id): UserAndId,
    Json(body): Json<ConfirmTotp>,
) -> Answer<Answered<TotpConfirmed>> {
    let account = app.managed(&admin, &name).await?;
    app.confirm(app.act_of(&admin), &account, &id, body).await
}

pub(super) async fn make_recovery_codes(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<CreateRecoveryCodes>,
) -> Answer<(StatusCode, Answered<RecoveryCodesCreated>)> {
    let account = app.managed(&admin, name.text()?).await?;
    let reason = app.reason(body.reason.as_deref())?;
    let created = app.new_recovery_codes(app.act_of(&admin), &account, reason).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn make_access_pass(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<CreateAccessPass>,
) -> Answer<(StatusCode, Answered<AccessPassCreated>)> {
    let account = app.managed(&admin, name.text()?).await?;
    let reason = app.reason(body.reason.as_deref())?;
    let terms = PassTerms::from_body(&body, app.now())?;
    let created = app.new_access_pass(app.act_of(&admin), &account, terms, reason).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn make_bypass(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<CreateBypass>,
) -> Answer<(StatusCode, Answered<BypassCreated>)> {
    let account = app.managed(&admin, name.text()?).await?;
    let terms = BypassTerms::from_body(&body, app.now())?;
    let created = app.new_bypass(app.act_of(&admin), &account, terms).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) async fn bypasses(State(app): State<App>, name: Segment) -> Answer<Answered<Bypasses>> {
    let account = named(&app, &name).await?;
    let now = app.now();
    let in_force = account.factors.iter().filter(|factor| factor.method(now).is_some());
    Ok(Answered(Bypasses { items: in_force.filter_map(|factor| factor.bypass_view()).collect() }))
}

pub(super) async fn remove_bypass(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    UserAndId(name, id): UserAndId,
    query: Query,
) -> Answer<StatusCode> {
    let account = app.managed(&admin, &name).await?;
    let reason = app.query_reason(&query)?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    app.remove_bypass_of(app.act_of(&admin), &account, id, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lock(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<Because>,
) -> Answer<Answered<UserView>> {
    let account = named(&app, &name).await?;
    let reason = reason(&body.reason)?;
    app.store.lock_user(app.act_of(&admin), account.user.username, reason).await?.ok_or_else(Problem::not_found)?;
    let account = named(&app, &name).await?;
    Ok(Answered(view(&account.user, account.devices.len())))
}

pub(super) async fn unlock(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<Because>,
) -> Answer<Answered<UserView>> {
    let account = app.managed(&admin, name.text()?).await?;
    let reason = reason(&body.reason)?;
    let name = account.user.username;
    app.store.unlock_user(app.act_of(&admin), name.clone(), reason).await?.ok_or_else(Problem::not_found)?;
    let account = app.store.account(name).await?.ok_or_else(Problem::not_found)?;
    Ok(Answered(view(&account.user, account.devices.len())))
}

impl Inner {
    /// The account of this name, which the administrator may manage.
    ///
    /// # Errors
    /// 404; as [`Inner::may_manage`].
    pub(super) async fn managed(&self, admin: &Administrator, name: &str) -> Answer<Account> {
        let username = self.settings.domains.canonical(name).map_err(|_| Problem::not_found())?;
        let account = self.store.account(username).await?.ok_or_else(Problem::not_found)?;
        self.may_manage(admin, &account.user)?;
        Ok(account)
    }

    /// Why, where the settings ask for that.
    ///
    /// # Errors
    /// 422 `invalid-value`.
    pub(super) fn reason(&self, given: Option<&str>) -> Answer<Option<String>> {
        let reason = given.map(reason).transpose()?;
        if reason.is_none() && self.settings.require_reasons {
            return Err(Problem::new(Code::InvalidValue, "reason must be given: the settings ask for it."));
        }
        Ok(reason)
    }

    /// The same, where it stands in the query.
    ///
    /// # Errors
    /// 400 `malformed-query`; 422 where there is none.
    pub(super) fn query_reason(&self, query: &Query) -> Answer<Option<String>> {
        let given = query.text("reason");
        let bad = |fault: gatematch_domain::fault::Fault| Problem::new(Code::MalformedQuery, fault.to_string());
        given.map(reason).transpose().map_err(bad)?;
        self.reason(given)
    }

    pub(super) fn maker<'a>(&'a self, account: &Account) -> Maker<'a> {
        Maker { edge: &self.edge, peppers: self.keys.peppers(), user: account.user.id, now: self.now() }
    }

    pub(super) async fn change(&self, act: Act, account: &Account, change: FactorChange) -> Answer<()> {
        Ok(self.store.change_factors(act, account.user.id, change).await??)
    }

    /// Takes away what has this id: a phone, or something else that is no bypass.
    pub(super) async fn remove_one(&self, act: Act, account: &Account, id: &str, reason: Option<String>) -> Answer<()> {
        let is_phone = |device: &DeviceId| account.devices.iter().any(|phone| phone.id == *device);
        let change = match id.parse::<DeviceId>().ok().filter(is_phone) {
            Some(id) => FactorChange::RemovePhone { id, why: reason.unwrap_or_else(|| BY_ADMINISTRATOR.to_owned()) },
            None => FactorChange::Remove { id: id.parse().map_err(|_| Problem::not_found())?, reason, bypass: false },
        };
        self.change(act, account, change).await
    }

    /// Takes away the bypass with this id.
    pub(super) async fn remove_bypass_of(
        &self,
        act: Act,
        account: &Account,
        id: AuthenticatorId,
        reason: Option<String>,
    ) -> Answer<()> {
        self.change(act, account, FactorChange::Remove { id, reason, bypass: true }).await
    }

    pub(super) async fn new_access_pass(
        &self,
        act: Act,
        account: &Account,
        terms: PassTerms,
        reason: Option<String>,
    ) -> Answer<AccessPassCreated> {
        let (factor, pass) = self.maker(account).access_pass(terms).await?;
        let PassTerms { starts_at, expires_at, .. } = terms;
        let created = AccessPassCreated { id: factor.id, pass, starts_at, expires_at };
        self.change(act, account, FactorChange::Add { factor: Box::new(factor), reason }).await?;
        Ok(created)
    }

    pub(super) async fn new_bypass(&self, act: Act, account: &Account, terms: BypassTerms) -> Answer<BypassCreated> {
        let expires_at = terms.expires_at;
        let factor = self.maker(account).bypass(terms, act.actor.to_string())?;
        let created = BypassCreated { id: factor.id, expires_at };
        self.change(act, account, FactorChange::Add { factor: Box::new(factor), reason: None }).await?;
        Ok(created)
    }

    pub(super) async fn new_totp(
        &self,
        act: Act,
        account: &Account,
        name: Option<&str>,
        reason: Option<String>,
    ) -> Answer<TotpCreated> {
        let NewTotp { factor, secret } = self.maker(account).totp(outside_if_given("name", name)?)?;
        let id = factor.id;
        // Before anything is kept: a picture that cannot be drawn is told.
        let otpauth_uri = otpauth_uri(&self.settings.name, account.user.username.as_str(), &secret);
        let qr_svg = qr_svg(otpauth_uri.reveal())?;
        self.change(act, account, FactorChange::Add { factor: Box::new(factor), reason }).await?;
        Ok(TotpCreated { id, secret, otpauth_uri, qr_svg })
    }

    pub(super) async fn confirm(
        &self,
        act: Act,
        account: &Account,
        id: &str,
        body: ConfirmTotp,
    ) -> Answer<Answered<TotpConfirmed>> {
        let id: AuthenticatorId = id.parse().map_err(|_| Problem::not_found())?;
        self.change(act, account, FactorChange::Confirm { id, code: body.code }).await?;
        Ok(Answered(TotpConfirmed { id }))
    }

    pub(super) async fn new_recovery_codes(
        &self,
        act: Act,
        account: &Account,
        reason: Option<String>,
    ) -> Answer<RecoveryCodesCreated> {
        let (factor, codes) = self.maker(account).recovery_codes().await?;
        let id = factor.id;
        self.change(act, account, FactorChange::Add { factor: Box::new(factor), reason }).await?;
        Ok(RecoveryCodesCreated { id, codes })
    }
}
