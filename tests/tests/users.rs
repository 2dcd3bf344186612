//! Users: what may be changed by whom, one account for every spelling, and nothing left of who was deleted.

use std::sync::Arc;

use gatematch_client_sim::http::{Answer, segment};
use gatematch_domain::role::Role;
use gatematch_domain::username::Domains;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::{PutUser, UserView};
use gatematch_tests::Site;
use gatematch_tests::moves::{count, only, race, refusal, state};
use gatematch_tests::wire::{json, refused};
use serde_json::{Value, json};

async fn put(site: &Site, name: &str, body: Value) -> Answer {
    site.admin.call("PUT", &format!("/v1/users/{}", segment(name)), json(&body)).await.unwrap()
}

#[tokio::test]
async fn absent_members_stay_as_they_are() {
    let site = Site::start().await;
    let made =
        put(&site, "alice", json!({"display_name": "Alice", "email": "alice@contoso.com", "groups": ["b", "a", "b"]}))
            .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made: UserView = made.json().unwrap();
    assert_eq!(
        (made.username.as_str(), made.status.as_str(), made.locked, made.devices),
        ("alice", "active", false, 0)
    );
    assert_eq!(made.groups, ["a", "b"]);
    for body in [json!({}), json!({"display_name": null, "groups": null, "email": null, "status": null})] {
        let same = put(&site, "alice", body).await;
        assert_eq!((same.status, same.json::<UserView>().unwrap()), (200, made.clone()));
    }
    // A body that is not there is an empty one.
    assert_eq!(site.admin.call("PUT", "/v1/users/alice", None).await.unwrap().json::<UserView>().unwrap(), made);
    let changed: UserView = put(&site, "alice", json!({"groups": []})).await.json().unwrap();
    assert_eq!(changed, UserView { groups: Vec::new(), ..made });
    let events = site.audit().await;
    assert_eq!((count(&events, "user.created"), count(&events, "user.changed")), (1, 1));
}

#[tokio::test]
async fn values_out_of_range_change_nothing() {
    let site = Site::start().await;
    let before: UserView = put(&site, "alice", json!({"display_name": "Alice"})).await.json().unwrap();
    for (body, code) in [
        (json!({"display_name": ""}), Code::InvalidValue),
        (json!({"display_name": "a".repeat(65)}), Code::InvalidValue),
        (json!({"display_name": "\u{10348}".repeat(33)}), Code::InvalidValue),
        (json!({"email": "nobody"}), Code::InvalidValue),
        (json!({"email": "a@b\r\nBcc: c@d"}), Code::InvalidValue),
        (json!({"email": format!("{}@b", "a".repeat(254))}), Code::InvalidValue),
        (json!({"groups": [""]}), Code::InvalidValue),
        (json!({"groups": vec!["g"; 65]}), Code::InvalidValue),
        (json!({"status": "locked"}), Code::InvalidValue),
        (json!({"status": "Active"}), Code::InvalidValue),
        (json!({"status": true}), Code::MalformedBody),
        (json!({"groups": "admins"}), Code::MalformedBody),
        (json!({"groups": {"0": "admins"}}), Code::MalformedBody),
        (json!({"groups": [1]}), Code::MalformedBody),
        (json!(["Alice"]), Code::MalformedBody),
        // AD-02: what the server decides cannot be smuggled in.
        (json!({"role": "admin"}), Code::MalformedBody),
        (json!({"id": before.id}), Code::MalformedBody),
        (json!({"username": "bob"}), Code::MalformedBody),
        (json!({"locked": false}), Code::MalformedBody),
        (json!({"devices": 1}), Code::MalformedBody),
        (json!({"created_at": "2020-01-01T00:00:00Z"}), Code::MalformedBody),
    ] {
        refused(&put(&site, "alice", body.clone()).await, code);
        refused(&put(&site, "nobody", body).await, code);
    }
    assert_eq!(site.admin.get_user("alice").await.unwrap(), before);
    assert_eq!(refusal(site.admin.get_user("nobody").await), Code::NotFound);
    let events = site.audit().await;
    assert_eq!(count(&events, "request.refused"), 2 * 21 + 1);
    assert_eq!((count(&events, "user.created"), count(&events, "user.changed")), (1, 0));
}

#[tokio::test]
async fn all_spellings_are_one_account_in_paths_and_bodies() {
    let site = Site::start().await;
    let made: UserView = put(&site, "CONTOSO\\Alice", json!({})).await.json().unwrap();
    assert_eq!(made.username, "alice");
    for spelling in ["alice", "ALICE", "Alice@contoso.com", "\\alice", "\u{ff21}lice", "corp\\aLICE", "alice@"] {
        assert_eq!(put(&site, spelling, json!({})).await.status, 200, "{spelling}");
        assert_eq!(site.admin.get_user(spelling).await.unwrap().id, made.id, "{spelling}");
        assert_eq!(site.admin.create_enrollment(spelling, None).await.unwrap().user, "alice", "{spelling}");
        assert!(site.admin.devices(spelling).await.unwrap().is_empty());
    }
    for none in
        ["alice.", ".alice", "al ice", "a/b", "a\\b\\c", "a\u{0}b", "a\u{202e}b", "\u{3164}", "..%2f", &"a".repeat(129)]
    {
        refused(&put(&site, none, json!({})).await, Code::InvalidUsername);
        assert_eq!(refusal(site.admin.get_user(none).await), Code::NotFound, "{none}");
        assert_eq!(refusal(site.admin.delete_user(none).await), Code::NotFound, "{none}");
        assert_eq!(refusal(site.admin.create_enrollment(none, None).await), Code::NotFound, "{none}");
    }
    // Bytes that are no text name nobody either.
    refused(&site.admin.call("PUT", "/v1/users/%ff%fe", None).await.unwrap(), Code::InvalidUsername);
    refused(&site.admin.call("GET", "/v1/users/%ff%fe", None).await.unwrap(), Code::NotFound);
    assert_eq!(count(&site.audit().await, "user.created"), 1);
}

#[tokio::test]
async fn with_domains_two_of_them_share_an_account_only_by_hand() {
    let entries = ["contoso", "contoso.com=contoso", "fabrikam"];
    let site = Site::start_with(|settings| settings.domains = Domains::from_entries(&entries).unwrap()).await;
    let home: UserView = put(&site, "contoso\\alice", json!({})).await.json().unwrap();
    let other: UserView = put(&site, "alice@fabrikam", json!({})).await.json().unwrap();
    assert_ne!(home.id, other.id);
    for (spelling, id) in [("alice", home.id), ("alice@contoso.com", home.id), ("FABRIKAM\\Alice", other.id)] {
        assert_eq!(site.admin.get_user(spelling).await.unwrap().id, id, "{spelling}");
    }
    // What an answer calls an account can be given back.
    assert_eq!(site.admin.get_user(&other.username).await.unwrap().id, other.id);
    refused(&put(&site, "evil\\alice", json!({})).await, Code::InvalidUsername);
    assert_eq!(refusal(site.admin.get_user("alice@evil").await), Code::NotFound);
    assert_eq!(refusal(site.admin.create_enrollment("evil\\alice", None).await), Code::NotFound);
    let gateway = site.gateway().await;
    site.phone_of("alice").await;
    for unknown in ["evil\\alice", "alice@evil", "alice@fabrikam@evil"] {
        let login = json!({"user": unknown});
        let view: Value = gateway.call("POST", "/v1/challenges", json(&login)).await.unwrap().json().unwrap();
        assert_eq!(
            (view["status"].as_str(), view["reason"].as_str()),
            (Some("denied"), Some("not-enrolled")),
            "{unknown}"
        );
    }
    assert_eq!(count(&site.audit().await, "user.created"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_is_made_once_however_many_make_him() {
    let site = Arc::new(Site::start().await);
    let spellings = ["alice", "ALICE", "corp\\alice", "alice@corp"];
    let answers = race(60, |index| {
        let site = Arc::clone(&site);
        async move { put(&site, spellings[index % 4], json!({})).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
    assert_eq!(site.admin.list_users(None, None, None).await.unwrap().items.len(), 1);
    assert_eq!(count(&site.audit().await, "user.created"), 1);
}

#[tokio::test]
async fn the_list_is_paged_and_searched_by_text_and_by_nothing_else() {
    let site = Site::start().await;
    for index in 0..25 {
        site.user(&format!("user{index:02}")).await;
    }
    put(&site, "o'neil_x", json!({"display_name": "Zo\u{eb} 100% $x"})).await;
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = site.admin.list_users(Some("USER"), Some(10), cursor.as_deref()).await.unwrap();
        seen.extend(page.items.into_iter().map(|user| user.username));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).map(|index| format!("user{index:02}")).collect::<Vec<_>>());
    // Exactly a page full is the last page.
    assert_eq!(site.admin.list_users(Some("user"), Some(25), None).await.unwrap().next_cursor, None);
    for (query, found) in
        [("%", 1), ("_", 1), ("'", 1), ("100% $X", 1), ("user_", 0), ("*", 0), ("\\", 0), ("' OR 1=1 --", 0), ("", 26)]
    {
        let page = site.admin.list_users(Some(query), Some(1_000), None).await.unwrap();
        assert_eq!(page.items.len(), found, "{query}");
    }
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=x",
        "cursor=%3F",
        "cursor=a",
        "limit=1&limit=2",
        "limit=18446744073709551616",
    ] {
        refused(&site.admin.call("GET", &format!("/v1/users?{query}"), None).await.unwrap(), Code::MalformedQuery);
    }
    assert_eq!(count(&site.audit().await, "request.refused"), 10);
}

#[tokio::test]
async fn a_user_made_again_is_a_new_account_without_factors() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let before = site.admin.get_user("alice").await.unwrap();
    let (open, token) = (gateway.create(&alice.login(), None).await.unwrap(), site.token("alice").await);
    let approval = alice.signed_approval(&open).await;
    site.admin.delete_user("alice").await.unwrap();
    assert_eq!(refusal(site.admin.delete_user("alice").await), Code::NotFound);
    // From the moment of the answer: no phone, no token, no login.
    assert_eq!(state(&gateway.get(open.id, 0).await.unwrap()), ("denied", Some("revoked")));
    refused(&alice.phone.call("GET", "/v1/devices/self", None).await.unwrap(), Code::CredentialInvalid);
    refused(&alice.phone.post_response(&open.id.to_string(), &approval).await.unwrap(), Code::ResponseNotAuthentic);
    site.user("alice").await;
    let after = site.admin.get_user("alice").await.unwrap();
    assert_ne!(after.id, before.id);
    assert_eq!(after.devices, 0);
    assert_eq!(refusal(site.blank_phone().enroll(token.reveal(), "Pixel").await), Code::EnrollmentGone);
    refused(&alice.phone.call("GET", "/v1/devices/self", None).await.unwrap(), Code::CredentialInvalid);
    assert_eq!(state(&gateway.create(&alice.login(), None).await.unwrap()), ("denied", Some("not-enrolled")));
    assert_eq!(state(&gateway.redeem(open.id, "r", 0).await.unwrap()), ("denied", Some("revoked")));
    let events = site.audit().await;
    assert_eq!((count(&events, "user.created"), count(&events, "user.deleted")), (2, 1));
    assert_eq!(only(&events, "user.deleted").user.as_deref(), Some("alice"));
}

#[tokio::test]
async fn disabling_ends_what_is_open_and_holds_until_an_admin_ends_it() {
    let site = Site::start().await;
    let (gateway, helpdesk) = (site.gateway().await, site.admin_with(Role::Helpdesk).await);
    let alice = site.person("alice").await;
    let (pending, approved) = (
        gateway.create(&alice.login_from("PC-1"), None).await.unwrap(),
        gateway.create(&alice.login_from("PC-2"), None).await.unwrap(),
    );
    alice.approve(&approved).await;
    let status = |word: &str| PutUser { status: Some(word.to_owned()), ..PutUser::default() };
    helpdesk.put_user("alice", &status("disabled")).await.unwrap();
    for challenge in [&pending, &approved] {
        assert_eq!(state(&gateway.redeem(challenge.id, "r", 0).await.unwrap()), ("denied", Some("locked")));
    }
    assert_eq!(state(&gateway.create(&alice.login(), None).await.unwrap()), ("denied", Some("locked")));
    // The helpdesk may not take it back, nor by the way of a change that it may make.
    let both = PutUser { display_name: Some("Alice".to_owned()), ..status("active") };
    for change in [status("active"), both] {
        assert_eq!(refusal(helpdesk.put_user("alice", &change).await), Code::RoleNotAllowed);
    }
    let still = site.admin.get_user("alice").await.unwrap();
    assert_eq!((still.status.as_str(), still.display_name), ("disabled", None));
    site.admin.put_user("alice", &status("active")).await.unwrap();
    assert_eq!(gateway.create(&alice.login(), None).await.unwrap().status, "pending");
    // `active` for somebody who is so already changes nothing, and may be said by anybody at the desk.
    helpdesk.put_user("alice", &status("active")).await.unwrap();
    let events = site.audit().await;
    assert_eq!((count(&events, "user.disabled"), count(&events, "user.enabled")), (1, 1));
    assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("role-not-allowed")).count(), 2);
}

#[tokio::test]
async fn groups_and_those_in_protected_ones_are_for_the_role_admin() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    let boss = site.person("boss").await;
    put(&site, "boss", json!({"groups": ["domain admins"]})).await;
    site.person("alice").await;
    for (method, path, body) in [
        ("PUT", "/v1/users/boss".to_owned(), json(&json!({"groups": []}))),
        ("PUT", "/v1/users/boss".to_owned(), json(&json!({"groups": ["domain admins"]}))),
        ("PUT", "/v1/users/alice".to_owned(), json(&json!({"groups": ["anything"]}))),
        ("PUT", "/v1/users/new".to_owned(), json(&json!({"groups": []}))),
        ("POST", "/v1/enrollments".to_owned(), json(&json!({"user": "CORP\\Boss"}))),
        ("DELETE", format!("/v1/devices/{}", boss.phone.device_id().unwrap()), None),
        // Deleted and made again he would be in no group.
        ("DELETE", "/v1/users/boss".to_owned(), None),
    ] {
        let answer = helpdesk.call(method, &path, body).await.unwrap();
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        refused(&answer, Code::RoleNotAllowed);
    }
    assert_eq!(refusal(site.admin.get_user("new").await), Code::NotFound);
    assert_eq!(site.admin.get_user("boss").await.unwrap().groups, ["domain admins"]);
    boss.phone.self_view().await.unwrap();
    // Others are the desk's daily work.
    helpdesk.create_enrollment("alice", None).await.unwrap();
    helpdesk.delete_device(site.admin.devices("alice").await.unwrap()[0].id).await.unwrap();
    helpdesk.delete_user("alice").await.unwrap();
    site.admin.create_enrollment("boss", None).await.unwrap();
    let events = site.audit().await;
    let by_desk = events
        .iter()
        .filter(|event| event.kind == "request.refused" && event.actor.as_deref() == Some("admin:helpdesk-key"));
    assert_eq!(by_desk.count(), 7);
}

#[tokio::test]
async fn confirming_a_protected_users_phone_is_for_the_role_admin() {
    let site = Site::start_with(|settings| {
        settings.protected_groups = vec!["admins".to_owned()];
        settings.require_device_confirmation = true;
    })
    .await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    put(&site, "boss", json!({"groups": ["ADMINS"]})).await;
    let registered = site.blank_phone().enroll(site.token("boss").await.reveal(), "Pixel").await.unwrap();
    let code = registered.code.unwrap();
    for _ in 0..4 {
        // Not even a try is counted.
        assert_eq!(refusal(helpdesk.confirm_device(registered.device_id, "000000").await), Code::RoleNotAllowed);
        assert_eq!(refusal(helpdesk.confirm_device(registered.device_id, &code).await), Code::RoleNotAllowed);
    }
    site.admin.confirm_device(registered.device_id, &code).await.unwrap();
    let events = site.audit().await;
    assert_eq!((count(&events, "device.confirm_failed"), count(&events, "device.confirmed")), (0, 1));
}
