//! The phone as a web app in a real browser, moved by a test through `browser/phone.mjs`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::Site;

/// What takes longer than this has failed; a browser that starts on a busy machine needs some seconds.
const LONG: Duration = Duration::from_secs(90);

/// A browser with the phone in it.
pub struct WebPhone {
    child: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// Where the scripts that drive browsers are.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

/// `node`, with a script of ours.
pub fn node(script: &str) -> Command {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    assert!(Path::new(&chromium).exists(), "{chromium} is missing: run ./test.sh, which installs Chromium");
    let driver = scripts().join("node_modules/playwright-core");
    let has_driver = driver.exists() || std::env::var_os("NODE_PATH").is_some();
    assert!(has_driver, "{} is missing: run ./test.sh, which installs it", driver.display());
    let mut command = Command::new("node");
    command.arg(scripts().join(script)).env("CHROMIUM", chromium).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts what [`node`] made.
pub fn started(mut command: Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        assert_eq!(error.kind(), ErrorKind::NotFound, "node: {error}");
        panic!("node is missing: run ./test.sh, which installs it");
    })
}

impl WebPhone {
    /// A browser for `site`, with the options of `phone.mjs`. No page is open yet.
    pub async fn start(site: &Site, options: &[&str]) -> Self {
        Self::start_script("phone.mjs", site.issuer(), options).await
    }

    /// A browser with another script that takes orders, for the server at `base`.
    pub async fn start_script(script: &str, base: &str, options: &[&str]) -> Self {
        let mut command = node(script);
        command.arg(base).args(options).stdin(Stdio::piped());
        let mut child = started(command);
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let input = child.stdin.take().unwrap();
        let mut phone = Self { child, input, answers };
        assert_eq!(phone.answer("start").await, "ready");
        phone
    }

    /// Gives an order of `phone.mjs`, and waits for its answer.
    pub async fn order(&mut self, order: &str, with: Value) -> Value {
        let mut line = with;
        line["order"] = json!(order);
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.answer(order).await
    }

    async fn answer(&mut self, order: &str) -> Value {
        let line = timeout(LONG, self.answers.next_line()).await.expect("the browser hangs").unwrap();
        let Some(line) = line else { panic!("the browser has ended at {order}: {}", self.complaints().await) };
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match answer.get("ok") {
            Some(ok) => ok.clone(),
            None => panic!("{answer}"),
        }
    }

    /// Opens a path of the server, or a link.
    pub async fn open(&mut self, url: &str) {
        assert_eq!(self.order("open", json!({"url": url})).await, 200);
    }

    /// Waits for a screen in a state; what it shows.
    pub async fn reaches(&mut self, screen: &str, state: &str) -> Value {
        self.order("reaches", json!({"screen": screen, "state": state})).await
    }

    /// Waits for a screen; what it shows.
    pub async fn comes_to(&mut self, screen: &str) -> Value {
        self.order("reaches", json!({"screen": screen})).await
    }

    /// Taps on what the selector names.
    pub async fn tap(&mut self, on: &str) {
        self.order("tap", json!({"on": on})).await;
    }

    /// The text of what the selector names.
    pub async fn text(&mut self, on: &str) -> String {
        self.order("text", json!({"on": on})).await.as_str().unwrap().to_owned()
    }

    /// Whether what the selector names can be pressed.
    pub async fn is_enabled(&mut self, on: &str) -> bool {
        self.order("enabled", json!({"on": on})).await == true
    }

    /// Types into whatever has the focus.
    pub async fn types(&mut self, text: &str) {
        self.order("type", json!({"text": text})).await;
    }

    /// Hands a message to the service worker, as it came out of the sealed body.
    pub async fn is_pushed(&mut self, plaintext: &str) {
        self.order("push", json!({"data": plaintext})).await;
    }

    /// Waits until a notification has this title; all that stand then.
    pub async fn notifies(&mut self, title: &str) -> Vec<Value> {
        self.order("waitsForNotification", json!({"title": title})).await.as_array().unwrap().clone()
    }

    /// Ends it: nothing in the console, nothing that the content security policy stopped, no request to elsewhere.
    pub async fn closes(mut self) {
        drop(self.input);
        let line = timeout(LONG, self.answers.next_line()).await.unwrap().unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer, json!({"ok": {"faults": []}}));
        assert!(timeout(LONG, self.child.wait()).await.unwrap().unwrap().success());
    }

    async fn complaints(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        timeout(LONG, stderr.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }
}
