//! What a review by fresh eyes found, one by one.

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::failure::Failure;
use gatematch_domain::limits::MAX_OWN_CHANGES;
use gatematch_domain::role::Role;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_tests::Site;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::{count, refusal, state};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{APPROVED, Cast, PENDING, login, wrong};

/// A page that waits for alice's sign-in, and a gateway without a screen.
async fn desk(site: &Site) -> (Browser, gatematch_client_sim::gateway::Gateway) {
    let page = Browser::new(site.api());
    page.arm("alice").await.unwrap();
    (page, site.gateway_named("Blind gateway", false).await)
}

#[tokio::test]
async fn cn_05_a_page_that_is_over_says_so_whoever_has_its_name() {
    let site = Site::start().await;
    site.user("alice").await;
    let pages = [Browser::new(site.api()), Browser::new(site.api())];
    for (page, user) in pages.iter().zip(["alice", "nobody"]) {
        page.arm(user).await.unwrap();
    }
    site.clock.advance(121);
    for page in &pages {
        let failure = page.passcode("123456").await.unwrap_err();
        let problem = failure.problem().unwrap().clone();
        assert_eq!((problem.status, problem.code.as_str()), (409, "nothing-to-confirm"));
        assert_eq!(problem.more["state"], "expired");
    }
    for (page, user) in pages.iter().zip(["alice", "nobody"]) {
        let copy = Browser::with_cookies(site.api(), page.cookies());
        page.arm(user).await.unwrap();
        assert_eq!(refusal(copy.passcode("123456").await), Code::CredentialInvalid, "{user}: it was armed anew");
    }
}

#[tokio::test]
async fn the_last_use_of_a_pass_opens_the_page_for_whoever_has_nothing_else() {
    let site = Site::start().await;
    site.user("alice").await;
    let pass = site.pass_of("alice", 1).await;
    let (page, gateway) = desk(&site).await;
    page.passcode(pass.pass.reveal()).await.unwrap();
    let opened = gateway.create(&login("alice"), None).await.unwrap();
    assert_eq!((state(&opened), opened.methods.as_slice()), (APPROVED, ["access_pass".to_owned()].as_slice()));
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), ("denied", Some("not-enrolled")));
}

#[tokio::test]
async fn a_page_that_was_opened_before_a_lock_stays_closed_after_it() {
    let site = Site::start().await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let (page, gateway) = desk(&site).await;
    page.passcode(codes[0].reveal()).await.unwrap();
    site.clock.advance(1);
    site.lock("alice").await;
    site.unlock("alice").await;
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), PENDING);
    page.arm("alice").await.unwrap();
    let status = |word: &str| PutUser { status: Some(word.to_owned()), ..PutUser::default() };
    site.clock.advance(600);
    page.arm("alice").await.unwrap();
    page.passcode(codes[1].reveal()).await.unwrap();
    site.clock.advance(1);
    site.admin.put_user("alice", &status("disabled")).await.unwrap();
    site.admin.put_user("alice", &status("active")).await.unwrap();
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), PENDING);
}

#[tokio::test]
async fn an_opened_page_lets_in_by_a_way_that_the_gateway_takes_and_is_still_there() {
    let site = Site::start().await;
    site.person("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let (page, gateway) = desk(&site).await;
    page.passcode(codes[0].reveal()).await.unwrap();
    let push_alone = CreateChallenge { methods: Some(vec!["push".to_owned()]), ..login("alice") };
    let asked = gateway.create(&push_alone, None).await.unwrap();
    assert_eq!((state(&asked), asked.methods.as_slice()), (PENDING, ["push".to_owned()].as_slice()));
    assert_eq!(page.current().await.unwrap().state, "confirm", "nobody has seen whose it is");
    gateway.cancel(asked.id).await.unwrap();
    // A set that is replaced takes what it has opened along.
    page.arm("alice").await.unwrap();
    page.passcode(codes[1].reveal()).await.unwrap();
    site.recovery_codes_of("alice").await;
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), PENDING);
    assert_eq!(page.current().await.unwrap().state, "confirm");
}

#[tokio::test]
async fn a_computer_that_a_typed_code_let_in_is_not_known_by_it() {
    let site = Site::start().await;
    site.person("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let (page, gateway) = desk(&site).await;
    let from = |name: &str| CreateChallenge {
        client: Some(gatematch_protocol::challenge::CreateClient { ip: None, name: Some(name.to_owned()) }),
        ..login("alice")
    };
    page.passcode(codes[0].reveal()).await.unwrap();
    let first = gateway.create(&from("ATTACKER-PC"), None).await.unwrap();
    assert_eq!(state(&first), APPROVED);
    gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!(page.current().await.unwrap().state, "approved");
    page.arm("alice").await.unwrap();
    gateway.create(&from("ATTACKER-PC"), None).await.unwrap();
    assert_eq!(page.current().await.unwrap().state, "confirm");
}

#[tokio::test]
async fn bf_03_a_failure_that_nobody_was_told_of_does_not_silence_the_next() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    alice.mistype(&asked).await;
    assert!(alice.phone.notices().await.unwrap().is_empty(), "her only phone is where it happened");
    let asked = gateway.create(&alice.login(), None).await.unwrap();
    gateway.passcode(asked.id, "123456").await.unwrap();
    gateway.passcode(asked.id, "123456").await.unwrap();
    let told = alice.phone.notices().await.unwrap();
    assert_eq!(told.iter().filter(|notice| notice.kind == "factor-failed").count(), 1);
}

#[tokio::test]
async fn ad_01_whoever_comes_under_protection_loses_what_the_helpdesk_made() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    site.person("bob").await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    helpdesk.bypass("bob", &bypass(None)).await.unwrap();
    site.pass_of("bob", 9).await;
    let groups = |name: &str| PutUser { groups: Some(vec![name.to_owned()]), ..PutUser::default() };
    site.admin.put_user("bob", &groups("Staff")).await.unwrap();
    assert_eq!(site.admin.authenticators("bob").await.unwrap().len(), 2);
    site.admin.put_user("bob", &groups("domain ADMINS")).await.unwrap();
    assert_eq!(site.admin.authenticators("bob").await.unwrap().len(), 1, "his phone stays");
    assert!(site.admin.bypasses("bob").await.unwrap().is_empty());
    let gateway = site.gateway().await;
    assert_eq!(state(&gateway.create(&login("bob"), None).await.unwrap()), PENDING);
}

#[tokio::test]
async fn a_name_alone_uses_up_no_bypass_where_a_factor_is_required() {
    let cast = Cast::new().await;
    cast.site.admin.bypass("alice", &bypass(Some(1))).await.unwrap();
    let codes = cast.site.recovery_codes_of("alice").await;
    let required = CreateChallenge { factor_required: Some(true), ..login("alice") };
    let asked = cast.gateway.create(&required, None).await.unwrap();
    assert_eq!(state(&asked), PENDING);
    assert_eq!(state(&cast.gateway.passcode(asked.id, codes[0].reveal()).await.unwrap()), APPROVED);
    assert_eq!(state(&cast.login().await), APPROVED, "the bypass is still there for a gateway that has a password");
}

#[tokio::test]
async fn a_phone_changes_twenty_things_in_ten_minutes() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    for turn in 0..MAX_OWN_CHANGES {
        if turn % 2 == 0 {
            alice.phone.enroll_another(None).await.unwrap();
        } else {
            alice.phone.rename(alice.phone.device_id().unwrap(), &format!("Pixel {turn}")).await.unwrap();
        }
    }
    for failure in [alice.phone.enroll_another(None).await.err(), alice.phone.recovery_codes().await.err()] {
        assert_eq!(failure.as_ref().and_then(Failure::code), Some(Code::Overloaded));
    }
    site.clock.advance(601);
    alice.phone.recovery_codes().await.unwrap();
}

#[tokio::test]
async fn a_lock_by_a_second_reason_is_remembered() {
    let cast = Cast::new().await;
    cast.site.admin.lock("alice", "too many failures").await.unwrap();
    cast.site.admin.lock("alice", "dismissed: never unlock").await.unwrap();
    let account = cast.site.store().account(name()).await.unwrap().unwrap();
    assert_eq!(account.user.locked.as_deref(), Some("dismissed: never unlock"));
    assert_eq!(count(&cast.site.audit().await, "user.locked"), 2);
    for blank in [" ", "\u{200b}", "--", "\u{202e}"] {
        assert_eq!(refusal(cast.site.admin.unlock("alice", blank).await), Code::InvalidValue, "{blank:?}");
    }
}

fn name() -> gatematch_domain::username::Username {
    gatematch_domain::username::Domains::default().canonical("alice").unwrap()
}

#[tokio::test]
async fn codes_from_pages_are_counted_whatever_becomes_of_them() {
    let site = Site::start().await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let (page, _) = desk(&site).await;
    site.clock.advance(121);
    let mut answers = Vec::new();
    for _ in 0..302 {
        let failure = page.passcode(&wrong(codes[0].reveal())).await.unwrap_err();
        answers.push(failure.status().unwrap());
    }
    assert!(answers[..300].iter().all(|status| *status == 409) && answers[300..] == [429, 429], "{answers:?}");
}

#[tokio::test]
async fn strangers_pause_an_account_once_an_hour_and_a_success_is_no_new_chance() {
    let site = Site::start().await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let (first, gateway) = desk(&site).await;
    let second = Browser::new(site.api());
    second.arm("alice").await.unwrap();
    for page in [&first, &first, &first, &second, &second] {
        assert_eq!(refusal(page.passcode(&wrong(codes[0].reveal())).await), Code::WrongCode);
    }
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), ("denied", Some("superseded")));
    site.clock.advance(300);
    let screen = site.gateway().await;
    let asked = screen.create(&login("alice"), None).await.unwrap();
    assert_eq!(screen.passcode(asked.id, codes[0].reveal()).await.unwrap().status, "approved");
    site.clock.advance(601);
    let third = Browser::new(site.api());
    third.arm("alice").await.unwrap();
    assert_eq!(refusal(third.passcode(codes[1].reveal()).await), Code::WrongCode, "nobody looked at it");
    site.clock.advance(3_600);
    third.arm("alice").await.unwrap();
    assert_eq!(third.passcode(codes[1].reveal()).await.unwrap().state, "armed");
}

#[tokio::test]
async fn one_phone_keeps_no_other_from_removing_it() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let stolen = site.phone_of("alice").await;
    for _ in 0..MAX_OWN_CHANGES {
        stolen.enroll_another(None).await.unwrap();
    }
    assert_eq!(stolen.recovery_codes().await.unwrap_err().code(), Some(Code::Overloaded));
    alice.phone.rename(alice.phone.device_id().unwrap(), "Mine").await.unwrap();
    alice.phone.remove_phone(stolen.device_id().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_seed_that_does_not_open_locks_nobody_out_of_his_account() {
    let site = Site::start().await;
    site.user("alice").await;
    let app = site.app_of("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let mut conn = SqliteConnectOptions::new().filename(&site.settings().database).connect().await.unwrap();
    let spoil = "UPDATE factors SET secret = substr(secret, 1, length(secret) - 4) || 'AAAA' WHERE secret IS NOT NULL";
    sqlx::query(spoil).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let all = site.admin.authenticators("alice").await.unwrap();
    let spoilt = all.iter().find(|one| one.kind == "totp").unwrap();
    assert_eq!(spoilt.status, "unreadable");
    let gateway = site.gateway().await;
    let asked = gateway.create(&login("alice"), None).await.unwrap();
    assert_eq!(asked.methods, ["recovery_code"]);
    let code = site.code(&app, 0);
    assert_eq!(state(&gateway.passcode(asked.id, code.reveal()).await.unwrap()), PENDING);
    assert_eq!(state(&gateway.passcode(asked.id, codes[0].reveal()).await.unwrap()), APPROVED);
    let id = spoilt.id.parse().unwrap();
    assert_eq!(refusal(site.admin.confirm_totp("alice", id, "000000").await), Code::NotFound);
    site.admin.lock("alice", "a look at her account").await.unwrap();
    site.admin.remove_authenticator("alice", &spoilt.id, Some("damaged")).await.unwrap();
    assert_eq!(site.admin.authenticators("alice").await.unwrap().len(), 1);
}
