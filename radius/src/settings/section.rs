//! One table of the settings file, read key by key.

use std::net::SocketAddr;

use toml::{Table, Value};

use super::SettingsFault;

/// The longest name, in characters and in bytes of UTF-8: it is told to the server (contract section 1).
const NAME_CHARS: usize = 64;
const NAME_BYTES: usize = 128;
/// The most tables of one kind.
const MOST_TABLES: usize = 256;

/// One table, and what faults call it.
pub(super) struct Section<'a> {
    name: String,
    table: &'a Table,
}

impl<'a> Section<'a> {
    pub(super) fn new(name: impl Into<String>, table: &'a Table) -> Self {
        Self { name: name.into(), table }
    }

    /// The tables under `key` (`[[radius.client]]`), each called by its own name, else by its place.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Section<'a>>, SettingsFault> {
        let example = format!("Write [[{}.{key}]] over the keys of each.", self.name);
        let not_tables = || self.fault(format!("{key} is not a list of tables"), example.clone());
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let values = value.as_array().ok_or_else(not_tables)?;
        if values.len() > MOST_TABLES {
            return Err(self.fault(format!("{key} stands there {} times", values.len()), "At most 256 work."));
        }
        let section = |(index, value): (usize, &'a Value)| {
            let table = value.as_table().ok_or_else(not_tables)?;
            let place = || format!("{}.{key} number {}", self.name, index + 1);
            let named = table.get("name").and_then(Value::as_str).filter(|name| is_name(name));
            let name = named.map_or_else(place, |name| format!("{}.{key}.{name}", self.name));
            Ok(Self { name, table })
        };
        values.iter().enumerate().map(section).collect()
    }

    pub(super) fn fault(&self, what: impl Into<String>, todo: impl Into<String>) -> SettingsFault {
        SettingsFault::new(&self.name, what, todo)
    }

    /// What faults and warnings call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Refuses keys other than these, by name.
    pub(super) fn only(&self, keys: &[&str]) -> Result<(), SettingsFault> {
        match self.table.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => {
                Err(self.fault(format!("unknown key {key:?}"), format!("The keys here are {}.", keys.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// Whether the key stands there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, SettingsFault> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let text = value.as_str();
        text.map(Some).ok_or_else(|| self.fault(format!("{key} is not a text"), format!("Write {key} = \"...\".")))
    }

    /// A name for logs, metrics and reports.
    pub(super) fn own_name(&self) -> Result<String, SettingsFault> {
        let todo = "Write name = \"rdg01\": 1 to 64 printable characters (at most 128 bytes), without quotes.";
        match self.text("name")? {
            Some(name) if is_name(name) => Ok(name.to_owned()),
            Some(name) => Err(self.fault(format!("name is {name:?}"), todo)),
            None => Err(self.fault("name is missing", todo)),
        }
    }

    pub(super) fn switch(&self, key: &str, default: bool) -> Result<bool, SettingsFault> {
        let Some(value) = self.table.get(key) else { return Ok(default) };
        value
            .as_bool()
            .ok_or_else(|| self.fault(format!("{key} is neither true nor false"), format!("Write {key} = {default}.")))
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(&self, key: &str, default: u16, least: u16, most: u16) -> Result<u16, SettingsFault> {
        let Some(value) = self.table.get(key) else { return Ok(default) };
        let number = value.as_integer().and_then(|number| u16::try_from(number).ok());
        number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
            self.fault(format!("{key} is {}", shown(value)), format!("Write a whole number, {least} to {most}."))
        })
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, key: &str, default: T, words: &[(&str, T)]) -> Result<T, SettingsFault> {
        let Some(text) = self.text(key)? else { return Ok(default) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        found.ok_or_else(|| self.fault(format!("{key} is {text:?}"), format!("Write one of {}.", all.join(", "))))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, SettingsFault> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let texts = value.as_array().map(|values| values.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        texts
            .flatten()
            .map(Some)
            .ok_or_else(|| self.fault(format!("{key} is not a list of texts"), format!("Write {key} = [\"...\"].")))
    }

    /// The entries of a table in one key (`accept = { .. }`).
    pub(super) fn entries(&self, key: &str) -> Result<Option<&'a Table>, SettingsFault> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        value
            .as_table()
            .map(Some)
            .ok_or_else(|| self.fault(format!("{key} is not a table"), format!("Write {key} = {{ NAME = VALUE }}.")))
    }

    /// An address with a port.
    pub(super) fn address(&self, key: &str, text: &str, example: &str) -> Result<SocketAddr, SettingsFault> {
        text.parse().map_err(|_| {
            self.fault(format!("{key} is not an IP address with a port: {text:?}"), format!("Write it as {example}."))
        })
    }
}

/// A value as faults show it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        other => format!("of the type {}", other.type_str()),
    }
}

/// Whether it is a label that can be shown: printable characters, but for quotes.
fn is_name(text: &str) -> bool {
    let fits = (1..=NAME_CHARS).contains(&text.chars().count()) && text.len() <= NAME_BYTES;
    fits && text.chars().all(|character| is_printable(character) && !is_quote(character))
}

/// Neither a control, nor a blank but the common one, nor what changes the direction of text or is not seen.
fn is_printable(character: char) -> bool {
    let is_hidden = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !is_hidden && (character == ' ' || !character.is_whitespace())
}

const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2039}' | '\u{203a}')
}
