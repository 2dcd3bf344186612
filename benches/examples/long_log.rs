//! Makes a data directory whose audit log is long, to measure how long the log takes to check:
//! `cargo run --release -p gatematch-benches --example long_log -- DIRECTORY EVENTS`.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::Client;
use gatematch_protocol::id::{DeviceId, GatewayId};
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};

/// How many events are written in one transaction.
const AT_ONCE: u64 = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, events] = arguments.as_slice() else {
        return Err("usage: long_log DIRECTORY EVENTS".into());
    };
    let (edge, count) = (Edge::system(), events.parse::<u64>()?);
    let settings = Settings::for_data_dir(Path::new(directory));
    let (store, _vault) = open_store(&settings, &edge, Arc::new(Silent)).await?;
    let (gateway, device) = (GatewayId::new(edge.now(), [7; 10]), DeviceId::new(edge.now(), [8; 10]));
    let mut written = 0;
    while written < count {
        let some = AT_ONCE.min(count - written);
        let event = |index: u64| Event {
            client: Some(Client { ip: Some(Ipv4Addr::new(198, 51, 100, 7).into()), name: None }),
            number_match: Some(true),
            policy: Some("default".to_owned()),
            ..Event::new("challenge.approved", Actor::Device(device), edge.now())
                .user(format!("user{}@corp.example.com", index % 500))
                .device(device)
                .gateway(gateway)
                .with("challenge", device.to_string())
                .with("method", "push")
                .with("uv_claimed", "biometric")
        };
        store.record_events((written..written + some).map(event).collect()).await?;
        written += some;
    }
    Ok(())
}
