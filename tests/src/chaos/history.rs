//! What was asked and answered, and in which order.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gatematch_client_sim::failure::Failure;
use gatematch_protocol::id::{ChallengeId, DeviceId};
use gatematch_protocol::problem::Code;

/// What a phone does with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// Approves with the right number.
    Approves,
    /// Approves with a wrong number, which ends the challenge.
    Mistypes,
    /// Denies.
    Denies,
}

/// What a gateway or a phone asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A challenge.
    Create {
        /// The Idempotency-Key.
        key: String,
        /// Who signs in.
        user: String,
        /// For so many seconds.
        lifetime: i64,
    },
    /// That a phone's answer be taken.
    Respond {
        /// The challenge.
        id: ChallengeId,
        /// The phone.
        device: DeviceId,
        /// What it does.
        answering: Answering,
        /// The signed response.
        response: String,
    },
    /// That an approval be spent, which is waited for as many seconds.
    Redeem {
        /// The challenge.
        id: ChallengeId,
        /// The redemption.
        redemption: String,
        /// Seconds.
        wait: u32,
    },
    /// That a challenge be taken back.
    Cancel {
        /// The challenge.
        id: ChallengeId,
    },
    /// How a challenge stands.
    Look {
        /// The challenge.
        id: ChallengeId,
    },
}

/// What there was to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How the challenge stands: what was asked for was done.
    State {
        /// The challenge.
        id: ChallengeId,
        /// Its state.
        status: String,
        /// The number, where the gateway is told it.
        number: Option<String>,
        /// The signed result, where it is redeemed.
        result: Option<String>,
    },
    /// It was refused.
    Refused {
        /// Why.
        code: Code,
        /// How the challenge stands, where that is said.
        state: Option<String>,
    },
    /// No answer, or one that says that nothing can be decided now: it may have been done or not.
    Nothing(String),
    /// What the contract does not know, or what is not to be believed.
    Strange(String),
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it was asked.
    pub node: usize,
    /// When: each question and each answer has a number of its own.
    pub asked_at: u64,
    /// When the answer was there.
    pub told_at: u64,
    /// The request.
    pub asked: Asked,
    /// The answer.
    pub told: Told,
}

/// All that has happened, as those saw it who asked.
#[derive(Default)]
pub struct History {
    time: AtomicU64,
    entries: Mutex<Vec<Entry>>,
}

impl History {
    /// Asks, and remembers it.
    pub async fn ask(&self, node: usize, asked: Asked, ask: impl Future<Output = Result<Told, Failure>>) -> Told {
        let asked_at = self.time.fetch_add(1, Ordering::SeqCst);
        let told = ask.await.unwrap_or_else(|failure| Told::of(&failure));
        let told_at = self.time.fetch_add(1, Ordering::SeqCst);
        self.entries.lock().unwrap().push(Entry { node, asked_at, told_at, asked, told: told.clone() });
        told
    }

    /// How many questions were answered.
    pub fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, in the order of the answers.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap().clone();
        entries.sort_by_key(|entry| entry.told_at);
        entries
    }
}

impl Told {
    fn of(failure: &Failure) -> Self {
        let text = failure.to_string();
        match (failure, failure.problem(), failure.code()) {
            (Failure::Transport(_), _, _) => Self::Nothing(text),
            (_, Some(problem), Some(code)) if problem.status < 500 && problem.status != 429 => {
                let state = problem.more.get("state").and_then(|state| state.as_str()).map(str::to_owned);
                Self::Refused { code, state }
            }
            (_, Some(_), Some(_)) => Self::Nothing(text),
            _ => Self::Strange(text),
        }
    }
}
