//! What a form of a person's page means.

use super::*;

fn form(fields: &[(&str, &str)]) -> Form {
    Form::of(fields)
}

fn now() -> Timestamp {
    Timestamp::from_numeric_date(1_800_000_000)
}

#[test]
fn a_pass_is_for_some_hours_or_until_a_time() {
    let terms = |fields: &[(&str, &str)]| pass_terms(&form(fields), now());
    let eight = terms(&[("life", "8"), ("uses", "5"), ("until", "ignored")]).unwrap();
    assert_eq!((eight.expires_at, eight.max_uses), (now().plus_seconds(8 * 3_600), 5));
    // It is 8:00 UTC then.
    let until = |fields: &[(&str, &str)]| {
        let mut fields = fields.to_vec();
        fields.push(("life", "until"));
        terms(&fields).map(|terms| terms.expires_at.numeric_date() - now().numeric_date())
    };
    assert_eq!(until(&[("until", "2027-01-15T09:30")]).unwrap(), 5_400);
    assert_eq!(until(&[("until", "2027-01-15T09:30:10")]).unwrap(), 5_410);
    assert_eq!(until(&[("until", "2027-01-15T09:30"), ("offset", "-60")]).unwrap(), 1_800);
    for fields in [
        &[("until", "2027-01-15T08:00")][..],
        &[("until", "2027-01-15T07:00")],
        &[("until", "2027-02-15T08:00")],
        &[("until", "tomorrow")],
        &[("until", "")],
        &[],
        &[("until", "2027-01-15T09:30"), ("offset", "x")],
        &[("until", "2027-01-15T09:30"), ("offset", "100000")],
    ] {
        assert_eq!(until(fields).unwrap_err().code(), Code::InvalidValue, "{fields:?}");
    }
    for fields in [&[("life", "9")][..], &[], &[("life", "8"), ("uses", "0")], &[("life", "8"), ("uses", "many")]] {
        assert_eq!(terms(fields).unwrap_err().code(), Code::InvalidValue, "{fields:?}");
    }
}

#[test]
fn a_bypass_has_a_reason_and_is_for_a_day_at_most() {
    let terms = |fields: &[(&str, &str)]| bypass_terms(&form(fields), now());
    let two = terms(&[("life", "2"), ("uses", ""), ("reason", "Outage")]).unwrap();
    assert_eq!((two.expires_at, two.max_uses), (now().plus_seconds(7_200), None));
    assert!(terms(&[("life", "2")]).is_err());
    assert!(terms(&[("life", "48"), ("reason", "Outage")]).is_err());
}

#[test]
fn groups_stand_one_on_a_line() {
    assert_eq!(groups(&form(&[])), None);
    assert_eq!(groups(&form(&[("groups", "")])), Some(Vec::new()));
    let some = groups(&form(&[("groups", " staff \r\n\r\nadmins, all\nstaff\n")]));
    assert_eq!(some.as_deref(), Some(&["admins, all".to_owned(), "staff".to_owned()][..]));
}

#[test]
fn six_digits_are_read_as_they_are_shown() {
    for typed in ["388601", "388 601", " 388-601 "] {
        assert_eq!(six_digits(&form(&[("code", typed)])).unwrap().reveal(), "388601");
    }
    for typed in ["", "38860", "3886011", "38860x"] {
        assert!(six_digits(&form(&[("code", typed)])).is_err(), "{typed}");
    }
}
