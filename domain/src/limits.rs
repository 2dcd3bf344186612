//! What counts against a user: prompts, denials and failures (contract section 6).
//!
//! Prompts are limited so that nobody is worn down until he taps Approve (CISA, number matching guidance);
//! failures so that nobody guesses (NIST SP 800-63B-4, section 3.2.2). A new challenge resets nothing.
//!
//! What rings or costs something else is counted here too: notices of logins, and changes of where push reaches a phone.

mod beside;

use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most prompts in [`PROMPT_WINDOW_SECONDS`].
pub const MAX_PROMPTS: usize = 10;
/// The time over which prompts are counted.
pub const PROMPT_WINDOW_SECONDS: i64 = 600;
/// The most challenges of one user that wait at the same time.
pub const MAX_PENDING: usize = 3;
/// From this many failures on the account cools down.
pub const COOLDOWN_AT: u32 = 5;
/// How long an account cools down after failures.
pub const COOLDOWN_SECONDS: i64 = 300;
/// At this many failures the account is locked.
pub const LOCK_AT: u32 = 10;
/// How many of these no stranger can use up.
pub const KEPT_TRIES: u32 = 3;
/// How long (user, gateway, client name) cools after a report.
pub const REPORT_SECONDS: i64 = 900;
/// The first wait after denials in a row; doubled by each further one.
pub const BACKOFF_SECONDS: i64 = 60;
/// The longest wait after denials in a row.
pub const MAX_BACKOFF_SECONDS: i64 = 900;
/// The most reports remembered at a time; the oldest goes first.
const MAX_REPORTS: usize = 64;
/// The most notices of logins that one user is told in [`NOTICE_WINDOW_SECONDS`]; of logins by one (gateway, client
/// name), one.
pub const MAX_NOTICES: usize = 5;
/// The time over which notices are counted.
pub const NOTICE_WINDOW_SECONDS: i64 = 600;
/// The most changes of where push reaches one phone in [`PUSH_CHANGE_WINDOW_SECONDS`].
pub const MAX_PUSH_CHANGES: usize = 10;
/// The time over which those changes are counted.
pub const PUSH_CHANGE_WINDOW_SECONDS: i64 = 600;
/// The time over which failures by browsers that nobody knows are counted.
pub const STRANGER_WINDOW_SECONDS: i64 = 3_600;
/// For how long a failure is recent, where policy asks.
pub const RECENT_SECONDS: i64 = 3_600;
/// The most changes that one phone makes to its account in [`OWN_CHANGE_WINDOW_SECONDS`]: each is told to his other phones.
pub const MAX_OWN_CHANGES: usize = 20;
/// The time over which those changes are counted.
pub const OWN_CHANGE_WINDOW_SECONDS: i64 = 600;

/// The most prompts in [`KNOCK_WINDOW_SECONDS`] by browsers that nobody knows, at the console and the portal: no password
/// stands before them, so anybody can ring who knows a name. They take nothing from logins.
pub const MAX_KNOCKS: usize = 3;
/// The time over which those are counted.
pub const KNOCK_WINDOW_SECONDS: i64 = 3_600;
/// The most of them in [`KNOCK_DAY_SECONDS`].
pub const MAX_KNOCKS_A_DAY: usize = 9;
/// A day.
pub const KNOCK_DAY_SECONDS: i64 = 86_400;

/// The most logins that one user disowns at the portal in a day: each is told to his phones.
pub const MAX_DISOWNED: usize = 30;

/// What counts against one user since his last success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompts: Vec<Timestamp>,
    denials: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_prompt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reports: Vec<Report>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    push_changes: Vec<PushChange>,
    /// Whether his phones were told of the failures that count now.
    failures_told: bool,
    /// How many of the failures came from browsers that nobody knows.
    stranger_failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    awake_since: Option<Timestamp>,
    /// When the account was last locked or disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
    /// What he changed of late with each of his phones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own_changes: Vec<PushChange>,
    /// Since when the failures by strangers are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    strangers_since: Option<Timestamp>,
    /// When a number or code of his was last wrong, or he denied or reported a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    went_wrong_at: Option<Timestamp>,
    /// When strangers rang who had checked no password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    knocks: Vec<Timestamp>,
    /// Which logins of late he has disowned at the portal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    disowned: Vec<Disowned>,
}

/// A login of which he said at the portal that it was not he.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disowned {
    challenge: ChallengeId,
    at: Timestamp,
}

/// A notice of a login by this (gateway, client name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    gateway: GatewayId,
    client_name: Option<String>,
    at: Timestamp,
}

/// The subscription of a phone was changed, or something was by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PushChange {
    device: DeviceId,
    at: Timestamp,
}

/// A (gateway, client name) that the user reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    gateway: GatewayId,
    client_name: Option<String>,
    until: Timestamp,
}

/// Why no prompt is sent now; all of them are answered `rate-limited`, and the audit log says which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Too many failures of late.
    Cooldown,
    /// He reported logins like this one.
    Reported,
    /// He denied twice or more in a row.
    Backoff,
    /// Too many prompts of late.
    Prompts,
    /// Too many challenges wait already.
    Pending,
}

impl Limited {
    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cooldown => "cooldown",
            Self::Reported => "reported",
            Self::Backoff => "backoff",
            Self::Prompts => "prompts",
            Self::Pending => "pending",
        }
    }
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum AfterFailure {
    /// Nothing yet.
    Nothing,
    /// The account cools down from now.
    Cooldown,
    /// The account must be locked.
    Lock,
}

impl Limits {
    /// Whether a prompt may be sent now.
    ///
    /// # Errors
    /// [`Limited`], the first limit that stands against it.
    pub fn may_prompt(
        &self,
        gateway: GatewayId,
        client_name: Option<&str>,
        pending: usize,
        now: Timestamp,
    ) -> Result<(), Limited> {
        if self.cools_down(now) {
            return Err(Limited::Cooldown);
        }
        if self.is_reported(gateway, client_name.map(str::to_lowercase).as_deref(), now) {
            return Err(Limited::Reported);
        }
        if self.next_prompt_at.is_some_and(|at| now < at) {
            return Err(Limited::Backoff);
        }
        if self.prompts.iter().filter(|at| now < at.plus_seconds(PROMPT_WINDOW_SECONDS)).count() >= MAX_PROMPTS {
            return Err(Limited::Prompts);
        }
        if pending >= MAX_PENDING {
            return Err(Limited::Pending);
        }
        Ok(())
    }

    /// What of late stands against every login, wherever it comes from.
    #[must_use]
    pub fn against_all(&self, now: Timestamp) -> Option<Limited> {
        // A gateway that nobody has, and nothing that waits: what is left counts everywhere.
        self.may_prompt(GatewayId::new(now, [0; 10]), None, 0, now).err()
    }

    // `client_name` is in lower case.
    fn is_reported(&self, gateway: GatewayId, client_name: Option<&str>, now: Timestamp) -> bool {
        let of = |report: &&Report| report.gateway == gateway && report.client_name.as_deref() == client_name;
        self.reports.iter().filter(of).any(|report| now < report.until)
    }

    /// Whether the account cools down after failures.
    #[must_use]
    pub fn cools_down(&self, now: Timestamp) -> bool {
        self.cooldown_until.is_some_and(|until| now < until)
    }

    /// How many failures count against him.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// A prompt was sent.
    pub fn prompted(&mut self, now: Timestamp) {
        self.prompts.retain(|at| now < at.plus_seconds(PROMPT_WINDOW_SECONDS));
        self.prompts.push(now);
    }

    /// He let a login in with a real factor: what counted against him is forgotten, but not what he reported, nor what
    /// his phones were told and changed.
    pub fn succeeded(&mut self) {
        let was = std::mem::take(self);
        *self = Self {
            reports: was.reports,
            notices: was.notices,
            push_changes: was.push_changes,
            closed_at: was.closed_at,
            own_changes: was.own_changes,
            // Or whoever makes him fail could do so again at once.
            stranger_failures: was.stranger_failures,
            strangers_since: was.strangers_since,
            // One success does not make a night of guesses undone.
            went_wrong_at: was.went_wrong_at,
            knocks: was.knocks,
            disowned: was.disowned,
            ..Self::default()
        };
    }

    /// An administrator unlocked him: his failures are forgotten, but not how often he was asked or denied.
    pub fn forgive_failures(&mut self, now: Timestamp) {
        self.failures = 0;
        self.cooldown_until = None;
        self.failures_told = false;
        self.stranger_failures = 0;
        self.strangers_since = None;
        self.awake_since = Some(now);
    }

    /// The account was locked or disabled.
    pub fn closed(&mut self, now: Timestamp) {
        // A clock that is set back opens nothing again.
        self.closed_at = self.closed_at.max(Some(now));
    }

    /// Whether nobody has locked or disabled the account since `at`.
    #[must_use]
    pub fn is_open_since(&self, at: Timestamp) -> bool {
        self.closed_at.is_none_or(|closed| closed < at)
    }

    /// When he was last unlocked: an account that slept is awake from then on.
    #[must_use]
    pub const fn awake_since(&self) -> Option<Timestamp> {
        self.awake_since
    }

    /// Whether his phones are to be told of a failure: of the first one since the last success or unlocking.
    #[must_use]
    pub fn tells_failure(&mut self) -> bool {
        !std::mem::replace(&mut self.failures_told, true)
    }

    /// Whether a code from a browser that nobody knows is judged. Strangers can bring the account to its cool-down once
    /// in [`STRANGER_WINDOW_SECONDS`], but never lock it: the last [`KEPT_TRIES`] are the person's own, whoever was
    /// at it all night.
    #[must_use]
    pub fn hears_strangers(&self, now: Timestamp) -> bool {
        (self.stranger_failures < COOLDOWN_AT || self.strangers_are_forgotten(now))
            && self.failures + KEPT_TRIES < LOCK_AT
    }

    fn strangers_are_forgotten(&self, now: Timestamp) -> bool {
        self.strangers_since.is_none_or(|since| since.plus_seconds(STRANGER_WINDOW_SECONDS) <= now)
    }

    /// A failure came from a browser that nobody knows.
    pub fn stranger_failed(&mut self, now: Timestamp) {
        if self.strangers_are_forgotten(now) {
            self.stranger_failures = 0;
            self.strangers_since = Some(now);
        }
        self.stranger_failures = self.stranger_failures.saturating_add(1);
    }

    /// Whether something went wrong in the last hour: a number or code that was wrong, a login that he denied or
    /// reported. What strangers try on the connect page is none of it.
    #[must_use]
    pub fn failed_lately(&self, now: Timestamp) -> bool {
        self.went_wrong_at.is_some_and(|at| now < at.plus_seconds(RECENT_SECONDS))
    }

    /// A number or code of his was wrong, or he denied or reported a login.
    pub const fn went_wrong(&mut self, now: Timestamp) {
        self.went_wrong_at = Some(now);
    }

    /// He denied with a signed `deny`.
    pub fn denied(&mut self, now: Timestamp) {
        self.denials = self.denials.saturating_add(1);
        if self.denials >= 2 {
            let doublings = (self.denials - 2).min(10);
            let wait = (BACKOFF_SECONDS << doublings).min(MAX_BACKOFF_SECONDS);
            self.next_prompt_at = Some(now.plus_seconds(wait));
        }
    }

    /// He said that it was not him.
    pub fn reported(&mut self, gateway: GatewayId, client_name: Option<&str>, now: Timestamp) {
        let client_name = client_name.map(str::to_lowercase);
        self.reports
            .retain(|report| now < report.until && (report.gateway, &report.client_name) != (gateway, &client_name));
        if self.reports.len() >= MAX_REPORTS {
            self.reports.remove(0);
        }
        self.reports.push(Report { gateway, client_name, until: now.plus_seconds(REPORT_SECONDS) });
    }

    /// A wrong number or a wrong passcode, by whatever factor.
    pub fn failed(&mut self, now: Timestamp) -> AfterFailure {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= LOCK_AT {
            return AfterFailure::Lock;
        }
        if self.failures == COOLDOWN_AT {
            self.cooldown_until = Some(now.plus_seconds(COOLDOWN_SECONDS));
            return AfterFailure::Cooldown;
        }
        AfterFailure::Nothing
    }
}

#[cfg(test)]
mod tests;
