//! A policy as text: TOML, or JSON as the API has it.

use gatematch_domain::policy::Policy;
use gatematch_protocol::json;
use gatematch_protocol::policy::PutPolicy;

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line on which it is, where that is known; the first is 1.
    pub line: Option<usize>,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// The policy that `text` is.
///
/// # Errors
/// [`Unreadable`].
pub fn parsed(text: &str) -> Result<PutPolicy, Unreadable> {
    if text.trim_start().starts_with('{') {
        return json::parse_into(text.as_bytes()).map_err(|fault| Unreadable { line: None, what: fault.to_string() });
    }
    toml::from_str(text).map_err(|fault| {
        let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        Unreadable { line: Some(line_after(before)), what: fault.message().to_owned() }
    })
}

/// The line on which the rule `name` is named in a TOML text; the first is 1.
#[must_use]
pub fn line_of_rule(text: &str, name: &str) -> Option<usize> {
    let is_named = |line: &str| {
        let value = line.trim_start().strip_prefix("name")?.trim_start().strip_prefix('=')?;
        let read: toml::Table = toml::from_str(&format!("name = {value}")).ok()?;
        read.get("name")?.as_str().map(|given| given == name)
    };
    text.lines().position(|line| is_named(line) == Some(true)).map(|index| index + 1)
}

fn line_after(before: &str) -> usize {
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// `policy` as a text that [`parsed`] reads.
///
/// # Errors
/// None is known: each policy can be written.
pub fn written(policy: &Policy) -> Result<String, toml::ser::Error> {
    let profile = Some(policy.profile.as_str().to_owned());
    let put = PutPolicy { profile, rules: policy.written(), ..PutPolicy::default() };
    Ok(format!("# Version {} of the policy.\n{}", policy.version, toml::to_string(&put)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
profile = "standard"

[[rules]]
name = "office"
enabled = true
when = { networks = ["203.0.113.0/24"], hours = { days = ["mon", "fri"], from = "08:00", to = "17:00", zone = "Europe/Oslo" } }
on_missing = "skip"
then = { decision = "allow" }

[[rules]]
name = "default"
then = { decision = "ask", digits = 6 }
"#;

    #[test]
    fn a_file_is_read_and_written_alike() {
        let put = parsed(FILE).unwrap();
        let names = gatematch_domain::policy::Names::Stored;
        let profile = gatematch_domain::policy::Profile::Standard;
        let policy = Policy::of(7, profile, &put.rules, names).unwrap().policy;
        let text = written(&policy).unwrap();
        assert!(text.starts_with("# Version 7 of the policy.\nprofile = \"standard\"\n"), "{text}");
        assert_eq!(parsed(&text).unwrap().rules, policy.written());
        assert_eq!(parsed(&text.replace('\n', "\r\n")).unwrap().rules, policy.written(), "as a form sends it");
        assert_eq!(parsed(&serde_json::to_string(&put).unwrap()).unwrap(), put);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("rules = []\nprofil = 'x'", "line 2: unknown field `profil`"),
            ("[[rules]]\nname = 'a'\n", "line 1: missing field `then`"),
            ("{\"rules\": [], \"rules\": []}", "rules"),
            ("{\"rules\": {}}", "expected a sequence"),
            ("", "missing field `rules`"),
        ] {
            let fault = parsed(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{fault}");
        }
    }

    #[test]
    fn a_rule_is_found_by_its_name() {
        assert_eq!(line_of_rule(FILE, "office"), Some(5));
        assert_eq!(line_of_rule(FILE, "default"), Some(12));
        assert_eq!(line_of_rule(FILE, "offic"), None);
        assert_eq!(line_of_rule("{\"rules\": [{\"name\": \"default\"}]}", "default"), None);
    }
}
