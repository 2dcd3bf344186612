//! One approval for one session, over the wire.

use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::moves::{only, state};
use serde_json::json;

use super::{asking, hold};

#[tokio::test]
async fn one_approval_serves_one_session_and_is_told_each_time() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let other = site.gateway_named("Bergen gateway", true).await;
    hold(&site, &asking(json!({"reuse_seconds": 300}))).await;
    // What is approved in the very moment in which a phone is added serves nothing more.
    site.clock.advance(1);
    let first = gateway.create(&alice.login(), None).await.unwrap();
    let signed = alice.signed(&first).await;
    alice.phone.respond(&signed, Decision::Approve, first.number.as_deref(), None).await.unwrap();
    gateway.redeem(first.id, "one", 0).await.unwrap();
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
    // What is approved in the very moment in which a phone is added serves nothing more.
    site.clock.advance(1);
    let first = gateway.create(&alice.login(), None).await.unwrap();
    let signed = alice.signed(&first).await;
    alice.phone.respond(&signed, Decision::Approve, first.number.as_deref(), None).await.unwrap();
    gateway.redeem(first.id, "one", 0).await.unwrap();
    let login = alice.login();
    let all = futures_util::future::join_all((0..30).map(|_| gateway.create(&login, None))).await;
    let served = all.into_iter().filter(|one| one.as_ref().is_ok_and(|one| one.status == "approved")).count();
    assert_eq!(served, 10);
}
