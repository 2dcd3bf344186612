//! An authenticator app and codes on paper, which the phone makes and does not keep.

use gatematch_client_sim::totp::App;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_tests::Site;
use gatematch_tests::moves::another_number;
use gatematch_tests::web_phone::WebPhone;
use serde_json::json;

use super::super::app::is_open_to_everybody;
use super::super::{asks, at_home, enroll, login, site};
use super::{at_ways, copies, count, fill, keeps_none_of, listed, listed_anew, means};

/// What becomes of a sign-in at a gateway that takes codes alone, with this one.
pub(super) async fn signs_in_with(site: &Site, code: &str) -> ChallengeView {
    let gateway = site.gateway_named("Codes", true).await;
    let methods = Some(vec!["totp".to_owned(), "recovery_code".to_owned()]);
    let asked = gateway.create(&CreateChallenge { methods, ..login("CLIENT-PC") }, None).await.unwrap();
    gateway.passcode(asked.id, code).await.unwrap()
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_and_signs_in_by_its_code() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    means(&mut phone, &["422"]).await;
    let other = site.phone_of("alice").await;
    site.clock.advance(1);
    at_ways(&mut phone).await;
    phone.tap("#add-app").await;
    phone.reaches("totp", "waiting").await;
    let link = phone.order("attribute", json!({"on": "a#open", "name": "href"})).await;
    let link = link.as_str().unwrap();
    let app = App::from_uri(link).unwrap();
    assert_eq!((app.issuer(), app.account()), (Some("Contoso"), Some("alice")));
    let seed = phone.text("#secret").await.replace(' ', "");
    assert!(link.contains(&seed) && count(&mut phone, "svg#qr").await == 1);
    keeps_none_of(&mut phone, &[&seed, link], true).await;
    let code = site.code(&app, -30);
    fill(&mut phone, "#code", &another_number(code.reveal())).await;
    phone.tap("#confirm").await;
    phone.order("waits", json!({"for": "#code-fault:not(:empty)"})).await;
    assert!(phone.text("#code-fault").await.contains("That was not the code"));
    fill(&mut phone, "#code", code.reveal()).await;
    phone.tap("#confirm").await;
    phone.reaches("totp", "added").await;
    keeps_none_of(&mut phone, &[&seed, link], false).await;
    phone.tap("#done").await;
    let shown = listed(&mut phone).await;
    assert!(shown.contains("Authenticator app") && count(&mut phone, "#apps li").await == 1, "{shown}");

    // The phone asks too, and gives way to the code.
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    assert_eq!(gateway.passcode(challenge.id, site.code(&app, 0).reveal()).await.unwrap().status, "approved");
    phone.reaches("result", "over").await;
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    assert_eq!(gateway.check_result(&redeemed).await.unwrap().method, "totp");
    let kinds: Vec<_> = other.notices().await.unwrap().into_iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, ["totp-added"]);
    phone.closes().await;
}

#[tokio::test]
async fn codes_on_paper_are_shown_once_and_each_lets_in_once() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let mut all = Vec::new();
    at_ways(&mut phone).await;
    for is_first in [true, false] {
        phone.tap("#make-codes").await;
        if !is_first {
            phone.comes_to("codes-replace").await;
            phone.tap("#replace-no").await;
            listed(&mut phone).await;
            phone.tap("#make-codes").await;
            phone.comes_to("codes-replace").await;
            phone.tap("#replace-yes").await;
        }
        phone.reaches("codes", "made").await;
        assert_eq!(count(&mut phone, "ol#codes li").await, 10);
        let copied = copies(&mut phone, "codes").await;
        let codes: Vec<String> = copied.lines().map(str::to_owned).collect();
        let shown = phone.text("ol#codes").await;
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), codes);
        all.extend(codes);
        let secrets: Vec<&str> = all.iter().map(String::as_str).collect();
        keeps_none_of(&mut phone, &secrets, true).await;
        phone.tap("#done").await;
        let shown = listed(&mut phone).await;
        assert!(shown.contains("10 of 10 left"), "{shown}");
        keeps_none_of(&mut phone, &secrets, false).await;
        let code = &all[all.len() - 3];
        assert_eq!(signs_in_with(&site, code).await.status, "approved");
        assert_eq!(signs_in_with(&site, code).await.status, "pending", "it is used");
        let shown = listed_anew(&mut phone).await;
        assert!(shown.contains("9 of 10 left"), "{shown}");
    }
    assert_eq!(signs_in_with(&site, &all[0]).await.status, "pending", "the new ones took its place");
    phone.order("reload", json!({})).await;
    let secrets: Vec<&str> = all.iter().map(String::as_str).collect();
    listed(&mut phone).await;
    keeps_none_of(&mut phone, &secrets, false).await;
    phone.closes().await;
}

#[tokio::test]
async fn the_steps_of_each_change_are_open_to_everybody() {
    for lang in ["en", "de"] {
        let (site, _) = site().await;
        let mut phone = WebPhone::start(&site, &["--lang", lang]).await;
        enroll(&mut phone, &site, "alice").await;
        means(&mut phone, &["403", "422"]).await;
        at_ways(&mut phone).await;
        for (button, screen) in [("[id^='rename-']", "rename"), ("[id^='remove-']", "remove")] {
            phone.tap(button).await;
            phone.comes_to(screen).await;
            is_open_to_everybody(&mut phone, (screen, lang)).await;
            phone.tap(if screen == "remove" { "#remove-no" } else { "#back" }).await;
            listed(&mut phone).await;
        }
        phone.tap("#add-app").await;
        phone.reaches("totp", "waiting").await;
        fill(&mut phone, "#code", "000000").await;
        phone.tap("#confirm").await;
        phone.order("waits", json!({"for": "#code-fault:not(:empty)"})).await;
        is_open_to_everybody(&mut phone, ("totp with a wrong code", lang)).await;
        let link = phone.order("attribute", json!({"on": "a#open", "name": "href"})).await;
        let app = App::from_uri(link.as_str().unwrap()).unwrap();
        fill(&mut phone, "#code", site.code(&app, 0).reveal()).await;
        phone.tap("#confirm").await;
        phone.reaches("totp", "added").await;
        is_open_to_everybody(&mut phone, ("totp, added", lang)).await;
        phone.tap("#done").await;
        listed(&mut phone).await;
        site.recovery_codes_of("alice").await;
        listed_anew(&mut phone).await;
        phone.tap("#make-codes").await;
        phone.comes_to("codes-replace").await;
        is_open_to_everybody(&mut phone, ("codes-replace", lang)).await;
        site.lock("alice").await;
        phone.tap("#replace-yes").await;
        phone.reaches("ways-failed", "locked").await;
        is_open_to_everybody(&mut phone, ("ways-failed", lang)).await;
        phone.closes().await;
    }
}
