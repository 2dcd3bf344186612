//! The console's overview, its sign-ins and its audit log: who may see what, that it is what the log says, and that it
//! stays harmless whatever stands there (AD-09).

mod audit;
mod feed;
mod sign_ins;

use gatematch_client_sim::gateway::Gateway;
use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_domain::challenge::Client;
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_server::edge::Clock as _;
use gatematch_server::tally::Ending;
use gatematch_tests::codes::bypass;
use gatematch_tests::guest::{Browser, Seen, unescaped};
use gatematch_tests::moves::count;
use gatematch_tests::{Person, Site};

/// A page that must be there.
async fn shown(browser: &mut Browser, path: &str) -> Seen {
    let seen = browser.get(path).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(inside, _)| inside).collect()
}

/// The overview, once all sign-ins are counted.
async fn overview(browser: &mut Browser) -> Seen {
    for _ in 0..500 {
        let seen = shown(browser, "/console").await;
        if !seen.says("Counting. ") {
            return seen;
        }
        tokio::task::yield_now().await;
    }
    panic!("it is never counted");
}

/// The sums under the charts of 24 hours and 30 days, in the order of [`Ending::ALL`], and of all.
fn sums(overview: &Seen) -> Vec<Vec<u64>> {
    let feet = between(&overview.text, "<tfoot>", "</tfoot>");
    let numbers =
        |foot: &&str| between(foot, "<td class=\"number\">", "</td>").iter().map(|n| n.parse().unwrap()).collect();
    feet.iter().map(numbers).collect()
}

/// How the sign-ins in `events` ended, and how many there were.
fn endings(events: &[AuditEvent]) -> Vec<u64> {
    let of = |ending: Ending| events.iter().filter(|event| Ending::of(event) == Some(ending)).count() as u64;
    let mut counts: Vec<u64> = Ending::ALL.into_iter().map(of).collect();
    counts.push(counts.iter().sum());
    counts
}

/// Sign-ins that end in every way.
async fn all_ways(site: &Site, gateway: &Gateway, alice: &Person, bob: &Person) {
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    gateway.redeem(login.id, "r", 0).await.unwrap();
    let app = site.app_of("bob").await;
    let login = gateway.create(&bob.login(), None).await.unwrap();
    let login = gateway.passcode(login.id, site.code(&app, 0).reveal()).await.unwrap();
    gateway.redeem(login.id, "r", 0).await.unwrap();
    site.admin.bypass("bob", &bypass(Some(1))).await.unwrap();
    let login = gateway.create(&bob.login(), None).await.unwrap();
    gateway.redeem(login.id, "r", 0).await.unwrap();
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.deny(&login).await;
    gateway.create(&CreateChallenge { user: "nobody".to_owned(), ..alice.login() }, None).await.unwrap();
    let login = gateway.create(&bob.login(), None).await.unwrap();
    gateway.cancel(login.id).await.unwrap();
    gateway.create(&bob.login(), None).await.unwrap();
    site.clock.advance(100);
    site.audit_when(|events| count(events, "challenge.expired") > 0).await;
}

#[tokio::test]
async fn each_role_sees_what_it_may() {
    let site = Site::start().await;
    let routes = [
        ("/console", &Role::ALL[..]),
        ("/console/feed", &[Role::Admin, Role::Auditor]),
        ("/console/sign-ins", &[Role::Admin, Role::Auditor]),
        ("/console/sign-ins/export", &[Role::Admin, Role::Auditor]),
        ("/console/audit", &[Role::Admin, Role::Auditor]),
        ("/console/audit/1", &[Role::Admin, Role::Auditor]),
        ("/console/audit/export?format=csv", &[Role::Admin, Role::Auditor]),
    ];
    for role in Role::ALL {
        let mut browser = site.operator(&format!("the-{}", role.as_str()), role).await;
        for (path, roles) in routes {
            let expected = if roles.contains(&role) { 200 } else { 403 };
            assert_eq!(browser.get(path).await.status, expected, "{path} for {role:?}");
        }
        let seen = browser.post("/console/audit/verify", &[]).await;
        assert_eq!(seen.status, if role == Role::Helpdesk { 403 } else { 200 }, "{role:?}");
        let home = shown(&mut browser, "/console").await;
        assert_eq!(home.says("data-feed"), role != Role::Helpdesk, "{role:?}");
        assert_eq!(home.says("/console/audit"), role != Role::Helpdesk, "{role:?}");
        assert!(home.says("href=\"/console/me\""), "whoever has no phone is told to enroll one");
    }
    let mut stranger = site.browser();
    for (path, _) in routes {
        assert_eq!(stranger.get(path).await.status, 303, "{path}");
    }
    let (readers, events) = (["operator:the-admin", "operator:the-auditor"], site.audit().await);
    let read = events.iter().filter(|event| event.kind == "audit.read").filter_map(|event| event.actor.as_deref());
    assert_eq!(read.filter(|actor| actor.starts_with("operator:")).collect::<Vec<_>>(), readers, "once an hour each");
}

#[tokio::test]
async fn the_charts_are_what_the_log_says() {
    let site = Site::start().await;
    let (gateway, alice, bob) = (site.gateway().await, site.person("alice").await, site.person("bob").await);
    all_ways(&site, &gateway, &alice, &bob).await;
    let mut root = site.operator("root", Role::Admin).await;
    let expected = endings(&site.audit().await);
    assert!(expected.iter().all(|count| *count > 0), "{expected:?}");
    assert_eq!(sums(&overview(&mut root).await), [expected.clone(), expected.clone()]);
    // What comes is counted as it comes, and by the day on which it came.
    site.clock.advance(2 * 86_400);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.deny(&login).await;
    let mut root = site.invited("root", gatematch_domain::visit::Place::Console).await;
    let all = endings(&site.audit().await);
    assert_ne!(all, expected);
    assert_eq!(sums(&overview(&mut root).await), [vec![0, 0, 0, 1, 0, 0, 1], all.clone()]);
    // A server that is started again counts the same from the log.
    let site = site.restart().await;
    let mut root = site.invited("root", gatematch_domain::visit::Place::Console).await;
    assert_eq!(sums(&overview(&mut root).await), [vec![0, 0, 0, 1, 0, 0, 1], all]);
    site.clock.advance(29 * 86_400);
    let mut root = site.invited("root", gatematch_domain::visit::Place::Console).await;
    let seen = overview(&mut root).await;
    assert_eq!(sums(&seen), [vec![0, 0, 0, 1, 0, 0, 1]], "what is older than 30 days is not counted");
    assert!(seen.says("Nobody has signed in."));
}

#[tokio::test]
async fn the_overview_tells_what_needs_somebody() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let mut root = site.operator("root", Role::Admin).await;
    assert!(overview(&mut root).await.says("One person has nothing to sign in with"), "root himself");
    site.user("unenrolled").await;
    let alice = site.person("alice").await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    alice.report(&login).await;
    site.user("locked").await;
    site.lock("locked").await;
    site.admin.bypass("unenrolled", &bypass(None)).await.unwrap();
    let site = site.restart_with(|settings| settings.require_device_confirmation = true).await;
    // A second phone waits to be confirmed.
    site.phone_of("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let seen = overview(&mut dora).await;
    for text in [
        "One sign-in was reported in the last 24 hours",
        "One account is locked",
        "One new phone waits to be confirmed",
        "One exception is in force",
        "href=\"/console/people?show=not-enrolled\"",
        "href=\"/console/people/alice\"",
        "href=\"/console/people/locked\"",
    ] {
        assert!(unescaped(&seen.text).contains(text), "{text}: {}", seen.text);
    }
    assert!(!seen.says("/console/audit/"), "the helpdesk is led to nothing that it may not see");
    site.clock.advance(86_401);
    let mut dora = site.invited("dora", gatematch_domain::visit::Place::Console).await;
    let seen = overview(&mut dora).await;
    assert!(!seen.says("was reported") && !seen.says("exception is in force") && seen.says("One account is locked"));
    let mut auditor = site.operator("audrey", Role::Auditor).await;
    let seen = overview(&mut auditor).await;
    assert!(seen.says("href=\"/console/sign-ins?user=locked\"") && !seen.says("/console/people"), "{}", seen.text);
}

#[tokio::test]
async fn the_health_line_tells_what_is_wrong() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    let seen = overview(&mut root).await;
    for text in ["Everything works", "answers in", "nothing signed yet", "there is none yet", "nobody is waiting"] {
        assert!(seen.says(text), "{text}: {}", seen.text);
    }
    site.admin.call("GET", "/v1/audit/checkpoint", None).await.unwrap();
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    gateway.create(&alice.login(), None).await.unwrap();
    let seen = overview(&mut root).await;
    assert!(seen.says("signed up to no. ") && seen.says("last sign-in at Oslo gateway"), "{}", seen.text);
    assert!(seen.says("decision: 1"), "{}", seen.text);
    let dropped = Event::new("radius.dropped", Actor::System, site.clock.now());
    site.store().record_events(vec![dropped]).await.unwrap();
    let seen = overview(&mut root).await;
    assert!(seen.says("It works; look at: RADIUS"), "{}", seen.text);
}

/// What outsiders write, and what of it must not stand on a page as it is.
const HOSTILE: [&str; 4] =
    ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "${jndi:ldap://x/a}", "\u{202e}=HYPERLINK(1)"];

#[tokio::test]
async fn what_outsiders_write_is_only_ever_text() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    let now = site.clock.now();
    let mut events = Vec::new();
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let id = format!("01900000-0000-7000-8000-00000000000{number}");
        let client = Client { ip: None, name: Some(text.to_owned()) };
        let about = |kind: &'static str| Event {
            client: Some(client.clone()),
            policy: Some(text.to_owned()),
            ..Event::new(kind, Actor::CommandLine(text.to_owned()), now).user(text).with("challenge", id.as_str())
        };
        events.push(about("challenge.created"));
        events.push(about("challenge.denied").ended(Outcome::Failure, text).with("note", text));
        events.push(about("challenge.collision"));
    }
    site.store().record_events(events).await.unwrap();
    let (last, pages) =
        (site.store().log_end().await.unwrap().size, ["/console", "/console/sign-ins", "/console/audit"]);
    let mut pages: Vec<String> = pages.map(str::to_owned).to_vec();
    pages.extend((0..12).map(|back| format!("/console/audit/{}", last - back)));
    for text in HOSTILE {
        let asked: String = url_of(text);
        pages.push(format!(
            "/console/sign-ins?user={asked}&gateway={asked}&outcome={asked}&since={asked}&before={asked}"
        ));
        pages.push(format!("/console/audit?user={asked}&type={asked}&actor={asked}&reason={asked}&until={asked}"));
    }
    for path in pages {
        let seen = root.get(&path).await;
        assert!(matches!(seen.status, 200 | 422), "{path}: {}", seen.status);
        for part in ["<script>alert", "<img src=x", "onerror=alert(1)>"] {
            assert!(!seen.says(part), "{path} has {part}");
        }
        let plain = unescaped(&seen.text);
        assert!(HOSTILE.iter().any(|text| plain.contains(text)) || plain.contains("\\u202e"), "{path}: {plain}");
        let is_isolated = seen.text.split("\u{202e}").collect::<Vec<_>>();
        for before in is_isolated.iter().take(is_isolated.len() - 1) {
            assert!(
                before.ends_with("<bdi>") || before.ends_with("<bdi>cli:") || before.ends_with("value=\""),
                "{path}"
            );
        }
    }
    let feed = shown(&mut root, "/console/feed").await;
    let lines: Vec<serde_json::Value> = serde_json::from_str(&feed.text).unwrap();
    assert!(lines.iter().any(|line| line["person"]["name"] == HOSTILE[0]), "{}", feed.text);
    assert!(feed.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    for path in ["/console/sign-ins/export", "/console/audit/export?format=csv"] {
        let seen = shown(&mut root, path).await;
        assert!(!seen.says("\u{202e}"), "nothing steers in {path}");
        assert!(seen.says("\u{fffd}=HYPERLINK") && !seen.says(",=HYPERLINK"), "{}", seen.text);
    }
}

/// A text as it stands in an address.
fn url_of(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
