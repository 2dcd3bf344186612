//! One user with his phones and his live challenges: what every decision about a login concerns.

use gatematch_protocol::authenticator::AuthenticatorView;
use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::time::Timestamp;

use crate::audit::{Actor, Event, Journal, Outcome};
use crate::challenge::{Challenge, Reason, State, Step};
use crate::device::Device;
use crate::factor::Factor;
use crate::limits::AfterFailure;
use crate::notice::Kind;
use crate::user::{Status, User, UserChange};

/// A user, his phones and other factors, and his live challenges (and others that were asked for by id).
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Himself.
    pub user: User,
    /// His phones, oldest first.
    pub devices: Vec<Device>,
    /// What else he passes with, oldest first.
    pub factors: Vec<Factor>,
    /// His challenges, oldest first: all live ones are among them.
    pub challenges: Vec<Challenge>,
}

impl Account {
    /// An account without phones and challenges.
    #[must_use]
    pub const fn new(user: User) -> Self {
        Self { user, devices: Vec::new(), factors: Vec::new(), challenges: Vec::new() }
    }

    /// All that the user signs in with, phones first, as administrators and he himself see it.
    #[must_use]
    pub fn authenticators(&self, now: Timestamp) -> Vec<AuthenticatorView> {
        let phones = self.devices.iter().map(Device::authenticator_view);
        phones.chain(self.factors.iter().filter_map(|factor| factor.view(now))).collect()
    }

    /// The phones that may be asked.
    pub fn active_devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| device.is_active())
    }

    /// The phone `id`, if it may be asked.
    #[must_use]
    pub fn active_device(&self, id: DeviceId) -> Option<&Device> {
        self.active_devices().find(|device| device.id == id)
    }

    /// The challenge `id`.
    #[must_use]
    pub fn challenge(&self, id: ChallengeId) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.id == id)
    }

    /// Writes down that the time of challenges has run out. Everything that decides does this first, so that
    /// nothing dead is ever decided upon, whatever the clock did meanwhile.
    ///
    /// Lock, disable and revocation end what is open in their own transaction. Should the store hold something
    /// open all the same (a row changed by hand, an old backup), it ends here: the second bolt.
    pub fn settle(&mut self, journal: &mut Journal) {
        let (now, may_sign_in) = (journal.now, self.user.may_sign_in());
        let phones: Vec<DeviceId> = self.active_devices().map(|device| device.id).collect();
        let factors: Vec<AuthenticatorId> = self.factors.iter().map(|factor| factor.id).collect();
        let mut own = Journal::new(Actor::System, now);
        self.end(&mut own, |challenge| {
            if challenge.is_overdue(now) {
                return Some(Step::Expire);
            }
            let phone_is_gone = challenge.state.decided_by().is_some_and(|device| !phones.contains(&device));
            let factor_is_gone = challenge.state.approved_with().is_some_and(|id| !factors.contains(&id));
            match (may_sign_in, phone_is_gone || factor_is_gone) {
                (false, _) => Some(Step::Deny { reason: Reason::Locked, device: None }),
                (true, true) => Some(Step::Deny { reason: Reason::Revoked, device: None }),
                (true, false) => None,
            }
        });
        journal.events.append(&mut own.events);
    }

    /// Takes the step that `which` names for each challenge, where that step exists, and records it.
    pub(crate) fn end(&mut self, journal: &mut Journal, which: impl Fn(&Challenge) -> Option<Step>) -> usize {
        let mut ended = 0;
        for challenge in &mut self.challenges {
            let Some(step) = which(challenge) else { continue };
            if challenge.take(step, journal.now) {
                journal.record(ended_event(challenge, journal));
                ended += 1;
            }
        }
        ended
    }

    /// Locks the account, for this reason from now on, and ends what is open; false if it was locked already.
    pub fn lock(&mut self, reason: &str, journal: &mut Journal) -> bool {
        self.settle(journal);
        let is_new = self.user.locked.is_none();
        self.user.locked = Some(reason.to_owned());
        self.user.limits.closed(journal.now);
        self.end_reuse(journal.now);
        journal.record(journal.event("user.locked").user(&self.user.username).with("reason", reason));
        self.end(journal, |_| Some(Step::Deny { reason: Reason::Locked, device: None }));
        is_new
    }

    /// Unlocks the account, forgets his failures and wakes it, should it sleep; false if he was neither locked nor had
    /// failures.
    pub fn unlock(&mut self, reason: &str, journal: &mut Journal) -> bool {
        let was = self.user.locked.is_some() || self.user.limits.failures() > 0;
        self.user.locked = None;
        self.user.limits.forgive_failures(journal.now);
        journal.record(journal.event("user.unlocked").user(&self.user.username).with("reason", reason));
        was
    }

    /// Changes the user; disabling ends what is open. Whoever comes into one of the `protected_groups` loses his pass and
    /// his bypasses: the helpdesk may have made them, which must leave him alone from now on.
    pub fn change(&mut self, change: &UserChange, protected_groups: &[String], journal: &mut Journal) {
        self.settle(journal);
        let was_protected = self.user.is_protected(protected_groups);
        if change.apply(&mut self.user) {
            let mut event = journal.event("user.changed").user(&self.user.username);
            if change.groups.is_some() {
                event = event.with("groups", self.user.groups.clone());
            }
            journal.record(event);
        }
        if !was_protected && self.user.is_protected(protected_groups) {
            self.void_passes(journal);
            // A helpdesk may have invited itself as him.
            self.user.limits.closed(journal.now);
        }
        match (change.status, self.user.status) {
            (Some(Status::Disabled), Status::Active) => {
                self.user.status = Status::Disabled;
                self.user.limits.closed(journal.now);
                self.end_reuse(journal.now);
                journal.record(journal.event("user.disabled").user(&self.user.username));
                self.end(journal, |_| Some(Step::Deny { reason: Reason::Locked, device: None }));
            }
            (Some(Status::Active), Status::Disabled) => {
                self.user.status = Status::Active;
                journal.record(journal.event("user.enabled").user(&self.user.username));
            }
            _ => {}
        }
    }

    /// Ends what is open because the account goes.
    pub fn delete(&mut self, journal: &mut Journal) {
        self.settle(journal);
        self.end(journal, |_| Some(Step::Deny { reason: Reason::Revoked, device: None }));
        let event = journal.event("user.deleted").user(&self.user.username);
        journal.record(event.with("devices", self.devices.len()).with("factors", self.factors.len()));
        self.devices.clear();
        self.factors.clear();
    }

    /// Takes a phone away and ends what only it could decide or what it approved. `None` if there is no such phone.
    pub fn revoke_device(&mut self, id: DeviceId, why: &str, journal: &mut Journal) -> Option<Device> {
        self.settle(journal);
        let index = self.devices.iter().position(|device| device.id == id)?;
        let device = self.devices.remove(index);
        self.end_reuse(journal.now);
        let event = journal.event("device.deleted").user(&self.user.username).device(id);
        journal.record(event.with("name", device.name.as_str()).with("why", why));
        self.end(journal, |challenge| {
            let by_it = matches!(&challenge.state, State::Approved { approval, .. } if approval.device == Some(id));
            by_it.then_some(Step::Deny { reason: Reason::Revoked, device: None })
        });
        self.end_by_removal(&[], journal);
        self.tell(Kind::PhoneRemoved, journal);
        Some(device)
    }

    /// Ends what is open at a gateway that goes.
    pub fn gateway_deleted(&mut self, gateway: GatewayId, journal: &mut Journal) -> usize {
        self.settle(journal);
        self.end(journal, |challenge| {
            (challenge.gateway == gateway).then_some(Step::Deny { reason: Reason::Revoked, device: None })
        })
    }

    /// A factor of his lets him in: what counted against him is forgotten.
    pub(crate) fn signed_in(&mut self, now: Timestamp) {
        self.user.limits.succeeded();
        self.user.last_sign_in_at = Some(now);
    }

    /// Counts a failure; at the limit the account is locked, which ends what is open. His phones are told of the first
    /// one, but for the one by which it happened.
    pub(crate) fn fail(
        &mut self,
        during: Option<&Challenge>,
        by: Option<DeviceId>,
        journal: &mut Journal,
    ) -> AfterFailure {
        let after = self.user.limits.failed(journal.now);
        // Where nobody hears of it, the next one is told.
        let is_heard = self.active_devices().any(|device| Some(device.id) != by);
        if is_heard && self.user.limits.tells_failure() {
            self.tell_about(Kind::FactorFailed, during, by, journal);
        }
        match after {
            AfterFailure::Lock => {
                self.lock("too many failures", journal);
            }
            AfterFailure::Cooldown => {
                let event = journal.event("user.cooled_down").user(&self.user.username);
                journal.record(event.with("failures", self.user.limits.failures()));
            }
            AfterFailure::Nothing => {}
        }
        after
    }

    /// When the next of the live challenges runs out of time.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.challenges.iter().filter_map(Challenge::deadline).min()
    }
}

/// Ends a live challenge whose account is gone.
pub fn end_unaccounted(challenge: &mut Challenge, journal: &mut Journal) {
    let step = if challenge.is_overdue(journal.now) {
        Step::Expire
    } else {
        Step::Deny { reason: Reason::Revoked, device: None }
    };
    if challenge.take(step, journal.now) {
        journal.record(ended_event(challenge, journal));
    }
}

/// An event about `challenge`, with what every such event tells.
pub(crate) fn about(challenge: &Challenge, kind: &'static str, journal: &Journal) -> Event {
    let mut event = journal.event(kind).user(&challenge.username).gateway(challenge.gateway);
    event.client = Some(challenge.client.clone());
    event.policy.clone_from(&challenge.rule);
    event.with("challenge", challenge.id.to_string())
}

/// The event of the state that `challenge` is in now.
pub(crate) fn ended_event(challenge: &Challenge, journal: &Journal) -> Event {
    let (kind, outcome) = match challenge.state {
        State::Pending => ("challenge.created", Outcome::Success),
        State::Approved { .. } => ("challenge.approved", Outcome::Success),
        State::Redeemed { .. } => ("challenge.redeemed", Outcome::Success),
        State::Denied { .. } => ("challenge.denied", Outcome::Failure),
        State::Expired { .. } => ("challenge.expired", Outcome::Failure),
        State::Cancelled { .. } => ("challenge.cancelled", Outcome::Failure),
    };
    let mut event = about(challenge, kind, journal);
    event.outcome = outcome;
    event.reason = challenge.state.reason().map(|reason| reason.as_str().to_owned());
    event.device = challenge.state.decided_by();
    if let State::Approved { approval, .. } | State::Redeemed { approval, .. } = &challenge.state {
        event.number_match = Some(challenge.is_matched_by(approval));
        event = event.with("method", approval.method.as_str());
        event = match approval.authenticator {
            None => event.with("uv_claimed", approval.uv.as_str()),
            Some(id) => event.with("authenticator", id.to_string()),
        };
    }
    event
}
