//! `gatematch restore`.

use std::path::PathBuf;

use clap::Args;
use gatematch_domain::audit::Actor;
use serde_json::json;

use super::audit::checkpoints;
use super::backup::counted;
use super::fault::Fault;
use super::terminal::{Terminal, shown_time};
use crate::edge::Edge;
use crate::restore::{Asked, RestoreFault, Restored, check, restore};
use crate::settings::Settings;

/// `gatematch restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// What happened since, where the database that is there does not tell it: a file of `audit export`, the lines that a
    /// SIEM has got, or the database as it was last, moved away; may be given several times
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,
    /// Nothing happened after what the database named with --log tells: it was the last state, and is no backup
    #[arg(long, requires = "log", conflicts_with = "void")]
    last: bool,
    /// A checkpoint from before, which the log must have in it; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Where nobody knows what happened since: users, groups, policy and log come back, and every phone, code, pass,
    /// bypass, browser and key is void
    #[arg(long)]
    void: bool,
    /// Only look whether the backup could be restored; the server may run
    #[arg(long, conflicts_with_all = ["void"])]
    check: bool,
}

pub(super) async fn run(
    asked: &Restore,
    settings: &Settings,
    account: String,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let (edge, actor) = (Edge::system(), Actor::CommandLine(account));
    let checkpoints = checkpoints(&asked.checkpoint)?;
    let wanted = Asked { file: &asked.file, logs: &asked.log, checkpoints, is_void: asked.void, is_last: asked.last };
    let file = asked.file.display();
    if asked.check {
        let end = check(settings, &edge, actor, &wanted).await?;
        if terminal.is_json() {
            return terminal.json(&json!({"size": end.size, "head": end.head}));
        }
        terminal.line(&format!(
            "{file} can be restored: it is whole, it opens under this master key, and its log holds."
        ))?;
        return terminal.line(&format!("Its log has {}, and ends in {}.", counted(end.size, "event"), end.head));
    }
    let done = restore(settings, &edge, actor, &wanted).await?;
    for note in warnings(&done, asked.void) {
        terminal.note(&note);
    }
    if terminal.is_json() {
        let since = done.end.size - done.begin.size;
        return terminal.json(&json!({
            "size": done.begin.size, "head": done.begin.head, "events_since": since, "until": done.latest,
            "log_is_whole": done.is_whole, "void": asked.void, "taken_away": done.taken, "kept": done.kept
        }));
    }
    tell(&done, asked, terminal)
}

fn tell(done: &Restored, asked: &Restore, terminal: &mut Terminal) -> Result<(), Fault> {
    let since = counted(done.end.size - done.begin.size, "event");
    let until = done.latest.map(|at| format!(", until {}", shown_time(at))).unwrap_or_default();
    terminal.line(&format!(
        "{} is restored: its log up to event {}, and {since} from since{until}.",
        asked.file.display(),
        done.begin.size
    ))?;
    let taken = &done.taken;
    let gone = named(&[
        (taken.users, "user"),
        (taken.phones, "phone"),
        (taken.factors, "code, pass or bypass"),
        (taken.gateways, "gateway"),
        (taken.admin_keys, "administrator's key"),
        (taken.browsers, "browser"),
    ]);
    let gone = if gone.is_empty() { "nothing".to_owned() } else { gone };
    terminal.line(&format!("What was removed or used since did not come back: {gone}."))?;
    if taken.standing > 0 {
        terminal.line(&format!(
            "Locked, disabled, or in other groups, as they were: {}.",
            counted(taken.standing, "user")
        ))?;
    }
    if taken.recovery_codes > 0 {
        terminal.line(&format!(
            "Without the codes that were used: {}.",
            counted(taken.recovery_codes, "set of recovery codes")
        ))?;
    }
    terminal.line("Used up: codes of authenticator apps until now, enrollment links, open requests and pages.")?;
    if let Some(policy) = taken.policy {
        terminal.line(&format!("The policy is version {policy}, as it was."))?;
    }
    if let Some(kept) = &done.kept {
        terminal.line(&format!("What was there before is in {}.", kept.display()))?;
    }
    if asked.void {
        terminal.line("Nobody can sign in. Next: gatematch admin-key create --role admin --name NAME")?;
        return terminal.line("Then make the gateways, and let people enroll anew.");
    }
    terminal.line("Next: start the server.")
}

/// What is not as it was, and nobody should overlook.
fn warnings(done: &Restored, is_void: bool) -> Vec<String> {
    let mut told = done.notes.clone();
    let (taken, made) = (&done.taken, done.taken.made);
    if !done.is_whole && !is_void {
        let until =
            done.latest.map_or_else(|| "the backup".to_owned(), |at| format!("its last event ({})", shown_time(at)));
        told.push(format!(
            "Whether the log goes to the very end, nobody knows: recovery codes, passes, bypasses and known browsers are \
             void. What happened after {until} counts as not having happened. A database that was moved away, and is the \
             last state, is named with --log and --last."
        ));
    }
    if let Some(policy) = taken.lost_policy {
        told.push(format!(
            "THE POLICY IS AN OLDER ONE: version {policy} held, and is in no backup. Apply it again before you start the \
             server: gatematch policy apply FILE"
        ));
    }
    if let Some(removed) = taken.lost_removal {
        told.push(format!("The events up to {removed} had been removed, and are there again: gatematch audit prune"));
    }
    let lost = named(&[
        (made.users, "user"),
        (made.phones, "phone"),
        (made.authenticators, "authenticator"),
        (made.bypasses, "bypass"),
        (made.gateways, "gateway"),
        (made.admin_keys, "administrator's key"),
    ]);
    if !lost.is_empty() {
        told.push(format!("Made since, and not there: {lost}. The log names them: gatematch audit tail"));
    }
    told
}

fn named(counts: &[(u64, &str)]) -> String {
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| match *noun {
        "code, pass or bypass" if *count > 1 => format!("{count} codes, passes and bypasses"),
        "bypass" if *count > 1 => format!("{count} bypasses"),
        noun => counted(*count, noun),
    });
    told.collect::<Vec<_>>().join(", ")
}

impl From<RestoreFault> for Fault {
    fn from(fault: RestoreFault) -> Self {
        let means = match fault {
            RestoreFault::InDoubt(_) => "Whether anything was changed is not known.",
            _ => "Nothing was changed.",
        };
        let what = capital(&format!("{fault}."));
        let todo = match fault {
            RestoreFault::InUse(_) => {
                "Stop the server on every machine, and end other commands: systemctl stop gatematch"
            }
            RestoreFault::KeyWaits(_) => "Start the server once, or run: gatematch keys list. Then restore.",
            RestoreFault::NoKey(_) => "Put the master key of the backup's time there (mode 0600), or set it.",
            RestoreFault::OtherKey(_) => {
                "A backup opens under the master key of its time: put that one there. docs/keys.md says how to change it after."
            }
            RestoreFault::NoBackup(_) => "Take another backup.",
            RestoreFault::Unknown(_) => {
                "Name the log of that time (--log FILE: an export, or what a SIEM has), or restore with --void: users, groups, policy and log come back, and every phone, code, pass, bypass, browser and key is void."
            }
            RestoreFault::Log(_) | RestoreFault::Chain(_) => {
                "Name a log that goes on from the backup without a gap (--log FILE), or restore with --void. Keep both logs: one of them was changed, or is of something else."
            }
            RestoreFault::Start(fault) => return (*fault).into(),
            RestoreFault::Kept(fault) => return Self::broken(capital(&format!("{fault}.")), means, "Make room."),
            RestoreFault::Io { .. } | RestoreFault::Server(_) | RestoreFault::Store(_) => {
                return Self::broken(what, means, "");
            }
            RestoreFault::Keys(fault) => return fault.into(),
            RestoreFault::InDoubt(_) => {
                let todo =
                    "Look whether database.restored is the last event: gatematch audit tail. If not, restore again.";
                return Self::broken(what, means, todo);
            }
        };
        Self::refused(what, means, todo)
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
