//! Policy as the whole server follows it: the same at a gateway that speaks HTTP, through RADIUS, and on the connect
//! page; changed by HTTP and by command; explained, and taken back.

mod administration;
mod cookbook;
mod doors;
mod explain;
mod places;
mod reuse;

use gatematch_domain::role::Role;
use gatematch_protocol::policy::{PolicyView, PutPolicy, Rule};
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::only;
use gatematch_tests::wire::refused;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// These rules, and last one that asks everybody.
fn rules(rules: Value) -> PutPolicy {
    let mut rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    let ask = json!({"name": "default", "enabled": true, "on_missing": "skip", "then": {"decision": "ask"}});
    rules.push(serde_json::from_value(ask).unwrap());
    PutPolicy { rules, ..PutPolicy::default() }
}

/// One rule that asks everybody for this.
fn asking(mut then: Value) -> PutPolicy {
    then["decision"] = "ask".into();
    let rule = json!({"name": "default", "enabled": true, "on_missing": "skip", "then": then});
    PutPolicy { rules: vec![serde_json::from_value(rule).unwrap()], ..PutPolicy::default() }
}

/// Lets a policy hold, whichever holds now.
async fn hold(site: &Site, policy: &PutPolicy) -> PolicyView {
    let version = site.admin.policy().await.unwrap().version;
    site.admin.put_policy(policy, version).await.unwrap()
}

/// A rule for everybody in a group.
fn for_group(group: &str, then: &Value) -> Value {
    json!({"name": group, "enabled": true, "when": {"groups": [group]}, "on_missing": "skip", "then": then})
}

/// Changes the database beside the running server.
async fn sql(site: &Site, text: &'static str) {
    let options = SqliteConnectOptions::new().filename(&site.settings().database);
    let mut conn = options.connect().await.unwrap();
    assert!(sqlx::query(text).execute(&mut conn).await.unwrap().rows_affected() > 0);
    conn.close().await.unwrap();
}

/// A user, with a phone, in these groups.
async fn person_in(site: &Site, name: &str, groups: &[&str]) -> gatematch_tests::Person {
    let person = site.person(name).await;
    let groups = Some(groups.iter().map(|group| (*group).to_owned()).collect());
    let change = gatematch_protocol::user::PutUser { groups, ..Default::default() };
    site.admin.put_user(name, &change).await.unwrap();
    person
}

#[tokio::test]
async fn what_ships_asks_everybody_and_is_version_one() {
    let site = Site::start().await;
    let answer = site.admin.call("GET", "/v1/policy", None).await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
    let shipped: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(
        shipped,
        json!({"version": 1, "profile": "standard", "rules": [
            {"name": "default", "enabled": true, "when": {}, "on_missing": "skip", "then": {"decision": "ask"}}]})
    );
    for role in [Role::Helpdesk, Role::Auditor] {
        let other = site.admin_with(role).await;
        for (method, path) in [("GET", "/v1/policy"), ("PUT", "/v1/policy"), ("POST", "/v1/policy/explain")] {
            refused(&other.call(method, path, None).await.unwrap(), Code::RoleNotAllowed);
        }
    }
}

#[tokio::test]
async fn a_policy_outlives_a_restart_and_is_one_event() {
    let site = Site::start().await;
    let put = hold(&site, &asking(json!({"digits": 6}))).await;
    assert_eq!((put.version, put.warnings.len()), (2, 0));
    let events = site.audit().await;
    let detail = only(&events, "policy.changed").detail.clone().unwrap();
    assert_eq!((&detail["version"], &detail["was"]), (&json!(2), &json!(1)));
    assert_eq!(detail["changes"], json!([r#"~ default then: {"decision":"ask"} -> {"decision":"ask","digits":6}"#]));
    let stored: (String, String) = {
        let options = SqliteConnectOptions::new().filename(&site.settings().database).read_only(true);
        let mut conn = options.connect().await.unwrap();
        sqlx::query_as("SELECT profile, rules FROM policies").fetch_one(&mut conn).await.unwrap()
    };
    let digest = gatematch_protocol::secret::sha256(format!("{}\n{}", stored.0, stored.1));
    assert_eq!(detail["digest"], json!(digest), "nobody puts other rules under the same number");
    let site = site.restart().await;
    assert_eq!(site.admin.policy().await.unwrap().rules, put.rules);
}
