//! What counts against a user: prompts, denials and failures (contract section 6).
//!
//! Prompts are limited so that nobody is worn down until he taps Approve (CISA, number matching guidance);
//! failures so that nobody guesses (NIST SP 800-63B-4, section 3.2.2). A new challenge resets nothing.
//!
//! What rings or costs something else is counted here too: notices of logins, and changes of where push reaches a phone.

use gatematch_protocol::id::{DeviceId, GatewayId};
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
}

/// A notice of a login by this (gateway, client name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    gateway: GatewayId,
    client_name: Option<String>,
    at: Timestamp,
}

/// The subscription of a phone was changed.
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

    // `client_name` is in lower case.
    fn is_reported(&self, gateway: GatewayId, client_name: Option<&str>, now: Timestamp) -> bool {
        let of = |report: &&Report| report.gateway == gateway && report.client_name.as_deref() == client_name;
        self.reports.iter().filter(of).any(|report| now < report.until)
    }

    /// Whether his phones are told of a login by this gateway and client; if so, it is counted.
    #[must_use]
    pub fn may_tell(&mut self, gateway: GatewayId, client_name: Option<&str>, now: Timestamp) -> bool {
        let client_name = client_name.map(str::to_lowercase);
        self.notices.retain(|told| now < told.at.plus_seconds(NOTICE_WINDOW_SECONDS));
        let was_told = self.notices.iter().any(|told| told.gateway == gateway && told.client_name == client_name);
        if was_told || self.notices.len() >= MAX_NOTICES || self.is_reported(gateway, client_name.as_deref(), now) {
            return false;
        }
        self.notices.push(Told { gateway, client_name, at: now });
        true
    }

    /// Counts a change of where push reaches the phone `device`; `phones` are all that he has.
    ///
    /// # Errors
    /// After how many seconds another change is taken. Nothing was counted then.
    pub fn push_changed(&mut self, device: DeviceId, phones: &[DeviceId], now: Timestamp) -> Result<(), i64> {
        let end = |change: &PushChange| change.at.plus_seconds(PUSH_CHANGE_WINDOW_SECONDS);
        let ends = self.push_changes.iter().filter(|change| change.device == device).map(end).filter(|end| now < *end);
        let ends: Vec<Timestamp> = ends.collect();
        if ends.len() >= MAX_PUSH_CHANGES {
            let whole = ends.iter().min().map_or(0, |end| i64::try_from(end.since(now).as_secs()).unwrap_or(0));
            // A part of a second is waited for whole. A clock that was set back makes nobody wait for longer than this.
            return Err(whole.saturating_add(1).min(PUSH_CHANGE_WINDOW_SECONDS));
        }
        self.push_changes.retain(|change| now < end(change) && phones.contains(&change.device));
        self.push_changes.push(PushChange { device, at: now });
        Ok(())
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
        let Self { reports, notices, push_changes, .. } = std::mem::take(self);
        *self = Self { reports, notices, push_changes, ..Self::default() };
    }

    /// An administrator unlocked him: his failures are forgotten, but not how often he was asked or denied.
    pub fn forgive_failures(&mut self) {
        self.failures = 0;
        self.cooldown_until = None;
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
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_numeric_date(1_000_000 + second)
    }

    fn gateway(n: u8) -> GatewayId {
        GatewayId::new(at(0), [n; 10])
    }

    fn may(limits: &Limits, second: i64) -> Result<(), Limited> {
        limits.may_prompt(gateway(1), Some("PC"), 0, at(second))
    }

    #[test]
    fn ten_prompts_in_ten_minutes_and_a_success_resets() {
        let mut limits = Limits::default();
        for second in 0..10 {
            assert_eq!(may(&limits, second), Ok(()));
            limits.prompted(at(second));
        }
        assert_eq!(may(&limits, 599), Err(Limited::Prompts));
        assert_eq!(may(&limits, 600), Ok(()), "the first one has left the window");
        limits.succeeded();
        assert_eq!(may(&limits, 11), Ok(()));
    }

    #[test]
    fn denials_in_a_row_back_off_from_the_second_on() {
        let mut limits = Limits::default();
        limits.denied(at(0));
        assert_eq!(may(&limits, 0), Ok(()));
        for (second, wait) in [(0, 60), (1_000, 120), (2_000, 240), (3_000, 480), (4_000, 900), (5_000, 900)] {
            limits.denied(at(second));
            assert_eq!(may(&limits, second + wait - 1), Err(Limited::Backoff), "{wait}");
            assert_eq!(may(&limits, second + wait), Ok(()), "{wait}");
        }
    }

    #[test]
    fn failures_cool_down_at_five_and_lock_at_ten() {
        let mut limits = Limits::default();
        let outcomes: Vec<_> = (0..10).map(|second| limits.failed(at(second * 400))).collect();
        let mut expected = vec![AfterFailure::Nothing; 10];
        expected[4] = AfterFailure::Cooldown;
        expected[9] = AfterFailure::Lock;
        assert_eq!(outcomes, expected);
        assert!(limits.cools_down(at(1_600 + 299)));
        assert!(!limits.cools_down(at(1_600 + 300)));
    }

    #[test]
    fn a_report_cools_this_gateway_and_client_only() {
        let mut limits = Limits::default();
        limits.reported(gateway(1), Some("pc"), at(0));
        assert_eq!(may(&limits, 899), Err(Limited::Reported));
        assert_eq!(may(&limits, 900), Ok(()));
        assert_eq!(limits.may_prompt(gateway(2), Some("PC"), 0, at(1)), Ok(()));
        assert_eq!(limits.may_prompt(gateway(1), None, 0, at(1)), Ok(()));
        limits.succeeded();
        assert_eq!(may(&limits, 1), Err(Limited::Reported), "a success elsewhere does not lift it");
        for n in 0..200 {
            limits.reported(gateway(n), None, at(1));
        }
        assert!(limits.reports.len() <= MAX_REPORTS);
    }

    #[test]
    fn one_notice_of_a_gateway_and_client_and_five_in_all_in_ten_minutes() {
        let mut limits = Limits::default();
        assert!(limits.may_tell(gateway(1), Some("PC"), at(0)));
        for second in 0..600 {
            assert!(!limits.may_tell(gateway(1), Some("pc"), at(second)), "{second}");
        }
        assert!(limits.may_tell(gateway(1), None, at(1)));
        assert!(limits.may_tell(gateway(2), Some("PC"), at(1)));
        limits.succeeded();
        assert!(!limits.may_tell(gateway(2), Some("PC"), at(1)), "a success elsewhere rings nobody again");
        let told = (0..1_000).filter(|n| limits.may_tell(gateway(3), Some(&format!("PC-{n}")), at(2))).count();
        assert_eq!(told, 2);
        assert!(limits.may_tell(gateway(1), Some("PC"), at(600)));
        assert_eq!(limits.notices.len(), MAX_NOTICES, "what has left the window is forgotten");
        limits.reported(gateway(4), Some("PC"), at(1_500));
        assert!(!limits.may_tell(gateway(4), Some("pc"), at(2_399)), "he said that it was not him");
        assert!(limits.may_tell(gateway(4), Some("pc"), at(2_400)));
    }

    #[test]
    fn ten_changes_of_a_phone_in_ten_minutes() {
        let phone = |n: u8| DeviceId::new(at(0), [n; 10]);
        let phones = [phone(1), phone(2)];
        let mut limits = Limits::default();
        for second in 0..10 {
            assert_eq!(limits.push_changed(phone(1), &phones, at(second)), Ok(()));
        }
        let full = limits.clone();
        assert_eq!(limits.push_changed(phone(1), &phones, at(599)), Err(2));
        assert_eq!(limits.push_changed(phone(1), &phones, at(-99_999)), Err(600), "the clock was set back");
        assert_eq!(limits, full);
        assert_eq!(limits.push_changed(phone(2), &phones, at(599)), Ok(()), "another phone has its own");
        limits.succeeded();
        assert!(limits.push_changed(phone(1), &phones, at(599)).is_err());
        assert_eq!(limits.push_changed(phone(1), &phones, at(600)), Ok(()));
        assert_eq!(limits.push_changed(phone(2), &phones[1..], at(600)), Ok(()));
        assert_eq!(limits.push_changes.len(), 2, "a phone that is gone is forgotten");
    }

    #[test]
    fn what_an_older_version_stored_is_read() {
        let text = r#"{"failures":2,"denials":0,"prompts":[]}"#;
        let mut limits: Limits = serde_json::from_str(text).unwrap();
        assert_eq!(limits.failures(), 2);
        assert!(limits.may_tell(gateway(1), None, at(0)));
        assert_eq!(serde_json::from_str::<Limits>("{}").unwrap(), Limits::default());
    }

    #[test]
    fn it_is_stored_and_read_back() {
        let mut limits = Limits::default();
        limits.prompted(at(1));
        limits.denied(at(1));
        let _ = limits.failed(at(2));
        limits.reported(gateway(3), None, at(3));
        assert!(limits.may_tell(gateway(4), Some("PC"), at(4)));
        limits.push_changed(DeviceId::new(at(0), [1; 10]), &[], at(5)).unwrap();
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
    }
}
