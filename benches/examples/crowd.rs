//! Makes a database with many people, each with a phone, and a long audit log, by the same verbs that the server uses:
//! `cargo run --release -p gatematch-benches --example crowd -- DIRECTORY PEOPLE EVENTS`. Where `GATEMATCH_DATABASE_URL` is
//! set, the database is there; DIRECTORY has the master key.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::Client;
use gatematch_protocol::id::{DeviceId, GatewayId};
use gatematch_protocol::secret::Secret;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::postgres::Server;
use gatematch_tests::shelf::enroll;

/// How many people are enrolled at the same time: as many as the writer takes into one group, twice over.
const AT_ONCE: usize = 512;
/// How many events are written in one transaction.
const EVENTS_AT_ONCE: u64 = 2_000;
/// What each person's enrollment leaves in the log: the account, the link, the phone.
const EVENTS_OF_ONE: u64 = 3;

type Fault = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, people, events] = arguments.as_slice() else {
        return Err("usage: crowd DIRECTORY PEOPLE EVENTS".into());
    };
    let (people, events) = (people.parse::<u64>()?, events.parse::<u64>()?);
    let mut settings = Settings::for_data_dir(Path::new(directory));
    if let Ok(url) = std::env::var("GATEMATCH_DATABASE_URL") {
        settings.database_server = Some(Server::of(&Secret::new(url))?);
    }
    let edge = Edge::system();
    let (store, _vault) = open_store(&settings, &edge, Arc::new(Silent)).await?;
    let begun = Instant::now();
    let people_enroll = stream::iter(0..people).map(|number| enroll(&*store, &edge, format!("crowd{number}")));
    let mut enrolled = people_enroll.buffer_unordered(AT_ONCE).enumerate();
    while let Some((index, _)) = enrolled.next().await {
        if (index + 1).is_multiple_of(10_000) {
            told("people", index as u64 + 1, begun);
        }
    }
    let (mut written, begun) = (people * EVENTS_OF_ONE, Instant::now());
    while written < events {
        let some = EVENTS_AT_ONCE.min(events - written);
        store.record_events((written..written + some).map(|number| approved(&edge, number, people)).collect()).await?;
        written += some;
        if written.is_multiple_of(100_000) {
            told("events", written, begun);
        }
    }
    let _ = writeln!(std::io::stderr());
    Ok(())
}

fn told(what: &str, count: u64, begun: Instant) {
    let _ = write!(std::io::stderr(), "\r{count} {what} in {:.0} s        ", begun.elapsed().as_secs_f64());
}

fn approved(edge: &Edge, number: u64, people: u64) -> Event {
    let (gateway, device) = (GatewayId::new(edge.now(), [7; 10]), DeviceId::new(edge.now(), [8; 10]));
    Event {
        client: Some(Client { ip: Some(Ipv4Addr::new(198, 51, 100, 7).into()), name: None }),
        number_match: Some(true),
        policy: Some("default".to_owned()),
        ..Event::new("challenge.approved", Actor::Device(device), edge.now())
            .user(format!("crowd{}", number % people.max(500)))
            .device(device)
            .gateway(gateway)
            .with("challenge", device.to_string())
            .with("method", "push")
            .with("uv_claimed", "biometric")
    }
}
