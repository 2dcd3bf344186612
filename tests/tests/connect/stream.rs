//! The page as it changes.

use gatematch_client_sim::connect::Browser;
use gatematch_tests::Site;

use super::{blind, create, let_in};

#[tokio::test]
async fn the_page_is_told_each_step_as_it_happens() {
    let site = Site::start().await;
    let (gateway, alice) = (blind(&site).await, site.person("alice").await);
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let mut events = browser.events().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().state, "armed");
    let challenge = create(&gateway, &alice.login()).await;
    assert_eq!(events.next().await.unwrap().unwrap().state, "confirm");
    browser.confirm(true).await.unwrap();
    let number = events.next().await.unwrap().unwrap().number.unwrap();
    let_in(&gateway, &alice, &challenge, &number).await;
    assert_eq!(events.next().await.unwrap().unwrap().state, "approved");
    assert_eq!(events.next().await.unwrap(), None, "nothing more can come");
    assert_eq!(browser.cookies().len(), 1, "a stream sets no cookie");
    assert_eq!(browser.wait_for(|view| view.state == "approved").await.unwrap().number, None);
    assert_eq!(browser.cookies().len(), 2);
}

#[tokio::test]
async fn a_stream_ends_when_the_server_stops() {
    let site = Site::start().await;
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let mut events = browser.events().await.unwrap();
    events.next().await.unwrap();
    let (stopped, ended) = tokio::join!(site.stop(), events.next());
    drop(stopped);
    assert!(!matches!(ended, Ok(Some(_))));
}

#[tokio::test]
async fn a_page_is_watched_by_four_streams_at_most_and_each_gives_its_place_back() {
    let site = Site::start().await;
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut events = browser.events().await.unwrap();
        events.next().await.unwrap();
        streams.push(events);
    }
    assert_eq!(browser.events().await.unwrap_err().status(), Some(503));
    assert_eq!(browser.current().await.unwrap().state, "armed", "the page asks again and again then");
    drop(streams.pop());
    // The server hears of a closed connection a moment later.
    for _ in 0..2_000 {
        if browser.events().await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the place is not given back");
}

#[tokio::test]
async fn a_stream_says_when_the_session_runs_out() {
    let site = Site::start().await;
    let browser = Browser::new(site.api());
    browser.arm("nobody").await.unwrap();
    let mut events = browser.events().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().state, "armed");
    site.clock.advance(601);
    assert_eq!(events.next().await.unwrap().unwrap().state, "expired");
}
