//! What is secret is shown once: on the page that answers the form, on no other, and in no event.

use gatematch_domain::role::Role;
use gatematch_tests::Site;
use gatematch_tests::guest::unescaped;
use serde_json::json;

use super::{WHY, done, element, shown};

/// Whether any page about alice, or the audit log, has one of these texts in it.
async fn find(site: &Site, browser: &mut gatematch_tests::guest::Browser, secrets: &[String]) -> Vec<String> {
    let mut texts = Vec::new();
    for path in [
        "/console/people",
        "/console/people?q=alice",
        "/console/people/alice",
        "/console/people/alice/pass",
        "/console/people/alice/codes",
        "/console/people/alice/app",
        "/console/me",
        "/console",
    ] {
        texts.push((path.to_owned(), unescaped(&shown(browser, path).await.text)));
    }
    texts.push(("audit".to_owned(), serde_json::to_string(&site.audit().await).unwrap()));
    let has = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
    texts.into_iter().filter(|(_, text)| has(text)).map(|(place, _)| place).collect()
}

#[tokio::test]
async fn what_is_shown_once_is_nowhere_afterwards() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    shown(&mut dora, "/console/people/alice").await;
    let mut secrets = Vec::new();

    let page = done(&mut dora, "/console/people/alice/pass", &[("life", "4"), ("uses", "1"), WHY]).await;
    let apart = element(&page, "pass");
    assert_eq!(apart.len(), 21, "{apart}");
    secrets.push(apart.replace(' ', ""));
    secrets.push(apart);

    let page = done(&mut dora, "/console/people/alice/codes", &[WHY]).await;
    let (_, list) = page.text.split_once("<ol class=\"codes\">").unwrap();
    let codes = list.split("</ol>").next().unwrap().split("<li>").skip(1);
    let codes: Vec<String> = codes.map(|code| code.split('<').next().unwrap().trim().to_owned()).collect();
    assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 19), "{codes:?}");
    secrets.extend(codes);

    let page = done(&mut dora, "/console/people/alice/app", &[WHY]).await;
    let uri = unescaped(page.text.split("<p class=\"mono\">").nth(1).unwrap().split('<').next().unwrap());
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    let fours: Vec<&str> = (0..8).map(|at| &secret[4 * at..4 * at + 4]).collect();
    assert!(page.says(&fours.join(" ")), "it is shown to be typed");
    secrets.push(fours.join(" "));
    secrets.push(secret);

    for path in ["/console/people/alice/enroll", "/console/people/alice/invite", "/console/me/first-phone"] {
        let page = done(&mut dora, path, &[]).await;
        let link = element(&page, "link");
        let token = link.rsplit(['#', '=']).next().unwrap().to_owned();
        assert!(token.starts_with("gme_") || token.starts_with("gmi_"), "{link}");
        assert_eq!(page.headers["cache-control"], "no-store");
        secrets.push(token);
    }
    assert_eq!(secrets.len(), 17);
    assert_eq!(find(&site, &mut dora, &secrets).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_form_that_is_sent_again_makes_another_one_and_the_first_is_void() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    shown(&mut dora, "/console/people/alice").await;
    let fields = [("life", "4"), ("uses", "1"), WHY];
    let first = element(&done(&mut dora, "/console/people/alice/pass", &fields).await, "pass");
    let second = element(&done(&mut dora, "/console/people/alice/pass", &fields).await, "pass");
    assert_ne!(first, second);
    let mut pc = site.browser();
    let seen = pc.post("/portal/code", &[("name", "alice"), ("code", &first)]).await;
    assert_eq!(seen.location, None, "the first one is void");
    let seen = pc.post("/portal/code", &[("name", "alice"), ("code", &second)]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal"));
}

#[tokio::test]
async fn what_is_of_no_use_yet_is_said_to_be() {
    let site = Site::start().await;
    site.person("alice").await;
    site.lock("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let asked = shown(&mut dora, "/console/people/alice/pass").await;
    assert!(asked.says("alice is locked, and cannot sign in before somebody unlocks."));
    for (step, fields) in [("pass", &[("life", "4"), WHY][..]), ("codes", &[WHY]), ("enroll", &[]), ("invite", &[])] {
        let page = done(&mut dora, &format!("/console/people/alice/{step}"), fields).await;
        assert!(page.says("alice is locked, and cannot sign in before somebody unlocks."), "{step}");
    }
    let disabled = serde_json::from_value(json!({"status": "disabled"})).unwrap();
    site.admin.put_user("alice", &disabled).await.unwrap();
    let page = done(&mut dora, "/console/people/alice/enroll", &[]).await;
    assert!(page.says("alice is disabled, and cannot sign in before an administrator enables the account."));
}
