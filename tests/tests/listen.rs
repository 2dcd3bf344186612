//! The listeners: what may be served where, and to whom.

mod certificate;
mod http2;
mod patience;
mod public;
mod refused;

use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use gatematch_client_sim::http::Api;
use gatematch_server::settings::{Settings, TlsFiles};
use gatematch_tests::Site;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::machine::until_metric;

/// What takes longer than this has failed.
const LONG: Duration = Duration::from_secs(20);

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("it happens")
}

/// A certificate for this machine and its key, both in one file of a directory of its own.
struct Tls {
    dir: TempDir,
    /// The certificate, which is its own authority (PEM).
    pem: String,
}

/// A certificate, and its key, from and until the first of January of these years (PEM).
fn certificate(from: i32, until: i32) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names.to_vec()).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

impl Tls {
    fn new() -> Self {
        let mut tls = Self { dir: tempfile::tempdir().unwrap(), pem: String::new() };
        tls.renew();
        tls
    }

    /// Another certificate and key in place of those that are there.
    fn renew(&mut self) {
        let (pem, key) = certificate(2020, 2100);
        self.write(&format!("{key}{pem}"));
        self.pem = pem;
    }

    fn write(&self, text: &str) {
        fs::write(self.dir.path().join("both.pem"), text).unwrap();
    }

    fn files(&self) -> TlsFiles {
        let both = self.dir.path().join("both.pem");
        TlsFiles { certificate: both.clone(), key: both }
    }

    /// A public listener on this machine with this certificate.
    fn serve(&self, settings: &mut Settings) {
        settings.public_listen = Some("127.0.0.1:0".parse().unwrap());
        settings.tls = Some(self.files());
        settings.issuer = Some("https://localhost".to_owned());
    }

    /// A client that trusts this certificate, and no other.
    fn client(&self, place: SocketAddr) -> Api {
        Api::trusting(&format!("https://{place}"), &self.pem).unwrap()
    }
}

fn public(site: &Site) -> SocketAddr {
    site.running().public_place().unwrap().address
}

/// An address of this machine that others reach, if it has one; if not, that is said. Nothing is sent to find it.
fn far_address() -> Option<IpAddr> {
    let found = || {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
    };
    let address = found();
    if address.is_none() {
        let _ = writeln!(std::io::stderr(), "NOT TRIED: this machine has no address that others reach");
    }
    address
}

/// Sends these bytes, and reads until the other side has no more to say.
async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let _ = connection.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = in_time(connection.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn plain_http_beyond_this_machine_is_for_named_proxies_alone() {
    let Some(own) = far_address() else { return };
    for (proxy, is_served) in [("203.0.113.9".parse().unwrap(), false), (own, true)] {
        let site = Site::start_with(|settings| {
            settings.listen = "0.0.0.0:0".parse().unwrap();
            settings.public_listen = Some("0.0.0.0:0".parse().unwrap());
            settings.trusted_proxies = vec![proxy];
            settings.issuer = Some("https://mfa.example.com".to_owned());
        })
        .await;
        let port = site.running().address().port();
        let near = said(SocketAddr::new("127.0.0.1".parse().unwrap(), port), HEALTH).await;
        assert!(near.starts_with("HTTP/1.1 200"), "{near}");
        let far = said(SocketAddr::new(own, port), HEALTH).await;
        assert_eq!((far.starts_with("HTTP/1.1 200"), far.is_empty()), (is_served, !is_served), "{far}");
        let of_phones = said(SocketAddr::new(own, public(&site).port()), HEALTH).await;
        assert_eq!((of_phones.starts_with("HTTP/1.1 404"), of_phones.is_empty()), (is_served, !is_served));
        let near = Api::new(&format!("http://127.0.0.1:{port}")).unwrap();
        for listener in ["main", "public"] {
            let count = i32::from(!is_served);
            let name = "gatematch_connections_turned_away_total";
            until_metric(&near, &format!("{name}{{cause=\"unnamed\",listener=\"{listener}\"}} {count}")).await;
        }
    }
}

#[tokio::test]
async fn what_runs_in_the_same_process_has_a_listener_of_its_own() {
    let Some(own) = far_address() else { return };
    let (tls, radius) = (Tls::new(), Path::new("gatematch.toml"));
    let table = || gatematch_server::settings::RadiusTable { table: toml::Table::new(), file: radius.to_owned() };
    let site = Site::start_with(|settings| {
        tls.serve(settings);
        settings.radius = Some(table());
    })
    .await;
    assert_eq!(site.running().inner_url(), format!("http://{}", site.running().address()), "it is on this machine");
    // The site's own clients speak plain HTTP, so this one is started without them.
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::for_data_dir(dir.path());
    settings.listen = SocketAddr::new(own, 0);
    settings.tls = Some(tls.files());
    settings.issuer = Some("https://localhost".to_owned());
    settings.radius = Some(table());
    let running = gatematch_server::start::serve(settings, gatematch_server::edge::Edge::system()).await.unwrap();
    assert_eq!(running.place().scheme, "https");
    let inner = Api::new(&running.inner_url()).unwrap();
    assert!(inner.base().starts_with("http://127.0.0.1:"));
    let answer = inner.raw("GET", "/v1/gateways/self", &[], Vec::new()).await.unwrap();
    assert_eq!(answer.status, 401, "everything is served there");
    assert_eq!(inner.raw("GET", "/readyz", &[], Vec::new()).await.unwrap().status, 503, "the front door is not up");
    running.is_whole();
    assert_eq!(inner.raw("GET", "/readyz", &[], Vec::new()).await.unwrap().status, 200);
    running.stop().await;
}
