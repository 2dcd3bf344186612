mod service;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use gatematch_domain::push::PushHosts;
use rcgen::date_time_ymd;
use tokio::net::TcpListener;

use self::service::{Authority, Service, proxy};
use super::super::finding::Verdict;
use super::*;
use crate::cli::doctor::database::Known;
use crate::edge::Pending;
use crate::push::trial::HeldClock;

/// Only these names are found.
struct FewNames(Mutex<HashMap<String, IpAddr>>);

impl Names for FewNames {
    fn addresses(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.lock().unwrap().get(&host).copied();
        Box::pin(async move { found.map(|at| vec![at]).ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn reach(names: &[&str], authority: &Authority) -> Reach {
    let here = "127.0.0.1".parse().unwrap();
    let names = names.iter().map(|name| ((*name).to_owned(), here)).collect();
    Reach {
        names: Arc::new(FewNames(Mutex::new(names))),
        edge: HeldClock::new().edge(),
        trust: Trust::Given(authority.judge()),
        patience: Duration::from_secs(20),
    }
}

/// Settings by which `push.test` is called at this port, and believed where `authority` has certified it.
fn settings(dir: &Path, authority: Option<&Authority>, port: u16) -> Settings {
    let mut settings = Settings::for_data_dir(dir);
    settings.push_hosts = PushHosts::from_entries(&[format!("push.test:{port}")]).unwrap();
    if let Some(authority) = authority {
        let path = dir.join("ca.pem");
        std::fs::write(&path, authority.pem()).unwrap();
        settings.push_ca_file = Some(path);
    }
    settings
}

/// What is said of the push service that the settings name, and of the clock.
async fn pushed(settings: &Settings, reach: &Reach) -> (Finding, Vec<time::Offset>) {
    let (ways, offsets) = push::ways(settings, reach).await;
    let way = ways.into_iter().find(|way| way.to == "push.test").unwrap();
    (way.finding, offsets)
}

#[tokio::test]
async fn a_push_service_is_reached_and_tells_the_time() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let service = Service::start(Some(authority.certify(&["push.test"], (2020, 2099))), &[("/", "")]).await;
    let settings = settings(dir.path(), Some(&authority), service.port());
    let reach = reach(&["push.test"], &authority);
    let (finding, offsets) = pushed(&settings, &reach).await;
    assert!(finding.verdict == Verdict::Ok && finding.what.starts_with("It answers in "), "{finding:?}");
    // The clock of the service stands in 1994.
    let [offset] = offsets.as_slice() else { panic!("{offsets:?}") };
    assert_eq!((offset.of.as_str(), offset.seconds), ("push.test", 1_800_000_000 - 784_111_777));
    let way = time::way(&offsets);
    assert!(way.finding.verdict == Verdict::Fail && way.finding.what.contains("ahead of that of push.test"), "{way:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_or_that_has_ended_is_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let reach = reach(&["push.test"], &authority);
    for (names, years, trusted) in [
        (["push.test"], (2020, 2099), false),
        (["push.test"], (2020, 2021), true),
        (["another.test"], (2020, 2099), true),
    ] {
        let service = Service::start(Some(authority.certify(&names, years)), &[("/", "")]).await;
        let settings = settings(dir.path(), trusted.then_some(&authority), service.port());
        let (finding, offsets) = pushed(&settings, &reach).await;
        assert!(finding.verdict == Verdict::Fail && finding.what.contains("certificate"), "{finding:?}");
        assert!(finding.todo.contains("push_ca_file") && offsets.is_empty(), "{finding:?}");
    }
}

#[tokio::test]
async fn a_port_that_is_closed_and_a_host_that_says_nothing_are_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut reach = reach(&["push.test"], &authority);
    reach.patience = Duration::from_millis(100);
    let settings = settings(dir.path(), None, port);
    let (finding, _) = pushed(&settings, &reach).await;
    assert!(finding.verdict == Verdict::Fail && finding.what.contains("no answer"), "{finding:?}");
    drop(silent);
    let (finding, _) = pushed(&settings, &reach).await;
    assert!(finding.verdict == Verdict::Fail && finding.what.contains("refused"), "{finding:?}");
    assert!(finding.todo.contains(&format!("Open TCP {port}")), "{finding:?}");
}

#[tokio::test]
async fn a_service_that_the_settings_name_may_be_plain_http() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let service = Service::start(None, &[("/", "")]).await;
    let settings = settings(dir.path(), None, service.port());
    let (finding, _) = pushed(&settings, &reach(&["push.test"], &authority)).await;
    assert!(finding.verdict == Verdict::Ok && finding.what.contains("by plain HTTP"), "{finding:?}");
}

#[tokio::test]
async fn a_proxy_is_gone_through_and_its_refusal_is_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let service = Service::start(Some(authority.certify(&["push.test"], (2020, 2099))), &[("/", "")]).await;
    let mut settings = settings(dir.path(), Some(&authority), service.port());
    // The proxy finds the name, and this machine does not.
    let reach = reach(&["proxy.test"], &authority);
    for (lets_through, verdict) in [(Some(service.port()), Verdict::Ok), (None, Verdict::Fail)] {
        let (port, task) = proxy(lets_through).await;
        settings.push_proxy = Some(format!("http://user:hidden@proxy.test:{port}").parse().unwrap());
        let (ways, _) = push::ways(&settings, &reach).await;
        let first = ways.first().unwrap();
        assert_eq!((first.to.as_str(), first.finding.verdict), ("proxy.test", verdict), "{ways:?}");
        let named = ways.iter().find(|way| way.to == "push.test").unwrap();
        assert_eq!((named.from.as_str(), named.finding.verdict), ("proxy", verdict), "{named:?}");
        assert!(!format!("{ways:?}").contains("hidden"));
        task.abort();
    }
    assert_eq!(
        names::way(&settings, &reach).await.finding.verdict,
        Verdict::Ok,
        "names of push services are the proxy's"
    );
}

#[tokio::test]
async fn names_that_are_not_found_are_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let settings = settings(dir.path(), None, 443);
    let all: Vec<_> = push::services(&settings).into_iter().map(|one| (one.host, one.is_sample)).collect();
    let told = |known: Vec<&str>| {
        let (settings, reach) = (settings.clone(), reach(&known, &authority));
        async move { names::way(&settings, &reach).await.finding }
    };
    assert_eq!(told(all.iter().map(|(name, _)| name.as_str()).collect()).await.verdict, Verdict::Ok);
    let but_sample = all.iter().filter(|(_, is_sample)| !is_sample).map(|(name, _)| name.as_str());
    assert_eq!(told(but_sample.collect()).await.verdict, Verdict::Warn);
    let finding = told(vec!["push.test"]).await;
    assert!(finding.verdict == Verdict::Fail && finding.what.contains("web.push.apple.com"), "{finding:?}");
}

/// The answers of a server with this issuer and this key.
fn answers(issuer: &str, kid: &str) -> Vec<(&'static str, String)> {
    let discovery = serde_json::json!({
        "issuer": issuer, "name": "Contoso", "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "vapid_public_key": "x", "api_version": "1",
    });
    let key = serde_json::json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": kid, "alg": "ES256", "use": "sig"}]});
    vec![("/.well-known/gatematch", discovery.to_string()), ("/.well-known/jwks.json", key.to_string())]
}

#[tokio::test]
async fn the_issuer_is_looked_at_as_phones_do() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let reach = reach(&["mfa.test"], &authority);
    let ours = Known { token_keys: vec!["ours".to_owned()], ..Known::default() };
    let right = (["mfa.test"], (2020, 2099));
    for (name, (names, years), says, kid, verdict, told) in [
        ("mfa.test", right, None, "ours", Verdict::Ok, "This server answers there, by its name and its keys"),
        ("mfa.test", right, None, "theirs", Verdict::Fail, "it is another one"),
        ("mfa.test", right, Some("https://x.test"), "ours", Verdict::Fail, "calls itself https://x.test"),
        ("mfa.test", right, Some(""), "ours", Verdict::Fail, "Something else than Gatematch answers"),
        (
            "mfa.test",
            (["other.test"], (2020, 2099)),
            None,
            "ours",
            Verdict::Fail,
            "The certificate there is for other.test",
        ),
        ("mfa.test", (["mfa.test"], (2020, 2021)), None, "ours", Verdict::Fail, "until 2021-01-01"),
        ("none.test", right, None, "ours", Verdict::Fail, "The name none.test is not found"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("https://{name}:{}", listener.local_addr().unwrap().port());
        let mut answers = answers(says.unwrap_or(&issuer), kid);
        if says == Some("") {
            answers.clear();
        }
        let answers: Vec<_> = answers.iter().map(|(path, body)| (*path, body.as_str())).collect();
        let _service = Service::on(listener, Some(authority.certify(&names, years)), &answers);
        let mut settings = Settings::for_data_dir(dir.path());
        settings.issuer = Some(issuer);
        let (way, offset) = issuer::way(&settings, Some(&ours), &reach).await;
        assert!(way.finding.verdict == verdict && way.finding.what.contains(told), "{told}: {way:?}");
        assert_eq!(offset.is_some(), verdict == Verdict::Ok);
    }
}

#[tokio::test]
async fn an_issuer_that_ends_soon_or_is_no_phones_is_told() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let mut reach = reach(&["mfa.test"], &authority);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://mfa.test:{}", listener.local_addr().unwrap().port());
    let answers = answers(&issuer, "x");
    let answers: Vec<_> = answers.iter().map(|(path, body)| (*path, body.as_str())).collect();
    let _service = Service::on(listener, Some(authority.certify(&["mfa.test"], (2020, 2099))), &answers);
    let mut settings = Settings::for_data_dir(dir.path());
    settings.issuer = Some(issuer);
    let clock = HeldClock::new();
    let end = date_time_ymd(2099, 1, 1).unix_timestamp() - 29 * 86_400;
    clock.advance_millis((end - 1_800_000_000) * 1_000);
    reach.edge = clock.edge();
    let (way, _) = issuer::way(&settings, None, &reach).await;
    assert!(way.finding.verdict == Verdict::Warn && way.finding.what.contains("(29 days)"), "{way:?}");
    assert!(way.finding.what.contains("its keys were not compared"), "{way:?}");
    // Nobody to be told from: TLS by a certificate that signs itself.
    reach.trust = Trust::Given(Authority::new().judge());
    let (way, _) = issuer::way(&settings, None, &reach).await;
    assert!(way.finding.verdict == Verdict::Fail && way.finding.what.contains("by CN=Example Authority"), "{way:?}");
    settings.issuer = None;
    settings.listen.set_port(8080);
    let (way, _) = issuer::way(&settings, None, &reach).await;
    assert!(way.finding.verdict == Verdict::Warn && way.finding.what.contains("http://127.0.0.1:8080"), "{way:?}");
}

#[tokio::test]
async fn a_receiver_of_the_audit_log_is_reached_or_not() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let reach = reach(&[], &authority);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::for_data_dir(dir.path());
    assert_eq!(syslog(&settings, &reach).await, None);
    let port = listener.local_addr().unwrap().port();
    let format = crate::settings::AuditFormat::Json;
    settings.audit_syslog = Some(Receiver { host: "127.0.0.1".to_owned(), port, tls: None, format });
    assert_eq!(syslog(&settings, &reach).await.unwrap().finding.verdict, Verdict::Ok);
    drop(listener);
    assert_eq!(syslog(&settings, &reach).await.unwrap().finding.verdict, Verdict::Fail);
}

#[tokio::test]
async fn radius_is_told_as_far_as_it_can_be() {
    use crate::cli::doctor::front_door::{RadiusServer, Sign, tests::door};
    let authority = Authority::new();
    let reach = reach(&[], &authority);
    assert_eq!(radius::ways(None, &reach).await, []);
    let socket = UdpHold::new();
    let mut door = door(&[("rdg01", "kLx0vR7mQe2sTb9wYc4h")]);
    door.listen = socket.address();
    let server = |gives_signs| RadiusServer {
        name: "nps01".to_owned(),
        address: "192.0.2.30:1812".parse().unwrap(),
        secret: gatematch_protocol::secret::Secret::new("x"),
        gives_signs,
    };
    door.upstreams = vec![server(true), server(false)];
    door.own_secret = Some(gatematch_protocol::secret::Secret::new("x"));
    door.ask = |_, _, _, _| Box::pin(async { Sign::Answered });
    let verdicts: Vec<_> = radius::ways(Some(&door), &reach).await.iter().map(|way| way.finding.verdict).collect();
    // Whoever is elsewhere cannot reach a loopback address.
    assert_eq!(verdicts, [Verdict::Ok, Verdict::Fail, Verdict::Ok, Verdict::Elsewhere]);
    door.ask = |_, _, _, _| Box::pin(async { Sign::Silence });
    drop(socket);
    let ways = radius::ways(Some(&door), &reach).await;
    assert!(ways[0].finding.what.contains("no front door runs"), "{ways:?}");
    assert_eq!(ways[2].finding.verdict, Verdict::Fail);
    door.listen = "192.0.2.1:1812".parse().unwrap();
    let ways = radius::ways(Some(&door), &reach).await;
    assert!(ways[1].finding.verdict == Verdict::Elsewhere && ways[1].finding.todo.contains("tcpdump"), "{ways:?}");
}

/// Holds a port.
struct UdpHold(std::net::UdpSocket);

impl UdpHold {
    fn new() -> Self {
        Self(std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    fn address(&self) -> std::net::SocketAddr {
        self.0.local_addr().unwrap()
    }
}

#[tokio::test]
async fn the_document_shows_what_is_printed() {
    use super::super::tests::{masked, shown_in};
    use crate::cli::doctor::front_door::{RadiusServer, Sign, tests::door};
    use crate::cli::terminal::Terminal;
    use crate::cli::terminal::tests::Paper;

    let (dir, _store, _) = crate::push::trial::store(&Edge::system()).await;
    let authority = Authority::new();
    // All push services are one, behind a proxy. It does not show Apple's certificate, as if something opened TLS.
    let own = ["fcm.googleapis.com", "updates.push.services.mozilla.com", "wns2-by3p.notify.windows.com"];
    let service = Service::start(Some(authority.certify(&own, (2020, 2099))), &[("/", "")]).await;
    let (port, _task) = proxy(Some(service.port())).await;
    let mut settings = settings(dir.path(), Some(&authority), 443);
    settings.push_hosts = PushHosts::default();
    settings.push_proxy = Some(format!("http://proxy.example.com:{port}").parse().unwrap());

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://mfa.example.com:{}", listener.local_addr().unwrap().port());
    let known = database::known(&settings).await.unwrap();
    let answers = answers(&issuer, known.token_keys.first().unwrap());
    let answers: Vec<_> = answers.iter().map(|(path, body)| (*path, body.as_str())).collect();
    let _service = Service::on(listener, Some(authority.certify(&["mfa.example.com"], (2020, 2099))), &answers);
    settings.issuer = Some(issuer);
    settings.trusted_proxies = vec!["10.0.0.7".parse().unwrap()];
    settings.listen = "0.0.0.0:8080".parse().unwrap();
    let siem = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, format) = (siem.local_addr().unwrap().port(), crate::settings::AuditFormat::Json);
    settings.audit_syslog = Some(Receiver { host: "127.0.0.1".to_owned(), port, tls: None, format });

    let socket = UdpHold::new();
    let mut door = door(&[("rdg01", "kLx0vR7mQe2sTb9wYc4h")]);
    door.listen = socket.address();
    door.clients.iter_mut().for_each(|client| client.network = "127.0.0.10/32".to_owned());
    door.own_secret = Some(gatematch_protocol::secret::Secret::new("x"));
    door.ask = |_, _, _, _| Box::pin(async { Sign::Answered });
    let secret = gatematch_protocol::secret::Secret::new("x");
    let address = "10.0.0.30:1812".parse().unwrap();
    door.upstreams = vec![RadiusServer { name: "nps01".to_owned(), address, secret, gives_signs: false }];

    let mut reach = reach(&["mfa.example.com", "proxy.example.com"], &authority);
    let clock = HeldClock::new();
    clock.advance_millis((784_111_777 - 1_800_000_000) * 1_000);
    reach.edge = clock.edge();
    let ways = ways(&settings, Some(&door), &reach).await;
    let (out, err) = (Paper::default(), Paper::default());
    let mut terminal = Terminal::plain(out.clone(), err, false);
    super::super::show::ways(&ways, &mut terminal).unwrap();
    let printed = out.take();
    assert_eq!(masked(&printed), masked(&shown_in("network.md", "gatematch doctor --network")), "{printed}");
}
