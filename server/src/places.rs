//! Where addresses are, by a file that the operator brings (`places_file`): a MaxMind DB, as MaxMind, DB-IP and others
//! make them. It is read into memory, and again when it has changed.
//!
//! Where there is no file, or no good one, nobody knows where addresses are, and each rule says what that counts as.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use gatematch_domain::place::{Atlas, Place};
use gatematch_domain::text::{MAX_CHARS, disarm};
use maxminddb::{PathElement, Reader};

use crate::edge::Edge;

/// How often the file is looked at, in seconds.
const LOOK_SECONDS: i64 = 60;
/// Larger files are not read: no database of places is.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file of places is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PlacesFault {
    /// It cannot be read.
    #[error("places_file {path}: {what}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
    /// It is no database of places.
    #[error("places_file {path} is no MaxMind DB with countries: {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    length: u64,
    inode: u64,
}

type Database = Reader<Vec<u8>>;

#[derive(Default)]
struct Held {
    database: Option<Arc<Database>>,
    /// Of what was read last, whether or not it was good.
    stamp: Option<Stamp>,
}

/// Where addresses are.
#[derive(Default)]
pub struct Places {
    path: Option<PathBuf>,
    held: RwLock<Held>,
}

/// What became of a look at the file.
#[derive(Debug)]
pub enum Look {
    /// It is as it was.
    Same,
    /// It was read anew.
    Read,
    /// It is of no use; what was known stays known.
    Bad(PlacesFault),
}

impl Places {
    /// Those in the file at `path`, where one is set, and what is wrong with it, if anything is.
    #[must_use]
    pub fn of(path: Option<&Path>) -> (Self, Option<PlacesFault>) {
        let places = Self { path: path.map(Path::to_owned), held: RwLock::default() };
        let fault = match places.look() {
            Look::Bad(fault) => Some(fault),
            Look::Same | Look::Read => None,
        };
        (places, fault)
    }

    /// Whether anything is known.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.database().is_some()
    }

    fn database(&self) -> Option<Arc<Database>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).database.clone()
    }

    /// Reads the file again where it has changed. It takes as long as reading it takes.
    pub fn look(&self) -> Look {
        let Some(path) = &self.path else { return Look::Same };
        let unreadable =
            |error: std::io::Error| PlacesFault::Unreadable { path: path.clone(), what: error.to_string() };
        let stamp = match stamp(path) {
            Ok(stamp) => stamp,
            Err(error) => return Look::Bad(unreadable(error)),
        };
        if self.held.read().unwrap_or_else(PoisonError::into_inner).stamp == Some(stamp) {
            return Look::Same;
        }
        let read = read(path, stamp.length);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.stamp = Some(stamp);
        match read {
            Ok(database) => {
                held.database = Some(Arc::new(database));
                Look::Read
            }
            Err(fault) => Look::Bad(fault),
        }
    }

    /// Looks at the file from time to time.
    pub(crate) async fn watch(self: Arc<Self>, edge: Edge) {
        let mut told = None;
        loop {
            edge.clock.sleep_until(edge.now().plus_seconds(LOOK_SECONDS)).await;
            let places = Arc::clone(&self);
            let Ok(look) = tokio::task::spawn_blocking(move || places.look()).await else { continue };
            match look {
                Look::Same => {}
                Look::Read => {
                    told = None;
                    tracing::info!("places_file has changed and was read anew");
                }
                Look::Bad(fault) => {
                    // Once for each thing that is wrong.
                    let fault = fault.to_string();
                    if told.as_ref() != Some(&fault) {
                        tracing::error!("{fault}; what was known of places stays known");
                    }
                    told = Some(fault);
                }
            }
        }
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let file = fs::metadata(path)?;
    Ok(Stamp { modified: (file.mtime(), file.mtime_nsec()), length: file.len(), inode: file.ino() })
}

fn read(path: &Path, length: u64) -> Result<Database, PlacesFault> {
    let unusable = |what: String| PlacesFault::Unusable { path: path.to_owned(), what };
    if length > MAX_BYTES {
        return Err(unusable("it is larger than 1 GiB".to_owned()));
    }
    let bytes =
        fs::read(path).map_err(|error| PlacesFault::Unreadable { path: path.to_owned(), what: error.to_string() })?;
    let database = Reader::from_source(bytes).map_err(|error| unusable(error.to_string()))?;
    let kind = database.metadata().database_type.as_str();
    if !["City", "Country", "Enterprise"].iter().any(|word| kind.contains(word)) {
        return Err(unusable(format!("its type is {kind:?}, and not a City or Country")));
    }
    Ok(database)
}

impl Atlas for Places {
    fn find(&self, address: IpAddr) -> Option<Place> {
        let database = self.database()?;
        // A file can be damaged in ways that its reader does not expect, and a login must not fall over that.
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| find(&database, address)));
        found.ok().flatten()
    }
}

fn find(database: &Database, address: IpAddr) -> Option<Place> {
    let found = database.lookup(address.to_canonical()).ok().filter(maxminddb::LookupResult::has_data)?;
    let text = |path: &[&'static str]| {
        let path: Vec<_> = path.iter().map(|key| PathElement::Key(key)).collect();
        found.decode_path::<String>(&path).ok().flatten()
    };
    let country = text(&["country", "iso_code"]).and_then(|code| code.parse().ok());
    let town = text(&["city", "names", "en"]);
    let town = town.map(|town| disarm(&town).chars().take(MAX_CHARS).collect::<String>());
    Some(Place { country, town: town.filter(|town| !town.is_empty()) })
}
