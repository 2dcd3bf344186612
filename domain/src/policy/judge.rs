//! What the rules make of a login.

use super::condition::Seen;
use super::facts::{Facts, Whence};
use super::rule::Rule;
use super::{Decision, NoDisplay, Policy, Ruling};

/// What the rules make of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What holds.
    pub ruling: Ruling,
    /// What rules would have decided that are only to report.
    pub reports: Vec<Report>,
    /// Whether the address of the connect page has made it stricter.
    pub by_page: bool,
}

/// What a rule would have decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The rule.
    pub rule: String,
    /// What.
    pub decision: Decision,
}

/// Which address the rules see that do not let anybody in: those that do, always see the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eye {
    /// The one that counts.
    Told,
    /// That of the connect page.
    Page,
}

impl Eye {
    /// Where the login comes from, as `rule` sees it.
    pub(super) fn whence(self, rule: &Rule, facts: &Facts) -> Whence {
        match self {
            Self::Page if rule.decision != Decision::Allow => facts.page.unwrap_or_default(),
            _ => facts.told,
        }
    }
}

impl Policy {
    /// What the rules make of a login.
    ///
    /// Where a page's address is known, the rules are read once with the address that counts and once with that of the
    /// page, and the stricter of both holds in each respect: whoever opens the page chooses where it is opened, and must
    /// gain nothing by it.
    #[must_use]
    pub fn judge(&self, facts: &Facts) -> Judged {
        let seen = Seen::of(facts);
        let (told, mut reports) = self.read(&seen, Eye::Told);
        if facts.page.is_none() {
            return Judged { ruling: told, reports, by_page: false };
        }
        let (by_page, more) = self.read(&seen, Eye::Page);
        let is_new = |report: &Report| !reports.contains(report);
        let more: Vec<Report> = more.into_iter().filter(is_new).collect();
        reports.extend(more);
        let ruling = stricter(&told, &by_page);
        let by_page = ruling != told;
        Judged { ruling, reports, by_page }
    }

    /// Reads the rules up to the one that decides.
    fn read(&self, seen: &Seen<'_>, eye: Eye) -> (Ruling, Vec<Report>) {
        let mut reports = Vec::new();
        for rule in self.rules().iter().filter(|rule| self.takes(rule, seen, eye)) {
            if rule.decides() {
                return (rule.ruling(self.profile), reports);
            }
            reports.push(Report { rule: rule.name.clone(), decision: rule.decision });
        }
        // There is no policy without a last rule that always matches. Should there be one, nobody gets in.
        let (rule, decision) = ("unreadable".to_owned(), Decision::Deny);
        let none = Ruling { rule, decision, ..Rule::shipped().ruling(self.profile) };
        (none, reports)
    }

    /// Whether `rule` is read and matches.
    pub(super) fn takes(&self, rule: &Rule, seen: &Seen<'_>, eye: Eye) -> bool {
        rule.enabled && !is_passed_over(rule, seen.facts) && rule.matches(seen, &eye.whence(rule, seen.facts))
    }
}

/// Whether a rule is of no use to a gateway that has checked no password: it would let in for a name alone.
pub(super) fn is_passed_over(rule: &Rule, facts: &Facts) -> bool {
    facts.factor_required && rule.decision == Decision::Allow
}

/// The stricter of two rulings, in each respect. `told` is by an address that counts, `page` by one that proves nothing.
pub(super) fn stricter(told: &Ruling, page: &Ruling) -> Ruling {
    match (told.decision, page.decision) {
        (Decision::Ask, Decision::Ask) => strictest_terms(told, page),
        // Nobody has approved at an address that counts, so nothing is served by it again.
        (Decision::Allow, Decision::Ask) => Ruling { reuse_seconds: 0, ..page.clone() },
        (one, other) if one < other => page.clone(),
        _ => told.clone(),
    }
}

fn strictest_terms(told: &Ruling, page: &Ruling) -> Ruling {
    let strictness = |choice: Option<NoDisplay>| match choice {
        Some(NoDisplay::ApproveOnly) => 0,
        None => 1,
        Some(NoDisplay::Refuse) => 2,
    };
    let display_by_page = strictness(page.no_display) > strictness(told.no_display);
    let terms = Ruling {
        rule: told.rule.clone(),
        decision: Decision::Ask,
        digits: told.digits.max(page.digits),
        uv_required: told.uv_required || page.uv_required,
        methods: told.methods.iter().copied().filter(|method| page.methods.contains(method)).collect(),
        no_display: if display_by_page { page.no_display } else { told.no_display },
        reuse_seconds: told.reuse_seconds.min(page.reuse_seconds),
    };
    if terms == *told {
        return terms;
    }
    // What the one allows the other does not: nothing is left to ask for.
    let decision = if terms.methods.is_empty() { Decision::Deny } else { Decision::Ask };
    Ruling { rule: page.rule.clone(), decision, ..terms }
}
