//! Keys: administrators', the server's own, and the proofs of phones.

use gatematch_domain::audit::Event;
use gatematch_domain::role::{AdminKey, Role};
use gatematch_protocol::id::AdminKeyId;
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Act, KeyRevoked, StoredKey};

pub(crate) struct CreateAdminKey {
    pub(crate) act: Act,
    pub(crate) key: AdminKey,
    pub(crate) key_digest: String,
}

impl Verb for CreateAdminKey {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        let event =
            Event::new("admin_key.created", self.act.actor.clone(), self.act.now).with("key", self.key.id.to_string());
        world.events.push(event.with("name", self.key.name.as_str()).with("role", self.key.role.as_str()));
        world.admin_keys.insert(self.key.id, (self.key.clone(), self.key_digest.clone()));
    }
}

pub(crate) struct RevokeAdminKey {
    pub(crate) act: Act,
    pub(crate) id: AdminKeyId,
}

impl Verb for RevokeAdminKey {
    type Reply = KeyRevoked;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.admin_keys.insert(self.id);
        needs.every_admin = true;
    }

    fn apply(&self, world: &mut World) -> KeyRevoked {
        let is_other = |key: &AdminKey| key.role == Role::Admin && key.id != self.id;
        let last = !world.admin_keys.values().any(|(key, _)| is_other(key));
        if last && world.admin_keys.get(&self.id).is_some_and(|(key, _)| key.role == Role::Admin) {
            return KeyRevoked::LastAdministrator;
        }
        let Some((key, _)) = world.admin_keys.remove(&self.id) else { return KeyRevoked::Unknown };
        let event =
            Event::new("admin_key.revoked", self.act.actor.clone(), self.act.now).with("key", self.id.to_string());
        world.events.push(event.with("name", key.name.as_str()).with("role", key.role.as_str()));
        KeyRevoked::Done
    }
}

pub(crate) struct CreateSigningKeys {
    pub(crate) act: Act,
    pub(crate) keys: Vec<StoredKey>,
}

impl Verb for CreateSigningKeys {
    type Reply = Vec<StoredKey>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.signing_keys = true;
    }

    fn apply(&self, world: &mut World) -> Vec<StoredKey> {
        for key in &self.keys {
            let is_there = |stored: &StoredKey| stored.purpose == key.purpose && stored.status == key.status;
            if !world.signing_keys.iter().any(is_there) {
                let event = Event::new("signing_key.created", self.act.actor.clone(), self.act.now);
                world.events.push(event.with("key", key.id.to_string()).with("purpose", key.purpose.as_str()));
                world.signing_keys.push(key.clone());
            }
        }
        world.signing_keys.clone()
    }
}

pub(crate) struct SpendProof {
    pub(crate) now: Timestamp,
    pub(crate) thumbprint: String,
    pub(crate) jti: String,
}

impl Verb for SpendProof {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.proofs.insert((self.thumbprint.clone(), self.jti.clone()));
    }

    fn apply(&self, world: &mut World) -> bool {
        world.proofs.insert((self.thumbprint.clone(), self.jti.clone()), self.now).is_none()
    }
}
