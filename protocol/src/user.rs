//! Users (contract section 4).

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::time::Timestamp;

/// `PUT /v1/users/{username}`; absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutUser {
    /// What people call him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where mail reaches him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// For policy; role `admin` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// `active` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A user as administrators see him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Names the account.
    pub id: UserId,
    /// The canonical name.
    pub username: String,
    /// What people call him.
    pub display_name: Option<String>,
    /// Where mail reaches him.
    pub email: Option<String>,
    /// For policy.
    pub groups: Vec<String>,
    /// `active` or `disabled`.
    pub status: String,
    /// Whether the account is locked, by failures or by hand.
    pub locked: bool,
    /// How many phones he has.
    pub devices: u32,
    /// When a factor of his last let him in.
    #[serde(default)]
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
}
