//! The phone as a web app, in a real browser before the real server (`docs/testing.md` says what is replaced).

mod app;
mod enrollment;
mod own;
mod pictures;
mod requests;
mod ringing;
mod secrecy;
mod story;

use gatematch_client_sim::edge::system_clock;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::push::service::PushService;
use gatematch_domain::push::PushHosts;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_server::settings::Settings;
use gatematch_tests::Site;
use gatematch_tests::web_phone::WebPhone;
use serde_json::json;

/// A site at today's time, with the user `alice` and a push service that the server may call.
async fn site() -> (Site, PushService) {
    site_with(|_| ()).await
}

/// [`site`], with settings that `change` makes.
async fn site_with(change: impl FnOnce(&mut Settings)) -> (Site, PushService) {
    let clock = system_clock();
    let service = PushService::start(([127, 0, 0, 1], 0).into(), clock).await.unwrap();
    let host = service.host();
    let site = Site::start_today(|settings| {
        settings.name = "Contoso".to_owned();
        settings.push_hosts = PushHosts::from_entries(&[host]).unwrap();
        change(settings);
    })
    .await;
    site.user("alice").await;
    (site, service)
}

/// Enrolls the browser as a phone of `name` by a link, without ringing.
async fn enroll(phone: &mut WebPhone, site: &Site, name: &str) {
    let link = site.admin.create_enrollment(name, None).await.unwrap().link;
    phone.open(link.reveal()).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
}

/// A browser that is a phone of `alice` and shows that nothing waits.
async fn at_home(site: &Site, options: &[&str]) -> WebPhone {
    let mut phone = WebPhone::start(site, options).await;
    enroll(&mut phone, site, "alice").await;
    phone
}

/// A sign-in of `alice` at a gateway that shows the number itself.
async fn signs_in(site: &Site) -> (Gateway, ChallengeView) {
    let gateway = site.gateway().await;
    let challenge = asks(&gateway, "CLIENT-PC").await;
    (gateway, challenge)
}

/// `gateway` asks for `alice`, who sits at `machine`.
async fn asks(gateway: &Gateway, machine: &str) -> ChallengeView {
    let challenge = gateway.create(&login(machine), None).await.unwrap();
    assert_eq!(challenge.status, "pending", "{challenge:?}");
    challenge
}

/// What a gateway asks for when `alice` signs in at `machine`.
fn login(machine: &str) -> CreateChallenge {
    let client = CreateClient { ip: Some("203.0.113.7".to_owned()), name: Some(machine.to_owned()) };
    CreateChallenge { user: "alice".to_owned(), client: Some(client), ..CreateChallenge::default() }
}

/// Waits until the buttons of the request that is shown can be pressed: just after it came they cannot.
async fn can_answer(phone: &mut WebPhone) {
    phone.order("waits", json!({"for": "#deny:not([aria-disabled=true])"})).await;
}

/// Types the number and approves.
async fn approves(phone: &mut WebPhone, number: &str) {
    can_answer(phone).await;
    phone.types(number).await;
    phone.order("waits", json!({"for": "#approve:not([aria-disabled=true])"})).await;
    phone.tap("#approve").await;
}
