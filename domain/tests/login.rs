//! The beginning of a login: who is asked, in which order logins are refused, and what several at once do to
//! each other (contract section 6, `POST /v1/challenges`).

mod support;

use gatematch_domain::audit::{Actor, Journal, Outcome};
use gatematch_domain::challenge::{Client, Display, Reason, State};
use gatematch_domain::course::{Foreseen, Prompt};
use gatematch_domain::login::Login;
use gatematch_domain::open::Stale;
use gatematch_domain::policy::{Method, NoDisplay};
use gatematch_domain::user::Status;
use gatematch_protocol::challenge::ShownClient;
use gatematch_protocol::response::Decision;
use serde_json::json;
use support::{Scene, at, draw_of, gateway_id, phone, phone_id, unconfirmed_phone};

#[test]
fn a_login_is_asked_on_every_active_phone() {
    let mut scene = Scene::new(2);
    scene.account.devices.push(unconfirmed_phone(3));
    let challenge = scene.ask();
    assert_eq!(challenge.number.as_ref().map(|number| number.reveal()), Some("947"));
    assert_eq!(
        (challenge.methods.as_slice(), challenge.sent_to.as_slice()),
        (&[Method::Push][..], &[phone_id(1), phone_id(2)][..])
    );
    assert_eq!((challenge.created_at, challenge.expires_at), (at(0), at(60)));
    assert_eq!(challenge.username, "alice", "the canonical name, not the given one");
    assert_eq!(scene.account.challenge(challenge.id), Some(&challenge));

    let [event] = scene.events.as_slice() else { panic!("one event: {:?}", scene.events) };
    assert_eq!((event.kind, event.outcome, event.number_match), ("challenge.created", Outcome::Success, Some(true)));
    assert_eq!(
        (event.user.as_deref(), event.gateway, event.policy.as_deref()),
        (Some("alice"), Some(gateway_id(1)), Some("default"))
    );
    assert_eq!(event.detail.get("challenge").and_then(|id| id.as_str()), Some(challenge.id.to_string().as_str()));
    assert_eq!(event.client, Some(challenge.client));
}

#[test]
fn an_unknown_user_is_refused_and_no_account_is_named() {
    let mut scene = Scene::new(0);
    let login = Login { username: None, given: "nobody\u{fffd}".to_owned(), ..scene.login() };
    let mut journal = Journal::new(Actor::Gateway(gateway_id(1)), at(0));
    let challenge = login.refuse_unknown(&mut journal);
    assert_eq!(challenge.state, State::Denied { at: at(0), reason: Reason::NotEnrolled, device: None });
    assert_eq!((challenge.user, challenge.username.as_str(), challenge.number), (None, "nobody\u{fffd}", None));
    assert!(challenge.methods.is_empty());
    let [event] = journal.events.as_slice() else { panic!("one event: {:?}", journal.events) };
    assert_eq!((event.kind, event.reason.as_deref()), ("challenge.denied", Some("not-enrolled")));
}

// Everything stands against the login at first; each step takes away what refused it last.
#[test]
fn the_first_reason_in_order_is_the_answer() {
    let mut scene = Scene::new(0);
    let other = scene.plain_login_from("OTHER");
    scene.account.devices.push(phone(1));
    let other = scene.open(&other);
    scene.account.devices.clear();
    scene.account.user.status = Status::Disabled;
    scene.account.user.locked = Some("by hand".to_owned());
    for _ in 0..5 {
        let _ = scene.account.user.limits.failed(at(0));
    }
    // What settles there is not the matter here, so `other` is put back each time.
    let refused = |scene: &mut Scene, no_display| {
        let login = Login { display: Display::None, no_display, ..scene.login() };
        let challenge = scene.open(&login);
        assert_eq!(
            (&challenge.number, challenge.methods.is_empty()),
            (&None, true),
            "a refused login has neither number nor methods"
        );
        challenge.state.reason()
    };
    let restore = |scene: &mut Scene| scene.account.challenges = vec![other.clone()];

    assert_eq!(refused(&mut scene, NoDisplay::Refuse), Some(Reason::Locked), "disabled is told as locked");
    scene.account.user.status = Status::Active;
    restore(&mut scene);
    assert_eq!(refused(&mut scene, NoDisplay::Refuse), Some(Reason::Locked));
    scene.account.user.locked = None;
    restore(&mut scene);
    assert_eq!(refused(&mut scene, NoDisplay::Refuse), Some(Reason::NotEnrolled));
    scene.account.devices.push(unconfirmed_phone(2));
    assert_eq!(refused(&mut scene, NoDisplay::Refuse), Some(Reason::NotEnrolled), "an unconfirmed phone is no factor");
    scene.account.devices.push(phone(1));
    restore(&mut scene);
    assert_eq!(refused(&mut scene, NoDisplay::Refuse), Some(Reason::Policy));
    restore(&mut scene);
    assert_eq!(
        refused(&mut scene, NoDisplay::ApproveOnly),
        Some(Reason::Superseded),
        "a collision goes before the limits"
    );
    assert_eq!(refused(&mut scene, NoDisplay::ApproveOnly), Some(Reason::RateLimited));
    scene.wait(300);
    scene.account.challenges.clear();
    let login = scene.plain_login_from("PC");
    assert_eq!(scene.open(&login).state, State::Pending);
}

#[test]
fn a_ruling_without_push_leaves_no_factor() {
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"methods": ["totp"]}));
    assert_eq!(scene.refusal_from("PC"), Some(Reason::NotEnrolled));
}

#[test]
fn a_login_refused_at_once_needs_no_signature_supersedes_nothing_and_prompts_nobody() {
    let mut scene = Scene::new(1);
    let waiting = scene.ask();
    let login = Login { display: Display::None, ..scene.login() };
    let refused = scene.open_for(&login, &[]).map(|challenge| challenge.state.reason());
    assert_eq!(refused, Ok(Some(Reason::Policy)));
    assert_eq!(scene.state(waiting.id), ("pending", None));
    for _ in 0..20 {
        scene.open_for(&login, &[]).unwrap();
    }
    let again = scene.ask();
    assert_eq!(again.state, State::Pending, "refusals are no prompts");
}

#[test]
fn the_word_of_the_rule_on_no_display_goes_before_the_gateway_s() {
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"no_display": "refuse"}));
    let login = scene.plain_login_from("PC");
    assert_eq!(scene.open(&login).state.reason(), Some(Reason::Policy));
    scene.ask_for(json!({"no_display": "approve_only"}));
    let login = Login { no_display: NoDisplay::Refuse, ..scene.plain_login_from("PC") };
    let challenge = scene.open(&login);
    assert_eq!((challenge.state, challenge.number), (State::Pending, None));
    assert_eq!(scene.events.last().map(|event| event.number_match), Some(Some(false)), "the audit tells");
    scene.ask_for(json!({"no_display": "refuse"}));
    assert!(scene.ask_from("OTHER").number.is_some(), "it does not matter where the gateway shows the number");
}

#[test]
fn the_same_login_again_supersedes_a_pending_and_an_approved_one() {
    let mut scene = Scene::new(1);
    let first = scene.ask();
    let second = scene.ask();
    assert_eq!(scene.state(first.id), ("cancelled", Some("superseded")));
    scene.approve(&second, 1).unwrap();
    let third = scene.ask();
    assert_eq!(scene.state(second.id), ("cancelled", Some("superseded")));
    assert_eq!(scene.redeem(second.id, "r").map(|challenge| challenge.state.as_str()), Ok("cancelled"));
    scene.approve(&third, 1).unwrap();
    scene.redeem(third.id, "r").unwrap();
    scene.ask();
    assert_eq!(scene.state(third.id), ("redeemed", None), "what is redeemed stays so");
    assert_eq!(scene.count("challenge.cancelled"), 2);
}

#[test]
fn only_the_same_gateway_name_and_address_are_the_same_login() {
    let named = Client { ip: None, name: Some("PC".to_owned()) };
    let addressed = |last: u8| Client { ip: Some([192, 0, 2, last].into()), name: Some("PC".to_owned()) };
    let cases = [
        (named.clone(), 1, named.clone(), 1, true),
        (Client::default(), 1, Client::default(), 1, true),
        (addressed(7), 1, addressed(7), 1, true),
        (named.clone(), 1, named.clone(), 2, false),
        (named.clone(), 1, Client::default(), 1, false),
        (named.clone(), 1, addressed(7), 1, false),
        (addressed(7), 1, addressed(8), 1, false),
        (named.clone(), 1, Client { name: Some("pc".to_owned()), ..named }, 1, false),
    ];
    for (client, gateway, other, other_gateway, same) in cases {
        let mut scene = Scene::new(1);
        let first = Login { client: client.clone(), gateway: gateway_id(gateway), ..scene.login() };
        let first = scene.open(&first);
        let second = Login { client: other.clone(), gateway: gateway_id(other_gateway), ..scene.login() };
        let second = scene.open(&second);
        assert_eq!(second.state, State::Pending);
        let expected = if same { "cancelled" } else { "pending" };
        assert_eq!(scene.state(first.id).0, expected, "{client:?} then {other:?}");
    }
}

#[test]
fn a_retry_that_is_refused_by_a_limit_has_replaced_the_older_one_all_the_same() {
    let mut scene = Scene::new(1);
    let mut last = scene.ask();
    for _ in 1..10 {
        last = scene.ask();
    }
    assert_eq!(scene.refusal_from("PC"), Some(Reason::RateLimited));
    assert_eq!(scene.state(last.id), ("cancelled", Some("superseded")));
}

#[test]
fn two_logins_without_a_number_collide() {
    for approved in [false, true] {
        let mut scene = Scene::new(1);
        let login = scene.plain_login_from("ONE");
        let first = scene.open(&login);
        let numbered = scene.ask_from("THREE");
        if approved {
            scene.approve(&first, 1).unwrap();
        }
        let before = scene.events.len();
        let login = Login { gateway: gateway_id(1), ..scene.plain_login_from("TWO") };
        let second = scene.open(&login);
        assert_eq!(second.state.reason(), Some(Reason::Superseded));
        assert_eq!(scene.state(second.id), ("denied", Some("superseded")));
        // An approval can only be cancelled: the contract has no step from there to `denied`, `superseded`.
        let expected = if approved { "cancelled" } else { "denied" };
        assert_eq!(scene.state(first.id), (expected, Some("superseded")));
        assert_eq!(scene.state(numbered.id), ("pending", None), "a number tells logins apart");
        let ended = if approved { "challenge.cancelled" } else { "challenge.denied" };
        assert_eq!(scene.kinds_since(before), [ended, "challenge.collision", "challenge.denied"]);
        assert_eq!(scene.redeem(first.id, "r").map(|challenge| challenge.state.as_str()), Ok(expected));
        assert!(scene.approve(&first, 1).is_err());
        let login = scene.plain_login_from("TWO");
        assert_eq!(scene.open(&login).state, State::Pending, "nothing is left to collide with");
    }
}

#[test]
fn a_collision_needs_another_gateway_or_client() {
    let mut scene = Scene::new(1);
    let login = scene.plain_login_from("ONE");
    let first = scene.open(&login);
    let login = scene.plain_login_from("ONE");
    let again = scene.open(&login);
    assert_eq!((scene.state(first.id).0, &again.state), ("cancelled", &State::Pending));
    let login = Login { gateway: gateway_id(2), ..scene.plain_login_from("ONE") };
    assert_eq!(scene.open(&login).state.reason(), Some(Reason::Superseded));
    assert_eq!(scene.state(again.id), ("denied", Some("superseded")));
    assert_eq!(scene.count("challenge.collision"), 1);

    let login = scene.plain_login_from("ONE");
    let alone = scene.open(&login);
    scene.ask_from("TWO");
    assert_eq!(scene.state(alone.id), ("pending", None), "a later login with a number does not collide");
}

#[test]
fn live_numbers_of_a_user_differ_whatever_is_drawn() {
    let mut scene = Scene::new(1);
    let first = scene.ask_from("ONE");
    scene.approve(&first, 1).unwrap();
    let numbers: Vec<_> =
        [first.number, scene.ask_from("TWO").number, scene.ask_from("THREE").number, scene.ask_from("FOUR").number]
            .into_iter()
            .map(|number| number.map(|number| number.reveal().to_owned()))
            .collect();
    for (index, number) in numbers.iter().enumerate() {
        assert!(number.as_ref().is_some_and(|number| number.len() == 3));
        assert!(!numbers[..index].contains(number), "{numbers:?}");
    }
    scene.draw = draw_of(47, 6);
    scene.ask_for(json!({"digits": 6}));
    let again = scene.ask_from("FOUR");
    assert_eq!(again.number.as_ref().map(|number| number.reveal()), Some("000047"), "leading zeros stay");
}

#[test]
fn three_may_wait_and_retries_do_not_count() {
    let mut scene = Scene::new(1);
    let first = scene.ask_from("ONE");
    scene.ask_from("TWO");
    scene.ask_from("THREE");
    assert_eq!(scene.refusal_from("FOUR"), Some(Reason::RateLimited));
    assert_eq!(scene.last_limit(), Some("pending"));
    let retried = scene.ask_from("ONE");
    assert_eq!(scene.state(first.id), ("cancelled", Some("superseded")));
    assert_eq!(scene.refusal_from("FOUR"), Some(Reason::RateLimited));
    scene.approve(&retried, 1).unwrap();
    scene.ask_from("FOUR");
    assert_eq!(scene.refusal_from("FIVE"), Some(Reason::RateLimited));
    scene.wait(60);
    scene.ask_from("FIVE");
    assert_eq!(scene.count("challenge.expired"), 3, "the approval has five seconds more");
}

#[test]
fn ten_prompts_in_ten_minutes_retries_included() {
    let mut scene = Scene::new(1);
    for _ in 0..10 {
        scene.ask();
        scene.wait(1);
    }
    assert_eq!((scene.refusal_from("PC"), scene.last_limit()), (Some(Reason::RateLimited), Some("prompts")));
    let refused = scene.account.challenges.last().unwrap();
    assert!(refused.sent_to.is_empty() && refused.number.is_none(), "nobody is prompted");
    scene.wait(589);
    assert!(scene.refusal_from("PC").is_some());
    scene.wait(1);
    scene.ask();
    assert!(scene.refusal_from("PC").is_some(), "one has left the window, one has come");
}

#[test]
fn no_new_challenge_resets_a_cool_down() {
    let mut scene = Scene::new(1);
    scene.fail_until(5);
    for second in [0, 100, 199] {
        scene.wait(second);
        assert_eq!((scene.refusal_from("OTHER"), scene.last_limit()), (Some(Reason::RateLimited), Some("cooldown")));
    }
    scene.wait(1);
    scene.ask_from("OTHER");
    assert_eq!(scene.account.user.limits.failures(), 5);
}

#[test]
fn a_signature_for_other_phones_is_stale_and_nothing_has_changed() {
    let mut scene = Scene::new(2);
    scene.ask();
    let login = scene.login();
    let (one, two, three) = (phone_id(1), phone_id(2), phone_id(3));
    let prompt = Prompt {
        digits: Some(3),
        client: ShownClient { name: Some("PC".to_owned()), ..ShownClient::default() },
        ..Prompt::default()
    };
    let stale = Stale(Box::new(Foreseen { phones: vec![one, two], prompt: prompt.clone() }));
    for signed_for in [&[][..], &[one], &[two], &[one, two, three], &[one, three]] {
        assert_eq!(
            scene.assert_inert(|scene| scene.open_for(&login, signed_for)),
            Err(stale.clone()),
            "{signed_for:?}"
        );
    }
    scene.account.devices.push(unconfirmed_phone(3));
    assert!(scene.open_for(&login, &[one, two]).is_ok(), "an unconfirmed phone gets nothing");
    scene.revoke(1);
    assert_eq!(
        scene.assert_inert(|scene| scene.open_for(&login, &[one, two])),
        Err(Stale(Box::new(Foreseen { phones: vec![two], prompt })))
    );
    scene.lock();
    assert_eq!(scene.open_for(&login, &[one, two]).map(|challenge| challenge.state.reason()), Ok(Some(Reason::Locked)));
}

#[test]
fn a_phone_enrolled_later_cannot_answer_what_was_asked_before() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    scene.account.devices.push(phone(2));
    assert!(scene.assert_inert(|scene| scene.approve(&challenge, 2)).is_err());
    assert!(scene.assert_inert(|scene| scene.answer(challenge.id, 2, Decision::Deny, None, None)).is_err());
}
