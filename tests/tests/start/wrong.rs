//! The ways in which a data directory can be wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn by_sql(path: &Path, sql: &'static str) {
    let mut conn = connect(path).await;
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// One way in which a data directory can be wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    Empty,
    Garbage,
    Half,
    HeaderOnly,
    FirstPageOnly,
    LastByteMissing,
    PageOfZeros,
    PageOfNoise,
    NewerMigration,
    OtherMigration,
    UnfinishedMigration,
    Foreign,
    Blank,
    Missing,
    KeyMissing,
    KeyOfAnother,
    KeyReadableByGroup,
    KeyReadableByAll,
    KeyCutOff,
    KeyEmpty,
}

impl Wrong {
    pub(super) const ALL: [Self; 20] = [
        Self::Empty,
        Self::Garbage,
        Self::Half,
        Self::HeaderOnly,
        Self::FirstPageOnly,
        Self::LastByteMissing,
        Self::PageOfZeros,
        Self::PageOfNoise,
        Self::NewerMigration,
        Self::OtherMigration,
        Self::UnfinishedMigration,
        Self::Foreign,
        Self::Blank,
        Self::Missing,
        Self::KeyMissing,
        Self::KeyOfAnother,
        Self::KeyReadableByGroup,
        Self::KeyReadableByAll,
        Self::KeyCutOff,
        Self::KeyEmpty,
    ];

    /// Does it to a whole data directory.
    pub(super) async fn befall(self, directory: &Path) {
        let (database, key) = (directory.join("gatematch.db"), directory.join("master.key"));
        let whole = fs::read(&database).unwrap();
        let page = 4_096;
        let overwritten = |with: u8| {
            let mut bytes = whole.clone();
            let middle = whole.len() / page / 2 * page;
            bytes[middle..middle + page].fill(with);
            bytes
        };
        let mode = |bits| fs::set_permissions(&key, fs::Permissions::from_mode(bits)).unwrap();
        match self {
            Self::Empty => fs::write(&database, "").unwrap(),
            Self::Garbage => fs::write(&database, "The dog ate it. ".repeat(1_000)).unwrap(),
            Self::Half => fs::write(&database, &whole[..whole.len() / 2]).unwrap(),
            Self::HeaderOnly => fs::write(&database, &whole[..100]).unwrap(),
            Self::FirstPageOnly => fs::write(&database, &whole[..page]).unwrap(),
            Self::LastByteMissing => fs::write(&database, &whole[..whole.len() - 1]).unwrap(),
            Self::PageOfZeros => fs::write(&database, overwritten(0)).unwrap(),
            Self::PageOfNoise => fs::write(&database, overwritten(0xa5)).unwrap(),
            Self::NewerMigration => {
                let sql = "INSERT INTO _sqlx_migrations SELECT 9999, 'from the future', installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1";
                by_sql(&database, sql).await;
            }
            Self::OtherMigration => by_sql(&database, "UPDATE _sqlx_migrations SET checksum = x'00'").await,
            Self::UnfinishedMigration => by_sql(&database, "UPDATE _sqlx_migrations SET success = 0").await,
            Self::Foreign => {
                fs::remove_file(&database).unwrap();
                by_sql(&database, "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')").await;
            }
            Self::Blank => {
                // What a young database is without its log of writes.
                fs::remove_file(&database).unwrap();
                by_sql(&database, "PRAGMA journal_mode = WAL; PRAGMA user_version = 0").await;
            }
            Self::Missing => fs::remove_file(&database).unwrap(),
            Self::KeyMissing => fs::remove_file(&key).unwrap(),
            Self::KeyOfAnother => fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap(),
            Self::KeyReadableByGroup => mode(0o640),
            Self::KeyReadableByAll => mode(0o604),
            Self::KeyCutOff => fs::write(&key, "AAAAAAAA").unwrap(),
            Self::KeyEmpty => fs::write(&key, "").unwrap(),
        }
    }

    /// What the reason must say, beside the name of the file.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Empty | Self::Blank => "is empty: it was cut off",
            Self::Garbage => "is not a SQLite database",
            Self::Half
            | Self::HeaderOnly
            | Self::FirstPageOnly
            | Self::LastByteMissing
            | Self::PageOfZeros
            | Self::PageOfNoise => "is damaged",
            Self::NewerMigration => "migration 9999",
            Self::OtherMigration | Self::UnfinishedMigration => "migration 1",
            Self::Foreign => "not made by Gatematch",
            Self::Missing => "one was there before",
            Self::KeyMissing => "is missing",
            Self::KeyOfAnother => "another master key",
            Self::KeyReadableByGroup | Self::KeyReadableByAll => "can be read by others",
            Self::KeyCutOff | Self::KeyEmpty => "does not hold a master key",
        }
    }

    /// The file, or the directory, that the reason must name.
    pub(super) fn file(self, directory: &Path) -> PathBuf {
        let is_key = format!("{self:?}").starts_with("Key");
        if matches!(self, Self::Missing) {
            directory.to_owned()
        } else {
            directory.join(if is_key { "master.key" } else { "gatematch.db" })
        }
    }
}
