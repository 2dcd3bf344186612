//! Audit events as they are delivered (contract section 12).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::EventId;
use crate::jwk::{JwkSet, ServerJwk};
use crate::time::Timestamp;

/// One event. Every member is always there, `null` where there is no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// 1, 2, 3, ... without gaps.
    pub seq: u64,
    /// Names the event.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, such as `challenge.approved`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who did it: `gateway:<id>`, `admin:<name>`, `device:<id>`, `cli:<account>`, `system`, or an address.
    pub actor: Option<String>,
    /// The canonical name of the user that it concerns.
    pub user: Option<String>,
    /// The phone that it concerns.
    pub device: Option<String>,
    /// The gateway that it concerns.
    pub gateway: Option<String>,
    /// The client of the login: `ip` and `name`.
    pub client: Option<Map<String, Value>>,
    /// `success`, `failure` or `refused`.
    pub outcome: Option<String>,
    /// The true reason.
    pub reason: Option<String>,
    /// Whether a number was matched, where that is a question.
    pub number_match: Option<bool>,
    /// The rule that decided.
    pub policy: Option<String>,
    /// What else there is to know.
    pub detail: Option<Map<String, Value>>,
    /// The hash of the event before; of nothing (32 zero bytes) for the first one.
    pub prev_hash: Option<String>,
    /// The hash of this event, [`AuditEvent::hash_after`] the one before.
    pub hash: Option<String>,
}

/// `GET /v1/audit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Events after the given `seq`, in order.
    pub items: Vec<AuditEvent>,
    /// Give it back as `after`; `null` when there are no more now.
    pub next_cursor: Option<String>,
}

/// `GET /v1/audit/checkpoint`: how long the chain is and what it ends in, signed. It holds for every longer chain that has
/// this one as its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many events there are: the `seq` of the last one.
    pub size: u64,
    /// The `hash` of that event.
    pub head: String,
    /// [`CheckpointClaims`], as a JWS of the type [`crate::jws::typ::CHECKPOINT`].
    pub signed: String,
}

/// What is signed of a [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointClaims {
    /// The issuer.
    pub iss: String,
    /// As in the checkpoint.
    pub size: u64,
    /// As in the checkpoint.
    pub head: String,
    /// When it was made, as NumericDate.
    pub iat: i64,
}

/// What is signed when the beginning of the log is removed, under the type [`crate::jws::typ::RETENTION`]: the rest begins
/// after the event `size`, whose hash was `head`.
pub type RetentionClaims = CheckpointClaims;

/// One of the keys that have signed checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditKey {
    /// The key.
    #[serde(flatten)]
    pub key: ServerJwk,
    /// When it stopped signing; `null` while it is active.
    pub not_after: Option<Timestamp>,
}

/// `GET /.well-known/jwks-audit.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditKeys {
    /// Every key from its first checkpoint on, for ever.
    pub keys: Vec<AuditKey>,
}

impl AuditKeys {
    /// The keys alone.
    #[must_use]
    pub fn set(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|entry| entry.key.clone()).collect() }
    }
}

/// The first line of an exported log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHead {
    /// [`EXPORT_FORMAT`].
    pub format: String,
    /// [`EXPORT_VERSION`].
    pub version: u32,
    /// The issuer.
    pub issuer: String,
    /// The `seq` of the event before the first one; 0 where the log begins.
    pub after: u64,
    /// The `hash` of that event; that of nothing where the log begins.
    pub prev_hash: String,
    /// Where the log does not begin: the signed statement that what was before is removed.
    pub retention: Option<String>,
}

/// What an exported log calls itself.
pub const EXPORT_FORMAT: &str = "gatematch-audit-export";
/// The version of that format.
pub const EXPORT_VERSION: u32 = 1;

/// The last line of an exported log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    /// A checkpoint of all of it.
    pub checkpoint: Checkpoint,
}
