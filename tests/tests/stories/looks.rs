//! Each page as it looks: it fits 320 and 1920 pixels, axe-core finds nothing serious in it, light and dark, English and
//! German; and a picture of it, for a look.
//!
//! `./test.sh --pictures` keeps the pictures, in `docs/images/`; otherwise none is taken.

use std::path::Path;

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::response::Decision;
use gatematch_tests::Site;
use gatematch_tests::screen::Screen;
use serde_json::json;

use super::{comes_in, site};

/// Where pictures are kept, from the top of the tree.
const KEEP: &str = "PHONE_TEST_PICTURES";

/// Those that documents show.
const PICTURES: [&str; 10] = [
    "console-number",
    "console-overview",
    "console-person",
    "console-pass-given",
    "console-gateway-made",
    "console-policy",
    "console-policy-explain",
    "console-audit",
    "portal-home",
    "portal-phone",
];

/// People, phones and sign-ins of all kinds.
async fn busy_site() -> Site {
    let site = site().await;
    let gateway = site.gateway_named("Oslo gateway", true).await;
    for name in ["alice", "erin", "frank"] {
        let person = site.person(name).await;
        let challenge = gateway.create(&person.login(), None).await.unwrap();
        match name {
            "alice" => drop(person.approve(&challenge).await),
            "erin" => drop(person.deny(&challenge).await),
            _ => drop(person.answer(&challenge, Decision::Report, None).await),
        }
        if name == "alice" {
            gateway.redeem(challenge.id, "r", 0).await.unwrap();
        }
    }
    site.user("bob").await;
    site.admin.recovery_codes("alice", None).await.unwrap();
    site.admin.lock("frank", "Laptop stolen; called back on 4711").await.unwrap();
    site
}

/// Looks at a page that is open, and takes its picture where pictures are kept.
async fn look(screen: &mut Screen, name: &str) {
    screen.looks_well().await;
    let Some(folder) = std::env::var_os(KEEP).filter(|_| PICTURES.contains(&name)) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder);
    for theme in ["light", "dark"] {
        let file = folder.join(format!("{name}-{theme}.png"));
        screen.order("picture", json!({"file": file, "theme": theme, "whole": false})).await;
    }
}

async fn doors(screen: &mut Screen, place: &str) {
    screen.open(&format!("/{place}/sign-in")).await;
    look(screen, &format!("{place}-sign-in")).await;
    screen.fill("#name", "alice").await;
    screen.click("main button.primary").await;
    screen.reaches(&format!("/{place}/sign-in/number")).await;
    look(screen, &format!("{place}-number")).await;
    screen.open(&format!("/{place}/invitation")).await;
    look(screen, &format!("{place}-invitation")).await;
}

/// The pages of the console that are shown for the asking.
const CONSOLE: [(&str, &str); 19] = [
    ("overview", "/console"),
    ("sign-ins", "/console/sign-ins"),
    ("people", "/console/people"),
    ("person", "/console/people/alice"),
    ("person-locked", "/console/people/frank"),
    ("person-new", "/console/people/bob"),
    ("pass", "/console/people/alice/pass"),
    ("lock", "/console/people/alice/lock"),
    ("role", "/console/people/alice/role"),
    ("delete", "/console/people/alice/delete"),
    ("gateways", "/console/gateways"),
    ("gateway-new", "/console/gateways/new"),
    ("policy", "/console/policy"),
    ("policy-edit", "/console/policy/edit"),
    ("policy-explain", "/console/policy/explain"),
    ("audit", "/console/audit"),
    ("event", "/console/audit/5"),
    ("settings", "/console/settings"),
    ("me", "/console/me"),
];

async fn every_page(lang: &str, kept: &str) {
    let site = busy_site().await;
    let mut screen = Screen::start(site.issuer(), &["--lang", lang]).await;
    doors(&mut screen, "console").await;
    site.user("carl").await;
    site.give_role("carl", Some(Role::Admin)).await;
    comes_in(&mut screen, &site, "carl", Place::Console).await;
    for (name, path) in CONSOLE {
        screen.open(path).await;
        look(&mut screen, &format!("console-{kept}{name}")).await;
    }
    // What is shown once.
    screen.open("/console/people/bob").await;
    screen.click("main form[action='/console/people/bob/enroll'] button").await;
    look(&mut screen, &format!("console-{kept}enroll")).await;
    screen.open("/console/people/bob/pass").await;
    screen.fill("#reason", "Phone lost; called back on 4711").await;
    screen.click("main button.primary").await;
    look(&mut screen, &format!("console-{kept}pass-given")).await;
    screen.open("/console/gateways/new").await;
    for (field, text) in
        [("#name", "rdg01"), ("#application", "Remote Desktop"), ("#gateway", "10.0.0.10"), ("#server", "10.0.0.20")]
    {
        screen.fill(field, text).await;
    }
    screen.click("main button.primary").await;
    look(&mut screen, &format!("console-{kept}gateway-made")).await;
    screen.order("expect", json!({"text": "404"})).await;
    screen.order("open", json!({"url": "/console/people/nobody"})).await;
    look(&mut screen, &format!("console-{kept}refusal")).await;
    doors(&mut screen, "portal").await;
    screen.open("/portal/code").await;
    look(&mut screen, &format!("portal-{kept}code")).await;
    comes_in(&mut screen, &site, "alice", Place::Portal).await;
    look(&mut screen, &format!("portal-{kept}home")).await;
    screen.click("main form[action='/portal/phones'] button").await;
    look(&mut screen, &format!("portal-{kept}phone")).await;
    screen.closes().await;
}

#[tokio::test]
async fn there_is_a_picture_of_each_page_and_each_looks_well() {
    every_page("en", "").await;
}

#[tokio::test]
async fn each_page_looks_well_in_german_too() {
    every_page("de", "de-").await;
}
