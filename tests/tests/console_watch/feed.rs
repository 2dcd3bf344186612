//! Sign-ins as they come.

use std::time::Duration;

use gatematch_domain::role::Role;
use gatematch_tests::Site;
use gatematch_tests::guest::Browser;
use reqwest::Response;
use reqwest::header::{ACCEPT, COOKIE};
use serde_json::Value;

const MOMENT: Duration = Duration::from_secs(20);

/// A feed that somebody listens to.
struct Feed {
    response: Response,
    text: String,
}

/// What he hears.
#[derive(Debug, PartialEq)]
enum Heard {
    /// Sign-ins, the latest first.
    Lines(Vec<Value>),
    /// That he is to hear nothing more.
    Over,
    /// The connection has ended.
    End,
}

async fn ask(site: &Site, browser: &Browser) -> Response {
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.get(format!("{}/console/events", site.api().base()));
    request.header(ACCEPT, "text/event-stream").header(COOKIE, cookies.join("; ")).send().await.unwrap()
}

impl Feed {
    async fn open(site: &Site, browser: &Browser) -> Self {
        let response = ask(site, browser).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next that he hears.
    async fn next(&mut self) -> Heard {
        tokio::time::timeout(MOMENT, self.heard()).await.expect("he hears something")
    }

    async fn heard(&mut self) -> Heard {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.lines().any(|line| line == "event: over") {
                    assert!(event.lines().any(|line| line.starts_with("data: ")), "browsers hear it");
                    return Heard::Over;
                }
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return Heard::Lines(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
                _ => return Heard::End,
            }
        }
    }

    /// What the next sign-ins are said to be.
    async fn told(&mut self) -> Vec<String> {
        match self.next().await {
            Heard::Lines(lines) => lines.iter().map(|line| line["what"].as_str().unwrap().to_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_sign_in_is_heard_of_at_once() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let root = site.operator("root", Role::Admin).await;
    let mut feed = Feed::open(&site, &root).await;
    assert_eq!(feed.told().await, Vec::<String>::new(), "nothing has happened");
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let Heard::Lines(lines) = feed.next().await else { panic!("nothing is heard") };
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["person"], serde_json::json!({"name": "alice", "href": "/console/people/alice"}));
    assert_eq!((&lines[0]["gateway"], &lines[0]["from"]), (&"Oslo gateway".into(), &"CLIENT-PC".into()));
    assert_eq!(lines[0]["at"]["machine"], "2027-01-15T08:00:00Z");
    alice.report(&login).await;
    assert_eq!(feed.told().await, ["reported: not me"]);
    let mut auditor = Feed::open(&site, &site.operator("audrey", Role::Auditor).await).await;
    assert_eq!(auditor.told().await, ["reported: not me", "is asked"], "whoever comes later hears what was");
    let gone = gateway.create(&alice.login_from("ANOTHER-PC"), None).await.unwrap();
    gateway.cancel(gone.id).await.unwrap();
    for feed in [&mut feed, &mut auditor] {
        let mut told = Vec::new();
        while told.last().map(String::as_str) != Some("taken back") {
            let mut lines = feed.told().await;
            lines.reverse();
            told.extend(lines);
        }
        assert_eq!(told.len(), 2, "each is told once: {told:?}");
    }
}

#[tokio::test]
async fn whoever_loses_his_role_hears_nothing_more() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let root = site.operator("root", Role::Admin).await;
    let mut feed = Feed::open(&site, &root).await;
    assert_eq!(feed.told().await.len(), 0);
    site.give_role("root", Some(Role::Helpdesk)).await;
    gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(feed.next().await, Heard::Over);
    assert_eq!(feed.next().await, Heard::End);
    assert_eq!(ask(&site, &root).await.status(), 403);
}

#[tokio::test]
async fn a_feed_ends_with_its_visit() {
    let site = Site::start().await;
    let mut root = site.operator("root", Role::Admin).await;
    let (mut left, mut idle) =
        (Feed::open(&site, &root).await, Feed::open(&site, &site.operator("ada", Role::Admin).await).await);
    assert_eq!((left.told().await.len(), idle.told().await.len()), (0, 0));
    let cookies = root.cookies.clone();
    root.post("/console/sign-out", &[]).await;
    assert_eq!(left.next().await, Heard::Over, "without anybody signing in");
    root.cookies = cookies;
    assert_eq!(ask(&site, &root).await.status(), 401);
    // To listen is no sign of life.
    site.clock.advance(901);
    assert_eq!(idle.next().await, Heard::Over);
}

#[tokio::test]
async fn feeds_are_few_and_end_with_the_server() {
    let site = Site::start().await;
    let root = site.operator("root", Role::Admin).await;
    let mut feeds = Vec::new();
    for _ in 0..6 {
        feeds.push(Feed::open(&site, &root).await);
    }
    assert_eq!(ask(&site, &root).await.status(), 503);
    let mut ada = Feed::open(&site, &site.operator("ada", Role::Admin).await).await;
    assert_eq!(ada.told().await.len(), 0, "another one has places of his own");
    drop(feeds.pop());
    for _ in 0..5_000 {
        if ask(&site, &root).await.status() == 200 {
            // Nobody is waited for: a feed that is open ends with the server.
            site.stop().await;
            assert_eq!(ada.next().await, Heard::End);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("a place is never free again");
}
