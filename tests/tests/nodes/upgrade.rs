//! An upgrade, one node after the other: the version before goes on while the schema grows beneath it.

use gatematch_protocol::response::Decision;
use gatematch_tests::machine::Sim;
use gatematch_tests::node::{Nodes, login, signed};

/// What the next version's migration may do: whatever an older program need not know. Every table that a statement reads as
/// a whole gets a column, so that what was prepared before does not fit any more.
const GROWTH: [&str; 6] = [
    "ALTER TABLE users ADD COLUMN later TEXT",
    "ALTER TABLE devices ADD COLUMN later BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE challenges ADD COLUMN later BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE gateways ADD COLUMN later TEXT",
    "ALTER TABLE factors ADD COLUMN later TEXT; ALTER TABLE audit_events ADD COLUMN later TEXT",
    "CREATE TABLE later (id TEXT PRIMARY KEY)",
];

/// A whole sign-in at each node, at the first try.
async fn sign_in(nodes: &Nodes, people: &[(&str, Sim); 2]) {
    for (node, (name, sim)) in nodes.both().into_iter().zip(people) {
        let (gateway, phone) = (node.gateway(&nodes.gateway), node.phone(sim));
        let challenge = gateway.create(&login(name, "CLIENT-PC", 60), None).await.unwrap();
        let jws = signed(&phone, &challenge).await;
        phone.respond(&jws, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
        assert_eq!(gateway.redeem(challenge.id, "upgrade", 0).await.unwrap().status, "redeemed");
    }
}

#[tokio::test]
async fn no_sign_in_is_lost_while_the_schema_grows_beneath_both_nodes() {
    let nodes = Nodes::start().await;
    let people = [("alice", nodes.person("alice").await), ("bob", nodes.person("bob").await)];
    // Whatever is prepared once is prepared now.
    sign_in(&nodes, &people).await;
    for step in GROWTH {
        nodes.query(step).await;
        sign_in(&nodes, &people).await;
    }
    let events = nodes.audit().await;
    let redeemed = events.iter().filter(|event| event.kind == "challenge.redeemed").count();
    assert_eq!(redeemed, 2 * (GROWTH.len() + 1), "each of them is in the one log");
}
