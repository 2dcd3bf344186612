//! A request of a client as an upstream server is to see it: as it came, but for what each hop makes anew.

use gatematch_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::Question;
use crate::attribute::{
    CHAP_CHALLENGE, CHAP_PASSWORD, MESSAGE_AUTHENTICATOR, NAS_IDENTIFIER, PROXY_STATE, USER_PASSWORD,
};
use crate::authenticator::{Unhideable, Unreadable, hide_password, reveal_password};
use crate::packet::code;
use crate::reply::{Query, TooLong};

/// Why a request cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unforwardable {
    #[error(transparent)]
    Password(#[from] Unreadable),
    #[error(transparent)]
    Hiding(#[from] Unhideable),
    #[error("with what this hop adds, the request is too long: {0}")]
    TooLong(#[from] TooLong),
}

/// The datagram for the server (RFC 2865, sections 2.3, 5.2 and 5.33; RFC 3579, section 3.2): passwords hidden
/// anew under `secret`, signed anew, with a Proxy-State of ours behind those that came.
pub(super) fn forward(
    question: Question<'_>,
    secret: &Secret,
    identifier: u8,
    authenticator: [u8; 16],
    proxy_state: &[u8],
) -> Result<Vec<u8>, Unforwardable> {
    let request = question.packet;
    let mut query = Query::new(code::ACCESS_REQUEST, identifier, authenticator);
    for attribute in request.attributes() {
        query = match attribute.kind {
            MESSAGE_AUTHENTICATOR => query,
            USER_PASSWORD => {
                let password = match question.password {
                    Some(password) => Zeroizing::new(password.to_vec()),
                    None => reveal_password(attribute.value, request.authenticator(), question.client_secret)?,
                };
                query.attribute(USER_PASSWORD, &hide_password(&password, &authenticator, secret)?)
            }
            kind => query.attribute(kind, attribute.value),
        };
    }
    // RFC 2865, section 5.3: without CHAP-Challenge, the challenge was the Request Authenticator, which is new here.
    if request.first(CHAP_PASSWORD).is_some() && request.first(CHAP_CHALLENGE).is_none() {
        query = query.attribute(CHAP_CHALLENGE, request.authenticator());
    }
    Ok(query.attribute(PROXY_STATE, proxy_state).finish(secret)?)
}

/// A Status-Server (RFC 5997, section 3).
pub(super) fn probe(secret: &Secret, identifier: u8, authenticator: [u8; 16]) -> Option<Vec<u8>> {
    Query::new(code::STATUS_SERVER, identifier, authenticator)
        .attribute(NAS_IDENTIFIER, b"gatematch")
        .finish(secret)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::USER_NAME;
    use crate::authenticator::{MessageAuthenticator, request_is_authentic};
    use crate::packet::Packet;

    const HERE: [u8; 16] = [1; 16];
    const THERE: [u8; 16] = [2; 16];

    fn secrets() -> (Secret, Secret) {
        (Secret::new("secret of the client"), Secret::new("secret of the server"))
    }

    fn forwarded(query: Query) -> Vec<u8> {
        forwarded_with(query, None)
    }

    fn forwarded_with(query: Query, password: Option<&[u8]>) -> Vec<u8> {
        let (client, server) = secrets();
        let request = query.finish(&client).unwrap();
        let packet = &Packet::decode(&request).unwrap();
        forward(Question { packet, client_secret: &client, password }, &server, 9, THERE, b"ours").unwrap()
    }

    #[test]
    fn a_request_goes_on_in_order_with_its_password_under_the_next_secret() {
        let (client, server) = secrets();
        let hidden = hide_password(b"hunter2", &HERE, &client).unwrap();
        let datagram = forwarded(
            Query::new(code::ACCESS_REQUEST, 1, HERE)
                .attribute(USER_NAME, b"alice")
                .attribute(PROXY_STATE, b"theirs")
                .attribute(USER_PASSWORD, &hidden)
                .vendor(311, 50, b"CLIENT-PC"),
        );
        let packet = Packet::decode(&datagram).unwrap();
        let kinds: Vec<_> = packet.attributes().map(|attribute| attribute.kind).collect();
        assert_eq!(kinds, [MESSAGE_AUTHENTICATOR, USER_NAME, PROXY_STATE, USER_PASSWORD, 26, PROXY_STATE]);
        assert_eq!(request_is_authentic(&packet, &server), MessageAuthenticator::Valid);
        let password = reveal_password(packet.first(USER_PASSWORD).unwrap(), &THERE, &server).unwrap();
        assert_eq!(password.as_slice(), b"hunter2");
        assert_eq!(packet.all(PROXY_STATE).collect::<Vec<_>>(), [&b"theirs"[..], b"ours"]);
        assert_eq!((packet.identifier(), packet.authenticator()), (9, &THERE));
        assert!(packet.first(CHAP_CHALLENGE).is_none());
    }

    #[test]
    fn another_password_takes_the_place_of_the_field_and_nothing_of_the_field_goes_along() {
        let (client, server) = secrets();
        let hidden = hide_password(b"a password of some length,123456", &HERE, &client).unwrap();
        let query = Query::new(code::ACCESS_REQUEST, 1, HERE).attribute(USER_NAME, b"alice");
        let datagram = forwarded_with(query.attribute(USER_PASSWORD, &hidden), Some(b"a pass\xffword"));
        let packet = Packet::decode(&datagram).unwrap();
        assert_eq!(request_is_authentic(&packet, &server), MessageAuthenticator::Valid);
        let hidden: Vec<_> = packet.all(USER_PASSWORD).collect();
        let [hidden] = hidden[..] else { panic!("{hidden:?}") };
        assert_eq!(hidden.len(), 16, "the length of the field is not told, either");
        assert_eq!(reveal_password(hidden, &THERE, &server).unwrap().as_slice(), b"a pass\xffword");
    }

    #[test]
    fn the_challenge_of_chap_goes_along() {
        let datagram = forwarded(Query::new(code::ACCESS_REQUEST, 1, HERE).attribute(CHAP_PASSWORD, &[7; 17]));
        assert_eq!(Packet::decode(&datagram).unwrap().first(CHAP_CHALLENGE), Some(&HERE[..]));
        let own = Query::new(code::ACCESS_REQUEST, 1, HERE).attribute(CHAP_PASSWORD, &[7; 17]);
        let datagram = forwarded(own.attribute(CHAP_CHALLENGE, &[8; 16]));
        assert_eq!(Packet::decode(&datagram).unwrap().all(CHAP_CHALLENGE).collect::<Vec<_>>(), [&[8; 16]]);
    }

    #[test]
    fn a_probe_is_signed() {
        let (_, server) = secrets();
        let datagram = probe(&server, 3, THERE).unwrap();
        let packet = Packet::decode(&datagram).unwrap();
        assert_eq!(packet.code(), code::STATUS_SERVER);
        assert_eq!(request_is_authentic(&packet, &server), MessageAuthenticator::Valid);
    }
}
