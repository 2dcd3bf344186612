//! What rules that only report would have decided of late.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use gatematch_domain::policy::{Decision, Facts, Policy};
use gatematch_protocol::audit::AuditEvent;
use serde_json::Value;

use super::Moment;
use crate::http::app::Inner;
use crate::http::problem::Answer;
use crate::policy;
use crate::words::Language;
use crate::words::rules::policy::Policies as Words;

/// For how long is looked back.
const WEEK_SECONDS: i64 = 7 * 86_400;
/// How many events of each kind are looked at.
pub(super) const MOST_EVENTS: u32 = 5_000;
/// How many examples are shown of a rule.
const EXAMPLES: usize = 5;

/// One sign-in of which a rule had something to say.
pub(super) struct Example {
    pub(super) at: Moment,
    pub(super) event: String,
    pub(super) user: String,
    pub(super) gateway: String,
    pub(super) would_have: &'static str,
    pub(super) was: &'static str,
}

/// What one rule would have decided.
#[derive(Default)]
pub(super) struct OfRule {
    pub(super) name: String,
    pub(super) matched: u64,
    pub(super) otherwise: u64,
    /// The latest, those first in which it would have decided otherwise.
    pub(super) examples: Vec<Example>,
    same: Vec<Example>,
}

impl OfRule {
    /// How often it would have decided the same.
    pub(super) const fn same(&self) -> u64 {
        self.matched.saturating_sub(self.otherwise)
    }
}

/// What all of them would have decided.
pub(super) struct Reported {
    pub(super) rules: Vec<OfRule>,
    pub(super) begun: u64,
    pub(super) from: Option<Moment>,
}

fn word(decision: Decision, words: &Words) -> &'static str {
    match decision {
        Decision::Ask => words.ask,
        Decision::Allow => words.allow,
        Decision::Deny => words.deny,
    }
}

/// The rules and decisions that an event reports.
fn told(event: &AuditEvent) -> Vec<(String, Decision)> {
    let reports = event.detail.as_ref().and_then(|detail| detail.get("report_only")).and_then(Value::as_array);
    let one = |report: &Value| {
        let decision = report.get("decision")?.as_str()?;
        let decision = Decision::ALL.into_iter().find(|known| known.as_str() == decision)?;
        Some((report.get("rule")?.as_str()?.to_owned(), decision))
    };
    reports.into_iter().flatten().filter_map(one).collect()
}

impl Inner {
    /// What the rules of `held` that only report would have decided in the last week; `None` where there are none.
    pub(super) async fn reported(&self, held: &Policy, language: Language) -> Answer<Option<Reported>> {
        let only = held.rules().iter().filter(|rule| rule.enabled && rule.report_only);
        let mut rules: BTreeMap<String, OfRule> =
            only.map(|rule| (rule.name.clone(), OfRule { name: rule.name.clone(), ..OfRule::default() })).collect();
        if rules.is_empty() {
            return Ok(None);
        }
        let found = self.store.reports(self.now().plus_seconds(-WEEK_SECONDS), MOST_EVENTS).await?;
        let mut versions: HashMap<u64, Option<Policy>> = HashMap::new();
        for event in &found.events {
            let Some((facts, version)) = policy::facts_of(event) else { continue };
            let then = match versions.entry(version) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(gap) => gap.insert(self.readable(version).await?),
            };
            let Some(then) = then else { continue };
            let decided = then.judge(&facts).ruling.decision;
            for (name, decision) in told(event) {
                // A rule that was another one then says nothing of the one that is there now.
                let is_same = |rule: &&gatematch_domain::policy::Rule| rule.name == name;
                let (was, is) = (then.rules().iter().find(is_same), held.rules().iter().find(is_same));
                let Some(of_rule) = rules.get_mut(&name).filter(|_| was == is) else { continue };
                of_rule.count(event, &facts, (decision, decided), Words::of(language));
            }
        }
        let in_order = held.rules().iter().filter_map(|rule| rules.remove(&rule.name)).map(OfRule::whole).collect();
        Ok(Some(Reported { rules: in_order, begun: found.begun, from: found.from.map(Moment::from) }))
    }
}

impl OfRule {
    fn count(&mut self, event: &AuditEvent, facts: &Facts, (would, was): (Decision, Decision), words: &Words) {
        self.matched += 1;
        let is_otherwise = would != was;
        self.otherwise += u64::from(is_otherwise);
        let examples = if is_otherwise { &mut self.examples } else { &mut self.same };
        if examples.len() < EXAMPLES {
            examples.push(Example {
                at: event.at.into(),
                event: event.id.to_string(),
                user: facts.user.clone(),
                gateway: facts.gateway.as_ref().map(|gateway| gateway.name.clone()).unwrap_or_default(),
                would_have: word(would, words),
                was: word(was, words),
            });
        }
    }

    fn whole(mut self) -> Self {
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(self.same.drain(..).take(room));
        self
    }
}
