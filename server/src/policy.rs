//! What HTTP and the command line do alike with policy: put it, explain it, look at its history.

pub mod file;

use std::sync::Arc;

use gatematch_domain::fault::Fault;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::imagine::Imagined;
use gatematch_domain::place::Atlas;
use gatematch_domain::policy::{AtGateway, Facts, Names, Policy, PolicyFault, Profile, explained};
use gatematch_domain::text::outside_if_given;
use gatematch_domain::username::Domains;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::EventId;
use gatematch_protocol::policy::{Explain, Explained, PolicyVersion, PutPolicy};
use gatematch_protocol::time::Timestamp;
use serde_json::Value;

use crate::store::{Replacement, Store, StoreError};

/// The most users that are looked up for the sake of a warning.
const MAX_LOOKED_UP: usize = 200;

/// Why something about policy is not told or done.
#[derive(Debug, thiserror::Error)]
pub enum PolicyRefusal {
    /// A value is missing or out of range.
    #[error(transparent)]
    Value(#[from] Fault),
    /// The policy must not hold.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The profile of this name.
///
/// # Errors
/// [`PolicyFault::Unsound`].
pub fn profile(word: Option<&str>) -> Result<Option<Profile>, PolicyFault> {
    let known = |word| {
        let why = || PolicyFault::Unsound(format!("profile {word:?} must be standard or nist-aal2"));
        Profile::from_word(word).ok_or_else(why)
    };
    word.map(known).transpose()
}

/// A comment on a new version.
///
/// # Errors
/// [`Fault::Range`].
pub fn comment(text: Option<&str>) -> Result<Option<String>, Fault> {
    outside_if_given("comment", text)
}

/// What `put` puts in the place of the policy that holds.
///
/// # Errors
/// [`PolicyFault::Unsound`] for an unknown profile.
pub fn replacement(put: PutPolicy, domains: &Domains) -> Result<Replacement, PolicyFault> {
    let profile = profile(put.profile.as_deref())?;
    Ok(Replacement::Written { rules: put.rules, profile, domains: domains.clone() })
}

/// What about `policy` looks like a mistake here, on this server.
///
/// # Errors
/// [`StoreError`].
pub async fn local_warnings(
    policy: &Policy,
    store: &dyn Store,
    places_are_known: bool,
) -> Result<Vec<String>, StoreError> {
    let gateways: Vec<AtGateway> =
        store.gateways().await?.into_iter().map(|gateway| AtGateway { id: gateway.id, name: gateway.name }).collect();
    let unknown = policy.unknown_gateways(&gateways);
    let mut warnings: Vec<String> =
        unknown.iter().map(|name| format!("there is no gateway {name:?}: no login is ever there")).collect();
    for name in policy.named_users().into_iter().take(MAX_LOOKED_UP) {
        if store.account(name.clone()).await?.is_none() {
            warnings.push(format!("there is no account {name}: no login is ever his"));
        }
    }
    if policy.asks_for_places() && !places_are_known {
        warnings.push(
            "a rule asks for countries, and nobody knows where addresses are: set places_file. Until then, on_missing decides".to_owned(),
        );
    }
    Ok(warnings)
}

/// Explains a login, as it could be or as it was.
///
/// # Errors
/// [`PolicyRefusal`].
pub async fn explain(
    asked: &Explain,
    store: &dyn Store,
    domains: &Domains,
    atlas: &dyn Atlas,
    now: Timestamp,
) -> Result<Explained, PolicyRefusal> {
    Policy::check_form(asked.rules.as_deref().unwrap_or_default())?;
    if let Some(event) = &asked.event {
        return past(asked, event, store, domains).await;
    }
    // What is malformed comes before what is not there, and that before what is out of range.
    Imagined::check_form(asked)?;
    let gateway = match &asked.gateway {
        None => None,
        Some(name) => Some(gateway(store, name).await?),
    };
    let imagined = Imagined::from_body(asked, domains, now)?;
    let current = store.policy().await?;
    let tried = tried(asked, &current, domains)?;
    let (policy, version) =
        tried.map_or((Arc::clone(&current), Some(current.version)), |tried| (Arc::new(tried), None));
    let account = match &imagined.username {
        None => None,
        Some(name) => store.account(name.clone()).await?,
    };
    Ok(imagined.explained(&policy, version, account.as_ref(), gateway.as_ref(), atlas))
}

/// The policy that is only tried, where one is: these rules, this profile, and for the rest what holds.
fn tried(asked: &Explain, current: &Policy, domains: &Domains) -> Result<Option<Policy>, PolicyFault> {
    let profile = profile(asked.profile.as_deref())?;
    let checked = match (&asked.rules, profile) {
        (None, None) => return Ok(None),
        (Some(rules), profile) => Policy::of(0, profile.unwrap_or(current.profile), rules, Names::Written(domains))?,
        (None, Some(profile)) => Policy::of(0, profile, &current.written(), Names::Stored)?,
    };
    Ok(Some(checked.policy))
}

async fn gateway(store: &dyn Store, name: &str) -> Result<Gateway, PolicyRefusal> {
    let is_called = |gateway: &Gateway| gateway.name == name || gateway.id.to_string() == name;
    let found = store.gateways().await?.into_iter().find(is_called);
    found.ok_or_else(|| PolicyRefusal::Unknown(format!("There is no gateway {name:?}.")))
}

/// A login as it was, under the policy of then; or, with rules, as it would be under those.
async fn past(asked: &Explain, event: &str, store: &dyn Store, domains: &Domains) -> Result<Explained, PolicyRefusal> {
    let unknown = || PolicyRefusal::Unknown("There is no such audit event.".to_owned());
    let id: EventId = event.parse().map_err(|_| unknown())?;
    let event = store.audit_event(id).await?.ok_or_else(unknown)?;
    let others = Explain { event: None, rules: None, profile: None, ..asked.clone() };
    if others != Explain::default() {
        return Err(Fault::range("event", "describes the login by itself: leave the rest out").into());
    }
    let Some((facts, version)) = facts_of(&event) else {
        let text = "For this event no policy was asked: only the one with which a login began can be explained.";
        return Err(Fault::range("event", text).into());
    };
    let then = match store.policy_of(version).await {
        Err(StoreError::Corrupt(_)) | Ok(None) => Policy::closed(version),
        found => found?.unwrap_or_else(|| Policy::closed(version)),
    };
    Ok(match tried(asked, &then, domains)? {
        None => explained(&then, &facts, Some(version)),
        Some(tried) => explained(&tried, &facts, None),
    })
}

/// What was known of the login that began with `event`, and the version that was asked; `None` where policy was not.
#[must_use]
pub fn facts_of(event: &AuditEvent) -> Option<(Facts, u64)> {
    let detail = event.detail.as_ref()?;
    let facts = serde_json::from_value(detail.get("facts")?.clone()).ok()?;
    Some((facts, detail.get("policy_version").and_then(Value::as_u64)?))
}

/// The version that ships, as the history tells it.
#[must_use]
pub fn shipped() -> PolicyVersion {
    let changes = vec!["as it ships: everybody is asked".to_owned()];
    PolicyVersion { version: Policy::SHIPPED, at: None, actor: None, comment: None, changes }
}

/// The latest versions before `before`, at most `limit`, and whether there are more.
///
/// # Errors
/// [`StoreError`].
pub async fn history(store: &dyn Store, before: u64, limit: u32) -> Result<(Vec<PolicyVersion>, bool), StoreError> {
    let mut found = store.policy_versions(before, limit.saturating_add(1)).await?;
    if before > Policy::SHIPPED {
        found.push(shipped());
    }
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok((found, more))
}
