//! The phones in the state file.

use std::path::{Path, PathBuf};

use gatematch_client_sim::connect::Cookie;
use gatematch_client_sim::edge;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::store::{State, StoreFault, StoredPhone};

use super::fault::Fault;

/// The state file, and which of its phones are meant.
pub(crate) struct Phones {
    path: PathBuf,
    state: State,
    only: Option<String>,
}

impl Phones {
    /// Reads the state at `path`, or where it is by default.
    pub(crate) fn read(path: Option<&Path>, only: Option<&str>) -> Result<Self, Fault> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        let state = State::read(&path)?;
        Ok(Self { path, state, only: only.map(str::to_owned) })
    }

    /// The phones that are meant, at least one.
    pub(crate) fn all(&self) -> Result<Vec<Phone>, Fault> {
        if self.state.phones.is_empty() {
            return Err(gatematch_client_sim::failure::Failure::NotEnrolled.into());
        }
        let meant = self.state.phones.iter().filter(|phone| self.is_meant(phone));
        let phones = meant.map(|stored| self.phone(stored)).collect::<Result<Vec<_>, _>>()?;
        if phones.is_empty() {
            let known: Vec<_> =
                self.state.phones.iter().map(|phone| format!("{} of {}", phone.name, phone.account.user)).collect();
            return Err(Fault::usage("There is no such phone here.", format!("These are: {}.", known.join(", "))));
        }
        Ok(phones)
    }

    /// The one phone that is meant: the only one, or the last that was enrolled.
    pub(crate) fn last(&self) -> Result<Phone, Fault> {
        self.all()?.pop().ok_or_else(|| gatematch_client_sim::failure::Failure::NotEnrolled.into())
    }

    fn is_meant(&self, phone: &StoredPhone) -> bool {
        self.only.as_deref().is_none_or(|only| {
            phone.name == only || phone.account.user == only || phone.account.device_id.to_string() == only
        })
    }

    fn phone(&self, stored: &StoredPhone) -> Result<Phone, Fault> {
        let key =
            stored.key().map_err(|fault| StoreFault::Damaged { path: self.path.clone(), what: fault.to_string() })?;
        let api = Api::new(&stored.account.issuer)?;
        let phone = Phone::new(api, &stored.account.issuer, key, edge::system_clock());
        Ok(phone.with_account(stored.account.clone()))
    }

    /// Makes sure, before anything is asked of a server, that a phone could be kept.
    pub(crate) fn check_writable(&self) -> Result<(), Fault> {
        Ok(self.state.write(&self.path)?)
    }

    /// Keeps an enrolled phone.
    pub(crate) fn keep(&mut self, name: &str, phone: &Phone) -> Result<(), Fault> {
        let account = phone.account().ok_or(gatematch_client_sim::failure::Failure::NotEnrolled)?;
        self.state.phones.push(StoredPhone::new(name, phone.key(), account));
        Ok(self.state.write(&self.path)?)
    }
}

/// One person's browser at the state file: read anew each time, since much can happen while a page is open.
pub(crate) struct Browsers {
    path: PathBuf,
    user: String,
}

impl Browsers {
    /// The browser of `user` in the file at `path`, or where it is by default.
    pub(crate) fn at(path: Option<&Path>, user: &str) -> Result<Self, Fault> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        Ok(Self { path, user: user.to_owned() })
    }

    /// What it has for this server.
    pub(crate) fn cookies(&self, server: &str) -> Result<Vec<Cookie>, Fault> {
        Ok(State::read(&self.path)?.cookies(server, &self.user))
    }

    /// Keeps what it has for this server.
    pub(crate) fn keep(&self, server: &str, cookies: Vec<Cookie>) -> Result<(), Fault> {
        let mut state = State::read(&self.path)?;
        if state.cookies(server, &self.user) == cookies {
            return Ok(());
        }
        state.set_cookies(server, &self.user, cookies);
        Ok(state.write(&self.path)?)
    }
}

fn default_path() -> Result<PathBuf, Fault> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = given("GATEMATCH_SIM_STATE") {
        return Ok(path.into());
    }
    match given("HOME") {
        Some(home) => Ok(Path::new(&home).join(".config/gatematch-sim/state.json")),
        None => Err(Fault::usage("There is no home directory to keep the keys in.", "Name a file: --state FILE")),
    }
}
