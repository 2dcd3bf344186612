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
mod visit;

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::user::User;
use gatematch_domain::visit::Visit;
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
pub(crate) use self::visit::{Disown, Finish, Invite, Knocks, Leave, Prove, Seen, SetRole};
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
        needs.visits.extend(self.visit.clone());
        match &self.actor {
            Actor::Gateway(id) => drop(needs.gateways.insert(*id)),
            Actor::Admin { id, .. } => drop(needs.admin_keys.insert(*id)),
            Actor::Operator { user, .. } | Actor::Person { user, .. } => drop(needs.users.insert(*user)),
            Actor::Device(id) => drop(needs.devices.insert(*id)),
            Actor::Browser(_) | Actor::CommandLine(_) | Actor::Address(_) | Actor::System => {}
        }
    }

    /// Whether the actor's credential still holds. It did when the request began, but a revocation holds from the
    /// moment of its answer, also against what is under way.
    pub(crate) fn holds(&self, world: &mut World) -> bool {
        if self.visit.is_some() && world.visit_of(self).is_none() {
            return false;
        }
        match &self.actor {
            Actor::Gateway(id) => world.gateways.contains_key(id),
            Actor::Admin { id, .. } => world.admin_keys.contains_key(id),
            Actor::Operator { user, role, .. } => world
                .account_of(*user)
                .is_some_and(|account| account.user.may_sign_in() && account.user.role == Some(*role)),
            Actor::Person { user, .. } => world.account_of(*user).is_some_and(|account| account.user.may_sign_in()),
            Actor::Device(id) => world.account_of_device(*id).is_some(),
            Actor::Browser(_) | Actor::CommandLine(_) | Actor::Address(_) | Actor::System => true,
        }
    }

    fn journal(&self) -> Journal {
        Journal::new(self.actor.clone(), self.now)
    }
}

impl World {
    /// The visit in which he acts, where it holds.
    fn visit_of(&self, act: &Act) -> Option<&Visit> {
        let visit = self.visit_by_token(act.visit.as_deref()?)?;
        let account = self.account_of(visit.user?)?;
        visit.holds(account, act.now).then_some(visit)
    }

    /// Runs `step` with a journal whose events are kept.
    fn by<T>(&mut self, act: &Act, step: impl FnOnce(&mut Self, &mut Journal) -> T) -> T {
        let mut journal = act.journal();
        let answer = step(self, &mut journal);
        if let Some(reason) = &act.reason {
            let of_the_account = journal.events.iter_mut().filter(|event| event.kind.starts_with("user."));
            for event in of_the_account.filter(|event| event.actor == act.actor) {
                event.detail.entry("reason").or_insert_with(|| reason.as_str().into());
            }
        }
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
