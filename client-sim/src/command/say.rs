//! How the simulator speaks: plain words on stdout, or JSON; faults on stderr.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::fault::Fault;

/// Where words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Say {
    json: bool,
    colour_out: bool,
    colour_err: bool,
}

/// The colours of a terminal; a state is told by its word as well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Good,
    Bad,
    Quiet,
    Bold,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Quiet => "2",
            Self::Bold => "1",
        }
    }
}

impl Say {
    pub(crate) fn new(json: bool) -> Self {
        // https://no-color.org: any value but the empty one.
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour_out = wanted && io::stdout().is_terminal();
        Self { json, colour_out, colour_err: wanted && io::stderr().is_terminal() }
    }

    /// Whether scripts are listening.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Says a line to people.
    pub(crate) fn line(self, text: &str) -> Result<(), Fault> {
        if self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// Asks people for something, without ending the line.
    pub(crate) fn ask(self, text: &str) -> Result<(), Fault> {
        let mut out = io::stdout().lock();
        write!(out, "{text} ")?;
        Ok(out.flush()?)
    }

    /// Says a value to scripts: one line.
    pub(crate) fn value(self, value: &Value) -> Result<(), Fault> {
        if !self.json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{value}")?;
        Ok(out.flush()?)
    }

    /// `text` in a tone, where stdout shows colours.
    pub(crate) fn toned(self, tone: Tone, text: &str) -> String {
        paint(self.colour_out, tone, text)
    }

    /// Says something in passing on stderr.
    pub(crate) fn note(self, text: &str) {
        // A closed stderr is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{}", paint(self.colour_err, Tone::Quiet, text));
    }

    /// Says what went wrong, what it means and what to do, and gives the exit code.
    pub(crate) fn fault(self, fault: &Fault) -> ExitCode {
        if fault.is_broken_pipe() {
            return ExitCode::SUCCESS;
        }
        let told = fault.told();
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "{} {}", paint(self.colour_err, Tone::Bad, "error:"), plain(&told.what));
        for line in [told.means, told.todo].iter().filter(|line| !line.is_empty()) {
            let _ = writeln!(err, "  {}", plain(line));
        }
        if let Some(code) = &told.code {
            let _ = writeln!(err, "  {}", paint(self.colour_err, Tone::Quiet, &format!("({})", plain(code))));
        }
        if self.json {
            let _ = self.value(&json!({"error": {"what": told.what, "code": told.code}}));
        }
        ExitCode::from(fault.exit_code())
    }
}

fn paint(colour: bool, tone: Tone, text: &str) -> String {
    if colour { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.code()) } else { text.to_owned() }
}

/// `text` from outside without anything that a terminal would obey, or that would turn its direction.
pub(crate) fn plain(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Rows under heads, in columns that align.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_reaches_the_terminal_as_an_order() {
        assert_eq!(plain("a\u{1b}[2Jb\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
        assert_eq!(plain("Oslo gateway, æøå"), "Oslo gateway, æøå");
    }

    #[test]
    fn columns_align() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["ID", "USER"]), row(["1234", "æ"])]), ["ID    USER", "1234  æ"]);
    }
}
