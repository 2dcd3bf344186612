//! The only way to the terminal: answers on stdout, all else on stderr.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use gatematch_domain::text::disarm;
use gatematch_protocol::time::Timestamp;
use serde::Serialize;

use super::fault::Fault;
use crate::settings::Environment;

/// Where words go.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    is_json: bool,
    colour_out: bool,
    colour_err: bool,
}

/// Colours of a terminal. A state is always told by its word as well.
#[derive(Clone, Copy, Debug)]
pub enum Tone {
    /// Let in, done.
    Good,
    /// Refused, broken.
    Bad,
    /// Beside the point.
    Quiet,
    /// The point.
    Bold,
}

impl Terminal {
    /// stdout and stderr of this process; colours where they are terminals and `NO_COLOR` is not set.
    /// `is_json`: scripts are listening, and stdout is for JSON only.
    #[must_use]
    pub fn of_process(environment: &Environment, is_json: bool) -> Self {
        // https://no-color.org: any value but the empty one.
        let colours = environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb");
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            is_json,
            colour_out: colours && io::stdout().is_terminal(),
            colour_err: colours && io::stderr().is_terminal(),
        }
    }

    /// Writes to `out` and `err`, without colours.
    #[must_use]
    pub fn plain(out: impl Write + Send + 'static, err: impl Write + Send + 'static, is_json: bool) -> Self {
        Self { out: Box::new(out), err: Box::new(err), is_json, colour_out: false, colour_err: false }
    }

    /// Whether scripts are listening.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether stdout shows colours.
    #[must_use]
    pub const fn has_colours(&self) -> bool {
        self.colour_out
    }

    /// A line on stdout.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it any more.
    pub fn line(&mut self, text: &str) -> Result<(), Fault> {
        writeln!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }

    /// A text that has its line ends, on stdout.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it any more.
    pub fn text(&mut self, text: &str) -> Result<(), Fault> {
        write!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }

    /// The beginning of a line on stdout: somebody is to answer.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it any more.
    pub fn ask(&mut self, text: &str) -> Result<(), Fault> {
        write!(self.out, "{text} ")?;
        Ok(self.out.flush()?)
    }

    /// A value for scripts: one line of JSON on stdout.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it any more.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.line(&text)
    }

    /// Rows under their heads, in columns that align.
    ///
    /// # Errors
    /// [`Fault`] when nobody reads it any more.
    pub fn table(&mut self, heads: &[&str], rows: &[Vec<String>]) -> Result<(), Fault> {
        let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| disarm(cell)).collect()).collect();
        let widths = widths(std::iter::once(&heads).chain(&rows));
        let head = self.toned(Tone::Quiet, &aligned(&heads, &widths));
        self.line(&head)?;
        rows.iter().try_for_each(|row| self.line(&aligned(row, &widths)))
    }

    /// Something in passing, on stderr.
    pub fn note(&mut self, text: &str) {
        // A closed stderr is nobody to tell.
        let _ = writeln!(self.err, "{}", paint(self.colour_err, Tone::Quiet, text));
    }

    /// What went wrong, on stderr; what the process ends with.
    pub fn fault(&mut self, fault: &Fault) -> ExitCode {
        for (index, text) in fault.told().into_iter().enumerate() {
            let lead = if index == 0 { paint(self.colour_err, Tone::Bad, "error:") } else { " ".to_owned() };
            for line in text.lines() {
                // A closed stderr is nobody to tell.
                let _ = writeln!(self.err, "{lead} {}", disarm(line));
            }
        }
        ExitCode::from(fault.exit_code())
    }

    /// `text` in a tone, where stdout shows colours.
    #[must_use]
    pub fn toned(&self, tone: Tone, text: &str) -> String {
        paint(self.colour_out, tone, text)
    }
}

fn paint(colours: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Quiet => "2",
        Tone::Bold => "1",
    };
    if colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn widths<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = cell.chars().count().max(*widest);
        }
    }
    widths
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

/// A time as tables show it: whole seconds, UTC.
#[must_use]
pub fn shown_time(at: Timestamp) -> String {
    at.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).chain(['Z']).collect()
}

/// The end of an id, which tells ids of the same moment apart.
#[must_use]
pub fn short_id(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Remembers what was written.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        /// What was written since the last look.
        pub(crate) fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    #[test]
    fn columns_align_and_nothing_steers_the_terminal() {
        let (out, err) = (Paper::default(), Paper::default());
        let mut terminal = Terminal::plain(out.clone(), err.clone(), false);
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        terminal.table(&["USER", "NAME"], &[row(["åse", "Å\u{1b}[2J"]), row(["a.long.name", ""])]).unwrap();
        assert_eq!(out.take(), "USER         NAME\nåse          Å\u{fffd}[2J\na.long.name\n");
        terminal.fault(&Fault::refused("It is\u{1b} so.\nReally.", "", "Do this."));
        assert_eq!(err.take(), "error: It is\u{fffd} so.\nerror: Really.\n  Do this.\n");
    }

    #[test]
    fn times_and_ids_are_short() {
        assert_eq!(shown_time(Timestamp::from_micros(1_700_000_000_000_001)), "2023-11-14 22:13:20Z");
        assert_eq!(short_id("01890a5d-ac96-774b-bcce-b302099a8057"), "b302099a8057");
    }
}
