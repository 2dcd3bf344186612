//! Packets and attributes (RFC 2865, sections 3 and 5).

/// Code, identifier, Length and authenticator, in bytes.
pub const HEADER: usize = 20;
/// The longest packet that RFC 2865 allows, in bytes.
pub const MAX_PACKET: usize = 4096;
/// The longest value of an attribute, in bytes.
pub const MAX_VALUE: usize = 253;
/// Microsoft's number among the vendors.
pub const MICROSOFT: u32 = 311;

/// What a packet is for (RFC 2865 section 3, RFC 5997).
pub mod code {
    /// May this person come in?
    pub const ACCESS_REQUEST: u8 = 1;
    /// Yes.
    pub const ACCESS_ACCEPT: u8 = 2;
    /// No.
    pub const ACCESS_REJECT: u8 = 3;
    /// Not before something more is known.
    pub const ACCESS_CHALLENGE: u8 = 11;
    /// Are you there?
    pub const STATUS_SERVER: u8 = 12;
}

/// Types of attributes that are used here (RFC 2865 section 5, RFC 2869 section 5).
pub mod kind {
    /// Who wants in.
    pub const USER_NAME: u8 = 1;
    /// The password, hidden.
    pub const USER_PASSWORD: u8 = 2;
    /// CHAP's answer.
    pub const CHAP_PASSWORD: u8 = 3;
    /// What the person may read.
    pub const REPLY_MESSAGE: u8 = 18;
    /// What ties a second request to a first.
    pub const STATE: u8 = 24;
    /// A vendor's own attributes.
    pub const VENDOR_SPECIFIC: u8 = 26;
    /// With RD Gateway, how the person proved who he is: `UserAuthType:PW`.
    pub const CALLED_STATION_ID: u8 = 30;
    /// Where the person calls from. RD Gateway sends none.
    pub const CALLING_STATION_ID: u8 = 31;
    /// The gateway's name. RD Gateway sends none.
    pub const NAS_IDENTIFIER: u8 = 32;
    /// What a proxy wants back unchanged.
    pub const PROXY_STATE: u8 = 33;
    /// How the person is connected; 5 is virtual.
    pub const NAS_PORT_TYPE: u8 = 61;
    /// A part of an EAP conversation.
    pub const EAP_MESSAGE: u8 = 79;
    /// The signature of the packet.
    pub const MESSAGE_AUTHENTICATOR: u8 = 80;
}

/// Types of Microsoft's attributes that are used here (MS-RNAP, section 2.2.1).
pub mod microsoft {
    /// What kind of gateway asks; 1 is RD Gateway.
    pub const NETWORK_ACCESS_SERVER_TYPE: u8 = 47;
    /// What the person's computer calls itself.
    pub const MACHINE_NAME: u8 = 50;
    /// Which of the person's devices the desktop may not use.
    pub const DEVICE_REDIRECTION: u8 = 63;
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub kind: u8,
    /// Its value, as it stands in the packet.
    pub value: Vec<u8>,
}

impl Attribute {
    /// An attribute. What is longer than [`MAX_VALUE`] is cut there, since a packet cannot say it.
    #[must_use]
    pub fn new(kind: u8, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        Self { kind, value: value.get(..MAX_VALUE).unwrap_or(value).to_vec() }
    }

    /// A vendor's attribute (RFC 2865, section 5.26), the only one in its envelope.
    #[must_use]
    pub fn vendor(vendor: u32, kind: u8, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let value = value.get(..MAX_VALUE - 6).unwrap_or(value);
        let mut envelope = vendor.to_be_bytes().to_vec();
        envelope.push(kind);
        envelope.push(length(value.len() + 2));
        envelope.extend_from_slice(value);
        Self::new(self::kind::VENDOR_SPECIFIC, envelope)
    }

    /// The attributes in a vendor's envelope: vendor, type, value. What is broken ends the list.
    #[must_use]
    pub fn vendor_parts(&self) -> Vec<(u32, u8, &[u8])> {
        let Some((vendor, mut rest)) = self.value.split_first_chunk::<4>() else {
            return Vec::new();
        };
        let mut parts = Vec::new();
        while let Some((kind, value, more)) = take(rest) {
            parts.push((u32::from_be_bytes(*vendor), kind, value));
            rest = more;
        }
        parts
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.kind);
        bytes.push(length(self.value.len() + 2));
        bytes.extend_from_slice(&self.value);
    }
}

fn length(bytes: usize) -> u8 {
    u8::try_from(bytes).unwrap_or(u8::MAX)
}

/// The first type, value and what follows, where its length holds.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, length, ..] = bytes else { return None };
    let (whole, rest) = bytes.split_at_checked(usize::from(*length))?;
    Some((*kind, whole.get(2..)?, rest))
}

/// A packet with its Length set. It may be longer than [`MAX_PACKET`]: whoever asks for that wants it.
#[must_use]
pub fn encode(code: u8, identifier: u8, authenticator: &[u8; 16], attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = vec![code, identifier, 0, 0];
    bytes.extend_from_slice(authenticator);
    for attribute in attributes {
        attribute.write(&mut bytes);
    }
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    set(&mut bytes, 2, &length.to_be_bytes());
    bytes
}

/// Writes `part` over `bytes` at `at`; where it does not fit, nothing happens.
pub fn set(bytes: &mut [u8], at: usize, part: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(part.len())) {
        place.copy_from_slice(part);
    }
}

/// The part of a datagram that its Length names, where it has a header and is as long as it says; octets past the
/// Length are padding.
#[must_use]
pub fn packet(datagram: &[u8]) -> Option<&[u8]> {
    let [_, _, high, low, ..] = datagram.get(..HEADER)? else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if (HEADER..=MAX_PACKET).contains(&length) { datagram.get(..length) } else { None }
}

/// The authenticator of a packet.
#[must_use]
pub fn authenticator(packet: &[u8]) -> Option<[u8; 16]> {
    packet.get(4..HEADER)?.try_into().ok()
}

/// The attributes of a packet, in order; `None` where their lengths do not add up.
#[must_use]
pub fn attributes(packet: &[u8]) -> Option<Vec<Attribute>> {
    let mut rest = packet.get(HEADER..)?;
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let (kind, value, more) = take(rest)?;
        attributes.push(Attribute::new(kind, value));
        rest = more;
    }
    Some(attributes)
}

/// Where the value of the first attribute of this type begins, counted from the packet's first byte.
#[must_use]
pub fn place(packet: &[u8], wanted: u8) -> Option<usize> {
    let mut rest = packet.get(HEADER..)?;
    while let Some((kind, _, more)) = take(rest) {
        if kind == wanted {
            return Some(packet.len() - rest.len() + 2);
        }
        rest = more;
    }
    None
}
