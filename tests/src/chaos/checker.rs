//! Whether a history can be true: held against itself, and against the audit log.

mod case;
mod chain;
mod rank;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;

use self::case::Case;
use super::history::{Asked, Entry, Told};

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// An approval was spent twice: by two names, with two results, or twice in the log.
    RedeemedTwice(ChallengeId),
    /// It was spent, and there is not exactly one sound approval before that.
    RedeemedUnapproved(ChallengeId),
    /// Somebody was told of this step, and the log has none.
    Lost(ChallengeId, String),
    /// The log has a step twice.
    Twice(ChallengeId, String),
    /// The steps in the log do not follow each other.
    Disorder(ChallengeId, Vec<String>),
    /// The log has a step that nobody asked for.
    NobodyDid(ChallengeId, String),
    /// Somebody was told the second after the first, which cannot be.
    WentBack(ChallengeId, String, String),
    /// The log has a challenge that nobody asked for, or was told of.
    Unasked(String),
    /// One Idempotency-Key has got two answers.
    TwoAnswers(String),
    /// Two keys have got one challenge.
    Shared(ChallengeId),
    /// A request that was never answered: then nothing can be said of it.
    Unanswered(String),
    /// An answer that does not belong to the question.
    Strange(String),
    /// The log has a gap before this event, or it does not follow from the one before.
    Broken(u64),
}

/// Everything that cannot be true. `entries` are in the order of the answers, and `events` are the whole log.
pub fn check(entries: &[Entry], events: &[AuditEvent]) -> Vec<Violation> {
    let mut found = chain::check(events);
    found.extend(entries.iter().filter_map(strange));
    let mut cases: BTreeMap<ChallengeId, Case<'_>> = BTreeMap::new();
    creations(entries, &mut cases, &mut found);
    for entry in entries {
        if let Some(id) = concerned(&entry.asked) {
            cases.entry(id).or_default().entries.push(entry);
        }
    }
    for event in events.iter().filter(|event| event.kind.starts_with("challenge.")) {
        let id = event.detail.as_ref().and_then(|detail| detail.get("challenge")?.as_str()).unwrap_or_default();
        match id.parse().ok().and_then(|id: ChallengeId| cases.get_mut(&id)) {
            Some(case) => case.events.push(event),
            None => found.push(Violation::Unasked(id.to_owned())),
        }
    }
    for (id, case) in &cases {
        case.check(*id, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Sorts out which request has made which challenge.
fn creations<'a>(entries: &'a [Entry], cases: &mut BTreeMap<ChallengeId, Case<'a>>, found: &mut Vec<Violation>) {
    // The challenge, its state and its number, where there was an answer.
    type Answer<'a> = (ChallengeId, &'a str, Option<&'a str>);
    let mut keys: BTreeMap<&str, Option<Answer<'_>>> = BTreeMap::new();
    for entry in entries {
        let Asked::Create { key, .. } = &entry.asked else { continue };
        let known = keys.entry(key).or_default();
        let Told::State { id, status, number, .. } = &entry.told else { continue };
        let answer = (*id, status.as_str(), number.as_deref());
        if known.replace(answer).is_some_and(|known| known != answer) {
            found.push(Violation::TwoAnswers(key.clone()));
        }
        cases.entry(*id).or_default().created.push(entry);
    }
    let unanswered = keys.iter().filter(|(_, answer)| answer.is_none());
    found.extend(unanswered.map(|(key, _)| Violation::Unanswered((*key).to_owned())));
    for (id, case) in cases {
        let keys: BTreeSet<_> = case.created.iter().map(|entry| key_of(&entry.asked)).collect();
        if keys.len() > 1 {
            found.push(Violation::Shared(*id));
        }
    }
}

fn key_of(asked: &Asked) -> Option<&str> {
    if let Asked::Create { key, .. } = asked { Some(key) } else { None }
}

/// The challenge that is asked about.
fn concerned(asked: &Asked) -> Option<ChallengeId> {
    match asked {
        Asked::Create { .. } => None,
        Asked::Respond { id, .. } | Asked::Redeem { id, .. } | Asked::Cancel { id } | Asked::Look { id } => Some(*id),
    }
}

/// An answer that does not belong to the question.
fn strange(entry: &Entry) -> Option<Violation> {
    let is_known = match (&entry.asked, &entry.told) {
        (_, Told::Nothing(_)) => true,
        (_, Told::Strange(_)) => false,
        (Asked::Create { .. }, Told::State { status, .. }) => ["pending", "denied"].contains(&status.as_str()),
        (Asked::Create { .. }, Told::Refused { code, .. }) => *code == Code::IdempotencyInProgress,
        (asked, Told::State { id, status, .. }) => concerned(asked) == Some(*id) && rank::of(status).is_some(),
        (Asked::Respond { .. } | Asked::Cancel { .. }, Told::Refused { code, .. }) => {
            [Code::AlreadyDecided, Code::Expired, Code::Cancelled, Code::AlreadyRedeemed].contains(code)
        }
        (Asked::Redeem { .. }, Told::Refused { code, .. }) => *code == Code::AlreadyRedeemed,
        (Asked::Look { .. }, Told::Refused { .. }) => false,
    };
    (!is_known).then(|| Violation::Strange(format!("{:?} was answered with {:?}", entry.asked, entry.told)))
}
