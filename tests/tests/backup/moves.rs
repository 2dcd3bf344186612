//! From SQLite to PostgreSQL, and back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gatematch_tests::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, ValueRef as _};

use super::estate::{Estate, File};
use super::whole::connect;
use crate::machine::Machine;

/// The tables in a backup, each with its columns.
async fn tables(path: &Path) -> Vec<(String, Vec<(String, String)>)> {
    let mut conn = connect(path).await;
    let sql =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%'
               ORDER BY name";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap();
    let mut found = Vec::new();
    for name in names {
        let sql = "SELECT name, type FROM pragma_table_info(?) ORDER BY cid";
        let columns = sqlx::query_as(sql).bind(&name).fetch_all(&mut conn).await.unwrap();
        found.push((name, columns));
    }
    conn.close().await.unwrap();
    found
}

/// The rows of a table in a backup, each as a text that says the type of everything in it.
async fn in_file(path: &Path, table: &str, columns: &[(String, String)]) -> BTreeSet<String> {
    let mut conn = connect(path).await;
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let sql = format!("SELECT {} FROM {table}", names.join(", "));
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
    let cell = |row: &sqlx::sqlite::SqliteRow, index: usize, kind: &str| match kind {
        _ if row.try_get_raw(index).unwrap().is_null() => "null".to_owned(),
        "TEXT" => serde_json::json!(row.get::<String, _>(index)).to_string(),
        "BOOLEAN" => row.get::<bool, _>(index).to_string(),
        _ => row.get::<i64, _>(index).to_string(),
    };
    let text = |row| columns.iter().enumerate().map(|(index, (_, kind))| cell(row, index, kind)).collect::<Vec<_>>();
    let found = rows.iter().map(|row| text(row).join(" ")).collect();
    conn.close().await.unwrap();
    found
}

/// The same on the server.
async fn on_server(postgres: &Postgres, table: &str, columns: &[(String, String)]) -> BTreeSet<String> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let sql = format!("SELECT json_build_array({}) FROM {table}", names.join(", "));
    let text = postgres.query("gatematch", &sql).await;
    let row = |line: &str| {
        let cells: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
        cells.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(row).collect()
}

#[tokio::test]
async fn a_backup_moves_from_sqlite_to_postgresql_and_back_with_every_row() {
    let estate = Estate::new(File::Sqlite).await;
    let serving = estate.machine.serve().await;
    estate.live(&serving).await;
    estate.signs_in(&serving, &estate.alice, "alice").await;
    serving.stop().await;
    let first = estate.machine.path().join("first.db");
    estate.machine.done(&format!("backup {}", first.display())).await;

    // To a server. The database that was there last tells that nothing has happened since.
    let postgres = Postgres::start().await;
    postgres.create_database("gatematch").await;
    let mut machine = Machine::new();
    machine.set("GATEMATCH_DATABASE_URL", &postgres.url("gatematch"));
    let key = fs::read_to_string(estate.machine.data().join("master.key")).unwrap();
    machine.set("GATEMATCH_MASTER_KEY", key.trim());
    machine.done(&format!("restore {} --log {} --last", first.display(), estate.machine.database().display())).await;
    let tables = tables(&first).await;
    assert!(tables.len() >= 20, "{tables:?}");
    // What a restore changes by itself.
    let ends = ["challenges", "deliveries", "connect_sessions", "enrollments", "writer"];
    for (table, columns) in &tables {
        let is_kept =
            |column: &&(String, String)| table != "users" || !["grants", "revision"].contains(&column.0.as_str());
        let columns: Vec<_> = columns.iter().filter(is_kept).cloned().collect();
        let (was, is) = (in_file(&first, table, &columns).await, on_server(&postgres, table, &columns).await);
        match table.as_str() {
            "audit_events" => assert!(is.is_superset(&was) && is.len() > was.len(), "the log goes on"),
            "factors" => assert_eq!(is.len(), was.len()),
            table if ends.contains(&table) => {}
            table => assert_eq!(is, was, "{table}"),
        }
    }
    let serving = machine.serve().await;
    estate.signs_in(&serving, &estate.alice, "alice").await;
    serving.stop().await;

    // A backup of that has every row of it.
    let second = machine.path().join("second.db");
    machine.done(&format!("backup {}", second.display())).await;
    let sql =
        "DELETE FROM audit_events WHERE type = 'database.backed_up' AND seq = (SELECT max(seq) FROM audit_events)";
    postgres.query("gatematch", sql).await;
    for (table, columns) in &tables {
        let (was, is) = (on_server(&postgres, table, columns).await, in_file(&second, table, columns).await);
        assert_eq!(is, was, "{table}");
    }

    // And back.
    let back = Machine::new();
    fs::create_dir(back.data()).unwrap();
    fs::copy(estate.machine.data().join("master.key"), back.data().join("master.key")).unwrap();
    back.done(&format!("restore {} --log {} --last", second.display(), second.display())).await;
    let serving = back.serve().await;
    estate.signs_in(&serving, &estate.alice, "alice").await;
    serving.stop().await;
    assert!(back.done("audit verify").await.contains("The log holds"));
}
