//! TLS, and a certificate that changes while it is served with.

use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_tests::Site;
use gatematch_tests::captured::capture;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::time::interval;

use super::{HEALTH, LONG, Tls, in_time, public, said};
use crate::machine::until_metric;

/// Whether TLS works with this client, on a connection of its own.
async fn is_served(client: &Api) -> bool {
    client.raw("GET", "/.well-known/gatematch", &[("connection", "close")], Vec::new()).await.is_ok()
}

#[tokio::test]
async fn tls_is_served_to_those_who_trust_the_certificate() {
    let (tls, stranger) = (Tls::new(), Tls::new());
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    assert!(is_served(&tls.client(public(&site))).await);
    assert!(!is_served(&stranger.client(public(&site))).await);
    let plain = said(public(&site), HEALTH).await;
    assert!(!plain.contains("HTTP"), "{plain}");
    let authority = reqwest::Certificate::from_pem(tls.pem.as_bytes()).unwrap();
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([authority.clone()]);
        let client = builder.tls_version_min(version).tls_version_max(version).build().unwrap();
        let answer = client.get(format!("https://{}/app", public(&site))).send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_nobody_is_cut_off() {
    let mut tls = Tls::new();
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    let old = tls.client(public(&site));
    site.user("alice").await;
    let phone = Phone::new(old.clone(), site.issuer(), gatematch_client_sim::edge::random_key(), site.clock.seconds());
    phone.enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let waits = tokio::spawn(async move { phone.waiting(60).await });
    until_metric(&site.api(), "gatematch_waiting 1").await;

    tls.renew();
    let new = tls.client(public(&site));
    assert!(!is_served(&new).await, "nobody has looked yet");
    // The clock stands still: this is what SIGHUP does.
    assert!(site.running().look_at_certificate());
    in_time(async {
        let mut looks = interval(LONG / 4_000);
        while !is_served(&new).await {
            looks.tick().await;
        }
    })
    .await;
    let fresh = Api::new(&format!("https://{}", public(&site))).unwrap();
    assert!(!is_served(&fresh).await);

    let login = CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() };
    let challenge = site.gateway().await.create(&login, None).await.unwrap();
    assert_eq!(in_time(waits).await.unwrap().unwrap()[0].id, challenge.id, "who was waiting is answered");
}

/// Moves the clock by a minute again and again, until `/metrics` says this.
async fn minutes_until(site: &Site, line: &str) {
    in_time(async {
        let mut looks = interval(LONG / 4_000);
        loop {
            site.clock.advance(60);
            looks.tick().await;
            let metrics = site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
            if metrics.lines().any(|found| found == line) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_files_are_looked_at_every_minute_and_bad_ones_are_not_taken() {
    let mut tls = Tls::new();
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    until_metric(&site.api(), "gatematch_tls_reload_failed 0").await;
    let old = tls.client(public(&site));
    let (ended, ended_key) = super::certificate(2010, 2011);
    let (other, _) = super::certificate(2020, 2100);
    let good = std::fs::read_to_string(tls.files().key).unwrap();
    for bad in [format!("{ended}{ended_key}"), format!("{other}{ended_key}"), String::new()] {
        tls.write(&bad);
        minutes_until(&site, "gatematch_tls_reload_failed 1").await;
        assert!(is_served(&old).await, "the old one is served with");
        tls.write(&good);
        minutes_until(&site, "gatematch_tls_reload_failed 0").await;
    }
    std::fs::remove_file(tls.files().key).unwrap();
    minutes_until(&site, "gatematch_tls_reload_failed 1").await;
    assert!(is_served(&old).await);
    let pipe = tls.files().key;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    minutes_until(&site, "gatematch_tls_reload_failed 1").await;
    assert!(is_served(&old).await);
    std::fs::remove_file(pipe).unwrap();
    tls.renew();
    minutes_until(&site, "gatematch_tls_reload_failed 0").await;
    assert!(is_served(&tls.client(public(&site))).await && !is_served(&old).await);
}

#[tokio::test]
async fn the_days_that_are_left_are_told() {
    let tls = Tls::new();
    let (pem, key) = super::certificate(2020, 2028);
    tls.write(&format!("{pem}{key}"));
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    // From 2027-01-15 08:00 to 2028-01-01.
    until_metric(&site.api(), "gatematch_tls_certificate_days_left 350").await;
    site.clock.advance(360 * 86_400);
    minutes_until(&site, "gatematch_tls_certificate_days_left -10").await;
    let plain = Site::start().await;
    let metrics = plain.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
    assert!(!metrics.contains("gatematch_tls_"), "there is no certificate");
}

#[tokio::test]
async fn a_chain_is_told_when_it_is_not_whole_and_ends_with_its_first() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "root");
    let root = CertifiedIssuer::self_signed(params.clone(), KeyPair::generate().unwrap()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "middle");
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let middle = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let own = CertificateParams::new(names.to_vec()).unwrap().signed_by(&key, &middle).unwrap();

    let mut tls = Tls::new();
    let missing = "the file holds no certificate of the authority that has issued the server's";
    // The log is one for all tests: this file is named in the line.
    let file = tls.files().certificate.display().to_string();
    let log = capture();
    let told = || log.text().lines().filter(|line| line.contains(missing) && line.contains(&file)).count();
    tls.write(&format!("\u{feff}{}{}", own.pem(), key.serialize_pem()));
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    assert_eq!(told(), 1, "at a start");
    tls.pem = root.pem();
    assert!(!is_served(&tls.client(public(&site))).await, "whoever has the root alone cannot follow it");

    tls.write(&format!("{}{}{}", own.pem(), middle.pem(), key.serialize_pem()));
    // From 2027-01-15 08:00, and some minutes, to 2028-01-01.
    minutes_until(&site, "gatematch_tls_certificate_days_left 350").await;
    assert!(is_served(&tls.client(public(&site))).await);
    assert_eq!(told(), 1, "the whole one is not told");
    tls.write(&format!("{}{}", own.pem(), key.serialize_pem()));
    in_time(async {
        let mut looks = interval(LONG / 4_000);
        while told() < 2 {
            site.clock.advance(60);
            looks.tick().await;
        }
    })
    .await;
}
