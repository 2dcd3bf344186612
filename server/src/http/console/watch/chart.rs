//! How sign-ins ended, over time: areas upon each other, drawn here as SVG.

use super::At;
use crate::tally::{ENDINGS, Ending, Span};
use crate::words::watch::Watch;
use crate::words::with;

/// A chart with the names of its areas beside it: for where there is room.
const WIDE: Frame = Frame { width: 960.0, height: 260.0, left: 52.0, right: 706.0, top: 16.0, bottom: 226.0 };
/// One without.
const NARROW: Frame = Frame { width: 420.0, height: 250.0, left: 52.0, right: 404.0, top: 16.0, bottom: 214.0 };
/// How far names beside the chart are apart at least.
const LINE: f64 = 22.0;

/// Where the areas are in the picture.
#[derive(Clone, Copy)]
struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// A chart and its numbers.
pub(super) struct Chart {
    /// Names it within the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What it shows, in words.
    pub(super) desc: String,
    /// The head of the first column of the numbers.
    pub(super) unit: &'static str,
    /// Whether there was anything.
    pub(super) is_empty: bool,
    pub(super) pictures: [Picture; 2],
    /// The names of the areas with their sums, those that there are.
    pub(super) key: Vec<Key>,
    pub(super) rows: Vec<Row>,
    pub(super) sums: [u64; ENDINGS],
    pub(super) sum: u64,
}

/// The name of an area.
pub(super) struct Key {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) sum: u64,
}

/// The numbers of some time.
pub(super) struct Row {
    pub(super) at: At,
    /// The hour or the day, in UTC.
    pub(super) shown: String,
    pub(super) counts: [u32; ENDINGS],
    pub(super) sum: u64,
}

/// The chart as a picture of one size.
pub(super) struct Picture {
    /// `wide` or `narrow`.
    pub(super) size: &'static str,
    pub(super) view: String,
    pub(super) left: String,
    pub(super) right: String,
    pub(super) bottom: String,
    pub(super) areas: Vec<Area>,
    /// The last of the times, which is not over.
    pub(super) unfinished: String,
    pub(super) names: Vec<Name>,
    pub(super) heights: Vec<Mark>,
    pub(super) times: Vec<Mark>,
}

pub(super) struct Area {
    pub(super) class: &'static str,
    pub(super) path: String,
}

/// The name of an area beside it, and the line that leads there.
pub(super) struct Name {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) sum: u64,
    pub(super) line: String,
    pub(super) x: String,
    pub(super) y: String,
}

/// A mark on an axis.
pub(super) struct Mark {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text: String,
    /// For the script, where it is a time.
    pub(super) machine: String,
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

impl Chart {
    pub(super) fn of_hours(spans: &[Span], words: &'static Watch) -> Self {
        Self::of(("hours", words.hours_title, words.hour, 6), spans, words)
    }

    pub(super) fn of_days(spans: &[Span], words: &'static Watch) -> Self {
        Self::of(("days", words.days_title, words.day, 7), spans, words)
    }

    fn of(
        (id, title, unit, every): (&'static str, &'static str, &'static str, usize),
        spans: &[Span],
        words: &'static Watch,
    ) -> Self {
        let row = |span: &Span| Row {
            at: At::from(span.from),
            shown: shown(id, span),
            counts: span.counts,
            sum: span.counts.iter().map(|count| u64::from(*count)).sum(),
        };
        let rows: Vec<Row> = spans.iter().map(row).collect();
        let mut sums = [0_u64; ENDINGS];
        for (sum, count) in
            rows.iter().flat_map(|row| row.counts).enumerate().map(|(index, count)| (index % ENDINGS, count))
        {
            if let Some(sum) = sums.get_mut(sum) {
                *sum += u64::from(count);
            }
        }
        let sum = sums.iter().sum();
        let named = Ending::ALL.into_iter().zip(sums).filter(|(_, sum)| *sum > 0);
        let key: Vec<Key> =
            named.map(|(ending, sum)| Key { class: ending.as_str(), name: words.ending(ending), sum }).collect();
        let told: Vec<String> = key.iter().map(|key| format!("{} {}", key.name, key.sum)).collect();
        let desc = match sum {
            0 => words.chart_none.to_owned(),
            sum => with(words.chart_desc, &[&sum.to_string(), &told.join(", ")]),
        };
        let pictures =
            [("wide", WIDE), ("narrow", NARROW)].map(|(size, frame)| Picture::of((size, frame), &rows, &key, every));
        Self { id, title, desc, unit, is_empty: sum == 0, pictures, key, rows, sums, sum }
    }
}

/// The hour or the day, in UTC.
fn shown(id: &str, span: &Span) -> String {
    let text = span.from.to_string();
    let part = if id == "hours" { text.get(11..16) } else { text.get(5..10) };
    part.unwrap_or_default().to_owned()
}

/// The least of 1, 2, 4, 10, 20, 40, ... that is not less: half of it is whole, but for 1.
fn ceiling(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for of_unit in [1, 2, 4] {
            if most <= unit.saturating_mul(of_unit) {
                return unit.saturating_mul(of_unit);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

impl Picture {
    fn of((size, frame): (&'static str, Frame), rows: &[Row], key: &[Key], every: usize) -> Self {
        let most = ceiling(rows.iter().map(|row| row.sum).max().unwrap_or(0).max(1));
        let last = rows.len().saturating_sub(1).max(1) as f64;
        let x = |index: usize| frame.left + (frame.right - frame.left) * index as f64 / last;
        let y = |value: u64| frame.bottom - (frame.bottom - frame.top) * value as f64 / most as f64;
        let mut below = vec![0_u64; rows.len()];
        let (mut areas, mut ends) = (Vec::new(), Vec::new());
        for key in key {
            let place = Ending::ALL.iter().position(|ending| ending.as_str() == key.class).unwrap_or(0);
            let count = |row: &Row| row.counts.get(place).copied().map_or(0, u64::from);
            let above: Vec<u64> = below.iter().zip(rows).map(|(below, row)| below + count(row)).collect();
            let point = |(index, value): (usize, &u64)| format!("{},{}", number(x(index)), number(y(*value)));
            let there: Vec<String> = above.iter().enumerate().map(point).collect();
            let back: Vec<String> = below.iter().enumerate().rev().map(point).collect();
            areas.push(Area { class: key.class, path: format!("M{} L{} Z", there.join(" L"), back.join(" L")) });
            let end = |values: &[u64]| values.last().copied().unwrap_or(0);
            ends.push(f64::midpoint(y(end(&below)), y(end(&above))));
            below = above;
        }
        let middle = (most > 1).then_some(most / 2);
        let heights = [Some(0), middle, Some(most)].into_iter().flatten().map(|value| Mark {
            x: number(frame.left - 8.0),
            y: number(y(value)),
            text: value.to_string(),
            machine: String::new(),
        });
        let times = rows.iter().enumerate().rev().step_by(every).map(|(index, row)| Mark {
            x: number(x(index)),
            y: number(frame.bottom + 24.0),
            text: row.shown.clone(),
            machine: row.at.machine.clone(),
        });
        Self {
            size,
            view: format!("0 0 {} {}", frame.width, frame.height),
            left: number(frame.left),
            right: number(frame.right),
            bottom: number(frame.bottom),
            areas,
            unfinished: format!(
                "M{},{} H{} V{} H{} Z",
                number(x(rows.len().saturating_sub(2))),
                number(frame.top),
                number(frame.right),
                number(frame.bottom),
                number(x(rows.len().saturating_sub(2)))
            ),
            names: if size == "wide" { names(frame, key, &ends) } else { Vec::new() },
            heights: heights.collect(),
            times: times.collect(),
        }
    }
}

/// Puts the names of areas beside where those end, and none upon another.
fn names(frame: Frame, key: &[Key], ends: &[f64]) -> Vec<Name> {
    // From the bottom up, as the areas are. What is pushed beyond the top pushes back those below it.
    let mut places: Vec<f64> = Vec::with_capacity(ends.len());
    for end in ends {
        let free = places.last().map_or(frame.bottom, |below| below - LINE);
        places.push(end.min(free));
    }
    let mut free = frame.top;
    for place in places.iter_mut().rev() {
        *place = place.max(free);
        free = *place + LINE;
    }
    let name = |((key, end), place): ((&Key, &f64), f64)| Name {
        class: key.class,
        name: key.name,
        sum: key.sum,
        line: format!(
            "M{},{} L{},{} L{},{}",
            number(frame.right),
            number(*end),
            number(frame.right + 12.0),
            number(place),
            number(frame.right + 18.0),
            number(place)
        ),
        x: number(frame.right + 24.0),
        y: number(place),
    };
    key.iter().zip(ends).zip(places).map(name).collect()
}

impl Watch {
    /// What an ending is called.
    pub(super) const fn ending(&self, ending: Ending) -> &'static str {
        match ending {
            Ending::ByPhone => self.by_phone,
            Ending::ByCode => self.by_code,
            Ending::ByRule => self.by_rule,
            Ending::Disowned => self.disowned,
            Ending::Refused => self.refused,
            Ending::Over => self.over,
        }
    }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::time::Timestamp;

    use super::*;
    use crate::words::Language;

    fn chart(counts: &[[u32; ENDINGS]]) -> Chart {
        let at = |hour: usize| Timestamp::from_numeric_date(1_800_000_000 + 3_600 * hour as i64);
        let spans: Vec<Span> =
            counts.iter().enumerate().map(|(hour, counts)| Span { from: at(hour), counts: *counts }).collect();
        Chart::of_hours(&spans, Watch::of(Language::English))
    }

    #[test]
    fn areas_stand_upon_each_other_and_what_is_nothing_has_none() {
        let chart = chart(&[[2, 0, 0, 0, 0, 0], [2, 0, 0, 0, 2, 0]]);
        let [wide, narrow] = &chart.pictures;
        assert_eq!(wide.areas.iter().map(|area| area.class).collect::<Vec<_>>(), ["phone", "refused"]);
        assert_eq!(wide.areas[0].path, "M52.0,121.0 L706.0,121.0 L706.0,226.0 L52.0,226.0 Z");
        assert_eq!(wide.areas[1].path, "M52.0,121.0 L706.0,16.0 L706.0,121.0 L52.0,121.0 Z");
        assert_eq!(wide.heights.iter().map(|mark| mark.text.as_str()).collect::<Vec<_>>(), ["0", "2", "4"]);
        assert!(narrow.names.is_empty());
        assert_eq!((chart.sums, chart.sum), ([4, 0, 0, 0, 2, 0], 6));
        assert_eq!(chart.desc, "6 in all. By phone 4, Refused by the server 2.");
        assert_eq!(chart.rows[1].shown, "09:00");
    }

    #[test]
    fn names_do_not_stand_upon_each_other_and_stay_in_the_picture() {
        for counts in [[1, 1, 1, 1, 1, 1], [1_000, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1_000]] {
            let chart = chart(&[counts, counts]);
            let places: Vec<f64> = chart.pictures[0].names.iter().map(|name| name.y.parse().unwrap()).collect();
            assert!(places.windows(2).all(|two| two[0] - two[1] >= LINE), "{places:?}");
            assert!(places.iter().all(|place| (WIDE.top..=WIDE.bottom).contains(place)), "{places:?}");
        }
    }

    #[test]
    fn nothing_is_an_empty_chart() {
        let chart = chart(&[[0; ENDINGS], [0; ENDINGS]]);
        assert!(chart.is_empty && chart.key.is_empty());
        assert_eq!(chart.desc, "Nobody has signed in.");
    }

    #[test]
    fn the_axis_ends_in_a_round_number() {
        for (most, expected) in [(1, 1), (2, 2), (3, 4), (4, 4), (5, 10), (11, 20), (999, 1_000), (u64::MAX, u64::MAX)]
        {
            assert_eq!(ceiling(most), expected, "{most}");
        }
    }
}
