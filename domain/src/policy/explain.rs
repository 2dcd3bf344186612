//! Why a login is decided as it is, rule by rule.

use gatematch_protocol::policy::{Explained, Terms, Traced};

use super::condition::Seen;
use super::facts::Facts;
use super::judge::{Eye, is_passed_over};
use super::rule::Rule;
use super::{Decision, Held, Policy, Ruling};

impl Ruling {
    /// What a login that is asked must bring, as it is told; `None` for any other.
    #[must_use]
    pub fn terms(&self) -> Option<Terms> {
        (self.decision == Decision::Ask).then(|| Terms {
            digits: self.digits,
            uv: self.uv_required.then(|| "required".to_owned()),
            methods: self.methods.iter().map(|method| method.as_str().to_owned()).collect(),
            no_display: self.no_display.map(|choice| choice.as_str().to_owned()),
            reuse_seconds: self.reuse_seconds,
        })
    }
}

/// What `policy` makes of a login, and why. `version` names the policy, where it is one that holds or held.
#[must_use]
pub fn explained(policy: &Policy, facts: &Facts, version: Option<u64>) -> Explained {
    let judged = policy.judge(facts);
    let seen = Seen::of(facts);
    let eye = if judged.by_page { Eye::Page } else { Eye::Told };
    let mut notes = Vec::new();
    if let Some(address) = facts.page.and_then(|page| page.address) {
        notes.push(if judged.by_page {
            format!("{address} is where the connect page was opened. It proves nothing, so it only makes the decision stricter; here it does.")
        } else {
            format!("{address} is where the connect page was opened. It proves nothing, and changes nothing here.")
        });
    }
    Explained {
        outcome: judged.ruling.decision.as_str().to_owned(),
        rule: Some(judged.ruling.rule.clone()),
        reason: (judged.ruling.decision == Decision::Deny).then(|| "policy".to_owned()),
        terms: judged.ruling.terms(),
        version,
        trace: trace(policy, &seen, eye),
        notes,
    }
}

/// Each rule up to the one that decides.
fn trace(policy: &Policy, seen: &Seen<'_>, eye: Eye) -> Vec<Traced> {
    let mut trace = Vec::new();
    for rule in policy.rules() {
        let matched = policy.takes(rule, seen, eye);
        trace.push(Traced { rule: rule.name.clone(), matched, why: why(rule, seen, eye) });
        if matched && rule.decides() {
            break;
        }
    }
    trace
}

fn why(rule: &Rule, seen: &Seen<'_>, eye: Eye) -> String {
    if !rule.enabled {
        return "it is not enabled".to_owned();
    }
    if is_passed_over(rule, seen.facts) {
        return "the gateway has checked no password, and a name alone never opens".to_owned();
    }
    let whence = eye.whence(rule, seen.facts);
    let mut told = Vec::new();
    for condition in &rule.when {
        let why = condition.told(seen, &whence);
        match (condition.held(seen, &whence), rule.missing_matches) {
            (Held::Yes, _) => told.push(why),
            (Held::Missing, true) => told.push(format!("{why}, and on_missing is match")),
            // One is enough for the rule not to match.
            (Held::Missing, false) => return format!("{why}, and on_missing is skip"),
            (Held::No, _) => return why,
        }
    }
    if told.is_empty() {
        told.push("it has no conditions".to_owned());
    }
    if rule.report_only {
        told.push(format!("it only reports: it would {}", rule.decision.as_str()));
    }
    told.join("; ")
}
