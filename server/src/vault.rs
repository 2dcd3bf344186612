//! Secrets at rest: AES-256-GCM under data keys, which are in the database under a master key that never is.
//!
//! `v2.<number>.<base64url>` is sealed under the data key of that number, and `v1.<base64url>` under the master key
//! itself, as everything was before there were data keys. The label under which a secret is sealed says what it is and
//! whose. A data key is a secret like others, and its label has its number: a key opens under its own number alone, and
//! so does what is sealed under it.

mod change;
mod cipher;
mod master;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use gatematch_protocol::time::Timestamp;
use zeroize::Zeroizing;

pub use self::change::ChangeLock;
use self::cipher::Cipher;
pub use self::master::{KEY_FILE, MasterKey, MasterKeyFault, NEXT_FILE, OLD_FILES, Source};
use crate::edge::Edge;

/// What a text begins with that is sealed under the master key.
const UNDER_MASTER: &str = "v1.";
/// What a text begins with that is sealed under a data key; its number follows.
const UNDER_DATA_KEY: &str = "v2.";

/// A data key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    /// Names it: 1, 2, 3, ... The highest is the active one.
    pub number: u32,
    /// The key, sealed under the master key. Under two, the new one last, while a new one waits for the next start.
    pub sealed: String,
    /// `active` or `retiring`.
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SealedKey {
    /// Whether it is sealed under two master keys: a new one waits for the server's next start.
    #[must_use]
    pub fn is_between_masters(&self) -> bool {
        self.sealed.contains(' ')
    }

    /// Without the new one that waits.
    fn under_old(&self) -> Self {
        let old = self.sealed.split(' ').next().unwrap_or_default();
        Self { sealed: old.to_owned(), ..self.clone() }
    }

    fn label(&self) -> String {
        format!("vault-key:{}", self.number)
    }

    /// The key, where `master` opens it.
    fn open(&self, master: &Cipher) -> Option<Zeroizing<Vec<u8>>> {
        self.sealed.split(' ').find_map(|sealed| master.open(&self.label(), sealed.strip_prefix(UNDER_MASTER)?))
    }
}

/// Which key a sealed text names: `None` for the master key itself.
#[must_use]
pub fn key_of(sealed: &str) -> Option<Option<u32>> {
    split(sealed).map(|(number, _)| number)
}

/// How every text begins that is sealed under this data key.
#[must_use]
pub fn prefix(number: u32) -> String {
    format!("{UNDER_DATA_KEY}{number}.")
}

/// The key that a sealed text names, and the rest.
fn split(sealed: &str) -> Option<(Option<u32>, &str)> {
    if let Some(text) = sealed.strip_prefix(UNDER_MASTER) {
        return Some((None, text));
    }
    let (digits, text) = sealed.strip_prefix(UNDER_DATA_KEY)?.split_once('.')?;
    let number: u32 = digits.parse().ok()?;
    // One way to write each number.
    (number > 0 && number.to_string() == digits).then_some((Some(number), text))
}

/// A sealed secret that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoesNotOpen {
    /// It was sealed under another key or label, or is not what it was.
    #[error("a sealed secret does not open: the master key is another one, or the database was changed by hand")]
    Spoilt,
    /// The data key of this number is not known here: made or deleted by another process, perhaps.
    #[error("a secret is sealed under the data key {0}, which is not known")]
    UnknownKey(u32),
}

/// A secret that could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret could not be sealed")]
pub struct NotSealed;

impl From<NotSealed> for DoesNotOpen {
    fn from(_: NotSealed) -> Self {
        Self::Spoilt
    }
}

/// The keys, ready for use. Data keys that were deleted meanwhile stay until the process ends: what was read before
/// still opens.
#[derive(Clone)]
struct Ring {
    master: Arc<Cipher>,
    keys: BTreeMap<u32, Arc<Cipher>>,
}

/// Seals and opens secrets.
pub struct Vault {
    ring: RwLock<Arc<Ring>>,
    source: Source,
    edge: Edge,
    /// The data keys that do not open, as they were told of.
    missed: RwLock<BTreeSet<u32>>,
}

impl Vault {
    /// The vault under `master`, without a data key yet.
    ///
    /// # Errors
    /// [`NotSealed`] when the cryptographic module refuses the key.
    pub fn new(master: &MasterKey, source: Source, edge: Edge) -> Result<Self, NotSealed> {
        let ring = Ring { master: Arc::new(master.cipher()?), keys: BTreeMap::new() };
        Ok(Self { ring: RwLock::new(Arc::new(ring)), source, edge, missed: RwLock::default() })
    }

    /// Seals `secret` under the active data key so that it opens only under the same `label` (what it is and whose).
    ///
    /// What is stored must be sealed in the transaction that stores it: there alone, the active key is surely the
    /// database's own.
    ///
    /// # Errors
    /// [`NotSealed`], also where no data key is known yet.
    pub fn seal(&self, label: &str, secret: &[u8]) -> Result<String, NotSealed> {
        let ring = self.ring();
        let (number, key) = ring.keys.last_key_value().ok_or(NotSealed)?;
        Ok(prefix(*number) + &key.seal(label, secret, &self.edge)?)
    }

    /// Opens what [`Vault::seal`] made under the same `label`.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, label: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (number, text) = split(sealed).ok_or(DoesNotOpen::Spoilt)?;
        let ring = self.ring();
        let key = match number {
            None => &ring.master,
            Some(number) => ring.keys.get(&number).ok_or_else(|| self.unknown(number))?,
        };
        key.open(label, text).ok_or(DoesNotOpen::Spoilt)
    }

    /// The number of the data key that new secrets are sealed under, once one is known.
    #[must_use]
    pub fn active(&self) -> Option<u32> {
        self.ring().keys.last_key_value().map(|(number, _)| *number)
    }

    /// Whether a sealed text is sealed under the active data key.
    #[must_use]
    pub fn is_current(&self, sealed: &str) -> bool {
        self.active().is_some_and(|number| key_of(sealed) == Some(Some(number)))
    }

    /// Learns the data keys that are not known yet. Where the master key does not open the newest of them, its file is
    /// read again: it may hold another one by now. An older one that does not open is left out, and named in the log:
    /// what is sealed under it is lost, and nothing else.
    ///
    /// # Errors
    /// [`DoesNotOpen`], where the active one does not open; nothing was learned then.
    pub fn learn(&self, keys: &[SealedKey]) -> Result<(), DoesNotOpen> {
        let known = self.ring();
        let is_unknown = |key: &&SealedKey| !known.keys.contains_key(&key.number);
        let Some(newest) = active(keys) else { return Ok(()) };
        if !keys.iter().any(|key| is_unknown(&key)) {
            return Ok(());
        }
        let master = if is_unknown(&newest) { self.master_of(newest)? } else { Arc::clone(&self.ring().master) };
        let mut opened = BTreeMap::new();
        for key in keys.iter().filter(is_unknown) {
            match key.open(&master) {
                Some(bytes) => drop(opened.insert(key.number, Arc::new(Cipher::new(&bytes)?))),
                None => self.miss(key.number),
            }
        }
        self.change(|ring| ring.keys.extend(opened));
        Ok(())
    }

    /// A key that is known not to open makes what is sealed under it as damaged as it is: nobody looks for it again.
    fn unknown(&self, number: u32) -> DoesNotOpen {
        let is_missed = self.missed.read().unwrap_or_else(PoisonError::into_inner).contains(&number);
        if is_missed { DoesNotOpen::Spoilt } else { DoesNotOpen::UnknownKey(number) }
    }

    /// Tells of a data key that does not open, once.
    fn miss(&self, number: u32) {
        if self.missed.write().unwrap_or_else(PoisonError::into_inner).insert(number) {
            tracing::error!(
                data_key = number,
                "an older data key does not open: it is damaged, and so is what is still sealed under it"
            );
        }
    }

    /// Makes sure that the master key is the one that these keys are sealed under, known or not: the active one counts.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn check_master(&self, keys: &[SealedKey]) -> Result<(), DoesNotOpen> {
        active(keys).map_or(Ok(()), |key| self.master_of(key).map(drop))
    }

    /// A new data key of this number, sealed under the master key. It is known when it was learned.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub fn new_key(&self, number: u32, created_at: Timestamp) -> Result<SealedKey, NotSealed> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.edge.entropy.fill(bytes.as_mut_slice()).map_err(|_| NotSealed)?;
        let mut key = SealedKey { number, sealed: String::new(), status: "active".to_owned(), created_at };
        key.sealed = UNDER_MASTER.to_owned() + &self.ring().master.seal(&key.label(), bytes.as_slice(), &self.edge)?;
        Ok(key)
    }

    /// `key` sealed under the master key `new`; behind what it is sealed under now, if `keep_old`, and in the place of a
    /// new one that waited. `None`: it is sealed under `new` already.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn seal_anew(&self, key: &SealedKey, new: &MasterKey, keep_old: bool) -> Result<Option<String>, DoesNotOpen> {
        let new = new.cipher()?;
        if key.open(&new).is_some() {
            return Ok(None);
        }
        let old = key.under_old();
        let bytes = old.open(&self.ring().master).ok_or(DoesNotOpen::Spoilt)?;
        let sealed = UNDER_MASTER.to_owned() + &new.seal(&key.label(), &bytes, &self.edge)?;
        Ok(Some(if keep_old { format!("{} {sealed}", old.sealed) } else { sealed }))
    }

    /// Whether the master key is the one that a new one is to replace: the other of the two would be the one that waits.
    #[must_use]
    pub fn holds_old(&self, key: &SealedKey) -> bool {
        opens(&self.ring().master, Some(&key.under_old()))
    }

    /// What stays of a key that is sealed under two master keys, where the new one is ours by now.
    #[must_use]
    pub fn without_old(&self, key: &SealedKey) -> Option<String> {
        let (_, new) = key.sealed.rsplit_once(' ')?;
        let alone = SealedKey { sealed: new.to_owned(), ..key.clone() };
        alone.open(&self.ring().master).is_some().then_some(alone.sealed)
    }

    /// The master key that opens `key`: the known one, else the one that is in the file by now.
    fn master_of(&self, key: &SealedKey) -> Result<Arc<Cipher>, DoesNotOpen> {
        let known = Arc::clone(&self.ring().master);
        if opens(&known, Some(key)) {
            return Ok(known);
        }
        let Source::Directory(directory) = &self.source else { return Err(DoesNotOpen::Spoilt) };
        // The next one first: if it has gone meanwhile, it is in its place.
        let mut files = [NEXT_FILE, KEY_FILE].into_iter().filter_map(|name| master_in(directory, name));
        let found = files.find(|master| opens(master, Some(key)));
        let found = Arc::new(found.ok_or(DoesNotOpen::Spoilt)?);
        self.change(|ring| ring.master = Arc::clone(&found));
        Ok(found)
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        change(Arc::make_mut(&mut self.ring.write().unwrap_or_else(PoisonError::into_inner)));
    }
}

/// The active one of these keys: all are sealed under the same master key, in one step, and it must open.
#[must_use]
pub fn active(keys: &[SealedKey]) -> Option<&SealedKey> {
    keys.iter().max_by_key(|key| key.number)
}

fn opens(master: &Cipher, key: Option<&SealedKey>) -> bool {
    key.is_some_and(|key| key.open(master).is_some())
}

/// A file that cannot be read, or holds no key, is as good as none here: what does not open is told by name.
fn master_in(directory: &Path, name: &str) -> Option<Cipher> {
    MasterKey::read_file(directory.join(name)).ok()??.cipher().ok()
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}
