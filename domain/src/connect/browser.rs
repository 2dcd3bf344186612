//! Browsers that are known by a cookie.

use gatematch_protocol::id::{BrowserId, UserId};
use gatematch_protocol::time::Timestamp;

/// How long a browser stays bound to its user, in seconds: 180 days.
pub const BOUND_SECONDS: i64 = 180 * 86_400;
/// The most browsers bound to one user; the one used longest ago gives way.
pub const MAX_BROWSERS: usize = 20;
/// The most client names that a browser remembers to have approved; the oldest gives way.
pub const MAX_CLIENT_NAMES: usize = 32;

/// A browser that is bound to a user because a login was approved by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Names it.
    pub id: BrowserId,
    /// Whose it is.
    pub user: UserId,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// The client names that were approved by it, in lower case, oldest first.
    pub client_names: Vec<String>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// When a login was last approved by it.
    pub last_used_at: Timestamp,
}

impl Browser {
    /// Whether its cookie is still good.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether a login from the client `name` was approved by it before. A login without a name never was.
    #[must_use]
    pub fn knows(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.client_names.contains(&name.to_lowercase()))
    }

    /// Remembers that a login from the client `name` was approved by it.
    pub fn approved(&mut self, name: Option<&str>, now: Timestamp) {
        self.last_used_at = now;
        let Some(name) = name.map(str::to_lowercase) else { return };
        self.client_names.retain(|known| *known != name);
        if self.client_names.len() >= MAX_CLIENT_NAMES {
            self.client_names.remove(0);
        }
        self.client_names.push(name);
    }
}
