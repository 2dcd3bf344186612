//! Makes a database with many people, each with a phone, and a long audit log, by the same verbs that the server uses:
//! `cargo run --release -p gatematch-benches --example crowd -- DIRECTORY PEOPLE EVENTS`. Where `GATEMATCH_DATABASE_URL` is
//! set, the database is there; DIRECTORY has the master key.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use gatematch_client_sim::crypto::P256Key;
use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::Client;
use gatematch_domain::enrollment::Registration;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::Domains;
use gatematch_protocol::id::{DeviceId, EnrollmentId, GatewayId, UserId};
use gatematch_protocol::secret::{Secret, sha256};
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::postgres::Server;
use gatematch_server::store::{Act, PutUser, RegisterDevice, Store, UserPut, enrollment};

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
    let enrolled = stream::iter(0..people).map(|number| enroll(&*store, &edge, number)).buffer_unordered(AT_ONCE);
    let mut done = 0_u64;
    enrolled
        .try_for_each(|()| {
            done += 1;
            if done.is_multiple_of(10_000) {
                told("people", done, begun);
            }
            std::future::ready(Ok(()))
        })
        .await?;
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

async fn enroll(store: &dyn Store, edge: &Edge, number: u64) -> Result<(), Fault> {
    let act = || Act::new(Actor::System, edge.now());
    let put = PutUser {
        act: act(),
        id: UserId::new(edge.now(), edge.random()?),
        username: Domains::default().canonical(&format!("crowd{number}")).map_err(|_| "no name")?,
        change: UserChange::default(),
        protected_groups: Vec::new(),
        as_admin: true,
    };
    let UserPut::Created(user) = store.put_user(put).await? else { return Err("there is such a user".into()) };
    let token_digest = sha256(format!("token{number}"));
    let id = EnrollmentId::new(edge.now(), edge.random()?);
    let open = enrollment(id, user.id, token_digest.clone(), edge.now(), 600);
    store.create_enrollment(act(), open).await?.map_err(|_| "no enrollment")?;
    let phone = Registration {
        id: DeviceId::new(edge.now(), edge.random()?),
        key: P256Key::from_secret(&edge.random()?).map_err(|_| "no key")?.public(),
        name: "phone".to_owned(),
        platform: None,
        push: None,
        code: None,
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    let registered = store.register_device(RegisterDevice { now: edge.now(), token_digest, phone }).await?;
    registered.map(drop).map_err(|_| "no phone".into())
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
