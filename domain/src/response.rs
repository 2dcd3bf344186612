//! The phone's answer decides a challenge (contract section 6.2, from "not pending" on).
//!
//! What comes before, the form of the response, its signature and the challenge that it names, depends on
//! nothing that can change, and is checked before an account is locked for the decision.

use std::fmt;

use gatematch_protocol::id::{ChallengeId, DeviceId};
use gatematch_protocol::response::{Decision, UserVerification};

use crate::account::{Account, ended_event};
use crate::audit::Journal;
use crate::challenge::{Approval, Challenge, Reason, State, Step};
use crate::notice::Kind;
use crate::policy::Method;
use crate::visit::Knock;

/// The audit log holds integers that every JSON reader keeps exact (RFC 8785, section 3.2.2.3).
const MAX_AUDIT_INTEGER: i64 = 1 << 53;

/// A response whose signature holds. `Debug` does not tell the number.
#[derive(Clone)]
pub struct Answer {
    /// The phone that signed.
    pub device: DeviceId,
    /// What the person decided.
    pub decision: Decision,
    /// The digits as typed.
    pub number: Option<String>,
    /// The phone's own word.
    pub uv: Option<UserVerification>,
    /// When the phone says it answered, as NumericDate: recorded, not checked.
    pub iat: i64,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.as_ref().map(|_| "..");
        let mut shown = f.debug_struct("Answer");
        shown.field("device", &self.device).field("decision", &self.decision);
        shown.field("number", &number).field("uv", &self.uv).finish()
    }
}

/// Why a response decides nothing. None of these changes or counts anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseRefusal {
    /// The phone may not answer any more.
    DeviceGone,
    /// There is no such challenge, or it belongs to somebody else.
    Unknown,
    /// It is not pending any more. The reason is for the phone that decided.
    NotPending {
        /// The state that it is in.
        state: &'static str,
        /// Why, where this phone decided.
        reason: Option<Reason>,
    },
    /// It needs user verification.
    UvRequired,
    /// The number is absent, or does not have as many digits.
    MalformedNumber {
        /// How many it should have.
        digits: usize,
    },
}

impl Account {
    /// Decides the challenge `id` by `answer`, and yields it as it is then.
    ///
    /// # Errors
    /// [`ResponseRefusal`].
    pub fn respond(
        &mut self,
        id: ChallengeId,
        answer: &Answer,
        journal: &mut Journal,
    ) -> Result<Challenge, ResponseRefusal> {
        self.settle(journal);
        self.active_device(answer.device).ok_or(ResponseRefusal::DeviceGone)?;
        let index = self.challenges.iter().position(|challenge| challenge.id == id).ok_or(ResponseRefusal::Unknown)?;
        let challenge = self.challenges.get(index).ok_or(ResponseRefusal::Unknown)?;
        if !challenge.sent_to.contains(&answer.device) {
            return Err(ResponseRefusal::Unknown);
        }
        let step = next_step(challenge, answer)?;
        let (gateway, client_name) = (challenge.gateway, challenge.client.name.clone());
        let challenge = self.challenges.get_mut(index).ok_or(ResponseRefusal::Unknown)?;
        if !challenge.take(step, journal.now) {
            return Err(not_pending(challenge, answer.device));
        }
        let mut event = ended_event(challenge, journal);
        event = event.with("iat_claimed", answer.iat.clamp(-MAX_AUDIT_INTEGER, MAX_AUDIT_INTEGER));
        if let Some(uv) = answer.uv {
            event = event.with("uv_claimed", uv.as_str());
        }
        let decided = challenge.clone();
        journal.record(event);
        // Whoever denies what a stranger rang for has nothing to suffer from it at his own logins.
        let is_strangers = Knock::of(&decided) == Some(Knock::Stranger);
        let counts = !is_strangers || decided.state.reason() == Some(Reason::WrongNumber);
        if decided.state.reason().is_some() && counts {
            self.user.limits.went_wrong(journal.now);
            self.end_reuse(journal.now);
        }
        match decided.state.reason() {
            None => self.signed_in(journal.now),
            Some(Reason::WrongNumber) => {
                let _ = self.fail(Some(&decided), Some(answer.device), journal);
            }
            Some(Reason::Reported) => {
                self.user.limits.reported(gateway, client_name.as_deref(), journal.now);
                if is_strangers {
                    self.user.limits.turned_away(journal.now);
                }
                self.tell_about(Kind::Reported, Some(&decided), Some(answer.device), journal);
            }
            Some(_) if is_strangers => self.user.limits.turned_away(journal.now),
            Some(_) => self.user.limits.denied(journal.now),
        }
        if let Some(device) = self.devices.iter_mut().find(|device| device.id == answer.device) {
            device.last_used_at = Some(journal.now);
        }
        Ok(decided)
    }
}

fn next_step(challenge: &Challenge, answer: &Answer) -> Result<Step, ResponseRefusal> {
    if challenge.state != State::Pending {
        return Err(not_pending(challenge, answer.device));
    }
    let device = Some(answer.device);
    match answer.decision {
        Decision::Deny => return Ok(Step::Deny { reason: Reason::User, device }),
        Decision::Report => return Ok(Step::Deny { reason: Reason::Reported, device }),
        Decision::Approve => {}
    }
    let uv = answer.uv.unwrap_or(UserVerification::None);
    if challenge.uv_required && uv == UserVerification::None {
        return Err(ResponseRefusal::UvRequired);
    }
    if let Some(number) = &challenge.number {
        let well_formed = |typed: &&String| typed.len() == number.digits() && typed.bytes().all(|b| b.is_ascii_digit());
        let typed = answer.number.as_ref().filter(well_formed);
        let typed = typed.ok_or(ResponseRefusal::MalformedNumber { digits: number.digits() })?;
        if !number.matches(typed) {
            return Ok(Step::Deny { reason: Reason::WrongNumber, device });
        }
    }
    Ok(Step::Approve(Approval { method: Method::Push, device, authenticator: None, uv }))
}

fn not_pending(challenge: &Challenge, device: DeviceId) -> ResponseRefusal {
    let own = challenge.state.decided_by() == Some(device);
    ResponseRefusal::NotPending {
        state: challenge.state.as_str(),
        reason: if own { challenge.state.reason() } else { None },
    }
}
