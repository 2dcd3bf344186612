//! Many small requests that are answered at once: how many a second, and how fast.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{AccessRequest, Demand, RadiusClient, Timing};
use crate::load::Percentiles;

/// How many requests share a socket at once. A socket has 256 identifiers; and a burst of answers to more than
/// this would not fit into its buffer.
const PER_SOCKET: usize = 128;

/// As many sockets as it takes.
#[derive(Debug)]
pub struct Sockets(Vec<RadiusClient>);

/// What is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    /// RD Gateway's request for users whom nobody knows, each another one.
    Refused,
    /// Status-Server.
    Status,
    /// A plain request with a password, as any RADIUS server takes it.
    Pap {
        /// User-Name.
        user: String,
        /// User-Password.
        password: Secret,
    },
    /// Status-Server and unknown users in turn.
    StatusAndRefused,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many requests in all.
    pub count: u64,
    /// How many at once.
    pub concurrency: u32,
    /// How many a second, evenly; `None` as fast as they are answered.
    pub rate: Option<u32>,
    /// How long and how often each is tried.
    pub timing: Timing,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How many requests were made.
    pub asked: u64,
    /// How many were answered.
    pub answered: u64,
    /// How many of these only after they were sent again.
    pub again: u64,
    /// The answers, by name.
    pub answers: BTreeMap<String, u64>,
    /// Those that were not answered, by cause.
    pub silent: BTreeMap<String, u64>,
    /// From the first request to the last answer, in seconds.
    pub seconds: f64,
    /// Answers a second.
    pub per_second: f64,
    /// From the first copy of a request to its answer.
    pub latency: Percentiles,
}

#[derive(Default)]
struct Tally {
    again: u64,
    answers: BTreeMap<String, u64>,
    silent: BTreeMap<String, u64>,
    latencies: Vec<Duration>,
}

impl Sockets {
    /// Sockets enough for `concurrency` requests at once.
    ///
    /// # Errors
    /// As [`RadiusClient::connect`].
    pub async fn open(server: SocketAddr, secret: &Secret, demand: Demand, concurrency: u32) -> io::Result<Self> {
        let count = usize::try_from(concurrency).unwrap_or(usize::MAX).div_ceil(PER_SOCKET).max(1);
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(RadiusClient::connect_with(server, secret.clone(), demand).await?);
        }
        Ok(Self(clients))
    }

    /// How many there are, at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The socket of the `index`-th of those that ask at once, in turn.
    #[must_use]
    pub fn of(&self, index: usize) -> Option<&RadiusClient> {
        self.0.get(index.checked_rem(self.0.len())?)
    }
}

impl Ask {
    fn request(&self, index: u64) -> AccessRequest {
        match self {
            Self::Status => AccessRequest::status_server(),
            Self::StatusAndRefused if index.is_multiple_of(2) => AccessRequest::status_server(),
            Self::Refused | Self::StatusAndRefused => {
                AccessRequest::rd_gateway(&format!("CONTOSO\\nobody-{index}")).machine("LOAD")
            }
            Self::Pap { user, password } => AccessRequest::plain(user).password(password.reveal()),
        }
    }
}

/// Carries out `plan`.
pub async fn run(plan: Plan, ask: Ask, sockets: Arc<Sockets>) -> Report {
    let next = Arc::new(AtomicU64::new(0));
    let ask = Arc::new(ask);
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for index in 0..usize::try_from(plan.concurrency).unwrap_or(1).max(1) {
        let (sockets, ask, next) = (Arc::clone(&sockets), Arc::clone(&ask), Arc::clone(&next));
        workers.spawn(async move {
            let mut tally = Tally::default();
            if let Some(client) = sockets.of(index) {
                work(plan, &ask, client, &next, started, &mut tally).await;
            }
            tally
        });
    }
    let mut whole = Tally::default();
    while let Some(worker) = workers.join_next().await {
        match worker {
            Ok(tally) => whole.add(tally),
            Err(fault) => *whole.silent.entry(fault.to_string()).or_insert(0) += 1,
        }
    }
    whole.report(started.elapsed())
}

async fn work(plan: Plan, ask: &Ask, client: &RadiusClient, next: &AtomicU64, started: Instant, tally: &mut Tally) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= plan.count {
            return;
        }
        if let Some(rate) = plan.rate {
            let micros = index.saturating_mul(1_000_000) / u64::from(rate.max(1));
            tokio::time::sleep_until(started + Duration::from_micros(micros)).await;
        }
        let prepared = client.request(ask.request(index));
        let (began, mut copies) = (Instant::now(), 0);
        match client.exchange_watched(&prepared, plan.timing, |sent| copies = sent).await {
            Ok(answer) => {
                tally.latencies.push(began.elapsed());
                tally.again += u64::from(copies > 1);
                *tally.answers.entry(answer.name()).or_insert(0) += 1;
            }
            Err(silence) => *tally.silent.entry(silence.to_string()).or_insert(0) += 1,
        }
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.again += other.again;
        self.latencies.extend(other.latencies);
        for (name, count) in other.answers {
            *self.answers.entry(name).or_insert(0) += count;
        }
        for (cause, count) in other.silent {
            *self.silent.entry(cause).or_insert(0) += count;
        }
    }

    fn report(self, elapsed: Duration) -> Report {
        let answered: u64 = self.answers.values().sum();
        let seconds = elapsed.as_secs_f64();
        // A count of answers is far below 2^32.
        let count = f64::from(u32::try_from(answered).unwrap_or(u32::MAX));
        Report {
            asked: answered + self.silent.values().sum::<u64>(),
            answered,
            again: self.again,
            answers: self.answers,
            silent: self.silent,
            seconds,
            per_second: if seconds > 0.0 { count / seconds } else { 0.0 },
            latency: Percentiles::of(self.latencies),
        }
    }
}
