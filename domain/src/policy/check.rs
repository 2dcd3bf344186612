//! Whether a policy may hold: what would lock everybody out, or let somebody in by what nobody knows, may not.

use gatematch_protocol::policy::{self as wire, DEFAULT_RULE, MAX_RULES};

use super::condition::Condition;
use super::rule::{Names, Rule, cut};
use super::{Decision, NoDisplay, Policy, Profile};

/// The most entries of all lists of a policy: each of them may be looked at for each login.
const MAX_ENTRIES: usize = 4_096;

/// Why a policy is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A member that must be there is not (HTTP 400).
    #[error("{0}")]
    Malformed(String),
    /// It must not hold (HTTP 422).
    #[error("{0}")]
    Unsound(String),
}

/// A policy that may hold, and what about it looks like a mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// What is allowed and yet looks like a mistake.
    pub warnings: Vec<String>,
}

fn unsound(rule: &Rule, why: &str) -> PolicyFault {
    PolicyFault::Unsound(format!("rule {:?}: {why}", rule.name))
}

impl Policy {
    /// The policy of these rules, checked.
    ///
    /// # Errors
    /// [`PolicyFault`] names the rule, and says why.
    pub fn of(version: u64, profile: Profile, rules: &[wire::Rule], names: Names<'_>) -> Result<Checked, PolicyFault> {
        if rules.len() > MAX_RULES {
            return Err(PolicyFault::Unsound(format!("there are more than {MAX_RULES} rules")));
        }
        let policy = Self::read_rules(version, profile, rules, names)?;
        let entries: usize = policy.rules.iter().flat_map(|rule| &rule.when).map(Condition::entries).sum();
        if entries > MAX_ENTRIES {
            let why = format!("all lists together have {entries} entries, and {MAX_ENTRIES} is the most; use groups");
            return Err(PolicyFault::Unsound(why));
        }
        policy.check_names()?;
        policy.check_default()?;
        policy.rules.iter().try_for_each(|rule| check_rule(rule, profile))?;
        let unreachable = policy.unreachable();
        policy.check_ways_in(&unreachable)?;
        let mut warnings: Vec<String> = unreachable
            .iter()
            .map(|(rule, by)| format!("rule {:?} is never reached: {:?} decides all that it would", rule.name, by.name))
            .collect();
        warnings.extend(policy.rules.iter().filter_map(|rule| doubt(rule, profile)));
        Ok(Checked { policy, warnings })
    }

    /// Whether each of the rules has what it must have, whatever is in it.
    ///
    /// # Errors
    /// [`PolicyFault::Malformed`].
    pub fn check_form(rules: &[wire::Rule]) -> Result<(), PolicyFault> {
        let malformed =
            |written: &wire::Rule, why| PolicyFault::Malformed(format!("rule {:?}: {why}", cut(&written.name)));
        rules.iter().try_for_each(|written| Rule::check_form(written).map_err(|why| malformed(written, why)))
    }

    /// The policy that these rules were when they were stored.
    ///
    /// # Errors
    /// [`PolicyFault`], where they cannot be read.
    pub fn from_stored(version: u64, profile: Profile, rules: &[wire::Rule]) -> Result<Self, PolicyFault> {
        Self::read_rules(version, profile, rules, Names::Stored)
    }

    fn read_rules(version: u64, profile: Profile, rules: &[wire::Rule], names: Names<'_>) -> Result<Self, PolicyFault> {
        Self::check_form(rules)?;
        let unsound = |written: &wire::Rule, why| PolicyFault::Unsound(format!("rule {:?}: {why}", cut(&written.name)));
        let read = |written: &wire::Rule| Rule::read(written, names).map_err(|why| unsound(written, why));
        Ok(Self { version, profile, rules: rules.iter().map(read).collect::<Result<_, _>>()? })
    }

    fn check_names(&self) -> Result<(), PolicyFault> {
        for (index, rule) in self.rules.iter().enumerate() {
            if self.rules.iter().take(index).any(|earlier| earlier.name == rule.name) {
                return Err(unsound(rule, "there are two rules of this name"));
            }
        }
        Ok(())
    }

    fn check_default(&self) -> Result<(), PolicyFault> {
        let Some(last) = self.rules.last().filter(|last| last.name == DEFAULT_RULE) else {
            let why = format!("the last rule must be called {DEFAULT_RULE:?}: it decides what no other rule does");
            return Err(PolicyFault::Unsound(why));
        };
        if !last.when.is_empty() {
            return Err(unsound(last, "it must have no conditions: it always matches"));
        }
        if !last.decides() {
            return Err(unsound(last, "it must be enabled, and not report_only: it always decides"));
        }
        if last.decision == Decision::Allow {
            return Err(unsound(last, "it must not allow: whoever no other rule knows would need no second factor"));
        }
        Ok(())
    }

    /// Each rule that an earlier one always decides for, with that one.
    fn unreachable(&self) -> Vec<(&Rule, &Rule)> {
        let decided_by = |index: usize, rule: &Rule| {
            self.rules.iter().take(index).find(|earlier| earlier.decides() && covers(earlier, rule))
        };
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
        rules.filter_map(|(index, rule)| Some((rule, decided_by(index, rule)?))).collect()
    }

    fn check_ways_in(&self, unreachable: &[(&Rule, &Rule)]) -> Result<(), PolicyFault> {
        let leads_in = |rule: &&Rule| rule.decides() && rule.decision != Decision::Deny;
        let is_reached = |rule: &&Rule| !unreachable.iter().any(|(never, _)| never.name == rule.name);
        if !self.rules.iter().any(|rule| leads_in(&rule)) {
            let why = "no rule that is enabled and not report_only asks or allows: everybody would be locked out";
            return Err(PolicyFault::Unsound(why.to_owned()));
        }
        let mut asks = self.rules.iter().filter(|rule| rule.enabled && rule.decision == Decision::Ask).peekable();
        if asks.peek().is_some() && asks.all(|rule| rule.report_only) {
            let why = "the only rule that asks is report_only: nobody would be asked";
            return Err(PolicyFault::Unsound(why.to_owned()));
        }
        if !self.rules.iter().filter(leads_in).any(|rule| is_reached(&rule)) {
            let why = "every rule that asks or allows comes after one that denies all: everybody would be locked out";
            return Err(PolicyFault::Unsound(why.to_owned()));
        }
        Ok(())
    }
}

fn check_rule(rule: &Rule, profile: Profile) -> Result<(), PolicyFault> {
    if rule.decision == Decision::Allow {
        if rule.missing_matches {
            let why = "allow needs on_missing: skip; a login of which the address is not known would be let in";
            return Err(unsound(rule, why));
        }
        if rule.when.iter().all(|condition| matches!(condition, Condition::ClientNames(_))) {
            let why = if rule.when.is_empty() {
                "it lets everybody in without a second factor; name a condition"
            } else {
                "client_names must not be the only condition of allow: every client chooses its own name"
            };
            return Err(unsound(rule, why));
        }
    }
    if profile == Profile::NistAal2 && rule.digits().is_some_and(|digits| digits < 6) {
        return Err(unsound(rule, "the profile nist-aal2 asks for 6 digits"));
    }
    if profile == Profile::NistAal2 && rule.reuses() {
        return Err(unsound(rule, "the profile nist-aal2 knows no reuse_seconds: each login is approved by itself"));
    }
    Ok(())
}

/// Whether `earlier` matches whatever `rule` matches, as far as that is seen at once.
fn covers(earlier: &Rule, rule: &Rule) -> bool {
    let holds = |ours: &Condition| {
        ours.always_holds(earlier.missing_matches) || rule.when.iter().any(|theirs| ours.covers(theirs))
    };
    if !earlier.when.iter().all(holds) {
        return false;
    }
    // Where what they ask for is missing, one may match and the other not.
    let can_miss = earlier.when.iter().any(Condition::can_miss);
    let misses_more = can_miss && rule.missing_matches && !earlier.missing_matches;
    // An address that proves nothing does not exist for a rule that allows, and a gateway that has checked no password
    // passes it over.
    let allows_alone = earlier.decision == Decision::Allow && rule.decision != Decision::Allow;
    !misses_more && !allows_alone
}

/// What looks like a mistake.
fn doubt(rule: &Rule, profile: Profile) -> Option<String> {
    let name = &rule.name;
    let is_about_somebody = |condition: &Condition| {
        !matches!(
            condition,
            Condition::Hours(_) | Condition::Dates(_) | Condition::Signals(_) | Condition::ClientNames(_)
        )
    };
    if rule.decides() && rule.decision == Decision::Allow && !rule.when.iter().any(is_about_somebody) {
        return Some(format!("rule {name:?} lets everybody in without a second factor while it holds"));
    }
    if let Some(Condition::Hours(hours)) =
        rule.when.iter().find(|when| matches!(when, Condition::Hours(hours) if hours.are_odd()))
    {
        return Some(format!("rule {name:?} says {hours}: whole days, each from then on"));
    }
    if profile == Profile::NistAal2 && rule.decides() && rule.decision == Decision::Allow {
        return Some(format!("rule {name:?} lets in without a second factor, and no such level is to be had for that"));
    }
    let is_approve_only = rule.no_display() == Some(NoDisplay::ApproveOnly);
    if profile == Profile::NistAal2 && is_approve_only {
        return Some(format!("rule {name:?} says approve_only; the profile nist-aal2 refuses all the same"));
    }
    None
}
