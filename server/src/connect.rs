//! The connect page as text: its files, and what of the settings stands in it.

use std::sync::Arc;

const PAGE: &str = include_str!("connect/assets/connect.html");
/// How it looks.
pub const STYLE: &str = include_str!("connect/assets/connect.css");
/// What it does.
pub const SCRIPT: &str = include_str!("connect/assets/connect.js");
/// The gate.
pub const LOGO: &str = include_str!("connect/assets/logo.svg");

/// Where the page's file with the desktop is served.
const DESKTOP_FILE: &str = "/connect/desktop.rdp";

/// What "Start my desktop" does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Desktop {
    /// It follows this link.
    Link(String),
    /// It fetches this `.rdp` file.
    File(Arc<[u8]>),
}

/// The page of the company `name`.
#[must_use]
pub fn page(name: &str, desktop: Option<&Desktop>) -> String {
    let page = match desktop {
        None => without_desktop(PAGE),
        Some(Desktop::Link(link)) => PAGE.replace("{{desktop_href}}", &escaped(link)),
        Some(Desktop::File(_)) => PAGE.replace("{{desktop_href}}", DESKTOP_FILE),
    };
    // Last, so that nothing in the name is taken for one of ours.
    page.replace("{{name}}", &escaped(name))
}

/// The page without its blocks from `<!--desktop-->` to `<!--/desktop-->`.
fn without_desktop(page: &str) -> String {
    let mut kept = String::with_capacity(page.len());
    for (index, part) in page.split("<!--desktop-->").enumerate() {
        match part.split_once("<!--/desktop-->") {
            Some((_, after)) if index > 0 => kept.push_str(after),
            _ => kept.push_str(part),
        }
    }
    kept
}

/// `text` as text or as an attribute's value in HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links_are_text_and_the_button_stands_only_where_it_leads_somewhere() {
        let none = page("A & B <script>", None);
        assert!(none.contains("A &amp; B &lt;script&gt;") && !none.contains("B <script>"));
        assert!(!none.contains("{{") && !none.contains("desktop-->"));
        let linked = page("{{desktop_href}}", Some(&Desktop::Link("https://x/?a=1&b=\"".to_owned())));
        assert!(linked.contains("https://x/?a=1&amp;b=&quot;"));
        let file = page("Contoso", Some(&Desktop::File(Arc::from(*b"full address:s:x"))));
        assert!(file.contains("href=\"/connect/desktop.rdp\""));
    }
}
