//! ST-01: `kill -9` at any moment. Everything that was acknowledged is there after the restart, and nothing twice.
//!
//! `GATEMATCH_TEST_KILLS` says how often (50), and `GATEMATCH_TEST_SEED` makes other moments.

mod disk;
pub(crate) mod login;
pub(crate) mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gatematch_client_sim::admin::Admin;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use gatematch_tests::dice::{Dice, given};
use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use self::worker::{Blow, Trigger, Worker};
use crate::machine::{Machine, Serving, audit_after, challenge_of, until_metric};

/// How many people sign in and enroll at the same time.
const WORKERS: u64 = 8;
/// A round that takes longer hangs.
const ROUND: Duration = Duration::from_secs(60);

/// A server as the workers see it in one round.
pub(crate) struct Round {
    serving: Serving,
    admin: Admin,
    gateway: GatewayCreated,
}

/// What was seen of the audit log so far.
#[derive(Default)]
struct Log {
    events: Vec<AuditEvent>,
}

impl Log {
    /// Reads on, and compares the whole with what the workers know.
    async fn agrees(&mut self, round: &Round, workers: &[Worker]) {
        let last = self.events.last().map_or(0, |event| event.seq);
        self.events.extend(audit_after(&round.admin, last).await);

        let mut steps: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
        let mut users: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for event in &self.events {
            if let Some(id) = challenge_of(event) {
                *steps.entry(id).or_default().entry(&event.kind).or_default() += 1;
            }
            if let Some(user) = &event.user {
                *users.entry((user, &event.kind)).or_default() += 1;
            }
        }
        let mut known = BTreeSet::new();
        for login in workers.iter().flat_map(Worker::logins) {
            let id = login.id().expect("every login was looked into after the restart").to_string();
            let found = steps.get(id.as_str()).unwrap_or_else(|| panic!("{id} is not in the audit log"));
            let expected: BTreeMap<&str, u32> = login.audited().iter().map(|kind| (*kind, 1)).collect();
            assert_eq!(found, &expected, "{id}: each step once, and no other");
            known.insert(id);
        }
        let unknown: Vec<_> = steps.keys().filter(|id| !known.contains(**id)).collect();
        assert!(unknown.is_empty(), "challenges that nobody asked for, or twice: {unknown:?}");
        for (name, devices) in workers.iter().flat_map(Worker::people) {
            assert_eq!(users.get(&(name, "user.created")), Some(&1), "{name}");
            assert_eq!(users.get(&(name, "device.registered")).copied().unwrap_or(0), devices, "{name}");
        }
    }
}

/// One round: a restart, a look at everything, load, and the end at a moment that the dice choose.
async fn round(
    machine: &Machine,
    key: &Secret,
    gateway: &GatewayCreated,
    workers: Vec<Worker>,
    log: &mut Log,
    dice: &mut Dice,
) -> Vec<Worker> {
    let (round, workers) = look(machine, key, gateway, workers, log).await;
    let trigger = Trigger::new(dice.roll(80), dice.roll(40), Blow::Kill(round.serving.pid()));
    let (round, workers) = work(round, workers, trigger).await;
    assert_eq!(round.serving.ended().await.signal(), Some(9));
    workers
}

/// All work until the trigger has struck.
async fn work(round: Round, workers: Vec<Worker>, trigger: Trigger) -> (Round, Vec<Worker>) {
    let (round, trigger) = (Arc::new(round), Arc::new(trigger));
    let tasks = workers.into_iter().map(|worker| tokio::spawn(worker.work(Arc::clone(&round), Arc::clone(&trigger))));
    let workers = join_all(tasks).await.into_iter().map(|ended| ended.expect("a worker found no fault")).collect();
    let Ok(round) = Arc::try_unwrap(round) else { panic!("a worker is still there") };
    (round, workers)
}

/// A restart, and a look at everything.
async fn look(
    machine: &Machine,
    key: &Secret,
    gateway: &GatewayCreated,
    mut workers: Vec<Worker>,
    log: &mut Log,
) -> (Round, Vec<Worker>) {
    let serving = machine.serve().await;
    let admin = serving.admin(key);
    let round = Round { serving, admin, gateway: gateway.clone() };
    join_all(workers.iter_mut().map(|worker| worker.look(&round))).await;
    log.agrees(&round, &workers).await;
    (round, workers)
}

#[tokio::test]
async fn st_01_what_was_acknowledged_before_a_kill_is_there_and_nothing_twice() {
    let kills = given("GATEMATCH_TEST_KILLS").unwrap_or(50);
    let seed = given("GATEMATCH_TEST_SEED").unwrap_or(20_260_101);
    let mut dice = Dice::new(seed);
    let machine = Machine::new();
    let key = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let gateway = serving.new_gateway(&serving.admin(&key), "Oslo gateway").await;
    serving.kill().await;

    let mut log = Log::default();
    let mut workers: Vec<_> = (0..WORKERS).map(|index| Worker::new(index, Dice::new(seed ^ (index + 1)))).collect();
    for turn in 0..kills {
        let next = timeout(ROUND, round(&machine, &key, &gateway, workers, &mut log, &mut dice)).await;
        workers = next.unwrap_or_else(|_| panic!("round {turn} hangs (seed {seed})"));
    }
    let (round, workers) = look(&machine, &key, &gateway, workers, &mut log).await;
    for worker in &workers {
        worker.look_back(&round).await;
    }
    // Nothing that was read once has changed since.
    let again = audit_after(&round.admin, 0).await;
    assert_eq!(again[..log.events.len()], log.events[..]);
    let redeemed =
        workers.iter().flat_map(Worker::logins).filter(|login| login.audited().contains(&"challenge.redeemed"));
    assert!(redeemed.count() as u64 > kills, "the kills left time for logins");
    round.serving.stop().await;
    is_sound(&machine).await;
}

/// SQLite itself finds no fault in the file.
async fn is_sound(machine: &Machine) {
    let mut conn = SqliteConnectOptions::new().filename(machine.database()).read_only(true).connect().await.unwrap();
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut conn).await.unwrap();
    assert_eq!(found, ["ok"]);
    let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut conn).await.unwrap();
    assert!(strays.is_empty(), "{} rows refer to nothing", strays.len());
    let twice: i64 =
        sqlx::query_scalar("SELECT count(*) FROM (SELECT 1 FROM devices GROUP BY user_id HAVING count(*) > 1)")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(twice, 0, "each person had one token, and so one phone");
    conn.close().await.unwrap();
}

#[tokio::test]
async fn st_01_sigterm_answers_those_who_wait_and_keeps_what_they_wait_for() {
    let machine = Machine::new();
    let key = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let admin = serving.admin(&key);
    let created = serving.new_gateway(&admin, "Oslo gateway").await;
    for name in ["alice", "bob"] {
        admin.put_user(name, &PutUser::default()).await.unwrap();
    }
    let (alice, bob) = (serving.enroll(&admin, "alice").await, serving.enroll(&admin, "bob").await);
    let login = CreateChallenge { user: "alice".to_owned(), expires_in: Some(600), ..CreateChallenge::default() };
    let gateway = Arc::new(serving.gateway(&created));
    let challenge = gateway.create(&login, None).await.unwrap();

    let id = challenge.id;
    let getting = tokio::spawn({
        let gateway = Arc::clone(&gateway);
        async move { gateway.get(id, 60).await }
    });
    let redeeming = tokio::spawn(async move { gateway.redeem(id, "login-1", 60).await });
    let bobs = serving.phone(&bob);
    let fetching = tokio::spawn(async move { bobs.waiting(60).await });
    until_metric(&serving.api(), "gatematch_waiting 3").await;

    let told = Instant::now();
    serving.signal(Signal::TERM);
    let waited = getting.await.unwrap().unwrap();
    assert_eq!(waited, challenge, "the state as it is");
    assert_eq!(redeeming.await.unwrap().unwrap(), challenge);
    assert_eq!(fetching.await.unwrap().unwrap(), []);
    assert!(serving.ended().await.success());
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());

    let serving = machine.serve().await;
    assert_eq!(serving.gateway(&created).get(id, 0).await.unwrap(), challenge);
    assert_eq!(serving.phone(&alice).waiting(0).await.unwrap().len(), 1);
    let kinds = audit_after(&serving.admin(&key), 0).await;
    assert_eq!(kinds.iter().filter(|event| event.kind.starts_with("challenge.")).count(), 1);
    serving.stop().await;
    is_sound(&machine).await;
}
