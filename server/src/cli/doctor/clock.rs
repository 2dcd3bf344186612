//! The clock: what has run out, codes of apps, and proofs of phones go by it.

use gatematch_protocol::time::Timestamp;

use super::finding::{Finding, Row};
use crate::cli::terminal::shown_time;

/// This program was not there before.
const FIRST_DAY: Timestamp = Timestamp::from_numeric_date(1_767_225_600);
/// Nor will it be there then.
const LAST_DAY: Timestamp = Timestamp::from_numeric_date(4_102_444_800);
/// So much may an event be ahead, in microseconds: clocks are set by small steps.
const SMALL_STEP: i64 = 5_000_000;

pub(super) fn row(now: Timestamp, newest_event: Option<Timestamp>) -> Row {
    Row::new("clock", finding(now, newest_event))
}

fn finding(now: Timestamp, newest_event: Option<Timestamp>) -> Finding {
    let shown = shown_time(now);
    let todo = "Set it, and keep it set: timedatectl set-ntp true, or chrony.";
    if !(FIRST_DAY..LAST_DAY).contains(&now) {
        return Finding::fail(format!("It is {shown} by this machine's clock, which cannot be."), todo);
    }
    let Some(newest) = newest_event else {
        return Finding::ok(format!("It is {shown}, which can be. Nothing was recorded yet to compare it with."));
    };
    let ahead = newest.micros().saturating_sub(now.micros());
    if ahead > SMALL_STEP {
        let what = format!(
            "It is {shown} by this machine's clock, and the newest event of the audit log is of {}: the clock was set back, or was wrong then.",
            shown_time(newest)
        );
        return Finding::fail(what, todo);
    }
    Finding::ok(format!("It is {shown}, and no event of the audit log is from later."))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_right_is_told() {
        let now = Timestamp::from_numeric_date(1_800_000_000);
        for (now, newest, verdict) in [
            (now, None, Verdict::Ok),
            (now, Some(now), Verdict::Ok),
            (now, Some(now.plus_seconds(5)), Verdict::Ok),
            (now, Some(now.plus_seconds(6)), Verdict::Fail),
            (Timestamp::from_numeric_date(0), None, Verdict::Fail),
            (Timestamp::from_numeric_date(5_000_000_000), None, Verdict::Fail),
        ] {
            assert_eq!(finding(now, newest).verdict, verdict, "{now} {newest:?}");
        }
    }
}
