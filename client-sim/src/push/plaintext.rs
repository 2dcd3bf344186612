//! What stands in a push message once it is open (contract section 7).

use std::fmt;

use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::json;
use serde_json::Value;

/// What stands in a push message; nothing of it is believed yet. `Debug` tells the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum Plaintext {
    /// A signed challenge, the same bytes as by fetching.
    Challenge(String),
    /// A challenge that was called off: a hint to fetch again.
    Cancelled(ChallengeId),
    /// A signed notice.
    Notice(String),
}

/// A plaintext of another kind or version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message of version 1 with a challenge, a cancellation or a notice")]
pub struct NotAMessage;

impl Plaintext {
    /// Reads an opened message: `{"v": 1}` and one of `challenge`, `cancelled` and `notice`. Other members are left
    /// unread.
    ///
    /// # Errors
    /// [`NotAMessage`].
    pub fn read(plaintext: &[u8]) -> Result<Self, NotAMessage> {
        let message = json::parse_object(plaintext).map_err(|_| NotAMessage)?;
        if message.get("v").and_then(Value::as_i64) != Some(1) {
            return Err(NotAMessage);
        }
        match (message.get("challenge"), message.get("cancelled"), message.get("notice")) {
            (Some(Value::String(challenge)), None, None) => Ok(Self::Challenge(challenge.clone())),
            (None, Some(Value::String(id)), None) => Ok(Self::Cancelled(id.parse().map_err(|_| NotAMessage)?)),
            (None, None, Some(Value::String(notice))) => Ok(Self::Notice(notice.clone())),
            _ => Err(NotAMessage),
        }
    }

    /// Its kind, in one word: the name of its member.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "challenge",
            Self::Cancelled(_) => "cancelled",
            Self::Notice(_) => "notice",
        }
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_three_kinds_is_read_and_nothing_else() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let read = |text: &str| Plaintext::read(text.as_bytes());
        assert_eq!(read(r#"{"v": 1, "challenge": "a.b.c"}"#), Ok(Plaintext::Challenge("a.b.c".to_owned())));
        assert_eq!(read(r#"{"v":1,"notice":"a.b.c","more":[1]}"#), Ok(Plaintext::Notice("a.b.c".to_owned())));
        let cancelled = read(&format!(r#"{{"v":1,"cancelled":"{id}"}}"#)).unwrap();
        assert_eq!((cancelled.kind(), &cancelled), ("cancelled", &Plaintext::Cancelled(id.parse().unwrap())));
        for text in [
            "",
            "null",
            "[]",
            r#"{"v":1}"#,
            r#"{"challenge":"a.b.c"}"#,
            r#"{"v":2,"challenge":"a.b.c"}"#,
            r#"{"v":"1","challenge":"a.b.c"}"#,
            r#"{"v":1,"v":1,"challenge":"a.b.c"}"#,
            r#"{"v":1,"challenge":null}"#,
            r#"{"v":1,"cancelled":"no id"}"#,
            r#"{"v":1,"challenge":"a.b.c","notice":"a.b.c"}"#,
            r#"{"v":1,"challenge":"a.b.c"} {}"#,
        ] {
            assert_eq!(read(text), Err(NotAMessage), "{text}");
        }
    }
}
