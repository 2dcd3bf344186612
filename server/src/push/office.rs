//! Takes letters after a commit and brings them on their way: a small future for each, bounded in every direction.
//!
//! Nobody waits for the office. What does not fit is dropped and counted, and what is lost when the server stops is
//! lost: the phone fetches it. At most [`MAX_LETTERS`] wait in the mailbox, as many in the queue, and one that follows each
//! that is under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatematch_domain::audit::{Actor, Event, Outcome as How};
use gatematch_domain::challenge::State;
use gatematch_domain::push::{Allowed, PushHosts};
use gatematch_protocol::jws::SigningFailed;
use gatematch_protocol::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinHandle, JoinSet};

use super::letter::{Letter, Message, text};
use super::metrics::PushMetrics;
use super::queue::{Going, MAX_LETTERS, MOST_WAIT_SECONDS, Next, Queue};
use super::recent::Recent;
use super::refusals::Refusals;
use super::{Delivery, Outcome, Parcel};
use crate::edge::Edge;
use crate::keys::Keys;
use crate::store::{Store, StoreError};

/// How long after the first try the second one comes, in milliseconds; each further one takes twice as long.
const BACK_OFF_MILLIS: u64 = 1_000;
/// The longest between two tries, in milliseconds.
const MOST_BACK_OFF_MILLIS: u64 = 30_000;
/// How often a letter is tried, at most.
const MAX_TRIES: u32 = 8;
/// A letter that is older than this, in seconds, is looked at again before it is tried.
const STALE_SECONDS: i64 = 1;
/// How often the same fault of the same push service is logged, in seconds.
const LOG_SECONDS: i64 = 60;
/// How often it is audited that a push service does not let us push to the same phone, in seconds.
const ALARM_SECONDS: i64 = 3_600;

/// Where letters are handed over.
#[derive(Clone)]
pub struct Mailbox {
    letters: mpsc::Sender<Letter>,
    lost: Arc<AtomicU64>,
}

/// The other end of a [`Mailbox`].
pub struct Post {
    letters: mpsc::Receiver<Letter>,
    lost: Arc<AtomicU64>,
}

/// A mailbox, and where what is put into it comes out.
#[must_use]
pub fn mailbox() -> (Mailbox, Post) {
    let (sender, receiver) = mpsc::channel(MAX_LETTERS);
    let lost = Arc::new(AtomicU64::new(0));
    (Mailbox { letters: sender, lost: Arc::clone(&lost) }, Post { letters: receiver, lost })
}

impl Mailbox {
    /// Hands letters over, and waits for nothing: what does not fit is dropped, and counted.
    pub fn post(&self, letters: Vec<Letter>) {
        for letter in letters {
            if self.letters.try_send(letter).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What the office works with.
pub struct Desk {
    /// Brings parcels to push services.
    pub delivery: Arc<dyn Delivery>,
    /// Says whether a letter is still wanted, and forgets subscriptions that are no more.
    pub store: Arc<dyn Store>,
    /// The push services that there are.
    pub hosts: PushHosts,
    /// Signs notices.
    pub keys: Arc<Keys>,
    /// The issuer, without trailing slash.
    pub issuer: String,
    /// What is told of it.
    pub metrics: PushMetrics,
    /// Clock and randomness.
    pub edge: Edge,
}

/// What became of a try.
enum Tried {
    /// This.
    Once(Outcome),
    /// Nobody wants it any more, so it was not tried.
    Moot,
}

struct Staff {
    desk: Desk,
    /// By push service.
    logged: Recent,
    /// By phone.
    alarmed: Recent,
    refusals: Refusals,
}

/// Opens the office; it works until the other end of `post` is gone, or the task is aborted.
pub fn open(desk: Desk, post: Post) -> JoinHandle<()> {
    let (logged, alarmed) = (Recent::new(LOG_SECONDS), Recent::new(ALARM_SECONDS));
    let staff = Staff { desk, logged, alarmed, refusals: Refusals::default() };
    let office =
        Office { staff: Arc::new(staff), queue: Queue::default(), tries: JoinSet::new(), tickets: HashMap::new() };
    tokio::spawn(office.run(post))
}

struct Office {
    staff: Arc<Staff>,
    queue: Queue,
    tries: JoinSet<Tried>,
    tickets: HashMap<Id, Going>,
}

impl Office {
    async fn run(mut self, mut post: Post) {
        loop {
            let lost = post.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                self.staff.dropped(lost);
            }
            self.start();
            self.staff.desk.metrics.waiting.set(i64::try_from(self.queue.len()).unwrap_or(i64::MAX));
            let due = self.queue.next_due();
            let clock = Arc::clone(&self.staff.desk.edge.clock);
            tokio::select! {
                letter = post.letters.recv() => match letter {
                    Some(letter) => self.admit(letter),
                    None => return,
                },
                Some(ended) = self.tries.join_next_with_id() => match ended {
                    Ok((id, tried)) => self.ended(id, &tried),
                    Err(error) => {
                        tracing::error!(%error, "a push broke off; it is not tried again");
                        self.ended(error.id(), &Tried::Moot);
                    }
                },
                () = sleep_until(&clock, due), if due.is_some() => {}
            }
        }
    }

    fn admit(&mut self, letter: Letter) {
        let Ok(Allowed { service, .. }) = self.staff.desk.hosts.check_endpoint(letter.to.endpoint.reveal()) else {
            // It has no lane: the list has changed since the phone registered.
            return self.staff.not_allowed(&letter);
        };
        let given_up = self.queue.admit(letter, &service);
        if given_up > 0 {
            self.staff.dropped(given_up);
        }
    }

    /// Starts what may go.
    fn start(&mut self) {
        while let Some(next) = self.queue.next(self.staff.desk.edge.now()) {
            match next {
                Next::Late => self.staff.count("late"),
                Next::Try(going) => {
                    let (staff, its) = (Arc::clone(&self.staff), going.clone());
                    let handle = self.tries.spawn(async move { staff.attempt(&its).await });
                    self.tickets.insert(handle.id(), going);
                }
            }
        }
    }

    fn ended(&mut self, id: Id, tried: &Tried) {
        let Some(Going { ticket, letter, tries, .. }) = self.tickets.remove(&id) else { return };
        let now = self.staff.desk.edge.now();
        let pause = match tried {
            Tried::Once(Outcome::Failed { .. } | Outcome::Broken { .. } | Outcome::Busy { retry_after: None }) => {
                Some(self.back_off(tries))
            }
            Tried::Once(Outcome::Busy { retry_after: Some(asked) }) => {
                // "At once" is no answer of somebody who is busy.
                let pause = self.back_off(tries).max(*asked);
                self.queue.rest(&letter, later(now, pause), now);
                Some(pause)
            }
            _ => None,
        };
        let again = pause.filter(|_| tries + 1 < MAX_TRIES).map(|pause| later(now, pause));
        let again = again.filter(|at| {
            // It would take a place for so long; the phone fetches.
            let waits = *at <= now.plus_seconds(MOST_WAIT_SECONDS);
            if !waits {
                self.staff.count("late");
            }
            waits
        });
        let follow = match again {
            Some(at) => self.queue.again(ticket, at),
            None => self.queue.done(ticket),
        };
        if let Some(letter) = follow {
            self.admit(letter);
        }
    }

    /// How long to wait after so many tries before this one: twice as long each time, a quarter more or less of it by
    /// chance, so that those who failed together do not come back together.
    fn back_off(&self, tries: u32) -> Duration {
        let whole = BACK_OFF_MILLIS.saturating_mul(1 << tries.min(16)).min(MOST_BACK_OFF_MILLIS);
        let chance = self.staff.desk.edge.random::<2>().map_or(0, u16::from_be_bytes);
        Duration::from_millis(whole * 3 / 4 + whole * u64::from(chance) / (2 * u64::from(u16::MAX)))
    }
}

async fn sleep_until(clock: &Arc<dyn crate::edge::Clock>, due: Option<Timestamp>) {
    if let Some(due) = due {
        clock.sleep_until(due).await;
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)))
}

impl Staff {
    fn count(&self, outcome: &str) {
        self.desk.metrics.outcomes.with_label_values(&[outcome]).inc();
    }

    fn dropped(&self, letters: u64) {
        self.desk.metrics.outcomes.with_label_values(&["dropped"]).inc_by(letters);
        if self.logged.is_new("", "dropped", self.desk.edge.now()) {
            tracing::warn!(letters, "too much waits to be pushed; phones fetch what was dropped");
        }
    }

    async fn attempt(&self, going: &Going) -> Tried {
        let letter = &*going.letter;
        let is_old = self.desk.edge.now() > letter.at.plus_seconds(STALE_SECONDS);
        if (going.tries > 0 || is_old) && !self.is_wanted(letter).await {
            self.count("moot");
            return Tried::Moot;
        }
        let outcome = match self.parcel(letter).await {
            Ok(parcel) => self.desk.delivery.deliver(parcel).await,
            Err(why) => Outcome::Broken { why },
        };
        self.count(outcome.word());
        self.take_note(going, &outcome).await;
        Tried::Once(outcome)
    }

    /// Whether the phone is still to be told. Where the store cannot say, it is: a hint too many does no harm.
    async fn is_wanted(&self, letter: &Letter) -> bool {
        if letter.is_farewell() {
            // That the phone is gone is what it says.
            return true;
        }
        let same = match self.desk.store.device(letter.device).await {
            Ok(Some((device, _))) => device.is_active() && device.push.as_ref() == Some(&letter.to),
            Ok(None) => false,
            Err(_) => true,
        };
        let Message::Challenge { id, .. } = &letter.message else { return same };
        same && match self.desk.store.challenge(*id).await {
            Ok(challenge) => challenge.is_some_and(|challenge| challenge.state == State::Pending),
            Err(_) => true,
        }
    }

    async fn parcel(&self, letter: &Letter) -> Result<Parcel, String> {
        let text = match &letter.message {
            Message::Challenge { signed, .. } => text("challenge", signed),
            Message::Cancelled { id } => text("cancelled", &id.to_string()),
            Message::Notice { notice } | Message::Farewell { notice } => {
                let gateway = match notice.news.gateway {
                    Some(id) => self.desk.store.gateway(id).await.map_err(|error| error.to_string())?,
                    None => None,
                };
                let name = gateway.map(|gateway| gateway.name);
                let claims = notice.claims(&self.desk.issuer, letter.device, &letter.username, name);
                text("notice", &self.desk.keys.sign_notice(&claims).map_err(|SigningFailed| "signing failed")?)
            }
        };
        Ok(Parcel { to: letter.to.clone(), topic: letter.topic(), good_until: letter.good_until, text })
    }

    async fn take_note(&self, Going { letter, service, .. }: &Going, outcome: &Outcome) {
        let now = self.desk.edge.now();
        let origin = letter.origin();
        let is_new = |what| self.logged.is_new(service, what, now);
        match outcome {
            Outcome::Delivered => {
                self.refusals.accepted(service);
                self.desk.metrics.seconds.observe(now.since(letter.at).as_secs_f64());
            }
            // With the phone, its subscription was forgotten.
            Outcome::Gone if !letter.is_farewell() => self.forget(letter, now).await,
            Outcome::Refused { status } => self.alarm(letter, service, *status, now).await,
            Outcome::Busy { retry_after } if is_new("busy") => {
                tracing::warn!(origin, ?retry_after, "a push service wants to be left alone for some time");
            }
            Outcome::TooLarge if is_new("too-large") => {
                tracing::error!(origin, "a push service finds our messages too long");
            }
            Outcome::Rejected { status } if is_new("rejected") => {
                tracing::warn!(origin, status, "a push service does not take our messages");
            }
            Outcome::Failed { why } if is_new("failed") => {
                tracing::warn!(origin, why, "a push service could not be reached, or failed");
            }
            Outcome::Broken { why } if self.logged.is_new("", "broken", now) => {
                tracing::error!(why, "a push could not be made; phones must fetch");
            }
            Outcome::NotAllowed if is_new("not-allowed") => {
                tracing::warn!(origin, "a phone's push service is not among the allowed ones (any more)");
            }
            _ => {}
        }
    }

    fn not_allowed(&self, letter: &Letter) {
        self.count(Outcome::NotAllowed.word());
        if self.logged.is_new("", "not-allowed", self.desk.edge.now()) {
            let (origin, device) = (letter.origin(), letter.device);
            tracing::warn!(origin, %device, "a phone's push service is not among the allowed ones (any more)");
        }
    }

    async fn forget(&self, letter: &Letter, now: Timestamp) {
        let dropped = self.desk.store.drop_push(now, letter.device, letter.to.endpoint.clone()).await;
        if let Err(error) = dropped {
            tracing::warn!(%error, device = %letter.device, "a push subscription that is gone could not be dropped");
        }
    }

    /// We are not let in: by our key, or for a subscription that was made for another one, which a phone's owner can bring
    /// about. So the push service is blamed only where the phones of two people were refused.
    async fn alarm(&self, letter: &Letter, service: &str, status: u16, now: Timestamp) {
        let (origin, device, user) = (letter.origin(), letter.device.to_string(), &letter.username);
        let refuses_all = self.refusals.refused(service, letter.user);
        if refuses_all && self.logged.is_new(service, "refused", now) {
            tracing::error!(origin, status, "a push service refuses us; phones must fetch");
        }
        if !self.alarmed.is_new(&device, "refused", now) {
            return;
        }
        if !refuses_all {
            tracing::warn!(origin, status, device, user, "a push service refuses pushes to this phone; it must fetch");
        }
        let event = Event::new("push.refused", Actor::System, now).ended(How::Refused, "refused");
        let event = event.user(user).device(letter.device).with("origin", origin).with("status", status);
        let recorded = self.desk.store.record_events(vec![event]).await;
        if let Err::<(), StoreError>(error) = recorded {
            tracing::error!(%error, "that a push service refuses us could not be recorded");
            self.alarmed.forget(&device, "refused");
        }
    }
}

#[cfg(test)]
mod tests;
