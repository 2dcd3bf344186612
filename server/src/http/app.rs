//! What every handler has at hand.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::audit::Actor;
use gatematch_protocol::id::{AdminKeyId, GatewayId};
use gatematch_protocol::proof::MAX_SKEW_SECONDS;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::strangers::Strangers;
use crate::edge::Edge;
use crate::hub::Hub;
use crate::keys::Keys;
use crate::settings::Settings;
use crate::store::{Act, Store};

/// What every handler has at hand; cheap to clone.
pub type App = Arc<Inner>;

/// The parts of [`App`].
pub struct Inner {
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// What is signed with.
    pub keys: Keys,
    /// How this server is set up.
    pub settings: Settings,
    /// The issuer, without trailing slash.
    pub issuer: String,
    /// Clock and randomness.
    pub edge: Edge,
    /// Who waits for what.
    pub hub: Arc<Hub>,
    /// Refusals of the unauthenticated.
    pub strangers: Strangers,
    /// Idempotency-Keys whose first request is in progress.
    pub in_progress: InProgress,
    /// Proofs that were used here.
    pub proofs: SpentProofs,
    /// Who has read the audit log this hour.
    pub audit_readers: AuditReaders,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// Whether every listener that is configured is bound.
    pub whole: AtomicBool,
    /// Ends the waiting when the server stops.
    pub stopping: CancellationToken,
}

impl Inner {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.edge.now()
    }

    /// `actor` acts now.
    pub fn act(&self, actor: Actor) -> Act {
        Act::new(actor, self.now())
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
pub struct AuditReaders(Mutex<HashMap<AdminKeyId, i64>>);

impl AuditReaders {
    /// Whether `key` reads for the first time in this hour.
    pub fn is_first_this_hour(&self, key: AdminKeyId, now: Timestamp) -> bool {
        let hour = now.numeric_date().div_euclid(3_600);
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|_, read| *read == hour);
        readers.insert(key, hour).is_none()
    }

    /// Forgets that `key` has read.
    pub fn forget(&self, key: AdminKeyId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}
