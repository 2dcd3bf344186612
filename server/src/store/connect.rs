//! What the verbs of the connect page take and do.

use gatematch_domain::connect::Session;
use gatematch_domain::passcode::Passcode;
use gatematch_domain::policy::Method;
use gatematch_protocol::id::BrowserId;
use gatematch_protocol::time::Timestamp;

/// What [`super::Store::arm_session`] takes.
#[derive(Clone, Debug)]
pub struct ArmSession {
    /// The new session. Whether it hears, and which bound browser it is, is found out in the write.
    pub session: Session,
    /// base64url(SHA-256(the cookie of the session that this browser had)).
    pub replaces: Option<String>,
    /// base64url(SHA-256(the cookie of a bound browser)).
    pub browser_token: Option<String>,
}

/// What [`super::Store::arm_session`] did. The browser is told no more than when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// When the session ends unless its page gives a sign of life.
    pub expires_at: Timestamp,
    /// Whether it can ever show anything.
    pub hears: bool,
}

/// A session, as its page is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The session.
    pub session: Session,
    /// Whether a bound browser waits or shows beside it, so that it sees nothing.
    pub is_eclipsed: bool,
}

/// What [`super::Store::confirm_session`] takes.
#[derive(Clone, Debug)]
pub struct ConfirmSession {
    /// When.
    pub now: Timestamp,
    /// base64url(SHA-256(the session's cookie)).
    pub token_digest: String,
    /// Whether the login that began is this person's.
    pub mine: bool,
}

/// What [`super::Store::passcode_on_page`] takes.
#[derive(Clone, Debug)]
pub struct PagePasscode {
    /// When.
    pub now: Timestamp,
    /// base64url(SHA-256(the session's cookie)).
    pub token_digest: String,
    /// The code.
    pub passcode: Passcode,
    /// The ways that a login may take which has not begun.
    pub allowed: Vec<Method>,
    /// After how many seconds without a sign-in an account sleeps; `None`: never.
    pub dormant_after: Option<i64>,
}

/// What [`super::Store::tell_approval`] takes.
#[derive(Clone, Debug)]
pub struct TellApproval {
    /// When.
    pub now: Timestamp,
    /// base64url(SHA-256(the session's cookie)).
    pub token_digest: String,
    /// The browser, should it be bound now.
    pub browser: BrowserId,
    /// base64url(SHA-256(the cookie that it would get)).
    pub browser_digest: String,
}
