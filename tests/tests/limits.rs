//! What counts against a user: prompts, denials, reports and failures (CH-01, AP-06, AP-09, BF-03).

use std::sync::Arc;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::{ChallengeView, CreateClient};
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_tests::moves::{count, detail, only, race, refusal, state};
use gatematch_tests::{Person, Site};

const PENDING: (&str, Option<&str>) = ("pending", None);
const LIMITED: (&str, Option<&str>) = ("denied", Some("rate-limited"));
const LOCKED: (&str, Option<&str>) = ("denied", Some("locked"));

struct Cast {
    site: Site,
    gateway: Arc<Gateway>,
    alice: Arc<Person>,
}

impl Cast {
    async fn new() -> Self {
        let site = Site::start().await;
        let gateway = Arc::new(site.gateway().await);
        let alice = Arc::new(site.person("alice").await);
        Self { site, gateway, alice }
    }

    async fn login_from(&self, client: &str) -> ChallengeView {
        self.gateway.create(&self.alice.login_from(client), None).await.unwrap()
    }

    /// A login that must be asked.
    async fn asked(&self) -> ChallengeView {
        let login = self.login_from("CLIENT-PC").await;
        assert_eq!(state(&login), PENDING);
        login
    }

    /// The limit that refuses a login now, in the word of the audit log.
    async fn limit(&self, client: &str) -> String {
        let login = self.login_from(client).await;
        assert_eq!(state(&login), LIMITED);
        assert_eq!(login.number, None);
        detail(only(&self.site.audit_of(&login).await, "challenge.denied"), "limit")
    }
}

#[tokio::test]
async fn three_wait_and_the_fourth_is_refused() {
    let cast = Cast::new().await;
    let mut body = cast.alice.login_from("PC-1");
    body.expires_in = Some(30);
    let first = cast.gateway.create(&body, None).await.unwrap();
    let second = cast.login_from("PC-2").await;
    let third = cast.login_from("PC-3").await;
    assert_eq!(cast.limit("PC-4").await, "pending");
    // A retry takes the place of its own challenge.
    let retry = cast.login_from("PC-3").await;
    assert_eq!(state(&retry), PENDING);
    assert_eq!(state(&cast.gateway.get(third.id, 0).await.unwrap()), ("cancelled", Some("superseded")));
    assert_eq!(cast.limit("PC-4").await, "pending");
    let waiting = cast.alice.phone.waiting(0).await.unwrap();
    assert_eq!(waiting.len(), 3);
    // One that runs out makes room, and so does one that is decided or taken back.
    cast.site.clock.advance(30);
    assert_eq!(state(&cast.gateway.get(first.id, 0).await.unwrap()), ("expired", Some("timeout")));
    assert_eq!(state(&cast.login_from("PC-4").await), PENDING);
    cast.gateway.cancel(second.id).await.unwrap();
    assert_eq!(state(&cast.login_from("PC-5").await), PENDING);
    cast.alice.deny(&retry).await;
    assert_eq!(state(&cast.login_from("PC-6").await), PENDING);
    assert_eq!(cast.limit("PC-7").await, "pending");
}

#[tokio::test]
async fn an_approval_that_waits_for_its_gateway_is_not_pending() {
    let cast = Cast::new().await;
    for client in ["PC-1", "PC-2", "PC-3"] {
        let login = cast.login_from(client).await;
        cast.alice.approve(&login).await;
    }
    for client in ["PC-4", "PC-5", "PC-6"] {
        assert_eq!(state(&cast.login_from(client).await), PENDING);
    }
    assert_eq!(cast.limit("PC-7").await, "pending");
}

#[tokio::test]
async fn ten_prompts_in_ten_minutes_and_a_success_forgets_them() {
    let cast = Cast::new().await;
    let bob = cast.site.person("bob").await;
    let mut last = cast.asked().await;
    for _ in 1..10 {
        cast.site.clock.advance(1);
        last = cast.asked().await;
    }
    assert_eq!(cast.limit("CLIENT-PC").await, "prompts");
    // Limits apply after supersession: the tenth has gone all the same.
    assert_eq!(state(&cast.gateway.get(last.id, 0).await.unwrap()), ("cancelled", Some("superseded")));
    assert_eq!(cast.limit("OTHER-PC").await, "prompts");
    assert_eq!(state(&cast.gateway.create(&bob.login(), None).await.unwrap()), PENDING);
    cast.site.clock.advance(590);
    assert_eq!(cast.limit("CLIENT-PC").await, "prompts");
    cast.site.clock.advance(1);
    let login = cast.asked().await;
    assert_eq!(cast.limit("CLIENT-PC").await, "prompts");
    assert_eq!(state(&cast.gateway.get(login.id, 0).await.unwrap()), ("cancelled", Some("superseded")));
    // A success resets the count.
    cast.site.clock.advance(600);
    for _ in 0..9 {
        cast.asked().await;
    }
    let login = cast.asked().await;
    cast.alice.approve(&login).await;
    for _ in 0..10 {
        cast.asked().await;
    }
    assert_eq!(cast.limit("CLIENT-PC").await, "prompts");
}

#[tokio::test]
async fn denials_in_a_row_are_answered_with_silence() {
    let cast = Cast::new().await;
    let login = cast.asked().await;
    cast.alice.deny(&login).await;
    for wait in [60, 120, 240, 480, 900, 900] {
        // Allowed again, and denied again.
        let login = cast.asked().await;
        cast.alice.deny(&login).await;
        assert_eq!(cast.limit("CLIENT-PC").await, "backoff", "{wait}");
        assert_eq!(cast.limit("OTHER-PC").await, "backoff", "{wait}");
        cast.site.clock.advance(wait - 1);
        assert_eq!(cast.limit("CLIENT-PC").await, "backoff", "{wait}");
        cast.site.clock.advance(1);
    }
    let login = cast.asked().await;
    cast.alice.approve(&login).await;
    for _ in 0..2 {
        let login = cast.asked().await;
        cast.alice.deny(&login).await;
    }
    assert_eq!(cast.limit("CLIENT-PC").await, "backoff");
    cast.site.clock.advance(60);
    cast.asked().await;
}

#[tokio::test]
async fn wrong_numbers_reports_and_refusals_are_no_denials() {
    let cast = Cast::new().await;
    for client in ["PC-1", "PC-2"] {
        let login = cast.login_from(client).await;
        cast.alice.mistype(&login).await;
        let login = cast.login_from(client).await;
        cast.alice.report(&login).await;
        assert_eq!(cast.limit(client).await, "reported");
    }
    let login = cast.asked().await;
    cast.alice.deny(&login).await;
    cast.asked().await;
}

#[tokio::test]
async fn a_report_cools_user_gateway_and_client_name() {
    let cast = Cast::new().await;
    let other = cast.site.gateway_named("Bergen gateway", true).await;
    let bob = cast.site.person("bob").await;
    let login = cast.login_from("Laptop").await;
    cast.alice.report(&login).await;
    let from = |name: &str, ip: Option<&str>| {
        let mut body = cast.alice.login_from(name);
        body.client = Some(CreateClient { ip: ip.map(str::to_owned), name: Some(name.to_owned()) });
        body
    };
    // Another address does not help whoever it was, nor another spelling of the name.
    for same in [from("Laptop", Some("198.51.100.1")), from("Laptop", None), from("LAPTOP", None)] {
        assert_eq!(state(&cast.gateway.create(&same, None).await.unwrap()), LIMITED);
    }
    // The address alone is nobody's fault.
    assert_eq!(state(&cast.login_from("Desktop").await), PENDING);
    assert_eq!(state(&other.create(&cast.alice.login_from("Laptop"), None).await.unwrap()), PENDING);
    assert_eq!(state(&cast.gateway.create(&bob.login_from("Laptop"), None).await.unwrap()), PENDING);
    let mut nameless = cast.alice.login();
    nameless.client = None;
    let nameless_login = cast.gateway.create(&nameless, None).await.unwrap();
    assert_eq!(state(&nameless_login), PENDING);
    // A success elsewhere does not lift it; a quarter of an hour does.
    cast.alice.approve(&nameless_login).await;
    assert_eq!(cast.limit("Laptop").await, "reported");
    cast.site.clock.advance(899);
    assert_eq!(cast.limit("Laptop").await, "reported");
    cast.site.clock.advance(1);
    let login = cast.login_from("Laptop").await;
    assert_eq!(state(&login), PENDING);
    // A login without a client name is cooled by itself.
    let nameless_login = cast.gateway.create(&nameless, None).await.unwrap();
    cast.alice.report(&nameless_login).await;
    assert_eq!(state(&cast.gateway.create(&nameless, None).await.unwrap()), LIMITED);
    assert_eq!(state(&cast.login_from("Desktop").await), PENDING);
}

#[tokio::test]
async fn five_failures_cool_down_and_ten_lock_over_all_challenges() {
    let cast = Cast::new().await;
    for failure in 1..=10 {
        let login = cast.asked().await;
        if failure == 10 {
            // Another login waits while the last failure happens.
            let beside = cast.login_from("OTHER-PC").await;
            cast.alice.mistype(&login).await;
            assert_eq!(state(&cast.gateway.get(beside.id, 0).await.unwrap()), LOCKED);
            break;
        }
        cast.alice.mistype(&login).await;
        if failure == 5 {
            assert_eq!(cast.limit("CLIENT-PC").await, "cooldown");
            assert_eq!(cast.limit("OTHER-PC").await, "cooldown");
            cast.site.clock.advance(299);
            assert_eq!(cast.limit("CLIENT-PC").await, "cooldown");
            // The cool-down ends; some time later the prompts are forgotten as well.
            cast.site.clock.advance(1);
            cast.asked().await;
            cast.site.clock.advance(300);
        }
    }
    assert_eq!(state(&cast.login_from("CLIENT-PC").await), LOCKED);
    cast.site.clock.advance(86_400);
    assert_eq!(state(&cast.login_from("CLIENT-PC").await), LOCKED);
    assert!(cast.site.admin.get_user("alice").await.unwrap().locked);
    let events = cast.site.audit().await;
    assert_eq!((count(&events, "user.cooled_down"), count(&events, "user.locked")), (1, 1));
    // Unlocked, he begins anew.
    cast.site.unlock("alice").await;
    for _ in 0..4 {
        let login = cast.asked().await;
        cast.alice.mistype(&login).await;
    }
    let login = cast.asked().await;
    cast.alice.approve(&login).await;
}

#[tokio::test]
async fn a_success_forgets_the_failures() {
    let cast = Cast::new().await;
    for _ in 0..3 {
        for _ in 0..4 {
            let login = cast.asked().await;
            cast.alice.mistype(&login).await;
        }
        let login = cast.asked().await;
        cast.alice.approve(&login).await;
        cast.gateway.redeem(login.id, "r", 0).await.unwrap();
    }
    let events = cast.site.audit().await;
    assert_eq!((count(&events, "user.cooled_down"), count(&events, "challenge.redeemed")), (0, 3));
}

#[tokio::test]
async fn three_wrong_passcodes_end_a_challenge_and_count_with_the_wrong_numbers() {
    let cast = Cast::new().await;
    let login = cast.asked().await;
    // What is no passcode at all is no try.
    for body in [r#"{"passcode":123456}"#, r#"{"passcode":null}"#, "{}", r#"{"passcode":"1","more":1}"#] {
        let path = format!("/v1/challenges/{}/passcode", login.id);
        let answer = cast.gateway.call("POST", &path, Some(body.into())).await.unwrap();
        assert_eq!(refusal(answer.success()), Code::MalformedBody);
    }
    for _ in 0..2 {
        let view = cast.gateway.passcode(login.id, "123456").await.unwrap();
        assert_eq!(state(&view), PENDING);
        assert_eq!(view.number, login.number);
    }
    let view = cast.gateway.passcode(login.id, "123456").await.unwrap();
    assert_eq!(state(&view), ("denied", Some("passcode")));
    assert_eq!(refusal(cast.gateway.passcode(login.id, "123456").await), Code::AlreadyDecided);
    assert_eq!(count(&cast.site.audit_of(&login).await, "challenge.passcode_failed"), 3);
    // The fourth and fifth failure are of another kind.
    let login = cast.asked().await;
    cast.alice.mistype(&login).await;
    let beside = cast.login_from("OTHER-PC").await;
    let login = cast.asked().await;
    cast.alice.mistype(&login).await;
    assert_eq!(cast.limit("CLIENT-PC").await, "cooldown");
    // In the cool-down a code ends the challenge and is not even counted.
    assert_eq!(state(&cast.gateway.passcode(beside.id, "123456").await.unwrap()), LIMITED);
    assert_eq!(count(&cast.site.audit_of(&beside).await, "challenge.passcode_failed"), 0);
    cast.site.clock.advance(300);
    for _ in 6..10 {
        let login = cast.asked().await;
        cast.gateway.passcode(login.id, "123456").await.unwrap();
    }
    let login = cast.asked().await;
    assert_eq!(state(&cast.gateway.passcode(login.id, "123456").await.unwrap()), LOCKED);
    assert_eq!(refusal(cast.gateway.passcode(login.id, "123456").await), Code::AlreadyDecided);
    let events = cast.site.audit().await;
    assert_eq!((count(&events, "challenge.passcode_failed"), count(&events, "user.locked")), (8, 1));
    let nobody = Person { name: "nobody".to_owned(), phone: cast.site.blank_phone() };
    let nobody = cast.gateway.create(&nobody.login(), None).await.unwrap();
    assert_eq!(refusal(cast.gateway.passcode(nobody.id, "123456").await), Code::AlreadyDecided);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bf_03_hundreds_of_guesses_at_once_are_no_more_than_the_limit() {
    let cast = Cast::new().await;
    let mut logins = Vec::new();
    for client in ["PC-1", "PC-2", "PC-3"] {
        logins.push(cast.login_from(client).await);
    }
    let outcomes = race(180, |index| {
        let (gateway, id) = (Arc::clone(&cast.gateway), logins[index % 3].id);
        async move { gateway.passcode(id, "123456").await }
    })
    .await;
    for outcome in outcomes {
        match outcome {
            Ok(view) => {
                assert!([PENDING, LIMITED, ("denied", Some("passcode"))].contains(&state(&view)), "{:?}", state(&view));
            }
            refused => assert_eq!(refusal(refused), Code::AlreadyDecided),
        }
    }
    for login in &logins {
        assert_eq!(cast.gateway.get(login.id, 0).await.unwrap().status, "denied");
    }
    let events = cast.site.audit().await;
    // Five are evaluated; then the account cools down, and the challenges end uncounted.
    assert_eq!((count(&events, "challenge.passcode_failed"), count(&events, "user.cooled_down")), (5, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ch_01_a_flood_for_one_user_prompts_him_rarely_and_others_do_not_notice() {
    let cast = Cast::new().await;
    let bob = cast.site.person("bob").await;
    let views = race(200, |index| {
        let (gateway, alice) = (Arc::clone(&cast.gateway), Arc::clone(&cast.alice));
        async move { gateway.create(&alice.login_from(&format!("PC-{index}")), None).await.unwrap() }
    })
    .await;
    assert_eq!(views.iter().filter(|view| view.status == "pending").count(), 3);
    assert_eq!(views.iter().filter(|view| state(view) == LIMITED).count(), 197);
    assert_eq!(cast.alice.phone.waiting(0).await.unwrap().len(), 3);
    let login = cast.gateway.create(&bob.login(), None).await.unwrap();
    bob.approve(&login).await;
    assert_eq!(cast.gateway.redeem(login.id, "r", 0).await.unwrap().status, "redeemed");
    // With one name for all of them they replace each other, and end at ten.
    cast.site.clock.advance(700);
    let views = race(200, |_| {
        let (gateway, alice) = (Arc::clone(&cast.gateway), Arc::clone(&cast.alice));
        async move { gateway.create(&alice.login(), None).await.unwrap() }
    })
    .await;
    assert_eq!(views.iter().filter(|view| view.status == "pending").count(), 10);
    assert!(cast.alice.phone.waiting(0).await.unwrap().len() <= 1);
    assert_eq!(count(&cast.site.audit().await, "challenge.created"), 14);
}

#[tokio::test]
async fn who_cannot_be_asked_is_refused_before_any_limit() {
    let cast = Cast::new().await;
    cast.site.user("bare").await;
    let bare = Person { name: "bare".to_owned(), phone: cast.site.blank_phone() };
    let stranger = Person { name: "stranger".to_owned(), phone: cast.site.blank_phone() };
    for _ in 0..12 {
        for person in [&bare, &stranger] {
            let login = cast.gateway.create(&person.login(), None).await.unwrap();
            assert_eq!(state(&login), ("denied", Some("not-enrolled")));
            assert_eq!((login.number, login.methods.len()), (None, 0));
        }
    }
    let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
    cast.site.admin.put_user("alice", &disabled).await.unwrap();
    for _ in 0..12 {
        assert_eq!(state(&cast.login_from("CLIENT-PC").await), LOCKED);
    }
    let enabled = PutUser { status: Some("active".to_owned()), ..PutUser::default() };
    cast.site.admin.put_user("alice", &enabled).await.unwrap();
    cast.asked().await;
    let events = cast.site.audit().await;
    let unknown = |event: &&gatematch_protocol::audit::AuditEvent| detail(event, "unknown_user") == "true";
    assert_eq!(events.iter().filter(unknown).count(), 12);
}
