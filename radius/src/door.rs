//! The whole request path without I/O: a datagram goes in, and out comes what to do about it.
//!
//! The checks stand in the order of what they cost and of what they protect: the source address before anything
//! is parsed, the Message-Authenticator before the duplicate table is touched (RFC 5080, section 2.2.2).
//!
//! A login that is let through is in progress until [`Door::reply`] or [`Door::forget`]: one of both must follow.

use std::net::SocketAddr;
use std::sync::Arc;

use gatematch_protocol::time::Timestamp;

use crate::attribute::{EAP_MESSAGE, PROXY_STATE};
use crate::authenticator::{MessageAuthenticator, request_is_authentic};
use crate::client::{Client, Clients};
use crate::duplicate::{Begun, Duplicates, Key, Limits};
use crate::packet::{Packet, code};
use crate::reply::{Reply, TooLong};

mod cause;
mod cure;
mod request;

pub use cause::Cause;
pub use request::{Head, MAX_PROXY_STATE_LENGTH, Request, StatusRequest};

/// What to do about a datagram.
#[derive(Clone, Debug)]
pub enum Received {
    /// Nothing: it gets no answer.
    Dropped {
        /// Whose it was, as far as that is known.
        client: Option<usize>,
        /// Why.
        cause: Cause,
    },
    /// It was answered already: send the same octets again.
    Again(Arc<[u8]>),
    /// Nothing: its answer is on the way.
    Waiting,
    /// Answer that we are alive.
    Status(Box<StatusRequest>),
    /// Decide a login.
    Login {
        /// It.
        request: Box<Request>,
        /// The login in progress that it takes the place of: end that one with an Access-Reject.
        superseded: Option<Key>,
    },
}

/// The door: clients, and their requests in progress or answered a short time ago.
#[derive(Debug)]
pub struct Door {
    clients: Clients,
    duplicates: Duplicates,
    /// How many logins of each client are in progress, by its index.
    in_flight: Vec<usize>,
}

impl Door {
    /// A door for these clients.
    #[must_use]
    pub fn new(clients: Clients, limits: Limits) -> Self {
        let in_flight = vec![0; clients.len()];
        Self { clients, duplicates: Duplicates::new(limits), in_flight }
    }

    /// Takes a datagram from `source`.
    pub fn receive(&mut self, now: Timestamp, source: SocketAddr, datagram: &[u8]) -> Received {
        let Some(client) = self.clients.find(source.ip()) else {
            return Received::Dropped { client: None, cause: Cause::UnknownClient };
        };
        self.receive_from(client, now, source, datagram)
            .unwrap_or_else(|cause| Received::Dropped { client: Some(client), cause })
    }

    /// Answers a request: `attributes` in order, then its Proxy-States, unchanged and in order. What is given back
    /// is to be sent to `head.key.source`; for a login in progress it is kept for retransmissions, and the login is
    /// in progress no longer. A Proxy-State among `attributes` is left out.
    ///
    /// # Errors
    /// [`TooLong`] over 4096 octets: a login stays in progress, so answer it with less or forget it. The same for a
    /// client that this door does not have.
    pub fn reply(
        &mut self,
        head: &Head,
        code: u8,
        attributes: &[(u8, Vec<u8>)],
        now: Timestamp,
    ) -> Result<Arc<[u8]>, TooLong> {
        let client = self.clients.get(head.client).ok_or(TooLong)?;
        let mut reply = Reply::new(code, head.key.identifier, head.key.authenticator);
        for (kind, value) in attributes.iter().filter(|(kind, _)| *kind != PROXY_STATE) {
            reply = reply.attribute(*kind, value);
        }
        for value in &head.proxy_states {
            reply = reply.attribute(PROXY_STATE, value);
        }
        let octets: Arc<[u8]> = reply.finish(&client.secret)?.into();
        if head.code == code::ACCESS_REQUEST && self.duplicates.answer(&head.key, Arc::clone(&octets), now) {
            self.leave(head.client);
        }
        Ok(octets)
    }

    /// Gives a login in progress up without an answer: its retransmission is a new login.
    pub fn forget(&mut self, head: &Head) {
        if head.code == code::ACCESS_REQUEST && self.duplicates.forget(&head.key) {
            self.leave(head.client);
        }
    }

    /// The clients.
    #[must_use]
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// How many logins of this client are in progress.
    #[must_use]
    pub fn in_flight(&self, client: usize) -> usize {
        self.in_flight.get(client).copied().unwrap_or(0)
    }

    /// The duplicate table, to be looked at.
    #[must_use]
    pub const fn duplicates(&self) -> &Duplicates {
        &self.duplicates
    }

    fn receive_from(
        &mut self,
        index: usize,
        now: Timestamp,
        source: SocketAddr,
        datagram: &[u8],
    ) -> Result<Received, Cause> {
        let client = self.clients.get(index).ok_or(Cause::UnknownClient)?;
        let packet = Packet::decode(datagram).map_err(|_| Cause::Malformed)?;
        if !matches!(packet.code(), code::ACCESS_REQUEST | code::STATUS_SERVER) {
            return Err(Cause::CodeNotSupported);
        }
        check_signature(&packet, client)?;
        if packet.first(EAP_MESSAGE).is_some() {
            return Err(Cause::EapNotSupported);
        }
        let key = Key { source, identifier: packet.identifier(), authenticator: *packet.authenticator() };
        let head = Head::read(&packet, key, index)?;
        if packet.code() == code::STATUS_SERVER {
            return Ok(Received::Status(Box::new(StatusRequest { head })));
        }
        let request = Request::read(&packet, head, &client.secret, now)?;
        let limit = client.limit_in_flight;
        self.enter(request, limit, now)
    }

    fn enter(&mut self, request: Request, limit: usize, now: Timestamp) -> Result<Received, Cause> {
        let key = request.head.key;
        match self.duplicates.begin(key, now) {
            Begun::Answered(octets) => Ok(Received::Again(octets)),
            Begun::InProgress => Ok(Received::Waiting),
            Begun::Full => Err(Cause::Overloaded),
            // It takes the place of another of the same client: the number in progress stays.
            Begun::New { superseded: superseded @ Some(_) } => {
                Ok(Received::Login { request: Box::new(request), superseded })
            }
            Begun::New { superseded: None } if self.in_flight(request.head.client) >= limit => {
                self.duplicates.forget(&key);
                Err(Cause::ClientOverloaded)
            }
            Begun::New { superseded: None } => {
                if let Some(in_flight) = self.in_flight.get_mut(request.head.client) {
                    *in_flight += 1;
                }
                Ok(Received::Login { request: Box::new(request), superseded: None })
            }
        }
    }

    fn leave(&mut self, client: usize) {
        if let Some(in_flight) = self.in_flight.get_mut(client) {
            *in_flight = in_flight.saturating_sub(1);
        }
    }
}

/// Whether the Message-Authenticator is as it must be (RFC 3579, section 3.2; RFC 5997, section 3; CVE-2024-3596).
fn check_signature(packet: &Packet<'_>, client: &Client) -> Result<(), Cause> {
    let is_required = client.require_message_authenticator
        || packet.code() == code::STATUS_SERVER
        || packet.first(EAP_MESSAGE).is_some();
    match request_is_authentic(packet, &client.secret) {
        MessageAuthenticator::Valid => Ok(()),
        MessageAuthenticator::Wrong => Err(Cause::MessageAuthenticatorWrong),
        MessageAuthenticator::Repeated => Err(Cause::MessageAuthenticatorRepeated),
        MessageAuthenticator::Absent if is_required => Err(Cause::MessageAuthenticatorMissing),
        MessageAuthenticator::Absent if packet.first(PROXY_STATE).is_some() => Err(Cause::ProxyStateUnsigned),
        MessageAuthenticator::Absent => Ok(()),
    }
}

#[cfg(test)]
mod tests;
