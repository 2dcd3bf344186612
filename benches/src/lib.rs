//! What the benchmarks share: a store on a real file with people in it, and the verbs of one login.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin must stop")]

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_client_sim::crypto::P256Key;
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::enrollment::Registration;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::open::Login;
use gatematch_domain::policy::Ruling;
use gatematch_domain::response::Answer;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::{ChallengeId, DeviceId, EnrollmentId, GatewayId, UserId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::{
    Act, OpenChallenge, Opened, PutUser, Redemption, RegisterDevice, Store, UserPut, enrollment,
};
use tempfile::TempDir;

/// A user with one phone, as the store knows him.
#[derive(Clone)]
pub struct Person {
    /// His name.
    pub name: Username,
    /// His phone.
    pub device: DeviceId,
}

/// A store on a file of its own, with one gateway and some people.
pub struct Bench {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The people.
    pub people: Vec<Person>,
    gateway: Gateway,
    edge: Edge,
    _dir: TempDir,
}

/// A signed challenge has about this many bytes.
const SIGNED_BYTES: usize = 900;

impl Bench {
    /// A store with `people` in it.
    pub async fn new(people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let edge = Edge::system();
        let (store, _) = open_store(&Settings::for_data_dir(dir.path()), &edge, Arc::new(Silent)).await.unwrap();
        let body = CreateGateway {
            name: "Oslo".to_owned(),
            application: "Remote Desktop".to_owned(),
            can_display: true,
            client_address: None,
        };
        let gateway =
            Gateway::from_body(&body, GatewayId::new(edge.now(), edge.random().unwrap()), edge.now()).unwrap();
        let mut bench = Self { store, people: Vec::new(), gateway, edge, _dir: dir };
        bench.store.create_gateway(bench.act(), bench.gateway.clone(), sha256("key")).await.unwrap();
        bench.people = join_all((0..people).map(|number| bench.enroll(number))).await;
        bench
    }

    fn act(&self) -> Act {
        Act { actor: Actor::System, now: self.edge.now() }
    }

    fn now(&self) -> Timestamp {
        self.edge.now()
    }

    async fn enroll(&self, number: usize) -> Person {
        let name = Domains::default().canonical(&format!("user{number}")).unwrap();
        let put = PutUser {
            act: self.act(),
            id: UserId::new(self.now(), self.edge.random().unwrap()),
            username: name.clone(),
            change: UserChange::default(),
            as_admin: true,
        };
        let UserPut::Created(user) = self.store.put_user(put).await.unwrap() else { return self.person(name) };
        let digest = sha256(format!("token{number}"));
        let id = EnrollmentId::new(self.now(), self.edge.random().unwrap());
        let open = enrollment(id, user.id, digest.clone(), self.now(), 600);
        self.store.create_enrollment(self.act(), open).await.unwrap();
        let device = DeviceId::new(self.now(), self.edge.random().unwrap());
        let key = P256Key::from_secret(&self.edge.random().unwrap()).unwrap().public();
        let phone = Registration {
            id: device,
            key,
            name: "phone".to_owned(),
            platform: None,
            push: None,
            code: None,
            max_devices: 5,
        };
        self.store
            .register_device(RegisterDevice { now: self.now(), token_digest: digest, phone })
            .await
            .unwrap()
            .unwrap();
        Person { name, device }
    }

    fn person(&self, name: Username) -> Person {
        Person { name, device: DeviceId::new(self.now(), [0; 10]) }
    }

    /// Opens a challenge of `person`.
    pub async fn open(&self, person: &Person) -> Challenge {
        let now = self.now();
        let body = CreateChallenge { user: person.name.to_string(), ..CreateChallenge::default() };
        let id = ChallengeId::new(now, self.edge.random().unwrap());
        let login = Login::from_body(&body, id, &self.gateway, &Domains::default(), now).unwrap();
        let open = OpenChallenge {
            act: Act { actor: Actor::Gateway(self.gateway.id), now },
            login,
            ruling: Ruling::shipped(),
            signed: vec![(person.device, "x".repeat(SIGNED_BYTES))],
            draw: u64::from_be_bytes(self.edge.random().unwrap()),
            repeat: None,
        };
        match self.store.open_challenge(open).await.unwrap() {
            Opened::New(challenge) => *challenge,
            _ => self.lost(),
        }
    }

    /// Approves it on the phone.
    pub async fn respond(&self, person: &Person, challenge: &Challenge) {
        let number = challenge.number.as_ref().map(|number| number.reveal().to_owned());
        let answer =
            Answer { device: person.device, decision: Decision::Approve, number, uv: None, iat: 1_800_000_000 };
        let decided = self.store.record_response(self.now(), challenge.id, answer).await.unwrap();
        assert!(decided.is_ok(), "{decided:?}");
    }

    /// Redeems it.
    pub async fn redeem(&self, challenge: &Challenge) {
        let redemption = Redemption {
            act: Act { actor: Actor::Gateway(self.gateway.id), now: self.now() },
            id: challenge.id,
            gateway: self.gateway.id,
            redemption_id: "login".to_owned(),
            result: "x".repeat(600),
        };
        let redeemed = self.store.redeem(redemption).await.unwrap();
        assert!(redeemed.is_ok_and(|challenge| challenge.state.as_str() == "redeemed"));
    }

    /// A whole login of `person`: three durable verbs.
    pub async fn login(&self, person: &Person) {
        let challenge = self.open(person).await;
        self.respond(person, &challenge).await;
        self.redeem(&challenge).await;
    }

    #[expect(clippy::panic, reason = "a benchmark that cannot go on must stop")]
    fn lost(&self) -> ! {
        panic!("the login was not opened")
    }
}
