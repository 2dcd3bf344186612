//! What a person signs in with.

use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::user::User;
use gatematch_protocol::id::UserId;

use super::Verb;
use crate::store::Act;
use crate::store::world::{Needs, World};

pub(crate) struct ChangeFactors {
    pub(crate) act: Act,
    pub(crate) user: UserId,
    pub(crate) change: FactorChange,
}

impl Verb for ChangeFactors {
    type Reply = Result<(), FactorRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account(self.user).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.user);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        world.by(&self.act, |world, journal| {
            let account = world.account(self.user).ok_or(FactorRefusal::Unknown)?;
            account.change_factors(&self.change, journal)
        })
    }
}
