//! Whether a person can sign in now, and with what: as a login would find it.

use gatematch_domain::account::Account;
use gatematch_domain::limits::{COOLDOWN_SECONDS, Limited, MAX_BACKOFF_SECONDS, PROMPT_WINDOW_SECONDS};
use gatematch_domain::policy::Method;
use gatematch_domain::user::{Status, User};
use gatematch_protocol::authenticator::BypassView;
use gatematch_protocol::time::Timestamp;

/// Whether somebody can sign in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// By his password alone, because of a bypass.
    Passes {
        /// Until when.
        until: Timestamp,
    },
    /// With these.
    With(Vec<Method>),
    /// The account lets nobody in, whatever he has.
    Shut(Shut),
    /// He has nothing to sign in with.
    NotEnrolled {
        /// Whether there is a phone that nobody has confirmed.
        has_phone: bool,
    },
    /// Something of late stands against every login of his.
    Limited {
        /// What it is.
        by: Limited,
        /// How long that lasts at most.
        seconds: i64,
    },
}

impl Standing {
    /// In the order in which a login looks at it.
    pub(crate) fn of(account: &Account, dormant_after: Option<i64>, now: Timestamp) -> Self {
        if let Some(shut) = Shut::of(&account.user, dormant_after, now) {
            return Self::Shut(shut);
        }
        if let Some(bypass) = bypasses(account, now).next() {
            return Self::Passes { until: bypass.expires_at };
        }
        let ways = ways(account, now);
        if ways.is_empty() {
            return Self::NotEnrolled { has_phone: !account.devices.is_empty() };
        }
        match limited(account, now) {
            None => Self::With(ways),
            Some((by, seconds)) => Self::Limited { by, seconds },
        }
    }

    /// Whether he can.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Passes { .. } | Self::With(_))
    }

    /// In a word for scripts.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Passes { .. } | Self::With(_) => "ok",
            Self::Shut(shut) => shut.as_str(),
            Self::NotEnrolled { .. } => "not-enrolled",
            Self::Limited { by, .. } => by.as_str(),
        }
    }
}

/// What of late stands against every login, and how many seconds that lasts at most.
fn limited(account: &Account, now: Timestamp) -> Option<(Limited, i64)> {
    let by = account.user.limits.against_all(now)?;
    match by {
        Limited::Cooldown => Some((by, COOLDOWN_SECONDS)),
        Limited::Backoff => Some((by, MAX_BACKOFF_SECONDS)),
        Limited::Prompts => Some((by, PROMPT_WINDOW_SECONDS)),
        Limited::Reported | Limited::Pending => None,
    }
}

/// Why an account lets nobody in, whatever he has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// By an administrator's decision.
    Disabled,
    /// By somebody, or after failures.
    Locked,
    /// Nobody has signed in for long: the next sign-in locks it.
    Dormant,
}

impl Shut {
    /// In the order in which a login looks at it.
    pub(crate) fn of(user: &User, dormant_after: Option<i64>, now: Timestamp) -> Option<Self> {
        match (user.status, &user.locked) {
            (Status::Disabled, _) => Some(Self::Disabled),
            (Status::Active, Some(_)) => Some(Self::Locked),
            (Status::Active, None) => {
                dormant_after.is_some_and(|seconds| user.is_dormant(seconds, now)).then_some(Self::Dormant)
            }
        }
    }

    /// In a word for scripts.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Dormant => "dormant",
        }
    }
}

/// What he can sign in with, the phone first.
pub(crate) fn ways(account: &Account, now: Timestamp) -> Vec<Method> {
    Method::FACTORS.into_iter().filter(|method| account.holds(*method, now)).collect()
}

/// The bypasses in force, oldest first.
pub(crate) fn bypasses(account: &Account, now: Timestamp) -> impl Iterator<Item = BypassView> {
    account.working(now).filter_map(|(factor, _)| factor.bypass_view())
}
