//! A code in place of the phone: at the gateway, or on the connect page (contract sections 6, 9 and 10).
//!
//! A guess costs the same whether or not somebody holds a factor that it could open, and is counted in the write that
//! judges it. What is slow about judging, the hash of a recovery code, is made before that write, for the set that the
//! account had then; where that is another one by now, nothing is judged and nothing counted ([`StaleCode`]).

use gatematch_protocol::id::{AuthenticatorId, ChallengeId, GatewayId};
use gatematch_protocol::passcode::{self, Shape};
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

use crate::account::{Account, about};
use crate::audit::{Journal, Outcome};
use crate::challenge::{Approval, Challenge, Reason, State, Step};
use crate::factor::{Factor, Hash, Hashing, Kind};
use crate::notice;
use crate::policy::Method;
use crate::redemption::RedeemRefusal;

/// How many wrong passcodes end a challenge.
pub const MAX_WRONG_PASSCODES: u8 = 3;

/// A code as it was typed. `Debug` does not tell it.
#[derive(Clone, Debug)]
pub struct Typed {
    read: Option<(Shape, Secret)>,
}

/// A code that is ready to be judged. `Debug` does not tell it.
#[derive(Clone, Debug)]
pub struct Passcode {
    typed: Typed,
    hashed: Option<(AuthenticatorId, Hash)>,
}

/// The factor that a code was hashed for is another one by now: hash it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleCode;

impl Typed {
    /// The code in `text`.
    #[must_use]
    pub fn new(text: &Secret) -> Self {
        Self { read: passcode::read(text.reveal()) }
    }

    /// The way of signing in that it would be.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.read.as_ref().map(|(shape, _)| match shape {
            Shape::Totp => Method::Totp,
            Shape::RecoveryCode => Method::RecoveryCode,
            Shape::AccessPass => Method::AccessPass,
        })
    }

    /// The code itself, where it is one that must be hashed to be judged.
    #[must_use]
    pub fn to_hash(&self) -> Option<&Secret> {
        self.read.as_ref().filter(|(shape, _)| *shape != Shape::Totp).map(|(_, code)| code)
    }

    /// The factor of `account` that it would open, where codes for that are hashed, and how.
    #[must_use]
    pub fn hashed_for<'a>(&self, account: &'a Account) -> Option<(AuthenticatorId, &'a Hashing)> {
        let method = self.method()?;
        account
            .factors
            .iter()
            .filter(|factor| serves(factor, method))
            .find_map(|factor| Some((factor.id, factor.hashing()?)))
    }

    /// Ready to be judged, with its hash for that factor, where there is one.
    #[must_use]
    pub const fn ready(self, hashed: Option<(AuthenticatorId, Hash)>) -> Passcode {
        Passcode { typed: self, hashed }
    }
}

/// Whether a factor is of the kind that this way needs; it need not work now.
fn serves(factor: &Factor, method: Method) -> bool {
    matches!(
        (&factor.kind, method),
        (Kind::Totp(_), Method::Totp)
            | (Kind::RecoveryCodes(_), Method::RecoveryCode)
            | (Kind::AccessPass(_), Method::AccessPass)
    )
}

/// What a right code opens. `Debug` does not tell the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opens {
    pub(crate) method: Method,
    pub(crate) factor: AuthenticatorId,
    by: By,
}

/// What is spent of a factor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    /// The step of a time-based code.
    Step(i64),
    /// One of a set of codes.
    Code(Hash),
    /// One use of a pass.
    Use,
}

impl Opens {
    /// The approval of a login by it.
    pub(crate) const fn approval(&self) -> Approval {
        Approval { method: self.method, device: None, authenticator: Some(self.factor), uv: UserVerification::None }
    }
}

impl Passcode {
    /// What it opens of a factor that works now.
    fn opens(&self, factor: &Factor, now: Timestamp) -> Option<By> {
        let hash = self.hashed.as_ref().filter(|(id, _)| *id == factor.id).map(|(_, hash)| hash);
        match &factor.kind {
            Kind::Totp(totp) => {
                let (_, code) = self.typed.read.as_ref()?;
                totp.step_of(code.reveal(), now).map(By::Step)
            }
            // All of them are looked at, whichever it is.
            Kind::RecoveryCodes(codes) => {
                let is_one =
                    codes.hashes.iter().fold(false, |found, kept| found | hash.is_some_and(|hash| kept.is(hash)));
                hash.filter(|_| is_one).cloned().map(By::Code)
            }
            Kind::AccessPass(pass) => hash.is_some_and(|hash| pass.hash.is(hash)).then_some(By::Use),
            Kind::Bypass(_) => None,
        }
    }
}

impl Account {
    /// Judges a passcode for the challenge `id`, and yields the challenge as it is then.
    ///
    /// # Errors
    /// [`StaleCode`], where it must be hashed again; nothing is judged or counted then. [`RedeemRefusal`] for a challenge
    /// that is not there or not pending.
    pub fn spend_passcode(
        &mut self,
        id: ChallengeId,
        gateway: GatewayId,
        passcode: &Passcode,
        journal: &mut Journal,
    ) -> Result<Result<Challenge, RedeemRefusal>, StaleCode> {
        self.settle(journal);
        let Some(challenge) = self.made_by(id, gateway).map(|challenge| challenge.clone()) else {
            return Ok(Err(RedeemRefusal::Unknown));
        };
        if challenge.state != State::Pending {
            return Ok(Err(RedeemRefusal::Final(challenge.state.as_str())));
        }
        let step = match self.may_be_judged(journal.now) {
            Err(reason) => Some(Step::Deny { reason, device: None }),
            Ok(()) => match self.judge(passcode, &challenge.methods, journal.now)? {
                Some(opens) => {
                    self.spend(&opens, Some(&challenge), journal);
                    Some(Step::Approve(opens.approval()))
                }
                None => self.wrong_at_gateway(&challenge, journal),
            },
        };
        if let Some(step) = step {
            self.end(journal, |other| (other.id == id).then(|| step.clone()));
        }
        Ok(self.made_by(id, gateway).map(|challenge| challenge.clone()).ok_or(RedeemRefusal::Unknown))
    }

    // Counts it against the account, where the tenth locks it and so ends the challenge, and against the challenge,
    // where the third ends it.
    fn wrong_at_gateway(&mut self, challenge: &Challenge, journal: &mut Journal) -> Option<Step> {
        let own = self.made_by(challenge.id, challenge.gateway)?;
        own.wrong_passcodes = own.wrong_passcodes.saturating_add(1);
        let tries = own.wrong_passcodes;
        let event = about(own, "challenge.passcode_failed", journal);
        journal.record(event.ended(Outcome::Failure, "wrong-passcode").with("tries", tries));
        self.user.limits.went_wrong(journal.now);
        self.end_reuse(journal.now);
        let _ = self.fail(Some(challenge), None, journal);
        (tries >= MAX_WRONG_PASSCODES).then_some(Step::Deny { reason: Reason::Passcode, device: None })
    }

    /// Whether a code of this account is judged at all now.
    ///
    /// # Errors
    /// Why not: `locked` or `rate-limited`.
    pub fn may_be_judged(&self, now: Timestamp) -> Result<(), Reason> {
        match (self.user.may_sign_in(), self.user.limits.cools_down(now)) {
            (false, _) => Err(Reason::Locked),
            (true, true) => Err(Reason::RateLimited),
            (true, false) => Ok(()),
        }
    }

    /// What `passcode` opens, by one of `methods`; nothing is spent yet.
    pub(crate) fn judge(
        &self,
        passcode: &Passcode,
        methods: &[Method],
        now: Timestamp,
    ) -> Result<Option<Opens>, StaleCode> {
        let expected = passcode.typed.hashed_for(self).map(|(id, _)| id);
        if expected != passcode.hashed.as_ref().map(|(id, _)| *id) {
            return Err(StaleCode);
        }
        let Some(method) = passcode.typed.method().filter(|method| methods.contains(method)) else { return Ok(None) };
        let mut working = self.working(now).filter(|(_, held)| *held == method);
        Ok(working.find_map(|(factor, _)| Some(Opens { method, factor: factor.id, by: passcode.opens(factor, now)? })))
    }

    /// Spends what a right code has opened, for the login with this challenge, where it has begun.
    pub(crate) fn spend(&mut self, opens: &Opens, during: Option<&Challenge>, journal: &mut Journal) {
        let Some(factor) = self.factors.iter_mut().find(|factor| factor.id == opens.factor) else { return };
        factor.last_used_at = Some(journal.now);
        let kind = match (&mut factor.kind, &opens.by) {
            (Kind::Totp(totp), By::Step(step)) => {
                totp.last_step = Some(*step);
                None
            }
            (Kind::RecoveryCodes(codes), By::Code(hash)) => {
                codes.hashes.retain(|kept| !kept.is(hash));
                Some(notice::Kind::RecoveryCodeUsed)
            }
            (Kind::AccessPass(pass), By::Use) => {
                pass.uses = pass.uses.saturating_add(1);
                Some(notice::Kind::AccessPassUsed)
            }
            _ => None,
        };
        if let Some(kind) = kind {
            self.tell_about(kind, during, None, journal);
        }
        self.signed_in(journal.now);
    }
}
