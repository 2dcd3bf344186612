//! Waiting for the decision, and believing it.

use std::time::Duration;

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::time::Timestamp;

use super::refusal::{Refusal, ended_after};
use super::{Answer, Login, Open, ids};
use crate::api::{Expected, Failure, LONGEST_WAIT};
use crate::deadline::Pause;
use crate::door::Cause;
use crate::settings::{ClientSettings, FirstFactor};

/// How long after its end an approval may still be redeemed, in seconds (contract section 6).
const GRACE: i64 = 5;
/// An answer "still pending" that comes sooner than this came before its time: the server is stopping.
const SOON: Duration = Duration::from_secs(1);
/// How long the answer of a healthy server may be under way.
const UNDER_WAY: Duration = Duration::from_millis(250);

impl Login {
    /// Waits until the challenge is decided and lets in on a result that is this login's.
    pub(super) async fn hold(
        &self,
        client: &ClientSettings,
        gateway: GatewayId,
        open: &Open,
    ) -> Result<Answer, Refusal> {
        let redemption_id = ids::redemption_id(&self.request);
        let mut pause = Pause::new();
        let mut failed = false;
        loop {
            let asked = self.shared.edge.now();
            let wait = seconds_until(asked, self.times.deadline().min(last_moment(open))).ok_or(Refusal::Deadline)?;
            let redeem = self.shared.api.redeem(&client.gateway_key, open.id, &redemption_id, wait);
            let seen = self.within(redeem).await;
            let seen = seen.map_err(|ended| ended_after(ended, failed || self.is_overdue(asked, wait)))?;
            match self.weigh_view(seen, client, gateway, open).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {
                    failed = false;
                    if self.shared.edge.now().since(asked) >= SOON {
                        pause = Pause::new();
                        continue;
                    }
                }
                Err(Trouble::Failed(failure)) => {
                    self.weigh(&failure)?;
                    failed = true;
                }
                Err(Trouble::Refused(refusal)) => return Err(refusal),
            }
            self.rest(&mut pause).await.map_err(|ended| ended_after(ended, failed))?;
        }
    }

    /// Whether the answer to a redeem of that time should be here by now.
    fn is_overdue(&self, asked: Timestamp, wait: u64) -> bool {
        self.shared.edge.now().since(asked) >= Duration::from_secs(wait) + UNDER_WAY
    }

    /// What a view says; `None` while there is nothing to say.
    pub(super) async fn weigh_view(
        &self,
        seen: Result<ChallengeView, Failure>,
        client: &ClientSettings,
        gateway: GatewayId,
        open: &Open,
    ) -> Result<Option<Answer>, Trouble> {
        let view = seen?;
        if view.id != open.id {
            return Err(Refusal::NotServed(Cause::ResultUnbelievable).into());
        }
        match view.status.as_str() {
            "pending" | "approved" => Ok(None),
            "redeemed" => {
                let expected = Expected { gateway, challenge: open.id, user: &open.user };
                let checked = self.within(self.shared.trust.check(&view, expected)).await.map_err(Refusal::from)?;
                let method = checked?.method;
                if self.shared.edge.now() > last_moment(open) {
                    return Err(Refusal::Deadline.into());
                }
                if client.first_factor == FirstFactor::None && !is_factor(&method) {
                    return Err(Refusal::NameAlone.into());
                }
                Ok(Some(Answer::Accept(open.granted.clone())))
            }
            _ => Err(Refusal::decided(&view).into()),
        }
    }
}

/// Why a view lets nobody in.
pub(super) enum Trouble {
    Failed(Failure),
    Refused(Refusal),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Whether the person had something in hand (contract section 8: a name alone never opens). What is not known is not.
fn is_factor(method: &str) -> bool {
    matches!(method, "push" | "totp" | "recovery_code" | "access_pass")
}

/// When an approval can be redeemed no more.
pub(super) fn last_moment(open: &Open) -> Timestamp {
    open.expires_at.plus_seconds(GRACE)
}

/// Whole seconds after which an answer is still here before `end`, in the limits of the server's `wait`; `None` when it
/// is over.
fn seconds_until(now: Timestamp, end: Timestamp) -> Option<u64> {
    let left = end.since(now);
    (!left.is_zero()).then(|| left.saturating_sub(UNDER_WAY).as_secs().clamp(1, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_here_before_the_time_is_over() {
        let at = |millis: i64| Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000);
        for (left, wait) in [
            (0, None),
            (-5, None),
            (1, Some(1)),
            (1_000, Some(1)),
            (2_249, Some(1)),
            (2_250, Some(2)),
            (48_000, Some(47)),
            (48_990, Some(48)),
            (298_000, Some(60)),
        ] {
            assert_eq!(seconds_until(at(0), at(left)), wait, "{left}");
        }
    }

    #[test]
    fn only_known_factors_are_factors() {
        assert!(["push", "totp", "recovery_code", "access_pass"].into_iter().all(is_factor));
        assert!(!["policy", "bypass", "reuse", "", "Push", "new"].into_iter().any(is_factor));
    }
}
