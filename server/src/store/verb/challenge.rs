//! The life of a challenge.

use gatematch_domain::account::{Account, end_unaccounted};
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::challenge::{Challenge, Display};
use gatematch_domain::course::Rules;
use gatematch_domain::open::{Opening, Stale};
use gatematch_domain::passcode::{Passcode, StaleCode};
use gatematch_domain::redemption::{RedeemRefusal, repeated};
use gatematch_domain::response::{Answer, ResponseRefusal};
use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, Repeat, World};
use crate::store::{Act, FirstAnswer, OpenChallenge, Opened, REPEAT_SECONDS, Redemption};

impl Verb for OpenChallenge {
    type Reply = Opened;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.policy = true;
        if let Some(name) = &self.login.username {
            needs.usernames.insert(name.to_string());
        }
        if self.login.display != Display::Gateway {
            needs.pages.extend(self.login.username.iter().map(ToString::to_string));
        }
        if let Some((key, _)) = &self.repeat {
            needs.repeats.insert((self.login.gateway, key.clone()));
        }
    }

    fn apply(&self, world: &mut World) -> Opened {
        if let Some(opened) = self.repeated(world) {
            return opened;
        }
        let policy = world.policy();
        let rules = Rules { policy: &policy, atlas: self.atlas.as_ref() };
        let opening = Opening { rules, foreseen: &self.foreseen, draw: self.draw, dormant_after: self.dormant_after };
        let opened = world.by(&self.act, |world, journal| {
            let found = self.login.username.as_ref().and_then(|name| world.account_and_pages(name.as_str()));
            match found {
                Some((account, pages)) => account.open(&self.login, &opening, pages, journal),
                None => Ok(self.login.refuse_unknown(journal)),
            }
        });
        let challenge = match opened {
            Ok(challenge) => challenge,
            Err(Stale(now)) => return Opened::Stale(now),
        };
        if challenge.user.is_none() {
            world.loose.insert(challenge.id, challenge.clone());
        }
        if !challenge.sent_to.is_empty() {
            let signed = self.foreseen.phones.iter().zip(&self.signed);
            world.deliveries.extend(signed.map(|(device, signed)| (challenge.id, *device, signed.clone())));
        }
        self.remember(world, &challenge);
        Opened::New(Box::new(challenge))
    }
}

impl OpenChallenge {
    fn repeated(&self, world: &World) -> Option<Opened> {
        let (key, body_digest) = self.repeat.as_ref()?;
        let first = world.repeats.get(&(self.login.gateway, key.clone()))?;
        if first.created_at.plus_seconds(REPEAT_SECONDS) <= self.act.now {
            return None;
        }
        if first.body_digest != *body_digest {
            return Some(Opened::KeyReused);
        }
        let challenge = world.challenge(first.challenge)?.clone();
        Some(Opened::Repeated(Box::new(FirstAnswer {
            body_digest: first.body_digest.clone(),
            challenge,
            status: first.status.clone(),
            reason: first.reason.clone(),
        })))
    }

    fn remember(&self, world: &mut World, challenge: &Challenge) {
        let Some((key, body_digest)) = &self.repeat else { return };
        let repeat = Repeat {
            body_digest: body_digest.clone(),
            challenge: challenge.id,
            status: challenge.state.as_str().to_owned(),
            reason: challenge.state.reason().map(|reason| reason.as_str().to_owned()),
            created_at: self.act.now,
        };
        world.repeats.insert((self.login.gateway, key.clone()), repeat);
    }
}

pub(crate) struct RecordResponse {
    pub(crate) now: Timestamp,
    pub(crate) id: ChallengeId,
    pub(crate) answer: Answer,
}

impl Verb for RecordResponse {
    type Reply = Result<Challenge, ResponseRefusal>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.challenges.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let act = Act::new(Actor::Device(self.answer.device), self.now);
        let respond = |account: &mut Account, journal: &mut Journal| account.respond(self.id, &self.answer, journal);
        world.on_challenge(&act, self.id, respond).unwrap_or(Err(ResponseRefusal::Unknown))
    }
}

impl Verb for Redemption {
    type Reply = Result<Challenge, RedeemRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.policy = true;
        needs.challenges.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let reuse_seconds = world.policy().longest_reuse();
        let redeem = |account: &mut Account, journal: &mut Journal| {
            account.redeem(self.id, self.gateway, (&self.redemption_id, &self.result), reuse_seconds, journal)
        };
        let redeemed = world.on_challenge(&self.act, self.id, redeem);
        redeemed.unwrap_or_else(|| {
            let challenge = unaccounted(world, self.id, self.gateway).ok_or(RedeemRefusal::Unknown)?;
            repeated(&challenge, &self.redemption_id, self.act.now).unwrap_or(Ok(())).map(|()| challenge)
        })
    }
}

/// A challenge of nobody (any more) is final, so it is only looked at.
fn unaccounted(world: &World, id: ChallengeId, gateway: GatewayId) -> Option<Challenge> {
    world.challenge(id).filter(|challenge| challenge.gateway == gateway).cloned()
}

pub(crate) struct SpendPasscode {
    pub(crate) act: Act,
    pub(crate) id: ChallengeId,
    pub(crate) gateway: GatewayId,
    pub(crate) passcode: Passcode,
}

impl Verb for SpendPasscode {
    type Reply = Result<Result<Challenge, RedeemRefusal>, StaleCode>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.challenges.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let spend = |account: &mut Account, journal: &mut Journal| {
            account.spend_passcode(self.id, self.gateway, &self.passcode, journal)
        };
        let spent = world.on_challenge(&self.act, self.id, spend);
        spent.unwrap_or_else(|| Ok(Err(final_or_unknown(world, self.id, self.gateway))))
    }
}

/// A gateway takes its own challenge back.
pub(crate) struct CancelChallenge {
    pub(crate) act: Act,
    pub(crate) id: ChallengeId,
    pub(crate) gateway: GatewayId,
}

impl Verb for CancelChallenge {
    type Reply = Result<Challenge, RedeemRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.challenges.insert(self.id);
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let cancel = |account: &mut Account, journal: &mut Journal| account.cancel(self.id, self.gateway, journal);
        let made = world.on_challenge(&self.act, self.id, cancel);
        made.unwrap_or_else(|| Err(final_or_unknown(world, self.id, self.gateway)))
    }
}

fn final_or_unknown(world: &World, id: ChallengeId, gateway: GatewayId) -> RedeemRefusal {
    unaccounted(world, id, gateway)
        .map_or(RedeemRefusal::Unknown, |challenge| RedeemRefusal::Final(challenge.state.as_str()))
}

pub(crate) struct Settle {
    pub(crate) now: Timestamp,
}

impl Verb for Settle {
    type Reply = Option<Timestamp>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.overdue = needs.overdue.max(Some(self.now));
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        world.by(&Act::new(Actor::System, self.now), |world, journal| {
            for account in world.accounts_mut() {
                account.settle(journal);
            }
            // A live challenge without its account is nothing that this program writes; it ends here all the same.
            for challenge in world.loose.values_mut() {
                end_unaccounted(challenge, journal);
            }
        });
        world.next_deadline
    }
}
