//! A passcode in place of the phone: every try costs, whether a factor is held or not (contract section 6).

mod support;

use gatematch_domain::challenge::Challenge;
use gatematch_domain::passcode::{Passcode, Typed};
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::secret::Secret;
use support::{Scene, challenge_id, gateway_id};

/// A code that opens nothing.
fn no_code() -> Passcode {
    Typed::new(&Secret::new("000000")).ready(None)
}

fn guess(scene: &mut Scene, id: ChallengeId) -> Result<Challenge, RedeemRefusal> {
    guess_at(scene, id, 1)
}

fn guess_at(scene: &mut Scene, id: ChallengeId, gateway: u16) -> Result<Challenge, RedeemRefusal> {
    let judged = scene.act(|account, journal| account.spend_passcode(id, gateway_id(gateway), &no_code(), journal));
    judged.unwrap_or(Err(RedeemRefusal::Unknown))
}

#[test]
fn the_third_wrong_passcode_ends_the_challenge() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    for failures in 1..=2 {
        assert_eq!(guess(&mut scene, challenge.id).map(|challenge| challenge.state.as_str()), Ok("pending"));
        assert_eq!(scene.account.user.limits.failures(), failures);
    }
    guess(&mut scene, challenge.id).unwrap();
    assert_eq!(scene.state(challenge.id), ("denied", Some("passcode")));
    assert_eq!(scene.assert_inert(|scene| guess(scene, challenge.id)), Err(RedeemRefusal::Final("denied")));
    assert_eq!((scene.count("challenge.passcode_failed"), scene.count("challenge.denied")), (3, 1));
}

#[test]
fn after_two_wrong_passcodes_the_phone_still_approves_and_resets() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    guess(&mut scene, challenge.id).unwrap();
    guess(&mut scene, challenge.id).unwrap();
    scene.approve(&challenge, 1).unwrap();
    assert_eq!(scene.account.user.limits.failures(), 0);
    assert_eq!(scene.assert_inert(|scene| guess(scene, challenge.id)), Err(RedeemRefusal::Final("approved")));
}

#[test]
fn numbers_and_passcodes_share_one_count() {
    let mut scene = Scene::new(1);
    scene.fail_until(3);
    let (one, two) = (scene.ask_from("ONE"), scene.ask_from("TWO"));
    guess(&mut scene, one.id).unwrap();
    guess(&mut scene, one.id).unwrap();
    assert_eq!((scene.account.user.limits.failures(), scene.state(one.id)), (5, ("pending", None)));
    // In the cool-down a try ends the challenge and is not counted.
    guess(&mut scene, one.id).unwrap();
    assert_eq!(scene.state(one.id), ("denied", Some("rate-limited")));
    assert_eq!(scene.account.user.limits.failures(), 5);
    guess(&mut scene, two.id).unwrap();
    assert_eq!(scene.state(two.id), ("denied", Some("rate-limited")));
}

#[test]
fn the_tenth_failure_locks_and_ends_the_challenge_as_locked() {
    let mut scene = Scene::new(1);
    scene.fail_until(5);
    scene.wait(600); // out of the window of prompts
    scene.fail_until(9);
    let (tried, waiting) = (scene.ask_from("ONE"), scene.ask_from("TWO"));
    guess(&mut scene, tried.id).unwrap();
    assert_eq!(scene.state(tried.id), ("denied", Some("locked")));
    assert_eq!(scene.state(waiting.id), ("denied", Some("locked")));
    assert_eq!((scene.account.user.limits.failures(), scene.account.user.locked.is_some()), (10, true));
    assert_eq!(scene.assert_inert(|scene| guess(scene, waiting.id)), Err(RedeemRefusal::Final("denied")));
}

#[test]
fn an_unknown_or_foreign_challenge_costs_nothing() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    assert_eq!(scene.assert_inert(|scene| guess(scene, challenge_id(99))), Err(RedeemRefusal::Unknown));
    let foreign = |scene: &mut Scene| guess_at(scene, challenge.id, 2);
    assert_eq!(scene.assert_inert(foreign), Err(RedeemRefusal::Unknown));
}

#[test]
fn a_challenge_that_ran_out_takes_no_passcode() {
    let mut scene = Scene::new(1);
    let challenge = scene.ask();
    scene.wait(60);
    assert_eq!(guess(&mut scene, challenge.id), Err(RedeemRefusal::Final("expired")));
    assert_eq!(scene.account.user.limits.failures(), 0);
}
