//! The policy is replaced.

use std::sync::Arc;

use gatematch_domain::policy::{Checked, Names, Policy, changes};

use gatematch_protocol::secret::sha256;
use serde_json::json;

use super::Verb;
use crate::store::world::{MadePolicy, Needs, World};
use crate::store::{Act, PutPolicy, PutRefusal, Replacement};

/// The most changes that an audit event tells; the history has them all.
const TOLD_CHANGES: usize = 20;
/// The most characters of one of them.
const TOLD_CHARS: usize = 300;

impl Verb for PutPolicy {
    type Reply = Result<Checked, PutRefusal>;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.policy = true;
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        let was = world.policy();
        if !self.expected.is(was.version) {
            return Err(PutRefusal::Stale(was.version));
        }
        let checked = self.checked(&was).map_err(PutRefusal::Fault)?;
        let changes = changes(&was, &checked.policy);
        let made = MadePolicy {
            policy: checked.policy.clone(),
            at: self.act.now,
            actor: self.act.actor.to_string(),
            comment: self.comment.clone(),
            changes: changes.clone(),
        };
        world.policies.push(made);
        world.hold(Arc::new(checked.policy.clone()));
        world.by(&self.act, |_, journal| {
            let told = changes.iter().take(TOLD_CHANGES).map(|change| change.chars().take(TOLD_CHARS).collect());
            let told: Vec<String> = told.collect();
            // So that nobody puts other rules under the same number later.
            let text = format!("{}\n{}", checked.policy.profile.as_str(), json!(checked.policy.written()));
            let event = journal.event("policy.changed").with("digest", sha256(text));
            let event = event.with("version", checked.policy.version);
            let event = event.with("was", was.version).with("profile", checked.policy.profile.as_str());
            let event = event.with("rules", checked.policy.rules().len()).with("changes", told);
            let event = match &self.replacement {
                Replacement::Earlier(earlier) => event.with("rolled_back_to", earlier.version),
                Replacement::Written { .. } => event,
            };
            journal.record(match &self.comment {
                Some(comment) => event.with("comment", comment.as_str()),
                None => event,
            });
        });
        Ok(checked)
    }
}

impl PutPolicy {
    fn checked(&self, was: &Policy) -> Result<Checked, gatematch_domain::policy::PolicyFault> {
        let version = was.version + 1;
        match &self.replacement {
            Replacement::Written { rules, profile, domains } => {
                Policy::of(version, profile.unwrap_or(was.profile), rules, Names::Written(domains))
            }
            Replacement::Earlier(earlier) => Policy::of(version, earlier.profile, &earlier.written(), Names::Stored),
        }
    }
}
