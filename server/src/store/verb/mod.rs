//! The verbs of the store, written once for every database.
//!
//! A verb says what it needs, and is applied to the loaded world. It may be applied again to a fresh world
//! when its group could not be written, so it keeps nothing of an earlier try.

mod challenge;
mod device;
mod gateway;
mod keys;
mod log;
mod user;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Journal;
use gatematch_protocol::id::ChallengeId;

pub(crate) use self::challenge::{CancelChallenge, RecordResponse, Settle, SpendPasscode};
pub(crate) use self::device::{ConfirmDevice, CreateEnrollment, RevokeDevice, SetPush};
pub(crate) use self::gateway::{CreateGateway, DeleteGateway};
pub(crate) use self::keys::{CreateAdminKey, CreateSigningKeys, RevokeAdminKey, SpendProof};
pub(crate) use self::log::{Purge, RecordEvents};
pub(crate) use self::user::{DeleteUser, LockUser};
use super::Act;
use super::world::{Needs, World};

/// One step that is written in one transaction.
pub(crate) trait Verb: Send + Sync + 'static {
    /// What it answers.
    type Reply: Send + 'static;

    /// Names the rows that it reads or changes.
    fn needs(&self, needs: &mut Needs);

    /// Makes the step.
    fn apply(&self, world: &mut World) -> Self::Reply;
}

impl Act {
    fn journal(&self) -> Journal {
        Journal::new(self.actor.clone(), self.now)
    }
}

impl World {
    /// Runs `step` with a journal whose events are kept.
    fn by<T>(&mut self, act: &Act, step: impl FnOnce(&mut Self, &mut Journal) -> T) -> T {
        let mut journal = act.journal();
        let answer = step(self, &mut journal);
        self.events.append(&mut journal.events);
        answer
    }

    /// [`World::by`] on the account of a challenge.
    fn on_challenge<T>(
        &mut self,
        act: &Act,
        id: ChallengeId,
        step: impl FnOnce(&mut Account, &mut Journal) -> T,
    ) -> Option<T> {
        self.by(act, |world, journal| world.account_of_challenge(id).map(|account| step(account, journal)))
    }
}
