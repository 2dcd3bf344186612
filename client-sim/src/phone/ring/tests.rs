use gatematch_protocol::id::{DeviceId, NoticeId};
use gatematch_protocol::jws::{Header, sign, typ};
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::super::tests::{ISSUER, NOW, challenge, enrolled};
use super::*;
use crate::crypto::P256Key;

fn server() -> P256Key {
    P256Key::from_secret(&[8; 32]).unwrap()
}

fn numbered(number: u8) -> ChallengeId {
    ChallengeId::new(Timestamp::from_numeric_date(NOW), [number; 10])
}

fn pushed(phone: &Phone, number: u8) -> Vec<u8> {
    let signed = challenge(&server(), phone, |claims| claims["jti"] = json!(numbered(number)));
    json!({"v": 1, "challenge": signed}).to_string().into_bytes()
}

fn cancelled(number: u8) -> Vec<u8> {
    json!({"v": 1, "cancelled": numbered(number)}).to_string().into_bytes()
}

fn notice(phone: &Phone, key: &P256Key, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let account = phone.account().unwrap();
    let id = NoticeId::new(Timestamp::from_numeric_date(NOW), [4; 10]);
    let mut claims = json!({
        "iss": ISSUER, "aud": account.device_id, "sub": "alice", "jti": id, "iat": NOW, "kind": "no-page",
    });
    change(&mut claims);
    let kid = account.server_keys.keys[0].kid.clone();
    let signed = sign(&Header::with_kid(typ::NOTICE, kid), &claims, key).unwrap();
    json!({"v": 1, "notice": signed}).to_string().into_bytes()
}

async fn ring(phone: &Phone, plaintext: &[u8]) -> Ring {
    phone.on_push(plaintext).await.unwrap()
}

#[tokio::test]
async fn a_sign_in_rings_once_with_the_bytes_that_were_pushed() {
    let phone = enrolled(&server());
    let signed = challenge(&server(), &phone, |claims| claims["jti"] = json!(numbered(1)));
    let Ring::SignIn { challenge, claims } = ring(&phone, &pushed(&phone, 1)).await else { panic!("it rings") };
    assert_eq!(claims.jti, numbered(1));
    assert_eq!(claims.matching.unwrap().digits, 3);
    // ES256 by p256 is deterministic (RFC 6979), so that the two are the same bytes.
    assert_eq!(challenge, signed);
    assert_eq!(ring(&phone, &pushed(&phone, 1)).await, Ring::Nothing(Silence::Again));
    assert!(matches!(ring(&phone, &pushed(&phone, 2)).await, Ring::SignIn { .. }));
    assert!(!phone.note_heard(numbered(1)) && phone.note_heard(numbered(3)));
    assert_eq!(ring(&phone, &pushed(&phone, 3)).await, Ring::Nothing(Silence::Again), "it was fetched before");
}

#[tokio::test]
async fn what_is_late_forged_or_anothers_does_not_ring() {
    let phone = enrolled(&server());
    let with = |key: &P256Key, name: &'static str, value: Value| {
        let signed = challenge(key, &phone, move |claims| claims[name] = value);
        json!({"v": 1, "challenge": signed}).to_string().into_bytes()
    };
    let stranger = P256Key::from_secret(&[9; 32]).unwrap();
    let other = DeviceId::new(Timestamp::from_numeric_date(NOW), [5; 10]);
    for plaintext in [
        with(&server(), "exp", json!(NOW)),
        with(&server(), "aud", json!(other)),
        with(&server(), "iss", json!("https://other.example.com")),
        with(&stranger, "sub", json!("alice")),
        b"{\"v\":1,\"challenge\":\"nothing\"}".to_vec(),
    ] {
        let heard = ring(&phone, &plaintext).await;
        assert!(matches!(heard, Ring::Nothing(Silence::Challenge(_))), "{heard:?}");
    }
    assert_eq!(ring(&phone, b"{}").await, Ring::Nothing(Silence::Unreadable));
    // None of them was remembered as heard.
    assert!(matches!(ring(&phone, &pushed(&phone, 3)).await, Ring::SignIn { .. }));
}

#[tokio::test]
async fn a_cancellation_asks_to_fetch_in_whatever_order_it_comes() {
    let phone = enrolled(&server());
    assert!(matches!(ring(&phone, &pushed(&phone, 1)).await, Ring::SignIn { .. }));
    assert_eq!(ring(&phone, &cancelled(1)).await, Ring::FetchAgain(numbered(1)));
    assert_eq!(ring(&phone, &cancelled(1)).await, Ring::Nothing(Silence::Again));
    assert_eq!(ring(&phone, &pushed(&phone, 1)).await, Ring::Nothing(Silence::Again));
    assert_eq!(ring(&phone, &cancelled(2)).await, Ring::FetchAgain(numbered(2)));
    assert_eq!(ring(&phone, &pushed(&phone, 2)).await, Ring::FetchAgain(numbered(2)), "it was overtaken");
    assert!(phone.note_heard(numbered(2)), "where the server still has it, it is new");
}

#[tokio::test]
async fn a_notice_is_told_once_and_only_as_the_server_signed_it() {
    let phone = enrolled(&server());
    let stranger = P256Key::from_secret(&[9; 32]).unwrap();
    for forged in [
        notice(&phone, &stranger, |_| {}),
        notice(&phone, &server(), |claims| claims["iss"] = json!("https://other.example.com")),
        notice(&phone, &server(), |claims| claims["aud"] = json!(DeviceId::new(Timestamp::from_micros(0), [5; 10]))),
    ] {
        assert_eq!(ring(&phone, &forged).await, Ring::Nothing(Silence::Notice));
    }
    let sound = notice(&phone, &server(), |_| {});
    let Ring::Notice(claims) = ring(&phone, &sound).await else { panic!("it is told") };
    assert_eq!(claims.kind, "no-page");
    assert_eq!(ring(&phone, &sound).await, Ring::Nothing(Silence::Again));
}

#[tokio::test]
async fn what_a_phone_remembers_is_bounded() {
    let mut recent = Recent::default();
    for number in 0..1_000 {
        assert!(recent.add(number));
    }
    assert_eq!(recent.0.len(), MAX_HEARD);
    assert!(recent.has(&999) && !recent.has(&0));
}
