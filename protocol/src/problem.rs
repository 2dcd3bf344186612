//! The table of refusals: every problem document that the API answers carries one of these codes.
//!
//! A problem document is RFC 9457 `application/problem+json` with `type` = `urn:gatematch:problem:<code>`.
//! The table is the single source: the server maps its errors to it, `openapi.yaml` is compared with it in
//! both directions, and the simulator reads it back. [`Code::words`] has the sentence for the person, the cause and the
//! cure; `docs/errors.md` is written from those.

pub mod reasons;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::words::Words;

/// Media type of a problem document (RFC 9457, section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What the `type` of every problem begins with.
pub const TYPE_PREFIX: &str = "urn:gatematch:problem:";

macro_rules! problems {
    ($($variant:ident $code:literal $status:literal $title:literal),+ $(,)?) => {
        /// A stable reason for a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "` (HTTP ", stringify!($status), "): ", $title, ".")] $variant),+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it stands in the member `code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// One sentence for people; the member `title`.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// The code with this text, if there is one.
            #[must_use]
            pub fn from_code(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

problems! {
    MalformedBody "malformed-body" 400 "The request body is not the JSON that this operation takes",
    MalformedQuery "malformed-query" 400 "A query parameter has a value that this operation does not take",
    MalformedHeader "malformed-header" 400 "A request header has a value that this operation does not take",
    MalformedResponse "malformed-response" 400 "The signed response is not a canonical compact JWS with the claims of a response",
    CredentialMissing "credential-missing" 401 "The request carries no credential",
    CredentialInvalid "credential-invalid" 401 "The credential is not valid",
    StaleProof "stale-proof" 401 "The proof's time is too far from the server's clock",
    ProofReplayed "proof-replayed" 401 "The proof was used before",
    ResponseNotAuthentic "response-not-authentic" 401 "The signed response does not come from a phone that may answer",
    WrongParty "wrong-party" 403 "The credential belongs to another kind of party",
    RoleNotAllowed "role-not-allowed" 403 "The role of this key does not allow the operation",
    OwnAccount "own-account" 403 "Nobody does this to his own account",
    AccountLocked "account-locked" 403 "The account is locked or disabled",
    CrossSite "cross-site" 403 "The request comes from a page of another site",
    NotFound "not-found" 404 "There is no such thing, or not for this caller",
    MethodNotAllowed "method-not-allowed" 405 "The resource does not take this method",
    AlreadyDecided "already-decided" 409 "The challenge has been decided already",
    Expired "expired" 409 "The challenge has expired",
    Cancelled "cancelled" 409 "The challenge was cancelled",
    AlreadyRedeemed "already-redeemed" 409 "The approval was redeemed before",
    DeviceExists "device-exists" 409 "This key is registered already",
    DeviceConfirmed "device-confirmed" 409 "This phone is confirmed already",
    TooManyDevices "too-many-devices" 409 "The user has as many phones as are allowed",
    TooManyAuthenticators "too-many-authenticators" 409 "The user has as many of these as are allowed",
    AuthenticatorConfirmed "authenticator-confirmed" 409 "This authenticator is confirmed already",
    LastAdministrator "last-administrator" 409 "Nobody could administer the server any more",
    IdempotencyInProgress "idempotency-in-progress" 409 "The first request with this Idempotency-Key is still in progress",
    NothingToConfirm "nothing-to-confirm" 409 "The page has nothing to confirm now",
    EnrollmentGone "enrollment-gone" 410 "The enrollment token is unknown, used or expired",
    PreconditionFailed "precondition-failed" 412 "Another version holds by now",
    BodyTooLarge "body-too-large" 413 "The request body is over 64 KiB",
    UnsupportedMediaType "unsupported-media-type" 415 "The request body is not application/json",
    InvalidValue "invalid-value" 422 "A value is of the right type but out of range",
    InvalidPolicy "invalid-policy" 422 "This policy must not hold",
    InvalidUsername "invalid-username" 422 "No account can have this name",
    InvalidKey "invalid-key" 422 "The coordinates of the public key are not 32 bytes in canonical base64url",
    InvalidPushSubscription "invalid-push-subscription" 422 "The push subscription cannot be used",
    DisplayNotPossible "display-not-possible" 422 "This gateway cannot display a number",
    WrongChallenge "wrong-challenge" 422 "The response was signed for another challenge",
    UvRequired "uv-required" 422 "The approval needs user verification on the phone",
    MalformedNumber "malformed-number" 422 "The number does not have the right count of digits",
    WrongCode "wrong-code" 422 "The code is wrong",
    IdempotencyKeyReused "idempotency-key-reused" 422 "The Idempotency-Key was used with another body",
    PreconditionRequired "precondition-required" 428 "The request must say which version it replaces",
    TooManyFailures "too-many-failures" 429 "Too many failed credentials from this address",
    Internal "internal" 500 "Something went wrong inside; nothing was decided",
    Unavailable "unavailable" 503 "The server cannot decide now",
    Overloaded "overloaded" 503 "The server has too much to do now",
}

impl Code {
    /// The member `type`.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{TYPE_PREFIX}{}", self.as_str())
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A problem document as a client reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemDocument {
    /// `urn:gatematch:problem:<code>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// One sentence for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened in this case and what to do about it.
    pub detail: String,
    /// Stable, kebab-case.
    pub code: String,
    /// Further members, such as `server_time` or `state`.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ProblemDocument {
    /// The document of `code` with its particular `detail`.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            type_uri: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            more: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_kebab_case_unique_and_found_again() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{text}");
            assert!(seen.insert(text), "{text} stands twice");
            assert_eq!(Code::from_code(text), Some(*code));
            assert!((400..600).contains(&code.status()), "{text}");
        }
    }
}
