//! What changed from one version of the policy to the next, in words.

use gatematch_protocol::policy::{Rule, When};
use serde_json::Value;

use super::Policy;

/// What changed, one change each. Empty where nothing did.
#[must_use]
pub fn changes(was: &Policy, is: &Policy) -> Vec<String> {
    let mut changes = Vec::new();
    if was.profile != is.profile {
        changes.push(format!("profile: {} -> {}", was.profile.as_str(), is.profile.as_str()));
    }
    let (old, new) = (was.written(), is.written());
    let named = |rules: &[Rule], name: &str| rules.iter().find(|rule| rule.name == name).cloned();
    changes
        .extend(old.iter().filter(|rule| named(&new, &rule.name).is_none()).map(|rule| format!("- {}", whole(rule))));
    for rule in &new {
        match named(&old, &rule.name) {
            None => changes.push(format!("+ {}", whole(rule))),
            Some(before) => changes.extend(members(&before, rule)),
        }
    }
    let kept = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        rules.iter().map(|rule| rule.name.clone()).filter(|name| named(others, name).is_some()).collect()
    };
    if kept(&old, &new) != kept(&new, &old) {
        let order: Vec<&str> = new.iter().map(|rule| rule.name.as_str()).collect();
        changes.push(format!("order: {}", order.join(", ")));
    }
    changes
}

fn whole(rule: &Rule) -> String {
    let when = if rule.when == When::default() { "always".to_owned() } else { text(&rule.when) };
    let missing = if rule.when.can_miss() { text(&rule.on_missing).replace('"', "") } else { String::new() };
    let missing = if missing.is_empty() { missing } else { format!(", on_missing {missing}") };
    let state = match (rule.enabled, rule.report_only) {
        (false, _) => " (not enabled)",
        (true, true) => " (only reports)",
        (true, false) => "",
    };
    format!("{}{state}: {} when {when}{missing}", rule.name, text(&rule.then))
}

fn members(was: &Rule, is: &Rule) -> Vec<String> {
    let pairs = [
        ("enabled", text(was.enabled), text(is.enabled)),
        ("report_only", text(was.report_only), text(is.report_only)),
        ("when", text(&was.when), text(&is.when)),
        ("on_missing", text(&was.on_missing), text(&is.on_missing)),
        ("then", text(&was.then), text(&is.then)),
    ];
    let changed = pairs.into_iter().filter(|(_, was, is)| was != is);
    changed.map(|(member, before, after)| format!("~ {} {member}: {before} -> {after}", is.name)).collect()
}

fn text(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap_or(Value::Null).to_string()
}
