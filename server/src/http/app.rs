//! What every handler has at hand.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::audit::Actor;
use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::id::{GatewayId, SessionId, UserId};
use gatematch_protocol::proof::MAX_SKEW_SECONDS;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::strangers::Strangers;
use crate::audit::{self, LogFault};
use crate::edge::Edge;
use crate::hub::Hub;
use crate::keys::Keys;
use crate::phone::Phone;
use crate::places::Places;
use crate::settings::Settings;
use crate::store::{Act, Store};
use crate::tally::{Census, Lately, Tally};

/// What every handler has at hand; cheap to clone.
pub type App = Arc<Inner>;

/// The parts of [`App`].
pub struct Inner {
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// What is signed with.
    pub keys: Arc<Keys>,
    /// How this server is set up.
    pub settings: Settings,
    /// The issuer, without trailing slash.
    pub issuer: String,
    /// Who knows where addresses are.
    pub places: Arc<Places>,
    /// The phone as a web app.
    pub phone: Phone,
    /// Clock and randomness.
    pub edge: Edge,
    /// Who waits for what.
    pub hub: Arc<Hub>,
    /// Refusals of the unauthenticated.
    pub strangers: Strangers,
    /// Event streams of connect pages that are open.
    pub streams: Streams,
    /// Idempotency-Keys whose first request is in progress.
    pub in_progress: InProgress,
    /// Proofs that were used here.
    pub proofs: SpentProofs,
    /// What of the audit log was signed here last: whoever writes the log anew cannot take it out of our memory.
    pub signed: Mutex<Option<Checkpoint>>,
    /// Who has read the audit log this hour.
    pub audit_readers: AuditReaders,
    /// How sign-ins ended, for the overview.
    pub tally: Tally,
    /// What became of pushes of late.
    pub lately: Lately,
    /// How many people cannot sign in yet.
    pub census: Census,
    /// Feeds of the console that are open.
    pub watchers: Watchers,
    /// Lists that are written out at the console.
    pub exports: Watchers,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// Whether every listener that is configured is bound.
    pub whole: AtomicBool,
    /// Ends the waiting when the server stops.
    pub stopping: CancellationToken,
}

impl Inner {
    /// Signs what the audit log ends in now.
    ///
    /// # Errors
    /// [`LogFault`].
    pub async fn checkpoint(&self) -> Result<Checkpoint, LogFault> {
        let known = self.signed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let made = audit::checkpoint(self.store.as_ref(), &self.keys, &self.issuer, self.now(), known.as_ref()).await?;
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if signed.as_ref().is_none_or(|known| known.size < made.size) {
            *signed = Some(made.clone());
        }
        drop(signed);
        Ok(made)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.edge.now()
    }

    /// `actor` acts now.
    pub fn act(&self, actor: Actor) -> Act {
        Act::new(actor, self.now())
    }
}

/// The most event streams of one session of the connect page; a tab that finds no place asks again and again instead.
const MAX_STREAMS_OF_SESSION: usize = 4;
/// The most event streams of one address (or IPv6 /64).
const MAX_STREAMS_OF_ADDRESS: usize = 256;

/// What event streams are counted by.
type StreamKeys = (SessionId, IpAddr);

/// How many event streams of connect pages are open, by session and by address.
#[derive(Default)]
pub struct Streams(Arc<Mutex<StreamCounts>>);

#[derive(Default)]
struct StreamCounts {
    by_session: HashMap<SessionId, usize>,
    by_address: HashMap<IpAddr, usize>,
}

/// Holds the place of an open stream.
pub struct HeldStream {
    counts: Arc<Mutex<StreamCounts>>,
    keys: StreamKeys,
}

impl Streams {
    /// Takes a place for one more; `None` where there is none.
    pub fn hold(&self, session: SessionId, block: IpAddr) -> Option<HeldStream> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_session = counts.by_session.get(&session).copied().unwrap_or(0);
        let of_address = counts.by_address.get(&block).copied().unwrap_or(0);
        if of_session >= MAX_STREAMS_OF_SESSION || of_address >= MAX_STREAMS_OF_ADDRESS {
            return None;
        }
        counts.by_session.insert(session, of_session + 1);
        counts.by_address.insert(block, of_address + 1);
        Some(HeldStream { counts: Arc::clone(&self.0), keys: (session, block) })
    }
}

fn give_back<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for HeldStream {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        give_back(&mut counts.by_session, &self.keys.0);
        give_back(&mut counts.by_address, &self.keys.1);
    }
}

/// What at the console is open for long, by person.
#[derive(Default)]
pub struct Watchers(Arc<Mutex<HashMap<UserId, usize>>>);

/// Holds the place of one of them.
pub struct HeldPlace {
    counts: Arc<Mutex<HashMap<UserId, usize>>>,
    person: UserId,
}

impl Watchers {
    /// Takes a place for one more of this person's; `None` where he has `most_of_one`, or all together have `most`.
    pub fn hold(&self, person: UserId, most_of_one: usize, most: usize) -> Option<HeldPlace> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.get(&person).copied().unwrap_or(0);
        if own >= most_of_one || counts.values().sum::<usize>() >= most {
            return None;
        }
        counts.insert(person, own + 1);
        Some(HeldPlace { counts: Arc::clone(&self.0), person })
    }
}

impl Drop for HeldPlace {
    fn drop(&mut self) {
        give_back(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner), &self.person);
    }
}

/// Idempotency-Keys whose first request is in progress on this node.
#[derive(Default)]
pub struct InProgress(Arc<Mutex<HashSet<(GatewayId, String)>>>);

/// Holds an Idempotency-Key while its first request is in progress.
pub struct Held {
    set: Arc<Mutex<HashSet<(GatewayId, String)>>>,
    key: (GatewayId, String),
}

impl InProgress {
    /// Holds `key`; `None` if somebody does already.
    pub fn hold(&self, gateway: GatewayId, key: &str) -> Option<Held> {
        let key = (gateway, key.to_owned());
        let inserted = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        inserted.then(|| Held { set: Arc::clone(&self.0), key })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Proofs that were used on this node: kept in memory as long as they could be tried again. For GET, there is no
/// other record of them.
#[derive(Default)]
pub struct SpentProofs(Mutex<HashMap<String, HashMap<String, Timestamp>>>);

/// The most phones whose proofs are remembered at a time.
const MAX_PHONES: usize = 50_000;
/// The most proofs remembered of one phone: five a second, as long as they could be tried again.
const MAX_PROOFS: usize = 600;

/// What became of a proof.
pub enum SpentHere {
    /// It is spent now.
    Fresh,
    /// It was spent before.
    Replayed,
    /// There is no room to remember it.
    Full,
}

impl SpentProofs {
    /// Spends a proof. One phone's haste leaves room for the others.
    pub fn spend(&self, thumbprint: &str, jti: &str, now: Timestamp) -> SpentHere {
        // A proof can be dated one skew ahead and is good for one skew after that.
        let alive = |at: &Timestamp| now < at.plus_seconds(2 * MAX_SKEW_SECONDS + 1);
        let mut phones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if phones.len() >= MAX_PHONES && !phones.contains_key(thumbprint) {
            phones.retain(|_, spent| spent.values().any(alive));
            if phones.len() >= MAX_PHONES {
                return SpentHere::Full;
            }
        }
        let spent = phones.entry(thumbprint.to_owned()).or_default();
        if spent.len() >= MAX_PROOFS {
            spent.retain(|_, at| alive(at));
        }
        let jti = sha256(jti);
        if spent.len() >= MAX_PROOFS && !spent.contains_key(&jti) {
            return SpentHere::Full;
        }
        match spent.insert(jti, now) {
            None => SpentHere::Fresh,
            Some(_) => SpentHere::Replayed,
        }
    }
}

/// Who has read the audit log, and in which hour.
#[derive(Default)]
pub struct AuditReaders(Mutex<HashMap<String, i64>>);

impl AuditReaders {
    /// Whether `reader` reads for the first time in this hour.
    pub fn is_first_this_hour(&self, reader: &str, now: Timestamp) -> bool {
        let hour = now.numeric_date().div_euclid(3_600);
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|_, read| *read == hour);
        readers.insert(reader.to_owned(), hour).is_none()
    }

    /// Forgets that `reader` has read.
    pub fn forget(&self, reader: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(reader);
    }
}
