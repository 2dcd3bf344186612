//! The first request's password once more: sent by the client itself, or typed out of habit. It is never a code.

use super::*;

/// A password with the shape of an access pass.
const PASSWORD: &[u8] = b"Passw0rd12";

#[tokio::test]
async fn with_a_phone_it_waits_for_the_phone() {
    let (server, front, nas) = scene(Says { redeemed: "redeemed", ..both() }).await;
    let (asked, state) = nas.asked(login_with(PASSWORD, 1), 1).await;
    assert_eq!(asked, WITH_PHONE);
    let kept = format!("{:?}", front.shared.states());
    assert!(!kept.contains("Passw0rd12") && kept.contains("number: Some(Secret(..))"), "{kept}");
    assert_eq!(nas.ask(answer(PASSWORD, &state, 2), 2).await, code::ACCESS_ACCEPT);
    assert_eq!(server.calls(), ["POST", "POST redeem"]);
    assert!(server.bodies().iter().all(|body| !body.to_string().contains("Passw0rd12")));
}

#[tokio::test]
async fn without_a_phone_it_is_no_code_and_not_counted() {
    let (server, _front, nas) = scene(codes()).await;
    let (_, mut state) = nas.asked(login_with(PASSWORD, 1), 1).await;
    for authenticator in 2..7 {
        let (asked, next) = nas.asked(answer(PASSWORD, &state, authenticator), authenticator).await;
        assert_eq!(asked, WITHOUT_PHONE);
        state = next;
    }
    assert_eq!(nas.ask(answer(PASSWORD, &state, 7), 7).await, code::ACCESS_REJECT);
    assert_eq!(server.calls(), ["POST", "DELETE"]);
}

#[tokio::test]
async fn it_is_known_after_a_wrong_code_as_well_and_a_code_is_still_one() {
    let (server, _front, nas) = scene(codes()).await;
    let (_, state) = nas.asked(login_with(PASSWORD, 1), 1).await;
    let (asked, state) = nas.asked(answer(b"000000", &state, 2), 2).await;
    assert_eq!(asked, format!("That code was not right. {WITHOUT_PHONE}"));
    let (asked, state) = nas.asked(answer(PASSWORD, &state, 3), 3).await;
    assert_eq!(asked, WITHOUT_PHONE);
    assert_eq!(nas.ask(answer(b"123456", &state, 4), 4).await, code::ACCESS_ACCEPT);
    assert_eq!(server.count("POST passcode"), 2);
}

#[tokio::test]
async fn another_text_of_that_shape_and_another_logins_password_are_judged() {
    for (first, second) in [
        (login_with(PASSWORD, 1), &b"Passw0rd13"[..]),
        (login_with(PASSWORD, 1), b"passw0rd12"),
        (login_with(b"", 1), PASSWORD),
        (login(1), PASSWORD),
        (login(1).attribute(CHAP_PASSWORD, &[7; 17]), PASSWORD),
    ] {
        let (server, _front, nas) = scene(both()).await;
        let (_, state) = nas.asked(first, 1).await;
        let (asked, _) = nas.asked(answer(second, &state, 2), 2).await;
        assert_eq!(asked, format!("That code was not right. {WITH_PHONE}"), "{second:?}");
        assert_eq!(server.count("POST passcode"), 1);
    }
}
