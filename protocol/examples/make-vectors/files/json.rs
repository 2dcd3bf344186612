//! JSON from strangers (contract section 1).

use super::key::hex;
use super::{Case, File};

/// The file `json.json`.
#[rustfmt::skip] // a table: one case, one line
pub(crate) fn file() -> File {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mixed = format!("{}1{}", r#"[{"a":"#.repeat(4), "}]".repeat(4));
    let accepted = [
        ("an object", "{\"a\":1}".to_owned()),
        ("white space around", " \r\n\t{ \"a\" : 1 }\n".to_owned()),
        ("the same name at two levels", r#"{"a":1,"b":{"a":1}}"#.to_owned()),
        ("the same name in two objects of a list", r#"[{"a":1},{"a":1}]"#.to_owned()),
        ("names that differ in case", r#"{"a":1,"A":1}"#.to_owned()),
        ("escapes", r#"{"\u0061\ud83d\ude00":"\n\"\\"}"#.to_owned()),
        ("numbers", "[0,-0,1e2,-1.5E-3,18446744073709551615]".to_owned()),
        ("eight levels of lists", nested(8)),
        ("eight levels of objects", objects(8)),
        ("eight levels of both", mixed.clone()),
    ];
    let malformed = [
        ("a member twice", r#"{"a":1,"a":1}"#.to_owned()),
        ("a member twice, with an escape", r#"{"a":1,"\u0061":2}"#.to_owned()),
        ("a member twice, below", r#"{"x":[{"a":1,"a":2}]}"#.to_owned()),
        ("the empty name twice", r#"{"":1,"":1}"#.to_owned()),
        ("nine levels of lists", nested(9)),
        ("nine levels of objects", objects(9)),
        ("nine levels of both", format!("[{mixed}]")),
        ("a thousand levels", nested(1_000)),
        ("nothing", String::new()),
        ("two values", "{}{}".to_owned()),
        ("a comma behind", "{\"a\":1,}".to_owned()),
        ("single quotes", "{'a':1}".to_owned()),
        ("a name without quotes", "{a:1}".to_owned()),
        ("a comment", "{}//".to_owned()),
        ("NaN", "[NaN]".to_owned()),
        ("a number that cannot be held", "[1e400]".to_owned()),
        ("a leading zero", "[01]".to_owned()),
        ("a plus sign", "[+1]".to_owned()),
        ("hexadecimal", "[0x1]".to_owned()),
        ("a lone surrogate", r#"["\ud800"]"#.to_owned()),
        ("a raw control character", "[\"\u{1}\"]".to_owned()),
        ("a byte order mark", "\u{feff}{}".to_owned()),
        ("cut off", "{\"a\":".to_owned()),
        ("a zero byte behind", "{}\u{0}".to_owned()),
    ];
    let bytes: [(&str, &[u8]); 3] =
        [("a byte that is not UTF-8", b"[\"\xff\"]"), ("an overlong slash", b"[\"\xc0\xaf\"]"), ("UTF-16", b"{\0}\0")];
    let case = |verdict, (name, text): (&str, String)| {
        Case::new(verdict, name, "RFC 8259, I-JSON and the contract's limits").with("hex", hex(text.as_bytes())).with("text", text)
    };
    let mut cases: Vec<Case> = accepted.into_iter().map(|input| case("accept", input)).collect();
    cases.extend(malformed.into_iter().map(|input| case("malformed", input)));
    cases.extend(bytes.into_iter().map(|(name, bytes)| Case::new("malformed", name, "RFC 8259, 8.1: UTF-8").with("hex", hex(bytes))));
    File {
        name: "json.json",
        description: "Bodies, headers of tokens and payloads before any member is read. `hex` is the input; `text` shows it where it is \
            UTF-8. Verdicts: `accept`; `malformed` (400 malformed-body in a body).",
        source: "RFC 8259; RFC 7493 (I-JSON) section 2.3; wire contract section 1",
        shared: Vec::new(),
        cases,
    }
}
