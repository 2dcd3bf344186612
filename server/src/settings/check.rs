//! What each setting may be.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_domain::push::PushHosts;
use gatematch_domain::text::outside;
use gatematch_domain::username::Domains;
use gatematch_protocol::secret::Secret;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{AuditFormat, LogFormat, Receiver, ReceiverTls};
use crate::store::postgres::Server;

/// The most phones that a user may be allowed to have.
const MOST_DEVICES: i64 = 50;

/// The most days after which an account may sleep.
const MOST_DORMANT_DAYS: i64 = 3_650;

/// The longest .rdp file.
const MOST_RDP_BYTES: usize = 64 * 1024;

/// What is wrong with a value.
pub(super) struct Reason {
    /// The rest of a sentence that begins with where the value was given.
    pub(super) what: String,
    /// What to do.
    pub(super) todo: String,
}

fn reason(what: impl Into<String>, todo: impl Into<String>) -> Reason {
    Reason { what: what.into(), todo: todo.into() }
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, Reason> {
    let example = "Write it as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443.";
    text.parse().map_err(|_| reason(format!("is not an address with a port: {text:?}"), example))
}

pub(super) fn half_of_tls(other: &str) -> Reason {
    reason(format!("is set, and {other} is not"), "Set both, or neither; one file may hold both.")
}

/// Where the database is.
pub(super) enum DatabasePlace {
    /// In a file.
    File(PathBuf),
    /// On a server.
    Server(Server),
}

pub(super) fn database(text: &str) -> Result<DatabasePlace, Reason> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        // The text itself may hold a password.
        let server = Server::of(&Secret::new(text)).map_err(|what| {
            reason(
                what,
                "Write it as postgres://gatematch@db.example.com/gatematch, the password in GATEMATCH_DATABASE_URL.",
            )
        });
        return server.map(DatabasePlace::Server);
    }
    let example = "Write it as sqlite:///var/lib/gatematch/gatematch.db, or leave it out.";
    let path =
        text.strip_prefix("sqlite://").ok_or_else(|| reason("is not a database address of this version", example))?;
    if path.is_empty() || path.ends_with('/') || path.contains(['?', '#', '\0']) {
        return Err(reason(format!("names no file: {text:?}"), example));
    }
    Ok(DatabasePlace::File(PathBuf::from(path)))
}

pub(super) fn issuer(text: &str) -> Result<String, Reason> {
    let no = |what: &str| {
        reason(format!("{what}: {text:?}"), "Write it as https://mfa.example.com, without a slash at the end.")
    };
    let url = Url::parse(text).map_err(|_| no("is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(no("is neither http nor https"));
    }
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
        return Err(no("needs a host, and no user name or password"));
    }
    if text.ends_with('/') {
        return Err(no("ends with a slash"));
    }
    if text.contains(['?', '#']) {
        return Err(no("has a query or a fragment"));
    }
    // Phones compare it character by character, and nobody should look for a blank.
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(no("has a character that no address has"));
    }
    Ok(text.to_owned())
}

pub(super) fn name(text: &str) -> Result<String, Reason> {
    outside("name", text)
        .map_err(|_| reason("is not 1 to 64 characters", "Write the company's name, as people know it."))
}

pub(super) fn domains(entries: &[String]) -> Result<Domains, Reason> {
    let todo = "Write each as NAME, or as ALIAS=NAME to let two domains share their accounts.";
    Domains::from_entries(entries).map_err(|fault| reason(format!("has a fault: {fault}"), todo))
}

pub(super) fn groups(entries: &[String]) -> Result<Vec<String>, Reason> {
    // As the groups of users are kept.
    let group = |entry: &String| {
        outside("group", entry.trim())
            .map_err(|_| reason("has a group that is not 1 to 64 characters", "Write the names of groups."))
    };
    entries.iter().map(group).collect()
}

pub(super) fn push_hosts(entries: &[String]) -> Result<PushHosts, Reason> {
    PushHosts::from_entries(entries).map_err(|fault| {
        reason(format!("has a fault: {fault}"), "Write each as push.example.com or push.example.com:8443.")
    })
}

pub(super) fn push_proxy(text: &str) -> Result<Url, Reason> {
    let todo =
        "Write it as http://proxy.example.com:3128, with a name and password before the host where it wants them.";
    // The text itself may hold a password.
    let no = |what: &str| reason(what, todo);
    let url = Url::parse(text).map_err(|_| no("is not an address"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() && url.path() == "/" && url.query().is_none() => Ok(url),
        "http" | "https" => Err(no("is more, or less, than a proxy's address")),
        _ => Err(no("is neither http nor https")),
    }
}

pub(super) fn push_subject(text: &str) -> Result<String, Reason> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "mailto" | "https"));
    let todo = "Write it as mailto:it@example.com, or as an https address.";
    url.map(|_| text.to_owned()).ok_or_else(|| reason(format!("is neither mailto: nor https: {text:?}"), todo))
}

pub(super) fn proxies(entries: &[String]) -> Result<Vec<IpAddr>, Reason> {
    let address = |entry: &String| {
        let address: Result<IpAddr, _> = entry.parse();
        let fault = |_| reason(format!("has an entry that is no address: {entry:?}"), "Write addresses, as 127.0.0.1.");
        address.map(|address| address.to_canonical()).map_err(fault)
    };
    entries.iter().map(address).collect()
}

pub(super) fn desktop_link(text: &str) -> Result<String, Reason> {
    let todo =
        "Write it as https://rdweb.example.com/, or as ms-rd:subscribe?url=https://..., or use desktop_rdp_file.";
    let url = Url::parse(text).map_err(|_| reason(format!("is not an address: {text:?}"), todo))?;
    match url.scheme() {
        "https" | "ms-rd" | "rdp" => Ok(text.to_owned()),
        other => Err(reason(format!("begins with {other}:, which no desktop begins with"), todo)),
    }
}

pub(super) fn desktop_file(path: &Path) -> Result<Arc<[u8]>, Reason> {
    let todo = "Name an .rdp file, as Remote Desktop Connection saves it.";
    let bytes =
        std::fs::read(path).map_err(|cause| reason(format!("cannot be read ({}): {cause}", path.display()), todo))?;
    if bytes.is_empty() || bytes.len() > MOST_RDP_BYTES {
        return Err(reason(format!("has {} bytes ({})", bytes.len(), path.display()), todo));
    }
    Ok(bytes.into())
}

pub(super) fn switch(text: &str) -> Result<bool, Reason> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(reason(format!("is neither true nor false: {text:?}"), "Write true or false.")),
    }
}

pub(super) fn integer(text: &str) -> Result<i64, Reason> {
    text.parse().map_err(|_| reason(format!("is not a whole number: {text:?}"), "Write digits."))
}

pub(super) fn max_devices(count: i64) -> Result<usize, Reason> {
    let sound = usize::try_from(count).ok().filter(|_| (1..=MOST_DEVICES).contains(&count));
    sound.ok_or_else(|| reason(format!("is {count}"), format!("Allow 1 to {MOST_DEVICES} phones.")))
}

pub(super) fn dormant_after(days: i64) -> Result<Option<i64>, Reason> {
    match days {
        0 => Ok(None),
        1..=MOST_DORMANT_DAYS => Ok(Some(days * 86_400)),
        _ => Err(reason(format!("is {days}"), format!("Write 1 to {MOST_DORMANT_DAYS} days, or 0 for never."))),
    }
}

/// The longest time between two checkpoints, in minutes: a week.
const MOST_CHECKPOINT_MINUTES: i64 = 7 * 24 * 60;

pub(super) fn checkpoint_minutes(minutes: i64) -> Result<Option<i64>, Reason> {
    match minutes {
        0 => Ok(None),
        1..=MOST_CHECKPOINT_MINUTES => Ok(Some(minutes * 60)),
        _ => {
            let todo = format!("Write 1 to {MOST_CHECKPOINT_MINUTES} minutes, or 0 for never.");
            Err(reason(format!("is {minutes}"), todo))
        }
    }
}

/// The port of a receiver, where none is named: syslog by TLS (RFC 5425), and by TCP (RFC 6587).
const TLS_PORT: u16 = 6514;
const TCP_PORT: u16 = 601;

pub(super) fn receiver(text: &str) -> Result<Receiver, Reason> {
    let todo = "Write it as tls://siem.example.com:6514 or tcp://10.0.0.5:601.";
    let no = |what: &str| reason(format!("{what}: {text:?}"), todo);
    let url = Url::parse(text).map_err(|_| no("is not an address"))?;
    let (tls, usual) = match url.scheme() {
        "tls" => (Some(ReceiverTls::default()), TLS_PORT),
        "tcp" => (None, TCP_PORT),
        _ => return Err(no("is neither tls nor tcp")),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| no("names no host"))?;
    let is_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if is_more || !url.username().is_empty() || url.password().is_some() {
        return Err(no("is more than a host and a port"));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Receiver { host, port: url.port().unwrap_or(usual), tls, format: AuditFormat::default() })
}

pub(super) fn not_tls() -> Reason {
    reason("is set, and audit_syslog is not by TLS", "Write audit_syslog as tls://..., or leave this one out.")
}

pub(super) fn alone(other: &str) -> Reason {
    reason(format!("is set, and {other} is not"), format!("Set {other} too, or leave this one out."))
}

pub(super) fn no_format(word: &str) -> Reason {
    reason(format!("is not a format of audit events: {word:?}"), "Write json or ocsf.")
}

pub(super) fn log_format(word: &str) -> Result<LogFormat, Reason> {
    match word {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(reason(format!("is neither text nor json: {word:?}"), "Write text or json.")),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, Reason> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(reason(format!("is not a log filter: {text:?}"), "Write error, warn, info, debug or trace.")),
    }
}
