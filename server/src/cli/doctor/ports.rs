//! The addresses that the server listens on: free, held by a Gatematch that runs, or held by somebody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use gatematch_protocol::discovery::Discovery;
use rustls::pki_types::CertificateDer;

use super::client::{Caller, Trust};
use super::finding::{Finding, Row};
use super::front_door::{FrontDoor, Sign};
use crate::edge::Edge;
use crate::listen::plan::{Plan, Way};
use crate::push::address::SystemNames;
use crate::settings::Settings;

const PART: &str = "ports";
/// How long whoever holds a port is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Who holds an address.
enum Holder {
    Nobody,
    /// A Gatematch that runs; the certificate that it shows.
    Gatematch(Discovery, Option<CertificateDer<'static>>),
    Somebody,
    /// It cannot be listened on.
    Refused(io::Error),
}

/// `served`: the certificate in the files.
pub(super) async fn rows(
    settings: &Settings,
    door: Option<&FrontDoor>,
    served: Option<&CertificateDer<'static>>,
    edge: &Edge,
) -> Vec<Row> {
    let Ok(plan) = Plan::of(settings) else { return Vec::new() };
    let main = holder(plan.main.0, &plan.main.1).await;
    // Another one may run on this machine, with settings of its own.
    let issuer = settings.known_issuer();
    let runs = matches!(&main, Holder::Gatematch(found, _) if issuer.as_ref() == Some(&found.issuer));
    let mut findings = vec![listener("listen", plan.main.0, &main, settings, served, false)];
    if let Some((address, way)) = plan.public {
        let public = holder(address, &way).await;
        findings.push(listener("public_listen", address, &public, settings, served, runs));
    }
    if let Some(door) = door {
        findings.push(radius(door, runs, edge).await);
    }
    findings.into_iter().map(|finding| Row::new(PART, finding)).collect()
}

async fn holder(address: SocketAddr, way: &Way) -> Holder {
    match TcpListener::bind(address) {
        Ok(_) => return Holder::Nobody,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
        Err(error) => return Holder::Refused(error),
    }
    let Ok(caller) = Caller::new(Arc::new(SystemNames), &Trust::Anybody, PATIENCE) else { return Holder::Somebody };
    let url = format!("{}://{}/.well-known/gatematch", way.scheme(), near(address));
    match caller.get::<Discovery>(&url).await.map(|answer| answer.body) {
        Ok(Some(discovery)) => Holder::Gatematch(discovery, caller.witness.seen()),
        _ => Holder::Somebody,
    }
}

/// Where this machine itself reaches what listens there.
pub(super) fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn listener(
    setting: &str,
    address: SocketAddr,
    holder: &Holder,
    settings: &Settings,
    served: Option<&CertificateDer<'static>>,
    must_run: bool,
) -> Finding {
    match holder {
        Holder::Nobody if must_run => Finding::fail(
            format!("The server runs, and does not listen on {setting} {address}."),
            "Restart it, so that it reads the settings again.",
        ),
        Holder::Nobody if address.port() == 0 => Finding::ok(format!("{setting} takes any port that is free.")),
        Holder::Nobody => Finding::ok(format!("{setting} {address} is free: no server runs there.")),
        Holder::Refused(error) => refused(setting, address, error),
        Holder::Somebody => Finding::fail(
            format!("{setting} {address} is held by another program."),
            format!("See which: ss -ltnp 'sport = :{}'. Stop it, or change {setting}.", address.port()),
        ),
        Holder::Gatematch(found, _) if settings.known_issuer().is_some_and(|issuer| issuer != found.issuer) => {
            Finding::warn(
                format!(
                    "A Gatematch listens on {setting} {address}, and calls itself {}: its settings are others.",
                    found.issuer
                ),
                "Restart it if you have changed issuer, or check --config.",
            )
        }
        Holder::Gatematch(_, Some(shown)) if served.is_some_and(|served| served != shown) => Finding::warn(
            format!(
                "The server that runs on {setting} {address} serves another certificate than the one in the files."
            ),
            "It looks once a minute: if this stays, its log says what it does not like. At once: systemctl reload gatematch",
        ),
        Holder::Gatematch(..) => Finding::ok(format!("{setting} {address} is held by a Gatematch that runs.")),
    }
}

fn refused(setting: &str, address: SocketAddr, error: &io::Error) -> Finding {
    let what = format!("This account cannot listen on {setting} {address}: {error}.");
    if error.kind() == io::ErrorKind::PermissionDenied {
        let todo = "Ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE in the service, which this command does not see.";
        return Finding::warn(what, todo);
    }
    Finding::fail(what, format!("Write an address of this machine in {setting}: ip address"))
}

async fn radius(door: &FrontDoor, runs: bool, edge: &Edge) -> Finding {
    let address = door.listen;
    let setting = "radius.listen";
    let error = match UdpSocket::bind(address) {
        Ok(_) if runs => {
            let what = format!("The server runs, and does not listen on {setting} {address} (UDP).");
            return Finding::fail(what, "Restart it, so that it reads the settings again.");
        }
        Ok(_) => return Finding::ok(format!("{setting} {address} (UDP) is free: no front door runs there.")),
        Err(error) => error,
    };
    if error.kind() != io::ErrorKind::AddrInUse {
        return refused(setting, address, &error);
    }
    sign_of(door, edge, PATIENCE).await
}

/// What the front door says when it is asked by this machine itself.
pub(super) async fn sign_of(door: &FrontDoor, edge: &Edge, patience: Duration) -> Finding {
    let address = door.listen;
    let Some(secret) = door.own_secret.clone() else {
        return Finding::ok(format!(
            "Something listens on {address} (UDP). Whether it is the front door cannot be told: no [[radius.client]] is for this machine."
        ));
    };
    let log = "Look into its log: journalctl -u gatematch";
    match (door.ask)(near(address), secret, patience, edge.clone()).await {
        Sign::Answered => {
            Finding::ok(format!("The front door answers on {address} (UDP), and the server behind it can decide."))
        }
        Sign::Unauthentic => Finding::fail(
            format!("What answers on {address} (UDP) does not know the secret of this machine."),
            "It runs with other settings: restart it, or see which program it is: ss -lunp",
        ),
        Sign::Silence => Finding::fail(
            format!("Something listens on {address} (UDP), and does not answer a Status-Server of this machine."),
            format!("The server behind it cannot decide, or it is another program: ss -lunp. {log}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::super::front_door::tests::door;
    use super::*;
    use gatematch_protocol::secret::Secret;

    async fn told(settings: &Settings, door: Option<&FrontDoor>) -> Vec<(Verdict, String)> {
        let rows = rows(settings, door, None, &Edge::system()).await;
        rows.into_iter().map(|row| (row.finding.verdict, row.finding.what)).collect()
    }

    #[tokio::test]
    async fn a_port_is_free_or_somebodys() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::for_data_dir(dir.path());
        let found = told(&settings, None).await;
        assert!(
            found.len() == 1 && found[0].0 == Verdict::Ok && found[0].1.contains("any port that is free"),
            "{found:?}"
        );
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        // It takes connections, and never says anything: it is given up after a moment.
        settings.listen = held.local_addr().unwrap();
        held.set_nonblocking(true).unwrap();
        let held = tokio::net::TcpListener::from_std(held).unwrap();
        let hangs_up = tokio::spawn(async move {
            loop {
                drop(held.accept().await);
            }
        });
        let found = told(&settings, None).await;
        assert!(found[0].0 == Verdict::Fail && found[0].1.contains("another program"), "{found:?}");
        hangs_up.abort();
        // TEST-NET-1 (RFC 5737) is on no machine.
        settings.listen = "192.0.2.1:8080".parse().unwrap();
        settings.trusted_proxies = vec!["192.0.2.2".parse().unwrap()];
        settings.issuer = Some("https://mfa.example.com".to_owned());
        let found = told(&settings, None).await;
        assert!(found[0].0 == Verdict::Fail && found[0].1.contains("cannot listen"), "{found:?}");
    }

    #[tokio::test]
    async fn a_server_that_runs_is_known_and_what_it_does_not_listen_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::for_data_dir(dir.path());
        let running = crate::start::serve(settings.clone(), Edge::system()).await.unwrap();
        settings.listen = running.address();
        let radius = door(&[("rdg01", "kLx0vR7mQe2sTb9wYc4h")]);
        let found = told(&settings, Some(&radius)).await;
        assert_eq!(found[0].0, Verdict::Ok, "{found:?}");
        assert!(found[1].0 == Verdict::Fail && found[1].1.contains("does not listen on radius.listen"), "{found:?}");
        settings.issuer = Some("https://mfa.example.com".to_owned());
        assert!(told(&settings, None).await[0].1.contains("its settings are others"));
        running.stop().await;
    }

    #[tokio::test]
    async fn whoever_holds_the_port_of_radius_is_asked_for_a_sign() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::for_data_dir(dir.path());
        let held = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut radius = door(&[("rdg01", "kLx0vR7mQe2sTb9wYc4h")]);
        radius.listen = held.local_addr().unwrap();
        let found = told(&settings, Some(&radius)).await;
        assert!(found[1].0 == Verdict::Ok && found[1].1.contains("cannot be told"), "{found:?}");
        radius.own_secret = Some(Secret::new("kLx0vR7mQe2sTb9wYc4h"));
        assert_eq!(told(&settings, Some(&radius)).await[1].0, Verdict::Fail);
        radius.ask = |_, _, _, _| Box::pin(async { Sign::Unauthentic });
        assert!(told(&settings, Some(&radius)).await[1].1.contains("does not know the secret"));
        radius.ask = |_, _, _, _| Box::pin(async { Sign::Answered });
        assert_eq!(told(&settings, Some(&radius)).await[1].0, Verdict::Ok);
    }
}
