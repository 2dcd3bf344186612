//! `gatematch bypass`.

use clap::{Args, Subcommand};
use gatematch_domain::account::Account;
use gatematch_domain::factor::{MAX_BYPASS_SECONDS, MAX_USES};
use gatematch_domain::factors::FactorChange;
use gatematch_domain::terms::BypassTerms;
use gatematch_domain::text::reason;
use gatematch_protocol::authenticator::{BypassCreated, BypassView, CreateBypass};
use gatematch_protocol::id::AuthenticatorId;
use serde::Serialize;
use serde_json::json;

use super::duration;
use super::fault::Fault;
use super::operator::Operator;
use super::standing;
use super::terminal::{Terminal, shown_time};
use crate::standing::{Shut, bypasses};

/// `gatematch bypass ...`.
#[derive(Debug, Subcommand)]
pub enum BypassCommand {
    /// Let a person in without a second factor for a time, where he would be asked for one
    Add(Add),
    /// Show the bypasses in force
    List {
        /// Whose [default: everybody's]
        name: Option<String>,
    },
    /// Take a bypass away: the person is asked again
    Remove {
        /// Whose
        name: String,
        /// Which, as `list` shows it
        id: AuthenticatorId,
        /// Why; the audit log keeps it
        #[arg(long)]
        reason: String,
    },
}

/// `gatematch bypass add`.
#[derive(Debug, Args)]
pub struct Add {
    /// Who
    name: String,
    /// For how long: 30m, 2h; 24h at most
    #[arg(long = "for", value_name = "TIME", value_parser = life)]
    life: i64,
    /// For how many sign-ins [default: as many as there are]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=MAX_USES))]
    uses: Option<i64>,
    /// Why; the audit log keeps it
    #[arg(long)]
    reason: String,
}

fn life(text: &str) -> Result<i64, String> {
    duration::seconds(text, MAX_BYPASS_SECONDS)
}

/// A bypass, and whose it is.
#[derive(Serialize)]
struct Of {
    user: String,
    /// `active`, or why he does not pass for all that.
    user_state: &'static str,
    #[serde(flatten)]
    bypass: BypassView,
}

pub(super) async fn run(command: &BypassCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        BypassCommand::Add(asked) => add(asked, operator, terminal).await,
        BypassCommand::List { name: Some(name) } => {
            let account = operator.account(name).await?;
            let none = format!("No bypass of {} is in force.", account.user.username);
            list(&of(&account, operator).collect::<Vec<_>>(), &none, terminal)
        }
        BypassCommand::List { name: None } => {
            let mut found = Vec::new();
            for (user, _) in operator.users("", None).await? {
                // Whoever was deleted meanwhile has none.
                let Some(account) = operator.store.account(user.username).await? else { continue };
                found.extend(of(&account, operator));
            }
            list(&found, "No bypass is in force.", terminal)
        }
        BypassCommand::Remove { name, id, reason } => remove(name, *id, reason, operator, terminal).await,
    }
}

async fn add(asked: &Add, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(&asked.name).await?;
    let (name, act) = (&account.user.username, operator.act());
    let body = CreateBypass { reason: asked.reason.clone(), expires_in: asked.life, max_uses: asked.uses };
    let terms = BypassTerms::from_body(&body, act.now)?;
    let expires_at = terms.expires_at;
    let keys = operator.keys().await?;
    let factor = operator.maker(&keys, account.user.id).bypass(terms, act.actor.to_string())?;
    let id = factor.id;
    operator.add(&account, factor, None).await?;
    let is_shut = standing::note_shut(&account, operator, terminal).is_some();
    if terminal.is_json() {
        return terminal.json(&BypassCreated { id, expires_at });
    }
    let often = match asked.uses {
        None => "any number of sign-ins".to_owned(),
        Some(1) => "one sign-in".to_owned(),
        Some(count) => format!("{count} sign-ins"),
    };
    let until = shown_time(expires_at);
    let (holds, opens) = if is_shut {
        (format!("The bypass of {name} holds"), "Once he can sign in again, his password alone opens his desktop")
    } else {
        (format!("{name} passes without a second factor"), "His password alone opens his desktop now")
    };
    terminal.line(&format!("{holds} until {until}, for {often}."))?;
    terminal.line(&format!("{opens}. To end it: gatematch bypass remove {name} {id} --reason TEXT"))
}

fn of(account: &Account, operator: &Operator) -> impl Iterator<Item = Of> {
    let now = operator.edge.now();
    let user = account.user.username.to_string();
    let user_state = Shut::of(&account.user, operator.settings.dormant_after, now).map_or("active", Shut::as_str);
    bypasses(account, now).map(move |bypass| Of { user: user.clone(), user_state, bypass })
}

fn list(items: &[Of], none: &str, terminal: &mut Terminal) -> Result<(), Fault> {
    if terminal.is_json() {
        return terminal.json(&json!({"items": items}));
    }
    if items.is_empty() {
        return terminal.line(none);
    }
    let rows =
        items.iter().map(|item| [vec![item.user.clone(), item.user_state.to_owned()], cells(&item.bypass)].concat());
    terminal.table(&[&["USER", "STATE"], &HEADS[..]].concat(), &rows.collect::<Vec<_>>())
}

/// Shows those of one person to people.
pub(super) fn table(items: &[BypassView], terminal: &mut Terminal) -> Result<(), Fault> {
    terminal.table(&HEADS, &items.iter().map(cells).collect::<Vec<_>>())
}

const HEADS: [&str; 6] = ["REASON", "MADE BY", "MADE", "ENDS", "SIGN-INS", "ID"];

fn cells(bypass: &BypassView) -> Vec<String> {
    let most = bypass.max_uses.map_or_else(String::new, |most| format!(" of {most}"));
    vec![
        bypass.reason.clone(),
        bypass.made_by.clone(),
        shown_time(bypass.created_at),
        shown_time(bypass.expires_at),
        format!("{}{most}", bypass.uses),
        bypass.id.to_string(),
    ]
}

async fn remove(
    name: &str,
    id: AuthenticatorId,
    why: &str,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let account = operator.account(name).await?;
    let reason = Some(reason(why)?);
    operator.change(&account, FactorChange::Remove { id, reason, bypass: true }).await?;
    let name = &account.user.username;
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "user": name.as_str()}));
    }
    terminal.line(&format!("The bypass is gone: {name} is asked for a second factor again."))
}
