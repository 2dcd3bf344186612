//! Times of day and days, on the clocks of one place.
//!
//! A login is in some hours where the clock on the wall shows them: in the night on which clocks are set forward the
//! hour that is left out never is, and in the one on which they are set back the hour that comes twice is so twice.

use std::fmt;

use gatematch_protocol::policy as wire;
use gatematch_protocol::time::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::rule::{Why, cut};

/// The days of a week as they are written, from Monday on.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// A time zone of the database that is in the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    fn named(name: &str) -> Result<Self, Why> {
        let unknown = || format!("zone {:?} is not in the IANA database; it is written as Europe/Oslo", cut(name));
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
        // Whatever case it was written in, one zone has one name.
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, zone })
    }

    /// The name in the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clocks show there; `None` for a time that no calendar has.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> Option<DateTime> {
        let at = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
        Some(self.zone.to_datetime(at))
    }
}

/// The condition `hours`: a window of each of some days.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    /// Monday first.
    days: [bool; 7],
    /// In minutes since midnight; inclusive.
    from: u16,
    /// In minutes since midnight; exclusive.
    to: u16,
    /// Whose clocks.
    pub zone: Zone,
}

impl Hours {
    pub(super) fn read(written: &wire::Hours) -> Result<Self, Why> {
        let mut days = [false; 7];
        for word in &written.days {
            let day = DAYS.iter().zip(&mut days).find(|(day, _)| *day == word).map(|(_, flag)| flag);
            *day.ok_or_else(|| format!("hours: day {:?} must be one of {}", cut(word), DAYS.join(", ")))? = true;
        }
        if written.days.is_empty() {
            return Err("hours: days must not be empty".to_owned());
        }
        let zone = Zone::named(&written.zone).map_err(|why| format!("hours: {why}"))?;
        Ok(Self { days, from: minute("from", &written.from)?, to: minute("to", &written.to)?, zone })
    }

    pub(super) fn written(&self) -> wire::Hours {
        let days = DAYS.iter().zip(self.days).filter(|(_, on)| *on).map(|(day, _)| (*day).to_owned());
        wire::Hours { days: days.collect(), from: clock(self.from), to: clock(self.to), zone: self.zone.name.clone() }
    }

    /// Whether there is no time outside of it.
    pub(super) fn are_a_whole_week(&self) -> bool {
        self.from == self.to && self.days.iter().all(|on| *on)
    }

    /// Whether its windows are whole days that do not begin at midnight: who writes that mostly means something else.
    pub(super) const fn are_odd(&self) -> bool {
        self.from == self.to && self.from != 0
    }

    /// Whether `local`, what the clocks of its zone show, is in one of the windows.
    #[must_use]
    pub fn have(&self, local: DateTime) -> bool {
        let minute = minute_of(local);
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let on = |day: usize| self.days.get(day % 7).copied().unwrap_or(false);
        if self.from < self.to {
            return on(day) && (self.from..self.to).contains(&minute);
        }
        // Over midnight: the rest of the window belongs to the day before.
        (on(day) && minute >= self.from) || (on(day + 6) && minute < self.to)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire::Hours { days, from, to, zone } = self.written();
        let days = if self.days.iter().all(|on| *on) { "every day".to_owned() } else { days.join(", ") };
        write!(f, "{days} {from} to {to} ({zone})")
    }
}

/// The condition `dates`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dates {
    from: Option<Date>,
    before: Option<Date>,
    /// Whose calendar.
    pub zone: Zone,
}

impl Dates {
    pub(super) fn read(written: &wire::Dates) -> Result<Self, Why> {
        let date = |member: &str, text: Option<&String>| {
            let read = |text: &String| {
                let date = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
                date.ok_or_else(|| format!("dates: {member} {:?} must be a day, written as 2026-01-31", cut(text)))
            };
            text.map(read).transpose()
        };
        let (from, before) = (date("from", written.from.as_ref())?, date("before", written.before.as_ref())?);
        match (from, before) {
            (None, None) => return Err("dates: needs from, before, or both".to_owned()),
            (Some(from), Some(before)) if from >= before => {
                return Err("dates: from must be earlier than before".to_owned());
            }
            _ => {}
        }
        Ok(Self { from, before, zone: Zone::named(&written.zone).map_err(|why| format!("dates: {why}"))? })
    }

    pub(super) fn written(&self) -> wire::Dates {
        let text = |date: Option<Date>| date.map(|date| date.to_string());
        wire::Dates { from: text(self.from), before: text(self.before), zone: self.zone.name.clone() }
    }

    /// Whether `local`, what the clocks of its zone show, is on one of the days.
    #[must_use]
    pub fn have(&self, local: DateTime) -> bool {
        let today = local.date();
        self.from.is_none_or(|from| from <= today) && self.before.is_none_or(|before| today < before)
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the days ")?;
        if let Some(from) = self.from {
            write!(f, "from {from} ")?;
        }
        if let Some(before) = self.before {
            write!(f, "before {before} ")?;
        }
        write!(f, "({})", self.zone.name)
    }
}

/// `local` in few words: `Tue 2026-11-24 08:15`.
pub(super) fn shown(local: DateTime) -> String {
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).ok().and_then(|day| DAYS.get(day));
    format!("{} {} {}", day.unwrap_or(&"?"), local.date(), clock(minute_of(local)))
}

fn minute_of(local: DateTime) -> u16 {
    let (hour, minute) = (local.hour().unsigned_abs(), local.minute().unsigned_abs());
    u16::from(hour) * 60 + u16::from(minute)
}

fn minute(member: &str, text: &str) -> Result<u16, Why> {
    let two = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?;
    let read = text.split_once(':').and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)));
    let sound = read.filter(|(hours, minutes): &(u16, u16)| *hours < 24 && *minutes < 60);
    sound
        .map(|(hours, minutes)| hours * 60 + minutes)
        .ok_or_else(|| format!("hours: {member} {:?} must be a time of day, from 00:00 to 23:59", cut(text)))
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute % DAY_MINUTES / 60, minute % 60)
}
