//! What it costs to judge a code. `cargo bench -p gatematch-benches --bench factors`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin must stop")]

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use gatematch_domain::totp::{Seed, Totp, TotpStatus};
use gatematch_protocol::id::KeyId;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use gatematch_server::pepper::{For, Peppers};

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

/// A code of an app that is wrong: all three steps are looked at.
#[divan::bench]
fn judge_a_time_based_code(bencher: Bencher<'_, '_>) {
    let seed = Seed::new(b"12345678901234567890");
    let totp = Totp { name: None, seed, period: 30, status: TotpStatus::Active, last_step: None };
    bencher.bench_local(|| totp.step_of(black_box("000000"), NOW));
}

/// A recovery code or a pass: argon2id with 19 MiB and two passes, beside the write that judges it.
#[divan::bench(sample_count = 30)]
fn hash_a_recovery_code(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pepper = KeyId::new(NOW, [1; 10]);
    let peppers = Peppers::new(pepper, BTreeMap::from([(pepper, vec![7; 32].into())]));
    let hashing = peppers.nobodys();
    let code = || vec![Secret::new("7KX2M9QR4THB2ZC8")];
    bencher.bench_local(|| runtime.block_on(peppers.hash(code(), &hashing, For::Gateway)).unwrap());
}
