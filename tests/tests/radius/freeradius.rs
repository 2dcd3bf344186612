//! Debian's FreeRADIUS in both places: as RD Gateway's NPS before us, and as the NPS behind us; `radclient` as a
//! plain client.

mod behind;

use gatematch_client_sim::connect::Browser;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::freeradius::{FreeRadius, Heard, Radclient, free_address, rd_gateway_asks};
use gatematch_tests::front::{FrontDoor, PATIENCE, drops};
use gatematch_tests::moves::{another_number, count, detail, only};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{APPROVE_ONLY, blind, tap};

/// What FreeRADIUS waits as RD Gateway's NPS does, in seconds: the most that it takes.
const WINDOW: u16 = 60;

/// Looks at what the front door counted until a figure is what it should be.
async fn until_counted(front: &FrontDoor, line: &str) {
    let counted = async {
        while !front.front.metrics_text().lines().any(|found| found == line) {
            yield_now().await;
        }
    };
    timeout(PATIENCE, counted).await.unwrap_or_else(|_| panic!("{line} is not counted"));
}

#[tokio::test]
async fn freeradius_before_us_lets_in_whoever_types_the_number_on_the_page() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let keys = "accept = { \"MS-RDG-Device-Redirection\" = [\"drives\"], \"Session-Timeout\" = 3600 }";
    let front = FrontDoor::of(&site, &gateway, keys).await;
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let person = async {
        browser.wait_for(|view| view.state == "confirm").await.unwrap();
        let number = browser.confirm(true).await.unwrap().number.unwrap();
        let waiting = alice.phone.waiting(0).await.unwrap();
        let claims = alice.phone.read(&waiting[0].challenge).await.unwrap();
        assert_eq!((claims.client.name.as_deref(), claims.gateway.as_str()), (Some("CLIENT-PC"), "Oslo gateway"));
        alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&number), None).await.unwrap();
    };
    let asks = rd_gateway_asks("CONTOSO\\alice");
    let (heard, ()) = tokio::join!(Radclient::of(nps.address).login(&asks), person);
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(heard.values("MS-TSG-Device-Redirection"), ["1"], "{}", heard.text);
    assert_eq!(heard.values("Session-Timeout"), ["3600"]);
    assert_eq!(only(&site.audit().await, "challenge.redeemed").number_match, Some(true));
}

#[tokio::test]
async fn freeradius_before_us_passes_a_denial_on_and_a_login_whose_time_is_over() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let mut nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let (asks, radclient) = (rd_gateway_asks("alice"), Radclient::of(nps.address));
    let (denied, ()) = tokio::join!(radclient.login(&asks), tap(&alice, Decision::Deny));
    let ignored = async {
        alice.phone.waiting(60).await.unwrap();
        site.clock.advance(48);
    };
    let (late, ()) = tokio::join!(radclient.login(&asks), ignored);
    for heard in [denied, late] {
        assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
        // FreeRADIUS' own Access-Reject would not say this.
        assert_eq!(heard.values("Reply-Message"), ["\"The sign-in was not approved.\""], "{}", heard.text);
    }
    let said = nps.said();
    assert!(said.iter().any(|line| line.contains("Sent Access-Reject")), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("as zombie")), "we have always answered");
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 0);
}

#[tokio::test]
async fn freeradius_before_us_passes_retransmissions_on_and_there_is_one_challenge() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let person = async {
        // FreeRADIUS passes on one a second at most.
        until_counted(&front, "gatematch_radius_duplicates_total{client=\"rdg01\"} 1").await;
        tap(&alice, Decision::Approve).await;
    };
    let asks = rd_gateway_asks("alice");
    let (heard, ()) = tokio::join!(Radclient::of(nps.address).impatient().login(&asks), person);
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "challenge.redeemed")), (1, 1));
}

#[tokio::test]
async fn freeradius_before_us_passes_the_number_and_the_state_on() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, "style = \"challenge\"").await;
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let radclient = Radclient::of(nps.address);
    let asked = radclient.login("User-Name = \"alice\"\nUser-Password = \"x\"\n").await;
    assert_eq!(asked.code(), Some("Access-Challenge"), "{}", asked.text);
    let message = asked.values("Reply-Message")[0].trim_matches('"').to_owned();
    let number = message.strip_prefix("Enter ").unwrap().strip_suffix(" in your phone").unwrap();
    let waiting = alice.phone.waiting(0).await.unwrap();
    alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(number), None).await.unwrap();
    let state = asked.values("State")[0];
    let second = format!("User-Name = \"alice\"\nUser-Password = \"\"\nState = {state}\n");
    let heard = radclient.login(&second).await;
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(radclient.login(&second).await.code(), Some("Access-Reject"), "a State is good once");
}

#[tokio::test]
async fn freeradius_before_us_passes_a_code_on_in_answer_to_a_challenge() {
    let site = Site::start().await;
    let (gateway, _alice, app) = (site.gateway().await, site.person("alice").await, site.app_of("alice").await);
    let front = FrontDoor::of(&site, &gateway, "style = \"challenge\"").await;
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let radclient = Radclient::of(nps.address);
    let types = async |asked: &Heard, typed: &str| {
        let state = asked.values("State")[0];
        radclient.login(&format!("User-Name = \"alice\"\nUser-Password = \"{typed}\"\nState = {state}\n")).await
    };
    let asked = radclient.login("User-Name = \"alice\"\nUser-Password = \"x\"\n").await;
    assert_eq!(asked.code(), Some("Access-Challenge"), "{}", asked.text);
    assert!(asked.values("Reply-Message")[0].ends_with(" in your phone. No phone? Type a backup code.\""));
    let code = site.code(&app, 0);
    let again = types(&asked, &another_number(code.reveal())).await;
    assert_eq!(again.code(), Some("Access-Challenge"), "{}", again.text);
    assert!(again.values("Reply-Message")[0].starts_with("\"That code was not right. Enter "), "{}", again.text);
    let heard = types(&again, code.reveal()).await;
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    let events = site.audit().await;
    assert_eq!(detail(only(&events, "challenge.approved"), "method"), "totp");
    only(&events, "challenge.passcode_failed");
    only(&events, "challenge.redeemed");
}

#[tokio::test]
async fn freeradius_before_us_passes_a_code_on_in_the_password_field() {
    let site = Site::start().await;
    site.user("alice").await;
    let (gateway, app) = (blind(&site).await, site.app_of("alice").await);
    let codes = site.recovery_codes_of("alice").await;
    let front = FrontDoor::of(&site, &gateway, "style = \"passcode\"").await;
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let code = site.code(&app, 0);
    let wrong = another_number(code.reveal());
    for (typed, outcome) in [
        (wrong.as_str(), "Access-Reject"),
        (code.reveal(), "Access-Accept"),
        (code.reveal(), "Access-Reject"),
        (codes[0].reveal(), "Access-Accept"),
    ] {
        let asks = format!("User-Name = \"CONTOSO\\\\alice\"\nUser-Password = \"{typed}\"\n");
        let heard = Radclient::of(nps.address).login(&asks).await;
        assert_eq!(heard.code(), Some(outcome), "{typed}: {}", heard.text);
    }
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 2);
}

#[tokio::test]
async fn freeradius_before_us_looks_after_us_by_status_server_when_its_own_window_was_too_short() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let mut nps = FreeRadius::before(&[(front.address, 1)]).await;
    let (asks, radclient) = (rd_gateway_asks("alice"), Radclient::of(nps.address));
    let gave_up = radclient.login(&asks).await;
    assert_eq!((gave_up.code(), gave_up.values("Reply-Message").len()), (Some("Access-Reject"), 0), "its own");
    nps.tells("as zombie").await;
    nps.tells("Received response to status check").await;
    // RA-07: what is approved for the login that was given up serves no later one.
    let nps = FreeRadius::before(&[(front.address, WINDOW)]).await;
    let radclient = Radclient::of(nps.address);
    let first = alice.phone.waiting(0).await.unwrap().remove(0);
    alice.phone.respond(&first.challenge, Decision::Approve, None, None).await.unwrap();
    let again = async {
        loop {
            let waiting = alice.phone.waiting(60).await.unwrap();
            let Some(next) = waiting.into_iter().find(|waiting| waiting.id != first.id) else { continue };
            alice.phone.respond(&next.challenge, Decision::Deny, None, None).await.unwrap();
            break;
        }
    };
    let (heard, ()) = tokio::join!(radclient.login(&asks), again);
    assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
    assert_eq!(heard.values("Reply-Message").len(), 1, "this one is ours");
}

#[tokio::test]
async fn freeradius_before_two_front_doors_goes_to_the_one_that_lives() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let mut nps = FreeRadius::before(&[(free_address(), 1), (front.address, WINDOW)]).await;
    let (asks, radclient) = (rd_gateway_asks("alice"), Radclient::of(nps.address));
    assert_eq!(radclient.login(&asks).await.code(), Some("Access-Reject"));
    nps.tells("as zombie").await;
    let (heard, ()) = tokio::join!(radclient.login(&asks), tap(&alice, Decision::Approve));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
}

#[tokio::test]
async fn radclient_is_served_as_a_plain_client() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, &format!("{APPROVE_ONLY}\naccept = {{ Class = \"staff\" }}")).await;
    let radclient = Radclient::of(front.address);
    assert_eq!(radclient.status().await.code(), Some("Access-Accept"));
    let asks = format!("{}Message-Authenticator = 0x00\n", rd_gateway_asks("CONTOSO\\alice"));
    let (heard, ()) = tokio::join!(radclient.login(&asks), tap(&alice, Decision::Approve));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(heard.names(), ["Message-Authenticator", "Class"]);
    let refused = radclient.login("User-Name = \"nobody\"\nMessage-Authenticator = 0x00\n").await;
    assert_eq!(refused.code(), Some("Access-Reject"), "{}", refused.text);
    // It signs only what it is told to sign.
    let bare = radclient.impatient();
    let silence = async { site.audit_when(|events| drops(events).len() == 1).await };
    let events = tokio::select! {
        heard = bare.login("User-Name = \"alice\"\n") => panic!("an answer: {}", heard.text),
        events = silence => events,
    };
    assert_eq!(drops(&events), ["message-authenticator-missing"]);
    assert_eq!(radclient.stranger(&asks).await.code(), None, "another secret");
    let events = site.audit_when(|events| drops(events).len() == 2).await;
    assert_eq!(drops(&events), ["message-authenticator-missing", "message-authenticator-wrong"]);
    assert_eq!(count(&events, "challenge.created"), 1);
}
