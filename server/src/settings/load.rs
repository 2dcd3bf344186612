//! Where each setting comes from: flag, environment, file, default, in that order.

mod audit;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gatematch_protocol::secret::Secret;

use super::check::{self, DatabasePlace, Reason};
use super::environment::{Environment, variable};
use super::file::File;
use super::{DEFAULT_DATA_DIR, DEFAULT_FILE, Flags, Loaded, RadiusTable, Settings, SettingsFault, TlsFiles};
use crate::connect::Desktop;
use crate::listen::plan::{About, Plan};

/// The port, unless it is told.
const DEFAULT_PORT: u16 = 8080;

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`SettingsFault`] names the first setting that cannot be used, and where it was given.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Loaded, SettingsFault> {
        environment.check_text()?;
        let path = config_file(flags, environment);
        let file = path.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let sources = Sources { environment, path: path.as_deref() };
        let mut named = BTreeSet::new();
        file.radius.iter().for_each(|table| named_variables(table, &mut named));
        let settings = sources.settings(flags, file)?;
        let mut warnings = environment.warnings(&named);
        warnings.extend(unused_tls(&settings));
        Ok(Loaded { settings, file: path, warnings })
    }
}

fn config_file(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    let named = flags.config.clone().or_else(|| environment.get("GATEMATCH_CONFIG").map(PathBuf::from));
    named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()))
}

/// A certificate that nothing is served with.
fn unused_tls(settings: &Settings) -> Option<String> {
    let is_used = Plan::of(settings).is_ok_and(|plan| plan.has_tls());
    (settings.tls.is_some() && !is_used).then(|| {
        format!(
            "tls_certificate is not used: {} is on this machine alone, where plain HTTP is served, and public_listen is not set.",
            settings.listen
        )
    })
}

/// The variables that `secret_env` and `gateway_key_env` name.
fn named_variables(table: &toml::Table, named: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            toml::Value::String(name) if key.ends_with("_env") => drop(named.insert(name.clone())),
            toml::Value::Array(entries) => {
                entries.iter().filter_map(toml::Value::as_table).for_each(|entry| named_variables(entry, named));
            }
            _ => {}
        }
    }
}

/// A value, and where it was given.
struct Given<T> {
    value: T,
    origin: Origin,
}

enum Origin {
    Flag(&'static str),
    Variable(String),
    File { key: &'static str, path: PathBuf },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File { key, path } => write!(f, "{key} in {}", path.display()),
        }
    }
}

impl<T> Given<T> {
    fn checked<U>(&self, check: impl FnOnce(&T) -> Result<U, Reason>) -> Result<U, SettingsFault> {
        check(&self.value).map_err(|reason| self.origin.fault(reason))
    }

    /// A path in the file is meant from where the file is.
    fn place(&self, path: impl AsRef<Path>) -> PathBuf {
        match &self.origin {
            Origin::File { path: file, .. } => file.parent().unwrap_or(Path::new("")).join(path),
            Origin::Flag(_) | Origin::Variable(_) => path.as_ref().to_owned(),
        }
    }
}

impl Origin {
    fn fault(&self, reason: Reason) -> SettingsFault {
        SettingsFault::Value { origin: self.to_string(), what: reason.what, todo: reason.todo }
    }
}

/// Where the listeners' addresses were given; `None`: nowhere.
struct Listeners {
    listen: Option<Origin>,
    public_listen: Option<Origin>,
}

impl Listeners {
    /// Whether the listeners can be as all the settings together say.
    fn check(&self, settings: &Settings) -> Result<(), SettingsFault> {
        Plan::of(settings).map(|_| ()).map_err(|fault| {
            let about = fault.about();
            let given = match about {
                About::Listen => self.listen.as_ref(),
                About::PublicListen => self.public_listen.as_ref(),
                About::Issuer => None,
            };
            // The fault says what is wrong with the key; here the key is where it was given.
            let what = fault.to_string();
            let what = what.strip_prefix(about.key()).unwrap_or(&what).trim_start().to_owned();
            let origin = given.map_or_else(|| about.key().to_owned(), Origin::to_string);
            SettingsFault::Value { origin, what, todo: fault.todo().to_owned() }
        })
    }
}

struct Sources<'a> {
    environment: &'a Environment,
    path: Option<&'a Path>,
}

impl Sources<'_> {
    fn settings(&self, flags: &Flags, file: File) -> Result<Settings, SettingsFault> {
        let directory = match &flags.data_dir {
            Some(directory) => directory.clone(),
            None => match self.text("data_dir", file.data_dir) {
                Some(given) => given.place(&given.value),
                None => PathBuf::from(DEFAULT_DATA_DIR),
            },
        };
        let mut settings = Settings::for_data_dir(&directory);
        let listeners = [file.listen, file.public_listen, file.tls_certificate, file.tls_key];
        let listeners = self.listeners(flags, listeners, &mut settings)?;
        self.database(file.database_url, file.database_unsafe_fsync_off, &mut settings)?;
        if let Some(given) = self.text("issuer", file.issuer) {
            settings.issuer = Some(given.checked(|text| check::issuer(text))?);
        }
        if let Some(given) = self.text("name", file.name) {
            settings.name = given.checked(|text| check::name(text))?;
        }
        if let Some(given) = self.list("domains", file.domains) {
            settings.domains = given.checked(|entries| check::domains(entries))?;
        }
        if let Some(given) = self.list("protected_groups", file.protected_groups) {
            settings.protected_groups = given.checked(|entries| check::groups(entries))?;
        }
        let push = [file.push_proxy, file.push_ca_file, file.push_subject];
        self.push(file.push_allowed_hosts, push, &mut settings)?;
        let confirm = file.require_device_confirmation;
        if let Some(given) = self.parsed("require_device_confirmation", confirm, check::switch)? {
            settings.require_device_confirmation = given.value;
        }
        if let Some(given) = self.parsed("require_reasons", file.require_reasons, check::switch)? {
            settings.require_reasons = given.value;
        }
        if let Some(given) = self.parsed("dormant_after_days", file.dormant_after_days, check::integer)? {
            settings.dormant_after = given.checked(|days| check::dormant_after(*days))?;
        }
        if let Some(given) = self.parsed("max_devices", file.max_devices, check::integer)? {
            settings.max_devices = given.checked(|count| check::max_devices(*count))?;
        }
        if let Some(given) = self.list("trusted_proxies", file.trusted_proxies) {
            settings.trusted_proxies = given.checked(|entries| check::proxies(entries))?;
        }
        if let Some(given) = self.text("places_file", file.places_file) {
            settings.places_file = Some(given.place(&given.value));
        }
        let syslog = [file.audit_syslog, file.audit_syslog_ca_file, file.audit_syslog_format];
        let others = [file.audit_checkpoint_file, file.audit_file, file.audit_file_format];
        self.audit(file.audit_checkpoint_minutes, syslog, others, &mut settings)?;
        settings.desktop = self.desktop(file.desktop_link, file.desktop_rdp_file)?;
        if let (Some(table), Some(path)) = (file.radius, self.path) {
            settings.radius = Some(RadiusTable { table, file: path.to_owned() });
        }
        if let Some(given) = self.text("log_format", file.log_format) {
            settings.log_format = given.checked(|word| check::log_format(word))?;
        }
        let usual = self
            .environment
            .get("RUST_LOG")
            .map(|value| Given { value: value.to_owned(), origin: Origin::Variable("RUST_LOG".to_owned()) });
        if let Some(given) = self.text("log", file.log).or(usual) {
            settings.log = given.checked(|filter| check::log_filter(filter))?;
        }
        settings.master_key = self.environment.get("GATEMATCH_MASTER_KEY").map(Secret::new);
        listeners.check(&settings)?;
        Ok(settings)
    }

    /// The listeners and what they need, as each is by itself; where the addresses were given.
    fn listeners(
        &self,
        flags: &Flags,
        [listen, public_listen, certificate, key]: [Option<String>; 4],
        settings: &mut Settings,
    ) -> Result<Listeners, SettingsFault> {
        settings.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
        let flag = flags.listen.clone().map(|value| Given { value, origin: Origin::Flag("--listen") });
        let mut origins = Listeners { listen: None, public_listen: None };
        if let Some(given) = flag.or_else(|| self.text("listen", listen)) {
            settings.listen = given.checked(|text| check::listen(text))?;
            origins.listen = Some(given.origin);
        }
        if let Some(given) = self.text("public_listen", public_listen) {
            settings.public_listen = Some(given.checked(|text| check::listen(text))?);
            origins.public_listen = Some(given.origin);
        }
        let half = |given: &Given<String>, other| Err(given.origin.fault(check::half_of_tls(other)));
        settings.tls = match (self.text("tls_certificate", certificate), self.text("tls_key", key)) {
            (None, None) => None,
            (Some(given), None) => return half(&given, "tls_key"),
            (None, Some(given)) => return half(&given, "tls_certificate"),
            (Some(certificate), Some(key)) => {
                let place = |given: &Given<String>| given.place(&given.value);
                Some(TlsFiles { certificate: place(&certificate), key: place(&key) })
            }
        };
        Ok(origins)
    }

    /// Where the database is.
    fn database(
        &self,
        url: Option<String>,
        fsync_off: Option<bool>,
        settings: &mut Settings,
    ) -> Result<(), SettingsFault> {
        if let Some(given) = self.text("database_url", url) {
            match given.checked(|text| check::database(text))? {
                DatabasePlace::File(path) => settings.database = given.place(path),
                DatabasePlace::Server(server) => settings.database_server = Some(server),
            }
        }
        if let Some(given) = self.parsed("database_unsafe_fsync_off", fsync_off, check::switch)? {
            settings.database_server =
                settings.database_server.take().map(|server| server.allowing_fsync_off(given.value));
        }
        Ok(())
    }

    /// How push services are reached.
    fn push(
        &self,
        hosts: Option<Vec<String>>,
        [proxy, authority, subject]: [Option<String>; 3],
        settings: &mut Settings,
    ) -> Result<(), SettingsFault> {
        if let Some(given) = self.list("push_allowed_hosts", hosts) {
            settings.push_hosts = given.checked(|entries| check::push_hosts(entries))?;
        }
        if let Some(given) = self.text("push_proxy", proxy) {
            settings.push_proxy = Some(given.checked(|text| check::push_proxy(text))?);
        }
        if let Some(given) = self.text("push_ca_file", authority) {
            settings.push_ca_file = Some(given.place(&given.value));
        }
        if let Some(given) = self.text("push_subject", subject) {
            settings.push_subject = Some(given.checked(|text| check::push_subject(text))?);
        }
        Ok(())
    }

    /// What starts the desktop: a file before a link.
    fn desktop(&self, link: Option<String>, file: Option<String>) -> Result<Option<Desktop>, SettingsFault> {
        if let Some(given) = self.text("desktop_rdp_file", file) {
            let path = given.place(&given.value);
            return Ok(Some(Desktop::File(given.checked(|_| check::desktop_file(&path))?)));
        }
        let Some(given) = self.text("desktop_link", link) else { return Ok(None) };
        Ok(Some(Desktop::Link(given.checked(|text| check::desktop_link(text))?)))
    }

    fn parsed<T>(
        &self,
        key: &'static str,
        in_file: Option<T>,
        parse: impl FnOnce(&str) -> Result<T, Reason>,
    ) -> Result<Option<Given<T>>, SettingsFault> {
        let name = variable(key);
        if let Some(text) = self.environment.get(&name) {
            let origin = Origin::Variable(name);
            let value = parse(text).map_err(|reason| origin.fault(reason))?;
            return Ok(Some(Given { value, origin }));
        }
        Ok(self.in_file(key, in_file))
    }

    fn text(&self, key: &'static str, in_file: Option<String>) -> Option<Given<String>> {
        let name = variable(key);
        let given = self.environment.get(&name).map(str::to_owned);
        given.map(|value| Given { value, origin: Origin::Variable(name) }).or_else(|| self.in_file(key, in_file))
    }

    fn list(&self, key: &'static str, in_file: Option<Vec<String>>) -> Option<Given<Vec<String>>> {
        let name = variable(key);
        let entries = |text: &str| text.split(',').map(|entry| entry.trim().to_owned()).collect();
        let given = self.environment.get(&name).map(entries);
        given.map(|value| Given { value, origin: Origin::Variable(name) }).or_else(|| self.in_file(key, in_file))
    }

    fn in_file<T>(&self, key: &'static str, value: Option<T>) -> Option<Given<T>> {
        let path = self.path?.to_owned();
        value.map(|value| Given { value, origin: Origin::File { key, path } })
    }
}
