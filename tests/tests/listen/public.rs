//! The listener for phones and browsers: all that they need, and nothing else.

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::http::{Answer, Api};
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_server::http::routes::table;
use gatematch_tests::Site;
use gatematch_tests::captured::capture;
use gatematch_tests::wire::refused;
use serde_json::Value;

use super::{Tls, public};
use crate::machine::Machine;

async fn get(api: &Api, path: &str) -> Answer {
    api.raw("GET", path, &[], Vec::new()).await.unwrap()
}

fn is_unknown_path(answer: &Answer) -> bool {
    answer.status == 404 && answer.problem().is_some_and(|problem| problem.detail == "There is no such path.")
}

#[tokio::test]
async fn what_is_not_for_phones_and_browsers_is_not_there() {
    let site = Site::start_with(|settings| settings.public_listen = Some("127.0.0.1:0".parse().unwrap())).await;
    let outside = Api::new(&format!("http://{}", public(&site))).unwrap();
    let routes = table();
    let has = |path: &str| routes.iter().any(|route| route.path == path && route.in_public().is_some());
    let (mut shown, mut hidden) = (0, 0);
    for route in &routes {
        let path = route.path.replace(['{', '}'], "");
        let answer = outside.raw(route.method.as_str(), &path, &[], Vec::new()).await.unwrap();
        let inside = site.api().raw(route.method.as_str(), &path, &[], Vec::new()).await.unwrap();
        assert!(!is_unknown_path(&inside), "{path}");
        assert_eq!(is_unknown_path(&answer), !has(route.path), "{} {path}: {}", route.method, answer.status);
        if has(route.path) { shown += 1 } else { hidden += 1 }
    }
    assert!(shown > 15 && hidden > 15, "{shown} {hidden}");
    for path in
        ["/", "/healthz", "/readyz", "/metrics", "/v1/users", "/v1/gateways/self", "/v1/audit", "/v1/challenges"]
    {
        let answer = get(&outside, path).await;
        assert!(is_unknown_path(&answer), "{path}: {}", answer.status);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    refused(&get(&outside, "/v1/users").await, Code::NotFound);
}

#[tokio::test]
async fn an_administrator_confirms_no_phone_from_outside() {
    let site = Site::start_with(|settings| {
        settings.public_listen = Some("127.0.0.1:0".parse().unwrap());
        settings.require_device_confirmation = true;
    })
    .await;
    site.user("alice").await;
    let registered = site.blank_phone().enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let code = registered.code.unwrap();
    let path = format!("/v1/devices/{}/confirm", registered.device_id);
    let body = format!("{{\"code\":\"{code}\"}}");
    let api = Api::new(&format!("http://{}", public(&site))).unwrap();
    let outside = Admin::new(api, site.admin.key.clone());
    let answer = outside.call("POST", &path, Some(body.clone().into_bytes())).await.unwrap();
    refused(&answer, Code::WrongParty);
    let answer = site.admin.call("POST", &path, Some(body.into_bytes())).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_phone_enrolls_and_answers_through_it_by_tls() {
    let tls = Tls::new();
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    let outside = tls.client(public(&site));
    site.user("alice").await;
    let phone =
        Phone::new(outside.clone(), site.issuer(), gatematch_client_sim::edge::random_key(), site.clock.seconds());
    phone.enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let gateway = site.gateway().await;
    let login = gatematch_protocol::challenge::CreateChallenge { user: "alice".to_owned(), ..Default::default() };
    let waits = { tokio::spawn(async move { (phone.waiting(60).await.unwrap().remove(0).challenge, phone) }) };
    let challenge = gateway.create(&login, None).await.unwrap();
    let (signed, phone) = super::in_time(waits).await.unwrap();
    phone.respond(&signed, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
    assert_eq!(gateway.redeem(challenge.id, "login-1", 0).await.unwrap().status, "redeemed");

    let answer = get(&outside, "/.well-known/gatematch").await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(get(&outside, "/healthz").await.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(get(&site.api(), "/healthz").await.header("strict-transport-security"), None);
    assert!(is_unknown_path(&get(&outside, "/v1/challenges").await));
    let page = get(&outside, "/connect").await;
    assert_eq!((page.status, page.header("x-content-type-options")), (200, Some("nosniff")));
}

#[tokio::test]
async fn the_program_tells_both_listeners() {
    let mut machine = Machine::new();
    machine.set("GATEMATCH_PUBLIC_LISTEN", "127.0.0.1:0");
    let serving = machine.serve().await;
    let outside = Api::new(&format!("http://{}", serving.public.unwrap())).unwrap();
    assert_eq!(
        get(&outside, "/.well-known/gatematch").await.json::<Value>().unwrap()["issuer"],
        crate::machine::ISSUER
    );
    assert!(is_unknown_path(&get(&outside, "/readyz").await));
    serving.stop().await;
}

#[tokio::test]
async fn the_log_has_where_a_request_came_from_and_no_method_that_a_caller_made_up() {
    let site = Site::start_with(|settings| settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let log = capture();
    let hop = [("x-forwarded-for", "203.0.113.1, 198.51.100.77")];
    for (path, status) in [("/no-such-path", 404), ("/v1/users", 405)] {
        let answer = site.api().raw("MADEUP", path, &hop, Vec::new()).await.unwrap();
        assert_eq!(answer.status, status);
        assert!(!answer.text().contains("MADEUP"), "{}", answer.text());
    }
    let known = site.api().raw("GET", "/v1/users", &hop, Vec::new()).await.unwrap();
    assert_eq!(known.status, 401);
    let text = log.text();
    let lines: Vec<_> =
        text.lines().filter(|line| line.contains("198.51.100.77") && line.contains("answered")).collect();
    let [unmatched, other, known] = lines[..] else { panic!("{lines:#?}") };
    assert!(unmatched.contains("DEBUG") && unmatched.contains("method=other route=unmatched"), "{unmatched}");
    assert!(
        other.contains(" INFO ") && other.contains("method=other route=/v1/users source=198.51.100.77}"),
        "{other}"
    );
    assert!(known.contains(" INFO ") && known.contains("method=GET route=/v1/users"), "{known}");
    assert!(!text.contains("MADEUP") && !text.contains("203.0.113.1"));
}
