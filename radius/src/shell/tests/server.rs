//! A server that says what the test wants, over real HTTP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::jwk::{JwkSet, PublicKey, ServerJwk};
use gatematch_protocol::jws::{self, Header, Sign, SigningFailed, typ};
use gatematch_protocol::result::ResultClaims;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::edge::Edge;

pub(super) const ISSUER: &str = "https://mfa.example.com";

/// What becomes of a call with a code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is judged, and the answer tells how.
    Told,
    /// It is judged, and the answer is lost.
    Lost,
    /// Nothing is ever said.
    Mute,
    /// It is not judged, and answered with this status.
    Refused(u16),
}

/// What the server says.
#[derive(Clone)]
pub(super) struct Says {
    /// The status of a new challenge.
    pub(super) created: &'static str,
    pub(super) number: Option<&'static str>,
    pub(super) methods: &'static [&'static str],
    /// The code that is right; then a redeem finds `redeemed`.
    pub(super) code: &'static str,
    pub(super) judged: Judged,
    /// How long that takes.
    pub(super) judging: Duration,
    /// How many wrong ones there have been; the third ends the challenge.
    pub(super) wrong: u8,
    /// What a redeem finds; `pending` waits as long as it is told.
    pub(super) redeemed: &'static str,
    pub(super) method: &'static str,
    /// Whether the result is for this gateway.
    pub(super) honest: bool,
    /// Whether a redeem is answered about the challenge that it asks for.
    pub(super) to_the_point: bool,
    pub(super) can_display: bool,
    pub(super) ready: bool,
    /// The status of a redeem that the server does not understand.
    pub(super) redeemed_status: Option<u16>,
    /// How long a challenge lives, in seconds; `None`: as it was asked for.
    pub(super) expires_in: Option<i64>,
    /// How long it takes to make one.
    pub(super) creating: Duration,
    /// How long a DELETE takes.
    pub(super) ending: Duration,
    /// Connections are taken, and nothing is ever said.
    pub(super) mute: bool,
    /// The same once a challenge was made.
    pub(super) mute_after_create: bool,
    /// The status of every answer, where it is not as it should be.
    pub(super) broken: Option<u16>,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            created: "pending",
            number: None,
            methods: &["push"],
            code: "123456",
            judged: Judged::Told,
            judging: Duration::ZERO,
            wrong: 0,
            redeemed: "redeemed",
            method: "push",
            honest: true,
            to_the_point: true,
            can_display: true,
            ready: true,
            redeemed_status: None,
            expires_in: None,
            creating: Duration::ZERO,
            ending: Duration::ZERO,
            mute: false,
            mute_after_create: false,
            broken: None,
        }
    }
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) says: Arc<Mutex<Says>>,
    /// `POST`, `POST redeem`, `DELETE` and so on, in order.
    calls: Arc<Mutex<Vec<String>>>,
    /// What was asked for, and the codes that came.
    bodies: Arc<Mutex<Vec<Value>>>,
    /// How often the keys were fetched.
    pub(super) key_fetches: Arc<AtomicUsize>,
}

struct Key(EcdsaKeyPair);

impl Sign for Key {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed> {
        let signature = self.0.sign(&SystemRandom::new(), message).unwrap();
        Ok(signature.as_ref().try_into().unwrap())
    }
}

impl Server {
    pub(super) async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            says: Arc::new(Mutex::new(says)),
            calls: Arc::default(),
            bodies: Arc::default(),
            key_fetches: Arc::default(),
        };
        let key = Arc::new(Key(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()));
        let (says, calls) = (Arc::clone(&server.says), Arc::clone(&server.calls));
        let bodies = Arc::clone(&server.bodies);
        let fetches = Arc::clone(&server.key_fetches);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (says, calls, key) = (Arc::clone(&says), Arc::clone(&calls), Arc::clone(&key));
                let (fetches, bodies) = (Arc::clone(&fetches), Arc::clone(&bodies));
                tokio::spawn(async move {
                    let Some((method, target, body)) = read(&mut stream).await else { return };
                    fetches.fetch_add(usize::from(target.ends_with("jwks.json")), Ordering::Relaxed);
                    if method == "POST" && (target == "/v1/challenges" || target.ends_with("/passcode")) {
                        bodies.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                    }
                    answer(stream, (&method, &target, &body), &says, &calls, &key).await;
                });
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls about challenges, and reports, without ids and queries.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The creates and the codes, in order.
    pub(super) fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    pub(super) fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|other| other.starts_with(call)).count()
    }
}

pub(super) fn gateway() -> GatewayId {
    GatewayId::new(Timestamp::from_numeric_date(1_800_000_000), [1; 10])
}

async fn answer(
    mut stream: TcpStream,
    (method, target, body): (&str, &str, &str),
    all_says: &Mutex<Says>,
    calls: &Mutex<Vec<String>>,
    key: &Key,
) {
    let says = all_says.lock().unwrap().clone();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.starts_with("/v1/challenges") || path.ends_with("/drops") {
        let verb = path.rsplit('/').next().filter(|verb| ["redeem", "drops", "passcode"].contains(verb)).unwrap_or("");
        let told = if verb == "drops" { format!("{method} drops {body}") } else { format!("{method} {verb}") };
        calls.lock().unwrap().push(told.trim_end().to_owned());
    }
    if says.mute
        || (says.mute_after_create && path.ends_with("/redeem"))
        || (says.judged == Judged::Mute && path.ends_with("/passcode"))
    {
        return std::future::pending().await;
    }
    if method == "DELETE" && !says.ending.is_zero() {
        tokio::time::sleep(says.ending).await;
        calls.lock().unwrap().push("ended".to_owned());
    }
    let wait = query.strip_prefix("wait=").map_or(0, |seconds| seconds.parse().unwrap());
    let (status, body) = if path.ends_with("/passcode") {
        tokio::time::sleep(says.judging).await;
        let Some(judged) = judge(path, body, &mut all_says.lock().unwrap()) else { return };
        judged
    } else {
        reply(method, path, wait, body, &says, key).await
    };
    let (status, body) = says.broken.map_or((status, body), |status| (status, Value::Null));
    let body = body.to_string();
    let text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(text.as_bytes()).await;
}

/// Judges a code; `None` where the answer is lost.
fn judge(path: &str, body: &str, says: &mut Says) -> Option<(u16, Value)> {
    if let Judged::Refused(status) = says.judged {
        return Some((status, Value::Null));
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let status = if body["passcode"] == says.code {
        says.redeemed = "redeemed";
        "approved"
    } else {
        says.wrong += 1;
        if says.wrong < 3 { "pending" } else { "denied" }
    };
    let id: ChallengeId = path.split('/').nth(3).unwrap().parse().unwrap();
    let told = if says.to_the_point { id } else { ChallengeId::new(Edge::system().now(), [3; 10]) };
    (says.judged == Judged::Told).then(|| (200, view(told, status, says, Edge::system().now())))
}

async fn read(stream: &mut TcpStream) -> Option<(String, String, String)> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < length.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        let mut words = head.split(' ').map(str::to_owned);
        return Some((words.next()?, words.next()?, body.to_owned()));
    }
}

async fn reply(method: &str, path: &str, wait: u64, body: &str, says: &Says, key: &Key) -> (u16, Value) {
    if path == "/v1/challenges" {
        tokio::time::sleep(says.creating).await;
    }
    let now = Edge::system().now();
    if path.ends_with("/redeem") {
        if let Some(status) = says.redeemed_status {
            return (status, Value::Null);
        }
        if says.redeemed == "pending" {
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
        let id: ChallengeId = path.split('/').nth(3).unwrap().parse().unwrap();
        let told = if says.to_the_point { id } else { ChallengeId::new(now, [3; 10]) };
        let mut view = view(told, says.redeemed, says, now);
        if says.redeemed == "redeemed" {
            view["result"] = json!(result(id, says, now, key));
        }
        return (200, view);
    }
    match (method, path) {
        ("GET", "/.well-known/gatematch") => {
            (200, json!({"issuer": ISSUER, "name": "x", "jwks_uri": "x", "vapid_public_key": "x", "api_version": "1"}))
        }
        ("GET", "/.well-known/jwks.json") => {
            let public = PublicKey::from_sec1(key.0.public_key().as_ref()).unwrap();
            (200, json!(JwkSet { keys: vec![ServerJwk::new(&public, "one")] }))
        }
        ("GET", "/readyz") => (if says.ready { 200 } else { 503 }, Value::Null),
        ("GET", "/v1/gateways/self") => (
            200,
            json!({"id": gateway(), "name": "rdg01", "application": "Desktop", "can_display": says.can_display,
                "client_address": "trusted", "created_at": now}),
        ),
        ("POST", "/v1/challenges") => {
            let asked: Value = serde_json::from_str(body).unwrap();
            assert_eq!(asked["client"]["name"], "CLIENT-PC");
            let life = says.expires_in.unwrap_or_else(|| asked["expires_in"].as_i64().unwrap());
            let id = ChallengeId::new(now, Edge::system().random().unwrap());
            let mut view = view(id, says.created, says, now);
            view["expires_at"] = json!(now.plus_seconds(life));
            (201, view)
        }
        ("DELETE", _) | ("POST", "/v1/gateways/self/drops") => (204, Value::Null),
        _ => (404, Value::Null),
    }
}

fn view(id: ChallengeId, status: &str, says: &Says, now: Timestamp) -> Value {
    json!({"id": id, "status": status, "reason": null, "user": "alice", "number": says.number,
        "methods": says.methods, "expires_at": now})
}

/// A result under a key that the server does not have, named `kid`.
pub(super) fn forged(id: ChallengeId, now: Timestamp, kid: &str) -> String {
    let key = Key(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    signed(id, &Says::default(), now, &key, kid)
}

fn result(id: ChallengeId, says: &Says, now: Timestamp, key: &Key) -> String {
    signed(id, says, now, key, "one")
}

fn signed(id: ChallengeId, says: &Says, now: Timestamp, key: &Key, kid: &str) -> String {
    let other = GatewayId::new(now, [2; 10]);
    let claims = ResultClaims {
        iss: ISSUER.to_owned(),
        aud: if says.honest { gateway() } else { other },
        sub: "alice".to_owned(),
        jti: id,
        iat: now.numeric_date(),
        exp: now.numeric_date() + 60,
        method: says.method.to_owned(),
        amr: Vec::new(),
        number_match: true,
        display: "page".to_owned(),
        device: None,
    };
    jws::sign(&Header::with_kid(typ::RESULT, kid), &claims, key).unwrap()
}
