//! Who comes in, by what, how often, and when it ends.

use std::collections::BTreeSet;

use gatematch_domain::role::Role;
use gatematch_domain::username::Username;
use gatematch_domain::visit::Place;
use gatematch_protocol::response::Decision;
use gatematch_server::edge::Clock as _;
use gatematch_tests::Site;
use gatematch_tests::guest::{Seen, number_of};
use gatematch_tests::moves::{count, detail, only, state};

use super::{COOKIE, home, id_of, is_in, use_code};

/// What a stranger sees, without the name that he has typed.
fn without(seen: &Seen, name: &str) -> (u16, String) {
    (seen.status, seen.text.replace(name, "NAME"))
}

#[tokio::test]
async fn a_pass_is_spent_by_coming_in_and_a_recovery_code_works_once() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let pass = site.pass_of("alice", 1).await.pass;
    let codes = site.recovery_codes_of("alice").await;
    for (code, by, told) in
        [(pass.reveal(), "access_pass", "access-pass-used"), (codes[3].reveal(), "recovery_code", "recovery-code-used")]
    {
        let (mut browser, mut other) = (site.browser(), site.browser());
        let seen = use_code(&mut browser, "ALICE", &code.to_lowercase()).await;
        assert_eq!((seen.status, seen.location.as_deref()), (303, Some("/portal")), "{by}: {}", seen.text);
        assert!(is_in(&mut browser).await && !is_in(&mut other).await);
        let seen = use_code(&mut other, "alice", code).await;
        assert!(seen.status == 200 && seen.says("That did not let you in"), "{by}: it is spent");
        assert!(!is_in(&mut other).await);
        let events = site.audit().await;
        let entered = events.iter().rfind(|event| event.kind == "portal.entered").unwrap();
        assert_eq!((entered.actor.as_deref(), detail(entered, "by").as_str()), (Some("person:alice"), by));
        let notices = alice.phone.notices().await.unwrap();
        assert_eq!(notices.iter().filter(|notice| notice.kind == told).count(), 1, "{told}");
    }
    let mut browser = site.browser();
    use_code(&mut browser, "alice", codes[4].reveal()).await;
    assert!(home(&mut browser).await.says("8 of 10 are left"));
}

#[tokio::test]
async fn six_digits_of_an_app_let_nobody_in_and_no_code_does_who_manages_others() {
    let site = Site::start().await;
    site.person("alice").await;
    let app = site.app_of("alice").await;
    let mut browser = site.browser();
    let seen = use_code(&mut browser, "alice", site.code(&app, 0).reveal()).await;
    assert!(seen.says("That did not let you in") && !is_in(&mut browser).await);
    site.person("dora").await;
    let codes = site.recovery_codes_of("dora").await;
    site.give_role("dora", Some(Role::Helpdesk)).await;
    use_code(&mut browser, "dora", codes[0].reveal()).await;
    assert!(!is_in(&mut browser).await, "an operator comes by his phone");
    site.give_role("dora", None).await;
    use_code(&mut browser, "dora", codes[0].reveal()).await;
    assert!(is_in(&mut browser).await, "and the code was not spent");
}

#[tokio::test]
async fn bf_03_strangers_who_guess_codes_at_the_portal_are_heard_no_more_and_lock_nobody_out() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let codes = site.recovery_codes_of("alice").await;
    let mut told = BTreeSet::new();
    for round in 0..3 {
        for guess in 0..12 {
            let mut stranger = site.browser();
            let code = format!("AAAA-BBBB-{round:04}-{guess:04}");
            let seen = use_code(&mut stranger, "alice", &code).await;
            told.insert(without(&seen, "alice"));
            let seen = use_code(&mut stranger, "nobody", &code).await;
            told.insert(without(&seen, "nobody"));
        }
        let mut late = site.browser();
        let seen = use_code(&mut late, "alice", codes[0].reveal()).await;
        told.insert(without(&seen, "alice"));
        assert!(!is_in(&mut late).await, "round {round}: by now not even a right one");
        let user = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap().user;
        assert!(user.may_sign_in(), "round {round}: strangers lock nobody out");
        // And the person signs in as always.
        let login = gateway.create(&alice.login(), None).await.unwrap();
        assert_eq!(alice.approve(&login).await.status, "approved", "round {round}");
        site.clock.advance(600);
    }
    assert_eq!(told.len(), 1, "each is answered alike, also for a name that nobody has");
    site.clock.advance(3_600);
    let mut hers = site.browser();
    assert_eq!(use_code(&mut hers, "alice", codes[0].reveal()).await.status, 303);
    let events = site.audit().await;
    assert_eq!(count(&events, "user.locked"), 0);
    assert_eq!(count(&events, "portal.passcode_failed"), 5, "of 36, so many were looked at");
}

#[tokio::test]
async fn wrong_codes_of_a_browser_that_is_known_count_like_those_of_its_person() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let mut hers = site.browser();
    site.sign_in(&mut hers, &alice, Place::Portal).await;
    for _ in 0..10 {
        use_code(&mut hers, "alice", "AAAA-BBBB-CCCC-DDDD").await;
        site.clock.advance(301);
    }
    only(&site.audit().await, "user.locked");
}

#[tokio::test]
async fn the_fourth_knock_of_strangers_in_an_hour_rings_nothing_and_looks_the_same() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let mut shapes = BTreeSet::new();
    for knock in 0..5 {
        // Counted together, at whichever of the two doors.
        let door = if knock == 1 { "/console" } else { "/portal" };
        let mut stranger = site.browser();
        let seen = stranger.post(&format!("{door}/sign-in"), &[("name", "alice")]).await;
        let shown = stranger.follow(seen).await;
        assert!(shown.says("id=\"number\""), "{knock}: {}", shown.text);
        let number = number_of(&shown);
        let spoken: Vec<String> = number.chars().map(String::from).collect();
        let shape = shown.text.replace(&spoken.join(", "), "SPOKEN").replace(&number, "NUMBER");
        if door == "/portal" {
            shapes.insert((shown.status, shape));
        }
        assert_eq!(stranger.get(&format!("{door}/waiting")).await.text, r#"{"state":"waiting"}"#, "{knock}");
        site.clock.advance(1);
    }
    assert_eq!(shapes.len(), 1);
    assert_eq!(count(&site.audit().await, "challenge.created"), 3);
    // Whoever has been here rings by the limits of logins.
    site.clock.advance(3_600);
    let mut hers = site.browser();
    site.sign_in(&mut hers, &alice, Place::Portal).await;
    for _ in 0..3 {
        let mut stranger = site.browser();
        stranger.post("/portal/sign-in", &[("name", "alice")]).await;
    }
    site.clock.advance(1_000);
    assert!(!is_in(&mut hers).await);
    let seen = site.sign_in(&mut hers, &alice, Place::Portal).await;
    assert!(seen.says("a browser that you used before"), "{}", seen.text);
}

#[tokio::test]
async fn what_strangers_ring_and_have_denied_stands_against_no_login() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    for decision in [Decision::Deny, Decision::Report] {
        let mut stranger = site.browser();
        stranger.post("/portal/sign-in", &[("name", "alice")]).await;
        let waiting = alice.phone.waiting(0).await.unwrap();
        alice.phone.respond(&waiting[0].challenge, decision, None, None).await.unwrap();
        stranger.post("/portal/sign-in", &[("name", "alice")]).await;
        assert!(
            alice.phone.waiting(0).await.unwrap().is_empty(),
            "once it was denied, strangers ring no more for an hour"
        );
        site.clock.advance(3_600);
    }
    // Three wait, as many as may; a knock beside them changes nothing.
    for client in ["ONE", "TWO", "THREE"] {
        let login = gateway.create(&alice.login_from(client), None).await.unwrap();
        assert_eq!(state(&login), ("pending", None), "{client}: neither prompts nor denials nor what waits");
    }
    let account = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap();
    assert!(!account.user.limits.failed_lately(site.clock.now()));
}

#[tokio::test]
async fn what_a_rule_allows_is_asked_for_the_number_at_the_portal_all_the_same() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let rules = serde_json::json!({"rules": [
        {"name": "here", "enabled": true, "on_missing": "skip", "when": {"networks": ["127.0.0.0/8"]},
         "then": {"decision": "allow"}},
        {"name": "default", "enabled": true, "on_missing": "skip", "then": {"decision": "deny"}},
    ]});
    site.admin.put_policy(&serde_json::from_value(rules).unwrap(), 1).await.unwrap();
    let mut browser = site.browser();
    browser.post("/portal/sign-in", &[("name", "alice")]).await;
    browser.post("/portal/enter", &[]).await;
    assert!(!is_in(&mut browser).await);
    let seen = site.sign_in(&mut browser, &alice, Place::Portal).await;
    assert!(seen.status == 200 && is_in(&mut browser).await);
}

#[tokio::test]
async fn whoever_is_locked_is_out_at_once_and_stays_out() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    site.user("bob").await;
    let (mut by_phone, mut by_pass) = (site.browser(), site.browser());
    site.sign_in(&mut by_phone, &alice, Place::Portal).await;
    let pass = site.pass_of("alice", 1).await.pass;
    use_code(&mut by_pass, "alice", pass.reveal()).await;
    let mut invited = site.invited("bob", Place::Portal).await;
    // A link for a phone that was made in the visit goes with it.
    home(&mut by_pass).await;
    let link = super::text_of(&by_pass.post("/portal/phones", &[]).await, "link");
    home(&mut by_phone).await;
    let another = super::text_of(&by_phone.post("/portal/phones", &[]).await, "link");
    site.admin.lock("alice", "Laptop stolen").await.unwrap();
    site.admin.lock("bob", "Mail was read").await.unwrap();
    for browser in [&mut by_phone, &mut by_pass, &mut invited] {
        assert!(!is_in(browser).await);
        let seen = browser.post("/portal/codes", &[]).await;
        assert_eq!(seen.location.as_deref(), Some("/portal/sign-in?over=1"));
    }
    site.admin.unlock("alice", "Found again").await.unwrap();
    site.admin.unlock("bob", "All is well").await.unwrap();
    for browser in [&mut by_phone, &mut by_pass, &mut invited] {
        assert!(!is_in(browser).await, "what was over stays so");
    }
    for link in [link, another] {
        assert!(site.blank_phone().enroll(&link, "Thief").await.is_err());
    }
    assert_eq!(site.admin.devices("alice").await.unwrap().len(), 1);
}

#[tokio::test]
async fn removing_the_phone_that_let_somebody_in_ends_his_visit() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let (mut browser, mut second) = (site.browser(), site.browser());
    site.sign_in(&mut browser, &alice, Place::Portal).await;
    site.clock.advance(61);
    site.sign_in(&mut second, &alice, Place::Portal).await;
    let seen = home(&mut browser).await;
    assert!(seen.says("so this visit ends with it") && seen.says("Nothing is left then"));
    let seen = browser.post(&format!("/portal/phones/{}/remove", id_of(&alice)), &[]).await;
    assert!(seen.status == 200 && seen.says("this visit is over"), "{}", seen.text);
    assert!(!is_in(&mut browser).await && !is_in(&mut second).await);
    let deleted = site.audit().await;
    assert_eq!(only(&deleted, "device.deleted").actor.as_deref(), Some("person:alice"));
}

#[tokio::test]
async fn ending_the_pass_that_let_somebody_in_ends_his_visit() {
    let site = Site::start().await;
    site.person("alice").await;
    let pass = site.pass_of("alice", 5).await;
    let (mut browser, mut second) = (site.browser(), site.browser());
    use_code(&mut browser, "alice", pass.pass.reveal()).await;
    use_code(&mut second, "alice", pass.pass.reveal()).await;
    assert!(home(&mut browser).await.says("so this visit ends with it") && is_in(&mut second).await);
    let seen = browser.post(&format!("/portal/factors/{}/remove", pass.id), &[]).await;
    assert!(seen.status == 200 && seen.says("this visit is over"), "{}", seen.text);
    assert!(!is_in(&mut browser).await && !is_in(&mut second).await);
}

#[tokio::test]
async fn a_cookie_that_is_stolen_ends_when_its_person_goes_and_adds_nothing_without_the_phone() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let mut hers = site.browser();
    site.sign_in(&mut hers, &alice, Place::Portal).await;
    let mut thief = site.browser();
    thief.cookies.insert(COOKIE.to_owned(), hers.cookies[COOKIE].clone());
    assert!(is_in(&mut thief).await);
    site.clock.advance(300);
    for path in ["/portal/phones", "/portal/codes", "/portal/apps"] {
        let seen = thief.post(path, &[("name", "Mine")]).await;
        assert!(seen.says("Is it you?") && !seen.says("<svg") && !seen.says("id=\"codes\""), "{path}: {}", seen.text);
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "enrollment.created"), count(&events, "authenticator.added")), (1, 0));
    // She is asked as well, and does it with her phone.
    let seen = home(&mut hers).await;
    assert_eq!(seen.status, 200);
    let shown = hers.post("/portal/codes", &[]).await;
    let waiting = alice.phone.waiting(0).await.unwrap();
    let challenge = &waiting.last().unwrap().challenge;
    alice.phone.respond(challenge, Decision::Approve, Some(&number_of(&shown)), None).await.unwrap();
    let seen = hers.post("/portal/codes", &[("proving", "1")]).await;
    assert_eq!(super::codes_on(&seen).len(), 10, "{}", seen.text);
    hers.post("/portal/sign-out", &[]).await;
    assert!(!is_in(&mut thief).await);
}
