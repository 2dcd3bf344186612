//! `gatematch policy`.

mod explain;
mod file;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gatematch_domain::policy::{Names, Policy, PolicyFault, changes};
use gatematch_protocol::policy::{PolicyVersion, PutPolicy, Rule, When};
use serde_json::{Value, json};

use self::explain::Explaining;
use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};
use crate::places::Places;
use crate::policy::{self, PolicyRefusal};
use crate::store::{self, Expected, PutRefusal, Replacement};

/// `gatematch policy ...`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show the rules: who is asked for what
    Show(Show),
    /// Say what is wrong with a file of rules, and what it would change
    Check {
        /// The file, in TOML or JSON
        file: PathBuf,
    },
    /// Let the rules of a file hold from now on
    Apply(Apply),
    /// Say what becomes of a sign-in, and why
    Explain(Box<Explaining>),
    /// Show who changed the policy, when, and how
    History {
        /// How many versions
        #[arg(short = 'n', long = "lines", value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        count: u32,
    },
    /// Let the rules of an earlier version hold again
    Rollback {
        /// Which, as `history` shows it
        version: u64,
        /// Why; the history keeps it
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
}

/// `gatematch policy show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Another version than the one that holds
    #[arg(long = "of", value_name = "VERSION")]
    version: Option<u64>,
    /// As a file for `apply`
    #[arg(long)]
    toml: bool,
}

/// `gatematch policy apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file, in TOML or JSON
    file: PathBuf,
    /// Why; the history keeps it
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Only if this version holds: nobody else's change is overwritten
    #[arg(long = "if", value_name = "VERSION")]
    expected: Option<u64>,
}

pub(super) async fn run(command: &PolicyCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        PolicyCommand::Show(asked) => show(asked, operator, terminal).await,
        PolicyCommand::Check { file } => check(file, operator, terminal).await,
        PolicyCommand::Apply(asked) => apply(asked, operator, terminal).await,
        PolicyCommand::Explain(asked) => explain::run(asked, operator, terminal).await,
        PolicyCommand::History { count } => history(*count, operator, terminal).await,
        PolicyCommand::Rollback { version, comment } => roll_back(*version, comment, operator, terminal).await,
    }
}

async fn show(asked: &Show, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let policy = match asked.version {
        None => Policy::clone(&*operator.store.policy().await?),
        Some(version) => earlier(version, operator).await?,
    };
    if terminal.is_json() {
        return terminal.json(&policy.view(Vec::new()));
    }
    if asked.toml {
        return terminal.line(file::written(&policy)?.trim_end());
    }
    terminal.line(&format!(
        "Version {}, profile {}. The first rule that matches decides.",
        policy.version,
        policy.profile.as_str()
    ))?;
    table(&policy.written(), terminal)?;
    terminal.line(
        "\nTo change it: gatematch policy show --toml > policy.toml, and then: gatematch policy apply policy.toml",
    )
}

/// The rules, one a row.
fn table(rules: &[Rule], terminal: &mut Terminal) -> Result<(), Fault> {
    let row = |rule: &Rule| {
        let state = match (rule.enabled, rule.report_only) {
            (false, _) => " (not enabled)",
            (true, true) => " (only reports)",
            (true, false) => "",
        };
        let missing = if rule.on_missing.as_deref() == Some("match") { "match" } else { "skip" };
        let missing = if rule.when.can_miss() { missing } else { "" };
        vec![format!("{}{state}", rule.name), when(&rule.when), missing.to_owned(), then(rule)]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    terminal.table(&["RULE", "WHEN", "MISSING", "THEN"], &rows)
}

fn when(when: &When) -> String {
    let Ok(Value::Object(members)) = serde_json::to_value(when) else { return String::new() };
    let told: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
    if told.is_empty() { "always".to_owned() } else { told.join("; ") }
}

fn then(rule: &Rule) -> String {
    let Ok(Value::Object(mut members)) = serde_json::to_value(&rule.then) else { return String::new() };
    members.remove("decision");
    let terms: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
    let terms = if terms.is_empty() { String::new() } else { format!(": {}", terms.join(", ")) };
    format!("{}{terms}", rule.then.decision)
}

/// A value without the marks of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(entries) => entries.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

async fn check(path: &Path, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let put = file::read(path)?;
    let was = operator.store.policy().await?;
    let (policy, warnings) = checked(&put, &was, operator).await?;
    let changes = changes(&was, &policy);
    if terminal.is_json() {
        return terminal.json(&json!({"version": was.version, "changes": changes, "warnings": warnings}));
    }
    terminal.line(&format!("{} can hold.", path.display()))?;
    tell_warnings(&warnings, terminal);
    tell_changes(&changes, terminal)
}

/// The policy of a file, and what about it looks like a mistake.
async fn checked(put: &PutPolicy, was: &Policy, operator: &Operator) -> Result<(Policy, Vec<String>), Fault> {
    let profile = policy::profile(put.profile.as_deref()).map_err(|fault| refused(&fault))?.unwrap_or(was.profile);
    let names = Names::Written(&operator.settings.domains);
    let checked = Policy::of(was.version + 1, profile, &put.rules, names).map_err(|fault| refused(&fault))?;
    let mut warnings = checked.warnings;
    warnings.extend(local_warnings(&checked.policy, operator).await?);
    Ok((checked.policy, warnings))
}

async fn local_warnings(policy: &Policy, operator: &Operator) -> Result<Vec<String>, Fault> {
    // A database of places may be large: it is read where somebody asks for places.
    let knows = policy.asks_for_places() && Places::of(operator.settings.places_file.as_deref()).0.are_known();
    Ok(policy::local_warnings(policy, operator.store.as_ref(), knows).await?)
}

async fn apply(asked: &Apply, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let put = file::read(&asked.file)?;
    let comment = asked.comment.as_deref().or(put.comment.as_deref());
    let comment = policy::comment(comment)?;
    let replacement = policy::replacement(put, &operator.settings.domains).map_err(|fault| refused(&fault))?;
    let expected = asked.expected.map_or(Expected::Any, |version| Expected::OneOf(vec![version]));
    put_policy(store::PutPolicy { act: operator.act(), expected, replacement, comment }, operator, terminal).await
}

async fn roll_back(
    version: u64,
    comment: &Option<String>,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let replacement = Replacement::Earlier(Box::new(earlier(version, operator).await?));
    let comment = policy::comment(comment.as_deref())?;
    let put = store::PutPolicy { act: operator.act(), expected: Expected::Any, replacement, comment };
    put_policy(put, operator, terminal).await
}

async fn put_policy(put: store::PutPolicy, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let was = operator.store.policy().await?;
    let checked = match operator.store.put_policy(put).await? {
        Ok(checked) => checked,
        Err(PutRefusal::Fault(fault)) => return Err(refused(&fault)),
        Err(PutRefusal::Stale(version)) => {
            return Err(Fault::refused(
                format!("Version {version} holds by now."),
                "Nothing was changed.",
                "Look at what it changed: gatematch policy history. Then make your change to that.",
            ));
        }
    };
    let mut warnings = checked.warnings;
    // It holds by now, whatever becomes of the advice.
    warnings.extend(local_warnings(&checked.policy, operator).await.unwrap_or_default());
    if terminal.is_json() {
        return terminal.json(&checked.policy.view(warnings));
    }
    terminal.line(&format!("Version {} holds from now on, on every node.", checked.policy.version))?;
    tell_warnings(&warnings, terminal);
    tell_changes(&changes(&was, &checked.policy), terminal)?;
    terminal.line(&format!("To take it back: gatematch policy rollback {}", was.version))
}

fn tell_warnings(warnings: &[String], terminal: &mut Terminal) {
    for warning in warnings {
        terminal.note(&format!("warning: {warning}."));
    }
}

fn tell_changes(changes: &[String], terminal: &mut Terminal) -> Result<(), Fault> {
    if changes.is_empty() {
        return terminal.line("It changes nothing.");
    }
    terminal.line("What it changes:")?;
    changes.iter().try_for_each(|change| terminal.line(&format!("  {change}")))
}

async fn history(count: u32, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let (items, more) = policy::history(operator.store.as_ref(), u64::MAX, count).await?;
    if terminal.is_json() {
        let next = items.last().filter(|_| more).map(|last| last.version.to_string());
        return terminal.json(&json!({"items": items, "next_cursor": next}));
    }
    for PolicyVersion { version, at, actor, comment, changes } in &items {
        let when = at.map_or_else(|| "as it ships".to_owned(), shown_time);
        let who = actor.as_ref().map(|actor| format!(", by {actor}")).unwrap_or_default();
        let why = comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
        let head = terminal.toned(Tone::Bold, &format!("Version {version}"));
        terminal.line(&format!("{head}  {when}{who}{why}"))?;
        changes.iter().filter(|_| at.is_some()).try_for_each(|change| terminal.line(&format!("  {change}")))?;
    }
    if more { terminal.line("There are earlier ones: -n COUNT shows more.") } else { Ok(()) }
}

async fn earlier(version: u64, operator: &Operator) -> Result<Policy, Fault> {
    let found = operator.store.policy_of(version).await?;
    found.ok_or_else(|| {
        Fault::refused(
            format!("There is no version {version} of the policy."),
            "Nothing was changed.",
            "See: gatematch policy history",
        )
    })
}

/// A policy that must not hold.
fn refused(fault: &PolicyFault) -> Fault {
    let todo = "Nothing was changed: correct it, and try again. docs/policy.md has rules that are sound.";
    Fault::refused(format!("This policy must not hold: {fault}."), "", todo)
}

impl From<PolicyRefusal> for Fault {
    fn from(refusal: PolicyRefusal) -> Self {
        match refusal {
            PolicyRefusal::Value(fault) => fault.into(),
            PolicyRefusal::Policy(fault) => refused(&fault),
            PolicyRefusal::Unknown(what) => {
                Self::refused(what, "", "See: gatematch gateway list, gatematch audit tail")
            }
            PolicyRefusal::Store(error) => error.into(),
        }
    }
}
