//! Changes to what a person signs in with. Each is told to his phones, and ends what was let in by something that goes.

use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::time::Timestamp;

use crate::account::Account;
use crate::audit::{Actor, Event, Journal, Outcome};
use crate::challenge::{Challenge, Reason, State, Step};
use crate::factor::{Factor, Kind, MAX_BYPASSES};
use crate::notice;
use crate::policy::Method;
use crate::totp::{MAX_CONFIRM_TRIES, MAX_TOTPS, Totp, TotpStatus};

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorRefusal {
    /// There is no such thing.
    Unknown,
    /// There are as many as are allowed.
    TooMany,
    /// He has an app or a token with this seed: each code of it would let in twice.
    SeedHeld,
    /// It was confirmed before.
    Confirmed,
    /// The code is wrong; the fifth time the authenticator is gone.
    WrongCode,
    /// His own phone asks, and the account is locked or disabled.
    Locked,
    /// His phones have changed too much of late.
    TooOften {
        /// After how many seconds another change is taken.
        seconds: i64,
    },
}

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorChange {
    /// A new one. A set of codes, a pass, and an app that is not confirmed take the place of an earlier one.
    Add {
        /// It.
        factor: Box<Factor>,
        /// Why, where that was told.
        reason: Option<String>,
    },
    /// An app is confirmed by a code that it shows.
    Confirm {
        /// Which.
        id: AuthenticatorId,
        /// The code, as it was typed.
        code: gatematch_protocol::secret::Secret,
    },
    /// One goes.
    Remove {
        /// Which.
        id: AuthenticatorId,
        /// Why, where that was told.
        reason: Option<String>,
        /// Whether it must be a bypass, or must not.
        bypass: bool,
    },
    /// One of his phones goes.
    RemovePhone {
        /// Which.
        id: DeviceId,
        /// Why.
        why: String,
    },
    /// One of his phones gets another name.
    RenamePhone {
        /// Which.
        id: DeviceId,
        /// What he calls it.
        name: String,
    },
}

impl Account {
    /// The factors that work now, with the ways that they serve.
    pub fn working(&self, now: Timestamp) -> impl Iterator<Item = (&Factor, Method)> {
        self.factors.iter().filter_map(move |factor| Some((factor, factor.method(now)?)))
    }

    /// Whether he can sign in this way now.
    #[must_use]
    pub fn holds(&self, method: Method, now: Timestamp) -> bool {
        match method {
            Method::Push => self.active_devices().next().is_some(),
            method => self.working(now).any(|(_, held)| held == method),
        }
    }

    /// Makes a change.
    ///
    /// # Errors
    /// [`FactorRefusal`]; a wrong code is counted even so, in the same write.
    pub fn change_factors(&mut self, change: &FactorChange, journal: &mut Journal) -> Result<(), FactorRefusal> {
        self.settle(journal);
        let by_himself = match journal.actor {
            Actor::Device(id) => Some(id),
            // A browser of his counts as one more phone.
            Actor::Person { .. } => Some(DeviceId::NIL),
            _ => None,
        };
        if let Some(id) = by_himself {
            // What is taken away has an end of its own, and must never be kept from anybody.
            if matches!(change, FactorChange::Remove { .. } | FactorChange::RemovePhone { .. }) {
                self.user.may_sign_in().then_some(()).ok_or(FactorRefusal::Locked)?;
            } else {
                self.own_change(id, journal.now)?;
            }
        }
        let changed = match change {
            FactorChange::Add { factor, reason } => self.add_factor(factor, reason.as_deref(), journal),
            FactorChange::Confirm { id, code } => self.confirm_totp(*id, code.reveal(), journal),
            FactorChange::Remove { id, reason, bypass } => self.remove_factor(*id, *bypass, reason.as_deref(), journal),
            FactorChange::RemovePhone { id, why } => {
                self.revoke_device(*id, why, journal).map(drop).ok_or(FactorRefusal::Unknown)
            }
            FactorChange::RenamePhone { id, name } => return self.rename_phone(*id, name, journal),
        };
        if changed.is_ok() {
            self.end_reuse(journal.now);
        }
        changed
    }

    /// Counts a change that the phone `by` makes to what its person signs in with.
    ///
    /// # Errors
    /// [`FactorRefusal::Locked`] and [`FactorRefusal::TooOften`]; nothing may be changed then.
    pub fn own_change(&mut self, by: DeviceId, now: Timestamp) -> Result<(), FactorRefusal> {
        self.user.may_sign_in().then_some(()).ok_or(FactorRefusal::Locked)?;
        self.user.limits.own_change(by, now).map_err(|seconds| FactorRefusal::TooOften { seconds })
    }

    fn add_factor(
        &mut self,
        factor: &Factor,
        reason: Option<&str>,
        journal: &mut Journal,
    ) -> Result<(), FactorRefusal> {
        let confirmed = |other: &&Factor| matches!(&other.kind, Kind::Totp(totp) if totp.status == TotpStatus::Active);
        let in_force = |other: &&Factor| other.method(journal.now) == Some(Method::Bypass);
        let full = match factor.kind {
            Kind::Totp(_) => self.factors.iter().filter(confirmed).count() >= MAX_TOTPS,
            Kind::Bypass(_) => self.factors.iter().filter(in_force).count() >= MAX_BYPASSES,
            Kind::RecoveryCodes(_) | Kind::AccessPass(_) => false,
        };
        let seed = |factor: &Factor| match &factor.kind {
            Kind::Totp(totp) => Some(totp.seed.clone()),
            _ => None,
        };
        if seed(factor).is_some_and(|new| self.factors.iter().any(|other| seed(other).is_some_and(|held| held == new)))
        {
            return Err(FactorRefusal::SeedHeld);
        }
        if full {
            return Err(FactorRefusal::TooMany);
        }
        let gone: Vec<AuthenticatorId> =
            self.factors.iter().filter(|other| gives_way(&other.kind, &factor.kind)).map(|other| other.id).collect();
        self.factors.retain(|other| !gone.contains(&other.id));
        self.factors.push(factor.clone());
        self.end_by_removal(&gone, journal);
        let mut event = self.about(factor, "authenticator.added", journal);
        if let Some(reason) = reason {
            event = event.with("reason", reason);
        }
        if !gone.is_empty() {
            event = event.with("replaced", gone.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        journal.record(event);
        if let Some(kind) = notice::Kind::of_added(factor) {
            self.tell(kind, journal);
        }
        Ok(())
    }

    fn confirm_totp(&mut self, id: AuthenticatorId, typed: &str, journal: &mut Journal) -> Result<(), FactorRefusal> {
        let now = journal.now;
        let active = self.factors.iter().filter(|other| other.method(now) == Some(Method::Totp)).count();
        let index = self.factors.iter().position(|factor| factor.id == id).ok_or(FactorRefusal::Unknown)?;
        let factor = self.factors.get_mut(index).ok_or(FactorRefusal::Unknown)?;
        let Kind::Totp(totp) = &mut factor.kind else { return Err(FactorRefusal::Unknown) };
        let wrong_tries = match totp.status {
            TotpStatus::Unconfirmed { wrong_tries } => wrong_tries,
            TotpStatus::Active => return Err(FactorRefusal::Confirmed),
            TotpStatus::Unreadable => return Err(FactorRefusal::Unknown),
        };
        if active >= MAX_TOTPS {
            return Err(FactorRefusal::TooMany);
        }
        let code = gatematch_protocol::passcode::read(typed);
        let step = code.and_then(|(_, code)| totp.step_of(code.reveal(), now));
        if let Some(step) = step {
            totp.status = TotpStatus::Active;
            totp.last_step = Some(step);
            let factor = factor.clone();
            journal.record(self.about(&factor, "authenticator.confirmed", journal));
            self.tell(notice::Kind::TotpAdded, journal);
            return Ok(());
        }
        let tries = wrong_tries.saturating_add(1);
        totp.status = TotpStatus::Unconfirmed { wrong_tries: tries };
        let factor = factor.clone();
        let event = self.about(&factor, "authenticator.confirm_failed", journal);
        journal.record(event.ended(Outcome::Failure, "wrong-code").with("tries", tries));
        if tries >= MAX_CONFIRM_TRIES {
            self.factors.retain(|other| other.id != id);
            journal
                .record(self.about(&factor, "authenticator.removed", journal).with("reason", "too many wrong codes"));
        }
        Err(FactorRefusal::WrongCode)
    }

    fn remove_factor(
        &mut self,
        id: AuthenticatorId,
        bypass: bool,
        reason: Option<&str>,
        journal: &mut Journal,
    ) -> Result<(), FactorRefusal> {
        let is_it = |factor: &Factor| factor.id == id && matches!(factor.kind, Kind::Bypass(_)) == bypass;
        let index = self.factors.iter().position(is_it).ok_or(FactorRefusal::Unknown)?;
        let factor = self.factors.remove(index);
        let mut event = self.about(&factor, "authenticator.removed", journal);
        if let Some(reason) = reason {
            event = event.with("reason", reason);
        }
        journal.record(event);
        self.end_by_removal(&[id], journal);
        if let Some(kind) = notice::Kind::of_removed(&factor) {
            self.tell(kind, journal);
        }
        Ok(())
    }

    /// Takes the pass and all bypasses away.
    pub(crate) fn void_passes(&mut self, journal: &mut Journal) {
        let found = self.factors.iter().filter_map(|factor| match factor.kind {
            Kind::AccessPass(_) => Some((factor.id, false)),
            Kind::Bypass(_) => Some((factor.id, true)),
            Kind::Totp(_) | Kind::RecoveryCodes(_) => None,
        });
        let found: Vec<_> = found.collect();
        self.end_reuse(journal.now);
        for (id, bypass) in found {
            // It was found a moment ago.
            let _ = self.remove_factor(id, bypass, Some("the person is protected now"), journal);
        }
    }

    fn rename_phone(&mut self, id: DeviceId, name: &str, journal: &mut Journal) -> Result<(), FactorRefusal> {
        let device = self.devices.iter_mut().find(|device| device.id == id).ok_or(FactorRefusal::Unknown)?;
        if device.name != name {
            let was = std::mem::replace(&mut device.name, name.to_owned());
            let event = journal.event("device.renamed").user(&self.user.username).device(id);
            journal.record(event.with("name", name).with("was", was));
        }
        Ok(())
    }

    /// Ends what can be met no more, and what these have let in and nobody has redeemed.
    pub(crate) fn end_by_removal(&mut self, gone: &[AuthenticatorId], journal: &mut Journal) {
        let stranded: Vec<_> = self
            .challenges
            .iter()
            .filter(|challenge| challenge.state == State::Pending && !self.can_meet(challenge, journal.now))
            .map(|challenge| challenge.id)
            .collect();
        self.end(journal, |challenge| {
            let concerned = match &challenge.state {
                State::Approved { approval, .. } => approval.authenticator.is_some_and(|id| gone.contains(&id)),
                _ => stranded.contains(&challenge.id),
            };
            concerned.then_some(Step::Deny { reason: Reason::Revoked, device: None })
        });
    }

    /// Whether one of its ways is still held: a phone that it was sent to, or another factor.
    fn can_meet(&self, challenge: &Challenge, now: Timestamp) -> bool {
        challenge.methods.iter().any(|method| match method {
            Method::Push => self.active_devices().any(|device| challenge.sent_to.contains(&device.id)),
            method => self.holds(*method, now),
        })
    }

    /// An event about a factor.
    pub(crate) fn about(&self, factor: &Factor, kind: &'static str, journal: &Journal) -> Event {
        let kind = match (&factor.kind, kind) {
            (Kind::Bypass(_), "authenticator.added") => "bypass.created",
            (Kind::Bypass(_), "authenticator.removed") => "bypass.deleted",
            (_, kind) => kind,
        };
        let event = journal.event(kind).user(&self.user.username);
        let event = event.with("authenticator", factor.id.to_string()).with("kind", factor.word());
        match &factor.kind {
            Kind::Totp(totp) => event.with("name", totp.name.clone()).with("period", totp.period),
            Kind::RecoveryCodes(codes) => event.with("codes", codes.hashes.len()),
            Kind::AccessPass(pass) => {
                let event = event.with("starts_at", pass.starts_at.to_string());
                event.with("expires_at", pass.expires_at.to_string()).with("max_uses", pass.max_uses)
            }
            Kind::Bypass(bypass) => {
                let event = event.with("reason", bypass.reason.as_str());
                event.with("expires_at", bypass.expires_at.to_string()).with("max_uses", bypass.max_uses)
            }
        }
    }

    /// Tells his phones, but for the one that did it, of a change of the account.
    pub(crate) fn tell(&self, kind: notice::Kind, journal: &mut Journal) {
        let but = match journal.actor {
            Actor::Device(id) => Some(id),
            _ => None,
        };
        self.tell_about(kind, None, but, journal);
    }
}

/// Whether it waits to be confirmed.
const fn waits(totp: &Totp) -> bool {
    matches!(totp.status, TotpStatus::Unconfirmed { .. })
}

/// Whether one of the kind `old` goes when one of the kind `new` comes.
fn gives_way(old: &Kind, new: &Kind) -> bool {
    match (old, new) {
        (Kind::RecoveryCodes(_), Kind::RecoveryCodes(_)) | (Kind::AccessPass(_), Kind::AccessPass(_)) => true,
        (Kind::Totp(old), Kind::Totp(new)) => waits(old) && waits(new),
        _ => false,
    }
}
