//! An answer always before the client gives up (RA-07), and Status-Server (RFC 5997).

use std::time::Duration;

use gatematch_client_sim::radius::Timing;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::front::{FrontDoor, PATIENCE, ask, rd_gateway};
use gatematch_tests::moves::{count, only};

use super::{APPROVE_ONLY, blind, tap};

#[tokio::test]
async fn ra_07_when_the_time_is_over_the_challenge_ends_before_the_answer_and_serves_nobody() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let late = async {
        let waiting = alice.phone.waiting(60).await.unwrap();
        site.clock.advance(48);
        waiting
    };
    let (answer, waiting) = tokio::join!(ask(&nps, &request), late);
    assert!(answer.is_reject());
    let events = site.audit().await;
    assert_eq!(only(&events, "challenge.cancelled").user.as_deref(), Some("alice"));
    let signed = alice.phone.response(&waiting[0].challenge, Decision::Approve, None, None).unwrap();
    let posted = alice.phone.post_response(&waiting[0].id.to_string(), &signed).await.unwrap();
    assert_eq!(posted.status, 409, "the approval comes too late");
    // The next login needs an approval of its own.
    let next = nps.request(rd_gateway("alice"));
    let (answer, ()) = tokio::join!(ask(&nps, &next), tap(&alice, Decision::Deny));
    assert!(answer.is_reject());
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 0);
}

#[tokio::test]
async fn an_answer_leaves_in_time_even_if_the_server_has_gone() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let clock = site.clock.clone();
    let gone = async {
        alice.phone.waiting(60).await.unwrap();
        site.stop().await;
        // Nothing can be decided any more; time goes on.
        for _ in 0..60 {
            clock.advance(1);
            tokio::task::yield_now().await;
        }
    };
    let answered = nps.exchange(&request, Timing::once(PATIENCE));
    let (answer, ()) = tokio::join!(answered, gone);
    assert!(answer.unwrap().is_reject());
}

#[tokio::test]
async fn status_server_is_answered_while_the_server_can_decide_and_not_otherwise() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    let status = nps.status_server();
    let answer = ask(&nps, &status).await;
    assert!(answer.is_accept() && answer.attributes[0].kind == 80);
    let clock = site.clock.clone();
    site.stop().await;
    clock.advance(5);
    let silence = nps.exchange(&nps.status_server(), Timing::once(Duration::from_millis(1_500))).await;
    assert!(silence.is_err(), "a proxy goes to another front door then");
}

#[tokio::test]
async fn a_stopping_front_door_rejects_who_waits_and_ends_the_challenge() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let stop = async {
        alice.phone.waiting(60).await.unwrap();
        front.front.stop().await;
    };
    let (answer, ()) = tokio::join!(ask(&nps, &request), stop);
    assert!(answer.is_reject());
    assert_eq!(count(&site.audit().await, "challenge.cancelled"), 1);
}
