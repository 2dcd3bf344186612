//! The hash of codes that people keep for long: argon2id (RFC 9106) with a salt for each set and a pepper, a key of
//! the server that is sealed like its signing keys. Whoever has the database alone cannot even begin to guess.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use gatematch_domain::factor::{Hash, Hashing};
use gatematch_protocol::base64url;
use gatematch_protocol::id::KeyId;
use gatematch_protocol::secret::Secret;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::edge::{Edge, NoEntropy};

/// Memory for one hash, in KiB (OWASP, Password Storage: 19 MiB with two passes).
const MEMORY_KIB: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// The length of a hash, in bytes.
const LENGTH: usize = 32;
/// How many are made at a time for gateways and administrators, so that they take a bounded part of memory and of the
/// processors; and how many wait for that, beyond which they are refused.
const FOR_GATEWAYS: (usize, usize) = (2, 256);
/// The same for connect pages, which anybody can open: they never take a gateway's place.
const FOR_PAGES: (usize, usize) = (1, 16);

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHash {
    /// Too many wait for one.
    #[error("too many codes wait to be hashed")]
    Overloaded,
    /// The pepper is not there: the code was kept under a key that is gone.
    #[error("the pepper of a code is not there")]
    NoPepper,
    /// It failed.
    #[error("a code could not be hashed")]
    Failed,
}

/// The peppers, and the place where hashes are made.
pub struct Peppers {
    active: KeyId,
    keys: Arc<BTreeMap<KeyId, Zeroizing<Vec<u8>>>>,
    gateways: Lane,
    pages: Lane,
}

/// For whom a hash is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A gateway or an administrator, who has shown a key.
    Gateway,
    /// A connect page, which may be anybody's.
    Page,
}

/// Places where hashes are made, and places to wait for one.
struct Lane {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Lane {
    fn new((places, waiting): (usize, usize)) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Arc::new(Semaphore::new(waiting)) }
    }
}

impl Peppers {
    /// These peppers, of which new codes take `active`.
    #[must_use]
    pub fn new(active: KeyId, keys: BTreeMap<KeyId, Zeroizing<Vec<u8>>>) -> Self {
        let (gateways, pages) = (Lane::new(FOR_GATEWAYS), Lane::new(FOR_PAGES));
        Self { active, keys: Arc::new(keys), gateways, pages }
    }

    /// How a new set of codes is hashed.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn hashing(&self, edge: &Edge) -> Result<Hashing, NoEntropy> {
        Ok(Hashing { salt: base64url::encode(edge.random::<16>()?), pepper: self.active })
    }

    /// What takes as long as hashing a code of somebody, for a name that nobody has.
    #[must_use]
    pub fn nobodys(&self) -> Hashing {
        Hashing { salt: base64url::encode([0; 16]), pepper: self.active }
    }

    /// The hashes of `codes`.
    ///
    /// # Errors
    /// [`NoHash`].
    pub async fn hash(&self, codes: Vec<Secret>, hashing: &Hashing, whom: For) -> Result<Vec<Hash>, NoHash> {
        let lane = match whom {
            For::Gateway => &self.gateways,
            For::Page => &self.pages,
        };
        let waiting = Arc::clone(&lane.waiting).try_acquire_owned().map_err(|_| NoHash::Overloaded)?;
        let place = Arc::clone(&lane.places).acquire_owned().await.map_err(|_| NoHash::Failed)?;
        let (keys, hashing) = (Arc::clone(&self.keys), hashing.clone());
        let work = tokio::task::spawn_blocking(move || {
            // Whoever asked may hang up; the work goes on, and keeps its places until it is done.
            let _places = (waiting, place);
            let pepper = keys.get(&hashing.pepper).ok_or(NoHash::NoPepper)?;
            let salt = base64url::decode(&hashing.salt).map_err(|_| NoHash::Failed)?;
            codes.iter().map(|code| hash(code, &salt, pepper)).collect()
        });
        work.await.map_err(|_| NoHash::Failed)?
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peppers").field("active", &self.active).finish_non_exhaustive()
    }
}

fn hash(code: &Secret, salt: &[u8], pepper: &[u8]) -> Result<Hash, NoHash> {
    let failed = |_| NoHash::Failed;
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(LENGTH)).map_err(failed)?;
    let argon = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).map_err(failed)?;
    let mut out = Zeroizing::new([0_u8; LENGTH]);
    argon.hash_password_into(code.reveal().as_bytes(), salt, out.as_mut_slice()).map_err(failed)?;
    Ok(Hash::new(base64url::encode(*out)))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use gatematch_protocol::time::Timestamp;

    use super::*;

    fn id(n: u8) -> KeyId {
        KeyId::new(Timestamp::from_micros(0), [n; 10])
    }

    fn peppers() -> Peppers {
        let key = |n: u8| (id(n), Zeroizing::new(vec![n; 32]));
        Peppers::new(id(1), BTreeMap::from([key(1), key(2)]))
    }

    async fn of(code: &str, salt: [u8; 16], pepper: u8) -> Result<Hash, NoHash> {
        let hashing = Hashing { salt: base64url::encode(salt), pepper: id(pepper) };
        peppers().hash(vec![Secret::new(code)], &hashing, For::Gateway).await.map(|mut hashes| hashes.remove(0))
    }

    #[tokio::test]
    async fn code_salt_and_pepper_all_count() {
        let first = of("CODE", [1; 16], 1).await.unwrap();
        assert!(first.is(&of("CODE", [1; 16], 1).await.unwrap()));
        for (code, salt, pepper) in [("CODF", 1, 1), ("CODE", 2, 1), ("CODE", 1, 2)] {
            assert!(!first.is(&of(code, [salt; 16], pepper).await.unwrap()), "{code} {salt} {pepper}");
        }
        assert_eq!(of("CODE", [1; 16], 3).await, Err(NoHash::NoPepper));
    }

    #[tokio::test]
    async fn whoever_comes_when_too_many_wait_is_told() {
        let peppers = peppers();
        let all = u32::try_from(FOR_PAGES.1).unwrap();
        let _all = Arc::clone(&peppers.pages.waiting).try_acquire_many_owned(all).unwrap();
        let nobodys = peppers.nobodys();
        assert_eq!(peppers.hash(vec![Secret::new("x")], &nobodys, For::Page).await, Err(NoHash::Overloaded));
        assert!(peppers.hash(vec![Secret::new("x")], &nobodys, For::Gateway).await.is_ok(), "gateways have their own");
    }

    #[tokio::test]
    async fn whoever_hangs_up_keeps_his_place_until_the_work_is_done() {
        let peppers = peppers();
        let nobodys = peppers.nobodys();
        // Slow enough to be looked at.
        let codes: Vec<Secret> = (0..20).map(|n| Secret::new(format!("{n}"))).collect();
        let mut work = Box::pin(peppers.hash(codes, &nobodys, For::Page));
        poll_fn(|context| {
            assert!(work.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(work);
        assert_eq!(peppers.pages.places.available_permits(), 0);
        // The next one waits for that.
        peppers.hash(vec![Secret::new("x")], &nobodys, For::Page).await.unwrap();
    }
}
