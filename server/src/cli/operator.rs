//! Somebody at the server's own command line, with the store open before him.

use std::sync::Arc;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Actor;
use gatematch_domain::username::Username;

use super::fault::Fault;
use crate::edge::Edge;
use crate::settings::Settings;
use crate::start::{Silent, StartFault, open_store};
use crate::store::{Act, Store};
use crate::vault::KEY_FILE;

/// Somebody at the command line.
pub(super) struct Operator {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Settings,
    pub(super) edge: Edge,
    actor: Actor,
}

impl Operator {
    /// Opens the store for somebody with this account on the machine.
    pub(super) async fn open(settings: Settings, account: String) -> Result<Self, Fault> {
        let edge = Edge::system();
        let (store, _) = open_store(&settings, &edge, Arc::new(Silent)).await?;
        Ok(Self { store, settings, edge, actor: Actor::CommandLine(account) })
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
