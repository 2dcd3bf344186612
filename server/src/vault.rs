//! Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a master key that is never in the database.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use gatematch_protocol::base64url;
use zeroize::Zeroizing;

use crate::edge::{Edge, NoEntropy};

/// The file in the data directory that holds the master key.
pub const KEY_FILE: &str = "master.key";
/// What a sealed text begins with: the version of its format.
const VERSION: &str = "v1.";

/// The master key: 32 bytes.
pub struct MasterKey(Zeroizing<[u8; 32]>);

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
        let bytes = base64url::decode_array(text.trim()).map_err(|_| MasterKeyFault::NotAKey(source.to_owned()))?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key in `directory`, if there is a file.
    ///
    /// # Errors
    /// [`MasterKeyFault`] for a file that others can read, or that holds no key.
    pub fn read(directory: &Path) -> Result<Option<Self>, MasterKeyFault> {
        let path = directory.join(KEY_FILE);
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

    /// Makes a key and its file (mode 0600, never over another one).
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn create(directory: &Path, edge: &Edge) -> Result<Self, MasterKeyFault> {
        let key = Zeroizing::new(edge.random::<32>()?);
        let path = directory.join(KEY_FILE);
        let write = || {
            // Whole or not at all; a temporary file has the mode 0600 from the beginning.
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(base64url::encode(*key).as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&path).map_err(|fault| fault.error)?;
            File::open(directory)?.sync_all()
        };
        write().map_err(|source| MasterKeyFault::Io { path: path.clone(), source })?;
        Ok(Self(key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Seals and opens secrets.
pub struct Vault {
    key: LessSafeKey,
    edge: Edge,
}

/// A sealed secret that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret does not open: the master key is another one, or the database was changed by hand")]
pub struct DoesNotOpen;

/// A secret that could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret could not be sealed")]
pub struct NotSealed;

impl Vault {
    /// The vault under `master`.
    ///
    /// # Errors
    /// [`NotSealed`] when the cryptographic module refuses the key.
    pub fn new(master: &MasterKey, edge: Edge) -> Result<Self, NotSealed> {
        let key = UnboundKey::new(&AES_256_GCM, master.0.as_slice()).map_err(|_| NotSealed)?;
        Ok(Self { key: LessSafeKey::new(key), edge })
    }

    /// Seals `secret` so that it opens only under the same `label` (what it is and whose).
    ///
    /// # Errors
    /// [`NotSealed`].
    pub fn seal(&self, label: &str, secret: &[u8]) -> Result<String, NotSealed> {
        let nonce: [u8; NONCE_LEN] = self.edge.random().map_err(|_| NotSealed)?;
        let mut sealed = nonce.to_vec();
        let mut body = secret.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(label.as_bytes()), &mut body).map_err(|_| NotSealed)?;
        sealed.append(&mut body);
        Ok(format!("{VERSION}{}", base64url::encode(sealed)))
    }

    /// Opens what [`Vault::seal`] made under the same `label`.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, label: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let bytes = sealed.strip_prefix(VERSION).and_then(|text| base64url::decode(text).ok()).ok_or(DoesNotOpen)?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or(DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DoesNotOpen)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length =
            self.key.open_in_place(nonce, Aad::from(label.as_bytes()), &mut body).map_err(|_| DoesNotOpen)?.len();
        body.truncate(length);
        Ok(body)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_under_its_own_label_and_key_only() {
        let edge = Edge::system();
        let vault = Vault::new(&MasterKey(Zeroizing::new([1; 32])), edge.clone()).unwrap();
        let sealed = vault.seal("number:1", b"047").unwrap();
        assert!(!sealed.contains("047"));
        assert_eq!(vault.open("number:1", &sealed).unwrap().as_slice(), b"047");
        assert_eq!(vault.open("number:2", &sealed), Err(DoesNotOpen));
        let other = Vault::new(&MasterKey(Zeroizing::new([2; 32])), edge).unwrap();
        assert_eq!(other.open("number:1", &sealed), Err(DoesNotOpen));
        for broken in ["", "v1.", "v1.AA", "v2.AAAA", &sealed[..sealed.len() - 2]] {
            assert_eq!(vault.open("number:1", broken), Err(DoesNotOpen), "{broken}");
        }
    }

    #[test]
    fn the_key_file_is_private_and_never_overwritten() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;
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
}
