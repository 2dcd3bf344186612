//! The words in braces of a statement ([`super::conn`]).

/// A word in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    /// Is among texts.
    In(&'a str),
    /// Is among the numbers of a JSON array.
    InNumbers(&'a str),
    /// Is among what the query yields that stands between this and [`Word::End`]; the query is asked first, by itself.
    Among,
    /// The end of that query.
    End,
    /// A table of the elements of a JSON array, by this name.
    Each(&'a str, &'a str),
}

impl<'a> Word<'a> {
    fn read(text: &'a str) -> Option<Self> {
        match text {
            "among" => return Some(Self::Among),
            "end" => return Some(Self::End),
            _ => {}
        }
        match text.split_once(' ')? {
            ("in", list) => Some(Self::In(list)),
            ("in_numbers", list) => Some(Self::InNumbers(list)),
            ("each", what) => what.split_once(" AS ").map(|(list, name)| Self::Each(list, name)),
            _ => None,
        }
    }
}

/// `sql`, with each word in the words of a database. What is none stays as it is.
pub(crate) fn spell(sql: &str, word: impl Fn(Word<'_>) -> String) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some((before, (inside, after))) = rest.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?))) {
        text.push_str(before);
        match Word::read(inside) {
            Some(found) => text.push_str(&word(found)),
            None => text.extend(["{", inside, "}"]),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}
