//! The one writer: what has gathered while the last group was written is committed as one transaction, and
//! only then answered. One fsync serves the whole group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatematch_domain::audit::Event;
use gatematch_domain::challenge::{Reason, State};
use gatematch_protocol::id::DeviceId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use super::load::load;
use super::policy::Shelf;
use super::save::Pen;
use super::vault::Watch;
use crate::edge::Edge;
use crate::hub::Topic;
use crate::store::verb::Verb;
use crate::store::world::{Difference, Needs, World};
use crate::store::{Bell, StoreError};
use crate::vault::Vault;

/// The most verbs in one transaction.
const GROUP: usize = 256;
/// The most verbs that wait for the writer; further ones are told that the store is overloaded.
pub(super) const QUEUE: usize = 2_048;

/// How many turns of the scheduler nobody must ask, before a group is taken for whole.
const QUIET_TURNS: u32 = 100;
/// How long a verb waits for the writer before it is told that the store is overloaded.
const PATIENCE: Duration = Duration::from_secs(4);

/// A verb on its way through the writer, whatever it answers.
pub(super) trait Job: Send {
    fn needs(&self, needs: &mut Needs);
    fn apply(&mut self, world: &mut World);
    /// Whether it has waited so long that whoever asked should be told so instead.
    fn is_stale(&self) -> bool;
    fn answer(self: Box<Self>, written: Result<(), StoreError>);
}

/// Where the answer of a verb will come.
pub(super) type Promise<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Puts `verb` on its way.
pub(super) fn job<V: Verb>(verb: V) -> (Box<dyn Job>, Promise<V::Reply>) {
    let (answer, receiver) = oneshot::channel();
    (Box::new(Slot { verb, asked: Instant::now(), reply: Err(StoreError::Closed), answer }), receiver)
}

struct Slot<V: Verb> {
    verb: V,
    asked: Instant,
    reply: Result<V::Reply, StoreError>,
    answer: oneshot::Sender<Result<V::Reply, StoreError>>,
}

impl<V: Verb> Job for Slot<V> {
    fn needs(&self, needs: &mut Needs) {
        self.verb.needs(needs);
        if let Some(act) = self.verb.act() {
            act.needs(needs);
        }
    }

    fn apply(&mut self, world: &mut World) {
        self.reply = match self.verb.act() {
            Some(act) if !act.holds(world) => Err(StoreError::ActorGone),
            Some(act) => match self.verb.manages(world) {
                Some(user) if user.is_protected(&act.spares) => Err(StoreError::Protected),
                Some(user) if act.own.as_deref() == Some(user.username.as_str()) => Err(StoreError::OwnAccount),
                _ => Ok(self.verb.apply(world)),
            },
            None => Ok(self.verb.apply(world)),
        };
    }

    fn is_stale(&self) -> bool {
        self.asked.elapsed() > PATIENCE
    }

    fn answer(self: Box<Self>, written: Result<(), StoreError>) {
        let Self { reply, answer, .. } = *self;
        // Whoever asked may be gone; the step is made all the same.
        let _ = answer.send(written.and(reply));
    }
}

/// Whose fault it is that a group was not written.
enum Failure {
    /// No transaction could be begun or committed.
    OfTheDatabase(StoreError),
    /// Something that one of the verbs read or wrote.
    OfTheGroup(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::OfTheDatabase(error) | Self::OfTheGroup(error) => error,
        }
    }
}

/// What an administrator should hear of at once, he hears of by the log as well.
fn alarm(event: &Event) {
    let user = event.user.as_deref().unwrap_or_default();
    let reason = event.reason.as_deref().unwrap_or_default();
    match event.kind {
        "challenge.denied" if reason == Reason::Reported.as_str() => {
            let client = event.client.as_ref().and_then(|client| client.name.as_deref()).unwrap_or_default();
            let gateway = event.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
            tracing::warn!(user, client, gateway, "a person says that a sign-in was not his");
        }
        "user.locked" => {
            let why = event.detail.get("reason").and_then(|why| why.as_str()).unwrap_or_default();
            tracing::warn!(user, why, "an account is locked");
        }
        _ => {}
    }
}

/// Lets those who were answered with the last group ask again, so that groups stay whole: a commit costs the same
/// for one as for many. Whoever is alone does not wait.
async fn gather(jobs: &mut mpsc::Receiver<Box<dyn Job>>, group: &mut Vec<Box<dyn Job>>, last: usize) {
    let mut quiet = 0;
    while group.len() < last.min(GROUP) && quiet < QUIET_TURNS {
        tokio::task::yield_now().await;
        quiet += 1;
        while group.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
            quiet = 0;
        }
    }
}

pub(super) struct Writer {
    pub(super) conn: SqliteConnection,
    pub(super) options: SqliteConnectOptions,
    pub(super) vault: Arc<Vault>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) watch: Watch,
    pub(super) edge: Edge,
    pub(super) bell: Arc<dyn Bell>,
}

impl Writer {
    /// Writes until the other end of `jobs` is closed and everything taken in is answered; yields the connection.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) -> SqliteConnection {
        let mut group = Vec::with_capacity(GROUP);
        let mut last = 0;
        while jobs.recv_many(&mut group, GROUP).await > 0 {
            gather(&mut jobs, &mut group, last).await;
            last = group.len();
            self.write_group(&mut group).await;
        }
        self.conn
    }

    async fn write_group(&mut self, group: &mut Vec<Box<dyn Job>>) {
        for stale in group.extract_if(.., |job| job.is_stale()) {
            stale.answer(Err(StoreError::Overloaded));
        }
        let error = match self.write(group).await {
            Ok(()) => return group.drain(..).for_each(|job| job.answer(Ok(()))),
            Err(error) => error,
        };
        self.recover().await;
        match error {
            // One of them may be to blame: each gets a transaction of its own, and only that one fails.
            Failure::OfTheGroup(error) if group.len() > 1 => {
                tracing::warn!(%error, verbs = group.len(), "a group of writes failed; writing each alone");
                for job in group.drain(..) {
                    let mut alone = vec![job];
                    let written = self.write(&mut alone).await.map_err(Failure::into_error);
                    if let Err(error) = &written {
                        tracing::error!(%error, "a write failed");
                        self.recover().await;
                    }
                    alone.into_iter().for_each(|job| job.answer(written.clone()));
                }
            }
            error => {
                let error = error.into_error();
                tracing::error!(%error, verbs = group.len(), "nothing could be written");
                group.drain(..).for_each(|job| job.answer(Err(error.clone())));
            }
        }
    }

    async fn write(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let mut needs = Needs::default();
        group.iter().for_each(|job| job.needs(&mut needs));
        // A database that is locked or gone is so for each of them: nobody waits for it twice.
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut self.conn).await;
        begun.map_err(|error| Failure::OfTheDatabase(error.into()))?;
        self.watch.look(&mut self.conn, &self.vault).await.map_err(Failure::OfTheGroup)?;
        let before = load(&mut self.conn, &needs, &self.vault, &self.shelf).await.map_err(Failure::OfTheGroup)?;
        let mut after = before.clone();
        group.iter_mut().for_each(|job| job.apply(&mut after));
        let unnamed = |_| Failure::OfTheGroup(StoreError::Database("no random bytes".into()));
        after.name_news(&self.edge).map_err(unnamed)?;
        let mut pen = Pen { conn: &mut self.conn, vault: &self.vault, edge: &self.edge };
        pen.save(&before, &after).await.map_err(Failure::OfTheGroup)?;
        let committed = sqlx::query("COMMIT").execute(&mut self.conn).await;
        committed.map_err(|error| Failure::OfTheDatabase(error.into()))?;
        self.ring(&before, &after);
        Ok(())
    }

    /// Takes the connection out of a failed transaction, or takes a new one.
    async fn recover(&mut self) {
        // "No transaction is active" is what most failures leave; a ping tells whether the connection lives.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
        if self.conn.ping().await.is_err() {
            match self.options.connect().await {
                Ok(conn) => (self.conn, self.watch) = (conn, Watch::default()),
                Err(error) => tracing::error!(%error, "the database cannot be opened again"),
            }
        }
    }

    fn ring(&self, before: &World, after: &World) {
        after.events.iter().for_each(alarm);
        let (was, is) = (before.challenges(), after.challenges());
        let challenges = Difference::between(&was, &is);
        let mut phones: BTreeSet<DeviceId> = BTreeSet::new();
        for challenge in challenges.added.iter().chain(challenges.changed.iter().map(|(_, challenge)| challenge)) {
            self.bell.ring(Topic::Challenge(challenge.id));
            if challenge.state == State::Pending {
                phones.extend(&challenge.sent_to);
            }
            if let Some(deadline) = challenge.deadline() {
                self.bell.deadline(deadline);
            }
        }
        for device in phones {
            self.bell.ring(Topic::Device(device));
        }
        let letters = after.letters(before, &challenges, &self.edge);
        if !letters.is_empty() {
            self.bell.post(letters);
        }
        // What one session does can uncover or cover those beside it.
        for (name, pages) in after.pages.iter().filter(|(name, pages)| before.pages.get(*name) != Some(*pages)) {
            let were = before.pages.get(name).map(|pages| pages.sessions.as_slice()).unwrap_or_default();
            for session in pages.sessions.iter().chain(were) {
                self.bell.ring(Topic::Page(session.id));
            }
        }
    }
}
