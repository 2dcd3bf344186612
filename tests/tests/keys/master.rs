//! Another master key: in its file, or given by the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_domain::audit::Actor;
use gatematch_protocol::base64url;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::{Act, RotateRefusal};
use gatematch_server::vault::MasterKey;

use super::Town;
use crate::machine::Machine;

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn new_key() -> String {
    base64url::encode(gatematch_client_sim::edge::random::<32>())
}

/// The master keys that were replaced.
fn kept(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(machine.data()).unwrap().map(|entry| entry.unwrap().path());
    let mut old: Vec<_> = entries.filter(|path| path.to_str().unwrap().contains("/master.key.old-")).collect();
    // In the order of time: a second key of the same second has a longer name.
    old.sort();
    old.into_iter()
        .map(|path| {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::read_to_string(path).unwrap()
        })
        .collect()
}

fn next(machine: &Machine) -> PathBuf {
    machine.data().join("master.key.next")
}

#[tokio::test]
async fn keys_a_new_master_key_takes_the_place_of_the_old_one_which_opens_nothing() {
    let (town, serving) = Town::new().await;
    let (old, before) = (town.master_key(), town.dump().await);
    let told = town.machine.json("keys rotate --master").await;
    assert_eq!((&told["master_key"], &told["deleted"]), (&"changed".into(), &vec![1].into()));
    let (new, dump) = (town.master_key(), town.dump().await);
    assert!(new != old && !next(&town.machine).exists());
    let mode = fs::metadata(town.machine.data().join("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(dump.opened(&old), Vec::<Vec<u8>>::new(), "a dump and the old master key open nothing");
    assert_eq!(dump.all(&new), before.all(&old));
    assert_eq!(before.opened(&new), Vec::<Vec<u8>>::new(), "nor does an old dump with the new one");
    // Nor what lies about in the files themselves.
    let files = ["gatematch.db", "gatematch.db-wal"].map(|name| fs::read(town.machine.data().join(name)).unwrap());
    let holds = |text: &str| files.iter().any(|file| file.windows(text.len()).any(|piece| piece == text.as_bytes()));
    assert!(dump.keys.iter().all(|(_, sealed, _)| holds(sealed)), "the files were read");
    assert!(!before.keys.iter().any(|(_, sealed, _)| holds(sealed)), "what the old one opens is still in a file");

    // The server has read no file since, and meets a key that its own master key does not open.
    town.works(&serving).await;
    let text = town.machine.done("keys rotate --master").await;
    assert!(text.contains("Make a backup of") && text.contains("master.key.old-"), "{text}");
    assert!(kept(&town.machine).contains(&old), "older backups need it");
    town.works(&serving).await;
    let told = town.told_of_keys(&serving).await;
    assert_eq!(told[1], "cli master_key.changed {data_keys:[1],old_opens:false}");
    serving.stop().await;
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    town.confirm_bob(&serving).await;
    serving.stop().await;

    let newest = town.master_key();
    for wrong in [&old, &new] {
        write(&town.machine.data().join("master.key"), wrong, 0o600);
        for line in ["serve", "user list", "keys rotate", "keys rotate --master"] {
            let (code, told) = town.machine.refused(line).await;
            assert!(code == 3 && told.contains("another master key") && told.contains("master.key"), "{line}: {told}");
        }
    }
    write(&town.machine.data().join("master.key"), &newest, 0o600);
    town.machine.serve().await.stop().await;
}

/// The first half of a change: the database is sealed under the new master key, and its file is not in its place.
async fn change_halfway(machine: &Machine) -> String {
    let edge = Edge::system();
    let (store, _) = open_store(&Settings::for_data_dir(&machine.data()), &edge, Arc::new(Silent)).await.unwrap();
    let act = || Act::new(Actor::CommandLine("tests".to_owned()), edge.now());
    let new = MasterKey::generate(&edge).unwrap();
    new.write_next(&machine.data()).unwrap();
    store.change_master(act(), new, false).await.unwrap().unwrap();
    store.close().await;
    fs::read_to_string(next(machine)).unwrap()
}

#[tokio::test]
async fn keys_a_crash_before_the_file_is_in_its_place_is_made_good_by_the_next_start() {
    let (town, serving) = Town::new().await;
    let old = town.master_key();
    let new = change_halfway(&town.machine).await;
    assert_eq!(town.master_key(), old);
    // The server runs on, and learns of the next data key although no file is in its place.
    town.works(&serving).await;
    serving.stop().await;

    let serving = town.machine.serve().await;
    assert!(town.master_key() == new && !next(&town.machine).exists());
    town.works(&serving).await;
    assert_eq!(town.dump().await.opened(&old), Vec::<Vec<u8>>::new());

    // Any command makes it good, also beside the running server.
    let newer = change_halfway(&town.machine).await;
    town.machine.done("keys list").await;
    assert_eq!(town.master_key(), newer);
    town.works(&serving).await;
    let told = town.machine.json("keys rotate").await;
    assert_eq!(told["deleted"], serde_json::json!([1]));
    town.works(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_a_crash_before_the_database_is_changed_leaves_the_old_master_key() {
    let (town, serving) = Town::new().await;
    let old = town.master_key();
    MasterKey::generate(&Edge::system()).unwrap().write_next(&town.machine.data()).unwrap();
    let stale = fs::read_to_string(next(&town.machine)).unwrap();
    town.works(&serving).await;
    serving.stop().await;
    let serving = town.machine.serve().await;
    assert_eq!(town.master_key(), old);
    town.machine.done("keys rotate").await;
    town.works(&serving).await;
    // Nor is what was left of a file that was cut off before it had a name.
    let young = town.machine.data().join(".tmpAbCdEf");
    write(&young, &stale, 0o600);
    town.machine.done("keys rotate --master").await;
    // It might be another database's only one.
    assert!(!young.exists() && kept(&town.machine) == [stale.clone(), old.clone()]);
    assert!(![old, stale].contains(&town.master_key()) && !next(&town.machine).exists());
    town.works(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_the_only_copy_of_a_master_key_survives_whoever_comes() {
    let (town, serving) = Town::new().await;
    let old = town.master_key();
    let new = change_halfway(&town.machine).await;
    // Somebody is at work: nobody else moves a file, and everything opens all the same.
    let lock = fs::File::open(town.machine.data()).unwrap();
    lock.try_lock().unwrap();
    for line in ["keys rotate", "keys rotate --master"] {
        let (code, told) = town.machine.refused(line).await;
        assert!(code == 1 && told.contains("Another gatematch keys rotate"), "{line}: {told}");
    }
    town.machine.done("keys list").await;
    town.machine.done("user list").await;
    town.works(&serving).await;
    let left = |town: &Town| (town.master_key(), fs::read_to_string(next(&town.machine)).unwrap());
    assert_eq!(left(&town), (old.clone(), new.clone()));
    // He would have refused to write over it, too.
    assert!(MasterKey::generate(&Edge::system()).unwrap().write_next(&town.machine.data()).is_err());
    assert_eq!(left(&town), (old.clone(), new.clone()));
    serving.stop().await;
    let serving = town.machine.serve().await;
    assert_eq!(left(&town), (old.clone(), new.clone()), "a start leaves it alone as well");
    drop(lock);

    // Whoever comes next ends the change first, and keeps every key on the way.
    town.machine.done("keys rotate --master").await;
    let newest = town.master_key();
    assert!(newest != old && newest != new && !next(&town.machine).exists());
    let mut all = kept(&town.machine);
    all.sort();
    let mut expected = [old, new];
    expected.sort();
    assert_eq!(all, expected);
    town.works(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_a_server_with_the_environments_key_is_not_locked_out_by_a_stale_file() {
    let (mut town, serving) = Town::new().await;
    serving.stop().await;
    let key = town.master_key().trim().to_owned();
    town.machine.set("GATEMATCH_MASTER_KEY", &key);
    let serving = town.machine.serve().await;
    let log = town.machine.log();
    assert!(log.contains("remove it") && log.contains("master.key"), "{log}");
    // A shell that has not got the variable.
    let run = async |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let ended = town.machine.command(&words).env_remove("GATEMATCH_MASTER_KEY").output().await.unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let (code, told) = run("keys rotate --master").await;
    assert!(code == Some(1) && told.contains("was run without it"), "{told}");
    assert_eq!(run("keys rotate").await.0, Some(0));
    town.works(&serving).await;
    serving.stop().await;
    assert_eq!(run("keys rotate --master").await.0, Some(1), "nor while the server is down");
    assert_eq!(town.master_key().trim(), key);

    // The environment's key opens nothing, and the file does: that is told.
    town.machine.set("GATEMATCH_MASTER_KEY", &new_key());
    for line in ["serve", "user list"] {
        let (code, told) = town.machine.refused(line).await;
        assert!(code == 3 && told.contains("unset GATEMATCH_MASTER_KEY"), "{line}: {told}");
    }
}

#[tokio::test]
async fn keys_a_new_master_key_that_was_lost_before_it_was_used_is_replaced() {
    let (mut town, old) = given().await;
    let serving = town.machine.serve().await;
    let (lost, new) = (new_key(), new_key());
    write(&town.machine.path().join("lost.key"), &lost, 0o600);
    write(&town.machine.path().join("new.key"), &new, 0o600);
    town.machine.done("keys rotate --master --new-key lost.key").await;
    let (code, told) = town.machine.refused("keys rotate --master --new-key lost.key").await;
    assert!(code == 1 && told.contains("waits for the next start"), "{told}");
    // Not by whoever has the one that waits.
    town.machine.set("GATEMATCH_MASTER_KEY", &lost);
    let (code, told) = town.machine.refused("keys rotate --master --new-key new.key").await;
    assert!(code == 1 && told.contains("waits for the next start"), "{told}");
    town.machine.set("GATEMATCH_MASTER_KEY", &old);
    let text = town.machine.done("keys rotate --master --new-key new.key").await;
    assert!(text.contains("waited before opens nothing") && text.contains("new.key"), "{text}");
    let dump = town.dump().await;
    assert_eq!((dump.all(&old), dump.opened(&lost)), (dump.all(&new), Vec::new()));
    town.works(&serving).await;
    serving.stop().await;

    town.machine.set("GATEMATCH_MASTER_KEY", &new);
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    assert_eq!(town.dump().await.opened(&old), Vec::<Vec<u8>>::new());
    let told = town.told_of_keys(&serving).await;
    let replaced = "cli master_key.changed {data_keys:[2],old_opens:true,replaces_waiting:true}";
    assert!(told.iter().any(|told| told == replaced), "{told:?}");
    serving.stop().await;
}

/// A town whose master key is given by the environment, and in no file.
async fn given() -> (Town, String) {
    let (mut town, serving) = Town::new().await;
    serving.stop().await;
    let old = town.master_key().trim().to_owned();
    fs::remove_file(town.machine.data().join("master.key")).unwrap();
    town.machine.set("GATEMATCH_MASTER_KEY", &old);
    (town, old)
}

#[tokio::test]
async fn keys_a_master_key_from_the_environment_changes_with_the_next_start() {
    let (mut town, old) = given().await;
    let serving = town.machine.serve().await;
    let (file, new) = (town.machine.path().join("new.key"), new_key());
    write(&file, &new, 0o600);
    let text = town.machine.done("keys rotate --master --new-key new.key").await;
    assert!(text.contains("set GATEMATCH_MASTER_KEY") && text.contains("new.key") && !text.contains(&new), "{text}");
    assert!(!next(&town.machine).exists() && !town.machine.data().join("master.key").exists());
    assert_eq!(town.dump().await.all(&old), town.dump().await.all(&new), "both, for now");
    town.works(&serving).await;
    assert_eq!(town.machine.json("keys list").await["new_master_key_waits"], true);
    assert!(town.machine.done("keys list").await.contains("waits for the next start"));
    for key in [&old, &new] {
        town.machine.set("GATEMATCH_MASTER_KEY", key);
        let (code, told) = town.machine.refused("keys rotate").await;
        assert!(code == 1 && told.contains("waits for the next start"), "{told}");
    }
    town.works(&serving).await;
    serving.stop().await;

    // Whoever forgot to set it starts all the same, and nothing is lost.
    town.machine.set("GATEMATCH_MASTER_KEY", &old);
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    serving.stop().await;
    town.machine.set("GATEMATCH_MASTER_KEY", &new);
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    town.confirm_bob(&serving).await;
    assert_eq!(town.dump().await.opened(&old), Vec::<Vec<u8>>::new(), "the old one opens nothing more");
    let listed = town.machine.json("keys list").await;
    assert_eq!((&listed["new_master_key_waits"], &listed["data_keys"][0]["number"]), (&false.into(), &2.into()));
    town.machine.done("keys rotate").await;
    town.works(&serving).await;
    let told = town.told_of_keys(&serving).await;
    let changes: Vec<_> = told.iter().filter(|told| told.contains("master_key.")).collect();
    assert_eq!(
        changes,
        [
            "cli master_key.changed {data_keys:[2],old_opens:true}",
            "system master_key.changed {data_keys:[2],old_opens:false}"
        ]
    );
    serving.stop().await;

    town.machine.set("GATEMATCH_MASTER_KEY", &old);
    let (code, told) = town.machine.refused("serve").await;
    assert!(code == 3 && told.contains("another master key") && told.contains("GATEMATCH_MASTER_KEY"), "{told}");
}

#[tokio::test]
async fn keys_a_master_key_from_the_environment_changes_by_a_sound_file_alone() {
    let (town, old) = given().await;
    let file = |name: &str, text: &str, mode| write(&town.machine.path().join(name), text, mode);
    file("open.key", &new_key(), 0o644);
    file("short.key", "AAAA", 0o600);
    file("same.key", &old, 0o600);
    let before = town.dump().await;
    for (line, code, word) in [
        ("keys rotate --master", 2, "--new-key FILE"),
        ("keys rotate --new-key open.key", 2, "--master"),
        ("keys rotate --master --new-key open.key", 3, "chmod 600"),
        ("keys rotate --master --new-key short.key", 3, "does not hold a master key"),
        ("keys rotate --master --new-key none.key", 2, "none.key"),
        ("keys rotate --master --new-key same.key", 1, "the one that is in use"),
    ] {
        let (ended, told) = town.machine.refused(line).await;
        assert!(ended == code && told.contains(word), "{line}: {ended}: {told}");
    }
    let after = town.dump().await;
    assert!(after.keys == before.keys && after.sealed == before.sealed, "nothing was changed");
    assert!(!town.machine.data().join("master.key").exists());
}

#[tokio::test]
async fn keys_the_file_in_the_data_directory_is_replaced_by_no_file_of_another_name() {
    let (town, serving) = Town::new().await;
    write(&town.machine.path().join("new.key"), &new_key(), 0o600);
    let (code, told) = town.machine.refused("keys rotate --master --new-key new.key").await;
    assert!(code == 2 && told.contains("Leave --new-key out"), "{told}");
    assert_eq!(town.dump().await.numbers(), [1]);
    serving.stop().await;
}

#[tokio::test]
async fn keys_the_store_itself_refuses_what_would_lose_a_secret() {
    let (town, serving) = Town::new().await;
    serving.stop().await;
    let edge = Edge::system();
    let (store, _) = open_store(&Settings::for_data_dir(&town.machine.data()), &edge, Arc::new(Silent)).await.unwrap();
    let act = || Act::new(Actor::System, edge.now());
    let key = |text: &str| MasterKey::from_text(text, "a test").unwrap();
    let same = store.change_master(act(), key(&town.master_key()), false).await.unwrap();
    assert_eq!(same, Err(RotateRefusal::SameMaster));
    let mut conn = super::dump::connect(&town.machine.database()).await;
    let sql = "UPDATE devices SET code = 'v1.AAAA' WHERE code IS NOT NULL";
    assert_eq!(sqlx::query(sql).execute(&mut conn).await.unwrap().rows_affected(), 1);
    let lost = store.change_master(act(), key(&new_key()), false).await.unwrap();
    assert_eq!(lost, Err(RotateRefusal::UnderMaster(1)));
    assert!(!store.drop_old_master(act()).await.unwrap());
    store.close().await;
}
