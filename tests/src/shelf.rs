//! A store on a real file with people in it, and the verbs of one login: for the contract of stores and for the
//! benchmarks.

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_client_sim::crypto::P256Key;
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::course::{Foreseen, Prompt};
use gatematch_domain::enrollment::Registration;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::login::Login;
use gatematch_domain::place::NoAtlas;
use gatematch_domain::response::Answer;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::{ChallengeId, DeviceId, EnrollmentId, GatewayId, UserId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::{Secret, sha256};
use gatematch_protocol::time::Timestamp;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::postgres::Server;
use gatematch_server::store::{
    Act, OpenChallenge, Opened, PutUser, Redemption, RegisterDevice, Store, UserPut, enrollment,
};
use tempfile::TempDir;

use crate::postgres::Postgres;

/// A user with one phone, as the store knows him.
#[derive(Clone, Debug)]
pub struct Holder {
    /// His name.
    pub name: Username,
    /// His phone.
    pub device: DeviceId,
}

/// A store on a file of its own, with one gateway and some people.
pub struct Shelf {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The people.
    pub people: Vec<Holder>,
    /// The gateway.
    pub gateway: Gateway,
    /// Clock and randomness.
    pub edge: Edge,
    _dir: TempDir,
    _server: Option<Postgres>,
}

/// A signed challenge has about this many bytes.
const SIGNED_BYTES: usize = 900;

impl Shelf {
    /// A store on a file of its own, with `people` in it.
    pub async fn new(people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::for_data_dir(dir.path());
        Self::opened(settings, people, dir, None).await
    }

    /// A store on a PostgreSQL of its own, with `people` in it.
    pub async fn on_postgres(people: usize) -> Self {
        let server = Postgres::start().await;
        server.create_database("gatematch").await;
        let url = server.url("gatematch");
        Self { _server: Some(server), ..Self::at(&url, people).await }
    }

    /// A store on the database at `url`, with `people` in it.
    pub async fn at(url: &str, people: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::of(&Secret::new(url)).unwrap();
        let settings = Settings { database_server: Some(server), ..Settings::for_data_dir(dir.path()) };
        Self::opened(settings, people, dir, None).await
    }

    async fn opened(settings: Settings, people: usize, dir: TempDir, server: Option<Postgres>) -> Self {
        let edge = Edge::system();
        let (store, _) = open_store(&settings, &edge, Arc::new(Silent)).await.unwrap();
        let body = CreateGateway {
            name: "Oslo".to_owned(),
            application: "Remote Desktop".to_owned(),
            can_display: true,
            client_address: None,
        };
        let gateway =
            Gateway::from_body(&body, GatewayId::new(edge.now(), edge.random().unwrap()), edge.now()).unwrap();
        let mut shelf = Self { store, people: Vec::new(), gateway, edge, _dir: dir, _server: server };
        shelf.store.create_gateway(shelf.act(), shelf.gateway.clone(), sha256("key")).await.unwrap();
        let enrolled = (0..people).map(|number| enroll(&*shelf.store, &shelf.edge, format!("user{number}")));
        shelf.people = join_all(enrolled).await;
        shelf
    }

    /// The system acts now.
    pub fn act(&self) -> Act {
        Act::new(Actor::System, self.edge.now())
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.edge.now()
    }

    /// What the server asks the store when `person` signs in.
    pub fn opening(&self, person: &Holder) -> OpenChallenge {
        let now = self.now();
        let body = CreateChallenge { user: person.name.to_string(), ..CreateChallenge::default() };
        let id = ChallengeId::new(now, self.edge.random().unwrap());
        OpenChallenge {
            act: Act::new(Actor::Gateway(self.gateway.id), now),
            login: Login::from_body(&body, id, &self.gateway, &Domains::default(), now).unwrap(),
            foreseen: Foreseen { phones: vec![person.device], prompt: Prompt { digits: Some(3), ..Prompt::default() } },
            signed: vec!["x".repeat(SIGNED_BYTES)],
            atlas: Arc::new(NoAtlas),
            draw: u64::from_be_bytes(self.edge.random().unwrap()),
            dormant_after: None,
            repeat: None,
        }
    }

    /// Opens a challenge of `person`.
    pub async fn open(&self, person: &Holder) -> Challenge {
        match self.store.open_challenge(self.opening(person)).await.unwrap() {
            Opened::New(challenge) => *challenge,
            other => panic!("the login was not opened: {other:?}"),
        }
    }

    /// The right answer of `person` to a challenge.
    pub fn approval(&self, person: &Holder, challenge: &Challenge) -> Answer {
        let number = challenge.number.as_ref().map(|number| number.reveal().to_owned());
        Answer { device: person.device, decision: Decision::Approve, number, uv: None, iat: self.now().numeric_date() }
    }

    /// Approves it on the phone.
    pub async fn respond(&self, person: &Holder, challenge: &Challenge) {
        let answer = self.approval(person, challenge);
        let decided = self.store.record_response(self.now(), challenge.id, answer).await.unwrap();
        assert!(decided.is_ok(), "{decided:?}");
    }

    /// What the server asks the store when the gateway redeems.
    pub fn redemption(&self, challenge: &Challenge, redemption_id: &str) -> Redemption {
        Redemption {
            act: Act::new(Actor::Gateway(self.gateway.id), self.now()),
            id: challenge.id,
            gateway: self.gateway.id,
            redemption_id: redemption_id.to_owned(),
            result: "x".repeat(600),
        }
    }

    /// Redeems it.
    pub async fn redeem(&self, challenge: &Challenge) {
        let redeemed = self.store.redeem(self.redemption(challenge, "login")).await.unwrap();
        assert!(redeemed.is_ok_and(|challenge| challenge.state.as_str() == "redeemed"));
    }

    /// A whole login of `person`: three durable verbs.
    pub async fn login(&self, person: &Holder) {
        let challenge = self.open(person).await;
        self.respond(person, &challenge).await;
        self.redeem(&challenge).await;
    }
}

/// Makes the user `name` and enrolls a phone for him, by the verbs of the server.
///
/// # Panics
/// Where there is such a user, or the store fails.
pub async fn enroll(store: &dyn Store, edge: &Edge, name: String) -> Holder {
    let digest = sha256(format!("token of {name}"));
    let name = Domains::default().canonical(&name).unwrap();
    let put = PutUser {
        act: Act::new(Actor::System, edge.now()),
        id: UserId::new(edge.now(), edge.random().unwrap()),
        username: name.clone(),
        change: UserChange::default(),
        protected_groups: Vec::new(),
        as_admin: true,
    };
    let UserPut::Created(user) = store.put_user(put).await.unwrap() else { panic!("{name} was there") };
    let id = EnrollmentId::new(edge.now(), edge.random().unwrap());
    let open = enrollment(id, user.id, digest.clone(), edge.now(), 600);
    store.create_enrollment(Act::new(Actor::System, edge.now()), open).await.unwrap().unwrap();
    let device = DeviceId::new(edge.now(), edge.random().unwrap());
    let key = P256Key::from_secret(&edge.random().unwrap()).unwrap().public();
    let phone = Registration {
        id: device,
        key,
        name: "phone".to_owned(),
        platform: None,
        push: None,
        code: None,
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    store.register_device(RegisterDevice { now: edge.now(), token_digest: digest, phone }).await.unwrap().unwrap();
    Holder { name, device }
}
