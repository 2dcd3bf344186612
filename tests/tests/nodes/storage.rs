//! What was acknowledged is there, and nothing is done twice: ST-01 and ST-04 with two nodes on one PostgreSQL, and what a
//! caller who hangs up leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use gatematch_client_sim::failure::Failure;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_tests::cable::{Cable, Moment, Mood};
use gatematch_tests::dice::Dice;
use gatematch_tests::machine::{Sim, until_metric};
use gatematch_tests::node::{DATABASE, Nodes, login, signed};
use gatematch_tests::postgres::{Postgres, url};
use tokio::time::timeout;

use crate::crash::login::Login;
use crate::crash::worker::{Blow, Trigger};

/// Two nodes, the first of which has a cable to its database.
async fn on_a_cable() -> (Nodes, Cable) {
    let postgres = Postgres::start().await;
    postgres.create_database(DATABASE).await;
    let cable = Cable::to(postgres.address()).await;
    let urls = [url(cable.address(), DATABASE), postgres.url(DATABASE)];
    (Nodes::on(postgres, [&urls[0], &urls[1]]).await, cable)
}

/// Signs in at one node until that is gone.
async fn until_gone(nodes: &Nodes, victim: usize, sim: &Sim, logins: &mut Vec<Login>, trigger: &Trigger) {
    let node = nodes.both()[victim];
    let (gateway, phone) = (node.gateway(&nodes.gateway), node.phone(sim));
    loop {
        logins.push(Login::new(&sim.account.user, logins.len()));
        let login = logins.last_mut().unwrap();
        match login.go_on(&gateway, &phone, Decision::Approve, Some(trigger)).await {
            Ok(()) => {}
            Err(Failure::Transport(_)) => return,
            Err(failure) => panic!("{failure}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn st_01_what_a_node_has_acknowledged_before_it_was_killed_is_there_at_the_other() {
    let mut nodes = Nodes::start().await;
    let mut dice = Dice::new(20_260_101);
    let mut people = Vec::new();
    for index in 0..8 {
        people.push((nodes.person(&format!("p{index}")).await, Vec::new()));
    }
    for round in 0..8 {
        let victim = round % 2;
        let trigger = Trigger::new(dice.roll(60), dice.roll(40), Blow::Kill(nodes.both()[victim].pid()));
        let seen: Vec<usize> = people.iter().map(|(_, logins)| logins.len()).collect();
        join_all(people.iter_mut().map(|(sim, logins)| until_gone(&nodes, victim, sim, logins, &trigger))).await;
        // The other node goes on with each of them, from where he was.
        let other = nodes.both()[1 - victim];
        let gateway = other.gateway(&nodes.gateway);
        let looks = people.iter_mut().zip(seen).map(async |((sim, logins), seen)| {
            let phone = other.phone(sim);
            for login in &mut logins[seen..] {
                login.look(&gateway, Some(&phone)).await;
            }
        });
        join_all(looks).await;
        let node = if victim == 0 { &mut nodes.a } else { &mut nodes.b };
        node.kill().await;
        node.start().await;
    }
    let events = nodes.audit().await;
    let mut redeemed = 0;
    for login in people.iter().flat_map(|(_, logins)| logins) {
        let id = login.id().unwrap().to_string();
        let about = events.iter().filter(|event| gatematch_tests::machine::challenge_of(event) == Some(&id));
        let kinds: Vec<&str> = about.map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, login.audited(), "{id}: each step once, and no other");
        redeemed += usize::from(kinds.contains(&"challenge.redeemed"));
    }
    let made = events.iter().filter(|event| event.kind == "challenge.created").count();
    assert_eq!(made, people.iter().map(|(_, logins)| logins.len()).sum::<usize>(), "none that nobody knows of");
    assert!(redeemed > 16, "the kills left time for {redeemed} logins");
    nodes.b.machine().done("audit verify").await;
}

/// A step whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Respond,
    Redeem,
}

/// Does a whole login; the answer of the database at one `step` is lost, and the retry is at the other node or at the same.
async fn with_a_loss(nodes: &Nodes, cable: &Cable, step: Step, moment: Moment, elsewhere: bool) {
    let name = format!("{step:?}-{moment:?}-{elsewhere}").to_lowercase();
    let sim = nodes.person(&name).await;
    let after = if elsewhere { &nodes.b } else { &nodes.a };
    let (gateway, again) = (nodes.a.gateway(&nodes.gateway), after.gateway(&nodes.gateway));
    let (phone, phone_again) = (nodes.a.phone(&sim), after.phone(&sim));
    let cuts = cable.cuts();
    let lose = |now: Step| {
        if now == step {
            cable.cut_at(moment, &name);
        }
    };
    // Nobody knows whether it was written, and nobody says so.
    let in_doubt = |failure: Failure| assert_eq!(failure.status(), Some(503), "{name}: {failure}");

    let body = login(&name, "CLIENT-PC", 60);
    lose(Step::Create);
    let challenge = match gateway.create(&body, Some(&name)).await {
        Ok(created) => created,
        Err(failure) => {
            in_doubt(failure);
            again.create(&body, Some(&name)).await.unwrap()
        }
    };
    assert_eq!(again.create(&body, Some(&name)).await.unwrap(), challenge, "{name}");

    let jws = signed(&phone, &challenge).await;
    let response = phone.response(&jws, Decision::Approve, challenge.number.as_deref(), None).unwrap();
    let id = challenge.id.to_string();
    lose(Step::Respond);
    let answer = phone.post_response(&id, &response).await.unwrap();
    if let Err(failure) = answer.success() {
        in_doubt(failure);
        let answer = phone_again.post_response(&id, &response).await.unwrap();
        if let Err(failure) = answer.success() {
            assert_eq!(failure.problem().unwrap().more["state"], "approved", "{name}: {failure}");
        }
    }

    lose(Step::Redeem);
    let redeemed = match gateway.redeem(challenge.id, &name, 0).await {
        Ok(redeemed) => redeemed,
        Err(failure) => {
            in_doubt(failure);
            again.redeem(challenge.id, &name, 0).await.unwrap()
        }
    };
    gateway.check_result(&redeemed).await.unwrap();
    assert_eq!(again.redeem(challenge.id, &name, 0).await.unwrap().result, redeemed.result, "{name}: the same string");
    assert_eq!(cable.cuts(), cuts + 1, "{name}: an answer was lost");
    assert_eq!(nodes.steps(challenge.id).await, ["created", "approved", "redeemed"], "{name}");
}

#[tokio::test]
async fn st_04_a_retry_after_the_answer_of_a_commit_was_lost_does_nothing_twice() {
    let (nodes, cable) = on_a_cable().await;
    for step in [Step::Create, Step::Respond, Step::Redeem] {
        for moment in [Moment::AfterCommit, Moment::BeforeCommit] {
            for elsewhere in [false, true] {
                with_a_loss(&nodes, &cable, step, moment, elsewhere).await;
            }
        }
    }
    nodes.b.machine().done("audit verify").await;
}

#[tokio::test]
async fn who_waits_for_what_nobody_knows_whether_it_was_written_hears_of_it() {
    let (nodes, cable) = on_a_cable().await;
    let sim = nodes.person("alice").await;
    let gateway = Arc::new(nodes.a.gateway(&nodes.gateway));
    for turn in 0..3 {
        let challenge = gateway.create(&login("alice", "CLIENT-PC", 60), None).await.unwrap();
        let (waiter, id) = (Arc::clone(&gateway), challenge.id);
        let waiting = tokio::spawn(async move { waiter.get(id, 60).await });
        until_metric(&nodes.a.api(), "gatematch_waiting 1").await;
        let phone = nodes.a.phone(&sim);
        let jws = signed(&phone, &challenge).await;
        let response = phone.response(&jws, Decision::Approve, challenge.number.as_deref(), None).unwrap();
        cable.cut_at(Moment::AfterCommit, "alice");
        let answer = phone.post_response(&id.to_string(), &response).await.unwrap();
        assert_eq!(answer.success().unwrap_err().status(), Some(503), "turn {turn}");
        // Nobody tries again. Half a minute later he would look for himself.
        let seen = timeout(Duration::from_secs(8), waiting).await.expect("nobody told him").unwrap().unwrap();
        assert_eq!(seen.status, "approved", "turn {turn}");
        gateway.cancel(id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_in_the_middle_of_a_write_takes_nobody_elses_along() {
    let (nodes, cable) = on_a_cable().await;
    cable.set(Mood::Slow(Duration::from_millis(1)));
    let admin = nodes.admin();
    let mut dice = Dice::new(20_260_101);
    let hung_up = Arc::new(AtomicUsize::new(0));
    for round in 0..60 {
        let gone: Vec<_> = (0..4)
            .map(|caller| {
                let (admin, hung_up) = (admin.clone(), Arc::clone(&hung_up));
                let patience = Duration::from_micros(200 + dice.roll(20_000));
                tokio::spawn(async move {
                    let name = format!("gone-{round}-{caller}");
                    let nobody = PutUser::default();
                    if timeout(patience, admin.put_user(&name, &nobody)).await.is_err() {
                        hung_up.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let name = format!("kept-{round}");
        admin.put_user(&name, &PutUser::default()).await.unwrap();
        // Acknowledged, so it is there: for the other node, and for whoever reads the database by himself.
        assert_eq!(nodes.b.admin(&nodes.key).get_user(&name).await.unwrap().username, name);
        if round % 10 == 0 {
            let found = nodes.query(&format!("SELECT count(*) FROM users WHERE username = '{name}'")).await;
            assert_eq!(found, "1");
        }
        join_all(gone).await;
    }
    assert!(hung_up.load(Ordering::Relaxed) > 60, "{hung_up:?} have hung up");
    cable.set(Mood::Whole);
    nodes.audit().await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'";
    assert_eq!(nodes.query(open).await, "0", "no transaction was left open");
    nodes.b.machine().done("audit verify").await;
}
