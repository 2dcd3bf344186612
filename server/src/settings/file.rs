//! The file: TOML, every key optional, unknown keys refused.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::SettingsFault;

/// The table of the RADIUS front door, which reads it itself.
pub(super) const RADIUS: &str = "radius";

/// Every other key of the file.
pub(super) const KEYS: [&str; 32] = [
    "listen",
    "public_listen",
    "tls_certificate",
    "tls_key",
    "data_dir",
    "database_url",
    "database_unsafe_fsync_off",
    "issuer",
    "name",
    "domains",
    "protected_groups",
    "require_device_confirmation",
    "require_reasons",
    "dormant_after_days",
    "push_allowed_hosts",
    "push_proxy",
    "push_ca_file",
    "push_subject",
    "max_devices",
    "trusted_proxies",
    "places_file",
    "audit_checkpoint_file",
    "audit_checkpoint_minutes",
    "audit_syslog",
    "audit_syslog_ca_file",
    "audit_syslog_format",
    "audit_file",
    "audit_file_format",
    "desktop_link",
    "desktop_rdp_file",
    "log_format",
    "log",
];

/// What stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) public_listen: Option<String>,
    pub(super) tls_certificate: Option<String>,
    pub(super) tls_key: Option<String>,
    pub(super) data_dir: Option<String>,
    pub(super) database_url: Option<String>,
    pub(super) database_unsafe_fsync_off: Option<bool>,
    pub(super) issuer: Option<String>,
    pub(super) name: Option<String>,
    pub(super) domains: Option<Vec<String>>,
    pub(super) protected_groups: Option<Vec<String>>,
    pub(super) require_device_confirmation: Option<bool>,
    pub(super) require_reasons: Option<bool>,
    pub(super) dormant_after_days: Option<i64>,
    pub(super) push_allowed_hosts: Option<Vec<String>>,
    pub(super) push_proxy: Option<String>,
    pub(super) push_ca_file: Option<String>,
    pub(super) push_subject: Option<String>,
    pub(super) max_devices: Option<i64>,
    pub(super) trusted_proxies: Option<Vec<String>>,
    pub(super) places_file: Option<String>,
    pub(super) audit_checkpoint_file: Option<String>,
    pub(super) audit_checkpoint_minutes: Option<i64>,
    pub(super) audit_syslog: Option<String>,
    pub(super) audit_syslog_ca_file: Option<String>,
    pub(super) audit_syslog_format: Option<String>,
    pub(super) audit_file: Option<String>,
    pub(super) audit_file_format: Option<String>,
    pub(super) desktop_link: Option<String>,
    pub(super) desktop_rdp_file: Option<String>,
    pub(super) radius: Option<toml::Table>,
    pub(super) log_format: Option<String>,
    pub(super) log: Option<String>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, SettingsFault> {
        let text =
            fs::read_to_string(path).map_err(|source| SettingsFault::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, SettingsFault> {
        let malformed = |fault: toml::de::Error| {
            // The line itself is not shown: it may hold a secret.
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            SettingsFault::Malformed { path: path.to_owned(), what: format!("line {line}: {}", fault.message()) }
        };
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        let keys: Vec<String> = table.iter().filter(|(key, _)| !is_known(key)).map(as_written).collect();
        if !keys.is_empty() {
            return Err(SettingsFault::UnknownKeys { path: path.to_owned(), keys });
        }
        toml::from_str(text).map_err(malformed)
    }
}

fn is_known(key: &str) -> bool {
    KEYS.contains(&key) || key == RADIUS
}

fn as_written((key, value): (&String, &toml::Value)) -> String {
    if value.is_table() { format!("[{key}]") } else { key.clone() }
}
