//! The one writer of this node: what has gathered while the last group was written is committed as one transaction,
//! and only then answered. One fsync serves the whole group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use gatematch_domain::audit::Event;
use gatematch_domain::challenge::{Challenge, Reason, State};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::Place;
use super::conn::Conn;
use super::load::load;
use super::policy::Shelf;
use super::save::Pen;
use super::vault::Watch;
use crate::edge::Edge;
use crate::hub::Topic;
use crate::store::postgres::{word, word_of_deadline};
use crate::store::verb::Verb;
use crate::store::world::{Difference, Needs, World};
use crate::store::{Bell, StoreError};
use crate::vault::Vault;

/// The most verbs in one transaction.
const GROUP: usize = 256;
/// The most verbs that wait for the writer; further ones are told that the store is overloaded.
pub(super) const QUEUE: usize = 2_048;

/// How long nobody must ask, before a group is taken for whole.
const QUIET: Duration = Duration::from_micros(100);
/// How long a server may take for a whole group.
const ANSWER: Duration = Duration::from_secs(8);
/// How long a server may take to say whether a connection is sound, and to take a new one.
const CALL: Duration = Duration::from_secs(3);
/// How often all who wait look for themselves, at most.
const RING_ALL_EVERY: Duration = Duration::from_secs(1);
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
                Some(user) if act.spares_operators && user.role.is_some() => Err(StoreError::Protected),
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

/// How it came that a group was not written.
enum Failure {
    /// No transaction could be begun.
    NotBegun(StoreError),
    /// Something that one of the verbs read or wrote; nothing of it was committed.
    OfTheGroup(StoreError),
    /// Nobody knows whether it was committed.
    InDoubt(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::NotBegun(error) | Self::OfTheGroup(error) | Self::InDoubt(error) => error,
        }
    }

    /// Whether nothing was committed, and another connection may do.
    const fn may_pass(&self) -> bool {
        matches!(self, Self::NotBegun(StoreError::Unreachable(_)) | Self::OfTheGroup(StoreError::Unreachable(_)))
    }
}

/// What an administrator should hear of at once, he hears of by the log as well.
fn alarm(event: &Event) {
    let user = event.user.as_deref().unwrap_or_default();
    let reason = event.reason.as_deref().unwrap_or_default();
    match event.kind {
        "challenge.denied" | "portal.reported" if reason == Reason::Reported.as_str() => {
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

pub(super) struct Writer {
    pub(super) conn: Conn,
    /// Whether the connection was left in the middle of something: then nothing may be written over it any more.
    pub(super) is_lost: bool,
    /// Whether somebody else has changed something, and those who wait do not know.
    pub(super) is_news_due: bool,
    /// When they were told last.
    pub(super) rung: Option<Instant>,
    pub(super) place: Place,
    /// The word before what it tells other nodes.
    pub(super) name: Option<String>,
    pub(super) vault: Arc<Vault>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) watch: Watch,
    pub(super) edge: Edge,
    pub(super) bell: Arc<dyn Bell>,
}

/// A writer at work.
pub(super) struct Running(oneshot::Receiver<Conn>);

impl Running {
    /// Its connection, once everything taken in is answered.
    pub(super) async fn ended(self) -> Option<Conn> {
        self.0.await.ok()
    }
}

/// What those who wait are told of a group that was written.
#[derive(Default)]
struct News {
    topics: BTreeSet<Topic>,
    deadline: Option<Timestamp>,
}

impl News {
    fn of(before: &World, after: &World, challenges: &Difference<'_, ChallengeId, Challenge>) -> Self {
        let mut news = Self::default();
        // Nobody can wait for one that was not there.
        news.topics.extend(challenges.changed.iter().map(|(_, challenge)| Topic::Challenge(challenge.id)));
        for challenge in challenges.added.iter().chain(challenges.changed.iter().map(|(_, challenge)| challenge)) {
            if challenge.state == State::Pending {
                news.topics.extend(challenge.sent_to.iter().map(|device| Topic::Device(*device)));
            }
            news.deadline = news.deadline.into_iter().chain(challenge.deadline()).min();
        }
        if after.events.iter().any(|event| event.kind.starts_with("challenge.")) {
            news.topics.insert(Topic::SignIns);
        }
        // What one session does can uncover or cover those beside it.
        for (name, pages) in after.pages.iter().filter(|(name, pages)| before.pages.get(*name) != Some(*pages)) {
            let were = before.pages.get(name).map(|pages| pages.sessions.as_slice()).unwrap_or_default();
            news.topics.extend(pages.sessions.iter().chain(were).map(|session| Topic::Page(session.id)));
        }
        news
    }

    /// What other nodes are told.
    fn words(&self) -> Vec<String> {
        self.topics.iter().map(|topic| word(*topic)).chain(self.deadline.map(word_of_deadline)).collect()
    }
}

impl Writer {
    /// Sets to work, until the other end of `jobs` is closed. A caller that hangs up does not take his write along.
    pub(super) fn start(self, jobs: mpsc::Receiver<Box<dyn Job>>) -> Running {
        let (ended, running) = oneshot::channel();
        let is_here = matches!(self.conn, Conn::Sqlite(_));
        let work = async move { drop(ended.send(self.run(jobs).await)) };
        if is_here {
            // Its statements, and its waiting for the disk, keep nobody else from going on.
            let runtime = Handle::current();
            let begun = thread::Builder::new().name("writer".to_owned()).spawn(move || runtime.block_on(work));
            if let Err(error) = begun {
                tracing::error!(%error, "there is no thread to write from: nothing will be written");
            }
        } else {
            tokio::spawn(work);
        }
        Running(running)
    }

    async fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) -> Conn {
        let mut group = Vec::with_capacity(GROUP);
        let mut last = 0;
        while jobs.recv_many(&mut group, GROUP).await > 0 {
            self.gather(&mut jobs, &mut group, last).await;
            last = group.len();
            self.write_group(&mut group).await;
        }
        self.conn
    }

    /// Lets those who were answered with the last group ask again, so that groups stay whole: a commit costs the same
    /// for one as for many. Whoever is alone does not wait.
    async fn gather(&mut self, jobs: &mut mpsc::Receiver<Box<dyn Job>>, group: &mut Vec<Box<dyn Job>>, last: usize) {
        let mut asked = Instant::now();
        while group.len() < last.min(GROUP) && asked.elapsed() < QUIET {
            self.conn.rest().await;
            while group.len() < GROUP
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
                asked = Instant::now();
            }
        }
    }

    async fn write_group(&mut self, group: &mut Vec<Box<dyn Job>>) {
        for stale in group.extract_if(.., |job| job.is_stale()) {
            stale.answer(Err(StoreError::Overloaded));
        }
        let failure = match self.try_to_write(group).await {
            Ok(()) => return group.drain(..).for_each(|job| job.answer(Ok(()))),
            Err(failure) => failure,
        };
        match failure {
            // One of them may be to blame: each gets a transaction of its own, and only that one fails.
            Failure::OfTheGroup(error) if group.len() > 1 && !matches!(error, StoreError::Unreachable(_)) => {
                tracing::warn!(%error, verbs = group.len(), "a group of writes failed; writing each alone");
                self.write_each_alone(group).await;
            }
            failure => {
                let error = failure.into_error();
                tracing::error!(%error, verbs = group.len(), "nothing could be written");
                group.drain(..).for_each(|job| job.answer(Err(error.clone())));
            }
        }
    }

    async fn write_each_alone(&mut self, group: &mut Vec<Box<dyn Job>>) {
        for job in group.drain(..) {
            // Whoever waits for long judges by a time that is over; and a database that is gone is so for all of them.
            if job.is_stale() || self.is_lost {
                job.answer(Err(StoreError::Overloaded));
                continue;
            }
            let mut alone = vec![job];
            let written = self.try_to_write(&mut alone).await.map_err(Failure::into_error);
            if let Err(error) = &written {
                tracing::error!(%error, "a write failed");
            }
            alone.into_iter().for_each(|job| job.answer(written.clone()));
        }
    }

    /// Writes; once more on another connection, where the one there was is gone and nothing was committed.
    async fn try_to_write(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        if self.is_lost && !self.recover().await {
            return Err(Failure::NotBegun(StoreError::Unreachable("the server does not answer".into())));
        }
        let Err(failure) = self.write_in_time(group).await else { return Ok(()) };
        // By another connection, not by this one: it may be sound, and what is prepared on it does not fit any more since the
        // schema has grown.
        self.is_lost |= failure.may_pass();
        if !self.recover_from(&failure).await || !failure.may_pass() || group.iter().any(|job| job.is_stale()) {
            return Err(failure);
        }
        let written = self.write_in_time(group).await;
        if let Err(failure) = &written {
            self.recover_from(failure).await;
        }
        written
    }

    /// [`Writer::recover`]. Where nobody knows whether something was written, those who wait look for themselves: at once, and
    /// once more with the next group, for it may be there only then.
    async fn recover_from(&mut self, failure: &Failure) -> bool {
        let is_well = self.recover().await;
        if let Failure::InDoubt(_) = failure {
            (self.is_news_due, self.rung) = (true, None);
            self.ring_of_others();
            self.is_news_due = true;
        }
        is_well
    }

    async fn write_in_time(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        // Who waits for the disk of this machine cannot be called back.
        if let Conn::Sqlite(_) = self.conn {
            return self.write(group).await;
        }
        let late = |_| Failure::InDoubt(StoreError::Unreachable("the server does not answer".into()));
        tokio::time::timeout(ANSWER, self.write(group)).await.map_err(late)?
    }

    async fn write(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let mut needs = Needs::default();
        group.iter().for_each(|job| job.needs(&mut needs));
        // A database that is locked or gone is so for each of them: nobody waits for it twice.
        let turn = self.conn.begin().await.map_err(Failure::NotBegun)?;
        // Kept until all are woken: what is seen once is not seen again, whatever becomes of this group.
        self.is_news_due |= self.watch.look(turn, &mut self.conn, &self.vault).await.map_err(Failure::OfTheGroup)?;
        let before = load(&mut self.conn, &needs, &self.vault, &self.shelf).await.map_err(Failure::OfTheGroup)?;
        let mut after = before.clone();
        group.iter_mut().for_each(|job| job.apply(&mut after));
        let unnamed = |_| Failure::OfTheGroup(StoreError::Database("no random bytes".into()));
        after.name_news(&self.edge).map_err(unnamed)?;
        let mut pen = Pen { conn: &mut self.conn, vault: &self.vault, edge: &self.edge };
        pen.save(&before, &after).await.map_err(Failure::OfTheGroup)?;
        let (was, is) = (before.challenges(), after.challenges());
        let challenges = Difference::between(&was, &is);
        let news = News::of(&before, &after, &challenges);
        self.conn.tell(self.name.as_deref(), &news.words()).await.map_err(Failure::OfTheGroup)?;
        self.conn.commit().await.map_err(Failure::InDoubt)?;
        self.ring_of_others();
        self.ring(&news, &before, &after, &challenges);
        Ok(())
    }

    /// Where somebody else has changed something: those who wait look for themselves, not more than once a second. What is
    /// left over is seen to with the next group; there is one each second (`jobs::purge`).
    fn ring_of_others(&mut self) {
        if self.is_news_due && self.rung.is_none_or(|rung| rung.elapsed() >= RING_ALL_EVERY) {
            self.bell.ring_all();
            (self.is_news_due, self.rung) = (false, Some(Instant::now()));
        }
    }

    /// Takes the connection out of a failed transaction, or takes a new one; whether there is one that works. A server
    /// that says nothing must not keep the writer: whoever waits for it would get no answer at all.
    async fn recover(&mut self) -> bool {
        let is_here = matches!(self.conn, Conn::Sqlite(_));
        self.is_lost = match (is_here, self.is_lost) {
            (true, _) => !self.is_sound().await,
            (false, true) => true,
            (false, false) => !tokio::time::timeout(CALL, self.is_sound()).await.unwrap_or(false),
        };
        if !self.is_lost {
            return true;
        }
        let late = |_| StoreError::Unreachable("the server does not answer".into());
        match tokio::time::timeout(CALL, self.place.connect()).await.map_err(late).and_then(|conn| conn) {
            Ok(conn) => {
                (self.conn, self.watch, self.is_lost) = (conn, Watch::default(), false);
                // What was changed since the last look is not known.
                self.is_news_due = true;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the database cannot be opened again");
                false
            }
        }
    }

    /// Undoes what is open on the connection; whether it can be used again.
    async fn is_sound(&mut self) -> bool {
        // On SQLite, "no transaction is active" is what most failures leave.
        let is_rolled_back = self.conn.roll_back().await.is_ok() || self.conn.is_known_to_be_idle();
        self.conn.first("SELECT 1 AS one", &[]).await.is_ok() && is_rolled_back
    }

    fn ring(&self, news: &News, before: &World, after: &World, challenges: &Difference<'_, ChallengeId, Challenge>) {
        after.events.iter().for_each(alarm);
        challenges.changed.iter().for_each(|(_, challenge)| self.bell.tell(challenge));
        let others = news.topics.iter().filter(|topic| !matches!(topic, Topic::Challenge(_)));
        others.for_each(|topic| self.bell.ring(*topic));
        if let Some(deadline) = news.deadline {
            self.bell.deadline(deadline);
        }
        let letters = after.letters(before, challenges, &self.edge);
        if !letters.is_empty() {
            self.bell.post(letters);
        }
    }
}
