//! Gateways.

use gatematch_domain::audit::Event;
use gatematch_domain::gateway::Gateway;
use gatematch_protocol::id::GatewayId;

use super::Verb;
use crate::store::Act;
use crate::store::world::{Needs, World};

pub(crate) struct CreateGateway {
    pub(crate) act: Act,
    pub(crate) gateway: Gateway,
    pub(crate) key_digest: String,
}

impl Verb for CreateGateway {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        let event = Event::new("gateway.created", self.act.actor.clone(), self.act.now).gateway(self.gateway.id);
        let event =
            event.with("name", self.gateway.name.as_str()).with("application", self.gateway.application.as_str());
        let event = event.with("can_display", self.gateway.can_display);
        world.events.push(event.with("client_address", self.gateway.client_address.as_str()));
        world.gateways.insert(self.gateway.id, (self.gateway.clone(), self.key_digest.clone()));
    }
}

pub(crate) struct DeleteGateway {
    pub(crate) act: Act,
    pub(crate) id: GatewayId,
}

impl Verb for DeleteGateway {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.gateways.insert(self.id);
        needs.open_at_gateways.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> bool {
        let Some((gateway, _)) = world.gateways.remove(&self.id) else { return false };
        world.by(&self.act, |world, journal| {
            for account in world.accounts_mut() {
                account.settle(journal);
                account.gateway_deleted(self.id, journal);
            }
            let event = journal.event("gateway.deleted").gateway(self.id);
            journal.record(event.with("name", gateway.name.as_str()));
        });
        true
    }
}
