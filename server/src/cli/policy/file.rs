//! A policy in a file: TOML, or JSON as the API has it.

use std::fs;
use std::path::Path;

use gatematch_domain::policy::Policy;
use gatematch_protocol::json;
use gatematch_protocol::policy::PutPolicy;

use crate::cli::fault::Fault;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The policy in the file at `path`.
pub(super) fn read(path: &Path) -> Result<PutPolicy, Fault> {
    let nothing = "Nothing was changed.";
    let fault = |what: String| Fault::usage(format!("{}: {what}.", path.display()), nothing, "");
    let size = fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(fault("it is longer than 1 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    parsed(&text).map_err(|what| {
        let todo = "A file to begin with: gatematch policy show --toml. What it may hold: docs/policy.md";
        Fault::usage(format!("{}: {what}.", path.display()), nothing, todo)
    })
}

fn parsed(text: &str) -> Result<PutPolicy, String> {
    if text.trim_start().starts_with('{') {
        return json::parse_into(text.as_bytes()).map_err(|fault| fault.to_string());
    }
    toml::from_str(text).map_err(|fault| {
        let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        format!("line {line}: {}", fault.message())
    })
}

/// `policy` as a file.
pub(super) fn written(policy: &Policy) -> Result<String, Fault> {
    let profile = Some(policy.profile.as_str().to_owned());
    let put = PutPolicy { profile, rules: policy.written(), ..PutPolicy::default() };
    let text = toml::to_string(&put);
    let text = text.map_err(|fault| Fault::broken(format!("The policy cannot be written: {fault}."), "", ""))?;
    Ok(format!("# Version {} of the policy.\n{text}", policy.version))
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
            let fault = parsed(text).unwrap_err();
            assert!(fault.contains(told), "{fault}");
        }
    }
}
