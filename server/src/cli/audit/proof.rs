//! `gatematch audit verify`, `export`, `checkpoint` and `prune`: the log as a chain.

use std::fs::{self, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use gatematch_domain::text::reason;
use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::json;
use gatematch_protocol::time::Timestamp;
use serde_json::json as value;

use super::file;
use crate::audit::{self, Holds, LogFault};
use crate::cli::duration::time;
use crate::cli::fault::Fault;
use crate::cli::operator::Operator;
use crate::cli::terminal::{Terminal, shown_time};
use crate::siem;

/// How many events are removed at a time: the server goes on in between.
const REMOVED_AT_ONCE: u64 = 20_000;

/// `gatematch audit verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A checkpoint from before, which the log must have in it; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Check a file of `export` in place of the log itself
    #[arg(long, value_name = "FILE", requires = "keys")]
    file: Option<PathBuf>,
    /// The keys that sign checkpoints, as /.well-known/jwks-audit.json has them
    #[arg(long, value_name = "FILE", requires = "file")]
    keys: Option<PathBuf>,
}

/// `gatematch audit export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The file; there must be none of this name yet
    file: PathBuf,
}

/// `gatematch audit prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Remove what was before this time, as 2031-01-31T00:00Z or 2031-01-31T00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Timestamp,
    /// Why; the audit log keeps it
    #[arg(long)]
    reason: String,
}

pub(super) async fn verify(asked: &Verify, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let checkpoints = checkpoints(&asked.checkpoint)?;
    let keys = operator.keys().await?;
    let holds = audit::verify(operator.store.as_ref(), keys.published(), &checkpoints).await.map_err(broken)?;
    tell(holds, &checkpoints, terminal)
}

/// The same of a file; `None` where none is named.
pub(super) fn verify_file(asked: &Verify, terminal: &mut Terminal) -> Option<Result<(), Fault>> {
    let (path, keys) = (asked.file.as_ref()?, asked.keys.as_ref()?);
    let mut check = || {
        let checkpoints = checkpoints(&asked.checkpoint)?;
        tell(file::verify(path, keys, &checkpoints)?, &checkpoints, terminal)
    };
    Some(check())
}

/// Tells what holds, and what was not looked at.
fn tell(holds: Holds, checkpoints: &[Checkpoint], terminal: &mut Terminal) -> Result<(), Fault> {
    let Holds { removed, size, head } = holds;
    let (told, early): (Vec<_>, Vec<_>) = checkpoints.iter().partition(|checkpoint| checkpoint.size > removed);
    if terminal.is_json() {
        let (told, early) = (told.len(), early.len());
        return terminal.json(&value!({
            "removed": removed, "size": size, "head": head, "checkpoints": told, "checkpoints_removed": early
        }));
    }
    if removed == 0 {
        terminal.line(&format!("The log holds: {size} events, each as it was written, none missing."))?;
    } else {
        let first = removed + 1;
        terminal
            .line(&format!("The log holds: the events {first} to {size}, each as it was written, none missing."))?;
        terminal.line(&format!("Those up to {removed} were removed, by a signed statement."))?;
    }
    terminal.line(&format!("It ends in {head}."))?;
    if !early.is_empty() {
        terminal
            .line(&format!("Checkpoints of events that were removed, which tell nothing any more: {}.", early.len()))?;
    }
    if told.is_empty() {
        let text = "Whether its end was cut off, only a checkpoint from before can tell: --checkpoint FILE.";
        return terminal.line(text);
    }
    Ok(())
}

/// The checkpoints in files: each one, or one a line.
pub(in crate::cli) fn checkpoints(paths: &[PathBuf]) -> Result<Vec<Checkpoint>, Fault> {
    let mut found = Vec::new();
    for path in paths {
        let fault = |what: String| Fault::usage(format!("{}: {what}.", path.display()), "Nothing was checked.", "");
        let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        // A single one may stand on several lines.
        if let Ok(one) = json::parse_into(text.as_bytes()) {
            found.push(one);
            continue;
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            found.push(json::parse_into(line.as_bytes()).map_err(|error| fault(error.to_string()))?);
        }
    }
    Ok(found)
}

pub(super) async fn export(asked: &Export, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let (keys, issuer) = (operator.keys().await?, issuer(operator)?);
    let fault = |what: &dyn std::fmt::Display| {
        let todo = "Give a name that is free, in a directory that can be written to.";
        Fault::broken(format!("{}: {what}.", asked.file.display()), "Nothing was exported.", todo)
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&asked.file);
    let mut out = BufWriter::new(file.map_err(|error| fault(&error))?);
    let (store, now) = (operator.store.as_ref(), operator.edge.now());
    let written = audit::export(store, &keys, &issuer, now, &mut out).await;
    let (after, size) = match written {
        Ok(written) => written,
        Err(error) => {
            // Half of a log is none.
            drop(fs::remove_file(&asked.file));
            return Err(broken(error));
        }
    };
    out.into_inner().map_err(|error| fault(error.error()))?.sync_all().map_err(|error| fault(&error))?;
    if terminal.is_json() {
        return terminal.json(&value!({"after": after, "size": size}));
    }
    terminal.line(&format!(
        "{} has the events {} to {size}, and a checkpoint of them.",
        asked.file.display(),
        after + 1
    ))?;
    terminal.line("To check it, anywhere: gatematch audit verify --file FILE --keys jwks-audit.json")
}

pub(super) async fn checkpoint(operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let (keys, issuer) = (operator.keys().await?, issuer(operator)?);
    let made =
        audit::checkpoint(operator.store.as_ref(), &keys, &issuer, operator.edge.now(), None).await.map_err(broken)?;
    terminal.json(&made)
}

pub(super) async fn prune(asked: &Prune, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    reason(&asked.reason)?;
    let (keys, issuer) = (operator.keys().await?, issuer(operator)?);
    let store = operator.store.as_ref();
    // What does not hold is evidence: it is not thrown away.
    audit::verify(store, keys.published(), &[]).await.map_err(broken)?;
    let begins = store.log_beginning().await?.map_or(0, |begins| begins.end.size);
    let Some(end) = store.log_before(asked.before).await? else {
        return Err(Fault::refused(
            format!("There is no event from before {}.", shown_time(asked.before)),
            "Nothing was removed.",
            "",
        ));
    };
    undelivered(operator, end.size).await?;
    let mut removed = begins;
    while removed < end.size {
        let step = (removed + REMOVED_AT_ONCE).min(end.size);
        // It held a moment ago.
        let last = store.log_event(step).await?.ok_or_else(|| broken(LogFault::Moved))?;
        let statement =
            audit::removal(last, &keys, &issuer, operator.edge.now()).map_err(LogFault::from).map_err(broken)?;
        if !store.remove_beginning(operator.act(), statement, asked.reason.clone()).await? {
            return Err(broken(LogFault::Moved));
        }
        removed = step;
    }
    let count = end.size - begins;
    if terminal.is_json() {
        return terminal.json(&value!({"removed": count, "after": end.size}));
    }
    terminal.line(&format!(
        "{count} events are gone. The log begins after event {} from now on, by a signed statement.",
        end.size
    ))
}

/// Refuses to remove what somebody is to be sent, and does not have yet.
async fn undelivered(operator: &Operator, size: u64) -> Result<(), Fault> {
    for (name, setting) in siem::readers(&operator.settings) {
        let has = operator.store.cursor(name.to_owned()).await?;
        if has < size {
            let todo = format!("Wait until it is there, or take {setting} out of the settings.");
            let what = format!("The events {} to {size} are not delivered to {setting} yet.", has + 1);
            return Err(Fault::refused(what, "Nothing was removed.", &todo));
        }
    }
    Ok(())
}

/// Whose statements these are.
fn issuer(operator: &Operator) -> Result<String, Fault> {
    operator.settings.known_issuer().ok_or_else(|| {
        let todo = "Set issuer to what the server calls itself.";
        Fault::usage("Nobody knows the issuer: the server listens on a port of the system's choice.", "", todo)
    })
}

/// What is wrong with a log is no mistake of whoever asks.
pub(super) fn broken(fault: LogFault) -> Fault {
    match fault {
        LogFault::Chain(fault) => broken_log(&fault.to_string()),
        LogFault::Moved => {
            let what = "The beginning of the log was removed at the same time.";
            Fault::refused(what, "The log may well hold.", "Do it again.")
        }
        LogFault::Store(error) => error.into(),
        LogFault::Signing(error) => Fault::broken(format!("{error}."), "", ""),
        LogFault::Io(error) => error.into(),
    }
}

pub(super) fn broken_log(what: &str) -> Fault {
    let todo = "Keep the database as it is, and a copy of it: this is evidence. docs/audit.md says what to do.";
    Fault::refused(format!("The log does not hold. {what}."), "Somebody, or a fault of the disk, has changed it.", todo)
}

/// A file that cannot be read.
pub(super) fn unreadable(path: &Path, what: impl std::fmt::Display) -> Fault {
    Fault::usage(format!("{}: {what}.", path.display()), "Nothing was checked.", "")
}
