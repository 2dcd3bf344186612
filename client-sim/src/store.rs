//! The simulator's state file: keys and accounts, for its owner's eyes only.
//!
//! It is JSON, made with mode 0600 and replaced in one step, so that a crash leaves the old file or the new
//! one. A file that others can read is refused: its keys may be known to them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use gatematch_protocol::base64url;
use gatematch_protocol::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::connect::Cookie;
use crate::crypto::{NotAKey, P256Key};
use crate::edge;
use crate::phone::Account;

/// The layout that this version writes and reads.
const VERSION: u32 = 1;
/// A longer file is not ours.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What the simulator remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// The phones, oldest first.
    pub phones: Vec<StoredPhone>,
    /// The browsers that servers know again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub browsers: Vec<StoredBrowser>,
}

/// One person's browser, as one server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredBrowser {
    /// The address of the server, without trailing slash.
    pub server: String,
    /// Whose browser it is, as he writes himself.
    pub user: String,
    /// Its lasting cookies.
    pub cookies: Vec<Cookie>,
}

/// One phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPhone {
    /// What the person calls it.
    pub name: String,
    /// The secret scalar, 32 bytes in base64url.
    key: Secret,
    /// Where it is enrolled.
    pub account: Account,
}

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// The file system says no.
    #[error("{path}: {cause}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        cause: io::Error,
    },
    /// Others can read the file.
    #[error(
        "{0} can be read by others, so its keys may be known to them. Enroll anew, or, if you are sure: chmod 600 {0}"
    )]
    Exposed(PathBuf),
    /// Not a file of ours.
    #[error("{path} is not a state file of this version: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl StoredPhone {
    /// What is kept of an enrolled phone.
    #[must_use]
    pub fn new(name: &str, key: &P256Key, account: Account) -> Self {
        Self { name: name.to_owned(), key: Secret::new(base64url::encode(*key.secret())), account }
    }

    /// The phone's key.
    ///
    /// # Errors
    /// [`NotAKey`] when somebody has changed it.
    pub fn key(&self) -> Result<P256Key, NotAKey> {
        P256Key::from_secret(&base64url::decode_array(self.key.reveal()).map_err(|_| NotAKey)?)
    }
}

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, phones: Vec::new(), browsers: Vec::new() }
    }
}

impl State {
    /// Reads the state at `path`; where there is no file, it is empty.
    ///
    /// # Errors
    /// [`StoreFault`], of which `Exposed` comes before anything is read.
    pub fn read(path: &Path) -> Result<Self, StoreFault> {
        let io = |cause| StoreFault::Io { path: path.to_owned(), cause };
        let damaged = |what: String| StoreFault::Damaged { path: path.to_owned(), what };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(fault) => return Err(io(fault)),
        };
        let metadata = file.metadata().map_err(io)?;
        if metadata.mode() & 0o077 != 0 {
            return Err(StoreFault::Exposed(path.to_owned()));
        }
        let mut text = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(io)?;
        let state: Self = serde_json::from_slice(&text).map_err(|fault| damaged(fault.to_string()))?;
        if state.version == VERSION { Ok(state) } else { Err(damaged(format!("its version is {}", state.version))) }
    }

    /// The cookies that this person's browser has for this server.
    #[must_use]
    pub fn cookies(&self, server: &str, user: &str) -> Vec<Cookie> {
        let mut found = self.browsers.iter().filter(|browser| browser.server == server && browser.user == user);
        found.next().map(|browser| browser.cookies.clone()).unwrap_or_default()
    }

    /// Keeps these cookies in place of those that were there.
    pub fn set_cookies(&mut self, server: &str, user: &str, cookies: Vec<Cookie>) {
        self.browsers.retain(|browser| browser.server != server || browser.user != user);
        if !cookies.is_empty() {
            self.browsers.push(StoredBrowser { server: server.to_owned(), user: user.to_owned(), cookies });
        }
    }

    /// Writes the state to `path` in one step, with mode 0600; makes the directory (0700) where it is missing.
    ///
    /// # Errors
    /// [`StoreFault::Io`]; the old file is then still there.
    pub fn write(&self, path: &Path) -> Result<(), StoreFault> {
        let io = |cause| StoreFault::Io { path: path.to_owned(), cause };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
        let text = serde_json::to_vec_pretty(self).map_err(|fault| io(fault.into()))?;
        let temporary = directory.join(format!(".gatematch-sim-{}", base64url::encode(edge::random::<12>())));
        let written = replace(&temporary, path, &text);
        if written.is_err() {
            // Best effort: what matters is that the old file is untouched.
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(io)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
    }
}

fn replace(temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use gatematch_protocol::id::DeviceId;
    use gatematch_protocol::jwk::JwkSet;
    use gatematch_protocol::time::Timestamp;

    use super::*;

    fn state() -> State {
        let account = Account {
            issuer: "https://mfa.example.com".to_owned(),
            device_id: DeviceId::new(Timestamp::from_micros(0), [1; 10]),
            user: "alice".to_owned(),
            server_keys: JwkSet::default(),
        };
        let key = P256Key::from_secret(&[7; 32]).unwrap();
        State { phones: vec![StoredPhone::new("Alice's phone", &key, account)], ..State::default() }
    }

    #[test]
    fn the_state_goes_there_and_back_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/state.json");
        assert_eq!(State::read(&path).unwrap(), State::default());
        for _ in 0..2 {
            state().write(&path).unwrap();
            assert_eq!(State::read(&path).unwrap(), state());
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
        assert_eq!(*state().phones[0].key().unwrap().secret(), [7; 32]);
        assert!(!format!("{:?}", state()).contains(&base64url::encode([7; 32])));
    }

    #[test]
    fn each_person_has_a_browser_of_his_own_at_each_server() {
        let cookie = |value: &str| Cookie { name: "__Host-b".to_owned(), value: Secret::new(value), is_lasting: true };
        let mut state = state();
        state.set_cookies("http://a", "alice", vec![cookie("1")]);
        state.set_cookies("http://a", "bob", vec![cookie("2")]);
        state.set_cookies("http://a", "alice", vec![cookie("3")]);
        assert_eq!(state.cookies("http://a", "alice"), [cookie("3")]);
        assert_eq!(state.cookies("http://a", "bob"), [cookie("2")]);
        assert_eq!(state.cookies("http://b", "bob"), []);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        state.write(&path).unwrap();
        assert_eq!(State::read(&path).unwrap(), state);
        state.set_cookies("http://a", "alice", Vec::new());
        assert_eq!(state.browsers.len(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        state().write(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(State::read(&path), Err(StoreFault::Exposed(_))), "{mode:o}");
        }
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in ["", "{}", r#"{"version": 2, "phones": []}"#, r#"{"version": 1, "phones": [], "more": 1}"#] {
            replace(&folder.path().join("new"), &path, text.as_bytes()).unwrap();
            assert!(matches!(State::read(&path), Err(StoreFault::Damaged { .. })), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
