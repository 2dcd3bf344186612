//! The chain of the audit log (contract section 12): each event has the hash of the one before in its own.
//!
//! `hash = base64url(SHA-256(prev_hash || JCS(event without prev_hash and hash)))`. Whoever changes, removes, adds or moves
//! an event changes every hash from there on, and a signed checkpoint of before tells.

use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::audit::{AuditEvent, Checkpoint, CheckpointClaims};
use crate::base64url;
use crate::id::EventId;
use crate::jcs::{self, CanonicalObject};
use crate::json;
use crate::jwk::JwkSet;
use crate::jws::{Jws, Verify};
use crate::time::Timestamp;

/// What comes before the first event.
const NOTHING: [u8; 32] = [0; 32];

/// The `prev_hash` of the first event.
#[must_use]
pub fn beginning() -> String {
    base64url::encode(NOTHING)
}

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// With an event.
    #[error("event {seq}: {what}")]
    Event {
        /// Which.
        seq: u64,
        /// What.
        what: String,
    },
    /// With the log as a whole, or with what was signed.
    #[error("{0}")]
    Log(String),
}

impl ChainFault {
    fn event(seq: u64, what: impl Into<String>) -> Self {
        Self::Event { seq, what: what.into() }
    }
}

impl AuditEvent {
    /// The hash of this event after one with the hash `prev_hash`; `None` where that is none, or a number has no
    /// canonical form.
    #[must_use]
    pub fn hash_after(&self, prev_hash: &str) -> Option<String> {
        let prev: [u8; 32] = base64url::decode(prev_hash).ok()?.try_into().ok()?;
        let text = jcs::is_exact(self.seq).then(|| serde_json::to_vec(&Hashed::of(self)).ok())??;
        let mut digest = Sha256::new();
        digest.update(prev);
        digest.update(text);
        Some(base64url::encode(digest.finalize()))
    }
}

/// An event as it is hashed: without the hashes, its members in the canonical order (RFC 8785 section 3.2.3). They stand
/// here in that order, so that nothing is sorted or copied for each event.
#[derive(Serialize)]
struct Hashed<'a> {
    actor: &'a Option<String>,
    at: &'a Timestamp,
    client: Option<CanonicalObject<'a>>,
    detail: Option<CanonicalObject<'a>>,
    device: &'a Option<String>,
    gateway: &'a Option<String>,
    id: &'a EventId,
    number_match: Option<bool>,
    outcome: &'a Option<String>,
    policy: &'a Option<String>,
    reason: &'a Option<String>,
    seq: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    user: &'a Option<String>,
}

impl<'a> Hashed<'a> {
    fn of(event: &'a AuditEvent) -> Self {
        Self {
            actor: &event.actor,
            at: &event.at,
            client: event.client.as_ref().map(CanonicalObject),
            detail: event.detail.as_ref().map(CanonicalObject),
            device: &event.device,
            gateway: &event.gateway,
            id: &event.id,
            number_match: event.number_match,
            outcome: &event.outcome,
            policy: &event.policy,
            reason: &event.reason,
            seq: event.seq,
            kind: &event.kind,
            user: &event.user,
        }
    }
}

/// What was signed of a log: that it ends, or ended once, in this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who.
    pub issuer: String,
    /// How many events.
    pub size: u64,
    /// The hash of the last of them.
    pub head: String,
}

/// Reads what was signed as a JWS of this type.
///
/// # Errors
/// [`ChainFault::Log`] where the signature does not hold, or was made by none of `keys`.
pub fn signed(text: &str, typ: &str, keys: &JwkSet, verify: &dyn Verify) -> Result<Signed, ChainFault> {
    let fault = |what: &str| ChainFault::Log(format!("the signed statement {what}"));
    let jws = Jws::parse(text).map_err(|_| fault("is no JWS"))?;
    jws.check_header(typ).map_err(|_| fault("is of another kind"))?;
    let key = jws.kid().and_then(|kid| keys.find(kid)).ok_or_else(|| fault("was made by a key that is not known"))?;
    jws.check_signature(&key, verify).map_err(|_| fault("is not authentic"))?;
    let claims: CheckpointClaims = json::from_value(Value::Object(jws.claims().clone()))
        .map_err(|_| fault("has claims that are none of its kind"))?;
    Ok(Signed { issuer: claims.iss, size: claims.size, head: claims.head })
}

/// Checks a log, event by event, in memory that does not grow with it.
#[derive(Clone, Debug)]
pub struct Verifier {
    next: u64,
    prev_hash: String,
    /// The heads that the log must have had, by size.
    awaited: BTreeMap<u64, Vec<String>>,
}

impl Verifier {
    /// Of a log that begins after the event `after`, whose hash was `prev_hash`.
    #[must_use]
    pub fn after(after: u64, prev_hash: String) -> Self {
        Self { next: after + 1, prev_hash, awaited: BTreeMap::new() }
    }

    /// The log must have this in it.
    ///
    /// # Errors
    /// [`ChainFault::Log`] where that was before the log begins, and is not what it begins with.
    pub fn must_have(&mut self, signed: Signed) -> Result<(), ChainFault> {
        let before = self.next - 1;
        if signed.size == before && signed.head != self.prev_hash {
            return Err(ChainFault::Log(format!("the log does not begin as the statement of size {before} says")));
        }
        // What was removed before, nobody can look at any more.
        if signed.size > before {
            self.awaited.entry(signed.size).or_default().push(signed.head);
        }
        Ok(())
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// [`ChainFault::Event`], the first thing that is wrong with it.
    pub fn take(&mut self, event: &AuditEvent) -> Result<(), ChainFault> {
        if event.seq != self.next {
            let what = format!("it stands where event {} should", self.next);
            return Err(ChainFault::event(event.seq, what));
        }
        if event.prev_hash.as_deref() != Some(self.prev_hash.as_str()) {
            return Err(ChainFault::event(event.seq, "it does not follow the one before"));
        }
        let hash = event.hash_after(&self.prev_hash);
        if hash.is_none() || hash != event.hash {
            return Err(ChainFault::event(event.seq, "it is not as it was written"));
        }
        self.prev_hash = hash.unwrap_or_default();
        // What is next comes first, so that a long list costs nothing in between.
        if let Some(heads) =
            self.awaited.first_entry().filter(|first| *first.key() == event.seq).map(OccupiedEntry::remove)
            && heads.iter().any(|head| *head != self.prev_hash)
        {
            return Err(ChainFault::event(event.seq, "a checkpoint says that the log was another one up to here"));
        }
        self.next += 1;
        Ok(())
    }

    /// How many events there are in all, those before the first one included, and what they end in.
    #[must_use]
    pub fn size_and_head(&self) -> (u64, &str) {
        (self.next - 1, &self.prev_hash)
    }

    /// The log ends here.
    ///
    /// # Errors
    /// [`ChainFault::Log`] where there were more events once.
    pub fn end(self) -> Result<(u64, String), ChainFault> {
        let size = self.next - 1;
        match self.awaited.last_key_value().map(|(size, _)| *size) {
            Some(more) => Err(ChainFault::Log(format!(
                "the end is missing: the log had {more} events once, and ends with {size}"
            ))),
            None => Ok((size, self.prev_hash)),
        }
    }
}

impl Checkpoint {
    /// What it says, where it is signed by one of `keys` and says the same outside.
    ///
    /// # Errors
    /// [`ChainFault::Log`].
    pub fn checked(&self, keys: &JwkSet, verify: &dyn Verify) -> Result<Signed, ChainFault> {
        let said = signed(&self.signed, crate::jws::typ::CHECKPOINT, keys, verify)?;
        if (said.size, &said.head) != (self.size, &self.head) {
            return Err(ChainFault::Log("a checkpoint says something else than what was signed".to_owned()));
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_hashed_is_the_canonical_form_of_the_rest() {
        let event = json!({
            "seq": 7, "id": "01900000-0000-7000-8000-000000000001", "at": "2026-01-02T03:04:05.678900Z",
            "type": "user.locked", "actor": "admin:\u{20ac}\"\u{7f}\n", "user": null, "device": null, "gateway": "g",
            "client": {"name": "x", "ip": "::1"}, "outcome": "success", "reason": "\u{1f512}", "number_match": false,
            "policy": null, "detail": {"b": [1, {"d": null, "c": -2}], "a": {}, "B": "/"}, "prev_hash": null, "hash": null
        });
        let typed: AuditEvent = serde_json::from_value(event.clone()).unwrap();
        let Value::Object(mut members) = event else { panic!("an object") };
        members.remove("prev_hash");
        members.remove("hash");
        let wanted = jcs::canonical(&Value::Object(members)).unwrap();
        assert_eq!(serde_json::to_string(&Hashed::of(&typed)).unwrap(), wanted);
        let fraction = json!({"a": 1.5}).as_object().cloned();
        assert_eq!(AuditEvent { detail: fraction, ..typed.clone() }.hash_after(&beginning()), None);
        assert_eq!(AuditEvent { seq: u64::MAX, ..typed }.hash_after(&beginning()), None);
    }
}
