//! A request on the phone, and its ends.

use gatematch_tests::moves::{another_number, only, state};
use serde_json::json;

use super::{approves, asks, at_home, can_answer, signs_in, site};

#[tokio::test]
async fn a_sign_in_is_approved_by_the_number_that_is_typed_on_the_phone() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let (gateway, challenge) = signs_in(&site).await;
    let shown = phone.reaches("request", "asking").await;
    let text = shown["text"].as_str().unwrap();
    for told in ["Contoso", "CLIENT-PC wants to open Remote Desktop", "Oslo gateway", "203.0.113.7"] {
        assert!(text.contains(told), "{told} is missing in: {text}");
    }
    assert_eq!(phone.order("focus", json!({})).await, "number", "the number can be typed at once");
    can_answer(&mut phone).await;
    let number = challenge.number.as_deref().unwrap();
    phone.types(&number[..2]).await;
    assert!(!phone.is_enabled("#approve").await, "approve is dead until the number is complete");
    phone.types(&number[2..]).await;
    assert!(phone.is_enabled("#approve").await);
    phone.tap("#approve").await;
    let shown = phone.reaches("result", "approved").await;
    assert!(shown["text"].as_str().unwrap().contains("You can put the phone away."));
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    let result = gateway.check_result(&redeemed).await.unwrap();
    assert!(result.number_match && result.method == "push");
    assert_eq!(result.amr, ["swk"], "the phone claims no fingerprint");
    phone.tap("#done").await;
    let home = phone.reaches("home", "idle").await;
    assert!(home["text"].as_str().unwrap().contains("Last sign-in: Remote Desktop at Oslo gateway"), "{home}");
    phone.closes().await;
}

#[tokio::test]
async fn a_wrong_number_a_deny_and_a_report_open_nothing_and_say_so() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let gateway = site.gateway().await;

    let challenge = asks(&gateway, "PC-1").await;
    phone.reaches("request", "asking").await;
    let wrong = another_number(challenge.number.as_deref().unwrap());
    approves(&mut phone, &wrong).await;
    phone.reaches("result", "wrong-number").await;
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("denied", Some("wrong-number")));
    phone.tap("#done").await;

    let challenge = asks(&gateway, "PC-2").await;
    phone.reaches("request", "asking").await;
    can_answer(&mut phone).await;
    phone.tap("#deny").await;
    let shown = phone.reaches("result", "denied").await;
    assert!(shown["text"].as_str().unwrap().contains("Nothing was opened."));
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("denied", Some("user")));
    phone.tap("#done").await;

    let challenge = asks(&gateway, "PC-3").await;
    phone.reaches("request", "asking").await;
    can_answer(&mut phone).await;
    phone.tap("#report").await;
    phone.reaches("request", "report").await;
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().status, "pending", "it is asked once more first");
    phone.tap("#report-yes").await;
    phone.reaches("result", "reported").await;
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("denied", Some("reported")));
    let told = site.audit_of(&challenge).await;
    assert_eq!(only(&told, "challenge.denied").reason.as_deref(), Some("reported"));
    phone.closes().await;
}

#[tokio::test]
async fn a_request_that_was_answered_elsewhere_or_called_off_or_has_run_out_says_so() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let other = site.phone_of("alice").await;
    let gateway = site.gateway().await;

    let challenge = asks(&gateway, "PC-1").await;
    phone.reaches("request", "asking").await;
    let waiting = other.waiting(0).await.unwrap();
    let number = challenge.number.as_deref();
    other.respond(&waiting[0].challenge, gatematch_protocol::response::Decision::Approve, number, None).await.unwrap();
    let shown = phone.reaches("result", "over").await;
    assert!(shown["text"].as_str().unwrap().contains("answered on another phone"), "{shown}");
    gateway.redeem(challenge.id, "r", 0).await.unwrap();
    phone.tap("#done").await;

    let challenge = asks(&gateway, "PC-2").await;
    phone.reaches("request", "asking").await;
    gateway.cancel(challenge.id).await.unwrap();
    phone.reaches("result", "over").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;

    // The phone's own clock goes on; it holds against the end that is signed. The server's stands still, and soon finds
    // proofs of that phone to be from the future.
    phone.order("expect", json!({"text": "401"})).await;
    phone.order("holdClock", json!({})).await;
    phone.order("reload", json!({})).await;
    phone.reaches("home", "idle").await;
    let challenge = asks(&gateway, "PC-3").await;
    phone.order("ahead", json!({"seconds": 26})).await;
    phone.reaches("request", "asking").await;
    phone.order("ahead", json!({"seconds": 61})).await;
    let shown = phone.reaches("result", "expired").await;
    assert!(shown["text"].as_str().unwrap().contains("The time ran out"), "{shown}");
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().status, "pending", "the server's clock decides for itself");
    phone.closes().await;
}

#[tokio::test]
async fn an_answer_to_what_has_ended_meanwhile_is_told_as_it_is() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let (gateway, challenge) = signs_in(&site).await;
    phone.reaches("request", "asking").await;
    can_answer(&mut phone).await;
    // The phone does not hear of the end before it answers.
    phone.order("expect", json!({"text": "409"})).await;
    phone.order("blind", json!({"on": true})).await;
    phone.types(challenge.number.as_deref().unwrap()).await;
    gateway.cancel(challenge.id).await.unwrap();
    phone.tap("#approve").await;
    let shown = phone.reaches("result", "over").await;
    assert!(shown["text"].as_str().unwrap().contains("Called off"), "{shown}");
    phone.closes().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_can_be_given_again_and_counts_once() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let (gateway, challenge) = signs_in(&site).await;
    phone.reaches("request", "asking").await;
    can_answer(&mut phone).await;
    phone.types(challenge.number.as_deref().unwrap()).await;
    phone.order("expect", json!({"text": "ERR_"})).await;
    phone.order("expect", json!({"text": "409"})).await;
    // The server takes it, and its answer never arrives.
    phone.order("loseAnswer", json!({})).await;
    phone.tap("#approve").await;
    phone.reaches("result", "offline").await;
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().status, "approved");
    phone.tap("#again").await;
    phone.reaches("result", "approved").await;
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    assert!(gateway.check_result(&redeemed).await.unwrap().number_match);
    only(&site.audit().await, "challenge.approved");
    phone.closes().await;
}

#[tokio::test]
async fn a_second_request_waits_behind_the_one_that_is_shown() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let gateway = site.gateway().await;
    let first = asks(&gateway, "PC-1").await;
    let shown = phone.reaches("request", "asking").await;
    assert!(shown["text"].as_str().unwrap().contains("PC-1"));
    let second = asks(&gateway, "PC-2").await;
    phone.order("waits", json!({"for": "#others:not(:empty)"})).await;
    let shown = phone.reaches("request", "asking").await;
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("PC-1 wants") && text.contains("1 more is waiting"), "{text}");
    approves(&mut phone, first.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    gateway.redeem(first.id, "r", 0).await.unwrap();
    phone.tap("#done").await;
    let shown = phone.reaches("request", "asking").await;
    assert!(shown["text"].as_str().unwrap().contains("PC-2"), "{shown}");
    approves(&mut phone, second.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    phone.closes().await;
}
