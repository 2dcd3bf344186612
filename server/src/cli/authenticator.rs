//! `gatematch authenticator`.

use clap::Subcommand;
use gatematch_domain::factors::FactorChange;
use gatematch_domain::text::{disarm, reason};
use gatematch_protocol::authenticator::AuthenticatorView;
use gatematch_protocol::id::AuthenticatorId;
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, shown_time};
use super::{device, standing};

/// `gatematch authenticator ...`.
#[derive(Debug, Subcommand)]
pub enum AuthenticatorCommand {
    /// Show what a person signs in with: phones, apps and tokens, recovery codes, an access pass
    List {
        /// Who
        name: String,
    },
    /// Take one of them away, a phone too; it is refused from then on
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

pub(super) async fn run(
    command: &AuthenticatorCommand,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    match command {
        AuthenticatorCommand::List { name } => {
            let account = operator.account(name).await?;
            let items = account.authenticators(operator.edge.now());
            if terminal.is_json() {
                return terminal.json(&json!({"items": items}));
            }
            if items.is_empty() {
                let name = &account.user.username;
                return terminal.line(&format!("{name} has nothing yet. To enroll a phone: gatematch enroll {name}"));
            }
            table(&items, terminal)
        }
        AuthenticatorCommand::Remove { name, id, reason } => remove(name, *id, reason, operator, terminal).await,
    }
}

/// Shows them to people.
pub(super) fn table(items: &[AuthenticatorView], terminal: &mut Terminal) -> Result<(), Fault> {
    let row = |item: &AuthenticatorView| {
        let status = match (item.status.as_str(), item.starts_at) {
            ("not-yet", Some(at)) => format!("from {}", shown_time(at)),
            (status, _) => status.to_owned(),
        };
        vec![
            kind(&item.kind).to_owned(),
            item.name.clone().unwrap_or_default(),
            status,
            shown_time(item.created_at),
            item.last_used_at.map_or_else(|| "never".to_owned(), shown_time),
            item.expires_at.map_or_else(String::new, shown_time),
            item.left.map_or_else(String::new, |left| left.to_string()),
            item.id.clone(),
        ]
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    terminal.table(&["KIND", "NAME", "STATUS", "MADE", "LAST USED", "ENDS", "LEFT", "ID"], &rows)
}

/// What people call a kind.
fn kind(word: &str) -> &str {
    match word {
        "totp" => "app or token",
        "recovery_codes" => "recovery codes",
        "access_pass" => "access pass",
        other => other,
    }
}

async fn remove(
    name: &str,
    id: AuthenticatorId,
    why: &str,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let account = operator.account(name).await?;
    let reason = reason(why)?;
    let text = id.to_string();
    let found = account.authenticators(operator.edge.now()).into_iter().find(|item| item.id == text);
    let phone = account.devices.iter().find(|device| device.id.to_string() == text);
    let is_phone = phone.is_some();
    let change = match phone {
        Some(phone) => FactorChange::RemovePhone { id: phone.id, why: reason },
        None => FactorChange::Remove { id, reason: Some(reason), bypass: false },
    };
    operator.change(&account, change).await?;
    let account = operator.account(name).await?;
    let name = &account.user.username;
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "user": name.as_str()}));
    }
    let what = match found.map(|item| (item.kind, item.name)) {
        Some((word, Some(called))) => format!("{} {called}", kind(&word)),
        Some((word, None)) => kind(&word).to_owned(),
        None => "authenticator".to_owned(),
    };
    let what = disarm(&what);
    terminal.line(&format!("Removed of {name}: {what}. From now on it is refused."))?;
    standing::tell_left(&account, operator.edge.now(), terminal)?;
    if is_phone { device::tell_stolen(name, terminal) } else { Ok(()) }
}
