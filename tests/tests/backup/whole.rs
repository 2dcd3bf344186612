//! A backup beside a server at work is all of one moment; and a migration makes one first.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::estate::{Estate, File};
use crate::machine::Machine;

pub(super) async fn connect(path: &Path) -> SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

async fn number(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

/// Sixteen people at work: each makes users as fast as he can, and each of these is a row and an event.
async fn under_load(file: File) {
    let estate = Estate::new(file).await;
    let serving = estate.machine.serve().await;
    let admin = serving.admin(&estate.admin);
    let is_over = AtomicBool::new(false);
    let (admin, over) = (&admin, &is_over);
    let work = join_all((0..16).map(|worker| async move {
        let mut made = 0;
        while !over.load(Ordering::Acquire) {
            made += 1;
            admin.put_user(&format!("w{worker}-{made}"), &Default::default()).await.unwrap();
        }
        made
    }));
    let backups = async {
        let mut sizes = Vec::new();
        for number in 0..3 {
            let path = estate.machine.path().join(format!("b{number}.db"));
            let told = estate.machine.json(&format!("backup {}", path.display())).await;
            sizes.push((path, told["size"].as_i64().unwrap()));
        }
        over.store(true, Ordering::Release);
        sizes
    };
    let (made, sizes) = tokio::join!(work, backups);
    let made: i32 = made.into_iter().sum();
    assert!(made > 16, "there was work: {made}");
    for (path, size) in sizes {
        let mut conn = connect(&path).await;
        let users = number(&mut conn, "SELECT count(*) FROM users").await;
        let told = number(&mut conn, "SELECT count(*) FROM audit_events WHERE type = 'user.created'").await;
        assert_eq!(users, told, "each user came with his event");
        let last = number(&mut conn, "SELECT max(seq) FROM audit_events").await;
        let count = number(&mut conn, "SELECT count(*) FROM audit_events").await;
        assert_eq!((last, count), (size, size));
        conn.close().await.unwrap();
        assert!(estate.machine.done(&format!("restore {} --check", path.display())).await.contains("can be restored"));
    }
    serving.stop().await;
    let backed_up = estate.machine.json("audit verify").await;
    assert!(backed_up["size"].as_i64().unwrap() > i64::from(made));
}

#[tokio::test]
async fn a_backup_under_load_is_of_one_moment_on_sqlite() {
    under_load(File::Sqlite).await;
}

#[tokio::test]
async fn a_backup_under_load_is_of_one_moment_on_postgresql() {
    under_load(File::Server).await;
}

#[tokio::test]
async fn a_migration_keeps_what_was_there_and_two_of_those_before() {
    let machine = Machine::new();
    machine.done("user add alice").await;
    assert!(kept(&machine).is_empty(), "a new database is no migration");
    for version in [5, 6] {
        fs::write(machine.data().join(format!("gatematch.db.before-{version}")), "older").unwrap();
    }
    fs::write(machine.data().join("gatematch.db.before-restore-x"), "another").unwrap();
    let mut conn = connect(&machine.database()).await;
    let sql = "DROP INDEX enrollments_by_user; DROP INDEX enrollments_by_end; DROP INDEX browsers_by_end;
               DELETE FROM _sqlx_migrations WHERE version = 9";
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    assert!(machine.done("user list").await.contains("alice"));
    assert_eq!(kept(&machine), ["gatematch.db.before-6", "gatematch.db.before-9", "gatematch.db.before-restore-x"]);
    let mut conn = connect(&machine.data().join("gatematch.db.before-9")).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM users").await, 1);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM sqlite_master WHERE name = 'browsers_by_end'").await, 0);
    conn.close().await.unwrap();
    // It is a backup like others: what was there before is brought up to date, and is there again.
    let backup = machine.data().join("gatematch.db.before-9");
    let ended = machine.run(&["restore", backup.to_str().unwrap()]).await;
    assert!(ended.code == Some(0) && ended.err.contains("nobody knows"), "nothing happened since: {}", ended.err);
    assert!(machine.done("user list").await.contains("alice"));
}

fn kept(machine: &Machine) -> Vec<String> {
    let names = fs::read_dir(machine.data()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains("before")).collect();
    names.sort();
    names
}
