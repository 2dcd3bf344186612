//! The audit log on its own, and forgetting.

use gatematch_domain::audit::Event;
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::Act;
use crate::store::world::{Needs, World};

pub(crate) struct RecordEvents(pub(crate) Vec<Event>);

impl Verb for RecordEvents {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        world.events.extend(self.0.iter().cloned());
    }
}

pub(crate) struct Purge {
    pub(crate) now: Timestamp,
}

impl Verb for Purge {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        world.purge_before = Some(self.now);
    }
}
