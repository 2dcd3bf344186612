//! What a phone is told that was removed, and so has no row any more.

use super::*;

/// The phone is removed, and this is the letter that tells it so.
async fn farewell(scene: &Scene) -> Letter {
    assert!(scene.store.revoke_device(act(scene.now()), scene.device, "stolen".to_owned()).await.unwrap());
    let told = trial::notice(1, A, scene.now());
    let Message::Notice { notice } = told.message else { panic!() };
    let notice =
        Notice { news: News { kind: Kind::PhoneRemoved, gateway: None, client: None, ..notice.news }, ..notice };
    Letter { message: Message::Farewell { notice }, ..told }
}

#[tokio::test]
async fn a_farewell_is_tried_again_although_the_phone_is_gone() {
    let scene = Scene::new(Recording::default().answering([failed()])).await;
    scene.mailbox.post(vec![farewell(&scene).await]);
    scene.delivery.after(1).await;
    scene.seconds_until(2).await;
    scene.until_told("gatematch_push_total{outcome=\"delivered\"} 1").await;
    let claims = scene.delivery.parcels().into_iter().map(|parcel| {
        let jws = says(&parcel)["notice"].as_str().unwrap().to_owned();
        Value::Object(Jws::parse(&jws).unwrap().claims().clone())
    });
    let [first, second] = claims.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(first, second);
    assert_eq!((&first["aud"], &first["kind"]), (&json!(scene.device.to_string()), &json!("phone-removed")));
    assert!(!scene.told().contains("moot"));
}

#[tokio::test]
async fn a_farewell_to_a_subscription_that_is_gone_changes_nothing() {
    let scene = Scene::new(Recording::default().answering([Outcome::Gone])).await;
    scene.mailbox.post(vec![farewell(&scene).await]);
    scene.until_told("gatematch_push_total{outcome=\"gone\"} 1").await;
    scene.until_told("gatematch_push_waiting 0").await;
    assert!(scene.events("device.push_changed").await.is_empty());
    assert_eq!(scene.delivery.parcels().len(), 1);
}
