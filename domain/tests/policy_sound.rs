//! Which policies may hold, and what is said of those that may not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests, whose rules are written where they are used"
)]

use gatematch_domain::policy::{Checked, Names, Policy, PolicyFault, Profile, changes};
use gatematch_domain::username::Domains;
use gatematch_protocol::policy::{DEFAULT_RULE, MAX_RULES, Rule};
use serde_json::{Value, json};

fn rules(written: Value) -> Vec<Rule> {
    serde_json::from_value(written).unwrap()
}

fn ask() -> Value {
    json!({"name": DEFAULT_RULE, "enabled": true, "when": {}, "on_missing": "skip", "then": {"decision": "ask"}})
}

fn of(profile: Profile, written: Value) -> Result<Checked, PolicyFault> {
    Policy::of(2, profile, &rules(written), Names::Written(&Domains::default()))
}

/// What is said of a policy of `rule` and the default that asks.
fn fault(rule: Value) -> String {
    match of(Profile::Standard, json!([rule, ask()])) {
        Err(PolicyFault::Unsound(why)) => why,
        other => panic!("{rule}: {other:?}"),
    }
}

fn with(when: Value, then: Value) -> Value {
    json!({"name": "r", "enabled": true, "when": when, "on_missing": "skip", "then": then})
}

#[test]
fn each_value_out_of_range_is_refused_with_its_rule_and_why() {
    let asks = |then: Value| {
        let mut then = then;
        then["decision"] = "ask".into();
        with(json!({"groups": ["g"]}), then)
    };
    let hours = |days: Value, from: &str, to: &str, zone: &str| {
        with(json!({"hours": {"days": days, "from": from, "to": to, "zone": zone}}), json!({"decision": "deny"}))
    };
    let when = |when: Value| with(when, json!({"decision": "deny"}));
    let mon = json!(["mon"]);
    for (rule, why) in [
        (asks(json!({"digits": 1})), "digits must be from 2 to 6"),
        (asks(json!({"digits": 7})), "digits must be from 2 to 6"),
        (asks(json!({"uv": "preferred"})), "uv"),
        (asks(json!({"methods": []})), "methods must be one to four"),
        (asks(json!({"methods": ["sms"]})), "methods must be one to four"),
        (asks(json!({"methods": ["bypass"]})), "methods must be one to four"),
        (asks(json!({"no_display": "maybe"})), "no_display"),
        (asks(json!({"reuse_seconds": 3601})), "reuse_seconds must be from 0 to 3600"),
        (asks(json!({"reuse_seconds": -1})), "reuse_seconds must be from 0 to 3600"),
        (with(json!({"groups": ["g"]}), json!({"decision": "maybe"})), "decision"),
        (with(json!({"groups": ["g"]}), json!({"decision": "deny", "digits": 3})), "deny takes none of them"),
        (with(json!({"groups": ["g"]}), json!({"decision": "allow", "reuse_seconds": 0})), "allow takes none of them"),
        (when(json!({"groups": []})), "groups must have 1 to 256 entries"),
        (when(json!({"groups": [""]})), "groups must be 1 to 64"),
        (when(json!({"users": ["a b"]})), "users: no account can be called"),
        (when(json!({"networks": ["10.0.0.0"]})), "one address is 10.0.0.0/32"),
        (when(json!({"networks": ["2001:db8::1"]})), "one address is 2001:db8::1/128"),
        (when(json!({"networks": ["10.0.0.0/33"]})), "is no network"),
        (when(json!({"networks": ["10.0.0/8"]})), "is no network"),
        (when(json!({"networks": ["office"]})), "is no network"),
        (when(json!({"networks": ["10.1.2.3/8"]})), "the network is 10.0.0.0/8"),
        (when(json!({"networks": ["2001:db8::1/32"]})), "the network is 2001:db8::/32"),
        (when(json!({"networks": ["::ffff:10.0.0.1/104"]})), "the network is 10.0.0.0/8"),
        (when(json!({"countries": ["UK"]})), "is no code of a country"),
        (when(json!({"countries": ["Norway"]})), "is no code of a country"),
        (hours(json!([]), "08:00", "17:00", "Europe/Oslo"), "days must not be empty"),
        (hours(json!(["monday"]), "08:00", "17:00", "Europe/Oslo"), "must be one of mon, tue"),
        (hours(mon.clone(), "8:00", "17:00", "Europe/Oslo"), "must be a time of day"),
        (hours(mon.clone(), "08:00", "24:00", "Europe/Oslo"), "must be a time of day"),
        (hours(mon.clone(), "08:00", "17:60", "Europe/Oslo"), "must be a time of day"),
        (hours(mon.clone(), "08:00:00", "17:00", "Europe/Oslo"), "must be a time of day"),
        (hours(mon.clone(), "08:00", "17:00", "Oslo"), "is not in the IANA database"),
        (hours(mon, "08:00", "17:00", "+01:00"), "is not in the IANA database"),
        (when(json!({"dates": {"zone": "UTC"}})), "needs from, before, or both"),
        (when(json!({"dates": {"from": "2027-01-02", "before": "2027-01-02", "zone": "UTC"}})), "must be earlier"),
        (when(json!({"dates": {"from": "2027-02-30", "zone": "UTC"}})), "must be a day"),
        (when(json!({"dates": {"from": "2027-01-02T00", "zone": "UTC"}})), "must be a day"),
        (when(json!({"client_names": ["x".repeat(65)]})), "client_names must be 1 to 64"),
        (when(json!({"signals": ["new-moon"]})), "must be one of new-network"),
    ] {
        let told = fault(rule.clone());
        assert!(told.starts_with("rule \"r\": ") && told.contains(why), "{rule}: {told}");
    }
    let mut named = when(json!({"groups": ["g"]}));
    named["on_missing"] = "ignore".into();
    assert!(fault(named.clone()).contains("on_missing"), "{named}");
    named["on_missing"] = "skip".into();
    named["name"] = "".into();
    assert!(fault(named).contains("name must be 1 to 64"));
}

#[test]
fn what_a_missing_address_counts_as_must_be_said_where_it_can_be_missing() {
    let silent = |when: Value| json!({"name": "r", "enabled": true, "when": when, "then": {"decision": "deny"}});
    for when in [
        json!({"networks": ["10.0.0.0/8"]}),
        json!({"countries": ["NO"]}),
        json!({"client_names": ["PC"]}),
        json!({"signals": ["new-phone", "new-country"]}),
    ] {
        let told = of(Profile::Standard, json!([silent(when.clone()), ask()]));
        let Err(PolicyFault::Malformed(why)) = told else { panic!("{when}: {told:?}") };
        assert!(why.contains("on_missing must be there"), "{why}");
    }
    for when in
        [json!({"groups": ["g"]}), json!({"signals": ["new-phone"]}), json!({"users": ["a"], "gateways": ["g"]})]
    {
        let checked = of(Profile::Standard, json!([silent(when), ask()])).unwrap();
        assert_eq!(checked.policy.written()[0].on_missing.as_deref(), Some("skip"));
    }
}

#[test]
fn nobody_is_let_in_by_what_nobody_knows() {
    let allow = |when: Value, missing: &str| json!({"name": "r", "enabled": true, "when": when, "on_missing": missing, "then": {"decision": "allow"}});
    for (rule, why) in [
        (allow(json!({"networks": ["10.0.0.0/8"]}), "match"), "allow needs on_missing: skip"),
        (allow(json!({"groups": ["g"]}), "match"), "allow needs on_missing: skip"),
        (allow(json!({"client_names": ["PC"]}), "skip"), "must not be the only condition"),
        (allow(json!({}), "skip"), "it lets everybody in"),
    ] {
        let told = fault(rule.clone());
        assert!(told.contains(why), "{rule}: {told}");
    }
    // A rule that is switched off is read all the same: it may be switched on by whoever does not look again.
    let mut off = allow(json!({"client_names": ["PC"]}), "skip");
    off["enabled"] = false.into();
    assert!(fault(off).contains("must not be the only condition"));
    let mut default = ask();
    default["then"]["decision"] = "allow".into();
    let told = of(Profile::Standard, json!([default])).unwrap_err().to_string();
    assert!(told.contains("it must not allow"), "{told}");
}

#[test]
fn the_last_rule_always_decides() {
    let staff = || with(json!({"groups": ["staff"]}), json!({"decision": "ask"}));
    let changed = |member: &str, value: Value| {
        let mut rule = ask();
        rule[member] = value;
        rule
    };
    for (written, why) in [
        (json!([]), "the last rule must be called"),
        (json!([staff()]), "the last rule must be called"),
        (json!([ask(), staff()]), "the last rule must be called"),
        (json!([ask(), ask()]), "there are two rules of this name"),
        (json!([staff(), staff(), ask()]), "there are two rules of this name"),
        (json!([changed("when", json!({"groups": ["g"]}))]), "it must have no conditions"),
        (json!([staff(), changed("enabled", false.into())]), "it must be enabled"),
        (json!([staff(), changed("report_only", true.into())]), "it must be enabled"),
    ] {
        let told = of(Profile::Standard, written.clone()).unwrap_err().to_string();
        assert!(told.contains(why), "{written}: {told}");
    }
    let wide = |index: usize| {
        let groups: Vec<String> = (0..256).map(|group| format!("g{group}")).collect();
        json!({"name": format!("r{index}"), "enabled": true, "when": {"groups": groups}, "on_missing": "skip",
               "then": {"decision": "deny"}})
    };
    let lists = |count: usize| json!((0..count).map(wide).chain([ask()]).collect::<Vec<_>>());
    assert!(of(Profile::Standard, lists(17)).unwrap_err().to_string().contains("4352 entries"));
    assert!(of(Profile::Standard, lists(16)).is_ok());
    let many: Vec<Value> = (0..MAX_RULES).map(|_| staff()).chain([ask()]).collect();
    assert!(of(Profile::Standard, json!(many)).unwrap_err().to_string().contains("more than 500 rules"));
}

#[test]
fn ad_04_nobody_locks_everybody_out() {
    let deny = |name: &str, when: Value| json!({"name": name, "enabled": true, "when": when, "on_missing": "skip", "then": {"decision": "deny"}});
    let only = |change: Value| {
        let mut rule = with(json!({"groups": ["staff"]}), json!({"decision": "ask"}));
        for (member, value) in change.as_object().unwrap() {
            rule[member] = value.clone();
        }
        rule
    };
    let closed = || deny(DEFAULT_RULE, json!({}));
    let days = json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    let week = deny("week", json!({"hours": {"days": days, "from": "05:00", "to": "05:00", "zone": "UTC"}}));
    let mut everywhere = deny("everywhere", json!({"networks": ["0.0.0.0/0", "::/0"]}));
    assert!(of(Profile::Standard, json!([everywhere, ask()])).is_ok(), "logins without an address are left");
    everywhere["on_missing"] = "match".into();
    for written in [
        json!([closed()]),
        json!([only(json!({"enabled": false})), closed()]),
        json!([only(json!({"report_only": true})), closed()]),
        json!([deny("all", json!({})), ask()]),
        json!([deny("all", json!({})), only(json!({})), closed()]),
        json!([deny("staff", json!({"groups": ["STAFF", "x"]})), only(json!({})), closed()]),
        json!([week, ask()]),
        json!([everywhere, ask()]),
    ] {
        let told = of(Profile::Standard, written.clone()).unwrap_err().to_string();
        assert!(told.contains("everybody would be locked out"), "{written}: {told}");
    }
    let mut allow = only(json!({"then": {"decision": "allow"}}));
    allow["name"] = "others".into();
    let told =
        of(Profile::Standard, json!([allow, only(json!({"report_only": true})), closed()])).unwrap_err().to_string();
    assert!(told.contains("the only rule that asks is report_only"), "{told}");
    assert!(of(Profile::Standard, json!([allow, closed()])).is_ok());
    let checked = of(Profile::Standard, json!([deny("staff", json!({"groups": ["x"]})), only(json!({})), closed()]));
    assert!(checked.is_ok(), "{checked:?}");
}

#[test]
fn nist_aal2_asks_for_six_digits_each_time() {
    let asks = |then: Value| json!([with(json!({"groups": ["g"]}), then), ask()]);
    for (then, why) in [
        (json!({"decision": "ask", "digits": 5}), "asks for 6 digits"),
        (json!({"decision": "ask", "reuse_seconds": 1}), "knows no reuse_seconds"),
    ] {
        let told = of(Profile::NistAal2, asks(then.clone())).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
        assert!(of(Profile::Standard, asks(then)).is_ok());
    }
    let checked = of(Profile::NistAal2, asks(json!({"decision": "ask", "no_display": "approve_only"}))).unwrap();
    assert!(checked.warnings[0].contains("refuses all the same"), "{:?}", checked.warnings);
    assert!(of(Profile::NistAal2, asks(json!({"decision": "ask", "digits": 6, "reuse_seconds": 0}))).is_ok());
}

#[test]
fn what_is_never_reached_is_warned_about() {
    let rule = |name: &str, decision: &str, missing: &str, when: Value| json!({"name": name, "enabled": true, "when": when, "on_missing": missing, "then": {"decision": decision}});
    let net = |network: &str| json!({"networks": [network]});
    let hours = |to: &str| json!({"hours": {"days": ["mon"], "from": "08:00", "to": to, "zone": "UTC"}});
    for (first, second, is_reached) in [
        (rule("a", "ask", "skip", json!({})), rule("b", "deny", "skip", json!({"groups": ["g"]})), false),
        (
            rule("a", "ask", "skip", json!({"groups": ["g", "h"]})),
            rule("b", "deny", "skip", json!({"groups": ["G"]})),
            false,
        ),
        (
            rule("a", "ask", "skip", json!({"groups": ["g"]})),
            rule("b", "deny", "skip", json!({"groups": ["g", "h"]})),
            true,
        ),
        (rule("a", "ask", "skip", json!({"groups": ["g"]})), rule("b", "deny", "skip", json!({})), true),
        (
            rule("a", "ask", "skip", json!({"groups": ["g"]})),
            rule("b", "deny", "skip", json!({"groups": ["g"], "users": ["u"]})),
            false,
        ),
        (rule("a", "ask", "skip", net("10.0.0.0/8")), rule("b", "deny", "skip", net("10.1.0.0/16")), false),
        (rule("a", "ask", "skip", net("10.1.0.0/16")), rule("b", "deny", "skip", net("10.0.0.0/8")), true),
        (rule("a", "ask", "skip", net("10.0.0.0/8")), rule("b", "deny", "match", net("10.1.0.0/16")), true),
        (rule("a", "ask", "match", net("10.0.0.0/8")), rule("b", "deny", "match", net("10.1.0.0/16")), false),
        // The page's address reaches what does not allow, and so does a gateway that has checked no password.
        (rule("a", "allow", "skip", net("10.0.0.0/8")), rule("b", "ask", "skip", net("10.0.0.0/8")), true),
        (
            rule("a", "allow", "skip", json!({"groups": ["g"]})),
            rule("b", "ask", "skip", json!({"groups": ["g"]})),
            true,
        ),
        (rule("a", "ask", "skip", hours("17:00")), rule("b", "deny", "skip", hours("17:00")), false),
        (rule("a", "ask", "skip", hours("17:00")), rule("b", "deny", "skip", hours("16:00")), true),
    ] {
        let checked = of(Profile::Standard, json!([first, second, ask()])).unwrap();
        let warned = checked.warnings.iter().any(|warning| warning.starts_with("rule \"b\" is never reached: \"a\""));
        assert_eq!(!warned, is_reached, "{first} {second}: {:?}", checked.warnings);
    }
    let odd = json!({"hours": {"days": ["mon"], "from": "08:00", "to": "08:00", "zone": "UTC"}});
    let checked = of(Profile::Standard, json!([rule("a", "deny", "skip", odd), ask()])).unwrap();
    assert_eq!(checked.warnings, ["rule \"a\" says mon 08:00 to 08:00 (UTC): whole days, each from then on"]);
    let allow = rule("a", "allow", "skip", json!({"groups": ["g"]}));
    let checked = of(Profile::NistAal2, json!([allow, ask()])).unwrap();
    assert!(checked.warnings[0].contains("no such level"), "{:?}", checked.warnings);
    let mut off = rule("a", "ask", "skip", json!({}));
    off["report_only"] = true.into();
    let checked =
        of(Profile::Standard, json!([off, rule("b", "deny", "skip", json!({"groups": ["g"]})), ask()])).unwrap();
    assert_eq!(checked.warnings, Vec::<String>::new(), "what only reports decides nothing");
    let wide = rule("a", "allow", "skip", json!({"dates": {"before": "2027-01-15", "zone": "UTC"}}));
    let checked = of(Profile::Standard, json!([wide, ask()])).unwrap();
    assert_eq!(checked.warnings, ["rule \"a\" lets everybody in without a second factor while it holds"]);
}

#[test]
fn a_policy_is_written_as_it_is_understood_and_read_again_alike() {
    let written = json!([
        {"name": "a", "enabled": false, "report_only": true, "when": {
            "groups": ["Staff"], "users": ["CONTOSO\\Alice"], "gateways": ["rdg01"],
            "networks": ["::ffff:10.0.0.0/104", "2001:db8::/32"], "countries": ["no"],
            "hours": {"days": ["sun", "mon"], "from": "22:00", "to": "05:30", "zone": "europe/oslo"},
            "dates": {"from": "2027-01-01", "before": "2027-02-01", "zone": "UTC"},
            "client_names": ["PC"], "signals": ["new-phone"]}, "on_missing": "match",
         "then": {"decision": "ask", "digits": 4, "uv": "required", "methods": ["totp", "push"],
                  "no_display": "refuse", "reuse_seconds": 60}},
        ask()
    ]);
    let policy = of(Profile::Standard, written).unwrap().policy;
    let rule = json!(policy.written()[0]);
    assert_eq!(rule["when"]["users"], json!(["alice"]));
    assert_eq!(rule["when"]["networks"], json!(["10.0.0.0/8", "2001:db8::/32"]));
    assert_eq!(rule["when"]["countries"], json!(["NO"]));
    assert_eq!(rule["when"]["hours"]["days"], json!(["mon", "sun"]));
    assert_eq!(rule["when"]["hours"]["zone"], json!("Europe/Oslo"));
    assert_eq!(rule["then"]["methods"], json!(["push", "totp"]));
    assert_eq!((&rule["report_only"], &rule["then"]["digits"]), (&json!(true), &json!(4)));
    let again = Policy::from_stored(2, Profile::Standard, &policy.written()).unwrap();
    assert_eq!(again, policy);
    assert_eq!(Policy::shipped().written(), rules(json!([ask()])));
}

#[test]
fn versions_tell_what_they_change() {
    let before = of(
        Profile::Standard,
        json!([
            with(json!({"groups": ["g"]}), json!({"decision": "ask", "digits": 4})),
            {"name": "old", "enabled": true, "when": {"users": ["a"]}, "on_missing": "skip", "then": {"decision": "deny"}},
            {"name": "kept", "enabled": true, "when": {"users": ["b"]}, "on_missing": "skip", "then": {"decision": "deny"}},
            ask()
        ]),
    );
    let after = of(
        Profile::NistAal2,
        json!([
            {"name": "kept", "enabled": false, "when": {"users": ["b"]}, "on_missing": "skip", "then": {"decision": "deny"}},
            with(json!({"groups": ["g"]}), json!({"decision": "ask", "digits": 6})),
            {"name": "new", "enabled": true, "when": {"users": ["c"]}, "on_missing": "skip", "then": {"decision": "allow"}},
            ask()
        ]),
    );
    let (before, after) = (before.unwrap().policy, after.unwrap().policy);
    assert_eq!(
        changes(&before, &after),
        [
            "profile: standard -> nist-aal2",
            "- old: {\"decision\":\"deny\"} when {\"users\":[\"a\"]}",
            "~ kept enabled: true -> false",
            "~ r then: {\"decision\":\"ask\",\"digits\":4} -> {\"decision\":\"ask\",\"digits\":6}",
            "+ new: {\"decision\":\"allow\"} when {\"users\":[\"c\"]}",
            "order: kept, r, new, default",
        ]
    );
    assert_eq!(changes(&after, &after), Vec::<String>::new());
}
