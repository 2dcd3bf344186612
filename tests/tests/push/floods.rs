//! Whoever can start logins, or owns a phone, rings nobody all day and fills nothing.

use gatematch_client_sim::failure::Failure;
use gatematch_protocol::audit::AuditEvent;
use gatematch_tests::moves::state;

use super::{Scene, endpoint, notices_of, subscription, told};

#[tokio::test]
async fn ch_01_a_flood_at_a_gateway_without_a_screen_rings_five_times_at_most() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway_named("Blind gateway", false).await;
    for number in 0..300 {
        let login = gateway.create(&scene.alice.login_from(["PC", "pc", "Pc"][number % 3]), None).await.unwrap();
        assert_eq!(state(&login), ("denied", Some("policy")));
    }
    assert_eq!(notices_of(&scene.alice.phone, "no-page").await.len(), 1, "one of a machine, however it is spelled");
    for number in 0..300 {
        gateway.create(&scene.alice.login_from(&format!("PC-{number}")), None).await.unwrap();
    }
    assert_eq!(notices_of(&scene.alice.phone, "no-page").await.len(), 5);
    let bob = scene.site.person("bob").await;
    bob.phone.set_push(Some(&subscription(&endpoint("bob")))).await.unwrap();
    gateway.create(&bob.login(), None).await.unwrap();
    scene.until_told("bob: notice no-page").await;
    let rung = scene.delivery.parcels().iter().map(told).filter(|told| told.starts_with("one: notice")).count();
    assert!((1..=5).contains(&rung), "alice's phone was rung {rung} times");
    let events = scene.site.audit().await;
    let refused = |event: &&AuditEvent| event.kind == "challenge.denied" && event.user.as_deref() == Some("alice");
    assert_eq!(events.iter().filter(refused).count(), 600, "each is recorded all the same");
    scene.site.clock.advance(600);
    gateway.create(&scene.alice.login_from("pc"), None).await.unwrap();
    assert_eq!(notices_of(&scene.alice.phone, "no-page").await.len(), 6);
}

#[tokio::test]
async fn a_subscription_is_changed_ten_times_in_ten_minutes() {
    let scene = Scene::new(|_| ()).await;
    let phone = &scene.alice.phone;
    // The first change was made with the scene.
    for number in 1..10 {
        for _ in 0..3 {
            phone.set_push(Some(&subscription(&endpoint(&number.to_string())))).await.unwrap();
        }
    }
    let refused = phone.set_push(None).await.unwrap_err();
    let Failure::Problem(problem) = refused else { panic!("{refused:?}") };
    assert_eq!((problem.status, problem.code.as_str()), (503, "overloaded"));
    assert!(phone.self_view().await.unwrap().push, "nothing changed");
    phone.set_push(Some(&subscription(&endpoint("9")))).await.unwrap();
    scene.two.set_push(None).await.unwrap();
    let id = phone.device_id().unwrap().to_string();
    let changed =
        |event: &&AuditEvent| event.kind == "device.push_changed" && event.device.as_deref() == Some(id.as_str());
    assert_eq!(scene.site.audit().await.iter().filter(changed).count(), 10);
    scene.site.clock.advance(601);
    phone.set_push(None).await.unwrap();
}
