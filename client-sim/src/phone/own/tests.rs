use std::sync::Arc;

use super::*;
use crate::crypto::P256Key;
use crate::recorder::Recorder;

const ID: &str = "018cc251-f400-7101-8101-010101010101";

async fn phone(answer: &'static str) -> (Phone, Recorder) {
    let (api, recorder) = Recorder::answering(answer).await;
    let issuer = api.base().to_owned();
    (Phone::new(api, &issuer, P256Key::from_secret(&[7; 32]).unwrap(), Arc::new(|| 1_800_000_000)), recorder)
}

#[tokio::test]
async fn what_is_made_and_changed_is_asked_for_as_the_contract_says() {
    let (phone, recorder) = phone("{}").await;
    // The answers are of no use: what counts here is what was sent.
    let _ = phone.rename(ID.parse().unwrap(), "Pixel").await;
    let _ = phone.enroll_another(None).await;
    let _ = phone.enroll_another(Some(60)).await;
    let _ = phone.add_totp(Some("app")).await;
    let _ = phone.confirm_totp(ID.parse().unwrap(), "123456").await;
    let _ = phone.recovery_codes().await;
    assert_eq!(
        recorder.asked(),
        [
            format!(r#"PUT /v1/self/devices/{ID} {{"name":"Pixel"}}"#),
            "POST /v1/self/enrollments {}".to_owned(),
            r#"POST /v1/self/enrollments {"expires_in":60}"#.to_owned(),
            r#"POST /v1/self/totp {"name":"app"}"#.to_owned(),
            format!(r#"POST /v1/self/totp/{ID}/confirm {{"code":"123456"}}"#),
            "POST /v1/self/recovery-codes {}".to_owned(),
        ]
    );
}

#[tokio::test]
async fn what_goes_away_and_what_is_there() {
    let (gone, recorder) = phone("").await;
    gone.remove_phone(ID.parse().unwrap()).await.unwrap();
    gone.remove_authenticator("a/b").await.unwrap();
    assert_eq!(
        recorder.asked(),
        [format!("DELETE /v1/self/devices/{ID}"), "DELETE /v1/self/authenticators/a%2Fb".to_owned()]
    );
    let (there, recorder) = phone(r#"{"items":[]}"#).await;
    assert_eq!(there.authenticators().await.unwrap(), []);
    assert_eq!(there.phones().await.unwrap(), []);
    assert_eq!(recorder.asked(), ["GET /v1/self/authenticators", "GET /v1/devices/self/phones"]);
}
