//! The style `passcode`: the password field carries a code.

use super::server::{Judged, Says, Server};
use super::*;
use crate::attribute::{CHAP_PASSWORD, NAS_IDENTIFIER};

const STYLE: &str = "style = \"passcode\"";

fn says() -> Says {
    Says { methods: &["totp"], redeemed: "pending", method: "totp", ..Says::default() }
}

/// An upstream server that accepts all but what begins with `wrong`, and keeps the passwords that it saw.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { address: socket.local_addr().unwrap(), seen: Arc::default() };
        let (seen, secret) = (Arc::clone(&upstream.seen), Secret::new(UPSTREAM_SECRET));
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = Packet::decode(&buffer[..length]).unwrap();
                let hidden = query.first(USER_PASSWORD).unwrap();
                let password = reveal_password(hidden, query.authenticator(), &secret).unwrap().to_vec();
                let code = if password.starts_with(b"wrong") { code::ACCESS_REJECT } else { code::ACCESS_ACCEPT };
                seen.lock().unwrap().push(password);
                let reply = Reply::new(code, query.identifier(), *query.authenticator());
                let reply = reply.attribute(SESSION_TIMEOUT, &[0, 0, 0, 9]).finish(&secret).unwrap();
                socket.send_to(&reply, from).await.unwrap();
            }
        });
        upstream
    }

    pub(super) fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }
}

pub(super) async fn with_upstream(says: Says) -> (Server, Upstream, Front, Nas) {
    let (server, upstream) = (Server::start(says).await, Upstream::start().await);
    let section =
        format!("[[upstream]]\nname = \"u\"\naddress = \"{}\"\nsecret = \"{UPSTREAM_SECRET}\"\n", upstream.address);
    let front = front(&server, &format!("{STYLE}\nfirst_factor = \"radius\""), &section).await;
    let nas = Nas::of(&front).await;
    (server, upstream, front, nas)
}

#[tokio::test]
async fn the_field_is_the_code_where_nobody_else_checks_a_password() {
    for factor in ["gateway", "none"] {
        let server = Server::start(says()).await;
        let front = front(&server, &format!("{STYLE}\nfirst_factor = \"{factor}\""), "").await;
        let nas = Nas::of(&front).await;
        nas.send(login_with(b"123 456", 1)).await;
        let reply = nas.reply(1).await;
        assert_eq!(Packet::decode(&reply).unwrap().code(), code::ACCESS_ACCEPT);
        assert_eq!(server.calls(), ["POST", "POST passcode", "POST redeem"]);
        let bodies = server.bodies();
        assert_eq!(bodies[0]["display"], "none");
        assert_eq!(bodies[0]["methods"], serde_json::json!(["totp", "recovery_code", "access_pass"]));
        assert_eq!(bodies[1], serde_json::json!({"passcode": "123456"}));
        for _ in 0..3 {
            nas.send(login_with(b"123 456", 1)).await;
            assert_eq!(nas.reply(1).await, reply);
        }
        assert_eq!(server.count("POST"), 3, "a retransmission asks nobody");
    }
}

#[tokio::test]
async fn upstream_sees_the_password_alone_and_the_code_is_judged_after_it() {
    let long = [b'x'; 121];
    for (password, code) in [
        (&b"hunter2"[..], "123456"),
        (b"a,b,,", "123-456"),
        (b"gr\xfc\xdfe", "123456"),
        (b" ", " 123456 "),
        (&long, "123456"),
    ] {
        let (server, upstream, _front, nas) = with_upstream(says()).await;
        let field = [password, b",", code.as_bytes()].concat();
        for _ in 0..3 {
            nas.send(login_with(&field, 1).attribute(NAS_IDENTIFIER, &[b'n'; 253])).await;
        }
        let reply = nas.reply(1).await;
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!((packet.code(), packet.first(SESSION_TIMEOUT).is_some()), (code::ACCESS_ACCEPT, true), "{field:?}");
        assert_eq!(upstream.seen(), [password]);
        assert_eq!(server.calls(), ["POST", "POST passcode", "POST redeem"]);
    }
    let (server, upstream, _front, nas) = with_upstream(says()).await;
    assert_eq!(nas.ask(login_with(b"wrong,123456", 1), 1).await, code::ACCESS_REJECT);
    assert_eq!((server.calls().len(), upstream.seen().len()), (0, 1), "no code is spent on a wrong password");
}

#[tokio::test]
async fn without_a_password_nobody_is_asked() {
    // Whatever the server would say.
    let (server, upstream, front, nas) = with_upstream(Says { created: "approved", ..says() }).await;
    let fields: [&[u8]; 4] = [b"", b"\0\0\0", b",123456", b"\0,abcde-fghjk"];
    for (authenticator, field) in (1..).zip(fields) {
        let refused = nas.ask(login_with(field, authenticator), authenticator).await;
        assert_eq!(refused, code::ACCESS_REJECT, "{field:?}");
    }
    assert!(!front.metrics_text().contains("cause="), "what a person mistypes is no trouble of the administrator");
    let ms_chap = |kind| login(22).vendor(microsoft::VENDOR, kind, &[7; 50]);
    for (authenticator, query) in [
        (20, login(20)),
        (21, login(21).attribute(CHAP_PASSWORD, &[7; 17])),
        (22, ms_chap(microsoft::MS_CHAP2_RESPONSE)),
        (23, login_with(b"hunter2,123456", 23).attribute(CHAP_PASSWORD, &[7; 17])),
        (24, login(24).attribute(USER_PASSWORD, &[7; 253])),
    ] {
        assert_eq!(nas.ask(query, authenticator).await, code::ACCESS_REJECT, "{authenticator}");
    }
    assert!(front.metrics_text().contains("{client=\"rdg01\",cause=\"password-unreadable\"} 5"));
    assert_eq!(server.calls().iter().filter(|call| !call.contains("drops")).count(), 0);
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_state_is_not_taken() {
    let server = Server::start(says()).await;
    let front = front(&server, STYLE, "").await;
    let query = login_with(b"123456", 1).attribute(STATE, &[1; 16]);
    assert_eq!(Nas::of(&front).await.ask(query, 1).await, code::ACCESS_REJECT);
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn everything_but_an_approval_is_access_reject_and_the_code_is_given_once() {
    let judged = |judged| Says { judged, ..says() };
    for (says, field, ends, calls) in [
        (says(), &b"000000"[..], code::ACCESS_REJECT, &["POST", "POST passcode", "DELETE"][..]),
        (Says { wrong: 2, ..says() }, b"000000", code::ACCESS_REJECT, &["POST", "POST passcode"]),
        (Says { created: "denied", ..says() }, b"123456", code::ACCESS_REJECT, &["POST"]),
        (
            Says { honest: false, ..says() },
            b"123456",
            code::ACCESS_REJECT,
            &["POST", "POST passcode", "POST redeem", "DELETE"],
        ),
        (judged(Judged::Lost), b"123456", code::ACCESS_ACCEPT, &["POST", "POST passcode", "POST redeem"]),
        (judged(Judged::Lost), b"000000", code::ACCESS_REJECT, &["POST", "POST passcode", "POST redeem", "DELETE"]),
        (
            judged(Judged::Refused(503)),
            b"123456",
            code::ACCESS_REJECT,
            &["POST", "POST passcode", "POST redeem", "DELETE"],
        ),
        (judged(Judged::Refused(422)), b"123456", code::ACCESS_REJECT, &["POST", "POST passcode", "DELETE"]),
        (judged(Judged::Mute), b"123456", code::ACCESS_REJECT, &["POST", "POST passcode", "DELETE"]),
    ] {
        let server = Server::start(says).await;
        let front = front(&server, STYLE, "").await;
        let nas = Nas::of(&front).await;
        nas.send(login_with(field, 1)).await;
        let reply = nas.reply(1).await;
        assert_eq!(Packet::decode(&reply).unwrap().code(), ends, "{:?}", server.calls());
        nas.send(login_with(field, 1)).await;
        assert_eq!(nas.reply(1).await, reply);
        let made: Vec<_> = server.calls().into_iter().filter(|call| !call.contains("drops")).collect();
        assert_eq!(made, calls);
    }
}

#[tokio::test]
async fn what_is_approved_at_once_needs_no_code_and_a_name_alone_opens_nothing() {
    for (factor, ends, calls) in [
        ("gateway", code::ACCESS_ACCEPT, &["POST", "POST redeem"][..]),
        ("none", code::ACCESS_REJECT, &["POST", "POST redeem", "DELETE"]),
    ] {
        let says = Says { created: "approved", redeemed: "redeemed", method: "bypass", ..says() };
        let server = Server::start(says).await;
        let front = front(&server, &format!("{STYLE}\nfirst_factor = \"{factor}\""), "").await;
        assert_eq!(Nas::of(&front).await.ask(login_with(b"123456", 1), 1).await, ends, "{factor}");
        assert_eq!(server.calls(), calls);
    }
}

#[tokio::test]
async fn one_that_is_sent_again_or_superseded_while_the_code_is_judged_gives_no_second_one() {
    let server = Server::start(Says { judging: Duration::from_millis(200), ..says() }).await;
    let front = front(&server, STYLE, "").await;
    let nas = Nas::of(&front).await;
    nas.send(login_with(b"123456", 1)).await;
    while server.count("POST passcode") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    nas.send(login_with(b"123456", 1)).await;
    assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_ACCEPT);
    assert_eq!(server.count("POST passcode"), 1);

    nas.send(login_with(b"123456", 2)).await;
    while server.count("POST passcode") == 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    nas.send(login_with(b"ok", 3)).await;
    let answers = [nas.next().await.unwrap(), nas.next().await.unwrap()];
    assert!(answers.iter().all(|reply| Packet::decode(reply).unwrap().code() == code::ACCESS_REJECT));
    assert_eq!((server.count("POST passcode"), server.count("DELETE")), (2, 2), "each ends its own challenge");
}
