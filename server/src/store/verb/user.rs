//! Users.

use gatematch_domain::account::Account;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::id::UserId;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Act, PutUser, UserDeleted, UserPut};

impl Verb for PutUser {
    type Reply = UserPut;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.usernames.insert(self.username.to_string());
    }

    fn apply(&self, world: &mut World) -> UserPut {
        let there = world.account_named(&self.username).map(|account| account.user.clone());
        if !self.as_admin && self.change.needs_admin(there.as_ref()) {
            return UserPut::NeedsAdmin;
        }
        world.by(&self.act, |world, journal| match there {
            Some(user) => {
                let changed = world.account(user.id).map(|account| {
                    account.settle(journal);
                    account.change(&self.change, &self.protected_groups, journal);
                    account.user.clone()
                });
                UserPut::Changed(changed.unwrap_or(user))
            }
            None => {
                let mut user = User::new(self.id, self.username.clone(), self.act.now);
                self.change.apply(&mut user);
                user.status = self.change.status.unwrap_or(user.status);
                let event = journal.event("user.created").user(&user.username);
                journal.record(event.with("groups", user.groups.clone()).with("status", user.status.as_str()));
                world.insert_account(Account::new(user.clone()));
                UserPut::Created(user)
            }
        })
    }
}

pub(crate) struct LockUser {
    pub(crate) act: Act,
    pub(crate) name: Username,
    pub(crate) reason: String,
    pub(crate) lock: bool,
}

impl Verb for LockUser {
    type Reply = Option<bool>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    // Everybody may lock anybody: that lets nobody in.
    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        if self.lock {
            return None;
        }
        world.account_named(&self.name).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.usernames.insert(self.name.to_string());
    }

    fn apply(&self, world: &mut World) -> Option<bool> {
        world.by(&self.act, |world, journal| {
            let account = world.account_named(&self.name)?;
            account.settle(journal);
            Some(if self.lock { account.lock(&self.reason, journal) } else { account.unlock(&self.reason, journal) })
        })
    }
}

pub(crate) struct DeleteUser {
    pub(crate) act: Act,
    pub(crate) id: UserId,
    pub(crate) as_admin: bool,
}

impl Verb for DeleteUser {
    type Reply = UserDeleted;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account(self.id).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> UserDeleted {
        world.by(&self.act, |world, journal| {
            let Some(account) = world.account(self.id) else { return UserDeleted::Unknown };
            if !self.as_admin && account.user.is_bound() {
                return UserDeleted::NeedsAdmin;
            }
            account.delete(journal);
            world.remove_account(self.id);
            UserDeleted::Done
        })
    }
}
