//! What a person changes himself: his phones, and codes that stand in for them.

mod codes;

use gatematch_client_sim::totp::App;
use gatematch_protocol::id::DeviceId;
use gatematch_tests::Site;
use gatematch_tests::moves::another_number;
use gatematch_tests::web_phone::WebPhone;
use serde_json::{Value, json};

use self::codes::signs_in_with;
use super::{approves, asks, at_home, site, site_with};

/// From home to what the person signs in with.
async fn at_ways(phone: &mut WebPhone) -> String {
    at_account(phone).await;
    phone.tap("#ways").await;
    listed(phone).await
}

async fn at_account(phone: &mut WebPhone) -> String {
    phone.comes_to("home").await;
    phone.tap("#accounts a").await;
    text(&phone.reaches("account", "listed").await)
}

/// What the list says when it is there.
async fn listed(phone: &mut WebPhone) -> String {
    text(&phone.reaches("ways", "listed").await)
}

/// The list, fetched anew.
async fn listed_anew(phone: &mut WebPhone) -> String {
    phone.tap("#back").await;
    phone.reaches("account", "listed").await;
    phone.tap("#ways").await;
    listed(phone).await
}

fn text(shown: &Value) -> String {
    shown["text"].as_str().unwrap().to_owned()
}

async fn count(phone: &mut WebPhone, on: &str) -> u64 {
    phone.order("count", json!({"on": on})).await.as_u64().unwrap()
}

async fn fill(phone: &mut WebPhone, on: &str, text: &str) {
    phone.order("fill", json!({"on": on, "text": text})).await;
}

async fn means(phone: &mut WebPhone, texts: &[&str]) {
    for text in texts {
        phone.order("expect", json!({"text": text})).await;
    }
}

/// Copies what is shown; what was copied.
async fn copies(phone: &mut WebPhone, screen: &str) -> String {
    for name in ["clipboard-read", "clipboard-write"] {
        phone.order("permit", json!({"name": name, "setting": "granted"})).await;
    }
    phone.tap("#copy").await;
    phone.reaches(screen, "copied").await;
    phone.order("clipboard", json!({})).await.as_str().unwrap().to_owned()
}

/// None of these is in a database, a cache, a storage or the address; nor in the page, where it is not shown any more.
async fn keeps_none_of(phone: &mut WebPhone, secrets: &[&str], is_shown: bool) {
    let order = if is_shown { "kept" } else { "storage" };
    let kept = phone.order(order, json!({})).await;
    let kept = kept.as_str().unwrap();
    assert!(kept.contains("alice"), "something is kept");
    for secret in secrets {
        assert!(secret.len() >= 8 && !kept.contains(secret), "{secret} is kept");
    }
}

async fn phone_named(site: &Site, name: &str) -> DeviceId {
    let devices = site.admin.devices("alice").await.unwrap();
    devices.iter().find(|device| device.name == name).unwrap().id
}

/// A new phone that a link was handed to; it has this name.
async fn enrolls_by(phone: &mut WebPhone, link: &str, name: &str) {
    phone.open(link).await;
    phone.comes_to("enroll").await;
    fill(phone, "#device-name", name).await;
    phone.tap("#enroll").await;
}

#[tokio::test]
async fn the_old_phone_adds_the_new_one_by_a_link_that_neither_keeps() {
    let (site, _) = site().await;
    let mut old = at_home(&site, &[]).await;
    site.clock.advance(1);
    at_ways(&mut old).await;
    old.tap("#add-phone").await;
    let shown = text(&old.reaches("another", "waiting").await);
    assert!(shown.contains("It works once, for another"), "{shown}");
    assert_eq!(count(&mut old, "svg#qr").await, 1);
    let link = copies(&mut old, "another").await;
    let token = link.split('=').nth(1).unwrap();
    keeps_none_of(&mut old, &[token], true).await;
    let mut new = WebPhone::start(&site, &[]).await;
    enrolls_by(&mut new, &link, "New phone").await;
    new.comes_to("ready").await;
    new.tap("#done").await;
    new.reaches("home", "idle").await;
    // The old one goes on by itself.
    let shown = listed(&mut old).await;
    assert!(shown.contains("New phone") && count(&mut old, "#phones li").await == 2, "{shown}");
    for phone in [&mut old, &mut new] {
        keeps_none_of(phone, &[token], false).await;
    }
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    for phone in [&mut old, &mut new] {
        phone.reaches("request", "asking").await;
    }
    approves(&mut new, challenge.number.as_deref().unwrap()).await;
    new.reaches("result", "approved").await;
    old.reaches("result", "over").await;
    old.tap("#done").await;
    let shown = at_account(&mut old).await;
    assert!(shown.contains("A phone was added to your account"), "{shown}");
    old.closes().await;
    new.closes().await;
}

#[tokio::test]
async fn a_new_phone_that_must_be_confirmed_is_let_in_by_the_digits_that_it_shows() {
    let (site, _) = site_with(|settings| settings.require_device_confirmation = true).await;
    let mut old = WebPhone::start(&site, &[]).await;
    means(&mut old, &["422"]).await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    enrolls_by(&mut old, link.reveal(), "Old phone").await;
    old.reaches("unconfirmed", "waiting").await;
    let digits: String = old.text("#digits").await.chars().filter(char::is_ascii_digit).collect();
    site.admin.confirm_device(phone_named(&site, "Old phone").await, &digits).await.unwrap();
    old.comes_to("ready").await;
    old.tap("#done").await;
    at_ways(&mut old).await;
    old.tap("#add-phone").await;
    old.reaches("another", "waiting").await;
    let picture = old.order("markup", json!({"on": "svg#qr"})).await;

    let mut new = WebPhone::start(&site, &[]).await;
    new.open("/app/").await;
    new.comes_to("welcome").await;
    new.tap("#scan").await;
    new.comes_to("scan").await;
    new.order("choosePicture", json!({"on": "#picture", "svg": picture})).await;
    new.comes_to("enroll").await;
    fill(&mut new, "#device-name", "New phone").await;
    new.tap("#enroll").await;
    new.reaches("unconfirmed", "waiting").await;
    let digits: String = new.text("#digits").await.chars().filter(char::is_ascii_digit).collect();

    // The old one asks by itself; whoever goes away can come back to it.
    old.comes_to("compare").await;
    old.tap("#back").await;
    let shown = listed(&mut old).await;
    assert!(shown.contains("Waits to be confirmed"), "{shown}");
    let id = phone_named(&site, "New phone").await;
    old.tap(&format!("[id='compare-{id}']")).await;
    old.comes_to("compare").await;
    for (typed, said) in [(another_number(&digits), true), (digits, false)] {
        fill(&mut old, &format!("[id='code-{id}']"), &typed).await;
        old.tap(&format!("[id='confirm-{id}']")).await;
        if said {
            old.order("waits", json!({"for": format!("[id='code-{id}-fault']:not(:empty)")})).await;
            let shown = text(&old.order("shown", json!({})).await);
            assert!(shown.contains("Those were not the digits"), "{shown}");
        }
    }
    let shown = listed(&mut old).await;
    assert!(!shown.contains("Waits to be confirmed"), "{shown}");
    new.comes_to("ready").await;
    old.closes().await;
    new.closes().await;
}

#[tokio::test]
async fn a_person_names_and_removes_his_other_phone() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let mut lost = WebPhone::start(&site, &[]).await;
    means(&mut lost, &["401"]).await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    enrolls_by(&mut lost, link.reveal(), "Phone").await;
    lost.comes_to("ready").await;
    let id = phone_named(&site, "Phone").await;
    at_ways(&mut phone).await;
    phone.tap(&format!("[id='rename-{id}']")).await;
    phone.comes_to("rename").await;
    assert_eq!(phone.order("value", json!({"on": "#device-name"})).await, "Phone");
    fill(&mut phone, "#device-name", "Left in the taxi").await;
    phone.tap("#save").await;
    let shown = listed(&mut phone).await;
    assert!(shown.contains("Left in the taxi"), "{shown}");
    assert_eq!(phone_named(&site, "Left in the taxi").await, id);

    let remove = format!("[id='remove-{id}']");
    for (answer, left) in [("#remove-no", 2), ("#remove-yes", 1)] {
        phone.tap(&remove).await;
        let shown = text(&phone.comes_to("remove").await);
        assert!(shown.contains("“Left in the taxi” can then no longer sign alice in."), "{shown}");
        assert_eq!(count(&mut phone, "#last").await, 0);
        phone.tap(answer).await;
        listed(&mut phone).await;
        assert_eq!(count(&mut phone, "#phones li").await, left);
    }
    assert_eq!(site.admin.devices("alice").await.unwrap().len(), 1);
    lost.tap("#done").await;
    lost.reaches("result", "gone").await;
    // The last one says more, and leaves the account.
    phone.tap("[id^='remove-']").await;
    phone.comes_to("remove").await;
    assert!(phone.text("#last").await.contains("only your helpdesk can let you in"));
    means(&mut phone, &["401"]).await;
    phone.tap("#remove-yes").await;
    phone.comes_to("welcome").await;
    assert!(site.admin.devices("alice").await.unwrap().is_empty());
    phone.closes().await;
    lost.closes().await;
}

#[tokio::test]
async fn whatever_one_phone_changes_stands_in_the_list_of_the_other() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let other = site.phone_of("alice").await;
    site.clock.advance(1);
    let created = other.add_totp(None).await.unwrap();
    let app = App::from_uri(created.otpauth_uri.reveal()).unwrap();
    other.confirm_totp(created.id, site.code(&app, 0).reveal()).await.unwrap();
    let codes = other.recovery_codes().await.unwrap().codes;
    assert_eq!(signs_in_with(&site, codes[0].reveal()).await.status, "approved");
    let made = other.enroll_another(None).await.unwrap();
    let third = site.blank_phone();
    third.enroll(made.token.reveal(), "Third").await.unwrap();
    let ways = other.authenticators().await.unwrap();
    for way in ways.iter().filter(|way| way.kind != "phone" || way.name.as_deref() == Some("Third")) {
        other.remove_authenticator(&way.id).await.unwrap();
    }
    phone.order("reload", json!({})).await;
    let shown = at_account(&mut phone).await;
    for words in [
        "An authenticator app or token was added to your account.",
        "Recovery codes were made for your account",
        "A recovery code was used for your account.",
        "A phone was added to your account.",
        "An authenticator app or token was removed from your account.",
        "The recovery codes were removed from your account.",
        "A phone was removed from your account.",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    phone.closes().await;
}

#[tokio::test]
async fn a_locked_account_says_so_and_changes_nothing() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    means(&mut phone, &["403"]).await;
    site.phone_of("alice").await;
    let other = phone_named(&site, "Pixel").await;
    at_ways(&mut phone).await;
    site.lock("alice").await;
    for button in ["#add-phone", "#add-app", "#make-codes"] {
        phone.tap(button).await;
        let shown = text(&phone.reaches("ways-failed", "locked").await);
        assert!(shown.contains("Your account is locked") && shown.contains("Ask your helpdesk"), "{button}: {shown}");
        phone.tap("#back").await;
        listed(&mut phone).await;
    }
    phone.tap(&format!("[id='remove-{other}']")).await;
    phone.comes_to("remove").await;
    phone.tap("#remove-yes").await;
    phone.order("waits", json!({"for": ".fault:not(:empty)"})).await;
    assert!(phone.text(".fault").await.contains("Your account is locked"));
    phone.tap("#remove-no").await;
    listed(&mut phone).await;
    let ways = site.admin.authenticators("alice").await.unwrap();
    assert_eq!(ways.iter().map(|way| way.kind.as_str()).collect::<Vec<_>>(), ["phone", "phone"]);
    site.unlock("alice").await;
    phone.tap("#make-codes").await;
    phone.reaches("codes", "made").await;
    phone.closes().await;
}
