//! How findings are shown: for people, and for scripts.

use gatematch_domain::text::disarm;
use serde_json::{Value, json};

use super::finding::{Finding, Row, Tally, Verdict, Way};
use crate::cli::fault::Fault;
use crate::cli::terminal::{Terminal, Tone};

/// How long lines become, where words can be parted.
const WIDTH: usize = 100;
/// How wide the verdicts of [`rows`] are, with the blank after them.
const VERDICT: usize = 6;

/// What was found about this machine.
pub(super) fn rows(rows: &[Row], terminal: &mut Terminal) -> Result<(), Fault> {
    let tally = Tally::of(rows.iter().map(|row| &row.finding));
    if terminal.is_json() {
        let checks: Vec<_> = rows.iter().map(|row| with(json!({"part": row.part}), &row.finding)).collect();
        return terminal.json(&json!({"checks": checks, "failed": tally.failed, "warned": tally.warned}));
    }
    let widest = rows.iter().map(|row| row.part.len()).max().unwrap_or(0) + 2;
    for Row { part, finding } in rows {
        let word = toned(terminal, finding.verdict, VERDICT);
        paragraphs(&format!("{word}{part:<widest$}"), VERDICT + widest, finding, terminal)?;
    }
    terminal.line("")?;
    terminal.line(&told(tally))
}

/// The firewall table, and what there is to say about its rows.
pub(super) fn ways(ways: &[Way], terminal: &mut Terminal) -> Result<(), Fault> {
    let tally = Tally::of(ways.iter().map(|way| &way.finding));
    if terminal.is_json() {
        let ways: Vec<_> = ways.iter().map(in_json).collect();
        return terminal.json(&json!({"ways": ways, "failed": tally.failed, "warned": tally.warned}));
    }
    let cells = |(index, way): (usize, &Way)| {
        let number = (index + 1).to_string();
        let [from, to, port, why] = [&way.from, &way.to, &way.port, &way.why].map(Clone::clone);
        vec![number, from, to, port, why, way.finding.verdict.word().to_owned()]
    };
    let table: Vec<_> = ways.iter().enumerate().map(cells).collect();
    terminal.table(&["", "FROM", "TO", "PORT", "FOR", "RESULT"], &table)?;
    terminal.line("")?;
    let widest = ways.len().to_string().len() + 2;
    for (index, way) in ways.iter().enumerate() {
        let number = index + 1;
        let word = toned(terminal, way.finding.verdict, 0);
        let lead = format!("{number:<widest$}{word}  ");
        paragraphs(&lead, widest + way.finding.verdict.word().len() + 2, &way.finding, terminal)?;
    }
    terminal.line("")?;
    terminal.line(&told(tally))
}

fn in_json(way: &Way) -> Value {
    with(json!({"from": way.from, "to": way.to, "port": way.port, "for": way.why}), &way.finding)
}

fn with(mut value: Value, finding: &Finding) -> Value {
    if let Some(value) = value.as_object_mut() {
        let rest = [("result", finding.verdict.name()), ("what", &finding.what), ("todo", &finding.todo)];
        value.extend(rest.map(|(name, text)| (name.to_owned(), json!(text))));
    }
    value
}

fn toned(terminal: &Terminal, verdict: Verdict, width: usize) -> String {
    let tone = match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Warn | Verdict::Elsewhere => Tone::Bold,
        Verdict::Fail => Tone::Bad,
    };
    terminal.toned(tone, &format!("{:<width$}", verdict.word()))
}

fn told(tally: Tally) -> String {
    let Tally { ok, warned, failed, elsewhere } = tally;
    let rest = if elsewhere == 0 { String::new() } else { format!(", {elsewhere} to be checked from the other side") };
    format!("{ok} fine, {warned} to look at, {failed} failing{rest}.")
}

/// The sentence behind `lead`, which is `indent` wide on the screen, and below it what to do.
fn paragraphs(lead: &str, indent: usize, finding: &Finding, terminal: &mut Terminal) -> Result<(), Fault> {
    let what = wrapped(&disarm(&finding.what), WIDTH.saturating_sub(indent));
    let todo = wrapped(&disarm(&finding.todo), WIDTH.saturating_sub(indent));
    let first = what.first().map(String::as_str).unwrap_or_default();
    terminal.line(format!("{lead}{first}").trim_end())?;
    let rest = what.iter().skip(1).chain(&todo);
    rest.into_iter().try_for_each(|line| terminal.line(&format!("{:indent$}{line}", "")))
}

/// Breaks a text between words. A word that is too long has its own line, so that it can be copied.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrapped("a bc  def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("much-too-long a b", 4), ["much-too-long", "a b"]);
        assert_eq!(wrapped("", 4), Vec::<String>::new());
    }
}
