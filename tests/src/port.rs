//! Ports for servers that come back on the same one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use gatematch_client_sim::edge::random;

/// Below those that systems give to whoever connects somewhere: while a server is away, no stranger's connection can
/// take its port.
const RANGE: std::ops::Range<u16> = 12_000..32_000;
const TRIES: usize = 100;

/// An address on this machine that nobody has at this moment, and nobody is given by chance.
pub fn quiet_address() -> SocketAddr {
    for _ in 0..TRIES {
        let port = RANGE.start + u16::from_le_bytes(random()) % (RANGE.end - RANGE.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("none of {TRIES} ports is free");
}
