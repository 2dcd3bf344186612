//! Single tasks: what a form refuses, what must be proven anew, what changes; and the list.

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::guest::number_of;
use gatematch_tests::moves::{count, detail, only};

use super::{WHY, account, done, held, read, shown};

#[tokio::test]
async fn a_form_with_a_fault_is_shown_again_and_nothing_is_changed() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut root = site.operator("root", Role::Admin).await;
    let page = shown(&mut root, "/console/people/alice").await;
    let before = (account(&site, "alice").await, count(&site.audit().await, "user.changed"));
    let long = "a".repeat(65);
    for (step, field, fields) in [
        ("lock", "reason", &[("reason", "")][..]),
        ("lock", "reason", &[]),
        ("lock", "reason", &[("reason", " - ")]),
        ("unlock", "reason", &[("reason", &long)]),
        ("disable", "reason", &[]),
        ("delete", "reason", &[]),
        ("codes", "reason", &[]),
        ("app", "reason", &[("label", "KeePass")]),
        ("app", "label", &[("label", &long), WHY]),
        ("pass", "reason", &[("life", "8"), ("uses", "7")]),
        ("pass", "uses", &[("life", "8"), ("uses", "0"), WHY]),
        ("pass", "uses", &[("life", "8"), ("uses", "many"), WHY]),
        ("pass", "life", &[("life", "9"), WHY]),
        ("pass", "until", &[("life", "until"), ("until", "2001-01-01T00:00"), WHY]),
        ("bypass", "reason", &[("life", "2")]),
        ("bypass", "uses", &[("life", "2"), ("uses", "1001"), WHY]),
        ("role", "role", &[("role", "king"), WHY]),
        ("role", "reason", &[("role", "helpdesk")]),
        ("change", "display_name", &[("display_name", &long)]),
        ("change", "email", &[("email", "nobody")]),
        ("change", "groups", &[("groups", &long)]),
    ] {
        let seen = root.post(&format!("/console/people/alice/{step}"), fields).await;
        assert_eq!(seen.status, 422, "{step} {fields:?}: {}", seen.text);
        assert!(seen.says(&format!("id=\"{field}-fault\" role=\"alert\"")), "{step} {fields:?}: {}", seen.text);
        assert!(seen.says("aria-invalid=\"true\""), "{step}");
        for (name, value) in fields.iter().filter(|(name, _)| ["reason", "uses", "label", "email"].contains(name)) {
            assert_eq!(seen.field(name).as_deref(), Some(*value), "{step}: what was typed is still there");
        }
    }
    for name in ["", "a b", "alice@", &"a".repeat(129)] {
        let seen = root.post("/console/people", &[("name", name), ("display_name", "X")]).await;
        assert!(seen.status == 422 && seen.says("id=\"name-fault\" role=\"alert\""), "{name:?}");
        assert_eq!(seen.field("display_name").as_deref(), Some("X"));
    }
    let after = (account(&site, "alice").await, count(&site.audit().await, "user.changed"));
    assert_eq!((after, held(&site, "alice").await), (before, vec!["phone".to_owned()]));
    assert!(page.says("Can sign in now"));
}

#[tokio::test]
async fn what_is_dangerous_is_proven_anew_by_phone() {
    let site = Site::start().await;
    let root = site.person("root").await;
    site.give_role("root", Some(Role::Admin)).await;
    site.person("alice").await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &root, Place::Console).await;
    shown(&mut browser, "/console/people/alice").await;
    site.clock.advance(301);
    for (step, fields) in [
        ("bypass", &[("life", "2"), ("uses", "3"), WHY][..]),
        ("role", &[("role", "auditor"), WHY]),
        ("delete", &[WHY]),
    ] {
        let asked = browser.post(&format!("/console/people/alice/{step}"), fields).await;
        assert!(asked.status == 200 && asked.says("id=\"number\""), "{step}: {}", asked.text);
        assert!(read(&asked).contains(WHY.1), "what was typed waits");
    }
    assert_eq!((account(&site, "alice").await.user.role, held(&site, "alice").await.len()), (None, 1));
    let asked = browser.post("/console/people/alice/delete", &[WHY]).await;
    let waiting = root.phone.waiting(0).await.unwrap();
    let challenge = &waiting.last().unwrap().challenge;
    root.phone.respond(challenge, Decision::Approve, Some(&number_of(&asked)), None).await.unwrap();
    let page = done(&mut browser, "/console/people/alice/delete", &[("proving", "1"), WHY]).await;
    assert!(page.says("The account is deleted") && !page.says("/console/people/alice"));
    assert_eq!(detail(only(&site.audit().await, "user.deleted"), "reason"), WHY.1);
}

#[tokio::test]
async fn a_role_is_given_and_taken_with_a_reason() {
    let site = Site::start().await;
    site.person("alice").await;
    site.pass_of("alice", 1).await;
    let mut root = site.operator("root", Role::Admin).await;
    let asked = shown(&mut root, "/console/people/alice/role").await;
    assert!(asked.says("<option value=\"none\" selected>"), "{}", asked.text);
    let page = done(&mut root, "/console/people/alice/role", &[("role", "helpdesk"), WHY]).await;
    assert!(page.says("The role is set.") && page.says("<dd>helpdesk</dd>"));
    assert_eq!(held(&site, "alice").await, ["phone"], "a pass of before is void");
    let list = shown(&mut root, "/console/people?show=role").await;
    assert!(list.says("/console/people/alice") && list.says("/console/people/root"));
    done(&mut root, "/console/people/alice/role", &[("role", "none"), ("reason", "Moved on")]).await;
    assert_eq!(account(&site, "alice").await.user.role, None);
    let events = site.audit().await;
    let reasons: Vec<_> = events.iter().filter(|event| event.kind == "user.role_set").collect();
    let reasons: Vec<_> = reasons.into_iter().map(|event| detail(event, "reason")).collect();
    assert!(reasons.ends_with(&[WHY.1.to_owned(), "Moved on".to_owned()]), "{reasons:?}");
}

#[tokio::test]
async fn a_bypass_is_made_and_taken_away() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    shown(&mut dora, "/console/people/alice").await;
    let page = done(&mut dora, "/console/people/alice/bypass", &[("life", "2"), ("uses", "3"), WHY]).await;
    assert!(page.says("alice passes without a phone") && page.says("With the password alone"));
    assert!(page.says("operator:dora") && page.says("0 of 3") && read(&page).contains(WHY.1));
    let id = site.admin.bypasses("alice").await.unwrap()[0].id;
    let path = format!("/console/people/alice/bypasses/{id}");
    assert!(page.says(&path));
    let page = done(&mut dora, &path, &[("reason", "Network is back")]).await;
    assert!(page.says("The exception is gone") && page.says("With: phone."));
    assert!(site.admin.bypasses("alice").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_known_of_somebody_is_changed() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut root = site.operator("root", Role::Admin).await;
    shown(&mut root, "/console/people/alice/change").await;
    let fields = [("display_name", "Alice"), ("email", "a@contoso.com"), ("groups", "Staff\r\nOslo, first floor\r\n")];
    let page = done(&mut root, "/console/people/alice/change", &fields).await;
    assert!(page.says("Saved.") && page.says("a@contoso.com"));
    let user = account(&site, "alice").await.user;
    assert_eq!((user.display_name.as_deref(), user.groups.len()), (Some("Alice"), 2));
    let asked = shown(&mut root, "/console/people/alice/change").await;
    assert!(asked.says("Oslo, first floor\nStaff</textarea>"), "{}", asked.text);
    // The same again is no change, and what is known is not emptied by a form.
    done(&mut root, "/console/people/alice/change", &fields).await;
    assert_eq!(count(&site.audit().await, "user.changed"), 1);
    let seen = root.post("/console/people/alice/change", &[("display_name", ""), ("email", "a@contoso.com")]).await;
    assert_eq!(seen.status, 422);
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let asked = shown(&mut dora, "/console/people/alice/change").await;
    assert!(!asked.says("name=\"groups\"") && !asked.says("policy"));
    done(&mut dora, "/console/people/alice/change", &[("display_name", "Alice N."), ("email", "a@contoso.com")]).await;
    let user = account(&site, "alice").await.user;
    assert_eq!((user.display_name.as_deref(), user.groups.len()), (Some("Alice N."), 2));
    // Whoever is in a group is deleted by administrators alone.
    let seen = dora.post("/console/people/alice/delete", &[WHY]).await;
    assert!(seen.status == 403 && seen.says("Your role does not allow this."));
}

#[tokio::test]
async fn the_list_is_searched_filtered_and_paged() {
    let site = Site::start_with(|settings| settings.dormant_after = Some(90 * 86_400)).await;
    site.person("old").await;
    site.user("off").await;
    site.admin
        .put_user("off", &serde_json::from_value(serde_json::json!({"status": "disabled"})).unwrap())
        .await
        .unwrap();
    site.user("shut").await;
    site.lock("shut").await;
    site.clock.advance(91 * 86_400);
    for number in 0..60 {
        site.user(&format!("person{number:02}")).await;
    }
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let first = shown(&mut dora, "/console/people").await;
    assert_eq!(first.text.matches("<td class=\"who\">").count(), 50);
    let (_, next) = first.text.split_once("href=\"/console/people?after=").unwrap();
    let next = format!("/console/people?after={}", next.split('"').next().unwrap());
    let second = shown(&mut dora, &next).await;
    assert_eq!(second.text.matches("<td class=\"who\">").count(), 14);
    assert!(second.says("person59") && !second.says("person00") && !second.says("?after="));
    assert!(second.says("From the beginning"));
    let names = |page: &gatematch_tests::guest::Seen| -> Vec<String> {
        let rows = page.text.split("<td class=\"who\">").skip(1);
        rows.map(|row| row.split("<bdi>").nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("show=locked", &["shut"][..]),
        ("show=disabled", &["off"]),
        ("show=role", &["dora"]),
        ("show=dormant", &["off", "old", "shut"]),
        ("show=dormant&q=l", &["old"]),
        ("show=not-enrolled&q=o", &["dora", "off"]),
        ("q=%25", &[]),
        ("q=SON59", &["person59"]),
    ] {
        let page = shown(&mut dora, &format!("/console/people?{query}")).await;
        let found: Vec<_> =
            names(&page).into_iter().filter(|name| !name.starts_with("person") || query.contains("59")).collect();
        assert_eq!(found, expected, "{query}");
    }
    let page = shown(&mut dora, "/console/people?show=not-enrolled&q=person").await;
    assert!(page.says("?q=person&#38;show=not-enrolled&#38;after="), "what was asked for goes on: {}", page.text);
    assert!(shown(&mut dora, "/console/people?q=zzz").await.says("Nobody fits."));
    let page = shown(&mut dora, "/console/people/old").await;
    assert!(page.says("the next sign-in locks the account") && page.says("Wake the account"));
    assert!(done(&mut dora, "/console/people/old/unlock", &[WHY]).await.says("Can sign in now"));
}

#[tokio::test]
async fn browsers_of_the_connect_page_and_sign_ins_are_shown() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let gateway = site.gateway().await;
    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    alice.approve(&challenge).await;
    let denied = gateway.create(&alice.login_from("EVIL-PC"), None).await.unwrap();
    alice.report(&denied).await;
    let mut dora = site.operator("dora", Role::Helpdesk).await;
    let page = shown(&mut dora, "/console/people/alice").await;
    let text = read(&page);
    let (approved, refused) = (text.find("approved, not used"), text.find("reported as not his own"));
    assert!(refused.is_some() && approved.is_some() && text.contains("Oslo gateway"), "{text}");
    assert!(text.contains("EVIL-PC") && text.contains("phone and number") && text.contains("Browsers known"));
}

#[tokio::test]
async fn the_pages_speak_german_where_that_is_asked_for() {
    let site = Site::start().await;
    site.person("alice").await;
    let mut root = site.operator("root", Role::Admin).await;
    root.language = "de";
    for (path, word) in [
        ("/console/people", "Person hinzufügen"),
        ("/console/people/alice", "Was möchten Sie tun?"),
        ("/console/people/alice/pass", "alice einen Pass geben"),
        ("/console/people/alice/role", "Was alice hier darf"),
        ("/console/me", "Richten Sie jetzt Ihr Telefon ein"),
    ] {
        let seen = shown(&mut root, path).await;
        assert!(seen.says("<html lang=\"de\">") && read(&seen).contains(word), "{path}: {}", seen.text);
    }
    let seen = root.post("/console/people/alice/lock", &[]).await;
    assert!(read(&seen).contains("Nennen Sie einen Grund"));
}
