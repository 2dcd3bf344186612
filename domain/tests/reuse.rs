//! One approval for one session, and everything that ends it; what policy decides before anybody is asked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

mod support;

use gatematch_domain::challenge::{Challenge, Client, Reason, State};
use gatematch_domain::device::DeviceStatus;
use gatematch_domain::enrollment::{Enrollment, Registration};
use gatematch_domain::factor::{AccessPass, Bypass, Factor, Hash, Hashing, Kind};
use gatematch_domain::factors::FactorChange;
use gatematch_domain::login::Login;
use gatematch_domain::policy::Method;
use gatematch_domain::user::Status;
use gatematch_protocol::id::{AuthenticatorId, EnrollmentId, KeyId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::response::{Decision, UserVerification};
use serde_json::json;
use support::{Scene, at, gateway_id, phone_id, policy, user_id};

/// Somebody with two phones who has approved a login of a session that may be served for a quarter of an hour.
fn approved() -> (Scene, Challenge) {
    let mut scene = Scene::new(2);
    scene.ask_for(json!({"reuse_seconds": 900}));
    let original = scene.ask_and_approve();
    scene.redeem(original.id, "first").unwrap();
    (scene, original)
}

/// By what the login is approved at once, if it is.
fn method(challenge: &Challenge) -> Option<Method> {
    match &challenge.state {
        State::Approved { approval, .. } => Some(approval.method),
        _ => None,
    }
}

fn again(scene: &mut Scene) -> Option<Method> {
    let login = scene.login();
    method(&scene.open(&login))
}

#[test]
fn one_approval_serves_the_session_and_the_audit_names_it() {
    let (mut scene, original) = approved();
    scene.wait(60);
    let login = scene.login();
    let served = scene.open_for(&login, &[]).unwrap();
    assert_eq!((method(&served), served.number.as_ref(), served.sent_to.len()), (Some(Method::Reuse), None, 0));
    let event = scene.events.last().unwrap();
    assert_eq!((event.kind, event.number_match), ("challenge.approved", Some(false)));
    assert_eq!(event.detail["original"], json!(original.id));
    assert_eq!((&event.detail["uses"], event.device), (&json!(1), Some(phone_id(1))));
    let redeemed = scene.redeem(served.id, "second").unwrap();
    assert!(matches!(redeemed.state, State::Redeemed { .. }));
    // What was served serves nothing itself.
    scene.wait(900 - 61);
    assert_eq!(again(&mut scene), Some(Method::Reuse));
    scene.wait(1);
    assert_eq!(again(&mut scene), None, "the window is counted from the decision and never extended");
}

#[test]
fn ten_uses_each_with_a_notice() {
    let (mut scene, _) = approved();
    for use_ in 1..=10 {
        let login = scene.login();
        let mut journal = gatematch_domain::audit::Journal::new(gatematch_domain::audit::Actor::System, scene.now);
        std::mem::swap(&mut journal.events, &mut scene.events);
        assert_eq!(again(&mut scene), Some(Method::Reuse), "{use_} {}", login.id);
    }
    assert_eq!(again(&mut scene), None, "the eleventh is asked");
}

#[test]
fn only_the_same_session_is_served() {
    let (mut scene, _) = approved();
    let client =
        |ip: Option<[u8; 4]>, name: Option<&str>| Client { ip: ip.map(Into::into), name: name.map(str::to_owned) };
    let others = [
        Login { gateway: gateway_id(2), ..scene.login() },
        Login { client: client(None, Some("OTHER")), ..scene.login() },
        Login { client: client(None, Some("pc")), ..scene.login() },
        Login { client: client(None, None), ..scene.login() },
        Login { client: client(Some([203, 0, 113, 7]), Some("PC")), ..scene.login() },
        Login { factor_required: true, ..scene.login() },
        Login { methods: Some(vec![Method::Totp]), ..scene.login() },
    ];
    for login in others {
        let mut scene = scene_clone(&scene);
        assert_eq!(method(&scene.open(&login)), None, "{login:?}");
    }
    assert_eq!(again(&mut scene), Some(Method::Reuse));
}

fn scene_clone(scene: &Scene) -> Scene {
    let mut clone = Scene::new(2);
    clone.account = scene.account.clone();
    clone.policy = scene.policy.clone();
    clone.now = scene.now;
    clone
}

#[test]
fn an_approval_serves_no_more_than_it_has_brought() {
    for (then, is_served) in [
        (json!({"reuse_seconds": 900}), true),
        (json!({"reuse_seconds": 900, "digits": 2}), true),
        (json!({"reuse_seconds": 900, "digits": 4}), false),
        (json!({"reuse_seconds": 900, "uv": "required"}), false),
        (json!({"reuse_seconds": 900, "methods": ["totp"]}), false),
        (json!({"reuse_seconds": 0}), false),
        (json!({}), false),
    ] {
        let (mut scene, _) = approved();
        scene.ask_for(then.clone());
        assert_eq!(again(&mut scene) == Some(Method::Reuse), is_served, "{then}");
    }
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900, "uv": "required"}));
    let challenge = scene.ask();
    let number = challenge.number.as_ref().map(|number| number.reveal().to_owned());
    scene.answer(challenge.id, 1, Decision::Approve, number.as_deref(), Some(UserVerification::Biometric)).unwrap();
    scene.redeem(challenge.id, "first").unwrap();
    assert_eq!(again(&mut scene), Some(Method::Reuse), "that one has said that it verified him");
}

#[test]
fn what_was_not_approved_by_number_and_redeemed_serves_nothing() {
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900}));
    let unredeemed = scene.ask_and_approve();
    assert_eq!(again(&mut scene), None, "nobody has redeemed it");
    assert_eq!(scene.state(unredeemed.id).0, "cancelled");
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900, "no_display": "approve_only"}));
    let login = scene.plain_login_from("PC");
    let bare = scene.open(&login);
    scene.approve(&bare, 1).unwrap();
    scene.redeem(bare.id, "first").unwrap();
    assert_eq!(again(&mut scene), None, "no number was matched");
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900}));
    let login = Login { client: Client::default(), ..scene.login() };
    let nameless = scene.open(&login);
    scene.approve(&nameless, 1).unwrap();
    scene.redeem(nameless.id, "first").unwrap();
    let login = Login { client: Client::default(), ..scene.login() };
    assert_eq!(method(&scene.open(&login)), None, "whoever has no name is nobody again");
}

fn pass() -> Factor {
    let hashing = Hashing { salt: "c2FsdA".to_owned(), pepper: KeyId::new(at(0), [1; 10]) };
    let hash = Hash::new("hash".to_owned());
    let kind =
        Kind::AccessPass(AccessPass { hashing, hash, starts_at: at(0), expires_at: at(9_000), max_uses: 1, uses: 0 });
    Factor { id: AuthenticatorId::new(at(0), [9; 10]), user: user_id(1), kind, created_at: at(0), last_used_at: None }
}

fn change(scene: &mut Scene, change: &FactorChange) {
    scene.act(|account, journal| account.change_factors(change, journal)).unwrap();
}

fn register(scene: &mut Scene, code: Option<&str>) {
    let mut enrollment = Enrollment {
        id: EnrollmentId::new(at(0), [7; 10]),
        user: user_id(1),
        token_digest: "digest".to_owned(),
        created_at: scene.now,
        expires_at: scene.now.plus_seconds(600),
        used_at: None,
        by_admin: true,
        by_device: None,
    };
    let phone = Registration {
        id: phone_id(3),
        key: PublicKey::from_coordinates([9; 32], [8; 32]),
        name: "new".to_owned(),
        platform: None,
        push: None,
        code: code.map(str::to_owned),
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    scene.act(|account, journal| account.register(&mut enrollment, false, phone, journal)).unwrap();
}

#[test]
fn a_deny_a_report_a_wrong_number_a_lock_and_any_change_of_factor_end_it() {
    type Ends = fn(&mut Scene);
    let all: [(&str, Ends); 13] = [
        ("deny", |scene| {
            let other = scene.ask_from("OTHER");
            scene.decline(&other, Decision::Deny);
        }),
        ("report", |scene| {
            let other = scene.ask_from("OTHER");
            scene.decline(&other, Decision::Report);
        }),
        ("a wrong number", |scene| {
            let other = scene.ask_from("OTHER");
            scene.mistype(&other, 2).unwrap();
        }),
        ("lock and unlock", |scene| {
            scene.lock();
            scene.unlock();
        }),
        ("disable and enable", |scene| {
            scene.set_status(Status::Disabled);
            scene.set_status(Status::Active);
        }),
        ("its phone is removed", |scene| drop(scene.revoke(1))),
        ("another phone is removed", |scene| drop(scene.revoke(2))),
        ("a phone is added", |scene| register(scene, None)),
        ("an unconfirmed phone is added", |scene| register(scene, Some("123456"))),
        ("a pass is added", |scene| change(scene, &FactorChange::Add { factor: Box::new(pass()), reason: None })),
        ("a pass is added and removed", |scene| {
            change(scene, &FactorChange::Add { factor: Box::new(pass()), reason: None });
            change(scene, &FactorChange::Remove { id: pass().id, reason: None, bypass: false });
        }),
        ("he comes under protection", |scene| {
            scene.account.factors.push(pass());
            let groups = Some(vec!["admins".to_owned()]);
            let change = gatematch_domain::user::UserChange { groups, ..Default::default() };
            scene.act(|account, journal| account.change(&change, &["admins".to_owned()], journal));
        }),
        ("its phone is not active", |scene| {
            let code = DeviceStatus::Unconfirmed { code: "1".to_owned(), wrong_tries: 0 };
            scene.account.devices.first_mut().unwrap().status = code;
        }),
    ];
    for (what, ends) in all {
        let (mut scene, _) = approved();
        scene.wait(5);
        ends(&mut scene);
        assert_eq!(again(&mut scene), None, "{what}");
        let (mut scene, _) = approved();
        scene.wait(5);
        // Approved before, redeemed after.
        let late = scene.ask_from("LATE");
        scene.approve(&late, 1).unwrap();
        ends(&mut scene);
        if scene.redeem(late.id, "late").is_ok_and(|late| matches!(late.state, State::Redeemed { .. })) {
            let login = scene.login_from("LATE");
            assert_eq!(method(&scene.open(&login)), None, "{what}, before it was redeemed");
        }
    }
    let (mut scene, _) = approved();
    change(&mut scene, &FactorChange::RenamePhone { id: phone_id(1), name: "mine".to_owned() });
    assert_eq!(again(&mut scene), Some(Method::Reuse), "a name is no factor");
}

#[test]
fn a_clock_that_is_set_back_revives_nothing() {
    let (mut scene, _) = approved();
    scene.wait(-3_600);
    assert_eq!(again(&mut scene), None);
    scene.wait(3_600);
    assert_eq!(again(&mut scene), None, "what was dead stays dead");
}

#[test]
fn what_came_later_ends_it_whatever_the_clock_said() {
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900}));
    let original = scene.ask();
    let other = scene.ask_from("OTHER");
    scene.wait(2);
    scene.approve(&original, 1).unwrap();
    // The denial was begun before, and written after.
    scene.wait(-1);
    scene.decline(&other, Decision::Deny);
    scene.wait(1);
    scene.redeem(original.id, "one").unwrap();
    assert_eq!(again(&mut scene), None);
}

#[test]
fn a_name_that_was_reported_is_not_served_by_what_was_approved_after() {
    let mut scene = Scene::new(1);
    scene.ask_for(json!({"reuse_seconds": 900}));
    let from = |scene: &mut Scene, ip: [u8; 4]| Login {
        client: Client { ip: Some(ip.into()), name: Some("PC".to_owned()) },
        ..scene.login()
    };
    let (one, two) = (from(&mut scene, [203, 0, 113, 7]), from(&mut scene, [198, 51, 100, 7]));
    let (one, two) = (scene.open(&one), scene.open(&two));
    scene.decline(&one, Decision::Report);
    scene.approve(&two, 1).unwrap();
    scene.redeem(two.id, "two").unwrap();
    let login = from(&mut scene, [198, 51, 100, 7]);
    assert_eq!(scene.open(&login).state.reason(), Some(Reason::RateLimited));
}

#[test]
fn what_nobody_was_asked_for_stands_beside_what_is_asked() {
    let mut scene = Scene::new(1);
    scene.policy = policy(json!([{"name": "staff", "when": {"users": ["alice"]}, "then": {"decision": "allow"}}]));
    let login = scene.plain_login_from("PC");
    let let_in = scene.open(&login);
    scene.ask_for(json!({}));
    let login = scene.plain_login_from("PC");
    scene.open(&login);
    assert_eq!(scene.state(let_in.id), ("approved", None), "a retry replaces what was asked");
    assert!(scene.redeem(let_in.id, "one").is_ok_and(|one| matches!(one.state, State::Redeemed { .. })));
}

#[test]
fn denied_goes_before_a_bypass_and_that_before_asking_but_not_before_allowing() {
    let bypass = || {
        let kind = Kind::Bypass(Bypass {
            reason: "lost".to_owned(),
            made_by: "desk".to_owned(),
            expires_at: at(900),
            max_uses: Some(1),
            uses: 0,
        });
        Factor { kind, ..pass() }
    };
    let rules =
        |decision: &str| policy(json!([{"name": "r", "when": {"users": ["alice"]}, "then": {"decision": decision}}]));
    let mut scene = Scene::new(1);
    scene.account.factors.push(bypass());
    scene.policy = rules("deny");
    assert_eq!(scene.refusal_from("PC"), Some(Reason::Policy));
    scene.policy = rules("allow");
    assert_eq!(again(&mut scene), Some(Method::Policy), "no use of the bypass is spent");
    scene.policy = rules("ask");
    assert_eq!(again(&mut scene), Some(Method::Bypass));
    assert_eq!(again(&mut scene), None, "that was its one use");
    scene.lock();
    scene.policy = rules("allow");
    assert_eq!(scene.refusal_from("PC"), Some(Reason::Locked));
    assert_eq!(scene.events.last().unwrap().policy, None, "policy is not asked about somebody who is locked");
}

#[test]
fn allow_holds_for_somebody_without_a_factor_and_is_no_success() {
    let mut scene = Scene::new(0);
    scene.policy = policy(json!([{"name": "staff", "when": {"users": ["alice"]}, "then": {"decision": "allow"}}]));
    let login = scene.login();
    let let_in = scene.open(&login);
    assert_eq!(method(&let_in), Some(Method::Policy));
    assert_eq!((let_in.rule.as_deref(), let_in.methods.len()), (Some("staff"), 0));
    let event = scene.events.last().unwrap();
    assert_eq!((event.policy.as_deref(), event.number_match), (Some("staff"), Some(false)));
    assert_eq!(event.detail["method"], json!("policy"));
    scene.redeem(let_in.id, "one").unwrap();
    assert_eq!(scene.account.user.last_sign_in_at, Some(scene.now), "somebody uses this account");
    let login = Login { factor_required: true, ..scene.login() };
    assert_eq!(scene.open(&login).state.reason(), Some(Reason::NotEnrolled), "a name alone never opens");
}

#[test]
fn what_a_login_was_judged_by_is_kept_with_its_beginning() {
    let mut scene = Scene::new(1);
    scene.account.user.groups = vec!["staff".to_owned()];
    scene.policy = policy(json!([
        {"name": "trial", "report_only": true, "when": {"groups": ["staff"]}, "then": {"decision": "deny"}},
        {"name": "unseen", "when": {"networks": ["198.51.100.0/24"]}, "on_missing": "skip", "then": {"decision": "deny"}}
    ]));
    let client = Client { ip: Some([203, 0, 113, 7].into()), name: Some("PC".to_owned()) };
    let login = Login { client, ..scene.login() };
    scene.open(&login);
    let detail = &scene.events.last().unwrap().detail;
    assert_eq!(detail["policy_version"], json!(2));
    assert_eq!(detail["report_only"], json!([{"rule": "trial", "decision": "deny"}]));
    let facts = &detail["facts"];
    assert_eq!((&facts["groups"], &facts["gateway"]["name"]), (&json!(["staff"]), &json!("rdg01")));
    assert_eq!(facts["told"], json!({"address": "203.0.113.7", "new_network": true}));
    assert_eq!(facts["new_phone"], json!(true));
}

#[test]
fn a_network_is_known_once_he_was_let_in_from_there_by_a_factor_of_his() {
    let rule = json!([{"name": "new", "when": {"signals": ["new-network"]}, "on_missing": "skip", "then": {"decision": "ask", "digits": 6}}]);
    let mut scene = Scene::new(1);
    scene.policy = policy(rule);
    let from = |scene: &mut Scene, ip: [u8; 4]| Login {
        client: Client { ip: Some(ip.into()), name: Some("PC".to_owned()) },
        ..scene.login()
    };
    let digits = |challenge: &Challenge| challenge.number.as_ref().map(|number| number.digits());
    let login = from(&mut scene, [203, 0, 113, 7]);
    let first = scene.open(&login);
    assert_eq!(digits(&first), Some(6));
    scene.approve(&first, 1).unwrap();
    let login = from(&mut scene, [203, 0, 113, 8]);
    assert_eq!(digits(&scene.open(&login)), Some(6), "nobody was let in yet");
    let login = from(&mut scene, [203, 0, 113, 7]);
    let second = scene.open(&login);
    scene.approve(&second, 1).unwrap();
    scene.redeem(second.id, "two").unwrap();
    let login = from(&mut scene, [203, 0, 113, 8]);
    assert_eq!(digits(&scene.open(&login)), Some(3));
    let login = Login { address_counts: false, ..from(&mut scene, [192, 0, 2, 7]) };
    let shown = scene.open(&login);
    assert_eq!(digits(&shown), Some(3), "an address that is only shown is missing");
    scene.approve(&shown, 1).unwrap();
    scene.redeem(shown.id, "three").unwrap();
    let login = from(&mut scene, [192, 0, 2, 7]);
    assert_eq!(digits(&scene.open(&login)), Some(6), "and teaches nothing");
}

#[test]
fn a_phone_is_new_from_when_it_may_be_asked() {
    let mut scene = Scene::new(1);
    scene.wait(90_000);
    register(&mut scene, Some("123456"));
    assert!(!scene.account.has_new_phone(scene.now), "it may not be asked yet");
    scene.wait(90_000);
    scene.act(|account, journal| account.confirm_device(phone_id(3), "123456", journal)).unwrap();
    assert!(scene.account.has_new_phone(scene.now));
    scene.wait(86_400);
    assert!(!scene.account.has_new_phone(scene.now));
}
