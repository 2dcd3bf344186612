use super::*;
use crate::attribute::{
    CALLED_STATION_ID, CALLING_STATION_ID, CHAP_PASSWORD, REPLY_MESSAGE, STATE, USER_NAME, USER_PASSWORD, microsoft,
};
use crate::authenticator::{Secret, hide_password, reply_is_authentic};
use crate::reply::Query;

const AUTHENTICATOR: [u8; 16] = [7; 16];

fn secret() -> Secret {
    Secret::new("shared")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(second)
}

/// The strict client 0 at 192.0.2.0/24, the relaxed client 1 at 198.51.100.7; three logins each.
fn door() -> Door {
    let client = |name: &str, network: &str, require_message_authenticator| Client {
        name: name.to_owned(),
        network: network.parse().unwrap(),
        secret: secret(),
        require_message_authenticator,
        limit_in_flight: 3,
    };
    let clients = vec![client("rdg01", "192.0.2.0/24", true), client("old", "198.51.100.7", false)];
    Door::new(Clients::new(clients).unwrap(), Limits::default())
}

fn strict() -> SocketAddr {
    "192.0.2.1:5000".parse().unwrap()
}

fn relaxed() -> SocketAddr {
    "198.51.100.7:5000".parse().unwrap()
}

/// What RD Gateway's NPS sends.
fn login(identifier: u8, authenticator: [u8; 16]) -> Query {
    Query::new(code::ACCESS_REQUEST, identifier, authenticator)
        .attribute(USER_NAME, b"CONTOSO\\alicec")
        .attribute(CALLED_STATION_ID, b"UserAuthType:PW")
        .vendor(microsoft::VENDOR, microsoft::MS_MACHINE_NAME, b"CLIENT-PC\0")
        .attribute(PROXY_STATE, b"84")
        .attribute(PROXY_STATE, b"second")
}

fn signed(query: Query) -> Vec<u8> {
    query.finish(&secret()).unwrap()
}

/// The same attributes without Message-Authenticator.
fn unsigned(query: Query) -> Vec<u8> {
    let mut octets = signed(query);
    octets.drain(20..38);
    let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
    octets[2..4].copy_from_slice(&length);
    octets
}

fn named(user: &[u8]) -> Query {
    Query::new(code::ACCESS_REQUEST, 1, AUTHENTICATOR).attribute(USER_NAME, user)
}

fn cause(received: &Received) -> Option<(Option<usize>, Cause)> {
    match received {
        Received::Dropped { client, cause } => Some((*client, *cause)),
        _ => None,
    }
}

fn admitted(received: Received) -> (Box<Request>, Option<Key>) {
    match received {
        Received::Login { request, superseded } => (request, superseded),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_login_of_rd_gateway_is_read() {
    let datagram = signed(login(1, AUTHENTICATOR));
    let (request, superseded) = admitted(door().receive(at(9), strict(), &datagram));
    assert_eq!(superseded, None);
    assert_eq!((request.user.as_str(), request.machine_name.as_deref()), ("CONTOSO\\alicec", Some("CLIENT-PC")));
    assert_eq!((&request.calling_station_id, &request.state), (&None, &None));
    assert_eq!(request.head.proxy_states, [b"84".to_vec(), b"second".to_vec()]);
    assert_eq!((request.head.client, request.head.key.source), (0, strict()));
    assert_eq!((request.raw, request.arrived), (datagram, at(9)));
}

#[test]
fn state_and_station_are_read_and_a_password_stays_hidden() {
    let query = named(b"bob")
        .attribute(USER_PASSWORD, &hide_password(b"hunter2", &AUTHENTICATOR, &secret()).unwrap())
        .attribute(STATE, &[3; 16])
        .vendor(microsoft::VENDOR, microsoft::MS_MACHINE_NAME, b" \0")
        .attribute(CALLING_STATION_ID, b" 10.0.0.7\xff");
    let (request, _) = admitted(door().receive(at(0), strict(), &signed(query)));
    assert_eq!((request.state.clone(), request.machine_name.clone()), (Some(vec![3; 16]), None));
    assert_eq!(request.calling_station_id.as_deref(), Some("10.0.0.7\u{fffd}"));
    let told = format!("{request:?}");
    assert!(!request.raw.windows(7).any(|octets| octets == b"hunter2"));
    assert!(told.contains("bob") && !told.contains("hunter2") && !told.contains("104, 117, 110"), "{told}");
}

#[test]
fn ra_01_without_a_signature_there_is_silence() {
    let mut door = door();
    let dropped = |received: &Received| cause(received).map(|(_, cause)| cause);
    let missing = door.receive(at(0), strict(), &unsigned(login(1, AUTHENTICATOR)));
    assert_eq!(dropped(&missing), Some(Cause::MessageAuthenticatorMissing));
    let other = login(1, AUTHENTICATOR).finish(&Secret::new("another")).unwrap();
    assert_eq!(dropped(&door.receive(at(0), strict(), &other)), Some(Cause::MessageAuthenticatorWrong));
    assert_eq!(dropped(&door.receive(at(0), relaxed(), &other)), Some(Cause::MessageAuthenticatorWrong));
    let proxied = door.receive(at(0), relaxed(), &unsigned(login(1, AUTHENTICATOR)));
    assert_eq!(dropped(&proxied), Some(Cause::ProxyStateUnsigned));
    let mut twice = signed(named(b"alice"));
    let signature = twice[20..38].to_vec();
    twice.extend(signature);
    twice[3] += 18;
    assert_eq!(dropped(&door.receive(at(0), strict(), &twice)), Some(Cause::MessageAuthenticatorRepeated));
    assert!(door.duplicates().is_empty(), "none of them touched the table");
}

#[test]
fn a_bad_signature_does_not_end_a_login() {
    let mut door = door();
    let datagram = signed(login(1, AUTHENTICATOR));
    let _ = admitted(door.receive(at(0), strict(), &datagram));
    let forged = login(1, [8; 16]).finish(&Secret::new("another")).unwrap();
    assert!(cause(&door.receive(at(0), strict(), &forged)).is_some());
    assert!(matches!(door.receive(at(0), strict(), &datagram), Received::Waiting));
}

#[test]
fn a_relaxed_client_may_leave_the_signature_out() {
    let (request, _) = admitted(door().receive(at(0), relaxed(), &unsigned(named(b"alice"))));
    assert_eq!(request.head.client, 1);
    for strict_anyway in [named(b"alice").attribute(EAP_MESSAGE, b"x"), Query::new(code::STATUS_SERVER, 1, [1; 16])] {
        let dropped = door().receive(at(0), relaxed(), &unsigned(strict_anyway));
        assert_eq!(cause(&dropped), Some((Some(1), Cause::MessageAuthenticatorMissing)));
    }
}

#[test]
fn ra_03_strangers_and_odd_codes_get_silence() {
    let stranger = "203.0.113.9:1812".parse().unwrap();
    assert_eq!(cause(&door().receive(at(0), stranger, b"")), Some((None, Cause::UnknownClient)));
    let known = "[::ffff:192.0.2.200]:9".parse().unwrap();
    assert_eq!(cause(&door().receive(at(0), known, b"")), Some((Some(0), Cause::Malformed)));
    for odd in (0..=255).filter(|odd| ![code::ACCESS_REQUEST, code::STATUS_SERVER].contains(odd)) {
        let datagram = signed(Query::new(odd, 1, AUTHENTICATOR).attribute(USER_NAME, b"alice"));
        let dropped = door().receive(at(0), strict(), &datagram);
        assert_eq!(cause(&dropped), Some((Some(0), Cause::CodeNotSupported)), "{odd}");
    }
}

/// Requests that are signed and that nobody can decide.
fn undecidable() -> Vec<(Query, Cause)> {
    let attribute = |kind, value: &[u8]| named(b"alice").attribute(kind, value);
    vec![
        (attribute(EAP_MESSAGE, b"x"), Cause::EapNotSupported),
        (Query::new(code::ACCESS_REQUEST, 1, AUTHENTICATOR), Cause::UserNameMissing),
        (named(b""), Cause::UserNameMissing),
        (named(b"al\xffce"), Cause::UserNameUnreadable),
        (attribute(USER_NAME, b"bob"), Cause::AttributeRepeated),
        (attribute(STATE, b"1").attribute(STATE, b"2"), Cause::AttributeRepeated),
        (attribute(USER_PASSWORD, &[0; 16]).attribute(USER_PASSWORD, &[0; 16]), Cause::AttributeRepeated),
        (attribute(CHAP_PASSWORD, &[0; 17]).attribute(CHAP_PASSWORD, &[0; 17]), Cause::AttributeRepeated),
        (attribute(USER_PASSWORD, &[0; 15]), Cause::PasswordUnreadable),
        (attribute(USER_PASSWORD, &[0; 144]), Cause::PasswordUnreadable),
        (attribute(USER_PASSWORD, b""), Cause::PasswordUnreadable),
    ]
}

fn refused(received: Received) -> Refused {
    match received {
        Received::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_nobody_can_decide_is_access_reject_and_the_same_one_again() {
    for (query, expected) in undecidable() {
        let mut door = door();
        let datagram = signed(query.attribute(PROXY_STATE, b"84"));
        let answer = refused(door.receive(at(0), strict(), &datagram));
        assert_eq!((answer.client, answer.cause, answer.superseded), (0, expected, None));
        let reply = Packet::decode(&answer.octets).unwrap();
        assert_eq!(reply_is_authentic(&reply, &AUTHENTICATOR, &secret()), Ok(()));
        let attributes: Vec<_> =
            reply.attributes().map(|attribute| (attribute.kind, attribute.value)).skip(1).collect();
        let expected: [(u8, &[u8]); 2] = [(REPLY_MESSAGE, REFUSED.as_bytes()), (PROXY_STATE, b"84")];
        assert_eq!((reply.code(), attributes.as_slice()), (code::ACCESS_REJECT, &expected[..]));
        match door.receive(at(29), strict(), &datagram) {
            Received::Again(octets) => assert_eq!(octets, answer.octets),
            other => panic!("{other:?}"),
        }
        assert_eq!((door.in_flight(0), door.duplicates().in_progress()), (0, 0));
    }
}

#[test]
fn what_nobody_can_decide_takes_a_place_and_no_room() {
    let mut door = door();
    let _ = admitted(door.receive(at(0), strict(), &signed(login(1, [1; 16]))));
    for identifier in 2..4 {
        let _ = admitted(door.receive(at(0), strict(), &signed(login(identifier, [1; 16]))));
    }
    let odd = |identifier, authenticator| signed(Query::new(code::ACCESS_REQUEST, identifier, authenticator));
    assert_eq!(refused(door.receive(at(0), strict(), &odd(9, [1; 16]))).superseded, None, "beside a full client");
    assert_eq!(door.in_flight(0), 3);
    let superseded = refused(door.receive(at(0), strict(), &odd(1, [2; 16]))).superseded;
    assert_eq!(superseded.map(|key| key.authenticator), Some([1; 16]));
    assert_eq!((door.in_flight(0), door.duplicates().in_progress()), (2, 2));
    let reused = Some((Some(0), Cause::AuthenticatorReused));
    assert_eq!(cause(&door.receive(at(0), strict(), &odd(2, [1; 16]))), reused);
    assert!(matches!(door.receive(at(0), strict(), &signed(login(2, [1; 16]))), Received::Waiting));
}

#[test]
fn silence_stays_for_what_leaves_no_room_and_for_a_status_request_with_eap() {
    let full = (0..9).fold(named(b"alice"), |query, _| query.attribute(PROXY_STATE, &[1; 253]));
    let status = Query::new(code::STATUS_SERVER, 1, AUTHENTICATOR).attribute(EAP_MESSAGE, b"x");
    for (query, expected) in [(full, Cause::ProxyStateTooLong), (status, Cause::EapNotSupported)] {
        let mut door = door();
        assert_eq!(cause(&door.receive(at(0), strict(), &signed(query))), Some((Some(0), expected)));
        assert!(door.duplicates().is_empty());
    }
    let mut door = Door::new(door().clients, Limits { entries: 0, octets: 1 << 20 });
    assert_eq!(cause(&door.receive(at(0), strict(), &signed(named(b"")))), Some((Some(0), Cause::Overloaded)));
    let _ = admitted(self::door().receive(at(0), strict(), &signed(named(&[b'a'; 253]))));
}

#[test]
fn the_authenticator_of_another_request_gets_nothing_of_it() {
    let mut door = door();
    let (alice, bob) = (signed(named(b"alice")), signed(named(b"bob")));
    let (request, _) = admitted(door.receive(at(0), strict(), &alice));
    let reused = Some((Some(0), Cause::AuthenticatorReused));
    assert_eq!(cause(&door.receive(at(0), strict(), &bob)), reused);
    assert!(matches!(door.receive(at(0), strict(), &alice), Received::Waiting));
    let sent = door.reply(&request.head, code::ACCESS_ACCEPT, &[], at(1)).unwrap();
    assert_eq!(cause(&door.receive(at(2), strict(), &bob)), reused);
    assert!(matches!(door.receive(at(2), strict(), &alice), Received::Again(octets) if octets == sent));
    let padded = [alice, vec![0; 9]].concat();
    assert!(matches!(door.receive(at(2), strict(), &padded), Received::Again(_)), "padding is no content");
}

#[test]
fn nobody_is_let_in_on_a_place_that_another_has() {
    let mut door = door();
    let (first, _) = admitted(door.receive(at(0), strict(), &signed(login(1, [1; 16]))));
    let (second, _) = admitted(door.receive(at(0), strict(), &signed(login(1, [2; 16]))));
    for code in [code::ACCESS_ACCEPT, code::ACCESS_CHALLENGE] {
        assert_eq!(door.reply(&first.head, code, &[], at(0)), Err(NoReply::Superseded));
    }
    assert!(door.reply(&first.head, code::ACCESS_REJECT, &[], at(0)).is_ok());
    assert!(door.reply(&second.head, code::ACCESS_ACCEPT, &[], at(0)).is_ok());
    assert_eq!(door.reply(&second.head, code::ACCESS_ACCEPT, &[], at(0)), Err(NoReply::Superseded), "once");
    door.forget(&second.head);
    let (third, _) = admitted(door.receive(at(0), strict(), &signed(login(1, [3; 16]))));
    door.forget(&third.head);
    assert_eq!(door.reply(&third.head, code::ACCESS_ACCEPT, &[], at(0)), Err(NoReply::Superseded));
}

#[test]
fn ra_04_a_retransmission_gets_the_same_octets() {
    let mut door = door();
    let datagram = signed(login(1, AUTHENTICATOR));
    let (request, _) = admitted(door.receive(at(0), strict(), &datagram));
    for second in 0..5 {
        assert!(matches!(door.receive(at(second), strict(), &datagram), Received::Waiting));
    }
    assert_eq!(door.in_flight(0), 1);
    let attributes = [(REPLY_MESSAGE, b"welcome".to_vec()), (PROXY_STATE, b"not ours".to_vec())];
    let sent = door.reply(&request.head, code::ACCESS_ACCEPT, &attributes, at(6)).unwrap();
    assert_eq!(door.in_flight(0), 0);
    for second in 6..36 {
        match door.receive(at(second), strict(), &datagram) {
            Received::Again(octets) => assert_eq!(octets, sent),
            other => panic!("{other:?}"),
        }
    }
    let reply = Packet::decode(&sent).unwrap();
    assert_eq!(reply_is_authentic(&reply, &AUTHENTICATOR, &secret()), Ok(()));
    let kinds: Vec<u8> = reply.attributes().map(|attribute| attribute.kind).collect();
    assert_eq!(kinds, [80, REPLY_MESSAGE, PROXY_STATE, PROXY_STATE]);
    assert_eq!(reply.all(PROXY_STATE).collect::<Vec<_>>(), [b"84".as_slice(), b"second"]);
}

#[test]
fn ra_05_an_identifier_used_again_ends_the_login_before() {
    let mut door = door();
    let (first, _) = admitted(door.receive(at(0), strict(), &signed(login(1, [1; 16]))));
    let (second, superseded) = admitted(door.receive(at(1), strict(), &signed(login(1, [2; 16]))));
    assert_eq!((superseded, door.in_flight(0)), (Some(first.head.key), 1));
    let rejected = door.reply(&first.head, code::ACCESS_REJECT, &[], at(1)).unwrap();
    assert_eq!(Packet::decode(&rejected).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(door.in_flight(0), 1, "the second still waits");
    assert!(matches!(door.receive(at(2), strict(), &signed(login(1, [2; 16]))), Received::Waiting));
    door.forget(&first.head);
    door.forget(&second.head);
    assert_eq!(door.in_flight(0), 0);
}

#[test]
fn a_login_that_ends_late_changes_nothing_of_a_later_one_with_the_same_key() {
    let mut door = door();
    let mut head =
        |authenticator| admitted(door.receive(at(0), strict(), &signed(login(1, [authenticator; 16])))).0.head;
    let (first, _second, third) = (head(1), head(2), head(1));
    assert!(door.is_begun_again(&first) && !door.is_begun_again(&third));
    assert_eq!(door.reply(&first, code::ACCESS_ACCEPT, &[], at(1)), Err(NoReply::Superseded));
    assert!(door.reply(&first, code::ACCESS_REJECT, &[], at(1)).is_ok());
    door.forget(&first);
    assert!(matches!(door.receive(at(1), strict(), &signed(login(1, [1; 16]))), Received::Waiting));
    assert_eq!(door.in_flight(0), 1);
    assert!(door.reply(&third, code::ACCESS_ACCEPT, &[], at(1)).is_ok());
    assert_eq!(door.in_flight(0), 0);
}

#[test]
fn a_client_has_its_limit() {
    let mut door = door();
    let heads: Vec<Head> = (0..3)
        .map(|identifier| admitted(door.receive(at(0), strict(), &signed(login(identifier, [1; 16])))).0.head)
        .collect();
    let fourth = signed(login(9, [1; 16]));
    let dropped = Some((Some(0), Cause::ClientOverloaded));
    assert_eq!(cause(&door.receive(at(0), strict(), &fourth)), dropped);
    assert_eq!(cause(&door.receive(at(0), strict(), &fourth)), dropped, "it left nothing behind");
    assert!(matches!(door.receive(at(0), strict(), &signed(login(2, [1; 16]))), Received::Waiting));
    let (_, superseded) = admitted(door.receive(at(0), strict(), &signed(login(2, [2; 16]))));
    assert!(superseded.is_some(), "no more than before");
    let _ = admitted(door.receive(at(0), relaxed(), &signed(login(9, [1; 16]))));
    door.forget(&heads[0]);
    let _ = admitted(door.receive(at(0), strict(), &fourth));
}

#[test]
fn a_status_request_is_answered_and_not_remembered() {
    let mut door = door();
    let datagram = signed(Query::new(code::STATUS_SERVER, 1, [1; 16]).attribute(PROXY_STATE, b"p"));
    for _ in 0..2 {
        match door.receive(at(0), strict(), &datagram) {
            Received::Status(status) => {
                let sent = door.reply(&status.head, code::ACCESS_ACCEPT, &[], at(0)).unwrap();
                assert_eq!(reply_is_authentic(&Packet::decode(&sent).unwrap(), &[1; 16], &secret()), Ok(()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(door.duplicates().is_empty());
}

#[test]
fn a_full_table_is_no_answer() {
    let clients = Clients::new(door().clients().iter().cloned().collect()).unwrap();
    let mut door = Door::new(clients, Limits { entries: 1, octets: 1 << 20 });
    let _ = admitted(door.receive(at(0), strict(), &signed(login(1, AUTHENTICATOR))));
    let dropped = door.receive(at(0), strict(), &signed(login(2, AUTHENTICATOR)));
    assert_eq!(cause(&dropped), Some((Some(0), Cause::Overloaded)));
}

#[test]
fn an_answer_that_is_too_long_leaves_the_login_in_progress() {
    let mut door = door();
    let (request, _) = admitted(door.receive(at(0), strict(), &signed(login(1, AUTHENTICATOR))));
    let attributes = vec![(REPLY_MESSAGE, vec![b'x'; 253]); 16];
    assert_eq!(door.reply(&request.head, code::ACCESS_ACCEPT, &attributes, at(0)), Err(NoReply::TooLong(TooLong)));
    assert_eq!(door.in_flight(0), 1);
    assert!(door.reply(&request.head, code::ACCESS_REJECT, &[], at(0)).is_ok());
    assert_eq!(door.in_flight(0), 0);
}
