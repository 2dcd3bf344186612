//! Style `challenge`: the number in a Reply-Message, and State (RA-06).

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient};
use gatematch_protocol::response::Decision;
use gatematch_tests::front::{FrontDoor, ask, rd_gateway};
use gatematch_tests::{Person, Site};

const STYLE: &str = "style = \"challenge\"";

struct Scene {
    site: Site,
    gateway: Gateway,
    alice: Person,
    front: FrontDoor,
    nps: RadiusClient,
}

async fn scene() -> Scene {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let alice = site.person("alice").await;
    let front = FrontDoor::of(&site, &gateway, STYLE).await;
    let nps = front.nps().await;
    Scene { site, gateway, alice, front, nps }
}

fn plain(user: &str) -> AccessRequest {
    AccessRequest::plain(user).machine("CLIENT-PC").password("first factor")
}

/// The number in a Reply-Message: its only run of that many digits.
fn number(answer: &Answer) -> String {
    let message = answer.reply_message().unwrap();
    let runs: Vec<&str> = message.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 3).collect();
    assert_eq!(runs.len(), 1, "{message}");
    runs[0].to_owned()
}

impl Scene {
    async fn begin(&self, user: &str) -> Answer {
        let answer = ask(&self.nps, &self.nps.request(plain(user))).await;
        assert!(answer.is_challenge());
        answer
    }

    async fn second(&self, user: &str, state: &[u8]) -> Answer {
        ask(&self.nps, &self.nps.request(AccessRequest::plain(user).password("").state(state))).await
    }

    async fn type_number(&self, number: &str) {
        let waiting = self.alice.phone.waiting(0).await.unwrap();
        self.alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(number), None).await.unwrap();
    }
}

#[tokio::test]
async fn the_number_is_in_the_message_and_the_second_request_waits_for_the_phone() {
    let scene = scene().await;
    let first = scene.begin("alice").await;
    let state = first.state().unwrap();
    assert_eq!(state.len(), 16, "128 random bits");
    let second = scene.second("alice", state);
    let shown = number(&first);
    let (answer, ()) = tokio::join!(second, scene.type_number(&shown));
    assert!(answer.is_accept());
    let redeemed = scene.site.audit().await.into_iter().find(|event| event.kind == "challenge.redeemed").unwrap();
    assert_eq!(redeemed.number_match, Some(true));

    // A wrong number.
    let first = scene.begin("alice").await;
    let right = number(&first);
    let wrong = gatematch_tests::moves::another_number(&right);
    scene.type_number(&wrong).await;
    assert!(scene.second("alice", first.state().unwrap()).await.is_reject());
}

#[tokio::test]
async fn ra_06_state_of_another_user_used_before_unknown_or_too_late_is_a_reject() {
    let scene = scene().await;
    scene.site.person("bob").await;
    let first = scene.begin("alice").await;
    scene.type_number(&number(&first)).await;
    assert!(scene.second("bob", first.state().unwrap()).await.is_reject(), "another user's");
    assert!(scene.second("alice", first.state().unwrap()).await.is_reject(), "and it is spent by that");

    let first = scene.begin("alice").await;
    let right = number(&first);
    let (answer, ()) = tokio::join!(scene.second("alice", first.state().unwrap()), scene.type_number(&right));
    assert!(answer.is_accept());
    assert!(scene.second("alice", first.state().unwrap()).await.is_reject(), "used before");

    assert!(scene.second("alice", &[0; 16]).await.is_reject(), "unknown");
    assert!(scene.second("alice", &[7; 3]).await.is_reject(), "of another length");

    let first = scene.begin("alice").await;
    scene.type_number(&number(&first)).await;
    // The life of a challenge, and the 5 s in which an approval may still be redeemed.
    scene.site.clock.advance(126);
    assert!(scene.second("alice", first.state().unwrap()).await.is_reject(), "too late");

    // Another client of the same front door.
    let client = |name: &str, network: &str, key: &str| {
        format!(
            "[[client]]\nname = \"{name}\"\nnetwork = \"{network}\"\nsecret = \"{}\"\ngateway_key = \"{key}\"\n{STYLE}\n",
            gatematch_tests::front::SECRET
        )
    };
    let key = scene.gateway.key.reveal();
    let front =
        FrontDoor::with(&scene.site, &format!("{}{}", client("a", "127.0.0.1", key), client("b", "127.0.0.2", key)))
            .await;
    let nps = front.nps().await;
    let first = ask(&nps, &nps.request(plain("alice"))).await;
    let other = tokio::net::UdpSocket::bind("127.0.0.2:0").await.unwrap();
    other.connect(front.address).await.unwrap();
    let stolen = nps.request(AccessRequest::plain("alice").state(first.state().unwrap()));
    other.send(&stolen.bytes).await.unwrap();
    let mut answer = [0; 4_096];
    other.recv(&mut answer).await.unwrap();
    assert_eq!(answer[0], 3, "another client's");
    drop(scene.front);
}

#[tokio::test]
async fn ra_06_a_state_where_none_was_given_is_a_reject() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    site.person("alice").await;
    let front = FrontDoor::of(&site, &gateway, "").await;
    let nps = front.nps().await;
    assert!(ask(&nps, &nps.request(rd_gateway("alice").state(&[1; 16]))).await.is_reject());
    assert_eq!(gatematch_tests::moves::count(&site.audit().await, "challenge.created"), 0);
}
