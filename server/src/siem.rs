//! Sends the audit log to where a company's logs are (docs/siem.md): by syslog (RFC 5424) over TCP or TLS, and to a file, as
//! it is or by OCSF.

mod carry;
mod file;
mod ocsf;
mod record;
mod stream;
mod syslog;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_protocol::audit::Checkpoint;
use tokio::task::JoinHandle;

pub(crate) use self::carry::{Sink, sinks};
use self::stream::Stream;
use crate::http::app::App;
use crate::settings::{Receiver, Settings};

/// Whom the cursor of `audit_syslog` belongs to.
const SYSLOG: &str = "syslog";
/// Whom the cursor of `audit_file` belongs to.
const FILE: &str = "file";

/// Why nobody is sent the audit log.
#[derive(Debug, thiserror::Error)]
pub enum SiemFault {
    /// The file of certificates cannot be read.
    #[error("audit_syslog_ca_file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are no certificates in it.
    #[error("audit_syslog_ca_file {0} holds no certificate in PEM")]
    NoCertificates(PathBuf),
    /// No certificate can be for this name.
    #[error("audit_syslog: a certificate cannot be for {0:?}")]
    Name(String),
    /// There is no TLS client.
    #[error("audit_syslog: {0}; install the system's root certificates (ca-certificates), or set audit_syslog_ca_file")]
    Tls(rustls::Error),
}

/// Why a receiver of the audit log is not reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReached {
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] SiemFault),
    /// He is not there, or not the right one.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Connects to a receiver as it is done to send him the log, and sends nothing.
///
/// # Errors
/// [`NotReached`].
pub(crate) async fn reach(receiver: &Receiver) -> Result<(), NotReached> {
    Ok(Stream::to(receiver)?.reach().await?)
}

/// The cursor of the checkpoints that `name` has.
fn checkpoints_of(name: &str) -> String {
    format!("{name}.checkpoints")
}

/// Whose cursors keep events from being removed.
#[must_use]
pub(crate) fn readers(settings: &Settings) -> Vec<(&'static str, &'static str)> {
    let syslog = settings.audit_syslog.as_ref().map(|_| (SYSLOG, "audit_syslog"));
    let file = settings.audit_file.as_ref().map(|_| (FILE, "audit_file"));
    syslog.into_iter().chain(file).collect()
}

/// Adds a checkpoint to a file, as a line of JSON, durably.
///
/// # Errors
/// What the system says.
pub(crate) fn append_checkpoint(path: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    file::append(path, &(serde_json::to_string(checkpoint)? + "\n"))
}

/// Starts carrying.
///
/// # Errors
/// [`prometheus::Error`] if two metrics had one name.
pub(crate) fn start(app: &App, sinks: Vec<Sink>) -> Result<Vec<JoinHandle<()>>, prometheus::Error> {
    if sinks.is_empty() {
        return Ok(Vec::new());
    }
    let told = carry::Told::new(&app.metrics)?;
    Ok(sinks
        .into_iter()
        .map(|sink| tokio::spawn(carry::carry(Arc::clone(app), Arc::new(sink), told.clone())))
        .collect())
}
