//! Is it working now: the database, the log, notifications, the certificate, and those who knock at other doors.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::time::Timestamp;

use super::{At, Gateways};
use crate::audit::said;
use crate::http::app::Inner;
use crate::http::problem::Answer;
use crate::store::{Look, StoreError};
use crate::words::watch::Watch;
use crate::words::{Language, with};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// From how many days before its end on a certificate is told of.
pub(super) const WARN_DAYS: i64 = 30;
/// From how many days before its end on a certificate is a fault.
const LAST_DAYS: i64 = 3;
/// How many events may be under way to those who are sent the log.
const MOST_BEHIND: i64 = 1_000;
/// How many gateways are looked at.
const MOST_GATEWAYS: usize = 20;
const HOUR_SECONDS: i64 = 3_600;
/// The events with which sign-ins begin.
const BEGINNINGS: [&str; 3] = ["challenge.created", "challenge.approved", "challenge.denied"];

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// There is nothing to say.
    Idle,
    /// Well.
    Good,
    /// To be looked at.
    Warn,
    /// Broken.
    Bad,
}

impl State {
    /// As style sheets know it.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
pub(super) struct Check {
    /// What.
    pub(super) what: String,
    /// How it is.
    pub(super) state: State,
    /// In words.
    pub(super) text: String,
    /// When, where that is told.
    pub(super) at: Option<At>,
}

impl Check {
    fn new(what: impl Into<String>, state: State, text: impl Into<String>) -> Self {
        Self { what: what.into(), state, text: text.into(), at: None }
    }
}

/// All of it in a sentence.
pub(super) fn summary(checks: &[Check], words: &Watch) -> (State, String) {
    let of = |state: State| -> Vec<&str> {
        checks.iter().filter(|check| check.state == state).map(|check| check.what.as_str()).collect()
    };
    let (bad, warn) = (of(State::Bad), of(State::Warn));
    match (bad.is_empty(), warn.is_empty()) {
        (false, _) => (State::Bad, with(words.not_well, &[&bad.join(", ")])),
        (true, false) => (State::Warn, with(words.well_but, &[&warn.join(", ")])),
        (true, true) => (State::Good, words.all_well.to_owned()),
    }
}

/// Looks at everything.
pub(super) async fn checks(app: &Inner, waiting: u64, language: Language) -> Answer<Vec<Check>> {
    let words = Watch::of(language);
    let mut checks = vec![database(app, words).await, log(app, words).await?, push(app, words)];
    checks.push(match waiting {
        0 => Check::new(words.waiting, State::Good, words.waiting_none),
        some => Check::new(words.waiting, State::Good, with(words.waiting_some, &[&some.to_string()])),
    });
    checks.extend(certificate(app, words));
    checks.extend(front_door(app, words).await?);
    checks.push(gateways(app, words, language).await?);
    checks.extend(receivers(app, words));
    Ok(checks)
}

async fn database(app: &Inner, words: &Watch) -> Check {
    let began = Instant::now();
    match tokio::time::timeout(PATIENCE, app.store.ready()).await {
        Ok(Ok(())) => {
            let took = began.elapsed().as_millis().max(1).to_string();
            Check::new(words.database, State::Good, with(words.database_good, &[&took]))
        }
        _ => Check::new(words.database, State::Bad, words.database_bad),
    }
}

/// Whether the log ends where it should, and was signed of late.
async fn log(app: &Inner, words: &Watch) -> Answer<Check> {
    let end = app.store.log_end().await?;
    let size = end.size.to_string();
    let Some(last) = app.store.last_checkpoint().await? else {
        let state = if app.settings.audit_checkpoint_seconds.is_some() { State::Idle } else { State::Warn };
        return Ok(Check::new(words.log, state, with(words.log_unsigned, &[&size])));
    };
    if !is_in_the_log(app, &last).await? {
        return Ok(Check::new(words.log, State::Bad, words.log_broken));
    }
    let signed = said(&last).map(|(_, at)| at);
    if is_overdue(app.settings.audit_checkpoint_seconds, signed, end.size > last.size, app.now()) {
        let check = Check::new(words.log, State::Warn, with(words.log_old, &[&size]));
        return Ok(Check { at: signed.map(At::from), ..check });
    }
    let check = Check::new(words.log, State::Good, with(words.log_signed, &[&size, &last.size.to_string()]));
    Ok(Check { at: signed.map(At::from), ..check })
}

/// Whether what was signed last is still what the log had then; of what was removed, nobody knows.
async fn is_in_the_log(app: &Inner, last: &Checkpoint) -> Result<bool, StoreError> {
    match app.store.log_event(last.size).await? {
        Some(here) => Ok(here.head == last.head),
        None => Ok(last.size == 0 || app.store.log_beginning().await?.is_some_and(|it| last.size <= it.end.size)),
    }
}

/// Whether it should have been signed again: twice the time has gone by, and there is something new.
fn is_overdue(every: Option<i64>, signed: Option<Timestamp>, has_grown: bool, now: Timestamp) -> bool {
    let late = |every: i64| signed.is_none_or(|at| at.plus_seconds(every.saturating_mul(2)) < now);
    has_grown && every.is_some_and(late)
}

fn push(app: &Inner, words: &Watch) -> Check {
    let pushed = app.lately.pushed(&app.metrics);
    let (failed, all) = (pushed.failed.to_string(), (pushed.failed + pushed.delivered).to_string());
    match (pushed.delivered, pushed.failed) {
        (0, 0) => Check::new(words.push, State::Idle, words.push_idle),
        (delivered, 0) => Check::new(words.push, State::Good, with(words.push_good, &[&delivered.to_string()])),
        (0, _) => Check::new(words.push, State::Bad, with(words.push_none, &[&failed])),
        // One phone that is not reached is no fault of the whole.
        (delivered, few) if few * 20 < delivered => {
            Check::new(words.push, State::Good, with(words.push_some, &[&failed, &all]))
        }
        _ => Check::new(words.push, State::Warn, with(words.push_some, &[&failed, &all])),
    }
}

/// For how many days the certificate still holds, where one is served with.
pub(super) fn days_left(app: &Inner) -> Option<i64> {
    let told = app.metrics.told("gatematch_tls_certificate_days_left", "");
    told.first().map(|(_, days)| *days)
}

fn certificate(app: &Inner, words: &Watch) -> Option<Check> {
    let days = days_left(app)?;
    let is_stale = app.metrics.told("gatematch_tls_reload_failed", "").iter().any(|(_, failed)| *failed != 0);
    Some(certificate_is(days, is_stale, words))
}

/// How a certificate is that holds for so many days.
fn certificate_is(days: i64, is_stale: bool, words: &Watch) -> Check {
    let told = |text: &str| with(text, &[&days.to_string()]);
    let (state, text) = match days {
        ..0 => (State::Bad, words.certificate_over.to_owned()),
        0..LAST_DAYS => (State::Bad, told(words.certificate_days)),
        _ if is_stale => (State::Warn, told(words.certificate_stale)),
        LAST_DAYS..WARN_DAYS => (State::Warn, told(words.certificate_days)),
        _ => (State::Good, told(words.certificate_days)),
    };
    Check::new(words.certificate, state, text)
}

/// The front door in this process, and what any of them has dropped of late.
async fn front_door(app: &Inner, words: &Watch) -> Answer<Vec<Check>> {
    let mut checks = Vec::new();
    if app.settings.radius.is_some() {
        let is_open = app.whole.load(Ordering::Acquire);
        let (state, text) =
            if is_open { (State::Good, words.front_door_open) } else { (State::Warn, words.front_door_shut) };
        checks.push(Check::new(words.front_door, state, text));
    }
    let look = Look {
        kinds: vec!["radius.dropped".to_owned()],
        since: Some(app.now().plus_seconds(-HOUR_SECONDS)),
        latest_first: true,
        limit: 100,
        ..Look::default()
    };
    let mut dropped: Vec<_> = app.store.look(look).await?.events.into_iter().map(|event| event.gateway).collect();
    dropped.sort();
    dropped.dedup();
    if !dropped.is_empty() {
        let text = with(words.dropped, &[&dropped.len().to_string()]);
        checks.push(Check::new(words.front_door, State::Warn, text));
    }
    Ok(checks)
}

/// Where somebody has signed in last.
async fn gateways(app: &Inner, words: &Watch, language: Language) -> Answer<Check> {
    let gateways = Gateways::of(app, language).await?;
    let own = gateways.own();
    if own.is_empty() {
        return Ok(Check::new(words.gateways, State::Idle, words.gateways_none));
    }
    let mut last = None;
    for (id, name) in own.into_iter().take(MOST_GATEWAYS) {
        let kinds = BEGINNINGS.map(str::to_owned).to_vec();
        let look = Look { gateways: vec![id.clone()], kinds, latest_first: true, limit: 1, ..Look::default() };
        let seen = app.store.look(look).await?.events.into_iter().next();
        last = last.max(seen.map(|event| (event.at, name.clone())));
    }
    Ok(match last {
        None => Check::new(words.gateways, State::Idle, words.gateways_unseen),
        Some((at, name)) => Check {
            at: Some(At::from(at)),
            ..Check::new(words.gateways, State::Good, with(words.gateways_seen, &[&name]))
        },
    })
}

/// Those who are sent the log.
fn receivers(app: &Inner, words: &Watch) -> Vec<Check> {
    let told = app.metrics.told("gatematch_audit_undelivered", "to");
    let check = |(to, behind): (String, i64)| {
        let what = with(words.siem, &[&to]);
        if behind < MOST_BEHIND {
            Check::new(what, State::Good, with(words.siem_good, &[&behind.to_string()]))
        } else {
            Check::new(what, State::Warn, with(words.siem_behind, &[&behind.to_string()]))
        }
    };
    told.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, state: State) -> Check {
        Check::new(what, state, "")
    }

    #[test]
    fn the_worst_is_told_first() {
        let words = Watch::of(Language::English);
        let (good, warn, bad) = (check("a", State::Good), check("b", State::Warn), check("c", State::Bad));
        assert_eq!(summary(&[check("x", State::Idle)], words), (State::Good, "Everything works".to_owned()));
        let checks = [good, warn];
        assert_eq!(summary(&checks, words), (State::Warn, "It works; look at: b".to_owned()));
        let [good, warn] = checks;
        assert_eq!(summary(&[good, warn, bad], words), (State::Bad, "Something is broken: c".to_owned()));
    }

    #[test]
    fn a_certificate_is_told_of_in_time() {
        let words = Watch::of(Language::English);
        for (days, is_stale, state) in [
            (-1, false, State::Bad),
            (0, false, State::Bad),
            (2, true, State::Bad),
            (3, false, State::Warn),
            (29, false, State::Warn),
            (30, false, State::Good),
            (300, true, State::Warn),
        ] {
            let check = certificate_is(days, is_stale, words);
            assert_eq!(check.state, state, "{days} {is_stale}: {}", check.text);
            assert!(days < 0 || check.text.contains(&days.to_string()), "{}", check.text);
        }
    }

    #[test]
    fn a_log_that_has_not_grown_needs_no_new_signature() {
        let at = Timestamp::from_numeric_date;
        for (every, signed, has_grown, now, is) in [
            (Some(3_600), Some(at(0)), true, at(7_200), false),
            (Some(3_600), Some(at(0)), true, at(7_201), true),
            (Some(3_600), Some(at(0)), false, at(99_999), false),
            (None, Some(at(0)), true, at(99_999), false),
            (Some(3_600), None, true, at(0), true),
        ] {
            assert_eq!(is_overdue(every, signed, has_grown, now), is, "{every:?} {signed:?} {has_grown} {now}");
        }
    }
}
