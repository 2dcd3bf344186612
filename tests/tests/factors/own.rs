//! What a person does himself, by one of his phones.

use gatematch_client_sim::totp::App;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_tests::Site;
use gatematch_tests::moves::{only, refusal, state};

use super::wrong;

#[tokio::test]
async fn a_new_phone_is_let_in_by_the_old_one() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let made = alice.phone.enroll_another(None).await.unwrap();
    assert_eq!((made.user.as_str(), made.expires_at), ("alice", site.clock.now_plus(600)));
    let second = site.blank_phone();
    second.enroll(made.token.reveal(), "New phone").await.unwrap();
    let third = site.blank_phone();
    assert_eq!(refusal(third.enroll(made.token.reveal(), "Again").await), Code::EnrollmentGone);
    let gateway = site.gateway().await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(second.waiting(0).await.unwrap().len(), 1, "{}", login.id);
    let events = site.audit().await;
    let actor = events.iter().rfind(|event| event.kind == "enrollment.created").unwrap().actor.clone();
    assert_eq!(actor, Some(format!("device:{}", alice.phone.device_id().unwrap())));
}

#[tokio::test]
async fn a_phone_that_is_gone_or_of_a_locked_account_lets_in_no_other() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let stolen = site.phone_of("alice").await;
    let made = stolen.enroll_another(None).await.unwrap();
    let late = stolen.enroll_another(None).await.unwrap();
    site.lock("alice").await;
    assert_eq!(refusal(site.blank_phone().enroll(made.token.reveal(), "Thief").await), Code::EnrollmentGone);
    assert_eq!(refusal(stolen.enroll_another(None).await), Code::AccountLocked);
    assert_eq!(refusal(stolen.recovery_codes().await), Code::AccountLocked);
    assert_eq!(refusal(stolen.add_totp(None).await), Code::AccountLocked);
    let other = alice.phone.device_id().unwrap();
    assert_eq!(refusal(stolen.remove_phone(other).await), Code::AccountLocked);
    site.unlock("alice").await;
    site.admin.delete_device(stolen.device_id().unwrap()).await.unwrap();
    for token in [made.token, late.token] {
        assert_eq!(refusal(site.blank_phone().enroll(token.reveal(), "Thief").await), Code::EnrollmentGone);
    }
    assert_eq!(site.admin.devices("alice").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_keeps_his_own_codes() {
    let site = Site::start().await;
    let (alice, gateway) = (site.person("alice").await, site.gateway().await);
    let created = alice.phone.add_totp(Some("Laptop")).await.unwrap();
    let app = App::from_uri(created.otpauth_uri.reveal()).unwrap();
    let code = site.code(&app, -30);
    for _ in 0..4 {
        assert_eq!(refusal(alice.phone.confirm_totp(created.id, &wrong(code.reveal())).await), Code::WrongCode);
    }
    alice.phone.confirm_totp(created.id, code.reveal()).await.unwrap();
    site.clock.advance(1);
    let codes = alice.phone.recovery_codes().await.unwrap().codes;
    let all = alice.phone.authenticators().await.unwrap();
    let kinds: Vec<_> = all.iter().map(|one| (one.kind.as_str(), one.name.as_deref(), one.left)).collect();
    let expected = [("phone", Some("Pixel"), None), ("totp", Some("Laptop"), None), ("recovery_codes", None, Some(10))];
    assert_eq!(kinds, expected);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(gateway.passcode(login.id, codes[9].reveal()).await.unwrap().status, "approved");
    for one in &all[1..] {
        alice.phone.remove_authenticator(&one.id).await.unwrap();
    }
    assert_eq!(alice.phone.authenticators().await.unwrap().len(), 1);
    assert_eq!(refusal(alice.phone.remove_authenticator(&all[1].id).await), Code::NotFound);
}

#[tokio::test]
async fn five_wrong_codes_end_an_app_that_is_not_confirmed_and_are_no_failures() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let created = alice.phone.add_totp(None).await.unwrap();
    for _ in 0..5 {
        assert_eq!(refusal(alice.phone.confirm_totp(created.id, "000000").await), Code::WrongCode);
    }
    assert_eq!(refusal(alice.phone.confirm_totp(created.id, "000000").await), Code::NotFound);
    let gateway = site.gateway().await;
    assert_eq!(state(&gateway.create(&alice.login(), None).await.unwrap()), ("pending", None));
    let account = site.store().account(alice_name()).await.unwrap().unwrap();
    assert_eq!((account.user.limits.failures(), account.factors.len()), (0, 0));
    let first = alice.phone.add_totp(None).await.unwrap();
    let second = alice.phone.add_totp(None).await.unwrap();
    assert_eq!(refusal(alice.phone.confirm_totp(first.id, "000000").await), Code::NotFound, "it gave way");
    assert_eq!(refusal(alice.phone.confirm_totp(second.id, "000000").await), Code::WrongCode);
}

fn alice_name() -> gatematch_domain::username::Username {
    gatematch_domain::username::Domains::default().canonical("alice").unwrap()
}

#[tokio::test]
async fn phones_are_renamed_and_removed_by_another_one() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let (second, bob) = (site.phone_of("alice").await, site.person("bob").await);
    let id = second.device_id().unwrap();
    assert_eq!(alice.phone.rename(id, "Tablet \u{202e}x").await.unwrap().name, "Tablet \u{fffd}x");
    assert_eq!(refusal(alice.phone.rename(id, "").await), Code::InvalidValue);
    let foreign = bob.phone.device_id().unwrap();
    assert_eq!(refusal(alice.phone.rename(foreign, "mine").await), Code::NotFound);
    assert_eq!(refusal(alice.phone.remove_phone(foreign).await), Code::NotFound);
    assert_eq!(refusal(alice.phone.remove_authenticator(&foreign.to_string()).await), Code::NotFound);
    alice.phone.remove_phone(id).await.unwrap();
    assert_eq!(refusal(second.authenticators().await), Code::CredentialInvalid);
    let events = site.audit().await;
    only(&events, "device.renamed");
    assert_eq!(only(&events, "device.deleted").actor, Some(format!("device:{}", alice.phone.device_id().unwrap())));
}

#[tokio::test]
async fn whoever_is_protected_or_not_confirmed_manages_nothing_himself() {
    let site = Site::start_with(|settings| {
        settings.protected_groups = vec!["Domain Admins".to_owned()];
        settings.require_device_confirmation = true;
    })
    .await;
    site.user("alice").await;
    let phone = site.blank_phone();
    let token = site.token("alice").await;
    let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
    assert_eq!(refusal(phone.authenticators().await), Code::RoleNotAllowed);
    assert_eq!(refusal(phone.enroll_another(None).await), Code::RoleNotAllowed);
    site.admin.confirm_device(phone.device_id().unwrap(), registered.code.as_deref().unwrap()).await.unwrap();
    phone.recovery_codes().await.unwrap();
    let groups = Some(vec!["domain admins".to_owned()]);
    site.admin.put_user("alice", &PutUser { groups, ..PutUser::default() }).await.unwrap();
    for refused in [
        refusal(phone.enroll_another(None).await),
        refusal(phone.recovery_codes().await),
        refusal(phone.add_totp(None).await),
        refusal(phone.remove_phone(phone.device_id().unwrap()).await),
    ] {
        assert_eq!(refused, Code::RoleNotAllowed);
    }
    phone.rename(phone.device_id().unwrap(), "Mine").await.unwrap();
}
