//! Secrets: in the file itself, in a file of their own, or in a variable of the environment.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gatematch_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::section::Section;
use super::{SettingsFault, Sources};

/// The longest file that is read for a secret, in bytes.
const LONGEST_FILE: u64 = 4_096;
/// Readable by everybody.
const WORLD_READABLE: u32 = 0o004;

impl Sources<'_> {
    /// The secret `key` of a section: given as `key`, `key_file` or `key_env`.
    pub(super) fn secret(&mut self, section: &Section<'_>, key: &str) -> Result<Secret, SettingsFault> {
        let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
        let given = (section.text(key)?, section.text(&file_key)?, section.text(&env_key)?);
        let secret = match given {
            (Some(text), None, None) => Secret::new(text),
            (None, Some(path), None) => self.in_file(section, &file_key, path)?,
            (None, None, Some(name)) => self.in_variable(section, &env_key, name)?,
            (None, None, None) => {
                let todo = format!("Write {key} = \"...\", {file_key} = \"PATH\" or {env_key} = \"VARIABLE\".");
                return Err(section.fault(format!("{key} is missing"), todo));
            }
            _ => {
                let todo = format!("Write just one of {key}, {file_key} and {env_key}.");
                return Err(section.fault(format!("{key} is given more than once"), todo));
            }
        };
        if secret.reveal().is_empty() {
            return Err(section.fault(format!("{key} is empty"), "Write at least 16 random characters."));
        }
        Ok(secret)
    }

    fn in_file(&mut self, section: &Section<'_>, key: &str, path: &str) -> Result<Secret, SettingsFault> {
        let path = self.directory.join(path);
        let (text, mode) = read(&path).map_err(|what| {
            let todo = "Check the path and its permissions; the file holds the secret and nothing else.";
            section.fault(format!("{key}: {} {what}", path.display()), todo)
        })?;
        if mode & WORLD_READABLE != 0 {
            self.warnings.push(format!(
                "{}: everybody on this machine can read {}; chmod 600 keeps it to its owner.",
                section.name(),
                path.display()
            ));
        }
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
    }

    fn in_variable(&self, section: &Section<'_>, key: &str, name: &str) -> Result<Secret, SettingsFault> {
        let value = (self.environment)(name).filter(|value| !value.is_empty()).map(Zeroizing::new);
        let missing = || section.fault(format!("{key} names {name}, which is not set"), format!("Set {name}."));
        value.map(|value| Secret::new(value.as_str())).ok_or_else(missing)
    }
}

fn read(path: &Path) -> Result<(Zeroizing<String>, u32), String> {
    let told = |fault: std::io::Error| format!("cannot be read: {fault}");
    let file = fs::File::open(path).map_err(told)?;
    let mode = file.metadata().map_err(told)?.permissions().mode();
    let mut text = Zeroizing::new(String::new());
    let length = file.take(LONGEST_FILE + 1).read_to_string(&mut text).map_err(told)?;
    if length as u64 > LONGEST_FILE {
        return Err(format!("is longer than {LONGEST_FILE} bytes"));
    }
    Ok((text, mode))
}
