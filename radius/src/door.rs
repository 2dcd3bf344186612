//! The whole request path without I/O: a datagram goes in, and out comes what to do about it.
//!
//! The checks stand in the order of what they cost and of what they protect: the source address before anything
//! is parsed, the Message-Authenticator before the duplicate table is touched (RFC 5080, section 2.2.2).
//!
//! Silence is for what anybody may have sent. A client's own request that nobody can decide is answered with
//! Access-Reject: NPS counts requests without an answer and calls the server dead, so one person with an odd name
//! could switch it off for all.
//!
//! A login that is let through is in progress until [`Door::reply`] or [`Door::forget`]: one of both must follow.

use std::net::SocketAddr;
use std::sync::Arc;

use gatematch_protocol::time::Timestamp;

use crate::attribute::{EAP_MESSAGE, PROXY_STATE, REPLY_MESSAGE};
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

/// What every Access-Reject says (contract section 6: the person is not told why).
pub const REFUSED: &str = "The sign-in was not approved.";

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
    /// Nobody can decide it: send this Access-Reject, which is kept for retransmissions.
    Refused(Refused),
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

/// A request that was answered with Access-Reject at once.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The index of its client.
    pub client: usize,
    /// Why.
    pub cause: Cause,
    /// The answer. To an EAP-Message it carries none: whoever does not speak EAP has no EAP-Failure to give.
    pub octets: Arc<[u8]>,
    /// The login in progress that it takes the place of: end that one with an Access-Reject.
    pub superseded: Option<Key>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// It would be too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Another request has the place of this login: nothing but an Access-Reject may answer it.
    #[error("another request has taken the place of this login")]
    Superseded,
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
    /// [`NoReply::TooLong`] over 4096 octets: a login stays in progress, so answer it with less or forget it. The same
    /// for a client that this door does not have. [`NoReply::Superseded`] for what would let in, or lead on, a login
    /// that is not in progress.
    pub fn reply(
        &mut self,
        head: &Head,
        code: u8,
        attributes: &[(u8, Vec<u8>)],
        now: Timestamp,
    ) -> Result<Arc<[u8]>, NoReply> {
        let client = self.clients.get(head.client).ok_or(TooLong)?;
        let is_login = head.code == code::ACCESS_REQUEST;
        if is_login && code != code::ACCESS_REJECT && !self.duplicates.is_in_progress(&head.key, head.serial) {
            return Err(NoReply::Superseded);
        }
        let mut reply = Reply::new(code, head.key.identifier, head.key.authenticator);
        for (kind, value) in attributes.iter().filter(|(kind, _)| *kind != PROXY_STATE) {
            reply = reply.attribute(*kind, value);
        }
        for value in &head.proxy_states {
            reply = reply.attribute(PROXY_STATE, value);
        }
        let octets: Arc<[u8]> = reply.finish(&client.secret)?.into();
        if is_login && self.duplicates.answer(&head.key, head.serial, Arc::clone(&octets), now) {
            self.leave(head.client);
        }
        Ok(octets)
    }

    /// Gives a login in progress up without an answer: its retransmission is a new login.
    pub fn forget(&mut self, head: &Head) {
        if head.code == code::ACCESS_REQUEST && self.duplicates.forget(&head.key, head.serial) {
            self.leave(head.client);
        }
    }

    /// Whether a later login has the same key: in progress, or answered a short time ago.
    #[must_use]
    pub fn is_begun_again(&self, head: &Head) -> bool {
        self.duplicates.is_entered_again(&head.key, head.serial)
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
        let key = Key { source, identifier: packet.identifier(), authenticator: *packet.authenticator() };
        let head = Head::read(&packet, key, index)?;
        if packet.code() == code::STATUS_SERVER {
            // RFC 5997, section 3: it asks for nobody, and there is no Access-Reject to it.
            let is_plain = packet.first(EAP_MESSAGE).is_none();
            return is_plain.then(|| Received::Status(Box::new(StatusRequest { head }))).ok_or(Cause::EapNotSupported);
        }
        match request::user(&packet) {
            Ok(user) => {
                let limit = client.limit_in_flight;
                self.enter(Request::read(&packet, head, user, now), limit, now)
            }
            Err(cause) => self.refuse(head, packet.bytes(), cause, now),
        }
    }

    /// Answers a request that nobody can decide. It waits for nothing, so no limit of logins in progress counts.
    fn refuse(&mut self, mut head: Head, octets: &[u8], cause: Cause, now: Timestamp) -> Result<Received, Cause> {
        let superseded = match self.duplicates.begin(head.key, octets, now) {
            Begun::Answered(octets) => return Ok(Received::Again(octets)),
            Begun::InProgress => return Ok(Received::Waiting),
            Begun::Full => return Err(Cause::Overloaded),
            Begun::Reused => return Err(Cause::AuthenticatorReused),
            Begun::New { serial, superseded } => {
                head.serial = serial;
                superseded
            }
        };
        if superseded.is_none() {
            self.arrive(head.client);
        }
        let message = [(REPLY_MESSAGE, REFUSED.as_bytes().to_vec())];
        match self.reply(&head, code::ACCESS_REJECT, &message, now) {
            Ok(octets) => Ok(Received::Refused(Refused { client: head.client, cause, octets, superseded })),
            Err(_) => {
                self.forget(&head);
                Err(Cause::AnswerTooLong)
            }
        }
    }

    fn enter(&mut self, mut request: Request, limit: usize, now: Timestamp) -> Result<Received, Cause> {
        let key = request.head.key;
        let (serial, superseded) = match self.duplicates.begin(key, &request.raw, now) {
            Begun::Answered(octets) => return Ok(Received::Again(octets)),
            Begun::InProgress => return Ok(Received::Waiting),
            Begun::Full => return Err(Cause::Overloaded),
            Begun::Reused => return Err(Cause::AuthenticatorReused),
            Begun::New { serial, superseded } => (serial, superseded),
        };
        request.head.serial = serial;
        // One that takes the place of another of the same client leaves the number in progress as it is.
        if superseded.is_none() {
            if self.in_flight(request.head.client) >= limit {
                self.duplicates.forget(&key, serial);
                return Err(Cause::ClientOverloaded);
            }
            self.arrive(request.head.client);
        }
        Ok(Received::Login { request: Box::new(request), superseded })
    }

    fn arrive(&mut self, client: usize) {
        if let Some(in_flight) = self.in_flight.get_mut(client) {
            *in_flight += 1;
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
