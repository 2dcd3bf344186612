//! Filters as they stand in the address, and in the form above a list.

use gatematch_protocol::time::Timestamp;

use super::At;
use crate::http::params::Query;
use crate::words::watch::log::Log;

const HOUR_SECONDS: i64 = 3_600;

/// A field of the form: what was given, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) fault: &'static str,
}

/// One of several words in a form: it, what it is called, and whether it is chosen.
pub(super) type Choice = (String, String, bool);

/// What was given in the address: nothing is like an empty text.
pub(super) fn given<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.text(name).map(str::trim).filter(|text| !text.is_empty())
}

impl Field {
    /// A text.
    pub(super) fn of(query: &Query, name: &str) -> Self {
        Self { text: given(query, name).unwrap_or_default().to_owned(), fault: "" }
    }

    /// One of `words`.
    pub(super) fn chosen(query: &Query, name: &str, words: &[&str], said: &Log) -> Self {
        let mut field = Self::of(query, name);
        if !field.text.is_empty() && !words.contains(&field.text.as_str()) {
            field.fault = said.bad_choice;
        }
        field
    }

    /// It, where there is something and nothing is wrong with it.
    pub(super) fn value(&self) -> Option<String> {
        (!self.text.is_empty() && self.fault.is_empty()).then(|| self.text.clone())
    }

    /// The choices of a form, this one among them.
    pub(super) fn choices(&self, all: impl Iterator<Item = (String, String)>) -> Vec<Choice> {
        all.map(|(word, name)| (word == self.text, word, name)).map(|(is_it, word, name)| (word, name, is_it)).collect()
    }
}

/// A time in the address, and in the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) field: Field,
    pub(super) at: Option<Timestamp>,
}

impl Time {
    pub(super) fn of(query: &Query, name: &str, said: &Log) -> Self {
        let Some(text) = given(query, name) else { return Self::default() };
        let at = read(text);
        // A field for times has them without a zone.
        let shown = at.map_or_else(|| text.to_owned(), |at| At::from(at).machine.trim_end_matches('Z').to_owned());
        Self { field: Field { text: shown, fault: if at.is_some() { "" } else { said.bad_time } }, at }
    }

    /// As it stands in an address.
    pub(super) fn word(&self) -> Option<String> {
        self.at.map_or_else(|| self.field.value(), |at| Some(at.to_string()))
    }
}

/// A time: as everywhere, or a day, or without a zone, which is UTC then.
fn read(text: &str) -> Option<Timestamp> {
    let text = text.replacen(' ', "T", 1);
    let whole = if text.len() == 10 { format!("{text}T00:00") } else { text };
    whole.parse().or_else(|_| format!("{whole}Z").parse()).ok()
}

/// The number of an event from which the page goes on: before it, or after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) before: Option<u64>,
    pub(super) after: Option<u64>,
}

impl Place {
    /// What is wrong with it, beside.
    pub(super) fn of(query: &Query, said: &Log) -> (Self, &'static str) {
        let number = |name: &str| given(query, name).map(str::parse::<u64>).transpose();
        match (number("before"), number("after")) {
            (Ok(before), Ok(after)) if before.is_none() || after.is_none() => (Self { before, after }, ""),
            _ => (Self::default(), said.bad_number),
        }
    }
}

/// Parameters of an address, those that there are.
pub(super) fn pairs(all: &[(&'static str, Option<String>)]) -> Vec<(&'static str, String)> {
    all.iter().filter_map(|(name, value)| Some((*name, value.clone()?))).collect()
}

/// An address with these parameters and one more.
pub(super) fn link(path: &str, pairs: &[(&'static str, String)], more: Option<(&str, String)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    if let Some((name, value)) = more {
        query.append_pair(name, &value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Links to the last hour, day and week with the other parameters as they are.
pub(super) fn quick(
    path: &str,
    pairs: &[(&'static str, String)],
    now: Timestamp,
    said: &Log,
) -> Vec<(String, &'static str)> {
    let others: Vec<_> = pairs.iter().filter(|(name, _)| !["since", "until"].contains(name)).cloned().collect();
    let spans = [(1, said.last_hour), (24, said.last_day), (168, said.last_week)];
    let link = |(hours, name): (i64, &'static str)| {
        let since = At::from(now.plus_seconds(-hours * HOUR_SECONDS)).machine;
        (self::link(path, &others, Some(("since", since))), name)
    };
    spans.into_iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        for (given, expected) in [
            ("2027-01-15", at("2027-01-15T00:00Z")),
            ("2027-01-15 08:01", at("2027-01-15T08:01Z")),
            ("2027-01-15T08:01:40", at("2027-01-15T08:01:40Z")),
            ("2027-01-15T08:01:40.5Z", at("2027-01-15T08:01:40.5Z")),
            ("2027-01-15T08:01+01:00", at("2027-01-15T07:01Z")),
            ("yesterday", None),
            ("2027-13-15", None),
            ("2027-01-15T", None),
        ] {
            assert_eq!(read(given), expected, "{given}");
            assert!(expected.is_some() || read(given).is_none());
        }
    }

    #[test]
    fn an_address_has_what_was_given_and_no_more() {
        let pairs = pairs(&[("user", Some("a&b".to_owned())), ("type", None), ("since", Some("x".to_owned()))]);
        assert_eq!(link("/p", &pairs, None), "/p?user=a%26b&since=x");
        assert_eq!(link("/p", &[], None), "/p");
        assert_eq!(link("/p", &pairs, Some(("before", "7".to_owned()))), "/p?user=a%26b&since=x&before=7");
        let now = Timestamp::from_numeric_date(1_800_000_000);
        let said = Log::of(crate::words::Language::English);
        let (href, name) = quick("/p", &pairs, now, said).remove(0);
        assert_eq!((href.as_str(), name), ("/p?user=a%26b&since=2027-01-15T07%3A00%3A00Z", "last hour"));
    }
}
