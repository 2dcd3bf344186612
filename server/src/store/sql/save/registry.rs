//! Gateways, keys, enrollments, and what counts once only.

use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::super::conn::Write;
use super::Pen;
use crate::keys;
use crate::store::world::{Difference, World};
use crate::store::{StoreError, StoredKey};

const INSERT_GATEWAYS: Write<'_> = Write {
    sql: "
    INSERT INTO gateways (id, name, application, can_display, client_address, key_digest, created_at) {rows}",
    kinds: "tttfttn",
};
const DELETE_GATEWAYS: Write<'_> = Write { sql: "DELETE FROM gateways WHERE id IN ({rows})", kinds: "t" };
const INSERT_ADMIN_KEYS: Write<'_> = Write {
    sql: "
    INSERT INTO admin_keys (id, name, role, key_digest, username, created_at) {rows}",
    kinds: "tttttn",
};
const DELETE_ADMIN_KEYS: Write<'_> = Write { sql: "DELETE FROM admin_keys WHERE id IN ({rows})", kinds: "t" };
const INSERT_ENROLLMENTS: Write<'_> = Write {
    sql: "
    INSERT INTO enrollments (id, user_id, token_digest, created_at, expires_at, by_admin, by_device) {rows}",
    kinds: "tttnnft",
};
const SPEND_ENROLLMENTS: Write<'_> = Write {
    sql: "
    WITH v (id, used_at) AS ({rows})
    UPDATE enrollments SET used_at = v.used_at FROM v WHERE enrollments.id = v.id AND enrollments.used_at IS NULL",
    kinds: "tn",
};
const INSERT_REPEATS: Write<'_> = Write {
    sql: "
    INSERT INTO repeats (gateway_id, repeat_key, body_digest, challenge_id, status, reason, created_at) {rows}
    ON CONFLICT (gateway_id, repeat_key) DO UPDATE
    SET body_digest = excluded.body_digest, challenge_id = excluded.challenge_id, status = excluded.status,
        reason = excluded.reason, created_at = excluded.created_at",
    kinds: "ttttttn",
};
const INSERT_PROOFS: Write<'_> =
    Write { sql: "INSERT INTO spent_proofs (thumbprint, jti, spent_at) {rows}", kinds: "ttn" };
const INSERT_SIGNING_KEYS: Write<'_> = Write {
    sql: "
    INSERT INTO signing_keys (id, purpose, public_key, private_key, status, created_at) {rows}",
    kinds: "tttttn",
};

impl Pen<'_> {
    pub(super) async fn save_gateways(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let was = before.gateways.iter().map(|(id, row)| (*id, row)).collect();
        let is = after.gateways.iter().map(|(id, row)| (*id, row)).collect();
        let gateways = Difference::between(&was, &is);
        let rows = gateways.added.iter().map(|(gateway, digest)| {
            let address = gateway.client_address.as_str();
            let (name, application) = (&gateway.name, &gateway.application);
            json!([gateway.id, name, application, gateway.can_display, address, digest, gateway.created_at.micros()])
        });
        self.run(&INSERT_GATEWAYS, rows.collect()).await?;
        self.run_guarded(&DELETE_GATEWAYS, gateways.removed.iter().map(|id| json!([id])).collect()).await
    }

    pub(super) async fn save_admin_keys(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let was = before.admin_keys.iter().map(|(id, row)| (*id, row)).collect();
        let is = after.admin_keys.iter().map(|(id, row)| (*id, row)).collect();
        let keys = Difference::between(&was, &is);
        let row = |(key, digest): &(gatematch_domain::role::AdminKey, String)| {
            json!([key.id, key.name, key.role.as_str(), digest, key.user, key.created_at.micros()])
        };
        self.run(&INSERT_ADMIN_KEYS, keys.added.iter().map(|key| row(key)).collect()).await?;
        self.run_guarded(&DELETE_ADMIN_KEYS, keys.removed.iter().map(|id| json!([id])).collect()).await
    }

    pub(super) async fn save_enrollments(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let was = before.enrollments.iter().map(|(id, row)| (*id, row)).collect();
        let is = after.enrollments.iter().map(|(id, row)| (*id, row)).collect();
        let enrollments = Difference::between(&was, &is);
        let rows = enrollments.added.iter().map(|e| {
            let (made, ends) = (e.created_at.micros(), e.expires_at.micros());
            json!([e.id, e.user, e.token_digest, made, ends, e.by_admin, e.by_device])
        });
        self.run(&INSERT_ENROLLMENTS, rows.collect()).await?;
        let rows = enrollments.changed.iter().map(|(_, e)| json!([e.id, e.used_at.map(Timestamp::micros)]));
        self.run_guarded(&SPEND_ENROLLMENTS, rows.collect()).await
    }

    pub(super) async fn save_once_only(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let repeats = after.repeats.iter().filter(|(key, repeat)| before.repeats.get(*key) != Some(repeat));
        let rows = repeats.map(|((gateway, key), first)| {
            let at = first.created_at.micros();
            json!([gateway, key, first.body_digest, first.challenge, first.status, first.reason, at])
        });
        self.run(&INSERT_REPEATS, rows.collect()).await?;
        let proofs = after.proofs.iter().filter(|(proof, _)| !before.proofs.contains_key(*proof));
        let rows = proofs.map(|((thumbprint, jti), at)| json!([thumbprint, jti, at.micros()]));
        self.run(&INSERT_PROOFS, rows.collect()).await?;
        if before.signing_keys != after.signing_keys {
            let row = |key: &StoredKey| {
                let private = self.sealed_now(&keys::label(key.id), &key.private)?;
                Ok(json!([key.id, key.purpose, key.public, private, key.status, key.created_at.micros()]))
            };
            let rows = after
                .signing_keys
                .iter()
                .filter(|key| !before.signing_keys.contains(key))
                .map(row)
                .collect::<Result<_, StoreError>>()?;
            self.run(&INSERT_SIGNING_KEYS, rows).await?;
        }
        Ok(())
    }
}
