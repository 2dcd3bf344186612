//! The log as a chain: AU-01, AU-02, and that anybody can check it.

use std::fs;
use std::path::{Path, PathBuf};

use gatematch_protocol::audit::{AuditEvent, AuditKeys, Checkpoint};
use gatematch_protocol::chain::{Verifier, beginning};
use gatematch_protocol::problem::Code;
use gatematch_tests::Site;
use gatematch_tests::wire::refused;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::busy;
use crate::machine::{Ended, Machine};

/// The chain of events as they were delivered.
fn holds(events: &[AuditEvent]) {
    let mut verifier = Verifier::after(0, beginning());
    events.iter().for_each(|event| verifier.take(event).unwrap());
}

#[tokio::test]
async fn every_event_is_chained_in_the_transaction_of_what_it_tells() {
    let site = busy().await;
    let events = site.audit().await;
    assert_eq!(events[0].prev_hash.as_deref(), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    holds(&events);
    // What is delivered is what was hashed, whoever reads it.
    let answer = site.admin.call("GET", "/v1/audit?limit=1", None).await.unwrap();
    let page: Value = answer.json().unwrap();
    let mut event = page["items"][0].clone();
    let hash = event["hash"].take();
    let members = event.as_object_mut().unwrap();
    members.remove("hash");
    members.remove("prev_hash");
    let text = gatematch_protocol::jcs::canonical(&event).unwrap();
    let mut bytes = vec![0; 32];
    bytes.extend(text.into_bytes());
    assert_eq!(hash, json!(gatematch_protocol::secret::sha256(bytes)));
    let site = site.restart().await;
    site.person("carol").await;
    holds(&site.audit().await);
}

#[tokio::test]
async fn a_checkpoint_is_signed_by_a_key_that_stands_there_from_then_on() {
    let site = Site::start_with(|settings| settings.audit_checkpoint_seconds = None).await;
    site.person("alice").await;
    let keys = || async {
        let answer = site.api().call("GET", "/.well-known/jwks-audit.json", &[], None).await.unwrap();
        answer.json::<AuditKeys>().unwrap()
    };
    assert_eq!(keys().await.keys, [], "no key has signed one yet");
    let answer = site.admin.call("GET", "/v1/audit/checkpoint", None).await.unwrap();
    let made: Checkpoint = answer.json().unwrap();
    let known = keys().await;
    assert_eq!((known.keys.len(), known.keys[0].not_after), (1, None));
    let said = made.checked(&known.set(), &gatematch_server::crypto::AwsLc).unwrap();
    assert_eq!((said.issuer.as_str(), said.size), (site.issuer(), made.size));
    let events = site.audit().await;
    let at = events.iter().find(|event| event.seq == made.size).unwrap();
    assert_eq!(at.hash.as_deref(), Some(made.head.as_str()));
    let helpdesk = site.admin_with(gatematch_domain::role::Role::Helpdesk).await;
    refused(&helpdesk.call("GET", "/v1/audit/checkpoint", None).await.unwrap(), Code::RoleNotAllowed);
    // It holds for every longer log.
    let mut verifier = Verifier::after(0, beginning());
    verifier.must_have(said).unwrap();
    events.iter().for_each(|event| verifier.take(event).unwrap());
    verifier.end().unwrap();
}

#[tokio::test]
async fn checkpoints_are_written_to_a_file_by_the_hour() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("checkpoints.jsonl");
    let named = file.clone();
    let site = Site::start_with(|settings| settings.audit_checkpoint_file = Some(named)).await;
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    for hour in 1..=2 {
        site.user(&format!("user{hour}")).await;
        while lines() < hour {
            site.clock.advance(600);
            tokio::task::yield_now().await;
        }
    }
    let text = fs::read_to_string(&file).unwrap();
    let made: Vec<Checkpoint> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(made[0].size < made[1].size, "{made:?}");
}

/// A machine with a log of some events, which nobody serves.
async fn machine() -> Machine {
    let machine = Machine::new();
    for name in ["anna", "ben", "cleo", "dora", "emil", "finn"] {
        machine.json(&format!("user add {name}")).await;
    }
    machine.json("user lock anna --reason <b>lost</b>").await;
    machine
}

async fn connect(machine: &Machine) -> SqliteConnection {
    SqliteConnectOptions::new().filename(machine.database()).connect().await.unwrap()
}

async fn sql(machine: &Machine, text: &str) {
    let mut conn = connect(machine).await;
    for statement in text.split(';') {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}

async fn verify(machine: &Machine, more: &[&str]) -> Ended {
    machine.run(&[&["audit", "verify"], more].concat()).await
}

/// What can be done to a log by SQL, and the event at which that is found.
const CHANGES: [(&str, &str, u64); 9] = [
    ("an edit", "UPDATE audit_events SET username = 'mallory' WHERE seq = 4", 4),
    ("an edit of the detail", "UPDATE audit_events SET detail = '{\"x\":1}' WHERE seq = 5", 5),
    ("an edit with a new hash", "UPDATE audit_events SET actor = 'x', hash = prev_hash WHERE seq = 4", 4),
    ("a deletion", "DELETE FROM audit_events WHERE seq = 5", 6),
    ("a deletion with new numbers", "DELETE FROM audit_events WHERE seq = 5; UPDATE audit_events SET seq = seq - 1 WHERE seq > 5", 5),
    (
        "an insertion",
        "UPDATE audit_events SET seq = -seq - 1 WHERE seq > 4; UPDATE audit_events SET seq = -seq WHERE seq < 0;
         INSERT INTO audit_events SELECT '01900000-0000-7000-8000-000000000001', 5, at, type, actor, username, device,
         gateway, client, outcome, reason, number_match, policy, detail, prev_hash, hash FROM audit_events WHERE seq = 4",
        5,
    ),
    (
        "a swap",
        "UPDATE audit_events SET seq = 100 WHERE seq = 4; UPDATE audit_events SET seq = 4 WHERE seq = 5;
         UPDATE audit_events SET seq = 5 WHERE seq = 100",
        4,
    ),
    ("the head cut off", "DELETE FROM audit_events WHERE seq < 3", 3),
    ("a hash taken away", "UPDATE audit_events SET hash = NULL, prev_hash = NULL WHERE seq = 1; UPDATE audit_events SET username = 'x' WHERE seq = 1", 2),
];

#[tokio::test]
async fn au_01_what_was_changed_by_sql_is_named() {
    for (what, change, seq) in CHANGES {
        let machine = machine().await;
        assert_eq!(verify(&machine, &[]).await.code, Some(0));
        sql(&machine, change).await;
        let ended = verify(&machine, &[]).await;
        assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
        assert!(ended.err.contains(&format!("event {seq}: ")), "{what}: {}", ended.err);
    }
}

#[tokio::test]
async fn au_02_a_tail_that_was_cut_off_is_found_by_a_checkpoint() {
    let machine = machine().await;
    let before = machine.path().join("checkpoint.json");
    fs::write(&before, machine.done("audit checkpoint").await).unwrap();
    let known = ["--checkpoint", before.to_str().unwrap()];
    let whole = verify(&machine, &known).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    // The server's own memory of it goes too.
    sql(&machine, "DELETE FROM audit_events WHERE seq > 5; DELETE FROM audit_checkpoints").await;
    assert_eq!(verify(&machine, &[]).await.code, Some(0), "what is left holds by itself");
    let ended = verify(&machine, &known).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("the end is missing: the log had 11 events once, and ends with 5"), "{}", ended.err);
    for name in ["gina", "hugo", "ida", "jan", "kim", "lea"] {
        machine.json(&format!("user add {name}")).await;
    }
    let ended = verify(&machine, &known).await;
    assert!(ended.err.contains("event 11: a checkpoint says"), "written anew: {}", ended.err);
}

#[tokio::test]
async fn a_log_that_was_written_anew_is_not_signed() {
    let machine = machine().await;
    let serving = machine.serve().await;
    let admin = gatematch_client_sim::admin::Admin::new(serving.api(), machine.admin_key("admin").await);
    let made: Checkpoint = admin.call("GET", "/v1/audit/checkpoint", None).await.unwrap().json().unwrap();
    admin.put_user("gina", &Default::default()).await.unwrap();
    // The database forgets it, the server does not.
    let anew = format!("UPDATE audit_events SET hash = prev_hash WHERE seq = {}", made.size);
    sql(&machine, &format!("{anew}; DELETE FROM audit_checkpoints")).await;
    let refuses = || async {
        let answer = admin.call("GET", "/v1/audit/checkpoint", None).await.unwrap();
        refused(&answer, Code::Internal);
    };
    refuses().await;
    // A statement about a removed beginning that nobody has signed excuses nothing.
    sql(&machine, &format!("INSERT INTO audit_beginnings VALUES ({}, 'x', 'x', 0)", made.size)).await;
    refuses().await;
    assert!(machine.log().contains("is not, or no longer, the one that was signed"), "{}", machine.log());
}

/// The log of a machine, exported, with the keys that sign it.
async fn exported(machine: &Machine) -> (PathBuf, PathBuf) {
    let (file, keys) = (machine.path().join("log.jsonl"), machine.path().join("keys.json"));
    machine.done(&format!("audit export {}", file.display())).await;
    let serving = machine.serve().await;
    let answer = serving.api().call("GET", "/.well-known/jwks-audit.json", &[], None).await.unwrap();
    fs::write(&keys, answer.text()).unwrap();
    drop(serving);
    (file, keys)
}

/// Whether both verifiers, ours and the one in Python, believe the file.
async fn both(machine: &Machine, file: &Path, keys: &Path, checkpoint: Option<&Path>) -> (bool, bool) {
    let (file, keys) = (file.to_str().unwrap(), keys.to_str().unwrap());
    let mut more = vec!["--file", file, "--keys", keys];
    more.extend(checkpoint.iter().flat_map(|path| ["--checkpoint", path.to_str().unwrap()]));
    let ours = verify(machine, &more).await;
    assert!(matches!(ours.code, Some(0 | 1)), "{ours:?}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/verify_audit.py");
    let mut python = tokio::process::Command::new("python3");
    python.arg(script).arg(file).args(["--keys", keys]);
    python.args(checkpoint.iter().flat_map(|path| ["--checkpoint".as_ref(), path.as_os_str()]));
    let theirs = python.output().await.unwrap();
    let told = String::from_utf8_lossy(&theirs.stdout).into_owned() + &String::from_utf8_lossy(&theirs.stderr);
    assert!(matches!(theirs.status.code(), Some(0 | 1)), "{told}");
    (ours.code == Some(0), theirs.status.code() == Some(0))
}

#[tokio::test]
async fn both_verifiers_agree_on_good_and_on_tampered_files() {
    let machine = machine().await;
    let (file, keys) = exported(&machine).await;
    let checkpoint = machine.path().join("checkpoint.json");
    fs::write(&checkpoint, machine.done("audit checkpoint").await).unwrap();
    let good = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    assert_eq!(both(&machine, &file, &keys, None).await, (true, true));
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let without = |index: usize| {
        let mut rest = lines.clone();
        rest.remove(index);
        joined(&rest)
    };
    let swapped = || {
        let mut turned = lines.clone();
        turned.swap(3, 4);
        joined(&turned)
    };
    let doubled = || {
        let mut more = lines.clone();
        more.insert(4, lines[3]);
        joined(&more)
    };
    let (head, rest) = (lines[0], &lines[3..]);
    let tampered = [
        ("edited", good.replacen("anna", "mallory", 1)),
        ("a member more", good.replacen("\"seq\":3", "\"note\":1,\"seq\":3", 1)),
        ("a member twice", good.replacen("\"seq\":3", "\"seq\":3,\"seq\":3", 1)),
        ("deleted", without(3)),
        ("inserted", doubled()),
        ("swapped", swapped()),
        ("the head cut off", joined(&[&[head], rest].concat())),
        ("the tail cut off", joined(&lines[..lines.len() - 2])),
        ("the tail cut off before the end", without(lines.len() - 2)),
        ("no end", joined(&lines[..lines.len() - 1])),
        ("no head", joined(&lines[1..])),
        ("nonsense", good.replacen('{', "[", 1)),
        ("nothing", String::new()),
    ];
    let changed = machine.path().join("changed.jsonl");
    for (what, text) in tampered {
        fs::write(&changed, text).unwrap();
        assert_eq!(both(&machine, &changed, &keys, None).await, (false, false), "{what}");
    }
    // Who checks a file needs nothing else: no database is looked for, and none is made.
    let auditor = Machine::new();
    assert_eq!(both(&auditor, &file, &keys, None).await, (true, true));
    assert!(!auditor.data().exists());
    // A whole log that somebody else has made and signed.
    let other = self::machine().await;
    let (forged, other_keys) = exported(&other).await;
    assert_eq!(both(&other, &forged, &other_keys, None).await, (true, true));
    assert_eq!(both(&machine, &forged, &keys, None).await, (false, false), "signed by another key");
    // A checkpoint of later: the file ends too early for it.
    machine.json("user add gina").await;
    let later = machine.path().join("later.json");
    fs::write(&later, machine.done("audit checkpoint").await).unwrap();
    assert_eq!(both(&machine, &file, &keys, Some(&checkpoint)).await, (true, true));
    assert_eq!(both(&machine, &file, &keys, Some(&later)).await, (false, false), "the tail is missing");
}

#[tokio::test]
async fn what_was_removed_leaves_a_statement_and_the_rest_holds() {
    let machine = machine().await;
    let before = machine.path().join("checkpoint.json");
    fs::write(&before, machine.done("audit checkpoint").await).unwrap();
    sql(&machine, "UPDATE users SET created_at = created_at").await;
    let ended = machine.run(&["audit", "prune", "--before", "2020-01-01T00:00Z", "--reason", "old"]).await;
    assert_eq!(ended.code, Some(1), "there is nothing that old: {ended:?}");
    let tomorrow = gatematch_client_sim::edge::system_clock()() + 86_400;
    let tomorrow = gatematch_protocol::time::Timestamp::from_numeric_date(tomorrow).to_string();
    let pruned = machine.json(&format!("audit prune --before {tomorrow} --reason old")).await;
    assert_eq!((&pruned["removed"], &pruned["after"]), (&json!(10), &json!(10)), "the last one stays");
    assert_eq!(verify(&machine, &["--checkpoint", before.to_str().unwrap()]).await.code, Some(0));
    let tail = machine.done("audit tail --json").await;
    let events: Vec<AuditEvent> = tail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((events[0].seq, events[1].kind.as_str()), (11, "audit.beginning_removed"));
    let (file, keys) = exported(&machine).await;
    assert_eq!(both(&machine, &file, &keys, None).await, (true, true));
    let text = fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    head["retention"] = Value::Null;
    let changed = machine.path().join("changed.jsonl");
    fs::write(&changed, format!("{head}\n{rest}")).unwrap();
    assert_eq!(both(&machine, &changed, &keys, None).await, (false, false), "nothing says that it was removed");
    // What stands below the beginning is read by others, so it is looked at.
    let below = "INSERT INTO audit_events SELECT '01900000-0000-7000-8000-000000000001', 3, at, type, actor, username, device,
         gateway, client, outcome, reason, number_match, policy, detail, prev_hash, hash FROM audit_events WHERE seq = 11";
    sql(&machine, below).await;
    assert!(verify(&machine, &[]).await.err.contains("event 3: "));
    sql(&machine, "DELETE FROM audit_events WHERE seq = 3; DELETE FROM audit_beginnings").await;
    assert_eq!(verify(&machine, &[]).await.code, Some(1), "nor in the database");
}

#[tokio::test]
async fn the_log_of_an_older_version_is_chained_at_the_next_start() {
    let machine = machine().await;
    sql(&machine, "UPDATE audit_events SET prev_hash = NULL, hash = NULL").await;
    machine.json("user add gina").await;
    assert_eq!(verify(&machine, &[]).await.code, Some(0));
}

#[tokio::test]
async fn commands_beside_a_server_and_the_server_write_one_chain() {
    let machine = machine().await;
    let serving = machine.serve().await;
    let admin = gatematch_client_sim::admin::Admin::new(serving.api(), machine.admin_key("admin").await);
    for round in 0..10 {
        let name = format!("user{round}");
        let line = format!("user add other{round}");
        let user = Default::default();
        let (put, _) = tokio::join!(admin.put_user(&name, &user), machine.json(&line));
        put.unwrap();
    }
    assert_eq!(verify(&machine, &[]).await.code, Some(0));
}
