//! The attributes that the settings file can name, and those that nobody sets there.

use super::{
    ACCT_INTERIM_INTERVAL, CHAP_CHALLENGE, CHAP_PASSWORD, CLASS, EAP_MESSAGE, FILTER_ID, FRAMED_IP_ADDRESS,
    FRAMED_IP_NETMASK, FRAMED_MTU, FRAMED_POOL, FRAMED_PROTOCOL, FRAMED_ROUTE, IDLE_TIMEOUT, MESSAGE_AUTHENTICATOR,
    PORT_LIMIT, PROXY_STATE, REPLY_MESSAGE, SERVICE_TYPE, SESSION_TIMEOUT, STATE, TERMINATION_ACTION,
    TUNNEL_MEDIUM_TYPE, TUNNEL_PASSWORD, TUNNEL_PRIVATE_GROUP_ID, TUNNEL_TYPE, USER_NAME, USER_PASSWORD,
    VENDOR_SPECIFIC, microsoft,
};

/// Words and the numbers that they stand for.
pub(super) type Words = &'static [(&'static str, u32)];

/// What a value is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// UTF-8 text.
    Text,
    /// Text, or octets as `0x...`.
    Octets,
    /// 32 bits.
    Integer,
    /// An IPv4 address.
    Address,
    /// 32 bits with words for them.
    Choice(Words),
    /// The same in 24 bits behind a tag (RFC 2868, section 3).
    TaggedChoice(Words),
    /// 32 bits with words for some of the bits.
    Flags(Words),
}

impl Shape {
    /// What to write.
    pub(super) const fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Octets => "a text, or 0x and hexadecimal digits",
            Self::Integer => "a whole number",
            Self::Address => "an IPv4 address",
            Self::Choice(_) | Self::TaggedChoice(_) => "a word or a whole number",
            Self::Flags(_) => "a list of words or a whole number",
        }
    }
}

/// An attribute with a name.
#[derive(Debug)]
pub(super) struct Named {
    /// Its names; the first is the usual one.
    pub(super) names: &'static [&'static str],
    /// Its vendor, where it is not of the standards.
    pub(super) vendor: Option<u32>,
    /// Its type.
    pub(super) kind: u8,
    /// What its value is made of.
    pub(super) shape: Shape,
}

/// An attribute that the settings file cannot set.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its name.
    pub(super) name: &'static str,
    /// Its vendor, where it is not of the standards.
    pub(super) vendor: Option<u32>,
    /// Its type.
    pub(super) kind: u8,
}

const fn standard(names: &'static [&'static str], kind: u8, shape: Shape) -> Named {
    Named { names, vendor: None, kind, shape }
}

const fn of(vendor: u32, names: &'static [&'static str], kind: u8, shape: Shape) -> Named {
    Named { names, vendor: Some(vendor), kind, shape }
}

const CISCO: u32 = 9;
const FORTINET: u32 = 12_356;

/// RFC 2865, section 5.6.
const SERVICE_TYPES: Words = &[
    ("Login", 1),
    ("Framed", 2),
    ("Callback-Login", 3),
    ("Callback-Framed", 4),
    ("Outbound", 5),
    ("Administrative", 6),
    ("NAS-Prompt", 7),
    ("Authenticate-Only", 8),
];
/// RFC 2865, section 5.7.
const FRAMED_PROTOCOLS: Words = &[("PPP", 1), ("SLIP", 2)];
/// RFC 2865, section 5.29.
const TERMINATION_ACTIONS: Words = &[("Default", 0), ("RADIUS-Request", 1)];
/// RFC 2868, section 3.1; VLAN by RFC 3580, section 3.31.
const TUNNEL_TYPES: Words = &[("PPTP", 1), ("L2F", 2), ("L2TP", 3), ("ESP", 9), ("GRE", 10), ("VLAN", 13)];
/// RFC 2868, section 3.2.
const TUNNEL_MEDIA: Words = &[("IPv4", 1), ("IPv6", 2), ("IEEE-802", 6)];
/// MS-RNAP, section 2.2.1.27: a bit that is set switches redirection off; bits 29 and 30 overrule the others.
const REDIRECTIONS: Words = &[
    ("drives", 1),
    ("printers", 1 << 1),
    ("serial", 1 << 2),
    ("clipboard", 1 << 3),
    ("pnp", 1 << 4),
    ("all-off", 1 << 29),
    ("all-on", 1 << 30),
];

pub(super) const NAMED: &[Named] = &[
    standard(&["Service-Type"], SERVICE_TYPE, Shape::Choice(SERVICE_TYPES)),
    standard(&["Framed-Protocol"], FRAMED_PROTOCOL, Shape::Choice(FRAMED_PROTOCOLS)),
    standard(&["Framed-IP-Address"], FRAMED_IP_ADDRESS, Shape::Address),
    standard(&["Framed-IP-Netmask"], FRAMED_IP_NETMASK, Shape::Address),
    standard(&["Filter-Id"], FILTER_ID, Shape::Text),
    standard(&["Framed-MTU"], FRAMED_MTU, Shape::Integer),
    standard(&["Reply-Message"], REPLY_MESSAGE, Shape::Text),
    standard(&["Framed-Route"], FRAMED_ROUTE, Shape::Text),
    standard(&["Class"], CLASS, Shape::Octets),
    standard(&["Session-Timeout"], SESSION_TIMEOUT, Shape::Integer),
    standard(&["Idle-Timeout"], IDLE_TIMEOUT, Shape::Integer),
    standard(&["Termination-Action"], TERMINATION_ACTION, Shape::Choice(TERMINATION_ACTIONS)),
    standard(&["Port-Limit"], PORT_LIMIT, Shape::Integer),
    standard(&["Tunnel-Type"], TUNNEL_TYPE, Shape::TaggedChoice(TUNNEL_TYPES)),
    standard(&["Tunnel-Medium-Type"], TUNNEL_MEDIUM_TYPE, Shape::TaggedChoice(TUNNEL_MEDIA)),
    standard(&["Tunnel-Private-Group-ID"], TUNNEL_PRIVATE_GROUP_ID, Shape::Text),
    standard(&["Acct-Interim-Interval"], ACCT_INTERIM_INTERVAL, Shape::Integer),
    standard(&["Framed-Pool"], FRAMED_POOL, Shape::Text),
    of(
        microsoft::VENDOR,
        &["MS-RDG-Device-Redirection", "MS-TSG-Device-Redirection"],
        microsoft::MS_RDG_DEVICE_REDIRECTION,
        Shape::Flags(REDIRECTIONS),
    ),
    of(microsoft::VENDOR, &["MS-Primary-DNS-Server"], microsoft::MS_PRIMARY_DNS_SERVER, Shape::Address),
    of(microsoft::VENDOR, &["MS-Secondary-DNS-Server"], microsoft::MS_SECONDARY_DNS_SERVER, Shape::Address),
    of(CISCO, &["Cisco-AVPair"], 1, Shape::Text),
    of(FORTINET, &["Fortinet-Group-Name"], 1, Shape::Text),
];

const fn taken(name: &'static str, kind: u8) -> Taken {
    Taken { name, vendor: None, kind }
}

const fn taken_of_microsoft(name: &'static str, kind: u8) -> Taken {
    Taken { name, vendor: Some(microsoft::VENDOR), kind }
}

/// What says who is asked about, what signs, what belongs to a hop, and what is hidden anew in each packet.
pub(super) const OF_THE_PROTOCOL: &[Taken] = &[
    taken("User-Name", USER_NAME),
    taken("User-Password", USER_PASSWORD),
    taken("CHAP-Password", CHAP_PASSWORD),
    taken("State", STATE),
    taken("Vendor-Specific", VENDOR_SPECIFIC),
    taken("Proxy-State", PROXY_STATE),
    taken("CHAP-Challenge", CHAP_CHALLENGE),
    taken("Tunnel-Password", TUNNEL_PASSWORD),
    taken("EAP-Message", EAP_MESSAGE),
    taken("Message-Authenticator", MESSAGE_AUTHENTICATOR),
    taken_of_microsoft("MS-CHAP-Response", microsoft::MS_CHAP_RESPONSE),
    taken_of_microsoft("MS-CHAP-Error", microsoft::MS_CHAP_ERROR),
    taken_of_microsoft("MS-CHAP-Challenge", microsoft::MS_CHAP_CHALLENGE),
    taken_of_microsoft("MS-CHAP-MPPE-Keys", microsoft::MS_CHAP_MPPE_KEYS),
    taken_of_microsoft("MS-MPPE-Send-Key", microsoft::MS_MPPE_SEND_KEY),
    taken_of_microsoft("MS-MPPE-Recv-Key", microsoft::MS_MPPE_RECV_KEY),
    taken_of_microsoft("MS-CHAP2-Response", microsoft::MS_CHAP2_RESPONSE),
    taken_of_microsoft("MS-CHAP2-Success", microsoft::MS_CHAP2_SUCCESS),
];
