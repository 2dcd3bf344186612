use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(second)
}

fn device() -> DeviceId {
    DeviceId::new(at(0), [1; 10])
}

fn steps() -> impl Strategy<Value = Step> {
    let approval =
        Approval { method: Method::Push, device: Some(device()), authenticator: None, uv: UserVerification::None };
    prop_oneof![
        Just(Step::Approve(approval)),
        proptest::sample::select(Reason::ALL.to_vec()).prop_map(|reason| Step::Deny { reason, device: None }),
        Just(Step::Expire),
        Just(Step::Cancel { reason: None }),
        Just(Step::Cancel { reason: Some(Reason::Superseded) }),
        "[a-z]{1,4}".prop_map(|redemption_id| Step::Redeem { redemption_id, result: "r".to_owned() }),
    ]
}

proptest! {
    #[test]
    fn no_path_leaves_a_final_state(path in proptest::collection::vec(steps(), 0..12)) {
        let mut state = State::Pending;
        let mut redeemed = 0;
        for (second, step) in path.into_iter().enumerate() {
            let was = state.clone();
            match state.clone().step(step.clone(), at(second as i64)) {
                Some(next) => {
                    prop_assert!(was.is_live(), "{was:?} was final and became {next:?}");
                    let order = |state: &State| match state { State::Pending => 0, State::Approved { .. } => 1, _ => 2 };
                    prop_assert!(order(&was) < order(&next), "{was:?} -> {next:?}");
                    if let State::Redeemed { .. } = next {
                        redeemed += 1;
                        let approved = matches!(was, State::Approved { .. });
                        prop_assert!(approved);
                    }
                    state = next;
                }
                None => prop_assert_eq!(&state, &was),
            }
        }
        prop_assert!(redeemed <= 1);
    }
}
