//! Somebody at the server's own command line, with the store open before him.

use std::sync::Arc;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Actor;
use gatematch_domain::factor::{Factor, Kind, MAX_BYPASSES};
use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::totp::MAX_TOTPS;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;

use super::fault::Fault;
use crate::edge::Edge;
use crate::factors::{Maker, NotMade};
use crate::keys::{Keys, KeysFault};
use crate::settings::Settings;
use crate::start::{Silent, StartFault, open_store};
use crate::store::{Act, Store, UserQuery};
use crate::vault::{KEY_FILE, Vault};

/// How many users are read at a time.
const PAGE: u32 = 500;

/// Somebody at the command line.
pub(super) struct Operator {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Settings,
    pub(super) edge: Edge,
    pub(super) vault: Arc<Vault>,
    actor: Actor,
}

impl Operator {
    /// Opens the store for somebody with this account on the machine.
    pub(super) async fn open(settings: Settings, account: String) -> Result<Self, Fault> {
        let edge = Edge::system();
        let (store, vault) = open_store(&settings, &edge, Arc::new(Silent)).await?;
        Ok(Self { store, settings, edge, vault, actor: Actor::CommandLine(account) })
    }

    /// His step, now.
    pub(super) fn act(&self) -> Act {
        Act::new(self.actor.clone(), self.edge.now())
    }

    /// The one name that `given` means.
    pub(super) fn username(&self, given: &str) -> Result<Username, Fault> {
        let named = self.settings.domains.canonical(given);
        named.map_err(|fault| {
            Fault::usage(format!("No account can be called {given:?}: {fault}."), "Nothing was changed.", "")
        })
    }

    /// The account that `given` means.
    pub(super) async fn account(&self, given: &str) -> Result<Account, Fault> {
        let name = self.username(given)?;
        self.store.account(name.clone()).await?.ok_or_else(|| no_user(&name))
    }

    /// All users with this text in a name, with whom nobody has signed in since then; with their count of phones.
    pub(super) async fn users(&self, text: &str, idle_since: Option<Timestamp>) -> Result<Vec<(User, u32)>, Fault> {
        let mut found: Vec<(User, u32)> = Vec::new();
        loop {
            let after = found.last().map(|(user, _)| user.username.to_string());
            let asked = UserQuery { text: text.to_owned(), after, limit: PAGE, idle_since, state: None };
            let page = self.store.users(asked).await?;
            let is_last = page.len() < PAGE as usize;
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }

    /// The server's keys: only for commands that make something with them.
    pub(super) async fn keys(&self) -> Result<Keys, Fault> {
        Ok(Keys::open(self.store.as_ref(), &self.vault, &self.edge).await?)
    }

    /// Makes things for a user, now.
    pub(super) fn maker<'a>(&'a self, keys: &'a Keys, user: UserId) -> Maker<'a> {
        Maker { edge: &self.edge, peppers: keys.peppers(), user, now: self.edge.now() }
    }

    /// Adds what was made, for this reason.
    pub(super) async fn add(&self, account: &Account, factor: Factor, reason: Option<String>) -> Result<(), Fault> {
        self.change(account, FactorChange::Add { factor: Box::new(factor), reason }).await
    }

    /// Changes what somebody signs in with.
    pub(super) async fn change(&self, account: &Account, change: FactorChange) -> Result<(), Fault> {
        let noun = match &change {
            FactorChange::Add { factor, .. } if matches!(factor.kind, Kind::Bypass(_)) => Noun::Bypass,
            FactorChange::Remove { bypass: true, .. } => Noun::Bypass,
            _ => Noun::Authenticator,
        };
        let done = self.store.change_factors(self.act(), account.user.id, change).await?;
        done.map_err(|refusal| noun.refused(refusal, &account.user.username))
    }
}

/// What was to be changed.
#[derive(Clone, Copy)]
pub(super) enum Noun {
    /// Something that he signs in with.
    Authenticator,
    /// A bypass.
    Bypass,
}

impl Noun {
    /// Why that was not done.
    pub(super) fn refused(self, refusal: FactorRefusal, name: &Username) -> Fault {
        let (noun, most) = match self {
            Self::Authenticator => ("authenticator", MAX_TOTPS),
            Self::Bypass => ("bypass", MAX_BYPASSES),
        };
        let see = format!("See: gatematch {noun} list {name}");
        let (what, todo) = match refusal {
            FactorRefusal::Unknown => (format!("{name} has no {noun} with this id."), see),
            FactorRefusal::TooMany => {
                (format!("{name} has {most} already, and no more are allowed."), format!("Remove one first. {see}"))
            }
            FactorRefusal::SeedHeld => (format!("{name} has a token with this secret key already."), see),
            FactorRefusal::Confirmed => ("It was confirmed before, and works.".to_owned(), String::new()),
            FactorRefusal::WrongCode => ("The code is not the one that the app shows now.".to_owned(), String::new()),
            FactorRefusal::Locked => (format!("{name} is locked or disabled."), String::new()),
            FactorRefusal::TooOften { seconds } => {
                ("Too much was changed of late.".to_owned(), format!("Try again in {seconds} seconds."))
            }
        };
        Fault::refused(what, "Nothing was changed.", todo)
    }
}

pub(super) fn no_user(name: &Username) -> Fault {
    let todo = format!("Look for the name: gatematch user list. Or make the account: gatematch user add {name}");
    Fault::refused(format!("There is no user {name}."), "Nothing was changed.", todo)
}

/// Refuses to go on where there is no database: nothing could be found in a fresh one.
pub(super) fn check_database(settings: &Settings) -> Result<(), Fault> {
    if settings.data_dir.join(KEY_FILE).exists() {
        // There was one, and opening the store says more about it.
        return Ok(());
    }
    if settings.database_server.is_some() {
        // Whether there is anything is found out by asking it.
        return Ok(());
    }
    match settings.database.try_exists() {
        Ok(false) => Err(Fault::refused(
            format!("There is no database {}.", settings.database.display()),
            "No server has run with these settings, so there is nothing to look at or to change.",
            "Check --config, --data-dir and GATEMATCH_DATA_DIR; or begin: gatematch admin-key create --role admin --name NAME",
        )),
        Ok(true) => Ok(()),
        Err(error) => Err(Fault::broken(
            format!("{} cannot be looked at: {error}.", settings.database.display()),
            "Nothing was done.",
            "",
        )),
    }
}

impl From<KeysFault> for Fault {
    fn from(fault: KeysFault) -> Self {
        match fault {
            KeysFault::Store(error) => error.into(),
            KeysFault::Entropy(fault) => fault.into(),
            KeysFault::Sealed(_) => Self::broken(
                "The server's keys do not open: they were sealed under another master key, or changed by hand.",
                "Nothing was changed.",
                "Restore the database and the master key from one backup.",
            ),
            fault => Self::broken(format!("{fault}."), "Nothing was changed.", ""),
        }
    }
}

impl From<NotMade> for Fault {
    fn from(fault: NotMade) -> Self {
        match fault {
            NotMade::Entropy(fault) => fault.into(),
            NotMade::Hash(fault) => Self::broken(format!("{fault}."), "Nothing was changed.", ""),
        }
    }
}

impl From<StartFault> for Fault {
    fn from(fault: StartFault) -> Self {
        // What to do stands in the fault itself, where there is something.
        let todo = match &fault {
            StartFault::Listen { .. } => {
                "Another program may listen there: stop it, or give another address with --listen."
            }
            StartFault::DataDir { .. } => {
                "Check that the directory can be made and written to by this account, or name another one: --data-dir, GATEMATCH_DATA_DIR."
            }
            StartFault::Plan(fault) => fault.todo(),
            StartFault::Tls(fault) => fault.todo(),
            _ => "",
        };
        Self::broken(format!("{fault}."), "Nothing was started; what was there is as it was.", todo)
    }
}
