//! Whoever takes too long is cut off, and whoever waits for an answer is not.

use std::net::SocketAddr;
use std::time::Duration;

use gatematch_client_sim::connect::Browser;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_server::listen::Limits;
use gatematch_tests::Site;
use gatematch_tests::captured::capture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::interval;

use super::{Tls, far_address, in_time, public};
use crate::machine::until_metric;

/// Limits that a test can wait for.
const SHORT: Duration = Duration::from_millis(300);
pub(super) const LIMITS: Limits =
    Limits { handshake: SHORT, head: SHORT, stall: SHORT, connections: 20_000, streams: 20_000 };

async fn short(tls: &Tls) -> Site {
    Site::start_within(LIMITS, |settings| tls.serve(settings)).await
}

/// Reads until the server has closed the connection; what it said before.
async fn until_closed(connection: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = in_time(connection.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn who_never_finishes_the_handshake() {
    let tls = Tls::new();
    let site = short(&tls).await;
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    for begun in [&hello[..0], &hello[..1], &hello] {
        let mut connection = TcpStream::connect(public(&site)).await.unwrap();
        connection.write_all(begun).await.unwrap();
        assert_eq!(until_closed(&mut connection).await, "");
    }
    let name = "gatematch_connections_turned_away_total";
    until_metric(&site.api(), &format!("{name}{{cause=\"handshake\",listener=\"public\"}} 3")).await;
    until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 0").await;
}

#[tokio::test]
async fn who_says_nothing_or_drips_or_idles() {
    let site = short(&Tls::new()).await;
    let mut silent = TcpStream::connect(site.running().address()).await.unwrap();
    assert_eq!(until_closed(&mut silent).await, "");

    // A byte at a time, for ever: the limit is on the whole head.
    let drips = TcpStream::connect(site.running().address()).await.unwrap();
    let (mut reads, mut writes) = drips.into_split();
    let drip = async {
        let mut drops = interval(SHORT / 30);
        writes.write_all(b"GET /healthz HTTP/1.1\r\nX: ").await.unwrap();
        loop {
            drops.tick().await;
            if writes.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    let mut said = Vec::new();
    let _ = in_time(async { tokio::join!(drip, reads.read_to_end(&mut said)) }).await;
    assert_eq!(said, b"");

    let mut idles = TcpStream::connect(site.running().address()).await.unwrap();
    idles.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let said = until_closed(&mut idles).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    // The head of a second request is measured like that of the first.
    let mut second = TcpStream::connect(site.running().address()).await.unwrap();
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /").await.unwrap();
    assert_eq!(until_closed(&mut second).await.matches("HTTP/1.1 200").count(), 1);
}

#[tokio::test]
async fn who_takes_no_answers() {
    let site = short(&Tls::new()).await;
    let deaf = TcpStream::connect(site.running().address()).await.unwrap();
    // Requests until the server reads no more of them, since nobody takes its answers; then it must let go.
    let (_reads, mut writes) = deaf.into_split();
    in_time(async { while writes.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {} }).await;
}

#[tokio::test]
async fn who_waits_is_not_cut_off() {
    let tls = Tls::new();
    let site = short(&tls).await;
    let alice = site.person("alice").await;
    let browser = Browser::new(site.api());
    browser.arm("alice").await.unwrap();
    let mut events = browser.events().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().state, "armed");
    let waits = tokio::spawn(async move { alice.phone.waiting(60).await });
    // The page counts as one who waits.
    until_metric(&site.api(), "gatematch_waiting 2").await;
    // Two who say nothing, one after the other: when both are gone, each limit is over.
    for _ in 0..2 {
        let mut silent = TcpStream::connect(site.running().address()).await.unwrap();
        until_closed(&mut silent).await;
    }
    let login = CreateChallenge { user: "alice".to_owned(), display: Some("none".to_owned()), ..Default::default() };
    let challenge = site.gateway_named("Oslo", false).await.create(&login, None).await.unwrap();
    assert_eq!(in_time(waits).await.unwrap().unwrap()[0].id, challenge.id);
    assert_eq!(in_time(events.next()).await.unwrap().unwrap().state, "confirm");
}

#[tokio::test]
async fn who_comes_when_all_places_are_taken() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let tls = Tls::new();
    let site = Site::start_within(limits, |settings| tls.serve(settings)).await;
    let (one, two) =
        (TcpStream::connect(public(&site)).await.unwrap(), TcpStream::connect(public(&site)).await.unwrap());
    until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 2").await;
    let mut third = TcpStream::connect(public(&site)).await.unwrap();
    assert_eq!(until_closed(&mut third).await, "");
    let name = "gatematch_connections_turned_away_total";
    until_metric(&site.api(), &format!("{name}{{cause=\"full\",listener=\"public\"}} 1")).await;
    drop((one, two));
    until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 0").await;
    let answer = tls.client(public(&site)).raw("GET", "/.well-known/gatematch", &[], Vec::new()).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn who_takes_more_than_the_share_of_an_address() {
    let Some(own) = far_address() else { return };
    let limits = Limits { connections: 80, ..Limits::default() };
    for (is_proxy, most) in [(false, 64), (true, 80)] {
        let tls = Tls::new();
        let site = Site::start_within(limits, |settings| {
            tls.serve(settings);
            settings.public_listen = Some("0.0.0.0:0".parse().unwrap());
            settings.trusted_proxies = if is_proxy { vec![own] } else { Vec::new() };
        })
        .await;
        let far = SocketAddr::new(own, public(&site).port());
        let mut held = Vec::new();
        for _ in 0..most {
            held.push(TcpStream::connect(far).await.unwrap());
        }
        until_metric(&site.api(), &format!("gatematch_connections{{listener=\"public\"}} {most}")).await;
        let mut one_more = TcpStream::connect(far).await.unwrap();
        assert_eq!(until_closed(&mut one_more).await, "");
        let name = "gatematch_connections_turned_away_total";
        let counts = [("address", i32::from(!is_proxy)), ("full", i32::from(is_proxy)), ("handshake", 0)];
        for (cause, count) in counts {
            let line = format!("{name}{{cause=\"{cause}\",listener=\"public\"}} {count}");
            until_metric(&site.api(), &line).await;
        }
        if !is_proxy {
            let near = SocketAddr::new("127.0.0.1".parse().unwrap(), far.port());
            let answer = tls.client(near).raw("GET", "/.well-known/gatematch", &[], Vec::new()).await.unwrap();
            assert_eq!(answer.status, 200, "others have their places");
        }
        drop(held);
        until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 0").await;
        let mut again = TcpStream::connect(far).await.unwrap();
        again.write_all(b"\x16").await.unwrap();
        until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 1").await;
    }
}

#[tokio::test]
async fn a_head_that_is_longer_than_any() {
    let site = Site::start().await;
    for (length, status) in [(12 * 1024, "200"), (20 * 1024, "431")] {
        let head = format!("GET /healthz HTTP/1.1\r\nX: {}\r\nConnection: close\r\n\r\n", "x".repeat(length));
        let said = super::said(site.running().address(), head.as_bytes()).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {said}");
    }
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_handshake() {
    let tls = Tls::new();
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    let mut silent = TcpStream::connect(public(&site)).await.unwrap();
    let mut idle = TcpStream::connect(site.running().address()).await.unwrap();
    until_metric(&site.api(), "gatematch_connections{listener=\"public\"} 1").await;
    let log = capture();
    site.stop().await;
    assert!(!log.text().contains("still under way"), "nobody had asked for anything");
    assert_eq!((until_closed(&mut silent).await, until_closed(&mut idle).await), (String::new(), String::new()));
}
