use super::*;
use crate::attribute::{PROXY_STATE, REPLY_MESSAGE, microsoft};
use crate::authenticator::{MessageAuthenticator, reply_is_authentic, request_is_authentic};
use crate::packet::{Packet, code};

fn secret() -> Secret {
    Secret::new("secret")
}

#[test]
fn a_reply_is_signed_and_keeps_the_order() {
    let octets = Reply::new(code::ACCESS_ACCEPT, 7, [5; 16])
        .attribute(REPLY_MESSAGE, b"hello")
        .vendor(microsoft::VENDOR, microsoft::MS_RDG_DEVICE_REDIRECTION, &[0, 0, 0, 8])
        .attribute(PROXY_STATE, b"84")
        .attribute(PROXY_STATE, b"")
        .finish(&secret())
        .unwrap();
    let packet = Packet::decode(&octets).unwrap();
    assert_eq!((packet.code(), packet.identifier(), packet.bytes().len()), (2, 7, octets.len()));
    let kinds: Vec<u8> = packet.attributes().map(|attribute| attribute.kind).collect();
    assert_eq!(kinds, [MESSAGE_AUTHENTICATOR, REPLY_MESSAGE, VENDOR_SPECIFIC, PROXY_STATE, PROXY_STATE]);
    assert_eq!(packet.vendor(311, 63), Some(&[0, 0, 0, 8][..]));
    assert_eq!(packet.all(PROXY_STATE).collect::<Vec<_>>(), [b"84".as_slice(), b""]);
    assert_eq!(reply_is_authentic(&packet, &[5; 16], &secret()), Ok(()));
    assert!(reply_is_authentic(&packet, &[6; 16], &secret()).is_err());
}

#[test]
fn a_query_is_signed() {
    let octets = Query::new(code::STATUS_SERVER, 9, [5; 16]).attribute(32, b"door").finish(&secret()).unwrap();
    let packet = Packet::decode(&octets).unwrap();
    assert_eq!((packet.code(), packet.authenticator()), (12, &[5; 16]));
    assert_eq!(packet.attributes().next().map(|attribute| attribute.kind), Some(MESSAGE_AUTHENTICATOR));
    assert_eq!(request_is_authentic(&packet, &secret()), MessageAuthenticator::Valid);
    assert_eq!(request_is_authentic(&packet, &Secret::new("other")), MessageAuthenticator::Wrong);
}

#[test]
fn a_signature_that_is_given_is_left_out() {
    let octets = Query::new(code::ACCESS_REQUEST, 9, [5; 16]).attribute(80, &[1; 16]).finish(&secret()).unwrap();
    assert_eq!(request_is_authentic(&Packet::decode(&octets).unwrap(), &secret()), MessageAuthenticator::Valid);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let query = || Query::new(code::ACCESS_REQUEST, 9, [5; 16]);
    let reply = || Reply::new(code::ACCESS_ACCEPT, 9, [5; 16]);
    assert!(query().attribute(25, &[1; 253]).finish(&secret()).is_ok());
    assert!(query().attribute(25, &[1; 254]).finish(&secret()).is_err());
    assert!(reply().attribute(25, &[1; 500]).attribute(25, b"fits").finish(&secret()).is_err());
    assert!(reply().vendor(311, 63, &[1; 247]).finish(&secret()).is_ok());
    assert!(reply().vendor(311, 63, &[1; 248]).finish(&secret()).is_err());
    assert!(reply().vendor(311, 63, &[1; 300]).finish(&secret()).is_err());
    let filled = (0..15).fold(reply(), |reply, _| reply.attribute(25, &[1; 253]));
    let whole = filled.clone().attribute(25, &[1; 231]).finish(&secret()).unwrap();
    assert_eq!(whole.len(), MAX_LENGTH);
    assert!(Packet::decode(&whole).is_ok());
    assert!(filled.attribute(25, &[1; 232]).finish(&secret()).is_err());
}
