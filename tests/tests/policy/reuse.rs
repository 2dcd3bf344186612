//! One approval for one session, over the wire.

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::response::Decision;
use gatematch_tests::moves::{only, state};
use gatematch_tests::{Person, Site};
use serde_json::json;

use super::{asking, hold};

/// A sign-in that was approved by its number, and redeemed.
async fn approved(site: &Site, gateway: &Gateway, person: &Person) -> ChallengeView {
    // What is approved in the very moment in which a phone is added serves nothing more.
    site.clock.advance(1);
    let first = gateway.create(&person.login(), None).await.unwrap();
    let signed = person.signed(&first).await;
    person.phone.respond(&signed, Decision::Approve, first.number.as_deref(), None).await.unwrap();
    gateway.redeem(first.id, "one", 0).await.unwrap();
    first
}

#[tokio::test]
async fn one_approval_serves_one_session_and_is_told_each_time() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let other = site.gateway_named("Bergen gateway", true).await;
    hold(&site, &asking(json!({"reuse_seconds": 300}))).await;
    let first = approved(&site, &gateway, &alice).await;
    site.clock.advance(10);
    let second = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!((state(&second), &second.number), (("approved", None), &None));
    let result = gateway.check_result(&gateway.redeem(second.id, "two", 0).await.unwrap()).await.unwrap();
    assert_eq!((result.method.as_str(), result.number_match), ("reuse", false));
    assert_eq!((result.amr.len(), result.device), (0, alice.phone.device_id().ok()));
    let notices = alice.phone.notices().await.unwrap();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((notice.kind.as_str(), notice.gateway.as_deref()), ("login-reused", Some("Oslo gateway")));
    let events = site.audit_of(&second).await;
    let detail = only(&events, "challenge.approved").detail.clone().unwrap();
    assert_eq!((&detail["original"], &detail["uses"]), (&json!(first.id), &json!(1)));
    let elsewhere = other.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&elsewhere), ("pending", None));
    let renamed = gateway.create(&alice.login_from("OTHER-PC"), None).await.unwrap();
    assert_eq!(state(&renamed), ("pending", None));
    // It is remembered by the database, and what was used stays used.
    let site = site.restart().await;
    let gateway = gateway.moved_to(site.api());
    let third = gateway.create(&alice.login(), None).await.unwrap();
    let events = site.audit_of(&third).await;
    let detail = only(&events, "challenge.approved").detail.clone().unwrap();
    assert_eq!(detail["uses"], json!(2));
    site.clock.advance(290);
    assert_eq!(state(&gateway.create(&alice.login(), None).await.unwrap()), ("pending", None));
}

#[tokio::test]
async fn thirty_at_once_are_served_ten_times() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    hold(&site, &asking(json!({"reuse_seconds": 300}))).await;
    approved(&site, &gateway, &alice).await;
    let login = alice.login();
    let all = futures_util::future::join_all((0..30).map(|_| gateway.create(&login, None))).await;
    let served = all.into_iter().filter(|one| one.as_ref().is_ok_and(|one| one.status == "approved")).count();
    assert_eq!(served, 10);
}
