//! The audit log: what stands in it, how it is read, and who is remembered for what.

mod chain;
mod siem;

use std::collections::{BTreeMap, BTreeSet};

use gatematch_client_sim::edge::random;
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::base64url;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::moves::{count, detail, only, refusal};
use gatematch_tests::wire::{json, refused};
use gatematch_tests::{Site, audit_names};
use serde_json::{Value, json};

const MEMBERS: [&str; 16] = [
    "seq",
    "id",
    "at",
    "type",
    "actor",
    "user",
    "device",
    "gateway",
    "client",
    "outcome",
    "reason",
    "number_match",
    "policy",
    "detail",
    "prev_hash",
    "hash",
];

/// A site on which a little of everything has happened.
async fn busy() -> Site {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    for person in [&alice, &bob] {
        let login = gateway.create(&person.login(), None).await.unwrap();
        person.approve(&login).await;
        gateway.redeem(login.id, "r", 0).await.unwrap();
        let login = gateway.create(&person.login(), None).await.unwrap();
        person.mistype(&login).await;
    }
    let login = gateway.create(&alice.login(), None).await.unwrap();
    gateway.cancel(login.id).await.unwrap();
    gateway.create(&alice.login(), None).await.unwrap();
    refused(&gateway.call("GET", "/v1/audit", None).await.unwrap(), Code::WrongParty);
    site.clock.advance(61);
    site.audit_when(|events| count(events, "challenge.expired") == 1).await;
    site
}

#[tokio::test]
async fn every_event_has_every_member() {
    let site = busy().await;
    let answer = site.admin.call("GET", "/v1/audit?limit=1000", None).await.unwrap();
    let page: Value = answer.json().unwrap();
    let names: BTreeSet<&str> = page.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["items", "next_cursor"]));
    let items = page["items"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for (index, event) in items.iter().enumerate() {
        let names: BTreeSet<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(MEMBERS), "{event}");
        assert_eq!(event["seq"], index + 1);
        assert!(ids.insert(event["id"].as_str().unwrap()), "an id stands twice");
        let at = event["at"].as_str().unwrap();
        assert!(at.len() == 27 && at.ends_with('Z') && at.as_bytes()[19] == b'.', "{at}");
        assert!(event["prev_hash"].is_string() && event["hash"].is_string(), "{event}");
        assert!(matches!(event["outcome"].as_str(), Some("success" | "failure" | "refused")), "{event}");
        let actor = event["actor"].as_str().unwrap();
        let known = ["gateway:", "admin:", "device:", "cli:", "system"];
        assert!(known.iter().any(|prefix| actor.starts_with(prefix)), "{actor}");
        assert!(event["detail"].is_null() || event["detail"].is_object());
        // Member names are ASCII and numbers exact, or the chain could not be hashed alike everywhere.
        walk(event);
    }
    let kinds: BTreeSet<&str> = items.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for kind in [
        "signing_key.created",
        "admin_key.created",
        "gateway.created",
        "user.created",
        "enrollment.created",
        "device.registered",
        "challenge.created",
        "challenge.approved",
        "challenge.redeemed",
        "challenge.denied",
        "challenge.cancelled",
        "challenge.expired",
        "request.refused",
        "audit.read",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing from {kinds:?}");
    }
}

fn walk(value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                assert!(name.is_ascii());
                walk(value);
            }
        }
        Value::Array(items) => items.iter().for_each(walk),
        Value::Number(number) => assert!(number.as_i64().is_some_and(|it| it.unsigned_abs() < 1 << 53), "{number}"),
        _ => {}
    }
}

#[tokio::test]
async fn an_event_tells_who_did_what_from_where() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    gateway.redeem(login.id, "r", 0).await.unwrap();
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.redeemed"]);
    let (phone, made_by) = (alice.phone.device_id().unwrap().to_string(), gateway.id.unwrap().to_string());
    for event in &events {
        assert_eq!((event.user.as_deref(), event.gateway.as_deref()), (Some("alice"), Some(made_by.as_str())));
        let client = event.client.as_ref().unwrap();
        assert_eq!((client["ip"].as_str(), client["name"].as_str()), (Some("203.0.113.7"), Some("CLIENT-PC")));
        assert_eq!(event.policy.as_deref(), Some("default"));
        assert_eq!(event.outcome.as_deref(), Some("success"));
    }
    let actors: Vec<&str> = events.iter().map(|event| event.actor.as_deref().unwrap()).collect();
    let (by_gateway, by_phone) = (format!("gateway:{made_by}"), format!("device:{phone}"));
    assert_eq!(actors, [by_gateway.as_str(), by_phone.as_str(), by_gateway.as_str()]);
    assert_eq!(events[1].device.as_deref(), Some(phone.as_str()));
    assert_eq!(events.iter().map(|event| event.number_match).collect::<Vec<_>>(), [Some(true); 3]);
    let created = site.audit().await;
    assert_eq!(only(&created, "user.created").actor.as_deref(), Some("admin:admin-key"));
    assert_eq!(only(&created, "admin_key.created").actor.as_deref(), Some("cli:tests"));
}

#[tokio::test]
async fn filters_limits_and_cursors_yield_each_event_once() {
    let site = busy().await;
    let all = site.audit().await;
    for limit in [1, 3, 7, 1_000] {
        let mut seen: Vec<u64> = Vec::new();
        let mut after = 0;
        loop {
            let page = site.admin.audit(after, Some(limit), None, None).await.unwrap();
            assert!(page.items.len() <= limit as usize);
            seen.extend(page.items.iter().map(|event| event.seq));
            match page.next_cursor {
                Some(cursor) => after = cursor.parse().unwrap(),
                None => break,
            }
        }
        assert_eq!(seen, (1..=all.len() as u64).collect::<Vec<_>>(), "limit {limit}");
    }
    let of = |user: Option<&str>, kind: Option<&str>| -> Vec<AuditEvent> {
        let same = |event: &&AuditEvent| {
            user.is_none_or(|user| event.user.as_deref() == Some(user)) && kind.is_none_or(|kind| event.kind == kind)
        };
        all.iter().filter(same).cloned().collect()
    };
    for (given, user, kind) in [
        (Some("alice"), Some("alice"), None),
        (Some("CORP\\Alice"), Some("alice"), None),
        (Some("alice@corp"), Some("alice"), Some("challenge.denied")),
        (None, None, Some("challenge.denied")),
        (Some("bob"), Some("bob"), Some("challenge.cancelled")),
        (Some("ali"), Some("ali"), None),
        (Some("%"), Some("%"), None),
        (None, None, Some("challenge")),
        (None, None, Some("challenge.%")),
        (None, None, Some("' OR 1=1 --")),
    ] {
        let page = site.admin.audit(0, Some(1_000), given, kind).await.unwrap();
        assert_eq!(page.items, of(user, kind), "{given:?} {kind:?}");
    }
    assert!(!of(Some("alice"), Some("challenge.denied")).is_empty());
    let last = all.last().unwrap().seq;
    for after in [last, u64::MAX, i64::MAX as u64, i64::MAX as u64 + 1] {
        let page = site.admin.audit(after, None, None, None).await.unwrap();
        assert_eq!((page.items.len(), page.next_cursor), (0, None), "{after}");
    }
    let default = site.admin.audit(0, None, None, None).await.unwrap();
    assert_eq!(default.items.len(), all.len().min(100));
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=",
        "limit=ten",
        "limit=1e2",
        "after=-1",
        "after=x",
        "after=1.0",
        "after=",
        "after=18446744073709551616",
        "after=1&after=2",
    ] {
        refused(&site.admin.call("GET", &format!("/v1/audit?{query}"), None).await.unwrap(), Code::MalformedQuery);
    }
}

#[tokio::test]
async fn reading_is_one_event_per_key_and_hour() {
    let site = Site::start().await;
    let (auditor, helpdesk) = (site.admin_with(Role::Auditor).await, site.admin_with(Role::Helpdesk).await);
    let other = site.admin_with(Role::Auditor).await;
    for _ in 0..5 {
        auditor.audit(0, Some(1), None, None).await.unwrap();
        other.audit(0, Some(1), Some("alice"), None).await.unwrap();
        assert_eq!(refusal(helpdesk.audit(0, None, None, None).await), Code::RoleNotAllowed);
        // What is refused is not read.
        assert_eq!(refusal(site.admin.audit(0, Some(0), None, None).await), Code::MalformedQuery);
    }
    let read = |events: &[AuditEvent]| -> Vec<String> {
        let read = events.iter().filter(|event| event.kind == "audit.read");
        read.map(|event| event.actor.clone().unwrap()).collect()
    };
    let events = site.audit().await;
    assert_eq!(read(&events), ["admin:auditor-key", "admin:auditor-key", "admin:admin-key"]);
    assert_eq!(events.last().unwrap().kind, "audit.read", "the reader finds his own reading");
    site.clock.advance(3_599);
    auditor.audit(0, Some(1), None, None).await.unwrap();
    assert_eq!(read(&site.audit().await).len(), 3);
    site.clock.advance(1);
    for _ in 0..3 {
        auditor.audit(0, Some(1), None, None).await.unwrap();
    }
    assert_eq!(read(&site.audit().await).len(), 5);
    let site = site.restart().await;
    site.audit().await;
    assert!(count(&site.audit().await, "request.refused") == 10);
}

#[tokio::test]
async fn refusals_of_the_authenticated_are_told_with_their_true_reason() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen", true).await);
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let path = format!("/v1/challenges/{}", login.id);
    refused(&other.call("GET", &path, None).await.unwrap(), Code::NotFound);
    refused(&other.call("POST", &format!("{path}/redeem"), json(&json!({"x": 1}))).await.unwrap(), Code::MalformedBody);
    refused(&gateway.call("GET", "/v1/gateways", None).await.unwrap(), Code::WrongParty);
    let auditor = site.admin_with(Role::Auditor).await;
    refused(&auditor.call("DELETE", "/v1/users/alice", None).await.unwrap(), Code::RoleNotAllowed);
    refused(&alice.phone.call("GET", "/v1/devices/self/challenges?wait=61", None).await.unwrap(), Code::MalformedQuery);
    let signed = alice.signed(&login).await;
    let short = alice.phone.respond(&signed, Decision::Approve, Some("1"), None).await;
    assert_eq!(refusal(short), Code::MalformedNumber);

    let events = site.audit().await;
    let told: Vec<&AuditEvent> = events.iter().filter(|event| event.kind == "request.refused").collect();
    let (other_id, gateway_id) = (other.id.unwrap(), gateway.id.unwrap());
    let phone = format!("device:{}", alice.phone.device_id().unwrap());
    let expected = [
        (format!("gateway:{other_id}"), "not-found", "GET", "/v1/challenges/{id}", "404"),
        (format!("gateway:{other_id}"), "malformed-body", "POST", "/v1/challenges/{id}/redeem", "400"),
        (format!("gateway:{gateway_id}"), "wrong-party", "GET", "/v1/gateways", "403"),
        ("admin:auditor-key".to_owned(), "role-not-allowed", "DELETE", "/v1/users/{username}", "403"),
        (phone.clone(), "malformed-query", "GET", "/v1/devices/self/challenges", "400"),
        (phone.clone(), "malformed-number", "POST", "/v1/challenges/{id}/response", "422"),
    ];
    assert_eq!(told.len(), expected.len());
    for (event, (actor, reason, method, route, status)) in told.iter().zip(expected) {
        assert_eq!((event.actor.as_deref(), event.reason.as_deref()), (Some(actor.as_str()), Some(reason)));
        assert_eq!(event.outcome.as_deref(), Some("refused"));
        let told = (detail(event, "method"), detail(event, "route"), detail(event, "status"));
        assert_eq!(told, (method.to_owned(), route.to_owned(), status.to_owned()));
        if actor == phone {
            assert_eq!(
                (event.user.as_deref(), event.device.as_deref()),
                (Some("alice"), Some(&phone[7..])),
                "{reason}"
            );
        }
    }
    // And nothing was changed by them.
    assert_eq!(gateway.get(login.id, 0).await.unwrap().status, "pending");
    alice.approve(&login).await;
}

#[tokio::test]
async fn strangers_are_summed_one_event_per_kind_and_minute() {
    let site = Site::start().await;
    let api = site.api();
    let stranger = site.blank_phone();
    let before = site.audit().await.len();
    for index in 0..20 {
        let key = format!("Bearer gma_{}", base64url::encode(random::<32>()));
        api.call("GET", "/v1/users", &[("authorization", &key)], None).await.unwrap();
        if index % 2 == 0 {
            stranger.call("GET", "/v1/devices/self", None).await.unwrap();
            stranger.enroll(&format!("gme_{index}"), "Pixel").await.unwrap_err();
        }
    }
    assert_eq!(site.audit().await.len(), before, "a stranger writes nothing by himself");
    site.clock.advance(60);
    let told = |events: &[AuditEvent]| -> BTreeMap<String, (String, String)> {
        let summed = events.iter().filter(|event| event.kind == "credential.refused");
        summed.map(|event| (detail(event, "kind"), (detail(event, "source"), detail(event, "count")))).collect()
    };
    let events = site.audit_when(|events| told(events).len() == 3).await;
    let here = |count: &str| ("127.0.0.1".to_owned(), count.to_owned());
    let expected = [("enrollment", "10"), ("key", "20"), ("proof", "10")];
    assert_eq!(told(&events), expected.map(|(kind, count)| (kind.to_owned(), here(count))).into());
    assert_eq!(count(&events, "credential.refused"), 3);
    for event in events.iter().filter(|event| event.kind == "credential.refused") {
        assert_eq!((event.actor.as_deref(), event.outcome.as_deref()), (Some("system"), Some("refused")));
        assert_eq!(event.at.to_string(), "2027-01-15T08:00:00.000000Z", "when it began");
    }
    // A second minute is a second event, and a stop forgets none.
    api.call("GET", "/v1/users", &[], None).await.unwrap();
    let site = site.restart().await;
    let events = site.audit().await;
    assert_eq!(count(&events, "credential.refused"), 4);
    assert_eq!(detail(events.iter().rfind(|event| event.kind == "credential.refused").unwrap(), "count"), "1");
}

#[tokio::test]
async fn the_log_is_not_changed_through_the_api() {
    let site = busy().await;
    let before = site.audit().await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for path in ["/v1/audit", "/v1/audit?after=0"] {
            let answer = site.admin.call(method, path, None).await.unwrap();
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
    site.admin.delete_user("alice").await.unwrap();
    let after = site.audit().await;
    assert_eq!(after[..before.len()], before[..], "what was said of a user outlives him");
}
