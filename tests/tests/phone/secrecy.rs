//! What the phone's side holds, and what not.

use std::fs;
use std::path::Path;

use gatematch_protocol::base64url;
use serde_json::json;

use super::{approves, asks, at_home, site};

/// Everything that can be read in `text`, the insides of its tokens included.
fn unfolded(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let tokens = text.split(|c| !is_token(c)).filter(|word| word.matches('.').count() == 2 && word.starts_with("ey"));
    let mut all = text.to_owned();
    for token in tokens {
        for part in token.split('.').take(2) {
            all.push('\n');
            all.push_str(&String::from_utf8_lossy(&base64url::decode(part).unwrap_or_default()));
        }
    }
    all
}

/// Whether the number stands there by itself, and not within a longer word.
fn tells(text: &str, number: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(number).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[at + number.len()..].chars().next().is_some_and(is_part);
        !before && !after
    })
}

/// The files of the phone, which the browser keeps as they are.
fn app_files() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../phone");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    // Pictures are no text, and folders no files.
    files.filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_search_finds_a_number_in_a_token_and_none_within_a_word() {
    let token = format!("{}.{}.x", base64url::encode("{\"alg\":1}"), base64url::encode("{\"number\":\"047\"}"));
    assert!(tells(&unfolded(&format!("[\"{token}\"]")), "047"));
    assert!(!tells("a047 1047 2026-047", "047") && tells("type 047 now", "047"));
}

#[tokio::test]
async fn ch_03_the_number_is_nowhere_on_the_phones_side_until_it_is_typed_and_nowhere_after() {
    let (site, _) = site().await;
    let mut phone = at_home(&site, &[]).await;
    let gateway = site.gateway().await;
    let before = unfolded(phone.order("storage", json!({})).await.as_str().unwrap());
    // A number that stands there by chance, or in a file that the browser keeps a moment later, proves nothing.
    let files = app_files();
    assert!(tells(&files, "401"), "the files were read");
    let (challenge, number) = loop {
        let challenge = asks(&gateway, "CLIENT-PC").await;
        let number = challenge.number.clone().unwrap();
        if !tells(&before, &number) && !tells(&files, &number) {
            break (challenge, number);
        }
    };
    phone.reaches("request", "asking").await;
    let looked = |text: &serde_json::Value| unfolded(text.as_str().unwrap());
    let (kept, traffic) = (phone.order("storage", json!({})).await, phone.order("traffic", json!({})).await);
    assert!(traffic.as_str().unwrap().contains(&challenge.id.to_string()), "the traffic was seen");
    assert!(!tells(&looked(&kept), &number), "kept: {number}");
    assert!(!tells(&looked(&traffic), &number), "sent: {number}");

    approves(&mut phone, &number).await;
    phone.reaches("result", "approved").await;
    let kept = phone.order("storage", json!({})).await;
    assert!(!tells(&looked(&kept), &number), "kept after it was typed: {number}");
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
    phone.closes().await;
}
