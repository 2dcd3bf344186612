//! What is asked by those who watch: parts of the audit log, however long it is, and what stands now.

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;

use super::{Reply, UserState};

/// How many events are looked at for one [`Look`], at most: so nobody waits long for what is rare.
pub const MOST_LOOKED_AT: u32 = 10_000;
/// How much later or earlier than its neighbours in the log an event may be dated, in seconds: a clock was set back.
pub const ASTRAY_SECONDS: i64 = 3_600;

/// Which events [`Watching::look`] looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Of this user.
    pub user: Option<String>,
    /// Of one of these types; of all where there is none.
    pub kinds: Vec<String>,
    /// At one of these gateways; everywhere, and nowhere, where there is none.
    pub gateways: Vec<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// By somebody with this text in how the log names him.
    pub actor: Option<String>,
    /// From then or later.
    pub since: Option<Timestamp>,
    /// From before then.
    pub until: Option<Timestamp>,
    /// Those with a higher `seq`.
    pub after: u64,
    /// Those with a lower `seq`.
    pub before: Option<u64>,
    /// The latest of them, and those first; otherwise the oldest.
    pub latest_first: bool,
    /// At most so many.
    pub limit: u32,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looked {
    /// The events, in the order of the question.
    pub events: Vec<AuditEvent>,
    /// The `seq` up to which was looked, where there may be more beyond it.
    pub reached: Option<u64>,
}

/// Some, and how many there are of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T> {
    /// The first of them.
    pub first: Vec<T>,
    /// How many there are.
    pub count: u64,
}

/// What stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Sign-ins that wait for somebody's decision.
    pub waiting: u64,
    /// Accounts that are locked, by name, and why.
    pub locked: Few<(String, String)>,
    /// Phones that nobody has confirmed, the latest first: whose, and since when.
    pub unconfirmed: Few<(String, Timestamp)>,
    /// Bypasses in force: whose, and until when.
    pub bypasses: Few<(String, Timestamp)>,
}

/// What is asked by those who watch.
pub trait Watching {
    /// Some events of the log.
    fn look(&self, look: Look) -> Reply<'_, Looked>;
    /// The event with this number.
    fn event_at(&self, seq: u64) -> Reply<'_, Option<AuditEvent>>;
    /// The `seq` up to which every event is from before `time`, found by halving.
    fn seq_before(&self, time: Timestamp) -> Reply<'_, u64>;
    /// Sign-ins that have not ended, the latest first.
    fn under_way(&self, now: Timestamp, limit: u32) -> Reply<'_, Vec<Challenge>>;
    /// What stands now, with the first `limit` of each.
    fn standing(&self, now: Timestamp, limit: u32) -> Reply<'_, Standing>;
    /// How many accounts this holds of; reads all of them.
    fn count_users(&self, state: UserState) -> Reply<'_, u64>;
}
