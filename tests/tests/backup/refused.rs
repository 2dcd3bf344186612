//! What is not restored, and that everything is as it was then.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::estate::{Estate, File};
use crate::machine::Machine;

/// What there is, for comparison.
async fn state(estate: &Estate) -> (String, String) {
    (estate.machine.done("user list").await, estate.machine.done("audit verify").await)
}

async fn refused(estate: &Estate, line: &str, word: &str) {
    let before = (state(estate).await, estate.files());
    let (code, told) = estate.machine.refused(line).await;
    assert!(code == 1 && told.contains(word), "{line}: {told}");
    assert_eq!((state(estate).await, estate.files()), before, "{line}: nothing is changed, and nothing left behind");
}

/// A backup of an estate that has lived since, and its log.
async fn lived(file: File) -> (Estate, String, String) {
    let estate = Estate::new(file).await;
    let serving = estate.machine.serve().await;
    let (backup, _) = estate.live(&serving).await;
    serving.stop().await;
    let log = estate.machine.path().join("log.jsonl");
    estate.machine.done(&format!("audit export {}", log.display())).await;
    (estate, backup, log.display().to_string())
}

#[tokio::test]
async fn st_06_a_log_that_is_none_of_the_backup_is_refused() {
    let (mut estate, backup, log) = lived(File::Sqlite).await;
    let lines: Vec<String> = fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect();
    let directory = estate.machine.path().to_owned();
    let path = |name: &str| directory.join(name).display().to_string();
    let write = |name: &str, lines: &[String]| fs::write(path(name), lines.join("\n") + "\n").unwrap();
    let removed = lines.iter().position(|line| line.contains("\"device.deleted\"")).unwrap();
    // One event is missing, as in a log that does not tell of the phone.
    let gap: Vec<_> = lines.iter().enumerate().filter(|(index, _)| *index != removed).map(|(_, l)| l.clone()).collect();
    write("gap.jsonl", &gap);
    let edited: Vec<_> = lines.iter().map(|line| line.replace("device.deleted", "device.renamed")).collect();
    write("edited.jsonl", &edited);
    write("cut.jsonl", &lines[..lines.len() - 1]);
    write("early.jsonl", &lines[1..5]);
    // The end of an export was cut off, and a checkpoint from before knows it.
    write("short.jsonl", &lines[1..removed]);
    fs::write(path("checkpoint.json"), estate.machine.done("audit checkpoint").await).unwrap();
    // The log of somebody else.
    let other = Machine::new();
    let mut name = 0;
    for _ in 0..60 {
        name += 1;
        other.done(&format!("user add u{name}")).await;
    }
    other.done(&format!("audit export {}", path("other.jsonl"))).await;
    let (gap, edited, cut, early) = (path("gap.jsonl"), path("edited.jsonl"), path("cut.jsonl"), path("early.jsonl"));
    let (short, checkpoint, other) = (path("short.jsonl"), path("checkpoint.json"), path("other.jsonl"));
    estate.destroy().await;
    let rubbish = fs::read(estate.machine.database()).unwrap();
    for (line, word) in [
        (format!("restore {backup} --log {gap}"), "are missing"),
        (format!("restore {backup} --log {edited}"), "not as it was written"),
        (format!("restore {backup} --log {cut}"), "was cut off"),
        (format!("restore {backup} --log {early}"), "ends before the backup"),
        (format!("restore {backup} --log {other}"), "does not go on"),
        (format!("restore {backup} --log {short} --checkpoint {checkpoint}"), "had"),
        (format!("restore {backup}"), "does not open"),
    ] {
        let (code, told) = estate.machine.refused(&line).await;
        assert!(code == 1 && told.contains(word), "{line}: {told}");
        assert_eq!(fs::read(estate.machine.database()).unwrap(), rubbish, "{line}");
    }
    // The lines of a SIEM: half a line, some twice, and no first line.
    let mut siem = vec!["{\"seq\":1,\"ha".to_owned()];
    siem.extend(lines[1..removed + 2].iter().cloned());
    siem.extend(lines[removed..].iter().map(|line| format!("<110>1 - host gatematch - - - {line}")));
    write("siem.jsonl", &siem);
    let ended = estate.machine.run(&["restore", &backup, "--log", &path("siem.jsonl")]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(estate.machine.done(&format!("audit verify --checkpoint {checkpoint}")).await.contains("The log holds"));
}

#[tokio::test]
async fn st_06_a_restore_that_is_cut_off_as_it_begins_leaves_a_journal_that_is_undone() {
    let machine = Machine::new();
    machine.done("user add alice").await;
    let (database, journal) = (machine.database(), machine.data().join("gatematch.db-journal"));
    // Another process in the midst of a write without a log of writes: its journal, and half of the pages.
    let mut conn = connect(&database).await;
    let sql = "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; DELETE FROM audit_events;
               CREATE TABLE t (x); INSERT INTO t SELECT zeroblob(4000) FROM sqlite_master;";
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    let (pages, undo) = (fs::read(&database).unwrap(), fs::read(&journal).unwrap());
    sqlx::Connection::close(conn).await.unwrap();
    fs::write(&database, pages).unwrap();
    fs::write(&journal, undo).unwrap();
    assert!(machine.done("user list").await.contains("alice"));
    assert!(machine.done("audit verify").await.contains("The log holds"));
}

#[tokio::test]
async fn st_06_a_database_that_another_node_uses_is_not_replaced() {
    let (estate, backup, _) = lived(File::Server).await;
    let serving = estate.machine.serve().await;
    // Another machine, on which no server runs.
    let mut other = Machine::new();
    other.set("GATEMATCH_DATABASE_URL", &estate.postgres.as_ref().unwrap().url(&estate.database));
    let key = fs::read_to_string(estate.machine.data().join("master.key")).unwrap();
    other.set("GATEMATCH_MASTER_KEY", key.trim());
    let (code, told) = other.refused(&format!("restore {backup}")).await;
    assert!(code == 1 && told.contains("in use"), "{told}");
    estate.signs_in(&serving, &estate.alice, "alice").await;
    serving.stop().await;
    other.done(&format!("restore {backup}")).await;
}

#[tokio::test]
async fn st_06_an_app_works_again_when_its_next_codes_are_shown() {
    let (estate, backup, _) = lived(File::Sqlite).await;
    estate.machine.done(&format!("restore {backup}")).await;
    // As if the restore had been a year ago: its own form of what is kept must be one that the server knows again.
    let mut conn = connect(&estate.machine.database()).await;
    let sql = "UPDATE factors SET state = json_set(state, '$.last_step', (state ->> '$.last_step') - 1000000)
               WHERE kind = 'totp'";
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let serving = estate.machine.serve().await;
    let carols = estate.app.lock().unwrap().clone().unwrap();
    estate.takes_code(&serving, "carol", carols.code(super::estate::now()).reveal()).await;
    serving.stop().await;
}

#[tokio::test]
async fn st_06_a_damaged_backup_is_refused() {
    let (estate, backup, _) = lived(File::Sqlite).await;
    let whole = fs::read(&backup).unwrap();
    let bad = estate.machine.path().join("bad.db");
    let line = format!("restore {}", bad.display());
    let half = &whole[..whole.len() / 2];
    for (bytes, word) in [(&b""[..], "empty"), (b"SQLite?", "not a SQLite database"), (half, "damaged")] {
        fs::write(&bad, bytes).unwrap();
        refused(&estate, &line, word).await;
    }
    // A name in an event, changed in place: the pages fit, the log does not.
    let word = b"Oslo gateway";
    let mut changed = whole.clone();
    let found: Vec<_> = (0..changed.len() - word.len()).filter(|at| changed[*at..].starts_with(word)).collect();
    assert!(found.len() >= 2, "the gateway, and the event that tells of it");
    found.iter().for_each(|at| changed[*at] = b'o');
    fs::write(&bad, &changed).unwrap();
    refused(&estate, &line, "does not hold").await;
    refused(&estate, &format!("{line} --check"), "does not hold").await;
    // One that a newer version has made.
    fs::write(&bad, &whole).unwrap();
    let mut conn = connect(&bad).await;
    sqlx::raw_sql("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 9").execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    refused(&estate, &line, "another schema").await;
    // Another master key.
    let key = estate.machine.data().join("master.key");
    let right = fs::read(&key).unwrap();
    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let (code, told) = estate.machine.refused(&format!("restore {backup}")).await;
    assert!(code == 1 && told.contains("another master key"), "{told}");
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    // And the one that is good.
    refused(&estate, &format!("backup {backup}"), "is there already").await;
    assert!(estate.machine.done(&format!("restore {backup} --check")).await.contains("can be restored"));
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    estate.machine.done(&format!("restore {backup}")).await;
}

async fn connect(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// It is cut off at some moment, again and again: what is there is what was there, or the backup, and never less.
async fn cut_off(file: File) {
    let (estate, backup, _) = lived(file).await;
    let serving = estate.machine.serve().await;
    serving.admin(&estate.admin).put_user("zoe", &Default::default()).await.unwrap();
    serving.stop().await;
    let mut restored = 0;
    for step in 0..16_u64 {
        let mut child = estate.machine.command(&["restore", &backup]).spawn().unwrap();
        let time = std::time::Duration::from_millis(20 * step);
        let ended = tokio::time::timeout(time, child.wait()).await;
        if ended.is_err() {
            child.kill().await.unwrap();
        }
        let users = estate.machine.done("user list").await;
        assert!(users.contains("alice"), "{step}: {users}");
        assert!(estate.machine.done("audit verify").await.contains("The log holds"), "{step}");
        if users.contains("zoe") {
            continue;
        }
        restored += 1;
        estate.machine.done("user add zoe").await;
    }
    let ended = estate.machine.run(&["restore", &backup]).await;
    assert!(ended.code == Some(0) && ended.err.contains("Made since, and not there: "), "{ended:?}");
    assert!(!estate.machine.done("user list").await.contains("zoe"));
    let serving = estate.machine.serve().await;
    estate.signs_in(&serving, &estate.alice, "alice").await;
    serving.stop().await;
    let young = estate.files().into_iter().filter(|path| path.to_str().unwrap().contains(".gatematch-young"));
    assert_eq!(young.count(), 0, "nothing is left of those that were cut off, {restored} of which came to their end");
}

#[tokio::test]
async fn st_06_a_restore_that_is_cut_off_leaves_what_was_there_on_sqlite() {
    cut_off(File::Sqlite).await;
}

#[tokio::test]
async fn st_06_a_restore_that_is_cut_off_leaves_what_was_there_on_postgresql() {
    cut_off(File::Server).await;
}
