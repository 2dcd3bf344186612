//! A phone that somebody else removes is told so, once: a thief's phone that removes all others does it in nobody's
//! hearing otherwise.

use gatematch_client_sim::phone::Phone;
use gatematch_protocol::jws::Jws;
use gatematch_protocol::problem::Code;
use gatematch_server::push::Parcel;
use gatematch_tests::moves::refusal;
use serde_json::{Map, Value};

use super::{Outcome, Recording, Scene, endpoint, subscription};

const TO_ONE: &str = "one: notice phone-removed";
const TO_TWO: &str = "two: notice phone-removed";

impl Scene {
    /// Nothing was told after the first so many but a challenge to each of these, which is made now.
    async fn only_asks(&self, already: usize, phones: &[&str]) {
        let login = self.site.gateway().await.create(&self.alice.login(), None).await.unwrap();
        let asked: Vec<String> = phones.iter().map(|phone| format!("{phone}: challenge {}", login.id)).collect();
        assert_eq!(self.told(already, phones.len()).await, asked);
    }
}

fn claims(parcel: &Parcel) -> Map<String, Value> {
    let said: Value = serde_json::from_str(&parcel.text).unwrap();
    Jws::parse(said["notice"].as_str().unwrap()).unwrap().claims().clone()
}

async fn is_refused(phone: &Phone) {
    assert_eq!(refusal(phone.notices().await), Code::CredentialInvalid);
}

#[tokio::test]
async fn a_phone_that_another_one_removes_is_told_and_the_remover_is_not() {
    let scene = Scene::new(|_| ()).await;
    let removed = scene.two.device_id().unwrap();
    scene.alice.phone.remove_phone(removed).await.unwrap();
    assert_eq!(scene.told(0, 1).await, [TO_TWO]);
    let claims = claims(&scene.delivery.parcels()[0]);
    let names: Vec<&str> = claims.keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "iat", "iss", "jti", "kind", "sub"], "nobody is named but himself");
    assert_eq!((&claims["aud"], &claims["sub"]), (&Value::from(removed.to_string()), &Value::from("alice")));
    is_refused(&scene.two).await;
    scene.only_asks(1, &["one"]).await;
}

#[tokio::test]
async fn a_phone_that_removes_itself_is_told_nothing() {
    let scene = Scene::new(|_| ()).await;
    scene.two.remove_self().await.unwrap();
    assert_eq!(scene.told(0, 1).await, [TO_ONE]);
    scene.only_asks(1, &["one"]).await;

    // By the other way, too.
    let scene = Scene::new(|_| ()).await;
    scene.two.remove_phone(scene.two.device_id().unwrap()).await.unwrap();
    assert_eq!(scene.told(0, 1).await, [TO_ONE]);
    scene.only_asks(1, &["one"]).await;
}

#[tokio::test]
async fn a_phone_that_the_administrator_removes_is_told_and_so_are_the_others() {
    let scene = Scene::new(|_| ()).await;
    scene.site.admin.delete_device(scene.two.device_id().unwrap()).await.unwrap();
    assert_eq!(scene.told(0, 2).await, [TO_ONE, TO_TWO]);
    scene.only_asks(2, &["one"]).await;
    // The last one as well.
    scene.site.admin.delete_device(scene.alice.phone.device_id().unwrap()).await.unwrap();
    let told = scene.told(3, 1).await;
    assert_eq!(told, [TO_ONE]);
    is_refused(&scene.alice.phone).await;
}

#[tokio::test]
async fn a_removed_phone_hears_of_no_challenge() {
    let scene = Scene::new(|_| ()).await;
    let gateway = scene.site.gateway().await;
    let login = gateway.create(&scene.alice.login(), None).await.unwrap();
    scene.told(0, 2).await;
    scene.alice.phone.remove_phone(scene.two.device_id().unwrap()).await.unwrap();
    assert_eq!(scene.told(2, 1).await, [TO_TWO]);
    gateway.cancel(login.id).await.unwrap();
    assert_eq!(scene.told(3, 1).await, [format!("one: cancelled {}", login.id)]);
    scene.only_asks(4, &["one"]).await;
}

#[tokio::test]
async fn the_phones_of_a_deleted_user_and_those_without_push_are_told_nothing() {
    let scene = Scene::new(|_| ()).await;
    scene.two.set_push(None).await.unwrap();
    scene.alice.phone.remove_phone(scene.two.device_id().unwrap()).await.unwrap();
    scene.only_asks(0, &["one"]).await;
    scene.site.admin.delete_user("alice").await.unwrap();
    let bob = scene.site.person("bob").await;
    bob.phone.set_push(Some(&subscription(&endpoint("bob")))).await.unwrap();
    let login = scene.site.gateway().await.create(&bob.login(), None).await.unwrap();
    assert_eq!(scene.told(1, 1).await, [format!("bob: challenge {}", login.id)]);
}

#[tokio::test]
async fn a_farewell_that_its_push_service_refuses_leaves_the_other_phones_as_they_are() {
    let scene = Scene::delivering(Recording::default().answering([Outcome::Gone]), |_| ()).await;
    // Another account of the same browser may have the same subscription.
    scene.alice.phone.set_push(Some(&subscription(&endpoint("two")))).await.unwrap();
    scene.alice.phone.remove_phone(scene.two.device_id().unwrap()).await.unwrap();
    assert_eq!(scene.told(0, 1).await, [TO_TWO]);
    scene.only_asks(1, &["two"]).await;
    assert!(scene.alice.phone.self_view().await.unwrap().push);
}
