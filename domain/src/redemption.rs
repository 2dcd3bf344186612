//! The gateway's side after the decision: an approval is spent once, and a challenge can be taken back.

use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::result::{LIFETIME_SECONDS, ResultClaims};
use gatematch_protocol::time::Timestamp;

use crate::account::{Account, ended_event};
use crate::audit::Journal;
use crate::challenge::{Approval, Challenge, REPEAT_SECONDS, State, Step};
use crate::policy::Method;
use crate::visit::Knock;

/// Why nothing is redeemed or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeemRefusal {
    /// There is no such challenge, or another gateway made it.
    Unknown,
    /// It was redeemed under another id, or too long ago.
    AlreadyRedeemed,
    /// It is final: the state that it is in.
    Final(&'static str),
}

/// The claims of the result of an approved challenge; `None` where it is not approved.
#[must_use]
pub fn result_claims(challenge: &Challenge, issuer: &str, now: Timestamp) -> Option<ResultClaims> {
    let State::Approved { approval, .. } = &challenge.state else { return None };
    Some(ResultClaims {
        iss: issuer.to_owned(),
        aud: challenge.gateway,
        sub: challenge.username.clone(),
        jti: challenge.id,
        iat: now.numeric_date(),
        exp: now.numeric_date() + LIFETIME_SECONDS,
        method: approval.method.as_str().to_owned(),
        amr: amr(approval),
        number_match: challenge.is_matched_by(approval),
        display: challenge.display.as_str().to_owned(),
        device: approval.device,
    })
}

// RFC 8176: a key in software, and what the phone claims to have verified.
fn amr(approval: &Approval) -> Vec<String> {
    match approval.method {
        Method::Push => {}
        Method::Totp | Method::RecoveryCode => return vec!["otp".to_owned()],
        Method::AccessPass | Method::Bypass | Method::Policy | Method::Reuse => return Vec::new(),
    }
    let claimed = match approval.uv {
        UserVerification::Biometric => Some("user"),
        UserVerification::Pin => Some("pin"),
        UserVerification::None => None,
    };
    ["swk"].into_iter().chain(claimed).map(str::to_owned).collect()
}

impl Account {
    /// Spends the approval of the challenge `id`, and yields the challenge as it is then: redeemed, now or before
    /// under the same id; or unchanged where it is not an approval. It is remembered for further logins, where policy lets
    /// an approval serve these for so many seconds.
    ///
    /// # Errors
    /// [`RedeemRefusal`].
    pub fn redeem(
        &mut self,
        id: ChallengeId,
        gateway: GatewayId,
        (redemption_id, result): (&str, &str),
        reuse_seconds: i64,
        journal: &mut Journal,
    ) -> Result<Challenge, RedeemRefusal> {
        self.settle(journal);
        let now = journal.now;
        let challenge = self.made_by(id, gateway).ok_or(RedeemRefusal::Unknown)?;
        if let Some(outcome) = repeated(challenge, redemption_id, now) {
            return outcome.map(|()| challenge.clone());
        }
        let step = Step::Redeem { redemption_id: redemption_id.to_owned(), result: result.to_owned() };
        let was = challenge.state.clone();
        if !challenge.take(step, now) {
            return Ok(challenge.clone());
        }
        journal.record(ended_event(challenge, journal));
        let redeemed = challenge.clone();
        if let State::Approved { at, approval } = &was {
            if Knock::of(&redeemed).is_none() {
                self.let_in_from(&redeemed, approval.method, now);
            }
            if reuse_seconds > 0 {
                self.user.grants.add(&redeemed, *at, approval, now);
            }
        }
        Ok(redeemed)
    }

    /// Takes the challenge `id` back.
    ///
    /// # Errors
    /// [`RedeemRefusal`]; a final challenge stays as it is.
    pub fn cancel(
        &mut self,
        id: ChallengeId,
        gateway: GatewayId,
        journal: &mut Journal,
    ) -> Result<Challenge, RedeemRefusal> {
        self.settle(journal);
        let challenge = self.made_by(id, gateway).ok_or(RedeemRefusal::Unknown)?;
        if !challenge.take(Step::Cancel { reason: None }, journal.now) {
            return Err(RedeemRefusal::Final(challenge.state.as_str()));
        }
        journal.record(ended_event(challenge, journal));
        Ok(challenge.clone())
    }

    /// The challenge `id`, if `gateway` made it.
    pub(crate) fn made_by(&mut self, id: ChallengeId, gateway: GatewayId) -> Option<&mut Challenge> {
        self.challenges.iter_mut().find(|challenge| challenge.id == id && challenge.gateway == gateway)
    }
}

/// Whether the challenge was redeemed before: under this id and lately, or not. `None` where it is not redeemed.
#[must_use]
pub fn repeated(challenge: &Challenge, given: &str, now: Timestamp) -> Option<Result<(), RedeemRefusal>> {
    let State::Redeemed { at, redemption_id, .. } = &challenge.state else { return None };
    let same = redemption_id == given && now < at.plus_seconds(REPEAT_SECONDS);
    Some(if same { Ok(()) } else { Err(RedeemRefusal::AlreadyRedeemed) })
}
