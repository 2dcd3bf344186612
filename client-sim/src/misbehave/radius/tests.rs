use std::collections::BTreeSet;

use gatematch_protocol::secret::Secret;
use tokio::net::UdpSocket;

use super::*;
use crate::misbehave;
use crate::radius::packet::{self, HEADER, MAX_PACKET, code, kind};
use crate::radius::{Attribute, digest};

const SECRET: &str = "a secret of the hop";

async fn client() -> RadiusClient {
    RadiusClient::connect("127.0.0.1:9".parse().unwrap(), Secret::new(SECRET)).await.unwrap()
}

fn scene(client: &RadiusClient) -> Scene<'_> {
    let quiet = Duration::from_millis(60);
    Scene { client, user: "CONTOSO\\alice", machine: "CLIENT-PC", quiet, patience: Duration::from_secs(5) }
}

#[test]
fn names_are_unique_in_the_whole_catalogue() {
    let mut seen: BTreeSet<_> = misbehave::ALL.iter().map(|entry| entry.name).collect();
    for entry in ALL.iter() {
        let name = entry.name;
        assert!(seen.insert(name), "{name} stands twice");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
        assert!(entry.case.starts_with("RA-") && entry.case.len() == 5 && !entry.what.is_empty(), "{name}");
        assert!(std::ptr::eq(find(name).unwrap(), entry));
    }
    assert!(find("no such thing").is_none());
}

/// What a strict reader finds in a datagram, looked at here once more by hand.
fn is_sound(datagram: &[u8]) -> bool {
    let Some(whole) = packet::packet(datagram).filter(|_| datagram.len() <= MAX_PACKET) else { return false };
    let (Some(attributes), Some(authenticator)) = (packet::attributes(whole), packet::authenticator(whole)) else {
        return false;
    };
    let signatures: Vec<_> =
        attributes.iter().filter(|attribute| attribute.kind == kind::MESSAGE_AUTHENTICATOR).collect();
    let at = packet::place(whole, kind::MESSAGE_AUTHENTICATOR).unwrap_or(HEADER);
    let right = digest::message_authenticator(whole, &authenticator, at, SECRET.as_bytes());
    [code::ACCESS_REQUEST, code::STATUS_SERVER].contains(&whole[0])
        && signatures.len() == 1
        && signatures[0].value == right
}

#[tokio::test]
async fn silence_is_asked_for_just_where_a_strict_reader_finds_a_fault() {
    let client = client().await;
    for entry in ALL.iter() {
        for datagram in entry.datagrams_for(&scene(&client)) {
            assert_eq!(is_sound(&datagram), entry.expect != Expect::Silence, "{}", entry.name);
        }
    }
    let of = |name: &str| find(name).unwrap().datagrams_for(&scene(&client)).remove(0);
    assert_eq!((of("datagram-over-4096").len(), of("padding-over-4096").len()), (4_097, 5_000));
    assert_eq!(packet::attributes(&of("thousand-attributes")).unwrap().len(), 1_007);
    assert!(of("proxy-state-long").len() < 2_200 && of("proxy-state-too-long").len() > 3_800);
}

/// A front door of a few lines: silent where [`is_sound`] says so, otherwise an Access-Reject of all.
async fn front_door(remembers: bool) -> RadiusClient {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 8_192];
        let mut count = 0_u32;
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let request = &buffer[..length];
            if !is_sound(request) {
                continue;
            }
            count += 1;
            let attributes = packet::attributes(packet::packet(request).unwrap()).unwrap();
            let mut kept = vec![Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16])];
            if !remembers {
                kept.push(Attribute::new(kind::REPLY_MESSAGE, count.to_string()));
            }
            kept.extend(attributes.into_iter().filter(|attribute| attribute.kind == kind::PROXY_STATE));
            let authenticator = packet::authenticator(request).unwrap();
            let mut reply = packet::encode(code::ACCESS_REJECT, request[1], &authenticator, &kept);
            let signature = digest::message_authenticator(&reply, &authenticator, HEADER + 2, SECRET.as_bytes());
            packet::set(&mut reply, HEADER + 2, &signature);
            let own = digest::response_authenticator(&reply, &authenticator, SECRET.as_bytes());
            packet::set(&mut reply, 4, &own);
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    RadiusClient::connect(address, Secret::new(SECRET)).await.unwrap()
}

#[tokio::test]
async fn a_front_door_that_does_right_passes() {
    let client = front_door(true).await;
    for entry in ALL.iter().filter(|entry| entry.needs != Needs::Challenge) {
        let heard = entry.carry_out(&scene(&client)).await;
        assert!(entry.expect.is_met_by(&heard), "{}: {} expected, but {heard}", entry.name, entry.expect);
    }
}

#[tokio::test]
async fn a_front_door_that_does_wrong_is_caught() {
    let client = front_door(false).await;
    for name in ["retransmit-five-times", "replayed-state", "foreign-state"] {
        let entry = find(name).unwrap();
        let heard = entry.carry_out(&scene(&client)).await;
        assert!(!entry.expect.is_met_by(&heard), "{name}: {heard}");
    }
    let reject = find("unknown-user").unwrap().carry_out(&scene(&client)).await;
    assert!(Expect::Reject.is_met_by(&reject) && !Expect::Silence.is_met_by(&reject));
    assert!(!Expect::Reject.is_met_by(&Heard { is_alive: false, ..reject }));
    let silence = Heard { replies: vec![Reply::Nothing], is_alive: true };
    assert!(Expect::Silence.is_met_by(&silence) && Expect::Refusal.is_met_by(&silence));
    assert!(!Expect::Reject.is_met_by(&silence) && !Expect::Answer.is_met_by(&silence));
    assert!(!Expect::Silence.is_met_by(&Heard { replies: Vec::new(), is_alive: true }));
}
