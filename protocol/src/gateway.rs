//! Gateways (contract section 5).

use serde::{Deserialize, Serialize};

use crate::id::GatewayId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// `POST /v1/gateways`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateGateway {
    /// The gateway's name, as people know it.
    pub name: String,
    /// The application behind it.
    pub application: String,
    /// Whether it can show a number to the person who signs in.
    pub can_display: bool,
    /// `trusted` (default) or `shown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
}

/// A gateway as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayView {
    /// Names the gateway.
    pub id: GatewayId,
    /// Its name, as people know it.
    pub name: String,
    /// The application behind it.
    pub application: String,
    /// Whether it can show a number.
    pub can_display: bool,
    /// `trusted` or `shown`.
    pub client_address: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The one answer that has the key in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GatewayCreated {
    /// The gateway.
    #[serde(flatten)]
    pub gateway: GatewayView,
    /// Shown once.
    pub key: Secret,
}

/// The list of gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateways {
    /// All of them, by name.
    pub items: Vec<GatewayView>,
}
