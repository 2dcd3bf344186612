//! For how long something is to hold, and when something is, as people type it.

use gatematch_protocol::time::Timestamp;

/// The units, in seconds.
const UNITS: [(&str, i64); 3] = [("m", 60), ("h", 3_600), ("d", 86_400)];

/// The seconds in `30m`, `8h` or `2d`; refused above `most`.
///
/// # Errors
/// What to write instead.
pub(super) fn seconds(text: &str, most: i64) -> Result<i64, String> {
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (count, unit) = unit.ok_or("write minutes, hours or days: 30m, 8h, 2d")?;
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write a whole number of minutes, hours or days: 30m, 8h, 2d".to_owned());
    }
    let total = count.parse::<i64>().ok().and_then(|count| count.checked_mul(unit));
    match total.filter(|total| *total <= most) {
        Some(0) => Err("nothing holds for no time".to_owned()),
        Some(total) => Ok(total),
        None => Err(format!("it can be {} at most", shown(most))),
    }
}

/// A point in time, with its zone.
///
/// # Errors
/// What to write instead.
pub(super) fn time(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "write the day, the time and the zone: 2031-01-31T08:00Z, 2031-01-31T08:00+01:00")
}

/// Seconds in the largest unit that they fill; a single day in hours, as people say it.
fn shown(seconds: i64) -> String {
    let unit = UNITS.iter().rev().find(|(name, unit)| seconds % unit == 0 && (*name, seconds) != ("d", *unit));
    unit.map_or_else(|| format!("{seconds} seconds"), |(unit, length)| format!("{}{unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_hours_and_days() {
        for (text, expected) in [("30m", 1_800), ("8h", 28_800), ("2d", 172_800), ("30d", 2_592_000), ("08h", 28_800)] {
            assert_eq!(seconds(text, 2_592_000), Ok(expected), "{text}");
        }
        for text in ["", "8", "h", "8 h", "8H", "8x", "-8h", "+8h", "1.5h", "1h30m", "8é", "٣h"] {
            assert!(seconds(text, 2_592_000).unwrap_err().contains("8h"), "{text}");
        }
        assert!(seconds("0m", 60).is_err());
        for (text, most, told) in
            [("31d", 2_592_000, "30d"), ("25h", 86_400, "24h at most"), ("2m", 60, "1m"), ("1m", 59, "59 s")]
        {
            assert!(seconds(text, most).unwrap_err().contains(told), "{text}");
        }
        for text in ["9223372036854775807d", "99999999999999999999m"] {
            assert!(seconds(text, i64::MAX).is_err(), "{text}");
        }
    }
}
