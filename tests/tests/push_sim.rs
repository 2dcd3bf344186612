//! The simulated push service: against the crate `web-push`, by bare sockets, and with the real server pushing (PU-02,
//! PU-03, PU-04).

mod server;

use std::time::{Duration, Instant};

use gatematch_client_sim::crypto::P256Key;
use gatematch_client_sim::edge::{Clock, random_key, system_clock};
use gatematch_client_sim::http::Api;
use gatematch_client_sim::push::open::UserAgentKeys;
use gatematch_client_sim::push::service::{DRIP_PACE, Misbehaviour, Outcome, PushService, SubscriptionId};
use gatematch_protocol::base64url;
use gatematch_protocol::device::{PushKeys, PushSubscription};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use web_push::{
    ContentEncoding, SubscriptionInfo, Urgency, VapidSignature, VapidSignatureBuilder, WebPushMessage,
    WebPushMessageBuilder,
};

const WITHIN: Duration = Duration::from_secs(20);
/// The longest that `web-push` seals, in bytes.
const LONGEST: usize = 3_052;

async fn service(clock: Clock) -> PushService {
    PushService::start("127.0.0.1:0".parse().unwrap(), clock).await.unwrap()
}

fn public(key: &P256Key) -> String {
    base64url::encode(key.public().to_sec1())
}

fn info(endpoint: &str, keys: &PushKeys) -> SubscriptionInfo {
    SubscriptionInfo::new(endpoint, &keys.p256dh, keys.auth.reveal())
}

/// What `web-push` makes of a text.
fn sealed(info: &SubscriptionInfo, text: &[u8], signature: Option<VapidSignature>) -> WebPushMessage {
    let mut builder = WebPushMessageBuilder::new(info);
    builder.set_ttl(60);
    builder.set_urgency(Urgency::High);
    builder.set_topic("0190-a_b".to_owned());
    builder.set_payload(ContentEncoding::Aes128Gcm, text);
    if let Some(signature) = signature {
        builder.set_vapid_signature(signature);
    }
    builder.build().unwrap()
}

/// `web-push` leaves the port out of `aud`, so it is told the origin.
fn signature(info: &SubscriptionInfo, key: &P256Key, origin: &str) -> VapidSignature {
    let secret = base64url::encode(*key.secret());
    let mut builder = VapidSignatureBuilder::from_base64(&secret, info).unwrap();
    builder.add_claim("aud", origin);
    builder.add_claim("sub", "mailto:it@example.com");
    builder.build().unwrap()
}

/// Sends what `web-push` made, with the headers that it makes.
async fn send(service: &PushService, message: WebPushMessage) -> u16 {
    let payload = message.payload.unwrap();
    let (ttl, urgency) = (message.ttl.to_string(), message.urgency.unwrap().to_string());
    let topic = message.topic.unwrap();
    let mut headers = vec![
        ("ttl", ttl.as_str()),
        ("urgency", urgency.as_str()),
        ("topic", topic.as_str()),
        ("content-encoding", payload.content_encoding.to_str()),
        ("content-type", "application/octet-stream"),
    ];
    headers.extend(payload.crypto_headers.iter().map(|(name, value)| (*name, value.as_str())));
    let path = message.endpoint.path().to_owned();
    let api = Api::new(service.origin()).unwrap();
    api.raw("POST", &path, &headers, payload.content).await.unwrap().status
}

#[test]
fn pu_03_what_web_push_seals_our_phone_opens_and_no_other() {
    let keys = UserAgentKeys::random();
    let info = info("https://push.example.com/x", &keys.told());
    // It seals no empty text.
    for length in [1, 100, 2_900, LONGEST] {
        let text: Vec<u8> = (0..length).map(|index| (index % 256) as u8).collect();
        let body = sealed(&info, &text, None).payload.unwrap().content;
        assert_eq!(keys.open(&body).unwrap(), text, "{length} bytes");
        assert!(UserAgentKeys::random().open(&body).is_err());
    }
}

#[tokio::test]
async fn what_web_push_sends_our_push_service_takes() {
    let service = service(system_clock()).await;
    let key = random_key();
    let (to, id) = service.subscribe(Some(&public(&key))).unwrap();
    let info = info(to.endpoint.reveal(), &to.keys);
    let signed = signature(&info, &key, service.origin());
    assert_eq!(send(&service, sealed(&info, b"hello", Some(signed))).await, 201);
    let message = service.next(&id, WITHIN).await.unwrap();
    assert_eq!(message.plaintext.as_deref(), Some(&b"hello"[..]));
    assert_eq!((message.ttl, message.urgency.as_str(), message.topic.as_deref()), (60, "high", Some("0190-a_b")));
    let stranger = signature(&info, &random_key(), service.origin());
    assert_eq!(send(&service, sealed(&info, b"hello", Some(stranger))).await, 403);
    let elsewhere = signature(&info, &key, "https://push.example.com");
    assert_eq!(send(&service, sealed(&info, b"hello", Some(elsewhere))).await, 403);
    assert_eq!(send(&service, sealed(&info, b"hello", None)).await, 401);
    let outcomes: Vec<_> = service.attempts().into_iter().map(|attempt| attempt.outcome).collect();
    assert!(matches!(
        outcomes.as_slice(),
        [Outcome::Accepted, Outcome::Refused(403, _), Outcome::Refused(403, _), Outcome::Refused(401, _)]
    ));
}

/// A push by hand: the bytes of the request, so that the answer can be watched as it comes.
fn request(service: &PushService, to: &PushSubscription, key: &P256Key) -> Vec<u8> {
    let info = info(to.endpoint.reveal(), &to.keys);
    let message = sealed(&info, b"hello", Some(signature(&info, key, service.origin())));
    let payload = message.payload.unwrap();
    let authorization = &payload.crypto_headers[0].1;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nttl: 60\r\ncontent-encoding: aes128gcm\r\nauthorization: {authorization}\r\ncontent-length: {}\r\n\r\n",
        message.endpoint.path(),
        service.host(),
        payload.content.len()
    );
    [head.as_bytes(), &payload.content].concat()
}

/// A service that does this, a subscription, and a connection on which a push was sent.
async fn pushed(misbehaviour: &str) -> (PushService, SubscriptionId, TcpStream) {
    let service = service(system_clock()).await;
    let key = random_key();
    let (to, id) = service.subscribe(Some(&public(&key))).unwrap();
    service.misbehave(Some(misbehaviour.parse().unwrap()));
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(&request(&service, &to, &key)).await.unwrap();
    let attempt = service.attempt_after(0, WITHIN).await.unwrap();
    assert_eq!(attempt.plaintext.as_deref(), Some(&b"hello"[..]));
    assert_eq!(attempt.outcome, Outcome::Misbehaved(misbehaviour.to_owned()));
    (service, id, stream)
}

/// The head of an answer, and what came of its body.
async fn answered(stream: &mut TcpStream) -> (String, Vec<u8>) {
    tokio::time::timeout(WITHIN, head_of(stream)).await.expect("it answers")
}

async fn head_of(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(end) = end {
            let body = bytes.split_off(end + 4);
            return (String::from_utf8(bytes).unwrap().to_lowercase(), body);
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection ended in the head");
    }
}

#[tokio::test]
async fn a_push_service_that_hangs_says_nothing_and_ends_with_the_service() {
    let (service, id, mut stream) = pushed("hang").await;
    let mut byte = [0];
    assert!(stream.try_read(&mut byte).is_err(), "not a byte has come");
    assert_eq!(service.messages(&id), []);
    // The other doors are open meanwhile.
    let api = Api::new(service.origin()).unwrap();
    assert_eq!(api.raw("GET", "/misbehaviour", &[], Vec::new()).await.unwrap().status, 200);
    service.stop().await;
    assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_push_service_that_drips_lets_out_a_byte_at_a_time() {
    let (_service, _, mut stream) = pushed("drip").await;
    let mut byte = [0; 64];
    assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
    let began = Instant::now();
    assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
    assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
    // Timers are good for a millisecond, and bytes that came together would take none.
    assert!(began.elapsed() > DRIP_PACE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_push_service_that_closes_says_nothing() {
    let (service, _, mut stream) = pushed("close").await;
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    assert!(matches!(end, Ok(0) | Err(_)) && bytes.is_empty(), "{end:?}");
    service.misbehave(None);
    let api = Api::new(service.origin()).unwrap();
    assert_eq!(api.raw("POST", "/push/x", &[], Vec::new()).await.unwrap().status, 404, "others are answered");
}

#[tokio::test]
async fn a_push_service_with_a_huge_answer_sends_it_as_far_as_it_is_read() {
    let (_service, _, mut stream) = pushed("huge").await;
    let (head, body) = answered(&mut stream).await;
    assert!(head.starts_with("http/1.1 201") && head.contains("content-length: 1073741824\r\n"), "{head}");
    let mut read = body.len();
    let mut piece = vec![0; 64 * 1024];
    while read < 8 * 1024 * 1024 {
        let some = tokio::time::timeout(WITHIN, stream.read(&mut piece)).await.expect("it goes on").unwrap();
        assert!(some > 0);
        read += some;
    }
}

#[tokio::test]
async fn a_push_service_that_refuses_says_how_and_delivers_nothing() {
    for (word, status, header) in [
        ("401", 401, None),
        ("403", 403, None),
        ("404", 404, None),
        ("410", 410, None),
        ("413", 413, None),
        ("429:7", 429, Some("retry-after: 7\r\n")),
        ("429:date:7", 429, Some(" gmt\r\n")),
        ("500", 500, None),
        ("503:date:60", 503, Some(" gmt\r\n")),
        ("redirect:http://127.0.0.1:9/x?y", 307, Some("location: http://127.0.0.1:9/x?y\r\n")),
    ] {
        let (service, id, mut stream) = pushed(word).await;
        let (head, _) = answered(&mut stream).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
        assert!(header.is_none_or(|header| head.contains(header)), "{head}");
        assert_eq!(service.messages(&id), [], "{word}");
    }
}

#[tokio::test]
async fn a_push_service_delivers_twice_late_or_in_another_order_and_says_201() {
    for (word, now, in_the_end) in [("duplicate", 2, 2), ("late:3600", 0, 1), ("reorder", 0, 1)] {
        let (service, id, mut stream) = pushed(word).await;
        let (head, _) = answered(&mut stream).await;
        assert!(head.starts_with("http/1.1 201 ") && head.contains("location: "), "{head}");
        assert_eq!(service.messages(&id).len(), now, "{word}");
        service.misbehave(None);
        assert_eq!(service.messages(&id).len(), in_the_end, "{word}");
    }
}

#[test]
fn words_that_scripts_use_are_stable() {
    for word in
        ["hang", "drip", "close", "huge", "duplicate", "reorder", "late:15", "404", "429:30", "redirect:http://x/"]
    {
        assert_eq!(word.parse::<Misbehaviour>().unwrap().to_string(), word);
    }
}
