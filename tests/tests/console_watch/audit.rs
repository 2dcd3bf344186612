//! The audit log as pages and as files, and whether it holds.

use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::GatewayId;
use gatematch_server::edge::Clock as _;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, Seen, unescaped};
use gatematch_tests::moves::count;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{between, shown};

/// The events on a page, by number, in order.
fn listed(seen: &Seen) -> Vec<u64> {
    let rows = between(&seen.text, "<td class=\"number\"><a href=\"/console/audit/", "\"");
    rows.iter().map(|seq| seq.parse().unwrap()).collect()
}

fn link(seen: &Seen, name: &str) -> Option<String> {
    let all = between(&seen.text, "<a class=\"second\" href=\"", "</a>");
    let found = all.into_iter().find_map(|link| link.split_once("\">").filter(|(_, text)| *text == name));
    found.map(|(href, _)| unescaped(href))
}

/// The pages from `path` on, in one direction.
async fn pages(browser: &mut Browser, path: &str, names: &[&str]) -> Vec<Vec<u64>> {
    let mut seen = shown(browser, path).await;
    let mut pages = vec![listed(&seen)];
    while let Some(next) = names.iter().find_map(|name| link(&seen, name)) {
        seen = shown(browser, &next).await;
        pages.push(listed(&seen));
        assert!(pages.len() < 50, "it ends");
    }
    pages
}

/// A log of 350 events beside what is there already.
async fn filled(site: &Site) -> Vec<AuditEvent> {
    let begin = site.clock.now();
    let event = |number: i64| {
        let kind = if number % 10 == 0 { "user.changed" } else { "user.unlocked" };
        let actor = Actor::CommandLine(if number % 3 == 0 { "dora" } else { "erik" }.to_owned());
        let event = Event::new(kind, actor, begin.plus_seconds(number));
        let event = if number % 4 == 0 { event.user("alice") } else { event.user("bob") };
        if number % 5 == 0 { event.gateway(GatewayId::new(begin, [7; 10])) } else { event }
    };
    site.store().record_events((0..350).map(event).collect()).await.unwrap();
    site.audit().await
}

fn numbers(events: &[AuditEvent], which: impl Fn(&AuditEvent) -> bool) -> Vec<u64> {
    events.iter().rev().filter(|event| which(event)).map(|event| event.seq).collect()
}

#[tokio::test]
async fn the_log_is_paged_both_ways() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    shown(&mut root, "/console/audit").await;
    let events = filled(&site).await;
    let all = numbers(&events, |_| true);
    let older = pages(&mut root, "/console/audit", &["Older"]).await;
    assert_eq!(older.concat(), all);
    assert!(older.iter().rev().skip(1).all(|page| page.len() == 100));
    let mut newer = pages(&mut root, "/console/audit?after=0", &["Newer"]).await;
    newer.reverse();
    assert_eq!(newer.concat(), all);
    // From a page one comes to the one beside it, and back.
    let first = shown(&mut root, "/console/audit").await;
    let second = shown(&mut root, &link(&first, "Older").unwrap()).await;
    let back = shown(&mut root, &link(&second, "Newer").unwrap()).await;
    assert_eq!((listed(&second), listed(&back)), (older[1].clone(), older[0].clone()));
    assert_eq!(link(&second, "Newest").as_deref(), Some("/console/audit"));
}

#[tokio::test]
async fn filters_find_what_they_should() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    shown(&mut root, "/console/audit").await;
    let begin = site.clock.now();
    let events = filled(&site).await;
    let gateway = GatewayId::new(begin, [7; 10]).to_string();
    let is = |has: &Option<String>, text: &str| has.as_deref() == Some(text);
    let (from, until) = (begin.plus_seconds(60), begin.plus_seconds(200));
    let checks: Vec<(String, Vec<u64>)> = vec![
        ("user=CONTOSO%5CAlice".to_owned(), numbers(&events, |event| is(&event.user, "alice"))),
        ("type=user.changed".to_owned(), numbers(&events, |event| event.kind == "user.changed")),
        (format!("gateway={gateway}"), numbers(&events, |event| is(&event.gateway, &gateway))),
        ("actor=dor".to_owned(), numbers(&events, |event| event.actor.as_ref().unwrap().contains("dor"))),
        (
            format!("user=alice&type=user.changed&gateway={gateway}&actor=cli:"),
            numbers(&events, |event| is(&event.user, "alice") && event.kind == "user.changed"),
        ),
        ("user=bob&type=no.such".to_owned(), Vec::new()),
        (format!("since={from}&until={until}"), numbers(&events, |event| from <= event.at && event.at < until)),
        (
            format!("since={from}&until={until}&user=alice&type=user.changed"),
            numbers(&events, |event| {
                from <= event.at && event.at < until && is(&event.user, "alice") && event.kind == "user.changed"
            }),
        ),
        ("until=2020-01-01".to_owned(), Vec::new()),
    ];
    for (filter, expected) in checks {
        let found = pages(&mut root, &format!("/console/audit?{filter}"), &["Older"]).await.concat();
        assert_eq!(found, expected, "{filter}");
        let file = shown(&mut root, &format!("/console/audit/export?format=jsonl&{filter}")).await;
        let lines = file.text.lines().map(|line| serde_json::from_str::<AuditEvent>(line).unwrap());
        let mut written: Vec<u64> = lines.map(|event| event.seq).collect();
        written.reverse();
        assert_eq!(written, expected, "{filter}");
    }
}

#[tokio::test]
async fn what_is_rare_is_looked_for_further_on() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    shown(&mut root, "/console/audit").await;
    let event = |kind: &'static str| Event::new(kind, Actor::System, site.clock.now()).user("busy");
    let by_dora = Event { actor: Actor::CommandLine("dora".to_owned()), ..event("user.changed") };
    site.store().record_events(vec![by_dora]).await.unwrap();
    let rare = site.store().log_end().await.unwrap().size;
    for _ in 0..21 {
        let many = (0..1_000).map(|_| event("user.unlocked")).collect();
        site.store().record_events(many).await.unwrap();
    }
    // By an index, and by none.
    for path in ["/console/audit?user=busy&type=user.changed", "/console/audit?actor=dora"] {
        let first = shown(&mut root, path).await;
        assert!(first.says("as far as was looked") && listed(&first).is_empty(), "{}", first.text);
        let found = pages(&mut root, path, &["Look further back", "Older"]).await;
        assert_eq!((found.concat(), found.len()), (vec![rare], 3), "{path}");
        let found = pages(&mut root, &format!("{path}&after=0"), &["Newer"]).await;
        assert_eq!((found.concat(), found.len()), (vec![rare], 3), "{path}");
    }
    let file = shown(&mut root, "/console/audit/export?format=csv&user=busy&type=user.changed").await;
    assert_eq!(file.text.lines().count(), 2, "a file is looked for to the end");
    let file = shown(&mut root, "/console/audit/export?format=csv&user=busy").await;
    assert_eq!(file.text.lines().count(), 21_002);
}

#[tokio::test]
async fn an_event_is_shown_with_all_that_it_has() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.deny(&login).await;
    let mut root = site.operator("root", Role::Admin).await;
    let events = site.audit().await;
    let begun = events.iter().find(|event| event.kind == "challenge.created").unwrap();
    let seen = shown(&mut root, &format!("/console/audit/{}", begun.seq)).await;
    let json = unescaped(between(&seen.text, "aria-labelledby=\"json\">", "</pre>").last().unwrap());
    assert_eq!(serde_json::from_str::<AuditEvent>(&json).unwrap(), *begun);
    let explain = format!("href=\"/console/policy/explain?event={}\"", begun.id);
    assert!(seen.says(&explain) && seen.says(&format!("href=\"/console/audit/{}\"", begun.seq + 1)));
    let sign_ins = shown(&mut root, "/console/sign-ins").await;
    assert!(sign_ins.says(&explain) && sign_ins.says("href=\"/console/people/alice\""));
    let mut auditor = site.operator("audrey", Role::Auditor).await;
    let seen = shown(&mut auditor, &format!("/console/audit/{}", begun.seq)).await;
    assert!(!seen.says("/console/policy") && seen.says("href=\"/console/sign-ins?user=alice\""));
}

#[tokio::test]
async fn files_are_whole_and_reading_is_remembered() {
    let site = Site::start().await;
    filled(&site).await;
    let mut root = site.operator("root", Role::Admin).await;
    let file = shown(&mut root, "/console/audit/export?format=jsonl").await;
    let written: Vec<AuditEvent> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = site.audit().await;
    assert_eq!(written, events[..written.len()]);
    assert_eq!(written.last().unwrap().kind, "audit.read", "that it is read stands in it");
    let kept = file.headers["content-disposition"].to_str().unwrap();
    assert_eq!(kept, "attachment; filename=\"audit-2027-01-15.jsonl\"");
    let file = shown(&mut root, "/console/audit/export?format=csv").await;
    assert_eq!(file.text.lines().count(), written.len() + 1);
    assert!(file.text.starts_with("seq,time,type,actor,user,"));
    let events = site.audit().await;
    let by_root = events.iter().filter(|event| event.actor.as_deref() == Some("operator:root"));
    assert_eq!(count(&by_root.cloned().collect::<Vec<_>>(), "audit.read"), 1);
}

#[tokio::test]
async fn a_log_that_was_changed_does_not_hold() {
    let site = Site::start().await;
    if site.settings().database_server.is_some() {
        return;
    }
    let events = filled(&site).await;
    let mut root = site.operator("root", Role::Admin).await;
    let seen = root.post("/console/audit/verify", &[]).await;
    assert!(seen.says("It holds: events 1 to ") && seen.says("nothing yet"), "{}", seen.text);
    assert!(!shown(&mut root, "/console/audit/verify").await.says("It holds"), "to load it again checks nothing");
    site.admin.call("GET", "/v1/audit/checkpoint", None).await.unwrap();
    let seen = root.post("/console/audit/verify", &[]).await;
    assert!(seen.says("It holds: ") && seen.says("up to event"), "{}", seen.text);
    let database = SqliteConnectOptions::new().filename(&site.settings().database);
    let mut conn = database.connect().await.unwrap();
    let changed = events.len() as u64 - 5;
    sqlx::query("UPDATE audit_events SET username = 'mallory' WHERE seq = ?")
        .bind(i64::try_from(changed).unwrap())
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let seen = root.post("/console/audit/verify", &[]).await;
    assert!(seen.says(&format!("It does not hold: event {changed}: it is not as it was written")), "{}", seen.text);
}
