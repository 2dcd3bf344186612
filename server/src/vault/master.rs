//! The master key, and the files that it is in.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use gatematch_protocol::base64url;
use gatematch_protocol::time::Timestamp;
use zeroize::Zeroizing;

use super::NotSealed;
use super::cipher::Cipher;
use crate::edge::{Edge, NoEntropy};

/// The file in the data directory that holds the master key.
pub const KEY_FILE: &str = "master.key";
/// The file beside it that holds the next one, from before the database is sealed under it until it takes its place.
pub const NEXT_FILE: &str = "master.key.next";

/// How the names begin of those that were replaced; the time follows. Backups from before open under them alone.
pub const OLD_FILES: &str = "master.key.old-";
/// How the names begin of files that are being written.
const YOUNG: &str = ".master.key-";
/// How such names began in older versions, where any file could have one.
const YOUNG_BEFORE: &str = ".tmp";
/// A key as text, with the end of the line.
const TEXT_LENGTH: u64 = 44;
/// How many names are tried for keys that were replaced in the same second.
const NAMES: u32 = 1_000;

/// The master key: 32 bytes.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Where the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the environment.
    Given,
    /// From the file in this directory, where it may be another one later.
    Directory(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyFault {
    /// The file cannot be read or written.
    #[error("the master key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("the master key file {0} can be read by others; run: chmod 600 {0}")]
    Readable(PathBuf),
    /// Not 32 bytes in base64url.
    #[error("{0} does not hold a master key (32 bytes in base64url)")]
    NotAKey(String),
    /// The next key may be the only one that opens the database.
    #[error("{0} may hold the only master key that opens the database, and is left as it is")]
    NextInUse(PathBuf),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

impl MasterKey {
    /// The key in `text`, which `source` names for errors.
    ///
    /// # Errors
    /// [`MasterKeyFault::NotAKey`].
    pub fn from_text(text: &str, source: &str) -> Result<Self, MasterKeyFault> {
        let fault = || MasterKeyFault::NotAKey(source.to_owned());
        let bytes = Zeroizing::new(base64url::decode(text.trim()).map_err(|_| fault())?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(fault());
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// The key in `directory`, if there is a file.
    ///
    /// # Errors
    /// [`MasterKeyFault`] for a file that others can read, or that holds no key.
    pub fn read(directory: &Path) -> Result<Option<Self>, MasterKeyFault> {
        Self::read_file(directory.join(KEY_FILE))
    }

    /// The key in the file `path`, if it is there.
    ///
    /// # Errors
    /// [`MasterKeyFault`] for a file that others can read, or that holds no key.
    pub fn read_file(path: PathBuf) -> Result<Option<Self>, MasterKeyFault> {
        let fault = |source| MasterKeyFault::Io { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        if file.metadata().map_err(fault)?.mode() & 0o077 != 0 {
            return Err(MasterKeyFault::Readable(path));
        }
        let text = Zeroizing::new(io::read_to_string(file).map_err(fault)?);
        Self::from_text(&text, &path.display().to_string()).map(Some)
    }

    /// A new key, which is nowhere yet.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn generate(edge: &Edge) -> Result<Self, NoEntropy> {
        let mut key = Zeroizing::new([0; 32]);
        edge.entropy.fill(key.as_mut_slice())?;
        Ok(Self(key))
    }

    /// Makes a key and its file (mode 0600, never over another one).
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn create(directory: &Path, edge: &Edge) -> Result<Self, MasterKeyFault> {
        let key = Self::generate(edge)?;
        let file = key.file_in(directory, KEY_FILE)?;
        let path = directory.join(KEY_FILE);
        let keep = || {
            file.persist_noclobber(&path).map_err(|fault| fault.error)?;
            File::open(directory)?.sync_all()
        };
        keep().map_err(|source| MasterKeyFault::Io { path: path.clone(), source })?;
        Ok(key)
    }

    /// Writes this key down as the next one (mode 0600), never over another one.
    ///
    /// # Errors
    /// [`MasterKeyFault::NextInUse`] where there is one, and [`MasterKeyFault::Io`].
    pub fn write_next(&self, directory: &Path) -> Result<(), MasterKeyFault> {
        let file = self.file_in(directory, NEXT_FILE)?;
        let path = directory.join(NEXT_FILE);
        let keep = || {
            file.persist_noclobber(&path).map_err(|fault| fault.error)?;
            File::open(directory)?.sync_all()
        };
        keep().map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => MasterKeyFault::NextInUse(path.clone()),
            _ => MasterKeyFault::Io { path: path.clone(), source },
        })
    }

    /// Puts the next key in the place of the one that was, and keeps that one under a name with this time; yields its
    /// file. Where there is no next key, nothing happens.
    ///
    /// # Errors
    /// [`MasterKeyFault::Io`]; both keys are still there then.
    pub fn promote_next(directory: &Path, at: Timestamp) -> Result<Option<PathBuf>, MasterKeyFault> {
        let (path, next) = (directory.join(KEY_FILE), directory.join(NEXT_FILE));
        let put = || {
            if !next.try_exists()? {
                return Ok(None);
            }
            let old = keep_displaced(directory, KEY_FILE, at)?;
            fs::rename(&next, &path)?;
            File::open(directory)?.sync_all()?;
            Ok(old)
        };
        put().map_err(|source| MasterKeyFault::Io { path: path.clone(), source })
    }

    /// A durable file in `directory` that has no name there yet: whole or not at all. It has the mode 0600 from the
    /// beginning.
    fn file_in(&self, directory: &Path, name: &str) -> Result<tempfile::NamedTempFile, MasterKeyFault> {
        let write = || {
            let mut file = tempfile::Builder::new().prefix(YOUNG).tempfile_in(directory)?;
            let text = Zeroizing::new(base64url::encode(self.0.as_slice()));
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        write().map_err(|source| MasterKeyFault::Io { path: directory.join(name), source })
    }

    /// Whether it is the same key.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_slice(), other.0.as_slice()).is_ok()
    }

    pub(super) fn cipher(&self) -> Result<Cipher, NotSealed> {
        Cipher::new(self.0.as_slice())
    }
}

/// Keeps what is in the file `name` under a name with this time as well (mode 0600), unless it is kept already.
fn keep_displaced(directory: &Path, name: &str, at: Timestamp) -> io::Result<Option<PathBuf>> {
    let bytes = match fs::read(directory.join(name)) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Some(kept) = kept_as(directory, &bytes)? {
        return Ok(Some(kept));
    }
    let mut file = tempfile::Builder::new().prefix(YOUNG).tempfile_in(directory)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    let time: String = at.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    for number in 1..=NAMES {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = directory.join(format!("{OLD_FILES}{time}Z{more}"));
        match file.persist_noclobber(&path) {
            Ok(_) => {
                File::open(directory)?.sync_all()?;
                return Ok(Some(path));
            }
            Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => file = fault.file,
            Err(fault) => return Err(fault.error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Where the same key is kept already: an attempt to put another in its place that failed may have come so far.
fn kept_as(directory: &Path, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_old = entry.file_name().to_str().is_some_and(|name| name.starts_with(OLD_FILES));
        if is_old && fs::read(entry.path()).map(Zeroizing::new).is_ok_and(|kept| kept.as_slice() == bytes) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// Takes away a next key that this database does not need, and keeps it as an old one: another may.
pub(super) fn displace_next(directory: &Path, at: Timestamp) -> Result<(), MasterKeyFault> {
    let fault = |source| MasterKeyFault::Io { path: directory.join(NEXT_FILE), source };
    keep_displaced(directory, NEXT_FILE, at).map_err(fault)?;
    remove_next(directory)
}

/// Removes a next key that never came to be.
pub(super) fn remove_next(directory: &Path) -> Result<(), MasterKeyFault> {
    let path = directory.join(NEXT_FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(MasterKeyFault::Io { path, source: error }),
        _ => Ok(()),
    }
}

/// Removes files of ours that were cut off before they had a name: no database was ever sealed under what is in them.
/// What cannot be removed stays.
pub(super) fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_file = entry.metadata().is_ok_and(|of| of.is_file() && of.len() <= TEXT_LENGTH);
        let is_key = || matches!(MasterKey::read_file(entry.path()), Ok(Some(_)));
        let is_ours = is_file && (name.starts_with(YOUNG) || (name.starts_with(YOUNG_BEFORE) && is_key()));
        if is_ours && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "what was left of a key file stays");
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_file_is_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let edge = Edge::system();
        assert!(MasterKey::read(directory.path()).unwrap().is_none());
        MasterKey::create(directory.path(), &edge).unwrap();
        let path = directory.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(MasterKey::read(directory.path()).unwrap().is_some());
        assert!(MasterKey::create(directory.path(), &edge).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::read(directory.path()), Err(MasterKeyFault::Readable(_))));
    }

    #[test]
    fn the_next_key_waits_beside_the_key_and_takes_its_place_once() {
        let directory = tempfile::tempdir().unwrap();
        let (path, next) = (directory.path().join(KEY_FILE), directory.path().join(NEXT_FILE));
        let edge = Edge::system();
        MasterKey::create(directory.path(), &edge).unwrap();
        let first = fs::read(&path).unwrap();
        MasterKey::generate(&edge).unwrap().write_next(directory.path()).unwrap();
        let second = fs::read(&next).unwrap();
        // It may be the only copy.
        let again = MasterKey::generate(&edge).unwrap().write_next(directory.path());
        assert!(matches!(again, Err(MasterKeyFault::NextInUse(_))));
        assert!(fs::read(&path).unwrap() == first && fs::read(&next).unwrap() == second && second != first);
        let at = Timestamp::from_micros(1_700_000_000_000_001);
        let old = MasterKey::promote_next(directory.path(), at).unwrap().unwrap();
        assert!(old.ends_with("master.key.old-20231114T221320Z"), "{}", old.display());
        assert_eq!((fs::read(&path).unwrap(), fs::read(&old).unwrap()), (second, first));
        for path in [&path, &old] {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(MasterKey::promote_next(directory.path(), at).unwrap(), None);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
        // In the same second once more.
        MasterKey::generate(&edge).unwrap().write_next(directory.path()).unwrap();
        let older = MasterKey::promote_next(directory.path(), at).unwrap().unwrap();
        assert!(older.ends_with("master.key.old-20231114T221320Z-2"), "{}", older.display());
    }

    #[test]
    fn a_next_key_that_is_not_needed_is_kept_and_each_old_key_once() {
        let directory = tempfile::tempdir().unwrap();
        let edge = Edge::system();
        MasterKey::create(directory.path(), &edge).unwrap();
        MasterKey::generate(&edge).unwrap().write_next(directory.path()).unwrap();
        let next = fs::read(directory.path().join(NEXT_FILE)).unwrap();
        let at = Timestamp::from_micros(1_700_000_000_000_001);
        // As after an attempt to move the files that came so far and no further.
        let kept = keep_displaced(directory.path(), KEY_FILE, at).unwrap();
        assert_eq!(keep_displaced(directory.path(), KEY_FILE, at).unwrap(), kept);
        displace_next(directory.path(), at).unwrap();
        assert_eq!(fs::read(directory.path().join("master.key.old-20231114T221320Z-2")).unwrap(), next);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_was_cut_off_is_swept_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let files = [
            (".tmpAbCdEf", key, false),
            (".master.key-AbCdEf", "AAA", false),
            (".tmpOther", "not a key", true),
            ("master.key", key, true),
            ("master.key.next", key, true),
            ("master.key.old-20231114T221320Z", key, true),
        ];
        for (name, text, _) in files {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        sweep(directory.path());
        for (name, _, stays) in files {
            assert_eq!(directory.path().join(name).exists(), stays, "{name}");
        }
    }
}
