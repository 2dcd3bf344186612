//! One event as one line.

use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use serde::Serialize;
use serde_json::json;

use super::ocsf;
pub(crate) use crate::settings::AuditFormat as Format;

/// Who sends the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// The name of this host.
    pub(crate) host: String,
    /// The version of this server.
    pub(crate) version: &'static str,
}

/// The event as one line of JSON in ASCII, without an end of line.
pub(crate) fn line(event: &AuditEvent, format: Format, about: &About) -> String {
    match format {
        Format::Json => ascii_json(event),
        Format::Ocsf => ascii_json(&ocsf::event(event, about)),
    }
}

/// A checkpoint as one line.
pub(super) fn checkpoint(checkpoint: &Checkpoint) -> String {
    ascii_json(&json!({ "checkpoint": checkpoint }))
}

/// JSON (RFC 8259) in printable ASCII. Outside strings JSON is ASCII, and inside them every character may be written as
/// `\u` and four hexadecimal digits, those beyond the first plane as a surrogate pair (section 7). So is DEL, which JSON
/// itself lets stand.
pub(super) fn ascii_json(value: &impl Serialize) -> String {
    // Nothing that is sent has keys that are no strings, the one thing that JSON cannot write.
    let text =
        serde_json::to_string(value).unwrap_or_else(|error| json!({ "unwritable": error.to_string() }).to_string());
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            ascii.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
pub(super) mod tests {
    use gatematch_protocol::id::EventId;
    use gatematch_protocol::time::Timestamp;
    use serde_json::{Map, Value};

    use super::*;

    /// What somebody outside may try: controls, markup, a lookup, ends of lines, ends of a syslog parameter.
    pub(crate) const NASTY: &str = "a\0b\r\n\u{1b}[31m\t\u{7f}\u{85}\u{2028}\u{2029}<script>alert('x')</script>${jndi:ldap://x/a}\"]\\ \u{1f512}\u{e9}\u{202e}";

    pub(crate) fn about() -> About {
        About { host: "auth.example.com".to_owned(), version: "1.2.3" }
    }

    pub(crate) fn object(value: &Value) -> Option<Map<String, Value>> {
        value.as_object().cloned()
    }

    /// An event with every member.
    pub(crate) fn event(kind: &str) -> AuditEvent {
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        AuditEvent {
            seq: 42,
            id: EventId::new(at, [7; 10]),
            at,
            kind: kind.to_owned(),
            actor: Some("device:the-phone".to_owned()),
            user: Some("alice@example.com".to_owned()),
            device: Some("the-phone".to_owned()),
            gateway: Some("the-gateway".to_owned()),
            client: object(&json!({ "ip": "203.0.113.7", "name": "LAPTOP" })),
            outcome: Some("success".to_owned()),
            reason: Some("the-reason".to_owned()),
            number_match: Some(true),
            policy: Some("the-rule".to_owned()),
            detail: object(&json!({ "challenge": "the-challenge", "method": "push", "tries": 17 })),
            prev_hash: Some("the-hash-before".to_owned()),
            hash: Some("the-hash".to_owned()),
        }
    }

    /// An event where everything that is text is from outside.
    pub(crate) fn nasty(kind: &str) -> AuditEvent {
        let text = || Some(NASTY.to_owned());
        AuditEvent {
            actor: Some(format!("admin:{NASTY}")),
            user: text(),
            device: text(),
            gateway: text(),
            client: object(&json!({ "ip": NASTY, "name": NASTY })),
            outcome: text(),
            reason: text(),
            policy: text(),
            detail: object(&json!({ NASTY: NASTY, "method": NASTY })),
            prev_hash: text(),
            hash: text(),
            ..event(kind)
        }
    }

    #[test]
    fn json_is_the_event_with_every_member() {
        let all = event("challenge.approved");
        assert_eq!(line(&all, Format::Json, &about()), serde_json::to_string(&all).unwrap());
        let (user, detail, hash) = (None, None, None);
        let bare = AuditEvent { user, detail, hash, ..event("user.created") };
        let read: Value = serde_json::from_str(&line(&bare, Format::Json, &about())).unwrap();
        assert_eq!(read.as_object().unwrap().len(), 16);
        assert_eq!(read, serde_json::to_value(&bare).unwrap());
    }

    #[test]
    fn whatever_comes_from_outside_stays_inside_one_line_of_ascii() {
        for kind in ["challenge.denied", "user.created", NASTY] {
            let event = nasty(kind);
            let json = line(&event, Format::Json, &about());
            assert_eq!(serde_json::from_str::<AuditEvent>(&json).unwrap(), event);
            let ocsf = line(&event, Format::Ocsf, &about());
            assert_eq!(serde_json::from_str::<Value>(&ocsf).unwrap(), ocsf::event(&event, &about()));
            for line in [json, ocsf] {
                assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            }
        }
    }

    #[test]
    fn what_is_not_ascii_is_escaped_by_its_utf_16() {
        assert_eq!(ascii_json(&"\u{e9}\u{2028}\u{1f512}\u{7f}\0"), r#""\u00e9\u2028\ud83d\udd12\u007f\u0000""#);
    }
}
