//! `gatematch admin-key`.

use clap::Subcommand;
use gatematch_domain::role::{AdminKey, Role};
use gatematch_domain::text::outside;
use gatematch_protocol::id::AdminKeyId;
use gatematch_protocol::secret::{Secret, prefix};
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};
use crate::store::{self, KeyRevoked};

/// `gatematch admin-key ...`.
#[derive(Debug, Subcommand)]
pub enum AdminKeyCommand {
    /// Make a key; it is shown once
    Create {
        /// What it may do: admin (everything), helpdesk (people and phones), auditor (reading)
        #[arg(long)]
        role: Role,
        /// Who or what has it; the audit log names it so
        #[arg(long)]
        name: String,
        /// Whose it is: nobody gives himself a pass, resets or unlocks himself. Default: the user who is called
        /// like the key, if there is one
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Show the keys there are (not the keys themselves: nobody has them)
    List,
    /// Take a key away; it is refused from then on
    Revoke {
        /// The key, as `list` shows it
        id: AdminKeyId,
    },
}

pub(super) async fn run(command: &AdminKeyCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        AdminKeyCommand::Create { role, name, user } => create(*role, name, user.as_deref(), operator, terminal).await,
        AdminKeyCommand::List => list(operator, terminal).await,
        AdminKeyCommand::Revoke { id } => revoke(*id, operator, terminal).await,
    }
}

async fn create(
    role: Role,
    name: &str,
    user: Option<&str>,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let act = operator.act();
    let id = AdminKeyId::new(act.now, operator.edge.random()?);
    let secret = Secret::from_random(prefix::ADMIN, &operator.edge.random()?);
    let mut key = store::admin_key(id, outside("name", name)?, role, act.now);
    if let Some(user) = user {
        key.user = Some(operator.account(user).await?.user.username.to_string());
    }
    let shown = format!("The key of {} has the role {}. It is shown only now:", key.name, role.as_str());
    operator.store.create_admin_key(act, key, secret.digest()).await?;
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "key": secret}));
    }
    terminal.line(&shown)?;
    let secret = terminal.toned(Tone::Bold, secret.reveal());
    terminal.line(&format!("\n  {secret}\n"))?;
    terminal.line(&format!("To take it away: gatematch admin-key revoke {id}"))
}

async fn list(operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let keys = operator.store.admin_keys().await?;
    if terminal.is_json() {
        return terminal.json(&json!({"items": keys}));
    }
    if keys.is_empty() {
        return terminal.line("There is no key yet. To make one: gatematch admin-key create --role admin --name NAME");
    }
    let row = |key: &AdminKey| {
        let user = key.user.clone().unwrap_or_default();
        vec![key.id.to_string(), key.role.as_str().to_owned(), key.name.clone(), user, shown_time(key.created_at)]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    terminal.table(&["ID", "ROLE", "NAME", "USER", "MADE"], &rows)
}

async fn revoke(id: AdminKeyId, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match operator.store.revoke_admin_key(operator.act(), id).await? {
        KeyRevoked::Done => {}
        KeyRevoked::Unknown => {
            return Err(Fault::refused(
                format!("There is no key {id}."),
                "Nothing was changed.",
                "See: gatematch admin-key list",
            ));
        }
        KeyRevoked::LastAdministrator => {
            return Err(Fault::refused(
                "This is the last key with the role admin.",
                "Without it nobody could administer the server over its API. Nothing was changed.",
                "Make another one first: gatematch admin-key create --role admin --name NAME",
            ));
        }
    }
    if terminal.is_json() {
        return terminal.json(&json!({"id": id}));
    }
    terminal.line("The key is gone: it is refused from now on.")
}
