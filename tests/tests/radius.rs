//! The RADIUS front door on real sockets: RA-01 to RA-10.

mod challenge;
mod codes;
mod datagrams;
mod freeradius;
mod review;
mod standalone;
mod time;
mod upstream;

use std::collections::BTreeSet;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient, Timing};
use gatematch_protocol::response::Decision;
use gatematch_tests::front::{FrontDoor, PATIENCE, ask, drops, rd_gateway};
use gatematch_tests::moves::count;
use gatematch_tests::{Person, Site};

/// Lets logins in for which nobody has the page open.
const APPROVE_ONLY: &str = "no_display = \"approve_only\"";

async fn blind(site: &Site) -> Gateway {
    site.gateway_named("Oslo gateway", false).await
}

/// The person taps Approve as soon as something waits, without a number.
async fn tap(person: &Person, decision: Decision) {
    let waiting = person.phone.waiting(60).await.unwrap();
    person.phone.respond(&waiting[0].challenge, decision, None, None).await.unwrap();
}

/// What an answer says to whoever cannot see behind it.
fn shape(answer: &Answer) -> (u8, Vec<u8>, Option<String>) {
    let kinds = answer.attributes.iter().map(|attribute| attribute.kind).collect();
    (answer.code, kinds, answer.reply_message())
}

#[tokio::test]
async fn a_login_through_rd_gateway_with_the_number_on_the_page() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, "accept = { \"MS-RDG-Device-Redirection\" = [\"drives\"] }").await;
    let nps = front.nps().await;
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let request = nps.request(rd_gateway("CONTOSO\\alice").proxy_state(b"fe80::1").proxy_state(b"84"));
    let person = async {
        browser.wait_for(|view| view.state == "confirm").await.unwrap();
        let number = browser.confirm(true).await.unwrap().number.unwrap();
        let waiting = alice.phone.waiting(0).await.unwrap();
        let claims = alice.phone.read(&waiting[0].challenge).await.unwrap();
        assert_eq!((claims.client.name.as_deref(), claims.gateway.as_str()), (Some("CLIENT-PC"), "Oslo gateway"));
        assert_eq!(
            (claims.client.ip, claims.exp - claims.iat),
            (None, 50),
            "the challenge lives as long as the request"
        );
        alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&number), None).await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&nps, &request), person);
    assert!(answer.is_accept());
    assert_eq!(answer.vendor(311, 63), Some(&[0, 0, 0, 1][..]), "drives are off");
    assert_eq!(answer.attributes[0].kind, 80, "Message-Authenticator comes first");
    let proxy_states: Vec<&[u8]> = answer.all(33).collect();
    assert!(proxy_states.ends_with(&[b"fe80::1", b"84"]), "unchanged and in order: {proxy_states:?}");
    let redeemed = site.audit().await.into_iter().find(|event| event.kind == "challenge.redeemed").unwrap();
    assert_eq!((redeemed.number_match, redeemed.user.as_deref()), (Some(true), Some("alice")));
}

#[tokio::test]
async fn a_denial_a_report_and_a_page_that_nobody_opened_are_one_reject() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let strict = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    let mut seen = BTreeSet::new();
    for decision in [Decision::Deny, Decision::Report] {
        let request = nps.request(rd_gateway("alice").without_proxy_state());
        let (answer, ()) = tokio::join!(ask(&nps, &request), tap(&alice, decision));
        seen.insert(shape(&answer));
    }
    let nps = strict.nps().await;
    seen.insert(shape(&ask(&nps, &nps.request(rd_gateway("alice").without_proxy_state())).await));
    let expected = (3, vec![80, 18], Some("The sign-in was not approved.".to_owned()));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn ra_04_a_retransmission_gets_the_same_bytes_and_one_challenge() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    for _ in 0..5 {
        nps.send_raw(&request.bytes).await.unwrap();
    }
    let (first, ()) = tokio::join!(ask(&nps, &request), tap(&alice, Decision::Approve));
    assert!(first.is_accept());
    for _ in 0..5 {
        assert_eq!(ask(&nps, &request).await.bytes, first.bytes);
    }
    site.clock.advance(29);
    assert_eq!(ask(&nps, &request).await.bytes, first.bytes);
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "challenge.redeemed")), (1, 1));
    assert_eq!(alice.phone.waiting(0).await.unwrap().len(), 0);
}

#[tokio::test]
async fn ra_04_after_a_restart_of_the_front_door_a_retransmission_finds_its_challenge() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let request = nps.request(rd_gateway("alice"));
    let (first, ()) = tokio::join!(ask(&nps, &request), tap(&alice, Decision::Approve));
    assert!(first.is_accept());
    // The same port, so that the client's address and port are the same pair.
    let address = front.address;
    front.front.stop().await;
    drop(front);
    let text = format!("listen = \"{address}\"\n");
    let again = restarted(&site, &gateway, &text).await;
    assert_eq!(ask(&nps, &request).await.code, first.code);
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
    again.front.stop().await;
}

async fn restarted(site: &Site, gateway: &Gateway, listen: &str) -> FrontDoor {
    let client = format!(
        "[[client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1/32\"\nsecret = \"{}\"\ngateway_key = \"{}\"\n{APPROVE_ONLY}",
        gatematch_tests::front::SECRET,
        gateway.key.reveal()
    );
    FrontDoor::at(site, listen, &client).await
}

#[tokio::test]
async fn ra_05_an_identifier_with_a_new_authenticator_takes_the_place_of_the_old_request() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let old = nps.request_as(rd_gateway("alice"), 7, [1; 16]);
    let new = nps.request_as(rd_gateway("alice"), 7, [2; 16]);
    let waiting_old = ask(&nps, &old);
    let then_new = async {
        let first = alice.phone.waiting(60).await.unwrap().remove(0);
        let signed = alice.phone.response(&first.challenge, Decision::Approve, None, None).unwrap();
        let approved_new = async {
            loop {
                let waiting = alice.phone.waiting(60).await.unwrap();
                let Some(next) = waiting.into_iter().find(|waiting| waiting.id != first.id) else { continue };
                // What was signed for the old one is worth nothing now.
                let late = alice.phone.post_response(&first.id.to_string(), &signed).await.unwrap();
                assert_eq!(late.status, 409);
                alice.phone.respond(&next.challenge, Decision::Approve, None, None).await.unwrap();
                break;
            }
        };
        tokio::join!(ask(&nps, &new), approved_new).0
    };
    let (old, new) = tokio::join!(waiting_old, then_new);
    assert!(old.is_reject(), "the request whose place was taken");
    assert!(new.is_accept());
}

#[tokio::test]
async fn ra_08_unknown_without_a_phone_locked_and_disabled_look_alike() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    site.user("bob").await;
    site.person("carol").await;
    site.lock("carol").await;
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let mut seen = BTreeSet::new();
    for user in ["nobody", "bob", "carol", "no such name at all", "x\\y\\z"] {
        seen.insert(shape(&ask(&nps, &nps.request(rd_gateway(user).without_proxy_state())).await));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen.first().unwrap().0, 3);
}

#[tokio::test]
async fn ra_09_every_spelling_is_one_account_or_a_reject() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    for user in ["alice", "ALICE", "CONTOSO\\alice", "alice@contoso.com", "\u{ff21}lice"] {
        let request = nps.request(rd_gateway(user));
        let (answer, ()) = tokio::join!(ask(&nps, &request), tap(&alice, Decision::Approve));
        assert!(answer.is_accept(), "{user}");
    }
    for user in ["alice.", ".alice", "al ice", "alice\0", "CONTOSO\\", "@contoso.com"] {
        assert!(ask(&nps, &nps.request(rd_gateway(user))).await.is_reject(), "{user}");
    }
}

#[tokio::test]
async fn a_machine_without_a_name_with_a_long_one_and_an_address() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, &format!("{APPROVE_ONLY}\ntrust_calling_station_id = true")).await;
    let distrusting = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let long = "\u{2603}".repeat(70);
    let plain = AccessRequest::plain("alice");
    for (front, request, name, ip) in [
        (&front, plain.clone(), None, None),
        (&front, plain.clone().machine(&long), Some("\u{2603}".repeat(42)), None),
        (&front, plain.clone().machine("PC\r\n\u{202e}x"), Some("PC\u{fffd}\u{fffd}\u{fffd}x".to_owned()), None),
        (&front, plain.clone().calling_station_id("203.0.113.7"), None, Some("203.0.113.7")),
        (&front, plain.clone().calling_station_id("not one"), None, None),
        (&distrusting, plain.calling_station_id("203.0.113.7"), None, None),
    ] {
        let nps = front.nps().await;
        let request = nps.request(request);
        let person = async {
            let waiting = alice.phone.waiting(60).await.unwrap();
            let claims = alice.phone.read(&waiting[0].challenge).await.unwrap();
            assert_eq!((claims.client.name, claims.client.ip.map(|ip| ip.to_string()).as_deref()), (name, ip));
            alice.phone.respond(&waiting[0].challenge, Decision::Approve, None, None).await.unwrap();
        };
        let (answer, ()) = tokio::join!(ask(&nps, &request), person);
        assert!(answer.is_accept());
    }
}

#[tokio::test]
async fn two_logins_without_a_number_collide_over_radius_as_over_http() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let first = nps.request(rd_gateway("alice"));
    let other = nps.request(AccessRequest::rd_gateway("alice").machine("OTHER"));
    let second = async {
        alice.phone.waiting(60).await.unwrap();
        ask(&nps, &other).await
    };
    let (first, second) = tokio::join!(ask(&nps, &first), second);
    assert!(first.is_reject() && second.is_reject());
    assert_eq!(count(&site.audit().await, "challenge.collision"), 1);
}

#[tokio::test]
async fn a_gateway_key_that_is_withdrawn_or_wrong_accepts_nobody() {
    let site = Site::start().await;
    let (gateway, _) = (blind(&site).await, site.person("alice").await);
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    site.admin.delete_gateway(gateway.id.unwrap()).await.unwrap();
    assert!(ask_within_its_time(&site, &nps).await.is_reject());
}

/// The answer to a login that is decided by nobody: the clock moves on until its time is over.
async fn ask_within_its_time(site: &Site, nps: &RadiusClient) -> Answer {
    let request = nps.request(rd_gateway("alice"));
    let exchange = nps.exchange(&request, Timing::once(PATIENCE));
    let time = async {
        loop {
            site.clock.advance(1);
            tokio::task::yield_now().await;
            site.audit().await;
        }
    };
    tokio::select! {
        answer = exchange => answer.unwrap(),
        () = time => unreachable!(),
    }
}

#[tokio::test]
async fn what_is_dropped_is_told_once_with_its_cause() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    for _ in 0..20 {
        let request = nps.request(rd_gateway("alice").without_message_authenticator());
        nps.send_raw(&request.bytes).await.unwrap();
    }
    assert!(front.is_silent_to(&nps).await);
    let events = site.audit_when(|events| !drops(events).is_empty()).await;
    assert_eq!(drops(&events), ["message-authenticator-missing"]);
    let text = front.front.metrics_text();
    assert!(
        text.contains("gatematch_radius_dropped_total{client=\"rdg01\",cause=\"message-authenticator-missing\"} 20"),
        "{text}"
    );
    assert_eq!(count(&events, "challenge.created"), 0);
}
