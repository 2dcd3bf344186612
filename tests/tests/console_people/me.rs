//! The operator himself: his first phone, and further ones.

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, number_of};
use gatematch_tests::moves::{another_number, count};
use gatematch_tests::{Person, audit_names};

use super::{account, done, element, shown};

/// A new phone of `name`, by the link that is shown at `path`.
async fn enrolled(site: &Site, browser: &mut Browser, name: &str, path: &str) -> Person {
    let once = done(browser, path, &[]).await;
    let phone = site.blank_phone();
    phone.enroll(&element(&once, "link"), "Mine").await.unwrap();
    Person { name: name.to_owned(), phone }
}

#[tokio::test]
async fn whoever_came_by_a_link_enrolls_the_phone_that_lets_him_in_from_then_on() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Chiefs".to_owned()]).await;
    for (name, role) in [("root", Role::Admin), ("dora", Role::Helpdesk), ("vera", Role::Auditor)] {
        // Whoever came by a link was invited by an administrator, so that groups are no matter.
        let groups = Some(vec!["chiefs".to_owned()]);
        site.admin.put_user(name, &PutUser { groups, ..PutUser::default() }).await.unwrap();
        site.give_role(name, Some(role)).await;
        let mut browser = site.invited(name, Place::Console).await;
        let page = shown(&mut browser, "/console/me").await;
        assert!(page.says("Enroll your phone now: from then on it lets you in here."), "{name}: {}", page.text);
        let me = enrolled(&site, &mut browser, name, "/console/me/first-phone").await;
        let page = shown(&mut browser, "/console/me").await;
        assert!(page.says("Mine") && page.says("Your phone lets you in from now on"), "{name}");
        let mut other = site.browser();
        let home = site.sign_in(&mut other, &me, Place::Console).await;
        assert_eq!(home.status, 200, "{name}");
        // The phones of a protected person are an administrator's business, as they are on the phone itself.
        let refused = other.post("/console/me/phone", &[]).await;
        assert_eq!(refused.status, 403, "{name}");
    }
    let events = site.audit().await;
    let made = events.iter().filter(|event| event.kind == "enrollment.created");
    let actors: Vec<_> = made.map(|event| event.actor.as_deref().unwrap_or_default()).collect();
    assert_eq!(actors, ["operator:root", "operator:dora", "operator:vera"]);
}

#[tokio::test]
async fn another_phone_needs_a_fresh_proof_by_the_first() {
    let site = Site::start().await;
    let dora = site.person("dora").await;
    site.give_role("dora", Some(Role::Helpdesk)).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    shown(&mut browser, "/console/me").await;
    // The way for the first one leads nowhere when there is one.
    let seen = browser.post("/console/me/first-phone", &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/console/me"));
    assert_eq!(count(&site.audit().await, "enrollment.created"), 1);
    site.clock.advance(301);
    let asked = browser.post("/console/me/phone", &[]).await;
    assert!(asked.says("id=\"number\""), "{}", asked.text);
    assert_eq!(count(&site.audit().await, "enrollment.created"), 1);
    let waiting = dora.phone.waiting(0).await.unwrap();
    dora.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&number_of(&asked)), None).await.unwrap();
    let second = enrolled(&site, &mut browser, "dora", "/console/me/phone").await;
    assert!(second.phone.self_view().await.is_ok());
    // One that is open when its maker's phone goes is gone, too.
    let once = done(&mut browser, "/console/me/phone", &[]).await;
    let first = account(&site, "dora").await.devices[0].id;
    site.admin.delete_device(first).await.unwrap();
    assert!(site.blank_phone().enroll(&element(&once, "link"), "Late").await.is_err());
}

#[tokio::test]
async fn his_own_phone_is_confirmed_by_its_digits_and_nobody_elses() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    let mut root = site.operator("root", Role::Admin).await;
    site.user("alice").await;
    let others = site.blank_phone();
    let others = others.enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let once = done(&mut root, "/console/me/first-phone", &[]).await;
    let phone = site.blank_phone();
    let mine = phone.enroll(&element(&once, "link"), "Mine").await.unwrap();
    let (path, code) = (format!("/console/me/phones/{}", mine.device_id), mine.code.unwrap());
    assert!(shown(&mut root, "/console/me").await.says(&path));
    let seen = root.post(&path, &[("code", &another_number(&code))]).await;
    assert!(seen.status == 422 && seen.says("That code is not the one"), "{}", seen.text);
    let elses = format!("/console/me/phones/{}", others.device_id);
    assert_eq!(root.post(&elses, &[("code", &others.code.unwrap())]).await.status, 404);
    let page = done(&mut root, &path, &[("code", &code)]).await;
    assert!(page.says("It is confirmed") && page.says("works"), "{}", page.text);
    let person = Person { name: "root".to_owned(), phone };
    let mut other = site.browser();
    assert_eq!(site.sign_in(&mut other, &person, Place::Console).await.status, 200);
    let events = site.audit().await;
    assert!(audit_names(&events).contains(&"device.confirmed"));
    assert!(account(&site, "alice").await.active_devices().next().is_none());
}
