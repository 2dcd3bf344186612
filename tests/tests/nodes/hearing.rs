//! What one node decides is heard at the other at once, also where it was not told.

use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::{ChallengeView, WaitingChallenge};
use gatematch_protocol::response::Decision;
use gatematch_tests::cable::Cable;
use gatematch_tests::machine::until_metric;
use gatematch_tests::node::{DATABASE, Nodes, login, signed};
use gatematch_tests::postgres::{Postgres, url};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Far below the half minute after which everybody looks again for himself.
const SOON: Duration = Duration::from_secs(5);

/// Somebody who waits is told, soon.
async fn soon<T>(waiting: JoinHandle<T>) -> T {
    timeout(SOON, waiting).await.expect("nobody told him").unwrap()
}

fn get(gateway: &Arc<Gateway>, challenge: &ChallengeView) -> JoinHandle<ChallengeView> {
    let (gateway, id) = (Arc::clone(gateway), challenge.id);
    tokio::spawn(async move { gateway.get(id, 60).await.unwrap() })
}

/// As a gateway does: it asks again where nothing could be decided.
fn redeem(gateway: &Arc<Gateway>, challenge: &ChallengeView) -> JoinHandle<ChallengeView> {
    let (gateway, id) = (Arc::clone(gateway), challenge.id);
    tokio::spawn(async move {
        loop {
            match gateway.redeem(id, "r", 60).await {
                Err(failure) if failure.status() == Some(503) => {}
                answer => return answer.unwrap(),
            }
        }
    })
}

fn fetch(phone: &Arc<Phone>) -> JoinHandle<Vec<WaitingChallenge>> {
    let phone = Arc::clone(phone);
    tokio::spawn(async move { phone.waiting(60).await.unwrap() })
}

#[tokio::test]
async fn who_waits_at_one_node_hears_at_once_of_what_the_other_decides() {
    let nodes = Nodes::start().await;
    let alice = nodes.person("alice").await;
    let (here, there) = (Arc::new(nodes.a.gateway(&nodes.gateway)), nodes.b.gateway(&nodes.gateway));
    let (phone, other) = (Arc::new(nodes.a.phone(&alice)), nodes.b.phone(&alice));
    for decision in [Decision::Approve, Decision::Deny] {
        let fetching = fetch(&phone);
        until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
        let challenge = there.create(&login("alice", "CLIENT-PC", 60), None).await.unwrap();
        let found = soon(fetching).await;
        assert_eq!(found[0].id, challenge.id, "a phone hears of a new challenge");

        let (getting, redeeming) = (get(&here, &challenge), redeem(&here, &challenge));
        until_metric(&nodes.a.api(), "gatematch_waiting 2").await;
        other.respond(&found[0].challenge, decision, challenge.number.as_deref(), None).await.unwrap();
        let (seen, redeemed) = (soon(getting).await.status, soon(redeeming).await);
        if decision == Decision::Approve {
            // Who only looks sees it before it is spent, or after.
            assert!(["approved", "redeemed"].contains(&seen.as_str()), "{seen}");
            here.check_result(&redeemed).await.unwrap();
        } else {
            assert_eq!((seen.as_str(), redeemed.status.as_str()), ("denied", "denied"));
        }
    }
    let challenge = there.create(&login("alice", "CLIENT-PC", 60), None).await.unwrap();
    let getting = get(&here, &challenge);
    until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
    there.cancel(challenge.id).await.unwrap();
    assert_eq!(soon(getting).await.status, "cancelled");
}

#[tokio::test]
async fn what_was_told_while_nobody_listened_is_read_when_somebody_does_again() {
    let postgres = Postgres::start().await;
    postgres.create_database(DATABASE).await;
    let cable = Cable::to(postgres.address()).await;
    let urls = [url(cable.address(), DATABASE), postgres.url(DATABASE)];
    let nodes = Nodes::on(postgres, [&urls[0], &urls[1]]).await;
    let alice = nodes.person("alice").await;
    let (here, there) = (Arc::new(nodes.a.gateway(&nodes.gateway)), nodes.b.gateway(&nodes.gateway));
    let (phone, other) = (Arc::new(nodes.a.phone(&alice)), nodes.b.phone(&alice));

    let challenge = there.create(&login("alice", "PC-1", 60), None).await.unwrap();
    let jws = signed(&other, &challenge).await;
    let redeeming = redeem(&here, &challenge);
    until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
    cable.deafen(true);
    other.respond(&jws, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
    let approved = there.get(challenge.id, 0).await.unwrap();
    assert_eq!(approved.status, "approved");
    until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
    cable.deafen(false);
    assert_eq!(soon(redeeming).await.status, "redeemed");

    let fetching = fetch(&phone);
    until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
    cable.deafen(true);
    let challenge = there.create(&login("alice", "PC-2", 60), None).await.unwrap();
    cable.deafen(false);
    assert_eq!(soon(fetching).await[0].id, challenge.id);
}

#[tokio::test]
async fn who_waits_hears_of_it_although_the_database_has_ended_every_connection() {
    let nodes = Nodes::start().await;
    let alice = nodes.person("alice").await;
    let (here, there) = (Arc::new(nodes.a.gateway(&nodes.gateway)), nodes.b.gateway(&nodes.gateway));
    let phone = nodes.b.phone(&alice);
    for round in 0..5 {
        let challenge = there.create(&login("alice", &format!("PC-{round}"), 60), None).await.unwrap();
        let jws = signed(&phone, &challenge).await;
        let redeeming = redeem(&here, &challenge);
        until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert_ne!(nodes.query(ended).await, "0");
        // As a phone does: it tries again where there is no answer.
        let response = phone.response(&jws, Decision::Approve, challenge.number.as_deref(), None).unwrap();
        let statuses = async {
            loop {
                let answer = phone.post_response(&challenge.id.to_string(), &response).await.unwrap();
                assert!([200, 409, 503].contains(&answer.status), "{}", answer.text());
                if answer.status != 503 {
                    return;
                }
            }
        };
        timeout(SOON, statuses).await.expect("the node does not recover");
        assert_eq!(soon(redeeming).await.status, "redeemed");
        assert_eq!(nodes.steps(challenge.id).await, ["created", "approved", "redeemed"]);
    }
}
