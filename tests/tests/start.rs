//! ST-05: what is damaged, cut off, of another version or somebody else's is refused at the start, with the reason
//! and the name of the file; nothing empty is made in its place, and not a byte of what is there is changed.

mod wrong;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::http::Answer;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::{PutUser, UserView};
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::AuditQuery;
use gatematch_tests::audit_names;
use serde_json::Value;

use self::wrong::Wrong;
use crate::machine::{Machine, Serving, Sim, audit_after};

/// A machine on which something has happened, and what must still be there after a restart.
struct Town {
    machine: Machine,
    admin: Secret,
    gateway: GatewayCreated,
    phone: Sim,
    pending: ChallengeView,
    signed: String,
    redeemed: ChallengeView,
    /// A proof that was used, to be used again.
    proof: String,
    keys: Value,
    users: Vec<UserView>,
    audit: Vec<AuditEvent>,
}

impl Town {
    /// Makes one. The server has ended politely: all is in the one file.
    async fn new() -> Self {
        let machine = Machine::new();
        let key = machine.admin_key("admin").await;
        let serving = machine.serve().await;
        let admin = serving.admin(&key);
        let gateway = serving.new_gateway(&admin, "Oslo gateway").await;
        admin.put_user("alice", &PutUser::default()).await.unwrap();
        admin.put_user("bob", &PutUser { groups: Some(vec!["Staff".to_owned()]), ..PutUser::default() }).await.unwrap();
        let sim = serving.enroll(&admin, "alice").await;
        let phone = serving.phone(&sim);
        let proof = phone.proof("PUT", "/v1/devices/self/push").unwrap();
        assert_eq!(use_proof(&serving, &proof).await.status, 204);

        let login = |expires_in| CreateChallenge {
            user: "alice".to_owned(),
            expires_in: Some(expires_in),
            ..CreateChallenge::default()
        };
        let at = serving.gateway(&gateway);
        let first = at.create(&login(60), None).await.unwrap();
        let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
        phone.respond(&signed, Decision::Approve, first.number.as_deref(), None).await.unwrap();
        let redeemed = at.redeem(first.id, "login-1", 0).await.unwrap();
        assert_eq!(redeemed.status, "redeemed");
        let pending = at.create(&login(600), None).await.unwrap();
        let signed = phone.waiting(0).await.unwrap().remove(0).challenge;

        let keys = serving.api().get("/.well-known/jwks.json").await.unwrap();
        let users = admin.list_users(None, None, None).await.unwrap().items;
        let audit = audit_after(&admin, 0).await;
        serving.stop().await;
        Self { machine, admin: key, gateway, phone: sim, pending, signed, redeemed, proof, keys, users, audit }
    }

    /// A good start, after which everything is there.
    async fn is_whole(&self) {
        let serving = self.machine.serve().await;
        let admin = serving.admin(&self.admin);
        assert_eq!(serving.api().get::<Value>("/.well-known/jwks.json").await.unwrap(), self.keys);
        assert_eq!(admin.list_users(None, None, None).await.unwrap().items, self.users);
        let replayed = use_proof(&serving, &self.proof).await.success().unwrap_err();
        assert_eq!(replayed.code(), Some(Code::ProofReplayed), "{replayed}");

        let gateway = serving.gateway(&self.gateway);
        assert_eq!(gateway.get(self.pending.id, 0).await.unwrap(), self.pending);
        assert_eq!(gateway.redeem(self.redeemed.id, "login-1", 0).await.unwrap(), self.redeemed);
        gateway.check_result(&self.redeemed).await.unwrap();
        let phone = serving.phone(&self.phone);
        assert_eq!(phone.self_view().await.unwrap().id, self.phone.account.device_id);
        assert_eq!(phone.waiting(0).await.unwrap().remove(0).challenge, self.signed, "the same bytes");
        phone.read(&self.signed).await.unwrap();

        let audit = audit_after(&admin, 0).await;
        assert_eq!(audit[..self.audit.len()], self.audit[..]);
        assert_eq!(audit_names(&audit[self.audit.len()..]), ["audit.read"]);
        serving.stop().await;
    }
}

async fn use_proof(serving: &Serving, proof: &str) -> Answer {
    let headers = [("dpop", proof)];
    serving.api().call("PUT", "/v1/devices/self/push", &headers, Some(b"null".to_vec())).await.unwrap()
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The bytes of the database and of its log of writes, where they are there and hold something.
fn bytes(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = ["gatematch.db", "gatematch.db-wal"].map(|name| directory.join(name));
    let read = files.into_iter().filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes)));
    read.filter(|(path, bytes)| !bytes.is_empty() || path.ends_with("gatematch.db")).collect()
}

#[tokio::test]
async fn st_05_what_is_wrong_is_refused_by_name_and_left_as_it_is() {
    let town = Town::new().await;
    let data = town.machine.data();
    let safe = town.machine.path().join("safe");
    copy(&data, &safe);
    for wrong in Wrong::ALL {
        copy(&safe, &data);
        wrong.befall(&data).await;
        let before = bytes(&data);
        for line in ["serve", "user add mallory"] {
            if matches!(wrong, Wrong::KeyOfAnother) && line != "serve" {
                // It opens no secret, and so needs no key.
                continue;
            }
            let (code, told) = town.machine.refused(line).await;
            let file = wrong.file(&data);
            assert_eq!(code, 3, "{wrong:?}: {line}: {told}");
            assert!(told.contains(file.to_str().unwrap()), "{wrong:?}: {line}: the file is named: {told}");
            assert!(told.contains(wrong.told()), "{wrong:?}: {line}: {told}");
            assert!(bytes(&data) == before, "{wrong:?}: {line} changed what was there");
        }
    }
    copy(&safe, &data);
    town.is_whole().await;
}

/// What a store says when it opens, or the audit events that it has.
async fn opened(directory: &Path) -> Result<Vec<AuditEvent>, String> {
    let settings = Settings::for_data_dir(directory);
    let (store, _) =
        open_store(&settings, &Edge::system(), Arc::new(Silent)).await.map_err(|fault| fault.to_string())?;
    let events = store.audit(AuditQuery { limit: 10_000, ..AuditQuery::default() }).await;
    store.close().await;
    // Broken beyond the check at the start would be told here.
    events.map_err(|error| format!("{}: {error}", directory.join("gatematch.db").display()))
}

/// Where a file of this length is cut: at each page, and a little behind.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (1..length.div_ceil(4_096)).flat_map(|page| [page * 4_096, page * 4_096 + 100]).filter(move |cut| *cut < length)
}

async fn cut_everywhere(town: &Town, events: &[AuditEvent], whole_is_allowed: bool) {
    let safe = town.machine.path().join("safe");
    copy(&town.machine.data(), &safe);
    let whole = fs::read(safe.join("gatematch.db")).unwrap();
    let mut refused = 0;
    for cut in cuts(whole.len()) {
        let data = town.machine.path().join("cut");
        copy(&safe, &data);
        fs::write(data.join("gatematch.db"), &whole[..cut]).unwrap();
        let before = bytes(&data);
        match opened(&data).await {
            Err(told) => {
                refused += 1;
                assert!(told.contains("gatematch.db"), "{cut}: {told}");
                assert!(bytes(&data) == before, "{cut}: something was changed");
            }
            // The log of writes may hold every page that was cut off.
            Ok(found) => assert!(whole_is_allowed && found == events, "cut to {cut} bytes, and nobody noticed"),
        }
    }
    assert!(refused > 20, "{refused} cuts were refused");
}

async fn all_events(admin: &Admin) -> Vec<AuditEvent> {
    audit_after(admin, 0).await
}

#[tokio::test]
async fn st_05_a_database_that_was_cut_at_any_page_is_refused() {
    let town = Town::new().await;
    assert!(!town.machine.data().join("gatematch.db-wal").exists(), "a server that ended politely leaves one file");
    cut_everywhere(&town, &town.audit, false).await;
    town.is_whole().await;
}

#[tokio::test]
async fn st_05_a_database_that_was_cut_beside_its_log_of_writes_is_refused_or_whole() {
    let town = Town::new().await;
    let serving = town.machine.serve().await;
    let admin = serving.admin(&town.admin);
    admin.put_user("late", &PutUser::default()).await.unwrap();
    let events = all_events(&admin).await;
    serving.kill().await;
    assert!(!fs::read(town.machine.data().join("gatematch.db-wal")).unwrap().is_empty());
    cut_everywhere(&town, &events, true).await;

    let serving = town.machine.serve().await;
    let admin = serving.admin(&town.admin);
    assert_eq!(admin.get_user("late").await.unwrap().username, "late");
    assert_eq!(all_events(&admin).await[..events.len()], events[..]);
    serving.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let town = Town::new().await;
    let first = town.machine.serve().await;
    let (code, told) = town.machine.refused("serve").await;
    assert_eq!(code, 3);
    assert!(told.contains(town.machine.data().to_str().unwrap()) && told.contains("another gatematch serve"), "{told}");
    assert_eq!(first.admin(&town.admin).get_user("alice").await.unwrap().username, "alice");
    // A server that was killed leaves no lock behind.
    first.kill().await;
    town.is_whole().await;
}

#[tokio::test]
async fn several_first_commands_at_once_make_one_database_and_one_key() {
    let machine = Machine::new();
    let add = async |name: &str| machine.json(&format!("user add {name}")).await;
    tokio::join!(add("a"), add("b"), add("c"), add("d"), add("e"), add("f"));
    let listed = machine.json("user list").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 6);
    let mut names: Vec<_> = fs::read_dir(machine.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["gatematch.db", "master.key"], "nothing else is left behind");
    machine.serve().await.stop().await;
}

#[tokio::test]
async fn the_master_key_may_come_from_the_environment_alone() {
    let mut town = Town::new().await;
    let file = town.machine.data().join("master.key");
    let key = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    town.machine.set("GATEMATCH_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let (_, told) = town.machine.refused("serve").await;
    assert!(told.contains("GATEMATCH_MASTER_KEY") && told.contains("another master key"), "{told}");
    town.machine.set("GATEMATCH_MASTER_KEY", "nonsense");
    let (_, told) = town.machine.refused("serve").await;
    assert!(told.contains("GATEMATCH_MASTER_KEY") && !told.contains("nonsense"), "{told}");
    town.machine.set("GATEMATCH_MASTER_KEY", key.trim());
    town.is_whole().await;
    assert!(!file.exists(), "a key that is given is not written down");
}
