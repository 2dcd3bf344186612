//! What other nodes have changed: whoever waits for it here is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatematch_protocol::base64url;
use gatematch_protocol::time::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::task::JoinHandle;

use super::link::CHANNEL;
use crate::edge::Edge;
use crate::hub::Topic;
use crate::store::Bell;

/// How often it is asked whether the server is still there, and who leads.
const ASKED: Duration = Duration::from_secs(2);
/// How long the server may take to answer that.
const ANSWER: Duration = Duration::from_secs(3);
/// How long until a server that is gone is called again.
const AGAIN: Duration = Duration::from_millis(300);
/// The lock of the server's that the one node holds that does what is done once for all: `gate` in ASCII.
pub(super) const LEADS: i64 = 0x6761_7465;

/// Listens, until it is dropped.
pub(crate) struct Listener {
    task: JoinHandle<()>,
    leads: Arc<AtomicBool>,
    name: Option<String>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    pub(super) fn start(options: PgConnectOptions, edge: &Edge, bell: Arc<dyn Bell>) -> Self {
        let leads = Arc::new(AtomicBool::new(false));
        // Without one, what is told here is heard here as well: that does no harm.
        let name = edge.random::<9>().ok().map(|random| format!("n{}", base64url::encode(random)));
        let ear = Ear { options, name: name.clone(), bell, leads: Arc::clone(&leads) };
        Self { task: tokio::spawn(ear.listen()), leads, name }
    }

    /// The word before all that the writer of this node tells: here it is known already.
    pub(crate) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// Whether this node does what is done once for all.
    pub(crate) fn leads(&self) -> bool {
        self.leads.load(Ordering::Acquire)
    }
}

struct Ear {
    options: PgConnectOptions,
    name: Option<String>,
    bell: Arc<dyn Bell>,
    leads: Arc<AtomicBool>,
}

impl Ear {
    async fn listen(self) {
        loop {
            let late = |_| sqlx::Error::PoolTimedOut;
            match tokio::time::timeout(ANSWER, self.connect()).await.map_err(late).and_then(|listener| listener) {
                Ok(listener) => {
                    // What was told while nobody listened is lost: whoever waits looks for himself.
                    self.bell.ring_all();
                    let error = self.hear(listener).await;
                    tracing::warn!(%error, "what other nodes change is not heard for a moment");
                }
                Err(error) => tracing::debug!(%error, "the server cannot be listened to"),
            }
            self.leads.store(false, Ordering::Release);
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        let alone = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = alone.acquire_timeout(ANSWER).connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// Hears until the connection is lost.
    async fn hear(&self, mut listener: PgListener) -> sqlx::Error {
        loop {
            if let Err(error) = self.ask_to_lead(&mut listener).await {
                return error;
            }
            let turn = tokio::time::sleep(ASKED);
            tokio::pin!(turn);
            loop {
                tokio::select! {
                    heard = listener.try_recv() => match heard {
                        Ok(Some(told)) => self.ring(told.payload()),
                        Ok(None) => return sqlx::Error::WorkerCrashed,
                        Err(error) => return error,
                    },
                    () = &mut turn => break,
                }
            }
        }
    }

    /// Asks for the lock that one node holds, for as long as its connection lives; so it is known as well that it does.
    async fn ask_to_lead(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let sql = if self.leads.load(Ordering::Acquire) { "SELECT TRUE" } else { "SELECT pg_try_advisory_lock($1)" };
        let mut question = sqlx::query_scalar::<_, bool>(sql);
        if !self.leads.load(Ordering::Acquire) {
            question = question.bind(LEADS);
        }
        let late = |_| sqlx::Error::PoolTimedOut;
        let leads = tokio::time::timeout(ANSWER, question.fetch_one(&mut *listener)).await.map_err(late)??;
        self.leads.store(leads, Ordering::Release);
        Ok(())
    }

    fn ring(&self, words: &str) {
        let mut words = words.split(' ').filter(|word| !word.is_empty()).peekable();
        if self.name.is_some() && words.peek().copied() == self.name.as_deref() {
            return;
        }
        for word in words.filter(|word| !word.starts_with('n')) {
            match heard(word) {
                Some(Heard::Topic(topic)) => self.bell.ring(topic),
                Some(Heard::Deadline(at)) => self.bell.deadline(at),
                // A newer node tells something that this one does not know.
                None => tracing::debug!(word, "a word of another node that is not known"),
            }
        }
    }
}

/// A word of another node.
enum Heard {
    Topic(Topic),
    Deadline(Timestamp),
}

/// What a node tells of `topic`.
pub(crate) fn word(topic: Topic) -> String {
    match topic {
        Topic::Challenge(id) => format!("c{id}"),
        Topic::Device(id) => format!("d{id}"),
        Topic::Page(id) => format!("p{id}"),
        Topic::SignIns => "s".to_owned(),
    }
}

/// What a node tells of the time at which something runs out.
pub(crate) fn word_of_deadline(at: Timestamp) -> String {
    format!("t{}", at.micros())
}

fn heard(word: &str) -> Option<Heard> {
    let (kind, what) = word.split_at_checked(1)?;
    Some(match kind {
        "c" => Heard::Topic(Topic::Challenge(what.parse().ok()?)),
        "d" => Heard::Topic(Topic::Device(what.parse().ok()?)),
        "p" => Heard::Topic(Topic::Page(what.parse().ok()?)),
        "s" if what.is_empty() => Heard::Topic(Topic::SignIns),
        "t" => Heard::Deadline(Timestamp::from_micros(what.parse().ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use gatematch_domain::challenge::Challenge;
    use gatematch_protocol::id::{ChallengeId, DeviceId, SessionId};

    use super::*;
    use crate::push::Letter;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Topic>>);

    impl Bell for Heard {
        fn ring(&self, topic: Topic) {
            self.0.lock().unwrap().push(topic);
        }
        fn tell(&self, _: &Challenge) {}
        fn ring_all(&self) {}
        fn deadline(&self, _: Timestamp) {}
        fn post(&self, _: Vec<Letter>) {}
    }

    #[test]
    fn each_word_is_heard_as_what_was_told() {
        let at = Timestamp::from_micros(0);
        for topic in [
            Topic::Challenge(ChallengeId::new(at, [1; 10])),
            Topic::Device(DeviceId::new(at, [1; 10])),
            Topic::Page(SessionId::new(at, [1; 10])),
            Topic::SignIns,
        ] {
            assert!(matches!(heard(&word(topic)), Some(super::Heard::Topic(told)) if told == topic), "{topic:?}");
        }
        assert!(heard("sx").is_none() && heard("").is_none());
    }

    #[test]
    fn what_this_node_has_told_itself_rings_nobody_here() {
        let topic = Topic::Challenge(ChallengeId::new(Timestamp::from_micros(0), [1; 10]));
        let (word, bell) = (word(topic), Arc::new(Heard::default()));
        let options = PgConnectOptions::new_without_pgpass();
        let name = Some("nown".to_owned());
        let ear = Ear { options, name, bell: Arc::clone(&bell) as Arc<dyn Bell>, leads: Arc::default() };
        ear.ring(&format!("nown {word} "));
        assert!(bell.0.lock().unwrap().is_empty());
        // Another node, and a command, which has no name.
        ear.ring(&format!("nother {word} "));
        ear.ring(&format!("{word} "));
        ear.ring(&format!("nother xnew {word} "));
        assert_eq!(*bell.0.lock().unwrap(), [topic; 3]);
    }
}
