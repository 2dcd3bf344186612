//! "This wasn't me", said at the portal, and phones that are confirmed from there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

mod support;

use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::challenge::{Challenge, Reason};
use gatematch_domain::device::ConfirmRefusal;
use gatematch_domain::disown::{DISOWN_SECONDS, DisownRefusal};
use gatematch_domain::limits::{MAX_DISOWNED, REPORT_SECONDS};
use gatematch_domain::notice::Kind;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::response::Decision;
use support::{Scene, challenge_id, phone_id, unconfirmed_phone, user_id};

fn at_portal(scene: &Scene) -> Journal {
    Journal::new(Actor::Person { user: user_id(1), name: "alice".to_owned() }, scene.now)
}

fn disown(scene: &mut Scene, id: ChallengeId) -> Result<Challenge, DisownRefusal> {
    let mut journal = at_portal(scene);
    let disowned = scene.account.disown(id, &mut journal);
    let told: Vec<_> = journal.news.iter().map(|news| (news.kind, news.but)).collect();
    assert_eq!(told, if disowned.is_ok() { vec![(Kind::Reported, None)] } else { Vec::new() });
    scene.events.append(&mut journal.events);
    disowned
}

#[test]
fn what_is_over_stays_as_it_was_and_further_ones_like_it_rest() {
    let mut scene = Scene::new(2);
    let challenge = scene.ask_and_approve();
    scene.redeem(challenge.id, "r").unwrap();
    let before = scene.events.len();
    let disowned = disown(&mut scene, challenge.id).unwrap();
    assert_eq!((disowned.state.as_str(), scene.kinds_since(before)), ("redeemed", vec!["portal.reported"]));
    assert_eq!(scene.refusal_from("pc"), Some(Reason::RateLimited));
    assert_eq!(scene.last_limit(), Some("reported"));
    scene.ask_from("OTHER");
    assert!(scene.account.user.limits.failed_lately(scene.now));
    scene.wait(REPORT_SECONDS);
    scene.ask_from("PC");
    assert_eq!(scene.assert_inert(|scene| disown(scene, challenge.id)), Err(DisownRefusal::Again));
}

#[test]
fn what_waits_ends_and_an_approval_that_nobody_has_spent_is_taken_back() {
    let mut scene = Scene::new(1);
    let waits = scene.ask_from("ONE");
    disown(&mut scene, waits.id).unwrap();
    assert_eq!(scene.state(waits.id), ("denied", Some("reported")));
    let approved = scene.ask_from("TWO");
    scene.approve(&approved, 1).unwrap();
    disown(&mut scene, approved.id).unwrap();
    assert_eq!(scene.state(approved.id), ("cancelled", Some("reported")));
    let _ = scene.redeem(approved.id, "r");
    assert_eq!(scene.state(approved.id), ("cancelled", Some("reported")), "nobody comes in by it any more");
    // What his phone has said is said.
    let reported = scene.ask_from("THREE");
    scene.decline(&reported, Decision::Report);
    assert_eq!(scene.assert_inert(|scene| disown(scene, reported.id)), Err(DisownRefusal::Again));
}

#[test]
fn each_of_the_last_day_once_and_so_many_in_a_day() {
    let mut scene = Scene::new(1);
    let old = scene.ask_from("OLD");
    assert_eq!(scene.assert_inert(|scene| disown(scene, challenge_id(999))), Err(DisownRefusal::Unknown));
    scene.wait(DISOWN_SECONDS);
    let mut asked = Vec::new();
    for number in 0..=MAX_DISOWNED {
        scene.wait(61);
        asked.push(scene.ask_from(&format!("PC{number}")));
    }
    assert_eq!(disown(&mut scene, old.id), Err(DisownRefusal::Unknown));
    let (last, first) = asked.split_last().unwrap();
    for challenge in first {
        disown(&mut scene, challenge.id).unwrap();
        assert_eq!(disown(&mut scene, challenge.id), Err(DisownRefusal::Again));
    }
    assert_eq!(disown(&mut scene, last.id), Err(DisownRefusal::TooMany));
    // A success between forgets none of it.
    scene.account.user.limits.succeeded();
    assert_eq!(disown(&mut scene, last.id), Err(DisownRefusal::TooMany));
    assert_eq!(disown(&mut scene, first.last().unwrap().id), Err(DisownRefusal::Again));
    scene.wait(DISOWN_SECONDS);
    let next = scene.ask();
    disown(&mut scene, next.id).unwrap();
}

#[test]
fn somebody_at_the_portal_confirms_a_phone_by_the_phone_that_let_him_in_and_else_not() {
    let by = |scene: &mut Scene, phone: u16| {
        let mut journal = at_portal(scene);
        scene.account.confirm_device_by(phone_id(phone), phone_id(9), "246802", &mut journal)
    };
    let mut scene = Scene::new(1);
    scene.account.devices.push(unconfirmed_phone(9));
    let without = scene.assert_inert(|scene| {
        let mut journal = at_portal(scene);
        scene.account.confirm_device(phone_id(9), "246802", &mut journal)
    });
    assert_eq!(without, Err(ConfirmRefusal::Unknown));
    for phone in [9, 7] {
        assert_eq!(scene.assert_inert(|scene| by(scene, phone)), Err(ConfirmRefusal::Unknown), "{phone}");
    }
    scene.lock();
    assert_eq!(scene.assert_inert(|scene| by(scene, 1)), Err(ConfirmRefusal::Locked));
    scene.unlock();
    assert_eq!(by(&mut scene, 1), Ok(()));
}
