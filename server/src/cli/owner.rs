//! Who runs the command, and whether the data directory is his.
//!
//! A command that root runs beside a server of another account would leave files that the server cannot open.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::fault::Fault;
use crate::settings::Environment;

/// Who runs the command, and how it was called.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The effective user id.
    pub uid: u32,
    /// The words of the command line, the program first.
    pub words: Vec<OsString>,
}

impl Caller {
    /// The caller of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), words: std::env::args_os().collect() }
    }

    /// The name of his account: from `/etc/passwd`, else `$USER`, else the id.
    #[must_use]
    pub fn account(&self, environment: &Environment) -> String {
        let told = || environment.get("USER").filter(|name| is_account(name)).map(str::to_owned);
        account_name(self.uid).or_else(told).unwrap_or_else(|| self.uid.to_string())
    }

    /// Refuses to go on where the data directory belongs to somebody else. One that is not there belongs to nobody.
    ///
    /// # Errors
    /// [`Fault`], with the line that works.
    pub fn check_owner(&self, directory: &Path, environment: &Environment) -> Result<(), Fault> {
        let owner = match fs::metadata(directory) {
            Ok(found) => found.uid(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let what = format!("The data directory {} cannot be looked at: {error}.", directory.display());
                return Err(Fault::broken(
                    what,
                    "It may belong to another account.",
                    "Run this as the account that runs the server.",
                ));
            }
        };
        if owner == self.uid {
            return Ok(());
        }
        let name = account_name(owner);
        let shown = name.clone().unwrap_or_else(|| format!("the account with the id {owner}"));
        Err(Fault::refused(
            format!(
                "The data directory {} belongs to {shown}, and this is {}.",
                directory.display(),
                self.account(environment)
            ),
            "Files that another account leaves there would stop the server. Nothing was done.",
            format!("Run: {}", self.line_as(owner, name.as_deref(), environment)),
        ))
    }

    fn line_as(&self, owner: u32, name: Option<&str>, environment: &Environment) -> String {
        let mut line = match (self.uid, name) {
            (0, Some(name)) => format!("runuser -u {name} --"),
            (0, None) => format!("setpriv --reuid={owner} --clear-groups"),
            (_, Some(name)) => format!("sudo -u {name}"),
            (_, None) => format!("sudo -u '#{owner}'"),
        };
        if self.uid != 0 {
            // sudo drops the environment.
            let (secret, open): (Vec<_>, Vec<_>) =
                environment.settings().partition(|(name, _)| *name == "GATEMATCH_MASTER_KEY");
            if let [(name, _)] = secret.as_slice() {
                // Handed over by name: what stands on a command line, everybody can read.
                line = line.replacen("sudo", &format!("sudo --preserve-env={name}"), 1);
            }
            let variables: String =
                open.into_iter().map(|(name, value)| format!(" {name}={}", quoted(value))).collect();
            if !variables.is_empty() {
                line.push_str(&format!(" env{variables}"));
            }
        }
        let program = self.words.first().map_or("gatematch".into(), |word| word.to_string_lossy());
        let words = self.words.iter().skip(1).map(|word| word.to_string_lossy());
        for word in std::iter::once(program).chain(words) {
            line.push(' ');
            line.push_str(&quoted(&word));
        }
        line
    }
}

fn account_name(uid: u32) -> Option<String> {
    named_in(&fs::read_to_string("/etc/passwd").ok()?, uid)
}

// passwd(5): name:password:UID:GID:...
fn named_in(passwd: &str, uid: u32) -> Option<String> {
    let name = |line: &str| {
        let mut fields = line.split(':');
        let (name, _, found) = (fields.next()?, fields.next()?, fields.next()?);
        (found.parse() == Ok(uid) && is_account(name)).then(|| name.to_owned())
    };
    passwd.lines().find_map(name)
}

fn is_account(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-$".contains(c);
    (1..=64).contains(&name.len()) && !name.starts_with('-') && name.chars().all(sound)
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(uid: u32, line: &str) -> Caller {
        Caller { uid, words: line.split(' ').map(OsString::from).collect() }
    }

    fn refused(caller: &Caller, directory: &Path, environment: &Environment) -> String {
        caller.check_owner(directory, environment).unwrap_err().told().join("\n")
    }

    #[test]
    fn only_the_owner_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let owner = fs::metadata(directory.path()).unwrap().uid();
        let nothing = Environment::default();
        assert_eq!(caller(owner, "gatematch").check_owner(directory.path(), &nothing), Ok(()));
        assert_eq!(caller(owner + 1, "gatematch").check_owner(&directory.path().join("new"), &nothing), Ok(()));
        let told = refused(&caller(owner + 1, "gatematch user list"), directory.path(), &nothing);
        assert!(told.contains("gatematch user list"), "{told}");
    }

    #[test]
    fn the_line_that_works_is_told() {
        let settings: Environment = [
            ("GATEMATCH_DATA_DIR", "/my data"),
            ("GATEMATCH_MASTER_KEY", "secret"),
            ("GATEMATCH_GATEWAY_KEY", "gmg_x"),
            ("PATH", "x"),
        ]
        .into_iter()
        .collect();
        let line = "gatematch user lock alice --reason it's";
        let stranger = caller(1000, line).line_as(7, Some("gate"), &settings);
        assert_eq!(
            stranger,
            "sudo --preserve-env=GATEMATCH_MASTER_KEY -u gate env GATEMATCH_DATA_DIR='/my data' gatematch user lock alice --reason 'it'\\''s'"
        );
        assert_eq!(
            caller(0, line).line_as(7, Some("gate"), &settings),
            "runuser -u gate -- gatematch user lock alice --reason 'it'\\''s'"
        );
        assert_eq!(caller(0, "g").line_as(7, None, &settings), "setpriv --reuid=7 --clear-groups g");
        assert_eq!(caller(5, "g").line_as(7, None, &Environment::default()), "sudo -u '#7' g");
    }

    #[test]
    fn accounts_have_names() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\ngate:x:990:990::/:/x\n-x:x:5:5::/:/x\n";
        assert_eq!(named_in(passwd, 990).as_deref(), Some("gate"));
        assert_eq!(named_in(passwd, 5), None);
        assert_eq!(named_in(passwd, 1), None);
        let nobody = caller(4_000_000_001, "g");
        assert_eq!(nobody.account(&[("USER", "alice")].into_iter().collect()), "alice");
        assert_eq!(nobody.account(&[("USER", "a b")].into_iter().collect()), "4000000001");
    }
}
