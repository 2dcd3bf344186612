//! What the whole process logs at the level TRACE, while a test wants to read it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static READERS: AtomicUsize = AtomicUsize::new(0);

/// Captures while it lives. There is one log for the process: lines of other tests stand among those of this one.
pub struct Captured {
    from: usize,
}

/// Begins to capture everything that is logged, at every level.
pub fn capture() -> Captured {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let wanted =
            dynamic_filter_fn(|_, _| READERS.load(Ordering::Relaxed) > 0).with_max_level_hint(LevelFilter::TRACE);
        let lines = tracing_subscriber::fmt::layer().with_writer(Lines).with_ansi(false).with_filter(wanted);
        tracing_subscriber::registry().with(lines).init();
    });
    READERS.fetch_add(1, Ordering::Relaxed);
    Captured { from: lines().len() }
}

impl Captured {
    /// What was logged so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lines()[self.from..]).into_owned()
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lines() -> MutexGuard<'static, Vec<u8>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
