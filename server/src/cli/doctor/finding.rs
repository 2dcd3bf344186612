//! What was found.

use crate::cli::fault::Fault;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
    /// Nobody can tell from here.
    Elsewhere,
}

impl Verdict {
    /// For people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Elsewhere => "CHECK THERE",
        }
    }

    /// For scripts.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Elsewhere => "check-there",
        }
    }
}

/// How it is, in a sentence, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) what: String,
    /// May be empty.
    pub(super) todo: String,
}

impl Finding {
    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, what: sentence(what.into()), todo: String::new() }
    }

    pub(super) fn warn(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, what: sentence(what.into()), todo: todo.into() }
    }

    pub(super) fn fail(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, what: sentence(what.into()), todo: todo.into() }
    }

    pub(super) fn elsewhere(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Verdict::Elsewhere, what: sentence(what.into()), todo: todo.into() }
    }
}

/// Faults begin in the middle of a sentence; what they name keeps its small letters.
fn sentence(text: String) -> String {
    match text.split_once(' ') {
        Some(("the", rest)) => format!("The {rest}"),
        Some(("a", rest)) => format!("A {rest}"),
        _ => text,
    }
}

/// What was found about a part of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) part: &'static str,
    pub(super) finding: Finding,
}

impl Row {
    pub(super) const fn new(part: &'static str, finding: Finding) -> Self {
        Self { part, finding }
    }
}

/// What must be open in a firewall, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) from: String,
    pub(super) to: String,
    /// Such as `443/tcp`.
    pub(super) port: String,
    pub(super) why: String,
    pub(super) finding: Finding,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) ok: usize,
    pub(super) warned: usize,
    pub(super) failed: usize,
    pub(super) elsewhere: usize,
}

impl Tally {
    pub(super) fn of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            match finding.verdict {
                Verdict::Ok => tally.ok += 1,
                Verdict::Warn => tally.warned += 1,
                Verdict::Fail => tally.failed += 1,
                Verdict::Elsewhere => tally.elsewhere += 1,
            }
        }
        tally
    }

    /// How the command ends: with a fault where something fails, so that scripts see it.
    pub(super) fn end(self) -> Result<(), Fault> {
        match self.failed {
            0 => Ok(()),
            1 => Err(Fault::refused("One check fails.", "", "")),
            failed => Err(Fault::refused(format!("{failed} checks fail."), "", "")),
        }
    }
}
