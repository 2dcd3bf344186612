//! Every screen of the phone, for a look at it.
//!
//! `./test.sh --pictures` keeps what is taken, in `docs/images/`; otherwise it goes to a folder that is thrown away.

use std::path::{Path, PathBuf};

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_tests::Site;
use gatematch_tests::moves::another_number;
use gatematch_tests::web_phone::WebPhone;
use serde_json::json;

use super::{approves, asks, can_answer, site};

/// Where pictures are kept, from the top of the tree.
const KEEP: &str = "PHONE_TEST_PICTURES";

/// Walks through every screen, and has each looked at.
pub(super) async fn every_screen(lang: &str, mut look: impl AsyncFnMut(&mut WebPhone, &str)) {
    let (site, _) = site().await;
    let gateway = site.gateway().await;
    let mut phone = WebPhone::start(&site, &["--lang", lang]).await;
    for meant in ["410", "401", "ERR_INTERNET_DISCONNECTED"] {
        phone.order("expect", json!({"text": meant})).await;
    }
    before_there_is_a_phone(&mut phone, &site, &mut look).await;
    a_new_phone(&mut phone, &site, &mut look).await;
    ends_of_requests(&mut phone, &gateway, &mut look).await;
    around_it(&mut phone, &site, &mut look).await;
    phone.closes().await;
}

async fn before_there_is_a_phone(phone: &mut WebPhone, site: &Site, look: &mut impl AsyncFnMut(&mut WebPhone, &str)) {
    phone.open("/app/").await;
    phone.comes_to("welcome").await;
    look(phone, "welcome").await;
    phone.tap("#paste").await;
    phone.comes_to("paste").await;
    phone.tap("#next").await;
    look(phone, "paste").await;
    phone.tap("#back").await;
    phone.comes_to("welcome").await;
    phone.tap("#scan").await;
    phone.comes_to("scan").await;
    look(phone, "scan").await;
    phone.tap("#back").await;
    phone.comes_to("welcome").await;
    let spent = site.admin.create_enrollment("alice", None).await.unwrap();
    let other = site.blank_phone();
    other.enroll(spent.link.reveal(), "Pixel").await.unwrap();
    phone.open(spent.link.reveal()).await;
    phone.comes_to("enroll").await;
    look(phone, "enroll").await;
    phone.tap("#enroll").await;
    phone.reaches("enroll-failed", "gone").await;
    look(phone, "enroll-failed").await;
}

async fn a_new_phone(phone: &mut WebPhone, site: &Site, look: &mut impl AsyncFnMut(&mut WebPhone, &str)) {
    let link = site.admin.create_enrollment("alice", None).await.unwrap().link;
    phone.open(link.reveal()).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    look(phone, "ready").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
    look(phone, "home").await;
}

async fn ends_of_requests(phone: &mut WebPhone, gateway: &Gateway, look: &mut impl AsyncFnMut(&mut WebPhone, &str)) {
    let first = asks(gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    can_answer(phone).await;
    phone.types(&first.number.as_deref().unwrap()[..2]).await;
    look(phone, "request").await;
    phone.tap("details summary").await;
    look(phone, "request-more").await;
    phone.order("fill", json!({"on": "#number", "text": first.number})).await;
    phone.tap("#approve").await;
    phone.reaches("result", "approved").await;
    look(phone, "approved").await;
    gateway.redeem(first.id, "r", 0).await.unwrap();
    phone.tap("#done").await;

    let second = asks(gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    approves(phone, &another_number(second.number.as_deref().unwrap())).await;
    phone.reaches("result", "wrong-number").await;
    look(phone, "wrong-number").await;
    phone.tap("#done").await;

    let third = asks(gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    gateway.cancel(third.id).await.unwrap();
    phone.reaches("result", "over").await;
    look(phone, "over").await;
    phone.tap("#done").await;

    asks(gateway, "CLIENT-PC").await;
    phone.reaches("request", "asking").await;
    can_answer(phone).await;
    phone.tap("#deny").await;
    phone.reaches("result", "denied").await;
    look(phone, "denied").await;
    phone.tap("#done").await;

    asks(gateway, "UNKNOWN-PC").await;
    phone.reaches("request", "asking").await;
    can_answer(phone).await;
    phone.tap("#report").await;
    phone.reaches("request", "report").await;
    look(phone, "report").await;
    phone.tap("#report-yes").await;
    phone.reaches("result", "reported").await;
    look(phone, "reported").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
}

async fn around_it(phone: &mut WebPhone, site: &Site, look: &mut impl AsyncFnMut(&mut WebPhone, &str)) {
    // A gateway without a screen, and nobody has the page open: a notice.
    let body = CreateGateway {
        name: "Bergen gateway".to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display: false,
        client_address: None,
    };
    let created = site.admin.create_gateway(&body).await.unwrap();
    let blind = Gateway::created(site.api(), site.issuer(), &created, site.clock.seconds());
    let refused = blind.create(&super::login("CLIENT-PC"), None).await.unwrap();
    assert_eq!(refused.status, "denied", "{refused:?}");
    phone.order("reload", json!({})).await;
    phone.reaches("home", "idle").await;
    phone.order("waits", json!({"for": "#notices li"})).await;
    look(phone, "notice").await;
    phone.tap("#accounts a").await;
    phone.reaches("account", "listed").await;
    look(phone, "account").await;
    ways_of_a_person(phone, site, look).await;
    phone.order("workerIsActive", json!({})).await;
    phone.order("offline", json!({"on": true})).await;
    phone.tap("#back").await;
    phone.reaches("home", "offline").await;
    look(phone, "offline").await;
    phone.order("offline", json!({"on": false})).await;
    phone.reaches("home", "idle").await;
    let devices = site.admin.devices("alice").await.unwrap();
    let ours = devices.iter().find(|device| device.name != "Pixel").unwrap();
    site.admin.delete_device(ours.id).await.unwrap();
    // What it waits for ends with it.
    phone.reaches("result", "gone").await;
    look(phone, "gone").await;
}

async fn ways_of_a_person(phone: &mut WebPhone, site: &Site, look: &mut impl AsyncFnMut(&mut WebPhone, &str)) {
    site.app_of("alice").await;
    site.recovery_codes_of("alice").await;
    phone.tap("#ways").await;
    phone.reaches("ways", "listed").await;
    look(phone, "ways").await;
    for (button, screen) in [("#add-phone", "another"), ("#add-app", "totp")] {
        phone.tap(button).await;
        phone.reaches(screen, "waiting").await;
        look(phone, screen).await;
        phone.tap("#back").await;
        phone.reaches("ways", "listed").await;
    }
    phone.tap("#make-codes").await;
    phone.comes_to("codes-replace").await;
    phone.tap("#replace-yes").await;
    phone.reaches("codes", "made").await;
    look(phone, "codes").await;
    phone.tap("#done").await;
    phone.reaches("ways", "listed").await;
    phone.tap("#back").await;
    phone.reaches("account", "listed").await;
}

/// Where the pictures go; the folder lives as long as the second part.
fn place() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(kept) = std::env::var_os(KEEP) {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(kept);
        std::fs::create_dir_all(&place).unwrap();
        return (place, None);
    }
    let thrown_away = tempfile::tempdir().unwrap();
    (thrown_away.path().to_owned(), Some(thrown_away))
}

#[tokio::test]
async fn there_is_a_picture_of_every_screen() {
    let (place, _held) = place();
    let mut taken = 0;
    every_screen("en", async |phone: &mut WebPhone, screen: &str| {
        for theme in ["light", "dark"] {
            phone.order("theme", json!({"theme": theme})).await;
            let path = place.join(format!("phone-{screen}-{theme}.png"));
            phone.order("picture", json!({"path": path})).await;
            assert!(std::fs::metadata(&path).unwrap().len() > 1_000);
            taken += 1;
        }
        phone.order("theme", json!({"theme": "light"})).await;
    })
    .await;
    assert_eq!(taken, 2 * 23);
}
