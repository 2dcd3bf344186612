//! Password and code in one field: the upstream server judges the password before Gatematch judges the code.

use gatematch_client_sim::radius::Answer;
use gatematch_client_sim::radius::packet::code;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::{another_number, only};

use super::super::codes::failures;
use super::*;

const PASSCODE: &str = "style = \"passcode\"";

/// A login with this password and code, and the upstream server's verdict on the password.
async fn login(scene: &Scene, password: &str, code: &str, verdict: u8) -> Answer {
    let request = AccessRequest::plain("alice").machine("CLIENT-PC").password_and_code(password, code);
    let request = scene.nps.request(request);
    let upstream = async {
        let asked = scene.behind.request().await;
        let hidden = digest::hide_password(password.as_bytes(), &asked.authenticator, BEHIND.as_bytes());
        assert_eq!(asked.all(kind::USER_PASSWORD), [hidden.as_slice()], "the code is not passed on");
        scene.behind.say(&asked, verdict, &[Attribute::new(CLASS, b"staff")]).await;
    };
    tokio::join!(ask(&scene.nps, &request), upstream).0
}

#[tokio::test]
async fn no_code_is_judged_before_the_password_is_and_none_is_passed_on() {
    let scene = Scene::new(PASSCODE, "").await;
    let app = scene.site.app_of("alice").await;
    let right = scene.site.code(&app, 0);
    let wrong = another_number(right.reveal());
    for code in [right.reveal(), &wrong] {
        assert!(login(&scene, "hunter3", code, code::ACCESS_REJECT).await.is_reject());
    }
    assert_eq!((scene.challenges().await, failures(&scene.site).await), (0, 0), "neither spent nor counted");
    let refused = login(&scene, "hunter2", &wrong, code::ACCESS_ACCEPT).await;
    assert!(refused.is_reject() && refused.first(CLASS).is_none(), "nothing is granted");
    assert_eq!((scene.challenges().await, failures(&scene.site).await), (1, 1));
    let accepted = login(&scene, "hunter,2", right.reveal(), code::ACCESS_ACCEPT).await;
    assert_eq!((accepted.is_accept(), accepted.first(CLASS)), (true, Some(&b"staff"[..])));
    assert_eq!((scene.challenges().await, failures(&scene.site).await), (2, 0));
    only(&scene.site.audit().await, "challenge.redeemed");
}

/// A login with this field, and the upstream server's verdict on all of it.
async fn login_alone(scene: &Scene, field: &str, verdict: u8) -> Answer {
    let request = scene.nps.request(with_password(field));
    let upstream = async {
        let asked = scene.behind.request().await;
        let hidden = digest::hide_password(field.as_bytes(), &asked.authenticator, BEHIND.as_bytes());
        assert_eq!(asked.all(kind::USER_PASSWORD), [hidden.as_slice()], "all of it is the password");
        scene.behind.say(&asked, verdict, &[Attribute::new(CLASS, b"staff")]).await;
    };
    tokio::join!(ask(&scene.nps, &request), upstream).0
}

#[tokio::test]
async fn a_password_alone_lets_in_by_a_bypass_and_by_nothing_else() {
    let scene = Scene::new(PASSCODE, "").await;
    scene.site.app_of("alice").await;
    for field in ["hunter2", "hunter2,", "hunter2,12345"] {
        let refused = login_alone(&scene, field, code::ACCESS_ACCEPT).await;
        assert!(refused.is_reject() && refused.first(CLASS).is_none(), "{field}");
    }
    assert_eq!((scene.challenges().await, failures(&scene.site).await), (3, 0), "nothing is counted");
    scene.site.admin.bypass("alice", &bypass(Some(2))).await.unwrap();
    assert!(login_alone(&scene, "hunter3", code::ACCESS_REJECT).await.is_reject());
    let accepted = login_alone(&scene, "hunter2", code::ACCESS_ACCEPT).await;
    assert_eq!((accepted.is_accept(), accepted.first(CLASS)), (true, Some(&b"staff"[..])));
    assert_eq!(scene.site.admin.bypasses("alice").await.unwrap()[0].uses, 1, "none for a wrong password");
    only(&scene.site.audit().await, "challenge.redeemed");
}

#[tokio::test]
async fn an_empty_password_asks_nobody() {
    let scene = Scene::new(PASSCODE, "").await;
    let app = scene.site.app_of("alice").await;
    scene.site.admin.bypass("alice", &bypass(None)).await.unwrap();
    for field in ["", &format!(",{}", scene.site.code(&app, 0).reveal())] {
        assert!(ask(&scene.nps, &scene.nps.request(with_password(field))).await.is_reject(), "{field}");
    }
    assert!(scene.behind.is_quiet());
    assert_eq!(scene.challenges().await, 0);
}
