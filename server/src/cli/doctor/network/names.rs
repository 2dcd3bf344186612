//! Whether the names are found that this machine calls, and that phones call it by.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use url::Url;

use super::super::finding::{Finding, Way};
use super::{HERE, Reach, place, push};
use crate::settings::Settings;
use crate::store::postgres::Server;

pub(super) async fn way(settings: &Settings, reach: &Reach) -> Way {
    let asked: Vec<_> = asked(settings).into_iter().collect();
    let found = join_all(asked.iter().map(|(name, _)| reach.addresses(name))).await;
    let missing: Vec<_> =
        asked.iter().zip(&found).filter(|(_, found)| found.is_err()).map(|(asked, _)| asked).collect();
    let told: Vec<_> = missing.iter().map(|(name, _)| name.as_str()).collect();
    let todo = "Open UDP and TCP 53 to the name servers in /etc/resolv.conf, or ask whoever runs them.";
    let finding = match missing.as_slice() {
        [] => Finding::ok(format!("All {} names are found that this machine needs.", asked.len())),
        missing if missing.iter().all(|(_, is_sample)| *is_sample) => Finding::warn(
            format!("All names are found, but for {}, which is one of many below its parent.", told.join(", ")),
            todo,
        ),
        _ => {
            Finding::fail(format!("{} of {} names are not found: {}.", told.len(), asked.len(), told.join(", ")), todo)
        }
    };
    Way {
        from: HERE.to_owned(),
        to: "name server".to_owned(),
        port: "53/udp+tcp".to_owned(),
        why: "names".to_owned(),
        finding,
    }
}

/// The names that are looked up here, and whether each is but an example. A proxy looks up those of push services.
fn asked(settings: &Settings) -> BTreeSet<(String, bool)> {
    let mut names = BTreeSet::new();
    match settings.push_proxy.as_ref().and_then(place) {
        Some((proxy, _)) => drop(names.insert((proxy, false))),
        None => names.extend(push::services(settings).into_iter().map(|one| (one.host, one.is_sample))),
    }
    let issuer = settings.issuer.as_ref().and_then(|issuer| Url::parse(issuer).ok());
    names.extend(issuer.as_ref().and_then(place).map(|(host, _)| (host, false)));
    names.extend(settings.audit_syslog.as_ref().map(|receiver| (receiver.host.clone(), false)));
    let database = settings.database_server.as_ref().map(Server::host).filter(|host| !host.starts_with('/'));
    names.extend(database.map(|host| (host, false)));
    names.retain(|(name, _)| name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err());
    names
}
