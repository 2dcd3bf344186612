//! What the phones are told of: changes of factors, failures once, and what another phone reports (AP-09).

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::captured::capture;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::another_number;

use super::wrong;

/// The kinds of what a phone was told, oldest first.
async fn told(phone: &Phone) -> Vec<String> {
    phone.notices().await.unwrap().into_iter().map(|notice| notice.kind).collect()
}

#[tokio::test]
async fn ap_09_what_one_phone_reports_is_told_to_the_others_and_to_the_administrators() {
    let log = capture();
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("ap09-alice").await;
    let other = site.phone_of("ap09-alice").await;
    site.clock.advance(1);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.report(&login).await;
    assert_eq!(told(&alice.phone).await, ["phone-added"], "whoever reports needs not be told");
    let notices = other.notices().await.unwrap();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((notice.kind.as_str(), notice.gateway.as_deref()), ("reported", Some("Oslo gateway")));
    assert_eq!(notice.client.as_ref().and_then(|client| client.name.as_deref()), Some("CLIENT-PC"));
    let log = log.text();
    let line = log.lines().find(|line| line.contains("says that a sign-in was not his") && line.contains("ap09-alice"));
    assert!(line.is_some_and(|line| line.contains("WARN") && line.contains("CLIENT-PC")), "{line:?}");
    let metrics = site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
    let line = metrics.lines().find(|line| line.starts_with("gatematch_challenges_total") && line.contains("reported"));
    assert_eq!(line, Some("gatematch_challenges_total{reason=\"reported\",state=\"denied\"} 1"));
}

#[tokio::test]
async fn ap_09_what_is_reported_on_the_connect_page_is_told_to_every_phone() {
    let site = Site::start().await;
    let gateway = site.gateway_named("Blind gateway", false).await;
    let alice = site.person("alice").await;
    let page = Browser::new(site.api());
    page.arm("alice").await.unwrap();
    gateway.create(&alice.login(), None).await.unwrap();
    page.confirm(false).await.unwrap();
    assert_eq!(told(&alice.phone).await, ["reported"]);
}

#[tokio::test]
async fn failures_are_told_once_until_a_success_or_an_unlock() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    site.clock.advance(1);
    let other = site.phone_of("alice").await;
    site.clock.advance(1);
    let fail = async || {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let signed = alice.signed(&login).await;
        let number = another_number(login.number.as_deref().unwrap());
        alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await.unwrap();
    };
    fail().await;
    fail().await;
    assert_eq!(told(&other).await, ["factor-failed"], "the second one is the same incident");
    assert_eq!(told(&alice.phone).await, ["phone-added"], "the phone where it happened shows it itself");
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    site.clock.advance(1);
    fail().await;
    assert_eq!(told(&other).await, ["factor-failed", "factor-failed"]);
    site.admin.unlock("alice", "he called").await.unwrap();
    site.clock.advance(1);
    let codes = site.recovery_codes_of("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    gateway.passcode(login.id, &wrong(codes[0].reveal())).await.unwrap();
    let all = told(&alice.phone).await;
    assert_eq!(all.iter().filter(|kind| *kind == "factor-failed").count(), 1, "a wrong code is told to every phone");
}

#[tokio::test]
async fn every_change_of_a_factor_is_told_to_the_phones_that_did_not_make_it() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let step = async |kind: &str| {
        site.clock.advance(30);
        let all = told(&alice.phone).await;
        assert_eq!(all.last().map(String::as_str), Some(kind), "{all:?}");
    };
    site.clock.advance(30);
    site.app_of("alice").await;
    step("totp-added").await;
    let codes = site.recovery_codes_of("alice").await;
    step("recovery-codes-made").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    gateway.passcode(login.id, codes[0].reveal()).await.unwrap();
    step("recovery-code-used").await;
    let pass = site.pass_of("alice", 1).await;
    step("access-pass-made").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    gateway.passcode(login.id, pass.pass.reveal()).await.unwrap();
    step("access-pass-used").await;
    site.admin.bypass("alice", &bypass(None)).await.unwrap();
    step("bypass-made").await;
    for (kind, told) in
        [("totp", "totp-removed"), ("recovery_codes", "recovery-codes-removed"), ("access_pass", "access-pass-removed")]
    {
        let all = site.admin.authenticators("alice").await.unwrap();
        let one = all.iter().find(|one| one.kind == kind).unwrap();
        site.admin.remove_authenticator("alice", &one.id, Some("a test")).await.unwrap();
        step(told).await;
    }
    let second = site.phone_of("alice").await;
    step("phone-added").await;
    site.admin.delete_device(second.device_id().unwrap()).await.unwrap();
    step("phone-removed").await;
    // What he does himself, his other phones are told alone.
    let third = site.phone_of("alice").await;
    let before = told(&third).await.len();
    site.clock.advance(30);
    third.recovery_codes().await.unwrap();
    step("recovery-codes-made").await;
    assert_eq!(told(&third).await.len(), before);
}
