//! The verbs of the store, written once for every database.
//!
//! A verb says what it needs, and is applied to the loaded world. It may be applied again to a fresh world
//! when its group could not be written, so it keeps nothing of an earlier try.

mod chain;
mod challenge;
mod connect;
mod device;
mod factor;
mod gateway;
mod keys;
mod log;
mod policy;
mod user;

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::user::User;
use gatematch_protocol::id::ChallengeId;

pub(crate) use self::chain::{KeepCheckpoint, MoveCursor, RemoveBeginning};
pub(crate) use self::challenge::{CancelChallenge, RecordResponse, Settle, SpendPasscode};
pub(crate) use self::connect::{RenewSession, RevokeBrowser};
pub(crate) use self::device::{ConfirmDevice, CreateEnrollment, DropPush, RevokeDevice, SetPush};
pub(crate) use self::factor::ChangeFactors;
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

    /// Who acts, where that is not checked by the verb itself: his credential must still hold in the write.
    fn act(&self) -> Option<&Act>;

    /// The user whom it is about, where a helpdesk must leave protected ones alone.
    fn manages<'a>(&self, _: &'a mut World) -> Option<&'a User> {
        None
    }

    /// Names the rows that it reads or changes.
    fn needs(&self, needs: &mut Needs);

    /// Makes the step.
    fn apply(&self, world: &mut World) -> Self::Reply;
}

impl Act {
    /// The rows by which the actor's credential holds.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        match &self.actor {
            Actor::Gateway(id) => drop(needs.gateways.insert(*id)),
            Actor::Admin { id, .. } => drop(needs.admin_keys.insert(*id)),
            Actor::Device(id) => drop(needs.devices.insert(*id)),
            Actor::Browser(_) | Actor::CommandLine(_) | Actor::Address(_) | Actor::System => {}
        }
    }

    /// Whether the actor's credential still holds. It did when the request began, but a revocation holds from the
    /// moment of its answer, also against what is under way.
    pub(crate) fn holds(&self, world: &mut World) -> bool {
        match &self.actor {
            Actor::Gateway(id) => world.gateways.contains_key(id),
            Actor::Admin { id, .. } => world.admin_keys.contains_key(id),
            Actor::Device(id) => world.account_of_device(*id).is_some(),
            Actor::Browser(_) | Actor::CommandLine(_) | Actor::Address(_) | Actor::System => true,
        }
    }

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
        self.news.append(&mut journal.news);
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
