//! A backup code on the connect page opens one sign-in.

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail, only, refusal, state};

use super::{APPROVED, PENDING, login, wrong};

struct Desk {
    site: Site,
    gateway: Gateway,
    page: Browser,
}

impl Desk {
    /// alice without a phone, before a page, and a gateway without a screen.
    async fn new() -> Self {
        let site = Site::start().await;
        site.user("alice").await;
        let gateway = site.gateway_named("Oslo gateway", false).await;
        let page = Browser::new(site.api());
        page.arm("alice").await.unwrap();
        Self { site, gateway, page }
    }

    async fn login(&self) -> ChallengeView {
        self.gateway.create(&login("alice"), None).await.unwrap()
    }
}

#[tokio::test]
async fn a_code_on_the_page_lets_in_the_one_sign_in_that_begins_next() {
    let desk = Desk::new().await;
    let codes = desk.site.recovery_codes_of("alice").await;
    let view = desk.page.passcode(codes[0].reveal()).await.unwrap();
    assert_eq!((view.state.as_str(), view.open_until), ("armed", Some(desk.site.clock.now_plus(60))));
    let first = desk.login().await;
    assert_eq!((state(&first), &first.number), (APPROVED, &None));
    let redeemed = desk.gateway.redeem(first.id, "r", 0).await.unwrap();
    let result = desk.gateway.check_result(&redeemed).await.unwrap();
    let told = (result.method.as_str(), result.display.as_str(), result.number_match);
    assert_eq!(told, ("recovery_code", "page", false));
    assert_eq!(desk.page.current().await.unwrap().state, "approved");
    assert_eq!(desk.page.cookies().len(), 2, "a browser by which a login was approved is known from now on");
    assert_eq!(state(&desk.login().await), PENDING, "it was for one");
    let events = desk.site.audit().await;
    assert_eq!(detail(only(&events, "connect.opened"), "method"), "recovery_code");
}

#[tokio::test]
async fn bf_05_a_page_is_not_open_for_longer_than_the_pass_that_opened_it() {
    let desk = Desk::new().await;
    let pass = desk.site.pass_of("alice", 1).await;
    desk.site.clock.advance(3_590);
    let page = Browser::new(desk.site.api());
    page.arm("alice").await.unwrap();
    assert_eq!(page.passcode(pass.pass.reveal()).await.unwrap().open_until, Some(pass.expires_at));
    desk.site.clock.advance(10);
    assert_eq!(state(&desk.login().await), ("denied", Some("not-enrolled")));
}

#[tokio::test]
async fn the_page_is_open_for_a_minute() {
    let desk = Desk::new().await;
    let codes = desk.site.recovery_codes_of("alice").await;
    desk.page.passcode(codes[0].reveal()).await.unwrap();
    desk.site.clock.advance(60);
    assert_eq!(desk.page.current().await.unwrap().open_until, None);
    assert_eq!(state(&desk.login().await), PENDING);
}

#[tokio::test]
async fn whoever_has_codes_alone_types_one_when_the_sign_in_waits() {
    let desk = Desk::new().await;
    let app = desk.site.app_of("alice").await;
    let waiting = desk.login().await;
    assert_eq!((state(&waiting), waiting.methods.as_slice()), (PENDING, ["totp".to_owned()].as_slice()));
    let code = desk.site.code(&app, 0);
    assert_eq!(refusal(desk.page.passcode(code.reveal()).await), Code::NothingToConfirm, "first: is it yours?");
    let view = desk.page.confirm(true).await.unwrap();
    assert_eq!((view.state.as_str(), view.number), ("number", None));
    assert_eq!(refusal(desk.page.passcode(&wrong(code.reveal())).await), Code::WrongCode);
    assert_eq!(desk.page.passcode(code.reveal()).await.unwrap().state, "approved");
    assert_eq!(state(&desk.gateway.get(waiting.id, 0).await.unwrap()), APPROVED);
    assert_eq!(refusal(desk.page.passcode(code.reveal()).await), Code::NothingToConfirm);
}

#[tokio::test]
async fn an_opened_page_and_a_second_sign_in_collide() {
    let desk = Desk::new().await;
    let codes = desk.site.recovery_codes_of("alice").await;
    let other = Browser::new(desk.site.api());
    other.arm("alice").await.unwrap();
    desk.page.passcode(codes[0].reveal()).await.unwrap();
    assert_eq!(state(&desk.login().await), ("denied", Some("superseded")), "two pages stand against each other");
    assert_eq!(desk.page.current().await.unwrap().state, "collision");
    desk.page.arm("alice").await.unwrap();
    other.arm("nobody").await.unwrap();
    desk.page.passcode(codes[1].reveal()).await.unwrap();
    let first = desk.login().await;
    assert_eq!(state(&first), APPROVED);
    let mut body = login("alice");
    body.client = Some(gatematch_protocol::challenge::CreateClient { ip: None, name: Some("EVIL".to_owned()) });
    let second = desk.gateway.create(&body, None).await.unwrap();
    assert_eq!(state(&second), ("denied", Some("superseded")));
    let ended = desk.gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!(state(&ended), ("cancelled", Some("superseded")), "nobody knows whose the code was for");
}

#[tokio::test]
async fn cn_05_wrong_codes_are_answered_alike_whoever_it_is_and_strangers_lock_nobody() {
    let site = Site::start_with(|settings| settings.trusted_proxies = vec![[127, 0, 0, 1].into()]).await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let arm = async |address: usize, user: &str| {
        let address = format!("203.0.113.{address}");
        let headers = [("x-forwarded-for", address.as_str()), ("content-type", "application/json")];
        let body = format!("{{\"user\":\"{user}\"}}").into_bytes();
        let armed = site.api().raw("POST", "/connect/sessions", &headers, body).await.unwrap();
        let page = Browser::new(site.api());
        page.keep(&armed);
        page
    };
    let mut answers = Vec::new();
    for round in 0..6 {
        for user in ["alice", "nobody", "x!"] {
            let page = arm(round * 3, user).await;
            for _ in 0..4 {
                let failure = page.passcode(&wrong(codes[0].reveal())).await.unwrap_err();
                let problem = failure.problem().unwrap().clone();
                answers.push((problem.status, problem.code, problem.detail, problem.more));
            }
        }
        site.clock.advance(601);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let events = site.audit().await;
    assert_eq!(count(&events, "connect.passcode_failed"), 5, "then strangers are not heard any more");
    assert!(!site.admin.get_user("alice").await.unwrap().locked);
    let gateway = site.gateway().await;
    let asked = gateway.create(&login("alice"), None).await.unwrap();
    assert_eq!(gateway.passcode(asked.id, codes[0].reveal()).await.unwrap().status, "approved");
    // An hour later they are heard again: also the person himself in a new browser.
    let page = arm(99, "alice").await;
    assert_eq!(page.passcode(codes[1].reveal()).await.unwrap().state, "armed");
}

#[tokio::test]
async fn a_deaf_page_opens_nothing_even_with_a_right_code() {
    let desk = Desk::new().await;
    let codes = desk.site.recovery_codes_of("alice").await;
    for _ in 0..3 {
        Browser::new(desk.site.api()).arm("alice").await.unwrap();
    }
    let deaf = Browser::new(desk.site.api());
    deaf.arm("alice").await.unwrap();
    assert_eq!(refusal(deaf.passcode(codes[0].reveal()).await), Code::WrongCode);
    assert_eq!(desk.site.admin.authenticators("alice").await.unwrap()[0].left, Some(10), "the code is not spent");
    assert_eq!(count(&desk.site.audit().await, "connect.passcode_failed"), 0);
}

#[tokio::test]
async fn a_locked_or_dormant_account_is_opened_by_no_page() {
    let desk = Desk::new().await;
    let codes = desk.site.recovery_codes_of("alice").await;
    desk.page.passcode(codes[0].reveal()).await.unwrap();
    desk.site.lock("alice").await;
    assert_eq!(state(&desk.login().await), ("denied", Some("locked")));
    assert_eq!(refusal(desk.page.passcode(codes[1].reveal()).await), Code::WrongCode);
    let site = Site::start_with(|settings| settings.dormant_after = Some(86_400)).await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    site.clock.advance(86_400);
    let page = Browser::new(site.api());
    page.arm("alice").await.unwrap();
    assert_eq!(refusal(page.passcode(codes[0].reveal()).await), Code::WrongCode);
    let gateway = site.gateway().await;
    assert_eq!(state(&gateway.create(&login("alice"), None).await.unwrap()), ("denied", Some("locked")));
    assert_eq!(site.admin.dormant_users(1).await.unwrap().items.len(), 1);
    site.admin.unlock("alice", "he is back").await.unwrap();
    let asked = gateway.create(&login("alice"), None).await.unwrap();
    assert_eq!(gateway.passcode(asked.id, codes[0].reveal()).await.unwrap().status, "approved");
    assert_eq!(site.admin.dormant_users(1).await.unwrap().items.len(), 0);
}
