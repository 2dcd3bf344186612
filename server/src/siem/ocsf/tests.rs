use super::super::record::tests::{about, event as sample, nasty, object};
use super::*;

const REQUIRED: [&str; 7] = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];
const STEPS: [&str; 8] =
    ["created", "approved", "redeemed", "denied", "expired", "cancelled", "passcode_failed", "collision"];

fn mapped(of: &AuditEvent) -> Value {
    event(of, &about())
}

fn by(method: &str) -> Value {
    let (device, detail) = (None, object(&json!({ "method": method })));
    mapped(&AuditEvent { device, detail, ..sample("challenge.approved") })
}

/// Every value that is no object or array.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| leaves(value, into)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, into)),
        leaf => into.push(leaf.to_string()),
    }
}

#[test]
fn every_event_has_what_its_class_requires() {
    let signs_in = STEPS.map(|step| format!("challenge.{step}"));
    let others = ["user.locked", "policy.changed", "radius.dropped", "connect.opened", "challenge", ""];
    let kinds = signs_in.iter().map(String::as_str).chain(others);
    for out in kinds.flat_map(|kind| [mapped(&sample(kind)), mapped(&nasty(kind))]) {
        for name in REQUIRED {
            assert!(!out[name].is_null(), "{name} of {out}");
        }
        let number = |name: &str| out[name].as_u64().unwrap();
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(out["time"], 1_700_000_000_123_u64);
        for name in ["version", "product", "uid", "event_code"] {
            assert!(!out["metadata"][name].is_null(), "{name} of {out}");
        }
        let signs_in = out["metadata"]["event_code"].as_str().unwrap().starts_with("challenge.");
        assert_eq!((number("class_uid"), number("category_uid")), if signs_in { (3002, 3) } else { (0, 0) });
        if signs_in {
            assert!(out["user"]["name"].is_string() && out["service"]["name"].is_string());
        } else {
            assert_eq!((number("activity_id"), &out["activity_name"]), (99, &out["metadata"]["event_code"]));
            assert!(["user", "actor", "src_endpoint", "dst_endpoint"].iter().all(|name| out[name].is_null()));
        }
    }
}

#[test]
fn a_sign_in_is_a_logon_once_it_ends() {
    for step in STEPS {
        let out = mapped(&sample(&format!("challenge.{step}")));
        let ends = ["approved", "denied", "expired", "cancelled"].contains(&step);
        let (id, name) = if ends { (1, "Logon") } else { (99, step) };
        assert_eq!((out["activity_id"].as_u64(), out["activity_name"].as_str()), (Some(id), Some(name)));
    }
}

#[test]
fn an_approval_by_phone_tells_all_of_it() {
    let out = mapped(&sample("challenge.approved"));
    let id = sample("challenge.approved").id.to_string();
    let product = json!({ "name": "Gatematch", "vendor_name": "Gatematch", "version": "1.2.3" });
    let expected = json!({
        "activity_id": 1, "activity_name": "Logon", "category_uid": 3, "class_uid": 3002, "class_name": "Authentication",
        "category_name": "Identity & Access Management", "type_uid": 300_201, "type_name": "Authentication: Logon",
        "severity_id": 1, "severity": "Informational", "status_id": 1, "status": "Success", "status_code": "success",
        "status_detail": "the-reason", "message": "challenge.approved", "time": 1_700_000_000_123_u64,
        "metadata": {
            "version": "1.5.0", "product": product, "uid": id, "sequence": 42, "event_code": "challenge.approved",
            "log_name": "audit", "original_time": "2023-11-14T22:13:20.123456Z",
        },
        "user": { "name": "alice@example.com", "uid": "alice@example.com" },
        "actor": { "app_name": "device", "app_uid": "the-phone" },
        "src_endpoint": { "ip": "203.0.113.7", "name": "LAPTOP" },
        "dst_endpoint": { "uid": "the-gateway" },
        "service": { "name": "Gatematch" },
        "is_mfa": true,
        "auth_factors": [{
            "factor_type_id": 5, "factor_type": "Push Notification",
            "device": { "uid": "the-phone", "type": "Mobile", "type_id": 5 },
        }],
        "observables": [
            { "name": "user.name", "type_id": 4, "type": "User Name", "value": "alice@example.com" },
            { "name": "src_endpoint.ip", "type_id": 2, "type": "IP Address", "value": "203.0.113.7" },
        ],
        "unmapped": {
            "actor": "device:the-phone", "device": "the-phone", "number_match": true, "policy": "the-rule",
            "detail": { "challenge": "the-challenge", "method": "push", "tries": 17 },
            "prev_hash": "the-hash-before", "hash": "the-hash",
        },
    });
    assert_eq!(out, expected);
}

#[test]
fn a_factor_is_told_where_there_was_one() {
    let ids = |out: &Value| (out["is_mfa"].as_bool(), out["auth_factors"][0]["factor_type_id"].as_u64());
    for (method, mfa, factor) in [
        ("push", Some(true), Some(5)),
        ("totp", Some(true), Some(7)),
        ("recovery_code", Some(true), Some(99)),
        ("access_pass", Some(true), Some(99)),
        ("bypass", Some(false), None),
        ("policy", Some(false), None),
        ("reuse", Some(false), None),
        ("of tomorrow", None, None),
    ] {
        assert_eq!(ids(&by(method)), (mfa, factor), "{method}");
    }
    let by_phone = AuditEvent { detail: None, ..sample("challenge.denied") };
    assert_eq!(ids(&mapped(&by_phone)), (Some(true), Some(5)));
    assert_eq!(ids(&mapped(&AuditEvent { device: None, ..by_phone })), (None, None));
}

#[test]
fn the_outcome_is_status_and_severity() {
    for (outcome, reason, status, severity) in [
        (Some("success"), None, 1, 1),
        (Some("failure"), Some("timeout"), 2, 2),
        (Some("failure"), Some("reported"), 2, 4),
        (Some("refused"), Some("locked"), 2, 3),
        (Some("of tomorrow"), None, 99, 1),
        (None, None, 0, 1),
    ] {
        let (outcome, reason) = (outcome.map(str::to_owned), reason.map(str::to_owned));
        let out = mapped(&AuditEvent { outcome, reason: reason.clone(), ..sample("challenge.denied") });
        assert_eq!((out["status_id"].as_u64(), out["severity_id"].as_u64()), (Some(status), Some(severity)));
        assert_eq!(out["status_detail"].as_str(), reason.as_deref());
    }
}

#[test]
fn an_actor_is_a_person_or_an_application() {
    assert_eq!(actor("admin:a:b"), json!({ "user": { "name": "a:b", "type": "Admin", "type_id": 2 } }));
    assert_eq!(actor("address:2001:db8::1"), json!({ "app_name": "address", "app_uid": "2001:db8::1" }));
    assert_eq!(actor("system"), json!({ "app_name": "system" }));
}

#[test]
fn without_a_user_it_is_no_authentication() {
    let out = mapped(&AuditEvent { user: None, ..sample("challenge.denied") });
    assert_eq!((out["class_uid"].as_u64(), out["activity_name"].as_str()), (Some(0), Some("challenge.denied")));
}

#[test]
fn nothing_is_lost() {
    let strange = AuditEvent {
        client: object(&json!({ "ip": 5, "name": ["x"], "further": { "y": -1.5 } })),
        ..sample("challenge.denied")
    };
    let kinds = ["challenge.approved", "challenge.created", "user.locked"];
    for event in kinds.iter().flat_map(|kind| [sample(kind), nasty(kind)]).chain([strange]) {
        let (mut given, mut told) = (Vec::new(), Vec::new());
        leaves(&serde_json::to_value(&event).unwrap(), &mut given);
        leaves(&mapped(&event), &mut told);
        for leaf in given {
            assert!(told.contains(&leaf), "{leaf}");
        }
    }
}
