//! The policy at the console.

use gatematch_domain::visit::{FRESH_SECONDS, Place};
use gatematch_protocol::policy::{Explain, ExplainClient};
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::guest::{Seen, number_of, unescaped};
use gatematch_tests::moves::{only, state};
use serde_json::{Value, json};

use super::{admin, says, shown};

const RULES: &str = r#"profile = "standard"

[[rules]]
name = "contractors"
when.groups = ["Contractors"]
then = { decision = "deny" }

[[rules]]
name = "default"
then = { decision = "ask", digits = 6 }
"#;

/// What stands in the editor.
fn typed(seen: &Seen) -> String {
    let (_, rest) = seen.text.split_once("<textarea").unwrap();
    let text = rest.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
    unescaped(text.strip_prefix('\n').unwrap_or(text))
}

async fn version(site: &Site) -> u64 {
    site.admin.policy().await.unwrap().version
}

#[tokio::test]
async fn rules_are_checked_and_saved_and_taken_back() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    let editor = shown(&mut root, "/console/policy/edit").await;
    assert_eq!(editor.field("version").as_deref(), Some("1"));
    assert!(typed(&editor).starts_with("# Version 1 of the policy.\nprofile = \"standard\"\n"), "{}", typed(&editor));
    let windows = RULES.replace('\n', "\r\n");
    let sent = [("rules", windows.as_str()), ("version", "1"), ("comment", "Six digits & nobody from outside")];
    let checked = root.post("/console/policy/check", &sent).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    assert_eq!(typed(&checked), RULES);
    for told in ["These rules can hold.", "contractors", "a number of 3 digits", "a number of 6 digits"] {
        assert!(says(&checked, told), "{told}: {}", checked.text);
    }
    assert_eq!(version(&site).await, 1, "to check changes nothing");
    let saved = root.post("/console/policy/edit", &sent).await;
    assert_eq!(saved.location.as_deref(), Some("/console/policy?now=2"), "{}", saved.text);
    let page = root.follow(saved).await;
    for told in [
        "Version 2 holds from now on",
        "by operator:root",
        "Six digits & nobody from outside",
        "the account is in the group Contractors",
        "is refused",
        "/console/policy/versions/1",
    ] {
        assert!(says(&page, told), "{told}: {}", page.text);
    }
    let earlier = shown(&mut root, "/console/policy/versions/1").await;
    assert_eq!(earlier.field("expected").as_deref(), Some("2"));
    let held = root.post("/console/policy/versions/1/hold", &[("expected", "2"), ("comment", "Too many calls")]).await;
    assert_eq!(held.location.as_deref(), Some("/console/policy?now=3"), "{}", held.text);
    assert_eq!(site.admin.policy().await.unwrap().rules.len(), 1);
    let events = site.audit().await;
    let changed: Vec<_> = events.iter().filter(|event| event.kind == "policy.changed").collect();
    assert!(changed.len() == 2 && changed.iter().all(|event| event.actor.as_deref() == Some("operator:root")));
    let late = root.post("/console/policy/versions/2/hold", &[("expected", "2")]).await;
    assert_eq!(late.status, 412);
    assert!(says(&late, "Version 3 holds by now."), "{}", late.text);
    for path in ["/console/policy/versions/9", "/console/policy/versions/x", "/console/policy/versions/02"] {
        assert_eq!(root.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_must_not_hold_is_refused_with_its_line_and_what_was_typed_is_kept() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    shown(&mut root, "/console/policy/edit").await;
    let cases = [
        (RULES.replace("digits = 6", "digits = 9"), "Line 9", "digits must be from 2 to 6"),
        (RULES.replace("\"ask\", digits = 6", "\"allow\""), "Line 9", "it must not allow"),
        (RULES.replace("digits", "digit"), "Line 10", "unknown field `digit`"),
        (RULES.replace("[[rules]]\nname = \"d", "[[rules\nname = \"d"), "Line 8", ""),
        (format!("{RULES}# <script>alert(1)</script></textarea>\nx = 1\n"), "Line 12", "unknown field `x`"),
        ("profile = \"lax\"\nrules = []\n".to_owned(), "", "must be standard or nist-aal2"),
        (String::new(), "", "missing field `rules`"),
    ];
    for (text, line, told) in &cases {
        for path in ["/console/policy/check", "/console/policy/edit"] {
            let sent = [("rules", text.as_str()), ("version", "1"), ("comment", "why & how")];
            let seen = root.post(path, &sent).await;
            assert_eq!(seen.status, 422, "{path} {text}: {}", seen.text);
            assert_eq!(&typed(&seen), text, "{path}");
            assert!(says(&seen, told) && says(&seen, line), "{told}, {line}: {}", seen.text);
            assert!(says(&seen, "value=\"why & how\"") && !seen.says("<script>alert"), "{}", seen.text);
        }
    }
    let long = "c".repeat(65);
    let seen = root.post("/console/policy/edit", &[("rules", RULES), ("version", "1"), ("comment", &long)]).await;
    assert_eq!((seen.status, typed(&seen).as_str()), (422, RULES));
    assert!(says(&seen, "At most 64 characters and 128 bytes, please."));
    assert_eq!(version(&site).await, 1);
}

#[tokio::test]
async fn who_was_slower_sees_what_the_other_did_and_loses_nothing() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    shown(&mut root, "/console/policy/edit").await;
    let theirs = json!({"rules": [{"name": "theirs", "when": {"groups": ["Staff"]}, "then": {"decision": "ask", "digits": 5}},
                                  {"name": "default", "then": {"decision": "ask"}}]});
    let body = serde_json::from_value(theirs).unwrap();
    site.admin.put_policy(&body, 1).await.unwrap();
    for path in ["/console/policy/check", "/console/policy/edit"] {
        let seen = root.post(path, &[("rules", RULES), ("version", "1"), ("comment", "mine")]).await;
        assert_eq!((seen.status, typed(&seen).as_str()), (412, RULES), "{}", seen.text);
        for told in
            ["version 2 holds by now", "Nothing was saved", "theirs", "a number of 5 digits", "name = \"theirs\""]
        {
            assert!(says(&seen, told), "{told}: {}", seen.text);
        }
        assert_eq!((seen.field("version").as_deref(), seen.field("comment").as_deref()), (Some("2"), Some("mine")));
    }
    assert_eq!(version(&site).await, 2);
    let saved = root.post("/console/policy/edit", &[("rules", RULES), ("version", "2")]).await;
    assert_eq!(saved.location.as_deref(), Some("/console/policy?now=3"));
}

#[tokio::test]
async fn rules_survive_the_proof_by_phone() {
    let site = Site::start().await;
    let root = site.person("root").await;
    site.give_role("root", Some(gatematch_domain::role::Role::Admin)).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &root, Place::Console).await;
    shown(&mut browser, "/console/policy/edit").await;
    site.clock.advance(FRESH_SECONDS + 1);
    let sent = [("rules", RULES), ("version", "1"), ("comment", "By phone")];
    let asked = browser.post("/console/policy/edit", &sent).await;
    assert!(asked.says("id=\"number\"") && typed(&asked) == RULES, "{}", asked.text);
    let waiting = root.phone.waiting(0).await.unwrap();
    let number = number_of(&asked);
    root.phone.respond(&waiting.last().unwrap().challenge, Decision::Approve, Some(&number), None).await.unwrap();
    let mut again = sent.to_vec();
    again.push(("proving", "1"));
    let saved = browser.post("/console/policy/edit", &again).await;
    assert_eq!(saved.location.as_deref(), Some("/console/policy?now=2"), "{}", saved.text);
}

/// A policy in whose rules people, addresses and times matter.
fn mixed() -> Value {
    json!({"rules": [
        {"name": "late", "report_only": true, "when": {"groups": ["Staff"]}, "then": {"decision": "deny"}},
        {"name": "office", "when": {"networks": ["203.0.113.0/24"]}, "on_missing": "skip", "then": {"decision": "allow"}},
        {"name": "<b>bold</b>", "when": {"client_names": ["<i>"]}, "on_missing": "skip", "then": {"decision": "deny"}},
        {"name": "default", "then": {"decision": "ask", "digits": 4, "methods": ["push"]}}]})
}

#[tokio::test]
async fn a_sign_in_is_explained_as_the_api_explains_it() {
    let site = Site::start().await;
    let (mut root, _) = (admin(&site).await, site.person("bob").await);
    site.gateway_named("rdg01", true).await;
    site.user("eve").await;
    site.admin.put_policy(&serde_json::from_value(mixed()).unwrap(), 1).await.unwrap();
    let client = |ip: Option<&str>, name: Option<&str>, page_ip: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(ExplainClient { ip: own(ip), name: own(name), page_ip: own(page_ip) })
    };
    let by = |user: &str| Explain { user: Some(user.to_owned()), ..Explain::default() };
    let gateway = Some("rdg01".to_owned());
    for (query, body, told) in [
        ("user=bob", by("bob"), "The person is asked."),
        (
            "user=CONTOSO%5CBob&gateway=rdg01&ip=203.0.113.7",
            Explain { gateway, client: client(Some("203.0.113.7"), None, None), ..by("CONTOSO\\Bob") },
            "passes without",
        ),
        (
            "user=bob&ip=203.0.113.7&factor_required=1",
            Explain { client: client(Some("203.0.113.7"), None, None), factor_required: Some(true), ..by("bob") },
            "The person is asked.",
        ),
        (
            "user=bob&client_name=%3Ci%3E",
            Explain { client: client(None, Some("<i>"), None), ..by("bob") },
            "The sign-in is refused.",
        ),
        (
            "user=bob&page_ip=203.0.113.7&at=2027-01-15T08%3A30%2B01%3A00",
            Explain {
                client: client(None, None, Some("203.0.113.7")),
                at: "2027-01-15T08:30+01:00".parse().ok(),
                ..by("bob")
            },
            "The person is asked.",
        ),
        ("user=eve", by("eve"), "The sign-in would be refused all the same."),
        ("user=nobody", by("nobody"), "The sign-in is refused."),
    ] {
        let explained = site.admin.explain(&body).await.unwrap();
        let seen = shown(&mut root, &format!("/console/policy/explain?{query}")).await;
        assert!(says(&seen, told), "{query}: {}", seen.text);
        if let Some(rule) = &explained.rule {
            assert!(says(&seen, &format!("The rule {rule} of version 2 decides.")), "{query}: {}", seen.text);
        }
        assert_eq!(seen.text.matches("<td lang=\"en\">").count(), explained.trace.len(), "{query}");
        for step in &explained.trace {
            assert!(says(&seen, &format!("<bdi>{}</bdi>", step.why)), "{query}: {} {}", step.why, seen.text);
        }
        assert!(explained.notes.iter().all(|note| says(&seen, note)), "{query}: {}", seen.text);
        assert!(explained.reason.iter().all(|reason| says(&seen, &format!(">{reason}<"))), "{query}: {}", seen.text);
        assert!(!seen.says("<b>bold") && !seen.says("<i>"), "{query}");
    }
    for (query, told) in [
        ("user=bob&ip=nonsense", "That is no IP address."),
        ("user=bob&page_ip=1.2.3", "That is no IP address."),
        ("user=bob&at=tomorrow", "That is no time with a zone"),
        ("user=bob&gateway=nowhere", "There is no such gateway any more."),
        ("event=nonsense", "There is no such event."),
    ] {
        let seen = root.get(&format!("/console/policy/explain?{query}")).await;
        assert_eq!(seen.status, 422, "{query}");
        assert!(says(&seen, told), "{query}: {}", seen.text);
        assert!(query.starts_with("event") || seen.field("user").as_deref() == Some("bob"));
    }
}

#[tokio::test]
async fn rules_that_only_report_tell_what_they_would_have_done() {
    let site = Site::start().await;
    let (mut root, bob) = (admin(&site).await, site.person("bob").await);
    let groups = Some(vec!["Staff".to_owned()]);
    let change = gatematch_protocol::user::PutUser { groups, ..Default::default() };
    site.admin.put_user("bob", &change).await.unwrap();
    let gateway = site.gateway_named("rdg01", true).await;
    site.admin.put_policy(&serde_json::from_value(mixed()).unwrap(), 1).await.unwrap();
    assert!(says(&shown(&mut root, "/console/policy").await, "0 sign-ins were looked at."));
    let asked = gateway.create(&bob.login_from("<i>"), None).await.unwrap();
    assert_eq!(state(&asked), ("approved", None), "the office passes: {asked:?}");
    let events = site.audit_of(&asked).await;
    let id = only(&events, "challenge.approved").id.to_string();
    let page = shown(&mut root, "/console/policy").await;
    for told in ["1 sign-ins were looked at.", "Would have decided otherwise", "let in", "only reports", &id] {
        assert!(says(&page, told), "{told}: {}", page.text);
    }
    let explained = shown(&mut root, &format!("/console/policy/explain?event={id}")).await;
    for told in
        ["The sign-in of bob", "at rdg01", "The rule office of version 2 decides.", "it only reports: it would deny"]
    {
        assert!(says(&explained, told), "{told}: {}", explained.text);
    }
    // The same rule once more, decided otherwise: what it said as another one does not count.
    let changed = mixed().to_string().replace("[\"Staff\"]", "[\"Staff\",\"Others\"]");
    site.admin.put_policy(&serde_json::from_str(&changed).unwrap(), 2).await.unwrap();
    assert!(!shown(&mut root, "/console/policy").await.says(&id));
    site.admin.put_policy(&serde_json::from_value(mixed()).unwrap(), 3).await.unwrap();
    assert!(shown(&mut root, "/console/policy").await.says(&id), "it is the same one again");
    site.clock.advance(7 * 86_400 + 1);
    let mut root = site.invited("root", Place::Console).await;
    assert!(!shown(&mut root, "/console/policy").await.says(&id), "a week is looked at");
}

#[tokio::test]
async fn what_rules_and_comments_say_is_only_ever_text() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    let mut policy = mixed();
    policy["comment"] = "<u>why</u>".into();
    site.admin.put_policy(&serde_json::from_value(policy).unwrap(), 1).await.unwrap();
    for path in ["/console/policy", "/console/policy/versions/2", "/console/policy/edit"] {
        let seen = shown(&mut root, path).await;
        assert!(says(&seen, "<b>bold</b>") && !seen.says("<b>") && !seen.says("<i>") && !seen.says("<u>"), "{path}");
    }
}
