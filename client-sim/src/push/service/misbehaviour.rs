//! What a push service may do wrong, and the words for it.

use std::fmt;
use std::str::FromStr;

use gatematch_protocol::time::Timestamp;

/// How long a message is late where nothing else was said, in seconds.
const LATE_SECONDS: u32 = 15;
/// When to come back where nothing else was said, in seconds.
const RETRY_SECONDS: u32 = 30;
const MAX_SECONDS: u32 = 24 * 60 * 60;

/// One wrong thing that a push service does with every message until it is told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Takes the request and never answers.
    Hang,
    /// Answers one byte at a time.
    Drip,
    /// Closes the connection in place of an answer.
    Close,
    /// Answers 201 with a body of 1 GiB.
    Huge,
    /// Refuses every message.
    Refuse {
        /// 400 to 599.
        status: u16,
        /// What `Retry-After` says.
        retry_after: Option<RetryAfter>,
    },
    /// Answers 307 with this `Location`.
    Redirect(String),
    /// Delivers every message twice.
    Duplicate,
    /// Delivers every message so late, whatever its TTL; and at once when the misbehaviour ends.
    Late {
        /// How late.
        seconds: u32,
    },
    /// Delivers every second message before the first; a single one when the misbehaviour ends.
    Reorder,
}

/// The two forms of `Retry-After` (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// A count of seconds.
    Seconds(u32),
    /// An HTTP date that many seconds from now.
    Date(u32),
}

/// The words and what they mean, for the help.
pub const WORDS: [(&str, &str); 15] = [
    ("hang", "takes the message and never answers"),
    ("drip", "answers one byte at a time"),
    ("close", "closes the connection in place of an answer"),
    ("huge", "answers 201 with a body of 1 GiB"),
    ("403", "refuses the sender"),
    ("404", "does not know the subscription"),
    ("410", "says that the subscription is gone"),
    ("413", "finds every message too long"),
    ("429", "asks to come back in 30 s; 429:5 in 5 s, 429:date:5 the same as a date"),
    ("500", "fails"),
    ("503", "cannot now; 503:5 and 503:date:5 say when"),
    ("redirect:URL", "sends the message elsewhere, by 307"),
    ("duplicate", "delivers every message twice"),
    ("late", "delivers 15 s late; late:60 a minute late, whatever the message's TTL"),
    ("reorder", "delivers every second message before the first"),
];

/// A word that means nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no misbehaviour of a push service")]
pub struct UnknownWord(pub String);

impl FromStr for Misbehaviour {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord(word.chars().take(64).collect());
        let (name, rest) = match word.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (word, None),
        };
        let seconds = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|seconds| digits && *seconds <= MAX_SECONDS).ok_or_else(unknown)
        };
        match (name, rest) {
            ("hang", None) => Ok(Self::Hang),
            ("drip", None) => Ok(Self::Drip),
            ("close", None) => Ok(Self::Close),
            ("huge", None) => Ok(Self::Huge),
            ("duplicate", None) => Ok(Self::Duplicate),
            ("reorder", None) => Ok(Self::Reorder),
            ("late", None) => Ok(Self::Late { seconds: LATE_SECONDS }),
            ("late", Some(rest)) => Ok(Self::Late { seconds: seconds(rest)? }),
            ("redirect", Some(to)) if is_address(to) => Ok(Self::Redirect(to.to_owned())),
            _ => {
                let status = name.parse().ok().filter(|status| name.len() == 3 && (400..600).contains(status));
                let status: u16 = status.ok_or_else(unknown)?;
                let retry_after = match rest {
                    None => (status == 429).then_some(RetryAfter::Seconds(RETRY_SECONDS)),
                    Some(rest) => Some(match rest.strip_prefix("date:") {
                        Some(rest) => RetryAfter::Date(seconds(rest)?),
                        None => RetryAfter::Seconds(seconds(rest)?),
                    }),
                };
                Ok(Self::Refuse { status, retry_after })
            }
        }
    }
}

/// An absolute address of HTTP that can stand in a header.
fn is_address(text: &str) -> bool {
    let url = reqwest::Url::parse(text).ok();
    url.is_some_and(|url| matches!(url.scheme(), "http" | "https")) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The word that [`Misbehaviour::from_str`] reads.
impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hang => f.write_str("hang"),
            Self::Drip => f.write_str("drip"),
            Self::Close => f.write_str("close"),
            Self::Huge => f.write_str("huge"),
            Self::Refuse { status, retry_after: None } => write!(f, "{status}"),
            Self::Refuse { status, retry_after: Some(RetryAfter::Seconds(seconds)) } => write!(f, "{status}:{seconds}"),
            Self::Refuse { status, retry_after: Some(RetryAfter::Date(seconds)) } => {
                write!(f, "{status}:date:{seconds}")
            }
            Self::Redirect(to) => write!(f, "redirect:{to}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Late { seconds } => write!(f, "late:{seconds}"),
            Self::Reorder => f.write_str("reorder"),
        }
    }
}

impl RetryAfter {
    /// The value of the header, where it is `now`, as NumericDate.
    #[must_use]
    pub fn header(self, now: i64) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(seconds) => http_date(now.saturating_add(i64::from(seconds))),
        }
    }
}

/// A NumericDate as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
#[must_use]
pub fn http_date(at: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let weekday = usize::try_from(at.div_euclid(86_400).rem_euclid(7)).ok().and_then(|day| DAYS.get(day));
    // RFC 3339: 1994-11-06T08:49:37Z.
    let text = Timestamp::from_numeric_date(at).to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (weekday, month) = (weekday.copied().unwrap_or_default(), month.copied().unwrap_or_default());
    format!("{weekday}, {} {month} {} {} GMT", part(8, 10), part(0, 4), part(11, 19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_something_and_goes_there_and_back() {
        for (word, what) in WORDS {
            let word = word.replace("URL", "http://127.0.0.1:9/x");
            let misbehaviour: Misbehaviour = word.parse().unwrap();
            assert_eq!(misbehaviour.to_string().parse(), Ok(misbehaviour), "{word}");
            assert!(!what.is_empty());
        }
        let refuse = |status, retry_after| Ok(Misbehaviour::Refuse { status, retry_after });
        assert_eq!("429".parse(), refuse(429, Some(RetryAfter::Seconds(30))));
        assert_eq!("429:date:5".parse(), refuse(429, Some(RetryAfter::Date(5))));
        assert_eq!("503".parse(), refuse(503, None));
        assert_eq!("late:60".parse(), Ok(Misbehaviour::Late { seconds: 60 }));
    }

    #[test]
    fn other_words_are_refused() {
        for word in [
            "",
            "none",
            "Hang",
            "hang:1",
            "200",
            "399",
            "600",
            "0429",
            "+429",
            "429:",
            "429:-1",
            "429:date",
            "429:x",
            "429:86401",
            "late:",
            "late:+5",
            "redirect",
            "redirect:",
            "redirect:ftp://x/",
            "redirect:http://x/ y",
        ] {
            assert_eq!(word.parse::<Misbehaviour>(), Err(UnknownWord(word.to_owned())), "{word}");
        }
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        // The example of RFC 9110, section 5.6.7.
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(RetryAfter::Date(30).header(1_800_000_000), "Fri, 15 Jan 2027 08:00:30 GMT");
        assert_eq!(RetryAfter::Seconds(30).header(0), "30");
    }
}
