//! Phones: confirming them, taking them away, and what ends with them (contract sections 4 and 6).

mod support;

use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::device::{ConfirmRefusal, DeviceStatus, PushRefusal};
use gatematch_domain::response::ResponseRefusal;
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use support::{Scene, phone_id, unconfirmed_phone};

fn confirm(scene: &mut Scene, phone: u16, code: &str) -> Result<(), ConfirmRefusal> {
    scene.act(|account, journal| account.confirm_device(phone_id(phone), code, journal))
}

fn with_unconfirmed(active: u16) -> Scene {
    let mut scene = Scene::new(active);
    scene.account.devices.push(unconfirmed_phone(9));
    scene
}

#[test]
fn an_unconfirmed_phone_gets_and_answers_nothing_until_the_code_is_given() {
    let mut scene = with_unconfirmed(1);
    let challenge = scene.ask();
    assert_eq!(challenge.sent_to, [phone_id(1)]);
    assert_eq!(scene.assert_inert(|scene| scene.approve(&challenge, 9)), Err(ResponseRefusal::DeviceGone));
    assert_eq!(confirm(&mut scene, 9, "246802"), Ok(()));
    assert_eq!(scene.count("device.confirmed"), 1);
    let still = scene.assert_inert(|scene| scene.approve(&challenge, 9));
    assert_eq!(still, Err(ResponseRefusal::Unknown), "what was asked before was not made for it");
    let next = scene.ask();
    assert_eq!(next.sent_to, [phone_id(1), phone_id(9)]);
    scene.approve(&next, 9).unwrap();
    assert_eq!(scene.assert_inert(|scene| confirm(scene, 9, "246802")), Err(ConfirmRefusal::Confirmed));
    assert_eq!(scene.assert_inert(|scene| confirm(scene, 9, "000000")), Err(ConfirmRefusal::Confirmed));
}

#[test]
fn the_third_wrong_code_deletes_the_phone() {
    for wrong in ["246803", "", "24680", "2468020", "２４６８０２", "246802 "] {
        let mut scene = with_unconfirmed(1);
        let challenge = scene.ask();
        for tries in 1..=3 {
            assert_eq!(confirm(&mut scene, 9, wrong), Err(ConfirmRefusal::WrongCode), "{wrong:?}");
            let there = scene.account.devices.iter().any(|device| device.id == phone_id(9));
            assert_eq!(there, tries < 3);
        }
        assert_eq!(scene.assert_inert(|scene| confirm(scene, 9, "246802")), Err(ConfirmRefusal::Unknown));
        assert_eq!((scene.count("device.confirm_failed"), scene.count("device.deleted")), (3, 1));
        assert_eq!(scene.state(challenge.id), ("pending", None), "it could not have decided anything");
        assert_eq!(scene.account.user.limits.failures(), 0, "no failure of the account");
        assert!(!format!("{:?}", scene.events).contains("246802"));
    }
}

#[test]
fn two_wrong_codes_and_the_right_one_confirm() {
    let mut scene = with_unconfirmed(0);
    for code in ["000000", "111111"] {
        assert_eq!(confirm(&mut scene, 9, code), Err(ConfirmRefusal::WrongCode));
    }
    assert_eq!(
        scene.account.devices[0].status,
        DeviceStatus::Unconfirmed { code: "246802".to_owned(), wrong_tries: 2 }
    );
    assert_eq!(confirm(&mut scene, 9, "246802"), Ok(()));
    scene.ask();
}

#[test]
fn a_phone_confirms_another_only_while_it_is_active_and_its_account_open() {
    let by = |scene: &mut Scene, phone: u16| {
        let mut journal = Journal::new(Actor::Device(phone_id(phone)), scene.now);
        scene.account.confirm_device(phone_id(9), "246802", &mut journal)
    };
    let mut scene = with_unconfirmed(1);
    for phone in [9, 7] {
        assert_eq!(scene.assert_inert(|scene| by(scene, phone)), Err(ConfirmRefusal::Unknown), "{phone}");
    }
    scene.act(|account, journal| account.lock("stolen", journal));
    assert_eq!(scene.assert_inert(|scene| by(scene, 1)), Err(ConfirmRefusal::Locked));
    scene.act(|account, journal| account.unlock("found", journal));
    assert_eq!(by(&mut scene, 1), Ok(()));
}

#[test]
fn an_unknown_phone_is_not_confirmed() {
    let mut scene = with_unconfirmed(1);
    assert_eq!(scene.assert_inert(|scene| confirm(scene, 7, "246802")), Err(ConfirmRefusal::Unknown));
}

#[test]
fn revoking_the_last_phone_that_was_asked_ends_what_waits() {
    let mut scene = Scene::new(2);
    let challenge = scene.ask();
    scene.account.devices.push(support::phone(3));
    scene.revoke(1);
    assert_eq!(scene.state(challenge.id), ("pending", None), "the other one can still decide");
    assert_eq!(scene.assert_inert(|scene| scene.approve(&challenge, 1)), Err(ResponseRefusal::DeviceGone));
    scene.revoke(2);
    assert_eq!(scene.state(challenge.id), ("denied", Some("revoked")), "the third was never asked");
    let refused = scene.assert_inert(|scene| scene.approve(&challenge, 3));
    assert!(refused.is_err());
    let kinds: Vec<_> = scene.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["challenge.created", "device.deleted", "device.deleted", "challenge.denied"]);
}

#[test]
fn revoking_a_phone_ends_what_it_approved_and_nothing_else() {
    let mut scene = Scene::new(2);
    let (by_one, by_two, waiting) = (scene.ask_from("ONE"), scene.ask_from("TWO"), scene.ask_from("THREE"));
    scene.approve(&by_one, 1).unwrap();
    scene.approve(&by_two, 2).unwrap();
    scene.revoke(1);
    assert_eq!(scene.state(by_one.id), ("denied", Some("revoked")));
    assert_eq!(scene.state(by_two.id), ("approved", None));
    assert_eq!(scene.state(waiting.id), ("pending", None));
    scene.redeem(by_two.id, "r").unwrap();
    scene.revoke(2);
    assert_eq!(scene.state(by_two.id), ("redeemed", None), "what is done is done");
    assert_eq!(scene.state(waiting.id), ("denied", Some("revoked")));
    assert_eq!(scene.assert_inert(|scene| scene.revoke(1)), None);
}

#[test]
fn what_ran_out_before_a_revocation_or_a_lock_has_expired() {
    for act in [|scene: &mut Scene| drop(scene.revoke(1)), |scene: &mut Scene| assert!(scene.lock())] {
        let mut scene = Scene::new(1);
        let waiting = scene.ask_from("WAITING");
        let approved = scene.ask_and_approve();
        scene.wait(65);
        act(&mut scene);
        assert_eq!(scene.state(waiting.id), ("expired", Some("timeout")), "a reader was told so already");
        assert_eq!(scene.state(approved.id), ("expired", Some("timeout")));
    }
}

#[test]
fn deleting_the_user_ends_everything() {
    let mut scene = Scene::new(2);
    let (waiting, approved) = (scene.ask_from("ONE"), scene.ask_from("TWO"));
    scene.approve(&approved, 2).unwrap();
    scene.act(|account, journal| account.delete(journal));
    assert_eq!(scene.state(waiting.id), ("denied", Some("revoked")));
    assert_eq!(scene.state(approved.id), ("denied", Some("revoked")));
    assert!(scene.account.devices.is_empty());
    assert_eq!(scene.count("user.deleted"), 1);
    assert!(scene.assert_inert(|scene| scene.answer(waiting.id, 1, Decision::Deny, None, None)).is_err());
}

#[test]
fn where_push_reaches_a_phone_is_recorded_without_the_address() {
    let mut scene = Scene::new(1);
    let keys = PushKeys { p256dh: "p256dh-of-the-phone".to_owned(), auth: Secret::new("auth-of-the-phone") };
    let push = PushSubscription { endpoint: Secret::new("https://push.example/secret-path"), keys };
    let set = |scene: &mut Scene, n, push: Option<PushSubscription>| {
        scene.act(|account, journal| account.set_push(phone_id(n), push, journal))
    };
    assert_eq!(set(&mut scene, 1, Some(push.clone())), Ok(()));
    assert!(scene.account.devices[0].push.is_some());
    assert_eq!(scene.assert_inert(|scene| set(scene, 1, Some(push.clone()))), Ok(()), "the same again is no change");
    assert_eq!(set(&mut scene, 1, None), Ok(()));
    let unknown = scene.assert_inert(|scene| set(scene, 7, Some(push.clone())));
    assert_eq!(unknown, Err(PushRefusal::Unknown));
    assert_eq!(scene.count("device.push_changed"), 2);
    assert_eq!(set(&mut scene, 1, Some(push.clone())), Ok(()));
    let drop = |scene: &mut Scene, n, endpoint: &str| {
        scene.act(|account, journal| account.drop_push(phone_id(n), &Secret::new(endpoint), journal))
    };
    assert!(!scene.assert_inert(|scene| drop(scene, 1, "https://push.example/an-older-path")), "a newer one stays");
    assert!(!scene.assert_inert(|scene| drop(scene, 7, push.endpoint.reveal())));
    assert!(drop(&mut scene, 1, push.endpoint.reveal()));
    assert!(scene.account.devices[0].push.is_none());
    assert!(!scene.assert_inert(|scene| drop(scene, 1, push.endpoint.reveal())));
    assert_eq!(scene.count("device.push_changed"), 4);
    let told = format!("{:?}", scene.events);
    assert!(!told.contains("secret-path") && !told.contains("of-the-phone"), "{told}");
}

#[test]
fn where_push_reaches_a_phone_is_changed_ten_times_in_ten_minutes() {
    let mut scene = Scene::new(1);
    let push = |n: usize| {
        let keys = PushKeys { p256dh: "p256dh".to_owned(), auth: Secret::new("auth") };
        Some(PushSubscription { endpoint: Secret::new(format!("https://push.example/{n}")), keys })
    };
    let set = |scene: &mut Scene, n| scene.act(|account, journal| account.set_push(phone_id(1), push(n), journal));
    for n in 0..10 {
        assert_eq!(set(&mut scene, n), Ok(()));
        assert_eq!(set(&mut scene, n), Ok(()), "the same again is not counted");
    }
    assert!(matches!(scene.assert_inert(|scene| set(scene, 10)), Err(PushRefusal::TooOften { seconds: 1..=601 })));
    assert_eq!(scene.assert_inert(|scene| set(scene, 9)), Ok(()));
    assert_eq!(scene.count("device.push_changed"), 10);
    scene.wait(600);
    assert_eq!(set(&mut scene, 10), Ok(()));
}
