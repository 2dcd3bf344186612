//! ST-01, ST-03 and AP-01 at once and at random: see `gatematch_tests::chaos`.
//!
//! `GATEMATCH_CHAOS_SEED` repeats a run, and `GATEMATCH_CHAOS_SECONDS` makes it longer.

use std::time::Duration;

use gatematch_client_sim::edge::random;
use gatematch_tests::chaos::{Plan, checker, run};
use gatematch_tests::dice::given;
use gatematch_tests::node::{Node, Nodes, master_key};

/// Enough for each kind of fault.
const SECONDS: u64 = 12;

fn plan() -> Plan {
    Plan {
        seed: given("GATEMATCH_CHAOS_SEED").unwrap_or_else(|| u64::from(u32::from_le_bytes(random()))),
        time: Duration::from_secs(given("GATEMATCH_CHAOS_SECONDS").unwrap_or(SECONDS)),
        lanes: 64,
        people: 2,
    }
}

/// How many logins came to a good end.
fn redeemed(report: &gatematch_tests::chaos::Report) -> usize {
    report.events.iter().filter(|event| event.kind == "challenge.redeemed").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_two_nodes_and_a_database_that_fail_lose_nothing_and_do_nothing_twice() {
    let Nodes { a, b, key, mut postgres, .. } = Nodes::start().await;
    let mut nodes = [a, b];
    let plan = plan();
    let report = run(plan, &mut nodes, Some(&mut postgres), &key).await;
    let found = checker::check(&report.entries, &report.events);
    assert!(found.is_empty(), "seed {}: {found:#?}", plan.seed);
    nodes[0].machine().done("audit verify").await;
    assert!(report.faults.kills >= 2 && report.faults.restarts == 2, "{:?}", report.faults);
    assert!(redeemed(&report) > 64, "the faults left time for logins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_one_node_on_a_database_of_its_own() {
    let mut node = Node::new(None, &master_key());
    let key = node.machine().admin_key("admin").await;
    node.start().await;
    let plan = Plan { time: Duration::from_secs(5), ..plan() };
    let report = run(plan, std::slice::from_mut(&mut node), None, &key).await;
    let found = checker::check(&report.entries, &report.events);
    assert!(found.is_empty(), "seed {}: {found:#?}", plan.seed);
    node.machine().done("audit verify").await;
    assert!(redeemed(&report) > 64, "the faults left time for logins");
}
