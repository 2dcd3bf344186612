//! A story, one line for each step: how long it took, who did it, what was done, what was sent.

use std::time::{Duration, Instant};

use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::terminal::{Terminal, Tone};

/// Tells the story.
pub(super) struct Story<'a> {
    pub(super) terminal: &'a mut Terminal,
    last: Instant,
}

/// Where the words of a step begin.
const INDENT: &str = "                    ";

impl<'a> Story<'a> {
    pub(super) fn new(terminal: &'a mut Terminal) -> Self {
        Self { terminal, last: Instant::now() }
    }

    /// What is told next begins now.
    pub(super) fn begin(&mut self) {
        self.last = Instant::now();
    }

    /// A step that is done: it began when the one before ended.
    pub(super) fn step(&mut self, who: &str, what: &str, sent: &str) -> Result<(), Fault> {
        let took = shown(self.last.elapsed());
        let who = self.terminal.toned(Tone::Bold, &format!("{who:<8}"));
        self.terminal.line(&format!("  {took:>8}  {who} {what}"))?;
        if !sent.is_empty() {
            let sent = self.terminal.toned(Tone::Quiet, sent);
            self.terminal.line(&format!("{INDENT} {sent}"))?;
        }
        self.begin();
        Ok(())
    }

    /// Something that belongs to the step before.
    pub(super) fn aside(&mut self, tone: Tone, text: &str) -> Result<(), Fault> {
        let text = self.terminal.toned(tone, text);
        self.terminal.line(&format!("{INDENT} {text}"))
    }

    /// A head, with air around it.
    pub(super) fn head(&mut self, text: &str) -> Result<(), Fault> {
        let text = self.terminal.toned(Tone::Bold, text);
        self.terminal.line(&format!("\n{text}\n"))?;
        self.begin();
        Ok(())
    }
}

fn shown(took: Duration) -> String {
    match took.as_millis() {
        10_000.. => format!("{} s", took.as_secs()),
        1_000..10_000 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{:.1} ms", took.as_secs_f64() * 1_000.0),
    }
}
