//! An input is one datagram.

use gatematch_radius::attribute::{EAP_MESSAGE, MESSAGE_AUTHENTICATOR};
use gatematch_radius::authenticator::{
    MessageAuthenticator, Secret, Unauthentic, reply_is_authentic, request_is_authentic, reveal_password, reveal_salted,
};
use gatematch_radius::packet::{Attribute, MAX_LENGTH, MIN_LENGTH, Packet, VendorSpecific};
use gatematch_radius::reply::{Query, Reply};

/// Reads a datagram, asks all that can be asked about it, and writes it anew.
pub(crate) fn packet(datagram: &[u8]) {
    let Ok(packet) = Packet::decode(datagram) else { return };
    assert!((MIN_LENGTH..=MAX_LENGTH).contains(&packet.bytes().len()));
    assert!(datagram.starts_with(packet.bytes()));
    assert_eq!(Packet::decode(packet.bytes()), Ok(packet), "padding changes nothing");
    attributes_fill_it(&packet);
    let secret = Secret::new("secret");
    for attribute in packet.attributes() {
        parts_are_there(&packet, &attribute);
        let _ = reveal_password(attribute.value, packet.authenticator(), &secret);
        let _ = reveal_salted(attribute.value, packet.authenticator(), &secret);
    }
    signatures_agree(&packet, &secret);
    written_anew(&packet, &secret);
}

fn attributes_fill_it(packet: &Packet<'_>) {
    let mut next = MIN_LENGTH;
    for attribute in packet.attributes() {
        assert_eq!(attribute.offset, next);
        assert_eq!(packet.bytes().get(next), Some(&attribute.kind));
        next += 2 + attribute.value.len();
    }
    assert_eq!(next, packet.bytes().len());
}

fn parts_are_there(packet: &Packet<'_>, attribute: &Attribute<'_>) {
    assert!(packet.all(attribute.kind).any(|value| value == attribute.value));
    if attribute.kind != 26 {
        return;
    }
    if let Some(specific) = VendorSpecific::read(attribute.value) {
        let length: usize = specific.parts().map(|(_, value)| 2 + value.len()).sum();
        assert_eq!(length + 4, attribute.value.len());
        for (kind, _) in specific.parts() {
            assert!(packet.vendor(specific.vendor, kind).is_some());
        }
    }
}

fn signatures_agree(packet: &Packet<'_>, secret: &Secret) {
    let there = packet.all(MESSAGE_AUTHENTICATOR).count();
    match request_is_authentic(packet, secret) {
        MessageAuthenticator::Absent => assert_eq!(there, 0),
        MessageAuthenticator::Valid | MessageAuthenticator::Wrong => assert_eq!(there, 1),
        MessageAuthenticator::Repeated => assert!(there > 1),
    }
    match reply_is_authentic(packet, &[0; 16], secret) {
        Ok(()) => assert_eq!(there, 1),
        Err(Unauthentic::Unsigned) => assert!(there == 0 && packet.first(EAP_MESSAGE).is_none()),
        Err(_) => {}
    }
}

/// The same attributes, written by our builders, are read again and are signed; only the longest do not fit.
fn written_anew(packet: &Packet<'_>, secret: &Secret) {
    let mut query = Query::new(packet.code(), packet.identifier(), *packet.authenticator());
    let mut reply = Reply::new(packet.code(), packet.identifier(), *packet.authenticator());
    for attribute in packet.attributes() {
        query = query.attribute(attribute.kind, attribute.value);
        reply = reply.attribute(attribute.kind, attribute.value);
    }
    let others = || packet.attributes().filter(|attribute| attribute.kind != MESSAGE_AUTHENTICATOR);
    let length: usize = others().map(|attribute| 2 + attribute.value.len()).sum();
    let (query, reply) = match (query.finish(secret), reply.finish(secret)) {
        (Ok(query), Ok(reply)) => (query, reply),
        (query, reply) => {
            assert!(query.is_err() && reply.is_err() && length + MIN_LENGTH + 18 > MAX_LENGTH);
            return;
        }
    };
    for octets in [&query, &reply] {
        let again = Packet::decode(octets);
        assert!(again.is_ok(), "what we write can be read");
        let Ok(again) = again else { return };
        assert_eq!(again.attributes().next().map(|attribute| attribute.kind), Some(MESSAGE_AUTHENTICATOR));
        let written = again.attributes().skip(1).map(|attribute| (attribute.kind, attribute.value));
        assert!(written.eq(others().map(|attribute| (attribute.kind, attribute.value))));
    }
    assert_eq!(
        Packet::decode(&query).map(|query| request_is_authentic(&query, secret)),
        Ok(MessageAuthenticator::Valid)
    );
    assert_eq!(
        Packet::decode(&reply).map(|reply| reply_is_authentic(&reply, packet.authenticator(), secret)),
        Ok(Ok(()))
    );
}
