//! AU-03: one chain, however many write.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::user::PutUser;
use gatematch_tests::node::{Node, Nodes};

/// How many events each node writes.
const EVENTS: u64 = 10_000;
/// How many ask each node at a time.
const CALLERS: usize = 48;

/// Has one node write its events: a user each.
async fn write(node: &Node, name: &str, nodes: &Nodes) {
    let (admin, next) = (node.admin(&nodes.key), Arc::new(AtomicU64::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (admin, next, name) = (admin.clone(), Arc::clone(&next), name.to_owned());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= EVENTS {
                    return;
                }
                admin.put_user(&format!("{name}-{number}"), &PutUser::default()).await.unwrap();
            }
        })
    });
    join_all(callers).await.into_iter().for_each(|ended| ended.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn au_03_two_nodes_write_ten_thousand_events_each_and_there_is_one_chain() {
    let nodes = Nodes::start().await;
    tokio::join!(write(&nodes.a, "a", &nodes), write(&nodes.b, "b", &nodes));
    // Read to the end at each node, numbered without a gap, and alike.
    let events = nodes.audit().await;
    let links = events.windows(2).all(|two| two[1].prev_hash == two[0].hash && two[0].hash.is_some());
    assert!(links, "each event follows from the one before");
    let of = |node: &str| -> BTreeSet<&str> {
        let made = events.iter().filter(|event| event.kind == "user.created");
        let users = made.filter_map(|event: &AuditEvent| event.user.as_deref());
        users.filter(|user| user.starts_with(&format!("{node}-"))).collect()
    };
    assert_eq!((of("a").len() as u64, of("b").len() as u64), (EVENTS, EVENTS), "each of them, and none twice");
    assert_eq!(events.iter().filter(|event| event.kind == "user.created").count() as u64, 2 * EVENTS + 2);
    for node in nodes.both() {
        node.machine().done("audit verify").await;
    }
}
