//! `gatematch totp`.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatematch_domain::account::Account;
use gatematch_domain::factor::Kind;
use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::text::{outside_if_given, reason};
use gatematch_domain::totp::{MAX_CONFIRM_TRIES, TotpStatus};
use gatematch_protocol::authenticator::TotpConfirmed;
use gatematch_protocol::id::AuthenticatorId;
use gatematch_protocol::passcode::{self, Shape};
use gatematch_protocol::secret::Secret;
use serde_json::json;

use super::fault::Fault;
use super::operator::{Noun, Operator};
use super::terminal::{Terminal, Tone};
use super::{qr, standing, totp_import};
use crate::factors::{NewTotp, otpauth_uri};
use crate::spelling::in_fours;

/// `gatematch totp ...`.
#[derive(Debug, Subcommand)]
pub enum TotpCommand {
    /// Make a secret for an authenticator app; it works once `confirm` has seen a code of it
    Add(Add),
    /// Let an app be used, by a code that it shows now
    Confirm {
        /// Whose
        name: String,
        /// Which, as `add` shows it
        id: AuthenticatorId,
        /// The six digits that the app shows now
        #[arg(value_parser = code)]
        code: Secret,
    },
    /// Take over hardware tokens from the file of their maker: the whole file is checked first, then they are taken line
    /// by line
    Import(Import),
}

/// `gatematch totp add`.
#[derive(Debug, Args)]
pub struct Add {
    /// For whom
    name: String,
    /// What he calls the app
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Why; the audit log keeps it
    #[arg(long)]
    reason: String,
}

/// `gatematch totp import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The file, as for Microsoft Entra: upn, serial number, secret key, time interval, manufacturer, model; separated
    /// by commas, semicolons or tabs
    #[arg(value_name = "FILE.csv")]
    pub(super) file: PathBuf,
    /// Look at the file, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Why; the audit log keeps it [default: imported from FILE]
    #[arg(long)]
    pub(super) reason: Option<String>,
}

fn code(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

pub(super) async fn run(command: &TotpCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        TotpCommand::Add(asked) => add(asked, operator, terminal).await,
        TotpCommand::Confirm { name, id, code } => confirm(name, *id, code, operator, terminal).await,
        TotpCommand::Import(asked) => totp_import::run(asked, operator, terminal).await,
    }
}

async fn add(asked: &Add, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(&asked.name).await?;
    let name = &account.user.username;
    let reason = reason(&asked.reason)?;
    let label = outside_if_given("label", asked.label.as_deref())?;
    let keys = operator.keys().await?;
    let NewTotp { factor, secret } = operator.maker(&keys, account.user.id).totp(label)?;
    let id = factor.id;
    let link = otpauth_uri(&operator.settings.name, name.as_str(), &secret);
    operator.add(&account, factor, Some(reason)).await?;
    standing::note_shut(&account, operator, terminal);
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "secret": secret, "otpauth_uri": link}));
    }
    terminal.line(&format!("{name} scans this with his authenticator app. It is shown only now:\n"))?;
    match qr::draw(link.reveal(), terminal.has_colours()) {
        Some(rows) => rows.iter().try_for_each(|row| terminal.line(row))?,
        None => terminal.note("The link is too long for a QR code of 80 columns."),
    }
    terminal.line("\nOr he types it in, with 6 digits, 30 seconds, SHA-1:")?;
    let groups = terminal.toned(Tone::Bold, in_fours(&secret).reveal());
    terminal.line(&format!("\n  {groups}\n"))?;
    if account.factors.iter().any(|factor| tries(&factor.kind).is_some()) {
        terminal.line("An earlier one that nobody had confirmed is void.")?;
    }
    terminal.line(&format!(
        "It works after this, with the code that the app shows then: gatematch totp confirm {name} {id} CODE"
    ))
}

/// How many codes were wrong, where it is an app that is not confirmed.
const fn tries(kind: &Kind) -> Option<u8> {
    match kind {
        Kind::Totp(totp) => match totp.status {
            TotpStatus::Unconfirmed { wrong_tries } => Some(wrong_tries),
            TotpStatus::Active | TotpStatus::Unreadable => None,
        },
        _ => None,
    }
}

async fn confirm(
    name: &str,
    id: AuthenticatorId,
    code: &Secret,
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    if !passcode::read(code.reveal()).is_some_and(|(shape, _)| shape == Shape::Totp) {
        return Err(Fault::usage(
            "A code of an app is six digits.",
            "This was not tried, and does not count as a wrong one.",
            "Type the six digits that the app shows now.",
        ));
    }
    let account = operator.account(name).await?;
    let change = FactorChange::Confirm { id, code: code.clone() };
    let done = operator.store.change_factors(operator.act(), account.user.id, change).await?;
    match done {
        Ok(()) => {}
        Err(FactorRefusal::WrongCode) => return Err(wrong(&operator.account(name).await?, id)),
        Err(refusal) => return Err(Noun::Authenticator.refused(refusal, &account.user.username)),
    }
    if terminal.is_json() {
        return terminal.json(&TotpConfirmed { id });
    }
    terminal.line(&format!("The app is confirmed: {} can sign in with its codes.", account.user.username))
}

/// What a wrong code has led to.
fn wrong(account: &Account, id: AuthenticatorId) -> Fault {
    let name = &account.user.username;
    let tries = account.factors.iter().find(|factor| factor.id == id).and_then(|factor| tries(&factor.kind));
    let (means, todo) = match tries {
        Some(tries) => (
            format!("{} more wrong ones end it.", MAX_CONFIRM_TRIES.saturating_sub(tries)),
            "Check that the clock of the phone is right, and type the next code.".to_owned(),
        ),
        None => (
            "It was the fifth wrong one, and the app is gone.".to_owned(),
            format!("Begin anew: gatematch totp add {name} --reason TEXT"),
        ),
    };
    Fault::refused("The code is not the one that the app shows now.", means, todo)
}
