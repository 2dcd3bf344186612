//! Several logins at once: which replaces which, which stand beside each other, and which collide (CH-05).

use std::collections::BTreeSet;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::moves::{count, detail, heard, only, refusal, state};
use gatematch_tests::{Person, Site};

const PENDING: (&str, Option<&str>) = ("pending", None);
const SUPERSEDED: (&str, Option<&str>) = ("cancelled", Some("superseded"));
const COLLIDED: (&str, Option<&str>) = ("denied", Some("superseded"));

fn from(person: &Person, name: Option<&str>, ip: Option<&str>) -> CreateChallenge {
    let client = CreateClient { ip: ip.map(str::to_owned), name: name.map(str::to_owned) };
    CreateChallenge { client: Some(client), ..person.login() }
}

/// A login of which nobody sees a number.
fn unnumbered(person: &Person, client: &str) -> CreateChallenge {
    CreateChallenge {
        display: Some("none".to_owned()),
        no_display: Some("approve_only".to_owned()),
        ..person.login_from(client)
    }
}

async fn create(gateway: &Gateway, body: &CreateChallenge) -> ChallengeView {
    gateway.create(body, None).await.unwrap()
}

async fn now(gateway: &Gateway, login: &ChallengeView) -> (String, Option<String>) {
    let view = gateway.get(login.id, 0).await.unwrap();
    (view.status, view.reason)
}

fn owned((status, reason): (&str, Option<&str>)) -> (String, Option<String>) {
    (status.to_owned(), reason.map(str::to_owned))
}

#[tokio::test]
async fn a_retry_takes_the_place_of_a_pending_login() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let first = create(&gateway, &alice.login()).await;
    let approval = alice.signed_approval(&first).await;
    let second = create(&gateway, &alice.login()).await;
    assert_eq!((state(&second), now(&gateway, &first).await), (PENDING, owned(SUPERSEDED)));
    let waiting = alice.phone.waiting(0).await.unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.id).collect::<Vec<_>>(), [second.id]);
    let answer = alice.phone.post_response(&first.id.to_string(), &approval).await.unwrap();
    let problem = answer.problem().unwrap();
    assert_eq!((problem.code.as_str(), &problem.more["state"]), ("cancelled", &"cancelled".into()));
    assert_eq!(heard(&alice.approve(&second).await), ("approved", None));
    let events = site.audit_of(&first).await;
    assert_eq!(only(&events, "challenge.cancelled").reason.as_deref(), Some("superseded"));
}

#[tokio::test]
async fn a_retry_takes_the_place_of_an_approval_that_nobody_redeemed() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let first = create(&gateway, &alice.login()).await;
    alice.approve(&first).await;
    let second = create(&gateway, &alice.login()).await;
    assert_eq!(state(&second), PENDING);
    let redeemed = gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!((state(&redeemed), &redeemed.result), (SUPERSEDED, &None));
    // What was redeemed is no business of the next one.
    alice.approve(&second).await;
    let redeemed = gateway.redeem(second.id, "r", 0).await.unwrap();
    let third = create(&gateway, &alice.login()).await;
    assert_eq!((state(&third), gateway.redeem(second.id, "r", 0).await.unwrap().result), (PENDING, redeemed.result));
    assert_eq!(count(&site.audit_of(&first).await, "challenge.cancelled"), 1);
}

#[tokio::test]
async fn the_same_login_is_the_same_user_gateway_name_and_address() {
    let site = Site::start().await;
    let (oslo, bergen) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let alice = site.person("alice").await;
    let (name, ip) = (Some("PC"), Some("203.0.113.7"));
    let login = create(&oslo, &from(&alice, name, ip)).await;
    // Each differs in one thing, and stands beside it.
    for (gateway, other) in [
        (&bergen, from(&alice, name, ip)),
        (&oslo, from(&alice, Some("pc"), ip)),
        (&oslo, from(&alice, name, Some("203.0.113.8"))),
        (&oslo, from(&alice, name, None)),
        (&oslo, from(&alice, None, ip)),
        (&oslo, CreateChallenge { client: None, ..alice.login() }),
    ] {
        let beside = create(gateway, &other).await;
        assert_eq!((state(&beside), now(&oslo, &login).await), (PENDING, owned(PENDING)));
        assert_ne!(beside.number, login.number);
        gateway.cancel(beside.id).await.unwrap();
    }
    // The same in other words: another spelling of the user, and of the address.
    for same in [
        CreateChallenge { user: "CONTOSO\\ALICE".to_owned(), ..from(&alice, name, ip) },
        from(&alice, name, Some("::ffff:203.0.113.7")),
    ] {
        let before = oslo.get(login.id, 0).await.unwrap();
        let next = create(&oslo, &same).await;
        assert_eq!((state(&next), next.user.as_str()), (PENDING, "alice"));
        if before.status == "pending" {
            assert_eq!(now(&oslo, &login).await, owned(SUPERSEDED));
        }
    }
    // Absent is absent, however that is said.
    let bob = site.person("bob").await;
    let absent = create(&oslo, &CreateChallenge { client: None, ..bob.login() }).await;
    create(&oslo, &from(&bob, None, None)).await;
    assert_eq!(now(&oslo, &absent).await, owned(SUPERSEDED));
    assert_eq!(count(&site.audit().await, "challenge.collision"), 0);
}

#[tokio::test]
async fn logins_of_different_people_never_meet() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (alice, bob) = (site.person("alice").await, site.person("bob").await);
    for body in [CreateChallenge::default(), unnumbered(&alice, "PC")] {
        let of = |person: &Person| CreateChallenge { user: person.name.clone(), ..body.clone() };
        let (hers, his) = (create(&gateway, &of(&alice)).await, create(&gateway, &of(&bob)).await);
        assert_eq!((now(&gateway, &hers).await, now(&gateway, &his).await), (owned(PENDING), owned(PENDING)));
    }
}

#[tokio::test]
async fn three_stand_beside_each_other_with_numbers_of_their_own() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let mut logins = Vec::new();
    for client in ["PC-1", "PC-2", "PC-3"] {
        logins.push(create(&gateway, &alice.login_from(client)).await);
    }
    let numbers: BTreeSet<_> = logins.iter().map(|login| login.number.clone().unwrap()).collect();
    assert_eq!(numbers.len(), 3);
    for login in &logins {
        assert_eq!(heard(&alice.approve(login).await), ("approved", None));
    }
    for login in &logins {
        let redeemed = gateway.redeem(login.id, "r", 0).await.unwrap();
        assert_eq!(gateway.check_result(&redeemed).await.unwrap().jti, login.id);
    }
    assert_eq!(count(&site.audit().await, "challenge.redeemed"), 3);
}

#[tokio::test]
async fn where_nothing_can_show_a_number_the_login_is_refused_unless_the_gateway_says_otherwise() {
    let site = Site::start().await;
    let (screen, blind) = (site.gateway().await, site.gateway_named("Blind gateway", false).await);
    let alice = site.person("alice").await;
    let display = |text: &str| CreateChallenge { display: Some(text.to_owned()), ..alice.login() };
    let refuse = CreateChallenge { no_display: Some("refuse".to_owned()), ..alice.login() };
    for (gateway, body) in
        [(&blind, alice.login()), (&blind, display("none")), (&blind, refuse), (&screen, display("none"))]
    {
        let login = create(gateway, &body).await;
        assert_eq!((state(&login), login.number.is_none()), (("denied", Some("policy")), true));
    }
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    assert_eq!(refusal(blind.create(&display("number"), None).await), Code::DisplayNotPossible);
    assert_eq!(refusal(blind.create(&display("page"), None).await), Code::InvalidValue);
    // What is refused at once neither supersedes nor collides.
    let login = create(&screen, &alice.login()).await;
    create(&screen, &display("none")).await;
    assert_eq!(now(&screen, &login).await, owned(PENDING));
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.denied"), count(&events, "challenge.collision")), (5, 0));
}

#[tokio::test]
async fn approval_alone_is_a_named_exception() {
    let site = Site::start().await;
    let (screen, blind) = (site.gateway().await, site.gateway_named("Blind gateway", false).await);
    let alice = site.person("alice").await;
    let bare = CreateChallenge { no_display: Some("approve_only".to_owned()), ..alice.login() };
    // It changes nothing where the gateway shows a number.
    let login = create(&screen, &bare).await;
    assert!(login.number.is_some());
    screen.cancel(login.id).await.unwrap();
    let login = create(&blind, &bare).await;
    assert_eq!((state(&login), &login.number), (PENDING, &None));
    let signed = alice.signed(&login).await;
    assert_eq!(alice.phone.read(&signed).await.unwrap().matching, None);
    // A number that nobody asked for is ignored.
    let outcome = alice.phone.respond(&signed, Decision::Approve, Some("no number"), None).await.unwrap();
    assert_eq!(heard(&outcome), ("approved", None));
    let redeemed = blind.redeem(login.id, "r", 0).await.unwrap();
    let result = blind.check_result(&redeemed).await.unwrap();
    assert_eq!((result.number_match, result.display.as_str(), redeemed.number), (false, "none", None));
    let events = site.audit_of(&login).await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.number_match == Some(false)));
}

#[tokio::test]
async fn two_without_a_number_end_each_other() {
    let site = Site::start().await;
    let (oslo, bergen) = (site.gateway_named("Oslo", false).await, site.gateway_named("Bergen", false).await);
    let alice = site.person("alice").await;
    for (gateway, body) in [(&oslo, unnumbered(&alice, "PC-2")), (&bergen, unnumbered(&alice, "PC-1"))] {
        site.clock.advance(61);
        let first = create(&oslo, &unnumbered(&alice, "PC-1")).await;
        let approval = alice.signed_approval(&first).await;
        let second = create(gateway, &body).await;
        assert_eq!((state(&second), now(&oslo, &first).await), (COLLIDED, owned(COLLIDED)));
        assert!(alice.phone.waiting(0).await.unwrap().is_empty());
        let answer = alice.phone.post_response(&first.id.to_string(), &approval).await.unwrap();
        assert_eq!(refusal(answer.success()), Code::AlreadyDecided);
        let events = site.audit_of(&second).await;
        assert_eq!(detail(only(&events, "challenge.collision"), "ended"), "1");
        assert_eq!(only(&events, "challenge.denied").reason.as_deref(), Some("superseded"));
    }
    // A retry of the same login is none of these.
    let first = create(&oslo, &unnumbered(&alice, "PC-1")).await;
    let retry = create(&oslo, &unnumbered(&alice, "PC-1")).await;
    assert_eq!((state(&retry), now(&oslo, &first).await), (PENDING, owned(SUPERSEDED)));
}

#[tokio::test]
async fn an_approval_without_a_number_does_not_survive_a_collision() {
    let site = Site::start().await;
    let gateway = site.gateway_named("Oslo", false).await;
    let alice = site.person("alice").await;
    let first = create(&gateway, &unnumbered(&alice, "PC-1")).await;
    alice.approve(&first).await;
    let second = create(&gateway, &unnumbered(&alice, "PC-2")).await;
    assert_eq!(state(&second), COLLIDED);
    let redeemed = gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!((redeemed.reason.as_deref(), &redeemed.result), (Some("superseded"), &None));
    assert_eq!(count(&site.audit().await, "challenge.collision"), 1);
}

#[tokio::test]
async fn a_signed_challenge_fits_a_push_whatever_the_gateway_tells() {
    let site = Site::start().await;
    // The longest names there are: of four bytes a letter, and of letters that JSON writes as two.
    let gateway = site.gateway_named(&"\"".repeat(64), true).await;
    let alice = site.person(&"\u{10428}".repeat(128)).await;
    for (members, kept) in [(1, 1), (8, 0)] {
        let context: serde_json::Map<_, _> =
            (0..members).map(|index| (format!("{index:032}"), "\u{1f5a5}".repeat(32).into())).collect();
        let body = CreateChallenge { context: Some(context), ..alice.login_from(&"\"".repeat(64)) };
        let login = create(&gateway, &body).await;
        let signed = alice.signed(&login).await;
        assert!(signed.len() <= 2_900, "{}", signed.len());
        assert_eq!(alice.phone.read(&signed).await.unwrap().context.len(), kept);
        assert_eq!(heard(&alice.approve(&login).await), ("approved", None));
    }
    assert_eq!(count(&site.audit().await, "challenge.approved"), 2);
}

#[tokio::test]
async fn a_login_with_a_number_stands_beside_one_without() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let numbered = create(&gateway, &alice.login_from("PC-1")).await;
    let bare = create(&gateway, &unnumbered(&alice, "PC-2")).await;
    let another = create(&gateway, &alice.login_from("PC-3")).await;
    for login in [&numbered, &bare, &another] {
        assert_eq!(now(&gateway, login).await, owned(PENDING));
    }
    assert_eq!(count(&site.audit().await, "challenge.collision"), 0);
}
