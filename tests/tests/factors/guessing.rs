//! BF-03: however many guess, by however many ways, no more than the limit is evaluated, and the person is told once.

use std::sync::Arc;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::AccessRequest;
use gatematch_domain::limits::{COOLDOWN_AT, COOLDOWN_SECONDS, LOCK_AT};
use gatematch_protocol::challenge::{CreateChallenge, CreateClient};
use gatematch_protocol::problem::Code;
use gatematch_server::settings::Settings;
use gatematch_tests::front::{FrontDoor, ask};
use gatematch_tests::moves::{count, race, refusal, state};
use gatematch_tests::{Person, Site};

use super::{APPROVED, Cast, PENDING, login, wrong};

/// So many codes were evaluated: each of them is an event.
async fn evaluated(site: &Site) -> usize {
    let events = site.audit().await;
    count(&events, "challenge.passcode_failed") + count(&events, "connect.passcode_failed")
}

fn from(client: usize) -> CreateChallenge {
    let client = CreateClient { ip: None, name: Some(format!("PC-{client}")) };
    CreateChallenge { client: Some(client), ..login("alice") }
}

#[tokio::test]
async fn bf_03_cool_down_at_five_lock_at_ten_over_all_factors() {
    let cast = Cast::new().await;
    let app = cast.site.app_of("alice").await;
    let codes = cast.site.recovery_codes_of("alice").await;
    let pass = cast.site.pass_of("alice", 1).await;
    let code = cast.site.code(&app, 0);
    let tries = [code.reveal(), codes[0].reveal(), pass.pass.reveal(), "no code at all", "123"];
    for (number, right) in tries.into_iter().enumerate() {
        let login = cast.gateway.create(&from(number), None).await.unwrap();
        assert_eq!(state(&login), PENDING);
        let after = cast.gateway.passcode(login.id, &wrong(right)).await.unwrap();
        assert_eq!(state(&after), PENDING, "{number}");
        cast.gateway.cancel(login.id).await.unwrap();
    }
    // In the cool-down a right code is not spent either, and nothing is counted.
    assert_eq!(state(&cast.login().await), ("denied", Some("rate-limited")));
    cast.clock().advance(COOLDOWN_SECONDS);
    let later = cast.site.code(&app, 0);
    let login = cast.login().await;
    assert_eq!(state(&cast.gateway.passcode(login.id, later.reveal()).await.unwrap()), APPROVED);
    // A success forgets them all.
    for failures in 1..=LOCK_AT {
        let login = cast.gateway.create(&from(failures as usize), None).await.unwrap();
        assert_eq!(state(&login), PENDING, "{failures}");
        cast.gateway.passcode(login.id, &wrong(codes[0].reveal())).await.unwrap();
        // Out of the cool-down, and of the window of prompts.
        cast.clock().advance(600);
    }
    assert_eq!(state(&cast.login().await), ("denied", Some("locked")));
    assert!(cast.site.admin.get_user("alice").await.unwrap().locked);
    cast.site.admin.unlock("alice", "it was him").await.unwrap();
    cast.clock().advance(600);
    assert_eq!(state(&cast.login_with(codes[0].reveal()).await), APPROVED);
}

#[tokio::test]
async fn bf_03_the_third_wrong_code_ends_a_challenge_and_whoever_holds_none_costs_as_much() {
    let cast = Cast::new().await;
    cast.site.phone_of("alice").await;
    let login = cast.login().await;
    assert_eq!(login.methods, ["push"]);
    for _ in 0..2 {
        assert_eq!(state(&cast.gateway.passcode(login.id, "123456").await.unwrap()), PENDING);
    }
    let third = cast.gateway.passcode(login.id, "123456").await.unwrap();
    assert_eq!(state(&third), ("denied", Some("passcode")));
    assert_eq!(refusal(cast.gateway.passcode(login.id, "123456").await), Code::AlreadyDecided);
    assert_eq!(evaluated(&cast.site).await, 3);
}

/// How often a code is guessed, by three ways, from fifty addresses.
const GUESSERS: usize = 1_000;

/// One of them guesses as often as he is let; how often he was right.
async fn guess(number: usize, site: Arc<Site>, gateway: Arc<Gateway>, door: Arc<FrontDoor>) -> usize {
    let code = format!("{:06}", number * 7 % 1_000_000);
    match number % 4 {
        0 | 1 => {
            let Ok(login) = gateway.create(&from(number), None).await else { return 0 };
            let mut right = 0;
            for _ in 0..3 {
                right +=
                    usize::from(gateway.passcode(login.id, &code).await.is_ok_and(|view| view.status == "approved"));
            }
            right
        }
        2 => {
            let address = format!("198.51.100.{}", number % 50);
            let headers = [("x-forwarded-for", address.as_str()), ("content-type", "application/json")];
            let armed = site.api().raw("POST", "/connect/sessions", &headers, br#"{"user":"alice"}"#.to_vec()).await;
            let page = Browser::new(site.api());
            page.keep(&armed.unwrap());
            let mut right = 0;
            for _ in 0..10 {
                right += usize::from(page.passcode(&code).await.is_ok());
            }
            right
        }
        _ => {
            let nps = door.nps().await;
            let request = nps.request(AccessRequest::plain("alice").password(&code).machine("PC"));
            usize::from(ask(&nps, &request).await.is_accept())
        }
    }
}

#[tokio::test]
async fn bf_03_a_thousand_guess_at_once_over_http_radius_and_the_connect_page() {
    let behind = |settings: &mut Settings| settings.trusted_proxies = vec![[127, 0, 0, 1].into()];
    let site = Arc::new(Site::start_with(behind).await);
    let alice: Person = site.person("alice").await;
    site.app_of("alice").await;
    site.recovery_codes_of("alice").await;
    let gateway = Arc::new(site.gateway().await);
    let door = FrontDoor::of(&site, &gateway, "style = \"passcode\"\nfirst_factor = \"none\"\n").await;
    let door = Arc::new(door);
    let right: usize = race(GUESSERS, |number| {
        let (site, gateway, door) = (Arc::clone(&site), Arc::clone(&gateway), Arc::clone(&door));
        guess(number, site, gateway, door)
    })
    .await
    .into_iter()
    .sum();
    assert_eq!(right, 0, "by chance, one run in some 30,000 guesses right");
    let evaluated = evaluated(&site).await;
    assert!((COOLDOWN_AT as usize..=LOCK_AT as usize).contains(&evaluated), "{evaluated} codes were evaluated");
    let told = alice.phone.notices().await.unwrap();
    assert_eq!(told.iter().filter(|notice| notice.kind == "factor-failed").count(), 1, "the person is told once");
    let bob = site.person("bob").await;
    assert_eq!(state(&gateway.create(&bob.login(), None).await.unwrap()), PENDING, "nobody else notices");
}
