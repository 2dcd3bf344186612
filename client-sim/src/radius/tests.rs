//! The codec against the examples of RFC 2865 section 7, and against packets that were signed by Python's `hmac` and
//! `hashlib`; the socket against a server of a few lines.

use std::net::SocketAddr;
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use tokio::net::UdpSocket;

use super::answer::Asked;
use super::packet::{MICROSOFT, code, kind, microsoft};
use super::*;

const SECRET: &str = "a secret of the hop";
const AUTHENTICATOR: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const REQUEST: &str = "01540077000102030405060708090a0b0c0d0e0f5012f76c7d375f8ad1da9365e77d1d5e2ded010f434f4e544f534f5c616c6963651e115573657241757468547970653a50573d06000000051a0c000001372f06000000011a1100000137320b434c49454e542d5043210e00fe0106726f6f74ff501200";
const STATUS: &str = "0c070026000102030405060708090a0b0c0d0e0f50127a49f61aa28e5bbc02a594dfad2ee57c";
const ACCEPT: &str = "025400553d56ce733f9623b4139d45fd347292b0501218e04452f48d3d3ddab36fe8f5a5b6d5210766697273742109007365636f6e64120b57656c636f6d652c201208616c6963652e1a0c000001373f0620000000";
const SIGNED_LAST: &str =
    "02540036e078a5c1fa58166a4a48a15da47153fc210766697273742109007365636f6e6450123309b8e83f451c763bdee3ca749f1cf1";
const BARE: &str = "0354002458b0d34efba8de54ec4ab2ec853032df210766697273742109007365636f6e64";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn asked() -> Asked {
    let proxy_states = vec![b"first".to_vec(), b"\0second".to_vec()];
    Asked { identifier: 0x54, authenticator: AUTHENTICATOR, proxy_states }
}

fn check(datagram: &[u8], demand: Demand) -> Result<Answer, Unsound> {
    Answer::check(datagram, &asked(), demand, SECRET.as_bytes())
}

#[test]
fn the_requests_of_rfc_2865_are_written_byte_by_byte() {
    let secret = Secret::new("xyzzy5461");
    let nemo = hex("0100003 80f403f94739780 57bd83d5cb98f4227a 01066e656d6f 02120dbe708d93d413ce3196e43f782a0aee
                    0406c0a80110 050600000003");
    let authenticator = packet::authenticator(&nemo).unwrap();
    let hidden = digest::hide_password(b"arctangent", &authenticator, secret.reveal().as_bytes());
    let attributes = [
        Attribute::new(kind::USER_NAME, "nemo"),
        Attribute::new(kind::USER_PASSWORD, hidden),
        Attribute::new(4, [192, 168, 1, 16]),
        Attribute::new(5, [0, 0, 0, 3]),
    ];
    assert_eq!(packet::encode(code::ACCESS_REQUEST, 0, &authenticator, &attributes), nemo);
    let built = AccessRequest::plain("nemo").password("arctangent").without_message_authenticator();
    assert_eq!(built.encode(0, &authenticator, &secret), packet::encode(1, 0, &authenticator, &attributes[..2]));
}

#[test]
fn the_answers_of_rfc_2865_hold() {
    let secret = b"xyzzy5461";
    for (request, identifier, answer, message, state) in [
        (
            "0f403f947397805 7bd83d5cb98f4227a",
            0,
            "02000026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103",
            None,
            None,
        ),
        (
            "2aee86f08d0d55969ca5978e0d3367a2",
            1,
            "02010038 15efbc7dab26cfa3dc34d9c03c8601a4 060600000002 070600000001 0806fffffffe 0a0600000002
             0d0600000001 0c06000005dc",
            None,
            None,
        ),
        (
            "f3a47a1f6a6d76710b947ab93041a039",
            2,
            "0b02004e 36f3c8764ae8c7115740 3c0c71ff9c45
             1230 4368616c6c656e67652033323736393433302e2020456e74657220726573706f6e73652061742070726f6d70742e
             180a 3332373639343330",
            Some("Challenge 32769430.  Enter response at prompt."),
            Some(b"32769430".as_slice()),
        ),
    ] {
        let asked = Asked { identifier, authenticator: hex(request).try_into().unwrap(), proxy_states: Vec::new() };
        let answer = Answer::check(&hex(answer), &asked, Demand::SignedOrBare, secret).unwrap();
        assert_eq!((answer.reply_message().as_deref(), answer.state()), (message, state));
        assert_eq!(Answer::check(&answer.bytes, &asked, Demand::Signed, secret), Err(Unsound::Unsigned));
    }
}

#[test]
fn requests_are_signed_as_another_hand_signs_them() {
    let secret = Secret::new(SECRET);
    let request = AccessRequest::rd_gateway("CONTOSO\\alice").machine("CLIENT-PC");
    assert_eq!(request.encode(0x54, &AUTHENTICATOR, &secret), hex(REQUEST));
    assert_eq!(AccessRequest::status_server().encode(7, &AUTHENTICATOR, &secret), hex(STATUS));
    let prepared = Prepared::of(hex(REQUEST)).unwrap();
    assert_eq!((prepared.identifier, prepared.authenticator), (0x54, AUTHENTICATOR));
    assert_eq!(prepared.proxy_states().len(), 1);
    assert!(Prepared::of(vec![1; 19]).is_none());
}

#[test]
fn passwords_are_hidden_as_another_hand_hides_them() {
    for (password, hidden) in [
        ("", "6cb9c9d5fe79ba3e30a942d1974819d8"),
        ("sixteen bytes ok", "1fd0b1a19b1cd41e52d036b4e46876b3"),
        ("seventeen bytes!!", "1fdcbfb0900ddf5b5e8920a8e32d6af9f0290506a4795e532a5750563e566dff"),
    ] {
        let found = digest::hide_password(password.as_bytes(), &AUTHENTICATOR, SECRET.as_bytes());
        assert_eq!(found, hex(hidden), "{password}");
    }
    assert_eq!(digest::hide_password(&[7; 300], &AUTHENTICATOR, b"x").len(), 128);
    let request = AccessRequest::plain("alice").password("hunter2");
    assert!(!format!("{request:?}").contains("hunter2"));
}

#[test]
fn a_code_goes_into_the_field_with_the_password_or_back_with_the_state() {
    let secret = Secret::new(SECRET);
    let encode = |request: &AccessRequest| request.encode(0x54, &AUTHENTICATOR, &secret);
    let plain = || AccessRequest::plain("alice");
    let both = plain().password_and_code("hunter2", "123456");
    assert_eq!(encode(&both), encode(&plain().password("hunter2,123456")));
    assert!(!format!("{both:?}").contains("123456"));

    let mut challenge = check(&hex(ACCEPT), Demand::Signed).unwrap();
    assert_eq!(encode(&plain().answering(&challenge, "123456")), encode(&plain().password("123456")));
    challenge.attributes.push(Attribute::new(kind::STATE, "32769430"));
    let second = plain().answering(&challenge, "123456");
    assert_eq!(encode(&second), encode(&plain().state(b"32769430").password("123456")));
}

#[test]
fn a_signed_answer_is_read_whole() {
    let answer = check(&hex(ACCEPT), Demand::Signed).unwrap();
    assert!(answer.is_accept() && !answer.is_reject() && !answer.is_challenge());
    assert_eq!(answer.name(), "Access-Accept");
    assert_eq!(answer.reply_message().as_deref(), Some("Welcome, alice."));
    assert_eq!(answer.vendor(MICROSOFT, microsoft::DEVICE_REDIRECTION), Some([0x20, 0, 0, 0].as_slice()));
    assert_eq!(answer.vendor(MICROSOFT, microsoft::MACHINE_NAME), None);
    assert_eq!((answer.state(), answer.first(kind::PROXY_STATE)), (None, Some(b"first".as_slice())));
    // Octets past the Length are padding.
    let padded = [hex(ACCEPT), vec![0xff; 7]].concat();
    assert_eq!(check(&padded, Demand::Signed).unwrap().attributes, answer.attributes);
}

#[test]
fn a_byte_that_changes_makes_an_answer_unsound() {
    let sound = hex(ACCEPT);
    for index in 0..sound.len() {
        let mut changed = sound.clone();
        changed[index] ^= 1;
        assert!(check(&changed, Demand::SignedOrBare).is_err(), "byte {index}");
    }
    for length in 0..sound.len() {
        assert_eq!(check(&sound[..length], Demand::SignedOrBare), Err(Unsound::Malformed), "{length} bytes");
    }
}

#[test]
fn what_is_demanded_is_looked_for() {
    assert!(check(&hex(SIGNED_LAST), Demand::SignedOrBare).is_ok());
    assert_eq!(check(&hex(SIGNED_LAST), Demand::Signed), Err(Unsound::NotFirst));
    assert!(check(&hex(BARE), Demand::SignedOrBare).is_ok_and(|answer| answer.is_reject()));
    assert_eq!(check(&hex(BARE), Demand::Signed), Err(Unsound::Unsigned));
    let other = |asked: Asked| Answer::check(&hex(ACCEPT), &asked, Demand::Signed, SECRET.as_bytes());
    assert_eq!(other(Asked { identifier: 0x55, ..asked() }), Err(Unsound::Identifier));
    assert_eq!(other(Asked { authenticator: [0; 16], ..asked() }), Err(Unsound::ResponseAuthenticator));
    let reversed = asked().proxy_states.into_iter().rev().collect();
    assert_eq!(other(Asked { proxy_states: reversed, ..asked() }), Err(Unsound::ProxyState));
    assert_eq!(other(Asked { proxy_states: Vec::new(), ..asked() }), Err(Unsound::ProxyState));
}

#[test]
fn broken_lists_are_no_lists() {
    let with = |attributes: &[u8]| [&[0; 20], attributes].concat();
    for broken in [&[1][..], &[1, 0], &[1, 1], &[1, 3], &[1, 2, 3], &[1, 255, 0]] {
        assert_eq!(packet::attributes(&with(broken)), None, "{broken:?}");
    }
    assert_eq!(packet::attributes(&with(&[])), Some(Vec::new()));
    assert_eq!(packet::attributes(&with(&[1, 2])), Some(vec![Attribute::new(1, "")]));
    let envelope = |value: &[u8]| Attribute::new(kind::VENDOR_SPECIFIC, value);
    assert_eq!(envelope(&[0, 0, 1]).vendor_parts(), []);
    assert_eq!(envelope(&[0, 0, 1, 55, 50, 3, 9, 47, 0]).vendor_parts(), [(311, 50, [9].as_slice())]);
    assert_eq!(Attribute::new(1, [7; 300]).value.len(), 253);
}

/// Plays a server that answers every request with `answer`, which is made from how many came before it and the
/// request.
async fn server(answer: impl Fn(usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        let mut count = 0;
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            for datagram in answer(count, &buffer[..length]) {
                socket.send_to(&datagram, from).await.unwrap();
            }
            count += 1;
        }
    });
    address
}

fn reject(request: &[u8], secret: &str) -> Vec<u8> {
    let authenticator = packet::authenticator(request).unwrap();
    let mut attributes = vec![Attribute::new(kind::MESSAGE_AUTHENTICATOR, [0; 16])];
    let asked = packet::attributes(request).unwrap();
    attributes.extend(asked.into_iter().filter(|attribute| attribute.kind == kind::PROXY_STATE));
    let mut reply = packet::encode(code::ACCESS_REJECT, request[1], &authenticator, &attributes);
    let signature = digest::message_authenticator(&reply, &authenticator, 22, secret.as_bytes());
    packet::set(&mut reply, 22, &signature);
    let own = digest::response_authenticator(&reply, &authenticator, secret.as_bytes());
    packet::set(&mut reply, 4, &own);
    reply
}

const QUICK: Timing = Timing::every(Duration::from_millis(20), Duration::from_secs(5));

/// A burst of answers may be more than a socket holds: who lost his asks again.
const SLOW: Timing = Timing::every(Duration::from_millis(300), Duration::from_secs(10));

async fn client(server: SocketAddr) -> RadiusClient {
    RadiusClient::connect(server, Secret::new(SECRET)).await.unwrap()
}

#[tokio::test]
async fn the_same_bytes_are_sent_until_an_answer_comes() {
    let server = server(|count, request| if count == 2 { vec![reject(request, SECRET)] } else { Vec::new() }).await;
    let client = client(server).await;
    let prepared = client.request(AccessRequest::rd_gateway("alice"));
    let mut copies = 0;
    let answer = client.exchange_watched(&prepared, QUICK, |sent| copies = sent).await.unwrap();
    assert!(answer.is_reject() && copies == 3, "{copies}");
    let silence = client.exchange(&prepared, Timing::once(Duration::from_millis(20))).await.unwrap_err();
    assert_eq!(silence, Silence { copies: 1, unsound: None, fault: None });
}

#[tokio::test]
async fn an_answer_with_another_secret_is_named_and_not_believed() {
    let server = server(|_, request| vec![reject(request, "another secret")]).await;
    let client = client(server).await;
    let silence = client.exchange(&client.status_server(), Timing::once(Duration::from_millis(500))).await;
    let silence = silence.unwrap_err();
    assert_eq!(silence.unsound, Some(Unsound::ResponseAuthenticator));
    assert!(silence.to_string().contains("secrets may differ"));
}

#[tokio::test]
async fn answers_find_their_request_whatever_the_order() {
    // The server keeps all requests until the last has come, and answers the last first.
    let kept = std::sync::Mutex::new(Vec::new());
    let server = server(move |count, request| {
        let mut kept = kept.lock().unwrap();
        kept.push(reject(request, SECRET));
        if count >= 256 { kept.drain(..).rev().collect() } else { Vec::new() }
    })
    .await;
    let client = std::sync::Arc::new(client(server).await);
    let mut prepared: Vec<_> = (0..256).map(|_| client.request(AccessRequest::rd_gateway("alice"))).collect();
    let identifiers: std::collections::BTreeSet<_> = prepared.iter().map(|request| request.identifier).collect();
    assert_eq!(identifiers.len(), 256);
    // Two requests under one identifier are told apart by their authenticators.
    prepared.push(client.request_as(AccessRequest::plain("bob"), prepared[7].identifier, AUTHENTICATOR));
    let mut waiting = tokio::task::JoinSet::new();
    for request in prepared {
        let client = std::sync::Arc::clone(&client);
        waiting.spawn(async move { client.exchange(&request, SLOW).await });
    }
    while let Some(answered) = waiting.join_next().await {
        assert!(answered.unwrap().unwrap().is_reject());
    }
}

#[tokio::test]
async fn identifiers_are_free_again_when_nobody_keeps_them() {
    let client = client("127.0.0.1:9".parse().unwrap()).await;
    let kept = client.status_server();
    let copy = kept.clone();
    drop(kept);
    for _ in 0..600 {
        assert_ne!(client.status_server().identifier, copy.identifier);
    }
}

#[tokio::test]
async fn what_nobody_waits_for_can_be_read_raw() {
    let server = server(|_, request| vec![request.to_vec(), Vec::new()]).await;
    let client = client(server).await;
    client.send_raw(b"\x01").await.unwrap();
    assert_eq!(client.recv_raw(Duration::from_secs(5)).await.as_deref(), Some(b"\x01".as_slice()));
    assert_eq!(client.recv_raw(Duration::from_secs(5)).await.as_deref(), Some(b"".as_slice()));
    assert_eq!(client.recv_raw(Duration::from_millis(1)).await, None);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    let address = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(address).await;
    let silence = client.exchange(&client.status_server(), Timing::once(Duration::from_millis(200))).await.unwrap_err();
    assert!(silence.fault.is_some(), "{silence}");
}
