//! What outsiders call things is only ever text on the pages.

use gatematch_domain::role::Role;
use gatematch_domain::text::steers;
use gatematch_protocol::challenge::CreateClient;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, unescaped};
use gatematch_tests::wire::json;
use serde_json::json;

use super::{WHY, account, done, shown};

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "gpj.\u{202e}exe\u{2066}\u{200f}\u{61c}\u{2028}",
    "</textarea></td><form action=//evil>",
    "{{7*7}} ${7*7} {% raw %} &lt;b&gt;",
];

/// A page says `text` as text, and nothing of it becomes markup.
async fn is_text(browser: &mut Browser, path: &str, text: &str) {
    let page = shown(browser, path).await;
    let disarmed = gatematch_domain::text::disarm(text);
    assert!(unescaped(&page.text).contains(&disarmed), "{path} does not say {text:?}");
    for markup in ["<script>alert", "<img", "onerror=alert(1)>", "<form action=//", "onfocus='alert", "&lt;b&gt;"] {
        assert!(!page.text.contains(markup), "{path}: {markup}");
    }
    // But for the isolates around names, of which each is closed.
    let isolates = |c: &char| matches!(c, '\u{2068}' | '\u{2069}');
    assert!(!page.text.chars().any(|c| steers(c) && c != '\n' && !isolates(&c)), "{path}: {text:?}");
    let opened = page.text.matches('\u{2068}').count();
    assert_eq!(opened, page.text.matches('\u{2069}').count(), "{path}");
    assert_eq!(page.text.matches('"').count() % 2, 0, "{path}: a quote is not closed");
}

#[tokio::test]
async fn names_are_text_wherever_they_stand() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let mut root = site.operator("root", Role::Admin).await;
    for (serial, text) in HOSTILE.into_iter().enumerate() {
        let name = format!("user{serial}");
        let body = json!({"display_name": text, "groups": [text]});
        site.admin.call("PUT", &format!("/v1/users/{name}"), json(&body)).await.unwrap();
        let phone = site.blank_phone();
        phone.enroll(site.token(&name).await.reveal(), text).await.unwrap();
        let client = CreateClient { ip: None, name: Some(text.to_owned()) };
        let login = serde_json::from_value(json!({"user": name, "client": client})).unwrap();
        gateway.create(&login, None).await.unwrap();
        let path = format!("/console/people/{name}");
        is_text(&mut root, "/console/people", text).await;
        is_text(&mut root, &path, text).await;
        let device = account(&site, &name).await.devices[0].id;
        is_text(&mut root, &format!("{path}/remove/{device}"), text).await;
        is_text(&mut root, &format!("{path}/change"), text).await;
        let reason: String = text.chars().take(60).collect();
        let fields = [("life", "1"), ("uses", ""), ("reason", reason.as_str())];
        done(&mut root, &format!("{path}/bypass"), &fields).await;
        done(&mut root, &format!("{path}/lock"), &[("reason", &reason)]).await;
        is_text(&mut root, &path, &reason).await;
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_as_text() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut root = site.operator("root", Role::Admin).await;
    for text in HOSTILE {
        shown(&mut root, "/console/people").await;
        let fields = [("name", text), ("display_name", text), ("email", text), ("groups", text)];
        let seen = root.post("/console/people", &fields).await;
        assert_eq!(seen.status, 422, "{text:?}: {}", seen.text);
        let fields = [("life", text), ("uses", text), ("until", text), ("reason", "-")];
        let asked = root.post("/console/people/alice/pass", &fields).await;
        for page in [&seen, &asked] {
            assert_eq!(page.status, 422);
            for markup in ["<script>alert", "<img", "<form action=//", "onfocus='alert"] {
                assert!(!page.text.contains(markup), "{text:?}: {markup}");
            }
        }
        for value in ["name", "display_name", "email"] {
            assert_eq!(seen.field(value).as_deref(), Some(text), "{value} is still there");
        }
        let found = shown(&mut root, &format!("/console/people?q={}", gatematch_client_sim::http::segment(text))).await;
        assert_eq!(found.field("q").as_deref(), Some(text.trim()));
    }
}

#[tokio::test]
async fn names_of_every_script_lead_to_their_pages() {
    let site = Site::start().await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    shown(&mut dora, "/console/people").await;
    for name in ["o'neil-2_$x.y", "åse", "أليس", "爱丽丝"] {
        let page = done(&mut dora, "/console/people", &[("name", name)]).await;
        assert!(page.says(&format!("<bdi>{}</bdi>", name.replace('\'', "&#39;"))), "{name}: {}", page.text);
        let list = shown(&mut dora, &format!("/console/people?q={}", gatematch_client_sim::http::segment(name))).await;
        let (_, row) = list.text.split_once("<td class=\"who\"><a href=\"").unwrap();
        let href = row.split('"').next().unwrap();
        assert!(href.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/%._-*".contains(&byte)), "{href}");
        let page = done(&mut dora, &format!("{href}/lock"), &[WHY]).await;
        assert!(page.says("Cannot sign in now"), "{name}");
        assert!(account(&site, name).await.user.locked.is_some());
    }
}
