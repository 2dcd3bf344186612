//! Sign-ins as a page: what is found, in which order, page by page.

use std::collections::BTreeSet;

use gatematch_domain::role::Role;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, Seen, unescaped};
use serde_json::Value;

use super::{all_ways, between, shown};

/// The sign-ins on a page, by their ids, in order.
fn listed(seen: &Seen) -> Vec<String> {
    between(&seen.text, "<dt>Id</dt><dd class=\"mono\">", "</dd>").into_iter().map(str::to_owned).collect()
}

/// Where a link of this name leads.
fn link(seen: &Seen, name: &str) -> Option<String> {
    let all = between(&seen.text, "<a class=\"second\" href=\"", "</a>");
    let found = all.into_iter().find_map(|link| link.split_once("\">").filter(|(_, text)| *text == name));
    found.map(|(href, _)| unescaped(href))
}

/// All pages of a list.
async fn pages(browser: &mut Browser, path: &str) -> Vec<Vec<String>> {
    let mut seen = shown(browser, path).await;
    let mut pages = vec![listed(&seen)];
    while let Some(older) = link(&seen, "Older") {
        seen = shown(browser, &older).await;
        pages.push(listed(&seen));
    }
    pages
}

/// The same by the report.
async fn reported(site: &Site, asked: &str) -> BTreeSet<String> {
    let answer = site.admin.call("GET", &format!("/v1/reports/sign-ins?{asked}"), None).await.unwrap();
    let report: Value = answer.json().unwrap();
    assert_eq!(report["next_cursor"], Value::Null);
    let items = report["items"].as_array().unwrap();
    items.iter().map(|item| item["challenge"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_page_finds_what_the_report_finds() {
    let site = Site::start().await;
    let (oslo, bergen) = (site.gateway_named("Oslo", true).await, site.gateway_named("Bergen", true).await);
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    all_ways(&site, &oslo, &alice, &bob).await;
    let login = bergen.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    site.clock.advance(100);
    // One is approved and not redeemed, and one waits.
    let login = bergen.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    oslo.create(&bob.login(), None).await.unwrap();
    let mut root = site.operator("root", Role::Admin).await;
    let id = bergen.id.unwrap();
    let mut filters = vec![
        String::new(),
        "user=CONTOSO%5CAlice".to_owned(),
        "user=nobody".to_owned(),
        "user=nobody-at-all".to_owned(),
        "gateway=Bergen".to_owned(),
        format!("gateway={id}"),
        format!("gateway={id}&user=bob"),
        "since=2027-01-15T08:00Z".to_owned(),
        "since=2027-01-15T08:00:00.000001Z".to_owned(),
        "since=2027-01-15T08:01:40Z&until=2027-01-15T08:03:20Z".to_owned(),
        "until=2027-01-15T08:03:20.000001Z".to_owned(),
        "until=2027-01-15T08:00Z".to_owned(),
    ];
    for outcome in ["pending", "approved", "denied", "expired", "cancelled"] {
        filters.push(format!("outcome={outcome}"));
        filters.push(format!("outcome={outcome}&user=bob"));
    }
    for method in ["number", "push", "totp", "recovery_code", "access_pass", "bypass", "policy", "reuse", "none"] {
        filters.push(format!("method={method}"));
    }
    let mut found_some = 0;
    for filter in filters {
        let expected = reported(&site, &filter).await;
        let pages = pages(&mut root, &format!("/console/sign-ins?{filter}")).await;
        let found: Vec<String> = pages.concat();
        assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected, "{filter}");
        assert_eq!(found.len(), expected.len(), "each once: {filter}");
        found_some += usize::from(!found.is_empty());
    }
    assert!(found_some > 15, "{found_some}");
}

#[tokio::test]
async fn many_sign_ins_are_paged_the_latest_first() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let mut made = Vec::new();
    for number in 0..120 {
        site.clock.advance(1);
        let login = CreateChallenge { user: format!("nobody{number}"), ..alice.login() };
        made.push(gateway.create(&login, None).await.unwrap().id.to_string());
    }
    made.reverse();
    let mut root = site.operator("root", Role::Admin).await;
    let found = pages(&mut root, "/console/sign-ins").await;
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
    assert_eq!(found.concat(), made);
    // A filter stays on every page, and on the file.
    let first = shown(&mut root, "/console/sign-ins?outcome=denied&since=2027-01-15T08:00:01").await;
    let older = link(&first, "Older").unwrap();
    assert!(older.contains("outcome=denied") && older.contains("since=2027-01-15"), "{older}");
    let export = between(&first.text, "href=\"/console/sign-ins/export", "\"")[0];
    let file = shown(&mut root, &format!("/console/sign-ins/export{}", unescaped(export))).await;
    assert_eq!(file.text.lines().count(), 121);
    let kept = file.headers["content-disposition"].to_str().unwrap();
    assert_eq!(kept, "attachment; filename=\"sign-ins-2027-01-15.csv\"");
}

#[tokio::test]
async fn a_wrong_filter_is_shown_with_what_is_wrong() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    for (path, fault) in [
        ("/console/sign-ins?outcome=lost", "This choice does not exist."),
        ("/console/sign-ins?method=magic&user=alice", "This choice does not exist."),
        ("/console/sign-ins?since=yesterday", "Write a day and a time"),
        ("/console/sign-ins?before=x", "This page does not exist."),
        ("/console/audit?until=2027-02-30", "Write a day and a time"),
        ("/console/audit?before=7&after=3", "This page does not exist."),
        ("/console/audit?after=-1", "This page does not exist."),
    ] {
        let seen = root.get(path).await;
        assert_eq!(seen.status, 422, "{path}");
        assert!(seen.says(fault), "{path}: {}", seen.text);
    }
    let seen = root.get("/console/sign-ins?method=magic&user=alice").await;
    assert!(seen.says("value=\"alice\""), "what was typed is still there");
    for path in ["/console/sign-ins/export?outcome=lost", "/console/audit/export", "/console/audit/export?format=xml"] {
        assert_eq!(root.get(path).await.status, 400, "{path}");
    }
    for path in ["/console/audit/0", "/console/audit/01", "/console/audit/x", "/console/audit/99999"] {
        assert_eq!(root.get(path).await.status, 404, "{path}");
    }
    // Fields that are left empty ask for nothing.
    assert_eq!(root.get("/console/sign-ins?user=&gateway=&outcome=&method=&since=&until=").await.status, 200);
}
