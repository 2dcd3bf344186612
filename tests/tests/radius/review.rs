//! What a review found: one request gets nothing that was decided for another, and nobody switches the front door off.

use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::packet::kind;
use gatematch_client_sim::radius::{AccessRequest, Prepared, RadiusClient};
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::front::{FrontDoor, PATIENCE, SECRET, ask, drops, rd_gateway};
use gatematch_tests::moves::count;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{APPROVE_ONLY, blind, shape, tap};

/// How long silence lasts that is believed, where its end was seen by other means.
const QUIET: Duration = Duration::from_millis(50);

/// A front door that listens where it can, with these keys in `[radius]` and one client called `name`.
async fn front_with(site: &Site, gateway: &Gateway, keys: &str, name: &str) -> FrontDoor {
    let client = format!(
        "[[client]]\nname = '{name}'\nnetwork = \"127.0.0.1\"\nsecret = \"{SECRET}\"\ngateway_key = \"{}\"\n{APPROVE_ONLY}",
        gateway.key.reveal()
    );
    FrontDoor::at(site, &format!("listen = \"127.0.0.1:0\"\n{keys}\n"), &client).await
}

/// Waits until a line is among what the front door counted; `go_on` is done between looks.
async fn until_counted(front: &FrontDoor, line: &str, go_on: impl Fn()) {
    let counted = async {
        while !front.front.metrics_text().lines().any(|found| found == line) {
            go_on();
            yield_now().await;
        }
    };
    timeout(PATIENCE, counted).await.unwrap_or_else(|_| panic!("{line}: {}", front.front.metrics_text()));
}

#[tokio::test]
async fn the_authenticator_of_a_person_who_was_let_in_lets_nobody_else_in() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let bob = site.person("bob").await;
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let hers = nps.request_as(rd_gateway("alice"), 7, [9; 16]);
    let his = nps.request_as(rd_gateway("bob"), 7, [9; 16]);
    let person = async {
        alice.phone.waiting(60).await.unwrap();
        // While she waits, he gets nothing and ends nothing.
        nps.send_raw(&his.bytes).await.unwrap();
        assert!(front.is_silent_to(&nps).await);
        tap(&alice, Decision::Approve).await;
    };
    let (answer, ()) = tokio::join!(ask(&nps, &hers), person);
    assert!(answer.is_accept());
    nps.send_raw(&his.bytes).await.unwrap();
    assert!(front.is_silent_to(&nps).await);
    assert_eq!(ask(&nps, &hers).await.bytes, answer.bytes, "hers is as it was");
    let events = site.audit_when(|events| !drops(events).is_empty()).await;
    assert_eq!(drops(&events), ["authenticator-reused"]);
    assert_eq!((count(&events, "challenge.created"), count(&events, "challenge.redeemed")), (1, 1));
    assert!(bob.phone.waiting(0).await.unwrap().is_empty());

    // When her answer is forgotten, his login is one of its own.
    site.clock.advance(31);
    let (answer, ()) = tokio::join!(ask(&nps, &his), tap(&bob, Decision::Deny));
    assert!(answer.is_reject());
}

#[tokio::test]
async fn an_authenticator_that_is_repeated_asks_the_phone_again() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = |password| nps.request_as(rd_gateway("alice").password(password), 7, [9; 16]);
    let (one, two) = (request("one"), request("two"));
    let (answer, ()) = tokio::join!(ask(&nps, &one), tap(&alice, Decision::Approve));
    assert!(answer.is_accept());
    // The server knows what it was asked for ten minutes, the front door for half of one.
    site.clock.advance(31);
    let (answer, ()) = tokio::join!(ask(&nps, &two), tap(&alice, Decision::Deny));
    assert!(answer.is_reject(), "what she approved before is no answer to this");
    assert_eq!(count(&site.audit().await, "challenge.created"), 2);
}

/// Signed requests that nobody can decide, and their causes.
fn undecidable(nps: &RadiusClient) -> Vec<(Prepared, &'static str)> {
    let without = || rd_gateway("alice").without(kind::USER_NAME).without_proxy_state();
    let with = |kind: u8, value: &[u8]| rd_gateway("alice").without_proxy_state().attribute(kind, value);
    let requests: [(AccessRequest, &str); 6] = [
        (without().attribute(kind::USER_NAME, b"al\xffce"), "user-name-unreadable"),
        (without(), "user-name-missing"),
        (without().attribute(kind::USER_NAME, b""), "user-name-missing"),
        (with(kind::USER_NAME, b"bob"), "attribute-repeated"),
        (with(kind::USER_PASSWORD, &[7; 15]), "password-unreadable"),
        (with(kind::EAP_MESSAGE, &[2, 1, 0, 5, 1]), "eap-not-supported"),
    ];
    requests.map(|(request, cause)| (nps.request(request), cause)).into()
}

#[tokio::test]
async fn no_request_of_one_person_makes_the_front_door_look_dead() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    site.person("alice").await;
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let denied = shape(&ask(&nps, &nps.request(rd_gateway("nobody").without_proxy_state())).await);
    let mut told = Vec::new();
    for (request, cause) in undecidable(&nps) {
        let answer = ask(&nps, &request).await;
        assert_eq!(shape(&answer), denied, "{cause}: like any other");
        assert_eq!(ask(&nps, &request).await.bytes, answer.bytes, "{cause}: a retransmission");
        if !told.contains(&cause) {
            told.push(cause);
        }
        let line = format!("gatematch_radius_dropped_total{{client=\"rdg01\",cause=\"{cause}\"}} ");
        assert!(front.front.metrics_text().contains(&line), "{cause}");
    }
    let events = site.audit_when(|events| drops(events).len() == told.len()).await;
    assert_eq!(drops(&events), told);
    // That of nobody, which is denied.
    assert_eq!(count(&events, "challenge.created"), 0);
}

#[tokio::test]
async fn of_three_requests_under_one_identifier_the_last_is_served() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let [first, second, third] = [1, 2, 3].map(|filler| nps.request_as(rd_gateway("alice"), 7, [filler; 16]));
    let later = async {
        let before = alice.phone.waiting(60).await.unwrap().remove(0);
        let approved = async {
            loop {
                let waiting = alice.phone.waiting(60).await.unwrap();
                let Some(next) = waiting.into_iter().find(|waiting| waiting.id != before.id) else { continue };
                if alice.phone.respond(&next.challenge, Decision::Approve, None, None).await.is_ok() {
                    break;
                }
            }
        };
        tokio::join!(ask(&nps, &second), ask(&nps, &third), approved)
    };
    let (first, (second, third, ())) = tokio::join!(ask(&nps, &first), later);
    assert!(first.is_reject() && second.is_reject() && third.is_accept());
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 1);
}

#[tokio::test]
async fn a_server_that_is_gone_is_met_with_silence_only_where_the_settings_say_so() {
    for (keys, is_silent) in [("", false), ("when_unreachable = \"silence\"", true)] {
        let site = Site::start().await;
        let gateway = blind(&site).await;
        let front = front_with(&site, &gateway, keys, "rdg01").await;
        let nps = front.nps().await;
        assert!(ask(&nps, &nps.request(rd_gateway("nobody"))).await.is_reject(), "the key is known");
        let clock = site.clock.clone();
        site.stop().await;
        let request = nps.request(rd_gateway("alice"));
        nps.send_raw(&request.bytes).await.unwrap();
        let dropped = "gatematch_radius_dropped_total{client=\"rdg01\",cause=\"server-unavailable\"} 1";
        until_counted(&front, dropped, || clock.advance(1)).await;
        until_counted(&front, "gatematch_radius_waiting 0", || {}).await;
        let heard = nps.recv_raw(if is_silent { QUIET } else { PATIENCE }).await;
        assert_eq!(heard.map(|octets| octets[0]), (!is_silent).then_some(3));
    }
}

#[tokio::test]
async fn once_a_challenge_is_known_a_server_that_goes_is_met_with_reject() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = front_with(&site, &gateway, "when_unreachable = \"silence\"", "rdg01").await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let clock = site.clock.clone();
    let gone = async {
        alice.phone.waiting(60).await.unwrap();
        site.stop().await;
        let rejected = "gatematch_radius_answers_total{client=\"rdg01\",answer=\"reject\"} 1";
        until_counted(&front, rejected, || clock.advance(1)).await;
    };
    let (answer, ()) = tokio::join!(ask(&nps, &request), gone);
    assert!(answer.is_reject());
}

#[tokio::test]
async fn a_client_may_have_any_name_that_can_be_shown() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = front_with(&site, &gateway, "", "Oslo \\ gateway, 2nd").await;
    let nps = front.nps().await;
    assert!(ask(&nps, &nps.request(rd_gateway("alice").without(kind::USER_NAME))).await.is_reject());
    let line = r#"gatematch_radius_dropped_total{client="Oslo \\ gateway, 2nd",cause="user-name-missing"} 1"#;
    until_counted(&front, line, || {}).await;
    let events = site.audit_when(|events| !drops(events).is_empty()).await;
    let event = events.iter().find(|event| event.kind == "radius.dropped").unwrap();
    assert_eq!(event.detail.as_ref().unwrap()["radius_client"], "Oslo \\ gateway, 2nd");
}
