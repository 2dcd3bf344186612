//! The life of a challenge as the contract draws it (section 6): every step from every state, and no other.

mod support;

use gatematch_domain::challenge::{Approval, Reason, State, Step};
use gatematch_domain::policy::Method;
use gatematch_protocol::response::UserVerification;
use support::{at, phone_id};

fn approval() -> Approval {
    Approval { method: Method::Push, device: Some(phone_id(1)), authenticator: None, uv: UserVerification::Pin }
}

fn redeemed(second: i64) -> State {
    State::Redeemed { at: at(second), approval: approval(), redemption_id: "r".to_owned(), result: "signed".to_owned() }
}

fn steps() -> Vec<Step> {
    let denials = Reason::ALL.map(|reason| Step::Deny { reason, device: None });
    let mut steps = vec![
        Step::Approve(approval()),
        Step::Expire,
        Step::Cancel { reason: None },
        Step::Cancel { reason: Some(Reason::Superseded) },
        Step::Redeem { redemption_id: "r".to_owned(), result: "signed".to_owned() },
    ];
    steps.extend(denials);
    steps
}

#[test]
fn pending_goes_everywhere_but_to_redeemed() {
    for step in steps() {
        let expected = match step.clone() {
            Step::Approve(approval) => Some(State::Approved { at: at(7), approval }),
            Step::Deny { reason, device } => Some(State::Denied { at: at(7), reason, device }),
            Step::Expire => Some(State::Expired { at: at(7) }),
            Step::Cancel { reason } => Some(State::Cancelled { at: at(7), reason }),
            Step::Redeem { .. } => None,
        };
        assert_eq!(State::Pending.step(step.clone(), at(7)), expected, "{step:?}");
    }
}

#[test]
fn approved_is_redeemed_or_ends_and_is_denied_only_by_lock_or_revocation() {
    let approved = State::Approved { at: at(3), approval: approval() };
    for step in steps() {
        let expected = match step.clone() {
            Step::Redeem { .. } => Some(redeemed(7)),
            Step::Deny { reason: reason @ (Reason::Locked | Reason::Revoked), device } => {
                Some(State::Denied { at: at(7), reason, device })
            }
            Step::Expire => Some(State::Expired { at: at(7) }),
            Step::Cancel { reason } => Some(State::Cancelled { at: at(7), reason }),
            Step::Approve(_) | Step::Deny { .. } => None,
        };
        assert_eq!(approved.clone().step(step.clone(), at(7)), expected, "{step:?}");
    }
}

#[test]
fn the_other_states_are_final() {
    let denied = Reason::ALL.map(|reason| State::Denied { at: at(3), reason, device: None });
    let cancelled = [None, Some(Reason::Superseded)].map(|reason| State::Cancelled { at: at(3), reason });
    for state in [redeemed(3), State::Expired { at: at(3) }].into_iter().chain(denied).chain(cancelled) {
        for step in steps() {
            assert_eq!(state.clone().step(step.clone(), at(7)), None, "{state:?} then {step:?}");
        }
        assert!(!state.is_live());
    }
}

#[test]
fn the_words_are_those_of_the_contract() {
    let words: Vec<&str> = Reason::ALL.map(Reason::as_str).to_vec();
    let contract =
        "user reported wrong-number passcode policy locked not-enrolled rate-limited superseded revoked timeout";
    assert_eq!(words, contract.split(' ').collect::<Vec<_>>());
    for reason in Reason::ALL {
        assert_eq!(Reason::from_word(reason.as_str()), Some(reason));
    }
    let states = [
        State::Pending,
        State::Approved { at: at(3), approval: approval() },
        redeemed(3),
        State::Expired { at: at(3) },
    ];
    assert_eq!(states.map(|state| state.as_str()), ["pending", "approved", "redeemed", "expired"]);
}
