//! Challenges under attack: CH-02 and CH-04 to CH-07. CH-03 is in `secrecy`, CH-01 in `limits`.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_client_sim::http::Answer;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_server::edge::{Clock as _, Edge, Entropy, NoEntropy};
use gatematch_tests::moves::{another_number, count, heard, only, race, refusal, state};
use gatematch_tests::{Site, audit_names};
use serde_json::json;

/// Random in everything but the draw of a number, the only one of eight bytes.
struct Stuck;

impl Entropy for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if bytes.len() == 8 {
            bytes.fill(0x55);
            return Ok(());
        }
        Edge::system().entropy.fill(bytes)
    }
}

#[tokio::test]
async fn ch_02_live_numbers_of_a_user_differ_even_where_chance_repeats_itself() {
    let site = Site::start_with_entropy(Arc::new(Stuck)).await;
    let gateway = site.gateway().await;
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    let mut numbers = BTreeSet::new();
    let first = gateway.create(&alice.login_from("PC-0"), None).await.unwrap();
    numbers.insert(first.number.clone().unwrap());
    // Approved is live as well: its number must not come again before it is redeemed or dead.
    alice.approve(&first).await;
    for client in ["PC-1", "PC-2", "PC-3"] {
        let next = gateway.create(&alice.login_from(client), None).await.unwrap();
        assert_eq!(next.status, "pending");
        assert!(numbers.insert(next.number.unwrap()), "two live challenges share a number");
    }
    let other = gateway.create(&bob.login(), None).await.unwrap();
    assert_eq!(other.number, first.number, "the draw was not stuck, so nothing was tested");
    gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!(count(&site.audit().await, "challenge.created"), 5);
}

#[tokio::test]
async fn ch_02_numbers_have_three_digits_and_are_spread() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let mut numbers = Vec::new();
    for _ in 0..400 {
        site.clock.advance(61);
        numbers.push(gateway.create(&alice.login(), None).await.unwrap().number.unwrap());
    }
    assert!(numbers.iter().all(|number| number.len() == 3 && number.bytes().all(|digit| digit.is_ascii_digit())));
    for place in 0..3 {
        let digits: BTreeSet<u8> = numbers.iter().map(|number| number.as_bytes()[place]).collect();
        // Each of the ten misses 400 draws once in 10^18 runs.
        assert_eq!(digits.len(), 10, "place {place}");
    }
    let distinct: BTreeSet<&String> = numbers.iter().collect();
    assert!((270..=390).contains(&distinct.len()), "{} of 1,000 in 400 draws", distinct.len());
    assert_eq!(count(&site.audit().await, "challenge.created"), 400);
}

/// Status, and the body without what belongs to the request alone.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let mut headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, answer.text(), headers)
}

#[tokio::test]
async fn ch_04_somebody_elses_challenge_answers_like_one_that_does_not_exist() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let (alice, mallory) = (site.person("alice").await, site.person("mallory").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let nobodys = ChallengeId::new(site.clock.now(), [7; 10]);
    let redeem = json!({"redemption_id": "r"}).to_string().into_bytes();
    let passcode = json!({"passcode": "123456"}).to_string().into_bytes();
    for (method, end, body) in [
        ("GET", "", None),
        ("GET", "?wait=60", None),
        ("POST", "/redeem", Some(redeem.clone())),
        ("POST", "/redeem?wait=60", Some(redeem)),
        ("POST", "/passcode", Some(passcode)),
        ("DELETE", "", None),
    ] {
        let theirs = other.call(method, &format!("/v1/challenges/{}{end}", login.id), body.clone()).await.unwrap();
        let none = other.call(method, &format!("/v1/challenges/{nobodys}{end}"), body).await.unwrap();
        assert_eq!(theirs.status, 404, "{method} {end}");
        assert_eq!(told(&theirs), told(&none), "{method} {end}");
    }
    // A sound signature of another person's phone, for her challenge and for none.
    let signed = alice.signed(&login).await;
    let response = mallory.phone.response(&signed, Decision::Approve, login.number.as_deref(), None).unwrap();
    let theirs = mallory.phone.post_response(&login.id.to_string(), &response).await.unwrap();
    let forged = signed_for(&mallory.phone, &signed, nobodys);
    let none = mallory.phone.post_response(&nobodys.to_string(), &forged).await.unwrap();
    assert_eq!((theirs.status, told(&theirs)), (404, told(&none)));
    assert!(mallory.phone.waiting(0).await.unwrap().is_empty());
    assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("pending", None));

    let events = site.audit().await;
    let refused: Vec<_> = events.iter().filter(|event| event.kind == "request.refused").collect();
    assert_eq!(refused.len(), 14);
    assert!(refused.iter().all(|event| event.reason.as_deref() == Some("not-found")));
    let (phone, gateway) = (mallory.phone.device_id().unwrap().to_string(), other.id.unwrap().to_string());
    assert_eq!(refused.iter().filter(|event| event.device.as_ref() == Some(&phone)).count(), 2);
    assert_eq!(refused.iter().filter(|event| event.gateway.as_ref() == Some(&gateway)).count(), 12);
}

/// A response that is sound but for the challenge's id.
fn signed_for(phone: &gatematch_client_sim::phone::Phone, challenge: &str, id: ChallengeId) -> String {
    use gatematch_protocol::jws::{Header, sign, typ};
    use gatematch_protocol::response::challenge_digest;
    let device = phone.device_id().unwrap().to_string();
    let claims = json!({
        "iss": device, "aud": phone.issuer(), "jti": id, "iat": phone.now(),
        "challenge": challenge_digest(challenge), "decision": "approve", "number": "000",
    });
    sign(&Header::with_kid(typ::RESPONSE, device), &claims, phone.key()).unwrap()
}

#[tokio::test]
async fn ch_05_number_and_signature_of_one_login_never_work_on_the_other() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let one = gateway.create(&alice.login_from("PC-1"), None).await.unwrap();
    let two = gateway.create(&alice.login_from("PC-2"), None).await.unwrap();
    let (number_one, number_two) = (one.number.as_deref().unwrap(), two.number.as_deref().unwrap());
    assert_ne!(number_one, number_two);

    // The signature of one on the other.
    let approval = alice.signed_approval(&one).await;
    let answer = alice.phone.post_response(&two.id.to_string(), &approval).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::WrongChallenge);
    // The other's id over the hash of this one.
    let mixed = signed_for(&alice.phone, &alice.signed(&one).await, two.id);
    let answer = alice.phone.post_response(&two.id.to_string(), &mixed).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::WrongChallenge);
    for login in [&one, &two] {
        assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("pending", None));
    }
    // The number of one on the other ends it.
    let outcome = alice.answer(&two, Decision::Approve, Some(number_one)).await;
    assert_eq!(heard(&outcome), ("denied", Some("wrong-number")));
    assert_eq!(heard(&alice.approve(&one).await), ("approved", None));
    let redeemed = gateway.redeem(two.id, "r", 0).await.unwrap();
    assert_eq!((state(&redeemed), &redeemed.result), (("denied", Some("wrong-number")), &None));
    assert_eq!(gateway.redeem(one.id, "r", 0).await.unwrap().status, "redeemed");

    let events = site.audit_of(&two).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.denied"]);
    assert_eq!(only(&events, "challenge.denied").reason.as_deref(), Some("wrong-number"));
    assert_eq!(count(&site.audit().await, "request.refused"), 2);
}

#[tokio::test]
async fn ch_05_two_phones_have_challenges_of_their_own() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let tablet = site.phone_of("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let for_phone = alice.signed(&login).await;
    let for_tablet = tablet.waiting(0).await.unwrap().remove(0).challenge;
    assert_ne!(for_phone, for_tablet);
    let number = login.number.as_deref();
    let crossed = tablet.respond(&for_phone, Decision::Approve, number, None).await;
    assert_eq!(refusal(crossed), Code::WrongChallenge);
    // A phone that came later is none of those that are asked.
    let late = site.phone_of("alice").await;
    assert!(late.waiting(0).await.unwrap().is_empty());
    for signed in [&for_phone, &for_tablet] {
        assert_eq!(refusal(late.respond(signed, Decision::Deny, None, None).await), Code::WrongChallenge);
    }
    assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("pending", None));
    tablet.respond(&for_tablet, Decision::Approve, number, None).await.unwrap();
    let approved = only(&site.audit_of(&login).await, "challenge.approved").device.clone();
    assert_eq!(approved, Some(tablet.device_id().unwrap().to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ch_06_cancel_against_approve_and_redeem() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = Arc::new(site.person("alice").await);
    let mut redemptions = 0;
    for round in 0..40 {
        site.clock.advance(61);
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let approval = alice.signed_approval(&login).await;
        let outcomes = race(51, |index| {
            let (gateway, alice, approval) = (Arc::clone(&gateway), Arc::clone(&alice), approval.clone());
            async move {
                match (index + round) % 3 {
                    0 => gateway.cancel(login.id).await.is_ok().then_some("cancelled"),
                    1 => {
                        let answer = alice.phone.post_response(&login.id.to_string(), &approval).await.unwrap();
                        assert!([200, 409].contains(&answer.status), "{}", answer.text());
                        (answer.status == 200).then_some("approved")
                    }
                    _ => {
                        let view = gateway.redeem(login.id, "r", 0).await.unwrap();
                        assert_eq!(view.result.is_some(), view.status == "redeemed");
                        view.result.is_some().then_some("redeemed")
                    }
                }
            }
        })
        .await;
        let won = |what| outcomes.iter().filter(|outcome| **outcome == Some(what)).count();
        let end = gateway.get(login.id, 0).await.unwrap();
        assert!(won("approved") <= 1);
        match end.status.as_str() {
            "cancelled" => assert_eq!((won("cancelled"), won("redeemed")), (1, 0)),
            "redeemed" => {
                assert_eq!((won("cancelled"), won("approved")), (0, 1));
                assert!(won("redeemed") >= 1);
                redemptions += 1;
            }
            other => panic!("{other} after a cancel"),
        }
        let events = site.audit_of(&login).await;
        assert_eq!(count(&events, "challenge.cancelled"), won("cancelled"));
        assert_eq!(count(&events, "challenge.approved"), won("approved"));
    }
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), redemptions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ch_06_expiry_against_approve() {
    let site = Arc::new(Site::start().await);
    let gateway = site.gateway().await;
    let alice = Arc::new(site.person("alice").await);
    let (mut approved, mut expired) = (0, 0);
    for round in 0..60 {
        site.clock.advance(61);
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let approval = alice.signed_approval(&login).await;
        let statuses = race(20, |index| {
            let (site, alice, approval) = (Arc::clone(&site), Arc::clone(&alice), approval.clone());
            async move {
                if index == round % 20 {
                    site.clock.advance(60);
                    return 0;
                }
                alice.phone.post_response(&login.id.to_string(), &approval).await.unwrap().status
            }
        })
        .await;
        let heard = statuses.iter().filter(|status| **status == 200).count();
        assert!(statuses.iter().all(|status| [0, 200, 409].contains(status)));
        let seen = gateway.get(login.id, 0).await.unwrap();
        match state(&seen) {
            ("approved", None) => {
                assert_eq!(heard, 1);
                approved += 1;
            }
            ("expired", Some("timeout")) => {
                assert_eq!(heard, 0);
                expired += 1;
            }
            other => panic!("{other:?} after its time"),
        }
        // Five seconds later no approval is good any more, and what was expired stays so.
        site.clock.advance(5);
        let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
        assert_eq!(state(&redeemed), ("expired", Some("timeout")));
        assert_eq!(count(&site.audit_of(&login).await, "challenge.expired"), 1);
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.approved"), approved + expired), (approved, 60));
}

#[tokio::test]
async fn ch_07_nothing_dead_revives_when_the_clock_is_set_back() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let pending = gateway.create(&alice.login_from("PC-1"), None).await.unwrap();
    let approved = gateway.create(&alice.login_from("PC-2"), None).await.unwrap();
    let approval = alice.signed_approval(&pending).await;
    alice.approve(&approved).await;

    site.clock.advance(3_600);
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    for login in [&pending, &approved] {
        assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("expired", Some("timeout")));
    }
    for step in [-3_600, -3_600, 10_800] {
        site.clock.advance(step);
        assert!(alice.phone.waiting(0).await.unwrap().is_empty());
        let answer = alice.phone.post_response(&pending.id.to_string(), &approval).await.unwrap();
        assert_eq!(refusal(answer.success()), Code::Expired);
        for login in [&pending, &approved] {
            let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
            assert_eq!((state(&redeemed), &redeemed.result), (("expired", Some("timeout")), &None));
            assert_eq!(refusal(gateway.cancel(login.id).await), Code::Expired);
        }
        // And life goes on at whatever time it is.
        let login = gateway.create(&alice.login_from("PC-3"), None).await.unwrap();
        alice.approve(&login).await;
        let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
        gateway.check_result(&redeemed).await.unwrap();
    }
    for login in [&pending, &approved] {
        assert_eq!(count(&site.audit_of(login).await, "challenge.expired"), 1);
    }
}

#[tokio::test]
async fn ch_07_a_spent_proof_stays_spent_when_the_clock_comes_back() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let proof = alice.phone.proof("PUT", "/v1/devices/self/push").unwrap();
    let put = || {
        let headers = [("dpop", proof.as_str())];
        let api = alice.phone.api();
        async move { api.call("PUT", "/v1/devices/self/push", &headers, Some(b"null".to_vec())).await.unwrap() }
    };
    assert_eq!(put().await.status, 204);
    site.clock.advance(3_600);
    // What is forgotten after an hour is forgotten now; the writer has a turn before it is set back.
    for _ in 0..20 {
        site.user("somebody").await;
    }
    assert_eq!(refusal(put().await.success()), Code::StaleProof);
    site.clock.advance(-3_600);
    assert_eq!(refusal(put().await.success()), Code::ProofReplayed);
    assert_eq!(count(&site.audit().await, "device.push_changed"), 0);
}

#[tokio::test]
async fn ch_07_a_pending_challenge_dies_in_time_although_nobody_looks() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let wrong = another_number(login.number.as_deref().unwrap());
    site.clock.advance(59);
    assert_eq!(gateway.get(login.id, 0).await.unwrap().status, "pending");
    let signed = alice.signed(&login).await;
    site.clock.advance(1);
    // Not even a wrong number is heard, or counted, any more.
    let late = alice.phone.respond(&signed, Decision::Approve, Some(&wrong), None).await;
    assert_eq!(refusal(late), Code::Expired);
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.expired"]);
    assert_eq!(only(&events, "challenge.expired").actor.as_deref(), Some("system"));
}
