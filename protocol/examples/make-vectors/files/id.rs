//! Ids in their one form (contract section 1).

use super::world::{challenge_id, device_id, gateway_id};
use super::{Case, File};

/// The file `id.json`.
pub(crate) fn file() -> File {
    let id = challenge_id().to_string();
    let sound = [challenge_id().to_string(), device_id().to_string(), gateway_id().to_string()];
    let broken = [
        ("upper case", id.to_uppercase()),
        ("without hyphens", id.replace('-', "")),
        ("in braces", format!("{{{id}}}")),
        ("as a URN", format!("urn:uuid:{id}")),
        ("a space behind", format!("{id} ")),
        ("a line feed behind", format!("{id}\n")),
        ("a zero byte behind", format!("{id}\0")),
        ("one character short", id.chars().skip(1).collect()),
        ("one character long", format!("{id}0")),
        ("a letter that is no digit", id.replacen('0', "g", 1)),
        ("full-width digits", id.replacen('0', "\u{ff10}", 1)),
        ("hyphens elsewhere", format!("-{}", id.replacen('-', "", 1))),
        ("a path", "../../etc/passwd".to_owned()),
        ("a number", "7".to_owned()),
        ("empty", String::new()),
    ];
    let accepted = sound
        .into_iter()
        .map(|text| Case::new("accept", text.clone(), "UUIDv7, lower case, with hyphens").with("text", text));
    let refused =
        broken.into_iter().map(|(name, text)| Case::new("malformed", name, "one form only").with("text", text));
    File {
        name: "id.json",
        description: "Ids as they stand in paths and claims. Verdicts: `accept` (the form in which the server writes ids; read and \
            written again it is the same text); `malformed` (in a path: 404, like an id that is unknown).",
        source: "RFC 9562 sections 4 and 5.7; wire contract section 1",
        shared: Vec::new(),
        cases: accepted.chain(refused).collect(),
    }
}
