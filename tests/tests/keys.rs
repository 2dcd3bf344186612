//! Secrets at rest, and the keys that they are sealed under: `gatematch keys`.

mod beside;
mod dump;
mod load;
mod master;
mod upgrade;

use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::totp::App;
use gatematch_protocol::authenticator::CreateTotp;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use sqlx::Connection as _;

use self::dump::Dump;
use crate::machine::{Machine, Serving, Sim, audit_after};

/// The receiver of RFC 8291, appendix A.
const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:9";

/// A machine on which something is sealed in every column that can be.
struct Town {
    machine: Machine,
    admin: Secret,
    gateway: GatewayCreated,
    alice: Sim,
    pending: ChallengeView,
    /// Bob's phone, and the code that confirms it.
    bobs: (DeviceId, Secret),
    /// Alice's authenticator app, which is not confirmed yet.
    app: (AuthenticatorId, App),
}

fn push() -> PushSubscription {
    let keys = PushKeys { p256dh: P256DH.to_owned(), auth: Secret::new(AUTH) };
    PushSubscription { endpoint: Secret::new(format!("http://{NOWHERE}/alice")), keys }
}

fn login(name: &str) -> CreateChallenge {
    CreateChallenge { user: name.to_owned(), expires_in: Some(600), ..CreateChallenge::default() }
}

impl Town {
    /// Makes one, whose server runs.
    async fn new() -> (Self, Serving) {
        let mut machine = Machine::new();
        machine.set("GATEMATCH_REQUIRE_DEVICE_CONFIRMATION", "true");
        machine.set("GATEMATCH_PUSH_ALLOWED_HOSTS", NOWHERE);
        let key = machine.admin_key("admin").await;
        let serving = machine.serve().await;
        let admin = serving.admin(&key);
        let gateway = serving.new_gateway(&admin, "Oslo gateway").await;
        let phone = serving.blank_phone();
        for (phone, name) in [(&phone, "alice"), (&serving.blank_phone(), "carol")] {
            let (id, code) = enroll(&admin, phone, name).await;
            admin.confirm_device(id, code.reveal()).await.unwrap();
        }
        phone.set_push(Some(&push())).await.unwrap();
        let alice = Sim::of(&phone);
        let app = admin.add_totp("alice", &CreateTotp::default()).await.unwrap();
        let app = (app.id, App::from_uri(app.otpauth_uri.reveal()).unwrap());
        let bobs = enroll(&admin, &serving.blank_phone(), "bob").await;
        let pending = serving.gateway(&gateway).create(&login("carol"), None).await.unwrap();
        assert!(pending.number.is_some());
        (Self { machine, admin: key, gateway, alice, pending, bobs, app }, serving)
    }

    fn master_key(&self) -> String {
        fs::read_to_string(self.machine.data().join("master.key")).unwrap()
    }

    async fn dump(&self) -> Dump {
        Dump::of(&self.machine.database()).await
    }

    /// Every secret is of use: the number is told, a phone's push is known, tokens are signed, and the code confirms.
    async fn works(&self, serving: &Serving) {
        let gateway = serving.gateway(&self.gateway);
        assert_eq!(gateway.get(self.pending.id, 0).await.unwrap(), self.pending);
        let phone = serving.phone(&self.alice);
        assert!(phone.self_view().await.unwrap().push);
        let challenge = gateway.create(&login("alice"), None).await.unwrap();
        let waiting = phone.waiting(0).await.unwrap();
        let signed = &waiting.iter().find(|waiting| waiting.id == challenge.id).unwrap().challenge;
        phone.respond(signed, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
        let redeemed = gateway.redeem(challenge.id, "login-1", 0).await.unwrap();
        gateway.check_result(&redeemed).await.unwrap();
    }

    /// Confirms bob's phone by the code that was told before all this, and alice's app by one that its seed makes.
    async fn confirm_bob(&self, serving: &Serving) {
        let (id, code) = &self.bobs;
        let admin = serving.admin(&self.admin);
        admin.confirm_device(*id, code.reveal()).await.unwrap();
        let (id, app) = &self.app;
        let code = app.code(Edge::system().now());
        admin.confirm_totp("alice", *id, code.reveal()).await.unwrap();
    }

    /// What the audit log tells of keys: the event, and its details without the names' quotes.
    async fn told_of_keys(&self, serving: &Serving) -> Vec<String> {
        let events = audit_after(&serving.admin(&self.admin), 0).await;
        let about =
            events.iter().filter(|event| ["vault_key.", "master_key."].iter().any(|of| event.kind.starts_with(of)));
        about
            .map(|event| {
                let actor = event.actor.as_deref().unwrap().split(':').next().unwrap().to_owned();
                let detail = serde_json::to_string(&event.detail).unwrap().replace('"', "");
                format!("{actor} {} {detail}", event.kind)
            })
            .collect()
    }
}

async fn enroll(admin: &Admin, phone: &gatematch_client_sim::phone::Phone, name: &str) -> (DeviceId, Secret) {
    admin.put_user(name, &PutUser::default()).await.unwrap();
    let token = admin.create_enrollment(name, None).await.unwrap().token;
    let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
    (registered.device_id, Secret::new(registered.code.unwrap()))
}

#[tokio::test]
async fn keys_a_rotation_seals_everything_anew_and_the_server_goes_on() {
    let (town, serving) = Town::new().await;
    let before = town.dump().await;
    assert_eq!(before.columns().len(), dump::SEALED.len(), "something is sealed in every column");
    assert_eq!((before.numbers(), before.named().into_keys().collect()), (vec![1], vec![1]));
    let secrets = before.all(&town.master_key());

    let told = town.machine.json("keys rotate").await;
    assert_eq!((&told["number"], &told["deleted"], &told["unopened"]), (&2.into(), &vec![1].into(), &0.into()));
    assert_eq!((&told["resealed"], &told["master_key"]), (&secrets.len().into(), &"unchanged".into()));
    let after = town.dump().await;
    assert_eq!((after.numbers(), after.named().into_keys().collect()), (vec![2], vec![2]));
    assert_eq!(after.all(&town.master_key()), secrets);
    assert!(after.sealed.iter().zip(&before.sealed).all(|(after, before)| after.text != before.text));

    town.works(&serving).await;
    let named = town.dump().await.named();
    assert_eq!(named.keys().collect::<Vec<_>>(), [&2], "the running server seals under the new key");
    let text = town.machine.done("keys rotate").await;
    assert!(text.starts_with("Data key 3 is in use") && text.contains("Key 2 was deleted"), "{text}");
    serving.stop().await;

    let serving = town.machine.serve().await;
    town.works(&serving).await;
    town.confirm_bob(&serving).await;
    assert_eq!(town.dump().await.named().into_keys().collect::<Vec<_>>(), [3]);
    let resealed = secrets.len();
    assert_eq!(
        town.told_of_keys(&serving).await,
        [
            "system vault_key.created {data_key:1}".to_owned(),
            "cli vault_key.created {data_key:2}".to_owned(),
            format!("cli vault_key.deleted {{data_key:1,resealed:{resealed}}}"),
            "cli vault_key.created {data_key:3}".to_owned(),
            format!("cli vault_key.deleted {{data_key:2,resealed:{}}}", resealed + 1),
        ]
    );
    serving.stop().await;
}

#[tokio::test]
async fn keys_are_listed_without_what_they_are() {
    let (town, serving) = Town::new().await;
    let sealed = town.dump().await.sealed.len();
    let listed = town.machine.json("keys list").await;
    let data = listed["data_keys"].as_array().unwrap();
    assert_eq!(data.len(), 1);
    assert_eq!(
        (&data[0]["number"], &data[0]["status"], &data[0]["sealed"]),
        (&1.into(), &"active".into(), &sealed.into())
    );
    assert!(data[0]["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&listed["sealed_under_master_key"], &listed["new_master_key_waits"]), (&0.into(), &false.into()));
    let purposes: Vec<_> = listed["signing_keys"].as_array().unwrap().iter().map(|key| &key["purpose"]).collect();
    assert_eq!(purposes.len(), 3);
    assert!(purposes.contains(&&"tokens".into()) && purposes.contains(&&"vapid".into()), "{purposes:?}");

    let text = town.machine.done("keys list").await;
    for word in ["DATA KEY", "SIGNING KEY", "active", "tokens", "vapid"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let master = town.master_key();
    for told in [text, listed.to_string()] {
        assert!(!told.contains("v1.") && !told.contains("v2.") && !told.contains(master.trim()), "{told}");
    }
    serving.stop().await;
}

#[tokio::test]
async fn keys_commands_that_come_at_once_end_with_one_key() {
    let machine = Machine::new();
    join_all((0..6).map(async |index| machine.json(&format!("user add user{index}")).await)).await;
    assert_eq!(Dump::of(&machine.database()).await.numbers(), [1]);
    let serving = machine.serve().await;
    let line = ["keys", "rotate", "--json"];
    let ended = join_all((0..4).map(|_| machine.run(&line))).await;
    for rotation in &ended {
        let is_busy = rotation.code == Some(1) && rotation.err.contains("Another gatematch keys rotate");
        assert!(rotation.code == Some(0) || is_busy, "{rotation:?}");
    }
    let done = ended.iter().filter(|rotation| rotation.code == Some(0)).count();
    let dump = Dump::of(&machine.database()).await;
    assert!(done > 0 && dump.numbers() == [i64::try_from(done).unwrap() + 1], "{:?}", dump.keys);
    assert_eq!(dump.named().into_keys().collect::<Vec<_>>(), dump.numbers());
    serving.stop().await;
}

/// Adds so many challenges that are over, each with a number sealed under the active key.
async fn fill(machine: &Machine, like: ChallengeId, count: usize) {
    let edge = Edge::system();
    let settings = Settings::for_data_dir(&machine.data());
    let (store, vault) = open_store(&settings, &edge, Arc::new(Silent)).await.unwrap();
    let mut conn = dump::connect(&machine.database()).await;
    let columns = "user_id, username, gateway_id, display, methods, uv_required, sent_to, wrong_passcodes, created_at,
                   expires_at, state, state_at";
    let sql = format!(
        "INSERT INTO challenges (id, number, {columns}) SELECT ?1, ?2, {columns} FROM challenges WHERE id = ?3"
    );
    let mut transaction = conn.begin().await.unwrap();
    for _ in 0..count {
        let id = ChallengeId::new(edge.now(), gatematch_client_sim::edge::random());
        let number = vault.seal(&format!("number:{id}"), b"47").unwrap();
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(id.to_string()).bind(number).bind(like.to_string());
        row.execute(&mut *transaction).await.unwrap();
    }
    sqlx::query("UPDATE challenges SET state = 'expired' WHERE id <> ?")
        .bind(like.to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    conn.close().await.unwrap();
    store.close().await;
}

/// Whether some of the numbers are sealed under this key, as somebody beside it sees.
async fn has_begun(database: &Path, prefix: &str) -> bool {
    let mut conn = dump::connect(database).await;
    let sql = "SELECT EXISTS (SELECT 1 FROM challenges WHERE substr(number, 1, length(?1)) = ?1)";
    let begun = sqlx::query_scalar(sql).bind(prefix).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    begun
}

/// Ends a rotation as a power cut would, when it has begun to seal anew.
async fn cut_off(machine: &Machine, prefix: &str) -> ExitStatus {
    let mut child = machine.command(&["keys", "rotate"]).spawn().unwrap();
    while !has_begun(&machine.database(), prefix).await {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
    }
    child.start_kill().unwrap();
    child.wait().await.unwrap()
}

#[tokio::test]
async fn keys_a_rotation_that_is_cut_off_leaves_everything_readable_and_the_next_one_ends_it() {
    let (town, serving) = Town::new().await;
    fill(&town.machine, town.pending.id, 20_000).await;
    let secrets = town.dump().await.all(&town.master_key());
    // Beside the running server, and without one.
    assert!(!cut_off(&town.machine, "v2.2.").await.success());
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect()), (vec![1, 2], vec![1, 2]));
    let states: Vec<_> = dump.keys.iter().map(|(_, _, status)| status.as_str()).collect();
    assert_eq!(states, ["retiring", "active"]);
    assert_eq!(dump.all(&town.master_key()), secrets);
    town.works(&serving).await;
    serving.stop().await;
    let secrets = town.dump().await.all(&town.master_key());
    assert!(!cut_off(&town.machine, "v2.3.").await.success());
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().len()), (vec![1, 2, 3], 3));
    assert_eq!(dump.all(&town.master_key()), secrets);

    let serving = town.machine.serve().await;
    town.works(&serving).await;
    let told = town.machine.json("keys rotate").await;
    assert_eq!((&told["number"], &told["deleted"]), (&4.into(), &vec![1, 2, 3].into()));
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect()), (vec![4], vec![4]));
    assert_eq!(dump.all(&town.master_key()).len(), secrets.len() + 1);
    town.works(&serving).await;
    town.confirm_bob(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_what_does_not_open_is_left_as_it_is_and_keeps_its_key() {
    let (town, serving) = Town::new().await;
    let mut conn = dump::connect(&town.machine.database()).await;
    let sql = "UPDATE devices SET code = 'v2.1.AAAA' WHERE code IS NOT NULL";
    sqlx::query(sql).execute(&mut conn).await.unwrap();
    let ended = town.machine.run(&["keys", "rotate", "--json"]).await;
    assert!(ended.code == Some(0) && ended.err.contains("1 secrets did not open"), "{ended:?}");
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().get(&1)), (vec![1, 2], Some(&1)));
    // Gone by itself, or by hand.
    sqlx::query("UPDATE devices SET code = NULL WHERE code IS NOT NULL").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    assert_eq!(town.machine.json("keys rotate").await["deleted"], serde_json::json!([1, 2]));
    serving.stop().await;
}

#[tokio::test]
async fn keys_an_older_data_key_that_is_damaged_stops_nobody() {
    let (town, serving) = Town::new().await;
    fill(&town.machine, town.pending.id, 20_000).await;
    assert!(!cut_off(&town.machine, "v2.2.").await.success());
    serving.stop().await;
    let mut conn = dump::connect(&town.machine.database()).await;
    // Nothing that a sign-in needs is left under it.
    let sql = "SELECT count(*) FROM signing_keys WHERE private_key NOT LIKE 'v2.2.%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut conn).await.unwrap(), 0);
    sqlx::raw_sql("UPDATE vault_keys SET sealed = 'v1.AAAA' WHERE number = 1").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();

    let serving = town.machine.serve().await;
    assert!(town.machine.log().contains("an older data key does not open"), "{}", town.machine.log());
    town.machine.done("user list").await;
    // What is sealed under it is told of and left as it is, and so is the key.
    for line in ["keys rotate", "keys rotate --master"] {
        let ended = town.machine.run(&line.split(' ').collect::<Vec<_>>()).await;
        assert!(ended.code == Some(0) && ended.err.contains("secrets did not open"), "{line}: {ended:?}");
        assert_eq!(town.dump().await.numbers().len(), 2, "{line}");
    }
    let mut conn = dump::connect(&town.machine.database()).await;
    sqlx::raw_sql("UPDATE challenges SET number = NULL WHERE number LIKE 'v2.1.%'").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    town.machine.done("keys rotate").await;
    assert_eq!(town.dump().await.numbers().len(), 1, "nothing names it");
    serving.stop().await;
    town.machine.serve().await.stop().await;
}

#[tokio::test]
async fn keys_who_reads_all_the_time_is_told_of() {
    let (town, serving) = Town::new().await;
    let mut reader = dump::connect(&town.machine.database()).await;
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM vault_keys").fetch_one(&mut *reading).await.unwrap();
    let ended = town.machine.run(&["keys", "rotate"]).await;
    assert!(ended.code == Some(0) && ended.err.contains("may still be in"), "{ended:?}");
    reading.rollback().await.unwrap();
    let ended = town.machine.run(&["keys", "rotate"]).await;
    assert!(ended.code == Some(0) && !ended.err.contains("may still be in"), "{ended:?}");
    reader.close().await.unwrap();
    serving.stop().await;
}
