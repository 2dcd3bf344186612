//! The app as a whole: weight, installation, access for everybody, and its cryptography.

use std::collections::BTreeMap;

use gatematch_server::phone::Phone;
use gatematch_tests::Site;
use gatematch_tests::web_phone::WebPhone;
use serde_json::{Value, json};

use super::pictures::every_screen;
use super::{at_home, site};

/// What the first load may weigh, compressed: 60 KiB.
const FIRST_LOAD: usize = 60 * 1024;

#[tokio::test]
async fn the_first_load_is_light_and_asks_nobody_else() {
    let (site, _) = site().await;
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.open("/app/").await;
    phone.comes_to("welcome").await;
    let traffic = phone.order("traffic", json!({})).await;
    let app = Phone::of("Contoso");
    let mut weight = BTreeMap::new();
    // What the service worker keeps for later, it fetches after that.
    for line in traffic.as_str().unwrap().lines().filter(|line| line.starts_with("page GET ")) {
        let Some((_, name)) = line.split_once("/app/") else { continue };
        let name = name.split(['#', '?', ' ']).next().filter(|name| !name.is_empty()).unwrap_or("index.html");
        let asset = app.get(name).unwrap_or_else(|| panic!("{name} is no file of the app"));
        weight.insert(name.to_owned(), asset.zipped().unwrap_or(asset.plain()).len());
    }
    assert!(weight.len() > 10, "{weight:?}");
    let sum: usize = weight.values().sum();
    assert!(sum < FIRST_LOAD, "{sum} octets: {weight:?}");
    phone.closes().await;
}

#[tokio::test]
async fn the_app_can_be_installed_and_opens_without_a_network() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    assert_eq!(phone.order("installability", json!({})).await, json!([]));
    phone.order("workerIsActive", json!({})).await;
    phone.order("expect", json!({"text": "ERR_INTERNET_DISCONNECTED"})).await;
    phone.order("offline", json!({"on": true})).await;
    phone.order("reload", json!({})).await;
    let shown = phone.reaches("home", "offline").await;
    assert!(shown["text"].as_str().unwrap().contains("alice"), "{shown}");
    phone.order("offline", json!({"on": false})).await;
    phone.reaches("home", "idle").await;
    phone.closes().await;
}

#[tokio::test]
async fn a_file_goes_out_once_and_is_asked_for_by_its_name_after_that() {
    let site = Site::start().await;
    let api = site.api();
    let first = api.call("GET", "/app/main.js", &[("accept-encoding", "gzip")], None).await.unwrap();
    assert_eq!((first.status, first.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let policy = first.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("-inline") && !policy.contains("-eval"), "{policy}");
    let etag = first.header("etag").unwrap().to_owned();
    let again = api.call("GET", "/app/main.js", &[("if-none-match", &etag)], None).await.unwrap();
    assert_eq!((again.status, again.body.len()), (304, 0));
    let plain = api.call("GET", "/app/main.js", &[("accept-encoding", "gzip;q=0")], None).await.unwrap();
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    for path in ["/app/none.js", "/app/../Cargo.toml", "/app/types.d.ts", "/app/%2e%2e"] {
        assert_eq!(api.call("GET", path, &[], None).await.unwrap().status, 404, "{path}");
    }
    let enter = api.call("GET", "/app", &[], None).await.unwrap();
    assert_eq!((enter.status, enter.header("location")), (308, Some("app/")));
}

#[tokio::test]
async fn the_vectors_hold_in_the_browsers_own_cryptography() {
    let (site, _) = site().await;
    let mut phone = WebPhone::start(&site, &[]).await;
    phone.open("/app/").await;
    phone.comes_to("welcome").await;
    // It finds fault too where hardly any case was there to judge.
    assert_eq!(phone.order("vectors", json!({})).await, json!([]));
    phone.closes().await;
}

#[tokio::test]
async fn every_screen_is_open_to_everybody_in_english_by_day_and_by_night() {
    looks_right("en").await;
}

#[tokio::test]
async fn every_screen_is_open_to_everybody_in_german_by_day_and_by_night() {
    looks_right("de").await;
}

async fn looks_right(lang: &str) {
    every_screen(lang, async |phone: &mut WebPhone, screen: &str| is_open_to_everybody(phone, (screen, lang)).await)
        .await;
}

/// Looks at the screen that is shown: by day and by night, and on a small phone.
pub(super) async fn is_open_to_everybody(phone: &mut WebPhone, (screen, lang): (&str, &str)) {
    for theme in ["light", "dark"] {
        phone.order("theme", json!({"theme": theme})).await;
        let found = phone.order("axe", json!({})).await;
        assert_eq!(found, json!([]), "{screen} in {lang}, {theme}");
    }
    phone.order("theme", json!({"theme": "light"})).await;
    phone.order("size", json!({"width": 320, "height": 568})).await;
    let shown: Value = phone.order("shown", json!({})).await;
    assert_eq!((&shown["wide"], &shown["lang"]), (&json!(false), &json!(lang)), "{screen} at 320 pixels");
    phone.order("size", json!({"width": 390, "height": 844})).await;
}
