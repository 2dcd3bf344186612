//! A delivery that goes nowhere, for tests: it remembers what it was given and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::{Delivery, Outcome, Parcel};
use crate::edge::Pending;

/// How long a test waits for a parcel.
const PATIENCE: Duration = Duration::from_secs(60);

/// Remembers parcels. Answers are taken in order; when there are none left, everything is delivered.
pub struct Recording {
    parcels: watch::Sender<Vec<Parcel>>,
    answers: Mutex<VecDeque<Outcome>>,
    may_answer: Semaphore,
}

impl Default for Recording {
    fn default() -> Self {
        Self { may_answer: Semaphore::new(Semaphore::MAX_PERMITS), ..Self::held() }
    }
}

impl Recording {
    /// One that answers nothing before [`Recording::let_answer`].
    #[must_use]
    pub fn held() -> Self {
        Self { parcels: watch::channel(Vec::new()).0, answers: Mutex::default(), may_answer: Semaphore::new(0) }
    }

    /// Answers with these next.
    #[must_use]
    pub fn answering(self, answers: impl IntoIterator<Item = Outcome>) -> Self {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
        self
    }

    /// Lets `count` of those answer that wait.
    pub fn let_answer(&self, count: usize) {
        self.may_answer.add_permits(count);
    }

    /// What it was given so far.
    #[must_use]
    pub fn parcels(&self) -> Vec<Parcel> {
        self.parcels.borrow().clone()
    }

    /// What it was given, as soon as there are `count`; or after a minute, so that a test fails and does not hang.
    pub async fn after(&self, count: usize) -> Vec<Parcel> {
        let mut parcels = self.parcels.subscribe();
        // The sender lives as long as this does.
        let _ = timeout(PATIENCE, parcels.wait_for(|parcels| parcels.len() >= count)).await;
        self.parcels()
    }
}

impl Delivery for Recording {
    fn deliver(&self, parcel: Parcel) -> Pending<'_, Outcome> {
        Box::pin(async move {
            self.parcels.send_modify(|parcels| parcels.push(parcel));
            if let Ok(permit) = self.may_answer.acquire().await {
                permit.forget();
            }
            let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            answer.unwrap_or(Outcome::Delivered)
        })
    }
}
