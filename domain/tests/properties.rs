//! Whatever happens to an account, in whatever order and with whatever clock, some things are always true.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

mod support;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Event, Journal};
use gatematch_domain::challenge::{Challenge, Reason, State};
use gatematch_domain::limits::{LOCK_AT, MAX_PENDING};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::response::{Decision, UserVerification};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseResult, TestRunner};
use walk::{Op, Walk, op};

/// One step with what was before and after it.
struct Taken<'a> {
    op: &'a Op,
    refusal: Option<&'a str>,
    before: &'a Account,
    settled: &'a Account,
    after: &'a Account,
    events: &'a [Event],
}

impl Taken<'_> {
    /// The challenges that are in another state than before the step, with the state before; new ones with none.
    fn changed(&self) -> impl Iterator<Item = (Option<&State>, &Challenge)> {
        let with_old =
            self.after.challenges.iter().map(|new| (self.before.challenge(new.id).map(|old| &old.state), new));
        with_old.filter(|(old, new)| *old != Some(&new.state))
    }

    fn names(&self, event: &Event) -> Option<ChallengeId> {
        event.detail.get("challenge")?.as_str()?.parse().ok()
    }
}

// The kinds of events that tell a state; others tell what happened around it.
fn kind_of(state: &State) -> &'static str {
    match state {
        State::Pending => "challenge.created",
        State::Approved { .. } => "challenge.approved",
        State::Redeemed { .. } => "challenge.redeemed",
        State::Denied { .. } => "challenge.denied",
        State::Expired { .. } => "challenge.expired",
        State::Cancelled { .. } => "challenge.cancelled",
    }
}

fn tells_a_state(event: &Event) -> bool {
    event.kind.starts_with("challenge.") && !matches!(event.kind, "challenge.passcode_failed" | "challenge.collision")
}

fn check_steps(taken: &Taken<'_>) -> TestCaseResult {
    for old in &taken.before.challenges {
        prop_assert!(taken.after.challenge(old.id).is_some(), "a challenge is lost");
    }
    for (old, new) in taken.changed() {
        let allowed = match (old, &new.state) {
            (None, State::Pending | State::Denied { .. }) => true,
            (Some(State::Pending), State::Pending | State::Redeemed { .. }) => false,
            (Some(State::Pending), _) => true,
            (Some(State::Approved { .. }), State::Denied { reason, .. }) => {
                matches!(reason, Reason::Locked | Reason::Revoked)
            }
            (
                Some(State::Approved { .. }),
                State::Redeemed { .. } | State::Expired { .. } | State::Cancelled { .. },
            ) => true,
            _ => false,
        };
        prop_assert!(allowed, "{old:?} became {:?}", new.state);
        if (old, new.state.reason()) == (Some(&State::Pending), Some(Reason::Revoked)) {
            let able = new.sent_to.iter().any(|phone| taken.after.active_device(*phone).is_some());
            prop_assert!(!able || matches!(taken.op, Op::DeleteGateway(_)), "revoked, but a phone is left");
        }
    }
    Ok(())
}

fn check_audit(taken: &Taken<'_>, walk: &Walk) -> TestCaseResult {
    let mut told: BTreeMap<ChallengeId, Vec<&Event>> = BTreeMap::new();
    for event in taken.events.iter().filter(|event| tells_a_state(event)) {
        let id = taken.names(event);
        prop_assert!(id.is_some(), "an event names no challenge: {event:?}");
        told.entry(id.unwrap()).or_default().push(event);
    }
    for (_, challenge) in taken.changed() {
        let events = told.remove(&challenge.id).unwrap_or_default();
        let [event] = events.as_slice() else {
            return Err(TestCaseError::fail(format!("{challenge:?} is told by {events:?}")));
        };
        prop_assert_eq!(event.kind, kind_of(&challenge.state));
        prop_assert_eq!(event.reason.as_deref(), challenge.state.reason().map(Reason::as_str));
        prop_assert_eq!(event.user.as_deref(), Some("alice"));
        prop_assert_eq!(event.gateway, Some(challenge.gateway));
    }
    prop_assert!(told.is_empty(), "told, but nothing has changed: {told:?}");
    for event in taken.events {
        prop_assert_eq!(event.at, walk.now);
        let text = format!("{event:?}");
        let token = text.split(|c: char| !c.is_alphanumeric()).find(|token| walk.secrets.contains(*token));
        prop_assert_eq!(token, None, "a number is in the audit: {}", text);
    }
    let locked_or_not = |account: &Account| (account.user.locked.is_some(), account.user.status);
    let user_changed = locked_or_not(taken.before) != locked_or_not(taken.after);
    let user_events = ["user.locked", "user.unlocked", "user.disabled", "user.enabled"];
    let user_told = taken.events.iter().filter(|event| user_events.contains(&event.kind)).count();
    // An unlocking that forgives failures is told although nothing was locked, and so is a lock for another reason.
    prop_assert!(
        user_told == usize::from(user_changed) || (user_told == 1 && matches!(taken.op, Op::Lock | Op::Unlock))
    );
    Ok(())
}

fn check_approvals(taken: &Taken<'_>, typed: Option<&str>) -> TestCaseResult {
    for (_, challenge) in taken.changed() {
        let State::Approved { approval, .. } = &challenge.state else { continue };
        let Op::Respond { decision: Decision::Approve, uv, .. } = taken.op else {
            return Err(TestCaseError::fail(format!("approved by {:?}", taken.op)));
        };
        prop_assert!(taken.before.user.may_sign_in() && taken.after.user.may_sign_in());
        if let Some(number) = &challenge.number {
            prop_assert_eq!(Some(number.reveal()), typed, "approved by another number");
        }
        let verified = uv.is_some_and(|uv| uv != UserVerification::None);
        prop_assert!(verified || !challenge.uv_required);
        let phone = approval.device.unwrap();
        prop_assert!(taken.before.active_device(phone).is_some() && challenge.sent_to.contains(&phone));
    }
    Ok(())
}

fn check_account(account: &Account) -> TestCaseResult {
    let live: Vec<&Challenge> = account.challenges.iter().filter(|challenge| challenge.state.is_live()).collect();
    prop_assert!(live.is_empty() || account.user.may_sign_in(), "locked or disabled, and something is open");
    prop_assert!(account.user.limits.failures() < LOCK_AT || account.user.locked.is_some());
    let pending = live.iter().filter(|challenge| challenge.state == State::Pending).count();
    prop_assert!(pending <= MAX_PENDING);
    let numbers: Vec<&str> =
        live.iter().filter_map(|challenge| challenge.number.as_ref()).map(|number| number.reveal()).collect();
    prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "two live numbers are the same");
    for challenge in &live {
        let able = match &challenge.state {
            State::Approved { approval, .. } => {
                approval.device.is_some_and(|phone| account.active_device(phone).is_some())
            }
            _ => challenge.sent_to.iter().any(|phone| account.active_device(*phone).is_some()),
        };
        prop_assert!(able, "open, and no phone stands behind it: {challenge:?}");
        let alone = |other: &&&Challenge| other.id != challenge.id && other.number.is_none();
        prop_assert!(challenge.number.is_some() || !live.iter().any(|other| alone(&other)), "two without a number");
        let twin =
            |other: &&Challenge| other.id != challenge.id && other.is_retried_by(challenge.gateway, &challenge.client);
        prop_assert!(!live.iter().any(twin), "the same login twice");
    }
    let refused = account.challenges.iter().filter(|challenge| challenge.sent_to.is_empty());
    for challenge in refused {
        let denied = challenge.number.is_none() && matches!(challenge.state, State::Denied { .. });
        prop_assert!(denied, "nobody was asked: {challenge:?}");
    }
    Ok(())
}

fn check_count(taken: &Taken<'_>) -> TestCaseResult {
    let (before, after) = (taken.before.user.limits.failures(), taken.after.user.limits.failures());
    let passcodes = taken.events.iter().filter(|event| event.kind == "challenge.passcode_failed").count();
    let wrong_numbers = taken.changed().filter(|(_, new)| new.state.reason() == Some(Reason::WrongNumber)).count();
    let approved = taken.changed().any(|(_, new)| matches!(new.state, State::Approved { .. }));
    let forgiven = approved || (matches!(taken.op, Op::Unlock) && taken.refusal.is_none());
    let expected = if forgiven { 0 } else { usize::try_from(before).unwrap() + passcodes + wrong_numbers };
    prop_assert_eq!(usize::try_from(after).unwrap(), expected, "failures");
    Ok(())
}

fn check_refusal(taken: &Taken<'_>) -> TestCaseResult {
    if taken.refusal.is_some() {
        prop_assert!(taken.after == taken.before || taken.after == taken.settled, "a refusal changed something");
        let only_expiry = taken.events.iter().all(|event| event.kind == "challenge.expired");
        prop_assert!(only_expiry, "a refusal recorded {:?}", taken.events);
    }
    Ok(())
}

// These decide, so they must have written down first what had run out.
fn check_settled(taken: &Taken<'_>, walk: &Walk) -> TestCaseResult {
    let settles = !matches!(taken.op, Op::Clock(_) | Op::Register { .. } | Op::Confirm { .. } | Op::Unlock);
    if settles {
        let overdue = taken.after.challenges.iter().find(|challenge| challenge.is_overdue(walk.now));
        prop_assert!(overdue.is_none(), "dead, and nobody wrote it down: {overdue:?}");
    }
    Ok(())
}

/// Does `ops` and checks after each; yields what was seen on the way.
fn run(ops: &[Op]) -> Result<BTreeSet<String>, TestCaseError> {
    let mut walk = Walk::new();
    let mut redeemed: BTreeMap<ChallengeId, usize> = BTreeMap::new();
    let mut results: BTreeMap<ChallengeId, State> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for op in ops {
        let before = walk.account.clone();
        let mut settled = before.clone();
        settled.settle(&mut Journal::new(Actor::System, walk.now));
        let typed = walk.peek(op);
        let (events, refusal) = walk.step(op);
        let taken = Taken {
            op,
            refusal: refusal.as_deref(),
            before: &before,
            settled: &settled,
            after: &walk.account,
            events: &events,
        };
        check_steps(&taken)?;
        check_audit(&taken, &walk)?;
        check_approvals(&taken, typed.as_deref())?;
        check_account(&walk.account)?;
        check_count(&taken)?;
        check_refusal(&taken)?;
        check_settled(&taken, &walk)?;
        for event in events.iter().filter(|event| event.kind == "challenge.redeemed") {
            *redeemed.entry(taken.names(event).unwrap()).or_default() += 1;
        }
        for challenge in walk.account.challenges.iter().filter(|challenge| !challenge.state.is_live()) {
            let first = results.entry(challenge.id).or_insert_with(|| challenge.state.clone());
            prop_assert_eq!(&*first, &challenge.state, "a final state was left, or its result changed");
        }
        seen.extend(events.iter().map(|event| format!("{} {}", event.kind, event.reason.as_deref().unwrap_or("-"))));
        seen.extend(events.iter().filter_map(|event| Some(format!("limit {}", event.detail.get("limit")?.as_str()?))));
        seen.extend(refusal);
    }
    prop_assert!(redeemed.values().all(|times| *times == 1), "redeemed twice: {redeemed:?}");
    Ok(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_these_things_hold(ops in prop::collection::vec(op(), 1..80)) {
        run(&ops)?;
    }
}

// A walk that never came to the interesting places would prove nothing.
#[test]
fn the_walks_come_everywhere() {
    let mut runner = TestRunner::deterministic();
    let walks = prop::collection::vec(op(), 200);
    let mut seen = BTreeSet::new();
    for _ in 0..150 {
        let ops = walks.new_tree(&mut runner).unwrap().current();
        seen.extend(run(&ops).unwrap());
    }
    let expected = "challenge.created -|challenge.approved -|challenge.redeemed -|challenge.expired timeout|challenge.cancelled -\
        |challenge.cancelled superseded|challenge.collision -|challenge.passcode_failed wrong-passcode|challenge.denied user\
        |challenge.denied reported|challenge.denied wrong-number|challenge.denied passcode|challenge.denied policy\
        |challenge.denied locked|challenge.denied not-enrolled|challenge.denied rate-limited|challenge.denied superseded\
        |challenge.denied revoked|limit cooldown|limit reported|limit backoff|limit prompts|limit pending|user.locked -\
        |user.unlocked -|user.disabled -|user.enabled -|user.cooled_down -|device.registered -|device.confirmed -\
        |device.confirm_failed wrong-code|device.deleted -|Unsigned|DeviceGone|Unknown|UvRequired|MalformedNumber { digits: 3 }\
        |MalformedNumber { digits: 5 }|AlreadyRedeemed|Gone|TooMany|Confirmed|Final(\"redeemed\")|Final(\"expired\")\
        |NotPending { state: \"redeemed\", reason: None }|NotPending { state: \"denied\", reason: Some(WrongNumber) }\
        |no such phone";
    let missing: Vec<&str> = expected.split('|').filter(|what| !seen.contains(*what)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} in {seen:#?}");
}
