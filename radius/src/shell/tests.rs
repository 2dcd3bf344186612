//! The front door on real sockets, before a server that says what the test wants.

mod codes;
mod create;
mod passcode;
mod password;
mod place;
mod server;
mod trust;
mod unreachable;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use tokio::net::UdpSocket;
use tokio::time::Instant;

use self::server::{Says, Server};
use super::*;
use crate::attribute::{PROXY_STATE, REPLY_MESSAGE, SESSION_TIMEOUT, STATE, USER_NAME, USER_PASSWORD, microsoft};
use crate::authenticator::{hide_password, reply_is_authentic, reveal_password};
use crate::packet::Packet;
use crate::reply::{Query, Reply};

const SECRET: &str = "secret of the client";
const UPSTREAM_SECRET: &str = "secret of the server";

/// A RADIUS client with one socket.
struct Nas {
    socket: UdpSocket,
    secret: Secret,
}

async fn front(server: &Server, lines: &str, more: &str) -> Front {
    front_at(server, lines, more, Edge::system()).await
}

async fn front_at(server: &Server, lines: &str, more: &str, edge: Edge) -> Front {
    let text = format!(
        "listen = \"127.0.0.1:0\"\n{more}\n[[client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1\"\n\
         secret = \"{SECRET}\"\ngateway_key = \"gmg_x\"\ntime_limit = 2\n{lines}"
    );
    let table: toml::Table = toml::from_str(&text).unwrap();
    let settings = Settings::read(&table, &|_| None, Path::new("")).unwrap().settings;
    Front::start(settings, edge, &server.url()).await.unwrap()
}

fn login(authenticator: u8) -> Query {
    login_of("CONTOSO\\alice", authenticator)
}

fn login_of(user: &str, authenticator: u8) -> Query {
    Query::new(code::ACCESS_REQUEST, 7, [authenticator; 16])
        .attribute(USER_NAME, user.as_bytes())
        .vendor(microsoft::VENDOR, microsoft::MS_MACHINE_NAME, b"CLIENT-PC")
        .attribute(PROXY_STATE, b"84")
}

/// A login with this password field.
fn login_with(field: &[u8], authenticator: u8) -> Query {
    let hidden = hide_password(field, &[authenticator; 16], &Secret::new(SECRET)).unwrap();
    login(authenticator).attribute(USER_PASSWORD, &hidden)
}

impl Nas {
    async fn of(front: &Front) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(front.address()).await.unwrap();
        Self { socket, secret: Secret::new(SECRET) }
    }

    async fn send(&self, query: Query) {
        self.socket.send(&query.finish(&self.secret).unwrap()).await.unwrap();
    }

    /// The next datagram; `None` when none comes for 2.2 seconds.
    async fn next(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        let length = tokio::time::timeout(Duration::from_millis(2_200), self.socket.recv(&mut buffer)).await.ok()?;
        Some(buffer[..length.unwrap()].to_vec())
    }

    /// The reply to a request with this authenticator.
    async fn reply(&self, authenticator: u8) -> Vec<u8> {
        let reply = self.next().await.expect("a reply");
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!(reply_is_authentic(&packet, &[authenticator; 16], &self.secret), Ok(()));
        assert_eq!(packet.all(PROXY_STATE).collect::<Vec<_>>(), [b"84"]);
        if packet.code() == code::ACCESS_REJECT {
            assert_eq!(packet.first(REPLY_MESSAGE), Some(&b"The sign-in was not approved."[..]));
            assert_eq!(packet.attributes().count(), 3, "every Access-Reject has one shape");
        }
        reply
    }

    /// The question in the Access-Challenge to a request, and its State.
    async fn asked(&self, query: Query, authenticator: u8) -> (String, Vec<u8>) {
        self.send(query).await;
        let reply = self.reply(authenticator).await;
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!(packet.code(), code::ACCESS_CHALLENGE);
        let message = String::from_utf8(packet.first(REPLY_MESSAGE).unwrap().to_vec()).unwrap();
        (message, packet.first(STATE).unwrap().to_vec())
    }

    async fn ask(&self, query: Query, authenticator: u8) -> u8 {
        self.send(query).await;
        Packet::decode(&self.reply(authenticator).await).unwrap().code()
    }
}

async fn asked(says: Says, lines: &str) -> (u8, Server) {
    let server = Server::start(says).await;
    let front = front(&server, lines, "").await;
    let code = Nas::of(&front).await.ask(login(1), 1).await;
    (code, server)
}

#[tokio::test]
async fn a_checked_result_lets_in_once_and_a_retransmission_gets_the_same_bytes() {
    let server = Server::start(Says::default()).await;
    let front = front(&server, "accept = { Session-Timeout = 3600 }", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    let reply = nas.reply(1).await;
    let packet = Packet::decode(&reply).unwrap();
    assert_eq!((packet.code(), packet.first(SESSION_TIMEOUT)), (code::ACCESS_ACCEPT, Some(&[0, 0, 14, 16][..])));
    for _ in 0..3 {
        nas.send(login(1)).await;
        assert_eq!(nas.reply(1).await, reply);
    }
    assert_eq!(server.calls(), ["POST", "POST redeem"]);
    let text = front.metrics_text();
    assert!(text.contains("gatematch_radius_answers_total{client=\"rdg01\",answer=\"accept\"} 1"), "{text}");
    assert!(text.contains("gatematch_radius_duplicates_total{client=\"rdg01\"} 3"), "{text}");
}

#[tokio::test]
async fn everything_else_is_access_reject() {
    let says = Says::default;
    for (says, lines, calls) in [
        (Says { created: "denied", ..says() }, "", &["POST"][..]),
        (Says { redeemed: "denied", ..says() }, "", &["POST", "POST redeem"]),
        (Says { redeemed: "cancelled", ..says() }, "", &["POST", "POST redeem"]),
        (Says { honest: false, ..says() }, "", &["POST", "POST redeem", "DELETE"]),
        (
            Says { created: "approved", method: "policy", ..says() },
            "first_factor = \"none\"",
            &["POST", "POST redeem", "DELETE"],
        ),
        (Says { method: "bypass", ..says() }, "first_factor = \"none\"", &["POST", "POST redeem", "DELETE"]),
        (Says { can_display: false, ..says() }, "style = \"challenge\"", &[]),
        (Says { broken: Some(401), ..says() }, "", &[]),
    ] {
        let (code, server) = asked(says, lines).await;
        assert_eq!(code, code::ACCESS_REJECT, "{calls:?}");
        let made: Vec<_> = server.calls().into_iter().filter(|call| !call.contains("drops")).collect();
        assert_eq!(made, calls);
    }
    let (code, _) = asked(Says { created: "approved", method: "policy", ..says() }, "").await;
    assert_eq!(code, code::ACCESS_ACCEPT);
    // A code was typed on the connect page before.
    let typed = Says { created: "approved", method: "recovery_code", ..says() };
    let (code, _) = asked(typed, "first_factor = \"none\"").await;
    assert_eq!(code, code::ACCESS_ACCEPT);
}

#[tokio::test]
async fn an_answer_leaves_before_the_client_gives_up() {
    for says in [Says { redeemed: "pending", ..Says::default() }, Says { broken: Some(503), ..Says::default() }] {
        let pending = says.broken.is_none();
        let server = Server::start(says).await;
        let front = front(&server, "", "").await;
        let (nas, begun) = (Nas::of(&front).await, Instant::now());
        assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
        let took = begun.elapsed();
        assert!(took > Duration::from_millis(1_500) && took < Duration::from_millis(1_900), "{took:?}");
        assert_eq!(server.count("DELETE"), usize::from(pending));
    }
}

#[tokio::test]
async fn one_that_takes_the_place_of_another_waits_for_its_end() {
    let server = Server::start(Says { redeemed: "pending", ..Says::default() }).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    while server.count("POST redeem") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.says.lock().unwrap().redeemed = "redeemed";
    nas.send(login(2)).await;
    assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(Packet::decode(&nas.reply(2).await).unwrap().code(), code::ACCESS_ACCEPT);
    assert_eq!(server.calls(), ["POST", "POST redeem", "DELETE", "POST", "POST redeem"]);
}

#[tokio::test]
async fn who_waits_when_it_stops_is_answered() {
    let server = Server::start(Says { redeemed: "pending", ..Says::default() }).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    while server.count("POST redeem") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = Instant::now();
    front.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(server.count("DELETE"), 1);
}

#[tokio::test]
async fn a_challenge_shows_the_number_and_its_state_is_good_once_for_its_user() {
    let server = Server::start(Says { number: Some("047"), ..Says::default() }).await;
    let front = front(&server, "style = \"challenge\"", "").await;
    let nas = Nas::of(&front).await;
    let state = async |authenticator| {
        nas.send(login(authenticator)).await;
        let reply = nas.reply(authenticator).await;
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!(packet.code(), code::ACCESS_CHALLENGE);
        assert_eq!(packet.first(REPLY_MESSAGE), Some(&b"Enter 047 in your phone"[..]));
        packet.first(STATE).unwrap().to_vec()
    };
    let first = state(1).await;
    assert_eq!(first.len(), 16);
    assert_eq!(nas.ask(login(2).attribute(STATE, &first), 2).await, code::ACCESS_ACCEPT);
    assert_eq!(nas.ask(login(3).attribute(STATE, &first), 3).await, code::ACCESS_REJECT, "spent");
    let second = state(4).await;
    let other = login_of("CONTOSO\\bob", 5).attribute(STATE, &second);
    assert_eq!(nas.ask(other, 5).await, code::ACCESS_REJECT);
    assert_eq!(server.count("DELETE"), 1, "a challenge whose State somebody else has is over");
    assert_eq!(nas.ask(login(6).attribute(STATE, &second), 6).await, code::ACCESS_REJECT);
    assert_eq!(nas.ask(login(7).attribute(STATE, &[0; 16]), 7).await, code::ACCESS_REJECT);
    assert_eq!(server.count("POST redeem"), 1);
}

#[tokio::test]
async fn status_server_tells_whether_the_server_can_decide() {
    let status = || Query::new(code::STATUS_SERVER, 1, [9; 16]).attribute(PROXY_STATE, b"84");
    let server = Server::start(Says::default()).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    assert_eq!(nas.ask(status(), 9).await, code::ACCESS_ACCEPT);
    server.says.lock().unwrap().ready = false;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    nas.send(status()).await;
    assert_eq!(nas.next().await, None);
    assert!(server.calls().iter().any(|call| call.contains("server-unavailable") && call.contains("rdg01")));
}

#[tokio::test]
async fn junk_is_counted_and_the_first_is_reported() {
    let server = Server::start(Says::default()).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    for _ in 0..1_000 {
        nas.socket.send(b"junk").await.unwrap();
    }
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_ACCEPT);
    let text = front.metrics_text();
    assert!(text.contains("gatematch_radius_dropped_total{client=\"rdg01\",cause=\"malformed\"} 1000"), "{text}");
    while server.count("POST drops") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.count("POST drops"), 1);
}

/// An upstream server that gives one answer to whoever says `hunter2`, and reject to anybody else.
async fn upstream(code: u8) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let secret = Secret::new(UPSTREAM_SECRET);
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let query = Packet::decode(&buffer[..length]).unwrap();
            let hidden = query.first(USER_PASSWORD).unwrap();
            let password = reveal_password(hidden, query.authenticator(), &secret).unwrap();
            let code = if password.as_slice() == b"hunter2" { code } else { code::ACCESS_REJECT };
            let reply = Reply::new(code, query.identifier(), *query.authenticator());
            let reply = reply.attribute(SESSION_TIMEOUT, &[0, 0, 0, 9]).finish(&secret).unwrap();
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn no_phone_rings_before_the_upstream_server_accepts() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    let (accepts, challenges) = (upstream(code::ACCESS_ACCEPT).await, upstream(code::ACCESS_CHALLENGE).await);
    for (addresses, password, code, cause) in [
        (&[accepts][..], "hunter2", code::ACCESS_ACCEPT, None),
        (&[silent, accepts], "hunter2", code::ACCESS_ACCEPT, None),
        (&[accepts], "wrong", code::ACCESS_REJECT, None),
        (&[challenges], "hunter2", code::ACCESS_REJECT, Some("upstream-challenge")),
        (&[silent], "hunter2", code::ACCESS_REJECT, Some("upstream-unavailable")),
    ] {
        let server = Server::start(Says::default()).await;
        let section = |(index, address): (usize, &SocketAddr)| {
            format!(
                "[[upstream]]\nname = \"u{index}\"\naddress = \"{address}\"\nsecret = \"{UPSTREAM_SECRET}\"\ntries = 1\n"
            )
        };
        let more: String = addresses.iter().enumerate().map(section).collect();
        let front = front(&server, "first_factor = \"radius\"", &more).await;
        let nas = Nas::of(&front).await;
        let hidden = hide_password(password.as_bytes(), &[1; 16], &nas.secret).unwrap();
        nas.send(login(1).attribute(USER_PASSWORD, &hidden)).await;
        let reply = nas.reply(1).await;
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!(packet.code(), code, "{addresses:?} {password}");
        let accepted = code == code::ACCESS_ACCEPT;
        assert_eq!(packet.first(SESSION_TIMEOUT).is_some(), accepted, "what upstream grants comes along");
        assert_eq!(server.count("POST redeem"), usize::from(accepted));
        if let Some(cause) = cause {
            assert!(front.metrics_text().contains(&format!("cause=\"{cause}\"}} 1")), "{cause}");
        }
    }
}
