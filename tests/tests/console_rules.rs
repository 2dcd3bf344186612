//! The console's pages about what decides: gateways, policy, settings. Who may see and do what there, that nothing which
//! was typed is lost, that no secret is shown but once, and that what outsiders call things is only ever text.

mod gateways;
mod policy;
mod settings;

use gatematch_domain::role::Role;
use gatematch_domain::visit::{FRESH_SECONDS, Place};
use gatematch_protocol::gateway::GatewayView;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, Seen, unescaped};

/// The pages, and what can be done on them.
const PAGES: [&str; 6] = [
    "/console/gateways",
    "/console/gateways/new",
    "/console/policy",
    "/console/policy/edit",
    "/console/policy/explain",
    "/console/settings",
];
const DEEDS: [&str; 6] = [
    "/console/gateways/new",
    "/console/gateways/00000000-0000-7000-8000-000000000000/remove",
    "/console/policy/versions/1/hold",
    "/console/policy/edit",
    "/console/policy/check",
    "/console/settings/keys/00000000-0000-7000-8000-000000000000/revoke",
];

/// An administrator at the console.
async fn admin(site: &Site) -> Browser {
    site.operator("root", Role::Admin).await
}

/// A page that must be there.
async fn shown(browser: &mut Browser, path: &str) -> Seen {
    let seen = browser.get(path).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen
}

/// The gateways that are not built in.
async fn gateways(site: &Site) -> Vec<GatewayView> {
    let mut all = site.admin.list_gateways().await.unwrap();
    all.retain(|gateway| Place::of_gateway(gateway.id).is_none());
    all
}

/// Whether a page says `text`, whatever of it is escaped.
fn says(seen: &Seen, text: &str) -> bool {
    unescaped(&seen.text).contains(text)
}

#[tokio::test]
async fn administrators_see_these_pages_and_nobody_else_does() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    for path in PAGES {
        shown(&mut root, path).await;
        let mut stranger = site.browser();
        let sent = stranger.get(path).await;
        assert_eq!(sent.status, 303, "{path}");
        assert!(sent.location.unwrap().starts_with("/console/sign-in?next="), "{path}");
    }
    for (name, role) in [("dora", Role::Helpdesk), ("vera", Role::Auditor)] {
        let mut other = site.operator(name, role).await;
        for path in PAGES {
            assert_eq!(other.get(path).await.status, 403, "{name} {path}");
        }
        other.get("/console").await;
        for path in DEEDS {
            let seen = other.post(path, &[("name", "x"), ("application", "x"), ("sure", "1")]).await;
            assert_eq!(seen.status, 403, "{name} {path}");
        }
        for path in ["/console/gateways", "/console/policy", "/console/settings"] {
            assert!(!other.get("/console").await.says(&format!("href=\"{path}\"")), "{name} {path}");
        }
    }
    assert!(gateways(&site).await.is_empty());
    assert_eq!(site.admin.policy().await.unwrap().version, 1);
}

#[tokio::test]
async fn what_was_proven_long_ago_must_be_proven_anew_before_anything_that_matters() {
    let site = Site::start().await;
    let person = site.person("root").await;
    site.give_role("root", Some(Role::Admin)).await;
    let mut root = site.browser();
    site.sign_in(&mut root, &person, Place::Console).await;
    shown(&mut root, "/console/policy").await;
    site.clock.advance(FRESH_SECONDS + 1);
    for path in DEEDS.into_iter().filter(|path| *path != "/console/policy/check") {
        let seen = root.post(path, &[("name", "Oslo"), ("application", "RDP"), ("sure", "1")]).await;
        assert!(seen.says("id=\"number\""), "{path}: {}", seen.text);
    }
    assert!(gateways(&site).await.is_empty());
    let checked = root.post("/console/policy/check", &[("rules", "rules = []"), ("version", "1")]).await;
    assert!(!checked.says("id=\"number\""), "to check changes nothing");
}

#[tokio::test]
async fn the_pages_speak_german_where_that_is_asked_for() {
    let site = Site::start().await;
    let mut root = admin(&site).await;
    root.language = "de";
    for (path, word) in [
        ("/console/gateways", "Gateway hinzufügen"),
        ("/console/policy", "Regeln bearbeiten"),
        ("/console/policy/edit", "Speichern"),
        ("/console/policy/explain?user=root", "Die Person wird gefragt."),
        ("/console/settings", "Schlüssel von Administratoren"),
    ] {
        let seen = shown(&mut root, path).await;
        assert!(seen.says("<html lang=\"de\">") && says(&seen, word), "{path}: {}", seen.text);
    }
}
