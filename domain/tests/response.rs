//! The phone's answer: the order of the checks of contract section 6.2 from "not pending" on, and what an answer
//! costs or resets.

#![allow(clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

mod support;

use gatematch_domain::challenge::{Reason, State};
use gatematch_domain::limits::{COOLDOWN_AT, LOCK_AT};
use gatematch_domain::login::Login;
use gatematch_domain::response::{Answer, ResponseRefusal};
use gatematch_domain::user::Status;
use gatematch_protocol::response::{Decision, UserVerification};
use serde_json::json;
use support::{Scene, at, challenge_id, gateway_id, phone_id, unconfirmed_phone, wrong};

const UV_NONE: Option<UserVerification> = Some(UserVerification::None);
const BIOMETRIC: Option<UserVerification> = Some(UserVerification::Biometric);

fn refused(
    scene: &mut Scene,
    phone: u16,
    number: Option<&str>,
    uv: Option<UserVerification>,
    id: u16,
) -> ResponseRefusal {
    let answer = |scene: &mut Scene| scene.answer(challenge_id(id), phone, Decision::Approve, number, uv);
    let Err(refusal) = scene.assert_inert(answer) else { panic!("the answer of phone {phone} is taken") };
    refusal
}

// Everything is wrong with the answer at first; each step puts right what was refused last.
#[test]
fn the_first_check_in_order_is_the_answer_and_no_refusal_changes_anything() {
    let mut scene = Scene::new(2);
    scene.ask_for(json!({"uv": "required"}));
    scene.account.devices.push(unconfirmed_phone(3));
    let done = scene.ask_from("DONE");
    scene.decline(&done, Decision::Deny);
    let challenge = scene.ask();
    let late = support::phone(4);
    scene.account.devices.push(late);

    assert_eq!(refused(&mut scene, 9, None, UV_NONE, 99), ResponseRefusal::DeviceGone);
    assert_eq!(refused(&mut scene, 3, None, UV_NONE, 99), ResponseRefusal::DeviceGone, "unconfirmed");
    assert_eq!(refused(&mut scene, 1, None, UV_NONE, 99), ResponseRefusal::Unknown);
    assert_eq!(refused(&mut scene, 4, None, UV_NONE, 1), ResponseRefusal::Unknown, "not made for this phone");
    let not_pending = |reason| ResponseRefusal::NotPending { state: "denied", reason };
    assert_eq!(refused(&mut scene, 1, None, UV_NONE, 1), not_pending(Some(Reason::User)), "this phone decided");
    assert_eq!(refused(&mut scene, 2, None, UV_NONE, 1), not_pending(None), "the other one did");
    assert_eq!(refused(&mut scene, 1, None, UV_NONE, 2), ResponseRefusal::UvRequired);
    assert_eq!(refused(&mut scene, 1, None, None, 2), ResponseRefusal::UvRequired, "nothing is none");
    assert_eq!(refused(&mut scene, 1, None, BIOMETRIC, 2), ResponseRefusal::MalformedNumber { digits: 3 });
    let number = challenge.number.as_ref().unwrap().reveal().to_owned();
    let approved = scene.answer(challenge.id, 1, Decision::Approve, Some(&number), BIOMETRIC).unwrap();
    assert_eq!(approved.state.decided_by(), Some(phone_id(1)));
}

#[test]
fn a_number_of_another_shape_is_refused_and_costs_nothing() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    for typed in ["", "94", "9470", "0947", " 947", "947 ", "+47", "-47", "9.7", "９４７", "٩٤٧", "94\u{0}", "nan"]
    {
        let refusal = refused(&mut scene, 1, Some(typed), BIOMETRIC, 1);
        assert_eq!(refusal, ResponseRefusal::MalformedNumber { digits: 3 }, "{typed:?}");
    }
    scene.approve(&challenge, 1).unwrap();
}

#[test]
fn one_wrong_number_ends_the_challenge() {
    let mut scene = Scene::new(2);
    let challenge = scene.ask();
    let ended = scene.mistype(&challenge, 1).unwrap();
    assert_eq!(ended.state, State::Denied { at: at(0), reason: Reason::WrongNumber, device: Some(phone_id(1)) });
    assert_eq!(scene.account.user.limits.failures(), 1);
    // AP-06: then the right one, by this phone and by the other.
    for (phone, reason) in [(1, Some(Reason::WrongNumber)), (2, None)] {
        let refusal = scene.assert_inert(|scene| scene.approve(&challenge, phone)).unwrap_err();
        assert_eq!(refusal, ResponseRefusal::NotPending { state: "denied", reason });
    }
}

#[test]
fn every_wrong_number_is_wrong() {
    for n in (0..1_000).filter(|n| *n != 947) {
        let mut scene = Scene::new(1);
        let challenge = scene.ask();
        let typed = format!("{n:03}");
        let ended = scene.answer(challenge.id, 1, Decision::Approve, Some(&typed), None).unwrap();
        assert_eq!(ended.state.reason(), Some(Reason::WrongNumber), "{typed}");
    }
}

#[test]
fn the_number_of_one_login_does_not_approve_the_other() {
    let mut scene = Scene::new(1);
    let (one, two) = (scene.ask_from("ONE"), scene.ask_from("TWO"));
    let number = two.number.as_ref().unwrap().reveal();
    let ended = scene.answer(one.id, 1, Decision::Approve, Some(number), None).unwrap();
    assert_eq!(ended.state.reason(), Some(Reason::WrongNumber));
    assert_eq!(scene.state(two.id), ("pending", None));
}

#[test]
fn deny_and_report_need_neither_number_nor_verification() {
    for (decision, reason) in [(Decision::Deny, Reason::User), (Decision::Report, Reason::Reported)] {
        for number in [None, Some("nonsense"), Some("000"), Some("947")] {
            let mut scene = Scene::new(1);
            scene.ask_for(json!({"uv": "required"}));
            let challenge = scene.ask();
            let ended = scene.answer(challenge.id, 1, decision, number, UV_NONE).unwrap();
            assert_eq!(ended.state.reason(), Some(reason), "{number:?}");
            assert_eq!(scene.account.user.limits.failures(), 0);
        }
    }
}

#[test]
fn without_a_number_to_match_the_number_is_ignored() {
    for number in [None, Some("nonsense"), Some("000")] {
        let mut scene = Scene::new(1);
        let login = scene.plain_login_from("PC");
        let challenge = scene.open(&login);
        let approved = scene.answer(challenge.id, 1, Decision::Approve, number, None).unwrap();
        assert_eq!(approved.state.as_str(), "approved");
        assert_eq!(scene.events.last().and_then(|event| event.number_match), Some(false));
    }
}

#[test]
fn each_final_state_is_told_and_stays() {
    let mut scene = Scene::new(2);
    let (cancelled, approved) = (scene.ask_from("CANCELLED"), scene.ask_from("APPROVED"));
    scene.cancel(cancelled.id).unwrap();
    scene.approve(&approved, 1).unwrap();
    let expired = scene.ask_from("EXPIRED");
    scene.redeem(approved.id, "r").unwrap();
    scene.wait(60);
    scene.act(|account, journal| account.settle(journal));
    for (challenge, state) in [(&cancelled, "cancelled"), (&approved, "redeemed"), (&expired, "expired")] {
        for phone in [1, 2] {
            for decision in [Decision::Approve, Decision::Deny, Decision::Report] {
                let answer = |scene: &mut Scene| scene.answer(challenge.id, phone, decision, Some("947"), BIOMETRIC);
                let refusal = scene.assert_inert(answer).unwrap_err();
                assert_eq!(refusal, ResponseRefusal::NotPending { state, reason: None });
            }
        }
    }
}

#[test]
fn a_denial_and_an_approval_exclude_each_other() {
    let mut scene = Scene::new(2);
    let challenge = scene.ask();
    scene.decline(&challenge, Decision::Deny);
    assert!(scene.assert_inert(|scene| scene.approve(&challenge, 2)).is_err());
    let challenge = scene.ask();
    scene.approve(&challenge, 2).unwrap();
    let refusal = scene.assert_inert(|scene| scene.answer(challenge.id, 1, Decision::Deny, None, None)).unwrap_err();
    assert_eq!(refusal, ResponseRefusal::NotPending { state: "approved", reason: None });
}

#[test]
fn at_its_time_limit_a_challenge_is_dead_whatever_the_clock_does_then() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    scene.wait(59);
    let kept = scene.account.clone();
    scene.approve(&challenge, 1).unwrap();
    scene.account = kept;
    scene.wait(1);
    let expired = ResponseRefusal::NotPending { state: "expired", reason: None };
    assert_eq!(scene.approve(&challenge, 1), Err(expired.clone()));
    for hours in [-1, 2, -2] {
        scene.wait(hours * 3_600);
        assert_eq!(scene.assert_inert(|scene| scene.approve(&challenge, 1)), Err(expired.clone()));
    }
    assert_eq!(scene.count("challenge.expired"), 1);
}

#[test]
fn five_failures_cool_down_and_ten_lock_across_challenges() {
    let mut scene = Scene::new(2);
    for failure in 1..=LOCK_AT {
        let login = Login { gateway: gateway_id(1 + u16::try_from(failure % 3).unwrap()), ..scene.login_from("PC") };
        let challenge = scene.open(&login);
        assert_eq!(challenge.state, State::Pending, "failure {failure}");
        scene.mistype(&challenge, 1 + u16::try_from(failure % 2).unwrap()).unwrap();
        assert_eq!(scene.account.user.limits.failures(), failure);
        assert_eq!(scene.account.user.locked.is_some(), failure == LOCK_AT);
        if failure == COOLDOWN_AT {
            assert_eq!(
                (scene.refusal_from("OTHER"), scene.last_limit()),
                (Some(Reason::RateLimited), Some("cooldown"))
            );
            scene.wait(299);
            assert!(scene.refusal_from("OTHER").is_some());
            scene.wait(1);
        }
    }
    assert_eq!((scene.count("user.locked"), scene.count("challenge.denied")), (1, 10 + 2));
    scene.wait(86_400);
    assert_eq!(scene.refusal_from("PC"), Some(Reason::Locked), "a lock does not pass");
    assert!(scene.unlock());
    scene.ask();
}

#[test]
fn the_lock_of_ten_failures_ends_what_else_is_open() {
    let mut scene = Scene::new(1);
    let approved = Login { expires_at: at(600), ..scene.login_from("APPROVED") };
    let approved = scene.open(&approved);
    scene.approve(&approved, 1).unwrap();
    scene.fail_until(5);
    scene.wait(600); // out of the window of prompts
    scene.fail_until(9);
    let (waiting, last) = (scene.ask_from("WAITING"), scene.ask_from("LAST"));
    scene.mistype(&last, 1).unwrap();
    assert_eq!(scene.state(last.id), ("denied", Some("wrong-number")));
    assert_eq!(scene.state(waiting.id), ("denied", Some("locked")));
    assert_eq!(scene.state(approved.id), ("denied", Some("locked")));
    assert!(scene.assert_inert(|scene| scene.approve(&waiting, 1)).is_err());
}

#[test]
fn a_report_cools_this_gateway_and_client_name_and_never_an_address() {
    let mut scene = Scene::new(1);
    let address = |last: u8| Some([192, 0, 2, last].into());
    let mut login = scene.login_from("EVIL-PC");
    login.client.ip = address(7);
    let challenge = scene.open(&login);
    scene.decline(&challenge, Decision::Report);
    for (gateway, name, ip, asked) in [
        (1, Some("EVIL-PC"), 7, false),
        (1, Some("EVIL-PC"), 8, false),
        (1, Some("evil-pc"), 8, false),
        (1, Some("GOOD-PC"), 7, true),
        (1, None, 7, true),
        (2, Some("EVIL-PC"), 7, true),
    ] {
        let account = scene.account.clone();
        let mut scene = Scene::new(1);
        scene.account = account;
        scene.wait(899);
        let mut login = Login { id: challenge_id(77), gateway: gateway_id(gateway), ..scene.login() };
        login.client.name = name.map(str::to_owned);
        login.client.ip = address(ip);
        let state = scene.open(&login).state;
        assert_eq!(state == State::Pending, asked, "{gateway} {name:?} {ip}");
        assert_eq!(scene.last_limit(), (!asked).then_some("reported"));
        scene.wait(1);
        assert_eq!(scene.open(&Login { id: challenge_id(78), now: scene.now, ..login }).state, State::Pending);
    }
}

#[test]
fn a_success_resets_failures_prompts_and_denials() {
    let mut scene = Scene::new(1);
    scene.fail_until(4);
    for _ in 0..2 {
        let challenge = scene.ask();
        scene.decline(&challenge, Decision::Deny);
    }
    scene.wait(60);
    scene.ask_and_approve();
    let mut expected = gatematch_domain::limits::Limits::default();
    expected.went_wrong(at(0));
    assert_eq!(scene.account.user.limits, expected, "what went wrong stays for policy to see");
    for _ in 0..10 {
        scene.ask();
    }
    assert_eq!(scene.last_limit(), None);
    assert_eq!(scene.refusal_from("PC"), Some(Reason::RateLimited));
}

#[test]
fn a_success_does_not_forgive_what_was_reported() {
    let mut scene = Scene::new(1);
    let evil = scene.ask_from("EVIL-PC");
    scene.decline(&evil, Decision::Report);
    scene.ask_and_approve();
    assert_eq!(scene.refusal_from("EVIL-PC"), Some(Reason::RateLimited));
}

#[test]
fn denials_in_a_row_wait_ever_longer() {
    let mut scene = Scene::new(1);
    for wait in [0, 60, 120, 240, 480, 900, 900, 900] {
        // Each prompt stands alone in its ten minutes; only the back-off refuses.
        let challenge = scene.ask();
        scene.decline(&challenge, Decision::Deny);
        if wait > 0 {
            scene.wait(wait - 1);
            assert_eq!(
                (scene.refusal_from("OTHER"), scene.last_limit()),
                (Some(Reason::RateLimited), Some("backoff")),
                "{wait}"
            );
            scene.wait(1);
        }
    }
    let challenge = scene.ask();
    scene.approve(&challenge, 1).unwrap();
    let challenge = scene.ask();
    scene.decline(&challenge, Decision::Deny);
    scene.ask();
}

#[test]
fn only_a_signed_deny_is_a_denial() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    scene.decline(&challenge, Decision::Deny);
    let wrong = scene.ask();
    scene.mistype(&wrong, 1).unwrap();
    let reported = scene.ask_from("EVIL-PC");
    scene.decline(&reported, Decision::Report);
    assert_eq!(scene.refusal_from("EVIL-PC"), Some(Reason::RateLimited), "by the server");
    scene.set_status(Status::Disabled);
    scene.set_status(Status::Active);
    let second = scene.ask();
    scene.decline(&second, Decision::Deny);
    assert_eq!((scene.refusal_from("PC"), scene.last_limit()), (Some(Reason::RateLimited), Some("backoff")));
}

#[test]
fn an_answer_is_remembered_on_the_phone_and_in_the_audit_without_what_was_typed() {
    let mut scene = Scene::new(2);
    let (right, mistyped) = (scene.ask_from("RIGHT"), scene.ask_from("WRONG"));
    scene.wait(5);
    let number = right.number.as_ref().unwrap().reveal().to_owned();
    let before = scene.events.len();
    scene.answer(right.id, 1, Decision::Approve, Some(&number), BIOMETRIC).unwrap();
    let typed = wrong(mistyped.number.as_ref().unwrap().reveal());
    scene.answer(mistyped.id, 2, Decision::Approve, Some(&typed), None).unwrap();
    assert_eq!(scene.account.active_device(phone_id(1)).and_then(|phone| phone.last_used_at), Some(at(5)));
    let [approved, denied] = &scene.events[before..] else { panic!("two events: {:?}", scene.events) };
    assert_eq!(
        (approved.kind, approved.device, approved.number_match),
        ("challenge.approved", Some(phone_id(1)), Some(true))
    );
    assert_eq!(approved.detail.get("uv_claimed").and_then(|uv| uv.as_str()), Some("biometric"));
    assert_eq!(
        (denied.kind, denied.device, denied.reason.as_deref()),
        ("challenge.denied", Some(phone_id(2)), Some("wrong-number"))
    );
    let told = format!("{:?}", scene.events);
    assert!(!told.contains(&number) && !told.contains(&typed), "{told}");
    let answer = Answer {
        device: phone_id(1),
        decision: Decision::Approve,
        number: Some(number.clone()),
        uv: None,
        iat: 1_800_000_000,
    };
    assert!(!format!("{answer:?}").contains(&number), "a log of the answer would tell it");
}
