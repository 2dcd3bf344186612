//! Discovery (contract section 3).

use serde::{Deserialize, Serialize};

/// `GET /.well-known/gatematch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// What every token names as `iss`, without trailing slash.
    pub issuer: String,
    /// The company, as people know it.
    pub name: String,
    /// Where the server's keys are.
    pub jwks_uri: String,
    /// The server's VAPID key (RFC 8292): an uncompressed point, base64url.
    pub vapid_public_key: String,
    /// [`crate::API_VERSION`].
    pub api_version: String,
}
