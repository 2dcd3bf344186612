//! A server that cannot be reached, or does not answer (`when_unreachable`).

use super::server::{Says, Server};
use super::*;

const SILENCE: &str = "when_unreachable = \"silence\"";

/// A server that answers until the front door knows its gateway, and then says this.
async fn then(more: &str, says: Says) -> (Server, Front, Nas) {
    let server = Server::start(Says::default()).await;
    let front = front(&server, "", more).await;
    let nas = Nas::of(&front).await;
    assert_eq!(nas.ask(login(0), 0).await, code::ACCESS_ACCEPT);
    *server.says.lock().unwrap() = says;
    (server, front, nas)
}

fn is_told(front: &Front, count: usize) -> bool {
    front.metrics_text().contains(&format!("{{client=\"rdg01\",cause=\"server-unavailable\"}} {count}\n"))
}

#[tokio::test]
async fn one_that_takes_the_call_and_never_answers_is_told_of() {
    let (_server, front, nas) = then("", Says { mute: true, ..Says::default() }).await;
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
    assert!(is_told(&front, 1));
}

#[tokio::test]
async fn with_silence_the_client_hears_nothing_and_may_ask_again() {
    for says in [Says { mute: true, ..Says::default() }, Says { broken: Some(503), ..Says::default() }] {
        let (server, front, nas) = then(SILENCE, says).await;
        nas.send(login(1)).await;
        assert_eq!(nas.next().await, None);
        assert!(is_told(&front, 1));
        *server.says.lock().unwrap() = Says::default();
        assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_ACCEPT, "the same octets are a new login");
    }
}

#[tokio::test]
async fn with_silence_also_where_the_server_was_never_up() {
    let server = Server::start(Says { broken: Some(503), ..Says::default() }).await;
    for (more, is_silent) in [(SILENCE, true), ("", false)] {
        let front = front(&server, "", more).await;
        let nas = Nas::of(&front).await;
        nas.send(login(1)).await;
        assert_eq!(nas.next().await.is_none(), is_silent);
        assert!(is_told(&front, 1));
    }
}

#[tokio::test]
async fn once_a_challenge_is_known_it_is_ended_and_the_answer_is_access_reject() {
    let mute = Says { mute_after_create: true, ..Says::default() };
    let (server, front, nas) = then(SILENCE, mute).await;
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
    assert_eq!(server.count("DELETE"), 1);
    assert!(is_told(&front, 1));

    // The answer comes after the deadline, and tells of one all the same.
    let late = Says { creating: Duration::from_millis(1_650), ..Says::default() };
    let (server, front, nas) = then(SILENCE, late).await;
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
    assert_eq!(server.count("DELETE"), 1);
    assert!(is_told(&front, 1));
}

#[tokio::test]
async fn one_that_says_that_nothing_is_decided_is_not_told_of() {
    let (server, front, nas) = then("", Says { redeemed: "pending", ..Says::default() }).await;
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
    assert_eq!(server.count("DELETE"), 1);
    assert!(!front.metrics_text().contains("cause=\"server-unavailable\""));
}

#[tokio::test]
async fn a_challenge_that_was_given_to_a_new_login_with_the_same_octets_is_left_to_it() {
    for is_sent_again in [true, false] {
        let late = Says { creating: Duration::from_millis(2_700), ..Says::default() };
        let (server, _front, nas) = then(SILENCE, late).await;
        nas.send(login(1)).await;
        assert_eq!(nas.next().await, None);
        *server.says.lock().unwrap() = Says { redeemed: "pending", ..Says::default() };
        if is_sent_again {
            nas.send(login(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(server.count("DELETE"), usize::from(!is_sent_again));
        if is_sent_again {
            server.says.lock().unwrap().redeemed = "redeemed";
            assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_ACCEPT);
        }
    }
}

#[tokio::test]
async fn what_the_server_decides_or_refuses_is_never_silence() {
    let says = Says::default;
    for says in [
        Says { created: "denied", ..says() },
        Says { broken: Some(401), ..says() },
        Says { broken: Some(422), ..says() },
    ] {
        let (_server, _front, nas) = then(SILENCE, says).await;
        assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_REJECT);
    }
}
