//! The vector files: what stands in them, each noun in its own module.

mod attack;
mod base64url;
mod challenge;
mod id;
mod json;
mod jwk;
mod key;
mod object;
mod proof;
mod response;
mod result;
mod signature;
mod thumbprint;
mod token;
mod world;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

/// Every file, in the order of their names.
pub(crate) fn all() -> Vec<File> {
    vec![
        base64url::file(),
        challenge::file(),
        id::file(),
        json::file(),
        jwk::file(),
        proof::file(),
        response::file(),
        result::file(),
        signature::file(),
        thumbprint::file(),
    ]
}

/// Named values, in the order in which they are written.
type Members = Vec<(&'static str, Value)>;

/// One vector file.
pub(crate) struct File {
    /// Its name in the folder.
    pub(crate) name: &'static str,
    /// What its cases are about and how to run them.
    pub(crate) description: &'static str,
    /// The texts that the verdicts come from.
    pub(crate) source: &'static str,
    /// Inputs that hold for every case without its own member of the same name.
    pub(crate) shared: Members,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

impl File {
    /// The file's text: JSON with one member a line, and a line feed at the end.
    pub(crate) fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("description", self.description)?;
        members.serialize_entry("source", self.source)?;
        for (name, value) in &self.shared {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry("cases", &self.cases)?;
        members.end()
    }
}

/// One case: inputs and what must come out.
pub(crate) struct Case {
    name: String,
    why: String,
    inputs: Members,
    verdict: &'static str,
}

impl Case {
    /// A case without inputs yet.
    fn new(verdict: &'static str, name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), why: why.into(), inputs: Vec::new(), verdict }
    }

    /// The same case with one more input or expected value.
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.inputs.push((name, value.into()));
        self
    }
}

impl Serialize for Case {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("name", &self.name)?;
        members.serialize_entry("why", &self.why)?;
        for (name, value) in &self.inputs {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry("verdict", self.verdict)?;
        members.end()
    }
}
