use gatematch_protocol::id::EventId;
use serde_json::json;

use super::*;
use crate::http::Metrics;
use crate::push::metrics::PushMetrics;

/// 2027-01-15, 08:00.
const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_numeric_date(NOW + seconds)
}

fn event(kind: &str, reason: Option<&str>, method: Option<&str>, at: Timestamp) -> AuditEvent {
    let detail = method.and_then(|method| json!({"method": method}).as_object().cloned());
    AuditEvent {
        seq: 1,
        id: EventId::NIL,
        at,
        kind: kind.to_owned(),
        actor: None,
        user: None,
        device: None,
        gateway: None,
        client: None,
        outcome: None,
        reason: reason.map(str::to_owned),
        number_match: None,
        policy: None,
        detail,
        prev_hash: None,
        hash: None,
    }
}

fn denied(seconds: i64) -> AuditEvent {
    event("challenge.denied", Some("locked"), None, at(seconds))
}

fn sums(spans: &[Span]) -> Vec<u32> {
    spans.iter().map(|span| span.counts.iter().sum()).collect()
}

#[test]
fn each_end_is_counted_as_what_it_is_and_each_sign_in_once() {
    for (kind, reason, method, expected) in [
        ("challenge.created", None, None, None),
        ("challenge.approved", None, Some("push"), None),
        ("challenge.redeemed", None, Some("push"), Some(Ending::ByPhone)),
        ("challenge.redeemed", None, Some("totp"), Some(Ending::ByCode)),
        ("challenge.redeemed", None, Some("recovery_code"), Some(Ending::ByCode)),
        ("challenge.redeemed", None, Some("access_pass"), Some(Ending::ByCode)),
        ("challenge.redeemed", None, Some("bypass"), Some(Ending::ByRule)),
        ("challenge.redeemed", None, Some("policy"), Some(Ending::ByRule)),
        ("challenge.redeemed", None, Some("reuse"), Some(Ending::ByRule)),
        ("challenge.denied", Some("user"), None, Some(Ending::Disowned)),
        ("challenge.denied", Some("reported"), None, Some(Ending::Disowned)),
        ("challenge.denied", Some("policy"), None, Some(Ending::Refused)),
        ("challenge.denied", Some("wrong-number"), None, Some(Ending::Refused)),
        ("challenge.expired", Some("timeout"), None, Some(Ending::Over)),
        ("challenge.cancelled", None, None, Some(Ending::Over)),
        ("challenge.cancelled", Some("reported"), None, Some(Ending::Disowned)),
        ("challenge.collision", None, None, None),
        ("user.locked", None, None, None),
    ] {
        let event = event(kind, reason, method, at(0));
        assert_eq!(Ending::of(&event), expected, "{kind} {reason:?} {method:?}");
        assert!(expected.is_none() || ENDS.contains(&kind), "{kind} is read");
    }
}

#[test]
fn hours_and_days_begin_where_clocks_say_so() {
    let mut counted = Counted::default();
    // Of the last second of an hour, of the first one, and of 24 hours ago.
    for seconds in [-1, 0, 1, -86_400, -86_401] {
        counted.add(&denied(seconds), at(0));
    }
    let hours = counted.spans(1, HOURS, at(1_800));
    assert_eq!((hours.len(), hours[HOURS - 1].from), (HOURS, at(0)));
    assert_eq!(sums(&hours)[HOURS - 2..], [1, 2]);
    assert_eq!(sums(&hours).iter().sum::<u32>(), 3, "what is a day ago is in the same hour of the day before");
    let days = counted.spans(24, DAYS, at(1_800));
    assert_eq!((days.len(), days[DAYS - 1].from), (DAYS, at(-8 * 3_600)));
    assert_eq!(sums(&days)[DAYS - 2..], [2, 3]);
    // The same after midnight, and after the hour.
    let later = at(16 * 3_600);
    assert_eq!(sums(&counted.spans(24, DAYS, later))[DAYS - 3..], [2, 3, 0]);
    assert_eq!(sums(&counted.spans(1, HOURS, at(3_600)))[HOURS - 3..], [1, 2, 0]);
}

#[test]
fn what_nobody_sees_any_more_takes_no_room() {
    let mut counted = Counted::default();
    let oldest = first_hour(at(0)) * HOUR_SECONDS - NOW;
    for seconds in [oldest - 1, oldest, 0, 30 * 3_600] {
        counted.add(&denied(seconds), at(0));
    }
    assert_eq!(sums(&counted.spans(24, DAYS, at(0))).iter().sum::<u32>(), 2, "neither before nor in the far future");
    assert_eq!(sums(&counted.spans(24, DAYS, at(0)))[0], 1);
    for hour in 0..10_000 {
        counted.add(&denied(hour * 3_600), at(hour * 3_600));
        counted.forget(at(hour * 3_600));
        assert!(counted.hours.len() <= DAYS * 24 + 24, "{hour}");
    }
    assert_eq!(sums(&counted.spans(1, HOURS, at(9_999 * 3_600))), [1; HOURS]);
}

#[test]
fn pushes_of_late_are_those_of_a_quarter_of_an_hour() {
    let metrics = Metrics::new().unwrap();
    let pushes = PushMetrics::new(&metrics).unwrap();
    let lately = Lately::default();
    let count = |outcome: &str, times: u64| pushes.outcomes.with_label_values(&[outcome]).inc_by(times);
    let of = |delivered, failed| Pushed { delivered, failed };
    lately.look(&metrics, at(0));
    count("delivered", 5);
    count("failed", 2);
    count("gone", 9);
    count("moot", 9);
    assert_eq!(lately.pushed(&metrics), of(5, 2));
    for minute in 1..=15 {
        lately.look(&metrics, at(minute * 60));
        // Whoever looks more often sees no more.
        lately.look(&metrics, at(minute * 60 + 59));
        assert_eq!(lately.pushed(&metrics), of(5, 2), "{minute}");
    }
    count("late", 1);
    lately.look(&metrics, at(16 * 60));
    assert_eq!(lately.pushed(&metrics), of(0, 1));
}
