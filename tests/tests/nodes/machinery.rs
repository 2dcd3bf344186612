//! What the other tests here rest on.

use std::net::TcpStream;
use std::pin::pin;
use std::time::Duration;

use gatematch_client_sim::failure::Failure;
use gatematch_tests::cable::{Cable, Moment, Mood};
use gatematch_tests::machine::new_gateway;
use gatematch_tests::node::{Node, login, master_key, signed};
use gatematch_tests::postgres::{Ending, Postgres, psql};
use tokio::time::timeout;

#[tokio::test]
async fn a_postgresql_of_ones_own_is_durable_and_ends_with_the_test() {
    let mut postgres = Postgres::start().await;
    postgres.create_database("gatematch").await;
    postgres.query("gatematch", "CREATE TABLE kept (word text)").await;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(postgres.query("gatematch", &format!("SHOW {setting}")).await, "on", "{setting}");
    }
    for ending in [Ending::Fast, Ending::Immediate, Ending::Killed] {
        postgres.query("gatematch", &format!("INSERT INTO kept VALUES ('{ending:?}')")).await;
        postgres.restart(ending).await;
    }
    assert_eq!(postgres.query("gatematch", "SELECT word FROM kept").await, "Fast\nImmediate\nKilled");
    let address = postgres.address();
    drop(postgres);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_cable_is_cut_at_the_moment_that_counts() {
    let postgres = Postgres::start().await;
    postgres.query("postgres", "CREATE TABLE kept (word text)").await;
    let cable = Cable::to(postgres.address()).await;
    let through = async |sql: &str| psql("127.0.0.1", cable.address().port(), "postgres", sql).await;
    let kept = async || postgres.query("postgres", "SELECT word FROM kept ORDER BY word").await;

    cable.cut_at(Moment::AfterCommit, "two");
    through("INSERT INTO kept VALUES ('one')").await.unwrap();
    assert!(through("INSERT INTO kept VALUES ('two')").await.is_err(), "the answer is lost");
    assert_eq!((kept().await.as_str(), cable.cuts()), ("one\ntwo", 1));
    cable.cut_at(Moment::AfterCommit, "three");
    assert!(through("BEGIN; INSERT INTO kept VALUES ('three'); COMMIT").await.is_err());
    cable.cut_at(Moment::BeforeCommit, "four");
    assert!(through("BEGIN; INSERT INTO kept VALUES ('four'); COMMIT").await.is_err());
    assert_eq!((kept().await.as_str(), cable.cuts()), ("one\nthree\ntwo", 3), "the fourth was not heard of");

    cable.set(Mood::Cut);
    assert!(through("SELECT 1").await.is_err());
    cable.set(Mood::Slow(Duration::from_millis(1)));
    assert_eq!(through("SELECT 1").await.unwrap(), "1");
    cable.set(Mood::Held);
    let mut held = pin!(through("SELECT 2"));
    assert!(timeout(Duration::from_millis(200), held.as_mut()).await.is_err(), "nothing comes back");
    cable.set(Mood::Whole);
    assert_eq!(held.await.unwrap(), "2");

    cable.deafen(true);
    let mut listening = pin!(through("LISTEN nobody"));
    assert!(timeout(Duration::from_millis(200), listening.as_mut()).await.is_err());
    cable.deafen(false);
    listening.await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_killed_comes_back_at_the_same_address() {
    let mut node = Node::new(None, &master_key());
    let key = node.machine().admin_key("admin").await;
    node.start().await;
    let admin = node.admin(&key);
    let alice = node.person(&admin, "alice").await;
    let gateway = node.gateway(&new_gateway(&admin, "Oslo gateway").await);
    let challenge = gateway.create(&login("alice", "CLIENT-PC", 60), None).await.unwrap();
    node.kill().await;
    assert!(matches!(gateway.get(challenge.id, 0).await, Err(Failure::Transport(_))));
    node.start().await;
    assert_eq!(gateway.get(challenge.id, 0).await.unwrap(), challenge);
    signed(&node.phone(&alice), &challenge).await;
    node.stop().await;
}
