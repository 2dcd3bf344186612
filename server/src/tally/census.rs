//! What must be counted among all accounts: done beside those who ask, and kept for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{Store, StoreError, UserState};

/// For how long a count is good.
const GOOD: Duration = Duration::from_secs(30);
/// It may take one part in so many of the time.
const SHARE: u32 = 50;
/// How long whoever asks waits for one.
const PATIENCE: Duration = Duration::from_millis(300);

/// How many people have nothing to sign in with.
#[derive(Default)]
pub struct Census(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    count: Option<u64>,
    made: Option<Instant>,
    took: Duration,
    is_made: bool,
}

impl State {
    fn is_good(&self) -> bool {
        self.made.is_some_and(|made| made.elapsed() < GOOD.max(self.took.saturating_mul(SHARE)))
    }
}

impl Census {
    /// How many there were a moment ago; `None` where that is not known yet.
    pub async fn not_enrolled(&self, store: &Arc<dyn Store>) -> Option<u64> {
        let counting = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.is_good() || state.is_made {
                return state.count;
            }
            state.is_made = true;
            let (census, store) = (Arc::clone(&self.0), Arc::clone(store));
            tokio::spawn(count(census, store))
        };
        // It goes on where nobody waits for it any more.
        let _ = tokio::time::timeout(PATIENCE, counting).await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}

async fn count(census: Arc<Mutex<State>>, store: Arc<dyn Store>) {
    let began = Instant::now();
    let counted: Result<u64, StoreError> = store.count_users(UserState::NotEnrolled).await;
    let mut state = census.lock().unwrap_or_else(PoisonError::into_inner);
    state.is_made = false;
    match counted {
        Ok(count) => (state.count, state.made, state.took) = (Some(count), Some(Instant::now()), began.elapsed()),
        Err(error) => tracing::debug!(%error, "people without a phone could not be counted"),
    }
}
