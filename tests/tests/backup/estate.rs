//! A machine on which everything is that a backup could bring back.

use std::path::PathBuf;

use gatematch_client_sim::edge::system_clock;
use gatematch_client_sim::totp::App;
use gatematch_protocol::authenticator::{CreateAccessPass, CreateTotp};
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use gatematch_protocol::user::PutUser;
use gatematch_tests::postgres::Postgres;

use crate::machine::{Machine, Serving, Sim};

/// Where the database is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    Sqlite,
    Server,
}

/// A machine, and who lives there.
pub(super) struct Estate {
    pub(super) machine: Machine,
    pub(super) postgres: Option<Postgres>,
    /// The name of the database on the server.
    pub(super) database: String,
    pub(super) admin: Secret,
    /// A key that is revoked later.
    pub(super) desk: Secret,
    pub(super) desk_id: String,
    pub(super) gateway: GatewayCreated,
    /// A gateway that is deleted later.
    pub(super) second: GatewayCreated,
    pub(super) alice: Sim,
    pub(super) bob: Sim,
    /// Carol's app.
    pub(super) app: std::sync::Mutex<Option<App>>,
}

/// What was used since the backup, and what was open in it.
pub(super) struct Since {
    pub(super) carols: Secret,
    /// The first one was used.
    pub(super) daves: Vec<Secret>,
    pub(super) erins: Secret,
    pub(super) approved: ChallengeId,
    pub(super) pending: ChallengeId,
    pub(super) link: Secret,
}

pub(super) fn login(name: &str) -> CreateChallenge {
    CreateChallenge { user: name.to_owned(), expires_in: Some(600), ..CreateChallenge::default() }
}

/// By the clock of the machine.
pub(super) fn now() -> Timestamp {
    Timestamp::from_numeric_date(system_clock()())
}

impl Estate {
    /// One whose server does not run, with keys, gateways, and people.
    pub(super) async fn new(file: File) -> Self {
        let mut machine = Machine::new();
        let (mut postgres, database) = (None, "gatematch".to_owned());
        if file == File::Server {
            let server = Postgres::start().await;
            server.create_database(&database).await;
            machine.set("GATEMATCH_DATABASE_URL", &server.url(&database));
            postgres = Some(server);
        }
        let admin = machine.admin_key("admin").await;
        let made = machine.json("admin-key create --role admin --name desk").await;
        let (desk, desk_id) = (Secret::new(made["key"].as_str().unwrap()), made["id"].as_str().unwrap().to_owned());
        let serving = machine.serve().await;
        let known = serving.admin(&admin);
        let gateway = serving.new_gateway(&known, "Oslo gateway").await;
        let second = serving.new_gateway(&known, "Bergen gateway").await;
        for name in ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "henry", "ivan"] {
            known.put_user(name, &PutUser::default()).await.unwrap();
        }
        let (alice, bob) = (serving.enroll(&known, "alice").await, serving.enroll(&known, "bob").await);
        serving.enroll(&known, "ivan").await;
        serving.stop().await;
        Self {
            machine,
            postgres,
            database,
            admin,
            desk,
            desk_id,
            gateway,
            second,
            alice,
            bob,
            app: std::sync::Mutex::default(),
        }
    }

    /// The same people, on a machine that is no matter.
    pub(super) fn without_machine(&self) -> Self {
        Self {
            machine: Machine::new(),
            postgres: None,
            database: self.database.clone(),
            admin: self.admin.clone(),
            desk: self.desk.clone(),
            desk_id: self.desk_id.clone(),
            gateway: self.gateway.clone(),
            second: self.second.clone(),
            alice: self.alice.clone(),
            bob: self.bob.clone(),
            app: std::sync::Mutex::default(),
        }
    }

    /// Makes codes, opens requests, makes a backup, and then uses and removes what is in it.
    pub(super) async fn live(&self, serving: &Serving) -> (String, Since) {
        let (admin, gateway) = (serving.admin(&self.admin), serving.gateway(&self.gateway));
        let app = admin.add_totp("carol", &CreateTotp::default()).await.unwrap();
        let carols = App::from_uri(app.otpauth_uri.reveal()).unwrap();
        *self.app.lock().unwrap() = Some(App::from_uri(app.otpauth_uri.reveal()).unwrap());
        let before = carols.code(now().plus_seconds(-30));
        admin.confirm_totp("carol", app.id, before.reveal()).await.unwrap();
        let daves = admin.recovery_codes("dave", None).await.unwrap().codes;
        let pass = CreateAccessPass { expires_in: 3_600, ..CreateAccessPass::default() };
        let erins = admin.access_pass("erin", &pass).await.unwrap().pass;
        let link = admin.create_enrollment("alice", None).await.unwrap().token;
        let approved = self.approved(serving).await;
        let pending = gateway.create(&login("ivan"), None).await.unwrap().id;

        let backup = self.machine.path().join("old.db");
        let told = self.machine.json(&format!("backup {}", backup.display())).await;
        assert_eq!(told["rows"]["users"], 9, "{told}");

        assert_eq!(gateway.redeem(approved, "first", 0).await.unwrap().status, "redeemed");
        let carols = carols.code(now());
        self.takes_code(serving, "carol", carols.reveal()).await;
        self.takes_code(serving, "dave", daves[0].reveal()).await;
        self.takes_code(serving, "erin", erins.reveal()).await;
        let bobs = admin.devices("bob").await.unwrap().remove(0).id;
        admin.delete_device(bobs).await.unwrap();
        admin.delete_user("grace").await.unwrap();
        admin.delete_gateway(self.second.gateway.id).await.unwrap();
        let groups = PutUser { groups: Some(vec!["contractors".to_owned()]), ..PutUser::default() };
        admin.put_user("ivan", &groups).await.unwrap();
        let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
        admin.put_user("henry", &disabled).await.unwrap();
        self.machine.done("user lock frank --reason lost").await;
        self.machine.done(&format!("admin-key revoke {}", self.desk_id)).await;
        let policy = self.machine.path().join("policy.toml");
        std::fs::write(&policy, self.machine.done("policy show --toml").await.replace("digits = 3", "digits = 4"))
            .unwrap();
        self.machine.done(&format!("policy apply {} --comment four", policy.display())).await;
        let since = Since { carols, daves, erins, approved, pending, link };
        (backup.display().to_string(), since)
    }

    /// A request that alice has approved.
    async fn approved(&self, serving: &Serving) -> ChallengeId {
        let (phone, gateway) = (serving.phone(&self.alice), serving.gateway(&self.gateway));
        let challenge = gateway.create(&login("alice"), None).await.unwrap();
        let waiting = phone.waiting(0).await.unwrap();
        let signed = &waiting.iter().find(|waiting| waiting.id == challenge.id).unwrap().challenge;
        phone.respond(signed, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
        challenge.id
    }

    /// Somebody signs in with his phone.
    pub(super) async fn signs_in(&self, serving: &Serving, sim: &Sim, name: &str) {
        let (phone, gateway) = (serving.phone(sim), serving.gateway(&self.gateway));
        let challenge = gateway.create(&login(name), None).await.unwrap();
        let waiting = phone.waiting(0).await.unwrap();
        let signed = &waiting.iter().find(|waiting| waiting.id == challenge.id).unwrap().challenge;
        phone.respond(signed, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
        let redeemed = gateway.redeem(challenge.id, "a-sign-in", 0).await.unwrap();
        gateway.check_result(&redeemed).await.unwrap();
    }

    /// Somebody signs in with a code.
    pub(super) async fn takes_code(&self, serving: &Serving, name: &str, code: &str) {
        let gateway = serving.gateway(&self.gateway);
        let challenge = gateway.create(&login(name), None).await.unwrap();
        let judged = gateway.passcode(challenge.id, code).await.unwrap();
        assert_eq!(judged.status, "approved", "{name}");
        gateway.redeem(challenge.id, "a-code", 0).await.unwrap();
    }

    /// Nobody signs in with it.
    pub(super) async fn refuses_code(&self, serving: &Serving, name: &str, code: &str) {
        let gateway = serving.gateway(&self.gateway);
        // Whoever has nothing left is refused before he is asked.
        if let Ok(challenge) = gateway.create(&login(name), None).await
            && let Ok(judged) = gateway.passcode(challenge.id, code).await
        {
            assert_ne!(judged.status, "approved", "{name}");
        }
    }

    /// The database is lost: the file is rubbish, the database on the server is another one and empty.
    pub(super) async fn destroy(&mut self) {
        match &self.postgres {
            None => std::fs::write(self.machine.database(), "rubbish").unwrap(),
            Some(server) => {
                self.database.push('x');
                server.create_database(&self.database).await;
                self.machine.set("GATEMATCH_DATABASE_URL", &server.url(&self.database));
            }
        }
    }

    /// All files in the data directory.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.machine.data()).unwrap();
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }
}
