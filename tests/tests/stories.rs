//! The console and the portal in a real Chromium: the stories of the administrator, the helpdesk and the person, and each page
//! as it looks. What a page does by itself is tested without a browser (`visits.rs`, `console_*.rs`, `portal.rs`).

mod looks;
mod newcomer;

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_tests::screen::Screen;
use gatematch_tests::web_phone::WebPhone;
use gatematch_tests::{Person, Site};
use serde_json::json;

/// A site at today's time: browsers have a clock of their own.
async fn site() -> Site {
    Site::start_today(|settings| settings.name = "Contoso".to_owned()).await
}

/// Opens an invitation of somebody who is there.
async fn comes_in(screen: &mut Screen, site: &Site, name: &str, place: Place) {
    let token = site.invitation(name, place).await;
    screen.open(&format!("/{}/invitation#{}", place.as_str(), token.reveal())).await;
    screen.click("main button.primary").await;
    screen.reaches(&format!("/{}", place.as_str())).await;
}

/// Makes `phone` the phone that the link on the screen is for.
async fn enrolls(phone: &mut WebPhone, screen: &mut Screen) {
    let link = screen.text("#link").await;
    phone.open(&link).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
}

/// Types the number that the screen shows on the phone, and approves.
async fn types_number(phone: &mut WebPhone, screen: &mut Screen) {
    let number: String = screen.text("#number").await.chars().filter(char::is_ascii_digit).collect();
    phone.reaches("request", "asking").await;
    types(phone, &number).await;
}

/// Types a number on the phone, and approves.
async fn types(phone: &mut WebPhone, number: &str) {
    phone.order("waits", json!({"for": "#deny:not([aria-disabled=true])"})).await;
    phone.types(number).await;
    phone.order("waits", json!({"for": "#approve:not([aria-disabled=true])"})).await;
    phone.tap("#approve").await;
    phone.reaches("result", "approved").await;
}

/// Signs in by the phone at the place.
async fn signs_in(screen: &mut Screen, phone: &mut WebPhone, name: &str, place: Place) {
    screen.open(&format!("/{}/sign-in", place.as_str())).await;
    screen.fill("#name", name).await;
    screen.click("main button.primary").await;
    screen.reaches(&format!("/{}/sign-in/number", place.as_str())).await;
    types_number(phone, screen).await;
    // The page goes on by itself.
    screen.reaches(&format!("/{}", place.as_str())).await;
}

/// Dora of the helpdesk, with a phone that is an app in a browser.
async fn dora(site: &Site, screen: &mut Screen) -> WebPhone {
    site.user("dora").await;
    site.give_role("dora", Some(Role::Helpdesk)).await;
    comes_in(screen, site, "dora", Place::Console).await;
    let mut phone = WebPhone::start(site, &[]).await;
    screen.click("main a[href='/console/me']").await;
    screen.reaches("/console/me").await;
    screen.click("main button[type=submit]").await;
    enrolls(&mut phone, screen).await;
    screen.click(".bar button").await;
    screen.reaches("/console/sign-in").await;
    phone
}

#[tokio::test]
async fn the_helpdesk_gives_a_pass_and_a_new_phone_to_whoever_has_lost_hers() {
    let site = site().await;
    let gateway = site.gateway_named("Oslo gateway", true).await;
    let alice: Person = site.person("alice").await;
    let mut screen = Screen::start(site.issuer(), &[]).await;
    let mut phone = dora(&site, &mut screen).await;
    signs_in(&mut screen, &mut phone, "dora", Place::Console).await;
    screen.count().await;

    // 8:56. The old phone is taken away.
    screen.click(".rail a[href='/console/people']").await;
    screen.click("a[href='/console/people/alice']").await;
    screen.sees("main", "Pixel").await;
    screen.click("td.acts a[href*='/remove/']").await;
    screen.fill("#reason", "Lost in a taxi; called back on 4711").await;
    screen.click("main button.danger").await;
    screen.reaches("/console/people/alice").await;
    let removed = screen.count().await;
    let login = alice.login();
    assert_eq!(gateway.create(&login, None).await.unwrap().status, "denied");

    // 8:57. A pass.
    screen.click("main a[href='/console/people/alice/pass']").await;
    screen.fill("#reason", "Phone lost; called back on 4711").await;
    screen.click("main button.primary").await;
    screen.sees("#pass", "").await;
    let given = screen.count().await;
    let pass = screen.text("#pass").await.replace(' ', "");
    let challenge = gateway.create(&login, None).await.unwrap();
    let used = gateway.passcode(challenge.id, &pass).await.unwrap();
    assert_eq!(used.status, "approved");

    // 9:00. The new phone.
    screen.click("main a.primary").await;
    screen.reaches("/console/people/alice").await;
    screen.click("main form[action='/console/people/alice/enroll'] button").await;
    let link = screen.text("#link").await;
    let enrolled = screen.count().await;
    let new = site.blank_phone();
    new.enroll(link.split_once("#enroll=").unwrap().1, "New phone").await.unwrap();
    // As few clicks and fields as the story needs.
    assert!(removed <= 5 && given <= 3 && enrolled <= 2, "{removed}, {given}, {enrolled}");
    phone.closes().await;
    screen.closes().await;
}

#[tokio::test]
async fn a_person_adds_his_phone_and_codes_and_comes_back_by_number() {
    let site = site().await;
    site.user("alice").await;
    let mut screen = Screen::start(site.issuer(), &["--lang", "de"]).await;
    let mut phone = WebPhone::start(&site, &[]).await;
    comes_in(&mut screen, &site, "alice", Place::Portal).await;
    screen.click(".next form[action='/portal/phones'] button").await;
    enrolls(&mut phone, &mut screen).await;
    screen.open("/portal").await;
    screen.click(".next form[action='/portal/codes'] button").await;
    let codes = screen.text("main").await;
    screen.click(".bar button").await;
    screen.reaches("/portal/sign-in").await;
    signs_in(&mut screen, &mut phone, "alice", Place::Portal).await;
    // Without the phone, once, by a code.
    screen.click(".bar button").await;
    let shape = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    let code = codes.split_whitespace().find(shape).unwrap_or_else(|| panic!("no code in {codes}")).to_owned();
    for is_first in [true, false] {
        screen.open("/portal/code").await;
        screen.fill("#name", "alice").await;
        screen.fill("#code", &code).await;
        screen.click("main button.primary").await;
        if is_first {
            screen.reaches("/portal").await;
            screen.click(".bar button").await;
        } else {
            screen.sees(".fault", "nicht eingelassen").await;
        }
    }
    phone.closes().await;
    screen.closes().await;
}
