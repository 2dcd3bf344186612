//! Outside text: what clients, gateways and people write about themselves.
//!
//! It is shown to people who decide by it and written to logs, so what steers a terminal or turns the reading
//! direction is replaced; it is never refused for that, or a strange machine name would lock a person out.

use crate::fault::Fault;

/// The most characters of an outside text.
pub const MAX_CHARS: usize = 64;
/// The most bytes of an outside text, in UTF-8.
pub const MAX_BYTES: usize = 128;

/// Whether a character steers instead of showing: controls, line separators, bidirectional marks and overrides.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with every character that [`steers`] replaced by U+FFFD.
#[must_use]
pub fn disarm(text: &str) -> String {
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// An outside text of 1 to [`MAX_CHARS`] characters and at most [`MAX_BYTES`] bytes, disarmed.
///
/// # Errors
/// [`Fault::Range`] for another length.
pub fn outside(member: &str, given: &str) -> Result<String, Fault> {
    if given.is_empty() || given.len() > MAX_BYTES || given.chars().count() > MAX_CHARS {
        return Err(Fault::range(member, format!("must be 1 to {MAX_CHARS} characters and at most {MAX_BYTES} bytes")));
    }
    Ok(disarm(given))
}

/// [`outside`] for a member that may be absent.
///
/// # Errors
/// As [`outside`].
pub fn outside_if_given(member: &str, given: Option<&str>) -> Result<Option<String>, Fault> {
    given.map(|text| outside(member, text)).transpose()
}

/// Why somebody does something: an [`outside`] text that says something.
///
/// # Errors
/// As [`outside`]; and where there is neither a letter nor a digit in it.
pub fn reason(given: &str) -> Result<String, Fault> {
    if !given.chars().any(char::is_alphanumeric) {
        return Err(Fault::range("reason", "must say something"));
    }
    outside("reason", given)
}

/// A name that no account has, fit to be shown: cut to 128 characters, disarmed.
#[must_use]
pub fn cut_unknown_user(given: &str) -> String {
    disarm(&given.chars().take(128).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_refused_and_steering_is_replaced() {
        assert_eq!(outside("name", "CLIENT-PC").as_deref(), Ok("CLIENT-PC"));
        assert_eq!(outside("name", "a\r\nb\u{202e}c").as_deref(), Ok("a\u{fffd}\u{fffd}b\u{fffd}c"));
        for bad in ["", &"a".repeat(65), &"\u{10348}".repeat(33)] {
            assert!(outside("name", bad).is_err(), "{bad}");
        }
        assert!(outside("name", &"\u{10348}".repeat(32)).is_ok());
    }
}
