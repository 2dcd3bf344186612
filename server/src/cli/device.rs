//! `gatematch device`.

use clap::Subcommand;
use gatematch_domain::account::Account;
use gatematch_domain::device::Device;
use gatematch_protocol::device::DeviceView;
use gatematch_protocol::id::DeviceId;
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, shown_time};

/// `gatematch device ...`.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Show a person's phones
    List {
        /// Who
        user: String,
    },
    /// Take a phone away; it is refused from then on
    Revoke {
        /// The phone, as `list` shows it
        id: DeviceId,
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
        DeviceCommand::Revoke { id } => revoke(*id, operator, terminal).await,
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

async fn revoke(id: DeviceId, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let no_phone = || {
        Fault::refused(format!("There is no phone {id}."), "Nothing was changed.", "See: gatematch device list USER")
    };
    let (device, user) = operator.store.device(id).await?.ok_or_else(no_phone)?;
    if !operator.store.revoke_device(operator.act(), id, "removed on the command line".to_owned()).await? {
        return Err(no_phone());
    }
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "user": user.username.as_str()}));
    }
    terminal.line(&format!("The phone {} of {} is gone: it is refused from now on.", device.name, user.username))
}
