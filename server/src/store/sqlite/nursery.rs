//! A file that is made beside its place, and is put there when it is whole: nobody ever finds half of one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::{TempDir, TempPath};

use super::pool::BUSY;
use crate::store::StoreError;

/// How the names of the directories begin in which such files are made.
const PREFIX: &str = ".gatematch-young-";

/// A file that nobody finds yet. It is gone with this, unless it was put in its place.
pub(crate) struct Nursery {
    path: PathBuf,
    /// Locked: whoever finds the directory without a lock may remove it.
    lock: File,
    dir: TempDir,
}

impl Nursery {
    /// An empty file, for this account alone, beside `place`. What others left that were cut off is removed.
    pub(crate) fn beside(place: &Path) -> io::Result<Self> {
        let directory = directory_of(place);
        sweep(directory);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(directory)?;
        let lock = File::open(dir.path())?;
        lock.try_lock()?;
        let path = dir.path().join("young.db");
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path, lock, dir })
    }

    /// Where it is now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place, durably; never over another one.
    pub(crate) fn settle(self, place: &Path) -> io::Result<()> {
        self.check_alone()?;
        File::open(&self.path)?.sync_all()?;
        TempPath::try_from_path(&self.path)?.persist_noclobber(place).map_err(|fault| fault.error)?;
        self.settled(place)
    }

    /// Puts it in its place, durably, over what is there.
    pub(crate) fn replace(self, place: &Path) -> io::Result<()> {
        self.check_alone()?;
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, place)?;
        self.settled(place)
    }

    /// Nothing of it stands in another file, which would not go with it.
    fn check_alone(&self) -> io::Result<()> {
        for end in ["-wal", "-journal"] {
            if fs::metadata(named(&self.path, end)).is_ok_and(|beside| beside.len() > 0) {
                return Err(io::Error::other("not all of it is in the one file; is the disk full?"));
            }
        }
        Ok(())
    }

    fn settled(self, place: &Path) -> io::Result<()> {
        let Self { lock, dir, .. } = self;
        drop(lock);
        // What is left in it is of no use.
        drop(dir.close());
        sync_directory(place)
    }
}

/// `path` with this behind its name.
pub(crate) fn named(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The directory that `path` is in.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in the directory of `path` last.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// What cannot be removed stays; it does no harm but for its size.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_one && File::open(entry.path()).is_ok_and(|found| found.try_lock().is_ok()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Writes what is in the file `from` at this moment into the empty file `into`; others go on meanwhile.
pub(crate) fn vacuum(from: &Path, into: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(from, flags)?;
    conn.busy_timeout(BUSY)?;
    let into = into.to_str().ok_or_else(|| StoreError::Database("the path is not UTF-8".into()))?;
    conn.execute("VACUUM INTO ?", [into])?;
    Ok(())
}

/// How many bytes are free where `path` is.
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory_of(path))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_swept_and_what_is_at_work_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a.db");
        let at_work = Nursery::beside(&place).unwrap();
        let cut_off = dir.path().join(format!("{PREFIX}x"));
        fs::create_dir(&cut_off).unwrap();
        fs::write(cut_off.join("young.db"), "half").unwrap();
        let next = Nursery::beside(&place).unwrap();
        assert!(!cut_off.exists() && at_work.path().exists());
        drop(at_work);
        next.settle(&place).unwrap();
        assert!(Nursery::beside(&place).unwrap().settle(&place).is_err(), "never over another one");
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.db"]);
    }
}
