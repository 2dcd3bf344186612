//! What somebody does with his own phones and codes, and not with those of others.

use gatematch_client_sim::totp::App;
use gatematch_domain::factors::FactorChange;
use gatematch_domain::username::Username;
use gatematch_domain::visit::{self, Place};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::Clock as _;
use gatematch_server::store::{Act, StoreError};
use gatematch_tests::guest::{number_of, unescaped};
use gatematch_tests::moves::{another_number, count, only};
use gatematch_tests::{Person, Site};

use super::{COOKIE, codes_on, home, id_of, is_in, text_of, use_code};

#[tokio::test]
async fn phones_get_names_are_confirmed_and_removed_by_their_person() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    let mut invited = site.invited("alice", Place::Portal).await;
    let link = text_of(&invited.post("/portal/phones", &[]).await, "link");
    let phone = site.blank_phone();
    let registered = phone.enroll(&link, "First").await.unwrap();
    let first = registered.device_id.to_string();
    let seen = home(&mut invited).await;
    assert!(seen.says("waits to be confirmed") && seen.says("The helpdesk confirms it"));
    // What let him in may have been stolen together with the mail: it vouches for no phone.
    let code = registered.code.unwrap();
    let path = format!("/portal/phones/{first}/confirm");
    assert_eq!(invited.post(&path, &[("code", code.as_str())]).await.status, 404);
    site.admin.confirm_device(registered.device_id, &code).await.unwrap();
    let alice = Person { name: "alice".to_owned(), phone };

    let mut browser = site.browser();
    site.sign_in(&mut browser, &alice, Place::Portal).await;
    let link = text_of(&browser.post("/portal/phones", &[]).await, "link");
    let second = site.blank_phone();
    let registered = second.enroll(&link, "Second").await.unwrap();
    let (id, code) = (registered.device_id.to_string(), registered.code.unwrap());
    assert!(home(&mut browser).await.says("Confirm this phone"));
    let path = format!("/portal/phones/{id}/confirm");
    let seen = browser.post(&path, &[("code", &another_number(&code))]).await;
    assert!(seen.status == 422 && seen.says("aria-invalid") && seen.says("That was not the code"), "{}", seen.text);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let seen = browser.post(&path, &[("code", &spaced)]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=confirmed"), "{}", seen.text);
    let events = site.audit().await;
    let confirmed = events.iter().rfind(|event| event.kind == "device.confirmed").unwrap();
    assert_eq!(confirmed.actor.as_deref(), Some("person:alice"));

    let rename = format!("/portal/phones/{id}/rename");
    let long = "x".repeat(65);
    for name in ["", long.as_str()] {
        let seen = browser.post(&rename, &[("name", name)]).await;
        assert!(seen.status == 422 && seen.says("1 to 64") && seen.says(name), "what was typed is still there");
    }
    let seen = browser.post(&rename, &[("name", "Tablet")]).await;
    assert!(browser.follow(seen).await.says("Tablet"));
    let seen = browser.post(&format!("/portal/phones/{id}/remove"), &[]).await;
    let seen = browser.follow(seen).await;
    assert!(seen.says("The phone is removed") && !seen.says("Tablet") && is_in(&mut browser).await);
}

#[tokio::test]
async fn the_third_wrong_digits_remove_the_phone_and_the_fifth_wrong_code_the_app() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    let token = site.token("alice").await;
    let phone = site.blank_phone();
    let registered = phone.enroll(token.reveal(), "First").await.unwrap();
    site.admin.confirm_device(registered.device_id, &registered.code.unwrap()).await.unwrap();
    let alice = Person { name: "alice".to_owned(), phone };
    let mut browser = site.browser();
    site.sign_in(&mut browser, &alice, Place::Portal).await;
    let link = text_of(&browser.post("/portal/phones", &[]).await, "link");
    let registered = site.blank_phone().enroll(&link, "Second").await.unwrap();
    let path = format!("/portal/phones/{}/confirm", registered.device_id);
    let wrong = another_number(&registered.code.unwrap());
    for _ in 0..2 {
        assert!(browser.post(&path, &[("code", &wrong)]).await.says("That was not the code that is shown now"));
    }
    assert!(browser.post(&path, &[("code", &wrong)]).await.says("it was the last try"));
    assert_eq!(site.admin.devices("alice").await.unwrap().len(), 1);

    let made = browser.post("/portal/apps", &[("name", "")]).await;
    let action =
        format!("/portal/apps/{}", made.text.split("/portal/apps/").nth(1).unwrap().split('"').next().unwrap());
    for _ in 0..4 {
        let seen = browser.post(&action, &[("code", "x")]).await;
        assert!(seen.status == 422 && seen.says("not shown again") && !seen.says("<svg"), "{}", seen.text);
    }
    assert!(browser.post(&action, &[("code", "x")]).await.says("it was the last try"));
    let account = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap();
    assert_eq!((account.user.limits.failures(), account.factors.len()), (0, 0), "neither counts as guessing");
}

#[tokio::test]
async fn an_app_is_set_up_and_codes_are_made_and_made_anew() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let mut browser = site.browser();
    site.sign_in(&mut browser, &alice, Place::Portal).await;
    let made = browser.post("/portal/apps", &[("name", "Old <tablet>")]).await;
    let secret = text_of(&made, "secret");
    assert!(secret.split(' ').all(|group| group.len() == 4), "{secret}");
    let link = made.text.split("href=\"otpauth:").nth(1).unwrap().split('"').next().unwrap();
    let app = App::from_uri(&format!("otpauth:{}", unescaped(link))).unwrap();
    assert!(link.contains(&secret.replace(' ', "")));
    let action =
        format!("/portal/apps/{}", made.text.split("/portal/apps/").nth(1).unwrap().split('"').next().unwrap());
    assert!(home(&mut browser).await.says("waits to be confirmed"));
    let seen = browser.post(&action, &[("code", site.code(&app, 0).reveal())]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=app"), "{}", seen.text);
    let seen = browser.follow(seen).await;
    assert!(seen.says("Old &#60;tablet&#62;") && seen.says("shows codes"));
    assert!(browser.post(&action, &[("code", "000000")]).await.says("It was confirmed before"));

    let first = codes_on(&browser.post("/portal/codes", &[]).await);
    let second = codes_on(&browser.post("/portal/codes", &[]).await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(gateway.passcode(login.id, &first[0]).await.unwrap().status, "pending", "earlier ones stop");
    assert_eq!(gateway.passcode(login.id, &second[0]).await.unwrap().status, "approved");
    let account = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap();
    for factor in account.factors {
        let seen = browser.post(&format!("/portal/factors/{}/remove", factor.id), &[]).await;
        assert_eq!(seen.location.as_deref(), Some("/portal?done=removed"));
    }
    let seen = home(&mut browser).await;
    assert!(seen.says("Next: make recovery codes") && seen.says("With a phone and recovery codes you need none"));
    let kinds: Vec<String> = alice.phone.notices().await.unwrap().into_iter().map(|notice| notice.kind).collect();
    for kind in ["totp-added", "totp-removed", "recovery-codes-made", "recovery-codes-removed"] {
        assert!(kinds.iter().any(|told| told == kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn whoever_changes_much_waits_and_takes_away_all_the_same() {
    let site = Site::start().await;
    site.user("alice").await;
    let mut browser = site.invited("alice", Place::Portal).await;
    for _ in 0..20 {
        assert_eq!(browser.post("/portal/apps", &[]).await.status, 200);
    }
    for path in ["/portal/apps", "/portal/phones", "/portal/codes"] {
        let seen = browser.post(path, &[]).await;
        assert!(seen.status == 429 && seen.says("Try again in ten minutes"), "{path}: {}", seen.status);
    }
    let account = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap();
    let seen = browser.post(&format!("/portal/factors/{}/remove", account.factors[0].id), &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal?done=removed"));
    site.clock.advance(600);
    assert_eq!(browser.post("/portal/codes", &[]).await.status, 200);
}

#[tokio::test]
async fn whoever_is_protected_looks_and_changes_nothing() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    let alice = site.person("alice").await;
    site.recovery_codes_of("alice").await;
    let groups = Some(vec!["domain admins".to_owned()]);
    site.admin.put_user("alice", &PutUser { groups, ..PutUser::default() }).await.unwrap();
    site.clock.advance(1);
    let mut browser = site.browser();
    let seen = site.sign_in(&mut browser, &alice, Place::Portal).await;
    assert!(seen.says("Administrators look after your account") && !seen.says("/portal/codes\""), "{}", seen.text);
    let codes = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap().factors[0].id;
    let phone = id_of(&alice);
    for path in [
        "/portal/phones".to_owned(),
        "/portal/codes".to_owned(),
        "/portal/apps".to_owned(),
        format!("/portal/phones/{phone}/remove"),
        format!("/portal/factors/{codes}/remove"),
    ] {
        let seen = browser.post(&path, &[]).await;
        assert!(seen.status == 403 && seen.says("Ask one of them"), "{path}: {}", seen.status);
    }
    let seen = browser.post(&format!("/portal/phones/{phone}/rename"), &[("name", "Mine")]).await;
    assert_eq!(seen.status, 303, "everybody may call his phones what he likes");
}

#[tokio::test]
async fn nobody_touches_what_is_somebody_elses() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    let mut people = Vec::new();
    for name in ["alice", "bob"] {
        site.user(name).await;
        let (phone, token) = (site.blank_phone(), site.token(name).await);
        let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
        site.admin.confirm_device(registered.device_id, &registered.code.unwrap()).await.unwrap();
        people.push(Person { name: name.to_owned(), phone });
    }
    let (alice, bob) = (&people[0], &people[1]);
    let second = site.blank_phone();
    let registered = second.enroll(bob.phone.enroll_another(None).await.unwrap().token.reveal(), "New").await.unwrap();
    let app = bob.phone.add_totp(None).await.unwrap().id;
    let codes = bob.phone.recovery_codes().await.unwrap();
    let gateway = site.gateway().await;
    let login = gateway.create(&bob.login(), None).await.unwrap();
    let before = site.store().account(Username::from_stored("bob".to_owned())).await.unwrap().unwrap();
    let mut browser = site.browser();
    site.sign_in(&mut browser, alice, Place::Portal).await;
    let (phone, new) = (id_of(bob), registered.device_id);
    let code = registered.code.unwrap();
    for (path, fields) in [
        (format!("/portal/phones/{phone}/rename"), [("name", "Mine")]),
        (format!("/portal/phones/{phone}/remove"), [("x", "")]),
        (format!("/portal/phones/{new}/confirm"), [("code", code.as_str())]),
        (format!("/portal/factors/{}/remove", codes.id), [("x", "")]),
        (format!("/portal/apps/{app}/confirm"), [("code", "000000")]),
        (format!("/portal/sign-ins/{}/report", login.id), [("x", "")]),
        ("/portal/phones/none/remove".to_owned(), [("x", "")]),
        ("/portal/factors/none/remove".to_owned(), [("x", "")]),
        ("/portal/sign-ins/none/report".to_owned(), [("x", "")]),
    ] {
        assert_eq!(browser.post(&path, &fields).await.status, 404, "{path}");
    }
    let after = site.store().account(Username::from_stored("bob".to_owned())).await.unwrap().unwrap();
    assert_eq!(before, after);
    let seen = home(&mut browser).await;
    assert!(!seen.says(&phone) && !seen.says(&login.id.to_string()) && !seen.says("Oslo gateway"));
}

#[tokio::test]
async fn an_act_in_a_visit_that_ended_meanwhile_is_none() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &alice, Place::Portal).await;
    let account = site.store().account(Username::from_stored("alice".to_owned())).await.unwrap().unwrap();
    let mut act = Act::new(visit::actor(Place::Portal, &account), site.clock.now());
    act.visit = Some(sha256(&browser.cookies[COOKIE]));
    let change = FactorChange::RenamePhone { id: alice.phone.device_id().unwrap(), name: "Mine".to_owned() };
    site.store().change_factors(act.clone(), account.user.id, change.clone()).await.unwrap().unwrap();
    browser.post("/portal/sign-out", &[]).await;
    let refused = site.store().change_factors(act, account.user.id, change).await.unwrap_err();
    assert!(matches!(refused, StoreError::ActorGone), "{refused}");
}

#[tokio::test]
async fn hostile_names_are_text() {
    let site = Site::start().await;
    site.user("alice").await;
    let hostile = "<script>alert('1')</script>\"onfocus=x";
    let phone = site.blank_phone();
    phone.enroll(site.token("alice").await.reveal(), hostile).await.unwrap();
    let display_name = Some("<img src=x onerror=alert(1)>".to_owned());
    site.admin.put_user("alice", &PutUser { display_name, ..PutUser::default() }).await.unwrap();
    let alice = Person { name: "alice".to_owned(), phone };
    let gateway = site.gateway_named("</bdi><b>Oslo", true).await;
    let login = gateway.create(&alice.login_from("<svg/onload=alert(1)>"), None).await.unwrap();
    alice.approve(&login).await;
    let mut browser = site.browser();
    let seen = site.sign_in(&mut browser, &alice, Place::Portal).await;
    for raw in ["<script>alert", "\"onfocus", "<img src=x", "<svg/onload", "</bdi><b>Oslo"] {
        assert!(!seen.says(raw), "{raw}: {}", seen.text);
    }
    for escaped in
        ["&#60;script&#62;alert(&#39;1&#39;)", "&#60;img src=x", "&#60;svg/onload", "&#60;/bdi&#62;&#60;b&#62;Oslo"]
    {
        assert!(seen.says(escaped), "{escaped}: {}", seen.text);
    }
    let rename = format!("/portal/phones/{}/rename", id_of(&alice));
    let seen = browser.post(&rename, &[("name", &"\"><b>".repeat(20))]).await;
    assert!(seen.status == 422 && !seen.says("\"><b>\"><b>"), "{}", seen.text);
}

#[tokio::test]
async fn an_operator_is_here_as_anybody() {
    let site = Site::start().await;
    let dora = site.person("dora").await;
    site.give_role("dora", Some(gatematch_domain::role::Role::Helpdesk)).await;
    let mut browser = site.browser();
    let seen = site.sign_in(&mut browser, &dora, Place::Portal).await;
    assert!(seen.status == 200 && !seen.says("Administrators look after"));
    let link = text_of(&browser.post("/portal/phones", &[]).await, "link");
    site.blank_phone().enroll(&link, "Second").await.unwrap();
    assert_eq!(codes_on(&browser.post("/portal/codes", &[]).await).len(), 10);
    let events = site.audit().await;
    assert_eq!(only(&events, "authenticator.added").actor.as_deref(), Some("person:dora"));
    assert_eq!(count(&events, "device.registered"), 2);
}

#[tokio::test]
async fn whoever_came_by_a_code_is_not_asked_for_the_phone_that_he_has_lost() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let mut browser = site.browser();
    use_code(&mut browser, "alice", codes[0].reveal()).await;
    site.clock.advance(800);
    home(&mut browser).await;
    let seen = browser.post("/portal/phones", &[]).await;
    assert!(seen.says("<svg") && !seen.says("Is it you?"));
    // By a phone it is asked, and refused by it.
    let mut by_phone = site.browser();
    site.sign_in(&mut by_phone, &alice, Place::Portal).await;
    site.clock.advance(301);
    home(&mut by_phone).await;
    let shown = by_phone.post("/portal/phones", &[]).await;
    assert!(shown.says("Is it you?"));
    let waiting = alice.phone.waiting(0).await.unwrap();
    let wrong = another_number(&number_of(&shown));
    alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&wrong), None).await.unwrap();
    let seen = by_phone.post("/portal/phones", &[("proving", "1")]).await;
    assert!(seen.says("Here is a new number") && !seen.says("<svg"), "{}", seen.text);
}
