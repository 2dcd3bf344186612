//! What is signed of the audit log, and who has it.

use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Act, LogBeginning};

pub(crate) struct KeepCheckpoint {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) key_id: String,
    pub(crate) now: Timestamp,
}

impl Verb for KeepCheckpoint {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        world.checkpoints.push((self.checkpoint.clone(), self.key_id.clone(), self.now));
    }
}

pub(crate) struct MoveCursor {
    pub(crate) name: String,
    pub(crate) seq: u64,
}

impl Verb for MoveCursor {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, _: &mut Needs) {}

    fn apply(&self, world: &mut World) {
        world.cursors.insert(self.name.clone(), self.seq);
    }
}

/// The beginning of the log goes, and a signed statement stands in its place.
pub(crate) struct RemoveBeginning {
    pub(crate) act: Act,
    pub(crate) beginning: LogBeginning,
    pub(crate) reason: String,
}

impl Verb for RemoveBeginning {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.log.insert(self.beginning.end.size);
    }

    fn apply(&self, world: &mut World) -> bool {
        let end = &self.beginning.end;
        if world.log.get(&end.size) != Some(&end.head) {
            return false;
        }
        world.removed.push((self.beginning.clone(), self.act.now));
        world.by(&self.act, |_, journal| {
            let event = journal.event("audit.beginning_removed").with("size", end.size);
            journal.record(event.with("head", end.head.as_str()).with("reason", self.reason.as_str()));
        });
        true
    }
}
