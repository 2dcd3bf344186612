//! Decisions, without I/O. `cargo bench -p gatematch-benches --bench domain`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot begin must stop")]

use divan::{Bencher, black_box};
use gatematch_client_sim::crypto::P256Key;
use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::connect::Pages;
use gatematch_domain::course::{Foreseen, Rules};
use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_domain::login::Login;
use gatematch_domain::open::Opening;
use gatematch_domain::place::NoAtlas;
use gatematch_domain::policy::Policy;
use gatematch_domain::response::Answer;
use gatematch_domain::user::User;
use gatematch_domain::username::Domains;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, UserId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::time::Timestamp;

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

fn gateway() -> Gateway {
    Gateway {
        id: GatewayId::new(NOW, [1; 10]),
        name: "Oslo".to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display: true,
        client_address: ClientAddress::Trusted,
        created_at: NOW,
    }
}

fn account() -> Account {
    let user = User::new(UserId::new(NOW, [2; 10]), Domains::default().canonical("alice").unwrap(), NOW);
    let device = Device {
        id: DeviceId::new(NOW, [3; 10]),
        user: user.id,
        key: P256Key::from_secret(&[7; 32]).unwrap().public(),
        name: "Pixel".to_owned(),
        platform: None,
        status: DeviceStatus::Active,
        push: None,
        created_at: NOW,
        active_since: Some(NOW),
        last_used_at: None,
    };
    Account { devices: vec![device], ..Account::new(user) }
}

fn rules(policy: &Policy) -> Rules<'_> {
    Rules { policy, atlas: &NoAtlas }
}

fn opening<'a>(rules: Rules<'a>, foreseen: &'a Foreseen) -> Opening<'a> {
    Opening { rules, foreseen, draw: 7, dormant_after: None }
}

fn login() -> Login {
    let body = CreateChallenge { user: "CONTOSO\\alice".to_owned(), ..CreateChallenge::default() };
    Login::from_body(&body, ChallengeId::new(NOW, [4; 10]), &gateway(), &Domains::default(), NOW).unwrap()
}

#[divan::bench]
fn canonical_username(bencher: Bencher<'_, '_>) {
    let domains = Domains::default();
    bencher.bench_local(|| domains.canonical(black_box("CONTOSO\\Alice.Cooper")));
}

#[divan::bench]
fn open(bencher: Bencher<'_, '_>) {
    let (login, policy) = (login(), Policy::shipped());
    let foreseen = account().foresee(&login, rules(&policy), &Pages::default());
    bencher.with_inputs(account).bench_local_values(|mut account| {
        let mut journal = Journal::new(Actor::System, NOW);
        account.open(&login, &opening(rules(&policy), &foreseen), &mut Pages::default(), &mut journal).unwrap();
        (account, journal)
    });
}

#[divan::bench]
fn respond(bencher: Bencher<'_, '_>) {
    let opened = || {
        let mut account = account();
        let mut journal = Journal::new(Actor::System, NOW);
        let (login, policy) = (login(), Policy::shipped());
        let foreseen = account.foresee(&login, rules(&policy), &Pages::default());
        let opening = opening(rules(&policy), &foreseen);
        let challenge = account.open(&login, &opening, &mut Pages::default(), &mut journal).unwrap();
        let number = challenge.number.map(|number| number.reveal().to_owned());
        (
            account,
            challenge.id,
            Answer { device: challenge.sent_to[0], decision: Decision::Approve, number, uv: None, iat: 1_800_000_000 },
        )
    };
    bencher.with_inputs(opened).bench_local_values(|(mut account, id, answer)| {
        let mut journal = Journal::new(Actor::Device(answer.device), NOW);
        account.respond(id, &answer, &mut journal).unwrap();
        (account, journal)
    });
}
