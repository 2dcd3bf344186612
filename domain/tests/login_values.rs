//! What a gateway may ask for, and what the phones are told (contract sections 1, 6 and 6.1).

mod support;

use gatematch_domain::challenge::Display;
use gatematch_domain::course::Prompt;
use gatematch_domain::fault::Fault;
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_domain::login::Login;
use gatematch_domain::policy::NoDisplay;
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::challenge::ShownClient;
use serde_json::json;
use support::{Scene, at, challenge_id, gateway_id, phone_id};

fn gateway(can_display: bool) -> Gateway {
    Gateway {
        id: gateway_id(1),
        name: "rdg01".to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display,
        client_address: ClientAddress::Trusted,
        created_at: at(0),
    }
}

fn read(can_display: bool, body: serde_json::Value) -> Result<Login, Fault> {
    let body: CreateChallenge =
        serde_json::from_value(body).map_err(|fault| Fault::of_type("body", fault.to_string()))?;
    Login::from_body(&body, challenge_id(1), &gateway(can_display), &Domains::default(), at(0))
}

#[test]
fn what_is_absent_has_a_default() {
    let login = read(true, json!({"user": "CONTOSO\\Alice"})).unwrap();
    assert_eq!(login.username.as_ref().map(Username::as_str), Some("alice"));
    assert_eq!((login.display, login.no_display, login.expires_at), (Display::Gateway, NoDisplay::Refuse, at(60)));
    let login = read(false, json!({"user": "alice"})).unwrap();
    assert_eq!(login.display, Display::None, "a gateway without a screen shows nothing");
    let login = read(true, json!({"user": "alice", "display": "none", "no_display": "approve_only"})).unwrap();
    assert_eq!((login.display, login.no_display), (Display::None, NoDisplay::ApproveOnly));
}

#[test]
fn a_name_that_no_account_can_have_is_no_fault_of_the_request() {
    let login = read(true, json!({"user": format!("a b\u{7}{}", "c".repeat(200))})).unwrap();
    assert_eq!(login.username, None);
    assert_eq!(login.given.chars().count(), 128);
    assert!(login.given.starts_with("a b\u{fffd}c"), "{}", login.given);
}

#[test]
fn mapped_addresses_are_ipv4_and_steering_characters_are_replaced() {
    let client = |client: serde_json::Value| read(true, json!({"user": "a", "client": client})).unwrap().client;
    assert_eq!(client(json!({"ip": "::ffff:192.0.2.7"})), client(json!({"ip": "192.0.2.7"})));
    assert_eq!(client(json!({"name": "PC\r\n\u{202e}"})).name.as_deref(), Some("PC\u{fffd}\u{fffd}\u{fffd}"));
    assert_eq!(client(json!({})), client(json!({"ip": null, "name": null})));
}

#[test]
fn values_out_of_range_are_told_from_values_of_another_type() {
    let long = "x".repeat(65);
    let nine: serde_json::Map<_, _> = (0..9).map(|n| (format!("m{n}"), json!("v"))).collect();
    let range = [
        json!({"user": "a", "expires_in": 9}),
        json!({"user": "a", "expires_in": 601}),
        json!({"user": "a", "expires_in": -60}),
        json!({"user": "a", "expires_in": i64::MAX}),
        json!({"user": "a", "display": "page"}),
        json!({"user": "a", "no_display": "allow"}),
        json!({"user": "a", "client": {"ip": "192.0.2.256"}}),
        json!({"user": "a", "client": {"ip": "192.0.2.0/24"}}),
        json!({"user": "a", "client": {"ip": "fe80::1%eth0"}}),
        json!({"user": "a", "client": {"name": ""}}),
        json!({"user": "a", "client": {"name": long}}),
        json!({"user": "a", "context": nine}),
        json!({"user": "a", "context": {"": "v"}}),
        json!({"user": "a", "context": {"Name": "v"}}),
        json!({"user": "a", "context": {"a": ""}}),
        json!({"user": "a", "context": {"a".repeat(33): "v"}}),
        json!({"user": "a", "context": {"ä": "v"}}),
    ];
    for body in range {
        assert!(matches!(read(true, body.clone()), Err(Fault::Range { .. })), "{body}");
    }
    for value in [json!(1), json!(null), json!(["v"]), json!({"a": "v"}), json!(true)] {
        // Types come first: this one is out of range as well.
        let body = json!({"user": "a", "expires_in": 9, "context": {"A": value}});
        assert!(matches!(read(true, body.clone()), Err(Fault::Type { .. })), "{body}");
    }
    assert_eq!(read(false, json!({"user": "a", "display": "number"})), Err(Fault::DisplayNotPossible));
    for seconds in [10, 600] {
        let login = read(true, json!({"user": "a", "expires_in": seconds})).unwrap();
        assert_eq!(login.expires_at, at(seconds));
    }
    let bounds = json!({"user": "a", "context": {"a".repeat(32): "\u{10348}".repeat(32), "b_2": "v".repeat(64)}});
    assert_eq!(read(true, bounds).unwrap().context.len(), 2);
}

#[test]
fn the_phone_is_told_what_to_ask_for_and_never_the_number() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    let login = read(true, json!({"user": "alice", "client": {"name": "PC"}, "context": {"case": "v"}})).unwrap();
    let client = ShownClient { name: Some("PC".to_owned()), ..ShownClient::default() };
    let prompt = Prompt { digits: Some(3), uv_required: true, client };
    let claims = login.claims("https://mfa.example", &gateway(true), &prompt, phone_id(1), "nonce".to_owned());
    let text = serde_json::to_string(&claims).unwrap();
    assert!(!text.contains(challenge.number.unwrap().reveal()), "{text}");
    let claims = serde_json::to_value(&claims).unwrap();
    assert_eq!(claims["match"], json!({"kind": "number", "digits": 3}));
    assert_eq!(
        (&claims["uv"], &claims["sub"], &claims["aud"]),
        (&json!("required"), &json!("alice"), &json!(phone_id(1)))
    );
    assert_eq!((&claims["app"], &claims["gateway"]), (&json!("Remote Desktop"), &json!("rdg01")));
    assert_eq!((&claims["client"], &claims["context"]), (&json!({"name": "PC"}), &json!({"case": "v"})));
    assert_eq!(
        (claims["iat"].as_i64(), claims["exp"].as_i64()),
        (Some(at(0).numeric_date()), Some(at(60).numeric_date()))
    );

    let login = read(false, json!({"user": "alice", "no_display": "approve_only"})).unwrap();
    let claims =
        login.claims("https://mfa.example", &gateway(false), &Prompt::default(), phone_id(1), "nonce".to_owned());
    let claims = serde_json::to_value(&claims).unwrap();
    assert_eq!((claims.get("match"), claims.get("uv")), (None, None), "absent, not null");
}
