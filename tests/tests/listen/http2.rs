//! HTTP/2: who speaks it, what waits over it, and who is cut off.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::{Api, Speaks};
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_server::listen::Limits;
use gatematch_tests::Site;
use gatematch_tests::wire::refused;
use reqwest::Version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::patience::LIMITS;
use super::{HEALTH, Tls, in_time, public, said};
use crate::machine::until_metric;

// RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A peer that sends whatever frames it likes.
struct Peer(TcpStream);

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The head of a request (RFC 7541): method, scheme, path, authority.
fn head(method: u8, path: &str) -> Vec<u8> {
    let text = |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [vec![method, 0x86], text(0x04, path), text(0x01, "x")].concat()
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

impl Peer {
    /// Connects, and begins as HTTP/2 does, with this window for each answer.
    async fn at(address: SocketAddr, window: u32) -> Self {
        let mut peer = Self(TcpStream::connect(address).await.unwrap());
        let window = window.to_be_bytes();
        let settings = [0, 4, window[0], window[1], window[2], window[3]];
        let begin = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &settings)].concat();
        peer.0.write_all(&begin).await.unwrap();
        peer
    }

    async fn send(&mut self, frames: &[Vec<u8>]) {
        self.0.write_all(&frames.concat()).await.unwrap();
    }

    async fn next(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    /// All that comes until the server hangs up; pings are answered or not.
    async fn until_closed(&mut self, answers: bool) -> Vec<(u8, Vec<u8>)> {
        in_time(async {
            let mut seen = Vec::new();
            while let Some((kind, flags, payload)) = self.next().await {
                if answers && kind == PING && flags & ACK == 0 {
                    let _ = self.0.write_all(&frame(PING, ACK, 0, &payload)).await;
                }
                seen.push((kind, payload));
            }
            seen
        })
        .await
    }
}

fn kinds(seen: &[(u8, Vec<u8>)]) -> Vec<u8> {
    seen.iter().map(|(kind, _)| *kind).collect()
}

async fn short(streams: usize) -> Site {
    Site::start_within(Limits { streams, ..LIMITS }, |_| ()).await
}

#[tokio::test]
async fn it_is_spoken_with_whoever_begins_it_and_http_1_with_everybody_else() {
    let tls = Tls::new();
    let site = Site::start_with(|settings| tls.serve(settings)).await;
    let authority = reqwest::Certificate::from_pem(tls.pem.as_bytes()).unwrap();
    let builder = || reqwest::Client::builder().no_proxy().tls_certs_only([authority.clone()]);
    let secure = format!("https://{}/app/", public(&site));
    let plain = format!("http://{}/healthz", site.running().address());
    for (client, url, version) in [
        (builder().build().unwrap(), &secure, Version::HTTP_2),
        (builder().http1_only().build().unwrap(), &secure, Version::HTTP_11),
        (builder().http2_prior_knowledge().build().unwrap(), &plain, Version::HTTP_2),
        (builder().build().unwrap(), &plain, Version::HTTP_11),
    ] {
        let answer = client.get(url).send().await.unwrap();
        assert_eq!((answer.version(), answer.status().as_u16()), (version, 200), "{url}");
    }
    assert!(said(site.running().address(), HEALTH).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn hundreds_wait_on_one_connection_and_hear_of_the_decision() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let line = Api::with(&format!("http://{}", site.running().address()), None, Speaks::Http2).unwrap();
    let gateway: Arc<Gateway> = Arc::new(gateway.moved_to(line));
    let waits = join_all((0..500).map(|_| gateway.get(login.id, 60)));
    let decides = async {
        until_metric(&site.api(), "gatematch_waiting 500").await;
        // This one, what the site itself talks through, and the one that asks for the metrics.
        let metrics = site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
        let open = metrics.lines().find_map(|line| line.strip_prefix("gatematch_connections{listener=\"main\"} "));
        assert!(open.unwrap().parse::<u32>().unwrap() < 10, "{open:?}");
        let signed = alice.signed(&login).await;
        alice.phone.respond(&signed, Decision::Approve, login.number.as_deref(), None).await.unwrap();
    };
    let (heard, ()) = in_time(async { tokio::join!(waits, decides) }).await;
    assert!(heard.iter().all(|view| view.as_ref().unwrap().status == "approved"));
}

#[tokio::test]
async fn who_has_all_streams_leaves_none() {
    let site = short(2).await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let base = format!("http://{}", site.running().address());
    let gateway = gateway.moved_to(Api::with(&base, None, Speaks::Http2).unwrap());
    let waits = join_all((0..2).map(|_| gateway.get(login.id, 60)));
    let other = async {
        until_metric(&site.api(), "gatematch_waiting 2").await;
        let line = Api::with(&base, None, Speaks::Http2).unwrap();
        let answer = line.raw("GET", "/v1/gateways/self", &[], Vec::new()).await.unwrap();
        refused(&answer, Code::Overloaded);
        until_metric(&site.api(), "gatematch_streams_refused_total{listener=\"main\"} 1").await;
        site.admin.delete_user("alice").await.unwrap();
        in_time(async { while line.raw("GET", "/healthz", &[], Vec::new()).await.unwrap().status != 200 {} }).await;
    };
    let (heard, ()) = in_time(async { tokio::join!(waits, other) }).await;
    assert!(heard.iter().all(|view| view.as_ref().unwrap().status == "denied"));
}

#[tokio::test]
async fn who_begins_and_sends_no_request() {
    let site = short(100).await;
    let address = site.running().address();
    let mut preface = TcpStream::connect(address).await.unwrap();
    preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    assert_eq!(in_time(preface.read_to_end(&mut Vec::new())).await.unwrap(), 0);

    let mut silent = Peer::at(address, 65_535).await;
    assert_eq!(kinds(&silent.until_closed(true).await).first(), Some(&SETTINGS));
    // A head that does not end, while every ping is answered or would be.
    let mut drips = Peer::at(address, 65_535).await;
    drips.send(&[frame(HEADERS, END_STREAM, 1, &head(GET, "/healthz"))]).await;
    assert!(!kinds(&drips.until_closed(true).await).contains(&HEADERS));
}

#[tokio::test]
async fn who_idles_is_told_goodbye() {
    let site = short(100).await;
    let mut idles = Peer::at(site.running().address(), 65_535).await;
    idles.send(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, &head(GET, "/healthz"))]).await;
    let seen = kinds(&idles.until_closed(true).await);
    assert!(seen.contains(&HEADERS) && seen.contains(&DATA) && seen.contains(&GOAWAY), "{seen:?}");
}

#[tokio::test]
async fn who_answers_no_ping() {
    let site = short(100).await;
    let mut dead = Peer::at(site.running().address(), 65_535).await;
    // Its body never comes, which alone would take longer.
    dead.send(&[frame(HEADERS, END_HEADERS, 1, &head(POST, "/connect/sessions"))]).await;
    let seen = kinds(&dead.until_closed(false).await);
    assert!(seen.contains(&PING) && !seen.contains(&HEADERS), "{seen:?}");
}

#[tokio::test]
async fn who_takes_no_answer_and_answers_every_ping() {
    let site = short(100).await;
    let mut deaf = Peer::at(site.running().address(), 0).await;
    deaf.send(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, &head(GET, "/metrics"))]).await;
    let seen = kinds(&deaf.until_closed(true).await);
    assert!(seen.contains(&HEADERS) && !seen.contains(&DATA), "{seen:?}");
}

#[tokio::test]
async fn who_resets_what_he_asks_for_again_and_again() {
    // With the limits that hold for everybody.
    let site = Site::start().await;
    let mut resets = Peer::at(site.running().address(), 65_535).await;
    let ask = |stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(GET, "/healthz"));
    let reset = |stream| frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    let flood: Vec<_> = (0..120_u8).flat_map(|turn| [ask(2 * turn + 1), reset(2 * turn + 1)]).collect();
    resets.send(&flood).await;
    let seen = resets.until_closed(true).await;
    let goodbye = seen.iter().find(|(kind, _)| *kind == GOAWAY).expect("it is told why");
    // ENHANCE_YOUR_CALM.
    assert_eq!(goodbye.1[4..8], 11_u32.to_be_bytes());
}

#[tokio::test]
async fn a_head_that_is_longer_than_any() {
    let site = Site::start().await;
    let line = Api::with(&format!("http://{}", site.running().address()), None, Speaks::Http2).unwrap();
    for (length, is_served) in [(12 * 1024, true), (20 * 1024, false)] {
        let answer = line.raw("GET", "/healthz", &[("x", &"x".repeat(length))], Vec::new()).await;
        assert_eq!(answer.is_ok_and(|answer| answer.status == 200), is_served, "{length}");
    }
}

#[tokio::test]
async fn a_server_that_stops_answers_who_waits_and_waits_for_no_idler() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let line = Api::with(&format!("http://{}", site.running().address()), None, Speaks::Http2).unwrap();
    let gateway = gateway.moved_to(line);
    let api = site.api();
    let stops = async {
        until_metric(&api, "gatematch_waiting 1").await;
        site.stop().await
    };
    let (seen, _) = in_time(async { tokio::join!(gateway.get(login.id, 60), stops) }).await;
    assert_eq!(seen.unwrap().status, "pending");
}
