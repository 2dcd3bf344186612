//! ST-02: the disk is full, read-only, or fails at the n-th write, under a server at work. Whoever is told that something was
//! done finds it done; whoever is refused is refused clearly; and when it passes, the same server goes on.
//!
//! `GATEMATCH_TEST_FAULTS_ROUNDS` says how often it fails (40), and `GATEMATCH_TEST_SEED` makes other moments.

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_tests::dice::{Dice, given};
use gatematch_tests::faults::{Fault, Faults};
use rustix::io::Errno;
use tokio::time::timeout;

use super::worker::{Blow, Trigger, Worker};
use super::{Log, ROUND, Round, WORKERS, is_sound, look, work};
use crate::machine::Machine;

/// What a disk says that is broken, full, or was mounted anew without the right to write.
const ERRORS: [Errno; 3] = [Errno::IO, Errno::NOSPC, Errno::ROFS];

/// The server of a round as it is, without a restart, and a look at everything.
async fn look_again(round: &Round, workers: &mut [Worker], log: &mut Log) {
    join_all(workers.iter_mut().map(|worker| worker.look(round))).await;
    log.agrees(round, workers).await;
}

#[tokio::test]
async fn st_02_a_disk_that_fails_loses_nothing_and_the_server_goes_on_when_it_works() {
    let rounds = given("GATEMATCH_TEST_FAULTS_ROUNDS").unwrap_or(40);
    let seed = given("GATEMATCH_TEST_SEED").unwrap_or(20_260_201);
    let mut dice = Dice::new(seed);
    let mut machine = Machine::new();
    let faults = Arc::new(Faults::on(&mut machine));
    let key = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let admin = serving.admin(&key);
    let gateway = serving.new_gateway(&admin, "Oslo gateway").await;
    let (mut round, mut log) = (Round { serving, admin, gateway: gateway.clone() }, Log::default());
    let mut workers: Vec<_> = (0..WORKERS).map(|index| Worker::new(index, Dice::new(seed ^ (index + 1)))).collect();
    let mut failed = 0;
    for turn in 0..rounds {
        // Now and then it fails for longer than anything is tried again; then everybody is refused.
        let many = if dice.roll(3) == 0 { u64::MAX } else { 1 + dice.roll(3) };
        let error = ERRORS[usize::try_from(dice.roll(3)).unwrap()];
        let fault = Fault { error, after: 1 + dice.roll(24), many };
        let trigger = Trigger::new(dice.roll(40), dice.roll(40), Blow::Disk(Arc::clone(&faults), fault));
        let next = timeout(ROUND, work(round, workers, trigger)).await;
        (round, workers) = next.unwrap_or_else(|_| panic!("round {turn} hangs: {fault:?} (seed {seed})"));
        let writes = faults.heal();
        assert!(writes > 0, "round {turn}: no write failed: {fault:?} (seed {seed})");
        failed += writes;
        let looked = timeout(ROUND, look_again(&round, &mut workers, &mut log)).await;
        looked.unwrap_or_else(|_| panic!("round {turn} is not looked through: {fault:?} (seed {seed})"));
    }
    assert!(failed >= rounds, "{failed}");
    round.serving.stop().await;

    let (round, workers) = look(&machine, &key, &gateway, workers, &mut log).await;
    for worker in &workers {
        worker.look_back(&round).await;
    }
    round.serving.stop().await;
    assert!(machine.done("audit verify").await.contains("The log holds"));
    is_sound(&machine).await;
}

#[tokio::test]
async fn st_02_a_full_disk_is_told_and_nothing_is_begun_on_it() {
    let mut machine = Machine::new();
    let faults = Faults::on(&mut machine);
    let key = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let admin = serving.admin(&key);
    admin.put_user("alice", &PutUser::default()).await.unwrap();
    faults.fail(Fault { error: Errno::NOSPC, after: 1, many: u64::MAX });
    for _ in 0..3 {
        let refused = admin.put_user("bob", &PutUser::default()).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::Unavailable), "{refused}");
        // What was there is there for those who only ask.
        assert_eq!(admin.get_user("alice").await.unwrap().username, "alice");
        assert!(admin.get_user("bob").await.is_err());
    }
    assert!(faults.heal() >= 3);
    admin.put_user("bob", &PutUser::default()).await.unwrap();
    serving.stop().await;
    assert!(machine.done("user list").await.contains("bob"));
    is_sound(&machine).await;
}
