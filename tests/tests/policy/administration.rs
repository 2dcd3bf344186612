//! How policy is changed: by whom, instead of what, and when not.

use gatematch_client_sim::http::Answer;
use gatematch_protocol::policy::{PutPolicy, RollBack};
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::count;
use gatematch_tests::wire::refused;
use serde_json::{Value, json};

use super::{asking, for_group, hold, rules, sql};

async fn put(site: &Site, tag: Option<&str>, body: &Value) -> Answer {
    let authorization = site.admin.authorization();
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(tag.map(|tag| ("if-match", tag)));
    site.api().call("PUT", "/v1/policy", &headers, Some(body.to_string().into_bytes())).await.unwrap()
}

fn sound() -> Value {
    json!({"rules": [{"name": "default", "enabled": true, "when": {}, "on_missing": "skip", "then": {"decision": "ask"}}]})
}

#[tokio::test]
async fn whoever_changes_it_says_what_he_replaces() {
    let site = Site::start().await;
    refused(&put(&site, None, &sound()).await, Code::PreconditionRequired);
    for tag in ["\"2\"", "\"01\"", "W/\"1\"", "\"\"", "\"x\"", "\"2\", \"3\""] {
        let problem = refused(&put(&site, Some(tag), &sound()).await, Code::PreconditionFailed);
        assert_eq!(problem.more["version"], json!(1), "{tag}");
    }
    for tag in ["1", "\"1", "W/1", ""] {
        refused(&put(&site, Some(tag), &sound()).await, Code::MalformedHeader);
    }
    for (tag, version) in [("\"1\"", 2), ("\"1\", \"2\"", 3), ("*", 4)] {
        let answer = put(&site, Some(tag), &sound()).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some(format!("\"{version}\"").as_str())), "{tag}");
    }
    let mut numbered = sound();
    numbered["version"] = json!(99);
    assert_eq!(put(&site, Some("\"4\""), &numbered).await.status, 200, "the version in the body is ignored");
}

#[tokio::test]
async fn refusals_come_in_the_order_of_the_contract() {
    let site = Site::start().await;
    let malformed = json!({"rules": [
        {"name": "a", "enabled": true, "when": {}, "on_missing": "skip", "then": {"decision": "ask", "digits": 99}},
        {"name": "b", "enabled": true, "when": {"networks": ["nonsense"]}, "then": {"decision": "deny"}}]});
    let unknown = json!({"rules": [{"name": "a", "enabled": true, "wenn": {}, "then": {"decision": "ask"}}]});
    let unsound = json!({"rules": []});
    for body in [&malformed, &unknown, &json!({}), &json!({"rules": {}}), &json!({"rules": [], "more": 1})] {
        refused(&put(&site, None, body).await, Code::MalformedBody);
    }
    refused(&put(&site, None, &unsound).await, Code::PreconditionRequired);
    refused(&put(&site, Some("\"7\""), &unsound).await, Code::PreconditionFailed);
    let problem = refused(&put(&site, Some("\"1\""), &unsound).await, Code::InvalidPolicy);
    assert!(problem.detail.contains("the last rule must be called"), "{}", problem.detail);
    let mut profile = sound();
    profile["profile"] = "nist-aal3".into();
    refused(&put(&site, Some("\"1\""), &profile).await, Code::InvalidPolicy);
    let mut comment = sound();
    comment["comment"] = "x".repeat(65).into();
    refused(&put(&site, Some("\"1\""), &comment).await, Code::InvalidValue);
    assert_eq!(site.admin.policy().await.unwrap().version, 1, "none of it changed anything");
    assert_eq!(count(&site.audit().await, "policy.changed"), 0);
    let back = json!({"version": 9}).to_string().into_bytes();
    let answer = site.admin.call("POST", "/v1/policy/rollback", Some(back)).await.unwrap();
    refused(&answer, Code::PreconditionRequired);
    let missing = RollBack { version: 9, comment: None };
    let failure = site.admin.roll_policy_back(&missing, 7).await.unwrap_err();
    assert_eq!(failure.code(), Some(Code::NotFound), "404 comes before 412");
}

#[tokio::test]
async fn of_two_who_change_it_at_once_one_does() {
    let site = Site::start().await;
    for version in 1..=10 {
        let (one, two) = (asking(json!({"digits": 2})), asking(json!({"digits": 6})));
        let (one, two) = tokio::join!(site.admin.put_policy(&one, version), site.admin.put_policy(&two, version));
        let [won, lost] = if one.is_ok() { [one, two] } else { [two, one] };
        assert_eq!(won.unwrap().version, version + 1);
        assert_eq!(lost.unwrap_err().code(), Some(Code::PreconditionFailed));
    }
}

#[tokio::test]
async fn the_history_tells_who_when_and_what_and_leads_back() {
    let site = Site::start().await;
    hold(&site, &PutPolicy { comment: Some("pilot".to_owned()), ..asking(json!({"digits": 4})) }).await;
    site.clock.advance(60);
    let strict = PutPolicy { profile: Some("nist-aal2".to_owned()), ..asking(json!({})) };
    hold(&site, &strict).await;
    assert_eq!(hold(&site, &asking(json!({"digits": 6}))).await.profile, "nist-aal2", "an absent profile stays");
    let back =
        site.admin.roll_policy_back(&RollBack { version: 2, comment: Some("calls".to_owned()) }, 4).await.unwrap();
    assert_eq!((back.version, back.profile.as_str(), back.rules[0].then.digits), (5, "standard", Some(4)));
    let history = site.admin.policy_versions().await.unwrap();
    let told: Vec<(u64, Option<&str>, Option<&str>)> =
        history.items.iter().map(|one| (one.version, one.actor.as_deref(), one.comment.as_deref())).collect();
    let admin = Some("admin:admin-key");
    assert_eq!(
        told,
        [(5, admin, Some("calls")), (4, admin, None), (3, admin, None), (2, admin, Some("pilot")), (1, None, None)]
    );
    assert_eq!(history.items[0].at, Some(site.clock.now_plus(0)));
    assert_eq!(history.items[3].at, Some(site.clock.now_plus(-60)));
    assert_eq!(history.items[3].changes, [r#"~ default then: {"decision":"ask"} -> {"decision":"ask","digits":4}"#]);
    let get = |path: &'static str| site.admin.call("GET", path, None);
    let page: Value = serde_json::from_str(&get("/v1/policy/versions?limit=2").await.unwrap().text()).unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next_cursor"]), (2, &json!("4")));
    let page: Value = serde_json::from_str(&get("/v1/policy/versions?limit=9&cursor=4").await.unwrap().text()).unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next_cursor"]), (3, &Value::Null));
    let third: Value = serde_json::from_str(&get("/v1/policy/versions/3").await.unwrap().text()).unwrap();
    assert_eq!((&third["version"], &third["profile"]), (&json!(3), &json!("nist-aal2")));
    for path in ["/v1/policy/versions/6", "/v1/policy/versions/0", "/v1/policy/versions/x", "/v1/policy/versions/01"] {
        refused(&get(path).await.unwrap(), Code::NotFound);
    }
    let rolled = site.audit().await.into_iter().rfind(|event| event.kind == "policy.changed").unwrap();
    assert_eq!(rolled.detail.unwrap()["rolled_back_to"], json!(2));
}

#[tokio::test]
async fn mistakes_that_are_allowed_are_told() {
    let site = Site::start().await;
    site.user("alice").await;
    let policy = rules(json!([
        {"name": "a", "enabled": true, "when": {"users": ["alice", "alise"], "gateways": ["nowhere"]}, "on_missing": "skip",
         "then": {"decision": "deny"}},
        {"name": "b", "enabled": true, "when": {"countries": ["NO"]}, "on_missing": "skip", "then": {"decision": "deny"}},
        for_group("g", &json!({"decision": "deny"})),
        {"name": "c", "enabled": true, "when": {"groups": ["G"], "users": ["alice"]}, "on_missing": "skip", "then": {"decision": "ask"}}
    ]));
    assert_eq!(
        hold(&site, &policy).await.warnings,
        [
            "rule \"c\" is never reached: \"g\" decides all that it would",
            "there is no gateway \"nowhere\": no login is ever there",
            "there is no account alise: no login is ever his",
            "a rule asks for countries, and nobody knows where addresses are: set places_file. Until then, on_missing decides",
        ]
    );
    assert_eq!(site.admin.policy().await.unwrap().warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_lets_nobody_in_and_can_be_replaced() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    hold(&site, &asking(json!({}))).await;
    // Rules that were read stay read until there are others: a server that begins anew finds them so.
    sql(&site, "UPDATE policies SET rules = '[{\"name\":\"default\"}]'").await;
    let site = site.restart().await;
    let gateway = gateway.moved_to(site.api());
    let refused_login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!((refused_login.status.as_str(), refused_login.reason.as_deref()), ("denied", Some("policy")));
    assert_eq!(site.api().call("GET", "/readyz", &[], None).await.unwrap().status, 503);
    hold(&site, &asking(json!({}))).await;
    assert_eq!(gateway.create(&alice.login(), None).await.unwrap().status, "pending");
    assert_eq!(site.api().call("GET", "/readyz", &[], None).await.unwrap().status, 200);
}
