//! Datagrams that are not what they should be: RA-01 to RA-03, RA-10.

use std::time::Duration;

use gatematch_client_sim::misbehave::radius::{ALL, Expect, Needs, Scene};
use gatematch_client_sim::radius::flood::Flood;
use gatematch_client_sim::radius::{RadiusClient, Timing};
use gatematch_protocol::gateway::DROP_CAUSES;
use gatematch_protocol::secret::Secret;
use gatematch_radius::door::Cause;
use gatematch_tests::Site;
use gatematch_tests::front::{FrontDoor, PATIENCE, SECRET, ask, drops, rd_gateway};
use gatematch_tests::moves::count;
use tokio::net::UdpSocket;

use super::{APPROVE_ONLY, blind};

/// How long a misbehaviour listens; on loopback an answer needs far less, and its absence is looked at by other means
/// wherever it matters.
const QUIET: Duration = Duration::from_millis(50);

#[tokio::test]
async fn ra_01_without_or_with_a_wrong_message_authenticator_there_is_silence_and_no_challenge() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    site.person("alice").await;
    let front = FrontDoor::of(&site, &gateway, APPROVE_ONLY).await;
    let nps = front.nps().await;
    let sound = nps.request(rd_gateway("alice"));
    let mut wrong = sound.bytes.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    nps.send_raw(&wrong).await.unwrap();
    nps.send_raw(&nps.request(rd_gateway("alice").without_message_authenticator()).bytes).await.unwrap();
    let stranger = RadiusClient::connect(front.address, Secret::new("another secret")).await.unwrap();
    nps.send_raw(&stranger.request(rd_gateway("alice")).bytes).await.unwrap();
    assert!(front.is_silent_to(&nps).await);
    let events = site.audit_when(|events| drops(events).len() == 2).await;
    assert_eq!(drops(&events), ["message-authenticator-wrong", "message-authenticator-missing"]);
    assert_eq!(count(&events, "challenge.created"), 0);
}

#[tokio::test]
async fn ra_01_a_client_that_is_relaxed_may_leave_it_out_but_not_get_it_wrong() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "require_message_authenticator = false").await;
    let nps = front.nps().await;
    let bare = rd_gateway("nobody").without_message_authenticator();
    // CVE-2024-3596: what a proxy added to a request that nobody signed is not sent back.
    nps.send_raw(&nps.request(bare.clone()).bytes).await.unwrap();
    let mut wrong = nps.request(rd_gateway("nobody")).bytes;
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    nps.send_raw(&wrong).await.unwrap();
    assert!(front.is_silent_to(&nps).await);
    let answer = ask(&nps, &nps.request(bare.without_proxy_state())).await;
    assert!(answer.is_reject() && answer.attributes[0].kind == 80, "the answer is signed all the same");
}

#[tokio::test]
async fn ra_02_every_misbehaviour_of_the_catalogue_is_met_as_it_says() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    let scene = Scene { client: &nps, user: "nobody", machine: "CLIENT-PC", quiet: QUIET, patience: PATIENCE };
    let mut played = 0;
    for misbehaviour in ALL.iter().filter(|each| each.needs != Needs::Challenge) {
        let heard = misbehaviour.carry_out(&scene).await;
        assert!(misbehaviour.expect.is_met_by(&heard), "{}: {heard:?}", misbehaviour.name);
        played += 1;
        if misbehaviour.expect == Expect::Silence {
            // Again, and this time nobody waits for a clock.
            for datagram in misbehaviour.datagrams_for(&scene) {
                let _ = nps.send_raw(&datagram).await;
            }
            assert!(front.is_silent_to(&nps).await, "{}", misbehaviour.name);
        }
    }
    assert!(played >= 50, "{played}");
    assert_eq!(count(&site.audit().await, "challenge.created"), 0);
}

#[tokio::test]
async fn ra_03_strangers_hear_nothing_and_the_log_does_not_flood() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    let stranger = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    stranger.connect(front.address).await.unwrap();
    for _ in 0..500 {
        stranger.send(&nps.request(rd_gateway("alice")).bytes).await.unwrap();
        nps.send_raw(&nps.request(rd_gateway("alice").code(4)).bytes).await.unwrap();
    }
    assert!(front.is_silent_to(&nps).await);
    assert!(stranger.try_recv(&mut [0; 64]).is_err());
    let events = site.audit_when(|events| drops(events).len() == 2).await;
    let told: std::collections::BTreeSet<_> = drops(&events).into_iter().collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["code-not-supported", "unknown-client"]);
    // The rest of the hour is one number each.
    site.clock.advance(3_600);
    nps.send_raw(&nps.request(rd_gateway("alice").code(4)).bytes).await.unwrap();
    stranger.send(b"x").await.unwrap();
    let events = site.audit_when(|events| drops(events).len() >= 4).await;
    let counts = events.iter().filter(|event| event.kind == "radius.dropped");
    let counts: Vec<u64> = counts.filter_map(|event| event.detail.as_ref()?.get("count")?.as_u64()).collect();
    assert!(counts.contains(&499), "{counts:?}");
}

#[tokio::test]
async fn ra_10_good_requests_beside_junk_are_answered() {
    let site = Site::start().await;
    let gateway = blind(&site).await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    let flood = Flood::new(front.address, 20_000, Duration::from_secs(2)).unwrap();
    let good = async {
        for n in 0..20 {
            let request = nps.request(rd_gateway(&format!("nobody{n}")));
            let again = Timing::every(Duration::from_secs(1), PATIENCE);
            assert!(nps.exchange(&request, again).await.unwrap().is_reject());
        }
    };
    let flooding = tokio::spawn(flood.run());
    good.await;
    let sent = flooding.await.unwrap().unwrap();
    assert!(sent.datagrams > 1_000, "{sent:?}");
    assert_eq!(sent.answers, 0);
    assert!(drops(&site.audit().await).len() <= Cause::ALL.len() * 2);
}

#[test]
fn the_causes_are_those_that_the_server_knows() {
    let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(causes, DROP_CAUSES);
    assert!(Cause::ALL.iter().all(|cause| !cause.cure().is_empty()));
    assert_eq!(SECRET.len(), 22);
}
