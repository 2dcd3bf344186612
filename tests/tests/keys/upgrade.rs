//! A database from before there were data keys.

use std::fs;

use sqlx::{AssertSqlSafe, Connection as _};

use super::dump::{Dump, connect, master, seal};
use super::{Town, fill};

/// Makes the database what it was before: everything sealed under the master key itself, and no table of keys.
async fn make_old(town: &Town) -> Vec<Vec<u8>> {
    let dump = town.dump().await;
    let secrets = dump.all(&town.master_key());
    let key = master(&town.master_key());
    let mut conn = connect(&town.machine.database()).await;
    for (sealed, secret) in dump.sealed.iter().zip(&secrets) {
        let sql = format!("UPDATE {} SET {} = ? WHERE id = ?", sealed.table, sealed.column);
        let text = format!("v1.{}", seal(&key, &sealed.label, secret));
        sqlx::query(AssertSqlSafe(sql)).bind(text).bind(&sealed.id).execute(&mut conn).await.unwrap();
    }
    let sql = "DROP TABLE vault_keys; DELETE FROM _sqlx_migrations WHERE version = 5";
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    secrets
}

#[tokio::test]
async fn keys_an_older_database_gets_its_first_data_key_and_a_rotation_does_the_rest() {
    let (town, serving) = Town::new().await;
    serving.stop().await;
    fill(&town.machine, town.pending.id, 1_000).await;
    let secrets = make_old(&town).await;
    let serving = town.machine.serve().await;
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect()), (vec![1], vec![0]));
    assert_eq!(dump.all(&town.master_key()), secrets);
    town.works(&serving).await;
    assert_eq!(town.dump().await.named().get(&1), Some(&1), "what is new is sealed under the data key");
    let listed = town.machine.json("keys list").await;
    assert_eq!(listed["sealed_under_master_key"], secrets.len());
    let text = town.machine.done("keys list").await;
    assert!(text.lines().any(|line| line.starts_with("master key") && line.contains("retiring")), "{text}");

    // The new master key does not open what the old one alone did: that goes first.
    let old = town.master_key();
    let told = town.machine.json("keys rotate --master").await;
    assert_eq!((&told["resealed"], &told["deleted"]), (&(secrets.len() + 1).into(), &vec![1, 2].into()));
    let dump = town.dump().await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect()), (vec![3], vec![3]));
    assert_eq!((dump.all(&town.master_key()).len(), dump.opened(&old).len()), (secrets.len() + 1, 0));
    town.works(&serving).await;
    serving.stop().await;
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    town.confirm_bob(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_an_older_database_gets_no_data_key_under_another_master_key() {
    let (town, serving) = Town::new().await;
    serving.stop().await;
    make_old(&town).await;
    let (file, right) = (town.machine.data().join("master.key"), town.master_key());
    fs::write(&file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    for line in ["serve", "user add mallory", "keys rotate"] {
        let (code, told) = town.machine.refused(line).await;
        assert!(code == 3 && told.contains("another master key") && told.contains("master.key"), "{line}: {told}");
    }
    assert_eq!(Dump::of(&town.machine.database()).await.numbers(), Vec::<i64>::new(), "none was made");
    fs::remove_file(&file).unwrap();
    let (_, told) = town.machine.refused("keys list").await;
    assert!(told.contains("is missing"), "{told}");
    fs::write(&file, right).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let serving = town.machine.serve().await;
    town.works(&serving).await;
    serving.stop().await;
}

#[tokio::test]
async fn keys_that_were_deleted_by_hand_are_not_made_anew() {
    let (town, serving) = Town::new().await;
    serving.stop().await;
    let mut conn = connect(&town.machine.database()).await;
    sqlx::query("DELETE FROM vault_keys").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let (code, told) = town.machine.refused("serve").await;
    assert!(code == 3 && told.contains("changed by hand"), "{told}");
    assert_eq!(town.dump().await.numbers(), Vec::<i64>::new());
}
