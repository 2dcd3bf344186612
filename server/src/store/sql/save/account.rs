//! Users and their phones.

use std::collections::{BTreeMap, BTreeSet};

use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::role::Role;
use gatematch_domain::user::User;
use gatematch_protocol::base64url;
use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::sql::rows::label;
use crate::store::world::{Difference, World};

const INSERT_USERS: Write<'_> = Write {
    sql: "
    INSERT INTO users (id, username, display_name, email, group_names, status, locked, counters, habits,
                       grants, created_at, last_sign_in_at, revision, role)
    {rows}",
    kinds: "ttttttttttnnnt",
};

const UPDATE_USERS: Write<'_> = Write {
    sql: "
    WITH v (id, username, display_name, email, group_names, status, locked, counters, habits, grants, created_at,
            last_sign_in_at, revision, role)
        AS ({rows})
    UPDATE users
    SET display_name = v.display_name, email = v.email, group_names = v.group_names, status = v.status,
        locked = v.locked, counters = v.counters, habits = v.habits, grants = v.grants,
        last_sign_in_at = v.last_sign_in_at, revision = v.revision + 1, role = v.role
    FROM v WHERE users.id = v.id AND users.revision = v.revision",
    kinds: "ttttttttttnnnt",
};

const DELETE_USERS: Write<'_> = Write { sql: "DELETE FROM users WHERE (id, revision) IN ({rows})", kinds: "tn" };

const INSERT_DEVICES: Write<'_> = Write {
    sql: "
    INSERT INTO devices (id, user_id, thumbprint, public_key, name, platform, status, code, wrong_tries, push,
                         created_at, active_since, last_used_at)
    {rows}",
    kinds: "ttttttttntnnn",
};

const UPDATE_DEVICES: Write<'_> = Write {
    sql: "
    WITH v (id, name, status, code, wrong_tries, push, last_used_at, active_since) AS ({rows})
    UPDATE devices
    SET name = v.name, status = v.status, code = v.code, wrong_tries = v.wrong_tries, push = v.push, last_used_at = v.last_used_at,
        active_since = v.active_since
    FROM v WHERE devices.id = v.id",
    kinds: "ttttntnn",
};

const TOUCH_DEVICES: Write<'_> = Write {
    sql: "
    WITH v (id, last_used_at) AS ({rows})
    UPDATE devices SET last_used_at = v.last_used_at FROM v WHERE devices.id = v.id",
    kinds: "tn",
};

const DELETE_DEVICES: Write<'_> = Write { sql: "DELETE FROM devices WHERE id IN ({rows})", kinds: "t" };

impl Pen<'_> {
    pub(super) async fn save_users(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let users = Difference::between(&before.users(), &after.users());
        // Those who go go first: another may come under the same name.
        let gone = |id: &UserId| Some(json!([id, before.revisions.get(id)?]));
        self.run_guarded(&DELETE_USERS, users.removed.iter().filter_map(gone).collect()).await?;
        self.run(&INSERT_USERS, users.added.iter().map(|user| user_row(user, 1)).collect()).await?;
        let added: BTreeSet<UserId> = users.added.iter().map(|user| user.id).collect();
        let now: BTreeMap<UserId, &User> = after.users();
        let touched = touched_accounts(before, after);
        let touched = touched.iter().filter(|id| !added.contains(id));
        let rows = touched.filter_map(|id| Some(user_row(now.get(id)?, *before.revisions.get(id)?)));
        self.run_guarded(&UPDATE_USERS, rows.collect()).await
    }

    pub(super) async fn save_devices(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.devices(), after.devices());
        let devices = Difference::between(&was, &is);
        // Those of a deleted user went with him.
        self.run(&DELETE_DEVICES, devices.removed.iter().map(|id| json!([id])).collect()).await?;
        let rows = devices.added.iter().map(|device| self.device_row(device)).collect::<Result<_, _>>()?;
        self.run(&INSERT_DEVICES, rows).await?;
        // Most are only used, and need nothing sealed again.
        let used = |was: &Device, is: &Device| Device { last_used_at: is.last_used_at, ..was.clone() } == *is;
        let (used, changed): (Vec<_>, Vec<_>) = devices.changed.iter().partition(|(was, is)| used(was, is));
        let rows = used.iter().map(|(_, device)| json!([device.id, device.last_used_at.map(Timestamp::micros)]));
        self.run_guarded(&TOUCH_DEVICES, rows.collect()).await?;
        let rows = changed.iter().map(|(_, device)| self.changed_device_row(device)).collect::<Result<_, _>>()?;
        self.run_guarded(&UPDATE_DEVICES, rows).await
    }

    fn device_row(&self, device: &Device) -> Result<Value, StoreError> {
        let [status, code, wrong_tries, push, last_used_at] = self.changing_columns(device)?;
        let key = base64url::encode(device.key.to_sec1());
        Ok(json!([
            device.id,
            device.user,
            device.key.thumbprint(),
            key,
            device.name,
            device.platform,
            status,
            code,
            wrong_tries,
            push,
            device.created_at.micros(),
            device.active_since.map(Timestamp::micros),
            last_used_at
        ]))
    }

    fn changed_device_row(&self, device: &Device) -> Result<Value, StoreError> {
        let mut row = vec![json!(device.id), json!(device.name)];
        row.extend(self.changing_columns(device)?);
        row.push(json!(device.active_since.map(Timestamp::micros)));
        Ok(Value::from(row))
    }

    /// The columns `status`, `code`, `wrong_tries`, `push` and `last_used_at`.
    fn changing_columns(&self, device: &Device) -> Result<[Value; 5], StoreError> {
        let (code, wrong_tries) = match &device.status {
            DeviceStatus::Active => (None, 0),
            DeviceStatus::Unconfirmed { code, wrong_tries } => {
                (Some(self.seal(&label::code(device.id), code)?), *wrong_tries)
            }
        };
        let push = match &device.push {
            None => None,
            Some(push) => {
                let text = serde_json::to_string(push).map_err(|_| StoreError::Corrupt("push"))?;
                Some(self.seal(&label::push(device.id), &text)?)
            }
        };
        let last_used_at = device.last_used_at.map(Timestamp::micros);
        Ok([json!(device.status.as_str()), json!(code), json!(wrong_tries), json!(push), json!(last_used_at)])
    }
}

/// The accounts in which anything changed: it moves their revision on.
fn touched_accounts(before: &World, after: &World) -> BTreeSet<UserId> {
    let (was, is) = (before.devices(), after.devices());
    let devices = Difference::between(&was, &is);
    let challenges = Difference::between(&before.challenges(), &after.challenges());
    let users = Difference::between(&before.users(), &after.users());
    let (had, has) = (before.factors(), after.factors());
    let factors = Difference::between(&had, &has);
    let owners = factors.added.iter().chain(factors.changed.iter().map(|(_, factor)| factor)).map(|factor| factor.user);
    let owners = owners.chain(factors.removed.iter().filter_map(|id| had.get(id)).map(|factor| factor.user));
    let owners = owners.filter(|user| after.account_of(*user).is_some());
    let gone = devices.removed.iter().filter_map(|id| was.get(id)).map(|device| device.user);
    let phones = devices.added.iter().chain(devices.changed.iter().map(|(_, device)| device)).map(|device| device.user);
    let logins = challenges.added.iter().chain(challenges.changed.iter().map(|(_, challenge)| challenge));
    let logins = logins.filter_map(|challenge| challenge.user);
    users.changed.iter().map(|(_, user)| user.id).chain(gone).chain(phones).chain(logins).chain(owners).collect()
}

fn user_row(user: &User, revision: i64) -> Value {
    json!([
        user.id,
        user.username.as_str(),
        user.display_name,
        user.email,
        json!(user.groups).to_string(),
        user.status.as_str(),
        user.locked,
        json!(user.limits).to_string(),
        json!(user.habits).to_string(),
        json!(user.grants).to_string(),
        user.created_at.micros(),
        user.last_sign_in_at.map(Timestamp::micros),
        revision,
        user.role.map(Role::as_str),
    ])
}
