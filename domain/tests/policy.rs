//! What policies make of logins, by a table of cases (`policy/cases.txt`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

use std::fmt::Write as _;

use gatematch_domain::policy::{AtGateway, Facts, Names, Policy, Profile, Signal, Whence, explained};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::policy::{Explained, Rule};
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

const CASES: &str = include_str!("policy/cases.txt");

fn gateway(name: &str) -> AtGateway {
    let made = Timestamp::from_numeric_date(1_700_000_000);
    let digit = name.bytes().last().filter(u8::is_ascii_digit).map_or(9, |digit| digit - b'0');
    let id = GatewayId::new(made, [digit, digit, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab]);
    AtGateway { id, name: name.to_owned() }
}

/// `rule NAME DECISION ON_MISSING WHEN [THEN]`
fn rule(line: &str) -> Rule {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().unwrap();
    let (name, decision, missing) = (word(), word(), word());
    let mut json = serde_json::Deserializer::from_str(word()).into_iter::<Map<String, Value>>();
    let when = json.next().unwrap().unwrap();
    let mut then = json.next().transpose().unwrap().unwrap_or_default();
    let enabled = then.remove("enabled").unwrap_or(true.into());
    let report_only = then.remove("report_only").unwrap_or(false.into());
    then.insert("decision".to_owned(), decision.into());
    let rule = json!({"name": name, "enabled": enabled, "report_only": report_only, "when": when,
                      "on_missing": missing, "then": then});
    serde_json::from_value(rule).unwrap()
}

fn whence(known: &Value, signals: &[String]) -> Whence {
    let text = |name: &str| known.get(name).and_then(Value::as_str);
    let address = text("ip").map(|text| text.parse().unwrap());
    let country = text("country").map(|text| text.parse().unwrap());
    let has = |signal: Signal| signals.iter().any(|word| word == signal.as_str());
    Whence {
        address,
        country,
        new_network: address.map(|_| has(Signal::NewNetwork)),
        new_country: country.map(|_| has(Signal::NewCountry)),
    }
}

fn login(text: &str) -> Facts {
    let known: Value = serde_json::from_str(text).unwrap();
    let texts = |name: &str| -> Vec<String> {
        known.get(name).map(|list| serde_json::from_value(list.clone()).unwrap()).unwrap_or_default()
    };
    let signals = texts("signals");
    let has = |signal: Signal| signals.iter().any(|word| word == signal.as_str());
    let at = known.get("at").and_then(Value::as_str).unwrap_or("2026-11-24T08:15:00Z");
    let user = known.get("user").and_then(Value::as_str).unwrap_or("alice");
    Facts {
        groups: texts("groups"),
        gateway: match known.get("gateway") {
            None => Some(gateway("rdg01")),
            Some(name) => name.as_str().map(gateway),
        },
        client_name: known.get("client").and_then(Value::as_str).map(str::to_owned),
        told: whence(&known, &signals),
        page: known.get("page").map(|page| whence(page, &signals)),
        recent_failures: has(Signal::RecentFailures),
        new_phone: has(Signal::NewPhone),
        factor_required: known.get("factor_required").is_some(),
        ..Facts::of(user.to_owned(), at.parse().unwrap())
    }
}

/// The decision as the table has it.
fn decision(told: &Explained) -> String {
    let mut text = format!("{} by {}", told.outcome, told.rule.as_ref().unwrap());
    let Some(terms) = &told.terms else { return text };
    write!(text, " {}", terms.digits).unwrap();
    if terms.uv.is_some() {
        text.push_str(" uv");
    }
    if terms.methods.len() < 4 {
        write!(text, " [{}]", terms.methods.join(" ")).unwrap();
    }
    if let Some(word) = &terms.no_display {
        write!(text, " {word}").unwrap();
    }
    if terms.reuse_seconds > 0 {
        write!(text, " reuse {}", terms.reuse_seconds).unwrap();
    }
    text
}

/// The policy of one block of the table.
fn policy(block: &str) -> Policy {
    let mut rules: Vec<Rule> = block.lines().filter_map(|line| line.strip_prefix("rule ")).map(rule).collect();
    if rules.last().is_none_or(|last| last.name != "default") {
        rules.push(rule("default ask skip {}"));
    }
    let profile = block.lines().find_map(|line| line.strip_prefix("profile "));
    let profile = profile.map_or(Profile::Standard, |word| Profile::from_word(word).unwrap());
    let checked = Policy::of(2, profile, &rules, Names::Stored);
    checked.unwrap_or_else(|fault| panic!("{fault}\n{block}")).policy
}

/// The table as it should be, and how many logins are in it.
fn judged() -> (String, usize) {
    let (mut table, mut logins) = (String::new(), 0);
    for block in CASES.split_inclusive("\n\n") {
        let policy = policy(block);
        for line in block.lines().filter(|line| !line.starts_with(['+', '-'])) {
            let Some(case) = line.strip_prefix("login ") else {
                writeln!(table, "{line}").unwrap();
                continue;
            };
            logins += 1;
            let (known, _) = case.split_once(" => ").unwrap();
            let told = explained(&policy, &login(known), Some(2));
            writeln!(table, "login {known} => {}", decision(&told)).unwrap();
            for traced in &told.trace {
                let mark = if traced.matched { '+' } else { '-' };
                writeln!(table, "{mark} {}: {}", traced.rule, traced.why).unwrap();
            }
        }
    }
    (table, logins)
}

#[test]
fn policies_decide_as_the_table_says() {
    let (table, logins) = judged();
    assert!(logins >= 60, "{logins} logins");
    for (number, (is, expected)) in table.lines().zip(CASES.lines()).enumerate() {
        assert_eq!(is, expected, "line {} of policy/cases.txt", number + 1);
    }
    assert_eq!(table, CASES);
}

#[test]
fn what_explains_decides() {
    for block in CASES.split("\n\n") {
        let policy = policy(block);
        for case in block.lines().filter_map(|line| line.strip_prefix("login ")) {
            let facts = login(case.split_once(" => ").unwrap().0);
            let (judged, told) = (policy.judge(&facts), explained(&policy, &facts, None));
            assert_eq!(told.outcome, judged.ruling.decision.as_str(), "{case}");
            assert_eq!(told.rule, Some(judged.ruling.rule), "{case}");
            // What is kept of a login tells the same again.
            let kept: Facts = serde_json::from_value(json!(facts)).unwrap();
            assert_eq!((explained(&policy, &kept, None), kept), (told, facts), "{case}");
        }
    }
}

/// Writes the table anew, to be looked at line by line: `cargo test -p gatematch-domain --test policy -- --ignored`
#[test]
#[ignore = "it writes into the source tree"]
fn write_the_table_anew() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policy/cases.txt");
    std::fs::write(path, judged().0).unwrap();
}
