//! `gatematch console-link`.

use clap::Args;
use gatematch_domain::account::Account;
use gatematch_domain::role::Role;
use gatematch_domain::user::{Status, UserChange};
use gatematch_domain::username::Username;
use gatematch_domain::visit::{Invitation, LINK_SECONDS, Place};
use gatematch_protocol::id::{InvitationId, UserId};
use gatematch_protocol::secret::{Secret, prefix};
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};
use crate::store::{PutUser, UserPut};

/// `gatematch console-link`.
#[derive(Debug, Args)]
pub struct ConsoleLink {
    /// Who: his user name; the account is made if it is not there
    user: String,
    /// What he may do at the console: admin, helpdesk or auditor [default: as it is; admin for the first one]
    #[arg(long)]
    role: Option<Role>,
}

pub(super) async fn run(asked: &ConsoleLink, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let base = operator.settings.console().ok_or_else(|| {
        Fault::refused(
            "The link must name the server, and these settings leave its port open.",
            "Only the running server knows its port.",
            "Set listen in the file to an address with a port.",
        )
    })?;
    let account = account(asked, operator).await?;
    let user = &account.user;
    let name = user.username.clone();
    if !user.may_sign_in() {
        return Err(Fault::refused(
            format!("{name} is locked or disabled."),
            "A link for such an account does not work.",
            format!("First: gatematch user unlock {name} --reason TEXT, or gatematch user enable {name}"),
        ));
    }
    let role = match asked.role.or(user.role) {
        Some(role) => role,
        None => first_role(&name, operator).await?,
    };
    operator.store.set_role(operator.act(), user.id, Some(role)).await?;
    let act = operator.act();
    let token = Secret::from_random(prefix::INVITATION, &operator.edge.random()?);
    let invitation = Invitation {
        id: InvitationId::new(act.now, operator.edge.random()?),
        user: user.id,
        place: Place::Console,
        token_digest: token.digest(),
        by_admin: true,
        created_at: act.now,
        expires_at: act.now.plus_seconds(LINK_SECONDS),
    };
    let expires_at = invitation.expires_at;
    if !operator.store.invite(act, invitation).await? {
        return Err(super::operator::no_user(&name));
    }
    let link = Secret::new(format!("{base}/console/invitation#{}", token.reveal()));
    if terminal.is_json() {
        return terminal.json(&json!({"user": name.as_str(), "role": role, "link": link, "expires_at": expires_at}));
    }
    let is_new = user.role.is_none();
    for phone in account.active_devices().filter(|_| is_new) {
        let made = shown_time(phone.created_at);
        terminal.note(&format!("His phone \"{}\" of {made} opens the console from now on. If he does not know it, remove it: gatematch device revoke {}", phone.name, phone.id));
    }
    terminal.line(&format!("{name} opens this on the PC from which he manages others, as {}:", role.as_str()))?;
    let shown = terminal.toned(Tone::Bold, link.reveal());
    terminal.line(&format!("\n  {shown}\n"))?;
    terminal.line(&format!(
        "It works once, until {}. There he enrolls his phone; from then on that lets him in, at {base}/console",
        shown_time(expires_at)
    ))
}

/// The role of whoever has none: the first one is an administrator; for all others it is said.
async fn first_role(name: &Username, operator: &Operator) -> Result<Role, Fault> {
    if operator.store.operators().await?.is_empty() {
        return Ok(Role::Admin);
    }
    Err(Fault::refused(
        format!("{name} has no role at the console."),
        "Nothing was changed. Others manage it already, so it must be said what he may do.",
        format!("gatematch console-link {name} --role admin|helpdesk|auditor"),
    ))
}

/// The account, which is made where there is none.
async fn account(asked: &ConsoleLink, operator: &Operator) -> Result<Account, Fault> {
    let given = &asked.user;
    let name = operator.settings.domains.canonical(given).map_err(|fault| {
        Fault::refused(format!("{given} is no user name: {fault}."), "Nothing was changed.", "Give another name.")
    })?;
    if let Some(account) = operator.store.account(name.clone()).await? {
        return Ok(account);
    }
    if asked.role.is_none() {
        // Before anything is made.
        first_role(&name, operator).await?;
    }
    let act = operator.act();
    let put = PutUser {
        id: UserId::new(act.now, operator.edge.random()?),
        act,
        username: name.clone(),
        change: UserChange { status: Some(Status::Active), ..UserChange::default() },
        protected_groups: operator.settings.protected_groups.clone(),
        as_admin: true,
    };
    match operator.store.put_user(put).await? {
        UserPut::Created(user) | UserPut::Changed(user) => Ok(Account::new(user)),
        UserPut::NeedsAdmin => Err(super::operator::no_user(&name)),
    }
}
