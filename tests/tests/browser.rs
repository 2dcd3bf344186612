//! The connect page in a real browser: Chromium, driven by `browser/connect.mjs`, with a gateway that has no screen and
//! a simulated phone.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::response::Decision;
use gatematch_tests::moves::{count, only, state};
use gatematch_tests::web_phone::{node, started};
use gatematch_tests::{Person, Site};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

/// What takes longer than this has failed; a browser that starts on a busy machine needs some seconds.
const LONG: Duration = Duration::from_secs(90);

/// What the page says of a wrong code, and of the last one.
const WRONG: &str = "That code was not right, or codes are not taken now. Look at it again.";
const WRONG_IN_GERMAN: &str =
    "Dieser Code war nicht richtig, oder Codes werden jetzt nicht angenommen. Sehen Sie ihn noch einmal an.";
const LATEST: &str = "Codes are not taken here any more for now. Ask your helpdesk for help.";

/// A browser on the connect page.
struct Page {
    child: Child,
    steps: Lines<BufReader<ChildStdout>>,
}

impl Page {
    /// Opens the page for `alice`; `profile` is where the browser keeps its cookies.
    fn open(site: &Site, profile: &Path, options: &[&str]) -> Self {
        let mut command = node("connect.mjs");
        command.args([site.api().base(), "alice", "--profile"]).arg(profile).args(options);
        let mut child = started(command);
        let steps = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, steps }
    }

    /// What the page shows next.
    async fn next(&mut self) -> Value {
        let line = timeout(LONG, self.steps.next_line()).await.expect("the browser hangs").unwrap();
        match line {
            Some(line) => serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")),
            None => panic!("the browser has ended: {}", self.complaints().await),
        }
    }

    /// The next step, which must be this one.
    async fn reaches(&mut self, step: &str) -> Value {
        let found = self.next().await;
        assert_eq!(found["step"], step, "{found}");
        found
    }

    /// Waits for its end: nothing in the console, nothing that the content security policy stopped.
    async fn closes(mut self) {
        assert_eq!(timeout(LONG, self.steps.next_line()).await.unwrap().unwrap(), None);
        let complaints = self.complaints().await;
        let ended: ExitStatus = timeout(LONG, self.child.wait()).await.unwrap().unwrap();
        assert!(ended.success() && complaints.is_empty(), "{ended}: {complaints}");
    }

    async fn complaints(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        timeout(LONG, stderr.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }
}

/// The gateway that has no screen asks.
async fn signs_in(gateway: &Gateway, alice: &Person) -> ChallengeView {
    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!((state(&challenge), &challenge.number), (("pending", None), &None));
    challenge
}

/// The person types the number that the page shows.
async fn types(alice: &Person, challenge: &ChallengeView, shown: &Value) {
    let number = shown["number"].as_str().unwrap();
    assert_eq!(number.len(), 3);
    let heard = alice.answer(challenge, Decision::Approve, Some(number)).await;
    assert_eq!(heard.status, "approved");
}

#[tokio::test]
async fn a_person_signs_in_with_the_number_that_a_real_browser_shows() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let profile = tempfile::tempdir().unwrap();
    for is_known in [false, true] {
        let mut page = Page::open(&site, profile.path(), &[]);
        page.reaches("armed").await;
        let challenge = signs_in(&gateway, &alice).await;
        if !is_known {
            let asked = page.reaches("confirm").await;
            assert!(!asked["text"].as_str().unwrap().is_empty());
        }
        types(&alice, &challenge, &page.reaches("number").await).await;
        let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
        assert!(gateway.check_result(&redeemed).await.unwrap().number_match);
        let approved = page.reaches("approved").await;
        let cookies = serde_json::json!(["__Host-gatematch-browser", "__Host-gatematch-connect"]);
        assert_eq!(approved["cookies"], cookies);
        page.closes().await;
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "challenge.redeemed"), count(&events, "connect.confirmed")), (2, 1));
    only(&events, "browser.bound");
}

#[tokio::test]
async fn a_person_who_says_no_on_the_page_ends_the_sign_in() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let profile = tempfile::tempdir().unwrap();
    let mut page = Page::open(&site, profile.path(), &["--answer", "no", "--expect", "refused"]);
    page.reaches("armed").await;
    let challenge = signs_in(&gateway, &alice).await;
    page.reaches("confirm").await;
    page.reaches("refused").await;
    page.closes().await;
    assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("denied", Some("reported")));
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_code_on_the_page_lets_in_the_desktop_that_is_started_then() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let made = site.admin.recovery_codes("alice", None).await.unwrap();
    let profile = tempfile::tempdir().unwrap();
    let code = made.codes[0].reveal();
    let mut page = Page::open(&site, profile.path(), &["--code", "000000", "--code", code]);
    page.reaches("armed").await;
    assert_eq!(page.reaches("wrong").await["text"], WRONG);
    page.reaches("open").await;
    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    assert_eq!((state(&challenge), &challenge.number), (("approved", None), &None));
    assert!(alice.phone.waiting(0).await.unwrap().is_empty());
    let redeemed = gateway.redeem(challenge.id, "r", 0).await.unwrap();
    assert!(!gateway.check_result(&redeemed).await.unwrap().number_match);
    page.reaches("approved").await;
    page.closes().await;
    let events = site.audit().await;
    only(&events, "connect.passcode_failed");
    only(&events, "connect.opened");
    only(&events, "challenge.redeemed");
}

#[tokio::test]
async fn a_code_on_the_page_lets_in_the_sign_in_that_waits_with_and_without_a_phone() {
    for (has_phone, step) in [(true, "number"), (false, "code")] {
        let site = Site::start().await;
        let gateway = site.gateway_named("Oslo gateway", false).await;
        let login = if has_phone {
            site.person("alice").await.login()
        } else {
            site.user("alice").await;
            CreateChallenge { user: "alice".to_owned(), ..CreateChallenge::default() }
        };
        let made = site.admin.recovery_codes("alice", None).await.unwrap();
        let profile = tempfile::tempdir().unwrap();
        let late = ["--late-code", "AAAA-AAAA-AAAA-AAAA", "--late-code", made.codes[0].reveal()];
        let mut page = Page::open(&site, profile.path(), &late);
        page.reaches("armed").await;
        let challenge = gateway.create(&login, None).await.unwrap();
        assert_eq!(state(&challenge), ("pending", None));
        page.reaches("confirm").await;
        page.reaches(step).await;
        assert_eq!(page.reaches("wrong").await["text"], WRONG);
        page.reaches("approved").await;
        page.closes().await;
        assert_eq!(state(&gateway.get(challenge.id, 0).await.unwrap()), ("approved", None));
    }
}

#[tokio::test]
async fn the_third_wrong_code_on_the_page_is_the_last_one() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let profile = tempfile::tempdir().unwrap();
    let wrong = ["--code", "000000", "--code", "000001", "--code", "000002", "--answer", "no", "--expect", "refused"];
    let mut page = Page::open(&site, profile.path(), &wrong);
    page.reaches("armed").await;
    for words in [WRONG, WRONG, LATEST] {
        assert_eq!(page.reaches("wrong").await["text"], words);
    }
    // The phone goes on.
    signs_in(&gateway, &alice).await;
    page.reaches("confirm").await;
    page.reaches("refused").await;
    page.closes().await;
}

#[tokio::test]
async fn a_page_in_either_language_is_sound_in_each_state_on_small_and_large_screens() {
    for (language, began, wrong) in [
        ("en", "A sign-in began just now.", WRONG),
        ("de", "Eine Anmeldung hat gerade eben begonnen.", WRONG_IN_GERMAN),
    ] {
        let site = Site::start().await;
        let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
        let profile = tempfile::tempdir().unwrap();
        let mut page = Page::open(&site, profile.path(), &["--lang", language, "--looks", "--code", "000000"]);
        page.reaches("armed").await;
        assert_eq!(page.reaches("wrong").await["text"], wrong);
        let challenge = signs_in(&gateway, &alice).await;
        assert_eq!(page.reaches("confirm").await["text"], began);
        types(&alice, &challenge, &page.reaches("number").await).await;
        gateway.redeem(challenge.id, "r", 0).await.unwrap();
        page.reaches("approved").await;
        page.closes().await;
    }
}

#[tokio::test]
async fn a_name_is_offered_after_a_sign_in_and_forgotten_by_whoever_is_somebody_else() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway_named("Oslo gateway", false).await, site.person("alice").await);
    let profile = tempfile::tempdir().unwrap();
    for options in [&[][..], &["--forget"]] {
        let mut page = Page::open(&site, profile.path(), options);
        if !options.is_empty() {
            assert_eq!(page.reaches("form").await["offers"], "alice");
            assert_eq!(page.reaches("form").await["offers"], "");
        }
        page.reaches("armed").await;
        let challenge = signs_in(&gateway, &alice).await;
        if options.is_empty() {
            page.reaches("confirm").await;
        }
        types(&alice, &challenge, &page.reaches("number").await).await;
        gateway.redeem(challenge.id, "r", 0).await.unwrap();
        page.reaches("approved").await;
        page.closes().await;
    }
}

#[tokio::test]
async fn the_page_comes_in_the_language_that_is_asked_for() {
    let site = Site::start().await;
    let client = reqwest::Client::new();
    for (asked, tag) in [("de-AT,de;q=0.9,en;q=0.8", "de"), ("en-GB,de;q=0.5", "en"), ("fr", "en")] {
        let url = format!("{}/connect", site.api().base());
        let answer = client.get(url).header("accept-language", asked).send().await.unwrap();
        assert_eq!(answer.headers()["vary"], "accept-language");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(&format!("<html lang=\"{tag}\">")) && !page.contains("{{"), "{page}");
    }
}
