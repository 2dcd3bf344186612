//! A backup takes the place of a database, and nothing that was taken away since comes back with it.
//!
//! Everything is done to a copy of the backup that nobody else knows. It takes the place of what is there in one step, the
//! last one: until then, whatever happens, what is there is as it was.

mod target;

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_domain::audit::Actor;
use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::time::Timestamp;

use self::target::Target;
use crate::audit;
use crate::backup::BackupFault;
use crate::edge::Edge;
use crate::keys::{Keys, KeysFault};
use crate::settings::Settings;
use crate::start::{Silent, StartFault, lock, open_vault};
use crate::store::sql::restore::{Followed, LogFault, Sources, Taken};
use crate::store::sql::{Conn, Opening};
use crate::store::sqlite::nursery::{Nursery, named};
use crate::store::sqlite::{Database, File, OpenFault};
use crate::store::{LogEnd, StoreError, postgres};
use crate::vault::{KEY_FILE, NEXT_FILE};

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreFault {
    /// Somebody uses the database.
    #[error("the database {0} is in use")]
    InUse(String),
    /// A change of the master key is not over.
    #[error("a change of the master key is not over: there is {0}")]
    KeyWaits(PathBuf),
    /// There is no master key.
    #[error("there is no master key: {0} is missing, and GATEMATCH_MASTER_KEY is not set")]
    NoKey(PathBuf),
    /// The backup opens under another master key.
    #[error("the backup was sealed under another master key than the one in {0}")]
    OtherKey(String),
    /// The backup is none, or none of this version.
    #[error("the backup is no good: {0}")]
    NoBackup(String),
    /// Nobody knows what has been since.
    #[error("nobody knows what happened since the backup: {0}")]
    Unknown(String),
    /// A log is not believed.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The log does not hold.
    #[error("the log of the backup, with what happened since, does not hold: {0}")]
    Chain(audit::LogFault),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The data directory or the master key cannot be used.
    #[error(transparent)]
    Start(Box<StartFault>),
    /// The database on a server cannot be used.
    #[error(transparent)]
    Server(Box<postgres::OpenFault>),
    /// What is there cannot be kept.
    #[error(transparent)]
    Kept(#[from] BackupFault),
    /// The keys in the backup do not open.
    #[error(transparent)]
    Keys(#[from] KeysFault),
    /// A database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last step was made, or was not.
    #[error("nobody knows whether the backup is in its place now: {0}")]
    InDoubt(String),
}

impl From<StartFault> for RestoreFault {
    fn from(fault: StartFault) -> Self {
        Self::Start(Box::new(fault))
    }
}

impl From<postgres::OpenFault> for RestoreFault {
    fn from(fault: postgres::OpenFault) -> Self {
        Self::Server(Box::new(fault))
    }
}

/// What is to be restored.
pub(crate) struct Asked<'a> {
    /// The backup.
    pub(crate) file: &'a Path,
    /// Logs of the time since.
    pub(crate) logs: &'a [PathBuf],
    /// What the log must have in it.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Leave nobody anything to sign in with.
    pub(crate) is_void: bool,
    /// Nothing happened after what the databases among the logs tell.
    pub(crate) is_last: bool,
}

/// What was restored.
pub(crate) struct Restored {
    /// What the log of the backup ends in.
    pub(crate) begin: LogEnd,
    /// What it ended in before the restore.
    pub(crate) end: LogEnd,
    /// When the last event before the restore was.
    pub(crate) latest: Option<Timestamp>,
    /// Whether a database told what happened since, and to its end.
    pub(crate) is_whole: bool,
    /// What did not come back.
    pub(crate) taken: Taken,
    /// Where what was there is kept.
    pub(crate) kept: Option<PathBuf>,
    /// What else there is to know.
    pub(crate) notes: Vec<String>,
}

/// A copy of a backup that is whole, and takes the place of nothing yet.
struct Young {
    nursery: Nursery,
    followed: Followed,
    taken: Taken,
}

/// Restores.
pub(crate) async fn restore(
    settings: &Settings,
    edge: &Edge,
    actor: Actor,
    asked: &Asked<'_>,
) -> Result<Restored, RestoreFault> {
    check_keys(settings)?;
    let fault = |source| RestoreFault::Io { path: settings.data_dir.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&settings.data_dir).map_err(fault)?;
    let _lock = lock(&settings.data_dir).await.map_err(in_use)?;
    // Before anything is waited for: whether there is anything to restore.
    let nursery = copy_of(asked.file, &place(settings))?;
    let database = open_copy(&nursery).await?;
    let mut target = Target::hold(settings, edge).await?;
    let young = raise(settings, edge, actor, asked, (nursery, database), Some(&mut target)).await?;
    let Young { nursery, followed, taken } = young;
    let kept = target.replace(nursery, edge.now()).await?;
    let is_whole = followed.is_whole();
    let Followed { begin, end, latest, notes, .. } = followed;
    Ok(Restored { begin, end, latest, is_whole, taken, kept, notes })
}

/// Whether the backup could be restored: it opens, under this master key, and its log holds. What is there is not looked
/// at, and may be in use. Yields what its log ends in.
pub(crate) async fn check(
    settings: &Settings,
    edge: &Edge,
    actor: Actor,
    asked: &Asked<'_>,
) -> Result<LogEnd, RestoreFault> {
    check_keys(settings)?;
    let nursery = copy_of(asked.file, &place(settings))?;
    let database = open_copy(&nursery).await?;
    let checkpoints = asked.checkpoints.clone();
    let asked = Asked { is_void: true, is_last: false, logs: asked.logs, checkpoints, file: asked.file };
    let young = raise(settings, edge, actor, &asked, (nursery, database), None).await?;
    Ok(young.followed.begin)
}

/// Beside what the copy is made: in the place where it goes, where that is a file.
fn place(settings: &Settings) -> PathBuf {
    if settings.database_server.is_some() { settings.data_dir.join("gatematch.db") } else { settings.database.clone() }
}

/// A restore makes no key, and comes between nobody and another one.
fn check_keys(settings: &Settings) -> Result<(), RestoreFault> {
    let next = settings.data_dir.join(NEXT_FILE);
    if next.exists() {
        return Err(RestoreFault::KeyWaits(next));
    }
    let key = settings.data_dir.join(KEY_FILE);
    if settings.master_key.is_none() && !key.exists() {
        return Err(RestoreFault::NoKey(key));
    }
    Ok(())
}

/// A copy of the file, with the log of writes beside it, where there is one.
fn copy_of(file: &Path, place: &Path) -> Result<Nursery, RestoreFault> {
    let io = |path: &Path, source| RestoreFault::Io { path: path.to_owned(), source };
    let nursery = Nursery::beside(place).map_err(|source| io(place, source))?;
    let copy = |from: &Path, to: &Path| -> io::Result<()> {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).open(to)?;
        io::copy(&mut fs::File::open(from)?, &mut out).map(drop)
    };
    copy(file, nursery.path()).map_err(|source| io(file, source))?;
    // With what is not folded into it, or not undone, yet.
    for end in ["-wal", "-journal"] {
        let beside = named(file, end);
        if beside.exists() {
            copy(&beside, &named(nursery.path(), end)).map_err(|source| io(&beside, source))?;
        }
    }
    Ok(nursery)
}

/// Opens the copy: it is a database, of this version or brought up to it.
async fn open_copy(nursery: &Nursery) -> Result<Database, RestoreFault> {
    let no = |what: String| RestoreFault::NoBackup(what);
    let opened = Database::of_copy(nursery.path()).await;
    let mut database = opened.map_err(|fault| {
        no(match fault {
            OpenFault::Empty(_) => "it is empty, or was cut off".to_owned(),
            OpenFault::NotADatabase(_) => "it is not a SQLite database".to_owned(),
            OpenFault::Damaged { what, .. } => format!("it is damaged ({what})"),
            OpenFault::Schema { what, .. } => format!("it has another schema ({what})"),
            OpenFault::Io { what, .. } => what,
            fault => fault.to_string(),
        })
    })?;
    // However long it is: what is wrong with it must be found now.
    let found = database.conn().first("PRAGMA integrity_check(1)", &[]).await.map_err(|error| no(error.to_string()))?;
    let found: Option<String> = found.map(|row| row.get("integrity_check")).transpose()?;
    match found.as_deref() {
        Some("ok") => Ok(database),
        found => Err(no(format!("it is damaged ({})", found.unwrap_or_default()))),
    }
}

/// Makes of the copy what is to take the place of the target.
async fn raise(
    settings: &Settings,
    edge: &Edge,
    actor: Actor,
    asked: &Asked<'_>,
    (nursery, mut database): (Nursery, Database),
    target: Option<&mut Target>,
) -> Result<Young, RestoreFault> {
    let (old, why_not) = target.map_or((None, None), Target::old);
    let why_not = why_not.map(|what| format!("the database that is there does not open ({what})"));
    let (named, files): (Vec<_>, Vec<_>) = asked.logs.iter().cloned().partition(|path| is_database(path));
    let opened = named.iter().map(|path| Ok(Conn::Sqlite(File::at(path).connect_to_read()?)));
    let mut opened = opened.collect::<Result<Vec<_>, StoreError>>()?;
    let doubtful = usize::from(old.is_some());
    let databases = old.into_iter().chain(&mut opened).collect();
    let mut sources = Sources { databases, doubtful, files: &files, is_void: asked.is_void, is_last: asked.is_last };
    let conn = database.conn();
    conn.begin().await?;
    let Some(mut followed) = Opening::on(conn).follow(&mut sources).await? else {
        return Err(RestoreFault::Unknown(
            why_not.unwrap_or_else(|| "there is no database, and no log was named".to_owned()),
        ));
    };
    conn.commit().await?;
    followed
        .notes
        .extend(why_not.filter(|_| !asked.is_void).map(|what| format!("{what}; the log is taken from the files.")));
    let vault = Arc::new(open_vault(settings, edge, conn).await.map_err(other_key)?);
    conn.begin().await?;
    let taken = Opening::on(conn).take_away(&followed, &mut sources, (&vault, edge, actor)).await?;
    conn.commit().await?;
    // All of it is checked as it will be: from the first event to the one that tells of the restore.
    let store = database.serve(Arc::clone(&vault), edge.clone(), Arc::new(Silent));
    let keys = Keys::open(store.as_ref(), &vault, edge).await?;
    let mut checkpoints = asked.checkpoints.clone();
    checkpoints.append(&mut followed.checkpoints);
    let holds = audit::verify(store.as_ref(), keys.published(), &checkpoints).await.map_err(RestoreFault::Chain);
    store.close().await;
    holds?;
    // On a full disk, what was written would stay in the log beside it, and be lost with that.
    let copy = File::at(nursery.path()).connect()?;
    if !copy.fold()? {
        return Err(StoreError::Database("somebody reads the copy".into()).into());
    }
    copy.close()?;
    Ok(Young { nursery, followed, taken })
}

/// Whether a log is that of a database: of the one that was there last, moved away.
fn is_database(path: &Path) -> bool {
    let mut magic = [0; 16];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"SQLite format 3\0"
}

fn in_use(fault: StartFault) -> RestoreFault {
    match fault {
        StartFault::InUse(directory) => RestoreFault::InUse(format!("in {}", directory.display())),
        fault => fault.into(),
    }
}

fn other_key(fault: StartFault) -> RestoreFault {
    match fault {
        StartFault::OtherMasterKey { key, .. } => RestoreFault::OtherKey(key),
        StartFault::KeyIsInFile { .. } => RestoreFault::OtherKey("GATEMATCH_MASTER_KEY".to_owned()),
        fault => fault.into(),
    }
}
