//! `gatematch totp import`: hardware tokens from the file of their maker. The whole file is looked at before anything
//! is imported, and nothing that is told of it has a seed in it.

mod people;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::text::{MAX_BYTES, MAX_CHARS, disarm, reason};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::people::{Checked, Line, People, State};
use super::fault::Fault;
use super::operator::{Noun, Operator};
use super::terminal::Terminal;
use super::totp::Import;
use crate::keys::Keys;
use crate::oath::{self, HEADER, LineFault};

/// The largest file that is read, in bytes: room enough for all tokens that one may hold.
const MAX_FILE: u64 = 16 << 20;
/// How many faults are told to people, and how many doubts.
const SHOWN_FAULTS: usize = 50;

pub(super) async fn run(asked: &Import, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let given = asked.reason.as_deref().map(reason).transpose()?;
    let reason = given.unwrap_or_else(|| usual_reason(&asked.file));
    let tokens = oath::read(&bytes_of(&asked.file)?);
    let checked = People::all(operator).await?.check(tokens, &operator.settings.domains);
    let Checked { mut lines, faults, doubts } = checked;
    note(&doubts, terminal);
    if !faults.is_empty() {
        if terminal.is_json() {
            terminal.json(&answer(asked, &[], &faults))?;
        }
        return Err(refusal(&asked.file, &faults));
    }
    if !asked.dry_run {
        let stopped = put_all(&mut lines, &reason, operator).await?;
        if let Some(fault) = stopped {
            if terminal.is_json() {
                terminal.json(&answer(asked, &lines, &[]))?;
            }
            return Err(fault);
        }
    }
    if terminal.is_json() { terminal.json(&answer(asked, &lines, &[])) } else { tell(asked, &lines, terminal) }
}

fn bytes_of(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let unread = |error: std::io::Error| {
        Fault::refused(format!("{} cannot be read: {error}.", path.display()), "Nothing was imported.", "")
    };
    let file = File::open(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len().min(MAX_FILE);
    // Room from the start: a Vec that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default().saturating_add(64)));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unread)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        return Ok(bytes);
    }
    let most = MAX_FILE >> 20;
    Err(Fault::refused(format!("{} is larger than {most} MiB.", path.display()), "Nothing was imported.", "Split it."))
}

/// Why, where nobody says more: as much of the file's name as there is room for.
fn usual_reason(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut text = "imported from ".to_owned();
    for (at, c) in disarm(&name).chars().enumerate() {
        if at + "imported from ".len() >= MAX_CHARS || text.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        text.push(c);
    }
    text
}

/// Imports what is not there yet, line by line; what stopped it, where something did.
async fn put_all(lines: &mut [Line], reason: &str, operator: &Operator) -> Result<Option<Fault>, Fault> {
    let keys = operator.keys().await?;
    for at in 0..lines.len() {
        let Some(line) = lines.get_mut(at).filter(|line| line.state == State::Sound) else { continue };
        if let Err(fault) = put(line, reason, &keys, operator).await {
            let number = line.token.line;
            return Ok(Some(stopped(number, &fault, lines)));
        }
    }
    Ok(None)
}

async fn put(line: &mut Line, reason: &str, keys: &Keys, operator: &Operator) -> Result<(), Fault> {
    let token = &line.token;
    let factor = operator.maker(keys, line.user).token(token.name(), token.seed.clone(), token.period)?;
    let change = FactorChange::Add { factor: Box::new(factor), reason: Some(reason.to_owned()) };
    line.state = State::Unsure;
    let done = operator.store.change_factors(operator.act(), line.user, change).await?;
    line.state = match &done {
        Ok(()) => State::Imported,
        // Somebody else imports the same file at this moment.
        Err(FactorRefusal::SeedHeld) => State::There,
        Err(_) => State::Sound,
    };
    match done {
        Err(refusal) if line.state == State::Sound => Err(Noun::Authenticator.refused(refusal, &line.name)),
        _ => Ok(()),
    }
}

fn stopped(number: usize, fault: &Fault, lines: &[Line]) -> Fault {
    let why = fault.told().first().copied().unwrap_or_default().to_owned();
    let of = |states: &[State]| {
        let those = lines.iter().filter(|line| states.contains(&line.state));
        ranges(&those.map(|line| line.token.line).collect::<Vec<_>>())
    };
    let mut means = format!("Imported: {}. Not imported: {}.", of(&[State::Imported]), of(&[State::Sound]));
    for (state, told) in [(State::There, "There before"), (State::Unsure, "Not certain")] {
        if lines.iter().any(|line| line.state == state) {
            means.push_str(&format!(" {told}: {}.", of(&[state])));
        }
    }
    let todo = "Do the same once more: what is there is left out. Keep the file until then.";
    let what = format!("The import stopped at line {number}: {why}");
    let is_unsure = lines.iter().any(|line| line.state == State::Unsure);
    if is_unsure { Fault::broken(what, means, todo) } else { Fault::refused(what, means, todo) }
}

/// Numbers in ascending order, in words.
fn ranges(numbers: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let part = |(start, end): &(usize, usize)| {
        if start == end { start.to_string() } else { format!("{start} to {end}") }
    };
    match (parts.as_slice(), numbers) {
        ([], _) => "none".to_owned(),
        (_, [one]) => format!("line {one}"),
        (parts, _) => format!("lines {}", parts.iter().map(part).collect::<Vec<_>>().join(", ")),
    }
}

/// What the file can be right about, and what somebody should look at all the same.
fn note(doubts: &[LineFault], terminal: &mut Terminal) {
    for doubt in doubts.iter().take(SHOWN_FAULTS) {
        terminal.note(&format!("{doubt}."));
    }
    if doubts.len() > SHOWN_FAULTS {
        terminal.note(&format!("And {} more lines like these.", doubts.len() - SHOWN_FAULTS));
    }
}

fn refusal(path: &Path, faults: &[LineFault]) -> Fault {
    let count = if faults.len() == 1 { "a fault".to_owned() } else { format!("{} faults", faults.len()) };
    let mut told: Vec<String> = faults.iter().take(SHOWN_FAULTS).map(ToString::to_string).collect();
    if faults.len() > SHOWN_FAULTS {
        told.push(format!("and {} more: --json tells them all", faults.len() - SHOWN_FAULTS));
    }
    told.push("Nothing was imported.".to_owned());
    let todo = format!("Correct the file, and look at it with --dry-run. Its first line is like this: {HEADER}");
    Fault::refused(format!("{} has {count}:", path.display()), told.join("\n"), todo)
}

fn answer(asked: &Import, lines: &[Line], faults: &[LineFault]) -> Value {
    let item = |line: &Line| {
        let (at, serial) = (line.token.line, &line.token.serial);
        json!({"line": at, "user": line.name.as_str(), "serial": serial, "status": line.state.as_str()})
    };
    let items: Vec<_> = lines.iter().map(item).collect();
    json!({"dry_run": asked.dry_run, "items": items, "faults": faults})
}

fn tell(asked: &Import, lines: &[Line], terminal: &mut Terminal) -> Result<(), Fault> {
    let there: Vec<_> = lines.iter().filter(|line| line.state == State::There).map(|line| line.token.line).collect();
    let file = disarm(&asked.file.display().to_string());
    terminal.line(&match (lines.len() - there.len(), asked.dry_run) {
        (0, true) => format!("{file} is sound, and nothing in it is new. Nothing was changed."),
        (1, true) => format!("{file} is sound. To be imported: 1 token. Nothing was changed."),
        (new, true) => format!("{file} is sound. To be imported: {new} tokens. Nothing was changed."),
        (0, false) => "Nothing in the file was new, and nothing was changed.".to_owned(),
        (1, false) => "Imported: 1 token. It works from its next code on.".to_owned(),
        (new, false) => format!("Imported: {new} tokens. Each works from its next code on."),
    })?;
    if !there.is_empty() {
        terminal.line(&format!("There already, and left as it is: {}.", ranges(&there)))?;
    }
    if asked.dry_run {
        return Ok(());
    }
    terminal.line(&format!(
        "Delete {file} now, with its copies in mail, downloads and backups: it has the secret of every token in it."
    ))
}

#[cfg(test)]
mod tests;
