//! A change of the master key in the data directory: by one at a time, and so that no key is lost on the way.
//!
//! The new key waits in a file of its own while the database is sealed under it, and takes the place of the old one
//! after that. Where a change was cut off, that file may be the only place where the new key is: nobody writes over it
//! or moves it without the lock, and not before it was looked at what the database is sealed under.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::master::{self, KEY_FILE, MasterKey, MasterKeyFault, NEXT_FILE, Source};
use super::{SealedKey, Vault, active, master_in, opens};

/// Held by the only process that may change the files of the master key in a data directory. It ends with the process.
#[derive(Debug)]
pub struct ChangeLock(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

impl ChangeLock {
    /// The lock of this data directory; `None` where somebody else holds it.
    ///
    /// # Errors
    /// What the system says.
    pub fn take(directory: &Path) -> io::Result<Option<Self>> {
        let file = File::open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Vault {
    /// Whether a change of the master key was cut off after the database was sealed under the new one, or is under way.
    #[must_use]
    pub fn is_change_unfinished(&self, keys: &[SealedKey]) -> bool {
        let Source::Directory(directory) = &self.source else { return false };
        active(keys).is_some() && !is_master_in(directory, KEY_FILE, keys) && is_master_in(directory, NEXT_FILE, keys)
    }

    /// The lock without which no file of the master key is moved. `None` where somebody else holds it, or the master
    /// key is in no file.
    ///
    /// # Errors
    /// [`MasterKeyFault::Io`].
    pub fn try_lock_change(&self) -> Result<Option<ChangeLock>, MasterKeyFault> {
        let Source::Directory(directory) = &self.source else { return Ok(None) };
        ChangeLock::take(directory).map_err(|source| MasterKeyFault::Io { path: directory.clone(), source })
    }

    /// Ends a change of the master key that was cut off after the database was sealed under the new one: puts the file
    /// of the next key in its place; yields where the displaced one is kept. Where there was none, nothing happens.
    /// `keys` must have been read under the lock.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn finish_change(&self, _: &ChangeLock, keys: &[SealedKey]) -> Result<Option<PathBuf>, MasterKeyFault> {
        let Source::Directory(directory) = &self.source else { return Ok(None) };
        if !self.is_change_unfinished(keys) {
            return Ok(None);
        }
        let old = MasterKey::promote_next(directory, self.edge.now())?;
        master::sweep(directory);
        Ok(old)
    }

    /// Makes room for a next master key: one that this database does not need is kept as an old one, for it may be
    /// another's, and what was left of files that were cut off before they had a name is removed. `keys` must have been
    /// read under the lock.
    ///
    /// # Errors
    /// [`MasterKeyFault::NextInUse`] where it is not certain that the next key is good for nothing: the key file does
    /// not open the database at this moment.
    pub fn clear_next(&self, _: &ChangeLock, keys: &[SealedKey]) -> Result<(), MasterKeyFault> {
        let Source::Directory(directory) = &self.source else { return Ok(()) };
        if !is_next_spare(directory, keys)? {
            return Ok(());
        }
        master::displace_next(directory, self.edge.now())?;
        master::sweep(directory);
        Ok(())
    }

    /// Removes the next key that was just made, where the database was not sealed under it after all. `keys` must have
    /// been read under the lock.
    ///
    /// # Errors
    /// As [`Self::clear_next`].
    pub fn withdraw_next(&self, _: &ChangeLock, keys: &[SealedKey]) -> Result<(), MasterKeyFault> {
        let Source::Directory(directory) = &self.source else { return Ok(()) };
        if is_next_spare(directory, keys)? { master::remove_next(directory) } else { Ok(()) }
    }
}

/// Whether the key file opens the database, so that the next one is not needed for that; false where there is none.
fn is_next_spare(directory: &Path, keys: &[SealedKey]) -> Result<bool, MasterKeyFault> {
    if active(keys).is_some() && is_master_in(directory, KEY_FILE, keys) {
        return Ok(true);
    }
    let path = directory.join(NEXT_FILE);
    if path.symlink_metadata().is_ok() { Err(MasterKeyFault::NextInUse(path)) } else { Ok(false) }
}

/// Whether the file of this name holds the master key that `keys` are sealed under.
fn is_master_in(directory: &Path, name: &str, keys: &[SealedKey]) -> bool {
    master_in(directory, name).is_some_and(|master| opens(&master, active(keys)))
}
