//! Datagrams that are to be dropped: unsigned, misshapen, or no business of the front door (RA-01 to RA-03).

use gatematch_protocol::secret::Secret;

use super::{Expect, Misbehaviour, NOBODY, Scene};
use crate::edge;
use crate::radius::packet::{self, Attribute, HEADER, MAX_PACKET, MICROSOFT, code, kind, microsoft};
use crate::radius::{AccessRequest, digest};

const SILENCE: Expect = Expect::Silence;
const REFUSAL: Expect = Expect::Refusal;

pub(super) const SIGNATURES: &[Misbehaviour] = &[
    signature("no-message-authenticator", "no Message-Authenticator", SILENCE, |scene| {
        one(scene, &scene.request().without_message_authenticator())
    }),
    signature("wrong-message-authenticator", "one bit of the Message-Authenticator is wrong", SILENCE, |scene| {
        changed(scene, |bytes, at| {
            let flipped = bytes.get(at).map_or(0, |byte| byte ^ 1);
            packet::set(bytes, at, &[flipped]);
        })
    }),
    signature("message-authenticator-of-zeros", "the Message-Authenticator is zeros", SILENCE, |scene| {
        changed(scene, |bytes, at| packet::set(bytes, at, &[0; 16]))
    }),
    signature("message-authenticator-of-another", "the Message-Authenticator of another request", SILENCE, |scene| {
        let other = sound(scene, &scene.request_for(NOBODY));
        let place = packet::place(&other, kind::MESSAGE_AUTHENTICATOR);
        let theirs = place.and_then(|at| other.get(at..at + 16)).unwrap_or_default().to_vec();
        changed(scene, |bytes, at| packet::set(bytes, at, &theirs))
    }),
    signature("message-authenticator-short", "a Message-Authenticator of fifteen bytes", SILENCE, |scene| {
        let mut attributes = unsigned(scene);
        attributes.insert(0, Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 15]));
        vec![build(scene, &attributes)]
    }),
    signature("message-authenticator-twice", "two Message-Authenticators, the first of them right", SILENCE, |scene| {
        let mut attributes = unsigned(scene);
        attributes.push(Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16]));
        attributes.insert(0, Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16]));
        vec![build(scene, &attributes)]
    }),
    signature("message-authenticator-last", "a right Message-Authenticator at the end", Expect::Answer, |scene| {
        let mut attributes = scene.request_for(NOBODY).without_message_authenticator();
        attributes = attributes.without_proxy_state().attribute(kind::MESSAGE_AUTHENTICATOR, [0; 16]);
        one(scene, &attributes)
    }),
    signature("status-without-message-authenticator", "a Status-Server that nobody has signed", SILENCE, |scene| {
        one(scene, &AccessRequest::status_server().without_message_authenticator())
    }),
    Misbehaviour::datagrams("wrong-secret", "RA-03", "signed with another secret", SILENCE, |scene| {
        vec![scene.request().encode(7, &edge::random(), &Secret::new("not the secret"))]
    }),
    Misbehaviour::datagrams("status-wrong-secret", "RA-03", "a Status-Server with another secret", SILENCE, |_| {
        vec![AccessRequest::status_server().encode(7, &edge::random(), &Secret::new("not the secret"))]
    }),
];

pub(super) const SHAPES: &[Misbehaviour] = &[
    shape("datagram-empty", "a datagram without a byte", SILENCE, |_| vec![Vec::new()]),
    shape("datagram-of-one-byte", "a datagram of one byte", SILENCE, |_| vec![vec![code::ACCESS_REQUEST]]),
    shape("datagram-of-19-bytes", "a header that lacks its last byte", SILENCE, |scene| {
        let mut bytes = sound(scene, &scene.request());
        bytes.truncate(HEADER - 1);
        vec![bytes]
    }),
    shape("length-zero", "a Length of 0", SILENCE, |scene| with_length(scene, |_| 0)),
    shape("length-19", "a Length of 19", SILENCE, |scene| with_length(scene, |_| 19)),
    shape("length-20", "a Length that leaves all attributes out", SILENCE, |scene| with_length(scene, |_| 20)),
    shape("length-too-long", "a Length that is one more than there is", SILENCE, |scene| {
        with_length(scene, |length| length + 1)
    }),
    shape("length-too-short", "a Length that cuts the last attribute", SILENCE, |scene| {
        with_length(scene, |length| length - 1)
    }),
    shape("length-65535", "a Length of 65,535", SILENCE, |scene| with_length(scene, |_| u16::MAX)),
    shape("datagram-over-4096", "a signed packet of 4,097 bytes", SILENCE, |scene| {
        let signed = scene.request().without_proxy_state();
        let mut left = MAX_PACKET + 1 - sound(scene, &signed).len();
        let mut request = signed;
        while left > 0 {
            // No rest may be shorter than an attribute's head.
            let whole = if left > 255 { 200 } else { left };
            request = request.attribute(kind::NAS_IDENTIFIER, vec![b'x'; whole - 2]);
            left -= whole;
        }
        one(scene, &request)
    }),
    shape("padding-over-4096", "a sound packet, padded to 5,000 bytes", SILENCE, |scene| padded(scene, 5_000)),
    shape("padding", "octets past the Length, which are padding", Expect::Answer, |scene| {
        let mut bytes = sound(scene, &scene.request_for(NOBODY));
        bytes.extend_from_slice(&[0xff; 9]);
        vec![bytes]
    }),
    shape("attribute-length-zero", "an attribute whose length is 0", SILENCE, |scene| broken(scene, &[18, 0, 120])),
    shape("attribute-length-one", "an attribute whose length is 1", SILENCE, |scene| broken(scene, &[18, 1, 120])),
    shape("attribute-too-long", "an attribute that goes on after the packet", SILENCE, |scene| {
        broken(scene, &[18, 255, 120])
    }),
    shape("attribute-half", "an attribute without a length", SILENCE, |scene| broken(scene, &[18])),
    shape("vendor-too-short", "a vendor's attribute of three bytes", REFUSAL, |scene| vendor(scene, &[0, 1, 55])),
    shape("vendor-length-zero", "a vendor's attribute whose own length is 0", REFUSAL, |scene| {
        vendor(scene, &[0, 0, 1, 55, microsoft::MACHINE_NAME, 0, 65])
    }),
    shape("vendor-length-too-long", "a vendor's attribute that goes on after its envelope", REFUSAL, |scene| {
        vendor(scene, &[0, 0, 1, 55, microsoft::MACHINE_NAME, 200, 65])
    }),
    shape("thousand-attributes", "1,000 attributes", REFUSAL, |scene| {
        let many =
            (0..1_000).fold(scene.request_for(NOBODY), |request, _| request.attribute(kind::NAS_IDENTIFIER, "x"));
        one(scene, &many)
    }),
    shape("machine-name-odd", "a machine's name of control characters", REFUSAL, |scene| {
        one(scene, &AccessRequest::rd_gateway(NOBODY).vendor(MICROSOFT, microsoft::MACHINE_NAME, b"\0\x1b[2J\xff\r\n"))
    }),
];

pub(super) const CODES: &[Misbehaviour] = &[
    odd_code("code-reserved", "code 0", |scene| coded(scene, 0)),
    odd_code("code-access-accept", "an Access-Accept, as if the server had asked", |scene| {
        coded(scene, code::ACCESS_ACCEPT)
    }),
    odd_code("code-access-challenge", "an Access-Challenge", |scene| coded(scene, code::ACCESS_CHALLENGE)),
    odd_code("code-accounting", "an Accounting-Request", |scene| coded(scene, 4)),
    odd_code("code-status-client", "a Status-Client", |scene| coded(scene, 13)),
    odd_code("code-disconnect", "a Disconnect-Request", |scene| coded(scene, 40)),
    odd_code("code-255", "code 255", |scene| coded(scene, 255)),
];

type Make = fn(&Scene<'_>) -> Vec<Vec<u8>>;

const fn signature(name: &'static str, what: &'static str, expect: Expect, make: Make) -> Misbehaviour {
    Misbehaviour::datagrams(name, "RA-01", what, expect, make)
}

const fn shape(name: &'static str, what: &'static str, expect: Expect, make: Make) -> Misbehaviour {
    Misbehaviour::datagrams(name, "RA-02", what, expect, make)
}

const fn odd_code(name: &'static str, what: &'static str, make: Make) -> Misbehaviour {
    Misbehaviour::datagrams(name, "RA-03", what, SILENCE, make)
}

fn sound(scene: &Scene<'_>, request: &AccessRequest) -> Vec<u8> {
    scene.client.request(request).bytes
}

fn one(scene: &Scene<'_>, request: &AccessRequest) -> Vec<Vec<u8>> {
    vec![sound(scene, request)]
}

fn coded(scene: &Scene<'_>, code: u8) -> Vec<Vec<u8>> {
    one(scene, &scene.request().code(code))
}

/// The attributes of a sound request, but for the Message-Authenticator.
fn unsigned(scene: &Scene<'_>) -> Vec<Attribute> {
    scene.request().without_message_authenticator().attributes(&[0; 16], scene.client.secret())
}

/// A request with just these attributes; the first Message-Authenticator is filled in, the second stays zeros.
fn build(scene: &Scene<'_>, attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = packet::encode(code::ACCESS_REQUEST, 7, &edge::random(), attributes);
    digest::sign(&mut bytes, scene.client.secret().reveal().as_bytes());
    bytes
}

/// A sound request in which something is done to the place of the Message-Authenticator.
fn changed(scene: &Scene<'_>, change: impl FnOnce(&mut [u8], usize)) -> Vec<Vec<u8>> {
    let mut bytes = sound(scene, &scene.request());
    if let Some(at) = packet::place(&bytes, kind::MESSAGE_AUTHENTICATOR) {
        change(&mut bytes, at);
    }
    vec![bytes]
}

/// A request whose Length says something else; signed with that Length, so that only the Length is wrong.
fn with_length(scene: &Scene<'_>, length: impl FnOnce(u16) -> u16) -> Vec<Vec<u8>> {
    let mut bytes = sound(scene, &scene.request());
    let told = length(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    packet::set(&mut bytes, 2, &told.to_be_bytes());
    digest::sign(&mut bytes, scene.client.secret().reveal().as_bytes());
    vec![bytes]
}

/// A signed request with `tail` behind its attributes, within its Length.
fn broken(scene: &Scene<'_>, tail: &[u8]) -> Vec<Vec<u8>> {
    let mut bytes = sound(scene, &scene.request());
    bytes.extend_from_slice(tail);
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    packet::set(&mut bytes, 2, &length.to_be_bytes());
    digest::sign(&mut bytes, scene.client.secret().reveal().as_bytes());
    vec![bytes]
}

/// A sound packet with nothing wrong but that much padding behind it.
fn padded(scene: &Scene<'_>, length: usize) -> Vec<Vec<u8>> {
    let mut bytes = sound(scene, &scene.request());
    bytes.resize(length, 0);
    vec![bytes]
}

fn vendor(scene: &Scene<'_>, value: &[u8]) -> Vec<Vec<u8>> {
    one(scene, &scene.request_for(NOBODY).attribute(kind::VENDOR_SPECIFIC, value))
}
