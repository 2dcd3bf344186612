//! Gateways: the relying parties that ask for challenges.

use std::net::IpAddr;

use gatematch_protocol::gateway::{CreateGateway, GatewayView, ReportDrops};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{Actor, Event, Outcome};
use crate::fault::Fault;
use crate::text::{outside, outside_if_given};

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

/// What a RADIUS front door met with silence, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drops {
    /// The client in its configuration, where the address is one's.
    pub client: Option<String>,
    /// Where the datagrams came from.
    pub source: IpAddr,
    /// Why they were dropped.
    pub cause: String,
    /// How many.
    pub count: u32,
}

impl Drops {
    /// Checks the values of `body`.
    ///
    /// # Errors
    /// [`Fault::Range`].
    pub fn from_body(body: &ReportDrops) -> Result<Self, Fault> {
        let cause = &body.cause;
        if !(1..=40).contains(&cause.len()) || !cause.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(Fault::range("cause", "must be 1 to 40 of a-z and -"));
        }
        let source: IpAddr = body.source.parse().map_err(|_| Fault::range("source", "must be an IP address"))?;
        let count = u32::try_from(body.count).ok().filter(|count| *count >= 1);
        Ok(Self {
            client: outside_if_given("client", body.client.as_deref())?,
            source: source.to_canonical(),
            cause: cause.clone(),
            count: count.ok_or_else(|| Fault::range("count", "must be from 1 to 4294967295"))?,
        })
    }

    /// As the audit log tells it, reported by `gateway`.
    #[must_use]
    pub fn event(&self, gateway: &Gateway, now: Timestamp) -> Event {
        let event = Event::new("radius.dropped", Actor::Gateway(gateway.id), now).gateway(gateway.id);
        let event = event.ended(Outcome::Refused, self.cause.as_str()).with("count", self.count);
        let event = event.with("source", self.source.to_string());
        match &self.client {
            Some(client) => event.with("radius_client", client.as_str()),
            None => event,
        }
    }
}
