//! An exported log, checked by itself: line by line, in memory that does not grow with it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use gatematch_protocol::audit::{
    AuditEvent, AuditKeys, Checkpoint, EXPORT_FORMAT, EXPORT_VERSION, ExportEnd, ExportHead,
};
use gatematch_protocol::chain::{ChainFault, Verifier, beginning, signed};
use gatematch_protocol::json;
use gatematch_protocol::jwk::JwkSet;
use gatematch_protocol::jws::typ;
use serde_json::Value;

use super::proof::{broken_log, unreadable};
use crate::audit::Holds;
use crate::cli::fault::Fault;
use crate::crypto::AwsLc;

/// Longer lines, in bytes, are not read to their end.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;
/// How many members an event has.
const MEMBERS: usize = 16;

/// Checks the log in the file at `path`, signed by keys in that at `keys`.
pub(super) fn verify(path: &Path, keys: &Path, checkpoints: &[Checkpoint]) -> Result<Holds, Fault> {
    let known = fs::read(keys).map_err(|error| unreadable(keys, error))?;
    let known: AuditKeys = serde_json::from_slice(&known).map_err(|error| unreadable(keys, error))?;
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let (mut file, mut number) = (BufReader::new(file), 0);
    let mut next = || -> Result<Option<(usize, String)>, Fault> {
        let mut line = String::new();
        number += 1;
        // Half a character at the limit is no text either.
        (&mut file).take(LONGEST_LINE).read_line(&mut line).map_err(|error| unreadable(path, error))?;
        if line.len() as u64 == LONGEST_LINE {
            return Err(at(number, "it is longer than any event is"));
        }
        Ok((!line.is_empty()).then_some((number, line)))
    };
    let (_, head) = next()?.ok_or_else(|| broken_log("The file is empty"))?;
    let head: ExportHead = json::parse_into(head.as_bytes()).map_err(|fault| at(1, &fault.to_string()))?;
    let mut verifier = begin(&head, &known.set(), checkpoints).map_err(|fault| broken_log(&fault.to_string()))?;
    let mut end = None;
    while let Some((number, line)) = next()? {
        if end.is_some() {
            return Err(at(number, "there is more after the end"));
        }
        let value = json::parse(line.as_bytes()).map_err(|fault| at(number, &fault.to_string()))?;
        if value.get("checkpoint").is_some() {
            let read: Result<ExportEnd, _> = json::from_value(value);
            end = Some(read.map_err(|fault| at(number, &fault.to_string()))?);
            continue;
        }
        let event = event(value).ok_or_else(|| at(number, "it is no event"))?;
        verifier.take(&event).map_err(|fault| broken_log(&fault.to_string()))?;
    }
    let end = end.ok_or_else(|| broken_log("The file has no end: it was cut off"))?;
    let outcome = finish(verifier, &end.checkpoint, &head, &known.set());
    let (size, last) = outcome.map_err(|fault| broken_log(&fault.to_string()))?;
    Ok(Holds { removed: head.after, size, head: last })
}

fn at(number: usize, what: &str) -> Fault {
    broken_log(&format!("Line {number}: {what}"))
}

/// An event with its own members and no others: one more would not be hashed.
fn event(value: Value) -> Option<AuditEvent> {
    let is_whole = value.as_object().is_some_and(|members| members.len() == MEMBERS);
    json::from_value(value).ok().filter(|_| is_whole)
}

fn begin(head: &ExportHead, keys: &JwkSet, checkpoints: &[Checkpoint]) -> Result<Verifier, ChainFault> {
    let fault = |what: &str| ChainFault::Log(what.to_owned());
    if head.format != EXPORT_FORMAT || head.version != EXPORT_VERSION {
        return Err(fault("the file is of another format"));
    }
    match &head.retention {
        None if head.after == 0 && head.prev_hash == beginning() => {}
        None => return Err(fault("the beginning is missing, and nothing says that it was removed")),
        Some(statement) => {
            let said = signed(statement, typ::RETENTION, keys, &AwsLc)?;
            if (said.size, said.head.as_str(), said.issuer.as_str()) != (head.after, &head.prev_hash, &head.issuer) {
                return Err(fault("the log does not begin where the statement about its removed beginning says"));
            }
        }
    }
    let mut verifier = Verifier::after(head.after, head.prev_hash.clone());
    for checkpoint in checkpoints {
        verifier.must_have(checkpoint.checked(keys, &AwsLc)?)?;
    }
    Ok(verifier)
}

fn finish(
    verifier: Verifier,
    checkpoint: &Checkpoint,
    head: &ExportHead,
    keys: &JwkSet,
) -> Result<(u64, String), ChainFault> {
    let said = checkpoint.checked(keys, &AwsLc)?;
    let (size, last) = verifier.end()?;
    if (said.size, said.head.as_str(), said.issuer.as_str()) != (size, &last, &head.issuer) {
        return Err(ChainFault::Log("the end is missing, or is another one than was signed".to_owned()));
    }
    Ok((size, last))
}
