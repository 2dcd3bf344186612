//! Whether this machine's clock goes with those of others.

use gatematch_protocol::time::Timestamp;

use super::super::finding::{Finding, Way};
use super::HERE;

/// Up to so many seconds nobody notices. An answer has whole seconds, and takes its time.
const UNNOTICED: i64 = 5;
/// Beyond, codes of authenticator apps fail; beyond 60, so does everything that phones send.
const TOO_MUCH: i64 = 30;

/// By how much this machine's clock is ahead of somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// Whose.
    pub(super) of: String,
    /// Negative where it is behind.
    pub(super) seconds: i64,
}

impl Offset {
    /// `now` is when it was told.
    pub(super) fn new(of: &str, date: Timestamp, now: Timestamp) -> Self {
        Self { of: of.to_owned(), seconds: now.numeric_date() - date.numeric_date() }
    }
}

pub(super) fn way(offsets: &[Offset]) -> Way {
    let (from, to, port) = (HERE.to_owned(), "time server".to_owned(), "123/udp".to_owned());
    Way { from, to, port, why: "clock".to_owned(), finding: finding(offsets) }
}

fn finding(offsets: &[Offset]) -> Finding {
    let todo =
        "Let it be set from the network: timedatectl set-ntp true, or chrony; and open UDP 123 to a time server.";
    let mut sorted: Vec<_> = offsets.iter().collect();
    sorted.sort_by_key(|offset| offset.seconds);
    // One of them may be wrong himself.
    let Some(offset) = sorted.get(sorted.len() / 2) else {
        let what = "Nobody was reached who tells the time, so it was not compared.";
        return Finding::warn(what, "See: timedatectl");
    };
    let (of, seconds) = (&offset.of, offset.seconds);
    let what = match seconds {
        0 => format!("The clock goes with that of {of}."),
        1.. => format!("The clock is {seconds} s ahead of that of {of}."),
        _ => format!("The clock is {} s behind that of {of}.", -seconds),
    };
    match seconds.abs() {
        0..=UNNOTICED => Finding::ok(what),
        ..=TOO_MUCH => Finding::warn(what, todo),
        _ => Finding::fail(what, todo),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_clock_is_judged_by_the_one_in_the_middle() {
        let of = |seconds: &[i64]| {
            let offsets: Vec<_> =
                seconds.iter().map(|seconds| Offset { of: "x".to_owned(), seconds: *seconds }).collect();
            finding(&offsets)
        };
        assert_eq!(of(&[]).verdict, Verdict::Warn);
        assert_eq!((of(&[0]).verdict, of(&[-5, 5]).verdict), (Verdict::Ok, Verdict::Ok));
        assert_eq!(of(&[1, -4_000, 2]).verdict, Verdict::Ok, "one of three is wrong");
        assert_eq!(
            (of(&[6]).verdict, of(&[-30]).verdict, of(&[-31]).verdict),
            (Verdict::Warn, Verdict::Warn, Verdict::Fail)
        );
        assert_eq!(of(&[-31]).what, "The clock is 31 s behind that of x.");
    }
}
