//! One request in the place of another, and requests that nobody can decide.

use super::server::{Says, Server};
use super::*;

async fn until(server: &Server, call: &str, count: usize) {
    while server.count(call) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn position(server: &Server, call: &str, which: usize) -> usize {
    let calls = server.calls();
    let mut found = calls.iter().enumerate().filter(|(_, other)| *other == call).map(|(place, _)| place);
    found.nth(which).unwrap_or_else(|| panic!("{call} {which}: {calls:?}"))
}

#[tokio::test]
async fn the_third_waits_for_the_end_of_the_first() {
    let ending = Duration::from_millis(300);
    let server = Server::start(Says { redeemed: "pending", ending, ..Says::default() }).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    until(&server, "POST redeem", 1).await;
    server.says.lock().unwrap().redeemed = "redeemed";
    nas.send(login(2)).await;
    until(&server, "DELETE", 1).await;
    nas.send(login(3)).await;
    // The second has nothing to end, and goes first; its place is not the third's before the first has gone.
    assert_eq!(Packet::decode(&nas.reply(2).await).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(Packet::decode(&nas.reply(3).await).unwrap().code(), code::ACCESS_ACCEPT);
    assert_eq!(server.count("DELETE"), 1, "the second made no challenge");
    assert!(position(&server, "ended", 0) < position(&server, "POST", 1), "{:?}", server.calls());
}

#[tokio::test]
async fn what_nobody_can_decide_is_refused_at_once_and_ends_the_login_before() {
    let server = Server::start(Says { redeemed: "pending", ..Says::default() }).await;
    let front = front(&server, "", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    until(&server, "POST redeem", 1).await;
    let odd = || Query::new(code::ACCESS_REQUEST, 7, [2; 16]).attribute(PROXY_STATE, b"84");
    nas.send(odd()).await;
    let refused = nas.reply(2).await;
    assert_eq!(Packet::decode(&refused).unwrap().code(), code::ACCESS_REJECT);
    assert_eq!(Packet::decode(&nas.reply(1).await).unwrap().code(), code::ACCESS_REJECT);
    nas.send(odd()).await;
    assert_eq!(nas.reply(2).await, refused);
    assert_eq!((server.count("POST"), server.count("DELETE")), (2 + server.count("POST drops"), 1));
    let text = front.metrics_text();
    for line in [
        "gatematch_radius_dropped_total{client=\"rdg01\",cause=\"user-name-missing\"} 1",
        "gatematch_radius_answers_total{client=\"rdg01\",answer=\"reject\"} 2",
        "gatematch_radius_duplicates_total{client=\"rdg01\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_result_and_a_call_that_are_refused_are_told_by_their_cause() {
    for (says, cause) in [
        (Says { honest: false, ..Says::default() }, "result-unbelievable"),
        (Says { redeemed_status: Some(422), ..Says::default() }, "call-refused"),
        (Says { expires_in: Some(-60), ..Says::default() }, "clock-differs"),
        (Says { redeemed: "moved", ..Says::default() }, "call-refused"),
        (Says { created: "moved", ..Says::default() }, "call-refused"),
        (Says { to_the_point: false, ..Says::default() }, "result-unbelievable"),
        (Says { to_the_point: false, redeemed: "denied", ..Says::default() }, "result-unbelievable"),
    ] {
        let server = Server::start(says).await;
        let front = front(&server, "", "").await;
        assert_eq!(Nas::of(&front).await.ask(login(1), 1).await, code::ACCESS_REJECT);
        let text = front.metrics_text();
        assert!(text.contains(&format!("cause=\"{cause}\"}} 1")), "{text}");
        assert_eq!(server.count("DELETE"), 1, "{cause}");
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_for_upstream_is_told_by_its_cause() {
    let server = Server::start(Says::default()).await;
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let more = format!(
        "[[upstream]]\nname = \"u\"\naddress = \"{}\"\nsecret = \"{UPSTREAM_SECRET}\"\n",
        silent.local_addr().unwrap()
    );
    let front = front(&server, "first_factor = \"radius\"", &more).await;
    let nas = Nas::of(&front).await;
    let long = (0..15).fold(login(1), |query, _| query.attribute(200, &[0; 253])).attribute(200, &[0; 190]);
    assert_eq!(nas.ask(long, 1).await, code::ACCESS_REJECT);
    assert!(front.metrics_text().contains("cause=\"not-passed-on\"} 1"));
}

#[tokio::test]
async fn a_login_that_never_runs_gives_its_place_back() {
    let server = Server::start(Says::default()).await;
    let front = front(&server, "", "").await;
    let shared = &front.shared;
    let datagram = login(1).finish(&Secret::new(SECRET)).unwrap();
    let source = "127.0.0.1:5000".parse().unwrap();
    let received = shared.door().receive(shared.edge.now(), source, &datagram);
    let Received::Login { request, .. } = received else { panic!("{received:?}") };
    let place = login::Place::new(shared, &request.head);
    let ticket = shared.waiting.enter(&request.head.key, &shared.stopping);
    assert_eq!((shared.door().in_flight(0), shared.waiting.len()), (1, 1));
    drop(login::run(Arc::clone(shared), request, place, ticket));
    assert_eq!((shared.door().in_flight(0), shared.waiting.len()), (0, 0));
    assert!(shared.door().duplicates().is_empty());
}

#[tokio::test]
async fn a_second_request_warns_of_no_clock() {
    let server = Server::start(Says { number: Some("047"), expires_in: Some(1), ..Says::default() }).await;
    let front = front(&server, "style = \"challenge\"", "").await;
    let nas = Nas::of(&front).await;
    nas.send(login(1)).await;
    let asked = nas.reply(1).await;
    let state = Packet::decode(&asked).unwrap().first(STATE).unwrap().to_vec();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(nas.ask(login(2).attribute(STATE, &state), 2).await, code::ACCESS_REJECT, "too late");
    assert!(!front.metrics_text().contains("clock-differs"));
}

#[tokio::test]
async fn a_task_that_breaks_is_begun_anew_until_the_front_door_stops() {
    let stopping = CancellationToken::new();
    let times = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let work = || {
        let (times, stopping) = (Arc::clone(&times), stopping.clone());
        async move {
            match times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => {}
                1 => panic!("as a test of what happens then"),
                _ => stopping.cancel(),
            }
        }
    };
    keep_up(&stopping, Duration::from_millis(1), work).await;
    assert_eq!(times.load(std::sync::atomic::Ordering::Relaxed), 3);
}
