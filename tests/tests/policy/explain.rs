//! Why a login is decided as it is: as it could be, and as it was.

use gatematch_protocol::policy::{Explain, ExplainClient};
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::{only, state};
use gatematch_tests::wire::{json as body, refused};
use serde_json::{Value, json};

use super::{asking, for_group, hold, person_in, rules};

fn by(user: &str) -> Explain {
    Explain { user: Some(user.to_owned()), ..Explain::default() }
}

#[tokio::test]
async fn a_login_that_could_be_is_explained_rule_by_rule() {
    let site = Site::start().await;
    person_in(&site, "alice", &["staff"]).await;
    let gateway = site.gateway_named("rdg01", true).await;
    let office = json!({"name": "office", "enabled": true, "when": {"networks": ["203.0.113.0/24"]}, "on_missing": "skip",
                        "then": {"decision": "allow"}});
    let trial = json!({"name": "trial", "enabled": true, "report_only": true, "when": {"groups": ["staff"]},
                       "on_missing": "skip", "then": {"decision": "deny"}});
    hold(&site, &rules(json!([trial, office, for_group("staff", &json!({"decision": "ask", "digits": 4}))]))).await;
    let told = site.admin.explain(&by("CONTOSO\\Alice")).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.rule.as_deref(), told.version), ("ask", Some("staff"), Some(2)));
    assert_eq!(told.terms.map(|terms| terms.digits), Some(4));
    let trace: Vec<(&str, bool, &str)> =
        told.trace.iter().map(|rule| (rule.rule.as_str(), rule.matched, rule.why.as_str())).collect();
    assert_eq!(
        trace,
        [
            ("trial", true, "alice is in staff; it only reports: it would deny"),
            ("office", false, "the login has no address that counts, and on_missing is skip"),
            ("staff", true, "alice is in staff"),
        ]
    );
    let client = Some(ExplainClient { ip: Some("203.0.113.7".to_owned()), ..ExplainClient::default() });
    for gateway in ["rdg01".to_owned(), gateway.id.unwrap().to_string()] {
        let at_office = Explain { client: client.clone(), gateway: Some(gateway), ..by("alice") };
        assert_eq!(site.admin.explain(&at_office).await.unwrap().outcome, "allow");
    }
    let nameless = Explain { client, factor_required: Some(true), ..by("alice") };
    assert_eq!(site.admin.explain(&nameless).await.unwrap().outcome, "ask");
    let trial = Explain { rules: Some(asking(json!({"digits": 6})).rules), ..by("alice") };
    let told = site.admin.explain(&trial).await.unwrap();
    assert_eq!((told.terms.map(|terms| terms.digits), told.version), (Some(6), None), "rules that are only tried");
    let profile = Explain { profile: Some("nist-aal2".to_owned()), ..by("alice") };
    assert_eq!(site.admin.explain(&profile).await.unwrap_err().code(), Some(Code::InvalidPolicy), "four digits");
    assert_eq!(site.admin.policy().await.unwrap().version, 2, "nothing was changed");
}

#[tokio::test]
async fn what_stands_beside_policy_is_told() {
    let site = Site::start().await;
    site.person("alice").await;
    site.user("bob").await;
    let told = site.admin.explain(&by("nobody")).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.rule, told.reason.as_deref()), ("deny", None, Some("not-enrolled")));
    let told = site.admin.explain(&by("bob")).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.reason.as_deref()), ("ask", Some("not-enrolled")));
    site.lock("alice").await;
    let told = site.admin.explain(&by("alice")).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.reason.as_deref(), told.rule), ("deny", Some("locked"), None));
    let imagined = Explain { groups: Some(vec!["staff".to_owned()]), ..by("nobody") };
    let told = site.admin.explain(&imagined).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.rule.as_deref()), ("ask", Some("default")));
}

#[tokio::test]
async fn a_login_that_was_is_explained_as_it_was_then() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, person_in(&site, "alice", &["staff"]).await);
    let deny = json!({"decision": "deny"});
    hold(&site, &rules(json!([for_group("staff", &deny)]))).await;
    let refused_login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&refused_login), ("denied", Some("policy")));
    let events = site.audit_of(&refused_login).await;
    let event = only(&events, "challenge.denied");
    assert_eq!(event.policy.as_deref(), Some("staff"));
    // Rules, groups and gateway are others by now.
    hold(&site, &asking(json!({}))).await;
    let groups = gatematch_protocol::user::PutUser { groups: Some(Vec::new()), ..Default::default() };
    site.admin.put_user("alice", &groups).await.unwrap();
    let id = event.id.to_string();
    let asked = Explain { event: Some(id.clone()), ..Explain::default() };
    let told = site.admin.explain(&asked).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.rule.as_deref(), told.version), ("deny", Some("staff"), Some(2)));
    assert_eq!(told.trace[0].why, "alice is in staff");
    let tried = Explain {
        rules: Some(rules(json!([for_group("Staff", &json!({"decision": "allow"}))])).rules),
        ..asked.clone()
    };
    let told = site.admin.explain(&tried).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.version), ("allow", None), "what these rules would have said then");
    let more = Explain { user: Some("alice".to_owned()), ..asked };
    assert_eq!(site.admin.explain(&more).await.unwrap_err().code(), Some(Code::InvalidValue));
    let others = site.audit().await;
    let other = others.iter().find(|event| event.kind == "user.changed").unwrap().id.to_string();
    for (event, code) in [
        (other, Code::InvalidValue),
        ("nonsense".to_owned(), Code::NotFound),
        ("018bcfe5-6800-7101-abab-abababababab".to_owned(), Code::NotFound),
    ] {
        let asked = Explain { event: Some(event), ..Explain::default() };
        assert_eq!(site.admin.explain(&asked).await.unwrap_err().code(), Some(code));
    }
}

#[tokio::test]
async fn what_only_reports_is_in_the_audit_and_decides_nothing() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, person_in(&site, "alice", &["staff"]).await);
    let mut trial = for_group("staff", &json!({"decision": "deny"}));
    trial["report_only"] = true.into();
    hold(&site, &rules(json!([trial]))).await;
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&asked), ("pending", None));
    let events = site.audit_of(&asked).await;
    let detail = only(&events, "challenge.created").detail.clone().unwrap();
    assert_eq!(detail["report_only"], json!([{"rule": "staff", "decision": "deny"}]));
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_in_order() {
    let site = Site::start().await;
    let unsaid =
        json!([{"name": "r", "enabled": true, "when": {"networks": ["10.0.0.0/8"]}, "then": {"decision": "deny"}}]);
    for (asked, code) in [
        (json!({}), Code::MalformedBody),
        (json!({"user": "a", "more": 1}), Code::MalformedBody),
        (json!({"user": "a", "at": "yesterday"}), Code::MalformedBody),
        (json!({"user": "a", "rules": unsaid, "gateway": "none"}), Code::MalformedBody),
        (json!({"user": "a", "gateway": "none", "client": {"ip": "x"}}), Code::NotFound),
        (json!({"user": "a", "client": {"ip": "x"}}), Code::InvalidValue),
        (json!({"user": "a", "signals": ["x"]}), Code::InvalidValue),
        (json!({"user": "a", "rules": []}), Code::InvalidPolicy),
        (json!({"user": "a", "profile": "x"}), Code::InvalidPolicy),
    ] {
        let answer = site.admin.call("POST", "/v1/policy/explain", body(&asked)).await.unwrap();
        refused(&answer, code);
    }
    let answer = site.admin.call("POST", "/v1/policy/explain", body(&json!({"user": "a"}))).await.unwrap();
    let told: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((answer.status, &told["outcome"]), (200, &json!("deny")));
}
