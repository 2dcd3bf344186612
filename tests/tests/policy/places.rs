//! Where a login comes from: addresses that count and that do not, places, and what is new.

use std::fs;
use std::path::Path;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::gateway::CreateGateway;
use gatematch_tests::moves::{only, state};
use gatematch_tests::places::{database, places};
use gatematch_tests::{Person, Site};
use serde_json::{Value, json};

use super::{hold, rules};

/// A site that knows where addresses are, by the file in `dir`.
async fn site_with(dir: &Path) -> Site {
    let file = dir.join("places.mmdb");
    fs::write(&file, places()).unwrap();
    Site::start_with(|settings| settings.places_file = Some(file)).await
}

fn from(person: &Person, ip: &str) -> CreateChallenge {
    let client = CreateClient { ip: Some(ip.to_owned()), name: Some("CLIENT-PC".to_owned()) };
    CreateChallenge { user: person.name.clone(), client: Some(client), ..CreateChallenge::default() }
}

async fn digits(gateway: &Gateway, login: &CreateChallenge) -> Option<usize> {
    gateway.create(login, None).await.unwrap().number.map(|number| number.len())
}

async fn detail(site: &Site, challenge: &ChallengeView, kind: &str) -> Value {
    let events = site.audit_of(challenge).await;
    Value::Object(only(&events, kind).detail.clone().unwrap())
}

fn rule(name: &str, when: &Value, then: &Value) -> Value {
    json!({"name": name, "enabled": true, "when": when, "on_missing": "skip", "then": then})
}

#[tokio::test]
async fn the_place_is_in_the_prompt_in_the_policy_and_in_the_audit() {
    let dir = tempfile::tempdir().unwrap();
    let site = site_with(dir.path()).await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let deny = json!({"decision": "deny"});
    let policy = rules(json!([rule("sweden", &json!({"countries": ["SE"]}), &deny)]));
    assert_eq!(hold(&site, &policy).await.warnings, Vec::<String>::new());
    for (ip, place) in [
        ("203.0.113.7", Some("Oslo, NO")),
        ("::ffff:203.0.113.7", Some("Oslo, NO")),
        ("2001:db8:a::7", Some("NO")),
        ("192.0.2.7", None),
    ] {
        let asked = gateway.create(&from(&alice, ip), None).await.unwrap();
        let claims = alice.phone.read(&alice.signed(&asked).await).await.unwrap();
        assert_eq!(claims.client.location.as_deref(), place, "{ip}");
        let told = detail(&site, &asked, "challenge.created").await;
        let country = place.map_or(Value::Null, |_| json!("NO"));
        assert_eq!(told["facts"]["told"]["country"], country, "{ip}");
        gateway.cancel(asked.id).await.unwrap();
    }
    let refused = gateway.create(&from(&alice, "198.51.100.7"), None).await.unwrap();
    assert_eq!(state(&refused), ("denied", Some("policy")));
    let told = detail(&site, &refused, "challenge.denied").await;
    assert_eq!(told["facts"]["told"]["country"], json!("SE"));
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let site = site_with(dir.path()).await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let place = async || {
        let asked = gateway.create(&from(&alice, "203.0.113.7"), None).await.unwrap();
        let location = alice.phone.read(&alice.signed(&asked).await).await.unwrap().client.location;
        gateway.cancel(asked.id).await.unwrap();
        location
    };
    let replace = |content: Vec<u8>| {
        fs::write(dir.path().join("new"), content).unwrap();
        fs::rename(dir.path().join("new"), dir.path().join("places.mmdb")).unwrap();
    };
    assert_eq!(place().await.as_deref(), Some("Oslo, NO"));
    let mut half = places();
    half.truncate(half.len() / 2);
    for bad in [half, b"nonsense".to_vec(), database("Test-ASN", &[]), Vec::new()] {
        replace(bad);
        assert!(matches!(site.running().look_at_places(), gatematch_server::places::Look::Bad(_)));
        assert_eq!(place().await.as_deref(), Some("Oslo, NO"), "what was known stays known");
    }
    replace(database("Test-Country", &[("203.0.113.0", 24, json!({"country": {"iso_code": "DK"}}))]));
    assert!(matches!(site.running().look_at_places(), gatematch_server::places::Look::Read));
    assert_eq!(place().await.as_deref(), Some("DK"));
    assert!(matches!(site.running().look_at_places(), gatematch_server::places::Look::Same));
}

#[tokio::test]
async fn a_server_without_a_good_file_starts_and_lets_nobody_in_by_that() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nowhere.mmdb");
    let site = Site::start_with(|settings| settings.places_file = Some(file)).await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let allow = json!({"decision": "allow"});
    let policy = rules(json!([rule("home", &json!({"countries": ["NO"]}), &allow)]));
    assert!(hold(&site, &policy).await.warnings[0].contains("nobody knows where addresses are"));
    assert_eq!(state(&gateway.create(&from(&alice, "203.0.113.7"), None).await.unwrap()), ("pending", None));
}

#[tokio::test]
async fn an_address_that_is_only_shown_counts_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let site = site_with(dir.path()).await;
    let (trusted, alice) = (site.gateway().await, site.person("alice").await);
    let body = CreateGateway {
        name: "Branch gateway".to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display: true,
        client_address: Some("shown".to_owned()),
    };
    let created = site.admin.create_gateway(&body).await.unwrap();
    let shown = Gateway::created(site.api(), site.issuer(), &created, site.clock.seconds());
    let office = json!({"networks": ["203.0.113.0/24"]});
    let abroad = json!({"countries": ["SE"]});
    let policy = rules(json!([
        rule("office", &office, &json!({"decision": "allow"})),
        rule("abroad", &abroad, &json!({"decision": "deny"}))
    ]));
    hold(&site, &policy).await;
    assert_eq!(state(&trusted.create(&from(&alice, "203.0.113.7"), None).await.unwrap()), ("approved", None));
    assert_eq!(state(&trusted.create(&from(&alice, "198.51.100.7"), None).await.unwrap()), ("denied", Some("policy")));
    let asked = shown.create(&from(&alice, "203.0.113.7"), None).await.unwrap();
    assert_eq!(state(&asked), ("pending", None));
    let claims = alice.phone.read(&alice.signed(&asked).await).await.unwrap();
    assert_eq!(claims.client.location.as_deref(), Some("Oslo, NO"), "it is shown");
    assert_eq!(state(&shown.create(&from(&alice, "198.51.100.7"), None).await.unwrap()), ("pending", None));
    let missing = json!({"name": "nowhere", "enabled": true, "when": office, "on_missing": "match", "then": {"decision": "deny"}});
    hold(&site, &rules(json!([missing]))).await;
    assert_eq!(state(&shown.create(&from(&alice, "192.0.2.7"), None).await.unwrap()), ("denied", Some("policy")));
}

#[tokio::test]
async fn cn_04_the_page_s_address_is_shown_and_makes_stricter_and_never_lets_in() {
    let site = Site::start().await;
    let (blind, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let here = json!({"networks": ["127.0.0.0/8"]});
    let login = CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() };
    for (then, expected) in [
        (json!({"decision": "allow"}), ("pending", None)),
        (json!({"decision": "ask", "digits": 6}), ("pending", None)),
        (json!({"decision": "deny"}), ("denied", Some("policy"))),
    ] {
        hold(&site, &rules(json!([rule("here", &here, &then)]))).await;
        let page = Browser::new(site.api());
        page.arm("alice").await.unwrap();
        let asked = blind.create(&login, None).await.unwrap();
        assert_eq!(state(&asked), expected, "{then}");
        if expected.0 == "pending" {
            let claims = alice.phone.read(&alice.signed(&asked).await).await.unwrap();
            let digits = if then["digits"].is_null() { 3 } else { 6 };
            assert_eq!(claims.matching.map(|matching| matching.digits), Some(digits));
            assert_eq!((claims.client.ip, claims.client.page_ip), (None, Some([127, 0, 0, 1].into())));
            let number = page.confirm(true).await.unwrap().number.unwrap();
            assert_eq!(number.len(), usize::from(digits));
            blind.cancel(asked.id).await.unwrap();
        } else {
            let told = detail(&site, &asked, "challenge.denied").await;
            assert_eq!(
                (&told["stricter_by_page"], &told["facts"]["page"]["address"]),
                (&json!(true), &json!("127.0.0.1"))
            );
        }
        site.clock.advance(700);
    }
}

#[tokio::test]
async fn what_is_new_stands_out_until_the_person_has_signed_in_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let site = site_with(dir.path()).await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let signals = json!({"signals": ["new-country"]});
    hold(&site, &rules(json!([rule("new", &signals, &json!({"decision": "ask", "digits": 6}))]))).await;
    let oslo = from(&alice, "203.0.113.7");
    let first = gateway.create(&oslo, None).await.unwrap();
    assert_eq!(first.number.as_ref().map(String::len), Some(6));
    alice.approve(&first).await;
    gateway.redeem(first.id, "one", 0).await.unwrap();
    assert_eq!(digits(&gateway, &from(&alice, "2001:db8:a::7")).await, Some(3), "the same country");
    assert_eq!(digits(&gateway, &from(&alice, "198.51.100.7")).await, Some(6), "another one");
    let site = site.restart().await;
    let gateway = gateway.moved_to(site.api());
    assert_eq!(digits(&gateway, &oslo).await, Some(3), "it is remembered");
}

#[tokio::test]
async fn what_went_wrong_lately_and_a_new_phone_are_signals() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let six = json!({"decision": "ask", "digits": 6});
    let five = json!({"decision": "ask", "digits": 5});
    let policy = rules(json!([
        rule("failures", &json!({"signals": ["recent-failures"]}), &six),
        rule("phone", &json!({"signals": ["new-phone"]}), &five)
    ]));
    hold(&site, &policy).await;
    assert_eq!(digits(&gateway, &alice.login()).await, Some(5), "the phone is of today");
    site.clock.advance(86_400);
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(asked.number.as_ref().map(String::len), Some(3));
    alice.mistype(&asked).await;
    let next = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(next.number.as_ref().map(String::len), Some(6));
    alice.approve(&next).await;
    assert_eq!(digits(&gateway, &alice.login()).await, Some(6), "one success does not make it undone");
    site.clock.advance(3_600);
    assert_eq!(digits(&gateway, &alice.login()).await, Some(3));
}
