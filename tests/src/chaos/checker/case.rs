//! One challenge: what was asked and told of it, and what the log has.

use std::collections::BTreeSet;

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::ChallengeId;

use super::super::history::{Answering, Asked, Entry, Told};
use super::{Violation, rank};

/// The longest life of a challenge that is meant to run out, in seconds.
const SHORT: i64 = 60;

/// One challenge.
#[derive(Default)]
pub(super) struct Case<'a> {
    /// The requests that have made it.
    pub(super) created: Vec<&'a Entry>,
    /// The requests about it.
    pub(super) entries: Vec<&'a Entry>,
    /// The events about it, in order.
    pub(super) events: Vec<&'a AuditEvent>,
}

impl Case<'_> {
    pub(super) fn check(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        self.steps(id, found);
        self.acknowledged(id, found);
        self.asked_for(id, found);
        self.redeemed(id, found);
        self.in_time(id, found);
    }

    fn has(&self, step: &str) -> bool {
        self.events.iter().any(|event| step_of(event) == step)
    }

    /// The log: each step once, and none that cannot follow.
    fn steps(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        let steps: Vec<&str> = self.events.iter().map(|event| step_of(event)).collect();
        let mut known = BTreeSet::new();
        for step in steps.iter().filter(|step| !known.insert(**step)) {
            found.push(match *step {
                "redeemed" => Violation::RedeemedTwice(id),
                step => Violation::Twice(id, step.to_owned()),
            });
        }
        let is_sound = match steps.as_slice() {
            [] | ["created" | "denied"] => true,
            ["created", rest @ ..] => matches!(
                rest,
                ["approved" | "denied" | "expired" | "cancelled"] | ["approved", "redeemed" | "expired" | "cancelled"]
            ),
            _ => false,
        };
        if !is_sound {
            found.push(Violation::Disorder(id, steps.iter().map(|step| (*step).to_owned()).collect()));
        }
    }

    /// What somebody was told is in the log.
    fn acknowledged(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        let mut told: BTreeSet<&str> = self.entries.iter().filter_map(|entry| state_told(entry)).collect();
        if told.remove("redeemed") {
            told.extend(["approved", "redeemed"]);
        }
        told.remove("pending");
        for entry in &self.created {
            if let Told::State { status, .. } = &entry.told {
                told.insert(if status == "pending" { "created" } else { status });
            }
        }
        let lost = told.into_iter().filter(|step| !self.has(step));
        found.extend(lost.map(|step| Violation::Lost(id, step.to_owned())));
    }

    /// What is in the log, somebody has asked for.
    fn asked_for(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        let phones = |wanted: &[Answering]| -> BTreeSet<String> {
            let answers = self.entries.iter().filter_map(|entry| match &entry.asked {
                Asked::Respond { device, answering, .. } if wanted.contains(answering) => Some(device.to_string()),
                _ => None,
            });
            answers.collect()
        };
        let is_refused =
            self.created.iter().any(|entry| matches!(&entry.told, Told::State { status, .. } if status == "denied"));
        for event in &self.events {
            let by = |wanted: &[Answering]| event.device.as_ref().is_some_and(|device| phones(wanted).contains(device));
            let is_asked = match step_of(event) {
                "approved" => by(&[Answering::Approves]),
                "denied" => is_refused || by(&[Answering::Denies, Answering::Mistypes]),
                "redeemed" => self.entries.iter().any(|entry| matches!(entry.asked, Asked::Redeem { .. })),
                "cancelled" => self.entries.iter().any(|entry| matches!(entry.asked, Asked::Cancel { .. })),
                "expired" => self
                    .created
                    .iter()
                    .any(|entry| matches!(&entry.asked, Asked::Create { lifetime, .. } if *lifetime <= SHORT)),
                _ => true,
            };
            if !is_asked {
                found.push(Violation::NobodyDid(id, step_of(event).to_owned()));
            }
        }
    }

    /// An approval was spent once, after it was there.
    fn redeemed(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        let spent = self.entries.iter().filter_map(|entry| match (&entry.asked, &entry.told) {
            (Asked::Redeem { redemption, .. }, Told::State { status, result, .. }) if status == "redeemed" => {
                Some((redemption, result, entry.told_at))
            }
            _ => None,
        });
        let spent: Vec<_> = spent.collect();
        let ways: BTreeSet<_> = spent.iter().map(|(redemption, result, _)| (redemption, result)).collect();
        if ways.len() > 1 {
            found.push(Violation::RedeemedTwice(id));
        }
        let Some(first) = spent.iter().map(|(_, _, told_at)| *told_at).min() else {
            return;
        };
        let approvals = self.entries.iter().filter(|entry| {
            let approves = matches!(entry.asked, Asked::Respond { answering: Answering::Approves, .. });
            approves && entry.asked_at < first
        });
        let refused = self.entries.iter().any(|entry| {
            let approves = matches!(entry.asked, Asked::Respond { answering: Answering::Approves, .. });
            !approves
                && matches!(entry.asked, Asked::Respond { .. })
                && state_told(entry) == Some("denied")
                && is_done(entry)
        });
        let at =
            |step: &str| self.events.iter().filter(|event| step_of(event) == step).map(|event| event.seq).collect();
        let (approved, redeemed): (Vec<u64>, Vec<u64>) = (at("approved"), at("redeemed"));
        let in_order =
            matches!((approved.as_slice(), redeemed.as_slice()), ([approved], [redeemed]) if approved < redeemed);
        if approvals.count() == 0 || refused || !in_order {
            found.push(Violation::RedeemedUnapproved(id));
        }
    }

    /// Nobody who asks after an answer is told less than it said.
    fn in_time(&self, id: ChallengeId, found: &mut Vec<Violation>) {
        let told: Vec<_> = self.entries.iter().filter_map(|entry| Some((entry, state_told(entry)?))).collect();
        for (earlier, before) in &told {
            for (_, after) in told.iter().filter(|(later, _)| earlier.told_at < later.asked_at) {
                if !rank::may_follow(before, after) {
                    found.push(Violation::WentBack(id, (*before).to_owned(), (*after).to_owned()));
                }
            }
        }
    }
}

/// The step that an event tells of.
fn step_of(event: &AuditEvent) -> &str {
    event.kind.strip_prefix("challenge.").unwrap_or(&event.kind)
}

/// The state that somebody was told.
fn state_told(entry: &Entry) -> Option<&str> {
    match &entry.told {
        Told::State { status, .. } => Some(status),
        Told::Refused { state, .. } => state.as_deref(),
        Told::Nothing(_) | Told::Strange(_) => None,
    }
}

/// Whether what was asked for was done.
fn is_done(entry: &Entry) -> bool {
    matches!(entry.told, Told::State { .. })
}
