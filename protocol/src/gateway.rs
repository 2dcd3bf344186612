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

/// `POST /v1/gateways/self/drops`: what a RADIUS front door has met with silence, so that it is not lost on the
/// administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportDrops {
    /// The client in the front door's configuration, where the address is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The address that the datagrams came from.
    pub source: String,
    /// Why they were dropped: 1 to 40 characters of `a-z` and `-`.
    pub cause: String,
    /// How many since the last report of this client and cause, 1 or more.
    pub count: i64,
}

/// The causes that the front door of this version reports.
pub const DROP_CAUSES: [&str; 27] = [
    "unknown-client",
    "malformed",
    "code-not-supported",
    "message-authenticator-missing",
    "message-authenticator-wrong",
    "message-authenticator-repeated",
    "proxy-state-unsigned",
    "proxy-state-too-long",
    "eap-not-supported",
    "attribute-repeated",
    "user-name-missing",
    "user-name-unreadable",
    "password-unreadable",
    "authenticator-reused",
    "overloaded",
    "client-overloaded",
    "server-unavailable",
    "gateway-key-refused",
    "call-refused",
    "result-unbelievable",
    "clock-differs",
    "upstream-unavailable",
    "upstream-unauthentic",
    "upstream-challenge",
    "not-passed-on",
    "answer-too-long",
    "no-entropy",
];
