//! What is done to a copy of a backup before it takes the place of a database: the log goes on as far as it can be read,
//! and nothing that was taken away since comes back.

mod apply;
mod follow;
mod since;

use std::path::PathBuf;

use gatematch_domain::audit::{Actor, Event};
use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use gatematch_protocol::time::Timestamp;

use self::apply::Knife;
pub(crate) use self::apply::Taken;
use self::follow::Follower;
pub(crate) use self::follow::LogFault;
use super::Opening;
use super::chain::Tip;
use super::conn::Conn;
use super::rows::audit_event;
use super::vault::record;
use crate::edge::Edge;
use crate::store::{LogEnd, StoreError};
use crate::vault::Vault;

/// Where the log of the time since a backup is.
pub(crate) struct Sources<'a> {
    /// Databases that have it: the one that is replaced, where it opens, and one that was named.
    pub(crate) databases: Vec<&'a mut Conn>,
    /// How many of these need not be of any use, where there is something else: the first ones.
    pub(crate) doubtful: usize,
    /// Files, in the order in which they are read.
    pub(crate) files: &'a [PathBuf],
    /// Leave nobody anything to sign in with; then nothing needs to be known.
    pub(crate) is_void: bool,
    /// Whether somebody vouches for it that nothing happened after what the databases that were named tell.
    pub(crate) is_last: bool,
}

/// Whether the database that is there may be passed over, where there is something else: not one that was changed.
const fn may_be_left(fault: &LogFault, is_void: bool, has_others: bool) -> bool {
    is_void || (has_others && !matches!(fault, LogFault::Other { .. }))
}

/// How a log was followed.
pub(crate) struct Followed {
    /// Where the log of the backup ends.
    pub(crate) begin: LogEnd,
    /// Where it ends with what happened since.
    pub(crate) end: LogEnd,
    /// When the last of that was.
    pub(crate) latest: Option<Timestamp>,
    /// Which database has all of it.
    whole: Option<usize>,
    /// What was signed, as the logs have it.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Why a source was left, where that is no reason to give up.
    pub(crate) notes: Vec<String>,
    since: since::Since,
}

impl Followed {
    /// Whether there is a database that has all of it.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole.is_some()
    }
}

impl Opening<'_> {
    /// What the log ends in.
    pub(crate) async fn log_end(&mut self) -> Result<LogEnd, StoreError> {
        let Tip { seq, hash } = Tip::of(self.conn).await?;
        Ok(LogEnd { size: seq, head: hash })
    }

    /// The last event of the log.
    pub(crate) async fn last_event(&mut self) -> Result<Option<AuditEvent>, StoreError> {
        let row = self.conn.first("SELECT * FROM audit_events ORDER BY seq DESC LIMIT 1", &[]).await?;
        row.as_ref().map(audit_event).transpose()
    }

    /// In a transaction: goes on with the log, as far as there is any. `None` where nothing is known of the time since.
    pub(crate) async fn follow(&mut self, sources: &mut Sources<'_>) -> Result<Option<Followed>, LogFault> {
        let mut follower = Follower::of(self.conn).await?;
        let (mut is_known, mut notes, mut later) = (false, Vec::new(), Vec::new());
        let has_others = !sources.files.is_empty() || sources.databases.len() > sources.doubtful;
        for (index, database) in sources.databases.iter_mut().enumerate() {
            match follower.database(database).await {
                Ok(()) => is_known = true,
                // What it lacks may be in a file, if its beginning was removed.
                Err(LogFault::Gap { .. }) if has_others => later.push(index),
                Err(fault) if index < sources.doubtful && may_be_left(&fault, sources.is_void, has_others) => {
                    notes.push(format!("{fault}."));
                }
                Err(fault) => return Err(fault),
            }
        }
        for file in sources.files {
            follower.file(file).await?;
            is_known = true;
        }
        for index in later {
            let Some(database) = sources.databases.get_mut(index) else { continue };
            match follower.database(database).await {
                Ok(()) => is_known = true,
                Err(fault) if sources.is_void => notes.push(format!("{fault}.")),
                Err(fault) => return Err(fault),
            }
        }
        if !is_known && !sources.is_void {
            return Ok(None);
        }
        // What others tell beyond its end, a database does not know.
        let (begin, end) = (follower.begin().clone(), follower.end());
        let mut whole = None;
        for (index, database) in sources.databases.iter_mut().enumerate() {
            // The one that is there is the last one, unless it is the backup itself: making a backup is an event after it.
            let is_last = if index < sources.doubtful { end.size > begin.size } else { sources.is_last };
            let tells_all = Tip::of(database).await.is_ok_and(|tip| (tip.seq, &tip.hash) == (end.size, &end.head));
            if whole.is_none() && is_last && tells_all {
                whole = Some(index);
            }
        }
        let Follower { since, checkpoints, .. } = follower;
        Ok(Some(Followed { begin, end, latest: since.latest, whole, checkpoints, notes, since }))
    }

    /// In the same transaction: takes away what must not come back, and says so in the log.
    pub(crate) async fn take_away(
        &mut self,
        followed: &Followed,
        sources: &mut Sources<'_>,
        (vault, edge, actor): (&Vault, &Edge, Actor),
    ) -> Result<Taken, StoreError> {
        let now = edge.now();
        let mut knife = Knife { copy: self.conn, vault, edge, actor: actor.clone(), now };
        let old = followed.whole.and_then(|index| sources.databases.get_mut(index)).map(|old| &mut **old);
        let taken = knife.apply(&followed.since, old, sources.is_void).await?;
        let event = Event::new("database.restored", actor, now);
        let event = event.with("size", followed.begin.size).with("head", followed.begin.head.as_str());
        let event = event.with("events_since", followed.since.events).with("void", sources.is_void);
        let event = event.with("whole", followed.is_whole());
        let told = serde_json::to_value(&taken).map_err(|_| StoreError::Corrupt("account of a restore"))?;
        record(self.conn, vault, edge, vec![event.with("taken_away", told)]).await?;
        Ok(taken)
    }
}
