//! Coming in at the console and the portal, and what holds while somebody is there (AD-03).

mod reach;

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_server::http::site::{Admits, Does, pages};
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, number_of};
use gatematch_tests::moves::{count, only, state};

const CONSOLE: &str = "__Host-gatematch-console";

/// Fields, or headers.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Dora of the helpdesk with a phone.
async fn dora(site: &Site) -> gatematch_tests::Person {
    let dora = site.person("dora").await;
    site.give_role("dora", Some(Role::Helpdesk)).await;
    dora
}

/// Whether the browser is signed in at the console.
async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/console").await.status == 200
}

#[tokio::test]
async fn somebody_comes_in_by_the_number_on_his_phone_and_goes() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    let seen = browser.get("/console/people?q=x").await;
    assert_eq!(seen.location.as_deref(), Some("/console/sign-in?next=%2Fconsole%2Fpeople%3Fq%3Dx"));
    let home = site.sign_in(&mut browser, &dora, Place::Console).await;
    assert!(home.status == 200 && home.says("dora"), "{}", home.text);
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [CONSOLE]);
    let seen = browser.post("/console/sign-out", &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/console/sign-in?left=1"));
    assert!(browser.cookies.is_empty() && !is_in(&mut browser).await);
    let events = site.audit().await;
    let entered = only(&events, "console.entered");
    assert_eq!((entered.actor.as_deref(), entered.user.as_deref()), (Some("operator:dora"), Some("dora")));
    assert_eq!(entered.detail.as_ref().unwrap()["by"], "phone");
    only(&events, "console.left");
}

#[tokio::test]
async fn whoever_has_no_role_is_not_let_in_even_with_the_right_number() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let mut browser = site.browser();
    let seen = site.sign_in(&mut browser, &alice, Place::Console).await;
    assert!(seen.says("Nobody was let in"), "{}", seen.text);
    assert!(!is_in(&mut browser).await && !browser.cookies.contains_key(CONSOLE));
    let seen = site.sign_in(&mut browser, &alice, Place::Portal).await;
    assert!(seen.status == 200 && seen.says("alice"));
    assert!(!is_in(&mut browser).await, "the portal's cookie opens no console");
}

#[tokio::test]
async fn no_number_no_entry_whatever_policy_says() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let bypass = serde_json::json!({"reason": "Network down", "expires_in": 3_600});
    site.admin.bypass("dora", &serde_json::from_value(bypass).unwrap()).await.unwrap();
    let rules = serde_json::json!({"rules": [
        {"name": "here", "enabled": true, "on_missing": "skip", "when": {"networks": ["127.0.0.0/8"]},
         "then": {"decision": "allow"}},
        {"name": "default", "enabled": true, "on_missing": "skip", "then": {"decision": "deny"}},
    ]});
    site.admin.put_policy(&serde_json::from_value(rules).unwrap(), 1).await.unwrap();
    let mut browser = site.browser();
    let seen = browser.post("/console/sign-in", &[("name", "dora")]).await;
    let shown = browser.follow(seen).await;
    // Without an answer, nobody is in.
    let seen = browser.post("/console/enter", &[]).await;
    assert!(seen.location.as_deref().unwrap().starts_with("/console/sign-in/number"));
    assert!(!is_in(&mut browser).await);
    let waiting = dora.phone.waiting(0).await.unwrap();
    let wrong = format!("{:03}", (number_of(&shown).parse::<u32>().unwrap() + 1) % 1_000);
    dora.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&wrong), None).await.unwrap();
    let seen = browser.post("/console/enter", &[]).await;
    assert!(seen.location.as_deref().unwrap().starts_with("/console/sign-in/number"), "nobody is told");
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn a_number_that_was_approved_lets_in_the_browser_that_showed_it_and_no_other() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let (mut hers, mut other) = (site.browser(), site.browser());
    let seen = hers.post("/console/sign-in", &[("name", "dora")]).await;
    let shown = hers.follow(seen).await;
    let waiting = dora.phone.waiting(0).await.unwrap();
    dora.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&number_of(&shown)), None).await.unwrap();
    // A second knock, of somebody else, and a cookie of the other place.
    other.post("/console/sign-in", &[("name", "nobody")]).await;
    let seen = other.post("/console/enter", &[]).await;
    assert!(seen.location.as_deref().unwrap().starts_with("/console/sign-in/number"));
    assert!(!is_in(&mut other).await);
    let knock = hers.cookies["__Host-gatematch-console-knock"].clone();
    other.cookies.insert("__Host-gatematch-portal-knock".to_owned(), knock.clone());
    let seen = other.post("/portal/enter", &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal/sign-in?again=1"));
    assert_eq!(hers.post("/console/enter", &[]).await.location.as_deref(), Some("/console"));
    assert!(is_in(&mut hers).await);
    // The knock is spent: who has copied its cookie is late.
    other.cookies.insert("__Host-gatematch-console-knock".to_owned(), knock);
    assert_eq!(other.post("/console/enter", &[]).await.location.as_deref(), Some("/console/sign-in?again=1"));
    assert!(!is_in(&mut other).await);
}

#[tokio::test]
async fn ad_03_the_cookie_is_new_after_coming_in() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    // What somebody has put there before is nothing, before and after.
    for name in [CONSOLE, "__Host-gatematch-console-knock"] {
        browser.cookies.insert(name.to_owned(), "chosen-by-an-attacker".to_owned());
    }
    site.sign_in(&mut browser, &dora, Place::Console).await;
    let first = browser.cookies[CONSOLE].clone();
    assert_ne!(first, "chosen-by-an-attacker");
    site.clock.advance(70);
    site.sign_in(&mut browser, &dora, Place::Console).await;
    assert_ne!(browser.cookies[CONSOLE], first);
    let mut old = site.browser();
    old.cookies.insert(CONSOLE.to_owned(), first);
    assert!(!is_in(&mut old).await, "the earlier visit of this browser is over");
    assert!(is_in(&mut browser).await);
}

#[tokio::test]
async fn ad_03_a_visit_ends_when_nobody_does_anything_and_at_its_end_in_any_case() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    site.clock.advance(899);
    assert!(is_in(&mut browser).await);
    site.clock.advance(900);
    assert!(!is_in(&mut browser).await);
    // What is done in a visit keeps it alive, what only waits does not, and nothing does for longer than eight hours.
    site.sign_in(&mut browser, &dora, Place::Console).await;
    for _ in 0..35 {
        site.clock.advance(800);
        assert!(is_in(&mut browser).await);
    }
    site.clock.advance(799);
    assert!(is_in(&mut browser).await);
    site.clock.advance(1);
    assert!(!is_in(&mut browser).await);
    // A clock that is set back revives nothing.
    site.clock.advance(-3_600);
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn ad_03_forms_of_other_sites_and_of_other_visits_do_nothing() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    let token = browser.form_token.clone();
    let mut other = site.operator("carl", Role::Admin).await;
    let others = other.form_token.clone();
    let same = ("sec-fetch-site", "same-origin");
    let cases: [(Pairs<'_>, Pairs<'_>); 7] = [
        (&[], &[same]),
        (&[("form_token", "")], &[same]),
        (&[("form_token", others.as_str())], &[same]),
        (&[("form_token", token.as_str())], &[("sec-fetch-site", "cross-site")]),
        (&[("form_token", token.as_str())], &[("sec-fetch-site", "same-site")]),
        (&[("form_token", token.as_str())], &[("origin", "https://evil.example")]),
        (&[("form_token", token.as_str())], &[("origin", "null")]),
    ];
    for (fields, headers) in cases {
        let seen = browser.send("/console/sign-out", fields, headers).await;
        assert_eq!(seen.status, 403, "{fields:?} {headers:?}");
        assert!(seen.says("cross-site") && is_in(&mut browser).await, "{fields:?} {headers:?}");
    }
    assert!(is_in(&mut other).await);
    let seen = browser.send("/console/sign-out", &[("form_token", token.as_str())], &[same]).await;
    assert_eq!(seen.status, 303);
    let events = site.audit().await;
    assert_eq!(count(&events, "request.refused"), 7);
}

#[tokio::test]
async fn ad_03_pages_stand_in_no_frame_load_nothing_from_elsewhere_and_are_not_kept() {
    let site = Site::start().await;
    let mut browser = site.operator("carl", Role::Admin).await;
    for path in
        ["/console/sign-in", "/console", "/console/invitation", "/portal/sign-in", "/portal/code", "/console/none"]
    {
        let seen = browser.get(path).await;
        let header =
            |name: &str| seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        if path == "/console/none" {
            assert_eq!(seen.status, 404);
            continue;
        }
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains(concat!("un", "safe")) && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(
            (header("x-frame-options"), header("cache-control")),
            ("DENY".to_owned(), "no-store".to_owned()),
            "{path}"
        );
        assert!(!seen.says(" style=") && !seen.says("onclick") && !seen.says("<script>"), "{path}");
    }
}

#[tokio::test]
async fn a_way_back_leads_to_our_own_pages_alone() {
    let site = Site::start().await;
    let mut browser = site.browser();
    for (next, kept) in [
        ("/console/people", "/console/people"),
        ("/console?x=1", "/console?x=1"),
        ("//evil.example", "/console"),
        ("https://evil.example/console", "/console"),
        ("/consoles", "/console"),
        ("/console/\\evil", "/console"),
        ("/portal", "/console"),
    ] {
        let asked = format!("/console/sign-in?next={}", next.replace('?', "%3F"));
        let seen = browser.get(&asked).await;
        assert_eq!(seen.field("next").as_deref(), Some(kept), "{next}");
    }
}

#[tokio::test]
async fn a_locked_disabled_or_demoted_operator_is_out_at_once_and_stays_out() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    site.admin.lock("dora", "Laptop stolen").await.unwrap();
    assert!(!is_in(&mut browser).await);
    site.admin.unlock("dora", "Found again").await.unwrap();
    assert!(!is_in(&mut browser).await, "what was over before stays so");
    site.clock.advance(1);
    site.sign_in(&mut browser, &dora, Place::Console).await;
    assert!(is_in(&mut browser).await);
    site.give_role("dora", None).await;
    assert!(!is_in(&mut browser).await);
    site.give_role("dora", Some(Role::Auditor)).await;
    assert!(!is_in(&mut browser).await, "a visit does not come back with another role");
    site.clock.advance(1);
    site.sign_in(&mut browser, &dora, Place::Console).await;
    assert!(is_in(&mut browser).await);
    assert_eq!(browser.get("/console/people").await.status, 403);
    let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
    site.admin.put_user("dora", &disabled).await.unwrap();
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn removing_the_phone_that_let_somebody_in_ends_the_visit() {
    let site = Site::start().await;
    let dora = dora(&site).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    let device = dora.phone.account().unwrap().device_id;
    site.admin.delete_device(device).await.unwrap();
    assert!(!is_in(&mut browser).await);
}

#[tokio::test]
async fn an_invitation_works_once_in_time_and_for_its_place() {
    let site = Site::start().await;
    site.user("erin").await;
    site.give_role("erin", Some(Role::Admin)).await;
    let token = site.invitation("erin", Place::Console).await;
    let fields = [("invitation", token.reveal())];
    let mut browser = site.browser();
    assert!(browser.post("/portal/invitation", &fields).await.says("does not hold"));
    assert!(browser.post("/console/invitation", &[("invitation", "gmi_guess")]).await.says("does not hold"));
    assert_eq!(browser.post("/console/invitation", &fields).await.status, 303);
    assert!(is_in(&mut browser).await);
    let mut second = site.browser();
    assert!(second.post("/console/invitation", &fields).await.says("does not hold"));
    assert!(!is_in(&mut second).await);
    let late = site.invitation("erin", Place::Console).await;
    site.clock.advance(600);
    assert!(second.post("/console/invitation", &[("invitation", late.reveal())]).await.says("does not hold"));
    // Whoever was locked since it was made may have lost it to somebody.
    let lost = site.invitation("erin", Place::Console).await;
    site.admin.lock("erin", "Mail was read").await.unwrap();
    site.admin.unlock("erin", "All is well").await.unwrap();
    assert!(second.post("/console/invitation", &[("invitation", lost.reveal())]).await.says("does not hold"));
}

#[tokio::test]
async fn an_invitation_lets_in_one_of_many_who_have_it() {
    let site = Site::start().await;
    site.user("erin").await;
    let token = site.invitation("erin", Place::Portal).await;
    let tries = (0..30).map(|_| {
        let (mut browser, token) = (site.browser(), token.clone());
        async move { browser.post("/portal/invitation", &[("invitation", token.reveal())]).await.status }
    });
    let let_in = futures_util::future::join_all(tries).await.into_iter().filter(|status| *status == 303).count();
    assert_eq!(let_in, 1);
    assert_eq!(count(&site.audit().await, "portal.entered"), 1);
}

#[tokio::test]
async fn strangers_see_the_same_whether_or_not_somebody_has_the_name() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    site.user("bob").await;
    let (mut shapes, mut browsers) = (Vec::new(), Vec::new());
    for name in ["alice", "bob", "nobody", "<b>x</b>"] {
        let mut browser = site.browser();
        let seen = browser.post("/portal/sign-in", &[("name", name)]).await;
        assert_eq!(seen.location.as_deref(), Some("/portal/sign-in/number?next=%2Fportal"), "{name}");
        let shown = browser.follow(seen).await;
        let again = browser.get("/portal/sign-in/number").await;
        let number = number_of(&shown);
        assert_eq!(number_of(&again), number, "{name}: the number stays");
        assert!(!shown.says("<b>x</b>"), "{}", shown.text);
        let spoken: Vec<String> = number.chars().map(String::from).collect();
        let text = shown.text.replace(&spoken.join(", "), "SPOKEN").replace(&number, "NUMBER");
        let text = text.replace("alice", "NAME").replace("bob", "NAME").replace("nobody", "NAME");
        shapes.push(text.replace("&#60;b&#62;x&#60;/b&#62;", "NAME"));
        let waits = browser.get("/portal/waiting").await;
        assert_eq!(waits.text, r#"{"state":"waiting"}"#, "{name}");
        if name == "alice" {
            let waiting = alice.phone.waiting(0).await.unwrap();
            assert_eq!(waiting.len(), 1);
            alice.phone.respond(&waiting[0].challenge, Decision::Deny, None, None).await.unwrap();
            assert_eq!(browser.get("/portal/waiting").await.text, r#"{"state":"waiting"}"#, "nobody is told");
        }
        let entered = browser.post("/portal/enter", &[]).await;
        assert_eq!(entered.location.as_deref(), Some("/portal/sign-in/number?next=%2Fportal"), "{name}");
        browsers.push((name, browser));
    }
    site.clock.advance(60);
    for (name, browser) in &mut browsers {
        assert_eq!(browser.get("/portal/waiting").await.text, r#"{"state":"over"}"#, "{name}");
        let entered = browser.post("/portal/enter", &[]).await;
        assert_eq!(entered.location.as_deref(), Some("/portal/sign-in?again=1"), "{name}");
    }
    assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn every_page_asks_who_comes_and_the_public_listener_has_none_of_the_console() {
    let site = Site::start().await;
    let mut stranger = site.browser();
    for route in pages() {
        let path = route.path.replace("{name}", "alice").replace("{id}", "x").replace("{file}", "site.css");
        let path = path.replace("{seq}", "1").replace("{version}", "1");
        let seen = match route.method {
            Does::Show => stranger.get(&path).await,
            Does::Act => stranger.post(&path, &[]).await,
        };
        match route.admits {
            Admits::Anyone => assert!(seen.status < 500, "{path}: {}", seen.status),
            Admits::Operators(roles) => {
                assert!(!roles.is_empty() && route.place == Place::Console, "{path}");
                let door = seen.location.as_deref().unwrap_or_default();
                assert!(door.starts_with("/console/sign-in?"), "{path}: {} {door}", seen.status);
            }
            Admits::Persons => {
                assert_eq!(route.place, Place::Portal, "{path}");
                let door = seen.location.as_deref().unwrap_or_default();
                assert!(door.starts_with("/portal/sign-in?"), "{path}: {} {door}", seen.status);
            }
        }
        assert!(route.path.starts_with(&format!("/{}", route.place.as_str())), "{path}");
    }
    assert_eq!(count(&site.audit().await, "request.refused"), 0);
}

#[tokio::test]
async fn what_a_stranger_rings_for_takes_nothing_from_logins() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    for _ in 0..3 {
        let mut stranger = site.browser();
        stranger.post("/portal/sign-in", &[("name", "alice")]).await;
        assert_eq!(alice.phone.waiting(0).await.unwrap().len(), 1, "each takes the place of the last one");
    }
    let waiting = alice.phone.waiting(0).await.unwrap();
    alice.phone.respond(&waiting[0].challenge, Decision::Deny, None, None).await.unwrap();
    let mut stranger = site.browser();
    stranger.post("/portal/sign-in", &[("name", "alice")]).await;
    assert!(alice.phone.waiting(0).await.unwrap().is_empty(), "the fourth in an hour rings nowhere");
    for number in 0..10 {
        let challenge = gateway.create(&alice.login_from(&format!("PC{number}")), None).await.unwrap();
        assert_eq!(state(&challenge), ("pending", None), "{number}");
        alice.approve(&challenge).await;
    }
}
