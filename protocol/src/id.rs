//! Identifiers: UUIDv7 (RFC 9562, section 5.7) in canonical text form, chosen by the server.
//!
//! An id is read back only in the one form that the server writes (36 characters, lower case, hyphens), so
//! that no two texts name the same thing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// A text that is not a canonical id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical id")]
pub struct NotAnId;

fn uuid_v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(at.millis(), &random).into_uuid()
}

fn parse(text: &str) -> Result<Uuid, NotAnId> {
    let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
    let mut canonical = Uuid::encode_buffer();
    if *id.hyphenated().encode_lower(&mut canonical) == *text { Ok(id) } else { Err(NotAnId) }
}

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id from the time and 80 random bits.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(at, random))
            }

            /// When it was made, to the millisecond.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |at| at.to_unix());
                let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
                Timestamp::from_micros(micros.saturating_add(i64::from(nanos / 1_000)))
            }

            /// The id that nothing has.
            pub const NIL: Self = Self(Uuid::nil());
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+};
}

ids! {
    /// Names a user's account; a user made again gets another one.
    UserId;
    /// Names a phone; the `kid` of its responses and the `aud` of its challenges.
    DeviceId;
    /// Names a gateway; the `aud` of its results.
    GatewayId;
    /// Names a challenge; the `jti` of challenge, response and result.
    ChallengeId;
    /// Names an enrollment (not its token).
    EnrollmentId;
    /// Names an administrator's key (not the key itself).
    AdminKeyId;
    /// Names one of the server's signing keys; the `kid` of what it signs.
    KeyId;
    /// Names an audit event.
    EventId;
    /// Names a notice to the phones of a user.
    NoticeId;
    /// Names a session of the connect page (not its cookie).
    SessionId;
    /// Names a browser that is bound to a user (not its cookie).
    BrowserId;
    /// Names what a person signs in with besides his phone, or a bypass.
    AuthenticatorId;
    /// Names a visit: somebody signed in at the console or the portal (not his cookie).
    VisitId;
    /// Names an invitation to the console or the portal (not its token).
    InvitationId;
}

impl From<VisitId> for SessionId {
    fn from(id: VisitId) -> Self {
        Self(id.0)
    }
}

impl From<ChallengeId> for NoticeId {
    fn from(id: ChallengeId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_an_id() {
        let id = ChallengeId::new(Timestamp::from_micros(1_700_000_000_000_000), [7; 10]);
        let text = id.to_string();
        assert_eq!(text.parse::<ChallengeId>(), Ok(id));
        assert_eq!(text.as_bytes().get(14), Some(&b'7'), "version 7");
        for other in
            [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!("{text} "), String::new()]
        {
            assert_eq!(other.parse::<ChallengeId>(), Err(NotAnId), "{other}");
        }
    }
}
