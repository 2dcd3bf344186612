//! The audit log as a chain: what it ends in, what was signed of it, and how far somebody has it.

use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::time::Timestamp;

use super::{Act, Reply};

/// What the audit log ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// How many events there were so far: the `seq` of the last one.
    pub size: u64,
    /// The hash of that one.
    pub head: String,
}

/// What is left of the log begins after this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBeginning {
    /// The last event that was removed.
    pub end: LogEnd,
    /// The statement about that, signed.
    pub signed: String,
}

/// The audit log as a chain.
pub trait AuditChain {
    /// What it ends in now.
    fn log_end(&self) -> Reply<'_, LogEnd>;
    /// Where it begins, unless with the first event.
    fn log_beginning(&self) -> Reply<'_, Option<LogBeginning>>;
    /// Keeps a checkpoint that the key `key_id` has signed.
    fn keep_checkpoint(&self, checkpoint: Checkpoint, key_id: String, now: Timestamp) -> Reply<'_, ()>;
    /// The latest checkpoint that was kept.
    fn last_checkpoint(&self) -> Reply<'_, Option<Checkpoint>>;
    /// The keys that have signed checkpoints.
    fn checkpoint_keys(&self) -> Reply<'_, Vec<String>>;
    /// The last event before this time: what is up to there may be removed.
    fn log_before(&self, time: Timestamp) -> Reply<'_, Option<LogEnd>>;
    /// What the log ended in when this event was the last one.
    fn log_event(&self, seq: u64) -> Reply<'_, Option<LogEnd>>;
    /// Removes the events up to the end in `beginning`, as its statement says; false where the log does not have that.
    fn remove_beginning(&self, act: Act, beginning: LogBeginning, reason: String) -> Reply<'_, bool>;
    /// Up to which event `name` has it.
    fn cursor(&self, name: String) -> Reply<'_, u64>;
    /// `name` has it up to this event.
    fn move_cursor(&self, name: String, seq: u64) -> Reply<'_, ()>;
}
