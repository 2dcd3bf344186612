//! The RADIUS front door beside a site, and RD Gateway's NPS before it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::{AccessRequest, Answer, Prepared, RadiusClient, Timing};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::secret::Secret;
use gatematch_radius::edge::Edge;
use gatematch_radius::settings::Settings;
use gatematch_radius::shell::{Front, StartFault};
use tokio::task::yield_now;

use crate::Site;

/// What the front door and its client share.
pub const SECRET: &str = "a secret for the tests";
/// Longer than any answer takes, since nothing here waits for a clock on the wall.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A front door that listens.
pub struct FrontDoor {
    /// It.
    pub front: Front,
    /// Where it listens.
    pub address: SocketAddr,
}

impl FrontDoor {
    /// A front door of `site` with one client, which is `gateway`, and whose further keys stand in `keys`; further
    /// tables may follow there.
    pub async fn of(site: &Site, gateway: &Gateway, keys: &str) -> Self {
        let client = format!(
            "[[client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1/32\"\nsecret = \"{SECRET}\"\ngateway_key = \"{}\"\n{keys}",
            gateway.key.reveal()
        );
        Self::with(site, &client).await
    }

    /// A front door of `site` with these clients.
    pub async fn with(site: &Site, clients: &str) -> Self {
        Self::at(site, "listen = \"127.0.0.1:0\"\n", clients).await
    }

    /// A front door of `site` that listens where `listen` says, with these clients.
    pub async fn at(site: &Site, listen: &str, clients: &str) -> Self {
        let text = format!("{listen}{clients}");
        let table = toml::from_str(&text).unwrap();
        let loaded = Settings::read(&table, &|_| None, Path::new(".")).unwrap();
        let edge = Edge { clock: Arc::new(site.clock.clone()), entropy: Edge::system().entropy };
        loop {
            match Front::start(loaded.settings.clone(), edge.clone(), site.api().base()).await {
                Ok(front) => return Self { address: front.address(), front },
                // One that has stopped gives its port back a moment later.
                Err(StartFault::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => yield_now().await,
                Err(fault) => panic!("{fault}"),
            }
        }
    }

    /// RD Gateway's NPS.
    pub async fn nps(&self) -> RadiusClient {
        RadiusClient::connect(self.address, Secret::new(SECRET)).await.unwrap()
    }

    /// Whether everything that was sent from `nps` before has been looked at and nothing was answered: the front door
    /// takes datagrams in the order in which they come.
    pub async fn is_silent_to(&self, nps: &RadiusClient) -> bool {
        let status = nps.status_server();
        let answered = nps.exchange(&status, Timing::once(PATIENCE)).await.unwrap();
        answered.is_accept() && nps.recv_raw(Duration::ZERO).await.is_none()
    }
}

/// What RD Gateway sends for this user at this machine.
pub fn rd_gateway(user: &str) -> AccessRequest {
    AccessRequest::rd_gateway(user).machine("CLIENT-PC")
}

/// The answer to a request that is sent once.
pub async fn ask(nps: &RadiusClient, request: &Prepared) -> Answer {
    nps.exchange(request, Timing::once(PATIENCE)).await.unwrap_or_else(|silence| panic!("{silence}"))
}

/// The causes for which datagrams were dropped, as the audit log tells them.
pub fn drops(events: &[AuditEvent]) -> Vec<String> {
    let dropped = events.iter().filter(|event| event.kind == "radius.dropped");
    dropped.map(|event| event.reason.clone().unwrap_or_default()).collect()
}
