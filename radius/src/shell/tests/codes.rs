//! The style `challenge` with codes in place of the phone.

use super::server::{Judged, Says, Server};
use super::*;
use crate::attribute::CHAP_PASSWORD;

mod life;
mod repeated;

const STYLE: &str = "style = \"challenge\"";
const BOTH: &[&str] = &["push", "totp", "recovery_code"];
const CODES: &[&str] = &["totp", "access_pass"];
const WITH_PHONE: &str = "Enter 047 in your phone. No phone? Type a backup code.";
const WITHOUT_PHONE: &str = "Type the code from your authenticator app or a backup code";

/// A user with a number on his phone, who has codes as well; the phone does not answer.
fn both() -> Says {
    Says { number: Some("047"), methods: BOTH, redeemed: "pending", method: "totp", ..Says::default() }
}

/// A user without a phone.
fn codes() -> Says {
    Says { number: None, methods: CODES, ..both() }
}

async fn scene(says: Says) -> (Server, Front, Nas) {
    let server = Server::start(says).await;
    let front = front(&server, STYLE, "").await;
    let nas = Nas::of(&front).await;
    (server, front, nas)
}

fn answer(field: &[u8], state: &[u8], authenticator: u8) -> Query {
    login_with(field, authenticator).attribute(STATE, state)
}

#[tokio::test]
async fn a_code_opens_with_and_without_a_phone() {
    for (says, question) in [(both(), WITH_PHONE), (codes(), WITHOUT_PHONE)] {
        let (server, _front, nas) = scene(says).await;
        let (asked, state) = nas.asked(login(1), 1).await;
        assert_eq!((asked.as_str(), state.len()), (question, 16));
        assert_eq!(nas.ask(answer(b"123 456", &state, 2), 2).await, code::ACCESS_ACCEPT);
        assert_eq!(server.calls(), ["POST", "POST passcode", "POST redeem"]);
        let bodies = server.bodies();
        assert_eq!((bodies[0]["display"].as_str(), bodies[0].get("methods")), (Some("number"), None));
        assert_eq!(bodies[1], serde_json::json!({"passcode": "123456"}));
    }
}

#[tokio::test]
async fn what_is_no_code_leaves_it_to_the_phone() {
    for field in [None, Some(&b""[..]), Some(b"047"), Some(b"ok"), Some(b"\xff\xff"), Some(&[b'x'; 128])] {
        let (server, _front, nas) = scene(Says { redeemed: "redeemed", ..both() }).await;
        let (_, state) = nas.asked(login(1), 1).await;
        let answer = field.map_or_else(|| login(2).attribute(STATE, &state), |field| answer(field, &state, 2));
        assert_eq!(nas.ask(answer, 2).await, code::ACCESS_ACCEPT, "{field:?}");
        assert_eq!(server.calls(), ["POST", "POST redeem"]);
    }
    // CHAP, as before; and a password that looks like a code where none can help.
    let (server, _front, nas) = scene(Says { redeemed: "redeemed", methods: &["push"], ..both() }).await;
    let (asked, state) = nas.asked(login(1), 1).await;
    assert_eq!(asked, "Enter 047 in your phone");
    assert_eq!(nas.ask(answer(b"Passw0rd12", &state, 2), 2).await, code::ACCESS_ACCEPT);
    let (_, state) = nas.asked(login(3), 3).await;
    let chap = login(4).attribute(STATE, &state).attribute(CHAP_PASSWORD, &[7; 17]);
    assert_eq!(nas.ask(chap, 4).await, code::ACCESS_ACCEPT);
    assert_eq!(server.count("POST passcode"), 0);
}

#[tokio::test]
async fn a_phone_without_number_is_waited_for() {
    let (server, _front, nas) = scene(Says { number: None, redeemed: "redeemed", ..both() }).await;
    assert_eq!(nas.ask(login(1), 1).await, code::ACCESS_ACCEPT);
    assert_eq!(server.calls(), ["POST", "POST redeem"]);
}

#[tokio::test]
async fn two_wrong_codes_ask_again_and_the_right_one_opens() {
    for (says, question) in [(both(), WITH_PHONE), (codes(), WITHOUT_PHONE)] {
        let (server, _front, nas) = scene(says).await;
        let (_, mut state) = nas.asked(login(1), 1).await;
        for authenticator in 2..4 {
            let (asked, next) = nas.asked(answer(b"000000", &state, authenticator), authenticator).await;
            assert_eq!(asked, format!("That code was not right. {question}"));
            assert_ne!(next, state);
            state = next;
        }
        assert_eq!(nas.ask(answer(b"123456", &state, 4), 4).await, code::ACCESS_ACCEPT);
        assert_eq!((server.count("POST passcode"), server.count("DELETE")), (3, 0));
    }
}

#[tokio::test]
async fn a_number_of_six_digits_is_the_only_run_of_six_and_is_no_code() {
    let (server, _front, nas) = scene(Says { number: Some("047193"), ..both() }).await;
    let (mut asked, mut state) = nas.asked(login(1), 1).await;
    for authenticator in 2..4 {
        let runs = asked.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        assert_eq!(runs.collect::<Vec<_>>(), ["047193"], "{asked}");
        (asked, state) = nas.asked(answer(b"000000", &state, authenticator), authenticator).await;
    }
    server.says.lock().unwrap().redeemed = "redeemed";
    assert_eq!(nas.ask(answer(b"047193", &state, 4), 4).await, code::ACCESS_ACCEPT, "the phone has decided");
    assert_eq!(server.count("POST passcode"), 2);
}

#[tokio::test]
async fn the_third_wrong_code_ends_it() {
    let (server, _front, nas) = scene(both()).await;
    let (_, mut state) = nas.asked(login(1), 1).await;
    for authenticator in 2..4 {
        state = nas.asked(answer(b"000000", &state, authenticator), authenticator).await.1;
    }
    assert_eq!(nas.ask(answer(b"000000", &state, 4), 4).await, code::ACCESS_REJECT);
    assert_eq!((server.count("POST passcode"), server.count("DELETE")), (3, 0), "the server has ended it");
}

#[tokio::test]
async fn without_a_phone_what_is_no_code_is_asked_again_five_times_and_not_counted() {
    let (server, _front, nas) = scene(codes()).await;
    let (_, mut state) = nas.asked(login(1), 1).await;
    let junk: [&[u8]; 5] = [b"", b"ok", b"12345", b"\xff\xff\xff\xff\xff\xff", &[b'1'; 128]];
    for (authenticator, field) in (2..).zip(junk) {
        let (asked, next) = nas.asked(answer(field, &state, authenticator), authenticator).await;
        assert_eq!(asked, WITHOUT_PHONE);
        state = next;
    }
    assert_eq!(server.calls(), ["POST"]);
    assert_eq!(nas.ask(answer(b"ok", &state, 7), 7).await, code::ACCESS_REJECT);
    assert_eq!(server.calls(), ["POST", "DELETE"]);
    // A code after them would still have been taken.
    let (_, mut state) = nas.asked(login(8), 8).await;
    for authenticator in 9..14 {
        state = nas.asked(login(authenticator).attribute(STATE, &state), authenticator).await.1;
    }
    assert_eq!(nas.ask(answer(b"123456", &state, 14), 14).await, code::ACCESS_ACCEPT);
}

#[tokio::test]
async fn chap_hides_a_code_so_it_is_refused_where_only_a_code_helps() {
    let (server, front, nas) = scene(codes()).await;
    let (_, state) = nas.asked(login(1), 1).await;
    let chap = login(2).attribute(STATE, &state).attribute(CHAP_PASSWORD, &[7; 17]);
    assert_eq!(nas.ask(chap, 2).await, code::ACCESS_REJECT);
    assert_eq!((server.count("POST passcode"), server.count("DELETE")), (0, 1));
    assert!(front.metrics_text().contains("cause=\"password-unreadable\"} 1"));
}

#[tokio::test]
async fn a_retransmission_spends_nothing_and_counts_nothing() {
    for (field, ends) in [(&b"123456"[..], code::ACCESS_ACCEPT), (b"000000", code::ACCESS_CHALLENGE)] {
        let (server, _front, nas) = scene(Says { judging: Duration::from_millis(200), ..both() }).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            nas.send(login(1)).await;
            seen.push(nas.reply(1).await);
        }
        assert!(seen.iter().all(|reply| *reply == seen[0]));
        let state = Packet::decode(&seen[0]).unwrap().first(STATE).unwrap().to_vec();
        // Twice while the code is judged, and twice afterwards.
        nas.send(answer(field, &state, 2)).await;
        while server.count("POST passcode") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        nas.send(answer(field, &state, 2)).await;
        let reply = nas.reply(2).await;
        assert_eq!(Packet::decode(&reply).unwrap().code(), ends);
        for _ in 0..2 {
            nas.send(answer(field, &state, 2)).await;
            assert_eq!(nas.reply(2).await, reply);
        }
        assert_eq!((server.count("POST passcode"), server.bodies().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_state_is_good_once_and_for_its_user_whatever_is_typed() {
    let (server, _front, nas) = scene(both()).await;
    let (_, first) = nas.asked(login(1), 1).await;
    let (_, second) = nas.asked(answer(b"000000", &first, 2), 2).await;
    assert_eq!(nas.ask(answer(b"123456", &first, 3), 3).await, code::ACCESS_REJECT, "spent");
    let hidden = hide_password(b"123456", &[4; 16], &nas.secret).unwrap();
    let other = login_of("CONTOSO\\bob", 4).attribute(USER_PASSWORD, &hidden).attribute(STATE, &second);
    assert_eq!(nas.ask(other, 4).await, code::ACCESS_REJECT, "another user");
    assert_eq!(nas.ask(answer(b"123456", &second, 5), 5).await, code::ACCESS_REJECT, "and over for its own");
    assert_eq!(server.calls(), ["POST", "POST passcode", "DELETE"]);
}

#[tokio::test]
async fn a_code_whose_answer_is_lost_is_not_given_again() {
    let lost = |judged| Says { judged, ..both() };
    for (says, field, ends, deletes) in [
        (lost(Judged::Lost), &b"123456"[..], code::ACCESS_ACCEPT, 0),
        (lost(Judged::Lost), b"000000", code::ACCESS_REJECT, 1),
        (lost(Judged::Mute), b"123456", code::ACCESS_REJECT, 1),
        (lost(Judged::Refused(503)), b"123456", code::ACCESS_REJECT, 1),
        (lost(Judged::Refused(429)), b"123456", code::ACCESS_REJECT, 1),
        (lost(Judged::Refused(404)), b"123456", code::ACCESS_REJECT, 1),
        (lost(Judged::Refused(401)), b"123456", code::ACCESS_REJECT, 1),
        // Decided meanwhile: by the phone, or ended.
        (Says { redeemed: "redeemed", ..lost(Judged::Refused(409)) }, b"123456", code::ACCESS_ACCEPT, 0),
        (Says { redeemed: "cancelled", ..lost(Judged::Refused(409)) }, b"123456", code::ACCESS_REJECT, 0),
        (Says { to_the_point: false, ..both() }, b"123456", code::ACCESS_REJECT, 1),
        (Says { to_the_point: false, ..both() }, b"000000", code::ACCESS_REJECT, 1),
        (Says { honest: false, ..both() }, b"123456", code::ACCESS_REJECT, 1),
    ] {
        let (server, _front, nas) = scene(says).await;
        let (_, state) = nas.asked(login(1), 1).await;
        assert_eq!(nas.ask(answer(field, &state, 2), 2).await, ends, "{:?}", server.calls());
        assert_eq!((server.count("POST passcode"), server.count("DELETE")), (1, deletes), "{:?}", server.calls());
    }
}
