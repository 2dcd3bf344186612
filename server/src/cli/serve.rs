//! `gatematch serve`.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use clap::Args;
use rustix::process::{Resource, Rlimit};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::doctor::front_door::FrontDoor;
use super::end::End;
use super::fault::Fault;
use super::terminal::Terminal;
use crate::edge::{Edge, Pending};
use crate::settings::{Environment, LogFormat, Settings};
use crate::start::{self, Running};

/// `gatematch serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to serve everything: an address with a port; one that other machines reach needs TLS, or a named proxy
    /// [default: from the settings, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
}

/// What runs in the same process beside the server, and is stopped before it.
pub struct Beside {
    /// What it says when it is up, for people and for `--json`: a name and where it listens.
    pub listens: Vec<(&'static str, SocketAddr)>,
    /// Stops it.
    pub stop: Pending<'static, ()>,
}

/// What the program, and not this library, runs beside the server.
#[derive(Clone, Copy)]
pub struct Companion {
    /// Looks at its settings before anything is started; what there is to say about them.
    pub check: fn(&Settings, &Environment) -> Result<Vec<String>, Fault>,
    /// Describes it to whoever looks at everything; `None` where there is none.
    pub door: fn(&Settings, &Environment) -> Result<Option<FrontDoor>, Fault>,
    /// Starts it, when the server is up.
    pub start: for<'a> fn(&'a Settings, &'a Environment, &'a Running) -> Pending<'a, Result<Beside, Fault>>,
}

pub(super) async fn run(
    settings: Settings,
    environment: &Environment,
    companion: Companion,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    for warning in (companion.check)(&settings, environment)? {
        terminal.note(&warning);
    }
    log(&settings);
    raise_open_files();
    // Before anybody is told that the server is up.
    let mut end = End::new()?;
    let mut hangup = signal(SignalKind::hangup())?;
    let running = start::serve(settings.clone(), Edge::system()).await?;
    let beside = match (companion.start)(&settings, environment, &running).await {
        Ok(beside) => beside,
        Err(fault) => {
            running.stop().await;
            return Err(fault);
        }
    };
    running.is_whole();
    if tell(&settings, &running, &beside, terminal).is_err() {
        tracing::warn!("nobody reads stdout; the server runs on");
    }
    loop {
        tokio::select! {
            () = end.come() => break,
            // Where there is no certificate, it is the terminal that has gone.
            _ = hangup.recv() => if !running.look_at_certificate() { break },
        }
    }
    tracing::info!("stopping");
    let began = Instant::now();
    beside.stop.await;
    running.stop_within(start::TIME_TO_STOP.saturating_sub(began.elapsed())).await;
    Ok(())
}

/// A login that waits is an open connection or two: the soft limit on those (often 1,024) is raised to the hard one.
fn raise_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

fn tell(settings: &Settings, running: &Running, beside: &Beside, terminal: &mut Terminal) -> Result<(), Fault> {
    let (place, public) = (running.place(), running.public_place());
    let (issuer, data_dir) = (running.issuer(), &settings.data_dir);
    if terminal.is_json() {
        let mut told = json!({"listen": place.address, "issuer": issuer, "data_dir": data_dir});
        if let Some(told) = told.as_object_mut() {
            told.extend(public.map(|public| ("public_listen".to_owned(), json!(public.address))));
            told.extend(beside.listens.iter().map(|(name, address)| (format!("{name}_listen"), json!(address))));
        }
        return terminal.json(&told);
    }
    terminal.line(&format!("Gatematch listens on {place} as {issuer}; data in {}", data_dir.display()))?;
    if let Some(public) = public {
        terminal.line(&format!("For phones and browsers alone it listens on {public}"))?;
    }
    let lines = beside.listens.iter().map(|(name, address)| format!("{} listens on {address}", name.to_uppercase()));
    lines.into_iter().try_for_each(|line| terminal.line(&line))
}

fn log(settings: &Settings) {
    // The filter was checked with the settings.
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // A second one in the same process would be refused; the first stays.
    let _ = match settings.log_format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}
