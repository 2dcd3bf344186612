//! Before a migration, a copy of the file as it was.

use std::fs;
use std::path::{Path, PathBuf};

use super::OpenFault;
use super::nursery::{Nursery, free_space, vacuum};

/// How many such copies stay.
const KEPT: usize = 2;
/// What must be free beside the copy itself: the migration writes, too.
const SPARE: u64 = 16 * 1024 * 1024;

/// Copies the file at `path`, in which the migration `next` is to be made.
pub(super) fn keep_before_migration(path: &Path, next: i64) -> Result<(), OpenFault> {
    let io = |what: String| OpenFault::Io { path: path.to_owned(), what };
    let kept = named(path, &format!(".before-{next}"));
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let needed = length(path).saturating_add(length(&named(path, "-wal"))).saturating_add(SPARE);
    let free = free_space(path).map_err(|error| io(error.to_string()))?;
    if free < needed {
        return Err(OpenFault::NoRoom { path: path.to_owned(), needed, free });
    }
    let nursery = Nursery::beside(path).map_err(|error| io(error.to_string()))?;
    vacuum(path, nursery.path()).map_err(|error| io(format!("no copy can be made before it is changed: {error}")))?;
    // One that is there already is from an attempt that came no further.
    nursery.replace(&kept).map_err(|error| io(error.to_string()))?;
    tracing::info!(copy = %kept.display(), "the schema is brought up to date; the database as it was is kept");
    remove_older(path);
    Ok(())
}

/// `path` with this behind its name.
fn named(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// What cannot be removed stays.
fn remove_older(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let prefix = format!("{name}.before-");
    let mut found: Vec<(i64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let version = entry.file_name().to_str().and_then(|name| name.strip_prefix(&prefix)?.parse().ok());
        found.extend(version.map(|version| (version, entry.path())));
    }
    found.sort();
    for (_, path) in found.iter().rev().skip(KEPT) {
        match fs::remove_file(path) {
            Ok(()) => tracing::info!(copy = %path.display(), "an older copy is removed"),
            Err(error) => tracing::warn!(copy = %path.display(), %error, "an older copy cannot be removed"),
        }
    }
}
