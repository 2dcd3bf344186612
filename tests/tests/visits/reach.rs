//! What a visit reaches: by role, by listener, by proof, and with strangers' texts on each page.

use std::net::SocketAddr;

use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::challenge::{CreateChallenge, CreateClient};
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::user::PutUser;
use gatematch_server::http::site::{Admits, Does, PageRoute, pages};
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, number_of};
use gatematch_tests::moves::{count, refusal};

/// A path of a page, about Alice and what there is of her.
fn path_of(route: &PageRoute) -> String {
    let mut path = route.path.to_owned();
    for (parameter, value) in [("{name}", "alice"), ("{file}", "site.css"), ("{seq}", "1"), ("{version}", "1")] {
        path = path.replace(parameter, value);
    }
    path.replace("{id}", "01a214d8-a5e0-7000-8000-000000000000")
}

/// What can have changed.
async fn changes(site: &Site) -> usize {
    let events = site.audit().await;
    events.iter().filter(|event| !event.kind.starts_with("challenge.") && event.kind != "audit.read").count()
}

#[tokio::test]
async fn each_role_reaches_its_pages_and_is_refused_the_others() {
    let site = Site::start().await;
    site.person("alice").await;
    for role in Role::ALL {
        let mut browser = site.operator(role.as_str(), role).await;
        for route in pages().iter().filter(|route| route.place == Place::Console) {
            let Admits::Operators(roles) = route.admits else { continue };
            let may = roles.contains(&role);
            if may && route.method == Does::Act {
                continue;
            }
            let before = changes(&site).await;
            let path = path_of(route);
            if path.ends_with("/events") && may {
                continue;
            }
            let seen = match route.method {
                Does::Show => browser.get(&path).await,
                Does::Act => browser.post(&path, &[("reason", "test")]).await,
            };
            if may {
                assert!([200, 400, 404].contains(&seen.status), "{role:?} {path}: {} {}", seen.status, seen.text);
            } else {
                assert_eq!(seen.status, 403, "{role:?} {path}");
                assert!(seen.says("role-not-allowed"), "{role:?} {path}");
                assert_eq!(changes(&site).await, before + 1, "{role:?} {path}: just the refusal");
            }
        }
    }
}

#[tokio::test]
async fn a_key_opens_no_page_and_a_cookie_opens_no_route_of_the_api() {
    let site = Site::start().await;
    let browser = site.operator("carl", Role::Admin).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let base = site.api().base().to_owned();
    let cookie = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let asked = client.get(format!("{base}/v1/users")).header("cookie", cookie).send().await.unwrap();
    assert_eq!(asked.status(), 401);
    let asked = client.get(format!("{base}/console")).header("authorization", "Bearer gma_x").send().await.unwrap();
    assert_eq!(asked.status(), 303);
}

#[tokio::test]
async fn the_public_listener_has_the_portal_and_no_console() {
    let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let site = Site::start_with(|settings| settings.public_listen = Some(here)).await;
    let mut inside = site.operator("carl", Role::Admin).await;
    assert_eq!(inside.get("/console").await.status, 200);
    let public = site.running().public_place().unwrap().address;
    let mut outside = Browser::new(&format!("http://{public}"));
    outside.cookies = inside.cookies.clone();
    for route in pages() {
        let path = path_of(&route);
        let seen = match route.method {
            Does::Show => outside.get(&path).await,
            Does::Act => outside.post(&path, &[]).await,
        };
        if route.place == Place::Console {
            assert_eq!(seen.status, 404, "{path}");
        } else {
            assert!(seen.status != 404 || path.contains("{"), "{path}: {}", seen.status);
        }
    }
}

#[tokio::test]
async fn an_operator_is_reserved_to_administrators() {
    let site = Site::start().await;
    let helpdesk = site.admin_with(Role::Helpdesk).await;
    site.user("erin").await;
    let early = helpdesk.create_enrollment("erin", None).await.unwrap();
    site.give_role("erin", Some(Role::Admin)).await;
    for refused in [
        refusal(helpdesk.create_enrollment("erin", None).await),
        refusal(helpdesk.recovery_codes("erin", None).await),
        refusal(helpdesk.unlock("erin", "asked").await),
        refusal(helpdesk.delete_user("erin").await),
    ] {
        assert_eq!(refused, Code::RoleNotAllowed);
    }
    // What the helpdesk made before does not serve any more.
    let phone = site.blank_phone();
    assert_eq!(refusal(phone.enroll(early.token.reveal(), "Pixel").await), Code::EnrollmentGone);
    // An administrator may, and locking lets nobody in.
    let phone = site.blank_phone();
    phone.enroll(site.token("erin").await.reveal(), "Pixel").await.unwrap();
    helpdesk.lock("erin", "Laptop stolen").await.unwrap();
}

#[tokio::test]
async fn what_is_dangerous_asks_for_the_phone_anew() {
    let site = Site::start().await;
    let carl = site.person("carl").await;
    site.person("alice").await;
    site.give_role("carl", Some(Role::Admin)).await;
    let mut browser = site.browser();
    site.sign_in(&mut browser, &carl, Place::Console).await;
    site.clock.advance(301);
    browser.get("/console").await;
    let before = changes(&site).await;
    let dangerous: Vec<PageRoute> =
        pages().into_iter().filter(|route| route.fresh && route.place == Place::Console).collect();
    assert!(dangerous.len() >= 6, "there are {}", dangerous.len());
    for route in &dangerous {
        let seen = browser.post(&path_of(route), &[("reason", "because"), ("role", "admin")]).await;
        assert_eq!(seen.status, 200, "{}", route.path);
        assert!(seen.says("Is it you?") && seen.says("because"), "{}: {}", route.path, seen.text);
    }
    assert_eq!(changes(&site).await, before, "nothing was done");
    // He types it, and what he had sent is done.
    let path = "/console/people/alice/role";
    let shown = browser.post(path, &[("role", "helpdesk"), ("reason", "asked")]).await;
    let number = number_of(&shown);
    let again = browser.post(path, &[("role", "helpdesk"), ("reason", "asked"), ("proving", "1")]).await;
    assert_eq!(number_of(&again), number, "the same number, until it is typed");
    let waiting = carl.phone.waiting(0).await.unwrap();
    carl.phone.respond(&waiting.last().unwrap().challenge, Decision::Approve, Some(&number), None).await.unwrap();
    let done = browser.post(path, &[("role", "helpdesk"), ("reason", "asked"), ("proving", "1")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let events = site.audit().await;
    assert_eq!((count(&events, "console.proven"), count(&events, "user.role_set")), (1, 2));
    // For five minutes nothing is asked again.
    assert_eq!(browser.post(path, &[("role", "none"), ("reason", "asked")]).await.status, 303);
    // A proof that is refused does nothing, and asks anew.
    site.clock.advance(301);
    browser.get("/console").await;
    browser.post(path, &[("role", "admin"), ("reason", "asked")]).await;
    let waiting = carl.phone.waiting(0).await.unwrap();
    carl.phone.respond(&waiting.last().unwrap().challenge, Decision::Deny, None, None).await.unwrap();
    let refused = browser.post(path, &[("role", "admin"), ("reason", "asked"), ("proving", "1")]).await;
    assert!(refused.status == 200 && refused.says("Is it you?") && refused.says("refused"), "{}", refused.text);
    assert_eq!(count(&site.audit().await, "user.role_set"), 3);
}

#[tokio::test]
async fn an_operator_who_came_by_phone_confirms_the_phone_of_somebody_else() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("dora").await;
    let own = site.blank_phone();
    let registered = own.enroll(site.token("dora").await.reveal(), "Pixel").await.unwrap();
    site.admin.confirm_device(registered.device_id, registered.code.as_deref().unwrap()).await.unwrap();
    site.give_role("dora", Some(Role::Helpdesk)).await;
    site.user("alice").await;
    let registered = site.blank_phone().enroll(site.token("alice").await.reveal(), "Pixel").await.unwrap();
    let (alice, code) = (registered.device_id, registered.code.unwrap());
    let dora = gatematch_tests::Person { name: "dora".to_owned(), phone: own };
    let mut browser = site.browser();
    site.sign_in(&mut browser, &dora, Place::Console).await;
    let path = format!("/console/people/alice/phones/{alice}");
    assert_eq!(browser.post(&path, &[("code", &code)]).await.status, 303);
    let active = site.admin.devices("alice").await.unwrap();
    assert_eq!(active[0].status, "active");
}

#[tokio::test]
async fn a_link_of_ones_own_dies_with_the_lock_and_with_the_role() {
    let site = Site::start().await;
    for loses_role in [true, false] {
        let name = if loses_role { "carl" } else { "erin" };
        let mut browser = site.operator(name, Role::Admin).await;
        site.clock.advance(1);
        let shown = browser.post("/console/me/first-phone", &[]).await;
        let token = shown.text.split_once("#enroll=").unwrap().1.split('<').next().unwrap().to_owned();
        site.clock.advance(1);
        if loses_role {
            site.give_role(name, None).await;
        } else {
            site.admin.lock(name, "Link was seen").await.unwrap();
            site.admin.unlock(name, "All is well").await.unwrap();
        }
        let phone = site.blank_phone();
        assert_eq!(refusal(phone.enroll(&token, "Pixel").await), Code::EnrollmentGone, "{name}");
    }
}

#[tokio::test]
async fn what_came_without_a_phone_makes_no_way_in_once_it_is_stale() {
    let site = Site::start().await;
    let mut browser = site.operator("carl", Role::Admin).await;
    site.clock.advance(600);
    browser.get("/console").await;
    site.clock.advance(301);
    let before = changes(&site).await;
    for path in ["/console/me/first-phone", "/console/people", "/console/people/alice/unlock"] {
        let seen = browser.post(path, &[("name", "alice"), ("reason", "asked")]).await;
        assert!(seen.status == 403 && seen.says("credential-invalid"), "{path}: {} {}", seen.status, seen.text);
    }
    assert_eq!(changes(&site).await, before + 3, "just the refusals");
}

/// What somebody writes who wants to be more than a text.
const EVIL: &str = "\"><img src=x onerror=alert(1)>'</script>${jndi:x}";

#[tokio::test]
async fn ad_03_every_outside_string_is_text_on_every_page() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let evil = PutUser {
        display_name: Some(EVIL.to_owned()),
        groups: Some(vec![EVIL.to_owned()]),
        email: Some("\"><b>@x".to_owned()),
        ..PutUser::default()
    };
    site.admin.put_user("alice", &evil).await.unwrap();
    let phone = site.blank_phone();
    phone.enroll(site.token("alice").await.reveal(), EVIL).await.unwrap();
    let body =
        CreateGateway { name: EVIL.to_owned(), application: EVIL.to_owned(), can_display: true, client_address: None };
    let created = site.admin.create_gateway(&body).await.unwrap();
    let gateway =
        gatematch_client_sim::gateway::Gateway::created(site.api(), site.issuer(), &created, site.clock.seconds());
    let client = CreateClient { ip: None, name: Some(EVIL.to_owned()) };
    for user in ["alice", EVIL] {
        let login =
            CreateChallenge { user: user.to_owned(), client: Some(client.clone()), ..CreateChallenge::default() };
        let challenge = gateway.create(&login, None).await.unwrap();
        if user == "alice" {
            alice.answer(&challenge, Decision::Report, None).await;
        }
    }
    site.admin.lock("alice", EVIL).await.unwrap();
    site.admin.unlock("alice", EVIL).await.unwrap();
    site.clock.advance(1);
    let mut console = site.operator("carl", Role::Admin).await;
    let mut portal = site.invited("alice", Place::Portal).await;
    let gateway_id = created.gateway.id.to_string();
    let mut found = 0;
    for route in pages().iter().filter(|route| route.method == Does::Show && !route.path.ends_with("/events")) {
        let path = route.path.replace("{id}", &gateway_id);
        for seq in ["1", "5", "9", "12"] {
            let path = path.replace("{name}", "alice").replace("{file}", "site.css").replace("{version}", "1");
            let browser = if route.place == Place::Console { &mut console } else { &mut portal };
            let seen = browser.get(&path.replace("{seq}", seq)).await;
            let media = seen.headers.get("content-type").map(|media| media.to_str().unwrap().to_owned());
            // What is no page is not read as one (`nosniff`).
            if !media.is_some_and(|media| media.starts_with("text/html")) {
                break;
            }
            for part in ["<img src=x", "\"><b>", "'</script>"] {
                assert!(!seen.says(part), "{path}: {part} in {}", seen.text);
            }
            found += usize::from(seen.says("img src=x"));
            if !path.contains("{seq}") {
                break;
            }
        }
    }
    assert!(found >= 5, "the text stands on {found} pages only: nothing was tried");
}
