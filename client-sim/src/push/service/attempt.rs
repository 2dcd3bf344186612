//! What senders tried: every request to a push resource, whatever became of it.

use std::collections::VecDeque;

use axum::http::HeaderMap;

/// How many attempts are remembered; then the oldest goes.
pub const MAX_ATTEMPTS: usize = 1_000;
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 2_048;

/// One request to a push resource.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1, 2, 3, ... over all subscriptions.
    pub seq: u64,
    /// When it came, as NumericDate.
    pub at: i64,
    /// The last segment of the path, cut to 64 characters.
    pub subscription: String,
    /// The headers, names in lower case; at most 32, each value cut to 2,048 bytes.
    pub headers: Vec<(String, String)>,
    /// The length of the body, as far as it was read.
    pub sealed_bytes: usize,
    /// What was in it; `None` where nothing could be opened.
    pub plaintext: Option<Vec<u8>>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, 201.
    Accepted,
    /// Refused with this status for this reason, as a sound push service does.
    Refused(u16, String),
    /// Treated in another way: the word of the misbehaviour.
    Misbehaved(String),
}

impl Attempt {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Tells what a log may know.
impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut attempt = f.debug_struct("Attempt");
        attempt.field("seq", &self.seq).field("at", &self.at).field("sealed_bytes", &self.sealed_bytes);
        attempt.field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// The headers that are remembered.
pub(super) fn remembered(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value.get(..MAX_HEADER_BYTES).unwrap_or(value)).into_owned();
    let pairs = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
    pairs.take(MAX_HEADERS).collect()
}

/// The last attempts.
#[derive(Default)]
pub(super) struct Attempts {
    kept: VecDeque<Attempt>,
    last_seq: u64,
}

impl Attempts {
    /// Remembers one and gives its number.
    pub(super) fn add(&mut self, attempt: Attempt) -> u64 {
        self.last_seq += 1;
        if self.kept.len() >= MAX_ATTEMPTS {
            self.kept.pop_front();
        }
        self.kept.push_back(Attempt { seq: self.last_seq, ..attempt });
        self.last_seq
    }

    pub(super) fn all(&self) -> Vec<Attempt> {
        self.kept.iter().cloned().collect()
    }

    /// The oldest that is remembered behind `seq`.
    pub(super) fn after(&self, seq: u64) -> Option<Attempt> {
        self.kept.iter().find(|attempt| attempt.seq > seq).cloned()
    }
}
