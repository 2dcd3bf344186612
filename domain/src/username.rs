//! From what a login calls somebody to the one account that it means (contract section 1).
//!
//! Two texts that people take for the same name must not reach two accounts, and two people must not reach
//! one (CVE-2020-12812 is what happens otherwise).

use std::collections::BTreeMap;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// A canonical username: the name of at most one account.
///
/// It is mapped to itself, so it can be given back wherever a username is taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(String);

impl Username {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that was canonical when it was stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// No account can have this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// Empty, too long, with other characters than letters, digits and `. _ - $ '`, or with a dot at an end.
    #[error("a username has 1 to 128 letters, digits and . _ - $ ', with no dot at either end")]
    Name,
    /// The domain is not among the configured ones.
    #[error("the domain is not one of the configured domains")]
    Domain,
}

/// A configured domain that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the domain entry {entry:?} {why}")]
pub struct DomainFault {
    entry: String,
    why: &'static str,
}

/// The configured domains.
///
/// An entry is `NAME`, or `ALIAS=NAME` to let two domains share their accounts by hand. The accounts of the
/// first entry have bare names (`alice`); those of every further domain carry it (`alice@fabrikam`).
/// With no entry at all the domain part is dropped: a company with one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    // From each listed spelling to what its accounts carry; `None` for the home domain.
    listed: BTreeMap<String, Option<String>>,
}

impl Domains {
    /// Reads the configured entries.
    ///
    /// # Errors
    /// [`DomainFault`] for an empty or doubled entry, one with `\`, `@` or white space, or an alias of nothing.
    pub fn from_entries<S: AsRef<str>>(entries: &[S]) -> Result<Self, DomainFault> {
        let mut listed = BTreeMap::new();
        let mut aliases: Vec<(String, String, String)> = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let fault = |why| DomainFault { entry: entry.to_owned(), why };
            let (name, target) = match entry.split_once('=') {
                Some((alias, target)) => (fold(alias.trim()), Some(fold(target.trim()))),
                None => (fold(entry.trim()), None),
            };
            let sound =
                |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || "\\@=,".contains(c));
            if !sound(&name) || target.as_deref().is_some_and(|target| !sound(target)) {
                return Err(fault("is not a domain name"));
            }
            if listed.contains_key(&name) || aliases.iter().any(|(alias, ..)| *alias == name) {
                return Err(fault("stands twice"));
            }
            match target {
                Some(target) => aliases.push((name, target, entry.to_owned())),
                None => {
                    let home = listed.is_empty();
                    listed.insert(name.clone(), (!home).then_some(name));
                }
            }
        }
        for (alias, target, entry) in aliases {
            let carried = listed.get(&target).cloned();
            let carried = carried.ok_or(DomainFault { entry, why: "points to a domain that is not listed" })?;
            listed.insert(alias, carried);
        }
        Ok(Self { listed })
    }

    /// Whether no domain is configured, so that domain parts are dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Each spelling of a domain that is listed, with what the names of its accounts carry: nothing where they are bare.
    pub fn spellings(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.listed.iter().map(|(spelling, carried)| (spelling.as_str(), carried.as_deref()))
    }

    /// The one name that `given` means in the audit log: one that no account can have may still stand there, since
    /// somebody tried it.
    #[must_use]
    pub fn canonical_or_as_given(&self, given: &str) -> String {
        self.canonical(given).map_or_else(|_| given.to_owned(), |name| name.to_string())
    }

    /// The one name that `given` means.
    ///
    /// # Errors
    /// [`NoAccount`]: an unknown user, which never means "no second factor".
    pub fn canonical(&self, given: &str) -> Result<Username, NoAccount> {
        // Whoever sends a novel as his name does not get it normalized.
        if given.len() > 4_096 {
            return Err(NoAccount::Name);
        }
        let normal: String = given.nfkc().collect();
        let (domain, name) = match (normal.split_once('\\'), normal.rsplit_once('@')) {
            (Some((domain, name)), _) => (Some(domain), name),
            (None, Some((name, domain))) => (Some(domain), name),
            (None, None) => (None, normal.as_str()),
        };
        let name = fold(name);
        let length = name.chars().count();
        // The Hangul fillers count as letters and show as nothing.
        let shows = |c: char| !matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
        let allowed = |c: char| (c.is_alphanumeric() && shows(c)) || "._-$'".contains(c);
        if !(1..=128).contains(&length) || !name.chars().all(allowed) || name.starts_with('.') || name.ends_with('.') {
            return Err(NoAccount::Name);
        }
        match domain {
            Some(domain) if !self.is_empty() => match self.listed.get(&fold(domain)) {
                None => Err(NoAccount::Domain),
                Some(None) => Ok(Username(name)),
                Some(Some(carried)) => Ok(Username(format!("{name}@{carried}"))),
            },
            _ => Ok(Username(name)),
        }
    }
}

// NFKC, lower case without a locale, NFKC again.
pub(crate) fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(domains: &Domains, given: &str) -> Option<String> {
        domains.canonical(given).ok().map(|name| name.0)
    }

    #[test]
    fn without_domains_all_spellings_are_one_account() {
        let none = Domains::default();
        for given in ["alice", "ALICE", "CONTOSO\\Alice", "alice@contoso.com", "ＡＬＩＣＥ", "\\alice", "x\\alice"]
        {
            assert_eq!(name(&none, given).as_deref(), Some("alice"), "{given}");
        }
        assert_eq!(name(&none, "o'neil-2_$x.y").as_deref(), Some("o'neil-2_$x.y"));
        assert_eq!(name(&none, "Åse").as_deref(), Some("åse"));
        assert_eq!(name(&none, "A\u{30a}se").as_deref(), Some("åse"));
        let long = "a".repeat(129);
        for given in [
            "",
            "alice.",
            ".alice",
            "al ice",
            "a/b",
            "a\\b\\c",
            "d\\alice@x",
            "alice\0",
            "a\u{202e}b",
            "@",
            "\\",
            &long,
            "a\u{200b}b",
        ] {
            assert_eq!(name(&none, given), None, "{given}");
        }
    }

    #[test]
    fn with_domains_the_unlisted_are_unknown_and_accounts_are_shared_by_hand_only() {
        let domains = Domains::from_entries(&["CONTOSO", "contoso.com=contoso", "fabrikam"]).unwrap();
        for (given, account) in [
            ("alice", Some("alice")),
            ("contoso\\alice", Some("alice")),
            ("alice@CONTOSO.COM", Some("alice")),
            ("FABRIKAM\\alice", Some("alice@fabrikam")),
            ("alice@fabrikam", Some("alice@fabrikam")),
            ("other\\alice", None),
            ("alice@", None),
            ("\\alice", None),
        ] {
            assert_eq!(name(&domains, given).as_deref(), account, "{given}");
        }
        for entries in [vec![""], vec!["a", "A"], vec!["a b"], vec!["x=y"], vec!["a", "a=a"]] {
            assert!(Domains::from_entries(&entries).is_err(), "{entries:?}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_mapped_to_itself(given in "\\PC{0,40}") {
            let listed = Domains::from_entries(&["home", "other", "h=home"]).unwrap();
            for domains in [Domains::default(), listed] {
                if let Ok(name) = domains.canonical(&given) {
                    prop_assert_eq!(domains.canonical(name.as_str()), Ok(name));
                }
            }
        }

        #[test]
        fn case_and_width_never_make_two_accounts(given in "[a-zA-Z0-9._$'-]{1,20}") {
            let none = Domains::default();
            let wide: String = given.chars().map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c }).collect();
            prop_assert_eq!(none.canonical(&given), none.canonical(&given.to_uppercase()));
            prop_assert_eq!(none.canonical(&given), none.canonical(&wide));
        }
    }
}
