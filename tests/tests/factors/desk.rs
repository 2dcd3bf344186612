//! Who may do what to whom: roles, protected people, one's own account, and what a body cannot smuggle in (AD-01,
//! AD-02, AD-04).

use std::collections::BTreeMap;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::http::{Answer, Api};
use gatematch_domain::audit::Actor;
use gatematch_domain::role::Role;
use gatematch_protocol::authenticator::{CreateBypass, CreateTotp};
use gatematch_protocol::id::AdminKeyId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::Clock as _;
use gatematch_server::store::{Act, KeyRevoked, admin_key};
use gatematch_tests::Site;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::{count, detail, only, refusal};
use gatematch_tests::wire::json;
use serde_json::{Value, json as value};

/// An administrator whose key is called so, and may be known to be somebody's.
async fn admin_called(site: &Site, role: Role, name: &str, user: Option<&str>) -> Admin {
    let key = Secret::from_random(prefix::ADMIN, &gatematch_client_sim::edge::random());
    let id = AdminKeyId::new(site.clock.now(), gatematch_client_sim::edge::random());
    let act = Act::new(Actor::CommandLine("tests".to_owned()), site.clock.now());
    let mut row = admin_key(id, name.to_owned(), role, site.clock.now());
    row.user = user.map(str::to_owned);
    site.store().create_admin_key(act, row, key.digest()).await.unwrap();
    Admin::new(site.api(), key)
}

/// Everything that changes what `user` signs in with, as method, path and body.
fn changes(user: &str) -> Vec<(&'static str, String, Value)> {
    let of = |path: &str| format!("/v1/users/{user}/{path}");
    vec![
        ("POST", "/v1/enrollments".to_owned(), value!({"user": user})),
        ("POST", of("totp"), value!({})),
        ("POST", of("recovery-codes"), value!({})),
        ("POST", of("access-passes"), value!({"expires_in": 60})),
        ("POST", of("bypasses"), value!({"reason": "a test", "expires_in": 60})),
        ("POST", of("unlock"), value!({"reason": "a test"})),
    ]
}

async fn asked(admin: &Admin, (method, path, body): &(&'static str, String, Value)) -> Answer {
    let body = if body.is_null() { None } else { json(body) };
    admin.call(method, path, body).await.unwrap()
}

fn code(answer: &Answer) -> String {
    answer.problem().map_or_else(|| answer.status.to_string(), |problem| problem.code)
}

#[tokio::test]
async fn ad_01_protected_people_are_managed_by_the_role_admin_alone() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    let auditor = site.admin_with(Role::Auditor).await;
    let chief = site.person("chief").await;
    site.person("alice").await;
    let groups = Some(vec!["ＤＯＭＡＩＮ admins ".to_owned()]);
    site.admin.put_user("chief", &PutUser { groups, ..PutUser::default() }).await.unwrap();
    let totp = site.admin.add_totp("chief", &CreateTotp::default()).await.unwrap();
    let made = site.admin.bypass("chief", &bypass(None)).await.unwrap();
    let phone = chief.phone.device_id().unwrap();
    let mut all = changes("chief");
    all.extend([
        ("POST", format!("/v1/users/chief/totp/{}/confirm", totp.id), value!({"code": "123456"})),
        ("DELETE", format!("/v1/users/chief/bypasses/{}", made.id), Value::Null),
        ("DELETE", format!("/v1/users/chief/authenticators/{}", totp.id), Value::Null),
        ("DELETE", format!("/v1/users/chief/authenticators/{phone}"), Value::Null),
        ("DELETE", format!("/v1/devices/{phone}"), Value::Null),
    ]);
    for change in &all {
        for admin in [&helpdesk, &auditor] {
            assert_eq!(code(&asked(admin, change).await), "role-not-allowed", "{change:?}");
        }
    }
    assert_eq!(site.admin.authenticators("chief").await.unwrap().len(), 2, "nothing was changed");
    for change in changes("alice") {
        assert_eq!(code(&asked(&auditor, &change).await), "role-not-allowed", "{change:?}");
        assert!(asked(&helpdesk, &change).await.status < 300, "{change:?}");
    }
    for change in all {
        assert!(
            asked(&site.admin, &change).await.status < 300 || change.1.ends_with("confirm") || change.0 == "DELETE"
        );
    }
    // Everybody may lock anybody out; in again, no.
    helpdesk.lock("chief", "his laptop is stolen").await.unwrap();
    assert_eq!(refusal(helpdesk.unlock("chief", "it is found").await), Code::RoleNotAllowed);
    assert!(!site.admin.unlock("chief", "it is found").await.unwrap().locked);
}

#[tokio::test]
async fn ad_01_nobody_acts_on_himself() {
    let site = Site::start().await;
    site.person("carol").await;
    site.person("dave").await;
    let called = admin_called(&site, Role::Helpdesk, "CONTOSO\\Carol", None).await;
    let known = admin_called(&site, Role::Admin, "Tools", Some("carol")).await;
    let other = admin_called(&site, Role::Helpdesk, "carol", Some("dave")).await;
    let phone = site.admin.devices("carol").await.unwrap()[0].id;
    let mut all = changes("carol");
    all.push(("DELETE", format!("/v1/devices/{phone}"), Value::Null));
    all.push(("DELETE", format!("/v1/users/carol/authenticators/{phone}"), Value::Null));
    // An account made anew under the same name would be neither locked nor paused.
    all.push(("DELETE", "/v1/users/carol".to_owned(), Value::Null));
    for change in &all {
        for admin in [&called, &known] {
            assert_eq!(code(&asked(admin, change).await), "own-account", "{change:?}");
        }
    }
    for change in changes("dave") {
        assert_eq!(code(&asked(&other, &change).await), "own-account", "the key says whose it is: {change:?}");
        assert!(asked(&called, &change).await.status < 300, "{change:?}");
    }
    let events = site.audit().await;
    let refused = events.iter().filter(|event| event.reason.as_deref() == Some("own-account"));
    assert_eq!(refused.count(), 2 * all.len() + changes("dave").len());
}

#[tokio::test]
async fn ad_02_nothing_is_smuggled_in_by_a_body() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    let users = "/v1/users/alice";
    let smuggled = [
        (format!("{users}/totp"), value!({"secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})),
        (format!("{users}/totp"), value!({"status": "active"})),
        (format!("{users}/recovery-codes"), value!({"codes": ["A"]})),
        (format!("{users}/access-passes"), value!({"expires_in": 60, "pass": "AAAAA-AAAAA"})),
        (format!("{users}/access-passes"), value!({"expires_in": 60, "user": "bob"})),
        (format!("{users}/access-passes"), value!({"expires_in": 60, "expires_at": "2030-01-01T00:00:00Z"})),
        (format!("{users}/bypasses"), value!({"reason": "x", "expires_in": 60, "role": "admin"})),
        (format!("{users}/unlock"), value!({"reason": "x", "user": "bob"})),
        ("/v1/enrollments".to_owned(), value!({"user": "alice", "by_admin": true})),
    ];
    for (path, body) in smuggled {
        let answer = helpdesk.call("POST", &path, json(&body)).await.unwrap();
        assert_eq!((answer.status, code(&answer).as_str()), (400, "malformed-body"), "{path} {body}");
    }
    for (path, body) in [
        ("/v1/self/enrollments", value!({"user": "bob"})),
        ("/v1/self/recovery-codes", value!({"user": "bob"})),
        ("/v1/self/totp", value!({"user": "bob"})),
    ] {
        let answer = alice.phone.call("POST", path, json(&body)).await.unwrap();
        assert_eq!((answer.status, code(&answer).as_str()), (400, "malformed-body"), "{path} {body}");
    }
    assert_eq!(site.admin.authenticators("alice").await.unwrap().len(), 1);
}

#[tokio::test]
async fn ad_04_a_bypass_without_end_or_reason_is_refused() {
    let site = Site::start().await;
    site.user("alice").await;
    for (body, status) in [
        (value!({"reason": "outage"}), 400),
        (value!({"expires_in": 60}), 400),
        (value!({"reason": "", "expires_in": 60}), 422),
        (value!({"reason": "outage", "expires_in": 0}), 422),
        (value!({"reason": "outage", "expires_in": -60}), 422),
        (value!({"reason": "outage", "expires_in": 86_401}), 422),
        (value!({"reason": "outage", "expires_in": 9_000_000_000_000_000_000_i64}), 422),
        (value!({"reason": "outage", "expires_in": null}), 400),
        (value!({"reason": "outage", "expires_in": "60"}), 400),
        (value!({"reason": "outage", "expires_in": 60, "max_uses": 0}), 422),
    ] {
        let answer = site.admin.call("POST", "/v1/users/alice/bypasses", json(&body)).await.unwrap();
        assert_eq!(answer.status, status, "{body}");
    }
    let longest = CreateBypass { expires_in: 86_400, ..bypass(None) };
    site.admin.bypass("alice", &longest).await.unwrap();
    let views = site.admin.bypasses("alice").await.unwrap();
    let [view] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!((view.reason.as_str(), view.expires_at), ("the push service is down", site.clock.now_plus(86_400)));
    let events = site.audit().await;
    let event = only(&events, "bypass.created");
    assert_eq!((event.actor.as_ref(), detail(event, "reason")), (Some(&view.made_by), view.reason.clone()));
}

#[tokio::test]
async fn ad_04_the_last_administrators_key_stays() {
    let site = Site::start().await;
    let act = || Act::new(Actor::CommandLine("root".to_owned()), site.clock.now());
    site.admin_with(Role::Helpdesk).await;
    let keys = site.store().admin_keys().await.unwrap();
    let of = |role: Role| keys.iter().find(|key| key.role == role).unwrap().id;
    assert_eq!(site.store().revoke_admin_key(act(), of(Role::Admin)).await.unwrap(), KeyRevoked::LastAdministrator);
    assert_eq!(site.store().revoke_admin_key(act(), of(Role::Helpdesk)).await.unwrap(), KeyRevoked::Done);
    let second = site.admin_with(Role::Admin).await;
    assert_eq!(site.store().revoke_admin_key(act(), of(Role::Admin)).await.unwrap(), KeyRevoked::Done);
    assert!(second.get_user("nobody").await.is_err_and(|failure| failure.code() == Some(Code::NotFound)));
}

#[tokio::test]
async fn resets_carry_a_reason_where_the_settings_ask_for_one() {
    let site = Site::start_with(|settings| settings.require_reasons = true).await;
    let alice = site.person("alice").await;
    let phone = alice.phone.device_id().unwrap();
    let paths: BTreeMap<String, Value> = changes("alice").into_iter().map(|(_, path, body)| (path, body)).collect();
    for (path, body) in paths.iter().filter(|(path, _)| {
        path.contains("totp") || path.contains("codes") || path.contains("passes") && !path.contains("bypass")
    }) {
        let answer = site.admin.call("POST", path, json(body)).await.unwrap();
        assert_eq!((answer.status, code(&answer).as_str()), (422, "invalid-value"), "{path}");
        let mut body = body.clone();
        body["reason"] = "a lost phone".into();
        assert_eq!(site.admin.call("POST", path, json(&body)).await.unwrap().status, 201, "{path}");
    }
    assert_eq!(refusal(site.admin.delete_device(phone).await), Code::InvalidValue);
    site.admin.delete_device_because(phone, "lost at the station").await.unwrap();
    let events = site.audit().await;
    assert_eq!(detail(only(&events, "device.deleted"), "why"), "lost at the station");
    assert_eq!(count(&events, "authenticator.added"), 3);
    let long = format!("/v1/devices/{phone}?reason={}", "x".repeat(65));
    let api: Api = site.api();
    let authorization = site.admin.authorization();
    let answer = api.raw("DELETE", &long, &[("authorization", &authorization)], Vec::new()).await.unwrap();
    assert_eq!(answer.status, 404, "there is no such phone any more");
}
