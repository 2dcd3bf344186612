//! Policy and the connect page: whose page has a part in a decision, and what becomes of a code that was typed on it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod desk;
mod support;

use desk::Desk;
use gatematch_domain::challenge::{Approval, Challenge, Client, Reason, State};
use gatematch_domain::connect::Opened;
use gatematch_domain::factor::{AccessPass, Factor, Hash, Hashing, Kind};
use gatematch_domain::login::Login;
use gatematch_domain::policy::Method;
use gatematch_protocol::id::{AuthenticatorId, KeyId};
use serde_json::json;
use support::{at, policy, user_id};

fn method(challenge: &Challenge) -> Option<Method> {
    match &challenge.state {
        State::Approved { approval, .. } => Some(approval.method),
        _ => None,
    }
}

fn digits(challenge: &Challenge) -> Option<usize> {
    challenge.number.as_ref().map(|number| number.digits())
}

/// A rule for 203.0.113.0/24, where the pages of the desk are open.
fn there(decision: &str) -> serde_json::Value {
    json!({"name": "there", "when": {"networks": ["203.0.113.0/24"]}, "on_missing": "skip", "then": {"decision": decision}})
}

#[test]
fn cn_04_the_page_s_address_never_lets_in_and_makes_stricter() {
    let mut desk = Desk::new();
    desk.scene.policy = policy(json!([there("allow")]));
    desk.arm(1, None);
    assert_eq!(desk.open("PC").state, State::Pending, "it satisfies no allow");
    let mut desk = Desk::new();
    desk.scene.policy = policy(json!([there("deny")]));
    desk.arm(1, None);
    assert_eq!(desk.open("PC").state.reason(), Some(Reason::Policy));
    let event = desk.scene.events.last().unwrap();
    assert_eq!(event.detail["stricter_by_page"], json!(true));
    assert_eq!(event.detail["facts"]["page"]["address"], json!("203.0.113.1"));
    let mut desk = Desk::new();
    let mut six = there("ask");
    six["then"]["digits"] = 6.into();
    desk.scene.policy = policy(json!([six]));
    desk.arm(1, None);
    assert_eq!(digits(&desk.open("PC")), Some(6));
}

#[test]
fn the_page_of_a_stranger_keeps_nobody_out_who_is_not_asked() {
    for (browser, is_kept_out) in [(None, false), (Some(7), true)] {
        let mut desk = Desk::new();
        if let Some(browser) = browser {
            desk.pages.browsers.push(desk::browser(browser, &["PC"]));
        }
        let staff = json!({"name": "staff", "when": {"networks": ["192.0.2.0/24"]}, "on_missing": "skip", "then": {"decision": "allow"}});
        desk.scene.policy = policy(json!([there("deny"), staff]));
        desk.arm(1, browser);
        let client = Client { ip: Some([192, 0, 2, 7].into()), name: Some("PC".to_owned()) };
        let login = Login { client, ..desk.login("PC") };
        let opened = desk.open_login(&login);
        assert_eq!(method(&opened) == Some(Method::Policy), !is_kept_out, "{browser:?}");
    }
}

#[test]
fn a_code_on_the_page_opens_one_login_also_where_that_goes_on_without_it() {
    let hashing = Hashing { salt: "c2FsdA".to_owned(), pepper: KeyId::new(at(0), [1; 10]) };
    let kind = Kind::AccessPass(AccessPass {
        hashing,
        hash: Hash::new("hash".to_owned()),
        starts_at: at(0),
        expires_at: at(900),
        max_uses: 5,
        uses: 1,
    });
    let pass = Factor {
        id: AuthenticatorId::new(at(0), [9; 10]),
        user: user_id(1),
        kind,
        created_at: at(0),
        last_used_at: None,
    };
    for (decision, expected) in [("allow", Some(Method::Policy)), ("deny", None)] {
        let mut desk = Desk::new();
        desk.scene.account.factors.push(pass.clone());
        let page = desk.arm(1, None);
        let approval = Approval { authenticator: Some(pass.id), ..Approval::without(Method::AccessPass) };
        let session = desk.pages.sessions.iter_mut().find(|session| session.id == page).unwrap();
        session.opened = Some(Opened { approval, at: at(0), until: at(60) });
        let whole = desk.scene.policy.clone();
        desk.scene.policy =
            policy(json!([{"name": "r", "when": {"users": ["alice"]}, "then": {"decision": decision}}]));
        assert_eq!(method(&desk.open("PC")), expected);
        desk.scene.policy = whole;
        assert_eq!(desk.open("EVIL-PC").state, State::Pending, "{decision}: the code has had its login");
    }
}
