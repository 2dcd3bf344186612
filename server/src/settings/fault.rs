//! Why there are no settings.

use std::io;
use std::path::PathBuf;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not TOML, or a value has another type.
    #[error("{path} cannot be understood: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser says, with the line.
        what: String,
    },
    /// The file has keys that this version does not know.
    #[error("{path} has keys that this version does not know: {}", .keys.join(", "))]
    UnknownKeys {
        /// The file.
        path: PathBuf,
        /// The keys; a section in brackets.
        keys: Vec<String>,
    },
    /// A variable of the environment is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotText(String),
    /// A value makes no sense.
    #[error("{origin} {what}")]
    Value {
        /// Where it was given: a flag, a variable, or a key of the file.
        origin: String,
        /// What is wrong, as the rest of a sentence.
        what: String,
        /// What to do.
        todo: String,
    },
}

impl SettingsFault {
    /// What to do about it, in a sentence; may be empty.
    #[must_use]
    pub fn todo(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "Check the path and its permissions, or make one with: gatematch init FILE".to_owned()
            }
            Self::Malformed { .. } => "Compare it with a fresh one: gatematch init FILE".to_owned(),
            Self::UnknownKeys { .. } => {
                "Remove them or correct their spelling; gatematch init FILE writes a file with every key.".to_owned()
            }
            Self::NotText(name) => format!("Set {name} to plain text."),
            Self::Value { todo, .. } => todo.clone(),
        }
    }
}
