//! Other files that the settings name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use gatematch_protocol::time::Timestamp;
use rustix::fs::{Access, access};

use super::finding::{Finding, Row};
use crate::places::Places;
use crate::push::address::SystemNames;
use crate::push::web;
use crate::settings::Settings;
use crate::siem;

/// From so many days on a file of places is old: addresses move.
const OLD_DAYS: i64 = 90;

pub(super) fn rows(settings: &Settings, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(path) = &settings.places_file {
        rows.push(Row::new("places_file", places(path, now)));
    }
    let written = [
        ("audit_file", settings.audit_file.as_ref().map(|file| file.path.as_path())),
        ("audit_checkpoint_file", settings.audit_checkpoint_file.as_deref()),
    ];
    rows.extend(written.into_iter().filter_map(|(part, path)| Some(Row::new(part, writable(path?)))));
    if let Err(fault) = web::client(settings, Arc::new(SystemNames), web::Limits::default()) {
        rows.push(Row::new("push", Finding::fail(format!("{fault}."), "")));
    }
    if let Err(fault) = siem::sinks(settings, "") {
        rows.push(Row::new("audit_syslog", Finding::fail(format!("{fault}."), "")));
    }
    rows
}

fn places(path: &Path, now: Timestamp) -> Finding {
    let (_, fault) = Places::of(Some(path));
    if let Some(fault) = fault {
        let todo = "Until it is put right, nobody knows where addresses are: get it again, or leave places_file out.";
        return Finding::warn(format!("{fault}."), todo);
    }
    let shown = path.display();
    let Ok(found) = fs::metadata(path) else { return Finding::ok(format!("{shown} can be used.")) };
    let days = (now.numeric_date() - found.mtime()).div_euclid(86_400);
    let what = format!("{shown} can be used, and is {days} days old.");
    if days > OLD_DAYS { Finding::warn(what, "Addresses move: get a newer one.") } else { Finding::ok(what) }
}

/// Whether it could be written, without doing so.
fn writable(path: &Path) -> Finding {
    let shown = path.display();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let asked = match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Finding::fail(format!("{shown} is no file."), "Name another one.");
        }
        Ok(_) => access(path, Access::READ_OK | Access::WRITE_OK),
        Err(_) => access(parent, Access::WRITE_OK | Access::EXEC_OK),
    };
    match asked {
        Ok(()) => Finding::ok(format!("{shown} can be written to by this account.")),
        Err(error) => Finding::fail(
            format!("{shown} cannot be written to: {error}."),
            "Give the directory to the account that runs the server, and let its service write there (docs/siem.md).",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn files_that_are_to_be_written_are_looked_at_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        assert_eq!(writable(&path).verdict, Verdict::Ok);
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        assert_eq!(writable(&path).verdict, Verdict::Ok);
        assert_eq!(writable(dir.path()).verdict, Verdict::Fail);
        assert_eq!(writable(&dir.path().join("none/audit.jsonl")).verdict, Verdict::Fail);
    }

    #[test]
    fn places_that_are_no_places_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("places.mmdb");
        let now = Timestamp::from_numeric_date(1_800_000_000);
        assert_eq!(places(&path, now).verdict, Verdict::Warn);
        fs::write(&path, "nothing").unwrap();
        assert!(places(&path, now).what.contains("no MaxMind DB"));
    }

    #[test]
    fn a_file_of_certificates_without_any_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::for_data_dir(dir.path());
        let now = Timestamp::from_numeric_date(1_800_000_000);
        assert_eq!(rows(&settings, now), []);
        let path = dir.path().join("ca.pem");
        fs::write(&path, "nothing").unwrap();
        settings.push_ca_file = Some(path);
        let found = rows(&settings, now);
        assert!(found.first().unwrap().finding.what.contains("push_ca_file"), "{found:?}");
    }
}
