//! The schema, step by step: the same files for both databases.

use sqlx::migrate::Migrator;

/// The steps.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The number of the last step.
pub(crate) fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Why a database in which these steps were taken (number, checksum, whether it was finished) is none of this version;
/// `None`: it is one, or can become one.
pub(in crate::store) fn unfit(applied: &[(i64, Vec<u8>, bool)]) -> Option<String> {
    applied.iter().find_map(|(version, checksum, success)| {
        match MIGRATIONS.iter().find(|migration| migration.version == *version) {
            Some(known) if *success && *known.checksum == **checksum => None,
            Some(_) => Some(format!("its migration {version} is not the one of this version")),
            None => Some(format!("it has migration {version}, which this version does not know")),
        }
    })
}
