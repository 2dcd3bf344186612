//! `gatematch-radius`: the RADIUS front door on its own, beside or far from the server.

mod pages;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use gatematch_radius::edge::Edge;
use gatematch_radius::settings::{Loaded, Settings, SettingsFault};
use gatematch_radius::shell::{Front, StartFault};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use self::pages::Shell;

/// Where the server is, unless the settings name another place.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
/// The file that is read when none is named.
const DEFAULT_FILE: &str = "/etc/gatematch/gatematch.toml";

const AFTER_HELP: &str = "\
The file is TOML with a table [radius]; whatever else stands in it is the server's, so that one file serves both.\n\
GATEMATCH_CONFIG names the file as well; GATEMATCH_RADIUS_LISTEN and GATEMATCH_RADIUS_SERVER_URL overrule it.\n\
Exit codes: 0 done; 2 wrong usage or settings; 3 trouble with this machine.";

/// RADIUS for RD Gateway and NPS, answered by a Gatematch server.
#[derive(Debug, Parser)]
#[command(name = "gatematch-radius", version, after_help = AFTER_HELP)]
struct Arguments {
    /// The settings [default: /etc/gatematch/gatematch.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at the settings, say what is wrong with them, and end
    #[arg(long)]
    check: bool,
    /// Write the manual page to stdout, and end
    #[arg(long, hide = true)]
    man: bool,
    /// Write what a shell needs to complete this command to stdout, and end
    #[arg(long, hide = true, value_name = "SHELL")]
    completions: Option<Shell>,
}

/// Why the process ends early.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{path}: {what}.\n  Check the path and its permissions.")]
    Unreadable { path: PathBuf, what: io::Error },
    #[error("{path} cannot be understood: {what}")]
    Malformed { path: PathBuf, what: String },
    #[error(
        "{0} has no table [radius].\n  Write [radius], and [[radius.client]] with name, network, secret and gateway_key."
    )]
    NoTable(PathBuf),
    #[error("{0}.\n  {todo}", todo = .0.todo())]
    Settings(#[from] SettingsFault),
    #[error("the front door does not start: {0}.")]
    Start(#[from] StartFault),
    #[error("{0}.")]
    Machine(#[from] io::Error),
}

impl Fault {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } | Self::Malformed { .. } | Self::NoTable(_) | Self::Settings(_) => 2,
            Self::Start(StartFault::Listen { .. }) | Self::Machine(_) => 3,
            Self::Start(_) => 2,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Fault::from);
    let outcome = outcome.and_then(|runtime| {
        let outcome = runtime.block_on(run(&arguments));
        // A name that is still being looked up must not hold the end up.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // A closed stderr is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {fault}");
            ExitCode::from(fault.exit_code())
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Fault> {
    if arguments.man {
        return Ok(io::stdout().write_all(&pages::page(Arguments::command())?)?);
    }
    if let Some(shell) = arguments.completions {
        return Ok(io::stdout().write_all(&pages::completions(shell, Arguments::command()))?);
    }
    let named = arguments.config.clone().or_else(|| variable("GATEMATCH_CONFIG").map(PathBuf::from));
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let table = read(&path)?;
    let Loaded { settings, warnings } = settings(&table, &path)?;
    if arguments.check {
        for warning in warnings {
            let _ = writeln!(io::stderr(), "warning: {warning}");
        }
        return say(&format!("{} is sound", path.display()));
    }
    log(&table);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    allow_many_connections();
    // Before anybody is told that it listens.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = settings.server_url.clone().unwrap_or_else(|| DEFAULT_SERVER.to_owned());
    let front = Front::start(settings, Edge::system(), DEFAULT_SERVER).await?;
    if say(&format!("Gatematch RADIUS listens on {} for {server}", front.address())).is_err() {
        tracing::warn!("nobody reads stdout; the front door runs on");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    front.stop().await;
    Ok(())
}

/// Each login that waits holds a connection to the server: raises the soft limit of open files to the hard one.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("the limit of open files could not be raised");
    }
}

fn read(path: &Path) -> Result<toml::Table, Fault> {
    let text = fs::read_to_string(path).map_err(|what| Fault::Unreadable { path: path.to_owned(), what })?;
    let malformed = |fault: toml::de::Error| {
        // The line itself may hold a secret.
        let line = fault.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        Fault::Malformed { path: path.to_owned(), what: format!("near line {line}: {}", fault.message()) }
    };
    toml::from_str(&text).map_err(malformed)
}

fn settings(table: &toml::Table, path: &Path) -> Result<Loaded, Fault> {
    let radius = table.get("radius").and_then(toml::Value::as_table);
    let radius = radius.ok_or_else(|| Fault::NoTable(path.to_owned()))?;
    Ok(Settings::read(radius, &variable, path.parent().unwrap_or(Path::new("")))?)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// On stderr, as the server logs, by the same keys and variables.
fn log(table: &toml::Table) {
    let key = |name: &str| table.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    let filter = variable("GATEMATCH_LOG").or_else(|| key("log")).or_else(|| variable("RUST_LOG"));
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // A second one in the same process would be refused; the first stays.
    let _ = match variable("GATEMATCH_LOG_FORMAT").or_else(|| key("log_format")).as_deref() {
        Some("json") => subscriber.json().try_init(),
        _ => subscriber.try_init(),
    };
}

fn say(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert!(Arguments::try_parse_from(["gatematch-radius", "--config", "g.toml", "--check"]).is_ok());
        assert!(Arguments::try_parse_from(["gatematch-radius", "serve"]).is_err());
    }

    #[test]
    fn the_page_and_the_completions_tell_the_flags_that_help_shows() {
        let page = String::from_utf8(pages::page(Arguments::command()).unwrap()).unwrap().replace('\\', "");
        assert!(page.contains("--config") && page.contains("--check") && page.contains("Exit codes"), "{page}");
        assert!(!page.contains("--completions") && !page.contains("--man"), "{page}");
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(pages::completions(shell, Arguments::command())).unwrap();
            assert!(text.contains("gatematch-radius") && text.contains("check"), "{text}");
        }
    }
}
