//! The master key is found, and the data keys that it opens.

use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use gatematch_domain::audit::Actor;

use super::StartFault;
use super::lock::LOCK_FILE;
use crate::edge::Edge;
use crate::keys::KeysFault;
use crate::settings::Settings;
use crate::store::sql::{Conn, Opening, RingFault};
use crate::store::{Act, Store};
use crate::vault::{KEY_FILE, MasterKey, MasterKeyFault, Source, Vault};

/// What a server writes into its lock file when it has started.
const FROM_ENVIRONMENT: &str = "master key from: environment\n";
const FROM_FILE: &str = "master key from: file\n";

/// Opens what the database is sealed under; makes it at the first start.
pub(crate) async fn open(settings: &Settings, edge: &Edge, conn: &mut Conn) -> Result<Vault, StartFault> {
    let mut database = Opening::on(conn);
    let sealed = database.has_keys().await.map_err(StartFault::Store)?;
    let (master, source) = master_key(settings, edge, sealed)?;
    let vault = Vault::new(&master, source, edge.clone())?;
    match database.open_ring(&vault, edge).await {
        Ok(()) => Ok(vault),
        Err(RingFault::Sealed(_)) => Err(wrong_master_key(settings, edge, &mut database).await),
        Err(RingFault::MasterKey(fault)) => Err(fault.into()),
        Err(RingFault::Store(error)) => Err(StartFault::Store(error)),
    }
}

/// The server has started under this master key: one that was replaced by it opens nothing any more. It leaves word of
/// where it has the key from.
pub(super) async fn settle(settings: &Settings, store: &dyn Store, edge: &Edge) -> Result<(), StartFault> {
    let settled = store.drop_old_master(Act::new(Actor::System, edge.now())).await.map_err(KeysFault::from)?;
    if settled {
        tracing::info!("the new master key is in use; the old one opens nothing any more");
    }
    let file = settings.data_dir.join(KEY_FILE);
    if settings.master_key.is_some() && file.exists() {
        tracing::warn!(
            file = %file.display(),
            "GATEMATCH_MASTER_KEY gives the master key, and the file master.key is not used: remove it (keep a copy \
             where your keys are kept), or a command that is run without GATEMATCH_MASTER_KEY may change it"
        );
    }
    let word = if settings.master_key.is_some() { FROM_ENVIRONMENT } else { FROM_FILE };
    let path = settings.data_dir.join(LOCK_FILE);
    leave_word(&path, word).map_err(|source| StartFault::DataDir { path, source })
}

/// Never empties the file first: a command that reads it meanwhile must not find nothing.
fn leave_word(path: &Path, word: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(word.as_bytes())?;
    file.set_len(word.len() as u64)?;
    file.sync_all()
}

/// Whether the server that runs on this data directory, or ran on it last, had its master key from the environment. Then
/// a file of the master key is no good there, though it may open the database.
#[must_use]
pub fn has_given_key(data_dir: &Path) -> bool {
    fs::read(data_dir.join(LOCK_FILE)).is_ok_and(|word| word == FROM_ENVIRONMENT.as_bytes())
}

/// Where the environment's key opens nothing, perhaps a file beside the database does.
async fn wrong_master_key(settings: &Settings, edge: &Edge, database: &mut Opening<'_>) -> StartFault {
    let Some(given) = &settings.master_key else { return other_master_key(settings) };
    let source = Source::Directory(settings.data_dir.clone());
    let given = MasterKey::from_text(given.reveal(), "GATEMATCH_MASTER_KEY").ok();
    let vault = given.and_then(|given| Vault::new(&given, source, edge.clone()).ok());
    let is_in_file = match vault {
        Some(vault) => database.is_sealed_under(&vault).await.unwrap_or(false),
        None => false,
    };
    if !is_in_file {
        return other_master_key(settings);
    }
    StartFault::KeyIsInFile { database: name(settings), directory: settings.data_dir.clone() }
}

/// How the database is called.
fn name(settings: &Settings) -> String {
    settings.database_server.as_ref().map_or_else(|| settings.database.display().to_string(), ToString::to_string)
}

pub(super) fn other_master_key(settings: &Settings) -> StartFault {
    let in_file = || settings.data_dir.join(KEY_FILE).display().to_string();
    let key = settings.master_key.as_ref().map_or_else(in_file, |_| "GATEMATCH_MASTER_KEY".to_owned());
    StartFault::OtherMasterKey { database: name(settings), key }
}

fn master_key(settings: &Settings, edge: &Edge, sealed: bool) -> Result<(MasterKey, Source), StartFault> {
    if let Some(text) = &settings.master_key {
        return Ok((MasterKey::from_text(text.reveal(), "GATEMATCH_MASTER_KEY")?, Source::Given));
    }
    let lost = || StartFault::MasterKeyLost(settings.data_dir.join(KEY_FILE));
    let key = match MasterKey::read(&settings.data_dir)? {
        Some(key) => key,
        None if sealed => return Err(lost()),
        None => match MasterKey::create(&settings.data_dir, edge) {
            // Another command made it at the same moment.
            Err(MasterKeyFault::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                MasterKey::read(&settings.data_dir)?.ok_or_else(lost)?
            }
            made => made?,
        },
    };
    Ok((key, Source::Directory(settings.data_dir.clone())))
}
