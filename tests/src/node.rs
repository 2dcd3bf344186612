//! A node: the real program with a data directory of its own, on a database that other nodes use as well. It can be
//! killed and started again, and is found at the same address then.

use std::ops::Deref;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge::random;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use rustix::process::{Pid, Signal};
use tokio::time::interval;

use crate::machine::{Door, LOOKS, Machine, Serving, Sim, audit_after, challenge_of, new_gateway};
use crate::port::quiet_address;
use crate::postgres::Postgres;

/// The database of the nodes.
pub const DATABASE: &str = "gatematch";

/// A node, which runs or does not.
pub struct Node {
    machine: Machine,
    door: Door,
    serving: Option<Serving>,
}

/// Two nodes on one PostgreSQL, and what everybody there begins with.
pub struct Nodes {
    /// The first node.
    pub a: Node,
    /// The second one.
    pub b: Node,
    /// A key with the role `admin`.
    pub key: Secret,
    /// A gateway that can display a number.
    pub gateway: GatewayCreated,
    /// The database.
    pub postgres: Postgres,
}

impl Node {
    /// A node that has never run. Without `database_url` its database is a file of its own.
    pub fn new(database_url: Option<&str>, master_key: &str) -> Self {
        let (mut machine, address) = (Machine::new(), quiet_address());
        machine.set("GATEMATCH_LISTEN", &address.to_string());
        machine.set("GATEMATCH_MASTER_KEY", master_key);
        if let Some(url) = database_url {
            machine.set("GATEMATCH_DATABASE_URL", url);
        }
        Self { machine, door: Door::at(address), serving: None }
    }

    /// The machine that it is on: for commands beside the server.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Sets a variable for its next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.machine.set(name, value);
    }

    /// Starts it, and returns when it is ready.
    pub async fn start(&mut self) {
        self.try_start().await.unwrap_or_else(|told| panic!("{told}"));
    }

    /// The same, where it may be refused.
    ///
    /// # Errors
    /// What it has logged.
    pub async fn try_start(&mut self) -> Result<(), String> {
        assert!(self.serving.is_none(), "it runs");
        self.serving = Some(self.machine.try_serve().await?);
        Ok(())
    }

    /// Whether it was started and not ended.
    pub fn runs(&self) -> bool {
        self.serving.is_some()
    }

    /// Ends it as a power cut would.
    pub async fn kill(&mut self) {
        self.serving.take().expect("it runs").kill().await;
    }

    /// Ends it politely.
    pub async fn stop(&mut self) {
        self.serving.take().expect("it runs").stop().await;
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.serving.as_ref().expect("it runs").pid()
    }

    /// Sends its process a signal, such as STOP and CONT.
    pub fn signal(&self, signal: Signal) {
        self.serving.as_ref().expect("it runs").signal(signal);
    }

    /// What it has logged, in all its lives.
    pub fn log(&self) -> String {
        self.machine.log()
    }
}

impl Deref for Node {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Nodes {
    /// Two nodes that run.
    pub async fn start() -> Self {
        let postgres = Postgres::start().await;
        postgres.create_database(DATABASE).await;
        let url = postgres.url(DATABASE);
        Self::on(postgres, [&url, &url]).await
    }

    /// Two nodes that reach the database at these addresses.
    pub async fn on(postgres: Postgres, urls: [&str; 2]) -> Self {
        let master = master_key();
        let [mut a, mut b] = urls.map(|url| Node::new(Some(url), &master));
        let key = a.machine().admin_key("admin").await;
        a.start().await;
        b.start().await;
        let gateway = new_gateway(&a.admin(&key), "Oslo gateway").await;
        Self { a, b, key, gateway, postgres }
    }

    /// An administrator at the first node.
    pub fn admin(&self) -> Admin {
        self.a.admin(&self.key)
    }

    /// Makes a user with one phone.
    pub async fn person(&self, name: &str) -> Sim {
        self.a.person(&self.admin(), name).await
    }

    /// Both nodes.
    pub fn both(&self) -> [&Node; 2] {
        [&self.a, &self.b]
    }

    /// The whole audit log, as soon as what is written now is in it; each node tells the same.
    pub async fn audit(&self) -> Vec<AuditEvent> {
        let [first, second] = self.both().map(|node| async { audit_until_now(&node.admin(&self.key)).await });
        let (first, second) = tokio::join!(first, second);
        let common = first.len().min(second.len());
        assert_eq!(first[..common], second[..common], "each node tells the same log");
        second
    }

    /// The steps of a challenge, as the log has them.
    pub async fn steps(&self, id: ChallengeId) -> Vec<String> {
        let id = id.to_string();
        let events = self.audit().await;
        let about = events.iter().filter(|event| challenge_of(event) == Some(&id));
        about.filter_map(|event| event.kind.strip_prefix("challenge.").map(str::to_owned)).collect()
    }

    /// What is found in the database.
    pub async fn query(&self, sql: &str) -> String {
        self.postgres.query(DATABASE, sql).await
    }
}

/// The audit log as soon as it is whole: what is written now stands behind all that was written before.
pub async fn audit_until_now(admin: &Admin) -> Vec<AuditEvent> {
    let name = format!("now-{}", base64url::encode(random::<9>()).to_lowercase());
    admin.put_user(&name, &PutUser::default()).await.unwrap();
    let mut looks = interval(LOOKS.0);
    let mut events = Vec::new();
    for _ in 0..LOOKS.1 {
        looks.tick().await;
        let seq = events.last().map_or(0, |event: &AuditEvent| event.seq);
        events.extend(audit_after(admin, seq).await);
        if events.iter().rev().any(|event| event.user.as_deref() == Some(name.as_str())) {
            return events;
        }
    }
    panic!("what {} has written is not in the log", admin.api.base());
}

/// A master key, as a setting has it.
pub fn master_key() -> String {
    base64url::encode(random::<32>())
}

/// What a gateway asks for when somebody signs in from a computer.
pub fn login(user: &str, client: &str, expires_in: i64) -> CreateChallenge {
    CreateChallenge {
        user: user.to_owned(),
        client: Some(CreateClient { ip: None, name: Some(client.to_owned()) }),
        expires_in: Some(expires_in),
        ..CreateChallenge::default()
    }
}

/// The signed challenge that waits on this phone for `challenge`.
pub async fn signed(phone: &Phone, challenge: &ChallengeView) -> String {
    let waiting = phone.waiting(0).await.unwrap();
    let found = waiting.into_iter().find(|waiting| waiting.id == challenge.id);
    found.expect("the challenge waits on the phone").challenge
}
