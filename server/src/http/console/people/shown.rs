//! How names, times and pictures stand on the pages.

use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

/// The page of a person.
pub(in crate::http) fn path_of(name: &str) -> String {
    format!("/console/people/{}", segment(name))
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    // Only blanks differ between a form and a path.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A name within a sentence: one that is written from right to left turns nothing around it (UAX #9, isolates).
pub(super) fn told(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { format!("\u{2068}{name}\u{2069}") }
}

/// A time.
pub(super) struct At {
    /// For programs.
    pub(super) machine: String,
    /// For people, until a script shows it in their zone.
    pub(super) shown: String,
}

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        let second: String = at.to_string().chars().take(19).collect();
        Self { shown: format!("{} UTC", second.replace('T', " ")), machine: format!("{second}Z") }
    }
}

/// The picture itself, without what stands before it in a file.
pub(super) fn picture(svg: &Secret) -> Secret {
    let svg = svg.reveal();
    Secret::new(svg.find("<svg").and_then(|at| svg.get(at..)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(path_of("alice"), "/console/people/alice");
        assert_eq!(path_of("o'neil-2_$x.y@fabrikam"), "/console/people/o%27neil-2_%24x.y%40fabrikam");
        assert_eq!(path_of("åse"), "/console/people/%C3%A5se");
        assert_eq!(segment("a b/c?d#e%"), "a%20b%2Fc%3Fd%23e%25");
    }

    #[test]
    fn a_name_from_right_to_left_turns_nothing_around() {
        assert_eq!(told("alice"), "alice");
        assert_eq!(told("أليس"), "\u{2068}أليس\u{2069}");
    }

    #[test]
    fn a_time_is_for_programs_and_for_people() {
        let at = At::from(Timestamp::from_micros(1_800_000_000_123_456));
        assert_eq!((at.machine.as_str(), at.shown.as_str()), ("2027-01-15T08:00:00Z", "2027-01-15 08:00:00 UTC"));
    }

    #[test]
    fn a_picture_has_no_prolog() {
        let file = Secret::new("<?xml version=\"1.0\"?><svg viewBox=\"0 0 1 1\"></svg>");
        assert_eq!(picture(&file).reveal(), "<svg viewBox=\"0 0 1 1\"></svg>");
        assert_eq!(picture(&Secret::new("none")).reveal(), "");
    }
}
