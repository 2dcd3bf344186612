//! `gatematch doctor --network`: what must be open from where to where, and whether it is.
//!
//! All is looked at at the same time, and nobody is waited for longer than some seconds.

mod elsewhere;
mod issuer;
mod names;
mod push;
mod radius;
#[cfg(test)]
mod tests;
mod time;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::client::Trust;
use super::database;
use super::finding::{Finding, Way};
use super::front_door::FrontDoor;
use crate::edge::Edge;
use crate::push::address::{Names, SystemNames};
use crate::settings::{Receiver, Settings};
use crate::siem;

/// What the rows call the machine that this runs on.
const HERE: &str = "this machine";
/// How long anybody is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How others are reached.
pub(super) struct Reach {
    pub(super) names: Arc<dyn Names>,
    pub(super) edge: Edge,
    /// Whom phones trust.
    pub(super) trust: Trust,
    pub(super) patience: Duration,
}

impl Reach {
    /// As the system does it.
    pub(super) fn system() -> Self {
        Self { names: Arc::new(SystemNames), edge: Edge::system(), trust: Trust::System, patience: PATIENCE }
    }

    /// The addresses of a name.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        match tokio::time::timeout(self.patience, self.names.addresses(host.to_owned())).await {
            Ok(Ok(found)) if found.is_empty() => Err("it has no address".to_owned()),
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err(self.silence()),
        }
    }

    /// Nobody has answered.
    fn silence(&self) -> String {
        format!("no answer within {} s", self.patience.as_secs_f32())
    }
}

/// The table.
pub(super) async fn ways(settings: &Settings, door: Option<&FrontDoor>, reach: &Reach) -> Vec<Way> {
    // The database is waited for no longer than the others, and before them: the issuer is held against it.
    let known = database::known(settings).await;
    let (names, (push, mut offsets), (issuer, offset), syslog, radius, database) = tokio::join!(
        names::way(settings, reach),
        push::ways(settings, reach),
        issuer::way(settings, known.as_ref(), reach),
        syslog(settings, reach),
        radius::ways(door, reach),
        database_host(settings, reach),
    );
    offsets.extend(offset);
    let mut ways = vec![names, time::way(&offsets)];
    ways.extend(push);
    ways.push(issuer);
    ways.extend(elsewhere::of_people(settings));
    ways.extend(radius);
    ways.extend(elsewhere::of_tools(settings));
    ways.extend(syslog);
    ways.extend(database);
    ways
}

/// The server that has the database; a file is called by nobody.
async fn database_host(settings: &Settings, reach: &Reach) -> Option<Way> {
    let server = settings.database_server.as_ref()?;
    if server.host().starts_with('/') {
        return None;
    }
    let (host, port) = (server.host(), server.port());
    let finding = match tokio::time::timeout(reach.patience, server.look()).await {
        Ok(Ok(_)) => Finding::ok("It answers."),
        Ok(Err(fault)) => Finding::fail(format!("{fault}."), "Run gatematch doctor: it says more."),
        Err(_) => Finding::fail(
            format!("It is not reached: {}.", reach.silence()),
            format!("Open TCP {port} from each node to {host}."),
        ),
    };
    Some(Way { from: HERE.to_owned(), to: host, port: format!("{port}/tcp"), why: "database".to_owned(), finding })
}

/// Whoever is sent the audit log.
async fn syslog(settings: &Settings, reach: &Reach) -> Option<Way> {
    let receiver = settings.audit_syslog.as_ref()?;
    let Receiver { host, port, tls, .. } = receiver;
    let finding = match tokio::time::timeout(reach.patience, siem::reach(receiver)).await {
        Ok(Ok(())) if tls.is_some() => Finding::ok("It takes a connection, and its certificate is believed."),
        Ok(Ok(())) => Finding::ok("It takes a connection. By tcp:// nobody knows who it is."),
        Ok(Err(error)) => Finding::fail(format!("It is not reached: {error}."), "See docs/siem.md."),
        Err(_) => Finding::fail(
            format!("It is not reached: {}.", reach.silence()),
            format!("Open TCP {port} from this machine to {host}."),
        ),
    };
    let port = format!("{port}/tcp");
    Some(Way { from: HERE.to_owned(), to: host.clone(), port, why: "audit log to the SIEM".to_owned(), finding })
}

/// Why a certificate is not believed, if that is what is wrong: without the names in it, which may be many.
fn disbelief(why: &str) -> Option<&str> {
    let (_, reason) = why.split_once("invalid peer certificate: ")?;
    Some(reason.split(';').next().unwrap_or(reason))
}

/// Host and port of an address.
fn place(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}
