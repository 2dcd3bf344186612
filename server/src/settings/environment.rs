//! The environment of the process, read once.

use std::collections::{BTreeMap, BTreeSet};

use super::SettingsFault;
use super::file::KEYS;

/// Variables that are no settings of the file.
const BESIDE_THE_FILE: [&str; 2] = ["GATEMATCH_CONFIG", "GATEMATCH_MASTER_KEY"];
/// Variables of `gatematch-sim`.
const SIMULATOR: [&str; 3] = ["GATEMATCH_ADMIN_KEY", "GATEMATCH_GATEWAY_KEY", "GATEMATCH_RADIUS_SECRET"];
/// Variables that the RADIUS front door reads.
const RADIUS: [&str; 2] = ["GATEMATCH_RADIUS_LISTEN", "GATEMATCH_RADIUS_SERVER_URL"];

/// The variables of a process, as a value.
///
/// A variable that is empty counts as not set.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    not_text: BTreeSet<String>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if let Ok(value) = value.into_string() {
                environment.variables.insert(name, value);
            } else {
                environment.not_text.insert(name);
            }
        }
        environment
    }

    /// The value of `name`, where it is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The settings that are set, by name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, value)| is_setting(name) && !value.is_empty())
    }

    pub(super) fn check_text(&self) -> Result<(), SettingsFault> {
        match self.not_text.iter().find(|name| name.starts_with("GATEMATCH_")) {
            Some(name) => Err(SettingsFault::NotText(name.clone())),
            None => Ok(()),
        }
    }

    /// A sentence for each `GATEMATCH_*` variable that nobody reads. `named` are those that the file names.
    pub(super) fn warnings(&self, named: &BTreeSet<String>) -> Vec<String> {
        let unread = |name: &&String| name.starts_with("GATEMATCH_") && !is_known(name) && !named.contains(*name);
        let ours = self.variables.keys().filter(unread);
        ours.map(|name| format!("{name} is not a setting of this version; it is ignored.")).collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, not_text: BTreeSet::new() }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secret.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// The variable of a key of the file.
pub(super) fn variable(key: &str) -> String {
    format!("GATEMATCH_{}", key.to_ascii_uppercase())
}

/// The variables that stand for a key of the file, each.
pub fn variables() -> impl Iterator<Item = String> {
    KEYS.iter().map(|key| variable(key))
}

fn is_known(name: &str) -> bool {
    is_setting(name) || name.starts_with("GATEMATCH_SIM_") || SIMULATOR.contains(&name) || RADIUS.contains(&name)
}

fn is_setting(name: &str) -> bool {
    BESIDE_THE_FILE.contains(&name) || KEYS.iter().any(|key| variable(key) == name)
}
