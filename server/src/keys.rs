//! The server's own keys: what it signs with, and what it publishes.

use gatematch_domain::audit::Actor;
use gatematch_protocol::audit::CheckpointClaims;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::ChallengeClaims;
use gatematch_protocol::id::KeyId;
use gatematch_protocol::jwk::{JwkSet, PublicKey, ServerJwk};
use gatematch_protocol::jws::{self, SigningFailed, typ};
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::result::ResultClaims;

use crate::crypto::SigningKey;
use crate::edge::{Edge, NoEntropy};
use crate::pepper::Peppers;
use crate::push::vapid::VapidClaims;
use crate::store::{Act, Store, StoreError, StoredKey};
use crate::vault::{DoesNotOpen, NotSealed, Vault};

/// What a stored key signs.
mod purpose {
    /// Challenges and results.
    pub(super) const TOKENS: &str = "tokens";
    /// Pushes (RFC 8292).
    pub(super) const VAPID: &str = "vapid";
    /// Nothing: codes that people keep are hashed with it.
    pub(super) const PEPPER: &str = "pepper";
}

/// Why the server has no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysFault {
    /// They do not open.
    #[error("the server's keys: {0}")]
    Sealed(#[from] DoesNotOpen),
    /// They cannot be sealed.
    #[error(transparent)]
    NotSealed(#[from] NotSealed),
    /// There is no active one for this purpose, or it is none.
    #[error("there is no sound key for {0}")]
    Missing(&'static str),
    /// None could be made.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The server's keys, opened.
pub struct Keys {
    tokens: SigningKey,
    results: jsonwebtoken::EncodingKey,
    kid: String,
    published: JwkSet,
    vapid: jsonwebtoken::EncodingKey,
    vapid_public: String,
    peppers: Peppers,
}

impl Keys {
    /// The keys in `store`; made at the first start.
    ///
    /// # Errors
    /// [`KeysFault`].
    pub async fn open(store: &dyn Store, vault: &Vault, edge: &Edge) -> Result<Self, KeysFault> {
        let fresh = vec![
            new_key(purpose::TOKENS, vault, edge)?,
            new_key(purpose::VAPID, vault, edge)?,
            new_pepper(vault, edge)?,
        ];
        let act = Act::new(Actor::System, edge.now());
        let stored = store.create_signing_keys(act, fresh).await?;
        let active = |wanted: &'static str| {
            let found = stored.iter().find(|key| key.purpose == wanted && key.status == "active");
            found.ok_or(KeysFault::Missing(wanted))
        };
        let tokens = active(purpose::TOKENS)?;
        let vapid = active(purpose::VAPID)?;
        let peppers = stored.iter().filter(|key| key.purpose == purpose::PEPPER);
        let opened = peppers.map(|key| Ok((key.id, vault.open(&label(key.id), &key.private)?)));
        let opened = opened.collect::<Result<_, KeysFault>>()?;
        let peppers = Peppers::new(active(purpose::PEPPER)?.id, opened);
        let kid = tokens.id.to_string();
        let vapid_key = open_key(vapid, vault)?;
        let tokens = open_key(tokens, vault)?;
        let published =
            stored.iter().filter(|key| key.purpose == purpose::TOKENS).map(public_key).collect::<Result<_, _>>()?;
        Ok(Self {
            results: jsonwebtoken::EncodingKey::from_ec_der(tokens.pkcs8()),
            tokens,
            kid,
            published: JwkSet { keys: published },
            vapid: jsonwebtoken::EncodingKey::from_ec_der(vapid_key.pkcs8()),
            vapid_public: vapid.public.clone(),
            peppers,
        })
    }

    /// The server's public keys, active and retiring.
    #[must_use]
    pub const fn published(&self) -> &JwkSet {
        &self.published
    }

    /// The public VAPID key: an uncompressed point, base64url.
    #[must_use]
    pub fn vapid_public(&self) -> &str {
        &self.vapid_public
    }

    /// What codes are hashed with.
    #[must_use]
    pub const fn peppers(&self) -> &Peppers {
        &self.peppers
    }

    /// Signs a challenge.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign_challenge(&self, claims: &ChallengeClaims) -> Result<String, SigningFailed> {
        jws::sign(&jws::Header::with_kid(typ::CHALLENGE, self.kid.as_str()), claims, &self.tokens)
    }

    /// Signs a notice.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign_notice(&self, claims: &NoticeClaims) -> Result<String, SigningFailed> {
        jws::sign(&jws::Header::with_kid(typ::NOTICE, self.kid.as_str()), claims, &self.tokens)
    }

    /// Signs what the audit log ends in, as a checkpoint or as the beginning of what is left of it: `typ` says which.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign_log(&self, typ: &'static str, claims: &CheckpointClaims) -> Result<String, SigningFailed> {
        jws::sign(&jws::Header::with_kid(typ, self.kid.as_str()), claims, &self.tokens)
    }

    /// The key that signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs a result.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign_result(&self, claims: &ResultClaims) -> Result<String, SigningFailed> {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some(typ::RESULT.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.results).map_err(|_| SigningFailed)
    }

    /// Signs a token for a push service (RFC 8292 section 2).
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign_vapid(&self, claims: &VapidClaims) -> Result<String, SigningFailed> {
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        jsonwebtoken::encode(&header, claims, &self.vapid).map_err(|_| SigningFailed)
    }
}

/// What a private key is sealed under.
pub(crate) fn label(id: KeyId) -> String {
    format!("signing-key:{id}")
}

fn new_key(purpose: &str, vault: &Vault, edge: &Edge) -> Result<StoredKey, KeysFault> {
    let key = SigningKey::generate()?;
    let now = edge.now();
    let id = KeyId::new(now, edge.random()?);
    Ok(StoredKey {
        id,
        purpose: purpose.to_owned(),
        public: base64url::encode(key.public().to_sec1()),
        private: vault.seal(&label(id), key.pkcs8())?,
        status: "active".to_owned(),
        created_at: now,
    })
}

fn new_pepper(vault: &Vault, edge: &Edge) -> Result<StoredKey, KeysFault> {
    let now = edge.now();
    let id = KeyId::new(now, edge.random()?);
    let pepper = zeroize::Zeroizing::new(edge.random::<32>()?);
    Ok(StoredKey {
        id,
        purpose: purpose::PEPPER.to_owned(),
        public: String::new(),
        private: vault.seal(&label(id), pepper.as_slice())?,
        status: "active".to_owned(),
        created_at: now,
    })
}

fn open_key(stored: &StoredKey, vault: &Vault) -> Result<SigningKey, KeysFault> {
    let pkcs8 = vault.open(&label(stored.id), &stored.private)?;
    SigningKey::from_pkcs8(pkcs8).map_err(|_| KeysFault::Missing("signing"))
}

fn public_key(stored: &StoredKey) -> Result<ServerJwk, KeysFault> {
    let point = base64url::decode(&stored.public).ok();
    let key = point.and_then(|point| PublicKey::from_sec1(&point)).ok_or(KeysFault::Missing("publishing"))?;
    Ok(ServerJwk::new(&key, stored.id.to_string()))
}
