//! The gateway's side after the decision: an approval is spent once, in time, and by nobody else.

mod support;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Journal;
use gatematch_domain::challenge::{Challenge, State};
use gatematch_domain::redemption::{RedeemRefusal, result_claims};
use gatematch_domain::user::Status;
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_protocol::time::Timestamp;
use support::{Scene, at, challenge_id, gateway_id, phone_id};

fn result(challenge: &Challenge) -> Option<&str> {
    match &challenge.state {
        State::Redeemed { result, .. } => Some(result),
        _ => None,
    }
}

#[test]
fn an_approval_is_spent_once_and_recorded_once() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask_and_approve();
    let before = scene.events.len();
    let redeemed = scene.redeem(challenge.id, "r1").unwrap();
    assert_eq!(result(&redeemed), Some("signed for r1"));
    assert_eq!(scene.kinds_since(before), ["challenge.redeemed"]);
    let event = scene.events.last().unwrap();
    assert_eq!((event.device, event.number_match), (Some(phone_id(1)), Some(true)));
    let other = |scene: &mut Scene| scene.redeem(challenge.id, "r2");
    assert_eq!(scene.assert_inert(other), Err(RedeemRefusal::AlreadyRedeemed));
}

#[test]
fn the_same_id_gets_the_same_result_for_ten_minutes() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask_and_approve();
    scene.wait(30);
    scene.redeem(challenge.id, "r1").unwrap();
    for wait in [0, 599] {
        scene.wait(wait);
        let again = |scene: &mut Scene| {
            // Signed anew, but what was stored is told.
            scene.act(|account, journal| account.redeem(challenge.id, gateway_id(1), ("r1", "signed anew"), 0, journal))
        };
        assert_eq!(result(&scene.assert_inert(again).unwrap()), Some("signed for r1"));
    }
    scene.wait(1);
    assert_eq!(scene.assert_inert(|scene| scene.redeem(challenge.id, "r1")), Err(RedeemRefusal::AlreadyRedeemed));
}

#[test]
fn an_approval_lives_five_seconds_longer_than_the_challenge() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    scene.wait(59);
    scene.approve(&challenge, 1).unwrap();
    assert_eq!(scene.now(challenge.id).deadline(), Some(at(65)));
    scene.now = Timestamp::from_micros(at(65).micros() - 1);
    let kept = scene.account.clone();
    assert_eq!(scene.redeem(challenge.id, "r").map(|challenge| challenge.state.as_str()), Ok("redeemed"));

    scene.account = kept;
    scene.now = at(65);
    let late = scene.redeem(challenge.id, "r").unwrap();
    assert_eq!(late.state, State::Expired { at: at(65) });
    // CH-07: the clock goes back, the approval stays dead.
    scene.wait(-3_600);
    let late = scene.assert_inert(|scene| scene.redeem(challenge.id, "r")).unwrap();
    assert_eq!(late.state.as_str(), "expired");
    assert_eq!(
        scene.events.last().map(|event| (event.kind, event.reason.as_deref())),
        Some(("challenge.expired", Some("timeout")))
    );
}

#[test]
fn what_is_not_approved_is_answered_as_it_is() {
    let mut scene = Scene::new(1);
    let pending = scene.ask();
    assert_eq!(scene.assert_inert(|scene| scene.redeem(pending.id, "r")).unwrap().state, State::Pending);
    scene.decline(&pending, Decision::Deny);
    let denied = scene.assert_inert(|scene| scene.redeem(pending.id, "r")).unwrap();
    assert_eq!((denied.state.as_str(), result(&denied)), ("denied", None));
    scene.lock();
    let denied = scene.assert_inert(|scene| scene.redeem(pending.id, "r")).unwrap();
    assert_eq!(scene.state(denied.id), ("denied", Some("user")), "a later lock does not rewrite it");
}

#[test]
fn nobody_but_the_gateway_that_made_it_can_redeem_or_cancel() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask_and_approve();
    for (id, gateway) in [(challenge.id, gateway_id(2)), (challenge_id(99), gateway_id(1))] {
        let redeem =
            |scene: &mut Scene| scene.act(|account, journal| account.redeem(id, gateway, ("r", "signed"), 0, journal));
        assert_eq!(scene.assert_inert(redeem), Err(RedeemRefusal::Unknown));
        let cancel = |scene: &mut Scene| scene.act(|account, journal| account.cancel(id, gateway, journal));
        assert_eq!(scene.assert_inert(cancel), Err(RedeemRefusal::Unknown));
    }
    scene.redeem(challenge.id, "r").unwrap();
    let redeem = |scene: &mut Scene| {
        scene.act(|account, journal| account.redeem(challenge.id, gateway_id(2), ("r", "signed"), 0, journal))
    };
    assert_eq!(scene.assert_inert(redeem), Err(RedeemRefusal::Unknown), "nor learn that it was redeemed");
}

// AP-08 between approval and redemption.
#[test]
fn what_comes_in_between_ends_the_approval() {
    type Between = fn(&mut Account, &mut Journal);
    let disable = |account: &mut Account, journal: &mut Journal| {
        let change = gatematch_domain::user::UserChange { status: Some(Status::Disabled), ..Default::default() };
        account.change(&change, &[], journal);
    };
    let cases: [(Between, &str); 5] = [
        (|account, journal| assert!(account.lock("tested", journal)), "locked"),
        (disable, "locked"),
        (|account, journal| assert!(account.revoke_device(phone_id(1), "tested", journal).is_some()), "revoked"),
        (|account, journal| account.delete(journal), "revoked"),
        (|account, journal| assert_eq!(account.gateway_deleted(gateway_id(1), journal), 1), "revoked"),
    ];
    for (between, reason) in cases {
        let mut scene = Scene::new(2);
        let challenge = scene.ask_and_approve();
        scene.act(between);
        assert_eq!(scene.state(challenge.id), ("denied", Some(reason)), "in the same transaction");
        assert_eq!(scene.count("challenge.denied"), 1);
        let answer = scene.assert_inert(|scene| scene.redeem(challenge.id, "r")).unwrap();
        assert_eq!((answer.state.as_str(), result(&answer)), ("denied", None));
        // Nothing brings it back.
        scene.unlock();
        scene.set_status(Status::Active);
        assert_eq!(scene.redeem(challenge.id, "r").map(|challenge| challenge.state.as_str()), Ok("denied"));
    }
}

#[test]
fn what_concerns_others_leaves_the_approval() {
    let mut scene = Scene::new(2);
    let challenge = scene.ask_and_approve();
    scene.revoke(2);
    assert_eq!(scene.act(|account, journal| account.gateway_deleted(gateway_id(2), journal)), 0);
    let change = gatematch_domain::user::UserChange { display_name: Some("Alice".to_owned()), ..Default::default() };
    scene.act(|account, journal| account.change(&change, &[], journal));
    assert_eq!(scene.redeem(challenge.id, "r").map(|challenge| challenge.state.as_str()), Ok("redeemed"));
}

// The second bolt: the store holds what must not be there, such as a lock written by hand or an old backup.
#[test]
fn an_approval_that_should_be_dead_is_not_redeemed() {
    type Damage = fn(&mut Account);
    let cases: [(Damage, &str); 4] = [
        (|account| account.user.locked = Some("by hand".to_owned()), "locked"),
        (|account| account.user.status = Status::Disabled, "locked"),
        (|account| account.devices.clear(), "revoked"),
        (|account| account.devices = vec![support::unconfirmed_phone(1)], "revoked"),
    ];
    for (damage, reason) in cases {
        let mut scene = Scene::new(1);
        let challenge = scene.ask_and_approve();
        damage(&mut scene.account);
        scene.redeem(challenge.id, "r").unwrap();
        assert_eq!(scene.state(challenge.id), ("denied", Some(reason)));
        assert_eq!(scene.events.last().map(|event| event.kind), Some("challenge.denied"));
    }
}

#[test]
fn a_live_challenge_can_be_taken_back_once() {
    for approved in [false, true] {
        let mut scene = Scene::new(1);
        let challenge = if approved { scene.ask_and_approve() } else { scene.ask() };
        let cancelled = scene.cancel(challenge.id).unwrap();
        assert_eq!(cancelled.state, State::Cancelled { at: at(0), reason: None });
        assert_eq!(scene.assert_inert(|scene| scene.cancel(challenge.id)), Err(RedeemRefusal::Final("cancelled")));
        let answer = scene.assert_inert(|scene| scene.redeem(challenge.id, "r")).unwrap();
        assert_eq!((answer.state.as_str(), result(&answer)), ("cancelled", None));
        assert!(scene.assert_inert(|scene| scene.approve(&challenge, 1)).is_err());
    }
}

#[test]
fn a_final_challenge_cannot_be_taken_back() {
    let mut scene = Scene::new(1);
    let (redeemed, denied) = (scene.ask_from("ONE"), scene.ask_from("TWO"));
    scene.approve(&redeemed, 1).unwrap();
    scene.redeem(redeemed.id, "r").unwrap();
    scene.decline(&denied, Decision::Deny);
    let expired = scene.ask_from("THREE");
    scene.wait(60);
    scene.act(|account, journal| account.settle(journal));
    for (challenge, state) in [(redeemed, "redeemed"), (denied, "denied"), (expired, "expired")] {
        assert_eq!(scene.assert_inert(|scene| scene.cancel(challenge.id)), Err(RedeemRefusal::Final(state)));
    }
}

#[test]
fn the_result_tells_how_it_was_approved() {
    for (uv, amr) in [
        (Some(UserVerification::Biometric), &["swk", "user"][..]),
        (Some(UserVerification::Pin), &["swk", "pin"]),
        (Some(UserVerification::None), &["swk"]),
        (None, &["swk"]),
    ] {
        let mut scene = Scene::new(1);
        let challenge = scene.ask();
        assert_eq!(result_claims(&challenge, "https://mfa.example", at(0)), None, "nothing is approved yet");
        let number = challenge.number.as_ref().unwrap().reveal().to_owned();
        let approved = scene.answer(challenge.id, 1, Decision::Approve, Some(&number), uv).unwrap();
        let claims = result_claims(&approved, "https://mfa.example", at(3)).unwrap();
        assert_eq!(
            (claims.iss.as_str(), claims.aud, claims.sub.as_str()),
            ("https://mfa.example", gateway_id(1), "alice")
        );
        assert_eq!((claims.jti, claims.device), (challenge.id, Some(phone_id(1))));
        assert_eq!((claims.iat, claims.exp), (at(3).numeric_date(), at(63).numeric_date()));
        assert_eq!(
            (claims.method.as_str(), claims.amr.as_slice()),
            ("push", amr.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>().as_slice())
        );
        assert_eq!((claims.number_match, claims.display.as_str()), (true, "gateway"));
    }
    let mut scene = Scene::new(1);
    let login = scene.plain_login_from("PC");
    let challenge = scene.open(&login);
    let approved = scene.approve(&challenge, 1).unwrap();
    let claims = result_claims(&approved, "https://mfa.example", at(0)).unwrap();
    assert_eq!((claims.number_match, claims.display.as_str()), (false, "none"));
}
