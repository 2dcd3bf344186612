//! What the verbs and questions about visits to the console and the portal take and answer.

use gatematch_domain::challenge::Challenge;
use gatematch_domain::disown::DisownRefusal;
use std::sync::Arc;

use gatematch_domain::login::Login;
use gatematch_domain::passcode::{Passcode, StaleCode};
use gatematch_domain::place::Atlas;
use gatematch_domain::role::Role;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_domain::visit::{Entry, Invitation, NoEntry, Place, Visit};
use gatematch_protocol::id::{ChallengeId, UserId};
use gatematch_protocol::time::Timestamp;

use super::{Act, Reply};

/// What [`Visits::enter`] takes.
#[derive(Clone, Debug)]
pub struct Enter {
    /// Who comes in, with the cookie that he has from then on.
    pub entry: Entry,
    /// base64url(SHA-256(the cookie with which he knocked, or has been in until now)).
    pub token_digest: String,
    /// Where.
    pub place: Place,
    /// The signed result of the approval.
    pub result: String,
    /// base64url(SHA-256(the cookie of an earlier visit of this browser)): it is forgotten.
    pub replaces: Option<String>,
}

/// What [`Visits::accept`] takes.
#[derive(Clone)]
pub struct Accept {
    /// Who comes in.
    pub entry: Entry,
    /// Where.
    pub place: Place,
    /// base64url(SHA-256(the token of his invitation)).
    pub token_digest: String,
    /// What it would be by a phone: policy is asked of it.
    pub login: Login,
    /// Who knows where addresses are.
    pub atlas: Arc<dyn Atlas>,
    /// Groups whose members administrators alone invite.
    pub protected_groups: Vec<String>,
    /// base64url(SHA-256(the cookie of an earlier visit of this browser)): it is forgotten.
    pub replaces: Option<String>,
}

/// What [`Visits::code_at_portal`] takes.
#[derive(Clone)]
pub struct PortalCode {
    /// Who comes in, if the code is right.
    pub entry: Entry,
    /// Whose code it is.
    pub name: Username,
    /// The code.
    pub passcode: Passcode,
    /// What it would be by a phone: policy is asked of it.
    pub login: Login,
    /// Who knows where addresses are.
    pub atlas: Arc<dyn Atlas>,
    /// What is kept where nobody is let in, so that it costs the same whether or not somebody has the name.
    pub unheard: Visit,
    /// base64url(SHA-256(the cookie of an earlier visit of this browser)): whether it is known, and forgotten afterwards.
    pub known: Option<String>,
    /// After how many seconds without a sign-in an account sleeps; `None`: never.
    pub dormant_after: Option<i64>,
}

/// Visits to the console and the portal.
pub trait Visits {
    /// Keeps a knock; `replaces` as in [`Enter`], but only an earlier knock goes.
    fn knock(&self, visit: Visit, replaces: Option<String>) -> Reply<'_, ()>;
    /// Lets in who knocked, or has proven anew that it is he.
    fn enter(&self, enter: Enter) -> Reply<'_, Result<Visit, NoEntry>>;
    /// Lets in who is invited. The invitation is spent.
    fn accept(&self, accept: Accept) -> Reply<'_, Result<Visit, NoEntry>>;
    /// Lets in who has a pass or a recovery code.
    fn code_at_portal(&self, code: PortalCode) -> Reply<'_, Result<Result<Visit, NoEntry>, StaleCode>>;
    /// The visit waits for this challenge, to be proven anew; false where there is none.
    fn prove(&self, now: Timestamp, token_digest: String, challenge: ChallengeId) -> Reply<'_, bool>;
    /// Something was done in the visit.
    fn seen(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()>;
    /// The visit, where it does not hold, ends for good; its browser stays known.
    fn finish(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()>;
    /// The visit is over; its browser is not known any more.
    fn leave(&self, act: Act, token_digest: String) -> Reply<'_, ()>;
    /// Keeps an invitation; false where its user is gone.
    fn invite(&self, act: Act, invitation: Invitation) -> Reply<'_, bool>;
    /// A user says of a login that it was not he, as [`gatematch_domain::account::Account::disown`].
    fn disown(&self, act: Act, user: UserId, id: ChallengeId) -> Reply<'_, Result<Challenge, DisownRefusal>>;
    /// Says what a user may do at the console; `None` where there is none, false where it was so already.
    fn set_role(&self, act: Act, user: UserId, role: Option<Role>) -> Reply<'_, Option<bool>>;
    /// The visit with this cookie, whether or not it holds.
    fn visit(&self, token_digest: String) -> Reply<'_, Option<Visit>>;
    /// Who has a role at the console, by name.
    fn operators(&self) -> Reply<'_, Vec<User>>;
}
