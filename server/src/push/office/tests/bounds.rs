//! What one phone can do to others, and whose fault a fault is.

use super::*;

#[tokio::test]
async fn a_refusal_is_recorded_once_an_hour_and_phone_and_deletes_nothing() {
    let answers = (0..6).map(|_| Outcome::Refused { status: 403 });
    let scene = Scene::new(Recording::default().answering(answers)).await;
    for number in 1..=3 {
        scene.mailbox.post(vec![letter(1, number, A, scene.now())]);
        scene.until_told(&format!("gatematch_push_total{{outcome=\"refused\"}} {number}")).await;
    }
    scene.until_told("gatematch_push_waiting 0").await;
    let events = scene.events("push.refused").await;
    assert_eq!(events.len(), 1);
    assert_eq!(Value::from(events[0].clone().unwrap()), json!({"origin": "https://a.example", "status": 403}));
    assert!(scene.store.device(scene.device).await.unwrap().unwrap().0.push.is_some());
    // Another phone is another thing.
    scene.mailbox.post(vec![letter(2, 4, A, scene.now())]);
    scene.events_when("push.refused", 2).await;
    scene.clock.advance_millis(3_600_000);
    scene.mailbox.post(vec![letter(1, 5, A, scene.now())]);
    scene.events_when("push.refused", 3).await;
    let query = AuditQuery { limit: 1_000, kinds: vec!["push.refused".to_owned()], ..AuditQuery::default() };
    let mut told = Vec::new();
    for event in scene.store.audit(query).await.unwrap() {
        told.push((event.user.unwrap(), event.device.unwrap()));
    }
    told.sort();
    let of = |number| (format!("user-{number}"), trial::device_id(number).to_string());
    assert_eq!(told, [of(1), of(1), of(2)]);
    assert_eq!(scene.delivery.parcels().len(), 5, "a refusal is not tried again");
}

#[tokio::test]
async fn pu_02_one_phone_holds_up_no_other_at_the_same_push_service() {
    let scene = Scene::new(Recording::default().answering([busy(3_600)])).await;
    let now = scene.now();
    scene.mailbox.post(vec![letter(1, 0, A, now)]);
    scene.delivery.after(1).await;
    scene.until_told("gatematch_push_waiting 0").await;
    scene.until_told("gatematch_push_total{outcome=\"late\"} 1").await;
    // Its subscription rests, so its letters are of no use; they do not wait.
    scene.mailbox.post((1..=2_000).map(|number| letter(1, number, A, now)).collect());
    scene.mailbox.post(vec![trial::notice(1, A, now)]);
    scene.mailbox.post(vec![letter(2, 1, "https://a.example/another", now)]);
    let parcels = scene.delivery.after(2).await;
    assert_eq!(parcels[1].to.endpoint.reveal(), "https://a.example/another");
    scene.until_told("gatematch_push_total{outcome=\"late\"} 2002").await;
    scene.until_told("gatematch_push_waiting 0").await;
    assert_eq!(scene.delivery.parcels().len(), 2);
}

#[tokio::test]
async fn one_phone_has_eight_letters_at_most() {
    let scene = Scene::new(Recording::held()).await;
    let now = scene.now();
    scene.mailbox.post((1..=100).map(|number| letter(1, number, A, now)).collect());
    scene.until_told("gatematch_push_total{outcome=\"dropped\"} 92").await;
    scene.until_told("gatematch_push_waiting 8").await;
    scene.mailbox.post(vec![letter(2, 1, A, now)]);
    let parcels = scene.delivery.after(9).await;
    assert_eq!(parcels.len(), 9, "another phone's letter goes at once");
}

#[tokio::test]
async fn a_fault_of_our_own_is_tried_again_and_said_to_be_ours() {
    let broken = Outcome::Broken { why: "no entropy".to_owned() };
    let scene = Scene::new(Recording::default().answering([broken])).await;
    scene.mailbox.post(vec![scene.challenge(1).await]);
    scene.until_told("gatematch_push_total{outcome=\"broken\"} 1").await;
    scene.seconds_until(2).await;
    scene.until_told("gatematch_push_total{outcome=\"delivered\"} 1").await;
}

#[tokio::test]
async fn pu_01_what_is_not_on_the_list_any_more_gets_no_lane() {
    let scene = Scene::new(Recording::default()).await;
    scene.mailbox.post(vec![letter(1, 1, "https://c.example/x", scene.now())]);
    scene.until_told("gatematch_push_total{outcome=\"not-allowed\"} 1").await;
    assert!(scene.delivery.parcels().is_empty());
}
