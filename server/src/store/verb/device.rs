//! Phones and their enrollment.

use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::device::{ConfirmRefusal, Device, PushRefusal, PushSet};
use gatematch_domain::enrollment::{Enrollment, RegisterRefusal};
use gatematch_domain::factors::FactorRefusal;
use gatematch_domain::user::User;
use gatematch_domain::visit::Visit;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Act, RegisterDevice};

pub(crate) struct CreateEnrollment {
    pub(crate) act: Act,
    pub(crate) enrollment: Enrollment,
}

impl Verb for CreateEnrollment {
    type Reply = Result<(), FactorRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account(self.enrollment.user).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.enrollment.user);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let account = world.account(self.enrollment.user).ok_or(FactorRefusal::Unknown)?;
        if let Some(device) = self.enrollment.by_device {
            account.own_change(device, self.act.now)?;
        }
        let username = account.user.username.clone();
        let event = Event::new("enrollment.created", self.act.actor.clone(), self.act.now).user(username);
        let event = event.with("enrollment", self.enrollment.id.to_string());
        world.events.push(event.with("expires_at", self.enrollment.expires_at.to_string()));
        world.enrollments.insert(self.enrollment.id, self.enrollment.clone());
        Ok(())
    }
}

impl Verb for RegisterDevice {
    type Reply = Result<Device, RegisterRefusal>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.tokens.insert(self.token_digest.clone());
        needs.keys.insert(self.phone.key.thumbprint());
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let found = world.enrollments.values().find(|enrollment| enrollment.token_digest == self.token_digest);
        let mut enrollment = found.cloned().ok_or(RegisterRefusal::Gone)?;
        let taken = world.key_is_taken(&self.phone.key.thumbprint());
        let act = Act::new(Actor::Device(self.phone.id), self.now);
        let device = world.by(&act, |world, journal| {
            let account = world.account(enrollment.user).ok_or(RegisterRefusal::Gone)?;
            account.register(&mut enrollment, taken, self.phone.clone(), journal)
        })?;
        world.enrollments.insert(enrollment.id, enrollment);
        Ok(device)
    }
}

pub(crate) struct ConfirmDevice {
    pub(crate) act: Act,
    pub(crate) id: DeviceId,
    pub(crate) code: String,
}

impl Verb for ConfirmDevice {
    type Reply = Result<(), ConfirmRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account_of_device(self.id).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.devices.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let let_in_by = world.visit_of(&self.act).and_then(Visit::phone);
        world.by(&self.act, |world, journal| {
            let account = world.account_of_device(self.id).ok_or(ConfirmRefusal::Unknown)?;
            match (&self.act.actor, let_in_by) {
                // By himself: one phone of his vouches for another.
                (Actor::Person { .. }, Some(by)) => account.confirm_device_by(by, self.id, &self.code, journal),
                _ => account.confirm_device(self.id, &self.code, journal),
            }
        })
    }
}

pub(crate) struct RevokeDevice {
    pub(crate) act: Act,
    pub(crate) id: DeviceId,
    pub(crate) why: String,
}

impl Verb for RevokeDevice {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account_of_device(self.id).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.devices.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> bool {
        world.by(&self.act, |world, journal| {
            let Some(account) = world.account_of_device(self.id) else { return false };
            account.settle(journal);
            account.revoke_device(self.id, &self.why, journal).is_some()
        })
    }
}

pub(crate) struct SetPush {
    pub(crate) act: Act,
    pub(crate) id: DeviceId,
    pub(crate) push: Option<PushSubscription>,
}

impl Verb for SetPush {
    type Reply = PushSet;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.devices.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        world.by(&self.act, |world, journal| {
            let account = world.account_of_device(self.id).ok_or(PushRefusal::Unknown)?;
            account.set_push(self.id, self.push.clone(), journal)
        })
    }
}

/// The push service says that a subscription is no more.
pub(crate) struct DropPush {
    pub(crate) now: Timestamp,
    pub(crate) id: DeviceId,
    pub(crate) endpoint: Secret,
}

impl Verb for DropPush {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.devices.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> bool {
        world.by(&Act::new(Actor::System, self.now), |world, journal| {
            let account = world.account_of_device(self.id);
            account.is_some_and(|account| account.drop_push(self.id, &self.endpoint, journal))
        })
    }
}
