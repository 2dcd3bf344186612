//! `gatematch serve`.

use std::io;

use clap::Args;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::end::End;
use super::fault::Fault;
use super::terminal::Terminal;
use crate::edge::Edge;
use crate::settings::{LogFormat, Settings};
use crate::start;

/// `gatematch serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen: a loopback address with a port [default: from the settings, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
}

pub(super) async fn run(settings: Settings, terminal: &mut Terminal) -> Result<(), Fault> {
    log(&settings);
    // Before anybody is told that the server is up.
    let mut end = End::new()?;
    let data_dir = settings.data_dir.clone();
    let running = start::serve(settings, Edge::system()).await?;
    let (address, issuer) = (running.address(), running.issuer().to_owned());
    let told = if terminal.is_json() {
        terminal.json(&json!({"listen": address, "issuer": issuer, "data_dir": data_dir}))
    } else {
        terminal.line(&format!("Gatematch listens on {address} as {issuer}; data in {}", data_dir.display()))
    };
    if told.is_err() {
        tracing::warn!("nobody reads stdout; the server runs on");
    }
    end.come().await;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
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
