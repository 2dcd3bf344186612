//! The command line: what an administrator does at the server's own machine, beside a running server or without.
//!
//! Each noun has its file. A command opens the store with the server's own settings, takes its step as
//! `cli:<account>`, and closes the store again.

mod admin_key;
mod audit;
mod authenticator;
mod backup;
mod bypass;
pub mod completions;
mod console_link;
mod device;
pub mod doctor;
mod duration;
pub mod end;
mod enroll;
pub mod fault;
mod gateway;
mod init;
mod keys;
pub mod man;
mod operator;
pub mod owner;
mod pass;
mod policy;
mod qr;
mod recovery_codes;
mod report;
mod restore;
pub mod serve;
mod standing;
pub mod terminal;
#[cfg(test)]
mod tests;
mod totp;
mod totp_import;
mod user;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rustix::fs::Mode;

pub use self::audit::table as audit_table;
use self::fault::Fault;
use self::operator::Operator;
use self::owner::Caller;
use self::serve::Companion;
use self::terminal::Terminal;
use crate::settings::{Environment, Flags, Loaded, Settings};

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Globals {
    /// The settings file [default: $GATEMATCH_CONFIG, else /etc/gatematch/gatematch.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory [default: from the settings, else /var/lib/gatematch]
    #[arg(long, global = true, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done, apart from the demo.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// Write a settings file with every key, each at its default and explained
    Init(init::Init),
    /// Look whether everything is in order, beside a running server or without one, and change nothing
    Doctor(doctor::Doctor),
    /// Keys of administrators' tools
    AdminKey {
        #[command(subcommand)]
        /// What to do.
        command: admin_key::AdminKeyCommand,
    },
    /// Make a link by which somebody comes to the console for the first time, or has lost his phone
    ConsoleLink(console_link::ConsoleLink),
    /// Gateways: what people sign in to
    Gateway {
        #[command(subcommand)]
        /// What to do.
        command: gateway::GatewayCommand,
    },
    /// People
    User {
        #[command(subcommand)]
        /// What to do.
        command: user::UserCommand,
    },
    /// Phones
    Device {
        #[command(subcommand)]
        /// What to do.
        command: device::DeviceCommand,
    },
    /// Make a link, and a QR code, by which a person's phone enrolls
    Enroll(enroll::Enroll),
    /// What people sign in with: phones and what stands in for them
    Authenticator {
        #[command(subcommand)]
        /// What to do.
        command: authenticator::AuthenticatorCommand,
    },
    /// Give a person an access pass: a code that works for a time in place of the phone
    Pass(pass::Pass),
    /// Give a person ten recovery codes, of which each works once in place of the phone
    RecoveryCodes(recovery_codes::Codes),
    /// Authenticator apps and hardware tokens
    Totp {
        #[command(subcommand)]
        /// What to do.
        command: totp::TotpCommand,
    },
    /// Let people in without a second factor, for a time and for a reason
    Bypass {
        #[command(subcommand)]
        /// What to do.
        command: bypass::BypassCommand,
    },
    /// Who is asked for what, from where and when
    Policy {
        #[command(subcommand)]
        /// What to do.
        command: policy::PolicyCommand,
    },
    /// The keys that the server seals and signs with
    Keys {
        #[command(subcommand)]
        /// What to do.
        command: keys::KeysCommand,
    },
    /// What happened
    Audit {
        #[command(subcommand)]
        /// What to do.
        command: audit::AuditCommand,
    },
    /// Write all of the database into a file, beside the running server
    Backup(backup::Backup),
    /// Put a backup in the place of the database; nothing that was used or revoked since comes back
    Restore(restore::Restore),
    /// Sign-ins, who is enrolled, stale phones, locks and bypasses: as a table, as CSV, as JSON
    Report(report::Reporting),
}

/// Carries out a command.
///
/// # Errors
/// [`Fault`], in words for people.
pub async fn run(
    command: &Command,
    globals: &Globals,
    environment: &Environment,
    companion: Companion,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    run_as(&Caller::of_process(), command, globals, environment, companion, terminal).await
}

async fn run_as(
    caller: &Caller,
    command: &Command,
    globals: &Globals,
    environment: &Environment,
    companion: Companion,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    if let Command::Init(init) = command {
        return init::run(init, terminal);
    }
    // Whoever checks a file has no server, and perhaps no settings.
    if let Command::Audit { command } = command
        && let Some(done) = audit::without_server(command, terminal)
    {
        return done;
    }
    if let Command::Doctor(asked) = command {
        return doctor::run(asked, caller, globals, environment, companion, terminal).await;
    }
    let listen = if let Command::Serve(serve) = command { serve.listen.clone() } else { None };
    let flags = Flags { config: globals.config.clone(), data_dir: globals.data_dir.clone(), listen };
    let Loaded { settings, warnings, .. } = Settings::load(&flags, environment)?;
    for warning in warnings {
        terminal.note(&warning);
    }
    // Before anything is made.
    caller.check_owner(&settings.data_dir, environment)?;
    // Whatever is made there, SQLite's files too, is for this account alone.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    if let Command::Serve(_) = command {
        return serve::run(settings, environment, companion, terminal).await;
    }
    if let Command::Restore(asked) = command {
        return restore::run(asked, &settings, caller.account(environment), terminal).await;
    }
    if !may_begin(command) {
        operator::check_database(&settings)?;
    }
    let operator = Operator::open(settings, caller.account(environment)).await?;
    let outcome = carry_out(command, &operator, terminal).await;
    operator.store.close().await;
    outcome
}

/// Whether a command may be the first ever on a data directory.
const fn may_begin(command: &Command) -> bool {
    matches!(
        command,
        // Whose key it is: there is nobody yet.
        Command::AdminKey { command: admin_key::AdminKeyCommand::Create { user: None, .. } }
            | Command::Gateway { command: gateway::GatewayCommand::Add(_) }
            | Command::User { command: user::UserCommand::Add(_) }
            | Command::ConsoleLink(_)
    )
}

async fn carry_out(command: &Command, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        Command::AdminKey { command } => admin_key::run(command, operator, terminal).await,
        Command::ConsoleLink(asked) => console_link::run(asked, operator, terminal).await,
        Command::Gateway { command } => gateway::run(command, operator, terminal).await,
        Command::User { command } => user::run(command, operator, terminal).await,
        Command::Device { command } => device::run(command, operator, terminal).await,
        Command::Enroll(enroll) => enroll::run(enroll, operator, terminal).await,
        Command::Authenticator { command } => authenticator::run(command, operator, terminal).await,
        Command::Pass(pass) => pass::run(pass, operator, terminal).await,
        Command::RecoveryCodes(codes) => recovery_codes::run(codes, operator, terminal).await,
        Command::Totp { command } => totp::run(command, operator, terminal).await,
        Command::Bypass { command } => bypass::run(command, operator, terminal).await,
        Command::Policy { command } => policy::run(command, operator, terminal).await,
        Command::Keys { command } => keys::run(command, operator, terminal).await,
        Command::Audit { command } => audit::run(command, operator, terminal).await,
        Command::Report(asked) => report::run(asked, operator, terminal).await,
        Command::Backup(asked) => backup::run(asked, operator, terminal).await,
        // Done before the store was opened.
        Command::Serve(_) | Command::Init(_) | Command::Doctor(_) | Command::Restore(_) => Ok(()),
    }
}
