//! Packets that we send: a [`Reply`] to a client, a [`Query`] to an upstream server.
//!
//! Message-Authenticator is always the first attribute: whoever looks for a collision of the bare MD5 around it
//! would have to know it beforehand (CVE-2024-3596; draft-ietf-radext-deprecating-radius, section 5).

use std::marker::PhantomData;

use gatematch_protocol::secret::Secret;

use crate::attribute::{MESSAGE_AUTHENTICATOR, VENDOR_SPECIFIC};
use crate::authenticator::{message_authenticator, response_authenticator};
use crate::packet::{ATTRIBUTE_HEAD_LENGTH, MAX_LENGTH, MAX_VALUE_LENGTH, MIN_LENGTH};

/// Type, length and value of Message-Authenticator, in octets.
const SIGNATURE_LENGTH: usize = ATTRIBUTE_HEAD_LENGTH + 16;
/// Type and length of Message-Authenticator.
const SIGNATURE_HEAD: [u8; 2] = [MESSAGE_AUTHENTICATOR, 18];

/// An attribute of more than 253 octets, or a packet of more than 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attribute may have 253 octets, a packet 4096")]
pub struct TooLong;

/// A packet on its way out. `Form` says how it is signed: [`Reply`] and [`Query`] are the two.
#[derive(Clone, Debug)]
pub struct Outgoing<Form> {
    code: u8,
    identifier: u8,
    /// Of the request: the client's, or our own.
    authenticator: [u8; 16],
    attributes: Attributes,
    form: PhantomData<Form>,
}

/// The form of a [`Reply`].
#[derive(Clone, Copy, Debug)]
pub enum Answering {}

/// The form of a [`Query`].
#[derive(Clone, Copy, Debug)]
pub enum Asking {}

/// An answer: Access-Accept, Access-Reject or Access-Challenge, with the Request Authenticator that it answers.
pub type Reply = Outgoing<Answering>;

/// A question to an upstream server: Access-Request or Status-Server. Its authenticator is 16 random octets, new for each
/// question that is not a retransmission.
pub type Query = Outgoing<Asking>;

impl<Form> Outgoing<Form> {
    /// Begins a packet with the identifier and the Request Authenticator of its question.
    #[must_use]
    pub const fn new(code: u8, identifier: u8, authenticator: [u8; 16]) -> Self {
        Self { code, identifier, authenticator, attributes: Attributes::new(), form: PhantomData }
    }

    /// Appends an attribute. A Message-Authenticator is left out: the packet gets its own.
    #[must_use]
    pub fn attribute(mut self, kind: u8, value: &[u8]) -> Self {
        self.attributes.push(kind, &[value]);
        self
    }

    /// Appends a vendor's attribute inside a Vendor-Specific of its own (RFC 2865, section 5.26).
    #[must_use]
    pub fn vendor(mut self, vendor: u32, kind: u8, value: &[u8]) -> Self {
        self.attributes.push_vendor(vendor, kind, value);
        self
    }

    /// Code, identifier and length; and the value of Message-Authenticator (RFC 3579, section 3.2).
    fn signed(&self, secret: &Secret) -> Result<([u8; 4], [u8; 16]), TooLong> {
        let head = self.attributes.head(self.code, self.identifier)?;
        let signature = self.attributes.sign(&head, &self.authenticator, secret)?;
        Ok((head, signature))
    }
}

impl Reply {
    /// The packet: signed with Message-Authenticator, then with the Response Authenticator (RFC 2865, section 3).
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn finish(self, secret: &Secret) -> Result<Vec<u8>, TooLong> {
        let (head, signature) = self.signed(secret)?;
        let attributes = self.attributes.octets.as_slice();
        let pieces = [&head, self.authenticator.as_slice(), &SIGNATURE_HEAD, &signature, attributes];
        let authenticator = response_authenticator(&pieces, secret);
        Ok([head.as_slice(), &authenticator, &SIGNATURE_HEAD, &signature, attributes].concat())
    }
}

impl Query {
    /// The packet, signed with Message-Authenticator.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn finish(self, secret: &Secret) -> Result<Vec<u8>, TooLong> {
        let (head, signature) = self.signed(secret)?;
        Ok([head.as_slice(), &self.authenticator, &SIGNATURE_HEAD, &signature, &self.attributes.octets].concat())
    }
}

/// The attributes after Message-Authenticator, as octets; what was too long is remembered until the end.
#[derive(Clone, Debug)]
struct Attributes {
    octets: Vec<u8>,
    too_long: bool,
}

impl Attributes {
    const MAX_OCTETS: usize = MAX_LENGTH - MIN_LENGTH - SIGNATURE_LENGTH;

    const fn new() -> Self {
        Self { octets: Vec::new(), too_long: false }
    }

    fn push(&mut self, kind: u8, value: &[&[u8]]) {
        if kind == MESSAGE_AUTHENTICATOR {
            return;
        }
        let value_length: usize = value.iter().map(|piece| piece.len()).sum();
        let length = value_length + ATTRIBUTE_HEAD_LENGTH;
        match u8::try_from(length) {
            Ok(length_octet) if value_length <= MAX_VALUE_LENGTH && self.octets.len() + length <= Self::MAX_OCTETS => {
                self.octets.extend_from_slice(&[kind, length_octet]);
                value.iter().for_each(|piece| self.octets.extend_from_slice(piece));
            }
            _ => self.too_long = true,
        }
    }

    fn push_vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) {
        match u8::try_from(value.len() + ATTRIBUTE_HEAD_LENGTH) {
            Ok(length) => self.push(VENDOR_SPECIFIC, &[&vendor.to_be_bytes(), &[kind, length], value]),
            Err(_) => self.too_long = true,
        }
    }

    /// Code, identifier and length.
    fn head(&self, code: u8, identifier: u8) -> Result<[u8; 4], TooLong> {
        if self.too_long {
            return Err(TooLong);
        }
        let length = u16::try_from(MIN_LENGTH + SIGNATURE_LENGTH + self.octets.len()).map_err(|_| TooLong)?;
        let [high, low] = length.to_be_bytes();
        Ok([code, identifier, high, low])
    }

    fn sign(&self, head: &[u8; 4], authenticator: &[u8; 16], secret: &Secret) -> Result<[u8; 16], TooLong> {
        let pieces: [&[u8]; 5] = [head, authenticator, &SIGNATURE_HEAD, &[0; 16], &self.octets];
        message_authenticator(&pieces, secret).ok_or(TooLong)
    }
}

#[cfg(test)]
mod tests;
