//! The phone: a key, an account, and a clock that may be wrong.

mod own;
mod response;
mod ring;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use gatematch_protocol::base64url;
use gatematch_protocol::device::{DeviceView, PushSubscription};
use gatematch_protocol::enrollment::{DeviceRegistered, RegisterDevice};
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::jwk::JwkSet;
use gatematch_protocol::jws::Sign;
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof::{self, ProofClaims};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::response::{challenge_id, response_path};
use self::ring::Heard;
pub use self::ring::{Ring, Silence};
use crate::crypto::{Checker, NotAKey, P256Key, QuickKey};
use crate::edge::{self, Clock};
use crate::enrollment::{Link, NotALink};
use crate::failure::Failure;
use crate::http::{Answer, Api, body};

/// The phone in code. Shared by reference: all its methods take `&self`.
pub struct Phone {
    api: Api,
    issuer: String,
    key: P256Key,
    /// The same key, where aws-lc-rs signs with it.
    quick: Option<QuickKey>,
    clock: Clock,
    /// What the server's clock is ahead of ours, in seconds.
    offset: AtomicI64,
    account: RwLock<Option<Account>>,
    heard: Mutex<Heard>,
}

/// What a phone keeps of its enrollment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The server that it answers to, without trailing slash.
    pub issuer: String,
    /// Its name there.
    pub device_id: DeviceId,
    /// Whose phone it is.
    pub user: String,
    /// The server's keys, pinned at enrollment.
    pub server_keys: JwkSet,
}

/// What a proof shall say other than the truth; `None` leaves the truth.
#[derive(Clone, Debug, Default)]
pub struct ProofOverrides {
    /// Instead of 128 random bits.
    pub jti: Option<String>,
    /// Instead of now, as NumericDate.
    pub iat: Option<i64>,
    /// Instead of issuer and path.
    pub htu: Option<String>,
    /// Instead of the method.
    pub htm: Option<String>,
}

impl Phone {
    /// A phone with `key` that talks to the server `issuer` (without trailing slash) through `api`.
    #[must_use]
    pub fn new(api: Api, issuer: &str, key: P256Key, clock: Clock) -> Self {
        let issuer = issuer.trim_end_matches('/').to_owned();
        Self {
            api,
            issuer,
            key,
            quick: None,
            clock,
            offset: AtomicI64::new(0),
            account: RwLock::new(None),
            heard: Mutex::default(),
        }
    }

    /// The same phone, whose signatures are made and checked by aws-lc-rs: for those who measure the server.
    ///
    /// # Errors
    /// [`NotAKey`]; there is no such key.
    pub fn quick(self) -> Result<Self, NotAKey> {
        Ok(Self { quick: Some(QuickKey::of(&self.key)?), ..self })
    }

    /// The same phone with the account that an earlier enrollment left.
    #[must_use]
    pub fn with_account(self, account: Account) -> Self {
        self.keep(account);
        self
    }

    /// The connection.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The server that it answers to, without trailing slash.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &P256Key {
        &self.key
    }

    /// Its account, once enrolled.
    #[must_use]
    pub fn account(&self) -> Option<Account> {
        self.account.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its device id.
    ///
    /// # Errors
    /// [`Failure::NotEnrolled`].
    pub fn device_id(&self) -> Result<DeviceId, Failure> {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
        account.as_ref().map(|account| account.device_id).ok_or(Failure::NotEnrolled)
    }

    /// The server's time as the phone believes it, as NumericDate.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.clock)().saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// What signs for it.
    fn signer(&self) -> &dyn Sign {
        match &self.quick {
            Some(quick) => quick,
            None => &self.key,
        }
    }

    const fn checker(&self) -> Checker {
        if self.quick.is_some() { Checker::Quick } else { Checker::P256 }
    }

    fn keep(&self, account: Account) {
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(account);
    }

    /// A DPoP proof for one request. `path` is as sent, without query.
    ///
    /// # Errors
    /// [`Failure::Signing`].
    pub fn proof(&self, method: &str, path: &str) -> Result<String, Failure> {
        self.proof_with(method, path, ProofOverrides::default())
    }

    /// A DPoP proof that says something else than the truth.
    ///
    /// # Errors
    /// [`Failure::Signing`].
    pub fn proof_with(&self, method: &str, path: &str, overrides: ProofOverrides) -> Result<String, Failure> {
        let claims = self.proof_claims(method, path, overrides);
        Ok(proof::make(&claims, &self.key.public(), self.signer())?)
    }

    /// The claims of [`Phone::proof_with`], unsigned.
    #[must_use]
    pub fn proof_claims(&self, method: &str, path: &str, overrides: ProofOverrides) -> ProofClaims {
        ProofClaims {
            jti: overrides.jti.unwrap_or_else(|| base64url::encode(edge::random::<16>())),
            htm: overrides.htm.unwrap_or_else(|| method.to_owned()),
            htu: overrides.htu.unwrap_or_else(|| format!("{}{path}", self.issuer)),
            iat: overrides.iat.unwrap_or_else(|| self.now()),
        }
    }

    /// Sends a request with a proof. Where the server finds the proof stale and tells its time, the phone keeps
    /// the difference and tries once more.
    ///
    /// # Errors
    /// [`Failure::Transport`] or [`Failure::Signing`]; a refusal is an [`Answer`].
    pub async fn call(&self, method: &str, path_and_query: &str, body: Option<Vec<u8>>) -> Result<Answer, Failure> {
        let answer = self.call_once(method, path_and_query, body.clone()).await?;
        match server_time(&answer) {
            Some(server) => {
                self.offset.store(server.saturating_sub((self.clock)()), Ordering::Relaxed);
                self.call_once(method, path_and_query, body).await
            }
            None => Ok(answer),
        }
    }

    async fn call_once(&self, method: &str, path_and_query: &str, body: Option<Vec<u8>>) -> Result<Answer, Failure> {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let proof = self.proof(method, path)?;
        self.api.call(method, path_and_query, &[("dpop", &proof)], body).await
    }

    /// Enrolls with a link, or with the bare token in it, and keeps the account.
    ///
    /// # Errors
    /// [`Failure::Link`] for a link of another server; [`Failure::Problem`] with `enrollment-gone`,
    /// `device-exists`, `too-many-devices` and others.
    pub async fn enroll(&self, token_or_link: &str, name: &str) -> Result<DeviceRegistered, Failure> {
        self.register(token_or_link, name, None).await
    }

    /// As [`Phone::enroll`], and tells the server where Web Push reaches this phone.
    ///
    /// # Errors
    /// As [`Phone::enroll`]; and `invalid-push-subscription` for a subscription that the server does not take.
    pub async fn enroll_with_push(
        &self,
        token_or_link: &str,
        name: &str,
        push: &PushSubscription,
    ) -> Result<DeviceRegistered, Failure> {
        self.register(token_or_link, name, Some(push.clone())).await
    }

    async fn register(
        &self,
        token_or_link: &str,
        name: &str,
        push: Option<PushSubscription>,
    ) -> Result<DeviceRegistered, Failure> {
        let message = RegisterDevice {
            enrollment_token: self.token_of(token_or_link)?,
            public_key: public_key_value(&self.key),
            name: name.to_owned(),
            platform: Some("gatematch-sim".to_owned()),
            push,
        };
        let registered: DeviceRegistered = self.call("POST", "/v1/devices", Some(body(&message)?)).await?.json()?;
        self.keep(Account {
            issuer: registered.issuer.clone(),
            device_id: registered.device_id,
            user: registered.user.clone(),
            server_keys: registered.server_keys.clone(),
        });
        Ok(registered)
    }

    fn token_of(&self, token_or_link: &str) -> Result<Secret, Failure> {
        if !token_or_link.contains("://") {
            return Ok(Secret::new(token_or_link));
        }
        let link = Link::parse(token_or_link)?;
        if link.issuer == self.issuer { Ok(link.token) } else { Err(NotALink.into()) }
    }

    /// The phone as the server sees it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn self_view(&self) -> Result<DeviceView, Failure> {
        self.call("GET", "/v1/devices/self", None).await?.json()
    }

    /// Tells the server where Web Push reaches this phone; `None`: nowhere.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn set_push(&self, push: Option<&PushSubscription>) -> Result<(), Failure> {
        self.call("PUT", "/v1/devices/self/push", Some(body(&push)?)).await?.success()
    }

    /// Takes this phone away from its user, and forgets the account.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn remove_self(&self) -> Result<(), Failure> {
        self.call("DELETE", "/v1/devices/self", None).await?.success()?;
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phone").field("issuer", &self.issuer).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The public half of `key` as the value that an enrollment carries.
#[must_use]
pub fn public_key_value(key: &P256Key) -> Value {
    serde_json::to_value(key.public().to_jwk()).unwrap_or_default()
}

pub(crate) fn with_wait(path: &str, wait: u32) -> String {
    if wait == 0 { path.to_owned() } else { format!("{path}?wait={wait}") }
}

/// The server's time in a 401 `stale-proof`: RFC 3339 as everywhere in JSON, or a NumericDate.
fn server_time(answer: &Answer) -> Option<i64> {
    let problem = answer.problem().filter(|problem| problem.code == Code::StaleProof.as_str())?;
    match problem.more.get("server_time")? {
        Value::String(text) => Some(text.parse::<Timestamp>().ok()?.numeric_date()),
        number => number.as_i64(),
    }
}

#[cfg(test)]
mod tests;
