//! Writes what a group of verbs changed. Each kind of change is one statement for the whole group, guarded by
//! what was read: an account by its revision, a challenge by its state.

use gatematch_domain::audit::Event;
use gatematch_domain::challenge::{Challenge, State};
use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::user::User;
use gatematch_protocol::base64url;
use gatematch_protocol::id::{EventId, UserId};
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};

use super::rows::label;
use crate::edge::Edge;
use crate::store::StoreError;
use crate::store::world::{Difference, World};
use crate::vault::Vault;

/// How long a challenge is kept after it was made, in seconds: for those who still ask how it ended.
const KEEP_CHALLENGES_SECONDS: i64 = 86_400;
/// How long a spent proof is kept, in seconds: longer than any clock skew lets it be tried again, also where the
/// server's own clock went an hour ahead and came back.
const KEEP_PROOFS_SECONDS: i64 = 7_200;

/// What writing needs beside the rows.
pub(super) struct Pen<'a> {
    pub(super) conn: &'a mut SqliteConnection,
    pub(super) vault: &'a Vault,
    pub(super) edge: &'a Edge,
}

impl Pen<'_> {
    /// Writes the difference between what was read and what is now.
    pub(super) async fn save(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        self.save_accounts(before, after).await?;
        self.save_challenges(before, after).await?;
        self.save_registry(before, after).await?;
        self.save_enrollments(before, after).await?;
        self.save_once_only(before, after).await?;
        self.save_events(&after.events).await?;
        match after.purge_before {
            Some(now) => self.purge(now).await,
            None => Ok(()),
        }
    }

    async fn run(&mut self, sql: &'static str, rows: Vec<Value>) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let done = sqlx::query(sql).bind(Value::from(rows).to_string()).execute(&mut *self.conn).await?;
        Ok(done.rows_affected())
    }

    /// Like [`Pen::run`], for statements that must touch each of their rows: if one is not as it was read,
    /// somebody else was first, and nothing of the group is written.
    async fn run_guarded(&mut self, sql: &'static str, rows: Vec<Value>) -> Result<(), StoreError> {
        let expected = rows.len() as u64;
        let touched = self.run(sql, rows).await?;
        if touched == expected { Ok(()) } else { Err(StoreError::Database("somebody else was first".into())) }
    }

    async fn save_accounts(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let users = Difference::between(&before.users(), &after.users());
        let (was, is) = (before.devices(), after.devices());
        let devices = Difference::between(&was, &is);
        let challenges = Difference::between(&before.challenges(), &after.challenges());
        let added: BTreeSet<UserId> = users.added.iter().map(|user| user.id).collect();
        let removed: BTreeSet<UserId> = users.removed.iter().copied().collect();

        let rows = users.added.iter().map(|user| user_row(user, 1)).collect();
        self.run("INSERT INTO users (id, username, display_name, email, group_names, status, locked, counters, created_at, revision)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9
                  FROM json_each(?)", rows).await?;

        // Whatever changes in an account moves its revision on.
        let mut touched: BTreeSet<UserId> = users.changed.iter().map(|(_, user)| user.id).collect();
        touched.extend(
            devices.added.iter().chain(devices.changed.iter().map(|(_, device)| device)).map(|device| device.user),
        );
        touched.extend(devices.removed.iter().filter_map(|id| was.get(id)).map(|device| device.user));
        touched.extend(
            challenges
                .added
                .iter()
                .chain(challenges.changed.iter().map(|(_, challenge)| challenge))
                .filter_map(|challenge| challenge.user),
        );
        let now: BTreeMap<UserId, &User> = after.users();
        let changed = touched
            .iter()
            .filter(|id| !added.contains(id))
            .filter_map(|id| Some((now.get(id)?, before.revisions.get(id)?)));
        let rows = changed.map(|(user, revision)| user_row(user, *revision)).collect();
        self.run_guarded("UPDATE users SET display_name = v.display_name, email = v.email, group_names = v.group_names, status = v.status,
                          locked = v.locked, counters = v.counters, revision = v.revision + 1
                          FROM (SELECT value ->> 0 AS id, value ->> 2 AS display_name, value ->> 3 AS email, value ->> 4 AS group_names,
                                value ->> 5 AS status, value ->> 6 AS locked, value ->> 7 AS counters, value ->> 9 AS revision FROM json_each(?)) AS v
                          WHERE users.id = v.id AND users.revision = v.revision", rows).await?;

        let rows = removed.iter().filter_map(|id| Some(json!([id, before.revisions.get(id)?]))).collect();
        self.run_guarded(
            "DELETE FROM users WHERE (id, revision) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
            rows,
        )
        .await?;

        let rows = devices.removed.iter().map(|id| json!(id)).collect();
        self.run("DELETE FROM devices WHERE id IN (SELECT value FROM json_each(?))", rows).await?;
        let rows = devices.added.iter().map(|device| self.device_row(device)).collect::<Result<_, _>>()?;
        self.run("INSERT INTO devices (id, user_id, thumbprint, public_key, name, platform, status, code, wrong_tries, push, created_at, last_used_at)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
                         value ->> 9, value ->> 10, value ->> 11 FROM json_each(?)", rows).await?;
        let rows = devices.changed.iter().map(|(_, device)| self.device_row(device)).collect::<Result<_, _>>()?;
        self.run_guarded("UPDATE devices SET status = v.status, code = v.code, wrong_tries = v.wrong_tries, push = v.push, last_used_at = v.last_used_at
                          FROM (SELECT value ->> 0 AS id, value ->> 6 AS status, value ->> 7 AS code, value ->> 8 AS wrong_tries,
                                value ->> 9 AS push, value ->> 11 AS last_used_at FROM json_each(?)) AS v
                          WHERE devices.id = v.id", rows).await
    }

    async fn save_challenges(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.challenges(), after.challenges());
        let challenges = Difference::between(&was, &is);
        let rows = challenges.added.iter().map(|challenge| self.challenge_row(challenge)).collect::<Result<_, _>>()?;
        self.run("INSERT INTO challenges (id, user_id, username, gateway_id, client_ip, client_name, display, number, methods, uv_required, rule,
                  sent_to, wrong_passcodes, created_at, expires_at, state, state_at, reason, method, device_id, uv, redemption_id, result)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
                         value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15, value ->> 16,
                         value ->> 17, value ->> 18, value ->> 19, value ->> 20, value ->> 21, value ->> 22 FROM json_each(?)", rows).await?;
        let rows = challenges.changed.iter().map(|(was, is)| changed_challenge_row(was, is)).collect();
        self.run_guarded("UPDATE challenges SET wrong_passcodes = v.wrong_passcodes, state = v.state, state_at = v.state_at, reason = v.reason,
                          method = v.method, device_id = v.device_id, uv = v.uv, redemption_id = v.redemption_id, result = v.result
                          FROM (SELECT value ->> 0 AS id, value ->> 1 AS was, value ->> 2 AS wrong_passcodes, value ->> 3 AS state, value ->> 4 AS state_at,
                                value ->> 5 AS reason, value ->> 6 AS method, value ->> 7 AS device_id, value ->> 8 AS uv, value ->> 9 AS redemption_id,
                                value ->> 10 AS result FROM json_each(?)) AS v
                          WHERE challenges.id = v.id AND challenges.state = v.was", rows).await?;
        let rows =
            after.deliveries.iter().map(|(challenge, device, signed)| json!([challenge, device, signed])).collect();
        self.run("INSERT INTO deliveries (challenge_id, device_id, signed) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)", rows).await?;
        Ok(())
    }

    async fn save_registry(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (
            before.gateways.iter().map(|(id, row)| (*id, row)).collect(),
            after.gateways.iter().map(|(id, row)| (*id, row)).collect(),
        );
        let gateways = Difference::between(&was, &is);
        let rows = gateways.added.iter().map(|(gateway, digest)| {
            json!([
                gateway.id,
                gateway.name,
                gateway.application,
                gateway.can_display,
                gateway.client_address.as_str(),
                digest,
                gateway.created_at.micros()
            ])
        });
        self.run("INSERT INTO gateways (id, name, application, can_display, client_address, key_digest, created_at)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)", rows.collect()).await?;
        let rows = gateways.removed.iter().map(|id| json!(id)).collect();
        self.run_guarded("DELETE FROM gateways WHERE id IN (SELECT value FROM json_each(?))", rows).await?;

        let (was, is) = (
            before.admin_keys.iter().map(|(id, row)| (*id, row)).collect(),
            after.admin_keys.iter().map(|(id, row)| (*id, row)).collect(),
        );
        let keys = Difference::between(&was, &is);
        let rows = keys
            .added
            .iter()
            .map(|(key, digest)| json!([key.id, key.name, key.role.as_str(), digest, key.created_at.micros()]));
        self.run(
            "INSERT INTO admin_keys (id, name, role, key_digest, created_at)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)",
            rows.collect(),
        )
        .await?;
        let rows = keys.removed.iter().map(|id| json!(id)).collect();
        self.run_guarded("DELETE FROM admin_keys WHERE id IN (SELECT value FROM json_each(?))", rows).await
    }

    async fn save_enrollments(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (
            before.enrollments.iter().map(|(id, row)| (*id, row)).collect(),
            after.enrollments.iter().map(|(id, row)| (*id, row)).collect(),
        );
        let enrollments = Difference::between(&was, &is);
        let rows = enrollments
            .added
            .iter()
            .map(|e| json!([e.id, e.user, e.token_digest, e.created_at.micros(), e.expires_at.micros(), e.by_admin]));
        self.run(
            "INSERT INTO enrollments (id, user_id, token_digest, created_at, expires_at, by_admin)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)",
            rows.collect(),
        )
        .await?;
        let rows = enrollments.changed.iter().map(|(_, e)| json!([e.id, e.used_at.map(Timestamp::micros)])).collect();
        self.run_guarded("UPDATE enrollments SET used_at = v.used_at FROM (SELECT value ->> 0 AS id, value ->> 1 AS used_at FROM json_each(?)) AS v
                          WHERE enrollments.id = v.id AND enrollments.used_at IS NULL", rows).await
    }

    async fn save_once_only(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let repeats = after.repeats.iter().filter(|(key, repeat)| before.repeats.get(*key) != Some(repeat));
        let rows = repeats.map(|((gateway, key), repeat)| {
            json!([
                gateway,
                key,
                repeat.body_digest,
                repeat.challenge,
                repeat.status,
                repeat.reason,
                repeat.created_at.micros()
            ])
        });
        self.run("INSERT OR REPLACE INTO repeats (gateway_id, repeat_key, body_digest, challenge_id, status, reason, created_at)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?)", rows.collect()).await?;
        let proofs = after.proofs.iter().filter(|(proof, _)| !before.proofs.contains_key(*proof));
        let rows = proofs.map(|((thumbprint, jti), at)| json!([thumbprint, jti, at.micros()])).collect();
        self.run("INSERT INTO spent_proofs (thumbprint, jti, spent_at) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)", rows).await?;
        if before.signing_keys != after.signing_keys {
            let rows = after
                .signing_keys
                .iter()
                .map(|key| json!([key.id, key.purpose, key.public, key.private, key.status, key.created_at.micros()]));
            self.run("INSERT INTO signing_keys (id, purpose, public_key, private_key, status, created_at)
                      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)", rows.collect()).await?;
        }
        Ok(())
    }

    async fn save_events(&mut self, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let last =
            sqlx::query("SELECT coalesce(max(seq), 0) AS seq FROM audit_events").fetch_one(&mut *self.conn).await?;
        let mut seq: i64 = last.try_get("seq")?;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            seq += 1;
            let random = self.edge.random().map_err(|_| StoreError::Database("no random bytes".into()))?;
            rows.push(event_row(event, EventId::new(event.at, random), seq));
        }
        self.run("INSERT INTO audit_events (id, seq, at, type, actor, username, device, gateway, client, outcome, reason, number_match, policy, detail)
                  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
                         value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13 FROM json_each(?)", rows).await?;
        Ok(())
    }

    async fn purge(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let old = now.plus_seconds(-KEEP_CHALLENGES_SECONDS).micros();
        for (sql, before) in [
            ("DELETE FROM spent_proofs WHERE spent_at < ?", now.plus_seconds(-KEEP_PROOFS_SECONDS).micros()),
            ("DELETE FROM repeats WHERE created_at < ?", now.plus_seconds(-crate::store::REPEAT_SECONDS).micros()),
            ("DELETE FROM enrollments WHERE expires_at < ?", old),
            ("DELETE FROM deliveries WHERE challenge_id IN
              (SELECT id FROM challenges WHERE created_at < ? AND state NOT IN ('pending', 'approved') ORDER BY created_at LIMIT 20000)", old),
            ("DELETE FROM challenges WHERE id IN
              (SELECT id FROM challenges WHERE created_at < ? AND state NOT IN ('pending', 'approved') ORDER BY created_at LIMIT 20000)", old),
        ] {
            sqlx::query(sql).bind(before).execute(&mut *self.conn).await?;
        }
        Ok(())
    }

    fn seal(&self, label: &str, text: &str) -> Result<String, StoreError> {
        self.vault.seal(label, text.as_bytes()).map_err(|fault| StoreError::Database(fault.to_string().into()))
    }

    fn device_row(&self, device: &Device) -> Result<Value, StoreError> {
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
        Ok(json!([
            device.id,
            device.user,
            device.key.thumbprint(),
            base64url::encode(device.key.to_sec1()),
            device.name,
            device.platform,
            device.status.as_str(),
            code,
            wrong_tries,
            push,
            device.created_at.micros(),
            device.last_used_at.map(Timestamp::micros),
        ]))
    }

    fn challenge_row(&self, challenge: &Challenge) -> Result<Value, StoreError> {
        let number = challenge
            .number
            .as_ref()
            .map(|number| self.seal(&label::number(challenge.id), number.reveal()))
            .transpose()?;
        let methods: Vec<&str> = challenge.methods.iter().map(|method| method.as_str()).collect();
        let [state, at, reason, method, device, uv, redemption, result] = state_columns(challenge);
        Ok(json!([
            challenge.id,
            challenge.user,
            challenge.username,
            challenge.gateway,
            challenge.client.ip,
            challenge.client.name,
            challenge.display.as_str(),
            number,
            json!(methods).to_string(),
            challenge.uv_required,
            challenge.rule,
            json!(challenge.sent_to).to_string(),
            challenge.wrong_passcodes,
            challenge.created_at.micros(),
            challenge.expires_at.micros(),
            state,
            at,
            reason,
            method,
            device,
            uv,
            redemption,
            result,
        ]))
    }
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
        user.created_at.micros(),
        revision,
    ])
}

fn changed_challenge_row(was: &Challenge, is: &Challenge) -> Value {
    let mut row = vec![json!(is.id), json!(was.state.as_str()), json!(is.wrong_passcodes)];
    row.extend(state_columns(is));
    Value::from(row)
}

/// The columns `state`, `state_at`, `reason`, `method`, `device_id`, `uv`, `redemption_id` and `result`.
fn state_columns(challenge: &Challenge) -> [Value; 8] {
    let state = &challenge.state;
    let reason = match state {
        State::Denied { reason, .. } => json!(reason.as_str()),
        State::Cancelled { reason: Some(reason), .. } => json!(reason.as_str()),
        _ => Value::Null,
    };
    let at = match state {
        State::Pending => challenge.created_at,
        State::Approved { at, .. }
        | State::Redeemed { at, .. }
        | State::Denied { at, .. }
        | State::Expired { at }
        | State::Cancelled { at, .. } => *at,
    };
    let approval = match state {
        State::Approved { approval, .. } | State::Redeemed { approval, .. } => Some(approval),
        _ => None,
    };
    let (redemption, result) = match state {
        State::Redeemed { redemption_id, result, .. } => (json!(redemption_id), json!(result)),
        _ => (Value::Null, Value::Null),
    };
    [
        json!(state.as_str()),
        json!(at.micros()),
        reason,
        json!(approval.map(|approval| approval.method.as_str())),
        json!(state.decided_by()),
        json!(approval.map(|approval| approval.uv.as_str())),
        redemption,
        result,
    ]
}

fn event_row(event: &Event, id: EventId, seq: i64) -> Value {
    let client = event.client.as_ref().and_then(|client| client.shown()).map(|shown| Value::Object(shown).to_string());
    let detail = (!event.detail.is_empty()).then(|| Value::Object(event.detail.clone()).to_string());
    json!([
        id,
        seq,
        event.at.micros(),
        event.kind,
        event.actor.to_string(),
        event.user,
        event.device,
        event.gateway,
        client,
        event.outcome.as_str(),
        event.reason,
        event.number_match,
        event.policy,
        detail,
    ])
}
