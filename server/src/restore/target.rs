//! The database that is replaced: held, so that nobody changes it meanwhile, and whole until the last moment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gatematch_protocol::time::Timestamp;

use super::RestoreFault;
use crate::backup::{fill, locking};
use crate::edge::Edge;
use crate::settings::Settings;
use crate::store::postgres::{self, Server};
use crate::store::sql::Conn;
use crate::store::sql::copy::{copy, tables};
use crate::store::sql::row::args;
use crate::store::sqlite::nursery::{Nursery, named, sync_directory};
use crate::store::sqlite::{File, NotHeld};

/// How many names are tried for what was replaced in the same second.
const NAMES: u32 = 1_000;
/// How often it is looked whether the last node has gone, and how long it is left in between, in microseconds.
const LOOKS: (u32, i64) = (20, 100_000);

/// The database that is replaced.
pub(super) enum Target {
    /// There is none.
    Nothing(PathBuf),
    /// A file.
    File {
        path: PathBuf,
        /// The connection that keeps others out; or why there is none.
        held: Result<Conn, String>,
    },
    /// On a server, in a transaction that keeps others from writing.
    Server {
        held: Conn,
        /// All that is there; `None` where nothing is.
        old: Option<Box<(Nursery, Conn)>>,
        /// Beside which file that is kept.
        path: PathBuf,
    },
}

impl Target {
    /// Holds what the settings name.
    pub(super) async fn hold(settings: &Settings, edge: &Edge) -> Result<Self, RestoreFault> {
        let path = settings.database.clone();
        match &settings.database_server {
            Some(server) => hold_server(server, settings.data_dir.join("gatematch.db"), edge).await,
            None if !path.try_exists().map_err(|source| at(&path, source))? => Ok(Self::Nothing(path)),
            None => match File::at(&path).hold() {
                Ok(link) => Ok(Self::File { path, held: Ok(Conn::Sqlite(link)) }),
                Err(NotHeld::InUse) => Err(RestoreFault::InUse(path.display().to_string())),
                Err(NotHeld::Broken(what)) => Ok(Self::File { path, held: Err(what) }),
                Err(NotHeld::Failed(error)) => Err(error.into()),
            },
        }
    }

    /// The database as it was, and why it does not open where it does not.
    pub(super) fn old(&mut self) -> (Option<&mut Conn>, Option<&str>) {
        match self {
            Self::File { held: Ok(conn), .. } => (Some(conn), None),
            Self::File { held: Err(what), .. } => (None, Some(what)),
            Self::Server { old: Some(old), .. } => (Some(&mut old.1), None),
            Self::Server { old: None, .. } | Self::Nothing(_) => (None, None),
        }
    }

    /// Puts the copy in its place, in one step; yields where what was there is kept.
    pub(super) async fn replace(self, young: Nursery, now: Timestamp) -> Result<Option<PathBuf>, RestoreFault> {
        match self {
            Self::Nothing(path) => {
                young.settle(&path).map_err(in_doubt)?;
                Ok(None)
            }
            Self::File { path, held } => {
                let kept = keep_file(&path, held.is_err(), now).map_err(|source| at(&path, source))?;
                young.replace(&path).map_err(in_doubt)?;
                drop(held);
                Ok(Some(kept))
            }
            Self::Server { mut held, old, path } => {
                let mut file = Conn::Sqlite(File::at(young.path()).connect_to_read()?);
                let tables = tables(&mut file).await?;
                let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
                let turn = held.first("SELECT keys_turn FROM writer", &[]).await?;
                let turn: i64 = turn.map(|row| row.get("keys_turn")).transpose()?.unwrap_or_default();
                held.run(&format!("TRUNCATE {}", names.join(", ")), &[]).await?;
                file.begin_snapshot().await?;
                copy(&tables, &mut file, &mut held).await?;
                // A node that knows the keys from before learns the others, whatever it has seen.
                held.run("UPDATE writer SET keys_turn = greatest(keys_turn, ?)", args![turn]).await?;
                held.turn_keys().await?;
                // The last moment before: what is refused until here leaves no copy.
                let kept = match old {
                    Some(old) => {
                        let (nursery, conn) = *old;
                        conn.close().await?;
                        Some(keep_copy(nursery, &path, now).map_err(|source| at(&path, source))?)
                    }
                    None => None,
                };
                held.commit().await.map_err(in_doubt)?;
                // It is in its place. What follows it does without, for a while.
                drop(held.run("ANALYZE", &[]).await);
                drop(held.close().await);
                Ok(kept)
            }
        }
    }
}

async fn hold_server(server: &Server, path: PathBuf, edge: &Edge) -> Result<Target, RestoreFault> {
    let mut link = server.connect_patiently().await?;
    let mut looks = 0;
    while link.others().await? {
        looks += 1;
        if looks == LOOKS.0 {
            return Err(RestoreFault::InUse(server.to_string()));
        }
        edge.clock.sleep_until(Timestamp::from_micros(edge.now().micros() + LOOKS.1)).await;
    }
    // The tables are there, and those of this version.
    let mut database = postgres::Database::at(server).await?;
    let has_any = database.conn().first("SELECT 1 AS one FROM audit_events LIMIT 1", &[]).await?.is_some();
    database.close().await?;
    let mut held = Conn::Postgres(Box::new(link));
    // All of it, before anything is read: whoever comes meanwhile waits, and finds what was restored.
    let lock = locking(&mut held, "ACCESS EXCLUSIVE").await?;
    held.run("BEGIN", &[]).await?;
    held.run(&lock, &[]).await?;
    if !has_any {
        return Ok(Target::Server { held, old: None, path });
    }
    let nursery = Nursery::beside(&path).map_err(|source| at(&path, source))?;
    fill(&mut held, &nursery).await?;
    let old = Conn::Sqlite(File::at(nursery.path()).connect_to_read()?);
    Ok(Target::Server { held, old: Some(Box::new((nursery, old))), path })
}

fn in_doubt(error: impl std::fmt::Display) -> RestoreFault {
    RestoreFault::InDoubt(error.to_string())
}

fn at(path: &Path, source: io::Error) -> RestoreFault {
    RestoreFault::Io { path: path.to_owned(), source }
}

/// Another name for the file, by which it stays. Where it does not open, its log of writes goes with it: beside another
/// file, that would be taken for the other's.
fn keep_file(path: &Path, is_broken: bool, now: Timestamp) -> io::Result<PathBuf> {
    let log = named(path, "-wal");
    if !is_broken && fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(io::Error::other("somebody writes to it"));
    }
    let kept = with_free_name(path, now, |kept| fs::hard_link(path, kept))?;
    sync_directory(path)?;
    for (end, is_of_use) in [("-wal", true), ("-shm", false)] {
        let beside = named(path, end);
        let moved = if is_of_use { fs::rename(&beside, named(&kept, end)) } else { fs::remove_file(&beside) };
        match moved {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_directory(path)?;
    Ok(kept)
}

fn keep_copy(nursery: Nursery, path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let kept = with_free_name(path, now, |kept| match kept.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) => Err(error),
    })?;
    nursery.settle(&kept)?;
    Ok(kept)
}

/// A name with the time that is not given to anything yet.
fn with_free_name(path: &Path, now: Timestamp, take: impl Fn(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
    // 2026-01-02T03:04:05.000000Z, to the second, without what no name should have.
    let time: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    for number in 1..=NAMES {
        let end = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = named(path, &format!(".before-restore-{time}Z{end}"));
        match take(&kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
