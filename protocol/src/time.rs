//! Points in time: microseconds since the Unix epoch, UTC.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
///
/// As text it is RFC 3339 with exactly six decimals and `Z`; inside a JWT it is a NumericDate in whole
/// seconds ([`Timestamp::numeric_date`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    const FIRST_WRITABLE: i64 = -62_167_219_200_000_000; // 0000-01-01T00:00:00Z
    const LAST_WRITABLE: i64 = 253_402_207_200_000_000; // 9999-12-30T22:00:00Z, the last second that jiff takes

    /// The point `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The start of the second that a NumericDate (RFC 7519, section 2) names.
    #[must_use]
    pub const fn from_numeric_date(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The second that an HTTP date names (RFC 9110 section 5.6.7, the form of today: `Sun, 06 Nov 1994 08:49:37 GMT`);
    /// `None` for any other text.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        text.ends_with(" GMT").then(|| Self(at.as_microsecond()))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch; 0 before it.
    #[must_use]
    pub const fn millis(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0.unsigned_abs() / 1_000 }
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn numeric_date(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This point moved by `seconds`; stays at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Time from `earlier` to this point; zero when it lies after.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A phone may claim any time: one outside the years that RFC 3339 can write shows as the nearest inside.
        let writable = self.0.clamp(Self::FIRST_WRITABLE, Self::LAST_WRITABLE);
        let at = jiff::Timestamp::from_microsecond(writable).map_err(|_| fmt::Error)?;
        write!(f, "{at:.6}")
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_six_decimals_and_z() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_700_000_000_000_001, "2023-11-14T22:13:20.000001Z"),
            (1_700_000_000_500_000, "2023-11-14T22:13:20.500000Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().ok(), Some(Timestamp::from_micros(micros)));
        }
    }

    #[test]
    fn every_time_can_be_written() {
        for micros in [i64::MIN, i64::MAX, Timestamp::from_numeric_date(1 << 60).micros()] {
            let text = Timestamp::from_micros(micros).to_string();
            assert_eq!(text.len(), "1970-01-01T00:00:00.000000Z".len(), "{text}");
            assert!(text.parse::<Timestamp>().is_ok(), "{text}");
        }
    }

    #[test]
    fn an_http_date_is_read_in_the_form_of_today() {
        let at = Timestamp::from_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at, Some(Timestamp::from_numeric_date(784_111_777)));
        for text in ["", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"] {
            assert_eq!(Timestamp::from_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_numeric_date_rounds_down() {
        assert_eq!(Timestamp::from_micros(1_999_999).numeric_date(), 1);
        assert_eq!(Timestamp::from_micros(-1).numeric_date(), -1);
    }
}
