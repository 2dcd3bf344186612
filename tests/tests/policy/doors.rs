//! The same decision by every door: HTTP, RADIUS, and the connect page.

use gatematch_client_sim::connect::Browser;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::front::{FrontDoor, ask, rd_gateway};
use gatematch_tests::moves::{only, state};
use gatematch_tests::{Person, Site};
use serde_json::json;

use super::{asking, for_group, hold, person_in, rules};

/// Approves as soon as something waits, with the number, where one is asked for.
async fn approve(person: &Person, number: Option<&str>) {
    let waiting = person.phone.waiting(60).await.unwrap();
    let claims = person.phone.read(&waiting[0].challenge).await.unwrap();
    assert_eq!(claims.matching.map(|matching| usize::from(matching.digits)), number.map(str::len));
    person.phone.respond(&waiting[0].challenge, Decision::Approve, number, None).await.unwrap();
}

#[tokio::test]
async fn http_radius_and_the_page_decide_alike() {
    let site = Site::start().await;
    let shows = site.gateway_named("Bergen gateway", true).await;
    let blind = site.gateway_named("Oslo gateway", false).await;
    let front = FrontDoor::of(&site, &blind, "").await;
    let nps = front.nps().await;
    let people = [
        (person_in(&site, "anna", &["guests"]).await, "deny"),
        (person_in(&site, "ben", &["staff"]).await, "allow"),
        (person_in(&site, "cleo", &["admins"]).await, "ask"),
    ];
    hold(
        &site,
        &rules(json!([
            for_group("guests", &json!({"decision": "deny"})),
            for_group("staff", &json!({"decision": "allow"})),
            for_group("admins", &json!({"decision": "ask", "digits": 6}))
        ])),
    )
    .await;
    for (person, decision) in &people {
        let at_gateway = shows.create(&person.login(), None).await.unwrap();
        let request = nps.request(rd_gateway(&person.name));
        let page = Browser::new(site.api());
        match *decision {
            "deny" => {
                assert_eq!(state(&at_gateway), ("denied", Some("policy")));
                page.arm(&person.name).await.unwrap();
                assert!(ask(&nps, &request).await.is_reject());
                assert_eq!(page.current().await.unwrap().state, "armed", "the page hears nothing of it");
            }
            "allow" => {
                assert_eq!((state(&at_gateway), &at_gateway.number), (("approved", None), &None));
                let redeemed = shows.redeem(at_gateway.id, "r", 0).await.unwrap();
                let result = shows.check_result(&redeemed).await.unwrap();
                assert_eq!((result.method.as_str(), result.number_match, result.amr.len()), ("policy", false, 0));
                assert_eq!(result.device, None);
                assert!(ask(&nps, &request).await.is_accept());
                assert_eq!(person.phone.waiting(0).await.unwrap(), [], "nobody was asked");
            }
            _ => {
                assert_eq!(at_gateway.number.as_ref().map(String::len), Some(6));
                approve(person, at_gateway.number.as_deref()).await;
                page.arm(&person.name).await.unwrap();
                let on_page = async {
                    page.wait_for(|view| view.state == "confirm").await.unwrap();
                    let number = page.confirm(true).await.unwrap().number.unwrap();
                    approve(person, Some(&number)).await;
                };
                let (answer, ()) = tokio::join!(ask(&nps, &request), on_page);
                assert!(answer.is_accept());
            }
        }
    }
}

#[tokio::test]
async fn a_name_alone_never_opens() {
    let site = Site::start().await;
    let blind = site.gateway_named("Oslo gateway", false).await;
    let front = FrontDoor::of(&site, &blind, "first_factor = \"none\"").await;
    let ben = person_in(&site, "ben", &["staff"]).await;
    hold(&site, &rules(json!([for_group("staff", &json!({"decision": "allow"}))]))).await;
    let nps = front.nps().await;
    assert!(
        ask(&nps, &nps.request(rd_gateway("ben"))).await.is_reject(),
        "nobody has the page open, so nobody is asked"
    );
    let page = Browser::new(site.api());
    page.arm("ben").await.unwrap();
    let person = async {
        page.wait_for(|view| view.state == "confirm").await.unwrap();
        let number = page.confirm(true).await.unwrap().number.unwrap();
        approve(&ben, Some(&number)).await;
    };
    let request = nps.request(rd_gateway("ben"));
    let (answer, ()) = tokio::join!(ask(&nps, &request), person);
    assert!(answer.is_accept(), "he is asked instead");
}

#[tokio::test]
async fn a_name_alone_is_never_asked_for_a_bare_tap_that_the_gateway_did_not_want() {
    let site = Site::start().await;
    let blind = site.gateway_named("Oslo gateway", false).await;
    let alice = site.person("alice").await;
    hold(&site, &asking(json!({"no_display": "approve_only"}))).await;
    let strict = FrontDoor::of(&site, &blind, "first_factor = \"none\"").await;
    let nps = strict.nps().await;
    assert!(ask(&nps, &nps.request(rd_gateway("alice"))).await.is_reject());
    assert_eq!(alice.phone.waiting(0).await.unwrap(), []);
    let usual = FrontDoor::of(&site, &blind, "").await;
    let nps = usual.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let (answer, ()) = tokio::join!(ask(&nps, &request), approve(&alice, None));
    assert!(answer.is_accept(), "behind a password the rule decides");
}

#[tokio::test]
async fn ap_10_what_a_rule_asks_for_is_asked_for() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    hold(&site, &asking(json!({"digits": 2, "uv": "required", "methods": ["push"]}))).await;
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    let number = asked.number.clone().unwrap();
    assert_eq!((number.len(), asked.methods.as_slice()), (2, ["push".to_owned()].as_slice()));
    let signed = alice.signed(&asked).await;
    let claims = alice.phone.read(&signed).await.unwrap();
    assert_eq!((claims.uv.as_deref(), claims.matching.map(|matching| matching.digits)), (Some("required"), Some(2)));
    let bare = alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await.unwrap_err();
    assert_eq!(bare.code(), Some(Code::UvRequired));
    use gatematch_protocol::response::UserVerification::Pin;
    let heard = alice.phone.respond(&signed, Decision::Approve, Some(&number), Some(Pin)).await.unwrap();
    assert_eq!(heard.status, "approved");
    let events = site.audit_of(&asked).await;
    let detail = only(&events, "challenge.approved").detail.clone().unwrap();
    assert_eq!(detail["uv_claimed"], json!("pin"), "the phone's word, and nobody calls it more");
    hold(&site, &asking(json!({"methods": ["totp"]}))).await;
    let lacking = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&lacking), ("denied", Some("not-enrolled")));
}

#[tokio::test]
async fn nist_aal2_asks_for_six_digits_and_refuses_where_none_can_be_shown() {
    let site = Site::start().await;
    let (shows, alice) = (site.gateway().await, site.person("alice").await);
    let blind = site.gateway_named("Oslo gateway", false).await;
    let mut policy = asking(json!({}));
    policy.profile = Some("nist-aal2".to_owned());
    hold(&site, &policy).await;
    let asked = shows.create(&alice.login(), None).await.unwrap();
    assert_eq!(asked.number.map(|number| number.len()), Some(6));
    let bare = CreateChallenge { no_display: Some("approve_only".to_owned()), ..alice.login_from("PC") };
    assert_eq!(state(&blind.create(&bare, None).await.unwrap()), ("denied", Some("policy")));
}

#[tokio::test]
async fn a_change_between_signing_and_writing_is_noticed() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    for round in 0..40 {
        site.clock.advance(61);
        let policy = asking(json!({"digits": 2 + round % 5}));
        let login = alice.login_from(&format!("PC-{round}"));
        // One change for each login: it falls before, between or after its signing and its writing.
        let (_, asked) = tokio::join!(hold(&site, &policy), gateway.create(&login, None));
        let asked = asked.unwrap();
        let claims = alice.phone.read(&alice.signed(&asked).await).await.unwrap();
        let digits = claims.matching.map(|matching| usize::from(matching.digits));
        assert_eq!(digits, asked.number.as_ref().map(String::len), "the phone asks for what is shown");
    }
}
