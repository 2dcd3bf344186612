//! The audit log since a backup: it is believed as far as it goes on from where that of the backup ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use gatematch_protocol::audit::{AuditEvent, Checkpoint, EXPORT_FORMAT};
use gatematch_protocol::chain::{ChainFault, Verifier};
use gatematch_protocol::json;
use serde_json::Value;

use super::super::chain::{Tip, end};
use super::super::conn::Conn;
use super::super::row::args;
use super::super::rows::{audit_event, text};
use super::super::save::{INSERT_EVENTS, event_row};
use super::since::Since;
use crate::store::{LogEnd, StoreError};

/// How many events are read and written at a time.
const PAGE: usize = 1_000;
/// Longer lines, in bytes, are not read to their end.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;
/// How many members an event has.
const MEMBERS: usize = 16;

/// Why a log is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogFault {
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, String),
    /// Something is missing.
    #[error("{log} goes on with event {next} after event {last}: those between are missing")]
    Gap {
        /// Which log.
        log: String,
        /// The last one that is there.
        last: u64,
        /// The next one.
        next: u64,
    },
    /// It is the log of something else, or was changed.
    #[error("{log} does not go on from the log of the backup: {what}")]
    Other {
        /// Which log.
        log: String,
        /// What is wrong with it.
        what: String,
    },
    /// It tells nothing of the time since.
    #[error("{log} ends before the backup was made, with event {last}")]
    Early {
        /// Which log.
        log: String,
        /// The last one that is there.
        last: u64,
    },
    /// Its end is missing.
    #[error("{0} is an export without its end: it was cut off")]
    CutOff(String),
    /// The copy that is made does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Follows the log from the end of that in the backup.
pub(crate) struct Follower<'a> {
    /// The copy of the backup, in a transaction; its log grows.
    copy: &'a mut Conn,
    begin: LogEnd,
    verifier: Verifier,
    taken: Vec<AuditEvent>,
    pub(crate) since: Since,
    /// What was signed, as the logs have it.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl<'a> Follower<'a> {
    /// Of a copy that is in a transaction.
    pub(crate) async fn of(copy: &'a mut Conn) -> Result<Self, StoreError> {
        let Tip { seq, hash } = Tip::of(copy).await?;
        let open = copy.all("SELECT id FROM challenges WHERE state IN ('pending', 'approved')", &[]).await?;
        let open = open.iter().map(|row| text(row, "id")).collect::<Result<BTreeSet<_>, _>>()?;
        let verifier = Verifier::after(seq, hash.clone());
        let (begin, since) = (LogEnd { size: seq, head: hash }, Since::with_open(open));
        Ok(Self { copy, begin, verifier, taken: Vec::new(), since, checkpoints: Vec::new() })
    }

    /// Where the log of the backup ends.
    pub(crate) const fn begin(&self) -> &LogEnd {
        &self.begin
    }

    /// Where the log ends as far as it was followed.
    pub(crate) fn end(&self) -> LogEnd {
        let (size, head) = self.verifier.size_and_head();
        LogEnd { size, head: head.to_owned() }
    }

    /// Follows the log of a database.
    pub(crate) async fn database(&mut self, old: &mut Conn) -> Result<(), LogFault> {
        let log = "the log of the database from before";
        let last = Tip::of(old).await?.seq;
        if last < self.begin.size {
            return Err(LogFault::Early { log: log.to_owned(), last });
        }
        // The event that the backup ends with is looked at, too.
        let mut after = i64::try_from(self.begin.size.saturating_sub(1)).unwrap_or(i64::MAX);
        loop {
            let sql = "SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?";
            let page = old.all(sql, args![after, PAGE as u64]).await?;
            for row in &page {
                self.take(log, audit_event(row)?).await?;
            }
            self.flush().await?;
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.get("seq")?,
                _ => break,
            }
        }
        // What was signed there must be there: a log whose end was cut off is found out by it.
        let sql = "SELECT size, head, signed FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
        for row in old.all(sql, &[]).await? {
            let LogEnd { size, head } = end(&row)?;
            self.checkpoints.push(Checkpoint { size, head, signed: text(&row, "signed")? });
        }
        Ok(())
    }

    /// Follows the log in a file: an export, or the lines that a SIEM has got. Lines that were torn off are passed over;
    /// if an event is missing by that, it is found out.
    pub(crate) async fn file(&mut self, path: &Path) -> Result<(), LogFault> {
        let log = path.display().to_string();
        let unreadable = |error: std::io::Error| LogFault::Unreadable(path.to_owned(), error.to_string());
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut is_export, mut has_end, mut last) = (false, false, 0);
        loop {
            let mut line = Vec::new();
            (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
            if line.is_empty() {
                break;
            }
            match read(&line) {
                Some(Line::Event(event)) => {
                    (last, has_end) = (event.seq.max(last), false);
                    self.take(&log, *event).await?;
                }
                Some(Line::Checkpoint(checkpoint)) => {
                    has_end = true;
                    self.checkpoints.push(checkpoint);
                }
                Some(Line::Head) => is_export = true,
                None => {}
            }
        }
        self.flush().await?;
        if is_export && !has_end {
            return Err(LogFault::CutOff(log));
        }
        if last < self.begin.size || last == 0 {
            return Err(LogFault::Early { log, last });
        }
        Ok(())
    }

    async fn take(&mut self, log: &str, event: AuditEvent) -> Result<(), LogFault> {
        let other = |what: String| LogFault::Other { log: log.to_owned(), what };
        let last = self.verifier.size_and_head().0;
        if event.seq > last + 1 {
            return Err(LogFault::Gap { log: log.to_owned(), last, next: event.seq });
        }
        if event.seq <= last {
            // What is older than the backup says nothing of it.
            let is_same = event.seq < self.begin.size || self.known(event.seq).await? == event.hash;
            let what = || other(format!("event {} is another one", event.seq));
            return if is_same { Ok(()) } else { Err(what()) };
        }
        self.verifier.take(&event).map_err(|fault: ChainFault| other(fault.to_string()))?;
        self.since.take(&event);
        self.taken.push(event);
        if self.taken.len() >= PAGE { Ok(self.flush().await?) } else { Ok(()) }
    }

    /// The hash of an event from the last one of the backup on.
    async fn known(&mut self, seq: u64) -> Result<Option<String>, StoreError> {
        if seq == self.begin.size {
            return Ok(Some(self.begin.head.clone()));
        }
        self.flush().await?;
        let row = self.copy.first("SELECT hash FROM audit_events WHERE seq = ?", args![seq]).await?;
        row.map(|row| row.get("hash")).transpose()
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let rows: Vec<Value> = self.taken.drain(..).map(|event| event_row(&event)).collect();
        self.copy.write(&INSERT_EVENTS, &rows).await.map(drop)
    }
}

/// A line of a log.
enum Line {
    Event(Box<AuditEvent>),
    Checkpoint(Checkpoint),
    /// The first line of an export.
    Head,
}

/// What a line says; `None` for half a line, and for lines of others. What stands before the object, as syslog's own
/// words, is passed over.
fn read(line: &[u8]) -> Option<Line> {
    let begin = line.iter().position(|byte| *byte == b'{')?;
    let value = json::parse(line.get(begin..)?.trim_ascii_end()).ok()?;
    let object = value.as_object()?;
    if object.get("format").and_then(Value::as_str) == Some(EXPORT_FORMAT) {
        return Some(Line::Head);
    }
    if let Some(checkpoint) = object.get("checkpoint") {
        return json::from_value(checkpoint.clone()).ok().map(Line::Checkpoint);
    }
    // One more would not be hashed.
    let is_whole = object.len() == MEMBERS;
    json::from_value(value).ok().filter(|_| is_whole).map(|event| Line::Event(Box::new(event)))
}
