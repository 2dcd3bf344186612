//! ST-03: while the database is gone, silent or slow, nobody is let in; when it is back, so is everything, within five
//! seconds.

use std::time::{Duration, Instant};

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Answer;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_tests::cable::{Cable, Mood};
use gatematch_tests::node::{DATABASE, Node, Nodes, login, signed};
use gatematch_tests::postgres::{Ending, Postgres, url};
use tokio::time::{interval, timeout};

/// Within which all must be as it was.
const RECOVERY: Duration = Duration::from_secs(5);
/// Within which a client must have some answer, although the database says nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// A login of which each step is open: one to be approved, one to be redeemed.
struct Held {
    gateway: Gateway,
    phone: Phone,
    pending: ChallengeView,
    response: String,
    approved: ChallengeView,
}

impl Held {
    async fn at(node: &Node, nodes: &Nodes, name: &str) -> Self {
        let sim = nodes.person(name).await;
        let (gateway, phone) = (node.gateway(&nodes.gateway), node.phone(&sim));
        let pending = gateway.create(&login(name, "PC-1", 600), None).await.unwrap();
        let approved = gateway.create(&login(name, "PC-2", 600), None).await.unwrap();
        let approve = async |challenge: &ChallengeView| {
            let jws = signed(&phone, challenge).await;
            phone.response(&jws, Decision::Approve, challenge.number.as_deref(), None).unwrap()
        };
        let response = approve(&approved).await;
        phone.post_response(&approved.id.to_string(), &response).await.unwrap().success().unwrap();
        let response = approve(&pending).await;
        Self { gateway, phone, pending, response, approved }
    }

    async fn respond(&self) -> Answer {
        self.phone.post_response(&self.pending.id.to_string(), &self.response).await.unwrap()
    }

    /// Whatever is asked, nothing can be decided.
    async fn gets_nothing(&self) {
        let nothing = |failure: Failure| {
            assert!([Some(Code::Unavailable), Some(Code::Overloaded)].contains(&failure.code()), "{failure}");
        };
        let body = login(&self.approved.user, "PC-3", 600);
        let (created, responded, redeemed, seen) = tokio::join!(
            timeout(SILENCE, self.gateway.create(&body, None)),
            timeout(SILENCE, self.respond()),
            timeout(SILENCE, self.gateway.redeem(self.approved.id, "r", 0)),
            timeout(SILENCE, self.gateway.get(self.pending.id, 0)),
        );
        nothing(created.expect("no answer").unwrap_err());
        nothing(responded.expect("no answer").success().unwrap_err());
        nothing(redeemed.expect("no answer").unwrap_err());
        nothing(seen.expect("no answer").unwrap_err());
        let ready = self.gateway.api.call("GET", "/readyz", &[], None);
        assert_eq!(timeout(SILENCE, ready).await.expect("no answer").unwrap().status, 503);
    }

    /// From now on, everything works in time.
    async fn recovers(&self, since: Instant) {
        let mut tries = interval(Duration::from_millis(20));
        let left = || RECOVERY.checked_sub(since.elapsed()).expect("it takes longer than five seconds");
        loop {
            tries.tick().await;
            let answer = timeout(left(), self.respond()).await.expect("no answer in time");
            match answer.success() {
                Ok(()) => break,
                // It was decided by an answer that got lost.
                Err(failure) if failure.code() == Some(Code::AlreadyDecided) => break,
                Err(failure) => assert_eq!(failure.status(), Some(503), "{failure}"),
            }
        }
        for challenge in [&self.pending, &self.approved] {
            loop {
                match timeout(left(), self.gateway.redeem(challenge.id, "r", 0)).await.expect("no answer in time") {
                    Ok(view) => {
                        self.gateway.check_result(&view).await.unwrap();
                        break;
                    }
                    Err(failure) => assert_eq!(failure.status(), Some(503), "{failure}"),
                }
                tries.tick().await;
            }
        }
    }

    async fn was_done_once(&self, nodes: &Nodes) {
        for challenge in [&self.pending, &self.approved] {
            assert_eq!(nodes.steps(challenge.id).await, ["created", "approved", "redeemed"]);
        }
    }
}

#[tokio::test]
async fn st_03_while_the_database_is_gone_nobody_is_let_in_and_all_is_well_when_it_is_back() {
    let mut nodes = Nodes::start().await;
    for ending in [Ending::Fast, Ending::Immediate, Ending::Killed] {
        let here = Held::at(&nodes.a, &nodes, &format!("a-{ending:?}").to_lowercase()).await;
        let there = Held::at(&nodes.b, &nodes, &format!("b-{ending:?}").to_lowercase()).await;
        nodes.postgres.stop(ending).await;
        tokio::join!(here.gets_nothing(), there.gets_nothing());
        nodes.postgres.again().await;
        let since = Instant::now();
        tokio::join!(here.recovers(since), there.recovers(since));
        here.was_done_once(&nodes).await;
        there.was_done_once(&nodes).await;
    }
    nodes.a.machine().done("audit verify").await;
}

#[tokio::test]
async fn st_03_a_node_whose_database_falls_silent_lets_nobody_in_and_holds_up_nobody_else() {
    let postgres = Postgres::start().await;
    postgres.create_database(DATABASE).await;
    let cable = Cable::to(postgres.address()).await;
    let urls = [url(cable.address(), DATABASE), postgres.url(DATABASE)];
    let nodes = Nodes::on(postgres, [&urls[0], &urls[1]]).await;
    let here = Held::at(&nodes.a, &nodes, "alice").await;
    let there = Held::at(&nodes.b, &nodes, "bob").await;
    cable.set(Mood::Held);
    // Its connection may hold the lock of those who write: the others have it back in time.
    let since = Instant::now();
    tokio::join!(here.gets_nothing(), there.recovers(since));
    cable.set(Mood::Whole);
    here.recovers(Instant::now()).await;
    here.was_done_once(&nodes).await;
    there.was_done_once(&nodes).await;

    // Cut off altogether.
    let again = Held::at(&nodes.a, &nodes, "carol").await;
    cable.set(Mood::Cut);
    again.gets_nothing().await;
    cable.set(Mood::Whole);
    again.recovers(Instant::now()).await;
    again.was_done_once(&nodes).await;

    // Slow: then everything takes longer, and is as it should be.
    cable.set(Mood::Slow(Duration::from_millis(2)));
    let late = Held::at(&nodes.a, &nodes, "dave").await;
    late.respond().await.success().unwrap();
    for challenge in [&late.pending, &late.approved] {
        late.gateway.redeem(challenge.id, "r", 0).await.unwrap();
    }
    late.was_done_once(&nodes).await;
    nodes.b.machine().done("audit verify").await;
}

#[tokio::test]
async fn st_03_a_database_that_fails_over_has_all_that_was_acknowledged() {
    let postgres = Postgres::start().await;
    postgres.create_database(DATABASE).await;
    let second = postgres.standby().await;
    let cable = Cable::to(postgres.address()).await;
    let address = url(cable.address(), DATABASE);
    let mut nodes = Nodes::on(postgres, [&address, &address]).await;
    let here = Held::at(&nodes.a, &nodes, "alice").await;
    let there = Held::at(&nodes.b, &nodes, "bob").await;
    nodes.postgres.stop(Ending::Immediate).await;
    tokio::join!(here.gets_nothing(), there.gets_nothing());
    second.promote().await;
    cable.lead_to(second.address());
    let since = Instant::now();
    tokio::join!(here.recovers(since), there.recovers(since));
    here.was_done_once(&nodes).await;
    there.was_done_once(&nodes).await;
    nodes.b.machine().done("audit verify").await;
}
