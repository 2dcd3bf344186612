//! What is remembered. One verb, one invariant, one transaction, with its audit events inside.
//!
//! [`Store`] is what the rest of the server sees. Behind it, a verb is written once for every database
//! ([`verb`]): it says which rows it needs, a database loads them under its lock into a [`world::World`], the
//! domain decides, and the database writes what changed, guarded by what was read.

mod audit;
mod connect;
mod letters;
mod login;
mod people;
mod policy;
pub mod postgres;
pub(crate) mod sql;
pub mod sqlite;
mod vault;
mod verb;
mod visit;
mod watch;
mod world;

use std::sync::Arc;

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::Challenge;
use gatematch_domain::connect::{Bound, Browser, NothingToConfirm, OnPage};
use gatematch_domain::device::{ConfirmRefusal, Device, PushSet};
use gatematch_domain::enrollment::{Enrollment, RegisterRefusal};
use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::gateway::Gateway;
use gatematch_domain::notice::Notice;
use gatematch_domain::passcode::{Passcode, StaleCode};
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_domain::response::{Answer, ResponseRefusal};
use gatematch_domain::role::{AdminKey, Role};
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::id::{AdminKeyId, BrowserId, ChallengeId, DeviceId, EnrollmentId, GatewayId, KeyId, UserId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

pub use self::audit::{AuditChain, LogBeginning, LogEnd};
pub use self::connect::{ArmSession, Armed, ConfirmSession, Page, PagePasscode, TellApproval};
pub use self::login::{Answering, FirstAnswer, OpenChallenge, Opened, Redemption};
pub use self::people::{KeyRevoked, PutUser, RegisterDevice, UserDeleted, UserPut, UserQuery, UserState};
pub use self::policy::{Expected, LetIn, Policies, PutPolicy, PutRefusal, Replacement, Reports};
pub use self::vault::{KeyList, MasterChanged, RotateRefusal, Rotated, SigningKeyRow, VaultKeys};
pub use self::visit::{Accept, Enter, PortalCode, Visits};
pub use self::watch::{ASTRAY_SECONDS, Few, Look, Looked, MOST_LOOKED_AT, Standing, Watching};
use crate::edge::Pending;
use crate::hub::Topic;
use crate::push::Letter;

/// Why the store gave no answer. Nothing was decided then; a write may or may not have been made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("the database: {0}")]
    Database(Arc<str>),
    /// The database is not there, or has gone meanwhile.
    #[error("the database: {0}")]
    Unreachable(Arc<str>),
    /// What is stored makes no sense.
    #[error("the stored {0} makes no sense")]
    Corrupt(&'static str),
    /// It is sealed under a data key that is not known.
    #[error("what is stored is sealed under a key that is not known")]
    UnknownKey,
    /// The actor's credential was withdrawn while his request was under way. Nothing was written.
    #[error("the credential was withdrawn meanwhile")]
    ActorGone,
    /// The actor would change his own account. Nothing was written.
    #[error("the account is the actor's own")]
    OwnAccount,
    /// The user is protected, and the actor must leave protected users alone. Nothing was written.
    #[error("the user is protected")]
    Protected,
    /// Too much is waiting to be written.
    #[error("too much is waiting to be written")]
    Overloaded,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_gone = match &error {
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            _ => false,
        };
        let what = error.to_string().into();
        if is_gone { Self::Unreachable(what) } else { Self::Database(what) }
    }
}

/// Whether what PostgreSQL says by this code passes by another connection
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn is_passing(code: &str) -> bool {
    // The schema has grown since the statement was prepared; the server has become a standby; it has ended what it was
    // left alone with.
    let otherwise = ["0A000", "25006", "26000", "25P03", "25P04"];
    // What took too long, and a full disk, are the same on any connection.
    let nevertheless = ["57014", "53100"];
    // Connections; what another transaction is in the way of; resources; what an operator does.
    let classes = ["08", "40", "53", "57"];
    otherwise.contains(&code) || (classes.iter().any(|class| code.starts_with(class)) && !nevertheless.contains(&code))
}

/// An answer of the store.
pub type Reply<'a, T> = Pending<'a, Result<T, StoreError>>;

/// Who acts, and when.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// Groups whose members he must leave alone, when he manages phones.
    pub spares: Vec<String>,
    /// Whether he must leave those alone who have a role at the console, too.
    pub spares_operators: bool,
    /// The name of his own account, where it is known: he must leave it alone, when he manages factors.
    pub own: Option<String>,
    /// Why, for what is remembered of the account itself; where that was told, and the verb does not take it.
    pub reason: Option<String>,
    /// base64url(SHA-256(the cookie of the visit in which he acts)): it must still hold in the write.
    pub visit: Option<String>,
}

impl Act {
    /// `actor` acts at `now`, and may manage everybody.
    #[must_use]
    pub const fn new(actor: Actor, now: Timestamp) -> Self {
        Self { actor, now, spares: Vec::new(), spares_operators: false, own: None, reason: None, visit: None }
    }

    /// For this reason.
    #[must_use]
    pub fn because(mut self, reason: String) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// A key of the server, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Names it.
    pub id: KeyId,
    /// What it signs: `tokens` or `vapid`.
    pub purpose: String,
    /// The public half: SEC1, base64url.
    pub public: String,
    /// The private half, sealed.
    pub private: String,
    /// `active` or `retiring`.
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which events [`Store::audit`] yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Those with a higher `seq`.
    pub after: u64,
    /// Those with a lower `seq`.
    pub before: Option<u64>,
    /// The latest of them, and those first; otherwise the oldest.
    pub latest_first: bool,
    /// At most so many.
    pub limit: u32,
    /// Of this user.
    pub user: Option<String>,
    /// Of one of these types; of all where there is none.
    pub kinds: Vec<String>,
    /// At one of these gateways; everywhere, and nowhere, where there is none.
    pub gateways: Vec<String>,
}

/// Who is told, after a commit, what changed.
pub trait Bell: Send + Sync {
    /// `topic` has something new.
    fn ring(&self, topic: Topic);
    /// `challenge` is like this now.
    fn tell(&self, challenge: &Challenge);
    /// Anything may be new: somebody else was at the database, and what he did was not heard.
    fn ring_all(&self);
    /// Something runs out of time at `at`.
    fn deadline(&self, at: Timestamp);
    /// Phones are to be told this by push; takes no time.
    fn post(&self, letters: Vec<Letter>);
}

/// What the server remembers, as verbs and questions. A verb is durable when it answers.
pub trait Store: VaultKeys + Policies + AuditChain + Visits + Watching + Send + Sync {
    /// Opens a challenge, or refuses the login.
    fn open_challenge(&self, open: OpenChallenge) -> Reply<'_, Opened>;
    /// Decides a challenge by a phone's answer.
    fn record_response(
        &self,
        now: Timestamp,
        id: ChallengeId,
        answer: Answer,
    ) -> Reply<'_, Result<Challenge, ResponseRefusal>>;
    /// Spends an approval.
    fn redeem(&self, redemption: Redemption) -> Reply<'_, Result<Challenge, RedeemRefusal>>;
    /// Judges a passcode.
    fn spend_passcode(
        &self,
        act: Act,
        id: ChallengeId,
        gateway: GatewayId,
        passcode: Passcode,
    ) -> Reply<'_, Result<Result<Challenge, RedeemRefusal>, StaleCode>>;
    /// Takes a challenge back.
    fn cancel_challenge(
        &self,
        act: Act,
        id: ChallengeId,
        gateway: GatewayId,
    ) -> Reply<'_, Result<Challenge, RedeemRefusal>>;
    /// Arms a session of the connect page.
    fn arm_session(&self, arm: ArmSession) -> Reply<'_, Armed>;
    /// Keeps a session armed while its page is open.
    fn renew_session(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()>;
    /// Confirms or reports the login that began; `None` where there is no such session, or nobody has its name.
    fn confirm_session(&self, confirm: ConfirmSession) -> Reply<'_, Option<Result<(), NothingToConfirm>>>;
    /// Judges a code on a page.
    fn passcode_on_page(&self, passcode: PagePasscode) -> Reply<'_, Result<OnPage, StaleCode>>;
    /// Tells an approval to the browser that showed the number, which binds it.
    fn tell_approval(&self, tell: TellApproval) -> Reply<'_, Bound>;
    /// Forgets a bound browser; false if there is none.
    fn revoke_browser(&self, act: Act, name: Username, id: BrowserId) -> Reply<'_, bool>;
    /// Writes down whose time has run out (at most some hundred); the next deadline that is left.
    fn settle(&self, now: Timestamp) -> Reply<'_, Option<Timestamp>>;

    /// Makes or changes a user.
    fn put_user(&self, put: PutUser) -> Reply<'_, UserPut>;
    /// Locks a user; `None` if there is none, false if he was locked.
    fn lock_user(&self, act: Act, name: Username, reason: String) -> Reply<'_, Option<bool>>;
    /// Unlocks a user; `None` if there is none, false if there was nothing to do.
    fn unlock_user(&self, act: Act, name: Username, reason: String) -> Reply<'_, Option<bool>>;
    /// Deletes a user with his phones and enrollments.
    fn delete_user(&self, act: Act, id: UserId, as_admin: bool) -> Reply<'_, UserDeleted>;
    /// Keeps an enrollment.
    fn create_enrollment(&self, act: Act, enrollment: Enrollment) -> Reply<'_, Result<(), FactorRefusal>>;
    /// Registers a phone and spends its enrollment.
    fn register_device(&self, registration: RegisterDevice) -> Reply<'_, Result<Device, RegisterRefusal>>;
    /// Confirms a phone by its code.
    fn confirm_device(&self, act: Act, id: DeviceId, code: String) -> Reply<'_, Result<(), ConfirmRefusal>>;
    /// Takes a phone away; false if there is none.
    fn revoke_device(&self, act: Act, id: DeviceId, why: String) -> Reply<'_, bool>;
    /// Sets or drops where push reaches a phone.
    fn set_push(&self, act: Act, id: DeviceId, push: Option<PushSubscription>) -> Reply<'_, PushSet>;
    /// Drops where push reached a phone, unless that is another endpoint by now; false where nothing was dropped.
    fn drop_push(&self, now: Timestamp, id: DeviceId, endpoint: Secret) -> Reply<'_, bool>;
    /// Changes what a user signs in with.
    fn change_factors(&self, act: Act, user: UserId, change: FactorChange) -> Reply<'_, Result<(), FactorRefusal>>;
    /// Keeps a gateway and the digest of its key.
    fn create_gateway(&self, act: Act, gateway: Gateway, key_digest: String) -> Reply<'_, ()>;
    /// Takes a gateway away and ends what is open there; false if there is none.
    fn delete_gateway(&self, act: Act, id: GatewayId) -> Reply<'_, bool>;
    /// Keeps an administrator's key by its digest.
    fn create_admin_key(&self, act: Act, key: AdminKey, key_digest: String) -> Reply<'_, ()>;
    /// Takes an administrator's key away, unless it is the last one with the role `admin`.
    fn revoke_admin_key(&self, act: Act, id: AdminKeyId) -> Reply<'_, KeyRevoked>;
    /// Keeps keys of the server for purposes that have none in that status; all that there are.
    fn create_signing_keys(&self, act: Act, keys: Vec<StoredKey>) -> Reply<'_, Vec<StoredKey>>;
    /// Spends a proof of possession; false if it was spent before.
    fn spend_proof(&self, now: Timestamp, thumbprint: String, jti: String) -> Reply<'_, bool>;
    /// Keeps events that stand alone.
    fn record_events(&self, events: Vec<Event>) -> Reply<'_, ()>;
    /// Forgets what nobody needs any more: spent proofs, first answers, challenges that ended long ago.
    fn purge(&self, now: Timestamp) -> Reply<'_, ()>;

    /// Whether this node does what one node does for all: sends the audit log on, and signs it.
    fn leads(&self) -> bool;
    /// Looks whether another process has changed anything, where nobody tells; then [`Bell::ring_all`] does.
    fn look_around(&self) -> Reply<'_, ()>;
    /// Whether the database answers.
    fn ready(&self) -> Reply<'_, ()>;
    /// A challenge.
    fn challenge(&self, id: ChallengeId) -> Reply<'_, Option<Challenge>>;
    /// The session with this cookie.
    fn page(&self, token_digest: String, now: Timestamp) -> Reply<'_, Option<Page>>;
    /// Whether a browser with this cookie is bound to somebody.
    fn is_bound(&self, token_digest: String, now: Timestamp) -> Reply<'_, bool>;
    /// The browsers bound to a user, oldest first.
    fn browsers(&self, user: UserId) -> Reply<'_, Vec<Browser>>;
    /// The phone `device`, and what was signed for it of the challenge `id`.
    fn answering(&self, device: DeviceId, id: Option<ChallengeId>) -> Reply<'_, Option<Answering>>;
    /// The pending challenges that were made for a phone, oldest first.
    fn waiting(&self, device: DeviceId, now: Timestamp) -> Reply<'_, Vec<(ChallengeId, String)>>;
    /// The latest notices to the phones of a user since `since`, oldest first.
    fn notices(&self, user: UserId, since: Timestamp) -> Reply<'_, Vec<Notice>>;
    /// The first answer to an Idempotency-Key since `since`.
    fn first_answer(&self, gateway: GatewayId, key: String, since: Timestamp) -> Reply<'_, Option<FirstAnswer>>;
    /// A user with his phones and other factors (without his challenges).
    fn account(&self, name: Username) -> Reply<'_, Option<Account>>;
    /// A user by his account.
    fn user(&self, id: UserId) -> Reply<'_, Option<User>>;
    /// Users by name; with their count of phones.
    fn users(&self, query: UserQuery) -> Reply<'_, Vec<(User, u32)>>;
    /// A phone and its user.
    fn device(&self, id: DeviceId) -> Reply<'_, Option<(Device, User)>>;
    /// The phone with this key, and its user.
    fn device_by_key(&self, thumbprint: String) -> Reply<'_, Option<(Device, User)>>;
    /// An enrollment by the digest of its token.
    fn enrollment(&self, token_digest: String) -> Reply<'_, Option<Enrollment>>;
    /// The gateway with this key.
    fn gateway_by_key(&self, key_digest: String) -> Reply<'_, Option<Gateway>>;
    /// A gateway.
    fn gateway(&self, id: GatewayId) -> Reply<'_, Option<Gateway>>;
    /// All gateways, by name.
    fn gateways(&self) -> Reply<'_, Vec<Gateway>>;
    /// The administrator with this key.
    fn admin_by_key(&self, key_digest: String) -> Reply<'_, Option<AdminKey>>;
    /// All administrators' keys, oldest first.
    fn admin_keys(&self) -> Reply<'_, Vec<AdminKey>>;
    /// Audit events, in order.
    fn audit(&self, query: AuditQuery) -> Reply<'_, Vec<AuditEvent>>;

    /// Answers what was taken in, then closes.
    fn close(&self) -> Pending<'_, ()>;
}

/// How long the first answer to an Idempotency-Key is repeated, in seconds.
pub const REPEAT_SECONDS: i64 = 600;

/// A new administrator's key.
#[must_use]
pub fn admin_key(id: AdminKeyId, name: String, role: Role, now: Timestamp) -> AdminKey {
    AdminKey { id, name, role, user: None, created_at: now }
}

/// A new enrollment, made by somebody who may manage everybody.
#[must_use]
pub fn enrollment(id: EnrollmentId, user: UserId, token_digest: String, now: Timestamp, seconds: i64) -> Enrollment {
    Enrollment {
        id,
        user,
        token_digest,
        created_at: now,
        expires_at: now.plus_seconds(seconds),
        used_at: None,
        by_admin: true,
        by_device: None,
    }
}
