//! Visits to the console and the portal.

use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::course::Rules;
use gatematch_domain::disown::DisownRefusal;
use gatematch_domain::passcode::StaleCode;
use gatematch_domain::role::Role;
use gatematch_domain::user::User;
use gatematch_domain::visit::{self, Invitation, NoEntry, Place, Stage, Visit};
use gatematch_protocol::id::{ChallengeId, UserId};
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Accept, Act, Enter, PortalCode};

/// Somebody knocks.
pub(crate) struct Knocks {
    pub(crate) visit: Visit,
    pub(crate) replaces: Option<String>,
}

impl Verb for Knocks {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.extend(self.replaces.clone());
    }

    fn apply(&self, world: &mut World) {
        let earlier = self.replaces.as_deref().and_then(|token| world.visit_by_token(token));
        if let Some(id) = earlier.filter(|visit| visit.stage == Stage::Knocking).map(|visit| visit.id) {
            world.visits.remove(&id);
        }
        world.visits.insert(self.visit.id, self.visit.clone());
    }
}

impl World {
    /// Keeps `visit`; the one with the cookie `replaces`, of the same browser, is over.
    fn keep_visit(&mut self, visit: &Visit, replaces: Option<&str>) {
        let earlier =
            replaces.and_then(|token| self.visit_by_token(token)).filter(|earlier| earlier.place == visit.place);
        if let Some(id) = earlier.map(|earlier| earlier.id) {
            self.visits.remove(&id);
        }
        self.visits.insert(visit.id, visit.clone());
    }

    /// Acts in a visit at `place` to the account `user`.
    fn visitor(&self, place: Place, user: UserId, now: Timestamp) -> Option<Act> {
        Some(Act::new(visit::actor(place, self.account_of(user)?), now))
    }
}

impl Verb for Enter {
    type Reply = Result<Visit, NoEntry>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.insert(self.token_digest.clone());
        needs.visits.extend(self.replaces.clone());
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let now = self.entry.now;
        let visit = world.visit_by_token(&self.token_digest).filter(|visit| visit.place == self.place);
        let visit = visit.cloned().ok_or(NoEntry::Unknown)?;
        let challenge = visit.challenge.and_then(|id| world.challenge(id));
        let user = challenge.and_then(|challenge| challenge.user).ok_or(NoEntry::Refused)?;
        let holds = match visit.stage {
            Stage::Knocking => now < visit.expires_at,
            Stage::Inside { .. } => world.account_of(user).is_some_and(|account| visit.holds(account, now)),
        };
        if !holds {
            return Err(NoEntry::Unknown);
        }
        let act = world.visitor(self.place, user, now).ok_or(NoEntry::Unknown)?;
        let entered = world.by(&act, |world, journal| {
            world.account(user).ok_or(NoEntry::Unknown)?.enter(&visit, &self.entry, &self.result, journal)
        })?;
        if entered.id != visit.id {
            world.visits.remove(&visit.id);
        }
        world.keep_visit(&entered, self.replaces.as_deref().filter(|_| entered.id != visit.id));
        Ok(entered)
    }
}

impl Verb for Accept {
    type Reply = Result<Visit, NoEntry>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.invitations.insert(self.token_digest.clone());
        needs.visits.extend(self.replaces.clone());
        needs.policy = true;
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let is_it = |one: &&Invitation| one.token_digest == self.token_digest && one.place == self.place;
        let invitation = world.invitations.values().find(is_it).cloned().ok_or(NoEntry::Unknown)?;
        let act = world.visitor(self.place, invitation.user, self.entry.now).ok_or(NoEntry::Unknown)?;
        let policy = world.policy();
        let rules = Rules { policy: &policy, atlas: self.atlas.as_ref() };
        let entered = world.by(&act, |world, journal| {
            let account = world.account(invitation.user).ok_or(NoEntry::Unknown)?;
            account.accept(&invitation, &self.entry, (&self.login, rules), &self.protected_groups, journal)
        })?;
        world.invitations.remove(&invitation.id);
        world.keep_visit(&entered, self.replaces.as_deref());
        Ok(entered)
    }
}

impl Verb for PortalCode {
    type Reply = Result<Result<Visit, NoEntry>, StaleCode>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.usernames.insert(self.name.to_string());
        needs.visits.extend(self.known.clone());
        needs.policy = true;
    }

    // For a name that nobody has, as much is written.
    fn apply(&self, world: &mut World) -> Self::Reply {
        let judged = self.judge(world)?;
        if judged.is_err() {
            world.visits.insert(self.unheard.id, self.unheard.clone());
        }
        Ok(judged)
    }
}

impl PortalCode {
    fn judge(&self, world: &mut World) -> Result<Result<Visit, NoEntry>, StaleCode> {
        let now = self.entry.now;
        let Some(user) = world.account_named(&self.name).map(|account| account.user.id) else {
            return Ok(Err(NoEntry::Refused));
        };
        let policy = world.policy();
        let rules = Rules { policy: &policy, atlas: self.atlas.as_ref() };
        let before = self.known.as_deref().and_then(|token| world.visit_by_token(token)).cloned();
        let before = before.filter(|visit| visit.place == Place::Portal);
        let is_known = world.account_of(user).zip(before).is_some_and(|(account, visit)| visit.knows(account, now));
        let Some(act) = world.visitor(Place::Portal, user, now) else { return Ok(Err(NoEntry::Refused)) };
        let judged = world.by(&act, |world, journal| match world.account(user) {
            Some(account) => account.code_at_portal(
                &self.passcode,
                (&self.entry, is_known),
                (&self.login, rules),
                self.dormant_after,
                journal,
            ),
            None => Ok(Err(NoEntry::Refused)),
        })?;
        if let Ok(visit) = &judged {
            world.keep_visit(visit, self.known.as_deref());
        }
        Ok(judged)
    }
}

/// A visit waits for a challenge.
pub(crate) struct Prove {
    pub(crate) now: Timestamp,
    pub(crate) token_digest: String,
    pub(crate) challenge: ChallengeId,
}

impl Verb for Prove {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) -> bool {
        world.in_visit(&self.token_digest, self.now, |visit| visit.challenge = Some(self.challenge))
    }
}

/// Something was done in a visit.
pub(crate) struct Seen {
    pub(crate) now: Timestamp,
    pub(crate) token_digest: String,
}

impl Verb for Seen {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) {
        world.in_visit(&self.token_digest, self.now, |visit| visit.seen_at = self.now.max(visit.seen_at));
    }
}

impl World {
    /// Changes the visit with this cookie, where it holds; false where it does not.
    fn in_visit(&mut self, token_digest: &str, now: Timestamp, change: impl FnOnce(&mut Visit)) -> bool {
        let Some(visit) = self.visit_by_token(token_digest).cloned() else { return false };
        let account = visit.user.and_then(|user| self.account_of(user));
        if !account.is_some_and(|account| visit.holds(account, now)) {
            return false;
        }
        self.visits.get_mut(&visit.id).map(change).is_some()
    }
}

/// A visit that does not hold any more ends for good: neither a clock that is set back nor an account that is unlocked
/// brings it back. Its browser stays known.
pub(crate) struct Finish {
    pub(crate) now: Timestamp,
    pub(crate) token_digest: String,
}

impl Verb for Finish {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) {
        let Some(visit) = world.visit_by_token(&self.token_digest).cloned() else { return };
        let account = visit.user.and_then(|user| world.account_of(user));
        if !account.is_some_and(|account| visit.holds(account, self.now))
            && let Some(visit) = world.visits.get_mut(&visit.id)
        {
            visit.finish();
        }
    }
}

/// A visit is over.
pub(crate) struct Leave {
    pub(crate) act: Act,
    pub(crate) token_digest: String,
}

impl Verb for Leave {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.visits.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) {
        let Some(visit) = world.visit_by_token(&self.token_digest).cloned() else { return };
        world.visits.remove(&visit.id);
        world.by(&self.act, |_, journal| {
            let kind = if visit.place == Place::Console { "console.left" } else { "portal.left" };
            journal.record(journal.event(kind).user(&visit.name).with("visit", visit.id.to_string()));
        });
    }
}

/// Somebody is invited.
pub(crate) struct Invite {
    pub(crate) act: Act,
    pub(crate) invitation: Invitation,
}

impl Verb for Invite {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account(self.invitation.user).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.invitation.user);
        needs.invited.insert(self.invitation.user);
    }

    // A later one takes the place of an earlier one.
    fn apply(&self, world: &mut World) -> bool {
        let is_replaced = |one: &Invitation| one.user == self.invitation.user && one.place == self.invitation.place;
        world.invitations.retain(|_, one| !is_replaced(one));
        let Some(account) = world.account_of(self.invitation.user) else { return false };
        let name = account.user.username.clone();
        world.by(&self.act, |_, journal| {
            let event = journal.event("invitation.created").user(name).with("place", self.invitation.place.as_str());
            let event = event.with("invitation", self.invitation.id.to_string());
            journal.record(event.with("expires_at", self.invitation.expires_at.to_string()));
        });
        world.invitations.insert(self.invitation.id, self.invitation.clone());
        true
    }
}

/// Somebody says of a login that it was not he.
pub(crate) struct Disown {
    pub(crate) act: Act,
    pub(crate) user: UserId,
    pub(crate) id: ChallengeId,
}

impl Verb for Disown {
    type Reply = Result<Challenge, DisownRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.user);
        needs.challenges.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        world.by(&self.act, |world, journal| {
            world.account(self.user).ok_or(DisownRefusal::Unknown)?.disown(self.id, journal)
        })
    }
}

/// Somebody may do more at the console, or less.
pub(crate) struct SetRole {
    pub(crate) act: Act,
    pub(crate) user: UserId,
    pub(crate) role: Option<Role>,
}

impl Verb for SetRole {
    type Reply = Option<bool>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    // Whoever takes his own role away might be the last one; so nobody does, and one is always left.
    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account(self.user).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.users.insert(self.user);
    }

    fn apply(&self, world: &mut World) -> Option<bool> {
        // A command line, a key or an operator with the role admin; the routes ask that, and here it is asked again.
        if matches!(&self.act.actor, Actor::Operator { role, .. } if *role != Role::Admin) {
            return None;
        }
        world.by(&self.act, |world, journal| {
            world.account(self.user).map(|account| account.set_role(self.role, journal))
        })
    }
}
