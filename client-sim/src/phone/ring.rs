//! What a phone makes of a push message: a sign-in is believed as one that was fetched is, and a push that comes twice,
//! late or in another order changes nothing.

use std::collections::VecDeque;
use std::sync::PoisonError;

use gatematch_protocol::challenge::{ChallengeClaims, ChallengeFault};
use gatematch_protocol::id::{ChallengeId, NoticeId};
use gatematch_protocol::notice::{self, NoticeClaims};

use super::{Account, Phone};
use crate::failure::Failure;
use crate::push::plaintext::Plaintext;

/// How many ids of each kind a phone remembers; then the oldest is forgotten. The server lets three sign-ins of a
/// person wait at once.
const MAX_HEARD: usize = 64;

/// What a push message is to a phone.
#[derive(Clone, Debug, PartialEq)]
pub enum Ring {
    /// A sign-in that the phone shows: it was checked, and was not shown before.
    SignIn {
        /// The signed challenge, to be answered by [`Phone::respond`].
        challenge: String,
        /// What it says.
        claims: Box<ChallengeClaims>,
    },
    /// This sign-in was called off, or so it is said: shown no more, unless the server still has it when the phone
    /// fetches.
    FetchAgain(ChallengeId),
    /// Told to the person; there is nothing to answer.
    Notice(Box<NoticeClaims>),
    /// Nothing.
    Nothing(Silence),
}

/// Why a phone does not ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// Not a message of the contract.
    #[error("not a message for phones")]
    Unreadable,
    /// It rang for this one already.
    #[error("heard before")]
    Again,
    /// The challenge is not to be believed, or late.
    #[error(transparent)]
    Challenge(ChallengeFault),
    /// The notice is not to be believed.
    #[error("the notice is not to be believed")]
    Notice,
}

/// What a phone has heard by push, so that it rings once.
#[derive(Debug, Default)]
pub(super) struct Heard {
    challenges: Recent<ChallengeId>,
    cancelled: Recent<ChallengeId>,
    notices: Recent<NoticeId>,
}

#[derive(Debug)]
struct Recent<T>(VecDeque<T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq> Recent<T> {
    fn has(&self, id: &T) -> bool {
        self.0.contains(id)
    }

    /// False where it was there already.
    fn add(&mut self, id: T) -> bool {
        let new = !self.has(&id);
        if new {
            if self.0.len() >= MAX_HEARD {
                self.0.pop_front();
            }
            self.0.push_back(id);
        }
        new
    }
}

impl Phone {
    /// Takes the plaintext of a push message. A challenge is checked as [`Phone::read`] does, whoever brought it.
    ///
    /// # Errors
    /// [`Failure::NotEnrolled`]; and [`Failure::Transport`] and others where an unknown key of the server could not be
    /// fetched, after which the same message may be tried again.
    pub async fn on_push(&self, plaintext: &[u8]) -> Result<Ring, Failure> {
        match Plaintext::read(plaintext) {
            Ok(Plaintext::Challenge(challenge)) => self.on_challenge(challenge).await,
            Ok(Plaintext::Cancelled(id)) => {
                let new = self.heard(|heard| heard.cancelled.add(id));
                Ok(if new { Ring::FetchAgain(id) } else { Ring::Nothing(Silence::Again) })
            }
            Ok(Plaintext::Notice(text)) => Ok(self.on_notice(&text)?),
            Err(_) => Ok(Ring::Nothing(Silence::Unreadable)),
        }
    }

    /// Marks a challenge that came in another way, so that a push does not ring for it again. False where it was
    /// heard before.
    pub fn note_heard(&self, id: ChallengeId) -> bool {
        self.heard(|heard| heard.challenges.add(id))
    }

    fn heard<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn on_challenge(&self, challenge: String) -> Result<Ring, Failure> {
        let claims = match self.read(&challenge).await {
            Ok(claims) => claims,
            Err(Failure::Challenge(fault)) => return Ok(Ring::Nothing(Silence::Challenge(fault))),
            Err(failure) => return Err(failure),
        };
        let id = claims.jti;
        let overtaken = self.heard(|heard| !heard.challenges.has(&id) && heard.cancelled.has(&id));
        if overtaken {
            // The cancellation came first. It is only a hint, so the server is asked, and what it still has is new.
            return Ok(Ring::FetchAgain(id));
        }
        let new = self.note_heard(id);
        Ok(if new { Ring::SignIn { challenge, claims: Box::new(claims) } } else { Ring::Nothing(Silence::Again) })
    }

    fn on_notice(&self, text: &str) -> Result<Ring, Failure> {
        let Account { issuer, device_id, server_keys, .. } = self.account().ok_or(Failure::NotEnrolled)?;
        let Some(claims) = notice::check(text, &issuer, device_id, &server_keys, &self.checker()) else {
            return Ok(Ring::Nothing(Silence::Notice));
        };
        let new = self.heard(|heard| heard.notices.add(claims.jti));
        Ok(if new { Ring::Notice(Box::new(claims)) } else { Ring::Nothing(Silence::Again) })
    }
}

#[cfg(test)]
mod tests;
