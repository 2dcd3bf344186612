//! Whose word lets in: the issuer and its keys, and the check of each result (contract section 6.3).

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::jwk::{JwkSet, PublicKey};
use gatematch_protocol::jws::{Jws, Verify};
use gatematch_protocol::result::{self, Login, ResultClaims, ResultFault};
use gatematch_protocol::time::Timestamp;
use tokio::sync::Mutex;

use super::{Api, Failure};
use crate::deadline::later;
use crate::edge::Edge;

/// How long the keys are not asked for again after they came.
const REST: Duration = Duration::from_secs(60);
/// How long after they did not come.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// How many unknown keys are asked for within one rest, each once.
const MOST_EARLY: usize = 4;

/// The server's issuer and keys. They are fetched when first needed, and again when a result does not fit them.
pub struct Trust {
    api: Api,
    edge: Edge,
    held: RwLock<Option<Held>>,
    /// Whoever asks holds it.
    next: Mutex<Next>,
}

/// When the keys may be asked for again.
struct Next {
    at: Timestamp,
    /// The unknown keys that they were asked for since the last rest was over.
    asked: BTreeSet<String>,
}

/// What came of asking for the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// They are those of now.
    Fetched,
    /// They are those of a moment ago: it is too soon to ask again.
    Rested,
}

struct Held {
    issuer: String,
    keys: JwkSet,
}

/// The login that a result must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The gateway whose key made the challenge.
    pub gateway: GatewayId,
    /// The challenge.
    pub challenge: ChallengeId,
    /// The user in the answer to the create.
    pub user: &'a str,
}

impl Trust {
    /// Trusts the server behind `api`.
    #[must_use]
    pub fn new(api: Api, edge: Edge) -> Self {
        Self {
            api,
            edge,
            held: RwLock::default(),
            next: Mutex::new(Next { at: Timestamp::from_micros(0), asked: BTreeSet::new() }),
        }
    }

    /// Checks the result in a redeemed view: only `Ok` lets in.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where the keys cannot be had now, also that of this result; [`Failure::Unbelievable`] for one that is not
    /// this login's, and for a view without one.
    pub async fn check(&self, view: &ChallengeView, expected: Expected<'_>) -> Result<ResultClaims, Failure> {
        let text = view.result.as_deref().ok_or(ResultFault::Malformed)?;
        match self.judge(text, expected) {
            // A new key, or a server that was set up anew behind the same address.
            Some(Err(ResultFault::UnknownKey | ResultFault::NotForThisLogin)) | None => {
                let fetch = self.fetch_for(kid(text).as_deref()).await?;
                match (self.judge(text, expected), fetch) {
                    (None, _) => Err(Failure::Unavailable("its keys did not come".to_owned())),
                    (Some(Err(ResultFault::UnknownKey)), Fetch::Rested) => {
                        Err(Failure::Unavailable("the key of its result is not known yet".to_owned()))
                    }
                    (Some(judged), _) => Ok(judged?),
                }
            }
            Some(judged) => Ok(judged?),
        }
    }

    fn judge(&self, text: &str, expected: Expected<'_>) -> Option<Result<ResultClaims, ResultFault>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref()?;
        let login = Login {
            issuer: &held.issuer,
            gateway: expected.gateway,
            challenge: expected.challenge,
            user: expected.user,
            keys: &held.keys,
            now: self.edge.now().numeric_date(),
        };
        Some(result::check(text, login, &AwsLc))
    }

    /// Fetches issuer and keys, unless that was done a moment ago.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn fetch(&self) -> Result<Fetch, Failure> {
        self.fetch_for(None).await
    }

    /// The same for a result that names this key: one that is new is worth a call before its time.
    async fn fetch_for(&self, kid: Option<&str>) -> Result<Fetch, Failure> {
        let mut next = self.next.lock().await;
        let rest = next.at.since(self.edge.now());
        // A longer rest means that the clock was set back.
        let rests = !rest.is_zero() && rest <= REST;
        if !rests {
            next.asked.clear();
        } else if rest <= REST_AFTER_FAILURE || !kid.is_some_and(|kid| next.may_ask_early(kid)) {
            return Ok(Fetch::Rested);
        }
        if let Some(kid) = kid {
            next.asked.insert(kid.to_owned());
        }
        next.at = later(self.edge.now(), REST_AFTER_FAILURE);
        let discovery: Discovery = self.api.document("/.well-known/gatematch").await?;
        // Not `jwks_uri`: that is where phones reach the server, and perhaps not this machine.
        let keys: JwkSet = self.api.document("/.well-known/jwks.json").await?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Held { issuer: discovery.issuer, keys });
        next.at = later(self.edge.now(), REST);
        Ok(Fetch::Fetched)
    }
}

impl Next {
    fn may_ask_early(&self, kid: &str) -> bool {
        self.asked.len() < MOST_EARLY && !self.asked.contains(kid)
    }
}

/// The key that a result names.
fn kid(text: &str) -> Option<String> {
    Jws::parse(text).ok()?.kid().map(str::to_owned)
}

/// Checks signatures with aws-lc-rs.
struct AwsLc;

impl Verify for AwsLc {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_sec1()).verify(message, signature).is_ok()
    }
}
