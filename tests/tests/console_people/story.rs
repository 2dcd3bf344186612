//! The stories of the helpdesk, in clicks.

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, only};

use super::{WHY, account, done, element, held, read, shown};

/// The phone is gone: found, removed, a pass, a new phone; five clicks and two reasons.
#[tokio::test]
async fn the_phone_is_gone_and_she_works_again() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let dora = site.person("dora").await;
    site.give_role("dora", Some(Role::Helpdesk)).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    let list = shown(&mut browser, "/console/people?q=ali").await;
    assert!(list.says("href=\"/console/people/alice\"") && !list.says("/console/people/dora"));
    let page = shown(&mut browser, "/console/people/alice").await;
    assert!(page.says("Can sign in now") && page.says("With: phone."));
    let lost = account(&site, "alice").await.devices[0].id;
    let remove = format!("/console/people/alice/remove/{lost}");
    assert_eq!(page.text.matches(&format!("href=\"{remove}\"")).count(), 2, "in the row of actions, and beside it");
    let asked = shown(&mut browser, &remove).await;
    assert!(read(&asked).contains("Remove phone Pixel (alice)"), "{}", asked.text);
    assert!(asked.says("Nothing else is left for alice to sign in with."));
    let page = done(&mut browser, &remove, &[WHY]).await;
    assert!(page.says("The phone is removed") && page.says("lock alice") && page.says("There is no phone yet"));
    assert!(alice.phone.self_view().await.is_err());

    let asked = shown(&mut browser, "/console/people/alice/pass").await;
    assert_eq!((asked.field("uses").as_deref(), asked.says("value=\"8\" selected")), (Some("5"), true));
    let once = done(&mut browser, "/console/people/alice/pass", &[("life", "8"), ("uses", "5"), WHY]).await;
    let pass = element(&once, "pass");
    assert!(once.says("for 5 sign-ins") && once.says("Use a backup code"));
    let mut pc = site.browser();
    let seen = pc.post("/portal/code", &[("name", "alice"), ("code", &pass)]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal"), "the pass works as it is shown");

    let once = done(&mut browser, "/console/people/alice/enroll", &[]).await;
    let link = element(&once, "link");
    assert!(once.says("<svg") && !once.says("<?xml") && once.says("data-print"));
    let phone = site.blank_phone();
    phone.enroll(&link, "New Pixel").await.unwrap();
    let page = shown(&mut browser, "/console/people/alice").await;
    assert!(page.says("New Pixel") && page.says("With: phone, pass."));
    let events = site.audit().await;
    for kind in ["device.deleted", "authenticator.added", "enrollment.created"] {
        let last = events.iter().rfind(|event| event.kind == kind).unwrap();
        assert_eq!(last.actor.as_deref(), Some("operator:dora"), "{kind}");
    }
}

#[tokio::test]
async fn somebody_is_locked_and_unlocked_and_each_has_its_reason() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let page = done(&mut dora, "/console/people/alice/lock", &[WHY]).await;
    assert!(page.says("alice is locked") && read(&page).contains(WHY.1) && page.says("Cannot sign in now"));
    assert!(page.says("/alice/unlock") && !page.says("/alice/lock\""));
    let page = done(&mut dora, "/console/people/alice/unlock", &[("reason", "Came to the desk")]).await;
    assert!(page.says("alice is unlocked") && page.says("Can sign in now"));
    let page = done(&mut dora, "/console/people/alice/unlock", &[WHY]).await;
    assert!(page.says("alice was not locked"));
    let page = done(&mut dora, "/console/people/alice/disable", &[("reason", "Left the company")]).await;
    assert!(page.says("alice is disabled") && !page.says("/alice/enable"));
    let mut root = site.operator("root", Role::Admin).await;
    shown(&mut root, "/console/people/alice").await;
    let page = done(&mut root, "/console/people/alice/enable", &[("reason", "Came back")]).await;
    assert!(page.says("alice is active again"));
    let events = site.audit().await;
    for (kind, reason) in [("user.locked", WHY.1), ("user.disabled", "Left the company"), ("user.enabled", "Came back")]
    {
        assert_eq!(gatematch_tests::moves::detail(only(&events, kind), "reason"), reason, "{kind}");
    }
    assert_eq!(count(&events, "user.unlocked"), 2);
}

#[tokio::test]
async fn somebody_without_a_phone_gets_an_app_and_codes_on_paper() {
    let site = Site::start().await;
    site.user("dave").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    shown(&mut dora, "/console/people/dave").await;
    let once = done(&mut dora, "/console/people/dave/app", &[("label", "KeePass on his PC"), WHY]).await;
    assert!(once.says("<svg") && once.says("otpauth://totp/"));
    let uri = once.text.split("<p class=\"mono\">").nth(1).unwrap().split('<').next().unwrap();
    let app = gatematch_client_sim::totp::App::from_uri(&gatematch_tests::guest::unescaped(uri)).unwrap();
    let confirm = once.text.split("action=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    assert!(confirm.starts_with("/console/people/dave/apps/"), "{confirm}");
    let wrong = dora.post(&confirm, &[("code", "12345")]).await;
    assert!(wrong.status == 422 && wrong.says("That code is not the one") && !wrong.says("otpauth"));
    let right = site.code(&app, 0);
    let page = done(&mut dora, &confirm, &[("code", right.reveal())]).await;
    assert!(page.says("It is confirmed") && page.says("With: app or token."), "{}", page.text);
    let once = done(&mut dora, "/console/people/dave/codes", &[WHY]).await;
    assert_eq!(once.text.matches("<li>").count(), 10 + once.text.matches("<li><a").count());
    assert_eq!(held(&site, "dave").await, ["recovery_codes", "totp"]);
    // Five wrong codes end another one.
    let once = done(&mut dora, "/console/people/dave/app", &[WHY]).await;
    let confirm = once.text.split("action=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    for _ in 0..4 {
        assert_eq!(dora.post(&confirm, &[("code", "000000")]).await.status, 422);
    }
    let page = done(&mut dora, &confirm, &[("code", "000000")]).await;
    assert!(page.says("one wrong code too many"), "{}", page.text);
    assert_eq!(held(&site, "dave").await, ["recovery_codes", "totp"]);
}

#[tokio::test]
async fn somebody_is_added_and_invited_and_comes_in() {
    let site = Site::start().await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let list = shown(&mut dora, "/console/people").await;
    assert!(!list.says("name=\"groups\""), "groups are an administrator's");
    let fields = [("name", "CONTOSO\\Erin"), ("display_name", "Erin E."), ("email", "erin@contoso.com")];
    let page = done(&mut dora, "/console/people", &fields).await;
    assert!(page.says("erin is added") && page.says("Erin E.") && page.says("erin@contoso.com"));
    let again = dora.post("/console/people", &[("name", "erin"), ("display_name", "Other")]).await;
    assert!(again.status == 422 && again.says("is here already") && again.says("value=\"Other\""));
    let once = done(&mut dora, "/console/people/erin/invite", &[]).await;
    let link = element(&once, "link");
    let (place, token) = link.split_once('#').unwrap();
    assert_eq!(place, format!("{}/portal/invitation", site.issuer()));
    let mut pc = site.browser();
    let seen = pc.post("/portal/invitation", &[("invitation", token)]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal"));
    let events = site.audit().await;
    let made: Vec<_> = events.iter().filter(|event| event.kind == "invitation.created").collect();
    assert_eq!(made.last().unwrap().actor.as_deref(), Some("operator:dora"));
}

#[tokio::test]
async fn an_unconfirmed_phone_is_let_in_by_its_six_digits() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    for is_right in [true, false] {
        let once = done(&mut dora, "/console/people/alice/enroll", &[]).await;
        let phone = site.blank_phone();
        let registered = phone.enroll(&element(&once, "link"), "Pixel").await.unwrap();
        let code = registered.code.unwrap();
        let path = format!("/console/people/alice/phones/{}", registered.device_id);
        let page = shown(&mut dora, "/console/people/alice").await;
        assert!(page.says(&path) && page.says("not confirmed"), "{}", page.text);
        if is_right {
            let spaced = format!("{} {}", &code[..3], &code[3..]);
            assert!(done(&mut dora, &path, &[("code", &spaced)]).await.says("It is confirmed"));
            let again = dora.post(&path, &[("code", &code)]).await;
            assert!(again.status == 422 && again.says("was confirmed before"));
            continue;
        }
        let other = gatematch_tests::moves::another_number(&code);
        for _ in 0..2 {
            assert_eq!(dora.post(&path, &[("code", &other)]).await.status, 422);
        }
        assert!(done(&mut dora, &path, &[("code", &other)]).await.says("one wrong code too many"));
    }
    assert_eq!(account(&site, "alice").await.devices.len(), 1);
}
