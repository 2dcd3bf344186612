//! A RADIUS packet, without I/O. `cargo bench -p gatematch-benches --bench radius`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot begin must stop")]

use std::net::SocketAddr;

use divan::{Bencher, black_box};
use gatematch_client_sim::radius::AccessRequest;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use gatematch_radius::attribute::{PROXY_STATE, REPLY_MESSAGE};
use gatematch_radius::authenticator::{MessageAuthenticator, request_is_authentic};
use gatematch_radius::client::{Client, Clients};
use gatematch_radius::door::{Door, Received};
use gatematch_radius::duplicate::Limits;
use gatematch_radius::packet::{Packet, code};
use gatematch_radius::reply::Reply;

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);
const SOURCE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 40_000);

fn secret() -> Secret {
    Secret::new("a secret for the benchmark")
}

/// What RD Gateway's NPS sends: see `docs/rd-gateway.md`.
fn request(turn: u64) -> Vec<u8> {
    let mut authenticator = [7; 16];
    authenticator[..8].copy_from_slice(&turn.to_be_bytes());
    AccessRequest::rd_gateway("CONTOSO\\alice").machine("CLIENT-PC").encode(turn as u8, &authenticator, &secret())
}

/// Take a request apart, check its Message-Authenticator, and write the signed answer to it: what the codec does for
/// one packet.
#[divan::bench]
fn decode_authenticate_encode(bencher: Bencher<'_, '_>) {
    let (bytes, secret) = (request(1), secret());
    bencher.bench_local(|| {
        let packet = Packet::decode(black_box(&bytes)).unwrap();
        assert_eq!(request_is_authentic(&packet, &secret), MessageAuthenticator::Valid);
        let mut reply = Reply::new(code::ACCESS_REJECT, packet.identifier(), *packet.authenticator());
        reply = reply.attribute(REPLY_MESSAGE, b"The sign-in was not approved.");
        for proxy_state in packet.all(PROXY_STATE) {
            reply = reply.attribute(PROXY_STATE, proxy_state);
        }
        reply.finish(&secret).unwrap()
    });
}

/// The whole way of a request through the door and back, but for the decision: client, codec, duplicates, answer.
#[divan::bench]
fn through_the_door(bencher: Bencher<'_, '_>) {
    let client = Client {
        name: "rdg01".to_owned(),
        network: "127.0.0.1/32".parse().unwrap(),
        secret: secret(),
        require_message_authenticator: true,
        limit_in_flight: 4_096,
    };
    let mut door = Door::new(Clients::new(vec![client]).unwrap(), Limits::default());
    let mut turn = 0;
    bencher
        .with_inputs(|| {
            turn += 1;
            (request(turn), NOW.plus_seconds(i64::try_from(turn / 5_000).unwrap()))
        })
        .bench_local_values(|(bytes, now)| match door.receive(now, SOURCE, &bytes) {
            Received::Login { request, .. } => {
                let message = [(REPLY_MESSAGE, b"The sign-in was not approved.".to_vec())];
                door.reply(&request.head, code::ACCESS_REJECT, &message, now).unwrap()
            }
            _ => unreachable!("every request is another one"),
        });
}

/// Junk that looks like a request until its Message-Authenticator is computed.
#[divan::bench]
fn junk_at_the_door(bencher: Bencher<'_, '_>) {
    let client = Client {
        name: "rdg01".to_owned(),
        network: "127.0.0.1/32".parse().unwrap(),
        secret: Secret::new("another secret"),
        require_message_authenticator: true,
        limit_in_flight: 4_096,
    };
    let mut door = Door::new(Clients::new(vec![client]).unwrap(), Limits::default());
    let bytes = request(1);
    bencher.bench_local(|| assert!(matches!(door.receive(NOW, SOURCE, black_box(&bytes)), Received::Dropped { .. })));
}
