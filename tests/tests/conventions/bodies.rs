//! Request bodies: strict, small, typed.

use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::count;
use gatematch_tests::wire::{json, refused, spoken};
use serde_json::{Value, json};

use super::users;

#[tokio::test]
async fn a_body_is_strict_json() {
    let site = Site::start().await;
    let deep = |levels: usize| format!(r#"{{"groups":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let (at_the_limit, over, far_over) = (deep(7), deep(8), deep(30_000));
    for body in [
        r#"{"display_name":"a","display_name":"b"}"#,
        r#"{"display_name":"a","display\u005fname":"a"}"#,
        r#"{"unknown":null}"#,
        r#"{"Display_name":"a"}"#,
        r#"{"__proto__":{}}"#,
        r#"{"display_name":1}"#,
        r#"{"display_name":["a"]}"#,
        r#"{"display_name":{}}"#,
        r#"{"display_name":"\ud800"}"#,
        r#"{"display_name":"a",}"#,
        r#"{"display_name":"a"}{}"#,
        r#"{"display_name":"a"} x"#,
        r#"{'display_name':'a'}"#,
        r#"{"display_name":"a" /* b */}"#,
        "{\"display_name\":\"a\nb\"}",
        "\u{feff}{}",
        "null",
        "[]",
        "[\"a\"]",
        "\"{}\"",
        "0",
        "NaN",
        "{",
        " ",
        "display_name=a",
        &at_the_limit,
        &over,
        &far_over,
    ] {
        let answer = users(&site, body).await;
        let cut: String = body.chars().take(60).collect();
        assert_eq!(answer.status, 400, "{cut}: {}", answer.text());
        let problem = refused(&answer, Code::MalformedBody);
        assert!(problem.detail.len() <= 1_000, "{cut}");
    }
    let too_deep = refused(&users(&site, &over).await, Code::MalformedBody).detail;
    assert!(too_deep.contains("nested"), "{too_deep}");
    let not_utf8 = site.admin.call("PUT", "/v1/users/alice", Some(b"{\"display_name\":\"\xff\"}".to_vec())).await;
    refused(&not_utf8.unwrap(), Code::MalformedBody);
    assert!(site.admin.get_user("alice").await.is_err());
    assert_eq!(users(&site, " {\"display_name\" : \"\\u0061\"}\n").await.status, 201);
    assert_eq!(count(&site.audit().await, "request.refused"), 31);
}

#[tokio::test]
async fn wrong_types_are_400_and_values_out_of_range_422_in_a_body_and_400_in_a_query() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    site.person("alice").await;
    let many: Value = (0..9).map(|index| (format!("m{index}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    for (member, value, code) in [
        ("expires_in", json!(9), Code::InvalidValue),
        ("expires_in", json!(601), Code::InvalidValue),
        ("expires_in", json!(-60), Code::InvalidValue),
        ("expires_in", json!(i64::MAX), Code::InvalidValue),
        ("expires_in", json!("60"), Code::MalformedBody),
        ("expires_in", json!(true), Code::MalformedBody),
        ("expires_in", json!([60]), Code::MalformedBody),
        ("expires_in", json!(60.5), Code::MalformedBody),
        ("display", json!("phone"), Code::InvalidValue),
        ("display", json!(1), Code::MalformedBody),
        ("no_display", json!("approve"), Code::InvalidValue),
        ("client", json!("PC"), Code::MalformedBody),
        ("client", json!({"name": ""}), Code::InvalidValue),
        ("client", json!({"name": "n".repeat(65)}), Code::InvalidValue),
        ("client", json!({"name": 7}), Code::MalformedBody),
        ("client", json!({"ip": "127.0.0.1:80"}), Code::InvalidValue),
        ("client", json!({"ip": "0177.0.0.1"}), Code::InvalidValue),
        ("client", json!({"ip": "fe80::1%eth0"}), Code::InvalidValue),
        ("client", json!({"ip": ""}), Code::InvalidValue),
        ("client", json!({"ip": 2_130_706_433}), Code::MalformedBody),
        ("client", json!({"port": 1}), Code::MalformedBody),
        ("context", json!([]), Code::MalformedBody),
        ("context", json!({"a": 1}), Code::MalformedBody),
        ("context", json!({"a": {"b": "c"}}), Code::MalformedBody),
        ("context", json!({"A": "x"}), Code::InvalidValue),
        ("context", json!({"": "x"}), Code::InvalidValue),
        ("context", json!({"a": ""}), Code::InvalidValue),
        ("context", json!({"a": "x".repeat(65)}), Code::InvalidValue),
        ("context", json!({"a".repeat(33): "x"}), Code::InvalidValue),
        ("context", many, Code::InvalidValue),
        ("user", json!(null), Code::MalformedBody),
        ("user", json!(["alice"]), Code::MalformedBody),
        ("number", json!("047"), Code::MalformedBody),
        ("status", json!("approved"), Code::MalformedBody),
        ("methods", json!("totp"), Code::MalformedBody),
        ("methods", json!([1]), Code::MalformedBody),
        ("methods", json!([]), Code::InvalidValue),
        ("methods", json!(["bypass"]), Code::InvalidValue),
        ("methods", json!(["push", "push", "push", "push", "push"]), Code::InvalidValue),
    ] {
        let mut body = json!({"user": "alice"});
        body[member] = value.clone();
        let answer = gateway.call("POST", "/v1/challenges", json(&body)).await.unwrap();
        assert_eq!(answer.status, code.status(), "{member}: {value}: {}", answer.text());
        refused(&answer, code);
    }
    let asked = gateway.call("POST", "/v1/challenges", json(&json!({"user": "alice"}))).await.unwrap();
    let id = asked.json::<Value>().unwrap()["id"].as_str().unwrap().to_owned();
    for wait in ["61", "-1", "1.5", "", "+1", "%201", "1e1", "0x1", "\u{663}", "18446744073709551617", "1&wait=1"] {
        let path = format!("/v1/challenges/{id}?wait={wait}");
        refused(&gateway.call("GET", &path, None).await.unwrap(), Code::MalformedQuery);
        let (path, body) = (format!("/v1/challenges/{id}/redeem?wait={wait}"), json(&json!({"redemption_id": "r"})));
        refused(&gateway.call("POST", &path, body).await.unwrap(), Code::MalformedQuery);
    }
    assert_eq!(gateway.call("GET", &format!("/v1/challenges/{id}?wait=00"), None).await.unwrap().status, 200);
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "request.refused")), (1, 39 + 22));
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_and_a_byte_more_is_not() {
    let site = Site::start().await;
    let body = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    assert_eq!(users(&site, &body(65_536)).await.status, 201);
    refused(&users(&site, &body(65_537)).await, Code::BodyTooLarge);
    // Whatever it says of its length.
    let key = site.admin.key.reveal();
    let head = format!(
        "PUT /v1/users/bob HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    );
    let chunk = "4000\r\n".to_owned() + &" ".repeat(0x4000) + "\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(5));
    assert!(spoken(&site, chunked.as_bytes()).await.starts_with("HTTP/1.1 413 "));
    // Two lengths, or a length beside chunks, are two readers' two requests (RFC 9112, section 6.3).
    for framing in [
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 2, 2\r\n\r\n{}x",
    ] {
        let answer = spoken(&site, format!("{head}{framing}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.is_empty(), "{framing}: {answer}");
    }
    assert!(site.admin.get_user("bob").await.is_err());
    let events = site.audit().await;
    assert_eq!(events.iter().filter(|event| event.reason.as_deref() == Some("body-too-large")).count(), 2);
}

#[tokio::test]
async fn a_body_says_that_it_is_json() {
    let site = Site::start().await;
    let key = format!("Bearer {}", site.admin.key.reveal());
    let send = async |types: &[&str], body: &str| {
        let mut headers = vec![("authorization", key.as_str())];
        headers.extend(types.iter().map(|media_type| ("content-type", *media_type)));
        site.api().raw("PUT", "/v1/users/alice", &headers, body.as_bytes().to_vec()).await.unwrap()
    };
    for types in [
        &[][..],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["application/json5"],
        &["application/problem+json"],
        &["text/plain, application/json"],
        &["application/json", "application/json"],
        &[""],
        &["\u{e9}"],
    ] {
        refused(&send(types, "{}").await, Code::UnsupportedMediaType);
    }
    for media_type in
        ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x=y"]
    {
        assert!(matches!(send(&[media_type], "{}").await.status, 200 | 201), "{media_type}");
    }
    // Where there is no body there is nothing to be said of it.
    for types in [&[][..], &["text/plain"]] {
        assert_eq!(send(types, "").await.status, 200);
    }
    assert_eq!(count(&site.audit().await, "request.refused"), 9);
}
