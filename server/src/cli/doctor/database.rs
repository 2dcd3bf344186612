//! The database: whether it opens, whose schema it has, and whether it is whole. It is read, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatematch_protocol::time::Timestamp;
use rustix::fs::{Access, access};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::finding::{Finding, Row};
use super::{directory, server};
use crate::settings::Settings;
use crate::store::sql::MIGRATIONS;
use crate::vault::{KEY_FILE, SealedKey};

const PART: &str = "database";
/// Up to this size all pages are looked at.
const CHECKED: u64 = 64 * 1024 * 1024;
/// How long a writer is waited for.
const BUSY: Duration = Duration::from_secs(3);
const RESTORE: &str = "Leave it as it is, and restore it from a backup (docs/backup.md).";

/// What other checks want to know of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// When the newest event of the audit log was written.
    pub(super) newest_event: Option<Timestamp>,
    /// The data keys.
    pub(super) data_keys: Vec<SealedKey>,
    /// The ids of the keys that tokens are signed with, those that are published.
    pub(super) token_keys: Vec<String>,
    /// The digests of the gateways' keys.
    pub(super) gateways: Vec<String>,
}

/// Looks at the database that the settings name; what there is to say, and what it holds where it can be read.
pub(super) async fn look(settings: &Settings) -> (Vec<Row>, Option<Known>) {
    let (findings, known) = match &settings.database_server {
        Some(server) => server::look(server).await,
        None => sqlite(&settings.database, &settings.data_dir).await,
    };
    (findings.into_iter().map(|finding| Row::new(PART, finding)).collect(), known)
}

/// What the database holds, where it can be read.
pub(super) async fn known(settings: &Settings) -> Option<Known> {
    if let Some(server) = &settings.database_server {
        return server::known(server).await;
    }
    let mut conn = open(&settings.database).await.ok()?;
    schema(&mut conn).await.ok()?;
    Some(read(&mut conn).await)
}

async fn sqlite(path: &Path, data_dir: &Path) -> (Vec<Finding>, Option<Known>) {
    let shown = path.display();
    let length = match fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return (vec![Finding::fail(format!("{shown} is no file."), "Name a file in database_url.")], None),
        Err(_) if data_dir.join(KEY_FILE).exists() => {
            let what =
                format!("There is no {shown}, and {} has a master key: one was there before.", data_dir.display());
            return (vec![Finding::fail(what, "Mount the disk that it is on, or restore it from a backup.")], None);
        }
        Err(_) => {
            let what = format!("There is no {shown} yet.");
            return (
                vec![Finding::warn(what, "The first command or start makes it, unless database_url is wrong.")],
                None,
            );
        }
    };
    if length == 0 {
        return (vec![Finding::fail(format!("{shown} is empty: it was cut off."), RESTORE)], None);
    }
    let mut findings = rights(path);
    let parent = path.parent().filter(|parent| *parent != data_dir);
    findings.extend(parent.and_then(directory::room));
    let mut conn = match open(path).await {
        Ok(conn) => conn,
        Err(error) => {
            findings.push(Finding::fail(format!("{shown} cannot be opened: {error}."), RESTORE));
            return (findings, None);
        }
    };
    let schema = schema(&mut conn).await;
    let is_ours = schema.is_ok();
    findings.push(schema.unwrap_or_else(|finding| finding));
    findings.push(pages(path, length, &mut conn).await);
    let known = if is_ours { Some(read(&mut conn).await) } else { None };
    // It was only read.
    let _ = conn.close().await;
    (findings, known)
}

/// Reads, and leaves no file behind: where there is no log of writes, SQLite would make one.
async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let has_log = beside(path, "-wal").exists();
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(!has_log).busy_timeout(BUSY);
    options.disable_statement_logging().connect().await
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn rights(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in ["", "-wal", "-shm"].map(|ending| beside(path, ending)) {
        let Ok(found) = fs::metadata(&file) else { continue };
        let shown = file.display();
        if let Err(error) = access(&file, Access::READ_OK | Access::WRITE_OK) {
            let todo = "Give it back to the account that runs the server, and look whether the disk is read-only.";
            findings.push(Finding::fail(format!("{shown} cannot be written to: {error}."), todo));
        }
        if found.permissions().mode() & 0o077 != 0 {
            findings.push(Finding::warn(format!("Others may read {shown}."), format!("Run: chmod 600 {shown}")));
        }
    }
    findings
}

/// Whether its schema is one of this program.
async fn schema(conn: &mut SqliteConnection) -> Result<Finding, Finding> {
    let sql = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
    let applied: Vec<(i64, Vec<u8>, bool)> = sqlx::query_as(sql).fetch_all(conn).await.map_err(|error| {
        let is_other = error.to_string().contains("no such table");
        let what =
            if is_other { "It was not made by Gatematch.".to_owned() } else { format!("It cannot be read: {error}.") };
        Finding::fail(what, RESTORE)
    })?;
    let ours = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let newest = applied.last().map_or(0, |(version, ..)| *version);
    if newest > ours {
        let what = format!("Its schema is {newest}, and this program knows {ours}: a newer one has written it.");
        return Err(Finding::fail(what, "Use the version that wrote it, or a newer one (docs/upgrade.md)."));
    }
    for (version, checksum, success) in applied {
        let known = MIGRATIONS.iter().find(|migration| migration.version == version);
        if !success || known.is_none_or(|known| *known.checksum != *checksum) {
            let what = format!("Its migration {version} is not the one of this program.");
            return Err(Finding::fail(what, "Use the version that wrote it."));
        }
    }
    if newest < ours {
        let what =
            format!("Its schema is {newest}, and this program's is {ours}: the next start brings it up to date.");
        return Ok(Finding::warn(what, "Make a backup first (docs/upgrade.md)."));
    }
    Ok(Finding::ok(format!("It opens, and its schema is this program's ({ours}).")))
}

async fn pages(path: &Path, length: u64, conn: &mut SqliteConnection) -> Finding {
    if length > CHECKED {
        let what = format!("It has {} MiB, and was not looked through.", length / 1024 / 1024);
        return Finding::ok(format!("{what} It takes a while: sqlite3 {} 'PRAGMA quick_check'", path.display()));
    }
    let found: Result<String, sqlx::Error> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(conn).await;
    match found {
        Ok(word) if word == "ok" => Finding::ok("It was looked through, and is whole."),
        Ok(what) => Finding::fail(format!("It is damaged: {what}."), RESTORE),
        Err(error) => Finding::fail(format!("It is damaged: {error}."), RESTORE),
    }
}

/// What an older schema does not have is not known.
async fn read(conn: &mut SqliteConnection) -> Known {
    let newest = "SELECT at FROM audit_events WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    let newest: Option<i64> = sqlx::query_scalar(newest).fetch_optional(&mut *conn).await.ok().flatten();
    let sql = "SELECT number, sealed, status, created_at FROM vault_keys ORDER BY number";
    let keys: Vec<(i64, String, String, i64)> = sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap_or_default();
    let key = |(number, sealed, status, created_at): (i64, String, String, i64)| {
        let number = u32::try_from(number).ok()?;
        Some(SealedKey { number, sealed, status, created_at: Timestamp::from_micros(created_at) })
    };
    let sql = "SELECT id FROM signing_keys WHERE purpose = 'tokens' ORDER BY id";
    let token_keys = sqlx::query_scalar(sql).fetch_all(&mut *conn).await.unwrap_or_default();
    let gateways = sqlx::query_scalar("SELECT key_digest FROM gateways").fetch_all(conn).await.unwrap_or_default();
    Known {
        newest_event: newest.map(Timestamp::from_micros),
        data_keys: keys.into_iter().filter_map(key).collect(),
        token_keys,
        gateways,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    async fn execute(path: &Path, sql: &'static str) {
        let mut conn = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
        sqlx::query(sql).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }

    async fn migrated(path: &Path) {
        let mut conn = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
        MIGRATIONS.run_direct(None, &mut conn, false).await.unwrap();
        conn.close().await.unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    async fn found(path: &Path) -> (Vec<(Verdict, String)>, bool) {
        let (findings, known) = sqlite(path, path.parent().unwrap()).await;
        (findings.into_iter().map(|found| (found.verdict, found.what)).collect(), known.is_some())
    }

    #[tokio::test]
    async fn a_schema_is_older_equal_newer_or_anothers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gatematch.db");
        assert_eq!(found(&path).await.0.first().unwrap().0, Verdict::Warn, "there is none yet");
        migrated(&path).await;
        let (findings, is_known) = found(&path).await;
        assert!(findings.iter().all(|(verdict, _)| *verdict == Verdict::Ok) && is_known, "{findings:?}");
        execute(&path, "INSERT INTO _sqlx_migrations SELECT 9000, 'x', installed_on, 1, checksum, 0 FROM _sqlx_migrations WHERE version = 1").await;
        let (findings, is_known) = found(&path).await;
        let (verdict, what) = findings.first().unwrap();
        assert!(*verdict == Verdict::Fail && what.contains("9000") && !is_known, "{findings:?}");
        execute(&path, "DELETE FROM _sqlx_migrations WHERE version > 1").await;
        let (findings, is_known) = found(&path).await;
        assert!(findings.first().unwrap().0 == Verdict::Warn && is_known, "{findings:?}");
        execute(&path, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
        assert_eq!(found(&path).await.0.first().unwrap().0, Verdict::Fail);
        execute(&path, "DROP TABLE _sqlx_migrations").await;
        assert_eq!(found(&path).await.0.first().unwrap().1, "It was not made by Gatematch.");
    }

    #[tokio::test]
    async fn what_is_broken_is_told_and_no_byte_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gatematch.db");
        migrated(&path).await;
        let whole = fs::read(&path).unwrap();
        for (bytes, fails) in [
            (whole.clone(), 0),
            (Vec::new(), 1),
            (b"something else".to_vec(), 1),
            (whole[..whole.len() / 2].to_vec(), 1),
        ] {
            fs::write(&path, &bytes).unwrap();
            let (findings, _) = found(&path).await;
            let failing = findings.iter().filter(|(verdict, _)| *verdict == Verdict::Fail).count();
            assert_eq!(failing.min(1), fails, "{findings:?}");
            assert!(fs::read(&path).unwrap() == bytes);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was left beside it");
        }
        fs::remove_file(&path).unwrap();
        fs::write(dir.path().join(KEY_FILE), "").unwrap();
        assert!(found(&path).await.0.first().unwrap().1.contains("one was there before"));
    }

    #[tokio::test]
    async fn who_may_read_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gatematch.db");
        migrated(&path).await;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let (findings, _) = found(&path).await;
        assert!(findings.first().unwrap().1.starts_with("Others may read"), "{findings:?}");
    }
}
