//! The store's verbs on a durable embedded database (WAL, `synchronous=FULL`): one caller, and 64 at a time.
//! `cargo bench -p gatematch-benches --bench store`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot begin must stop")]

use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use futures_util::future::join_all;
use gatematch_benches::Shelf;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn main() {
    divan::main();
}

/// Open, respond and redeem, one after the other: three commits.
#[divan::bench(sample_count = 200)]
fn login_of_one_caller(bencher: Bencher<'_, '_>) {
    let bench = RUNTIME.block_on(Shelf::new(1));
    bencher.counter(ItemsCount::new(3_u32)).bench_local(|| RUNTIME.block_on(bench.login(&bench.people[0])));
}

/// 64 callers at the same time, each with a whole login: 192 durable verbs. `items/s` is verbs a second.
#[divan::bench(sample_count = 100)]
fn logins_of_64_callers(bencher: Bencher<'_, '_>) {
    let bench = RUNTIME.block_on(Shelf::new(64));
    bencher
        .counter(ItemsCount::new(192_u32))
        .bench_local(|| RUNTIME.block_on(join_all(bench.people.iter().map(|person| bench.login(person)))));
}

/// 64 challenges opened at the same time. `items/s` is verbs a second.
#[divan::bench(sample_count = 100)]
fn open_of_64_callers(bencher: Bencher<'_, '_>) {
    let bench = RUNTIME.block_on(Shelf::new(64));
    bencher.counter(ItemsCount::new(64_u32)).bench_local(|| {
        let opened = RUNTIME.block_on(join_all(bench.people.iter().map(|person| bench.open(person))));
        // A success keeps the next prompt allowed; it is part of what is measured elsewhere.
        RUNTIME.block_on(join_all(
            bench.people.iter().zip(&opened).map(|(person, challenge)| bench.respond(person, challenge)),
        ));
    });
}
