//! How a sign-in ended, as the overview tells it.

use gatematch_protocol::audit::AuditEvent;

/// How many ways there are.
pub const ENDINGS: usize = 6;

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The person was let in by his phone.
    ByPhone,
    /// By a code or a pass.
    ByCode,
    /// Without being asked: by policy, by a bypass, or by an approval of before.
    ByRule,
    /// The person refused it, or reported it.
    Disowned,
    /// The server refused it: by policy, a lock, a limit, a wrong number or code, or because nobody was enrolled.
    Refused,
    /// Its time ran out, or it was taken back.
    Over,
}

impl Ending {
    /// All of them, in the order in which they are counted and shown.
    pub const ALL: [Self; ENDINGS] =
        [Self::ByPhone, Self::ByCode, Self::ByRule, Self::Disowned, Self::Refused, Self::Over];

    /// The word in addresses and classes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByPhone => "phone",
            Self::ByCode => "code",
            Self::ByRule => "rule",
            Self::Disowned => "disowned",
            Self::Refused => "refused",
            Self::Over => "over",
        }
    }

    /// How the sign-in of `event` ended; `None` where that is no end of one.
    #[must_use]
    pub fn of(event: &AuditEvent) -> Option<Self> {
        let method = || event.detail.as_ref()?.get("method")?.as_str();
        Some(match (event.kind.as_str(), event.reason.as_deref()) {
            ("challenge.redeemed", _) => match method() {
                Some("totp" | "recovery_code" | "access_pass") => Self::ByCode,
                Some("bypass" | "policy" | "reuse") => Self::ByRule,
                _ => Self::ByPhone,
            },
            ("challenge.denied" | "challenge.cancelled", Some("user" | "reported")) => Self::Disowned,
            ("challenge.denied", _) => Self::Refused,
            ("challenge.expired" | "challenge.cancelled", _) => Self::Over,
            _ => return None,
        })
    }
}
