//! JSON in its one canonical form (RFC 8785), as far as what we hash needs it: numbers are integers within 2^53, so that
//! no reader rounds them, and there is nothing to say about fractions.

use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The largest magnitude of an integer that every JSON reader keeps exact (RFC 8785 section 3.2.2.3, RFC 7493).
const EXACT: u64 = 1 << 53;

/// The value has no canonical form here: it holds a fraction, or an integer beyond 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number is no integer within 2^53")]
pub struct NotCanonical;

/// `value` in its canonical form.
///
/// # Errors
/// [`NotCanonical`].
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    serde_json::to_string(&Canonical(value)).map_err(|_| NotCanonical)
}

/// A value that is written in its canonical form.
struct Canonical<'a>(&'a Value);

/// An object that is written in its canonical form; to write it fails where it has none.
pub(crate) struct CanonicalObject<'a>(pub(crate) &'a Map<String, Value>);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => CanonicalObject(members).serialize(serializer),
            Value::Array(items) => {
                let mut out = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| out.serialize_element(&Canonical(item)))?;
                out.end()
            }
            Value::Number(number) if number.as_i64().is_none_or(|number| number.unsigned_abs() > EXACT) => {
                Err(S::Error::custom(NotCanonical))
            }
            // Strings are escaped as ECMAScript escapes them (RFC 8785 section 3.2.2.2), and so does serde_json.
            Value::Number(_) | Value::String(_) | Value::Bool(_) | Value::Null => self.0.serialize(serializer),
        }
    }
}

/// Members in the order of their names in UTF-16 (RFC 8785 section 3.2.3).
impl Serialize for CanonicalObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<(&String, &Value)> = self.0.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
        let mut out = serializer.serialize_map(Some(sorted.len()))?;
        sorted.into_iter().try_for_each(|(name, value)| out.serialize_entry(name, &Canonical(value)))?;
        out.end()
    }
}

/// Whether every JSON reader keeps `number` exact.
pub(crate) const fn is_exact(number: u64) -> bool {
    number <= EXACT
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_as_the_rfc_sorts_them() {
        // RFC 8785 section 3.2.3.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let text = canonical(&value).unwrap();
        let order = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"];
        let places: Vec<usize> = order.iter().map(|word| text.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn strings_are_escaped_as_the_rfc_escapes_them() {
        // RFC 8785 section 3.2.2.2: the two-letter escapes, \u00xx in small letters, and nothing else.
        let text = canonical(&json!("\u{20ac}$\u{f}\u{a}A'\u{42}\u{22}\u{5c}\\\"/\u{8}\u{c}\u{7f}\u{1f}")).unwrap();
        assert_eq!(text, "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\u{7f}\\u001f\"");
    }

    #[test]
    fn numbers_are_exact_integers() {
        assert_eq!(canonical(&json!([0, -1, 9_007_199_254_740_992_i64])).unwrap(), "[0,-1,9007199254740992]");
        for number in [json!(1.5), json!(1.0), json!(9_007_199_254_740_993_i64), json!(u64::MAX)] {
            assert_eq!(canonical(&number), Err(NotCanonical), "{number}");
        }
        assert_eq!(canonical(&json!({"b": [true, null], "a": {}})).unwrap(), "{\"a\":{},\"b\":[true,null]}");
    }
}
