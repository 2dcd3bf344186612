//! `gatematch device`.

use clap::Subcommand;
use gatematch_domain::account::Account;
use gatematch_domain::device::{ConfirmRefusal, Device};
use gatematch_domain::text::{disarm, reason};
use gatematch_domain::username::Username;
use gatematch_protocol::device::DeviceView;
use gatematch_protocol::id::DeviceId;
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::standing;
use super::terminal::{Terminal, shown_time};

/// `gatematch device ...`.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Show a person's phones
    List {
        /// Who
        user: String,
    },
    /// Let a new phone be used, by the six digits that it shows
    Confirm {
        /// The phone, as `list` shows it
        id: DeviceId,
        /// The digits
        code: String,
    },
    /// Take a phone away; it is refused from then on
    Revoke {
        /// The phone, as `list` shows it
        id: DeviceId,
        /// Why; the audit log keeps it
        #[arg(long)]
        reason: Option<String>,
    },
}

pub(super) async fn run(command: &DeviceCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        DeviceCommand::List { user } => {
            let account = operator.account(user).await?;
            if terminal.is_json() {
                return terminal.json(&json!({"items": views(&account)}));
            }
            show(&account, terminal)
        }
        DeviceCommand::Confirm { id, code } => confirm(*id, code, operator, terminal).await,
        DeviceCommand::Revoke { id, reason } => revoke(*id, reason.as_deref(), operator, terminal).await,
    }
}

pub(super) fn views(account: &Account) -> Vec<DeviceView> {
    let name = account.user.username.as_str();
    account.devices.iter().map(|device| device.view(name)).collect()
}

/// Shows the phones to people.
pub(super) fn show(account: &Account, terminal: &mut Terminal) -> Result<(), Fault> {
    let name = &account.user.username;
    if account.devices.is_empty() {
        return terminal.line(&format!("{name} has no phone. To enroll one: gatematch enroll {name}"));
    }
    let row = |device: &Device| {
        let rings = if device.push.is_some() { "rings" } else { "fetches" };
        let used = device.last_used_at.map_or_else(|| "never".to_owned(), shown_time);
        let state = device.status.as_str().to_owned();
        vec![device.id.to_string(), device.name.clone(), state, rings.to_owned(), shown_time(device.created_at), used]
    };
    let rows: Vec<_> = account.devices.iter().map(row).collect();
    terminal.table(&["ID", "NAME", "STATE", "PUSH", "ENROLLED", "LAST USED"], &rows)
}

async fn confirm(id: DeviceId, code: &str, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Fault::usage(
            "The phone shows six digits.",
            "Nothing was tried.",
            "Give them as the phone shows them.",
        ));
    }
    let (what, todo) = match operator.store.confirm_device(operator.act(), id, digits).await? {
        Ok(()) if terminal.is_json() => return terminal.json(&json!({"id": id})),
        Ok(()) => return terminal.line("The phone is confirmed: it is asked from now on."),
        Err(ConfirmRefusal::Unknown) => ("There is no such phone.", "See: gatematch device list NAME"),
        // Which is about phones that confirm each other.
        Err(ConfirmRefusal::Locked) => ("The account is locked.", "See: gatematch user show NAME"),
        Err(ConfirmRefusal::Confirmed) => ("It was confirmed before, and works.", ""),
        Err(ConfirmRefusal::WrongCode) => (
            "These are not the digits that the phone shows.",
            "Compare them once more: the third wrong try removes the phone.",
        ),
    };
    Err(Fault::refused(what, "The phone was not confirmed.", todo))
}

async fn revoke(id: DeviceId, why: Option<&str>, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let reason = why.map(reason).transpose()?;
    if reason.is_none() && operator.settings.require_reasons {
        return Err(Fault::usage("The settings ask for a reason.", "Nothing was changed.", "Give one with --reason."));
    }
    let why = reason.unwrap_or_else(|| "removed on the command line".to_owned());
    let no_phone = || {
        Fault::refused(format!("There is no phone {id}."), "Nothing was changed.", "See: gatematch device list USER")
    };
    let (device, user) = operator.store.device(id).await?.ok_or_else(no_phone)?;
    if !operator.store.revoke_device(operator.act(), id, why).await? {
        return Err(no_phone());
    }
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "user": user.username.as_str()}));
    }
    let name = &user.username;
    terminal.line(&format!("The phone {} of {name} is gone: it is refused from now on.", disarm(&device.name)))?;
    // Whoever was deleted meanwhile has nothing.
    if let Some(account) = operator.store.account(name.clone()).await? {
        standing::tell_left(&account, operator.edge.now(), terminal)?;
    }
    tell_stolen(name, terminal)
}

/// What to do where the phone that is gone was stolen.
pub(super) fn tell_stolen(name: &Username, terminal: &mut Terminal) -> Result<(), Fault> {
    terminal.line(&format!(
        "If it was stolen, lock {name} (gatematch user lock {name} --reason TEXT) and look at what is left \
         (gatematch authenticator list {name}): whoever held the phone could have added some of it."
    ))
}
