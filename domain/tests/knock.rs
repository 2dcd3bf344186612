//! Knocks at the console and the portal: nobody has checked a password, so nothing but the number lets in, and what strangers
//! do takes nothing from logins.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

mod support;

use gatematch_domain::challenge::{Challenge, Client, Reason, State};
use gatematch_domain::factor::{Bypass, Factor, Kind};
use gatematch_domain::limits::{KNOCK_DAY_SECONDS, KNOCK_WINDOW_SECONDS, MAX_KNOCKS, MAX_KNOCKS_A_DAY, MAX_PROMPTS};
use gatematch_domain::login::Login;
use gatematch_domain::policy::Method;
use gatematch_domain::role::Role;
use gatematch_domain::visit::{By, Entry, Knock, NoEntry, Place, Stage, Visit};
use gatematch_protocol::id::{AuthenticatorId, VisitId};
use gatematch_protocol::response::Decision;
use serde_json::json;
use support::{Scene, at, policy, user_id};

/// A knock at the portal.
fn knock(scene: &mut Scene, who: Knock) -> Login {
    let client = Client { ip: Some([203, 0, 113, 7].into()), name: Some(who.client_name().to_owned()) };
    Login {
        gateway: Place::Portal.gateway(),
        client,
        factor_required: true,
        methods: Some(vec![Method::Push]),
        knock: Some(who),
        ..scene.login()
    }
}

fn ring(scene: &mut Scene, who: Knock) -> Challenge {
    let login = knock(scene, who);
    scene.open(&login)
}

/// The visit that waits for `challenge`, and who comes in.
fn at_the_door(scene: &Scene, challenge: &Challenge, place: Place) -> (Visit, Entry) {
    let visit = Visit {
        id: VisitId::new(at(0), [1; 10]),
        place,
        name: "alice".to_owned(),
        user: None,
        token_digest: "knock".to_owned(),
        address: [203, 0, 113, 7].into(),
        challenge: Some(challenge.id),
        stage: Stage::Knocking,
        created_at: scene.now,
        seen_at: scene.now,
        expires_at: scene.now.plus_seconds(90),
    };
    let address = visit.address;
    (visit, Entry { id: VisitId::new(at(0), [2; 10]), token_digest: "visit".to_owned(), address, now: scene.now })
}

#[test]
fn what_strangers_ring_for_is_counted_apart() {
    let mut scene = Scene::new(1);
    for _ in 0..MAX_KNOCKS {
        let challenge = ring(&mut scene, Knock::Stranger);
        assert_eq!(challenge.state, State::Pending);
        scene.wait(60);
    }
    let refused = ring(&mut scene, Knock::Stranger);
    assert_eq!((refused.state.reason(), scene.last_limit()), (Some(Reason::RateLimited), Some("prompts")));
    // The person's own logins, and his browser that is known, notice nothing of it: no backoff, no count, no failure.
    for number in 1..MAX_PROMPTS {
        let challenge = scene.ask_from(&format!("PC{number}"));
        scene.approve(&challenge, 1).unwrap();
    }
    assert_eq!(ring(&mut scene, Knock::Known).state, State::Pending);
    scene.wait(KNOCK_WINDOW_SECONDS);
    assert_eq!(ring(&mut scene, Knock::Stranger).state, State::Pending);
}

#[test]
fn a_denial_turns_strangers_away_for_an_hour_and_nine_a_day_are_enough() {
    let mut scene = Scene::new(1);
    for _ in 0..MAX_KNOCKS_A_DAY.div_ceil(MAX_KNOCKS) {
        let challenge = ring(&mut scene, Knock::Stranger);
        scene.decline(&challenge, Decision::Deny);
        assert_eq!(ring(&mut scene, Knock::Stranger).state.reason(), Some(Reason::RateLimited));
        scene.wait(KNOCK_WINDOW_SECONDS);
    }
    assert_eq!(ring(&mut scene, Knock::Stranger).state.reason(), Some(Reason::RateLimited), "the day is over");
    // None of it stands against the person's own logins.
    for name in ["A", "B", "C"] {
        scene.ask_from(name);
    }
    scene.wait(KNOCK_DAY_SECONDS);
    assert_eq!(ring(&mut scene, Knock::Stranger).state, State::Pending);
}

#[test]
fn a_success_forgets_no_knock_and_logins_that_wait_stand_against_none() {
    let mut scene = Scene::new(1);
    for name in ["A", "B", "C"] {
        scene.ask_from(name);
    }
    assert_eq!(ring(&mut scene, Knock::Stranger).state, State::Pending);
    assert_eq!(scene.refusal_from("D"), Some(Reason::RateLimited), "three logins wait");
    for _ in 1..MAX_KNOCKS {
        let challenge = ring(&mut scene, Knock::Stranger);
        scene.approve(&challenge, 1).unwrap();
    }
    assert_eq!(ring(&mut scene, Knock::Stranger).state.reason(), Some(Reason::RateLimited));
}

#[test]
fn it_was_not_me_stops_strangers_and_nobody_else() {
    let mut scene = Scene::new(1);
    let challenge = ring(&mut scene, Knock::Stranger);
    scene.decline(&challenge, Decision::Report);
    let refused = ring(&mut scene, Knock::Stranger);
    assert_eq!((refused.state.reason(), scene.last_limit()), (Some(Reason::RateLimited), Some("reported")));
    assert_eq!(ring(&mut scene, Knock::Known).state, State::Pending);
    assert_eq!(scene.ask().state, State::Pending);
}

#[test]
fn neither_a_rule_nor_a_bypass_nor_an_earlier_approval_lets_in() {
    let mut scene = Scene::new(1);
    let kind = Kind::Bypass(Bypass {
        reason: "network".to_owned(),
        made_by: "cli:root".to_owned(),
        expires_at: at(3_600),
        max_uses: None,
        uses: 0,
    });
    let id = AuthenticatorId::new(at(0), [5; 10]);
    scene.account.factors.push(Factor { id, user: user_id(1), kind, created_at: at(0), last_used_at: None });
    scene.policy = policy(json!([{
        "name": "office", "enabled": true, "on_missing": "skip", "when": {"networks": ["203.0.113.0/24"]},
        "then": {"decision": "allow"},
    }]));
    for who in [Knock::Known, Knock::Stranger] {
        assert_eq!(ring(&mut scene, who).state, State::Pending, "{who:?}");
    }
    scene.account.factors.clear();
    scene.ask_for(json!({"reuse_seconds": 900}));
    let first = ring(&mut scene, Knock::Known);
    scene.approve(&first, 1).unwrap();
    scene.redeem(first.id, "x").unwrap_err();
    assert_eq!(ring(&mut scene, Knock::Known).state, State::Pending);
    scene.policy = policy(json!([{
        "name": "outside", "enabled": true, "on_missing": "skip", "when": {"networks": ["203.0.113.0/24"]},
        "then": {"decision": "deny"},
    }]));
    assert_eq!(ring(&mut scene, Knock::Known).state.reason(), Some(Reason::Policy));
}

#[test]
fn an_approval_makes_one_visit_of_its_place() {
    let mut scene = Scene::new(1);
    let challenge = ring(&mut scene, Knock::Stranger);
    let (visit, entry) = at_the_door(&scene, &challenge, Place::Portal);
    let enter =
        |scene: &mut Scene, visit: &Visit| scene.act(|account, journal| account.enter(visit, &entry, "r", journal));
    assert_eq!(enter(&mut scene, &visit), Err(NoEntry::Waiting));
    scene.approve(&challenge, 1).unwrap();
    scene.account.user.role = Some(Role::Admin);
    let (elsewhere, _) = at_the_door(&scene, &challenge, Place::Console);
    assert_eq!(enter(&mut scene, &elsewhere), Err(NoEntry::Refused), "the portal's approval opens no console");
    scene.account.user.role = None;
    let inside = enter(&mut scene, &visit).unwrap();
    assert!(matches!(inside.stage, Stage::Inside { by: By::Phone(_), .. }));
    assert_eq!((inside.id, inside.user), (entry.id, Some(user_id(1))));
    assert_eq!(enter(&mut scene, &visit), Err(NoEntry::Refused), "it is spent");
    assert_eq!((scene.count("portal.entered"), scene.count("console.refused")), (1, 0));
    assert_eq!(scene.account.user.habits, gatematch_domain::habit::Habits::default(), "a visit teaches no network");
}

#[test]
fn whoever_has_no_role_spends_his_approval_for_nothing() {
    let mut scene = Scene::new(1);
    let login = Login { gateway: Place::Console.gateway(), ..knock(&mut scene, Knock::Stranger) };
    let challenge = scene.open(&login);
    scene.approve(&challenge, 1).unwrap();
    let (visit, entry) = at_the_door(&scene, &challenge, Place::Console);
    let enter = |scene: &mut Scene| scene.act(|account, journal| account.enter(&visit, &entry, "r", journal));
    assert_eq!(enter(&mut scene), Err(NoEntry::NoRole));
    scene.account.user.role = Some(Role::Admin);
    assert_eq!(enter(&mut scene), Err(NoEntry::Refused));
    assert_eq!((scene.count("console.entered"), scene.count("console.refused")), (0, 1));
}

#[test]
fn an_approval_of_a_login_lets_nobody_in_here() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask_and_approve();
    let (visit, entry) = at_the_door(&scene, &challenge, Place::Portal);
    let entered = scene.act(|account, journal| account.enter(&visit, &entry, "r", journal));
    assert_eq!(entered, Err(NoEntry::Refused));
    assert!(matches!(scene.now(challenge.id).state, State::Approved { .. }), "it stays for its gateway");
}

#[test]
fn nothing_but_a_number_typed_on_a_phone_makes_a_visit() {
    for (method, has_number) in [(Method::Reuse, true), (Method::Policy, true), (Method::Push, false)] {
        let mut scene = Scene::new(1);
        let challenge = ring(&mut scene, Knock::Known);
        scene.approve(&challenge, 1).unwrap();
        let (visit, entry) = at_the_door(&scene, &challenge, Place::Portal);
        // A row that no step makes: changed by hand, or by a fault of ours.
        let kept = scene.account.challenges.iter_mut().find(|kept| kept.id == challenge.id).unwrap();
        if let State::Approved { approval, .. } = &mut kept.state {
            approval.method = method;
        }
        if !has_number {
            kept.number = None;
        }
        let entered = scene.act(|account, journal| account.enter(&visit, &entry, "r", journal));
        assert_eq!(entered, Err(NoEntry::Refused), "{method:?} {has_number}");
    }
}
