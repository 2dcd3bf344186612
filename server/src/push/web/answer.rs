//! What the answer of a push service means: its status and `Retry-After`, and nothing else of it.

use std::time::Duration;

use gatematch_protocol::time::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::push::{MOST_REST_SECONDS, Outcome};

/// What a status means (RFC 8030 sections 5 and 7.3, RFC 8292 section 4.2).
pub(super) fn outcome(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Outcome {
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    match status.as_u16() {
        200..=299 => Outcome::Delivered,
        404 | 410 => Outcome::Gone,
        status @ (401 | 403) => Outcome::Refused { status },
        429 => Outcome::Busy { retry_after },
        503 if retry_after.is_some() => Outcome::Busy { retry_after },
        413 => Outcome::TooLarge,
        status @ 500.. => Outcome::Failed { why: format!("status {status}") },
        status => Outcome::Rejected { status },
    }
}

/// Seconds or an HTTP date (RFC 9110 section 10.2.3), at most an hour.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let most = Duration::from_secs(MOST_REST_SECONDS.unsigned_abs());
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(most, Duration::from_secs).min(most));
    }
    Some(Timestamp::from_http_date(text)?.since(now).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        let now = Timestamp::from_numeric_date(784_111_777);
        let of = |status: u16, retry_after: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(text) = retry_after {
                headers.insert(RETRY_AFTER, text.parse().unwrap());
            }
            outcome(StatusCode::from_u16(status).unwrap(), &headers, now)
        };
        let busy = |seconds: Option<u64>| Outcome::Busy { retry_after: seconds.map(Duration::from_secs) };
        for status in [200, 201, 202, 204] {
            assert_eq!(of(status, None), Outcome::Delivered);
        }
        assert_eq!((of(404, None), of(410, Some("9"))), (Outcome::Gone, Outcome::Gone));
        for status in [401, 403] {
            assert_eq!(of(status, None), Outcome::Refused { status });
        }
        for status in [300, 304, 307, 400, 402, 405, 408, 418, 422, 431] {
            assert_eq!(of(status, Some("9")), Outcome::Rejected { status });
        }
        assert_eq!(of(413, None), Outcome::TooLarge);
        for status in [500, 501, 502, 503, 504, 599, 999] {
            assert!(matches!(of(status, None), Outcome::Failed { .. }), "{status}");
        }
        assert!(matches!(of(502, Some("9")), Outcome::Failed { .. }));
        assert_eq!(of(503, Some("9")), busy(Some(9)));
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("3601", Some(3_600)),
            ("99999999999999999999999", Some(3_600)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:00:00 GMT", Some(3_600)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(of(429, Some(text)), busy(seconds), "{text}");
        }
        assert_eq!(of(429, None), busy(None));
    }
}
