use gatematch_protocol::time::Timestamp;

use super::*;
use crate::recorder::Recorder;

const ID: &str = "018cc251-f400-7101-8101-010101010101";

fn id() -> AuthenticatorId {
    ID.parse().unwrap()
}

async fn admin(answer: &'static str) -> (Admin, Recorder) {
    let (api, recorder) = Recorder::answering(answer).await;
    (Admin::new(api, Secret::new("gma_x")), recorder)
}

#[tokio::test]
async fn what_is_made_is_asked_for_as_the_contract_says() {
    let (admin, recorder) = admin("{}").await;
    // The answers are of no use: what counts here is what was sent.
    let _ = admin.add_totp("alice", &CreateTotp { name: Some("app".to_owned()), reason: None }).await;
    let _ = admin.confirm_totp("CONTOSO\\alice", id(), "123456").await;
    let _ = admin.recovery_codes("alice", Some("lost")).await;
    let starts_at = Some(Timestamp::from_numeric_date(1_800_000_000));
    let _ = admin.access_pass("alice", &CreateAccessPass { expires_in: 60, starts_at, ..Default::default() }).await;
    let bypass = CreateBypass { reason: "lost".to_owned(), expires_in: 60, max_uses: Some(1) };
    let _ = admin.bypass("alice", &bypass).await;
    let _ = admin.lock("alice", "gone").await;
    let _ = admin.unlock("alice", "back").await;
    assert_eq!(
        recorder.asked(),
        [
            r#"POST /v1/users/alice/totp {"name":"app"}"#.to_owned(),
            format!(r#"POST /v1/users/CONTOSO%5Calice/totp/{ID}/confirm {{"code":"123456"}}"#),
            r#"POST /v1/users/alice/recovery-codes {"reason":"lost"}"#.to_owned(),
            r#"POST /v1/users/alice/access-passes {"expires_in":60,"starts_at":"2027-01-15T08:00:00.000000Z"}"#
                .to_owned(),
            r#"POST /v1/users/alice/bypasses {"reason":"lost","expires_in":60,"max_uses":1}"#.to_owned(),
            r#"POST /v1/users/alice/lock {"reason":"gone"}"#.to_owned(),
            r#"POST /v1/users/alice/unlock {"reason":"back"}"#.to_owned(),
        ]
    );
}

#[tokio::test]
async fn what_goes_away_says_why_where_there_is_a_why() {
    let (admin, recorder) = admin("").await;
    admin.remove_bypass("alice", id(), Some("found")).await.unwrap();
    admin.remove_authenticator("alice", ID, None).await.unwrap();
    admin.remove_authenticator("alice", ID, Some("a & b")).await.unwrap();
    admin.delete_device_because(ID.parse().unwrap(), "stolen").await.unwrap();
    assert_eq!(
        recorder.asked(),
        [
            format!("DELETE /v1/users/alice/bypasses/{ID}?reason=found"),
            format!("DELETE /v1/users/alice/authenticators/{ID}"),
            format!("DELETE /v1/users/alice/authenticators/{ID}?reason=a%20%26%20b"),
            format!("DELETE /v1/devices/{ID}?reason=stolen"),
        ]
    );
}

#[tokio::test]
async fn lists_are_read() {
    let (admin, recorder) = admin(r#"{"items":[],"next_cursor":null}"#).await;
    assert_eq!(admin.bypasses("alice").await.unwrap(), []);
    assert_eq!(admin.authenticators("alice").await.unwrap(), []);
    assert_eq!(admin.dormant_users(90).await.unwrap().items, []);
    assert_eq!(
        recorder.asked(),
        ["GET /v1/users/alice/bypasses", "GET /v1/users/alice/authenticators", "GET /v1/users?dormant_days=90"]
    );
}
