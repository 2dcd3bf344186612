//! Who may serve a database, and what is refused by name: ST-05 where it is PostgreSQL.

use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::response::Decision;
use gatematch_tests::machine::new_gateway;
use gatematch_tests::node::{DATABASE, Node, Nodes, login, master_key, signed};
use gatematch_tests::postgres::Postgres;
use serde_json::Value;

/// What a node says that must not start; the database stays as it was.
async fn refused(postgres: &Postgres, node: &mut Node) -> String {
    let before = postgres.dump(DATABASE).await;
    let told = node.try_start().await.unwrap_err();
    assert_eq!(postgres.dump(DATABASE).await, before, "something was changed: {told}");
    told
}

#[tokio::test]
async fn st_05_a_newer_schema_or_another_is_refused_and_left_as_it_is() {
    let mut nodes = Nodes::start().await;
    let newest = "SELECT max(version) FROM _sqlx_migrations";
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT max(version) + 1, 'newer', true, 'x', 0 FROM _sqlx_migrations";
    nodes.query(newer).await;
    let version = nodes.query(newest).await;
    nodes.b.stop().await;
    let told = refused(&nodes.postgres, &mut nodes.b).await;
    assert!(told.contains(&version) && told.contains("schema"), "{told}");
    let (code, told) = nodes.b.machine().refused("user add mallory").await;
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("schema"), "{told}");

    nodes.query("DELETE FROM _sqlx_migrations WHERE description = 'newer'").await;
    nodes.query("UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 1").await;
    let told = refused(&nodes.postgres, &mut nodes.b).await;
    assert!(told.contains("schema"), "{told}");
}

#[tokio::test]
async fn st_05_what_is_no_database_of_ours_is_refused_and_left_as_it_is() {
    let postgres = Postgres::start().await;
    let mut node = Node::new(Some(&postgres.url(DATABASE)), &master_key());
    // Nothing is made in place of what is not there.
    let told = node.try_start().await.unwrap_err();
    assert!(told.contains(DATABASE), "{told}");
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}'");
    assert_eq!(postgres.query("postgres", &count).await, "0");

    postgres.create_database(DATABASE).await;
    postgres.query(DATABASE, "CREATE TABLE payroll (name text)").await;
    let told = refused(&postgres, &mut node).await;
    assert!(told.contains("not made by Gatematch"), "{told}");
}

#[tokio::test]
async fn a_node_with_another_master_key_is_refused_and_leaves_all_as_it_is() {
    let nodes = Nodes::start().await;
    let mut stranger = Node::new(Some(&nodes.postgres.url(DATABASE)), &master_key());
    let told = refused(&nodes.postgres, &mut stranger).await;
    assert!(told.contains("another master key") && told.contains("GATEMATCH_MASTER_KEY"), "{told}");
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_acknowledges_is_refused_unless_that_is_wanted() {
    let postgres = Postgres::start_with(&["fsync=off"]).await;
    postgres.create_database(DATABASE).await;
    // By its socket, for once.
    let mut node = Node::new(Some(&postgres.socket_url(DATABASE)), &master_key());
    let told = refused(&postgres, &mut node).await;
    assert!(told.contains("fsync") && told.contains("database_unsafe_fsync_off"), "{told}");
    node.set("GATEMATCH_DATABASE_UNSAFE_FSYNC_OFF", "true");
    node.start().await;
    assert!(node.log().contains("fsync"), "it says so, each time");
    node.stop().await;
}

/// A login whose parts are done by different nodes.
async fn sign_in(key: &gatematch_protocol::secret::Secret, nodes: &[Node]) -> ChallengeView {
    let [first, .., last] = nodes else { panic!("two at least") };
    let created = new_gateway(&first.admin(key), "Oslo gateway").await;
    let alice = first.person(&last.admin(key), "alice").await;
    let challenge = last.gateway(&created).create(&login("alice", "CLIENT-PC", 60), None).await.unwrap();
    let phone = first.phone(&alice);
    let jws = signed(&phone, &challenge).await;
    // Signed by one, and believed by whoever knows the keys of the other.
    phone.read(&jws).await.unwrap();
    phone.respond(&jws, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
    let gateway = last.gateway(&created);
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    gateway.check_result(&redeemed).await.unwrap();
    redeemed
}

#[tokio::test]
async fn nodes_that_start_for_the_first_time_at_the_same_moment_make_one_set_of_keys() {
    let postgres = Postgres::start().await;
    for round in 0..3 {
        let database = format!("round{round}");
        postgres.create_database(&database).await;
        let master = master_key();
        let node = || Node::new(Some(&postgres.url(&database)), &master);
        let mut nodes = [node(), node(), node()];
        let [a, b, c] = &mut nodes;
        tokio::join!(a.start(), b.start(), c.start());
        for path in ["/.well-known/jwks.json", "/.well-known/jwks-audit.json", "/.well-known/gatematch"] {
            let mut told = Vec::new();
            for node in &nodes {
                told.push(node.api().get::<Value>(path).await.unwrap());
            }
            assert!(told.iter().all(|one| *one == told[0]), "{path}: {told:#?}");
        }
        let key = nodes[2].machine().admin_key("admin").await;
        assert_eq!(sign_in(&key, &nodes).await.status, "redeemed");
        nodes[1].machine().done("audit verify").await;
    }
}
