//! Who decides first, on whichever node, decides for all: CH-06, AP-01, AP-07, AP-08 and BF-01.

use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::Edge;
use gatematch_tests::machine::{Sim, challenge_of};
use gatematch_tests::moves::{count, race, refusal, state};
use gatematch_tests::node::{Nodes, login, signed};
use tokio::time::timeout;

/// The nodes, and the gateway at each of them.
struct Scene {
    nodes: Nodes,
    gateways: [Arc<Gateway>; 2],
}

/// Somebody with phones, each of which reaches each node.
struct Person {
    name: String,
    phones: Vec<[Arc<Phone>; 2]>,
    sims: Vec<Sim>,
}

impl Scene {
    async fn new() -> Self {
        let nodes = Nodes::start().await;
        let gateways = nodes.both().map(|node| Arc::new(node.gateway(&nodes.gateway)));
        Self { nodes, gateways }
    }

    async fn person(&self, name: &str, phones: usize) -> Person {
        let admin = self.nodes.admin();
        admin.put_user(name, &PutUser::default()).await.unwrap();
        let mut person = Person { name: name.to_owned(), phones: Vec::new(), sims: Vec::new() };
        for _ in 0..phones {
            let sim = self.nodes.a.enroll(&admin, name).await;
            person.phones.push(self.nodes.both().map(|node| Arc::new(node.phone(&sim))));
            person.sims.push(sim);
        }
        person
    }

    async fn create(&self, person: &Person, expires_in: i64) -> ChallengeView {
        let challenge = self.gateways[0].create(&login(&person.name, "CLIENT-PC", expires_in), None).await.unwrap();
        assert_eq!(state(&challenge), ("pending", None));
        challenge
    }

    /// The state that both nodes tell.
    async fn state(&self, id: ChallengeId) -> String {
        let (here, there) = tokio::join!(self.gateways[0].get(id, 0), self.gateways[1].get(id, 0));
        let (here, there) = (here.unwrap(), there.unwrap());
        assert_eq!(here, there, "the same on every node");
        here.status
    }
}

impl Person {
    async fn response(&self, phone: usize, challenge: &ChallengeView, decision: Decision) -> String {
        let phone = &self.phones[phone][1];
        let jws = signed(phone, challenge).await;
        phone.response(&jws, decision, challenge.number.as_deref(), None).unwrap()
    }
}

/// What the log has of a challenge, without the word before the point.
fn steps(events: &[AuditEvent], id: ChallengeId) -> Vec<&str> {
    let id = id.to_string();
    let about = events.iter().filter(|event| challenge_of(event) == Some(&id));
    about.filter_map(|event| event.kind.strip_prefix("challenge.")).collect()
}

/// Whether the phone's answer was taken; it may only be too late otherwise.
async fn takes(phone: &Phone, id: ChallengeId, response: &str) -> bool {
    let answer = phone.post_response(&id.to_string(), response).await.unwrap();
    assert!([200, 409].contains(&answer.status), "{}", answer.text());
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_01_the_same_response_two_hundred_times_at_two_nodes_has_one_success() {
    let scene = Scene::new().await;
    let alice = scene.person("alice", 1).await;
    for decision in [Decision::Approve, Decision::Deny] {
        let challenge = scene.create(&alice, 60).await;
        let response = alice.response(0, &challenge, decision).await;
        let answers = race(200, |index| {
            let (phone, response) = (Arc::clone(&alice.phones[0][index % 2]), response.clone());
            async move { phone.post_response(&challenge.id.to_string(), &response).await.unwrap() }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        let end = if decision == Decision::Approve { "approved" } else { "denied" };
        for answer in lost {
            let problem = answer.problem().unwrap();
            assert_eq!((problem.code.as_str(), problem.more["state"].as_str()), ("already-decided", Some(end)));
        }
        assert_eq!(scene.state(challenge.id).await, end);
        assert_eq!(scene.nodes.steps(challenge.id).await, ["created", end]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_07_of_two_phones_at_two_nodes_one_denies_and_one_approves_and_never_both() {
    let scene = Scene::new().await;
    let (mut rounds, mut won) = (Vec::new(), [0, 0]);
    for index in 0..12 {
        let person = scene.person(&format!("p{index}"), 2).await;
        // Whoever has denied twice in a row must wait, so others take turns.
        for round in 0..5_usize {
            let body = login(&person.name, "CLIENT-PC", 60);
            let challenge = scene.gateways[round % 2].create(&body, None).await.unwrap();
            if challenge.status != "pending" {
                break;
            }
            let responses = [
                person.response(0, &challenge, Decision::Approve).await,
                person.response(1, &challenge, Decision::Deny).await,
            ];
            let taken = race(2, |part| {
                // Each of them is at the node of the other every second time, and begins every second time.
                let part = (part + index) % 2;
                let phone = Arc::clone(&person.phones[part][(part + round) % 2]);
                let response = responses[part].clone();
                async move { (part, takes(&phone, challenge.id, &response).await) }
            })
            .await;
            let winners: Vec<usize> = taken.into_iter().filter(|(_, taken)| *taken).map(|(part, _)| part).collect();
            let [winner] = winners[..] else { panic!("{winners:?} have won") };
            won[winner] += 1;
            let end = ["approved", "denied"][winner];
            assert_eq!(scene.state(challenge.id).await, end);
            let redeemed = scene.gateways[round % 2].redeem(challenge.id, "r", 0).await.unwrap();
            assert_eq!(redeemed.result.is_some(), winner == 0);
            rounds.push((challenge.id, end));
        }
    }
    let events = scene.nodes.audit().await;
    for (id, end) in &rounds {
        let expected: &[&str] =
            if *end == "approved" { &["created", "approved", "redeemed"] } else { &["created", "denied"] };
        assert_eq!(steps(&events, *id), expected);
    }
    assert!(rounds.len() >= 24 && won.iter().all(|won| *won > 0), "{} rounds, {won:?}", rounds.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ch_06_cancelled_at_one_node_and_approved_at_the_other_it_is_one_of_them() {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for round in 0..16_usize {
        let person = scene.person(&format!("p{round}"), 1).await;
        let challenge = scene.create(&person, 60).await;
        let approval = person.response(0, &challenge, Decision::Approve).await;
        let outcomes = race(24, |index| {
            let (part, node) = ((index + round) % 3, (index / 3 + round) % 2);
            let (gateway, phone) = (Arc::clone(&scene.gateways[node]), Arc::clone(&person.phones[0][node]));
            let approval = approval.clone();
            async move {
                match part {
                    0 => gateway.cancel(challenge.id).await.is_ok().then_some("cancelled"),
                    1 => takes(&phone, challenge.id, &approval).await.then_some("approved"),
                    _ => {
                        let view = gateway.redeem(challenge.id, "r", 0).await.unwrap();
                        assert_eq!(view.result.is_some(), view.status == "redeemed");
                        view.result.is_some().then_some("redeemed")
                    }
                }
            }
        })
        .await;
        let won = |what| outcomes.iter().filter(|outcome| **outcome == Some(what)).count();
        let end = scene.state(challenge.id).await;
        assert!(won("approved") <= 1 && won("cancelled") <= 1);
        match end.as_str() {
            "cancelled" => assert_eq!((won("cancelled"), won("redeemed")), (1, 0)),
            "redeemed" => assert_eq!((won("cancelled"), won("approved"), won("redeemed") > 0), (0, 1, true)),
            other => panic!("{other} after a cancel"),
        }
        ids.push((challenge.id, [("approved", won("approved")), ("cancelled", won("cancelled"))]));
    }
    let events = scene.nodes.audit().await;
    for (id, told) in ids {
        let steps = steps(&events, id);
        for (step, times) in told {
            assert_eq!(steps.iter().filter(|found| **found == step).count(), times, "{id}: {steps:?}");
        }
    }
}

/// The shortest life of a challenge, in seconds.
const SHORTEST: i64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ch_06_as_its_time_runs_out_it_is_approved_or_expired_and_the_same_at_both_nodes() {
    let scene = Scene::new().await;
    let mut waiting = Vec::new();
    for index in 0..24 {
        let person = scene.person(&format!("p{index}"), 1).await;
        let challenge = scene.create(&person, SHORTEST).await;
        let approval = person.response(0, &challenge, Decision::Approve).await;
        waiting.push((person, challenge, approval));
    }
    let clock = Edge::system().clock;
    let outcomes = race(2 * waiting.len(), |index| {
        let (person, challenge, approval) = &waiting[index / 2];
        let (phone, approval) = (Arc::clone(&person.phones[0][index % 2]), approval.clone());
        let (id, ends) = (challenge.id, challenge.expires_at.micros());
        let clock = Arc::clone(&clock);
        // Some a little before the end, some a little after it.
        let at = ends - 25_000 + 2_000 * i64::try_from(index / 2).unwrap();
        async move {
            let left = Duration::from_micros(u64::try_from(at - clock.now().micros()).unwrap_or(0));
            let _ = timeout(left, std::future::pending::<()>()).await;
            takes(&phone, id, &approval).await
        }
    })
    .await;
    let events = scene.nodes.audit().await;
    for (heard, (_, challenge, _)) in outcomes.chunks(2).zip(&waiting) {
        // An approval is good for some seconds more, unless somebody spends it.
        let end = scene.state(challenge.id).await;
        let taken = heard.iter().filter(|taken| **taken).count();
        let steps = steps(&events, challenge.id);
        match taken {
            1 => assert!(["approved", "expired"].contains(&end.as_str()) && steps[1] == "approved", "{steps:?}"),
            0 => assert_eq!(end, "expired"),
            more => panic!("{more} approvals of one challenge"),
        }
        if taken == 0 && steps.len() > 1 {
            assert_eq!(steps, ["created", "expired"]);
        }
    }
}

/// The ways in which somebody takes something away at one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Revoke,
    Disable,
    Lock,
}

impl Way {
    async fn take(self, scene: &Scene, person: &Person) {
        let admin = scene.nodes.b.admin(&scene.nodes.key);
        match self {
            Self::Revoke => admin.delete_device(person.sims[0].account.device_id).await.unwrap(),
            Self::Disable => {
                let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
                admin.put_user(&person.name, &disabled).await.unwrap();
            }
            Self::Lock => drop(admin.lock(&person.name, "a test").await.unwrap()),
        }
    }

    /// The event that it leaves.
    fn event(self) -> &'static str {
        match self {
            Self::Revoke => "device.deleted",
            Self::Disable => "user.disabled",
            Self::Lock => "user.locked",
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ap_08_after_the_answer_to_a_revocation_at_one_node_the_other_approves_and_redeems_nothing() {
    let scene = Arc::new(Scene::new().await);
    let mut rounds = Vec::new();
    for (index, way) in [Way::Revoke, Way::Disable, Way::Lock].into_iter().cycle().take(12).enumerate() {
        let person = Arc::new(scene.person(&format!("p{index}"), 1).await);
        let challenge = scene.create(&person, 60).await;
        let approval = person.response(0, &challenge, Decision::Approve).await;
        // In flight at the one node: the response, and the redemption that waits for it.
        race(3, |part| {
            let (scene, person, approval) = (Arc::clone(&scene), Arc::clone(&person), approval.clone());
            async move {
                match part {
                    0 => drop(person.phones[0][0].post_response(&challenge.id.to_string(), &approval).await.unwrap()),
                    1 => drop(scene.gateways[0].redeem(challenge.id, "before", 0).await.unwrap()),
                    _ => way.take(&scene, &person).await,
                }
            }
        })
        .await;
        // From its answer on, nobody gets anything, wherever he asks.
        for node in 0..2 {
            let late = person.phones[0][node].post_response(&challenge.id.to_string(), &approval).await.unwrap();
            assert!(late.status >= 400, "{way:?}: {}", late.text());
            match scene.gateways[node].redeem(challenge.id, "after", 0).await {
                Ok(view) => assert_eq!((view.status.as_str(), &view.result), ("denied", &None), "{way:?}"),
                refused => assert_eq!(refusal(refused), Code::AlreadyRedeemed, "{way:?}"),
            }
            let next = scene.gateways[node].create(&login(&person.name, "OTHER-PC", 60), None).await.unwrap();
            assert_eq!(next.status, "denied", "{way:?}");
        }
        rounds.push((way, person.name.clone(), challenge.id));
    }
    let events = scene.nodes.audit().await;
    for (way, name, id) in rounds {
        let id = id.to_string();
        let taken = events.iter().rfind(|event| event.kind == way.event() && event.user.as_deref() == Some(&name));
        let taken = taken.unwrap_or_else(|| panic!("{way:?} is not in the log")).seq;
        let won = |event: &&AuditEvent| ["challenge.approved", "challenge.redeemed"].contains(&event.kind.as_str());
        let late = events.iter().filter(|event| event.seq > taken && challenge_of(event) == Some(&id)).find(won);
        assert!(late.is_none(), "{way:?}: {late:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bf_01_one_recovery_code_thirty_times_at_two_nodes_lets_in_once() {
    let scene = Scene::new().await;
    scene.person("alice", 1).await;
    let admin = scene.nodes.admin();
    let code = admin.recovery_codes("alice", None).await.unwrap().codes[0].reveal().to_owned();
    let mut logins = Vec::new();
    for number in 0..3 {
        let body = login("alice", &format!("PC-{number}"), 60);
        logins.push(scene.gateways[number % 2].create(&body, None).await.unwrap().id);
    }
    let outcomes = race(30, |index| {
        let (gateway, code, id) = (Arc::clone(&scene.gateways[index % 2]), code.clone(), logins[index % 3]);
        async move { gateway.passcode(id, &code).await }
    })
    .await;
    let approved = outcomes.iter().filter(|outcome| outcome.as_ref().is_ok_and(|view| view.status == "approved"));
    assert_eq!(approved.count(), 1);
    assert_eq!(count(&scene.nodes.audit().await, "challenge.approved"), 1);
    let held = admin.authenticators("alice").await.unwrap();
    assert_eq!(held.iter().filter_map(|held| held.left).collect::<Vec<_>>(), [9]);
}
