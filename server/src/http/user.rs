//! Users.

use axum::Json as Answered;
use axum::extract::State;
use axum::http::StatusCode;
use gatematch_domain::account::Account;
use gatematch_domain::role::Role;
use gatematch_domain::user::{User, UserChange};
use gatematch_domain::username::Username;
use gatematch_protocol::base64url;
use gatematch_protocol::device::DeviceView;
use gatematch_protocol::id::UserId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::{Page, PutUser, UserView};

use super::administrator::{Administrator, needs_admin};
use super::app::{App, Inner};
use super::body::Json;
use super::params::{Query, Segment, TheAdmin};
use super::problem::{Answer, Problem};
use crate::store::{self, Act, UserDeleted};

pub(super) async fn put(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    name: Segment,
    Json(body): Json<PutUser>,
) -> Answer<(StatusCode, Answered<UserView>)> {
    let username = name.new_username(&app.settings.domains)?;
    let change = UserChange::from_body(&body)?;
    let (is_new, user) = app.put_user(app.act_of(&admin), &admin, username.clone(), change).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let devices = app.store.account(username).await?.map_or(0, |account| account.devices.len());
    Ok((status, Answered(view(&user, devices))))
}

pub(super) async fn show(State(app): State<App>, name: Segment) -> Answer<Answered<UserView>> {
    let account = named(&app, &name).await?;
    Ok(Answered(view(&account.user, account.devices.len())))
}

pub(super) async fn list(State(app): State<App>, query: Query) -> Answer<Answered<Page<UserView>>> {
    let limit = u32::try_from(query.number("limit", 100, 1..=1_000)?).unwrap_or(1_000);
    let text = query.text("query").unwrap_or_default().to_owned();
    let after = query.text("cursor").map(read_cursor).transpose()?;
    let days = query.number("dormant_days", 0, 0..=36_500)?;
    let days = i64::try_from(days).ok().filter(|days| *days > 0);
    let idle_since = days.map(|days| app.now().plus_seconds(-days * 86_400));
    let asked = store::UserQuery { text, after, limit: limit + 1, idle_since, state: None };
    let mut found = app.store.users(asked).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|(user, _)| base64url::encode(user.username.as_str()));
    let items = found.iter().map(|(user, devices)| user.view(*devices)).collect();
    Ok(Answered(Page { items, next_cursor }))
}

pub(super) async fn remove(State(app): State<App>, TheAdmin(admin): TheAdmin, name: Segment) -> Answer<StatusCode> {
    let account = named(&app, &name).await?;
    app.delete_user(app.act_of(&admin), &admin, account.user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn devices(State(app): State<App>, name: Segment) -> Answer<Answered<Page<DeviceView>>> {
    let account = named(&app, &name).await?;
    let name = account.user.username.as_str();
    let items = account.devices.iter().map(|device| device.view(name)).collect();
    Ok(Answered(Page { items, next_cursor: None }))
}

pub(super) async fn named(app: &App, name: &Segment) -> Answer<Account> {
    let username = name.username(&app.settings.domains)?;
    app.store.account(username).await?.ok_or_else(Problem::not_found)
}

pub(super) fn view(user: &User, devices: usize) -> UserView {
    user.view(u32::try_from(devices).unwrap_or(u32::MAX))
}

impl Inner {
    /// Makes or changes a user; whether he is new.
    pub(super) async fn put_user(
        &self,
        act: Act,
        admin: &Administrator,
        username: Username,
        change: UserChange,
    ) -> Answer<(bool, User)> {
        let put = store::PutUser {
            act,
            id: UserId::new(self.now(), self.edge.random()?),
            username,
            change,
            protected_groups: self.settings.protected_groups.clone(),
            as_admin: admin.role == Role::Admin,
        };
        match self.store.put_user(put).await? {
            store::UserPut::Created(user) => Ok((true, user)),
            store::UserPut::Changed(user) => Ok((false, user)),
            store::UserPut::NeedsAdmin => Err(needs_admin("Groups, and enabling a disabled user")),
        }
    }

    /// Deletes a user.
    pub(super) async fn delete_user(&self, act: Act, admin: &Administrator, user: UserId) -> Answer<()> {
        match self.store.delete_user(act, user, admin.role == Role::Admin).await? {
            UserDeleted::Done => Ok(()),
            UserDeleted::Unknown => Err(Problem::not_found()),
            UserDeleted::NeedsAdmin => Err(needs_admin("Deleting a user who is disabled or in a group")),
        }
    }
}

pub(super) fn read_cursor(text: &str) -> Answer<String> {
    let name = base64url::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| Problem::new(Code::MalformedQuery, "cursor must be a next_cursor of an earlier answer."))
}
