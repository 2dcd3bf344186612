//! Whether push services are reached, just as they are called when a phone is to ring.

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_domain::push::PUBLIC_HOSTS;
use reqwest::Client;

use super::super::client::date;
use super::super::finding::{Finding, Verdict, Way};
use super::time::Offset;
use super::{HERE, Reach, disbelief, place};
use crate::push::web::{self, Limits};
use crate::settings::Settings;

/// A name for each entry of [`PUBLIC_HOSTS`], and whose phones it rings.
const EXAMPLES: [(&str, &str); 4] = [
    ("fcm.googleapis.com", "ring: Android, Chrome"),
    ("updates.push.services.mozilla.com", "ring: Firefox"),
    ("web.push.apple.com", "ring: iPhone, iPad, Mac"),
    ("wns2-by3p.notify.windows.com", "ring: Edge on Windows"),
];

/// A push service.
pub(super) struct Service {
    /// As the list of hosts has it.
    entry: String,
    /// What is called.
    pub(super) host: String,
    port: u16,
    why: &'static str,
    /// Whether the host is one of many, and no phone may have it.
    pub(super) is_sample: bool,
    /// Whether the configuration names it, so that it may be plain HTTP.
    is_named: bool,
}

impl Service {
    /// Host and port, as in an address.
    fn place(&self) -> String {
        if self.port == 443 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// All that may be called.
pub(super) fn services(settings: &Settings) -> Vec<Service> {
    let public = PUBLIC_HOSTS.into_iter().zip(EXAMPLES).map(|(entry, (host, why))| Service {
        entry: entry.to_owned(),
        host: host.to_owned(),
        port: 443,
        why,
        // Apple's is the only one that browsers are known to have.
        is_sample: entry == "*.notify.windows.com",
        is_named: false,
    });
    let named = settings.push_hosts.named().map(|(host, port)| Service {
        entry: host.to_owned(),
        host: host.to_owned(),
        port,
        why: "ring: push_allowed_hosts",
        is_sample: false,
        is_named: true,
    });
    public.chain(named).collect()
}

/// The rows, and what the services say of the time.
pub(super) async fn ways(settings: &Settings, reach: &Reach) -> (Vec<Way>, Vec<Offset>) {
    let limits = Limits { connect: reach.patience, total: reach.patience };
    let client = web::client(settings, Arc::clone(&reach.names), limits);
    let client = client.as_ref().map_err(ToString::to_string);
    let through = settings.push_proxy.as_ref().and_then(place);
    let services = services(settings);
    let found = join_all(services.iter().map(|service| async {
        let client = client.clone().map_err(|fault| Finding::fail(format!("{fault}."), ""))?;
        look(service, client, through.is_some(), reach).await
    }));
    let found = found.await;
    let mut offsets = Vec::new();
    let mut ways = Vec::new();
    for (service, found) in services.into_iter().zip(found) {
        let finding = match found {
            Ok((finding, offset)) => {
                offsets.extend(offset);
                finding
            }
            Err(finding) => finding,
        };
        let from = if through.is_some() { "proxy" } else { HERE }.to_owned();
        let port = format!("{}/tcp", service.port);
        ways.push(Way { from, to: service.entry, port, why: service.why.to_owned(), finding });
    }
    if let Some((proxy, port)) = through {
        ways.insert(0, to_proxy(&proxy, port, &ways));
    }
    (ways, offsets)
}

/// The proxy is there if anybody is reached through it.
fn to_proxy(proxy: &str, port: u16, ways: &[Way]) -> Way {
    let is_there = ways.iter().any(|way| way.finding.verdict != Verdict::Fail);
    let finding = match is_there {
        true => Finding::ok("It lets this machine through."),
        false => Finding::fail(
            "Nobody is reached through it.",
            format!("Open TCP {port} from this machine to {proxy}, and let it through to the hosts below (CONNECT)."),
        ),
    };
    let (from, to, why) = (HERE.to_owned(), proxy.to_owned(), "push_proxy".to_owned());
    Way { from, to, port: format!("{port}/tcp"), why, finding }
}

async fn look(
    service: &Service,
    client: &Client,
    by_proxy: bool,
    reach: &Reach,
) -> Result<(Finding, Option<Offset>), Finding> {
    let place = service.place();
    let began = reach.edge.now();
    let first = call(client, &format!("https://{place}/"), reach).await;
    let (answer, is_plain) = match first {
        // It does not speak TLS.
        Err(why) if service.is_named && why.contains("corrupt message") => {
            (call(client, &format!("http://{place}/"), reach).await, true)
        }
        answer => (answer, false),
    };
    let response = answer.map_err(|why| unreached(service, &why, by_proxy))?;
    let now = reach.edge.now();
    let offset = date(&response).map(|date| Offset::new(&service.host, date, now));
    let (status, millis) = (response.status(), now.since(began).as_millis());
    let called = if service.is_sample { format!("{}, one of these,", service.host) } else { "It".to_owned() };
    let plain = if is_plain { ", by plain HTTP" } else { "" };
    let what = format!("{called} answers in {millis} ms{plain}.");
    if status.is_server_error() {
        let what = format!("{called} answers with status {}.", status.as_u16());
        return Ok((Finding::warn(what, "It may pass: try again later."), offset));
    }
    Ok((Finding::ok(what), offset))
}

async fn call(client: &Client, url: &str, reach: &Reach) -> Result<reqwest::Response, String> {
    match tokio::time::timeout(reach.patience, client.head(url).send()).await {
        Ok(answer) => answer.map_err(|error| web::told(&error)),
        Err(_) => Err(reach.silence()),
    }
}

/// What it means that it was not reached.
fn unreached(service: &Service, why: &str, by_proxy: bool) -> Finding {
    let Service { host, port, .. } = service;
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    let what = format!("It is not reached: {}.", why.replace("client error (Connect): ", ""));
    if let Some(reason) = disbelief(why) {
        let what = format!("Its certificate is not believed: {reason}.");
        let todo = format!(
            "If something on the way opens TLS, exempt {host} from that, or name its authority in push_ca_file. Look at the clock, too."
        );
        return Finding::fail(what, todo);
    }
    if has(&["no public address"]) {
        let todo = "Its name leads inside: ask whoever runs the name server. A service of your own must stand in push_allowed_hosts.";
        return Finding::fail(what, todo);
    }
    if has(&["dns error"]) && !by_proxy {
        let todo = "See the row of the name server.";
        return if service.is_sample {
            let what = format!("{host} was tried, which is one of many, and its name is not found.");
            Finding::warn(what, "Nothing is wrong if the other rows are fine and TCP 443 is open to the whole domain.")
        } else {
            Finding::fail("Its name is not found.", todo)
        };
    }
    let todo = match by_proxy {
        true => format!(
            "Let the proxy connect to {host}, TCP {port} (CONNECT), without asking for more than push_proxy has."
        ),
        false => format!("Open TCP {port} from this machine to {}, or set push_proxy.", service.entry),
    };
    Finding::fail(what, todo)
}

#[cfg(test)]
mod tests {
    use gatematch_domain::push::PushHosts;

    use super::*;

    #[test]
    fn there_is_a_name_for_each_entry() {
        let hosts = PushHosts::default();
        for (entry, (host, _)) in PUBLIC_HOSTS.into_iter().zip(EXAMPLES) {
            assert_eq!(hosts.entry_of_host(host), Some(entry));
        }
    }
}
