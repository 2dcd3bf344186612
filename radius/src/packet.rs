//! The packet format of RFC 2865, section 3: a code, an identifier, a length, an authenticator, attributes.
//!
//! ```text
//!  code (1)  identifier (1)  length (2)  authenticator (16)  attributes: type (1)  length (1)  value (0..=253)
//! ```
//!
//! [`Packet::decode`] borrows the datagram and checks the form of every attribute once; what reads a packet
//! afterwards cannot fail.

/// The shortest packet, in octets: its header (RFC 2865, section 3).
pub const MIN_LENGTH: usize = 20;
/// The longest packet, in octets (RFC 2865, section 3).
pub const MAX_LENGTH: usize = 4096;
/// The longest value of an attribute, in octets (RFC 2865, section 5).
pub const MAX_VALUE_LENGTH: usize = 253;
/// Type and length in front of each value, in octets (RFC 2865, section 5).
pub const ATTRIBUTE_HEAD_LENGTH: usize = 2;

/// What a packet is for: its first octet (RFC 2865, section 3).
pub mod code {
    /// A login asks to be let in (RFC 2865, section 4.1).
    pub const ACCESS_REQUEST: u8 = 1;
    /// It is let in (RFC 2865, section 4.2).
    pub const ACCESS_ACCEPT: u8 = 2;
    /// It is refused (RFC 2865, section 4.3).
    pub const ACCESS_REJECT: u8 = 3;
    /// It is asked for more (RFC 2865, section 4.4).
    pub const ACCESS_CHALLENGE: u8 = 11;
    /// "Are you alive?" (RFC 5997, section 2).
    pub const STATUS_SERVER: u8 = 12;
}

/// Why a datagram is no RADIUS packet; such a one is dropped silently (RFC 2865, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// The datagram has fewer octets than the header.
    #[error("the datagram is shorter than the 20 octets of a header")]
    TooShort,
    /// The datagram has more octets than a packet may have.
    #[error("the datagram is longer than 4096 octets")]
    TooLong,
    /// The Length field is not in 20..=4096.
    #[error("the Length field is below 20 or above 4096")]
    Length,
    /// The datagram ends before its Length.
    #[error("the datagram is shorter than its Length field says")]
    Truncated,
    /// An attribute's length is below 2, or reaches beyond the packet.
    #[error("an attribute does not fit")]
    Attribute,
}

/// One attribute of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type; [`crate::attribute`] has the names.
    pub kind: u8,
    /// Its value, 0..=253 octets.
    pub value: &'a [u8],
    /// Where its type octet stands, in octets from the start of the packet.
    pub offset: usize,
}

/// A packet whose form is sound. Who sent it is another question: see [`crate::authenticator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    code: u8,
    identifier: u8,
    authenticator: &'a [u8; 16],
    attributes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Octets after Length are padding and ignored (RFC 2865, section 3).
    ///
    /// # Errors
    /// [`Malformed`]: the length is out of range or not there, or the attributes do not fill it exactly.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let (&[code, identifier, high, low], _) = datagram.split_first_chunk::<4>().ok_or(Malformed::TooShort)?;
        if datagram.len() < MIN_LENGTH {
            return Err(Malformed::TooShort);
        }
        if datagram.len() > MAX_LENGTH {
            return Err(Malformed::TooLong);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) {
            return Err(Malformed::Length);
        }
        let bytes = datagram.get(..length).ok_or(Malformed::Truncated)?;
        let after_length = bytes.get(4..).ok_or(Malformed::TooShort)?;
        let (authenticator, attributes) = after_length.split_first_chunk::<16>().ok_or(Malformed::TooShort)?;
        if !is_well_formed(attributes) {
            return Err(Malformed::Attribute);
        }
        Ok(Self { bytes, code, identifier, authenticator, attributes })
    }

    /// What it is for; [`code`] has the names.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Ties a reply to its request, together with addresses and ports.
    #[must_use]
    pub const fn identifier(&self) -> u8 {
        self.identifier
    }

    /// Request Authenticator or Response Authenticator.
    #[must_use]
    pub const fn authenticator(&self) -> &'a [u8; 16] {
        self.authenticator
    }

    /// The whole packet, exactly Length octets.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        Tlvs { rest: self.attributes }.map({
            let mut offset = MIN_LENGTH;
            move |(kind, value)| {
                let attribute = Attribute { kind, value, offset };
                offset += ATTRIBUTE_HEAD_LENGTH + value.len();
                attribute
            }
        })
    }

    /// The value of the first attribute of this type.
    #[must_use]
    pub fn first(&self, kind: u8) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    /// The values of all attributes of this type, in order.
    pub fn all(&self, kind: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Tlvs { rest: self.attributes }.filter(move |(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The value of the first attribute that `vendor` numbers `kind`, inside Vendor-Specific.
    #[must_use]
    pub fn vendor(&self, vendor: u32, kind: u8) -> Option<&'a [u8]> {
        self.all(crate::attribute::VENDOR_SPECIFIC)
            .filter_map(VendorSpecific::read)
            .filter(|specific| specific.vendor == vendor)
            .find_map(|specific| specific.parts().find(|(found, _)| *found == kind).map(|(_, value)| value))
    }
}

/// What a Vendor-Specific attribute holds, where its vendor keeps to the form that RFC 2865, section 5.26, proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorSpecific<'a> {
    /// The vendor's number in the list of private enterprises.
    pub vendor: u32,
    parts: &'a [u8],
}

impl<'a> VendorSpecific<'a> {
    /// Reads the value of a Vendor-Specific attribute; `None` where it keeps to no form that we know.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Option<Self> {
        let (vendor, parts) = value.split_first_chunk::<4>()?;
        is_well_formed(parts).then_some(Self { vendor: u32::from_be_bytes(*vendor), parts })
    }

    /// The vendor's own types and values, in order.
    pub fn parts(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        Tlvs { rest: self.parts }
    }
}

/// Types and values one after the other; ends at the first that does not fit.
struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[kind, length], after_head) = self.rest.split_first_chunk::<ATTRIBUTE_HEAD_LENGTH>()?;
        let value_length = usize::from(length).checked_sub(ATTRIBUTE_HEAD_LENGTH)?;
        let (value, rest) = after_head.split_at_checked(value_length)?;
        self.rest = rest;
        Some((kind, value))
    }
}

/// Whether types and values fill these octets exactly.
fn is_well_formed(octets: &[u8]) -> bool {
    let mut tlvs = Tlvs { rest: octets };
    while tlvs.next().is_some() {}
    tlvs.rest.is_empty()
}

#[cfg(test)]
mod tests;
