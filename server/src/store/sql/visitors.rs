//! The verbs and the questions about visits.

use gatematch_domain::challenge::Challenge;
use gatematch_domain::disown::DisownRefusal;
use gatematch_domain::passcode::StaleCode;
use gatematch_domain::role::Role;
use gatematch_domain::user::User;
use gatematch_domain::visit::{Invitation, NoEntry, Visit};
use gatematch_protocol::id::{ChallengeId, UserId};
use gatematch_protocol::time::Timestamp;

use super::{SqlStore, visits};
use crate::store::verb::{Disown, Finish, Invite, Knocks, Leave, Prove, Seen, SetRole};
use crate::store::{Accept, Act, Enter, PortalCode, Reply, Visits};

impl Visits for SqlStore {
    fn knock(&self, visit: Visit, replaces: Option<String>) -> Reply<'_, ()> {
        self.write(Knocks { visit, replaces })
    }

    fn enter(&self, enter: Enter) -> Reply<'_, Result<Visit, NoEntry>> {
        self.write(enter)
    }

    fn accept(&self, accept: Accept) -> Reply<'_, Result<Visit, NoEntry>> {
        self.write(accept)
    }

    fn code_at_portal(&self, code: PortalCode) -> Reply<'_, Result<Result<Visit, NoEntry>, StaleCode>> {
        self.write(code)
    }

    fn prove(&self, now: Timestamp, token_digest: String, challenge: ChallengeId) -> Reply<'_, bool> {
        self.write(Prove { now, token_digest, challenge })
    }

    fn seen(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()> {
        self.write(Seen { now, token_digest })
    }

    fn finish(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()> {
        self.write(Finish { now, token_digest })
    }

    fn leave(&self, act: Act, token_digest: String) -> Reply<'_, ()> {
        self.write(Leave { act, token_digest })
    }

    fn invite(&self, act: Act, invitation: Invitation) -> Reply<'_, bool> {
        self.write(Invite { act, invitation })
    }

    fn disown(&self, act: Act, user: UserId, id: ChallengeId) -> Reply<'_, Result<Challenge, DisownRefusal>> {
        self.write(Disown { act, user, id })
    }

    fn set_role(&self, act: Act, user: UserId, role: Option<Role>) -> Reply<'_, Option<bool>> {
        self.write(SetRole { act, user, role })
    }

    fn visit(&self, token_digest: String) -> Reply<'_, Option<Visit>> {
        Box::pin(visits::visit_by(&self.reads, token_digest))
    }

    fn operators(&self) -> Reply<'_, Vec<User>> {
        Box::pin(visits::operators(&self.reads))
    }
}
