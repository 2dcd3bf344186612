//! Coming in: a knock that a phone has approved, an invitation, a code at the portal; and who may manage others.

use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;

use super::{By, Entry, Invitation, NoEntry, Place, Stage, Visit};
use crate::account::Account;
use crate::audit::{Actor, Journal, Outcome};
use crate::challenge::{CLOCK_STEP_SECONDS, State, Step};
use crate::course::Rules;
use crate::login::Login;
use crate::passcode::{Passcode, StaleCode};
use crate::policy::{Decision, Method, Ruling};
use crate::role::Role;
use crate::user::User;
use crate::username::Username;

impl Account {
    /// Lets in whoever knocked with `visit`, or proves anew that it is he: spends the approval of its challenge.
    ///
    /// # Errors
    /// [`NoEntry`].
    pub fn enter(
        &mut self,
        visit: &Visit,
        entry: &Entry,
        result: &str,
        journal: &mut Journal,
    ) -> Result<Visit, NoEntry> {
        self.settle(journal);
        let (place, id) = (visit.place, visit.challenge.ok_or(NoEntry::Refused)?);
        let challenge = self.challenge(id).ok_or(NoEntry::Unknown)?;
        let approval = match &challenge.state {
            State::Pending => return Err(NoEntry::Waiting),
            State::Approved { approval, .. } => approval.clone(),
            _ => return Err(NoEntry::Refused),
        };
        // Nothing but the number on a phone lets in here, whatever policy says of other logins.
        let Some(device) = approval.device.filter(|_| approval.method == Method::Push && challenge.number.is_some())
        else {
            return Err(NoEntry::Refused);
        };
        if place == Place::Console && self.user.role.is_none() {
            let event = journal.event("console.refused").user(&self.user.username);
            let event = event.ended(Outcome::Refused, NoEntry::NoRole.as_str());
            journal.record(event.with("page_ip", entry.address.to_string()));
            self.end(journal, |challenge| (challenge.id == id).then_some(Step::Cancel { reason: None }));
            return Err(NoEntry::NoRole);
        }
        let id_of_entry = entry.id.to_string();
        let redeemed = self.redeem(id, place.gateway(), (&id_of_entry, result), 0, journal);
        if !matches!(redeemed.map(|challenge| challenge.state), Ok(State::Redeemed { .. })) {
            return Err(NoEntry::Refused);
        }
        let by = By::Phone(device);
        Ok(match visit.stage {
            Stage::Knocking => self.let_visit_in(place, entry, by, journal),
            Stage::Inside { .. } => {
                let event = journal.event(place.proven()).user(&self.user.username).device(device);
                journal.record(event.with("visit", visit.id.to_string()));
                Visit {
                    id: visit.id,
                    created_at: visit.created_at,
                    expires_at: visit.expires_at,
                    ..entry.visit(place, self, by)
                }
            }
        })
    }

    /// Lets in whoever has the token of `invitation`, unless policy refuses such a visit at the portal. It is spent by that;
    /// `login` is what it would be by a phone. Who is reserved to administrators comes by an invitation of theirs alone.
    ///
    /// # Errors
    /// [`NoEntry`]: the account may have been locked since, so whoever has the token is told nothing, and the log is.
    pub fn accept(
        &mut self,
        invitation: &Invitation,
        entry: &Entry,
        (login, rules): (&Login, Rules<'_>),
        protected_groups: &[String],
        journal: &mut Journal,
    ) -> Result<Visit, NoEntry> {
        self.settle(journal);
        let (now, place) = (journal.now, invitation.place);
        let is_open = now < invitation.expires_at && invitation.created_at <= now.plus_seconds(CLOCK_STEP_SECONDS);
        // Whoever was locked since it was made may have lost it to somebody; and who is disabled is nobody here.
        let limits = &self.user.limits;
        let is_welcome = self.user.may_sign_in() && limits.is_open_since(invitation.created_at);
        let may_invite = invitation.by_admin || !self.user.is_reserved(protected_groups);
        let is_refused = match place {
            // A link of the command line is for who can come in no other way.
            Place::Console => self.user.role.is_none(),
            Place::Portal => self.ruling_for_visit(login, rules).decision == Decision::Deny,
        };
        if is_open && is_welcome && may_invite && !is_refused && invitation.user == self.user.id {
            return Ok(self.let_visit_in(place, entry, By::Invitation, journal));
        }
        let mut event = journal.event("invitation.refused").user(&self.user.username);
        event.actor = Actor::Address(entry.address);
        let event = event.ended(Outcome::Refused, if is_open { "policy" } else { "expired" });
        journal.record(event.with("invitation", invitation.id.to_string()).with("place", place.as_str()));
        Err(NoEntry::Unknown)
    }

    /// What policy says of a visit that is no login.
    fn ruling_for_visit(&self, login: &Login, rules: Rules<'_>) -> Ruling {
        rules.policy.judge(&self.facts(login, None, rules.atlas)).ruling
    }

    /// Judges a code that somebody typed at the portal in place of his phone: a pass or a recovery code. No password was
    /// asked for before, so the six digits of an app do not do; and whoever manages others comes by his phone.
    ///
    /// # Errors
    /// [`StaleCode`], where it must be hashed again; nothing is judged or counted then. Within: [`NoEntry`].
    pub fn code_at_portal(
        &mut self,
        passcode: &Passcode,
        (entry, is_known): (&Entry, bool),
        (login, rules): (&Login, Rules<'_>),
        dormant_after: Option<i64>,
        journal: &mut Journal,
    ) -> Result<Result<Visit, NoEntry>, StaleCode> {
        self.settle(journal);
        self.send_to_sleep(dormant_after, journal);
        let ruling = self.ruling_for_visit(login, rules);
        let methods = [Method::AccessPass, Method::RecoveryCode].into_iter();
        let methods: Vec<Method> = methods.filter(|method| ruling.methods.contains(method)).collect();
        let is_heard = is_known || self.user.limits.hears_strangers(journal.now);
        let is_denied = ruling.decision == Decision::Deny;
        if self.may_be_judged(journal.now).is_err() || !is_heard || self.user.role.is_some() || is_denied {
            return Ok(Err(NoEntry::Refused));
        }
        let Some(opens) = self.judge(passcode, &methods, journal.now)? else {
            let mut event = journal.event("portal.passcode_failed").user(&self.user.username);
            // Who it was, nobody knows.
            event.actor = Actor::Address(entry.address);
            journal.record(event.ended(Outcome::Failure, "wrong-passcode"));
            if is_known {
                self.user.limits.went_wrong(journal.now);
                let _ = self.fail(None, None, journal);
            } else {
                // It stands against further strangers, and not against the person's own logins.
                self.user.limits.stranger_failed(journal.now);
            }
            return Ok(Err(NoEntry::Refused));
        };
        self.spend(&opens, None, journal);
        let by = match opens.method {
            Method::AccessPass => By::AccessPass(opens.factor),
            _ => By::RecoveryCode,
        };
        let visit = self.let_visit_in(Place::Portal, entry, by, journal);
        if let Some(event) = journal.events.last_mut() {
            event.detail.insert("authenticator".to_owned(), opens.factor.to_string().into());
        }
        Ok(Ok(visit))
    }

    fn let_visit_in(&self, place: Place, entry: &Entry, by: By, journal: &mut Journal) -> Visit {
        let mut event = journal.event(place.entered()).user(&self.user.username);
        if let By::Phone(device) = by {
            event = event.device(device);
        }
        let event = event.with("visit", entry.id.to_string()).with("by", by.as_str());
        journal.record(event.with("page_ip", entry.address.to_string()));
        entry.visit(place, self, by)
    }

    /// Says what he may do at the console from now on. Whoever comes to manage others loses his pass and his bypasses, as
    /// one who comes into a protected group does; false where it was so already.
    pub fn set_role(&mut self, role: Option<Role>, journal: &mut Journal) -> bool {
        self.settle(journal);
        if self.user.role == role {
            return false;
        }
        let word = |role: Option<Role>| role.map_or("none", Role::as_str);
        let event = journal.event("user.role_set").user(&self.user.username);
        journal.record(event.with("role", word(role)).with("was", word(self.user.role)));
        if self.user.role.is_none() {
            self.void_passes(journal);
        }
        // What was begun or made for him as somebody else is over; what is made in this moment is not.
        self.user.limits.closed(Timestamp::from_micros(journal.now.micros() - 1));
        self.user.role = role;
        true
    }
}

impl Place {
    const fn entered(self) -> &'static str {
        match self {
            Self::Console => "console.entered",
            Self::Portal => "portal.entered",
        }
    }

    const fn proven(self) -> &'static str {
        match self {
            Self::Console => "console.proven",
            Self::Portal => "portal.proven",
        }
    }
}

/// How many digits the number of `login` has, where nobody has its name: as many as for somebody without a group.
#[must_use]
pub fn nobodys_digits(login: &Login, rules: Rules<'_>) -> u8 {
    let name = Username::from_stored(login.given.clone());
    let nobody = Account::new(User::new(UserId::NIL, name, login.now));
    nobody.ruling_for_visit(login, rules).digits
}
