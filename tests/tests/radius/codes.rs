//! Codes through the front door, against the real server (contract section 8): in answer to an Access-Challenge, in the
//! password field, and on the connect page while RD Gateway waits.

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::radius::packet::code;
use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient};
use gatematch_client_sim::totp::App;
use gatematch_domain::username::Domains;
use gatematch_protocol::secret::Secret;
use gatematch_tests::Site;
use gatematch_tests::codes::bypass;
use gatematch_tests::front::{FrontDoor, ask, drops, rd_gateway};
use gatematch_tests::moves::{another_number, count, detail, only};

use super::{blind, shape};

const CHALLENGE: &str = "style = \"challenge\"";
const PASSCODE: &str = "style = \"passcode\"";
/// What whoever has codes alone is asked.
const QUESTION: &str = "Type the code from your authenticator app or a backup code";
/// What stands before the question after a wrong code.
const NOT_RIGHT: &str = "That code was not right. ";

const MADE: &str = "challenge.created";
const WRONG: &str = "challenge.passcode_failed";
const LET_IN: &str = "challenge.redeemed";

/// A site with `alice`, who has an authenticator app, and a front door before it.
struct Scene {
    site: Site,
    app: App,
    front: FrontDoor,
    nps: RadiusClient,
}

impl Scene {
    /// alice without a phone.
    async fn new(keys: &str) -> Self {
        let site = Site::start().await;
        site.user("alice").await;
        Self::at(site, keys).await
    }

    /// alice with a phone too.
    async fn with_phone(keys: &str) -> Self {
        let site = Site::start().await;
        site.person("alice").await;
        Self::at(site, keys).await
    }

    async fn at(site: Site, keys: &str) -> Self {
        let app = site.app_of("alice").await;
        let gateway = if keys.starts_with(CHALLENGE) { site.gateway().await } else { blind(&site).await };
        let front = FrontDoor::of(&site, &gateway, keys).await;
        let nps = front.nps().await;
        Self { site, app, front, nps }
    }

    fn code(&self) -> Secret {
        self.site.code(&self.app, 0)
    }

    /// A code that the app does not show.
    fn wrong(&self) -> String {
        another_number(self.code().reveal())
    }

    /// The answer to a login with this in the password field.
    async fn login(&self, typed: &str) -> Answer {
        ask(&self.nps, &self.nps.request(plain().password(typed))).await
    }

    /// The Access-Challenge to a login; its question.
    async fn begin(&self) -> (Answer, String) {
        self.asked(self.login("first factor").await)
    }

    fn asked(&self, answer: Answer) -> (Answer, String) {
        assert!(answer.is_challenge(), "{}", answer.name());
        let message = answer.reply_message().unwrap();
        (answer, message)
    }

    /// What is typed in answer to an Access-Challenge.
    async fn types(&self, challenge: &Answer, typed: &str) -> Answer {
        ask(&self.nps, &self.nps.request(plain().answering(challenge, typed))).await
    }

    async fn failures(&self) -> u32 {
        failures(&self.site).await
    }

    /// How many events of each of these kinds there are.
    async fn counted<const N: usize>(&self, kinds: [&str; N]) -> [usize; N] {
        let events = self.site.audit().await;
        kinds.map(|kind| count(&events, kind))
    }

    /// By what the one login that was let in was approved.
    async fn method(&self) -> String {
        let events = self.site.audit().await;
        only(&events, "challenge.redeemed");
        detail(only(&events, "challenge.approved"), "method")
    }
}

/// How many failures count against alice.
pub(super) async fn failures(site: &Site) -> u32 {
    let name = Domains::default().canonical("alice").unwrap();
    site.store().account(name).await.unwrap().unwrap().user.limits.failures()
}

fn plain() -> AccessRequest {
    AccessRequest::plain("alice").machine("CLIENT-PC")
}

#[tokio::test]
async fn whoever_has_both_is_told_of_both_and_a_code_lets_in_without_the_phone() {
    let scene = Scene::with_phone(CHALLENGE).await;
    let (asked, question) = scene.begin().await;
    let number = question.strip_prefix("Enter ").unwrap().strip_suffix(" in your phone. No phone? Type a backup code.");
    assert_eq!(number.map(str::len), Some(3), "{question}");
    assert!(scene.types(&asked, scene.code().reveal()).await.is_accept());
    assert_eq!(scene.method().await, "totp");
    assert_eq!((scene.failures().await, scene.counted([MADE, WRONG]).await), (0, [1, 0]));
    assert!(scene.types(&asked, scene.site.code(&scene.app, 30).reveal()).await.is_reject(), "a State is good once");
}

#[tokio::test]
async fn two_wrong_codes_are_asked_about_again_and_the_right_one_then_lets_in() {
    let scene = Scene::with_phone(CHALLENGE).await;
    let (mut asked, question) = scene.begin().await;
    for failures in 1..=2 {
        let before = asked;
        let again;
        (asked, again) = scene.asked(scene.types(&before, &scene.wrong()).await);
        assert_eq!(again, format!("{NOT_RIGHT}{question}"), "the number stays the same");
        assert_ne!(asked.state(), before.state());
        assert!(scene.types(&before, scene.code().reveal()).await.is_reject(), "a State is good once");
        assert_eq!(scene.failures().await, failures);
    }
    assert!(scene.types(&asked, scene.code().reveal()).await.is_accept());
    assert_eq!((scene.failures().await, scene.counted([MADE, WRONG, LET_IN]).await), (0, [1, 2, 1]));
}

#[tokio::test]
async fn the_third_wrong_code_is_the_last_one() {
    let scene = Scene::with_phone(CHALLENGE).await;
    let (mut asked, _) = scene.begin().await;
    for _ in 0..2 {
        (asked, _) = scene.asked(scene.types(&asked, &scene.wrong()).await);
    }
    let last = scene.types(&asked, &scene.wrong()).await;
    assert_eq!(shape(&last), (3, vec![80, 18], Some("The sign-in was not approved.".to_owned())));
    assert_eq!((scene.failures().await, scene.counted([MADE, WRONG, LET_IN]).await), (3, [1, 3, 0]));
    let events = scene.site.audit().await;
    assert_eq!(only(&events, "challenge.denied").reason.as_deref(), Some("passcode"));
    // The next login is one of its own, and a right code is still good.
    let (asked, _) = scene.begin().await;
    assert!(scene.types(&asked, scene.code().reveal()).await.is_accept());
    assert_eq!(scene.failures().await, 0);
}

#[tokio::test]
async fn whoever_has_codes_alone_is_asked_for_one_and_what_is_none_does_not_count() {
    let scene = Scene::new(CHALLENGE).await;
    let (mut asked, question) = scene.begin().await;
    assert_eq!(question, QUESTION);
    for no_code in ["", "ok", "12345"] {
        let again;
        (asked, again) = scene.asked(scene.types(&asked, no_code).await);
        assert_eq!(again, QUESTION, "{no_code:?}");
    }
    assert_eq!((scene.failures().await, scene.counted([WRONG]).await), (0, [0]));
    let again;
    (asked, again) = scene.asked(scene.types(&asked, &scene.wrong()).await);
    assert_eq!(again, format!("{NOT_RIGHT}{QUESTION}"));
    assert!(scene.types(&asked, scene.code().reveal()).await.is_accept());
    assert_eq!(scene.method().await, "totp");
    // Codes on paper, as they are typed.
    let codes = scene.site.recovery_codes_of("alice").await;
    let (asked, _) = scene.begin().await;
    assert!(scene.types(&asked, &codes[0].reveal().to_lowercase()).await.is_accept());
    let (asked, _) = scene.begin().await;
    assert!(scene.types(&asked, codes[0].reveal()).await.is_challenge(), "it is used");
    assert_eq!(scene.counted([MADE, LET_IN]).await, [3, 2]);
}

#[tokio::test]
async fn ra_04_a_second_request_that_is_sent_again_gets_the_same_bytes_and_counts_once() {
    let scene = Scene::with_phone(CHALLENGE).await;
    let (asked, _) = scene.begin().await;
    let mut last = asked;
    for (typed, is_accepted) in [(scene.wrong(), false), (scene.code().reveal().to_owned(), true)] {
        let request = scene.nps.request(plain().answering(&last, &typed));
        for _ in 0..5 {
            scene.nps.send_raw(&request.bytes).await.unwrap();
        }
        let first = ask(&scene.nps, &request).await;
        assert_eq!((first.is_challenge(), first.is_accept()), (!is_accepted, is_accepted), "{}", first.name());
        for _ in 0..5 {
            assert_eq!(ask(&scene.nps, &request).await.bytes, first.bytes);
        }
        scene.site.clock.advance(1);
        assert_eq!(ask(&scene.nps, &request).await.bytes, first.bytes);
        assert_eq!(scene.failures().await, u32::from(!is_accepted));
        last = first;
    }
    assert_eq!(scene.counted([MADE, WRONG, "challenge.approved", LET_IN]).await, [1, 1, 1, 1]);
}

#[tokio::test]
async fn the_password_typed_once_more_is_no_code_though_it_looks_like_one() {
    let (scene, password) = (Scene::new(CHALLENGE).await, "Passw0rd12");
    let (mut asked, _) = scene.asked(scene.login(password).await);
    for _ in 0..5 {
        let question;
        (asked, question) = scene.asked(scene.types(&asked, password).await);
        assert_eq!(question, QUESTION);
    }
    assert_eq!((scene.failures().await, scene.counted([WRONG]).await), (0, [0]));
    // It is a minute since he began: he had to look for it.
    scene.site.clock.advance(60);
    assert!(scene.types(&asked, scene.code().reveal()).await.is_accept());
    assert_eq!(scene.method().await, "totp");
}

#[tokio::test]
async fn a_code_in_the_password_field_lets_in_and_no_phone_is_waited_for() {
    let scene = Scene::with_phone(PASSCODE).await;
    let codes = scene.site.recovery_codes_of("alice").await;
    let mut seen = std::collections::BTreeSet::new();
    for no_code in ["hunter2", "12345", ""] {
        seen.insert(shape(&scene.login(no_code).await));
    }
    assert_eq!(scene.counted([MADE, "challenge.cancelled", WRONG]).await, [3, 3, 0], "nobody has a bypass");
    seen.insert(shape(&scene.login(&scene.wrong()).await));
    assert_eq!((seen.len(), seen.first().unwrap().0), (1, code::ACCESS_REJECT), "{seen:?}");
    assert_eq!((scene.failures().await, scene.counted([WRONG]).await), (1, [1]));
    assert!(scene.login(scene.code().reveal()).await.is_accept());
    assert!(scene.login(scene.code().reveal()).await.is_reject(), "it is used");
    assert!(scene.login(codes[7].reveal()).await.is_accept());
    assert_eq!(scene.counted([LET_IN]).await, [2]);
    // RD Gateway never sends one, and the administrator hears of it.
    assert!(ask(&scene.nps, &scene.nps.request(rd_gateway("alice"))).await.is_reject());
    let events = scene.site.audit_when(|events| !drops(events).is_empty()).await;
    assert_eq!(drops(&events), ["password-unreadable"]);
}

/// How many sign-ins passed by the one bypass of alice.
async fn passed(scene: &Scene) -> u32 {
    scene.site.admin.bypasses("alice").await.unwrap()[0].uses
}

#[tokio::test]
async fn a_bypass_lets_in_where_the_gateway_has_checked_the_password() {
    for style in ["style = \"hold\"", CHALLENGE, PASSCODE] {
        let scene = Scene::with_phone(style).await;
        scene.site.admin.bypass("alice", &bypass(Some(3))).await.unwrap();
        let answer = scene.login("first factor").await;
        assert!(answer.is_accept(), "{style}: {}", answer.name());
        assert_eq!((scene.method().await.as_str(), passed(&scene).await, scene.failures().await), ("bypass", 1, 0));
        // A code that stands there in the style `passcode` is not looked at.
        assert!(scene.login(&scene.wrong()).await.is_accept());
        assert_eq!((passed(&scene).await, scene.failures().await), (2, 0));
    }
}

#[tokio::test]
async fn a_bypass_lets_nobody_in_and_is_not_used_up_where_nobody_checks_a_password() {
    let scene = async |style: &str| {
        let scene = Scene::with_phone(&format!("{style}\nfirst_factor = \"none\"")).await;
        scene.site.admin.bypass("alice", &bypass(Some(1))).await.unwrap();
        scene
    };
    let hold = scene("style = \"hold\"").await;
    assert!(hold.login("first factor").await.is_reject(), "no page is open for the number");
    assert_eq!((hold.counted([LET_IN]).await, passed(&hold).await), ([0], 0));

    let challenge = scene(CHALLENGE).await;
    let (asked, _) = challenge.begin().await;
    let (asked, _) = challenge.asked(challenge.types(&asked, &challenge.wrong()).await);
    assert!(challenge.types(&asked, challenge.code().reveal()).await.is_accept());
    assert_eq!((challenge.method().await.as_str(), passed(&challenge).await), ("totp", 0));

    let passcode = scene(PASSCODE).await;
    assert!(passcode.login(&passcode.wrong()).await.is_reject());
    assert!(passcode.login(passcode.code().reveal()).await.is_accept());
    assert_eq!((passcode.method().await.as_str(), passed(&passcode).await), ("totp", 0));
}

/// RD Gateway, which sends no password, and alice before the connect page.
async fn before_the_page(scene: &Scene) -> Browser {
    let page = Browser::new(scene.site.api());
    page.arm("alice").await.unwrap();
    page
}

#[tokio::test]
async fn rd_gateway_lets_in_whoever_has_typed_a_code_on_the_page_before() {
    for (scene, has_phone) in [(Scene::with_phone("").await, true), (Scene::new("").await, false)] {
        let page = before_the_page(&scene).await;
        let view = page.passcode(scene.code().reveal()).await.unwrap();
        assert_eq!((view.state.as_str(), view.open_until.is_some()), ("armed", true));
        let request = scene.nps.request(rd_gateway("CONTOSO\\alice"));
        let answer = ask(&scene.nps, &request).await;
        assert!(answer.is_accept(), "{}", answer.name());
        assert_eq!(ask(&scene.nps, &request).await.bytes, answer.bytes, "RD Gateway asks again");
        assert_eq!((page.current().await.unwrap().state.as_str(), scene.method().await.as_str()), ("approved", "totp"));
        if has_phone {
            // It was for one, and there is nowhere to show the number of the next.
            assert!(ask(&scene.nps, &scene.nps.request(rd_gateway("alice"))).await.is_reject());
            assert_eq!(scene.counted(["challenge.approved", LET_IN, "challenge.denied"]).await, [1, 1, 1]);
        }
    }
}

#[tokio::test]
async fn rd_gateway_lets_in_whoever_types_a_code_on_the_page_while_it_waits() {
    for (scene, has_phone) in [(Scene::with_phone("").await, true), (Scene::new("").await, false)] {
        let page = before_the_page(&scene).await;
        let request = scene.nps.request(rd_gateway("CONTOSO\\alice").proxy_state(b"fe80::1"));
        let person = async {
            page.wait_for(|view| view.state == "confirm").await.unwrap();
            let view = page.confirm(true).await.unwrap();
            assert_eq!((view.state.as_str(), view.number.is_some()), ("number", has_phone));
            page.passcode(&scene.wrong()).await.unwrap_err();
            assert_eq!(page.passcode(scene.code().reveal()).await.unwrap().state, "approved");
        };
        let (answer, ()) = tokio::join!(ask(&scene.nps, &request), person);
        assert!(answer.is_accept(), "{}", answer.name());
        assert_eq!(scene.method().await, "totp");
        let events = scene.site.audit().await;
        assert_eq!(only(&events, LET_IN).number_match, Some(false), "no number was compared");
        assert_eq!((scene.failures().await, count(&events, "connect.passcode_failed")), (0, 1));
        scene.front.front.stop().await;
    }
}

#[tokio::test]
async fn a_code_on_the_page_is_a_factor_also_where_nobody_checks_a_password() {
    let site = Site::start().await;
    let gateway = site.gateway_named("Oslo gateway", false).await;
    site.user("alice").await;
    let codes = site.recovery_codes_of("alice").await;
    let door = FrontDoor::of(&site, &gateway, "first_factor = \"none\"").await;
    let nps = door.nps().await;
    let page = Browser::new(site.api());
    page.arm("alice").await.unwrap();
    page.passcode(codes[0].reveal()).await.unwrap();
    assert!(ask(&nps, &nps.request(rd_gateway("alice"))).await.is_accept());
}
