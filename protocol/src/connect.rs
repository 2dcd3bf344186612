//! The connect page: the number on a browser where the gateway has no screen (contract section 9).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::BrowserId;
use crate::time::Timestamp;

/// `POST /connect/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSession {
    /// Who is about to sign in, as he writes himself.
    pub user: String,
}

/// The answer to [`ArmSession`]: the same for a user who does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// Always `armed`.
    pub state: String,
    /// When the session ends unless its page gives a sign of life.
    pub expires_at: Timestamp,
}

/// `GET /connect/sessions/current`. `Debug` does not tell the number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// `armed`, `confirm`, `number`, `approved`, `refused`, `collision` or `expired`.
    pub state: String,
    /// The number to type on the phone, in the state `number`; `null` there where the login waits for a backup code
    /// alone.
    #[serde(default)]
    pub number: Option<String>,
    /// Where the login began; `null` for a browser that is not known.
    #[serde(default)]
    pub gateway: Option<String>,
    /// The client computer's name, as it says itself; `null` for a browser that is not known.
    #[serde(default)]
    pub client_name: Option<String>,
    /// When the login began.
    #[serde(default)]
    pub requested_at: Option<Timestamp>,
    /// Until when a login that begins is let in by the backup code that was given; in the state `armed`.
    #[serde(default)]
    pub open_until: Option<Timestamp>,
}

impl fmt::Debug for SessionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut view = f.debug_struct("SessionView");
        view.field("state", &self.state).field("number", &self.number.as_ref().map(|_| ".."));
        view.field("gateway", &self.gateway).field("client_name", &self.client_name);
        view.field("requested_at", &self.requested_at).field("open_until", &self.open_until).finish()
    }
}

/// `POST /connect/sessions/current/confirm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// Whether the login that began is this person's; if not, it is reported.
    pub mine: bool,
}

/// A browser that is bound to a user, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserView {
    /// Names it.
    pub id: BrowserId,
    /// The client names that were approved by it.
    pub client_names: Vec<String>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// When a login was last approved by it.
    pub last_used_at: Timestamp,
}

/// `GET /v1/users/{username}/browsers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browsers {
    /// All of them, oldest first.
    pub items: Vec<BrowserView>,
}
