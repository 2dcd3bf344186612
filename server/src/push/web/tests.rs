use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatematch_protocol::time::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::push::address::SystemNames;
use crate::push::trial::{self, ChangingNames, HeldClock, soon, subscription};

const MIB: usize = 1 << 20;
/// Sockets hold some of what nobody reads.
const IN_SOCKETS: usize = 32 * MIB;

/// What a push service was asked, in one request.
struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A push service that answers each connection by `answer`.
struct Service {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    async fn start<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream));
            }
        });
        Self { address, connections, task }
    }

    /// One that answers every request with these bytes, and tells what it was asked.
    async fn saying(bytes: &'static str) -> (Self, mpsc::UnboundedReceiver<Asked>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let service = Self::start(move |mut stream| {
            let sender = sender.clone();
            async move {
                while let Some(asked) = read(&mut stream).await {
                    let _ = sender.send(asked);
                    if stream.write_all(bytes.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        });
        (service.await, receiver)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn host(&self) -> String {
        self.address.to_string()
    }

    fn endpoint(&self) -> String {
        format!("http://{}/push/secret-path", self.address)
    }
}

/// Reads one request; `None` when the connection ends.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut asked = Asked { head: String::from_utf8(head).unwrap(), body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}

async fn web_push(change: impl FnOnce(&mut Settings), names: Arc<dyn Names>) -> WebPush {
    web_push_within(Limits::default(), change, names).await
}

async fn web_push_within(limits: Limits, change: impl FnOnce(&mut Settings), names: Arc<dyn Names>) -> WebPush {
    let clock = HeldClock::new();
    let (dir, _, keys) = trial::store(&clock.edge()).await;
    let mut settings = Settings::for_data_dir(dir.path());
    change(&mut settings);
    let vapid = Vapid::new(keys, "mailto:it@contoso.example".to_owned());
    WebPush::new(&settings, names, vapid, clock.edge(), limits).unwrap()
}

/// A client that may call `service`.
async fn to(service: &Service) -> WebPush {
    to_within(Limits::default(), service).await
}

async fn to_within(limits: Limits, service: &Service) -> WebPush {
    let host = service.host();
    let named = |settings: &mut Settings| settings.push_hosts = PushHosts::from_entries(&[host]).unwrap();
    web_push_within(limits, named, Arc::new(SystemNames)).await
}

fn parcel(endpoint: &str) -> Parcel {
    Parcel {
        to: subscription(endpoint),
        topic: "01a2076b440079b3bc10ec83eada0d33".to_owned(),
        good_until: Timestamp::from_numeric_date(1_800_000_060),
        text: "{\"v\":1}".to_owned(),
    }
}

fn names(answers: &[&[&str]]) -> Arc<ChangingNames> {
    let read = |answer: &&[&str]| answer.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect();
    Arc::new(ChangingNames(Mutex::new(answers.iter().map(read).collect::<VecDeque<_>>())))
}

fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_push_has_the_headers_of_the_rfcs_and_a_sealed_body() {
    let (service, mut asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    let client = to(&service).await;
    assert_eq!(client.deliver(parcel(&service.endpoint())).await, Outcome::Delivered);
    let asked = soon(asked.recv()).await.unwrap();
    assert!(asked.head.starts_with("POST /push/secret-path HTTP/1.1\r\n"), "{}", asked.head);
    for (name, value) in [
        ("ttl", "60"),
        ("urgency", "high"),
        ("topic", "01a2076b440079b3bc10ec83eada0d33"),
        ("content-encoding", "aes128gcm"),
        ("content-type", "application/octet-stream"),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert!(asked.header("authorization").unwrap().starts_with("vapid t=eyJ"));
    assert!(asked.header("referer").is_none() && asked.header("cookie").is_none());
    assert_eq!(asked.body.len(), seal::SEALED_BYTES);
    assert!(!String::from_utf8_lossy(&asked.body).contains("{\"v\":1}"));
}

#[tokio::test]
async fn a_ttl_is_never_below_a_second() {
    let (service, mut asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    let client = to(&service).await;
    let late = Parcel { good_until: Timestamp::from_numeric_date(1), ..parcel(&service.endpoint()) };
    client.deliver(late).await;
    assert_eq!(soon(asked.recv()).await.unwrap().header("ttl"), Some("1"));
}

#[tokio::test]
async fn a_connection_is_used_again_where_the_answer_is_short() {
    let (service, _asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nthere").await;
    let client = to(&service).await;
    for _ in 0..5 {
        assert_eq!(client.deliver(parcel(&service.endpoint())).await, Outcome::Delivered);
    }
    assert_eq!(service.connections(), 1);
}

#[tokio::test]
async fn pu_01_no_byte_leaves_for_an_endpoint_that_is_not_allowed() {
    let (service, _asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    // The list may have changed since the phone registered.
    let client = web_push(|_| (), Arc::new(SystemNames)).await;
    let port = service.address.port();
    for endpoint in [
        service.endpoint(),
        format!("http://localhost:{port}/x"),
        format!("https://127.0.0.1:{port}/x"),
        format!("http://user@127.0.0.1:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://fcm.googleapis.com/x".to_owned(),
        "https://fcm.googleapis.com:8443/x".to_owned(),
        String::new(),
    ] {
        assert_eq!(client.deliver(parcel(&endpoint)).await, Outcome::NotAllowed, "{endpoint}");
    }
    assert_eq!(service.connections(), 0);
}

#[tokio::test]
async fn pu_01_no_byte_leaves_for_a_name_that_leads_inside_or_changes() {
    let answers = names(&[&["127.0.0.1"], &["10.0.0.1", "::1"], &["169.254.169.254"], &[]]);
    let client = web_push(|_| (), Arc::clone(&answers) as Arc<dyn Names>).await;
    for _ in 0..4 {
        let outcome = client.deliver(parcel("https://web.push.apple.com/x")).await;
        assert!(why(&outcome).contains("no public address"), "{outcome:?}");
        assert!(!why(&outcome).contains("/x"), "the endpoint is a secret");
    }
    assert!(answers.0.lock().unwrap().is_empty(), "each try asks once");

    // What was looked up is what is called: another answer a moment later changes nothing.
    let (service, _asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    let answers = names(&[&["127.0.0.1"], &["192.0.2.1"]]);
    let host = format!("push.contoso.example:{}", service.address.port());
    let named = |settings: &mut Settings| settings.push_hosts = PushHosts::from_entries(&[&host]).unwrap();
    let client = web_push(named, Arc::clone(&answers) as Arc<dyn Names>).await;
    assert_eq!(client.deliver(parcel(&format!("http://{host}/x"))).await, Outcome::Delivered);
    assert_eq!((service.connections(), answers.0.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn pu_01_a_redirection_is_not_followed() {
    let (inside, _asked) = Service::saying("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await;
    for status in [300, 301, 302, 303, 307, 308] {
        let location = inside.endpoint();
        let service = Service::start(move |mut stream| {
            let answer = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            async move {
                read(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let service = service.await;
        // The other place is allowed as well; even so.
        let hosts = [service.host(), inside.host()];
        let named = |settings: &mut Settings| settings.push_hosts = PushHosts::from_entries(&hosts).unwrap();
        let client = web_push(named, Arc::new(SystemNames)).await;
        assert_eq!(client.deliver(parcel(&service.endpoint())).await, Outcome::Rejected { status });
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn pu_02_a_push_service_that_hangs_or_drips_takes_bounded_time() {
    let silent = Service::start(|mut stream| async move {
        read(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let deaf = Service::start(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    });
    let dripping = Service::start(|mut stream| async move {
        read(&mut stream).await;
        for byte in b"HTTP/1.1 201 Created\r\nX-Never-Ends: ".iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            // As long as it takes for a timer to be asked; the client's limit does not start anew with each byte.
            tokio::task::yield_now().await;
        }
    });
    for service in [silent.await, deaf.await, dripping.await] {
        let limits = Limits { connect: Duration::from_millis(400), total: Duration::from_millis(800) };
        let client = to_within(limits, &service).await;
        let outcome = client.deliver(parcel(&service.endpoint())).await;
        let why = why(&outcome);
        assert!(why.starts_with("no answer in time") || why.starts_with("no sound answer"), "{why}");
    }
}

#[tokio::test]
async fn pu_02_a_body_of_a_gibibyte_is_not_read() {
    for head in [
        "HTTP/1.1 201 Created\r\nContent-Length: 1073741824\r\n\r\n",
        "HTTP/1.1 201 Created\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 1073741824\r\n\r\n",
    ] {
        let (sender, mut written) = mpsc::unbounded_channel();
        let service = Service::start(move |mut stream| {
            let sender = sender.clone();
            async move {
                read(&mut stream).await;
                let mut bytes = 0;
                if stream.write_all(head.as_bytes()).await.is_ok() {
                    let chunk = vec![b'x'; 64 * 1024];
                    while bytes < 1 << 30 && stream.write_all(&chunk).await.is_ok() {
                        bytes += chunk.len();
                    }
                }
                let _ = sender.send(bytes);
            }
        });
        let service = service.await;
        let client = to(&service).await;
        let expected = if head.contains("404") { Outcome::Gone } else { Outcome::Delivered };
        assert_eq!(client.deliver(parcel(&service.endpoint())).await, expected);
        let bytes = soon(written.recv()).await.unwrap();
        assert!(bytes < IN_SOCKETS, "{bytes} bytes were taken");
    }
}

#[tokio::test]
async fn pu_02_what_is_no_answer_fails() {
    let endless = format!("HTTP/1.1 201 Created\r\n{}", "X-Header: x\r\n".repeat(100_000));
    let long = format!("HTTP/1.1 201 Created\r\nX-Header: {}\r\n\r\n", "x".repeat(8 * MIB));
    for bytes in [String::new(), "nonsense\r\n\r\n".to_owned(), "HTTP/0.9\r\n".to_owned(), endless, long] {
        let service = Service::start(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                read(&mut stream).await;
                let _ = stream.write_all(bytes.as_bytes()).await;
            }
        });
        let service = service.await;
        let outcome = to(&service).await.deliver(parcel(&service.endpoint())).await;
        assert!(why(&outcome).starts_with("no "), "{outcome:?}");
    }
    // Nobody listens there.
    let service = Service::start(|_| async {}).await;
    let client = to(&service).await;
    let endpoint = service.endpoint();
    service.task.abort();
    soon(async { while TcpStream::connect(service.address).await.is_ok() {} }).await;
    assert!(why(&client.deliver(parcel(&endpoint)).await).starts_with("no connection"));
}

#[tokio::test]
async fn a_body_that_is_short_by_its_own_word_is_not_waited_for() {
    let service = Service::start(|mut stream| async move {
        read(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 410 Gone\r\nContent-Length: 4096\r\n\r\nx").await;
        std::future::pending::<()>().await;
    });
    let service = service.await;
    assert_eq!(to(&service).await.deliver(parcel(&service.endpoint())).await, Outcome::Gone);
}

#[tokio::test]
async fn through_a_proxy_the_proxy_connects_and_the_list_still_holds() {
    let (proxy, mut asked) = Service::saying("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    let url = format!("http://name:word@{}", proxy.address);
    let through = |settings: &mut Settings| {
        settings.push_proxy = Some(url.parse().unwrap());
        settings.push_hosts = PushHosts::from_entries(&["push.contoso.example:80"]).unwrap();
    };
    let answers = names(&[]);
    let client = web_push(through, Arc::clone(&answers) as Arc<dyn Names>).await;
    assert_eq!(client.deliver(parcel("http://127.0.0.1/x")).await, Outcome::NotAllowed);
    why(&client.deliver(parcel("https://fcm.googleapis.com/x")).await);
    let head = soon(asked.recv()).await.unwrap().head;
    assert!(head.starts_with("CONNECT fcm.googleapis.com:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
    assert_eq!(why(&client.deliver(parcel("http://push.contoso.example/x")).await), "status 502");
    let head = soon(asked.recv()).await.unwrap().head;
    assert!(head.starts_with("POST http://push.contoso.example/x HTTP/1.1\r\n"), "{head}");
}

#[tokio::test]
async fn certificates_that_are_none_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let made = |path: PathBuf| {
        let keys = trial::keys();
        let mut settings = Settings::for_data_dir(dir.path());
        settings.push_ca_file = Some(path);
        async move {
            let vapid = Vapid::new(keys.await, "https://x".to_owned());
            let names = Arc::new(SystemNames);
            WebPush::new(&settings, names, vapid, Edge::system(), Limits::default()).err().unwrap()
        }
    };
    assert!(matches!(made(dir.path().join("none.pem")).await, WebPushFault::Read { .. }));
    for (name, text) in [("empty.pem", ""), ("text.pem", "no certificate")] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert!(matches!(made(path).await, WebPushFault::NoCertificates(_)), "{name}");
    }
    let path = dir.path().join("broken.pem");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    made(path).await;
}
