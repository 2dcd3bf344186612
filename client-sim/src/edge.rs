//! The edge of the process: the only place that reads the wall clock and the system's randomness.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::crypto::P256Key;

/// Tells the time, in seconds since 1970-01-01T00:00:00Z.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The clock on the wall.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "this is the edge")]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}

/// `N` bytes of the operating system's randomness. Where it has none, the process ends: nothing that it could
/// do without would be safe.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    let filled = getrandom::fill(&mut bytes);
    if filled.is_err() {
        std::process::abort();
    }
    bytes
}

/// A new random key.
#[must_use]
pub fn random_key() -> P256Key {
    loop {
        if let Ok(key) = P256Key::from_secret(&random()) {
            return key;
        }
    }
}
