//! People at the console: what each role may do to whom, the stories of the helpdesk in clicks, and that what is secret is
//! shown once.

mod hostile;
mod me;
mod reach;
mod secrets;
mod story;
mod tasks;

use gatematch_domain::account::Account;
use gatematch_domain::username::Username;
use gatematch_tests::Site;
use gatematch_tests::guest::{Browser, Seen, unescaped};

/// A reason that is one.
const WHY: (&str, &str) = ("reason", "Lost in a taxi; called back on 4711");

/// The account of this name, as it is now.
async fn account(site: &Site, name: &str) -> Account {
    site.store().account(Username::from_stored(name.to_owned())).await.unwrap().unwrap()
}

/// What somebody can sign in with: its kinds, by name.
async fn held(site: &Site, name: &str) -> Vec<String> {
    let held = site.admin.authenticators(name).await.unwrap();
    let mut kinds: Vec<String> = held.into_iter().map(|held| held.kind).collect();
    kinds.sort();
    kinds
}

/// A page that must be there.
async fn shown(browser: &mut Browser, path: &str) -> Seen {
    let seen = browser.get(path).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen
}

/// Does something that succeeds with a page of its own, or with one that the browser is sent to.
async fn done(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Seen {
    let seen = browser.post(path, fields).await;
    let seen = browser.follow(seen).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen
}

/// What a reader sees of a page.
fn read(seen: &Seen) -> String {
    unescaped(&seen.text)
}

/// The text of the element with this id.
fn element(seen: &Seen, id: &str) -> String {
    let (_, rest) = seen.text.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}: {}", seen.text));
    let inner = rest.split_once('>').unwrap().1;
    unescaped(inner.split('<').next().unwrap()).trim().to_owned()
}
