//! base64url without padding, canonical (RFC 4648, section 5).

use super::key::hex;
use super::{Case, File};

/// The file `base64url.json`.
pub(crate) fn file() -> File {
    let sound: [(&str, &[u8]); 10] = [
        ("", b""),
        ("Zg", b"f"),
        ("Zm8", b"fo"),
        ("Zm9v", b"foo"),
        ("Zm9vYg", b"foob"),
        ("Zm9vYmE", b"fooba"),
        ("Zm9vYmFy", b"foobar"),
        ("AAA", &[0, 0]),
        ("_w", &[255]),
        ("--__", &[0xfb, 0xef, 0xff]),
    ];
    let broken = [
        ("Zg==", "padding"),
        ("Zm8=", "padding"),
        ("Zm9vYmFy=", "padding where none belongs"),
        ("Z", "a rest of one character"),
        ("Zm9vY", "a rest of one character"),
        ("Zh", "a stray bit in the last character"),
        ("Zm9", "a stray bit in the last character"),
        ("_x", "stray bits in the last character"),
        ("++//", "the other alphabet"),
        ("Zg\n", "a line feed"),
        (" Zg", "a space"),
        ("Zm9v\r\nYmFy", "a line break inside"),
        ("Zm9v.Zm9v", "a dot"),
        ("Zm%39v", "an escape of an address"),
        ("Zg\u{0}", "a zero byte"),
        ("Z\u{0433}", "a letter outside ASCII"),
        ("\u{ff3a}g", "a full-width letter"),
    ];
    let accepted = sound.into_iter().map(|(text, bytes)| {
        Case::new("accept", format!("{} bytes: {text:?}", bytes.len()), "the one text of these bytes")
            .with("text", text)
            .with("hex", hex(bytes))
    });
    let refused =
        broken.into_iter().map(|(text, why)| Case::new("malformed", format!("{text:?}"), why).with("text", text));
    File {
        name: "base64url.json",
        description: "Texts that should be canonical base64url without padding. Verdicts: `accept` (with the bytes in hex as `hex`; \
            encoding them gives `text` again); `malformed`.",
        source: "RFC 4648 sections 3.5, 5 and 10; RFC 7515 section 2; wire contract section 1",
        shared: Vec::new(),
        cases: accepted.chain(refused).collect(),
    }
}
