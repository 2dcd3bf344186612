//! Roles of administrators' keys.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an administrator's key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Users, enrollments and phones, but not those of protected groups.
    Helpdesk,
    /// Reading, the audit log included.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Helpdesk, Self::Auditor];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Helpdesk => "helpdesk",
            Self::Auditor => "auditor",
        }
    }
}

/// A word that names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is admin, helpdesk or auditor")]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;
    fn from_str(word: &str) -> Result<Self, NotARole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(NotARole)
    }
}

/// An administrator's key as it is stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdminKey {
    /// Names the key.
    pub id: gatematch_protocol::id::AdminKeyId,
    /// Who has it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is, where that is known: nobody resets himself.
    pub user: Option<String>,
    /// When it was made.
    pub created_at: gatematch_protocol::time::Timestamp,
}
