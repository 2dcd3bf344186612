//! How far it is: one line on a terminal, which goes again. Nothing where stderr is none.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often the line changes.
const PACE: Duration = Duration::from_millis(200);
const CELLS: usize = 24;

/// How far something is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// What is done.
    pub(super) done: u64,
    /// What there is; `None` where nobody knows.
    pub(super) all: Option<u64>,
    /// How much of it, 0 to 1, where that is not by number.
    pub(super) part: Option<f64>,
    /// How long it has been going on.
    pub(super) elapsed: Duration,
}

/// A line that shows how far something is, until it is dropped.
pub(super) struct Bar(Option<AbortHandle>);

impl Bar {
    /// Shows what `look` tells.
    pub(super) fn show(what: &'static str, look: impl Fn() -> Progress + Send + 'static) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let showing = tokio::spawn(async move {
            let mut turns = interval(PACE);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                write(&line(what, look()));
            }
        });
        Self(Some(showing.abort_handle()))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(showing) = &self.0 {
            showing.abort();
            write("");
        }
    }
}

fn write(line: &str) {
    let mut err = io::stderr().lock();
    // A closed stderr is nobody to tell.
    let _ = write!(err, "\r\u{1b}[2K{line}");
    let _ = err.flush();
}

fn line(what: &str, progress: Progress) -> String {
    let Progress { done, all, part, elapsed } = progress;
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    let by_number = all.filter(|all| *all > 0).map(|all| done as f64 / all as f64);
    let part = part.or(by_number).map(|part| part.clamp(0.0, 1.0));
    let of = all.map(|all| format!(" of {all}")).unwrap_or_default();
    let Some(part) = part else { return format!("{what}: {done}{of}, {rate:.0} a second") };
    let filled = (0..CELLS).filter(|cell| (*cell as f64 + 0.5) / CELLS as f64 <= part).count();
    let bar: String = (0..CELLS).map(|cell| if cell < filled { '#' } else { '.' }).collect();
    let left = if part > 0.0 { format!(", {:.0} s left", seconds / part - seconds) } else { String::new() };
    format!("{what} [{bar}] {done}{of}, {rate:.0} a second{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_how_far_and_how_long() {
        let elapsed = Duration::from_secs(2);
        let half = Progress { done: 500, all: Some(1_000), part: None, elapsed };
        let told = line("Signing in", half);
        assert_eq!(told, "Signing in [############............] 500 of 1000, 250 a second, 2 s left");
        let by_time = Progress { done: 500, all: None, part: Some(0.25), elapsed };
        assert_eq!(line("x", by_time), "x [######..................] 500, 250 a second, 6 s left");
        let nothing = Progress { done: 0, all: None, part: None, elapsed: Duration::ZERO };
        assert_eq!(line("x", nothing), "x: 0, 0 a second");
        assert!(line("x", Progress { all: Some(0), ..nothing }).starts_with("x: 0 of 0"));
    }
}
