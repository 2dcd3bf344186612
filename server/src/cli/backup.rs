//! `gatematch backup`.

use std::path::PathBuf;

use clap::Args;
use gatematch_domain::audit::Event;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::Terminal;
use crate::backup::{BackupFault, Made, write};
use crate::vault::KEY_FILE;

/// `gatematch backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file; there must be none of this name yet
    file: PathBuf,
}

pub(super) async fn run(asked: &Backup, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let Made { bytes, end, rows } = write(&operator.settings, &asked.file).await?;
    let act = operator.act();
    let event = Event::new("database.backed_up", act.actor, act.now).with("size", end.size);
    operator.store.record_events(vec![event.with("head", end.head.as_str()).with("bytes", bytes)]).await?;
    if terminal.is_json() {
        let rows: Map<String, Value> = rows.into_iter().map(|(table, count)| (table, count.into())).collect();
        let (size, head) = (end.size, end.head);
        return terminal.json(&json!({"file": asked.file, "bytes": bytes, "size": size, "head": head, "rows": rows}));
    }
    let rows_of = |table: &str| rows.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count);
    let (users, phones) = (counted(rows_of("users"), "user"), counted(rows_of("devices"), "phone"));
    terminal.line(&format!(
        "{} has everything up to event {}: {users}, {phones}, {}.",
        asked.file.display(),
        end.size,
        amount(bytes)
    ))?;
    let key = operator.settings.data_dir.join(KEY_FILE).display().to_string();
    let key = operator.settings.master_key.as_ref().map_or(key, |_| "GATEMATCH_MASTER_KEY".to_owned());
    terminal.line(&format!("The master key is not in it, and it opens under that alone. Keep {key} elsewhere."))?;
    terminal.line(&format!("To try it: gatematch restore {} --check", asked.file.display()))
}

/// So many, in words.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        // Keys are keys.
        (count, Some(stem)) if !noun.ends_with("key") => format!("{count} {stem}ies"),
        (count, _) => format!("{count} {noun}s"),
    }
}

/// Bytes as people read them.
fn amount(bytes: u64) -> String {
    match bytes / 1_000 {
        thousands @ ..1_000 => format!("{thousands} kB"),
        thousands => format!("{}.{} MB", thousands / 1_000, thousands % 1_000 / 100),
    }
}

impl From<BackupFault> for Fault {
    fn from(fault: BackupFault) -> Self {
        let means = "No backup was made.";
        match &fault {
            BackupFault::Exists(path) => {
                Self::refused(format!("{} is there already.", path.display()), means, "Give another name.")
            }
            BackupFault::Io { .. } | BackupFault::Store(_) => {
                let todo = "Give a name in a directory that can be written to and has room for all of the database.";
                Self::broken(format!("{fault}."), means, todo)
            }
            BackupFault::NotWhole(_) => {
                let todo = "Look at the disk, and at the log: gatematch audit verify. Keep the backups from before.";
                Self::broken(format!("{fault}."), means, todo)
            }
            BackupFault::Open(_) => Self::broken(format!("{fault}."), means, ""),
        }
    }
}
