//! What the settings say of the RADIUS front door. Its secrets are never looked at, only whether they are set.

use std::net::{IpAddr, SocketAddr};

use toml::{Table, Value};

use super::values;
use crate::settings::RadiusTable;
use crate::words::rules::settings::Settings as Words;

/// Where it listens, unless it is told.
const USUAL: &str = "127.0.0.1:1812";

/// The front door, as far as the lines for a gateway depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Front {
    /// Whether this server has one of its own.
    pub(super) is_there: bool,
    /// At which address it is reached, where it is one.
    pub(super) address: Option<IpAddr>,
    /// At which one it listens, where that is one that no other machine reaches.
    pub(super) alone_at: Option<SocketAddr>,
    clients: Vec<(String, String)>,
}

impl Front {
    /// What the settings say.
    pub(super) fn of(radius: Option<&RadiusTable>) -> Self {
        let Some(RadiusTable { table, .. }) = radius else { return Self::default() };
        let listen = table.get("listen").and_then(Value::as_str).unwrap_or(USUAL).parse::<SocketAddr>().ok();
        let is_told = |address: &SocketAddr| !address.ip().is_unspecified() && !address.ip().is_loopback();
        let text = |entry: &Table, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let clients = entries(table, "client").map(|entry| (text(entry, "name"), text(entry, "network")));
        Self {
            is_there: true,
            address: listen.filter(is_told).map(|address| address.ip()),
            alone_at: listen.filter(|address| address.ip().is_loopback()),
            clients: clients.collect(),
        }
    }

    /// From where the client `name` may ask.
    pub(super) fn network_of(&self, name: &str) -> Option<&str> {
        self.clients.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, network)| network.as_str())
    }
}

/// One part of the section, as the page about settings shows it.
pub(super) struct Part {
    /// What it is about.
    pub(super) title: String,
    /// Keys and values.
    pub(super) rows: Vec<(String, String)>,
}

/// The keys that are no secrets: whatever else there is, is not shown.
const SHOWN: [&str; 19] = [
    "accept",
    "address",
    "challenge_life",
    "first_factor",
    "listen",
    "max_waiting",
    "network",
    "no_display",
    "require_message_authenticator",
    "revive_after",
    "status_server",
    "style",
    "time_limit",
    "timeout",
    "tries",
    "trust_calling_station_id",
    "upstream",
    "when_unreachable",
    "name",
];

/// The section, part by part.
pub(super) fn parts(radius: &RadiusTable, words: &Words) -> Vec<Part> {
    let table = &radius.table;
    let mut parts = vec![Part { title: words.radius_whole.to_owned(), rows: rows(table, words) }];
    for (kind, title) in [("client", words.radius_client), ("upstream", words.radius_upstream)] {
        for entry in entries(table, kind) {
            let name = entry.get("name").and_then(Value::as_str).unwrap_or("?");
            parts.push(Part { title: crate::words::with(title, &[name]), rows: rows(entry, words) });
        }
    }
    parts.retain(|part| !part.rows.is_empty());
    parts
}

fn entries<'a>(table: &'a Table, kind: &str) -> impl Iterator<Item = &'a Table> {
    table.get(kind).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn rows(table: &Table, words: &Words) -> Vec<(String, String)> {
    let own = table.iter().filter(|(key, _)| !["client", "upstream"].contains(&key.as_str()) || !is_list(table, key));
    own.map(|(key, value)| (key.clone(), shown(key, value, words))).collect()
}

/// Whether it is a list of tables: a part of its own, and no value.
fn is_list(table: &Table, key: &str) -> bool {
    table.get(key).and_then(Value::as_array).is_some_and(|list| list.iter().any(Value::is_table))
}

fn shown(key: &str, value: &Value, words: &Words) -> String {
    if SHOWN.contains(&key) {
        return plain(value);
    }
    if let Some(address) = value.as_str().filter(|_| key == "server_url").and_then(|text| text.parse().ok()) {
        return values::without_password(&address, words);
    }
    let is_secret = key.starts_with("secret") || key.starts_with("gateway_key");
    let told = match key {
        _ if !is_secret => words.not_shown,
        key if key.ends_with("_file") => words.secret_file,
        key if key.ends_with("_env") => words.secret_variable,
        _ => words.secret_here,
    };
    told.to_owned()
}

/// A value without the marks of TOML, where it can do without.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(entries) => entries.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
