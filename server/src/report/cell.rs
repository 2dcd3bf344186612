//! What stands in a column of a row: typed in JSON, plain in CSV.

use gatematch_domain::text::disarm;
use gatematch_protocol::time::Timestamp;
use serde::Serialize;

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Words.
    Text(String),
    /// A count.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// When.
    Time(Timestamp),
    /// Several words.
    List(Vec<String>),
}

/// A spreadsheet takes what begins so for a formula.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

impl Cell {
    /// As CSV has it, before it is quoted: nothing in it steers, and no spreadsheet takes it for a formula.
    pub(crate) fn in_csv(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => guarded(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(at) => at.to_string(),
            Self::List(words) => guarded(&words.join("; ")),
        }
    }
}

/// What parts cells, in one country or another: whoever reads the file by another sign than ours begins a cell there. A tab
/// does too, and is none any more when it is written.
const PARTS: [char; 3] = [';', ',', '|'];

fn guarded(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for character in text.chars() {
        if begins && FORMULA.contains(&character) {
            guarded.push('\'');
        }
        guarded.push(character);
        begins = PARTS.contains(&character) || (begins && matches!(character, ' ' | '"'));
    }
    disarm(&guarded)
}

/// A line of CSV. A semicolon is quoted as well: in many countries spreadsheets part cells by it.
pub(crate) fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells
        .map(|cell| if cell.contains(['"', ',', ';']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_line() {
        for (text, expected) in [
            ("alice", "alice"),
            ("=cmd()", "'=cmd()"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM", "'@SUM"),
            ("x;=1+1;y", "x;'=1+1;y"),
            ("x, @SUM(A1)", "x, '@SUM(A1)"),
            ("x;\"=1", "x;\"'=1"),
            ("a-b=c", "a-b=c"),
            ("\t=1", "'\u{fffd}=1"),
            ("\r\n=1", "'\u{fffd}\u{fffd}=1"),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
            ("a\nb\u{1b}[2J", "a\u{fffd}b\u{fffd}[2J"),
        ] {
            assert_eq!(Cell::from(text).in_csv(), expected);
        }
        let list = Cell::List(vec!["=a".to_owned(), "b".to_owned()]);
        assert_eq!(
            csv_line([list.in_csv(), "say \"x\"".to_owned(), "1".to_owned()].into_iter()),
            "\"'=a; b\",\"say \"\"x\"\"\",1\r\n"
        );
    }
}
