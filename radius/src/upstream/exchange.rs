//! One question to one server over a socket of its own, and the one answer that is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gatematch_protocol::time::Timestamp;
use tokio::net::UdpSocket;

use crate::authenticator::{Unauthentic, reply_is_authentic};
use crate::deadline::later;
use crate::edge::Edge;
use crate::packet::{MAX_LENGTH, Packet, code};
use crate::settings::UpstreamSettings;

/// How many datagrams that are no answer are looked at before the question is given up.
const MOST_STRAYS: usize = 64;

/// A question, ready to be sent.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) server: &'a UpstreamSettings,
    pub(super) datagram: &'a [u8],
    pub(super) identifier: u8,
    pub(super) authenticator: [u8; 16],
    /// How long one try waits.
    pub(super) patience: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing came.
    Silence,
    /// Something came that does not prove where it comes from.
    Unauthentic,
    /// It was not asked: that says nothing about its health.
    NotAsked,
    /// The same: the request cannot be passed on to it.
    NotPassedOn,
}

/// Sends the same bytes once a try, and waits for the answer.
///
/// The socket is connected, so only that server's datagrams arrive, and its port is new for each question, so a
/// stranger would have to guess it.
pub(super) async fn exchange(asked: Exchange<'_>, edge: &Edge, until: Timestamp) -> Result<Vec<u8>, NoAnswer> {
    let local: IpAddr =
        if asked.server.address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await.map_err(|_| NoAnswer::NotAsked)?;
    socket.connect(asked.server.address).await.map_err(|_| NoAnswer::NotAsked)?;
    let mut buffer = vec![0; MAX_LENGTH + 1];
    let mut strays = 0;
    let mut none = NoAnswer::Silence;
    for _ in 0..asked.server.tries {
        // An error is that of an earlier datagram (port unreachable), or passes: the try waits all the same.
        let _ = socket.send(asked.datagram).await;
        let end = later(edge.now(), asked.patience).min(until);
        loop {
            let length = tokio::select! {
                biased;
                received = socket.recv(&mut buffer) => received.unwrap_or(0),
                () = edge.clock.sleep_until(end) => break,
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            match is_answer(datagram, asked) {
                Some(true) => return Ok(datagram.to_vec()),
                Some(false) => none = NoAnswer::Unauthentic,
                None => {}
            }
            strays += 1;
            if strays > MOST_STRAYS {
                return Err(none);
            }
        }
        if edge.now() >= until {
            break;
        }
    }
    Err(none)
}

/// Whether it is the answer; `None` for what is not even meant as one.
fn is_answer(datagram: &[u8], asked: Exchange<'_>) -> Option<bool> {
    let reply = Packet::decode(datagram).ok()?;
    let known = matches!(reply.code(), code::ACCESS_ACCEPT | code::ACCESS_REJECT | code::ACCESS_CHALLENGE);
    if !known || reply.identifier() != asked.identifier {
        return None;
    }
    match reply_is_authentic(&reply, &asked.authenticator, &asked.server.secret) {
        Ok(()) => Some(true),
        Err(Unauthentic::Unsigned) if !asked.server.require_message_authenticator => Some(true),
        Err(fault) => {
            tracing::debug!(upstream = %asked.server.name, %fault, "a reply is not believed");
            Some(false)
        }
    }
}
