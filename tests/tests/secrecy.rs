//! CH-03: the number is for the login side only. It reaches no phone, log, metric or audit record.

use gatematch_domain::role::Role;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::response::Decision;
use gatematch_tests::captured::capture;
use gatematch_tests::moves::{another_number, count};
use gatematch_tests::{Person, Site};
use serde_json::{Value, json};

/// What a number may be by chance: HTTP statuses, which the metrics have in quotes, and a piece of the issuer.
const BY_CHANCE: [&str; 9] = ["127", "200", "201", "204", "400", "401", "404", "409", "422"];

/// Whether `text` tells `number`: in quotes, or under that name.
fn tells(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let (before, after) = (&text.as_bytes()[..at], &text.as_bytes()[at + number.len()..]);
        let quoted = before.ends_with(b"\"") && (after.starts_with(b"\"") || after.starts_with(b"\\\""));
        let near = &before[before.len().saturating_sub(24)..];
        let near = String::from_utf8_lossy(near).to_lowercase();
        quoted || near.trim_end_matches([' ', '=', ':', '"', '\\', '(']).ends_with("number")
    })
}

/// Whether a JSON document tells `number`, as a value or within a text.
fn holds(document: &Value, number: &str) -> bool {
    match document {
        Value::String(text) => text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == number),
        Value::Array(items) => items.iter().any(|item| holds(item, number)),
        Value::Object(members) => members.iter().any(|(name, value)| name == "number" || holds(value, number)),
        Value::Number(_) | Value::Bool(_) | Value::Null => false,
    }
}

struct Collected {
    phone_side: Vec<String>,
    claims: Vec<Value>,
    logins: Vec<ChallengeView>,
}

impl Collected {
    /// A login from a computer whose name and address have no digits of their own.
    async fn login(&mut self, site: &Site, person: &Person, client: &str) -> (ChallengeView, String) {
        let gateway = site.gateway().await;
        let body = CreateChallenge {
            user: person.name.clone(),
            client: Some(CreateClient { ip: Some("fe80::1".to_owned()), name: Some(client.to_owned()) }),
            context: json!({"door": "main"}).as_object().cloned(),
            ..CreateChallenge::default()
        };
        let login = gateway.create(&body, None).await.unwrap();
        let shown = [gateway.get(login.id, 0).await.unwrap().number, login.number.clone()];
        assert!(shown.iter().all(|number| number.is_some() && *number == login.number), "the gateway shows it");
        let waiting = person.phone.call("GET", "/v1/devices/self/challenges", None).await.unwrap();
        self.phone_side.push(waiting.text());
        let signed = person.signed(&login).await;
        for part in signed.split('.').take(2) {
            self.claims.push(serde_json::from_slice(&base64url::decode(part).unwrap()).unwrap());
        }
        self.logins.push(login.clone());
        (login, signed)
    }

    async fn post(&mut self, person: &Person, login: &ChallengeView, response: &str) -> u16 {
        let answer = person.phone.post_response(&login.id.to_string(), response).await.unwrap();
        self.phone_side.push(answer.text());
        answer.status
    }
}

/// Three logins of one person with all that a phone can hear about them.
async fn use_it(site: &Site, person: &Person, all: &mut Collected) {
    let (login, signed) = all.login(site, person, "SALES").await;
    let number = login.number.clone().unwrap();
    let response = |number: &str, decision| person.phone.response(&signed, decision, Some(number), None).unwrap();
    assert_eq!(all.post(person, &login, &response("12345", Decision::Approve)).await, 422);
    assert_eq!(all.post(person, &login, &response(&number, Decision::Approve)).await, 200);
    assert_eq!(all.post(person, &login, &response(&number, Decision::Approve)).await, 409);

    let (login, signed) = all.login(site, person, "STOCK").await;
    let wrong = another_number(login.number.as_deref().unwrap());
    let response = person.phone.response(&signed, Decision::Approve, Some(&wrong), None).unwrap();
    assert_eq!(all.post(person, &login, &response).await, 200);
    assert_eq!(all.post(person, &login, &response).await, 409);

    let (login, signed) = all.login(site, person, "STUDIO").await;
    let number = login.number.clone().unwrap();
    let response = person.phone.response(&signed, Decision::Deny, Some(&number), None).unwrap();
    assert_eq!(all.post(person, &login, &response).await, 200);
    all.phone_side.push(person.phone.call("GET", "/v1/devices/self", None).await.unwrap().text());
}

#[tokio::test]
async fn ch_03_the_number_is_told_to_the_login_side_alone() {
    let log = capture();
    let site = Site::start().await;
    let mut all = Collected { phone_side: Vec::new(), claims: Vec::new(), logins: Vec::new() };
    for name in ["ada", "bea", "cyd", "dov", "eli", "fay", "gil", "hal"] {
        let person = site.person(name).await;
        use_it(&site, &person, &mut all).await;
    }
    for role in [Role::Admin, Role::Helpdesk, Role::Auditor] {
        let admin = site.admin_with(role).await;
        for login in &all.logins {
            assert_eq!(admin.challenge(login.id).await.unwrap().number, None, "{role:?}");
        }
    }
    let metrics = site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
    assert!(metrics.contains("gatematch_challenges_total"));
    let audit = site.admin.call("GET", "/v1/audit?limit=1000", None).await.unwrap().text();
    let log = log.text();
    assert!(log.contains("TRACE") && log.matches("answered").count() > 100, "the log was not captured");

    let numbers: Vec<&str> = all.logins.iter().filter_map(|login| login.number.as_deref()).collect();
    assert_eq!(numbers.len(), 24);
    for number in numbers.into_iter().filter(|number| !BY_CHANCE.contains(number)) {
        assert!(all.claims.iter().all(|claims| !holds(claims, number)), "{number} is in a signed challenge");
        assert!(all.phone_side.iter().all(|text| !tells(text, number)), "{number} is in an answer to a phone");
        assert!(!tells(&metrics, number), "{number} is in the metrics");
        assert!(!tells(&audit, number), "{number} is in the audit log");
        assert!(!holds(&without_ids(&audit), number), "{number} is in the audit log");
        assert!(!tells(&log, number), "{number} is in the log");
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.created"), count(&events, "challenge.approved")), (24, 8));
}

/// The audit log without what has digits of its own.
fn without_ids(audit: &str) -> Value {
    let mut page: Value = serde_json::from_str(audit).unwrap();
    for event in page["items"].as_array_mut().unwrap() {
        for name in ["at", "id", "seq"] {
            event.as_object_mut().unwrap().remove(name);
        }
    }
    page
}

#[test]
fn what_would_tell_is_found() {
    for text in [r#"{"number":"047"}"#, r#"a \"047\" b"#, "number=047", "Number(047)", r#"Some("047")"#] {
        assert!(tells(text, "047"), "{text}");
    }
    for text in ["micros=047", "1047", r#""10470""#, "0.047"] {
        assert!(!tells(text, "047"), "{text}");
    }
    assert!(holds(&json!({"detail": {"text": "it was 047, not"}}), "047"));
    assert!(!holds(&json!({"match": {"kind": "number", "digits": 3}}), "047"));
}
