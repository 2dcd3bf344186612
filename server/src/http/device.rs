//! Phones: their own view of themselves, and an administrator's.

use std::time::Instant;

use axum::Json as Answered;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use gatematch_domain::audit::Actor;
use gatematch_domain::device::PushRefusal;
use gatematch_domain::gateway::Gateway;
use gatematch_protocol::challenge::{WaitingChallenge, WaitingChallenges};
use gatematch_protocol::device::{ConfirmDevice, DeviceView, Phones, PushSubscription};
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::notice::{Notices, SignedNotice};
use gatematch_protocol::problem::Code;

use super::administrator::Administrator;
use super::app::{App, Inner};
use super::authenticator::BY_ADMINISTRATOR;
use super::body::Json;
use super::guard::Caller;
use super::params::{Query, Segment, TheAdmin, ThePhone};
use super::problem::{Answer, Problem};
use super::waiting::{latest, pause};
use crate::hub::Topic;
use crate::store::Act;

pub(super) async fn show_self(ThePhone(phone): ThePhone) -> Answered<DeviceView> {
    Answered(phone.device.view(phone.user.username.as_str()))
}

pub(super) async fn remove_self(State(app): State<App>, ThePhone(phone): ThePhone) -> Answer<StatusCode> {
    let act = app.act(Actor::Device(phone.device.id));
    deleted(app.store.revoke_device(act, phone.device.id, "removed on the phone".to_owned()).await?)
}

pub(super) async fn set_push(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    Json(push): Json<Option<PushSubscription>>,
) -> Answer<StatusCode> {
    let push = push.map(|push| app.checked_push(push)).transpose()?;
    let act = app.act(Actor::Device(phone.device.id));
    match app.store.set_push(act, phone.device.id, push).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(PushRefusal::Unknown) => Err(Problem::not_found()),
        Err(PushRefusal::TooOften { seconds }) => {
            let problem = Problem::new(Code::Overloaded, "The push subscription was changed too often of late.");
            Err(problem.retry_after(u64::try_from(seconds).unwrap_or(1)))
        }
    }
}

pub(super) async fn challenges(
    State(app): State<App>,
    ThePhone(phone): ThePhone,
    query: Query,
) -> Answer<Answered<WaitingChallenges>> {
    let wait = query.wait()?;
    let id = phone.device.id;
    let now = app.now();
    let mut found = app.store.waiting(id, now).await?;
    if found.is_empty() && wait > 0 {
        let end = now.plus_seconds(wait);
        let latest = latest(wait);
        let mut waiter = app.hub.subscribe(Topic::Device(id))?;
        loop {
            found = app.store.waiting(id, app.now()).await?;
            if !found.is_empty() || app.now() >= end || Instant::now() >= latest || app.stopping.is_cancelled() {
                break;
            }
            pause(&app, &mut waiter, end).await;
        }
    }
    let items = found.into_iter().map(|(id, challenge)| WaitingChallenge { id, challenge }).collect();
    Ok(Answered(WaitingChallenges { items }))
}

/// An unconfirmed phone sees itself alone: it may be anybody's.
pub(super) async fn phones(State(app): State<App>, ThePhone(phone): ThePhone) -> Answer<Answered<Phones>> {
    let id = phone.device.id;
    let account = app.store.account(phone.user.username.clone()).await?.ok_or_else(Problem::not_found)?;
    let shown = account.devices.iter().filter(|device| phone.device.is_active() || device.id == id);
    Ok(Answered(Phones { items: shown.map(|device| device.view_by(id)).collect() }))
}

/// Signed anew each time: what a notice says does not change, and nothing can be done with one.
pub(super) async fn notices(State(app): State<App>, ThePhone(phone): ThePhone) -> Answer<Answered<Notices>> {
    let gateways: Vec<Gateway> = app.store.gateways().await?;
    let name = |id| gateways.iter().find(|gateway| gateway.id == id).map(|gateway| gateway.name.clone());
    let mut items = Vec::new();
    if !phone.device.is_active() {
        return Ok(Answered(Notices { items }));
    }
    for notice in app.store.notices(phone.user.id, phone.device.created_at).await? {
        if notice.news.but == Some(phone.device.id) {
            continue;
        }
        let username = phone.user.username.as_str();
        let claims = notice.claims(&app.issuer, phone.device.id, username, notice.news.gateway.and_then(name));
        items.push(SignedNotice { id: notice.id, notice: app.keys.sign_notice(&claims)? });
    }
    Ok(Answered(Notices { items }))
}

pub(super) async fn remove(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    id: Segment,
    query: Query,
) -> Answer<StatusCode> {
    let (device, user) = app.store.device(id.id()?).await?.ok_or_else(Problem::not_found)?;
    app.may_manage(&admin, &user)?;
    let why = app.query_reason(&query)?.unwrap_or_else(|| BY_ADMINISTRATOR.to_owned());
    deleted(app.store.revoke_device(app.act_of(&admin), device.id, why).await?)
}

pub(super) async fn confirm(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    Json(body): Json<ConfirmDevice>,
) -> Answer<Answered<DeviceView>> {
    let id = id.id()?;
    let act = app.may_confirm(&caller, id).await?;
    app.store.confirm_device(act, id, body.code.reveal().to_owned()).await??;
    let (device, user) = app.store.device(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Answered(device.view(user.username.as_str())))
}

impl Inner {
    // An administrator; or another phone of the same user that is active itself. The write asks both again.
    async fn may_confirm(&self, caller: &Caller, id: DeviceId) -> Answer<Act> {
        let (_, user) = self.store.device(id).await?.ok_or_else(Problem::not_found)?;
        match caller {
            Caller::Admin(key) => {
                let admin = Administrator::from(key.as_ref());
                self.may_manage(&admin, &user).map(|()| self.act_of(&admin))
            }
            Caller::Phone(phone) if phone.user.id == user.id => Ok(self.act(Actor::Device(phone.device.id))),
            _ => Err(Problem::not_found()),
        }
    }
}

fn deleted(there: bool) -> Answer<StatusCode> {
    if there { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
