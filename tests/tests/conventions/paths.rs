//! Ids, paths and methods that are not there.

use std::collections::BTreeSet;

use gatematch_protocol::problem::Code;
use gatematch_server::http::routes::table;
use gatematch_tests::Site;
use gatematch_tests::moves::count;
use gatematch_tests::wire::{json, refused};
use serde_json::json;

use super::unknown_id;

#[tokio::test]
async fn an_unknown_id_and_somebody_elses_answer_alike() {
    let site = Site::start().await;
    let (gateway, other) = (site.gateway().await, site.gateway_named("Bergen", true).await);
    let alice = site.person("alice").await;
    let theirs = other.create(&alice.login(), None).await.unwrap();
    let before = other.get(theirs.id, 0).await.unwrap();
    let mut bodies = BTreeSet::new();
    let device = alice.phone.device_id().unwrap().to_string();
    for id in [
        theirs.id.to_string(),
        unknown_id().to_string(),
        theirs.id.to_string().to_uppercase(),
        theirs.id.to_string().replace('-', ""),
        format!("%7B{}%7D", theirs.id),
        device.clone(),
        "x".to_owned(),
        "%00".to_owned(),
        "%ff".to_owned(),
        "..".replace('.', "%252e"),
        "a".repeat(10_000),
    ] {
        for (method, path, body) in [
            ("GET", format!("/v1/challenges/{id}"), None),
            ("GET", format!("/v1/challenges/{id}?wait=60"), None),
            ("DELETE", format!("/v1/challenges/{id}"), None),
            ("POST", format!("/v1/challenges/{id}/redeem?wait=60"), json(&json!({"redemption_id": "r"}))),
            ("POST", format!("/v1/challenges/{id}/passcode"), json(&json!({"passcode": "000000"}))),
        ] {
            let answer = gateway.call(method, &path, body).await.unwrap();
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            refused(&answer, Code::NotFound);
            bodies.insert(answer.text());
        }
        for path in ["/v1/devices/", "/v1/gateways/"] {
            if id == device {
                continue;
            }
            let answer = site.admin.call("DELETE", &format!("{path}{id}"), None).await.unwrap();
            refused(&answer, Code::NotFound);
            bodies.insert(answer.text());
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(other.get(theirs.id, 0).await.unwrap(), before);
    let events = site.audit().await;
    assert_eq!(count(&events, "challenge.passcode_failed") + count(&events, "challenge.cancelled"), 0);
    assert_eq!(count(&events, "request.refused"), 11 * 5 + 10 * 2);
}

#[tokio::test]
async fn methods_and_paths_that_are_not_there() {
    let site = Site::start().await;
    let key = format!("Bearer {}", site.admin.key.reveal());
    let headers = [("authorization", key.as_str())];
    let allowed = |path: &str| -> BTreeSet<String> {
        table().iter().filter(|route| route.path == path).map(|route| route.method.to_string()).collect()
    };
    for path in table().iter().map(|route| route.path).collect::<BTreeSet<_>>() {
        let concrete = path.replace("{username}", "alice").replace("{id}", &unknown_id().to_string());
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if allowed(path).contains(method) {
                continue;
            }
            for headers in [&headers[..], &[]] {
                let answer = site.api().call(method, &concrete, headers, None).await.unwrap();
                assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
                assert_eq!(answer.problem().unwrap().code, "method-not-allowed");
                // RFC 9110, section 15.5.6.
                let told: BTreeSet<String> =
                    answer.header("allow").unwrap_or_default().split(',').map(|it| it.trim().to_owned()).collect();
                assert!(told.is_superset(&allowed(path)), "{method} {path}: Allow: {told:?}");
            }
        }
    }
    for path in [
        "/v1",
        "/v1/",
        "/v1/users/",
        "//v1/users",
        "/v1//users",
        "/V1/users",
        "/v1/users/alice/",
        "/v1/users/a/b",
        "/v2/users",
        "/v1/devices/self/notices/x",
        "/v1/%75sers",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = site.api().call(method, path, &headers, None).await.unwrap();
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.problem().unwrap().code, "not-found");
        }
    }
    assert_eq!(count(&site.audit().await, "user.created"), 0);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    for path in ["/healthz", "/.well-known/gatematch"] {
        let answer = site.api().call("HEAD", path, &[], None).await.unwrap();
        assert!(answer.status == 200 && answer.body.is_empty(), "{path}");
    }
    for path in ["/v1/users", "/v1/users/alice", "/v1/audit"] {
        let (head, get) =
            (site.admin.call("HEAD", path, None).await.unwrap(), site.admin.call("GET", path, None).await.unwrap());
        assert_eq!((head.status, head.body.len(), get.status), (200, 0, 200), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        let nobody = site.api().call("HEAD", path, &[], None).await.unwrap();
        assert_eq!((nobody.status, nobody.header("cache-control")), (401, Some("no-store")));
    }
    assert_eq!(alice.phone.call("HEAD", "/v1/devices/self", None).await.unwrap().status, 200);
    assert_eq!(site.admin.call("HEAD", "/v1/users/nobody", None).await.unwrap().status, 404);
    assert_eq!(count(&site.audit().await, "audit.read"), 1);
}
