//! One event in the words of the Open Cybersecurity Schema Framework 1.5.0 (<https://schema.ocsf.io/1.5.0/>).
//!
//! A sign-in is of the class Authentication (3002): its end is the activity Logon (1), once approved, denied, expired or
//! cancelled; what lies between (`created`, `redeemed`, `passcode_failed`, `collision`) is Other (99) under its own name, so
//! that nobody counts one sign-in twice. Every other event is a Base Event (0), whose class has no members for who and
//! where: those are in `unmapped`, under the names of the audit log, and in `observables`. Whatever has no place of its own
//! is in `unmapped` too, so that nothing is lost.

use std::net::IpAddr;

use gatematch_protocol::audit::AuditEvent;
use serde_json::{Map, Value, json};

use super::record::About;

/// The version of the schema.
const VERSION: &str = "1.5.0";
/// What this product calls itself.
const PRODUCT: &str = "Gatematch";
/// The activity for which a class has no number of its own.
const OTHER: u64 = 99;

/// The event as an object of the schema.
pub(crate) fn event(event: &AuditEvent, about: &About) -> Value {
    let mut out = Map::new();
    common(event, about, &mut out);
    // The class demands a user.
    match (event.kind.strip_prefix("challenge."), &event.user) {
        (Some(step), Some(user)) => authentication(event, step, user, &mut out),
        _ => base_event(event, &mut out),
    }
    Value::Object(out)
}

fn put(out: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    let value = value.into();
    if !value.is_null() {
        out.insert(name.to_owned(), value);
    }
}

/// What every class has (events/base_event.json, objects/metadata.json, objects/product.json).
fn common(event: &AuditEvent, about: &About, out: &mut Map<String, Value>) {
    let (severity_id, severity) = severity(event);
    let (status_id, status) = match event.outcome.as_deref() {
        Some("success") => (1, "Success"),
        Some("failure" | "refused") => (2, "Failure"),
        Some(other) => (OTHER, other),
        None => (0, "Unknown"),
    };
    put(out, "time", event.at.micros().div_euclid(1_000));
    put(out, "severity_id", severity_id);
    put(out, "severity", severity);
    put(out, "status_id", status_id);
    put(out, "status", status);
    put(out, "status_code", event.outcome.clone());
    put(out, "status_detail", event.reason.clone());
    put(out, "message", event.kind.clone());
    let product = json!({ "name": PRODUCT, "vendor_name": PRODUCT, "version": about.version });
    let metadata = json!({
        "version": VERSION,
        "product": product,
        "uid": event.id.to_string(),
        "sequence": event.seq,
        "event_code": event.kind,
        "log_name": "audit",
        "original_time": event.at.to_string(),
    });
    put(out, "metadata", metadata);
}

/// As urgent as the same event is in syslog, but a person who says that a sign-in was not his is worth an alarm.
fn severity(event: &AuditEvent) -> (u64, &'static str) {
    match (event.outcome.as_deref(), event.reason.as_deref()) {
        (Some("failure"), Some("reported")) => (4, "High"),
        (Some("refused"), _) => (3, "Medium"),
        (Some("failure"), _) => (2, "Low"),
        _ => (1, "Informational"),
    }
}

/// What is told by the class, its category, and the activity in it (dictionary.json: `type_uid` is
/// `class_uid * 100 + activity_id`).
fn classify(out: &mut Map<String, Value>, category: (u64, &str), class: (u64, &str), activity: (u64, &str)) {
    let known = if activity.0 == OTHER { "Other" } else { activity.1 };
    put(out, "category_uid", category.0);
    put(out, "category_name", category.1);
    put(out, "class_uid", class.0);
    put(out, "class_name", class.1);
    put(out, "activity_id", activity.0);
    put(out, "activity_name", activity.1);
    put(out, "type_uid", class.0 * 100 + activity.0);
    put(out, "type_name", format!("{}: {known}", class.1));
}

/// What no class of the two has a member for; `actor` and `device` as well, as the log has them.
fn unmapped(event: &AuditEvent) -> Map<String, Value> {
    let mut rest = Map::new();
    put(&mut rest, "actor", event.actor.clone());
    put(&mut rest, "device", event.device.clone());
    put(&mut rest, "number_match", event.number_match);
    put(&mut rest, "policy", event.policy.clone());
    put(&mut rest, "detail", event.detail.clone());
    put(&mut rest, "prev_hash", event.prev_hash.clone());
    put(&mut rest, "hash", event.hash.clone());
    rest
}

/// Authentication, 3002 (events/iam/authentication.json).
fn authentication(event: &AuditEvent, step: &str, user: &str, out: &mut Map<String, Value>) {
    let activity = match step {
        "approved" | "denied" | "expired" | "cancelled" => (1, "Logon"),
        other => (OTHER, other),
    };
    classify(out, (3, "Identity & Access Management"), (3002, "Authentication"), activity);
    // The canonical name is what tells users apart here.
    put(out, "user", json!({ "name": user, "uid": user }));
    put(out, "actor", event.actor.as_deref().map(actor));
    put(out, "service", json!({ "name": PRODUCT }));
    put(out, "dst_endpoint", event.gateway.as_ref().map(|id| json!({ "uid": id })));
    factors(event, out);
    let mut rest = unmapped(event);
    let mut seen = vec![observable("user.name", 4, "User Name", user)];
    if let Some(client) = &event.client {
        let (endpoint, all) = endpoint(client);
        if let Some(ip) = endpoint.get("ip").and_then(Value::as_str) {
            seen.push(observable("src_endpoint.ip", 2, "IP Address", ip));
        }
        put(out, "src_endpoint", Some(endpoint).filter(|endpoint| !endpoint.is_empty()));
        put(&mut rest, "client", (!all).then(|| client.clone()));
    }
    put(out, "observables", seen);
    put(out, "unmapped", rest);
}

/// Base Event, 0 (events/base_event.json).
fn base_event(event: &AuditEvent, out: &mut Map<String, Value>) {
    classify(out, (0, "Uncategorized"), (0, "Base Event"), (OTHER, &event.kind));
    let mut rest = unmapped(event);
    put(&mut rest, "user", event.user.clone());
    put(&mut rest, "gateway", event.gateway.clone());
    put(&mut rest, "client", event.client.clone());
    let user = event.user.as_deref().map(|user| observable("unmapped.user", 4, "User Name", user));
    let ip = event.client.as_ref().and_then(address).map(|ip| observable("unmapped.client.ip", 2, "IP Address", ip));
    let seen: Vec<Value> = user.into_iter().chain(ip).collect();
    put(out, "observables", Some(seen).filter(|seen| !seen.is_empty()));
    put(out, "unmapped", rest);
}

/// What is worth a search (objects/observable.json), and where it is in the event.
fn observable(name: &str, type_id: u64, kind: &str, value: &str) -> Value {
    json!({ "name": name, "type_id": type_id, "type": kind, "value": value })
}

/// The client's address, if it is one.
fn address(client: &Map<String, Value>) -> Option<&str> {
    client.get("ip").and_then(Value::as_str).filter(|text| text.parse::<IpAddr>().is_ok())
}

/// The client (objects/network_endpoint.json), and whether that is all of it.
fn endpoint(client: &Map<String, Value>) -> (Map<String, Value>, bool) {
    let mut endpoint = Map::new();
    put(&mut endpoint, "ip", address(client));
    put(&mut endpoint, "name", client.get("name").and_then(Value::as_str));
    let all = endpoint.len() == client.len();
    (endpoint, all)
}

/// Who did it (objects/actor.json): people by name, everything else as an application. `type_id` 2 is an administrator
/// (objects/user.json).
fn actor(text: &str) -> Value {
    match text.split_once(':') {
        Some(("admin" | "cli", name)) => json!({ "user": { "name": name, "type": "Admin", "type_id": 2 } }),
        Some((kind, id)) => json!({ "app_name": kind, "app_uid": id }),
        None => json!({ "app_name": text }),
    }
}

/// By what a person was known beside his password (objects/auth_factor.json), where that is told: the method of an
/// approval, or a phone that has answered. Where nobody was asked, there was no second factor.
fn factors(event: &AuditEvent, out: &mut Map<String, Value>) {
    let method = event.detail.as_ref().and_then(|detail| detail.get("method")).and_then(Value::as_str);
    let factor = match method.or(event.device.as_ref().map(|_| "push")) {
        Some("push") => {
            // `type_id` 5 is a mobile (objects/device.json).
            let phone = event.device.as_ref().map(|id| json!({ "uid": id, "type": "Mobile", "type_id": 5 }));
            let mut factor = Map::new();
            put(&mut factor, "factor_type_id", 5);
            put(&mut factor, "factor_type", "Push Notification");
            put(&mut factor, "device", phone);
            Value::Object(factor)
        }
        Some("totp") => json!({ "factor_type_id": 7, "factor_type": "OTP", "is_totp": true }),
        Some(method @ ("recovery_code" | "access_pass")) => json!({ "factor_type_id": OTHER, "factor_type": method }),
        Some("bypass" | "policy" | "reuse") => {
            put(out, "is_mfa", false);
            return;
        }
        _ => return,
    };
    put(out, "is_mfa", true);
    put(out, "auth_factors", vec![factor]);
}

#[cfg(test)]
mod tests;
