//! What pages say, in English and in German: one catalogue, whose words are fields, so that none is missing in either.
//!
//! A word with gaps has `{}` in it, filled in order by [`with`].

pub mod connect;
pub mod door;
pub mod people;
pub mod portal;
pub mod rules;
pub mod shell;
pub mod watch;

use axum::http::{HeaderMap, header};

/// A language that pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, where somebody asks for none of ours.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language that a browser asks for (RFC 9110 section 12.5.4).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let weighed = wanted.split(',').enumerate().filter_map(|(place, range)| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let language = match primary.as_str() {
                "en" | "*" => Self::English,
                "de" => Self::German,
                _ => return None,
            };
            (weight > 0.0).then_some((weight, std::cmp::Reverse(place), language))
        });
        let best = weighed.max_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        best.map_or(Self::English, |(_, _, language)| language)
    }

    /// The tag of `lang` attributes (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// Declares the words of a room: each field with its English and its German.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($key:ident: $english:literal, $german:literal;)+ }) => {
        $(#[$doc])*
        pub struct $name {
            $(#[doc = $english] pub $key: &'static str,)+
        }

        impl $name {
            const ENGLISH: Self = Self { $($key: $english,)+ };
            const GERMAN: Self = Self { $($key: $german,)+ };

            /// The words in this language.
            #[must_use]
            pub const fn of(language: $crate::words::Language) -> &'static Self {
                match language {
                    $crate::words::Language::English => &Self::ENGLISH,
                    $crate::words::Language::German => &Self::GERMAN,
                }
            }

            /// Each word by its name, in English and in German.
            #[cfg(test)]
            pub fn all() -> Vec<(&'static str, &'static str, &'static str)> {
                vec![$((stringify!($key), $english, $german),)+]
            }
        }
    };
}
pub(crate) use words;

/// `text`, each `{}` in it filled with the next of `parts`. What is filled in is not looked at again.
#[must_use]
pub fn with(text: &str, parts: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len() + parts.iter().map(|part| part.len()).sum::<usize>());
    let mut parts = parts.iter();
    let mut pieces = text.split("{}");
    filled.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        filled.push_str(parts.next().unwrap_or(&"{}"));
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(wanted: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(wanted));
        Language::of(&headers)
    }

    #[test]
    fn a_browser_is_answered_in_the_language_that_it_likes_best_of_ours() {
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
        for (wanted, language) in [
            ("de", Language::German),
            ("de-CH, en;q=0.9", Language::German),
            ("en-GB,de;q=0.8", Language::English),
            ("fr, de;q=0.5, en;q=0.4", Language::German),
            ("fr", Language::English),
            ("de;q=0, *", Language::English),
            ("de;q=x", Language::English),
        ] {
            assert_eq!(asked(wanted), language, "{wanted}");
        }
    }

    #[test]
    fn gaps_are_filled_in_order_and_what_is_filled_in_is_left_alone() {
        assert_eq!(with("{} has {}.", &["{}", "two"]), "{} has two.");
        assert_eq!(with("{} {}", &["one"]), "one {}");
    }

    #[test]
    fn each_word_has_as_many_gaps_in_either_language_and_none_is_empty() {
        let rooms = [
            shell::Shell::all(),
            door::Door::all(),
            connect::Connect::all(),
            people::People::all(),
            people::acts::Acts::all(),
            people::once::Once::all(),
            portal::Portal::all(),
            portal::Making::all(),
            portal::Recent::all(),
            rules::Rules::all(),
            rules::editor::Editor::all(),
            rules::explain::Explaining::all(),
            rules::front_door::FrontDoor::all(),
            rules::gateways::Gateways::all(),
            rules::meanings::Meanings::all(),
            rules::policy::Policies::all(),
            rules::settings::Settings::all(),
            rules::spoken::Spoken::all(),
            watch::Watch::all(),
            watch::happened::Happened::all(),
            watch::log::Log::all(),
        ];
        for (key, english, german) in rooms.into_iter().flatten() {
            assert!(!english.is_empty() && !german.is_empty(), "{key}");
            assert_eq!(english.matches("{}").count(), german.matches("{}").count(), "{key}");
        }
    }
}
