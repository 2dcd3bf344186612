//! Several questions in one statement: each is a part of its answer, and its rows are JSON objects. To ask a server takes
//! longer than to answer.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error as DeError, MapAccess, Visitor};

use crate::store::StoreError;
use crate::store::sql::row::{Cell, Cells};

/// The statement that asks all of `questions`. Each of its rows has the number of the question, and the row as a JSON object.
pub(super) fn bundled(questions: &[&str]) -> String {
    let part = |(number, question): (usize, &&str)| {
        format!(
            "SELECT {number} AS part, CAST(row_to_json(of_{number}) AS text) AS answer FROM ({question}) AS of_{number}"
        )
    };
    questions.iter().enumerate().map(part).collect::<Vec<_>>().join(" UNION ALL ")
}

/// The names and the contents of the columns of a row that is a JSON object.
///
/// # Errors
/// [`StoreError::Corrupt`]: it is none, or has something in it that no column of ours has.
pub(super) fn unpacked(answer: &str) -> Result<(Vec<&str>, Cells), StoreError> {
    let mut reader = serde_json::Deserializer::from_str(answer);
    reader.deserialize_map(Object).map_err(|_| StoreError::Corrupt("bundled row"))
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = (Vec<&'de str>, Cells);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut names, mut cells) = (Vec::with_capacity(32), Cells::room_for(32));
        while let Some(name) = map.next_key()? {
            names.push(name);
            map.next_value_seed(Column(&mut cells))?;
        }
        Ok((names, cells))
    }
}

struct Column<'a>(&'a mut Cells);

impl<'de> DeserializeSeed<'de> for Column<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl Visitor<'_> for Column<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing, a number, a truth value or a text")
    }

    fn visit_unit<E: DeError>(self) -> Result<(), E> {
        self.0.push(Cell::Null);
        Ok(())
    }

    fn visit_bool<E: DeError>(self, flag: bool) -> Result<(), E> {
        self.0.push(Cell::Int(i64::from(flag)));
        Ok(())
    }

    fn visit_i64<E: DeError>(self, number: i64) -> Result<(), E> {
        self.0.push(Cell::Int(number));
        Ok(())
    }

    fn visit_u64<E: DeError>(self, number: u64) -> Result<(), E> {
        self.visit_i64(i64::try_from(number).map_err(E::custom)?)
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<(), E> {
        self.0.push(Cell::Text(text));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::sql::row::Row;

    #[test]
    fn questions_are_asked_in_one_statement() {
        assert_eq!(
            bundled(&["SELECT 1 AS a", "SELECT 2 AS b"]),
            "SELECT 0 AS part, CAST(row_to_json(of_0) AS text) AS answer FROM (SELECT 1 AS a) AS of_0 UNION ALL \
             SELECT 1 AS part, CAST(row_to_json(of_1) AS text) AS answer FROM (SELECT 2 AS b) AS of_1"
        );
    }

    #[test]
    fn a_row_is_unpacked() {
        let answer = r#"{"a":null,"b":9223372036854775807,"c":true,"d":"say \"\u00e4\"\n","e":-1}"#;
        let (names, cells) = unpacked(answer).unwrap();
        let row = Row::new(Arc::from_iter(names.into_iter().map(Box::from)), cells);
        assert_eq!(row.get::<Option<String>>("a").unwrap(), None);
        assert_eq!(row.get::<i64>("b").unwrap(), i64::MAX);
        assert!(row.get::<bool>("c").unwrap());
        assert_eq!(row.get::<&str>("d").unwrap(), "say \"\u{e4}\"\n");
        assert_eq!(row.get::<i64>("e").unwrap(), -1);
        for wrong in ["", "[]", r#"{"a":1.5}"#, r#"{"a":[]}"#, r#"{"a":18446744073709551615}"#] {
            assert!(unpacked(wrong).is_err(), "{wrong}");
        }
    }
}
