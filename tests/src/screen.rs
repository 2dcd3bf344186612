//! A real browser at the console or the portal, moved by a test through `browser/site.mjs`.

use serde_json::{Value, json};

use crate::web_phone::WebPhone;

/// A browser.
pub struct Screen(WebPhone);

impl Screen {
    /// A browser for the server at `base`, with the options of `site.mjs`. No page is open yet.
    pub async fn start(base: &str, options: &[&str]) -> Self {
        Self(WebPhone::start_script("site.mjs", base, options).await)
    }

    /// Gives an order of `site.mjs`, and waits for its answer.
    pub async fn order(&mut self, order: &str, with: Value) -> Value {
        self.0.order(order, with).await
    }

    /// Opens a path of the server, or a link.
    pub async fn open(&mut self, url: &str) {
        assert_eq!(self.order("open", json!({"url": url})).await, 200, "{url}");
    }

    /// Presses what the selector names.
    pub async fn click(&mut self, on: &str) {
        self.order("click", json!({"on": on})).await;
    }

    /// Fills in what the selector names.
    pub async fn fill(&mut self, on: &str, text: &str) {
        self.order("fill", json!({"on": on, "text": text})).await;
    }

    /// Chooses one of a list.
    pub async fn choose(&mut self, on: &str, value: &str) {
        self.order("choose", json!({"on": on, "value": value})).await;
    }

    /// Unfolds what is folded.
    pub async fn unfold(&mut self, on: &str) {
        self.order("unfold", json!({"on": on})).await;
    }

    /// Waits until the address has this path.
    pub async fn reaches(&mut self, path: &str) {
        self.order("reaches", json!({"path": path})).await;
    }

    /// Waits until there is something that the selector names, with this text.
    pub async fn sees(&mut self, what: &str, text: &str) {
        self.order("waits", json!({"for": what, "text": text})).await;
    }

    /// The text of what the selector names.
    pub async fn text(&mut self, on: &str) -> String {
        self.order("text", json!({"on": on})).await.as_str().unwrap().to_owned()
    }

    /// How many clicks and fields there were since it was asked last.
    pub async fn count(&mut self) -> u64 {
        self.order("count", json!({})).await.as_u64().unwrap()
    }

    /// The page fits 320 and 1920 pixels, and axe-core finds nothing serious in it, light and dark.
    pub async fn looks_well(&mut self) {
        let found = self.order("looks", json!({})).await;
        assert_eq!(found, json!([]));
    }

    /// Ends it: nothing in the console, nothing that the content security policy stopped, no request to elsewhere.
    pub async fn closes(self) {
        self.0.closes().await;
    }
}
