//! Push: sealing, and the way from a login to the push service. `cargo bench -p gatematch-benches --bench push`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin must stop")]

use std::sync::LazyLock;

use divan::{Bencher, black_box};
use futures_util::future::join_all;
use gatematch_client_sim::gateway::Gateway;
use gatematch_domain::push::PushHosts;
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::secret::Secret;
use gatematch_server::edge::Edge;
use gatematch_server::push::seal::{Recipient, seal};
use gatematch_tests::{Person, Site};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn main() {
    divan::main();
}

/// With the keys of RFC 8291, appendix A.
fn subscription(endpoint: String) -> PushSubscription {
    let p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let keys = PushKeys { p256dh: p256dh.to_owned(), auth: Secret::new("BTBZMqHH6r4Tts7J_aSIgg") };
    PushSubscription { endpoint: Secret::new(endpoint), keys }
}

/// Everything that is done for one message but the request itself and the VAPID token, which serves for hours.
#[divan::bench(args = [512, 2_900])]
fn seal_bytes(bencher: Bencher<'_, '_>, bytes: usize) {
    let push = subscription("https://push.example/x".to_owned());
    let (text, edge) = (vec![b'x'; bytes], Edge::system());
    bencher.bench_local(|| seal(&Recipient::of(&push).unwrap(), black_box(&text), &edge).unwrap());
}

/// Takes every push, and tells that it came.
async fn push_service() -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, sender.clone()));
        }
    });
    (host, receiver)
}

async fn serve(mut stream: TcpStream, came: mpsc::UnboundedSender<()>) {
    let mut text = Vec::new();
    loop {
        let head = text.windows(4).position(|window| window == b"\r\n\r\n");
        let told = head.and_then(|end| Some((end + 4, String::from_utf8_lossy(text.get(..end)?).to_lowercase())));
        if let Some((end, head)) = told {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = end + length.map_or(0, |length| length.parse().unwrap());
            if text.len() >= whole {
                text.drain(..whole);
                let _ = came.send(());
                let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
                continue;
            }
        }
        if stream.read_buf(&mut text).await.is_ok_and(|read| read == 0) {
            return;
        }
    }
}

/// A server whose people's phones are reached by push.
struct Scene {
    site: Site,
    gateway: Gateway,
    people: Vec<Person>,
    came: mpsc::UnboundedReceiver<()>,
}

impl Scene {
    async fn new(people: usize) -> Self {
        let (host, came) = push_service().await;
        let hosts = PushHosts::from_entries(&[&host]).unwrap();
        let site = Site::start_with(|settings| settings.push_hosts = hosts).await;
        let gateway = site.gateway().await;
        let mut all = Vec::new();
        for number in 0..people {
            let person = site.person(&format!("user{number}")).await;
            let push = subscription(format!("http://{host}/push/{number}"));
            person.phone.set_push(Some(&push)).await.unwrap();
            all.push(person);
        }
        Self { site, gateway, people: all, came }
    }

    /// From the gateway's request until the push service has the whole push of everybody.
    async fn logins(&mut self) {
        join_all(self.people.iter().map(|person| async { self.gateway.create(&person.login(), None).await.unwrap() }))
            .await;
        for _ in &self.people {
            self.came.recv().await.unwrap();
        }
    }
}

/// The request for a login, signing, the durable commit, sealing, and the request to the push service, one after the
/// other: more than what "commit to push" takes.
#[divan::bench(args = [1, 64], sample_count = 100)]
fn from_request_to_push_service(bencher: Bencher<'_, '_>, people: usize) {
    let mut scene = RUNTIME.block_on(Scene::new(people));
    let clock = scene.site.clock.clone();
    // Each login after the last one's life, so that no limit counts it.
    bencher.with_inputs(|| clock.advance(700)).bench_local_values(|()| RUNTIME.block_on(scene.logins()));
    let told = RUNTIME.block_on(async { scene.site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap() });
    let delivered = told.text().lines().any(|line| line.starts_with("gatematch_push_total{outcome=\"delivered\"}"));
    assert!(delivered, "pushes were taken");
}
