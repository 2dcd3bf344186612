//! One event as one syslog message (RFC 5424), with its length before it: octet counting, as over TCP (RFC 6587 section
//! 3.4.1) and over TLS (RFC 5425 section 4.3).

use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use gatematch_protocol::time::Timestamp;

use super::record::{self, About, Format, line};

/// Security and authorization messages, not for everybody (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;
/// Normal but significant conditions are 5, warnings 4 (RFC 5424 section 6.2.1).
const INFORMATIONAL: u8 = 6;
/// The highest `sequenceId`; after it comes 1 (RFC 5424 section 7.3.1).
const LAST_SEQUENCE_ID: u64 = 2_147_483_647;

/// The event as a message.
pub(crate) fn frame(event: &AuditEvent, format: Format, about: &About) -> Vec<u8> {
    let severity = match event.outcome.as_deref() {
        Some("refused") => 4,
        Some("failure") => 5,
        _ => INFORMATIONAL,
    };
    let sequence = event.seq.saturating_sub(1) % LAST_SEQUENCE_ID + 1;
    let meta = format!("[meta sequenceId=\"{sequence}\"]");
    message(severity, event.at, &event.kind, &meta, &line(event, format, about), about)
}

/// The checkpoint as a message. It has no `sequenceId`: those are the numbers of the events, without gaps.
pub(crate) fn checkpoint(checkpoint: &Checkpoint, at: Timestamp, about: &About) -> Vec<u8> {
    message(INFORMATIONAL, at, "checkpoint", "", &record::checkpoint(checkpoint), about)
}

/// `LEN SP <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG` (RFC 5424 section 6). Everything is ASCII, so that
/// MSG needs no byte order mark (section 6.4).
fn message(severity: u8, at: Timestamp, id: &str, meta: &str, text: &str, about: &About) -> Vec<u8> {
    let priority = AUTHPRIV * 8 + severity;
    let (host, id) = (header(&about.host, 255), header(id, 32));
    let origin = format!("[origin software=\"gatematch\" swVersion=\"{}\"]", parameter(about.version, 32));
    let message = format!("<{priority}>1 {at} {host} gatematch - {id} {meta}{origin} {text}");
    format!("{} {message}", message.len()).into_bytes()
}

/// What of `text` is PRINTUSASCII, at most `most` of it (RFC 5424 section 6).
fn printable(text: &str, most: usize) -> String {
    text.chars().filter(char::is_ascii_graphic).take(most).collect()
}

/// A member of the header; `-` where nothing is left (NILVALUE).
fn header(text: &str, most: usize) -> String {
    Some(printable(text, most)).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// A PARAM-VALUE: `"`, `\` and `]` are escaped (RFC 5424 section 6.3.3).
fn parameter(text: &str, most: usize) -> String {
    let mut value = String::new();
    for character in printable(text, most).chars() {
        if matches!(character, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(character);
    }
    value
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::record::tests::{NASTY, about, event, nasty};
    use super::*;

    /// The message, after its length was checked.
    fn counted(frame: Vec<u8>) -> String {
        let text = String::from_utf8(frame).unwrap();
        let (length, message) = text.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len());
        assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{message}");
        message.to_owned()
    }

    fn sequence(seq: u64) -> String {
        let message = counted(frame(&AuditEvent { seq, ..event("user.created") }, Format::Json, &about()));
        message.split('"').nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_message_has_the_members_of_rfc_5424() {
        let event = event("challenge.approved");
        for format in [Format::Json, Format::Ocsf] {
            let head = "<86>1 2023-11-14T22:13:20.123456Z auth.example.com gatematch - challenge.approved \
                        [meta sequenceId=\"42\"][origin software=\"gatematch\" swVersion=\"1.2.3\"] ";
            let message = counted(frame(&event, format, &about()));
            assert_eq!(message, format!("{head}{}", line(&event, format, &about())));
        }
    }

    #[test]
    fn the_outcome_is_the_severity() {
        for (outcome, priority) in [("success", 86), ("failure", 85), ("refused", 84), ("whatever", 86)] {
            let event = AuditEvent { outcome: Some(outcome.to_owned()), ..event("user.created") };
            assert!(counted(frame(&event, Format::Json, &about())).starts_with(&format!("<{priority}>1 ")));
        }
        let event = AuditEvent { outcome: None, ..event("user.created") };
        assert!(counted(frame(&event, Format::Json, &about())).starts_with("<86>1 "));
    }

    #[test]
    fn the_sequence_begins_again_after_its_last_number() {
        for (seq, id) in [(0, "1"), (1, "1"), (2_147_483_647, "2147483647"), (2_147_483_648, "1"), (u64::MAX, "3")] {
            assert_eq!(sequence(seq), id, "{seq}");
        }
    }

    #[test]
    fn whatever_comes_from_outside_stays_inside_its_message() {
        let about = About { host: NASTY.repeat(9), version: "1\"2]3\\4 5\n" };
        for format in [Format::Json, Format::Ocsf] {
            let event = nasty(&NASTY.repeat(2));
            let message = counted(frame(&event, format, &about));
            let parts: Vec<&str> = message.splitn(7, ' ').collect();
            assert_eq!((parts[2].len(), parts[5].len()), (255, 32), "{message}");
            let head = "[meta sequenceId=\"42\"][origin software=\"gatematch\" swVersion=\"1\\\"2\\]3\\\\45\"] ";
            let json = parts[6].strip_prefix(head).unwrap();
            assert_eq!(json, line(&event, format, &about));
            assert!(serde_json::from_str::<Value>(json).unwrap().is_object());
        }
    }

    #[test]
    fn what_has_no_name_has_a_dash() {
        let about = About { host: " \u{e9}\n".to_owned(), version: "1" };
        let message = counted(frame(&event(""), Format::Json, &about));
        assert!(message.starts_with("<86>1 2023-11-14T22:13:20.123456Z - gatematch - - ["), "{message}");
    }

    #[test]
    fn a_checkpoint_is_a_message_of_its_own() {
        let of = Checkpoint { size: 42, head: "the-hash".to_owned(), signed: "a.b.c".to_owned() };
        let message = counted(checkpoint(&of, Timestamp::from_micros(0), &about()));
        let head = "<86>1 1970-01-01T00:00:00.000000Z auth.example.com gatematch - checkpoint \
                    [origin software=\"gatematch\" swVersion=\"1.2.3\"] ";
        let json: Value = serde_json::from_str(message.strip_prefix(head).unwrap()).unwrap();
        assert_eq!(json, json!({ "checkpoint": { "size": 42, "head": "the-hash", "signed": "a.b.c" } }));
    }
}
