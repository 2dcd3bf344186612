//! A backup code in place of the phone (contract section 6).
//!
//! No factor that has codes exists yet, so every code is wrong; what it costs to try one is the same as it
//! will be, so that nobody can guess for free before or after.

use gatematch_protocol::id::{ChallengeId, GatewayId};

use crate::account::{Account, about};
use crate::audit::{Journal, Outcome};
use crate::challenge::{Challenge, Reason, State, Step};
use crate::redemption::RedeemRefusal;

/// How many wrong passcodes end a challenge.
pub const MAX_WRONG_PASSCODES: u8 = 3;

impl Account {
    /// Judges a passcode for the challenge `id`, and yields the challenge as it is then. The failure is counted
    /// before the code is judged.
    ///
    /// # Errors
    /// [`RedeemRefusal`] for a challenge that is not there or not pending.
    pub fn spend_passcode(
        &mut self,
        id: ChallengeId,
        gateway: GatewayId,
        journal: &mut Journal,
    ) -> Result<Challenge, RedeemRefusal> {
        self.settle(journal);
        let (cools_down, may_sign_in) = (self.user.limits.cools_down(journal.now), self.user.may_sign_in());
        let challenge = self.made_by(id, gateway).ok_or(RedeemRefusal::Unknown)?;
        if challenge.state != State::Pending {
            return Err(RedeemRefusal::Final(challenge.state.as_str()));
        }
        let at_once = match (may_sign_in, cools_down) {
            (false, _) => Some(Reason::Locked),
            (true, true) => Some(Reason::RateLimited),
            (true, false) => None,
        };
        if at_once.is_none() {
            challenge.wrong_passcodes = challenge.wrong_passcodes.saturating_add(1);
            let event = about(challenge, "challenge.passcode_failed", journal);
            let tries = challenge.wrong_passcodes;
            journal.record(event.ended(Outcome::Failure, "wrong-passcode").with("tries", tries));
            let _ = self.fail(journal);
        }
        let ends = |challenge: &Challenge| match at_once {
            Some(reason) => Some(reason),
            None => (challenge.wrong_passcodes >= MAX_WRONG_PASSCODES).then_some(Reason::Passcode),
        };
        self.end(journal, |challenge| {
            let reason = (challenge.id == id).then(|| ends(challenge)).flatten()?;
            Some(Step::Deny { reason, device: None })
        });
        self.made_by(id, gateway).map(|challenge| challenge.clone()).ok_or(RedeemRefusal::Unknown)
    }
}
