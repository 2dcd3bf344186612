//! The names of attribute types, as the standards write them, and how the settings file sets them.

mod names;
mod setting;

pub use setting::{Setting, WrongSetting, from_setting, is_of_the_protocol};

/// RFC 2865, section 5.1.
pub const USER_NAME: u8 = 1;
/// RFC 2865, section 5.2.
pub const USER_PASSWORD: u8 = 2;
/// RFC 2865, section 5.3.
pub const CHAP_PASSWORD: u8 = 3;
/// RFC 2865, section 5.4.
pub const NAS_IP_ADDRESS: u8 = 4;
/// RFC 2865, section 5.5.
pub const NAS_PORT: u8 = 5;
/// RFC 2865, section 5.6.
pub const SERVICE_TYPE: u8 = 6;
/// RFC 2865, section 5.7.
pub const FRAMED_PROTOCOL: u8 = 7;
/// RFC 2865, section 5.8.
pub const FRAMED_IP_ADDRESS: u8 = 8;
/// RFC 2865, section 5.9.
pub const FRAMED_IP_NETMASK: u8 = 9;
/// RFC 2865, section 5.11.
pub const FILTER_ID: u8 = 11;
/// RFC 2865, section 5.12.
pub const FRAMED_MTU: u8 = 12;
/// RFC 2865, section 5.18.
pub const REPLY_MESSAGE: u8 = 18;
/// RFC 2865, section 5.22.
pub const FRAMED_ROUTE: u8 = 22;
/// RFC 2865, section 5.24.
pub const STATE: u8 = 24;
/// RFC 2865, section 5.25.
pub const CLASS: u8 = 25;
/// RFC 2865, section 5.26.
pub const VENDOR_SPECIFIC: u8 = 26;
/// RFC 2865, section 5.27; seconds.
pub const SESSION_TIMEOUT: u8 = 27;
/// RFC 2865, section 5.28; seconds.
pub const IDLE_TIMEOUT: u8 = 28;
/// RFC 2865, section 5.29.
pub const TERMINATION_ACTION: u8 = 29;
/// RFC 2865, section 5.30. RD Gateway writes `UserAuthType:PW` here.
pub const CALLED_STATION_ID: u8 = 30;
/// RFC 2865, section 5.31. RD Gateway sends none.
pub const CALLING_STATION_ID: u8 = 31;
/// RFC 2865, section 5.32.
pub const NAS_IDENTIFIER: u8 = 32;
/// RFC 2865, section 5.33.
pub const PROXY_STATE: u8 = 33;
/// RFC 2865, section 5.40.
pub const CHAP_CHALLENGE: u8 = 60;
/// RFC 2865, section 5.41.
pub const NAS_PORT_TYPE: u8 = 61;
/// RFC 2865, section 5.42.
pub const PORT_LIMIT: u8 = 62;
/// RFC 2868, section 3.1.
pub const TUNNEL_TYPE: u8 = 64;
/// RFC 2868, section 3.2.
pub const TUNNEL_MEDIUM_TYPE: u8 = 65;
/// RFC 2868, section 3.5.
pub const TUNNEL_PASSWORD: u8 = 69;
/// RFC 2869, section 5.13.
pub const EAP_MESSAGE: u8 = 79;
/// RFC 2869, section 5.14; RFC 3579, section 3.2.
pub const MESSAGE_AUTHENTICATOR: u8 = 80;
/// RFC 2868, section 3.6.
pub const TUNNEL_PRIVATE_GROUP_ID: u8 = 81;
/// RFC 2869, section 5.16; seconds.
pub const ACCT_INTERIM_INTERVAL: u8 = 85;
/// RFC 2869, section 5.17.
pub const NAS_PORT_ID: u8 = 87;
/// RFC 2869, section 5.18.
pub const FRAMED_POOL: u8 = 88;
/// RFC 3162, section 2.1.
pub const NAS_IPV6_ADDRESS: u8 = 95;

/// Microsoft's attributes inside Vendor-Specific.
pub mod microsoft {
    /// Microsoft's number in the list of private enterprises (RFC 2548, section 2).
    pub const VENDOR: u32 = 311;
    /// RFC 2548, section 2.1.3.
    pub const MS_CHAP_RESPONSE: u8 = 1;
    /// RFC 2548, section 2.1.5.
    pub const MS_CHAP_ERROR: u8 = 2;
    /// RFC 2548, section 2.1.2.
    pub const MS_CHAP_CHALLENGE: u8 = 11;
    /// RFC 2548, section 2.4.1.
    pub const MS_CHAP_MPPE_KEYS: u8 = 12;
    /// RFC 2548, section 2.4.2.
    pub const MS_MPPE_SEND_KEY: u8 = 16;
    /// RFC 2548, section 2.4.3.
    pub const MS_MPPE_RECV_KEY: u8 = 17;
    /// RFC 2548, section 2.3.2.
    pub const MS_CHAP2_RESPONSE: u8 = 25;
    /// RFC 2548, section 2.3.3.
    pub const MS_CHAP2_SUCCESS: u8 = 26;
    /// RFC 2548, section 2.7.1.
    pub const MS_PRIMARY_DNS_SERVER: u8 = 28;
    /// RFC 2548, section 2.7.2.
    pub const MS_SECONDARY_DNS_SERVER: u8 = 29;
    /// MS-RNAP, section 2.2.1.11; 1 is Terminal Server Gateway.
    pub const MS_NETWORK_ACCESS_SERVER_TYPE: u8 = 47;
    /// MS-RNAP, section 2.2.1.14: the client computer's name, as it says itself.
    pub const MS_MACHINE_NAME: u8 = 50;
    /// MS-RNAP, section 2.2.1.27; FreeRADIUS calls it MS-TSG-Device-Redirection.
    pub const MS_RDG_DEVICE_REDIRECTION: u8 = 63;
}
