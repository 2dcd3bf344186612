//! `gatematch keys`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, shown_time};
use crate::start::has_given_key;
use crate::store::{RotateRefusal, Rotated};
use crate::vault::{ChangeLock, KEY_FILE, MasterKey, MasterKeyFault, SealedKey, active};

/// `gatematch keys ...`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show the keys there are, and how many secrets are sealed under each (not the keys themselves)
    List,
    /// Make a new data key, seal every secret anew under it, and delete the old one; the server may run meanwhile
    Rotate(Rotate),
}

/// `gatematch keys rotate`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Make a new master key as well; the old one is kept beside it, as backups from before open under it alone
    #[arg(long)]
    master: bool,
    /// The file that holds the new master key, where GATEMATCH_MASTER_KEY gives the one in use
    #[arg(long, value_name = "FILE", requires = "master")]
    new_key: Option<PathBuf>,
}

/// How the master key changes.
enum Change {
    /// It stays.
    No,
    /// A new one takes the place of the file in the data directory.
    File,
    /// This one, from this file, is given from the next start on.
    Given(MasterKey, PathBuf),
}

pub(super) async fn run(command: &KeysCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        KeysCommand::List => list(operator, terminal).await,
        KeysCommand::Rotate(asked) => rotate(asked, operator, terminal).await,
    }
}

async fn list(operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let keys = operator.store.list_keys().await?;
    let waits = keys.data_keys.last().is_some_and(|(key, _)| key.is_between_masters());
    if terminal.is_json() {
        let data = keys.data_keys.iter().map(|(key, sealed)| {
            json!({"number": key.number, "status": key.status, "created_at": key.created_at, "sealed": sealed})
        });
        let signing = keys.signing_keys.iter().map(
            |key| json!({"id": key.id, "purpose": key.purpose, "status": key.status, "created_at": key.created_at}),
        );
        return terminal.json(&json!({
            "data_keys": data.collect::<Vec<_>>(),
            "sealed_under_master_key": keys.under_master,
            "new_master_key_waits": waits,
            "signing_keys": signing.collect::<Vec<_>>(),
        }));
    }
    let data = keys.data_keys.iter().map(|(key, sealed)| {
        vec![key.number.to_string(), key.status.clone(), shown_time(key.created_at), sealed.to_string()]
    });
    let older = ["master key", "retiring", "-"].map(str::to_owned);
    let older = (keys.under_master > 0).then(|| [older.as_slice(), &[keys.under_master.to_string()]].concat());
    let rows: Vec<_> = older.into_iter().chain(data).collect();
    terminal.table(&["DATA KEY", "STATUS", "MADE", "SECRETS"], &rows)?;
    terminal.line("")?;
    let signing = keys
        .signing_keys
        .iter()
        .map(|key| vec![key.id.to_string(), key.purpose.clone(), key.status.clone(), shown_time(key.created_at)]);
    terminal.table(&["SIGNING KEY", "SIGNS", "STATUS", "MADE"], &signing.collect::<Vec<_>>())?;
    if waits { terminal.line("\nA new master key waits for the next start of the server.") } else { Ok(()) }
}

async fn rotate(asked: &Rotate, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    // Before anything is looked at that somebody else could be changing.
    let lock = lock(&operator.settings.data_dir)?;
    let change = change(asked, operator)?;
    let keys = renewed(&lock, operator).await?;
    let (rotated, word, told) = match change {
        Change::No => (operator.rotate().await?, "unchanged", None),
        Change::File => {
            let (rotated, told) = change_file(&lock, operator).await?;
            (rotated, "changed", Some(told))
        }
        Change::Given(key, file) => {
            let (rotated, told) = change_given(key, &file, &keys, operator).await?;
            (rotated, "waits", Some(told))
        }
    };
    if rotated.unopened > 0 {
        terminal.note(&format!(
            "{} secrets did not open and were left as they are: somebody changed them by hand, or they are damaged. \
             The key that they name stays.",
            rotated.unopened
        ));
    }
    if !rotated.is_folded {
        terminal.note(
            "What was replaced may still be in the database's log of writes (the file ending in -wal): somebody was \
             reading all the time. It goes when the server is restarted, or with the next rotation.",
        );
    }
    if terminal.is_json() {
        return terminal.json(&json!({
            "number": rotated.number,
            "resealed": rotated.resealed,
            "unopened": rotated.unopened,
            "deleted": rotated.deleted,
            "master_key": word,
        }));
    }
    if !asked.master || !keys.last().is_some_and(SealedKey::is_between_masters) {
        terminal.line(&told_of(&rotated))?;
    }
    told.map_or(Ok(()), |told| terminal.line(&told))
}

/// The keys, read anew under the lock; a change of the master key that was cut off is over then.
async fn renewed(lock: &ChangeLock, operator: &Operator) -> Result<Vec<SealedKey>, Fault> {
    let keys: Vec<_> = operator.store.list_keys().await?.data_keys.into_iter().map(|(key, _)| key).collect();
    operator.vault.finish_change(lock, &keys)?;
    Ok(keys)
}

impl Operator {
    async fn rotate(&self) -> Result<Rotated, Fault> {
        self.store.rotate_keys(self.act()).await?.map_err(refused)
    }
}

fn told_of(rotated: &Rotated) -> String {
    let gone: Vec<_> = rotated.deleted.iter().map(u32::to_string).collect();
    let gone = if gone.is_empty() { "No key was".to_owned() } else { format!("Key {} was", gone.join(", ")) };
    let (number, resealed) = (rotated.number, rotated.resealed);
    format!("Data key {number} is in use, and {resealed} secrets were sealed anew under it. {gone} deleted.")
}

fn change(asked: &Rotate, operator: &Operator) -> Result<Change, Fault> {
    match (&operator.settings.master_key, &asked.new_key) {
        _ if !asked.master => Ok(Change::No),
        (None, None) if has_given_key(&operator.settings.data_dir) => Err(server_has_given()),
        (None, None) => Ok(Change::File),
        (None, Some(_)) => Err(Fault::usage(
            "--new-key is for a master key that GATEMATCH_MASTER_KEY gives, and this one is in the data directory.",
            "Nothing was changed.",
            "Leave --new-key out: the new master key is made and kept in the same place.",
        )),
        (Some(_), None) => Err(Fault::usage(
            "GATEMATCH_MASTER_KEY gives the master key, and it cannot be changed from here.",
            "Nothing was changed.",
            "Write a new key into a file (mode 0600), and name it: gatematch keys rotate --master --new-key FILE",
        )),
        (Some(current), Some(file)) => {
            let new = MasterKey::read_file(file.clone()).map_err(|fault| unusable(&fault))?;
            let new = new.ok_or_else(|| {
                Fault::usage(format!("There is no file {}.", file.display()), "Nothing was changed.", "")
            })?;
            let current =
                MasterKey::from_text(current.reveal(), "GATEMATCH_MASTER_KEY").map_err(|fault| unusable(&fault))?;
            if new.is_same(&current) {
                return Err(refused(RotateRefusal::SameMaster));
            }
            Ok(Change::Given(new, file.clone()))
        }
    }
}

/// A key that was given and is none.
fn unusable(fault: &MasterKeyFault) -> Fault {
    Fault::broken(format!("{fault}."), "Nothing was changed.", "Look at it, and try again.")
}

/// The file that is used here opens the database, and yet the server would not start with what comes into its place.
fn server_has_given() -> Fault {
    Fault::refused(
        "The server has its master key from GATEMATCH_MASTER_KEY, and this command was run without it.",
        "Nothing was changed: a new key in the data directory would lock the server out.",
        "Set GATEMATCH_MASTER_KEY here too, and use --new-key FILE (and remove master.key from the data directory). \
         If the server is to use the file from now on, start it once without GATEMATCH_MASTER_KEY.",
    )
}

/// Whoever is cut off between two of these steps leaves what the next start can finish.
async fn change_file(lock: &ChangeLock, operator: &Operator) -> Result<(Rotated, String), Fault> {
    let directory = operator.settings.data_dir.as_path();
    // What the old master key alone opens goes first.
    let first = match operator.store.list_keys().await?.under_master {
        0 => None,
        _ => Some(operator.rotate().await?),
    };
    let keys = renewed(lock, operator).await?;
    if active(&keys).is_some_and(SealedKey::is_between_masters) {
        return Err(refused(RotateRefusal::MasterWaits));
    }
    operator.vault.clear_next(lock, &keys)?;
    let new = MasterKey::generate(&operator.edge)?;
    new.write_next(directory)?;
    if let Err(refusal) = operator.store.change_master(operator.act(), new, false).await? {
        // The database is as it was, and the key that was to come is good for nothing.
        operator.vault.withdraw_next(lock, &renewed(lock, operator).await?)?;
        return Err(refused(refusal));
    }
    let file = directory.join(KEY_FILE);
    let old = MasterKey::promote_next(directory, operator.edge.now())?;
    // The new data key was never sealed under the old master key.
    let half_way = |fault: Fault| {
        Fault::broken(
            fault.told().join(" "),
            format!("The master key is another one all the same. Make a backup of {} now.", file.display()),
            "For a new data key, too, run: gatematch keys rotate",
        )
    };
    let mut rotated = operator.rotate().await.map_err(half_way)?;
    rotated.deleted.splice(0..0, first.into_iter().flat_map(|first| first.deleted));
    let kept = old.map_or_else(String::new, |old| {
        format!(
            " The old one is kept in {}: backups from before need it. Remove it when the last of them is gone.",
            old.display()
        )
    });
    let told = format!(
        "The master key is another one. Make a backup of {} now: the old one does not open this database any more.{kept}",
        file.display()
    );
    Ok((rotated, told))
}

/// The new key waits for the next start; in the place of another one, perhaps, that was lost.
async fn change_given(
    new: MasterKey,
    file: &Path,
    keys: &[SealedKey],
    operator: &Operator,
) -> Result<(Rotated, String), Fault> {
    let waiting = active(keys).filter(|key| key.is_between_masters());
    let mut rotated = match waiting {
        // The data key stays: a new one would have to be sealed under the key that was lost.
        Some(key) => Rotated { number: key.number, resealed: 0, unopened: 0, deleted: Vec::new(), is_folded: false },
        None => operator.rotate().await?,
    };
    let changed = operator.store.change_master(operator.act(), new, true).await?.map_err(refused)?;
    rotated.is_folded = changed.is_folded;
    let replaced = if changed.replaces { "The new key that waited before opens nothing any more. " } else { "" };
    let told = format!(
        "{replaced}Now set GATEMATCH_MASTER_KEY to the key in {}, and restart the server. From that start on, the old \
         one does not open this database any more. Keep it as long as there are backups from before: they need it.",
        file.display()
    );
    Ok((rotated, told))
}

/// One at a time: each would put its own master key in the place of the other's.
fn lock(directory: &Path) -> Result<ChangeLock, Fault> {
    ChangeLock::take(directory)?.ok_or_else(|| {
        Fault::refused(
            "Another gatematch keys rotate is at work on this data directory.",
            "Nothing was changed.",
            "Wait for it to end. See: gatematch keys list",
        )
    })
}

fn refused(refusal: RotateRefusal) -> Fault {
    let what = match refusal {
        RotateRefusal::MasterWaits => "A new master key waits for the next start of the server.".to_owned(),
        RotateRefusal::SameMaster => "The new master key is the one that is in use.".to_owned(),
        RotateRefusal::UnderMaster(count) => format!("{count} secrets are still sealed under the master key itself."),
    };
    let (means, todo) = match refusal {
        RotateRefusal::MasterWaits => (
            "Nothing was changed.",
            "Set GATEMATCH_MASTER_KEY to the new key, restart the server, and try again. If the new key was lost, put \
                 another one in its place, with the old one in GATEMATCH_MASTER_KEY: keys rotate --master --new-key FILE",
        ),
        RotateRefusal::SameMaster => ("Nothing was changed.", "Write another key into the file."),
        RotateRefusal::UnderMaster(_) => (
            "They would be lost, so the master key stays as it is.",
            "Try again. If it stays so, revoke what does not open: gatematch device list USER",
        ),
    };
    Fault::refused(what, means, todo)
}

impl From<MasterKeyFault> for Fault {
    fn from(fault: MasterKeyFault) -> Self {
        let (means, todo) = match &fault {
            MasterKeyFault::NextInUse(_) => (
                "The master key was not changed.",
                "Do not move or remove this file. Check that master.key is there and can be read by this account alone, \
                 and try again: gatematch keys list",
            ),
            _ => (
                "The master key was not changed, or is in the file master.key.next; the next start finds out.",
                "Look at the file, and try again.",
            ),
        };
        Self::broken(format!("{fault}."), means, todo)
    }
}
