//! Settings: from flag, environment, file and default, in that order.

mod check;
mod environment;
mod fault;
mod file;
mod load;
mod template;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gatematch_domain::enrollment::MAX_DEVICES;
use gatematch_domain::push::PushHosts;
use gatematch_domain::username::Domains;
use gatematch_protocol::secret::Secret;
use url::Url;

use crate::connect::Desktop;
use crate::store::postgres::Server;

pub use self::environment::{Environment, variables};
pub use self::fault::SettingsFault;
pub use self::template::TEMPLATE;

/// The file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "/etc/gatematch/gatematch.toml";
/// The data directory, unless another one is named.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/gatematch";
/// The name of the database file in the data directory.
pub const DATABASE_FILE: &str = "gatematch.db";
/// The company's name, unless it is told.
const DEFAULT_NAME: &str = "Gatematch";
/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// What the server and its commands need to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is served.
    pub listen: SocketAddr,
    /// Where only that is served which phones and browsers need.
    pub public_listen: Option<SocketAddr>,
    /// What TLS is served with; a listener that other machines reach needs it, or a proxy that is named.
    pub tls: Option<TlsFiles>,
    /// Where the master key and, by default, the database are.
    pub data_dir: PathBuf,
    /// The SQLite file, unless the database is on a server.
    pub database: PathBuf,
    /// The PostgreSQL server that has the database.
    pub database_server: Option<Server>,
    /// What tokens and links name as the server, without trailing slash; `None`: `http://<bound address>`.
    pub issuer: Option<String>,
    /// The company, as people know it.
    pub name: String,
    /// The domains of usernames (contract section 1).
    pub domains: Domains,
    /// Groups whose members only the role `admin` may enroll and unlock.
    pub protected_groups: Vec<String>,
    /// Whether somebody else must confirm a new phone.
    pub require_device_confirmation: bool,
    /// Whether administrators must say why, whenever they change what somebody signs in with.
    pub require_reasons: bool,
    /// After how many seconds without a sign-in an account sleeps until it is unlocked; `None`: never.
    pub dormant_after: Option<i64>,
    /// Hosts that push may call, beside the public push services.
    pub push_hosts: PushHosts,
    /// The proxy through which push services are called; `None`: they are called directly.
    pub push_proxy: Option<Url>,
    /// A file of certificates (PEM) that push services may be certified by, beside the system's own.
    pub push_ca_file: Option<PathBuf>,
    /// Whom push services may write to about our pushes (RFC 8292 section 2.1); `None`: the issuer.
    pub push_subject: Option<String>,
    /// How many phones a user may have.
    pub max_devices: usize,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// A MaxMind DB that knows where addresses are.
    pub places_file: Option<PathBuf>,
    /// Where checkpoints of the audit log are written.
    pub audit_checkpoint_file: Option<PathBuf>,
    /// How often the audit log is signed, in seconds; `None`: when somebody asks.
    pub audit_checkpoint_seconds: Option<i64>,
    /// Who is sent the audit log by syslog.
    pub audit_syslog: Option<Receiver>,
    /// The file that the audit log is added to.
    pub audit_file: Option<LogFile>,
    /// What the button "Start my desktop" of the connect page does; `None`: there is no button.
    pub desktop: Option<Desktop>,
    /// The table `[radius]` as it stands in the file: the RADIUS front door reads it itself.
    pub radius: Option<RadiusTable>,
    /// The master key from the environment; `None`: it is in a file of the data directory.
    pub master_key: Option<Secret>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged: a filter as `tracing-subscriber` reads it, such as `info`.
    pub log: String,
}

/// The files that TLS is served with (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that certify it, its own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Who is sent the audit log by syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is known to be the right one, and nobody reads along; `None`: plain TCP.
    pub tls: Option<ReceiverTls>,
    /// What it is sent.
    pub format: AuditFormat,
}

/// Who certifies a receiver of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverTls {
    /// Only these (PEM); `None`: whom the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// A file that the audit log is added to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where.
    pub path: PathBuf,
    /// What stands in it.
    pub format: AuditFormat,
}

/// How an audit event is written for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditFormat {
    /// As `/v1/audit` delivers it.
    #[default]
    Json,
    /// By the Open Cybersecurity Schema Framework.
    Ocsf,
}

/// The table `[radius]`, as it stands in the file.
#[derive(Clone, Debug)]
pub struct RadiusTable {
    /// The table.
    pub table: toml::Table,
    /// The file that it stands in: paths are meant from where it is.
    pub file: PathBuf,
}

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
}

/// Settings, and what there is to say about them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// Sentences for stderr: variables that nobody reads.
    pub warnings: Vec<String>,
}

impl Settings {
    /// The defaults in the data directory `dir`, on a free loopback port.
    #[must_use]
    pub fn for_data_dir(dir: &Path) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_listen: None,
            tls: None,
            data_dir: dir.to_owned(),
            database: dir.join(DATABASE_FILE),
            database_server: None,
            issuer: None,
            name: DEFAULT_NAME.to_owned(),
            domains: Domains::default(),
            protected_groups: Vec::new(),
            require_device_confirmation: false,
            require_reasons: false,
            dormant_after: None,
            push_hosts: PushHosts::default(),
            push_proxy: None,
            push_ca_file: None,
            push_subject: None,
            max_devices: MAX_DEVICES,
            trusted_proxies: Vec::new(),
            places_file: None,
            audit_checkpoint_file: None,
            audit_checkpoint_seconds: Some(3_600),
            audit_syslog: None,
            audit_file: None,
            desktop: None,
            radius: None,
            master_key: None,
            log_format: LogFormat::default(),
            log: "info".to_owned(),
        }
    }

    /// What links of commands name as the server: the issuer, else the listen address.
    ///
    /// `None` where only the running server knows its port.
    #[must_use]
    pub fn known_issuer(&self) -> Option<String> {
        let listens = || (self.listen.port() != 0).then(|| format!("http://{}", self.listen));
        self.issuer.clone().or_else(listens)
    }

    /// Where a browser reaches the console, without trailing slash: by the issuer, unless that is served by the listener for
    /// phones, which has none.
    ///
    /// `None` where only the running server knows its port.
    #[must_use]
    pub fn console(&self) -> Option<String> {
        if self.public_listen.is_none() {
            return self.known_issuer();
        }
        let (ip, port) = (self.listen.ip(), self.listen.port());
        let host = || Url::parse(self.issuer.as_deref()?).ok()?.host_str().map(str::to_owned);
        let scheme = if ip.is_loopback() { "http" } else { "https" };
        let address = if ip.is_unspecified() { format!("{}:{port}", host()?) } else { self.listen.to_string() };
        (port != 0).then(|| format!("{scheme}://{address}"))
    }
}
