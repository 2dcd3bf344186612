//! What holds of every policy and every login.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests; clippy knows only the functions marked as such"
)]

use gatematch_domain::policy::{AtGateway, Decision, Facts, Names, Policy, Profile, Ruling, Whence, explained};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::policy::Rule;
use gatematch_protocol::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(words.to_vec(), 1..=words.len()).prop_map(|words| json!(words))
}

/// One condition, by its name.
fn condition() -> impl Strategy<Value = (String, Value)> {
    let hours = (some(&["mon", "tue", "wed"]), 0_u8..24, 0_u8..24).prop_map(|(days, from, to)| {
        json!({"days": days, "from": format!("{from:02}:00"), "to": format!("{to:02}:30"), "zone": "Europe/Oslo"})
    });
    let named = |name: &str, value: BoxedStrategy<Value>| {
        let name = name.to_owned();
        value.prop_map(move |value| (name.clone(), value)).boxed()
    };
    prop_oneof![
        named("groups", some(&["staff", "admins", "sales"]).boxed()),
        named("users", some(&["alice", "bob"]).boxed()),
        named("gateways", some(&["rdg01", "rdg02"]).boxed()),
        named("networks", some(&["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"]).boxed()),
        named("countries", some(&["NO", "SE", "RU"]).boxed()),
        named("hours", hours.boxed()),
        named("client_names", some(&["PC", "LAPTOP"]).boxed()),
        named("signals", some(&["new-network", "new-country", "recent-failures", "new-phone"]).boxed()),
    ]
}

fn then() -> impl Strategy<Value = Value> {
    let asks = (
        2_i64..=6,
        any::<bool>(),
        some(&["push", "totp"]),
        select(vec![None, Some("refuse"), Some("approve_only")]),
        0_i64..=3_600,
    )
        .prop_map(|(digits, uv, methods, no_display, reuse)| {
            json!({"decision": "ask", "digits": digits, "uv": uv.then_some("required"), "methods": methods,
                   "no_display": no_display, "reuse_seconds": reuse})
        });
    prop_oneof![3 => asks, 1 => Just(json!({"decision": "allow"})), 1 => Just(json!({"decision": "deny"}))]
}

fn rule() -> impl Strategy<Value = Value> {
    let when = prop::collection::vec(condition(), 1..=3).prop_map(|all| all.into_iter().collect::<Map<_, _>>());
    (when, then(), any::<bool>(), prop::bool::weighted(0.9), prop::bool::weighted(0.1)).prop_map(
        |(mut when, then, missing, enabled, report_only)| {
            let allows = then["decision"] == "allow";
            if allows {
                when.insert("groups".to_owned(), json!(["staff"]));
            }
            json!({"enabled": enabled, "report_only": report_only, "when": when,
                   "on_missing": if missing && !allows { "match" } else { "skip" }, "then": then})
        },
    )
}

/// Rules with names, and a last one that asks.
fn written() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(rule(), 0..8).prop_map(|mut rules| {
        rules.iter_mut().enumerate().for_each(|(index, rule)| rule["name"] = format!("rule {index}").into());
        rules.push(json!({"name": "default", "enabled": true, "then": {"decision": "ask"}}));
        rules.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect()
    })
}

fn whence() -> impl Strategy<Value = Whence> {
    let addresses = vec![None, Some("203.0.113.7"), Some("198.51.100.7"), Some("2001:db8::7"), Some("192.0.2.1")];
    let countries = vec![None, Some("NO"), Some("SE"), Some("RU"), Some("FR")];
    (select(addresses), select(countries), any::<bool>(), any::<bool>()).prop_map(
        |(address, country, network, land)| {
            let address = address.map(|text| text.parse().unwrap());
            let country = address.and(country).map(|text| text.parse().unwrap());
            Whence { address, country, new_network: address.map(|_| network), new_country: country.map(|_| land) }
        },
    )
}

prop_compose! {
    fn login()(
        user in select(vec!["alice", "bob", "carol"]),
        groups in subsequence(vec!["staff", "admins", "sales", "other"], 0..=3),
        gateway in select(vec!["rdg01", "rdg02", "rdg03"]),
        client in select(vec![None, Some("pc"), Some("LAPTOP"), Some("x")]),
        second in 1_795_000_000_i64..1_796_000_000,
        told in whence(),
        page in prop::option::of(whence()),
        flags in any::<[bool; 2]>(),
        factor_required in prop::bool::weighted(0.2),
    ) -> Facts {
        let at = Timestamp::from_numeric_date(second);
        Facts {
            groups: groups.into_iter().map(str::to_owned).collect(),
            gateway: Some(AtGateway { id: GatewayId::new(at, [1; 10]), name: gateway.to_owned() }),
            client_name: client.map(str::to_owned),
            told,
            page,
            recent_failures: flags[0],
            new_phone: flags[1],
            factor_required,
            ..Facts::of(user.to_owned(), at)
        }
    }
}

fn policy(rules: &[Rule]) -> Policy {
    Policy::from_stored(2, Profile::Standard, rules).unwrap()
}

/// How strict a ruling is, in each respect: as great or greater is as strict or stricter.
fn strictness(ruling: &Ruling) -> Option<[i64; 5]> {
    let display = match ruling.no_display.map(|choice| choice.as_str()) {
        Some("approve_only") => 0,
        None => 1,
        _ => 2,
    };
    (ruling.decision == Decision::Ask).then(|| {
        let methods = i64::try_from(ruling.methods.len()).unwrap();
        [ruling.digits.into(), ruling.uv_required.into(), -methods, display, -ruling.reuse_seconds]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_that_does_not_match_changes_nothing_when_it_is_removed(rules in written(), login in login()) {
        let whole = policy(&rules);
        let judged = whole.judge(&login);
        // Matching is looked at for both addresses: for the one that counts, and for that of the page.
        let told = explained(&whole, &Facts { page: None, ..login.clone() }, None);
        for traced in told.trace.iter().filter(|traced| !traced.matched) {
            let fewer: Vec<Rule> = rules.iter().filter(|rule| rule.name != traced.rule).cloned().collect();
            let alone = Facts { page: None, ..login.clone() };
            prop_assert_eq!(policy(&fewer).judge(&alone), whole.judge(&alone), "{} was removed", traced.rule);
        }
        // What comes after the deciding rule never mattered.
        if login.page.is_none() {
            let mut cut: Vec<Rule> = Vec::new();
            for rule in &rules {
                cut.push(rule.clone());
                if rule.name == judged.ruling.rule {
                    break;
                }
            }
            cut.extend(rules.last().filter(|_| judged.ruling.rule != "default").cloned());
            prop_assert_eq!(policy(&cut).judge(&login), judged);
        }
    }

    #[test]
    fn order_matters_only_among_rules_that_match(rules in written(), login in login(), turn in any::<prop::sample::Index>()) {
        let login = Facts { page: None, ..login };
        let whole = policy(&rules);
        let matches = |rule: &Rule| {
            let alone: Vec<Rule> = [rule.clone(), rules.last().unwrap().clone()].to_vec();
            let alone = if rule.name == "default" { alone[1..].to_vec() } else { alone };
            explained(&policy(&alone), &login, None).trace.first().is_some_and(|traced| traced.matched)
        };
        // Two neighbours change places, unless both match or one is the last.
        let index = turn.index(rules.len());
        if index + 2 < rules.len() && !(matches(&rules[index]) && matches(&rules[index + 1])) {
            let mut turned = rules.clone();
            turned.swap(index, index + 1);
            prop_assert_eq!(policy(&turned).judge(&login), whole.judge(&login));
        }
    }

    #[test]
    fn a_page_never_makes_it_laxer(rules in written(), login in login()) {
        let whole = policy(&rules);
        let without = whole.judge(&Facts { page: None, ..login.clone() }).ruling;
        let with = whole.judge(&login).ruling;
        prop_assert!(with.decision >= without.decision, "{:?} {:?}", without, with);
        if let (Some(before), Some(after)) = (strictness(&without), strictness(&with)) {
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(after >= before, "{:?} {:?}", without, with);
            }
        }
        if without.decision == Decision::Allow && with.decision == Decision::Ask {
            prop_assert_eq!(with.reuse_seconds, 0);
        }
    }

    #[test]
    fn nobody_is_let_in_for_a_name_or_by_what_is_missing(rules in written(), login in login()) {
        let whole = policy(&rules);
        let nameless = Facts { factor_required: true, ..login.clone() };
        prop_assert_ne!(whole.judge(&nameless).ruling.decision, Decision::Allow);
        // Whoever is let in without an address is let in by rules that ask for none.
        let nowhere = Facts { told: Whence::default(), client_name: None, ..login };
        let judged = whole.judge(&nowhere).ruling;
        if judged.decision == Decision::Allow {
            let rule = rules.iter().find(|rule| rule.name == judged.rule).unwrap();
            let of_address = rule.when.signals.as_ref().is_some_and(|signals| {
                !signals.iter().any(|signal| signal == "recent-failures" || signal == "new-phone")
            });
            prop_assert!(rule.when.networks.is_none() && rule.when.countries.is_none() && !of_address);
            prop_assert!(rule.when.client_names.is_none());
        }
    }

    #[test]
    fn what_is_said_never_to_be_reached_never_decides(rules in written(), logins in prop::collection::vec(login(), 20)) {
        let Ok(checked) = Policy::of(2, Profile::Standard, &rules, Names::Stored) else { return Ok(()) };
        for login in logins {
            let judged = checked.policy.judge(&login);
            let told = format!("rule {:?} is never reached", judged.ruling.rule);
            prop_assert!(!checked.warnings.iter().any(|warning| warning.starts_with(&told)), "{}", told);
        }
    }

    #[test]
    fn rules_are_written_as_they_were_read(rules in written()) {
        let read = policy(&rules);
        prop_assert_eq!(policy(&read.written()), read);
    }
}
