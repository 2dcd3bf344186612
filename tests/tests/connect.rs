//! The connect page over HTTP: CN-01 to CN-05, and the story of a number that a gateway cannot show.

mod limits;
mod stream;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Answer;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::connect::SessionView;
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::moves::{detail, only, state};
use gatematch_tests::wire::{json, refused};
use gatematch_tests::{Person, Site};
use serde_json::json as value;

const SUPERSEDED: (&str, Option<&str>) = ("denied", Some("superseded"));

/// A gateway without a screen.
async fn blind(site: &Site) -> Gateway {
    site.gateway_named("Oslo gateway", false).await
}

async fn create(gateway: &Gateway, body: &CreateChallenge) -> ChallengeView {
    gateway.create(body, None).await.unwrap()
}

/// The person types what the page shows; the gateway lets him in.
async fn let_in(gateway: &Gateway, alice: &Person, challenge: &ChallengeView, number: &str) {
    let signed = alice.signed(challenge).await;
    let heard = alice.phone.respond(&signed, Decision::Approve, Some(number), None).await.unwrap();
    assert_eq!(heard.status, "approved");
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    let result = gateway.check_result(&redeemed).await.unwrap();
    assert_eq!((result.display.as_str(), result.number_match, redeemed.number), ("page", true, None));
}

/// A browser of this person by which a login from `CLIENT-PC` was approved.
async fn bound(site: &Site, gateway: &Gateway, alice: &Person) -> Browser {
    let browser = Browser::new(site.api());
    browser.arm(&alice.name).await.unwrap();
    let challenge = create(gateway, &alice.login()).await;
    browser.confirm(true).await.unwrap();
    let number = browser.current().await.unwrap().number.unwrap();
    let_in(gateway, alice, &challenge, &number).await;
    assert_eq!(browser.current().await.unwrap().state, "approved");
    browser
}

fn cookie_names(browser: &Browser) -> Vec<String> {
    browser.cookies().iter().map(|cookie| cookie.name.clone()).collect()
}

fn words(view: &SessionView) -> (&str, Option<&str>, Option<&str>, Option<&str>) {
    (view.state.as_str(), view.number.as_deref(), view.gateway.as_deref(), view.client_name.as_deref())
}

#[tokio::test]
async fn cn_02_a_number_that_the_gateway_cannot_show_is_on_the_page_alone() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let (browser, other) = (Browser::new(site.api()), Browser::new(site.api()));
    let armed = browser.arm("CONTOSO\\Alice").await.unwrap();
    assert_eq!((armed.state.as_str(), armed.expires_at), ("armed", site.clock.now_plus(120)));
    assert_eq!(words(&browser.current().await.unwrap()), ("armed", None, None, None));
    let challenge = create(&gateway, &alice.login()).await;
    assert_eq!((state(&challenge), &challenge.number), (("pending", None), &None));
    other.arm("alice").await.unwrap();
    let confirm = browser.current().await.unwrap();
    assert_eq!(words(&confirm), ("confirm", None, None, None), "an unknown browser hears only that and when");
    assert_eq!(confirm.requested_at, Some(site.clock.now_plus(0)));
    assert_eq!(words(&other.current().await.unwrap()), ("armed", None, None, None), "armed after the login");
    assert_eq!(other.confirm(true).await.unwrap_err().code(), Some(Code::NothingToConfirm));
    let view = browser.confirm(true).await.unwrap();
    let (state, number, from, client) = words(&view);
    assert_eq!((state, number.map(str::len), from, client), ("number", Some(3), None, None));
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap().number, None, "the gateway does not see it");
    let claims = alice.phone.read(&alice.signed(&challenge).await).await.unwrap();
    assert_eq!(claims.matching.map(|matching| matching.digits), Some(3), "the phone asks for it");
    let_in(&gateway, &alice, &challenge, number.unwrap()).await;

    assert_eq!(cookie_names(&browser), ["__Host-gatematch-connect"]);
    let approved = browser.current().await.unwrap();
    assert_eq!((approved.state.as_str(), approved.number), ("approved", None));
    assert_eq!(cookie_names(&browser), ["__Host-gatematch-connect", "__Host-gatematch-browser"]);
    let events = site.audit_of(&challenge).await;
    let created = only(&events, "challenge.created");
    assert_eq!(
        (detail(created, "page_ip"), detail(created, "bound_browser")),
        ("127.0.0.1".to_owned(), "false".to_owned())
    );
    assert_eq!((created.number_match, detail(created, "display")), (Some(true), "page".to_owned()));
    assert!(only(&events, "connect.confirmed").actor.as_deref().unwrap().starts_with("browser:"));
    only(&events, "browser.bound");
}

#[tokio::test]
async fn a_bound_browser_is_told_who_asks_and_skips_the_question_for_a_client_that_it_knows() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = bound(&site, &gateway, &alice).await;
    browser.arm("alice").await.unwrap();
    let known = create(&gateway, &alice.login_from("client-pc")).await;
    let view = browser.current().await.unwrap();
    let (state, number, from, client) = words(&view);
    assert_eq!((state, from, client), ("number", Some("Oslo gateway"), Some("client-pc")));
    let_in(&gateway, &alice, &known, number.unwrap()).await;
    assert_eq!(browser.current().await.unwrap().state, "approved");

    browser.arm("alice").await.unwrap();
    create(&gateway, &alice.login_from("LAPTOP")).await;
    let view = browser.current().await.unwrap();
    assert_eq!(words(&view), ("confirm", None, Some("Oslo gateway"), Some("LAPTOP")));
    let refused = browser.confirm(false).await.unwrap();
    assert_eq!(refused.state, "refused");
    let events = site.audit().await;
    let denied = events.iter().rev().find(|event| event.kind == "challenge.denied").unwrap();
    assert_eq!(denied.reason.as_deref(), Some("reported"));

    // It is bound to alice, and to nobody else.
    let bob = site.person("bob").await;
    browser.arm("bob").await.unwrap();
    create(&gateway, &bob.login()).await;
    assert_eq!(words(&browser.current().await.unwrap()), ("confirm", None, None, None));

    let listed = site.admin.call("GET", "/v1/users/alice/browsers", None).await.unwrap();
    let listed: gatematch_protocol::connect::Browsers = listed.json().unwrap();
    assert_eq!(listed.items[0].client_names, ["client-pc"]);
    let path = format!("/v1/users/alice/browsers/{}", listed.items[0].id);
    assert_eq!(site.admin.call("DELETE", &path, None).await.unwrap().status, 204);
    refused_code(&site.admin.call("DELETE", &path, None).await.unwrap(), Code::NotFound);
    browser.arm("alice").await.unwrap();
    create(&gateway, &alice.login()).await;
    assert_eq!(words(&browser.current().await.unwrap()), ("confirm", None, None, None), "revoked, it is unknown");
}

#[tokio::test]
async fn a_helpdesk_leaves_the_browsers_of_protected_people_alone() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    bound(&site, &gateway, &alice).await;
    let groups = gatematch_protocol::user::PutUser {
        groups: Some(vec!["Domain Admins".to_owned()]),
        ..gatematch_protocol::user::PutUser::default()
    };
    site.admin.put_user("alice", &groups).await.unwrap();
    let desk = site.admin_with(gatematch_domain::role::Role::Helpdesk).await;
    let listed = desk.call("GET", "/v1/users/alice/browsers", None).await.unwrap();
    let listed: gatematch_protocol::connect::Browsers = listed.json().unwrap();
    let path = format!("/v1/users/alice/browsers/{}", listed.items[0].id);
    refused(&desk.call("DELETE", &path, None).await.unwrap(), Code::RoleNotAllowed);
    assert_eq!(site.admin.call("DELETE", &path, None).await.unwrap().status, 204);
}

fn refused_code(answer: &Answer, code: Code) {
    refused(answer, code);
}

#[tokio::test]
async fn a_bound_browser_is_forgotten_after_180_days() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = bound(&site, &gateway, &alice).await;
    for (seconds, known) in [(180 * 86_400 - 1, true), (1, false)] {
        site.clock.advance(seconds);
        browser.arm("alice").await.unwrap();
        let challenge = create(&gateway, &alice.login()).await;
        assert_eq!(browser.current().await.unwrap().client_name.is_some(), known, "{seconds}");
        gateway.cancel(challenge.id).await.unwrap();
        assert_eq!(browser.current().await.unwrap().state, "refused");
    }
}

#[tokio::test]
async fn cn_03_a_second_login_while_a_page_serves_one_ends_both_whoever_started_it() {
    for client in ["CLIENT-PC", "ATTACKER-PC"] {
        let site = Site::start().await;
        let (gateway, alice) = (blind(&site).await, site.person("alice").await);
        let browser = Browser::new(site.api());
        browser.arm("alice").await.unwrap();
        let first = create(&gateway, &alice.login()).await;
        let number = browser.confirm(true).await.unwrap().number.unwrap();
        let signed = alice.signed(&first).await;
        let second = create(&gateway, &alice.login_from(client)).await;
        assert_eq!(state(&second), SUPERSEDED, "{client}");
        assert_eq!(state(&gateway.get(first.id, 0).await.unwrap()), SUPERSEDED, "{client}");
        assert_eq!(browser.current().await.unwrap().state, "collision");
        let late = alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await.unwrap_err();
        assert_eq!(late.code(), Some(Code::AlreadyDecided));
        let third = create(&gateway, &alice.login()).await;
        assert_eq!(state(&third), ("denied", Some("policy")), "nobody is armed any more");
        assert_eq!(site.audit().await.iter().filter(|event| event.kind == "challenge.collision").count(), 1);
    }
}

#[tokio::test]
async fn cn_03_an_approval_that_nobody_redeemed_yet_ends_as_well() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let first = create(&gateway, &alice.login()).await;
    let number = browser.confirm(true).await.unwrap().number.unwrap();
    let signed = alice.signed(&first).await;
    alice.phone.respond(&signed, Decision::Approve, Some(&number), None).await.unwrap();
    assert_eq!(state(&create(&gateway, &alice.login_from("OTHER")).await), SUPERSEDED);
    let redeemed = gateway.redeem(first.id, "r", 0).await.unwrap();
    assert_eq!((state(&redeemed), &redeemed.result), (("cancelled", Some("superseded")), &None));
}

#[tokio::test]
async fn cn_03_two_unknown_browsers_end_the_login_and_both_pages() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browsers = [Browser::new(site.api()), Browser::new(site.api())];
    for browser in &browsers {
        browser.arm("alice").await.unwrap();
    }
    assert_eq!(state(&create(&gateway, &alice.login()).await), SUPERSEDED);
    for browser in &browsers {
        assert_eq!(browser.current().await.unwrap().state, "collision");
    }
}

#[tokio::test]
async fn cn_04_the_address_of_a_page_is_audited_and_is_no_address_of_the_client() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let body = CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() };
    let challenge = create(&gateway, &body).await;
    let claims = alice.phone.read(&alice.signed(&challenge).await).await.unwrap();
    assert_eq!((claims.client.ip, claims.client.name), (None, None), "what the gateway did not say is not said");
    let events = site.audit_of(&challenge).await;
    let created = only(&events, "challenge.created");
    assert_eq!((detail(created, "page_ip"), &created.client), ("127.0.0.1".to_owned(), &None));
}

#[tokio::test]
async fn a_login_without_a_page_is_refused_and_the_phones_are_told() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let bob = site.person("bob").await;
    assert_eq!(alice.phone.notices().await.unwrap(), []);
    let refused = create(&gateway, &alice.login()).await;
    assert_eq!(state(&refused), ("denied", Some("policy")));
    let notices = alice.phone.notices().await.unwrap();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((notice.kind.as_str(), notice.gateway.as_deref()), ("no-page", Some("Oslo gateway")));
    assert_eq!(notice.client.as_ref().and_then(|client| client.name.as_deref()), Some("CLIENT-PC"));
    assert_eq!((notice.sub.as_str(), notice.aud), ("alice", alice.phone.device_id().unwrap()));
    assert_eq!(bob.phone.notices().await.unwrap(), [], "nobody else is");
    let later = site.phone_of("alice").await;
    site.clock.advance(1);
    let newest = site.phone_of("alice").await;
    let kinds = |notices: Vec<NoticeClaims>| notices.into_iter().map(|notice| notice.kind).collect::<Vec<_>>();
    assert_eq!(kinds(later.notices().await.unwrap()), ["no-page", "phone-added"], "not that it was added itself");
    assert_eq!(newest.notices().await.unwrap(), []);
    // A notice is no challenge: nothing can be approved by it.
    let answer = alice.phone.call("GET", "/v1/devices/self/notices", None).await.unwrap();
    let items: gatematch_protocol::notice::Notices = answer.json().unwrap();
    assert!(alice.phone.read(&items.items[0].notice).await.is_err());
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_dies_with_what_it_serves() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let challenge = create(&gateway, &alice.login()).await;
    browser.confirm(true).await.unwrap();
    site.clock.advance(60);
    assert_eq!(browser.current().await.unwrap().state, "expired");
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("expired", Some("timeout")));
    browser.arm("alice").await.unwrap();
    let challenge = create(&gateway, &alice.login()).await;
    site.admin.delete_device(alice.phone.device_id().unwrap()).await.unwrap();
    assert_eq!(browser.current().await.unwrap().state, "refused");
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("denied", Some("revoked")));
}

#[tokio::test]
async fn a_page_is_kept_by_its_signs_of_life_for_ten_minutes_at_most() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let (kept, left) = (Browser::new(site.api()), Browser::new(site.api()));
    kept.arm("alice").await.unwrap();
    left.arm("nobody").await.unwrap();
    for _ in 0..5 {
        site.clock.advance(119);
        assert_eq!(kept.current().await.unwrap().state, "armed");
    }
    assert_eq!(left.current().await.unwrap().state, "expired");
    site.clock.advance(5);
    assert_eq!(kept.current().await.unwrap().state, "expired");
    assert_eq!(state(&create(&gateway, &alice.login()).await), ("denied", Some("policy")));
}

#[tokio::test]
async fn other_sites_other_types_and_nobody_are_refused() {
    let site = Site::start().await;
    let browser = Browser::new(site.api());
    refused(&browser.call("GET", "/connect/sessions/current", None).await.unwrap(), Code::CredentialMissing);
    browser.arm("alice").await.unwrap();
    let body = || json(&value!({"mine": true}));
    for fetch_site in ["cross-site", "same-site", "none"] {
        let mut stranger = Browser::with_cookies(site.api(), browser.cookies());
        stranger.fetch_site = Some(fetch_site);
        let arm = json(&value!({"user": "alice"}));
        refused(&stranger.call("POST", "/connect/sessions", arm).await.unwrap(), Code::CrossSite);
        refused(&stranger.call("POST", "/connect/sessions/current/confirm", body()).await.unwrap(), Code::CrossSite);
        refused(&stranger.call("GET", "/connect/sessions/current", None).await.unwrap(), Code::CrossSite);
        refused(&stranger.call("GET", "/connect/sessions/current/events", None).await.unwrap(), Code::CrossSite);
    }
    let mut silent = Browser::with_cookies(site.api(), browser.cookies());
    silent.fetch_site = None;
    assert_eq!(silent.current().await.unwrap().state, "armed", "what is no browser says nothing");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = site.api().raw("POST", "/connect/sessions", &form, b"user=alice".to_vec()).await.unwrap();
    refused(&answer, Code::UnsupportedMediaType);
    for (body, code) in [(value!({}), Code::MalformedBody), (value!({"user": "a", "b": 1}), Code::MalformedBody)] {
        refused(&browser.call("POST", "/connect/sessions", json(&body)).await.unwrap(), code);
    }
    let wrong = browser.call("POST", "/connect/sessions/current/confirm", body()).await.unwrap();
    assert_eq!(refused(&wrong, Code::NothingToConfirm).more["state"], "armed");
    let forged = [("cookie", "__Host-gatematch-connect=AAAA")];
    let answer = site.api().raw("GET", "/connect/sessions/current", &forged, Vec::new()).await.unwrap();
    refused(&answer, Code::CredentialInvalid);
}
