//! "This wasn't me", said afterwards.

use gatematch_client_sim::gateway::Gateway;
use gatematch_domain::visit::Place;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::response::Decision;
use gatematch_tests::guest::{Browser, Seen};
use gatematch_tests::moves::{count, detail, only, state};
use gatematch_tests::{Person, Site};

use super::home;

async fn let_in(gateway: &Gateway, alice: &Person, client: &str) -> ChallengeView {
    let login = gateway.create(&alice.login_from(client), None).await.unwrap();
    alice.approve(&login).await;
    gateway.redeem(login.id, "r", 0).await.unwrap();
    login
}

async fn report(browser: &mut Browser, login: &ChallengeView) -> Seen {
    browser.post(&format!("/portal/sign-ins/{}/report", login.id), &[]).await
}

/// Alice, signed in by an invitation, with a phone and a gateway.
async fn scene() -> (Site, Gateway, Person, Browser) {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let browser = site.invited("alice", Place::Portal).await;
    (site, gateway, alice, browser)
}

#[tokio::test]
async fn a_login_that_was_let_in_is_reported_once_and_nothing_pretends_to_undo_it() {
    let (site, gateway, alice, mut browser) = scene().await;
    let login = let_in(&gateway, &alice, "UNKNOWN-BOX").await;
    assert!(home(&mut browser).await.says(&login.id.to_string()));
    let seen = report(&mut browser, &login).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=reported-in"), "{}", seen.text);
    let seen = browser.follow(seen).await;
    assert!(seen.says("Call the helpdesk") && seen.says("Change your password") && seen.says("does not undo"));
    assert!(!seen.says(&login.id.to_string()) && seen.says("You reported it"), "{}", seen.text);
    assert_eq!(state(&site.admin.challenge(login.id).await.unwrap()), ("redeemed", None), "it stays what it was");

    let events = site.audit().await;
    let event = only(&events, "portal.reported");
    assert_eq!((event.actor.as_deref(), event.user.as_deref()), (Some("person:alice"), Some("alice")));
    assert_eq!((detail(event, "challenge"), detail(event, "state")), (login.id.to_string(), "redeemed".to_owned()));
    let told = alice.phone.notices().await.unwrap();
    let told: Vec<_> = told.iter().map(|notice| (notice.kind.as_str(), notice.gateway.as_deref())).collect();
    assert_eq!(told, [("reported", Some("Oslo gateway"))]);
    // Such logins rest for a quarter of an hour; others do not.
    let again = gateway.create(&alice.login_from("unknown-box"), None).await.unwrap();
    assert_eq!(state(&again), ("denied", Some("rate-limited")));
    let other = gateway.create(&alice.login_from("CLIENT-PC"), None).await.unwrap();
    assert_eq!(state(&other), ("pending", None));

    let seen = report(&mut browser, &login).await;
    assert!(seen.status == 409 && seen.says("You have reported this one before"), "{}", seen.text);
    assert_eq!(count(&site.audit().await, "portal.reported"), 1);
    assert_eq!(alice.phone.notices().await.unwrap().len(), 1);
    let metrics = site.api().call("GET", "/metrics", &[], None).await.unwrap().text();
    assert!(metrics.contains("gatematch_challenges_total{reason=\"reported\",state=\"disowned\"} 1"), "{metrics}");
    site.clock.advance(901);
    let later = gateway.create(&alice.login_from("UNKNOWN-BOX"), None).await.unwrap();
    assert_eq!(state(&later), ("pending", None));
}

#[tokio::test]
async fn a_login_that_waits_or_that_nobody_has_used_yet_ends_by_the_report() {
    let (site, gateway, alice, mut browser) = scene().await;
    let waits = gateway.create(&alice.login_from("ONE"), None).await.unwrap();
    home(&mut browser).await;
    let seen = report(&mut browser, &waits).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=reported"));
    assert_eq!(state(&gateway.get(waits.id, 0).await.unwrap()), ("denied", Some("reported")));
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    assert_eq!(report(&mut browser, &waits).await.status, 409);

    let approved = gateway.create(&alice.login_from("TWO"), None).await.unwrap();
    alice.approve(&approved).await;
    report(&mut browser, &approved).await;
    assert_eq!(state(&gateway.get(approved.id, 0).await.unwrap()), ("cancelled", Some("reported")));
    let redeemed = gateway.redeem(approved.id, "r", 0).await;
    assert!(redeemed.map_or(true, |view| view.result.is_none()), "nobody comes in by it any more");
    // One that his phone has reported is reported.
    let by_phone = gateway.create(&alice.login_from("THREE"), None).await.unwrap();
    alice.report(&by_phone).await;
    assert!(home(&mut browser).await.says("you said that it was not you"));
    assert_eq!(report(&mut browser, &by_phone).await.status, 409);
    assert_eq!(count(&site.audit().await, "portal.reported"), 2);
}

#[tokio::test]
async fn only_logins_of_the_last_day_are_reported_and_so_many() {
    let (site, gateway, alice, mut browser) = scene().await;
    let old = let_in(&gateway, &alice, "OLD").await;
    let mut logins = Vec::new();
    site.clock.advance(86_399);
    for number in 0..31 {
        site.clock.advance(61);
        logins.push(gateway.create(&alice.login_from(&format!("PC{number}")), None).await.unwrap());
    }
    let mut browser_of_today = site.invited("alice", Place::Portal).await;
    assert_eq!(browser.get("/portal").await.status, 303, "the visit is long over");
    let seen = home(&mut browser_of_today).await;
    assert!(!seen.says(&old.id.to_string()));
    assert_eq!(report(&mut browser_of_today, &old).await.status, 404);
    for login in &logins[..30] {
        assert_eq!(report(&mut browser_of_today, login).await.status, 303);
    }
    let seen = report(&mut browser_of_today, &logins[30]).await;
    assert!(seen.status == 429 && seen.says("very many today"), "{}", seen.status);
    assert_eq!(count(&site.audit().await, "portal.reported"), 30);
}

#[tokio::test]
async fn a_strangers_knock_is_reported_without_harm_to_logins() {
    let (site, gateway, alice, mut browser) = scene().await;
    let mut stranger = site.browser();
    stranger.post("/portal/sign-in", &[("name", "alice")]).await;
    let waiting = alice.phone.waiting(0).await.unwrap();
    alice.phone.respond(&waiting[0].challenge, Decision::Deny, None, None).await.unwrap();
    let seen = home(&mut browser).await;
    assert!(seen.says("a browser that was not known") && seen.says("at this portal"));
    let knock = gateway_free_id(&seen);
    let seen = browser.post(&format!("/portal/sign-ins/{knock}/report"), &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=reported-knock"));
    assert_eq!(state(&gateway.create(&alice.login(), None).await.unwrap()), ("pending", None));
    stranger.post("/portal/sign-in", &[("name", "alice")]).await;
    let asked = alice.phone.waiting(0).await.unwrap().len();
    assert_eq!(asked, 1, "the login alone: strangers ring nothing for a quarter of an hour");
}

/// The id of the one sign-in that can be reported.
fn gateway_free_id(seen: &Seen) -> String {
    let (_, rest) = seen.text.split_once("/portal/sign-ins/").expect("one can be reported");
    rest.split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn somebody_who_had_the_name_before_is_somebody_else() {
    let (site, gateway, alice, _) = scene().await;
    let login = let_in(&gateway, &alice, "CLIENT-PC").await;
    site.clock.advance(60);
    site.admin.delete_user("alice").await.unwrap();
    site.user("alice").await;
    let mut browser = site.invited("alice", Place::Portal).await;
    let seen = home(&mut browser).await;
    assert!(!seen.says(&login.id.to_string()) && !seen.says("CLIENT-PC"), "{}", seen.text);
    assert_eq!(report(&mut browser, &login).await.status, 404);
}
