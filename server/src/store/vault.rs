//! The keys that secrets are sealed under: what there are, and how they change.

use gatematch_protocol::id::KeyId;
use gatematch_protocol::time::Timestamp;

use super::{Act, Reply};
use crate::vault::{MasterKey, SealedKey};

/// The keys there are, without the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyList {
    /// The data keys, oldest first, with how many secrets are sealed under each.
    pub data_keys: Vec<(SealedKey, u64)>,
    /// How many secrets are sealed under the master key itself, as all were before there were data keys.
    pub under_master: u64,
    /// The server's signing keys, oldest first.
    pub signing_keys: Vec<SigningKeyRow>,
}

/// A key that the server signs with, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// Names it.
    pub id: KeyId,
    /// What it signs: `tokens` or `vapid`.
    pub purpose: String,
    /// `active` or `retiring`.
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What [`VaultKeys::rotate_keys`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The new data key.
    pub number: u32,
    /// How many secrets were sealed anew.
    pub resealed: u64,
    /// How many did not open, and were left as they are; the key that they name stays.
    pub unopened: u64,
    /// The data keys that are gone.
    pub deleted: Vec<u32>,
    /// Whether what was replaced is gone from the database's files; else it may stay in there for a while.
    pub is_folded: bool,
}

/// What [`VaultKeys::change_master`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterChanged {
    /// The data keys that are sealed under the new master key.
    pub numbers: Vec<u32>,
    /// Whether what was replaced is gone from the database's files; else it may stay in there for a while.
    pub is_folded: bool,
    /// Whether another new master key waited, and opens nothing any more.
    pub replaces: bool,
}

/// Why the keys stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateRefusal {
    /// A new master key waits for the server's next start.
    #[error("a new master key waits for the next start of the server")]
    MasterWaits,
    /// The new master key is the one that is in use.
    #[error("the new master key is the one that is in use")]
    SameMaster,
    /// So many secrets are sealed under the master key itself and would be lost.
    #[error("{0} secrets are still sealed under the master key itself")]
    UnderMaster(u64),
}

/// The keys that secrets are sealed under. Every step works beside a running server on the same database.
pub trait VaultKeys: Send + Sync {
    /// The keys there are.
    fn list_keys(&self) -> Reply<'_, KeyList>;

    /// Makes a new data key, seals every secret anew under it, and deletes the keys that nothing is sealed under any
    /// more. If it is cut off, everything still opens, and the next time does the rest.
    fn rotate_keys(&self, act: Act) -> Reply<'_, Result<Rotated, RotateRefusal>>;

    /// Seals all data keys under the master key `new`, in one step. With `keep_old`, the one that is in use opens them
    /// too, until [`VaultKeys::drop_old_master`]; where a new one waits already, `new` takes its place. A data key that
    /// is not the active one and does not open stays as it is.
    fn change_master(
        &self,
        act: Act,
        new: MasterKey,
        keep_old: bool,
    ) -> Reply<'_, Result<MasterChanged, RotateRefusal>>;

    /// Ends what [`VaultKeys::change_master`] began with `keep_old`, where the new master key is the one in use by
    /// now; false where there is nothing to end.
    fn drop_old_master(&self, act: Act) -> Reply<'_, bool>;
}
