//! What policy costs a login. `cargo bench -p gatematch-benches --bench policy`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin must stop")]

use divan::{Bencher, black_box};
use gatematch_domain::policy::{AtGateway, Facts, Names, Policy, Profile, Whence};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::policy::Rule;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

/// So many rules, each with other conditions, of which none but the last matches [`login`].
fn policy(rules: usize) -> Policy {
    let when = |index: usize| match index % 5 {
        0 => json!({"groups": [format!("group {index}"), "contractors"]}),
        1 => json!({"networks": [format!("10.{}.0.0/16", index % 250), "2001:db8::/32"]}),
        2 => json!({"countries": ["SE", "DK"], "client_names": [format!("PC-{index}")]}),
        3 => json!({"users": [format!("user{index}")], "gateways": ["rdg02"]}),
        _ => json!({"hours": {"days": ["sat", "sun"], "from": "22:00", "to": "05:00", "zone": "Europe/Oslo"}}),
    };
    let rule = |index: usize| {
        json!({"name": format!("rule {index}"), "enabled": true, "when": when(index), "on_missing": "skip",
               "then": {"decision": "ask", "digits": 6}})
    };
    let mut written: Vec<Value> = (1..rules).map(rule).collect();
    written.push(json!({"name": "default", "enabled": true, "then": {"decision": "ask"}}));
    let written: Vec<Rule> = written.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect();
    Policy::of(2, Profile::Standard, &written, Names::Stored).unwrap().policy
}

fn login() -> Facts {
    Facts {
        groups: ["staff", "sales", "oslo"].map(str::to_owned).to_vec(),
        gateway: Some(AtGateway { id: GatewayId::new(NOW, [1; 10]), name: "rdg01".to_owned() }),
        client_name: Some("CLIENT-PC".to_owned()),
        told: Whence {
            address: Some([203, 0, 113, 7].into()),
            country: "NO".parse().ok(),
            new_network: Some(false),
            new_country: Some(false),
        },
        ..Facts::of("alice".to_owned(), NOW)
    }
}

#[divan::bench(args = [1, 20, 200])]
fn judge(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, login) = (policy(rules), login());
    bencher.bench_local(|| black_box(&policy).judge(black_box(&login)));
}

/// The same where a connect page was opened: the rules are read twice.
#[divan::bench(args = [200])]
fn judge_with_page(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, login) = (policy(rules), login());
    let login = Facts { page: Some(login.told), ..login };
    bencher.bench_local(|| black_box(&policy).judge(black_box(&login)));
}

#[divan::bench(args = [200])]
fn explain(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, login) = (policy(rules), login());
    bencher.bench_local(|| gatematch_domain::policy::explained(black_box(&policy), black_box(&login), Some(2)));
}
