//! A server behind the front door that does as the test says. What it reads and signs, it does by the simulator's
//! code, which shares no line with the front door's.

use std::net::SocketAddr;

use gatematch_client_sim::radius::packet::{self, code, kind};
use gatematch_client_sim::radius::{Attribute, digest};
use gatematch_tests::freeradius::BEHIND;
use gatematch_tests::front::PATIENCE;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A server that answers nothing by itself.
pub(super) struct Fake {
    socket: UdpSocket,
    pub(super) address: SocketAddr,
}

/// What the front door asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) bytes: Vec<u8>,
    pub(super) authenticator: [u8; 16],
    pub(super) attributes: Vec<Attribute>,
    from: SocketAddr,
}

impl Asked {
    pub(super) fn code(&self) -> u8 {
        self.bytes[0]
    }

    pub(super) fn all(&self, kind: u8) -> Vec<&[u8]> {
        self.attributes.iter().filter(|attribute| attribute.kind == kind).map(|attribute| &*attribute.value).collect()
    }

    /// The answer, under this secret.
    pub(super) fn answer(&self, code: u8, attributes: &[Attribute], secret: &str) -> Vec<u8> {
        let signature = Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16]);
        let all = [&[signature], attributes].concat();
        let mut bytes = packet::encode(code, self.bytes[1], &self.authenticator, &all);
        let at = packet::place(&bytes, kind::MESSAGE_AUTHENTICATOR).unwrap();
        let signature = digest::message_authenticator(&bytes, &self.authenticator, at, secret.as_bytes());
        packet::set(&mut bytes, at, &signature);
        self.sealed(bytes, secret)
    }

    /// The answer without Message-Authenticator.
    pub(super) fn bare(&self, code: u8, attributes: &[Attribute]) -> Vec<u8> {
        self.sealed(packet::encode(code, self.bytes[1], &self.authenticator, attributes), BEHIND)
    }

    /// Sends it to whoever asked, from elsewhere.
    pub(super) async fn send_from(&self, stranger: &UdpSocket, bytes: &[u8]) {
        stranger.send_to(bytes, self.from).await.unwrap();
    }

    /// With the Response Authenticator in its place.
    pub(super) fn sealed(&self, mut bytes: Vec<u8>, secret: &str) -> Vec<u8> {
        let authenticator = digest::response_authenticator(&bytes, &self.authenticator, secret.as_bytes());
        packet::set(&mut bytes, 4, &authenticator);
        bytes
    }
}

impl Fake {
    pub(super) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        Self { address: socket.local_addr().unwrap(), socket }
    }

    /// The next datagram, which must be signed.
    pub(super) async fn next(&self) -> Asked {
        let mut buffer = [0; 5_000];
        let came = timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await;
        let (length, from) = came.expect("the front door asks nothing").unwrap();
        let bytes = packet::packet(&buffer[..length]).unwrap().to_vec();
        let authenticator = packet::authenticator(&bytes).unwrap();
        let attributes = packet::attributes(&bytes).unwrap();
        assert_eq!(attributes[0].kind, kind::MESSAGE_AUTHENTICATOR, "Message-Authenticator comes first");
        let at = packet::place(&bytes, kind::MESSAGE_AUTHENTICATOR).unwrap();
        let signature = digest::message_authenticator(&bytes, &authenticator, at, BEHIND.as_bytes());
        assert_eq!(attributes[0].value, signature);
        Asked { bytes, authenticator, attributes, from }
    }

    /// The next Access-Request.
    pub(super) async fn request(&self) -> Asked {
        let asked = self.next().await;
        assert_eq!(asked.code(), code::ACCESS_REQUEST);
        asked
    }

    /// The next Status-Server.
    pub(super) async fn probe(&self) -> Asked {
        let asked = self.next().await;
        assert_eq!(asked.code(), code::STATUS_SERVER);
        asked
    }

    /// Whether nothing came since.
    pub(super) fn is_quiet(&self) -> bool {
        self.socket.try_recv(&mut [0; 20]).is_err()
    }

    pub(super) async fn send(&self, to: &Asked, bytes: &[u8]) {
        self.socket.send_to(bytes, to.from).await.unwrap();
    }

    /// Answers as a server that knows the secret.
    pub(super) async fn say(&self, to: &Asked, code: u8, attributes: &[Attribute]) {
        self.send(to, &to.answer(code, attributes, BEHIND)).await;
    }

    pub(super) async fn accept(&self, to: &Asked) {
        self.say(to, code::ACCESS_ACCEPT, &[]).await;
    }
}
