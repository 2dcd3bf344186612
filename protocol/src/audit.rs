//! Audit events as they are delivered (contract section 12).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::EventId;
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
    /// The hash of the event before; `null` until events are chained.
    pub prev_hash: Option<String>,
    /// The hash of this event; `null` until events are chained.
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
