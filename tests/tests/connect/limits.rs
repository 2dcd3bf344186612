//! How many pages may be open, and what those see that are too many (CN-01, CN-05).

use std::time::Instant;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::http::Answer;
use gatematch_tests::Site;
use gatematch_tests::moves::state;
use gatematch_tests::wire::json;
use serde_json::json as value;

use super::{blind, bound, create, let_in};

/// Arms a page as a browser at `address`, behind the proxy that the site believes.
async fn arm_from(site: &Site, address: &str, user: &str) -> Answer {
    let headers = [("x-forwarded-for", address), ("content-type", "application/json")];
    let body = json(&value!({"user": user})).unwrap();
    site.api().raw("POST", "/connect/sessions", &headers, body).await.unwrap()
}

async fn behind_a_proxy() -> Site {
    Site::start_with(|settings| settings.trusted_proxies = vec![[127, 0, 0, 1].into()]).await
}

/// The page of an answer that armed one.
fn page(site: &Site, armed: &Answer) -> Browser {
    let browser = Browser::new(site.api());
    browser.keep(armed);
    browser
}

#[tokio::test]
async fn cn_01_a_stranger_who_arms_a_thousand_pages_from_fifty_addresses_stops_and_learns_nothing() {
    let site = behind_a_proxy().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let own = bound(&site, &gateway, &alice).await;
    let mut strangers = Vec::new();
    for n in 0..1_000 {
        let user = if n % 10 == 0 { "alice" } else { "someone" };
        let armed = arm_from(&site, &format!("198.51.100.{}", n % 50), user).await;
        assert_eq!(armed.status, 201);
        if n % 10 == 0 {
            strangers.push(page(&site, &armed));
        }
    }
    own.arm("alice").await.unwrap();
    let challenge = create(&gateway, &alice.login()).await;
    assert_eq!(state(&challenge), ("pending", None), "the login goes on");
    let number = own.current().await.unwrap().number.unwrap();
    for stranger in &strangers {
        let seen = stranger.current().await.unwrap();
        assert_eq!((seen.state.as_str(), seen.requested_at, seen.number), ("armed", None, None));
    }
    let_in(&gateway, &alice, &challenge, &number).await;
    assert_eq!(own.current().await.unwrap().state, "approved");
    let told = strangers.iter().map(|stranger| stranger.current());
    for seen in futures_util::future::join_all(told).await {
        assert_eq!(seen.unwrap().state, "armed");
    }
}

#[tokio::test]
async fn cn_01_three_unknown_pages_of_a_user_and_twenty_of_an_address_hear_in_ten_minutes() {
    let site = behind_a_proxy().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    for n in 0..3 {
        arm_from(&site, &format!("198.51.100.{n}"), "alice").await;
    }
    let deaf = page(&site, &arm_from(&site, "198.51.100.9", "alice").await);
    site.clock.advance(121);
    assert_eq!(state(&create(&gateway, &alice.login()).await), ("denied", Some("policy")), "three have run out");
    let again = page(&site, &arm_from(&site, "198.51.100.10", "alice").await);
    assert_eq!(state(&create(&gateway, &alice.login_from("A")).await), ("denied", Some("policy")), "deaf still");
    assert_eq!((deaf.current().await.unwrap().state, again.current().await.unwrap().state).1, "armed");
    site.clock.advance(480);
    let heard = page(&site, &arm_from(&site, "198.51.100.11", "alice").await);
    assert_eq!(state(&create(&gateway, &alice.login_from("B")).await), ("pending", None));
    assert_eq!(heard.current().await.unwrap().state, "confirm");

    let bob = site.person("bob").await;
    for n in 0..20 {
        arm_from(&site, "2001:db8::7", &format!("user{n}")).await;
    }
    // The same /64 is the same address.
    let deaf = page(&site, &arm_from(&site, "2001:db8::1234", "bob").await);
    assert_eq!(state(&create(&gateway, &bob.login()).await), ("denied", Some("policy")));
    assert_eq!(deaf.current().await.unwrap().state, "armed");
    arm_from(&site, "2001:db8:0:1::1", "bob").await;
    assert_eq!(state(&create(&gateway, &bob.login_from("B")).await), ("pending", None));
}

#[tokio::test]
async fn cn_05_the_page_of_an_unknown_user_is_that_of_a_known_one() {
    let site = behind_a_proxy().await;
    site.person("alice").await;
    let mut seen = Vec::new();
    for (n, user) in ["alice", "nobody", "not a name", "CONTOSO\\alice", ""].into_iter().enumerate() {
        let answer = arm_from(&site, &format!("198.51.100.{n}"), user).await;
        let browser = page(&site, &answer);
        let mut story = vec![format!("{} {}", answer.status, answer.text())];
        let headers =
            answer.headers.iter().filter(|(name, _)| !["set-cookie", "x-request-id", "date"].contains(&name.as_str()));
        story.extend(headers.map(|(name, value)| format!("{name}: {value:?}")));
        story.push(format!(
            "{:?}",
            browser
                .cookies()
                .iter()
                .map(|cookie| (cookie.name.clone(), cookie.value.reveal().len()))
                .collect::<Vec<_>>()
        ));
        for _ in 0..2 {
            story.push(browser.call("GET", "/connect/sessions/current", None).await.unwrap().text());
            story.push(
                browser
                    .call("POST", "/connect/sessions/current/confirm", json(&value!({"mine": true})))
                    .await
                    .unwrap()
                    .text(),
            );
            site.clock.advance(100);
        }
        site.clock.advance(-200);
        seen.push(story);
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
}

/// No assertion on time: what is done for either is the same statements, and this test shows the two medians.
#[tokio::test]
async fn cn_05_arming_takes_the_same_steps_for_either() {
    let site = behind_a_proxy().await;
    site.person("alice").await;
    let mut times = [Vec::new(), Vec::new()];
    let mut armed = [None, None];
    for n in 0..60 {
        for (which, user) in ["alice", "nobody"].into_iter().enumerate() {
            let began = Instant::now();
            let answer = arm_from(&site, &format!("198.51.{which}.{n}"), user).await;
            times[which].push(began.elapsed());
            assert_eq!(answer.status, 201);
            armed[which] = Some(answer);
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    println!("known {:?}, unknown {:?} (medians of 60)", times[0][30], times[1][30]);
    for armed in armed.iter().flatten() {
        assert_eq!(page(&site, armed).current().await.unwrap().state, "armed", "either is kept");
    }
}

#[tokio::test]
async fn only_a_named_proxy_is_believed_and_only_its_last_word() {
    let (believing, plain) = (behind_a_proxy().await, Site::start().await);
    for (site, forwarded, expected) in [
        (&believing, "203.0.113.9", "203.0.113.9"),
        (&believing, "192.0.2.1, 203.0.113.9", "203.0.113.9"),
        (&believing, "203.0.113.9, 127.0.0.1", "203.0.113.9"),
        (&believing, "203.0.113.10:50123", "203.0.113.10"),
        (&believing, "[2001:db8::9]:50123", "2001:db8::9"),
        (&believing, "nonsense", "127.0.0.1"),
        (&plain, "203.0.113.9", "127.0.0.1"),
    ] {
        let user =
            format!("u{}", gatematch_protocol::secret::sha256(forwarded).to_lowercase().replace(['-', '_'], "x"));
        let user = &user[..20];
        let (gateway, person) = (blind(site).await, site.person(user).await);
        arm_from(site, forwarded, user).await;
        let challenge = create(&gateway, &person.login()).await;
        let events = site.audit_of(&challenge).await;
        let created = gatematch_tests::moves::only(&events, "challenge.created");
        assert_eq!(gatematch_tests::moves::detail(created, "page_ip"), expected, "{forwarded}");
    }
}

#[tokio::test]
async fn a_request_without_a_cookie_is_no_guess_and_one_with_a_wrong_one_is() {
    let site = behind_a_proxy().await;
    let ask = async |cookie: Option<&str>| {
        let mut headers = vec![("x-forwarded-for", "198.51.100.1")];
        headers.extend(cookie.map(|cookie| ("cookie", cookie)));
        site.api().raw("GET", "/connect/sessions/current", &headers, Vec::new()).await.unwrap().status
    };
    for _ in 0..305 {
        assert_eq!(ask(None).await, 401);
    }
    for _ in 0..300 {
        assert_eq!(ask(Some("__Host-gatematch-connect=guess")).await, 401);
    }
    assert_eq!(ask(Some("__Host-gatematch-connect=guess")).await, 429);
    assert_eq!(arm_from(&site, "198.51.100.1", "alice").await.status, 201, "whoever is there is served");
}
