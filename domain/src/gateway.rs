//! Gateways: the relying parties that ask for challenges.

use gatematch_protocol::gateway::{CreateGateway, GatewayView};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::text::outside;

/// What the client address that a gateway tells is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAddress {
    /// It may satisfy a rule.
    #[default]
    Trusted,
    /// It is only shown and audited.
    Shown,
}

impl ClientAddress {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Shown => "shown",
        }
    }
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Names it.
    pub id: GatewayId,
    /// As people know it.
    pub name: String,
    /// The application behind it.
    pub application: String,
    /// Whether it can show a number to the person who signs in.
    pub can_display: bool,
    /// What its word on client addresses is worth.
    pub client_address: ClientAddress,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Gateway {
    /// The gateway that `body` asks for.
    ///
    /// # Errors
    /// [`Fault::Range`] for a name, an application or a word that is out of range.
    pub fn from_body(body: &CreateGateway, id: GatewayId, now: Timestamp) -> Result<Self, Fault> {
        let client_address = match body.client_address.as_deref() {
            None | Some("trusted") => ClientAddress::Trusted,
            Some("shown") => ClientAddress::Shown,
            Some(_) => return Err(Fault::range("client_address", "must be trusted or shown")),
        };
        Ok(Self {
            id,
            name: outside("name", &body.name)?,
            application: outside("application", &body.application)?,
            can_display: body.can_display,
            client_address,
            created_at: now,
        })
    }

    /// As administrators see it.
    #[must_use]
    pub fn view(&self) -> GatewayView {
        GatewayView {
            id: self.id,
            name: self.name.clone(),
            application: self.application.clone(),
            can_display: self.can_display,
            client_address: self.client_address.as_str().to_owned(),
            created_at: self.created_at,
        }
    }
}
