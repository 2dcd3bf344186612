//! RD Gateway asks by RADIUS, the number stands on the connect page, and is typed on the phone.

use std::time::Duration;

use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient, Timing};
use gatematch_protocol::secret::Secret;
use gatematch_tests::front::{FrontDoor, SECRET};
use gatematch_tests::moves::only;
use gatematch_tests::web_phone::{node, started};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{approves, at_home, site};

/// NPS waits a minute, and sends the same again every 5 seconds.
const TIMING: Timing = Timing::every(Duration::from_secs(5), Duration::from_secs(60));

#[tokio::test]
async fn rd_gateway_lets_in_whom_the_page_shows_a_number_that_the_phone_is_told() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let gateway = site.gateway_named("Oslo gateway", false).await;
    let front = FrontDoor::of(&site, &gateway, "").await;

    let mut command = node("connect.mjs");
    command.args([site.issuer(), "alice"]);
    let mut page = started(command);
    let mut steps = BufReader::new(page.stdout.take().unwrap()).lines();
    let mut next = async || -> Value { serde_json::from_str(&steps.next_line().await.unwrap().unwrap()).unwrap() };
    assert_eq!(next().await["step"], "armed");

    let nps = RadiusClient::connect(front.address, Secret::new(SECRET)).await.unwrap();
    let asked = nps.request(AccessRequest::rd_gateway("CONTOSO\\alice").machine("CLIENT-PC"));
    let waits = nps.exchange(&asked, TIMING);
    let on_the_screens = async {
        assert_eq!(next().await["step"], "confirm");
        let shown = next().await;
        assert_eq!(shown["step"], "number");
        let request = phone.reaches("request", "asking").await;
        assert!(request["text"].as_str().unwrap().contains("CLIENT-PC wants to open Remote Desktop"), "{request}");
        approves(&mut phone, shown["number"].as_str().unwrap()).await;
        phone.reaches("result", "approved").await;
        assert_eq!(next().await["step"], "approved");
    };
    let (answer, ()) = tokio::join!(waits, on_the_screens);
    let answer: Answer = answer.unwrap();
    assert!(answer.is_accept(), "{}", answer.name());
    assert!(page.wait().await.unwrap().success());
    let events = site.audit().await;
    assert_eq!(only(&events, "challenge.redeemed").number_match, Some(true));
    phone.closes().await;
    front.front.stop().await;
}
