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

#[test]
fn strangers_leave_the_person_his_last_tries() {
    let mut limits = Limits::default();
    for hour in 0..3 {
        let mut heard = 0;
        while limits.hears_strangers(at(hour * STRANGER_WINDOW_SECONDS)) {
            limits.stranger_failed(at(hour * STRANGER_WINDOW_SECONDS));
            let _ = limits.failed(at(hour * STRANGER_WINDOW_SECONDS));
            heard += 1;
        }
        assert_eq!(heard, [5, 2, 0][usize::try_from(hour).unwrap()]);
    }
    assert_eq!(limits.failures(), LOCK_AT - KEPT_TRIES);
    for own in 1..=KEPT_TRIES {
        assert_eq!(limits.failed(at(20_000)) == AfterFailure::Lock, own == KEPT_TRIES);
    }
}
