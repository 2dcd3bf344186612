//! A login from end to end, as the people in it live it.

use gatematch_protocol::response::Decision;
use gatematch_tests::{Site, audit_names};

#[tokio::test]
async fn a_login_is_approved_by_number() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;

    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!((challenge.status.as_str(), challenge.reason.as_deref()), ("pending", None));
    let number = challenge.number.clone().expect("a number to show");

    let signed = alice.signed(&challenge).await;
    let shown = alice.phone.read(&signed).await.unwrap();
    assert_eq!((shown.app.as_str(), shown.gateway.as_str()), ("Remote Desktop", "Oslo gateway"));
    let outcome = alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await.unwrap();
    assert_eq!(outcome.status, "approved");

    let redeemed = gateway.redeem(challenge.id, "login-1", 5).await.unwrap();
    assert_eq!(redeemed.status, "redeemed");
    let result = gateway.check_result(&redeemed).await.unwrap();
    assert_eq!((result.sub.as_str(), result.method.as_str(), result.number_match), ("alice", "push", true));

    let events = site.audit_of(&challenge).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.redeemed"]);
    site.stop().await;
}
