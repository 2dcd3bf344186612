//! How a browser becomes a phone.

use gatematch_tests::web_phone::WebPhone;
use serde_json::json;

use super::{approves, asks, at_home, enroll, site};

#[tokio::test]
async fn a_link_is_spent_by_a_tap_and_leaves_no_trace_in_the_address() {
    let (site, _) = site().await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.open(link.reveal()).await;
    let shown = phone.comes_to("enroll").await;
    assert!(shown["text"].as_str().unwrap().contains("Contoso will ask this phone"), "{shown}");
    let token = link.reveal().split('=').nth(1).unwrap();
    let kept = phone.order("storage", json!({})).await;
    assert!(!kept.as_str().unwrap().contains(token), "the token is in memory alone");
    assert!(site.admin.devices("alice").await.unwrap().is_empty(), "nothing is spent by looking");
    phone.order("fill", json!({"on": "#device-name", "text": "Alice's phone"})).await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    let devices = site.admin.devices("alice").await.unwrap();
    assert_eq!(
        (devices[0].name.as_str(), devices[0].status.as_str(), devices[0].push),
        ("Alice's phone", "active", false)
    );

    let mut other = WebPhone::start(&site, &[]).await;
    other.order("expect", json!({"text": "410"})).await;
    other.open(link.reveal()).await;
    other.comes_to("enroll").await;
    other.tap("#enroll").await;
    let shown = other.reaches("enroll-failed", "gone").await;
    assert!(shown["text"].as_str().unwrap().contains("used or too old"), "{shown}");
    phone.closes().await;
    other.closes().await;
}

#[tokio::test]
async fn an_enrollment_whose_answer_was_lost_is_found_by_the_second_try() {
    let (site, _) = site().await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    let mut phone = WebPhone::start(&site, &[]).await;
    for meant in ["ERR_", "410", "409"] {
        phone.order("expect", json!({"text": meant})).await;
    }
    phone.open(link.reveal()).await;
    phone.comes_to("enroll").await;
    phone.order("loseEnrollment", json!({})).await;
    phone.tap("#enroll").await;
    phone.reaches("enroll-failed", "offline").await;
    phone.tap("#again").await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    assert_eq!(site.admin.devices("alice").await.unwrap().len(), 1);
    phone.closes().await;
}

#[tokio::test]
async fn an_iphone_goes_to_the_home_screen_first_and_spends_no_token_before() {
    let (site, _) = site().await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.order("iphone", json!({"standalone": false})).await;
    for name in ["clipboard-read", "clipboard-write"] {
        phone.order("permit", json!({"name": name, "setting": "granted"})).await;
    }
    phone.open(link.reveal()).await;
    let shown = phone.comes_to("install").await;
    let text = shown["text"].as_str().unwrap();
    assert!(text.contains("Add to Home Screen") && !text.contains("Add this phone"), "{text}");
    phone.tap("#copy").await;
    phone.reaches("install", "copied").await;
    assert_eq!(phone.order("clipboard", json!({})).await, link.reveal());
    assert!(site.admin.devices("alice").await.unwrap().is_empty());
    let traffic = phone.order("traffic", json!({})).await;
    assert!(!traffic.as_str().unwrap().contains("POST"), "nothing was sent");

    // Opened from the Home Screen: a storage of its own, and no link yet.
    let mut installed = WebPhone::start(&site, &[]).await;
    installed.order("iphone", json!({"standalone": true})).await;
    installed.open("/app/").await;
    installed.comes_to("welcome").await;
    installed.tap("#paste").await;
    installed.comes_to("paste").await;
    installed.order("fill", json!({"on": "#link", "text": link.reveal()})).await;
    installed.tap("#next").await;
    installed.comes_to("enroll").await;
    installed.tap("#enroll").await;
    installed.comes_to("ready").await;
    phone.closes().await;
    installed.closes().await;
}

#[tokio::test]
async fn a_code_is_read_from_a_picture_by_the_decoder_that_comes_with_the_app() {
    let (site, _) = site().await;
    let made = site.admin.create_enrollment("alice", None).await.unwrap();
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.open("/app/").await;
    phone.comes_to("welcome").await;
    let traffic = phone.order("traffic", json!({})).await;
    assert!(!traffic.as_str().unwrap().contains("jsqr.js"), "the decoder is fetched only when it is needed");
    phone.tap("#scan").await;
    phone.comes_to("scan").await;
    phone.order("choosePicture", json!({"on": "#picture", "svg": made.qr_svg.reveal()})).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    phone.closes().await;
}

#[tokio::test]
async fn a_code_of_another_company_and_what_is_no_code_are_told_apart() {
    let (site, _) = site().await;
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.open("/app/").await;
    phone.comes_to("welcome").await;
    phone.tap("#paste").await;
    phone.comes_to("paste").await;
    phone.order("fill", json!({"on": "#link", "text": "hello"})).await;
    phone.tap("#next").await;
    assert!(phone.text("#link-fault").await.contains("not a link"));
    let elsewhere = format!("https://mfa.fabrikam.example/app/#enroll=gme_{}", "A".repeat(43));
    phone.order("fill", json!({"on": "#link", "text": elsewhere})).await;
    phone.tap("#next").await;
    let shown = phone.reaches("enroll-failed", "elsewhere").await;
    assert!(shown["text"].as_str().unwrap().contains("https://mfa.fabrikam.example/app/"), "{shown}");
    phone.closes().await;
}

#[tokio::test]
async fn the_key_survives_a_reload_and_cannot_be_taken_out() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    phone.order("reload", json!({})).await;
    phone.reaches("home", "idle").await;
    assert_eq!(phone.order("exportKeys", json!({})).await, json!({"keys": 1, "out": []}));
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    approves(&mut phone, challenge.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    phone.closes().await;
}

#[tokio::test]
async fn two_accounts_live_on_one_phone_and_each_answers_for_itself() {
    let (site, _) = site().await;
    site.user("bob").await;
    let mut phone = at_home(&site, &[]).await;
    enroll(&mut phone, &site, "bob").await;
    let home = phone.reaches("home", "idle").await;
    let text = home["text"].as_str().unwrap();
    assert!(text.contains("alice") && text.contains("bob"), "{text}");
    assert_eq!(phone.order("exportKeys", json!({})).await["keys"], 2);
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    let shown = phone.reaches("request", "asking").await;
    assert!(shown["text"].as_str().unwrap().contains("For alice"), "{shown}");
    approves(&mut phone, challenge.number.as_deref().unwrap()).await;
    phone.reaches("result", "approved").await;
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    assert_eq!(gateway.check_result(&redeemed).await.unwrap().sub, "alice");
    phone.closes().await;
}

#[tokio::test]
async fn a_phone_that_wants_confirmation_shows_its_digits_and_another_phone_confirms_it() {
    let (site, _) = super::site_with(|settings| settings.require_device_confirmation = true).await;
    let mut phone = WebPhone::start(&site, &[]).await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    phone.open(link.reveal()).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.reaches("unconfirmed", "waiting").await;
    let digits: String = phone.text("#digits").await.chars().filter(char::is_ascii_digit).collect();
    let id = site.admin.devices("alice").await.unwrap()[0].id;
    site.admin.confirm_device(id, &digits).await.unwrap();
    phone.comes_to("ready").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;

    let mut second = WebPhone::start(&site, &[]).await;
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    second.open(link.reveal()).await;
    second.comes_to("enroll").await;
    second.tap("#enroll").await;
    second.reaches("unconfirmed", "waiting").await;
    let digits: String = second.text("#digits").await.chars().filter(char::is_ascii_digit).collect();
    let devices = site.admin.devices("alice").await.unwrap();
    let new = devices.iter().find(|device| device.status == "unconfirmed").unwrap().id;
    phone.tap("#accounts a").await;
    phone.reaches("account", "listed").await;
    phone.order("fill", json!({"on": format!("[id='code-{new}']"), "text": digits})).await;
    phone.tap(&format!("[id='confirm-{new}']")).await;
    second.comes_to("ready").await;
    phone.closes().await;
    second.closes().await;
}

#[tokio::test]
async fn a_phone_that_is_removed_on_either_side_says_so() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    // It may be asking what waits for it at that moment.
    phone.order("expect", json!({"text": "401"})).await;
    phone.tap("#accounts a").await;
    phone.reaches("account", "listed").await;
    phone.tap("#remove").await;
    phone.reaches("account", "removing").await;
    phone.tap("#remove-yes").await;
    phone.comes_to("welcome").await;
    assert!(site.admin.devices("alice").await.unwrap().is_empty());

    enroll(&mut phone, &site, "alice").await;
    let id = site.admin.devices("alice").await.unwrap()[0].id;
    site.admin.delete_device(id).await.unwrap();
    // What it waits for ends with it.
    let shown = phone.reaches("result", "gone").await;
    assert!(shown["text"].as_str().unwrap().contains("This phone was removed"), "{shown}");
    // Nothing is lost by a tap without a look: the key goes only when the person says so under the account.
    phone.tap("#done").await;
    phone.reaches("home", "removed").await;
    assert_eq!(phone.order("exportKeys", json!({})).await["keys"], 1);
    phone.tap("#accounts a").await;
    phone.reaches("account", "removed").await;
    phone.tap("#remove").await;
    phone.tap("#remove-yes").await;
    phone.comes_to("welcome").await;
    assert_eq!(phone.order("exportKeys", json!({})).await["keys"], 0);
    phone.closes().await;
}
