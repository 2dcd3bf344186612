//! One approval for one session: RemoteApps, broker redirects and reconnects begin several logins where a person
//! believes that he signs in once (contract section 11, `reuse_seconds`).

use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::challenge::{Approval, CLOCK_STEP_SECONDS, Challenge, Client, State};
use crate::login::Login;
use crate::policy::{Method, Ruling};

/// The most logins that one approval serves beside its own.
pub const MAX_USES: u8 = 10;
/// The most approvals that are remembered; the oldest goes first.
const MAX_GRANTS: usize = 8;
/// How long an approval is remembered: no rule lets it serve for longer.
const LONGEST_SECONDS: i64 = crate::policy::MAX_REUSE_SECONDS;

/// The approvals of a user that may serve further logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Grant>,
    /// What was approved up to then serves no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
}

/// An approval by number that was redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    challenge: ChallengeId,
    gateway: GatewayId,
    client: Client,
    device: DeviceId,
    uv: UserVerification,
    digits: u8,
    /// When the person decided: the window begins there.
    decided_at: Timestamp,
    uses: u8,
}

/// An approval that serves a further login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The challenge that was approved.
    pub original: ChallengeId,
    /// The phone that has approved it.
    pub device: DeviceId,
    /// How that phone claimed to have verified the person.
    pub uv: UserVerification,
    /// How many logins it has served beside its own by now.
    pub uses: u8,
}

impl Grant {
    /// Of a challenge that is redeemed now; `None` where its approval must not serve another login.
    fn of(challenge: &Challenge, decided_at: Timestamp, approval: &Approval) -> Option<Self> {
        let name = challenge.client.name.as_ref()?;
        let number = challenge.number.as_ref().filter(|_| challenge.is_matched_by(approval) && !name.is_empty())?;
        Some(Self {
            challenge: challenge.id,
            gateway: challenge.gateway,
            client: challenge.client.clone(),
            device: approval.device?,
            uv: approval.uv,
            digits: u8::try_from(number.digits()).unwrap_or(0),
            decided_at,
            uses: 0,
        })
    }

    fn is_kept(&self, now: Timestamp) -> bool {
        now < self.decided_at.plus_seconds(LONGEST_SECONDS) && self.decided_at < now.plus_seconds(CLOCK_STEP_SECONDS)
    }

    fn serves(&self, login: &Login, ruling: &Ruling) -> bool {
        let is_same = self.gateway == login.gateway && self.client == login.client;
        let is_open = login.now < self.decided_at.plus_seconds(ruling.reuse_seconds) && self.is_kept(login.now);
        // What the rule asks for by now, this approval has brought.
        let is_enough = ruling.methods.contains(&Method::Push)
            && self.digits >= ruling.digits
            && (!ruling.uv_required || self.uv != UserVerification::None);
        is_same && is_open && is_enough && self.uses < MAX_USES
    }
}

impl Grants {
    /// Remembers a challenge that is redeemed now.
    pub(crate) fn add(&mut self, challenge: &Challenge, decided_at: Timestamp, approval: &Approval, now: Timestamp) {
        self.forget(now);
        let Some(grant) = Grant::of(challenge, decided_at, approval) else { return };
        if self.ended_at.is_some_and(|ended| decided_at <= ended) {
            return;
        }
        // The later one of a session serves as long, and has all its uses.
        self.items.retain(|old| (old.gateway, &old.client) != (grant.gateway, &grant.client));
        if self.items.len() >= MAX_GRANTS {
            self.items.remove(0);
        }
        self.items.push(grant);
    }

    /// Forgets what can serve nothing any more: what is too old, and what was approved in the future, before the clock
    /// was set back.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        self.items.retain(|grant| grant.is_kept(now));
    }
}

impl Account {
    /// Nothing that was approved until now serves a further login, whatever the clock says of what came first.
    pub(crate) fn end_reuse(&mut self, now: Timestamp) {
        let approved = self.challenges.iter().filter_map(|challenge| match challenge.state {
            State::Approved { at, .. } => Some(at),
            _ => None,
        });
        let last = approved.max().max(Some(now));
        self.user.grants.items.clear();
        self.user.grants.ended_at = self.user.grants.ended_at.max(last);
    }

    /// Whether something that was approved of late serves `login` as well.
    pub(crate) fn can_reuse(&self, login: &Login, ruling: &Ruling) -> bool {
        self.grant_for(login, ruling).is_some()
    }

    /// What was approved of late and serves `login` as well; it serves one less from now on.
    pub(crate) fn reuse(&mut self, login: &Login, ruling: &Ruling) -> Option<Served> {
        let index = self.grant_for(login, ruling)?;
        let grant = self.user.grants.items.get_mut(index)?;
        grant.uses += 1;
        Some(Served { original: grant.challenge, device: grant.device, uv: grant.uv, uses: grant.uses })
    }

    fn grant_for(&self, login: &Login, ruling: &Ruling) -> Option<usize> {
        let is_out = ruling.reuse_seconds == 0 || login.factor_required || !login.takes(Method::Push);
        // Whom nothing may ask now, nothing lets in unasked.
        let may_prompt = self.user.limits.may_prompt(login.gateway, login.client.name.as_deref(), 0, login.now);
        if is_out || may_prompt.is_err() {
            return None;
        }
        let serves = |grant: &Grant| grant.serves(login, ruling) && self.active_device(grant.device).is_some();
        self.user.grants.items.iter().rposition(serves)
    }
}
