//! The style `passcode` where no code was given: a bypass lets in whoever types his password alone.

use super::passcode::with_upstream;
use super::server::{Says, Server};
use super::*;

const STYLE: &str = "style = \"passcode\"";
/// Fields without a code behind a comma.
const FIELDS: [&[u8]; 6] = [b"hunter2", b"hunter2,", b",", b"a,b", b"hunter2,12345", b"hunter2,\xff23456"];

/// A user with a bypass.
fn bypassed() -> Says {
    Says { created: "approved", redeemed: "redeemed", method: "bypass", methods: &[], ..Says::default() }
}

/// A user with codes, and no bypass.
fn codes() -> Says {
    Says { redeemed: "pending", method: "totp", methods: &["totp"], ..Says::default() }
}

#[tokio::test]
async fn upstream_is_asked_with_all_of_the_field_and_a_bypass_then_lets_in_once() {
    for field in FIELDS {
        let (server, upstream, _front, nas) = with_upstream(bypassed()).await;
        for _ in 0..3 {
            nas.send(login_with(field, 1)).await;
        }
        let reply = nas.reply(1).await;
        let packet = Packet::decode(&reply).unwrap();
        assert_eq!((packet.code(), packet.first(SESSION_TIMEOUT).is_some()), (code::ACCESS_ACCEPT, true), "{field:?}");
        for _ in 0..3 {
            nas.send(login_with(field, 1)).await;
            assert_eq!(nas.reply(1).await, reply);
        }
        assert_eq!(upstream.seen(), [field], "a retransmission is no login");
        assert_eq!(server.calls(), ["POST", "POST redeem"]);
        assert_eq!(server.bodies()[0]["methods"], serde_json::json!(["totp", "recovery_code", "access_pass"]));
    }
}

#[tokio::test]
async fn the_gateway_has_checked_a_password_so_a_bypass_lets_in_without_any_code() {
    for field in [&b""[..], b"hunter2", b"hunter2,123456", b"\xff\xff"] {
        let server = Server::start(bypassed()).await;
        let front = front(&server, STYLE, "").await;
        assert_eq!(Nas::of(&front).await.ask(login_with(field, 1), 1).await, code::ACCESS_ACCEPT, "{field:?}");
        assert_eq!(server.calls(), ["POST", "POST redeem"]);
    }
}

#[tokio::test]
async fn whoever_has_none_is_refused_and_his_challenge_ended() {
    for (says, calls) in [
        (codes(), &["POST", "DELETE"][..]),
        (Says { created: "denied", ..codes() }, &["POST"]),
        (Says { created: "moved", ..codes() }, &["POST", "DELETE"]),
        (Says { honest: false, ..bypassed() }, &["POST", "POST redeem", "DELETE"]),
        (Says { redeemed: "denied", ..bypassed() }, &["POST", "POST redeem"]),
    ] {
        let (server, upstream, _front, nas) = with_upstream(says.clone()).await;
        nas.send(login_with(b"hunter2", 1)).await;
        let reply = nas.reply(1).await;
        assert_eq!(Packet::decode(&reply).unwrap().code(), code::ACCESS_REJECT, "{calls:?}");
        nas.send(login_with(b"hunter2", 1)).await;
        assert_eq!(nas.reply(1).await, reply);
        assert_eq!((upstream.seen().len(), made(&server)), (1, calls.iter().map(ToString::to_string).collect()));

        let server = Server::start(says).await;
        let front = front(&server, STYLE, "").await;
        assert_eq!(Nas::of(&front).await.ask(login_with(b"hunter2", 1), 1).await, code::ACCESS_REJECT);
        assert_eq!(made(&server), calls);
    }
}

/// The calls but for reports.
fn made(server: &Server) -> Vec<String> {
    server.calls().into_iter().filter(|call| !call.contains("drops")).collect()
}

#[tokio::test]
async fn no_bypass_is_used_up_before_the_password_holds_nor_for_a_name_alone() {
    let (server, upstream, _front, nas) = with_upstream(bypassed()).await;
    assert_eq!(nas.ask(login_with(b"wrong", 1), 1).await, code::ACCESS_REJECT);
    assert_eq!((upstream.seen().len(), server.calls().len()), (1, 0));

    let server = Server::start(bypassed()).await;
    let front = front(&server, &format!("{STYLE}\nfirst_factor = \"none\""), "").await;
    let nas = Nas::of(&front).await;
    for (authenticator, field) in (1..).zip(FIELDS) {
        assert_eq!(nas.ask(login_with(field, authenticator), authenticator).await, code::ACCESS_REJECT, "{field:?}");
    }
    assert!(server.calls().is_empty(), "{:?}", server.calls());
}
