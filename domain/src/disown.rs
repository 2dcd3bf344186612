//! A person says at the portal of a login that it was not he: of one that waits, or of one that is long over.
//!
//! What a phone says when it is asked ends the login. Here most are over, and then nothing can be undone: what is told is
//! remembered, stands against further ones like it, and reaches his phones.

use gatematch_protocol::id::ChallengeId;

use crate::account::{Account, about, ended_event};
use crate::audit::{Journal, Outcome};
use crate::challenge::{Challenge, Reason, State, Step};
use crate::notice::Kind;
use crate::visit::Knock;

/// For how long after it began a login can be disowned, in seconds: a day.
pub const DISOWN_SECONDS: i64 = 86_400;

/// Why a login is not disowned. Nothing was changed or counted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisownRefusal {
    /// There is no such login of his, or none of late.
    Unknown,
    /// It was before.
    Again,
    /// He has disowned [`MAX_DISOWNED`](crate::limits::MAX_DISOWNED) in a day.
    TooMany,
}

impl Account {
    /// Disowns the login with the challenge `id`, and yields it as it is then. One that waits ends; one that was let in
    /// stays what it is.
    ///
    /// # Errors
    /// [`DisownRefusal`].
    pub fn disown(&mut self, id: ChallengeId, journal: &mut Journal) -> Result<Challenge, DisownRefusal> {
        self.settle(journal);
        let now = journal.now;
        let of_late = |challenge: &&mut Challenge| now < challenge.created_at.plus_seconds(DISOWN_SECONDS);
        let found = self.challenges.iter_mut().find(|challenge| challenge.id == id).filter(of_late);
        let challenge = found.ok_or(DisownRefusal::Unknown)?;
        // His phone, or the connect page, has said so before.
        if challenge.state.reason() == Some(Reason::Reported) {
            return Err(DisownRefusal::Again);
        }
        self.user.limits.disown(id, now)?;
        let step = match challenge.state {
            // Nobody has come in by it yet: it is taken from the gateway.
            State::Approved { .. } => Step::Cancel { reason: Some(Reason::Reported) },
            _ => Step::Deny { reason: Reason::Reported, device: None },
        };
        if challenge.take(step, now) {
            journal.record(ended_event(challenge, journal));
        }
        let disowned = challenge.clone();
        let event = about(&disowned, "portal.reported", journal).ended(Outcome::Success, Reason::Reported.as_str());
        journal.record(event.with("state", disowned.state.as_str()));
        self.user.limits.reported(disowned.gateway, disowned.client.name.as_deref(), now);
        // As with a phone: whoever disowns what a stranger rang for has nothing to suffer from it at his own logins.
        if Knock::of(&disowned) == Some(Knock::Stranger) {
            self.user.limits.turned_away(now);
        } else {
            self.user.limits.went_wrong(now);
            self.end_reuse(now);
        }
        self.tell_about(Kind::Reported, Some(&disowned), None, journal);
        Ok(disowned)
    }
}
