//! Enrollment: a token makes one phone, once, in time, for its user (contract section 4).

mod support;

use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::enrollment::{Enrollment, MAX_DEVICES, RegisterRefusal, Registration};
use gatematch_domain::user::Status;
use gatematch_protocol::id::EnrollmentId;
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::time::Timestamp;
use support::{Scene, at, phone_id, user_id};

fn enrollment() -> Enrollment {
    Enrollment {
        id: EnrollmentId::new(at(0), [5; 10]),
        user: user_id(1),
        token_digest: "digest-of-the-token".to_owned(),
        created_at: at(0),
        expires_at: at(600),
        used_at: None,
        by_admin: true,
        by_device: None,
    }
}

fn registration(n: u16) -> Registration {
    Registration {
        id: phone_id(n),
        key: PublicKey::from_coordinates([9; 32], [8; 32]),
        name: "Alice's phone".to_owned(),
        platform: Some("Android".to_owned()),
        push: None,
        code: None,
        max_devices: MAX_DEVICES,
        protected_groups: Vec::new(),
    }
}

fn register(
    scene: &mut Scene,
    enrollment: &mut Enrollment,
    key_taken: bool,
    phone: Registration,
) -> Result<Device, RegisterRefusal> {
    scene.act(|account, journal| account.register(enrollment, key_taken, phone, journal))
}

/// That the phone is refused and everything, the token too, is as it was.
fn assert_refused(scene: &mut Scene, mut enrollment: Enrollment, key_taken: bool, refusal: RegisterRefusal) {
    let before = enrollment.clone();
    let outcome = scene.assert_inert(|scene| register(scene, &mut enrollment, key_taken, registration(50)));
    assert_eq!(outcome, Err(refusal));
    assert_eq!(enrollment, before);
}

#[test]
fn a_token_makes_one_phone_that_is_asked_from_then_on() {
    let mut scene = Scene::new(0);
    scene.wait(10);
    let mut enrollment = enrollment();
    let device = register(&mut scene, &mut enrollment, false, registration(1)).unwrap();
    assert_eq!((device.id, device.user, device.status.clone()), (phone_id(1), user_id(1), DeviceStatus::Active));
    assert_eq!((device.created_at, device.last_used_at), (at(10), None));
    assert_eq!((enrollment.used_at, scene.account.devices.as_slice()), (Some(at(10)), &[device][..]));
    assert_eq!(scene.count("device.registered"), 1);
    assert_eq!(scene.ask().sent_to, [phone_id(1)]);
    // EN-01: a second time.
    assert_refused(&mut scene, enrollment.clone(), false, RegisterRefusal::Gone);
    scene.revoke(1);
    assert_refused(&mut scene, enrollment, false, RegisterRefusal::Gone);
}

// EN-02 and EN-03.
#[test]
fn a_late_or_foreign_token_and_one_of_a_disabled_user_are_refused_alike() {
    let mut scene = Scene::new(0);
    scene.now = at(600);
    assert_refused(&mut scene, enrollment(), false, RegisterRefusal::Gone);
    scene.now = Timestamp::from_micros(at(600).micros() - 1);
    assert_refused(&mut scene, Enrollment { user: user_id(2), ..enrollment() }, false, RegisterRefusal::Gone);
    scene.set_status(Status::Disabled);
    assert_refused(&mut scene, enrollment(), false, RegisterRefusal::Gone);
    scene.set_status(Status::Active);
    assert!(register(&mut scene, &mut enrollment(), false, registration(1)).is_ok(), "the last moment counts");
}

#[test]
fn a_dead_token_is_told_before_a_taken_key_and_that_before_too_many_phones() {
    let mut scene = Scene::new(5);
    let used = Enrollment { used_at: Some(at(0)), ..enrollment() };
    assert_refused(&mut scene, used, true, RegisterRefusal::Gone);
    assert_refused(&mut scene, enrollment(), true, RegisterRefusal::KeyTaken);
    assert_refused(&mut scene, enrollment(), false, RegisterRefusal::TooMany);
    scene.revoke(5);
    assert!(register(&mut scene, &mut enrollment(), false, registration(6)).is_ok());
    assert_eq!(scene.account.devices.len(), 5);
}

#[test]
fn unconfirmed_phones_count_and_a_lower_limit_holds() {
    let mut scene = Scene::new(1);
    scene.account.devices.push(support::unconfirmed_phone(2));
    let outcome = register(&mut scene, &mut enrollment(), false, Registration { max_devices: 2, ..registration(3) });
    assert_eq!(outcome, Err(RegisterRefusal::TooMany));
}

#[test]
fn where_phones_must_be_confirmed_the_new_one_waits_and_its_code_is_told_to_nobody_else() {
    let mut scene = Scene::new(0);
    let phone = Registration { code: Some("864209".to_owned()), ..registration(1) };
    assert!(!format!("{phone:?}").contains("864209"), "a log of the registration would tell it");
    let device = register(&mut scene, &mut enrollment(), false, phone).unwrap();
    assert!(!device.is_active());
    let told = format!("{:?} {device:?}", scene.events);
    assert!(!told.contains("864209"), "{told}");
    assert!(!told.contains("digest-of-the-token"), "{told}");
    assert_eq!(scene.refusal_from("PC").map(|reason| reason.as_str()), Some("not-enrolled"));
}

#[test]
fn a_locked_user_may_enroll_and_is_locked_still() {
    let mut scene = Scene::new(0);
    scene.lock();
    assert!(register(&mut scene, &mut enrollment(), false, registration(1)).is_ok());
    assert_eq!(scene.refusal_from("PC").map(|reason| reason.as_str()), Some("locked"));
}
