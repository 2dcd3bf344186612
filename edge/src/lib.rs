//! The edge: the only place that reads the clock, draws random numbers and sleeps.
//!
//! Everything else is given time and randomness as values, so a test can hold the clock in its hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use gatematch_protocol::time::Timestamp;

/// A future that somebody else may poll.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits until the time is `at` or later.
    fn sleep_until(&self, at: Timestamp) -> Pending<'static, ()>;
}

/// Draws random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes fit for keys.
    ///
    /// # Errors
    /// [`NoEntropy`] when the system has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoEntropy;

/// Clock and randomness, handed around together.
#[derive(Clone)]
pub struct Edge {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bytes.
    pub entropy: Arc<dyn Entropy>,
}

impl Edge {
    /// The system's own clock and randomness.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn random<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}

struct SystemClock;

/// A sleep is cut into pieces, so that a clock that is set meanwhile is noticed.
const LONGEST_NAP: Duration = Duration::from_secs(1);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that the ban points to")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Timestamp) -> Pending<'static, ()> {
        Box::pin(async move {
            // Should the clock be set back meanwhile, nobody sleeps longer than he meant to.
            let latest = tokio::time::Instant::now() + at.since(Self.now());
            loop {
                let left = at.since(Self.now());
                if left.is_zero() || tokio::time::Instant::now() >= latest {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoEntropy)
    }
}
