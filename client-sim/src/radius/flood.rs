//! Junk, bounded in rate and time, and at this machine only: does the front door still hear those who ask well?

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use serde::Serialize;
use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior};

use super::packet::{self, Attribute, kind};
use super::request::AccessRequest;
use crate::edge;

/// The most datagrams a second.
pub const MAX_RATE: u32 = 200_000;
/// The longest time.
pub const MAX_DURATION: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(1);
/// How many different datagrams there are of each kind.
const VARIANTS: usize = 64;
/// The junk comes from this many ports.
const PORTS: usize = 4;

/// A flood of another machine is an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is another machine")]
pub struct NotHere(pub SocketAddr);

/// A flood that is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    server: SocketAddr,
    rate: u32,
    duration: Duration,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sent {
    /// How many datagrams.
    pub datagrams: u64,
    /// How many the system did not take.
    pub refused: u64,
    /// How many answers came; there should be none.
    pub answers: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Flood {
    /// `rate` datagrams a second (at most [`MAX_RATE`]) for `duration` (at most [`MAX_DURATION`]).
    ///
    /// # Errors
    /// [`NotHere`] unless the server is at a loopback address.
    pub fn new(server: SocketAddr, rate: u32, duration: Duration) -> Result<Self, NotHere> {
        if !server.ip().to_canonical().is_loopback() {
            return Err(NotHere(server));
        }
        Ok(Self { server, rate: rate.min(MAX_RATE), duration: duration.min(MAX_DURATION) })
    }

    /// Sends the junk.
    ///
    /// # Errors
    /// What the system says where there is no port left.
    pub async fn run(self) -> io::Result<Sent> {
        let mut sockets = Vec::new();
        for _ in 0..PORTS {
            let any: SocketAddr = match self.server {
                SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 0).into(),
            };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(self.server).await?;
            sockets.push(socket);
        }
        let (started, mut sent) = (Instant::now(), Sent::default());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut junk = junk().into_iter().cycle();
        let mut turn = 0_u64;
        while started.elapsed() < self.duration {
            ticks.tick().await;
            let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            let due = micros.saturating_mul(u64::from(self.rate)) / 1_000_000;
            while turn < due {
                turn += 1;
                let (Some(socket), Some(mut datagram)) = (pick(&sockets, turn), junk.next()) else { break };
                // Each is another request: identifier and authenticator are not those of the last round.
                packet::set(&mut datagram, 8, &turn.to_be_bytes());
                match socket.try_send(&datagram) {
                    Ok(_) => sent.datagrams += 1,
                    Err(_) => sent.refused += 1,
                }
            }
            sent.answers += heard(&sockets);
        }
        sent.seconds = started.elapsed().as_secs_f64();
        Ok(sent)
    }
}

fn pick(sockets: &[UdpSocket], turn: u64) -> Option<&UdpSocket> {
    sockets.get(usize::try_from(turn).ok()?.checked_rem(sockets.len())?)
}

/// How many answers lie there.
fn heard(sockets: &[UdpSocket]) -> u64 {
    let mut count = 0;
    for socket in sockets {
        while socket.try_recv(&mut [0; 16]).is_ok() {
            count += 1;
        }
    }
    count
}

/// Datagrams that must all be met with silence: random bytes, requests of the right shape without a
/// Message-Authenticator or with a wrong one, codes that are no business of the front door, and broken lists.
#[must_use]
pub fn junk() -> Vec<Vec<u8>> {
    let secret = Secret::new("nobody has this secret");
    let asked = AccessRequest::rd_gateway("CONTOSO\\alice").machine("JUNK");
    let mut all = Vec::new();
    for _ in 0..VARIANTS {
        let noise = edge::random::<200>();
        let [length, identifier, code, ..] = noise;
        let authenticator = edge::random();
        all.push(noise.get(..usize::from(length).min(noise.len())).unwrap_or_default().to_vec());
        all.push(asked.clone().without_message_authenticator().encode(identifier, &authenticator, &secret));
        all.push(asked.encode(identifier, &authenticator, &secret));
        let odd = if matches!(code, 1 | 12) { 4 } else { code };
        all.push(asked.clone().code(odd).encode(identifier, &authenticator, &secret));
        let mut broken = packet::encode(1, identifier, &authenticator, &[Attribute::new(kind::USER_NAME, noise)]);
        packet::set(&mut broken, packet::HEADER + 1, &[code]);
        all.push(broken);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_flooded_and_only_for_a_while() {
        let flood = |server: &str| Flood::new(server.parse().unwrap(), u32::MAX, Duration::MAX);
        for here in ["127.0.0.1:1812", "127.9.9.9:1812", "[::1]:1812", "[::ffff:127.0.0.1]:1812"] {
            let flood = flood(here).unwrap();
            assert_eq!((flood.rate, flood.duration), (MAX_RATE, MAX_DURATION));
        }
        for there in ["192.0.2.1:1812", "10.0.0.1:1812", "0.0.0.0:1812", "[::]:1812", "[::ffff:10.0.0.1]:1812"] {
            assert_eq!(flood(there).unwrap_err(), NotHere(there.parse().unwrap()));
        }
    }

    #[tokio::test]
    async fn the_junk_arrives_in_about_the_rate_asked_for() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let flood = Flood::new(socket.local_addr().unwrap(), 2_000, Duration::from_millis(100)).unwrap();
        let sent = flood.run().await.unwrap();
        assert!(sent.datagrams > 100 && sent.datagrams <= 2_000, "{sent:?}");
        assert_eq!(sent.answers, 0);
        assert!(socket.try_recv(&mut [0; 4096]).is_ok());
    }
}
