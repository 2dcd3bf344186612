//! JSON in its one canonical form (RFC 8785), as far as what we hash needs it: numbers are integers within 2^53, so that
//! no reader rounds them, and there is nothing to say about fractions.

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
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Object(members) => write_object(members, out)?,
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Number(number) => {
            let is_exact = number.as_i64().is_some_and(|number| number.unsigned_abs() <= EXACT);
            is_exact.then_some(()).ok_or(NotCanonical)?;
            out.push_str(&number.to_string());
        }
        // Strings are escaped as ECMAScript escapes them (RFC 8785 section 3.2.2.2), and so does serde_json.
        Value::String(_) | Value::Bool(_) | Value::Null => out.push_str(&value.to_string()),
    }
    Ok(())
}

/// Members in the order of their names in UTF-16 (RFC 8785 section 3.2.3).
fn write_object(members: &Map<String, Value>, out: &mut String) -> Result<(), NotCanonical> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write(value, out)?;
    }
    out.push('}');
    Ok(())
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
