//! The portal: how people come in, what they do there, and what strangers and others cannot.

mod doors;
mod mine;
mod report;

use gatematch_domain::visit::Place;
use gatematch_tests::guest::{Browser, Seen, unescaped};
use gatematch_tests::moves::{detail, only, state};
use gatematch_tests::{Person, Site};

/// The visit's cookie.
const COOKIE: &str = "__Host-gatematch-portal";

/// The home page; the visit must hold.
async fn home(browser: &mut Browser) -> Seen {
    let seen = browser.get("/portal").await;
    assert_eq!(seen.status, 200, "{:?}", seen.location);
    seen
}

/// Whether the browser is signed in at the portal.
async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/portal").await.status == 200
}

/// The text of the element with this id.
fn text_of(seen: &Seen, id: &str) -> String {
    let (_, rest) = seen.text.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}: {}", seen.text));
    unescaped(rest.split_once('>').unwrap().1.split('<').next().unwrap())
}

/// The recovery codes on the page that shows them once.
fn codes_on(seen: &Seen) -> Vec<String> {
    let (_, rest) = seen.text.split_once("id=\"codes\"").expect("the page shows codes");
    let list = rest.split("</ol>").next().unwrap();
    list.split("<li class=\"mono\">").skip(1).map(|item| item.split('<').next().unwrap().to_owned()).collect()
}

/// Signs somebody in by a pass or a recovery code.
async fn use_code(browser: &mut Browser, name: &str, code: &str) -> Seen {
    browser.post("/portal/code", &[("name", name), ("code", code)]).await
}

/// The id of this phone in paths.
fn id_of(person: &Person) -> String {
    person.phone.device_id().unwrap().to_string()
}

#[tokio::test]
async fn invited_then_a_phone_then_codes_then_out_and_in_by_the_phone() {
    let site = Site::start().await;
    site.user("alice").await;
    let mut browser = site.invited("alice", Place::Portal).await;
    let seen = home(&mut browser).await;
    assert!(seen.says("Next: add your phone") && seen.says("Hello, alice"));
    let added = browser.post("/portal/phones", &[]).await;
    assert!(added.status == 200 && added.says("<svg") && !added.says("<?xml"), "{}", added.text);
    let phone = site.blank_phone();
    phone.enroll(&text_of(&added, "link"), "Alice's phone").await.unwrap();
    let told = browser.get("/portal/phones").await;
    assert_eq!(told.text, r#"{"phones":1}"#, "the page that waits for the phone goes on by this");
    let alice = Person { name: "alice".to_owned(), phone };

    let seen = home(&mut browser).await;
    assert!(seen.says("Next: make recovery codes") && seen.says("Alice&#39;s phone"), "{}", seen.text);
    let codes = codes_on(&browser.post("/portal/codes", &[]).await);
    assert_eq!(codes.len(), 10);
    let seen = home(&mut browser).await;
    assert!(seen.says("10 of 10 are left") && seen.says("All is ready") && !seen.says(&codes[0]));

    let seen = browser.post("/portal/sign-out", &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/portal/sign-in?left=1"));
    assert!(!is_in(&mut browser).await);
    let seen = site.sign_in(&mut browser, &alice, Place::Portal).await;
    assert!(seen.status == 200 && seen.says("let you in here"), "{}", seen.text);
    assert!(seen.says("Let in, by your phone Alice&#39;s phone") && seen.says("Let in, by an invitation"));

    let events = site.audit().await;
    let made = only(&events, "enrollment.created");
    assert_eq!(made.actor.as_deref(), Some("person:alice"));
    let added = only(&events, "authenticator.added");
    assert_eq!((added.actor.as_deref(), detail(added, "kind").as_str()), (Some("person:alice"), "recovery_codes"));
    let kinds: Vec<String> = alice.phone.notices().await.unwrap().into_iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, ["recovery-codes-made"], "his phone is told what a browser of his does");
    // And the phone serves at a gateway.
    let gateway = site.gateway().await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!(state(&login), ("pending", None));
}
