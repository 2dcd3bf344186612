//! What a request says, read once and owned.

use std::fmt;

use gatematch_protocol::time::Timestamp;

use super::Cause;
use crate::attribute::{
    CALLING_STATION_ID, CHAP_PASSWORD, EAP_MESSAGE, PROXY_STATE, STATE, USER_NAME, USER_PASSWORD, microsoft,
};
use crate::authenticator::may_hide_password;
use crate::duplicate::Key;
use crate::packet::{ATTRIBUTE_HEAD_LENGTH, Packet};

/// The most octets of Proxy-State, with types and lengths; an answer has as much room for the rest.
pub const MAX_PROXY_STATE_LENGTH: usize = 2048;

/// Attributes that say who is to be let in. RFC 2865, section 5.44, allows one of each; with two, an upstream
/// server might check one user and we ask another.
const AT_MOST_ONCE: [u8; 4] = [USER_NAME, USER_PASSWORD, CHAP_PASSWORD, STATE];

/// What the answer to a request needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where it came from, and its identifier and authenticator.
    pub key: Key,
    /// Its entry's number in the duplicate table; 0 where it has none.
    pub serial: u64,
    /// The index of its client.
    pub client: usize,
    /// Its code: Access-Request or Status-Server.
    pub code: u8,
    /// The values of its Proxy-States, in order.
    pub proxy_states: Vec<Vec<u8>>,
}

impl Head {
    pub(super) fn read(packet: &Packet<'_>, key: Key, client: usize) -> Result<Self, Cause> {
        let length: usize = packet.all(PROXY_STATE).map(|value| ATTRIBUTE_HEAD_LENGTH + value.len()).sum();
        if length > MAX_PROXY_STATE_LENGTH {
            return Err(Cause::ProxyStateTooLong);
        }
        Ok(Self {
            key,
            serial: 0,
            client,
            code: packet.code(),
            proxy_states: packet.all(PROXY_STATE).map(<[u8]>::to_vec).collect(),
        })
    }
}

/// A Status-Server of a client: it wants an Access-Accept (RFC 5997, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRequest {
    /// What its answer needs.
    pub head: Head,
}

/// A login.
#[derive(Clone)]
pub struct Request {
    /// What its answer needs.
    pub head: Head,
    /// User-Name, as it came; not empty, at most 253 octets.
    pub user: String,
    /// MS-Machine-Name: the client computer's name, as it says itself.
    pub machine_name: Option<String>,
    /// Calling-Station-Id; RD Gateway sends none.
    pub calling_station_id: Option<String>,
    /// State: the answer to an Access-Challenge.
    pub state: Option<Vec<u8>>,
    /// The packet's octets, to forward its attributes; a password in it is still hidden.
    pub raw: Vec<u8>,
    /// When it arrived.
    pub arrived: Timestamp,
}

/// Who asks to be let in, where somebody can decide it.
pub(super) fn user<'a>(packet: &Packet<'a>) -> Result<&'a str, Cause> {
    if packet.first(EAP_MESSAGE).is_some() {
        return Err(Cause::EapNotSupported);
    }
    if AT_MOST_ONCE.into_iter().any(|kind| packet.all(kind).nth(1).is_some()) {
        return Err(Cause::AttributeRepeated);
    }
    let user = packet.first(USER_NAME).filter(|user| !user.is_empty()).ok_or(Cause::UserNameMissing)?;
    let user = std::str::from_utf8(user).map_err(|_| Cause::UserNameUnreadable)?;
    let is_readable = packet.first(USER_PASSWORD).is_none_or(may_hide_password);
    is_readable.then_some(user).ok_or(Cause::PasswordUnreadable)
}

impl Request {
    pub(super) fn read(packet: &Packet<'_>, head: Head, user: &str, now: Timestamp) -> Self {
        Self {
            head,
            user: user.to_owned(),
            machine_name: packet.vendor(microsoft::VENDOR, microsoft::MS_MACHINE_NAME).and_then(shown),
            calling_station_id: packet.first(CALLING_STATION_ID).and_then(shown),
            state: packet.first(STATE).map(<[u8]>::to_vec),
            raw: packet.bytes().to_vec(),
            arrived: now,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("head", &self.head)
            .field("user", &self.user)
            .field("machine_name", &self.machine_name)
            .field("calling_station_id", &self.calling_station_id)
            .field("has_state", &self.state.is_some())
            .field("arrived", &self.arrived)
            .finish_non_exhaustive()
    }
}

/// Text that is only shown: what is not UTF-8 is replaced, blanks and zeros around it go; `None` where nothing is left.
fn shown(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}
