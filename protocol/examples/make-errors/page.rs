//! `docs/errors.md`, made of the table of problems and of the reasons of a challenge.

use gatematch_protocol::problem::reasons::{Explained, LIMITS, REASONS, REFUSED};
use gatematch_protocol::problem::{Code, ProblemDocument, Words};

/// Where the page stands.
pub(crate) const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");

/// The longest line of the page, but for tables, in characters.
const WIDTH: usize = 118;

/// What each status means, in the order of the page.
const STATUSES: [(u16, &str); 15] = [
    (400, "the request cannot be read"),
    (401, "the credential does not hold"),
    (403, "this caller may not"),
    (404, "it is not there"),
    (405, "not by this method"),
    (409, "it does not fit how things stand"),
    (410, "it is over"),
    (412, "another version holds"),
    (413, "the body is too large"),
    (415, "the body is of another kind"),
    (422, "a value cannot be taken"),
    (428, "it must be said what is replaced"),
    (429, "too many failures"),
    (500, "a fault of the server"),
    (503, "not now"),
];

const HEAD: &str = include_str!("head.md");
const REASONS_HEAD: &str = include_str!("reasons.md");
const TAIL: &str = include_str!("tail.md");

/// The page as it should stand in [`FILE`].
///
/// # Errors
/// The example of a problem document that is no JSON.
pub(crate) fn errors_page() -> Result<String, serde_json::Error> {
    let detail = "The code is not the one that the phone shows. The third wrong try removes the phone.";
    let example = serde_json::to_string_pretty(&ProblemDocument::new(Code::WrongCode, detail))?;
    let mut page = HEAD.replace("{example}", &example).replace("{contents}", &contents());
    for (status, meaning) in STATUSES {
        page.push_str(&format!("## {status}: {meaning}\n\n"));
        for code in of_status(status) {
            page.push_str(&about_code(code));
        }
    }
    let refused = wrapped("> ", &format!("\"{REFUSED}\""), "> ");
    page.push_str(&REASONS_HEAD.replace("{refused}", refused.trim_end()));
    for reason in &REASONS {
        page.push_str(&about_reason(reason));
    }
    page.push_str(&limits());
    page.push_str(TAIL);
    Ok(page)
}

fn of_status(status: u16) -> impl Iterator<Item = Code> {
    Code::ALL.iter().copied().filter(move |code| code.status() == status)
}

fn contents() -> String {
    let mut lines = String::new();
    for (status, meaning) in STATUSES {
        let codes: Vec<String> = of_status(status).map(link).collect();
        lines.push_str(&wrapped("* ", &format!("**{status}**, {meaning}: {}", codes.join(", ")), "  "));
    }
    lines.push_str("* [The reasons of a challenge](#the-reasons-of-a-challenge)\n");
    lines.push_str("* [How to check: from an error to the audit log](#how-to-check-from-an-error-to-the-audit-log)");
    lines
}

fn link(code: Code) -> String {
    format!("[`{code}`](#{code})")
}

fn about_code(code: Code) -> String {
    let Words { person, cause, cure } = code.words();
    let mut text = format!("### `{code}`\n\n");
    text.push_str(&wrapped("", &format!("{}. {}.", code.status(), code.title()), ""));
    text.push('\n');
    text.push_str(&wrapped("* ", &format!("**What the person is told:** \"{person}\""), "  "));
    text.push_str(&why_and_what(cause, cure));
    text
}

fn about_reason(reason: &Explained) -> String {
    format!("### `{}`\n\n{}", reason.word, why_and_what(reason.cause, reason.cure))
}

fn why_and_what(cause: &str, cure: &str) -> String {
    let why = wrapped("* ", &format!("**Why:** {cause}"), "  ");
    format!("{why}{}\n", wrapped("* ", &format!("**What to do:** {cure}"), "  "))
}

fn limits() -> String {
    let row = |limit: &Explained| format!("| `{}` | {} | {} |\n", limit.word, limit.cause, limit.cure);
    let rows: String = LIMITS.iter().map(row).collect();
    format!("### The limits\n\n| `limit` | why | what to do |\n| --- | --- | --- |\n{rows}\n")
}

/// `text` in lines of at most [`WIDTH`] characters, the first after `first` and the others after `rest`. What stands
/// between backticks, and a link, is never parted.
fn wrapped(first: &str, text: &str, rest: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in words(text) {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            rest.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&word);
        is_empty = false;
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for piece in text.split(' ') {
        match words.last_mut() {
            Some(open) if open.matches('`').count() % 2 == 1 => {
                open.push(' ');
                open.push_str(piece);
            }
            _ => words.push(piece.to_owned()),
        }
    }
    words
}
