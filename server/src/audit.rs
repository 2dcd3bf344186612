//! What HTTP, commands and jobs do alike with the audit log: sign what it ends in, check it, write it out.

use std::io::{self, Write};

use gatematch_protocol::audit::{
    AuditEvent, AuditKey, AuditKeys, Checkpoint, CheckpointClaims, EXPORT_FORMAT, EXPORT_VERSION, ExportEnd, ExportHead,
};
use gatematch_protocol::chain::{ChainFault, Verifier, beginning, signed};
use gatematch_protocol::jwk::JwkSet;
use gatematch_protocol::jws::{Jws, SigningFailed, typ};
use gatematch_protocol::time::Timestamp;

use crate::crypto::AwsLc;
use crate::keys::Keys;
use crate::store::{AuditQuery, LogBeginning, LogEnd, Store, StoreError};

/// How many events are read at a time.
const PAGE: u32 = 1_000;

/// Why the log was not checked, signed or written out.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// It is not what it should be.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// Somebody removed its beginning at the same time.
    #[error("the beginning of the log was removed at the same time")]
    Moved,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was signed.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    /// It could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Signs what the log ends in now, and keeps that. Of a size that was signed before, the same again.
///
/// `known` is what a process has signed before and remembers: a log that does not have that in it, or not what the store
/// says was signed, was written anew, and is not signed.
///
/// # Errors
/// [`LogFault`].
pub async fn checkpoint(
    store: &dyn Store,
    keys: &Keys,
    issuer: &str,
    now: Timestamp,
    known: Option<&Checkpoint>,
) -> Result<Checkpoint, LogFault> {
    let mut begins = begins(store, keys.published()).await?;
    loop {
        let made = checked_and_signed(store, keys, issuer, now, known, begins.as_ref()).await;
        if !has_moved(&mut begins, made.is_err(), store, keys.published()).await? {
            return made;
        }
    }
}

/// Whether what has failed may have done so since somebody removed the beginning meanwhile: then `begins` is where the
/// log begins now.
async fn has_moved(
    begins: &mut Option<LogBeginning>,
    has_failed: bool,
    store: &dyn Store,
    keys: &JwkSet,
) -> Result<bool, LogFault> {
    if !has_failed {
        return Ok(false);
    }
    let was = std::mem::replace(begins, self::begins(store, keys).await?);
    Ok(*begins != was)
}

async fn checked_and_signed(
    store: &dyn Store,
    keys: &Keys,
    issuer: &str,
    now: Timestamp,
    known: Option<&Checkpoint>,
    begins: Option<&LogBeginning>,
) -> Result<Checkpoint, LogFault> {
    let fault = |what: String| LogFault::from(ChainFault::Log(what));
    let end = store.log_end().await?;
    let last = store.last_checkpoint().await?;
    let removed = begins.map_or(0, |begins| begins.end.size);
    if begins.is_some() && store.log_event(end.size).await?.is_none() {
        return Err(fault("there is no event after the beginning that was removed".to_owned()));
    }
    for made in last.iter().chain(known).filter(|made| made.size >= removed) {
        let here = match begins.filter(|begins| begins.end.size == made.size) {
            Some(begins) => Some(begins.end.clone()),
            None => store.log_event(made.size).await?,
        };
        if made.size > 0 && here.is_none_or(|here| here.head != made.head) {
            return Err(fault(format!("event {} is not, or no longer, the one that was signed", made.size)));
        }
    }
    let is_ours = |last: &Checkpoint| {
        let said = last.checked(keys.published(), &AwsLc);
        said.is_ok_and(|said| (said.issuer.as_str(), said.size, &said.head) == (issuer, end.size, &end.head))
    };
    if let Some(last) = last.filter(is_ours) {
        return Ok(last);
    }
    let checkpoint = sign(&end, keys, issuer, now)?;
    store.keep_checkpoint(checkpoint.clone(), keys.kid().to_owned(), now).await?;
    Ok(checkpoint)
}

fn claims(end: &LogEnd, issuer: &str, now: Timestamp) -> CheckpointClaims {
    CheckpointClaims { iss: issuer.to_owned(), size: end.size, head: end.head.clone(), iat: now.numeric_date() }
}

fn sign(end: &LogEnd, keys: &Keys, issuer: &str, now: Timestamp) -> Result<Checkpoint, SigningFailed> {
    let signed = keys.sign_log(typ::CHECKPOINT, &claims(end, issuer, now))?;
    Ok(Checkpoint { size: end.size, head: end.head.clone(), signed })
}

/// The statement that the log up to `end` is removed.
///
/// # Errors
/// [`SigningFailed`].
pub fn removal(end: LogEnd, keys: &Keys, issuer: &str, now: Timestamp) -> Result<LogBeginning, SigningFailed> {
    let signed = keys.sign_log(typ::RETENTION, &claims(&end, issuer, now))?;
    Ok(LogBeginning { end, signed })
}

/// The keys that have signed checkpoints.
///
/// # Errors
/// [`StoreError`].
pub async fn keys(store: &dyn Store, published: &JwkSet) -> Result<AuditKeys, StoreError> {
    let signers = store.checkpoint_keys().await?;
    let signed = published.keys.iter().filter(|key| signers.contains(&key.kid));
    // No key stops signing in this version.
    Ok(AuditKeys { keys: signed.map(|key| AuditKey { key: key.clone(), not_after: None }).collect() })
}

/// Where the log in `store` begins, if what says so is signed.
async fn begins(store: &dyn Store, keys: &JwkSet) -> Result<Option<LogBeginning>, LogFault> {
    let begins = store.log_beginning().await?;
    if let Some(begins) = &begins {
        let said = signed(&begins.signed, typ::RETENTION, keys, &AwsLc)?;
        if (said.size, &said.head) != (begins.end.size, &begins.end.head) {
            let what = "the log does not begin where the statement about its removed beginning says";
            return Err(ChainFault::Log(what.to_owned()).into());
        }
    }
    Ok(begins)
}

fn verifier(begins: Option<&LogBeginning>) -> Verifier {
    begins.map_or_else(|| Verifier::after(0, beginning()), |it| Verifier::after(it.end.size, it.end.head.clone()))
}

/// A log that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// How many events were removed at its beginning.
    pub removed: u64,
    /// How many there were in all.
    pub size: u64,
    /// What it ends in.
    pub head: String,
}

/// Checks the whole log in `store`, and that it has what was signed of it, there and in `checkpoints`.
///
/// # Errors
/// [`LogFault`], the first thing that is wrong.
pub async fn verify(store: &dyn Store, keys: &JwkSet, checkpoints: &[Checkpoint]) -> Result<Holds, LogFault> {
    let mut begins = begins(store, keys).await?;
    loop {
        let holds = verify_after(store, keys, checkpoints, begins.as_ref()).await;
        if !has_moved(&mut begins, holds.is_err(), store, keys).await? {
            return holds;
        }
    }
}

async fn verify_after(
    store: &dyn Store,
    keys: &JwkSet,
    checkpoints: &[Checkpoint],
    begins: Option<&LogBeginning>,
) -> Result<Holds, LogFault> {
    let mut verifier = verifier(begins);
    let removed = verifier.size_and_head().0;
    let own = store.last_checkpoint().await?;
    for checkpoint in checkpoints.iter().chain(&own) {
        verifier.must_have(checkpoint.checked(keys, &AwsLc)?)?;
    }
    let read = |after| store.audit(AuditQuery { after, limit: PAGE, ..AuditQuery::default() });
    // From the very first one on: others read what stands below the beginning, too.
    let mut page = read(0).await?;
    loop {
        let (is_last, end) = (page.len() < PAGE as usize, page.last().map_or(0, |event| event.seq));
        // The next ones are read while these are hashed.
        let taken = tokio::task::spawn_blocking(move || take(verifier, &page));
        if is_last {
            let (size, head) = taken.await.map_err(io::Error::other)??.end()?;
            return Ok(Holds { removed, size, head });
        }
        let (taken, next) = tokio::join!(taken, read(end));
        (verifier, page) = (taken.map_err(io::Error::other)??, next?);
    }
}

/// How much of the end of a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndHolds {
    /// After which event it was looked at.
    pub after: u64,
    /// Up to which.
    pub size: u64,
}

/// Checks the last `most` events of the log in `store`, and that it has what was signed last.
///
/// # Errors
/// [`LogFault`], the first thing that is wrong.
pub async fn verify_end(store: &dyn Store, keys: &JwkSet, most: u64) -> Result<EndHolds, LogFault> {
    let mut begins = begins(store, keys).await?;
    loop {
        let holds = verify_end_after(store, keys, most, begins.as_ref()).await;
        if !has_moved(&mut begins, holds.is_err(), store, keys).await? {
            return holds;
        }
    }
}

async fn verify_end_after(
    store: &dyn Store,
    keys: &JwkSet,
    most: u64,
    begins: Option<&LogBeginning>,
) -> Result<EndHolds, LogFault> {
    let missing = |seq: u64| LogFault::from(ChainFault::Log(format!("event {seq} is missing")));
    // What is written meanwhile is looked at the next time.
    let (own, size) = (store.last_checkpoint().await?, store.log_end().await?.size);
    let removed = begins.map_or(0, |begins| begins.end.size);
    let after = size.saturating_sub(most).max(removed);
    let mut verifier = if after == removed {
        verifier(begins)
    } else {
        Verifier::after(after, store.log_event(after).await?.ok_or_else(|| missing(after))?.head)
    };
    if let Some(signed) = own.map(|own| own.checked(keys, &AwsLc)).transpose()? {
        if removed < signed.size && signed.size < after {
            let is_it = store.log_event(signed.size).await?.is_some_and(|here| here.head == signed.head);
            let what = || format!("event {} is not, or no longer, the one that was signed", signed.size);
            is_it.then_some(()).ok_or_else(|| ChainFault::Log(what()))?;
        }
        verifier.must_have(signed)?;
    }
    let mut at = after;
    while at < size {
        let before = Some(size + 1);
        let page = store.audit(AuditQuery { after: at, before, limit: PAGE, ..AuditQuery::default() }).await?;
        at = page.last().ok_or_else(|| missing(at + 1))?.seq;
        let taken = tokio::task::spawn_blocking(move || take(verifier, &page));
        verifier = taken.await.map_err(io::Error::other)??;
    }
    verifier.end()?;
    Ok(EndHolds { after, size })
}

/// By which key a checkpoint was signed, and when; what it says itself, without looking whether that is true.
#[must_use]
pub fn said(checkpoint: &Checkpoint) -> Option<(String, Timestamp)> {
    let jws = Jws::parse(&checkpoint.signed).ok()?;
    let at = jws.claims().get("iat")?.as_i64()?;
    Some((jws.kid()?.to_owned(), Timestamp::from_numeric_date(at)))
}

fn take(mut verifier: Verifier, page: &[AuditEvent]) -> Result<Verifier, ChainFault> {
    page.iter().try_for_each(|event| verifier.take(event))?;
    Ok(verifier)
}

/// Writes the log out: a head, the events, and a checkpoint of all of it. It is checked on the way.
///
/// # Errors
/// [`LogFault`]; what was written until then is no whole log.
pub async fn export(
    store: &dyn Store,
    keys: &Keys,
    issuer: &str,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<(u64, u64), LogFault> {
    let mut begins = begins(store, keys.published()).await?;
    let written = write_out(begins.clone(), store, keys, issuer, now, out).await;
    if has_moved(&mut begins, written.is_err(), store, keys.published()).await? {
        return Err(LogFault::Moved);
    }
    written
}

async fn write_out(
    begins: Option<LogBeginning>,
    store: &dyn Store,
    keys: &Keys,
    issuer: &str,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<(u64, u64), LogFault> {
    let checkpoint = self::checkpoint(store, keys, issuer, now, None).await?;
    let mut verifier = verifier(begins.as_ref());
    let (after, prev_hash) = begins.as_ref().map_or((0, beginning()), |b| (b.end.size, b.end.head.clone()));
    // Who we are may have changed since; what is in one file is said by one.
    let retention = begins.map(|begins| removal(begins.end, keys, issuer, now)).transpose()?.map(|said| said.signed);
    let (format, issuer) = (EXPORT_FORMAT.to_owned(), issuer.to_owned());
    line(out, &ExportHead { format, version: EXPORT_VERSION, issuer, after, prev_hash, retention })?;
    let mut at = after;
    while at < checkpoint.size {
        let page = store.audit(AuditQuery { after: at, limit: PAGE, ..AuditQuery::default() }).await?;
        for event in page.iter().take_while(|event| event.seq <= checkpoint.size) {
            verifier.take(event)?;
            line(out, event)?;
        }
        at = page.last().map_or(checkpoint.size, |event| event.seq);
    }
    let (size, head) = verifier.size_and_head();
    if (size, head) != (checkpoint.size, checkpoint.head.as_str()) {
        let what = format!("the log ends with {size}, and had {} events a moment ago", checkpoint.size);
        return Err(ChainFault::Log(what).into());
    }
    line(out, &ExportEnd { checkpoint })?;
    out.flush()?;
    Ok((after, size))
}

fn line(out: &mut (dyn Write + Send), value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
