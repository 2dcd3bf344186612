//! A server, an administrator, gateways and people with phones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::crypto::P256Key;
use gatematch_client_sim::edge::{random, random_key};
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::Phone;
use gatematch_domain::audit::Actor;
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::AdminKeyId;
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_protocol::time::Timestamp;
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::{Clock as _, Edge, Entropy};
use gatematch_server::listen::Limits;
use gatematch_server::push::Delivery;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Running, serve_with, serve_within};
use gatematch_server::store::postgres::Server;
use gatematch_server::store::{Act, Store, admin_key};
use tempfile::TempDir;

use crate::HeldClock;
use crate::postgres::{psql, url};

/// A server on a fresh embedded database, whose clock the test holds.
pub struct Site {
    running: Option<Running>,
    settings: Settings,
    issuer: String,
    base: String,
    /// The server's clock, and the phones'.
    pub clock: HeldClock,
    /// An administrator with the role `admin`.
    pub admin: Admin,
    _dir: Option<TempDir>,
}

/// A user with one phone.
pub struct Person {
    /// The canonical name.
    pub name: String,
    /// The phone.
    pub phone: Phone,
}

impl Site {
    /// A site with default settings.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// A site whose settings `change` makes.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_within(Limits::default(), change).await
    }

    /// A site with other limits on connections.
    pub async fn start_within(limits: Limits, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings_in(dir.path()).await;
        change(&mut settings);
        let clock = HeldClock::at(Timestamp::from_numeric_date(1_800_000_000));
        let mut site = Self::on_within(settings, clock, Edge::system().entropy, limits).await;
        site._dir = Some(dir);
        site
    }

    /// A site whose clock stands at the time of this machine when it starts: for those who have a clock of their own, as
    /// a browser has.
    pub async fn start_today(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings_in(dir.path()).await;
        change(&mut settings);
        let edge = Edge::system();
        let mut site = Self::on(settings, HeldClock::at(edge.now()), edge.entropy).await;
        site._dir = Some(dir);
        site
    }

    /// A site whose random bytes `entropy` draws.
    pub async fn start_with_entropy(entropy: Arc<dyn Entropy>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = HeldClock::at(Timestamp::from_numeric_date(1_800_000_000));
        let mut site = Self::on(settings_in(dir.path()).await, clock, entropy).await;
        site._dir = Some(dir);
        site
    }

    async fn on(settings: Settings, clock: HeldClock, entropy: Arc<dyn Entropy>) -> Self {
        Self::on_within(settings, clock, entropy, Limits::default()).await
    }

    /// A site whose pushes go to `delivery`, and nowhere else.
    pub async fn start_delivering(delivery: Arc<dyn Delivery>, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings_in(dir.path()).await;
        change(&mut settings);
        let clock = HeldClock::at(Timestamp::from_numeric_date(1_800_000_000));
        let edge = Edge { clock: Arc::new(clock.clone()), entropy: Edge::system().entropy };
        let running = serve_with(settings.clone(), edge, Limits::default(), Some(delivery)).await.unwrap();
        let mut site = Self::around(running, settings, clock).await;
        site._dir = Some(dir);
        site
    }

    async fn on_within(settings: Settings, clock: HeldClock, entropy: Arc<dyn Entropy>, limits: Limits) -> Self {
        let edge = Edge { clock: Arc::new(clock.clone()), entropy };
        let running = serve_within(settings.clone(), edge, limits).await.unwrap();
        Self::around(running, settings, clock).await
    }

    async fn around(running: Running, settings: Settings, clock: HeldClock) -> Self {
        let issuer = running.issuer().to_owned();
        let base = format!("http://{}", running.address());
        let key = new_admin_key(running.store().as_ref(), Role::Admin, clock.now()).await;
        let admin = Admin::new(Api::new(&base).unwrap(), key);
        Self { running: Some(running), settings, issuer, base, clock, admin, _dir: None }
    }

    /// The settings that it runs with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The server's issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A client of its API without credentials.
    pub fn api(&self) -> Api {
        Api::new(&self.base).unwrap()
    }

    /// The server.
    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// What the server remembers.
    pub fn store(&self) -> Arc<dyn Store> {
        self.running.as_ref().unwrap().store()
    }

    /// Stops the server.
    pub async fn stop(mut self) -> Option<TempDir> {
        self.running.take().unwrap().stop().await;
        self._dir.take()
    }

    /// The same site after a restart: the same data, clock and issuer, on another port.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    /// [`Site::restart`] with other settings.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let issuer = Some(self.issuer.clone());
        self.running.take().unwrap().stop().await;
        let mut settings = Settings { issuer, ..self.settings.clone() };
        change(&mut settings);
        let mut site = Self::on(settings, self.clock.clone(), Edge::system().entropy).await;
        site._dir = self._dir.take();
        site
    }

    /// A phone that was enrolled before a restart.
    pub fn phone_again(&self, phone: &Phone) -> Phone {
        self.phone_with(phone.key().clone()).with_account(phone.account().unwrap())
    }

    /// The audit log as soon as `told` holds for it: what the server tells by itself needs a moment.
    pub async fn audit_when(&self, told: impl Fn(&[AuditEvent]) -> bool) -> Vec<AuditEvent> {
        for _ in 0..2_000 {
            let events = self.audit().await;
            if told(&events) {
                return events;
            }
            tokio::task::yield_now().await;
        }
        panic!("the audit log does not tell it");
    }

    /// An administrator with another role.
    pub async fn admin_with(&self, role: Role) -> Admin {
        let key = new_admin_key(self.store().as_ref(), role, self.clock.now()).await;
        Admin::new(self.api(), key)
    }

    /// A gateway that can display a number.
    pub async fn gateway(&self) -> Gateway {
        self.gateway_named("Oslo gateway", true).await
    }

    /// A gateway.
    pub async fn gateway_named(&self, name: &str, can_display: bool) -> Gateway {
        let body = CreateGateway {
            name: name.to_owned(),
            application: "Remote Desktop".to_owned(),
            can_display,
            client_address: None,
        };
        let created = self.admin.create_gateway(&body).await.unwrap();
        Gateway::created(self.api(), &self.issuer, &created, self.clock.seconds())
    }

    /// A user without a phone.
    pub async fn user(&self, name: &str) {
        self.admin.put_user(name, &PutUser::default()).await.unwrap();
    }

    /// A new phone that knows nobody yet.
    pub fn blank_phone(&self) -> Phone {
        self.phone_with(random_key())
    }

    /// A phone with a key of the test's choice that knows nobody yet.
    pub fn phone_with(&self, key: P256Key) -> Phone {
        Phone::new(self.api(), &self.issuer, key, self.clock.seconds())
    }

    /// A new enrollment token for a user.
    pub async fn token(&self, name: &str) -> Secret {
        self.admin.create_enrollment(name, None).await.unwrap().token
    }

    /// Another phone of a user who is there.
    pub async fn phone_of(&self, name: &str) -> Phone {
        let token = self.token(name).await;
        let phone = self.blank_phone();
        phone.enroll(token.reveal(), "Pixel").await.unwrap();
        phone
    }

    /// A user with one phone.
    pub async fn person(&self, name: &str) -> Person {
        self.user(name).await;
        Person { name: name.to_owned(), phone: self.phone_of(name).await }
    }

    /// Every audit event so far.
    pub async fn audit(&self) -> Vec<AuditEvent> {
        let mut events: Vec<AuditEvent> = Vec::new();
        loop {
            let after = events.last().map_or(0, |event| event.seq);
            let page = self.admin.audit(after, Some(1_000), None, None).await.unwrap();
            let more = page.next_cursor.is_some();
            events.extend(page.items);
            if !more {
                break;
            }
        }
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "the audit log has no gaps");
        events
    }

    /// The audit events about one challenge.
    pub async fn audit_of(&self, challenge: &ChallengeView) -> Vec<AuditEvent> {
        let id = challenge.id.to_string();
        let about = |event: &AuditEvent| {
            event.detail.as_ref().and_then(|detail| detail.get("challenge")) == Some(&id.clone().into())
        };
        self.audit().await.into_iter().filter(about).collect()
    }
}

impl Person {
    /// What a gateway asks for when this person signs in from his own computer.
    pub fn login(&self) -> CreateChallenge {
        self.login_from("CLIENT-PC")
    }

    /// What a gateway asks for when this person signs in from a computer.
    pub fn login_from(&self, client: &str) -> CreateChallenge {
        CreateChallenge {
            user: self.name.clone(),
            client: Some(CreateClient { ip: Some("203.0.113.7".to_owned()), name: Some(client.to_owned()) }),
            ..CreateChallenge::default()
        }
    }

    /// The signed challenge that waits on this phone for `challenge`.
    pub async fn signed(&self, challenge: &ChallengeView) -> String {
        let waiting = self.phone.waiting(0).await.unwrap();
        let found = waiting.into_iter().find(|waiting| waiting.id == challenge.id);
        found.expect("the challenge waits on the phone").challenge
    }
}

/// The types of audit events, in order: what a test looks at in the end.
pub fn audit_names(events: &[AuditEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

async fn new_admin_key(store: &dyn Store, role: Role, now: Timestamp) -> Secret {
    let key = Secret::from_random(prefix::ADMIN, &gatematch_client_sim::edge::random());
    let id = AdminKeyId::new(now, gatematch_client_sim::edge::random());
    let act = Act::new(Actor::CommandLine("tests".to_owned()), now);
    let row = admin_key(id, format!("{}-key", role.as_str()), role, now);
    store.create_admin_key(act, row, key.digest()).await.unwrap();
    key
}

/// A program of the workspace, which must have been built.
pub fn program(name: &str) -> PathBuf {
    let mut dir = std::env::current_exe().unwrap();
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    let path = dir.join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --workspace --bins` (./test.sh does)", path.display());
    path
}

/// The settings of a server with the data directory `dir`: on the embedded database, or, where `TEST_POSTGRES`
/// says `host:port`, in a fresh database of that server.
async fn settings_in(dir: &Path) -> Settings {
    let settings = Settings::for_data_dir(dir);
    let Ok(address) = std::env::var("TEST_POSTGRES") else { return settings };
    let address: SocketAddr = address.parse().unwrap();
    let name = format!("site_{}", random::<8>().map(|byte| format!("{byte:02x}")).concat());
    let host = address.ip().to_string();
    psql(&host, address.port(), "postgres", &format!("CREATE DATABASE {name}")).await.unwrap();
    let server = Server::of(&Secret::new(url(address, &name))).unwrap();
    Settings { database_server: Some(server), ..settings }
}
