//! Responses under attack: AP-01 to AP-07 and AP-09. AP-08 is in `revocation`.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_client_sim::misbehave::{ALL, Expect, Needs, Scene};
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_tests::moves::{another_number, count, detail, heard, only, race, refusal, state};
use gatematch_tests::{Site, audit_names};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_01_the_same_response_two_hundred_times_has_one_success() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = Arc::new(site.person("alice").await);
    for decision in [Decision::Approve, Decision::Deny] {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let signed = alice.signed(&login).await;
        let response = alice.phone.response(&signed, decision, login.number.as_deref(), None).unwrap();
        let answers = race(200, |_| {
            let (alice, response) = (Arc::clone(&alice), response.clone());
            async move { alice.phone.post_response(&login.id.to_string(), &response).await.unwrap() }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            let problem = answer.problem().unwrap();
            assert_eq!(problem.code, "already-decided");
            assert_eq!(problem.more["state"], if decision == Decision::Approve { "approved" } else { "denied" });
            // This phone decided, so it is told how.
            assert_eq!(problem.more.contains_key("reason"), decision == Decision::Deny);
        }
        let events = site.audit_of(&login).await;
        assert_eq!(count(&events, "challenge.approved") + count(&events, "challenge.denied"), 1);
    }
    assert_eq!(count(&site.audit().await, "request.refused"), 2 * 199);
}

#[tokio::test]
async fn ap_02_the_malleable_twin_of_a_used_signature_is_used_too() {
    use gatematch_client_sim::jws::{assemble, split};
    use gatematch_client_sim::signature::twin;
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let response = alice.signed_approval(&login).await;
    let (input, bytes) = split(&response).unwrap();
    let twin = assemble(input, &twin(&bytes).unwrap());
    assert_ne!(response, twin);
    // Either of the two is good, whichever comes first; then both are spent.
    let first = alice.phone.post_response(&login.id.to_string(), &twin).await.unwrap();
    assert_eq!(first.status, 200);
    for response in [&response, &twin] {
        let answer = alice.phone.post_response(&login.id.to_string(), response).await.unwrap();
        assert_eq!(refusal(answer.success()), Code::AlreadyDecided);
    }
    let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
    gateway.check_result(&redeemed).await.unwrap();
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.redeemed"]);
}

#[tokio::test]
async fn ap_03_a_response_for_one_login_posted_to_another() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    let hers = gateway.create(&alice.login(), None).await.unwrap();
    let his = gateway.create(&bob.login(), None).await.unwrap();
    let approval = alice.signed_approval(&hers).await;
    let answer = alice.phone.post_response(&his.id.to_string(), &approval).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::WrongChallenge);
    // His phone signs for her challenge, with her number and her bytes.
    let response = bob.phone.response(&alice.signed(&hers).await, Decision::Approve, hers.number.as_deref(), None);
    let answer = bob.phone.post_response(&hers.id.to_string(), &response.unwrap()).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::NotFound);
    for login in [&hers, &his] {
        assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("pending", None));
    }
    assert_eq!(heard(&alice.approve(&hers).await), ("approved", None));
    assert_eq!(heard(&bob.approve(&his).await), ("approved", None));
    let events = site.audit().await;
    let reasons: Vec<_> =
        events.iter().filter(|event| event.kind == "request.refused").map(|e| e.reason.clone()).collect();
    assert_eq!(reasons, [Some("wrong-challenge".to_owned()), Some("not-found".to_owned())]);
    let tried = site.admin.audit(0, None, Some("bob"), Some("request.refused")).await.unwrap().items;
    assert_eq!(tried.len(), 1);
    assert_eq!(tried[0].device, Some(bob.phone.device_id().unwrap().to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_04_an_approval_is_redeemed_once() {
    let site = Site::start().await;
    let gateway = Arc::new(site.gateway().await);
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    let outcomes = race(100, |index| {
        let gateway = Arc::clone(&gateway);
        async move { gateway.redeem(login.id, &format!("redemption-{}", index % 50), 0).await }
    })
    .await;
    let results: Vec<String> = outcomes.iter().flatten().filter_map(|view| view.result.clone()).collect();
    assert!((1..=2).contains(&results.len()), "one redemption_id of fifty, each of them twice");
    assert_eq!(results.iter().collect::<BTreeSet<_>>().len(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused), Code::AlreadyRedeemed);
    }
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.redeemed"]);
}

#[tokio::test]
async fn ap_04_redeemed_by_another_or_too_late() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    assert_eq!(refusal(other.redeem(login.id, "r", 0).await), Code::NotFound);
    let path = format!("/v1/challenges/{}/redeem", login.id);
    let body = || Some(br#"{"redemption_id":"r"}"#.to_vec());
    let by_admin = site.admin.call("POST", &path, body()).await.unwrap();
    assert_eq!(refusal(by_admin.success()), Code::WrongParty);
    let by_phone = alice.phone.call("POST", &path, body()).await.unwrap();
    assert_eq!(refusal(by_phone.success()), Code::WrongParty);

    // The last moment is five seconds after its end; the same redemption is repeated for ten minutes.
    site.clock.advance(64);
    let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
    gateway.check_result(&redeemed).await.unwrap();
    site.clock.advance(599);
    assert_eq!(gateway.redeem(login.id, "r", 0).await.unwrap().result, redeemed.result);
    assert_eq!(refusal(gateway.redeem(login.id, "s", 0).await), Code::AlreadyRedeemed);
    site.clock.advance(1);
    assert_eq!(refusal(gateway.redeem(login.id, "r", 0).await), Code::AlreadyRedeemed);

    let late = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&late).await;
    site.clock.advance(65);
    let view = gateway.redeem(late.id, "r", 0).await.unwrap();
    assert_eq!((state(&view), &view.result), (("expired", Some("timeout")), &None));
    let events = site.audit_of(&late).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.expired"]);
    assert_eq!(count(&site.audit_of(&login).await, "challenge.redeemed"), 1);
}

#[tokio::test]
async fn ap_04_what_was_redeemed_is_spent_even_when_its_user_is_gone() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    gateway.redeem(login.id, "first", 0).await.unwrap();
    site.admin.delete_user("alice").await.unwrap();
    assert_eq!(refusal(gateway.redeem(login.id, "second", 0).await), Code::AlreadyRedeemed);
    site.clock.advance(600);
    assert_eq!(refusal(gateway.redeem(login.id, "first", 0).await), Code::AlreadyRedeemed);
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 1);
}

#[tokio::test]
async fn ap_05_seventy_forgeries_leave_one_challenge_as_it_is() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let signed = alice.signed(&login).await;
    let scene = Scene {
        phone: Some(&alice.phone),
        challenge: Some(&signed),
        number: login.number.as_deref(),
        ..Scene::default()
    };
    let mut tried = 0;
    for forgery in ALL.iter().filter(|entry| entry.needs == Needs::Challenge) {
        let refused = matches!(forgery.expect, Expect::Problem(_));
        if !refused || forgery.name == "late" || forgery.requests(&scene).unwrap().len() > 1 {
            continue;
        }
        let answer = forgery.carry_out(&scene).await.unwrap();
        assert!(forgery.expect.is_met_by(&answer), "{}: {} {}", forgery.name, answer.status, answer.text());
        tried += 1;
    }
    assert!(tried >= 70, "only {tried}");
    assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("pending", None));
    assert_eq!(heard(&alice.approve(&login).await), ("approved", None));
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved"]);
}

#[tokio::test]
async fn ap_05_no_proof_is_needed_and_a_wrong_one_does_no_harm() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    for proofs in [&[][..], &["nonsense"], &["one", "two"]] {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let body = json!({"response": alice.signed_approval(&login).await}).to_string().into_bytes();
        let headers: Vec<_> = proofs.iter().map(|proof| ("dpop", *proof)).collect();
        let path = format!("/v1/challenges/{}/response", login.id);
        let answer = alice.phone.api().call("POST", &path, &headers, Some(body)).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, r#"{"status":"approved","reason":null}"#.to_owned()));
    }
    assert_eq!(count(&site.audit().await, "challenge.approved"), 3);
}

#[tokio::test]
async fn ap_06_a_wrong_number_ends_it() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let right = alice.signed_approval(&login).await;
    assert_eq!(heard(&alice.mistype(&login).await), ("denied", Some("wrong-number")));
    let answer = alice.phone.post_response(&login.id.to_string(), &right).await.unwrap();
    let problem = answer.problem().unwrap();
    assert_eq!(problem.code, "already-decided");
    assert_eq!((&problem.more["state"], &problem.more["reason"]), (&"denied".into(), &"wrong-number".into()));
    let view = gateway.redeem(login.id, "r", 0).await.unwrap();
    assert_eq!((state(&view), &view.result), (("denied", Some("wrong-number")), &None));
    assert!(view.number.is_some(), "the number stays in the gateway's view after the decision");
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.denied"]);
    let denied = only(&events, "challenge.denied");
    assert_eq!((denied.reason.as_deref(), denied.outcome.as_deref()), (Some("wrong-number"), Some("failure")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_06_two_hundred_guesses_at_once_are_one_guess() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = Arc::new(site.person("alice").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let signed = alice.signed(&login).await;
    let right = login.number.clone().unwrap();
    let outcomes = race(200, |guess| {
        let (alice, signed) = (Arc::clone(&alice), signed.clone());
        let number = format!("{:03}", (right.parse::<usize>().unwrap() + 1 + guess) % 1_000);
        async move { alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(state(&gateway.get(login.id, 0).await.unwrap()), ("denied", Some("wrong-number")));
    // One failure, so four more until the account cools down.
    for _ in 0..4 {
        let next = gateway.create(&alice.login(), None).await.unwrap();
        assert_eq!(next.status, "pending");
        alice.mistype(&next).await;
    }
    assert_eq!(gateway.create(&alice.login(), None).await.unwrap().reason.as_deref(), Some("rate-limited"));
    assert_eq!(count(&site.audit_of(&login).await, "challenge.denied"), 1);
}

#[tokio::test]
async fn ap_07_deny_then_approve() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let approval = alice.signed_approval(&login).await;
    // The number on a denial is ignored, whatever it is.
    let number = another_number(login.number.as_deref().unwrap());
    let outcome = alice.answer(&login, Decision::Deny, Some(&number)).await;
    assert_eq!(heard(&outcome), ("denied", Some("user")));
    let answer = alice.phone.post_response(&login.id.to_string(), &approval).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::AlreadyDecided);
    assert_eq!(gateway.redeem(login.id, "r", 0).await.unwrap().result, None);
    let events = site.audit_of(&login).await;
    assert_eq!(only(&events, "challenge.denied").reason.as_deref(), Some("user"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_07_one_phone_denies_while_the_other_approves() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = Arc::new(site.person("alice").await);
    let tablet = Arc::new(site.phone_of("alice").await);
    let (mut approvals, mut denials) = (0, 0);
    for round in 0..200 {
        // Longer than any wait after denials.
        site.clock.advance(901);
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let approval = alice.signed_approval(&login).await;
        let for_tablet = tablet.waiting(0).await.unwrap().remove(0).challenge;
        let denial = tablet.response(&for_tablet, Decision::Deny, None, None).unwrap();
        let answers = race(2, |index| {
            let (alice, tablet) = (Arc::clone(&alice), Arc::clone(&tablet));
            let (approval, denial) = (approval.clone(), denial.clone());
            async move {
                let id = login.id.to_string();
                if (index + round) % 2 == 0 {
                    return ("approved", alice.phone.post_response(&id, &approval).await.unwrap());
                }
                ("denied", tablet.post_response(&id, &denial).await.unwrap())
            }
        })
        .await;
        let won: Vec<&str> = answers.iter().filter(|(_, answer)| answer.status == 200).map(|(what, _)| *what).collect();
        assert_eq!(won.len(), 1, "round {round}");
        let (_, lost) = answers.iter().find(|(_, answer)| answer.status != 200).unwrap();
        let problem = lost.problem().unwrap();
        assert_eq!((problem.code.as_str(), &problem.more["state"]), ("already-decided", &won[0].into()));
        assert!(!problem.more.contains_key("reason"), "another phone decided: why is not this one's business");
        let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
        assert_eq!(redeemed.result.is_some(), won[0] == "approved");
        if won[0] == "approved" { approvals += 1 } else { denials += 1 }
    }
    let events = site.audit().await;
    assert_eq!(count(&events, "challenge.approved"), approvals);
    assert_eq!(count(&events, "challenge.denied"), denials);
    assert_eq!(count(&events, "challenge.redeemed"), approvals);
    assert_eq!(approvals + denials, 200);
}

#[tokio::test]
async fn ap_09_it_was_not_me() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let approval = alice.signed_approval(&login).await;
    assert_eq!(heard(&alice.report(&login).await), ("denied", Some("reported")));
    let answer = alice.phone.post_response(&login.id.to_string(), &approval).await.unwrap();
    assert_eq!(refusal(answer.success()), Code::AlreadyDecided);
    // The same computer name at the same gateway stays quiet for a quarter of an hour; others do not.
    let again = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&again), ("denied", Some("rate-limited")));
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    let elsewhere = gateway.create(&alice.login_from("OTHER-PC"), None).await.unwrap();
    assert_eq!(elsewhere.status, "pending");
    let reported = only(&site.audit_of(&login).await, "challenge.denied").clone();
    assert_eq!(reported.reason.as_deref(), Some("reported"));
    assert_eq!(reported.device, Some(alice.phone.device_id().unwrap().to_string()));
    let refused = site.audit_of(&again).await;
    assert_eq!(detail(&refused[0], "limit"), "reported");
}

#[tokio::test]
async fn ap_10_what_the_phone_claims_of_the_person_is_passed_on_as_a_claim() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    for (uv, amr) in [
        (None, &["swk"][..]),
        (Some(UserVerification::None), &["swk"]),
        (Some(UserVerification::Pin), &["swk", "pin"]),
        (Some(UserVerification::Biometric), &["swk", "user"]),
    ] {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let signed = alice.signed(&login).await;
        alice.phone.respond(&signed, Decision::Approve, login.number.as_deref(), uv).await.unwrap();
        let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
        assert_eq!(gateway.check_result(&redeemed).await.unwrap().amr, amr);
        let claimed = detail(only(&site.audit_of(&login).await, "challenge.approved"), "uv_claimed");
        assert_eq!(claimed, uv.map_or("none", UserVerification::as_str));
    }
}
