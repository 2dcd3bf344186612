//! The connect page as text: its files, and what of the settings stands in it.

use std::sync::Arc;

use askama::Template;

use crate::words::connect::Connect;
use crate::words::{Language, with};

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

/// The page: what `templates/connect.html` is filled with.
#[derive(Template)]
#[template(path = "connect.html")]
struct Page<'a> {
    language: Language,
    words: &'static Connect,
    /// The words that the script says, as JSON.
    said: String,
    site: String,
    /// Where the button leads, where there is one.
    desktop: Option<&'a str>,
}

/// The page of the company `name`.
///
/// # Errors
///
/// None is known: a template that is well-formed fails only where there is nothing to write to.
pub fn page(name: &str, desktop: Option<&Desktop>, language: Language) -> askama::Result<String> {
    let words = Connect::of(language);
    let desktop = desktop.map(|desktop| match desktop {
        Desktop::Link(link) => link.as_str(),
        Desktop::File(_) => DESKTOP_FILE,
    });
    Page { language, words, said: words.of_script(), site: with(words.site, &[name]), desktop }.render()
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
        for (language, tag, start) in [
            (Language::English, "<html lang=\"en\">", "Start my desktop"),
            (Language::German, "<html lang=\"de\">", "Meinen Desktop starten"),
        ] {
            let page = |name, desktop: Option<&Desktop>| page(name, desktop, language).unwrap();
            let none = page("A & B <script> {}", None);
            assert!(
                none.contains(tag) && none.contains("A &#38; B &#60;script&#62; {}") && !none.contains("B <script>")
            );
            assert!(!none.contains(start) && !none.contains("class=\"primary desktop"));
            let linked = page("{{ said }}", Some(&Desktop::Link("https://x/?a=1&b=\"".to_owned())));
            assert!(linked.contains("href=\"https://x/?a=1&#38;b=&#34;\"") && linked.contains("{{ said }}"));
            assert!(linked.contains(start));
            let file = page("Contoso", Some(&Desktop::File(Arc::from(*b"full address:s:x"))));
            assert!(file.contains("href=\"/connect/desktop.rdp\""));
        }
    }

    #[test]
    fn the_script_finds_its_words_in_one_attribute() {
        for language in [Language::English, Language::German] {
            let page = page("Contoso", None, language).unwrap();
            let (_, rest) = page.split_once(" data-words=\"").unwrap();
            let (said, _) = rest.split_once('"').unwrap();
            let said = said.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
            assert_eq!(said, Connect::of(language).of_script());
        }
    }
}
