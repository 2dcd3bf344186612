//! A JSON object in the making, as text: members keep their order, and may stand twice.

use std::fmt;

use serde_json::Value;

/// Names with raw JSON values.
#[derive(Clone, Default)]
pub(crate) struct Object(Vec<(String, String)>);

impl Object {
    /// This object with `name` set to the JSON text `raw`, in its old place where it had one.
    pub(crate) fn raw(mut self, name: &str, raw: impl Into<String>) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = raw.into(),
            None => self.0.push((name.to_owned(), raw.into())),
        }
        self
    }

    /// This object with `name` set to a string.
    pub(crate) fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.value(name, &Value::String(value.into()))
    }

    /// This object with `name` set to a number.
    pub(crate) fn number(self, name: &str, value: impl Into<i64>) -> Self {
        self.raw(name, value.into().to_string())
    }

    /// This object with `name` set to any value.
    pub(crate) fn value(self, name: &str, value: &Value) -> Self {
        self.raw(name, value.to_string())
    }

    /// This object without `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// This object with one more member behind the others, whether or not it has that name already.
    pub(crate) fn again(mut self, name: &str, raw: &str) -> Self {
        self.0.push((name.to_owned(), raw.to_owned()));
        self
    }

    /// Name and raw value of the first member, or empty texts.
    pub(crate) fn first(&self) -> (&str, &str) {
        self.0.first().map_or(("", ""), |(name, raw)| (name, raw))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<String> = self.0.iter().map(|(name, raw)| format!("\"{name}\":{raw}")).collect();
        write!(f, "{{{}}}", members.join(","))
    }
}
