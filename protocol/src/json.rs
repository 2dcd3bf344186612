//! JSON from strangers: duplicate members and deep nesting are refused before anything is read out of it.
//!
//! A duplicate member lets two readers of one text see two meanings (RFC 8259, section 4), which is an
//! attack on anything signed or decided.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value};

/// How many levels of objects and arrays a body may have.
pub const MAX_DEPTH: usize = 8;

/// What is wrong with a text that should have been JSON; fit to be shown to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotStrictJson(String);

/// Reads one JSON value from `bytes`.
///
/// # Errors
/// Not UTF-8, not JSON, anything behind the value, a duplicate member at any level, or more than
/// [`MAX_DEPTH`] levels.
pub fn parse(bytes: &[u8]) -> Result<Value, NotStrictJson> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(|fault| describe(&fault))?;
    reader.end().map_err(|fault| describe(&fault))?;
    Ok(value)
}

/// Reads one JSON object from `bytes`.
///
/// # Errors
/// As [`parse`]; and when the value is not an object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, NotStrictJson> {
    match parse(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err(NotStrictJson("not a JSON object".to_owned())),
    }
}

/// Reads a message whose members are all known.
///
/// # Errors
/// As [`parse`]; and an unknown or missing member, or one of the wrong type.
pub fn parse_into<T: de::DeserializeOwned>(bytes: &[u8]) -> Result<T, NotStrictJson> {
    from_value(parse(bytes)?).map_err(|fault| describe(&fault))
}

/// Reads a message out of a JSON value. Unlike `serde_json::from_value` it takes objects only as objects: a list of
/// their values in order is of the wrong type.
///
/// # Errors
/// An unknown or missing member, or one of the wrong type.
pub fn from_value<T: de::DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    T::deserialize(Message(value))
}

// serde_json quotes what it read; a caller's own bytes may go back to him, but only so many.
fn describe(fault: &serde_json::Error) -> NotStrictJson {
    let mut text = fault.to_string();
    if text.len() > 200 {
        text = text.chars().take(150).chain("...".chars()).collect();
    }
    NotStrictJson(text)
}

struct Message(Value);

impl IntoDeserializer<'_, serde_json::Error> for Message {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Message {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Object(members) => {
                let mut members = MapDeserializer::new(members.into_iter().map(|(name, value)| (name, Self(value))));
                let read = visitor.visit_map(&mut members)?;
                members.end().map(|()| read)
            }
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Self));
                let read = visitor.visit_seq(&mut items)?;
                items.end().map(|()| read)
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(de::Error::custom("not a JSON object")) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            list.push(item);
        }
        // An empty array counts as a level too.
        self.deeper::<A::Error>()?;
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper::<A::Error>()?.depth;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let shown: String = name.chars().take(40).collect();
                return Err(de::Error::custom(format_args!("the member {shown:?} stands twice")));
            }
            let value = members.next_value_seed(Self { depth: inner })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(levels: usize) -> Vec<u8> {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
    }

    #[test]
    fn duplicates_and_depth_are_refused() {
        assert!(parse(br#"{"a":1,"b":{"a":1}}"#).is_ok());
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"[{"a":1,"a":1}]"#,
            r#"{"a":1} x"#,
            r#"{"a":1}{}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\ud800"}"#,
            "\u{feff}{}",
            "",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
        assert!(parse(&nested(100_000)).is_err());
    }

    #[test]
    fn a_list_of_values_is_no_message() {
        use crate::challenge::CreateChallenge;
        let read =
            parse_into::<CreateChallenge>(br#"{"user":"ada","client":{"ip":"192.0.2.1"},"context":null}"#).unwrap();
        assert_eq!(read.client.and_then(|client| client.ip).as_deref(), Some("192.0.2.1"));
        for text in [
            r#"["ada"]"#,
            r#"{"user":"ada","client":["192.0.2.1"]}"#,
            r#"{"user":"ada","client":[]}"#,
            r#"{"user":"ada","x":1}"#,
            r#"{"user":"ada","client":{"x":1}}"#,
            r#"{"user":["ada"]}"#,
            r#"{"user":null}"#,
            "null",
        ] {
            assert!(parse_into::<CreateChallenge>(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(parse_into::<Option<CreateChallenge>>(b"null"), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_serde_json_writes_is_read_back(text in ".{0,30}", number in any::<i64>()) {
            let value = serde_json::json!({"t": text, "n": number, "l": [null, true, {"m": 1.5}]});
            prop_assert_eq!(parse(value.to_string().as_bytes()), Ok(value));
        }
    }
}
