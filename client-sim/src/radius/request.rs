//! What a gateway asks.

use std::sync::Arc;

use gatematch_protocol::secret::Secret;

use super::answer::Answer;
use super::client::Slot;
use super::digest;
use super::packet::{self, Attribute, MICROSOFT, code, kind, microsoft};

/// What the gateway's own NPS puts behind a request that it passes on. Nobody else may read anything into it: it
/// begins with a zero, is no text, and holds what could be taken for an attribute.
const PROXY_STATE: [u8; 12] = [0x00, 0xfe, 0x01, 0x06, 0x72, 0x6f, 0x6f, 0x74, 0xff, 0x50, 0x12, 0x00];
const VIRTUAL: u32 = 5;
const RD_GATEWAY: u32 = 1;

/// A request before it has an identifier and an authenticator. `Debug` does not tell the password.
#[derive(Clone, Debug)]
pub struct AccessRequest {
    code: u8,
    attributes: Vec<Attribute>,
    proxy_states: Vec<Attribute>,
    password: Option<Secret>,
    is_signed: bool,
}

/// A request as it will be sent, again and again.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The datagram.
    pub bytes: Vec<u8>,
    /// What ties the answer to it, on this socket.
    pub identifier: u8,
    /// The Request Authenticator.
    pub authenticator: [u8; 16],
    /// Keeps the identifier from other requests of the socket, as long as any copy of this lives.
    #[expect(dead_code, reason = "it has only to live")]
    pub(super) slot: Option<Arc<Slot>>,
}

impl AccessRequest {
    /// A request with a User-Name and nothing else: any RADIUS client's.
    #[must_use]
    pub fn plain(user: &str) -> Self {
        Self { attributes: vec![Attribute::new(kind::USER_NAME, user)], ..Self::empty(code::ACCESS_REQUEST) }
    }

    /// The request of RD Gateway, passed on by its own NPS: no password, no address, the kind of gateway, and a
    /// Proxy-State at the end.
    #[must_use]
    pub fn rd_gateway(user: &str) -> Self {
        let mut request = Self::plain(user)
            .attribute(kind::CALLED_STATION_ID, "UserAuthType:PW")
            .attribute(kind::NAS_PORT_TYPE, VIRTUAL.to_be_bytes())
            .vendor(MICROSOFT, microsoft::NETWORK_ACCESS_SERVER_TYPE, RD_GATEWAY.to_be_bytes());
        request.proxy_states = vec![Attribute::new(kind::PROXY_STATE, PROXY_STATE)];
        request
    }

    /// A Status-Server packet (RFC 5997).
    #[must_use]
    pub fn status_server() -> Self {
        Self::empty(code::STATUS_SERVER)
    }

    fn empty(code: u8) -> Self {
        Self { code, attributes: Vec::new(), proxy_states: Vec::new(), password: None, is_signed: true }
    }

    /// With what the person's computer calls itself (311/50).
    #[must_use]
    pub fn machine(self, name: &str) -> Self {
        self.vendor(MICROSOFT, microsoft::MACHINE_NAME, name)
    }

    /// With a User-Password (PAP). RD Gateway sends none.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    /// With `password,code` as User-Password: how a person gives both where there is one field for them (style
    /// `passcode` behind an upstream server). Where the gateway checks the password, the field holds the code alone:
    /// [`AccessRequest::password`].
    #[must_use]
    pub fn password_and_code(self, password: &str, code: &str) -> Self {
        self.password(&format!("{password},{code}"))
    }

    /// With what the person typed in answer to an Access-Challenge, such as a code, and that challenge's State.
    #[must_use]
    pub fn answering(self, challenge: &Answer, typed: &str) -> Self {
        let request = self.password(typed);
        match challenge.state() {
            Some(state) => request.state(state),
            None => request,
        }
    }

    /// With the State of an Access-Challenge.
    #[must_use]
    pub fn state(self, state: &[u8]) -> Self {
        self.attribute(kind::STATE, state)
    }

    /// With the address that the person calls from. RD Gateway sends none.
    #[must_use]
    pub fn calling_station_id(self, address: &str) -> Self {
        self.attribute(kind::CALLING_STATION_ID, address)
    }

    /// With one more Proxy-State, behind those that are there.
    #[must_use]
    pub fn proxy_state(mut self, value: &[u8]) -> Self {
        self.proxy_states.push(Attribute::new(kind::PROXY_STATE, value));
        self
    }

    /// Without any Proxy-State: a gateway that asks us itself.
    #[must_use]
    pub fn without_proxy_state(mut self) -> Self {
        self.proxy_states.clear();
        self
    }

    /// With one more attribute.
    #[must_use]
    pub fn attribute(mut self, kind: u8, value: impl AsRef<[u8]>) -> Self {
        self.attributes.push(Attribute::new(kind, value));
        self
    }

    /// With one more attribute of a vendor.
    #[must_use]
    pub fn vendor(mut self, vendor: u32, kind: u8, value: impl AsRef<[u8]>) -> Self {
        self.attributes.push(Attribute::vendor(vendor, kind, value));
        self
    }

    /// Without any attribute of this type.
    #[must_use]
    pub fn without(mut self, kind: u8) -> Self {
        self.attributes.retain(|attribute| attribute.kind != kind);
        self
    }

    /// Without a Message-Authenticator, as NPS sends it before somebody has ticked the box.
    #[must_use]
    pub fn without_message_authenticator(mut self) -> Self {
        self.is_signed = false;
        self
    }

    /// With another code.
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// All attributes in the order in which they are sent: Message-Authenticator (still zeros) first, Proxy-State
    /// last.
    #[must_use]
    pub fn attributes(&self, authenticator: &[u8; 16], secret: &Secret) -> Vec<Attribute> {
        let mut all = Vec::new();
        if self.is_signed {
            all.push(Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16]));
        }
        all.extend_from_slice(&self.attributes);
        if let Some(password) = &self.password {
            let hidden = digest::hide_password(password.reveal().as_bytes(), authenticator, secret.reveal().as_bytes());
            all.push(Attribute::new(kind::USER_PASSWORD, hidden));
        }
        all.extend_from_slice(&self.proxy_states);
        all
    }

    /// The datagram.
    #[must_use]
    pub fn encode(&self, identifier: u8, authenticator: &[u8; 16], secret: &Secret) -> Vec<u8> {
        let attributes = self.attributes(authenticator, secret);
        let mut bytes = packet::encode(self.code, identifier, authenticator, &attributes);
        digest::sign(&mut bytes, secret.reveal().as_bytes());
        bytes
    }
}

impl Prepared {
    /// A datagram from elsewhere, to be sent as it is; `None` where it is too short to hold an identifier and an
    /// authenticator.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Option<Self> {
        let authenticator = packet::authenticator(&bytes)?;
        let identifier = *bytes.get(1)?;
        Some(Self { bytes, identifier, authenticator, slot: None })
    }

    /// The Proxy-States, which must come back unchanged and in order.
    #[must_use]
    pub fn proxy_states(&self) -> Vec<Vec<u8>> {
        let attributes = packet::packet(&self.bytes).and_then(packet::attributes).unwrap_or_default();
        let proxy_states = attributes.into_iter().filter(|attribute| attribute.kind == kind::PROXY_STATE);
        proxy_states.map(|attribute| attribute.value).collect()
    }
}
