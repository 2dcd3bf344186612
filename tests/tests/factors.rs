//! Backup factors: codes of an app, recovery codes, access passes and bypasses (contract section 10; BF-01 to BF-06).

mod desk;
mod guessing;
mod notices;
mod own;
mod page;
mod review;
mod secrets;

use std::sync::Arc;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::authenticator::CreateAccessPass;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::problem::Code;
use gatematch_server::edge::Clock as _;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::{count, detail, only, race, refusal, state};
use gatematch_tests::{HeldClock, Site};

const PENDING: (&str, Option<&str>) = ("pending", None);
const APPROVED: (&str, Option<&str>) = ("approved", None);

/// A site, a gateway with a screen, and alice without a phone.
struct Cast {
    site: Site,
    gateway: Arc<Gateway>,
}

impl Cast {
    async fn new() -> Self {
        let site = Site::start().await;
        site.user("alice").await;
        let gateway = Arc::new(site.gateway().await);
        Self { site, gateway }
    }

    fn clock(&self) -> &HeldClock {
        &self.site.clock
    }

    async fn login(&self) -> ChallengeView {
        self.gateway.create(&login("alice"), None).await.unwrap()
    }

    /// A login, and what becomes of it with this code.
    async fn login_with(&self, code: &str) -> ChallengeView {
        let login = self.login().await;
        assert_eq!(state(&login), PENDING);
        self.gateway.passcode(login.id, code).await.unwrap()
    }

    /// The method and the `amr` of the result.
    async fn redeem(&self, login: &ChallengeView) -> (String, Vec<String>) {
        let redeemed = self.gateway.redeem(login.id, "r", 0).await.unwrap();
        let result = self.gateway.check_result(&redeemed).await.unwrap();
        assert_eq!((result.number_match, result.device), (false, None));
        (result.method, result.amr)
    }
}

fn login(user: &str) -> CreateChallenge {
    CreateChallenge { user: user.to_owned(), ..CreateChallenge::default() }
}

/// A code of the same shape that opens nothing.
fn wrong(code: &str) -> String {
    let turn = |c: char| match c {
        '0'..='8' => char::from(c as u8 + 1),
        '9' => '0',
        'A' => 'B',
        '-' => '-',
        _ => 'A',
    };
    code.chars().map(turn).collect()
}

#[tokio::test]
async fn whoever_has_codes_alone_signs_in_by_each_of_them() {
    let cast = Cast::new().await;
    let none = cast.login().await;
    assert_eq!((state(&none), none.methods.len()), (("denied", Some("not-enrolled")), 0));
    let app = cast.site.app_of("alice").await;
    let codes = cast.site.recovery_codes_of("alice").await;
    let pass = cast.site.pass_of("alice", 1).await;
    let asked = cast.login().await;
    assert_eq!((state(&asked), &asked.number), (PENDING, &None), "there is nobody to type a number");
    assert_eq!(asked.methods, ["totp", "recovery_code", "access_pass"]);
    let code = cast.site.code(&app, 0);
    for (code, method, amr) in [
        (code.reveal(), "totp", vec!["otp"]),
        (codes[3].reveal(), "recovery_code", vec!["otp"]),
        (pass.pass.reveal(), "access_pass", vec![]),
    ] {
        let approved = cast.login_with(code).await;
        assert_eq!(state(&approved), APPROVED, "{method}");
        assert_eq!(cast.redeem(&approved).await, (method.to_owned(), amr.into_iter().map(str::to_owned).collect()));
        let events = cast.site.audit_of(&approved).await;
        let event = only(&events, "challenge.approved");
        assert_eq!((detail(event, "method").as_str(), event.number_match), (method, Some(false)));
    }
    let user = cast.site.admin.get_user("alice").await.unwrap();
    assert_eq!(user.last_sign_in_at, Some(cast.clock().now()));
}

#[tokio::test]
async fn a_code_is_read_however_it_is_typed() {
    let cast = Cast::new().await;
    let codes = cast.site.recovery_codes_of("alice").await;
    let plain = codes[0].reveal().replace('-', "");
    let blanks = format!("  {} ", codes[1].reveal().replace('-', " ").to_lowercase());
    let alike = codes[2].reveal().replace('0', "o").replace('1', "l");
    for code in [plain, blanks, alike] {
        assert_eq!(state(&cast.login_with(&code).await), APPROVED, "{code}");
    }
    let app = cast.site.app_of("alice").await;
    let code = cast.site.code(&app, 0);
    let (front, back) = code.reveal().split_at(3);
    assert_eq!(state(&cast.login_with(&format!("{front} {back}")).await), APPROVED);
}

#[tokio::test]
async fn a_phone_and_a_code_stand_side_by_side_and_one_of_them_lets_in() {
    let cast = Cast::new().await;
    let phone = cast.site.phone_of("alice").await;
    let codes = cast.site.recovery_codes_of("alice").await;
    let login = cast.login().await;
    assert_eq!(login.methods, ["push", "recovery_code"]);
    assert!(login.number.is_some());
    let approved = cast.gateway.passcode(login.id, codes[0].reveal()).await.unwrap();
    assert_eq!(state(&approved), APPROVED);
    assert!(phone.waiting(0).await.unwrap().is_empty());
    assert_eq!(refusal(cast.gateway.passcode(login.id, codes[1].reveal()).await), Code::AlreadyDecided);
    let codes_alone = CreateChallenge { methods: Some(vec!["recovery_code".to_owned()]), ..login_by_alice() };
    let narrowed = cast.gateway.create(&codes_alone, None).await.unwrap();
    assert_eq!((narrowed.methods.as_slice(), &narrowed.number), (["recovery_code".to_owned()].as_slice(), &None));
    assert!(phone.waiting(0).await.unwrap().is_empty(), "the phone is not asked");
    let push_alone = CreateChallenge { methods: Some(vec!["push".to_owned()]), ..login_by_alice() };
    let narrowed = cast.gateway.create(&push_alone, None).await.unwrap();
    assert_eq!(narrowed.methods, ["push"]);
    let refused = cast.gateway.passcode(narrowed.id, codes[1].reveal()).await.unwrap();
    assert_eq!(state(&refused), PENDING, "a way that the challenge does not have");
    assert_eq!(state(&cast.login_with(codes[1].reveal()).await), APPROVED, "and it was not spent");
    let passes_alone = CreateChallenge { methods: Some(vec!["access_pass".to_owned()]), ..login_by_alice() };
    assert_eq!(state(&cast.gateway.create(&passes_alone, None).await.unwrap()), ("denied", Some("not-enrolled")));
}

fn login_by_alice() -> CreateChallenge {
    login("alice")
}

#[tokio::test]
async fn bf_01_a_recovery_code_thirty_times_at_once_lets_in_once() {
    let cast = Cast::new().await;
    let codes = cast.site.recovery_codes_of("alice").await;
    let code = codes[0].reveal().to_owned();
    let mut logins = Vec::new();
    for number in 0..3 {
        let mut body = login("alice");
        body.client =
            Some(gatematch_protocol::challenge::CreateClient { ip: None, name: Some(format!("PC-{number}")) });
        logins.push(cast.gateway.create(&body, None).await.unwrap().id);
    }
    let outcomes = race(30, |index| {
        let (gateway, code, id) = (Arc::clone(&cast.gateway), code.clone(), logins[index % 3]);
        async move { gateway.passcode(id, &code).await }
    })
    .await;
    let approved = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(|view| view.status == "approved"));
    assert_eq!(approved.count(), 1);
    let events = cast.site.audit().await;
    assert_eq!(count(&events, "challenge.approved"), 1);
    let left = cast.site.admin.authenticators("alice").await.unwrap();
    assert_eq!(left[0].left, Some(9));
}

#[tokio::test]
async fn bf_01_a_set_is_replaced_as_a_whole() {
    let cast = Cast::new().await;
    let old = cast.site.recovery_codes_of("alice").await;
    assert_eq!(old.len(), 10);
    let held = cast.login_with(old[0].reveal()).await;
    assert_eq!(state(&held), APPROVED);
    let new = cast.site.recovery_codes_of("alice").await;
    let ended = cast.gateway.redeem(held.id, "r", 0).await.unwrap();
    assert_eq!(state(&ended), ("denied", Some("revoked")), "what an old code has opened is closed again");
    assert_eq!(state(&cast.login_with(old[1].reveal()).await), PENDING);
    for code in &new {
        assert_eq!(state(&cast.login_with(code.reveal()).await), APPROVED);
    }
    assert_eq!(state(&cast.login().await), ("denied", Some("not-enrolled")), "all are used up");
}

#[tokio::test]
async fn bf_02_a_used_totp_code_works_no_more_by_any_way() {
    let cast = Cast::new().await;
    let app = cast.site.app_of("alice").await;
    let code = cast.site.code(&app, 0);
    assert_eq!(state(&cast.login_with(code.reveal()).await), APPROVED);
    assert_eq!(state(&cast.login_with(code.reveal()).await), PENDING, "at once");
    // By the other way: the connect page.
    let page = gatematch_client_sim::connect::Browser::new(cast.site.api());
    page.arm("alice").await.unwrap();
    assert_eq!(refusal(page.passcode(code.reveal()).await), Code::WrongCode);
    cast.clock().advance(31);
    assert_eq!(state(&cast.login_with(code.reveal()).await), PENDING, "31 seconds later it is one step off");
    let next = cast.site.code(&app, 0);
    assert_eq!(state(&cast.login_with(next.reveal()).await), APPROVED);
    // Setting the clock back makes no code good again.
    cast.clock().advance(-31);
    assert_eq!(state(&cast.login_with(code.reveal()).await), PENDING);
}

#[tokio::test]
async fn bf_02_the_code_that_confirms_an_app_is_used() {
    let cast = Cast::new().await;
    let created = cast.site.admin.add_totp("alice", &Default::default()).await.unwrap();
    let app = gatematch_client_sim::totp::App::from_uri(created.otpauth_uri.reveal()).unwrap();
    assert_eq!((app.issuer(), app.account()), (Some("Gatematch"), Some("alice")));
    let code = cast.site.code(&app, 0);
    assert_eq!(state(&cast.login().await), ("denied", Some("not-enrolled")), "one that is not confirmed is none");
    assert_eq!(cast.site.admin.confirm_totp("alice", created.id, code.reveal()).await.unwrap().id, created.id);
    assert_eq!(state(&cast.login_with(code.reveal()).await), PENDING);
    let again = cast.site.admin.confirm_totp("alice", created.id, code.reveal()).await;
    assert_eq!(refusal(again), Code::AuthenticatorConfirmed);
}

#[tokio::test]
async fn bf_04_clocks_may_be_one_step_off() {
    let cast = Cast::new().await;
    // The tests' clock stands at the beginning of a step.
    assert_eq!(cast.clock().now().numeric_date() % 30, 0);
    for (seconds, works) in [(-91, false), (-31, false), (-29, true), (29, true), (31, true), (59, true), (91, false)] {
        let site = Cast::new().await;
        let created = site.site.admin.add_totp("alice", &Default::default()).await.unwrap();
        let app = gatematch_client_sim::totp::App::from_uri(created.otpauth_uri.reveal()).unwrap();
        let long_ago = site.site.code(&app, -30);
        site.site.admin.confirm_totp("alice", created.id, long_ago.reveal()).await.unwrap();
        site.clock().advance(120);
        let code = site.site.code(&app, seconds);
        let expected = if works { APPROVED } else { PENDING };
        assert_eq!(state(&site.login_with(code.reveal()).await), expected, "{seconds} s");
    }
}

#[tokio::test]
async fn bf_05_a_pass_late_early_twice_and_for_another_user() {
    let cast = Cast::new().await;
    cast.site.user("bob").await;
    let starts_at = cast.clock().now().plus_seconds(600);
    let body = CreateAccessPass { expires_in: 600, starts_at: Some(starts_at), ..CreateAccessPass::default() };
    let pass = cast.site.admin.access_pass("alice", &body).await.unwrap();
    assert_eq!((pass.starts_at, pass.expires_at), (starts_at, cast.clock().now().plus_seconds(1_200)));
    assert_eq!(state(&cast.login().await), ("denied", Some("not-enrolled")), "early");
    let codes = cast.site.recovery_codes_of("alice").await;
    assert_eq!(state(&cast.login_with(pass.pass.reveal()).await), PENDING, "early");
    let other = cast.site.pass_of("bob", 1).await;
    cast.clock().advance(600);
    assert_eq!(state(&cast.login_with(other.pass.reveal()).await), PENDING, "another user's");
    assert_eq!(state(&cast.login_with(pass.pass.reveal()).await), APPROVED);
    assert_eq!(state(&cast.login_with(pass.pass.reveal()).await), PENDING, "twice");
    let second = cast.site.pass_of("alice", 2).await;
    let third = cast.site.pass_of("alice", 2).await;
    assert_eq!(state(&cast.login_with(second.pass.reveal()).await), PENDING, "the new one voids the old one");
    for _ in 0..2 {
        assert_eq!(state(&cast.login_with(third.pass.reveal()).await), APPROVED);
    }
    let last = cast.site.pass_of("alice", 2).await;
    cast.clock().advance(3_600);
    assert_eq!(state(&cast.login_with(last.pass.reveal()).await), PENDING, "late");
    assert_eq!(state(&cast.login_with(codes[0].reveal()).await), APPROVED);
}

#[tokio::test]
async fn a_bypass_passes_what_would_be_asked_and_has_an_end() {
    let cast = Cast::new().await;
    let made = cast.site.admin.bypass("alice", &bypass(Some(2))).await.unwrap();
    for _ in 0..2 {
        let passed = cast.login().await;
        assert_eq!((state(&passed), &passed.number), (APPROVED, &None));
        assert_eq!(cast.redeem(&passed).await, ("bypass".to_owned(), Vec::new()));
    }
    assert_eq!(state(&cast.login().await), ("denied", Some("not-enrolled")), "its uses are spent at create");
    cast.site.admin.remove_bypass("alice", made.id, None).await.unwrap();
    let open = cast.site.admin.bypass("alice", &bypass(None)).await.unwrap();
    let passed = cast.login().await;
    cast.site.admin.remove_bypass("alice", open.id, Some("over")).await.unwrap();
    let ended = cast.gateway.redeem(passed.id, "r", 0).await.unwrap();
    assert_eq!(state(&ended), ("denied", Some("revoked")), "an approval goes with its bypass");
    cast.site.admin.bypass("alice", &bypass(None)).await.unwrap();
    cast.site.lock("alice").await;
    assert_eq!(state(&cast.login().await), ("denied", Some("locked")), "a bypass opens no locked account");
    cast.site.unlock("alice").await;
    cast.clock().advance(3_599);
    assert_eq!(state(&cast.login().await), APPROVED);
    cast.clock().advance(1);
    assert_eq!(state(&cast.login().await), ("denied", Some("not-enrolled")));
    assert!(cast.site.admin.bypasses("alice").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bypass_is_no_success_of_a_factor() {
    let cast = Cast::new().await;
    let codes = cast.site.recovery_codes_of("alice").await;
    for _ in 0..4 {
        cast.login_with(&wrong(codes[0].reveal())).await;
    }
    let made = cast.site.admin.bypass("alice", &bypass(None)).await.unwrap();
    assert_eq!(state(&cast.login().await), APPROVED);
    cast.site.admin.remove_bypass("alice", made.id, None).await.unwrap();
    cast.login_with(&wrong(codes[0].reveal())).await;
    assert_eq!(
        state(&cast.login().await),
        ("denied", Some("rate-limited")),
        "the fifth failure cools down all the same"
    );
}
