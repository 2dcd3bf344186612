//! Fills an audit log with the sign-ins of 30 days, as they are by day and by night, and measures how long its pages take
//! at the console: `cargo run --release -p gatematch-benches --example look -- DIRECTORY EVENTS`. Where
//! `GATEMATCH_DATABASE_URL` is set, the database is there; DIRECTORY has the master key. A log that has as many is not filled
//! again.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_domain::challenge::Client;
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::postgres::Server;
use gatematch_server::store::{Look, Store};
use gatematch_server::tally::Tally;

/// How many events are written in one transaction.
const AT_ONCE: u64 = 2_000;
/// How many people sign in.
const PEOPLE: u64 = 5_000;
/// How many gateways there are; at the last of them a sign-in in a thousand.
const GATEWAYS: u64 = 6;
const DAYS_SECONDS: i64 = 30 * 86_400;
/// How often each question is asked; the one in the middle counts.
const TIMES: usize = 21;

type Fault = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, events] = arguments.as_slice() else {
        return Err("usage: look DIRECTORY EVENTS".into());
    };
    let events = events.parse::<u64>()?;
    let mut settings = Settings::for_data_dir(Path::new(directory));
    if let Ok(url) = std::env::var("GATEMATCH_DATABASE_URL") {
        settings.database_server = Some(Server::of(&Secret::new(url))?);
    }
    let edge = Edge::system();
    let (store, _vault) = open_store(&settings, &edge, Arc::new(Silent)).await?;
    let begun = Instant::now();
    let mut written = store.log_end().await?.size;
    while written < events {
        let some = AT_ONCE.min(events - written);
        let batch = (written..written + some).filter_map(|number| event(&edge, number, events)).collect::<Vec<_>>();
        store.record_events(batch).await?;
        written += some;
        let _ = write!(std::io::stderr(), "\r{written} events in {:.0} s        ", begun.elapsed().as_secs_f64());
    }
    let _ = writeln!(std::io::stderr());
    measure(store.as_ref(), edge.now()).await
}

/// A number that looks like chance, and is the same each time (SplitMix64).
const fn dice(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// When the event with this number of so many is: most are by day, and few at the weekend.
fn at(edge: &Edge, number: u64, events: u64) -> Timestamp {
    let begin = edge.now().plus_seconds(-DAYS_SECONDS);
    let share = number as f64 / events as f64 * 30.0;
    let (day, part) = (share.floor(), share.fract());
    // Half of a day's events within two hours around nine, and the rest until the evening.
    let hour = if part < 0.5 { 8.0 + part * 4.0 } else { 10.0 + (part - 0.5) * 18.0 };
    begin.plus_seconds((day * 86_400.0 + hour * 3_600.0) as i64 - begin.numeric_date().rem_euclid(86_400))
}

fn gateway(number: u64) -> GatewayId {
    GatewayId::new(Timestamp::from_micros(0), [u8::try_from(number).unwrap_or(0); 10])
}

/// One of three events of a sign-in, by its number.
fn event(edge: &Edge, number: u64, events: u64) -> Option<Event> {
    let (sign_in, step) = (number / 3, number % 3);
    let chance = dice(sign_in);
    let now = at(edge, number - step, events);
    let mut random = [0; 10];
    random.get_mut(..8)?.copy_from_slice(&sign_in.to_be_bytes());
    let challenge = ChallengeId::new(now, random);
    let person = format!("watched{}", chance % PEOPLE);
    let place = if chance % 1_000 == 7 { GATEWAYS } else { chance % (GATEWAYS - 1) };
    let device = DeviceId::new(now, [8; 10]);
    let about = |kind: &'static str, actor: Actor, seconds: i64| Event {
        client: Some(Client {
            ip: Some(Ipv4Addr::new(198, 51, 100, 7).into()),
            name: Some(format!("PC-{}", chance % 900)),
        }),
        policy: Some("default".to_owned()),
        ..Event::new(kind, actor, now.plus_seconds(seconds))
            .user(&person)
            .gateway(gateway(place))
            .with("challenge", challenge.to_string())
    };
    let (by_gateway, by_phone) = (Actor::Gateway(gateway(place)), Actor::Device(device));
    Some(match (step, chance % 100) {
        (0, _) => about("challenge.created", by_gateway, 0).with("facts", serde_json::json!({})),
        (1, 0..90) => about("challenge.approved", by_phone, 7).device(device).with("method", method(chance)),
        (2, 0..90) => about("challenge.redeemed", by_gateway, 8).device(device).with("method", method(chance)),
        (1, 90..93) => about("challenge.denied", by_phone, 7).device(device).ended(Outcome::Failure, "user"),
        (1, 93) if chance.is_multiple_of(7) => {
            about("challenge.denied", by_phone, 7).ended(Outcome::Failure, "reported")
        }
        (1, 93..96) => about("challenge.denied", by_gateway, 0).ended(Outcome::Failure, "locked"),
        (1, _) => about("challenge.expired", Actor::System, 60).ended(Outcome::Failure, "timeout"),
        (_, 99) if chance % 5_000 == 99 => Event::new("user.locked", Actor::System, now).user(&person),
        _ => Event::new(
            "audit.read",
            Actor::Admin { id: gatematch_protocol::id::AdminKeyId::NIL, name: "nightly".to_owned() },
            now,
        ),
    })
}

const fn method(chance: u64) -> &'static str {
    match chance % 17 {
        0..3 => "totp",
        3 => "bypass",
        _ => "push",
    }
}

/// The pages that are measured: what each is called, and what is looked for.
fn pages(size: u64) -> Vec<(&'static str, Look)> {
    let newest = || Look { latest_first: true, limit: 100, ..Look::default() };
    let text = |text: &str| Some(text.to_owned());
    let kind = |kind: &str| vec![kind.to_owned()];
    let place = |number| vec![gateway(number).to_string()];
    vec![
        ("first page", newest()),
        ("page in the middle", Look { before: Some(size / 2), ..newest() }),
        ("last page", Look { before: Some(101), ..newest() }),
        ("forwards from the middle", Look { after: size / 2, latest_first: false, ..newest() }),
        ("one person", Look { user: text("watched77"), ..newest() }),
        ("one person, the last page", Look { user: text("watched77"), before: Some(size / 9), ..newest() }),
        ("a common type", Look { kinds: kind("challenge.redeemed"), ..newest() }),
        (
            "a common type, in the middle",
            Look { kinds: kind("challenge.redeemed"), before: Some(size / 2), ..newest() },
        ),
        ("a rare type", Look { kinds: kind("user.locked"), ..newest() }),
        ("a type that there is not", Look { kinds: kind("no.such"), ..newest() }),
        ("a common gateway", Look { gateways: place(1), ..newest() }),
        ("a rare gateway", Look { gateways: place(GATEWAYS), ..newest() }),
        ("one person and a rare type", Look { user: text("watched77"), kinds: kind("user.locked"), ..newest() }),
        ("a rare gateway and a rare reason", Look { gateways: place(GATEWAYS), reason: text("reported"), ..newest() }),
        (
            "a common type and a rare reason",
            Look { kinds: kind("challenge.denied"), reason: text("reported"), ..newest() },
        ),
        (
            "a common gateway and a type that there is not",
            Look { gateways: place(1), kinds: kind("no.such"), ..newest() },
        ),
        ("part of an actor that there is not", Look { actor: text("mallory"), ..newest() }),
    ]
}

async fn measure(store: &dyn Store, now: Timestamp) -> Result<(), Fault> {
    let mut out = std::io::stdout();
    let size = store.log_end().await?.size;
    let days = |days: i64| Some(now.plus_seconds(-days * 86_400));
    let mut pages = pages(size);
    let some = Look { latest_first: true, limit: 100, ..Look::default() };
    pages.push(("one day, twenty days ago", Look { since: days(21), until: days(20), ..some.clone() }));
    pages.push((
        "one person in one day",
        Look { user: Some("watched77".to_owned()), since: days(21), until: days(20), ..some },
    ));
    writeln!(out, "{size} events\n| page | found | middle | longest |\n| --- | --- | --- | --- |")?;
    for (name, look) in pages {
        let mut took = Vec::with_capacity(TIMES);
        let mut found = String::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            let looked = store.look(look.clone()).await?;
            took.push(begun.elapsed());
            let more = if looked.reached.is_some() { ", and more further on" } else { "" };
            found = format!("{}{more}", looked.events.len());
        }
        took.sort();
        let (middle, longest) =
            (took.get(TIMES / 2).copied().unwrap_or_default(), took.last().copied().unwrap_or_default());
        writeln!(out, "| {name} | {found} | {} | {} |", millis(middle), millis(longest))?;
    }
    let (tally, begun) = (Tally::default(), Instant::now());
    tally.count(store, now).await?;
    let counted: u64 = tally.days(now).iter().flatten().flat_map(|day| day.counts).map(u64::from).sum();
    writeln!(
        out,
        "\n{counted} sign-ins of 30 days counted for the overview in {:.1} s",
        begun.elapsed().as_secs_f64()
    )?;
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
