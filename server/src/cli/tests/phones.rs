//! Phones that are taken away.

use gatematch_domain::enrollment::Registration;
use gatematch_protocol::id::{DeviceId, EnrollmentId};
use gatematch_protocol::secret::sha256;

use super::*;
use crate::crypto::SigningKey;
use crate::store::{RegisterDevice, enrollment};

/// Gives alice a phone.
async fn enroll(shell: &Shell, n: u8) -> DeviceId {
    let operator = Operator::open(Settings::for_data_dir(&shell.data()), "root".to_owned()).await.unwrap();
    let (act, user) = (operator.act(), operator.account("alice").await.unwrap().user.id);
    let (now, digest, id) = (act.now, sha256([n]), DeviceId::new(act.now, [n; 10]));
    let token = enrollment(EnrollmentId::new(now, [n; 10]), user, digest.clone(), now, 600);
    operator.store.create_enrollment(act, token).await.unwrap().unwrap();
    let phone = Registration {
        id,
        key: SigningKey::generate().unwrap().public(),
        name: format!("Pixel {n}"),
        platform: None,
        push: None,
        code: None,
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    operator.store.register_device(RegisterDevice { now, token_digest: digest, phone }).await.unwrap().unwrap();
    operator.store.close().await;
    id
}

#[tokio::test]
async fn a_phone_that_goes_leaves_what_is_left_and_a_word_on_thieves() {
    let shell = Shell::new();
    shell.done("user add alice").await;
    let phones = [enroll(&shell, 1).await, enroll(&shell, 2).await, enroll(&shell, 3).await];
    shell.done("recovery-codes alice --reason new").await;
    let stolen = "If it was stolen, lock alice (gatematch user lock alice --reason TEXT) and look at what is left \
                  (gatematch authenticator list alice): ";
    let text = shell.done(&format!("device revoke {} --reason lost", phones[0])).await;
    let [gone, left, word] = text.lines().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(gone, "The phone Pixel 1 of alice is gone: it is refused from now on.");
    assert_eq!(left, "Left for alice to sign in with: phone, recovery codes.");
    assert!(word.starts_with(stolen), "{word}");
    let text = shell.done(&format!("authenticator remove alice {} --reason lost", phones[1])).await;
    assert!(text.contains(left) && text.contains(stolen), "{text}");
    let codes = shell.json("authenticator list alice").await["items"][1]["id"].as_str().unwrap().to_owned();
    let text = shell.done(&format!("authenticator remove alice {codes} --reason lost")).await;
    assert!(text.contains("to sign in with: phone.\n") && !text.contains("stolen"), "{text}");
    let json = shell.json(&format!("device revoke {} --reason lost", phones[2])).await;
    assert_eq!(members(&json), ["id", "user"]);
}
