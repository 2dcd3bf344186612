//! `gatematch user`.

use clap::{Args, Subcommand};
use gatematch_domain::account::Account;
use gatematch_domain::text::reason;
use gatematch_domain::user::{Status, User, UserChange};
use gatematch_protocol::id::UserId;
use gatematch_protocol::user as wire;
use serde_json::json;

use super::fault::Fault;
use super::operator::{Operator, no_user};
use super::standing;
use super::terminal::{Terminal, shown_time};
use crate::store::{PutUser, UserDeleted, UserPut};

/// `gatematch user ...`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person, or change what is known of one
    Add(Add),
    /// Show the people
    List {
        /// Only those with this text in a name
        #[arg(long, default_value = "")]
        query: String,
        /// Only those with whom nobody has signed in for so many days
        #[arg(long, value_name = "DAYS")]
        dormant: Option<u16>,
    },
    /// Show one person: whether he can sign in now, and with what
    Show {
        /// Who
        name: String,
    },
    /// Lock a person out; his open sign-ins end
    Lock {
        /// Who
        name: String,
        /// Why; the audit log keeps it
        #[arg(long)]
        reason: String,
    },
    /// Let a locked person sign in again, and forget his failures
    Unlock {
        /// Who
        name: String,
        /// Why; the audit log keeps it
        #[arg(long)]
        reason: String,
    },
    /// Switch an account off; its open sign-ins end
    Disable {
        /// Who
        name: String,
    },
    /// Switch an account on again
    Enable {
        /// Who
        name: String,
    },
    /// Delete a person with all his phones; made again, he begins anew
    Delete {
        /// Who
        name: String,
    },
}

/// `gatematch user add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The name that he signs in with
    name: String,
    /// What people call him
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Where mail reaches him
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A group that he is in; may be given several times, and replaces those that he had
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

pub(super) async fn run(command: &UserCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        UserCommand::Add(user) => add(user, operator, terminal).await,
        UserCommand::List { query, dormant } => list(query, *dormant, operator, terminal).await,
        UserCommand::Show { name } => standing::show(&operator.account(name).await?, operator, terminal),
        UserCommand::Lock { name, reason } => lock(name, reason, true, operator, terminal).await,
        UserCommand::Unlock { name, reason } => lock(name, reason, false, operator, terminal).await,
        UserCommand::Disable { name } => switch(name, Status::Disabled, operator, terminal).await,
        UserCommand::Enable { name } => switch(name, Status::Active, operator, terminal).await,
        UserCommand::Delete { name } => delete(name, operator, terminal).await,
    }
}

async fn add(asked: &Add, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let change = UserChange::from_body(&wire::PutUser {
        display_name: asked.display_name.clone(),
        email: asked.email.clone(),
        groups: (!asked.groups.is_empty()).then(|| asked.groups.clone()),
        status: None,
    })?;
    let (user, is_new) = match put(&asked.name, change, operator).await? {
        UserPut::Created(user) => (user, true),
        UserPut::Changed(user) => (user, false),
        UserPut::NeedsAdmin => {
            return Err(Fault::refused("This change needs the role admin.", "Nothing was changed.", ""));
        }
    };
    let name = user.username.clone();
    let text = if is_new {
        format!("{name} is there.")
    } else {
        format!("{name} was there already; what you gave was changed.")
    };
    tell(&operator.account(name.as_str()).await?, &text, terminal)?;
    if is_new && !terminal.is_json() {
        terminal.line(&format!("Next, his phone: gatematch enroll {name}"))?;
    }
    Ok(())
}

async fn put(name: &str, change: UserChange, operator: &Operator) -> Result<UserPut, Fault> {
    let act = operator.act();
    let id = UserId::new(act.now, operator.edge.random()?);
    // Whoever can open the database can do everything.
    let protected_groups = operator.settings.protected_groups.clone();
    let put = PutUser { act, id, username: operator.username(name)?, change, protected_groups, as_admin: true };
    Ok(operator.store.put_user(put).await?)
}

async fn list(query: &str, dormant: Option<u16>, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let idle_since = dormant.map(|days| operator.edge.now().plus_seconds(-i64::from(days) * 86_400));
    let found = operator.users(query, idle_since).await?;
    if terminal.is_json() {
        let items: Vec<_> = found.iter().map(|(user, phones)| user.view(*phones)).collect();
        return terminal.json(&json!({"items": items}));
    }
    if found.is_empty() {
        let text = if dormant.is_some() {
            "Nobody is dormant."
        } else if query.is_empty() {
            "There is nobody yet. To add somebody: gatematch user add NAME"
        } else {
            "Nobody has this text in his name."
        };
        return terminal.line(text);
    }
    let row = |(user, phones): &(User, u32)| {
        let name = user.display_name.clone().unwrap_or_default();
        let last = user.last_sign_in_at.map_or_else(|| "never".to_owned(), shown_time);
        vec![user.username.to_string(), name, user.state().to_owned(), phones.to_string(), last, user.groups.join(", ")]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    terminal.table(&["USER", "NAME", "STATE", "PHONES", "LAST SIGN-IN", "GROUPS"], &rows)
}

async fn lock(name: &str, why: &str, is_lock: bool, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let name = operator.username(name)?;
    let reason = reason(why)?;
    let (act, store) = (operator.act(), &operator.store);
    let done = if is_lock {
        store.lock_user(act, name.clone(), reason).await?
    } else {
        store.unlock_user(act, name.clone(), reason).await?
    };
    let text = match (done, is_lock) {
        (None, _) => return Err(no_user(&name)),
        (Some(true), true) => format!("{name} is locked; his open sign-ins have ended."),
        (Some(false), true) => format!("{name} was locked already."),
        (Some(true), false) => format!("{name} is unlocked, and his failures are forgotten."),
        (Some(false), false) => format!("{name} was not locked, and had no failures."),
    };
    tell(&operator.account(name.as_str()).await?, &text, terminal)
}

async fn switch(name: &str, status: Status, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let before = operator.account(name).await?.user;
    let name = &before.username;
    let change = UserChange { status: Some(status), ..UserChange::default() };
    put(name.as_str(), change, operator).await?;
    let text = match (before.status == status, status) {
        (true, _) => format!("{name} was {} already.", status.as_str()),
        (false, Status::Disabled) => format!("{name} is disabled; his open sign-ins have ended."),
        (false, Status::Active) => format!("{name} is active again."),
    };
    tell(&operator.account(name.as_str()).await?, &text, terminal)
}

async fn delete(name: &str, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(name).await?;
    let name = &account.user.username;
    if operator.store.delete_user(operator.act(), account.user.id, true).await? != UserDeleted::Done {
        return Err(no_user(name));
    }
    tell(
        &account,
        &format!("{name} is deleted, with {} of his phones; his open sign-ins have ended.", account.devices.len()),
        terminal,
    )
}

fn tell(account: &Account, text: &str, terminal: &mut Terminal) -> Result<(), Fault> {
    if terminal.is_json() { terminal.json(&view(account)) } else { terminal.line(text) }
}

pub(super) fn view(account: &Account) -> wire::UserView {
    account.user.view(u32::try_from(account.devices.len()).unwrap_or(u32::MAX))
}
