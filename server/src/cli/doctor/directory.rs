//! The data directory: whose it is, who may look into it, and how much room there is.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::finding::{Finding, Row};

const PART: &str = "data directory";
const MIB: u64 = 1 << 20;
/// Below, somebody should look.
const LITTLE_ROOM: u64 = 1_024 * MIB;
/// Below, the next burst of sign-ins may fill it.
const NO_ROOM: u64 = 100 * MIB;

pub(super) fn rows(directory: &Path) -> Vec<Row> {
    findings(directory).into_iter().map(|finding| Row::new(PART, finding)).collect()
}

fn findings(directory: &Path) -> Vec<Finding> {
    let shown = directory.display();
    let Ok(found) = fs::metadata(directory) else {
        let todo = "Begin: gatematch admin-key create --role admin --name NAME. Or check --data-dir and data_dir.";
        return vec![Finding::warn(format!("There is no {shown} yet: no server has run with these settings."), todo)];
    };
    if !found.is_dir() {
        return vec![Finding::fail(format!("{shown} is no directory."), "Name another one in data_dir.")];
    }
    if let Err(error) = access(directory, Access::WRITE_OK | Access::EXEC_OK) {
        let todo = "Give it back to the account that runs the server, and look whether the disk is mounted read-only.";
        return vec![Finding::fail(format!("{shown} cannot be written to: {error}."), todo)];
    }
    let mut findings = vec![rights(directory, found.permissions().mode())];
    findings.extend(strangers(directory, found.uid()));
    findings.extend(room(directory));
    findings
}

fn rights(directory: &Path, mode: u32) -> Finding {
    let shown = directory.display();
    if mode & 0o077 == 0 {
        return Finding::ok(format!("{shown} belongs to this account, and nobody else looks into it."));
    }
    let rights = mode & 0o777;
    Finding::warn(format!("Others may look into {shown} (mode {rights:03o})."), format!("Run: chmod 700 {shown}"))
}

/// A file that another account has left there stops the server.
fn strangers(directory: &Path, owner: u32) -> Option<Finding> {
    let entries = fs::read_dir(directory).ok()?;
    let is_strange = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|found| found.uid() != owner);
    let strange: Vec<_> =
        entries.flatten().filter(is_strange).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let (first, rest) = strange.split_first()?;
    let others = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let what = format!("{first}{others} in {} belongs to another account.", directory.display());
    Some(Finding::fail(what, format!("As root: chown -R --reference={0} {0}", directory.display())))
}

/// How much room there is on the disk of `directory`.
pub(super) fn room(directory: &Path) -> Option<Finding> {
    let found = statvfs(directory).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    Some(judged(free))
}

fn judged(free: u64) -> Finding {
    let shown =
        if free < 10 * LITTLE_ROOM { format!("{} MiB", free / MIB) } else { format!("{} GiB", free / 1_024 / MIB) };
    let what = format!("{shown} are free on its disk.");
    let todo = "Make room, or remove the oldest events: gatematch audit prune (docs/audit.md).";
    match free {
        0..NO_ROOM => Finding::fail(what, todo),
        NO_ROOM..LITTLE_ROOM => Finding::warn(what, todo),
        _ => Finding::ok(what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn room_is_judged() {
        let told = |free| (judged(free).verdict, judged(free).what);
        assert_eq!(told(0), (Verdict::Fail, "0 MiB are free on its disk.".to_owned()));
        assert_eq!(told(NO_ROOM).0, Verdict::Warn);
        assert_eq!(told(LITTLE_ROOM).0, Verdict::Ok);
        assert_eq!(told(20 * LITTLE_ROOM).1, "20 GiB are free on its disk.");
    }

    #[test]
    fn a_directory_is_judged() {
        let top = tempfile::tempdir().unwrap();
        let verdicts = |path: &Path| findings(path).iter().map(|found| found.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(&top.path().join("none")), [Verdict::Warn]);
        let file = top.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(verdicts(&file), [Verdict::Fail]);
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(verdicts(top.path()).first(), Some(&Verdict::Warn));
        fs::set_permissions(top.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(verdicts(top.path()).first(), Some(&Verdict::Ok));
        let found = strangers(top.path(), fs::metadata(&file).unwrap().uid() + 1).unwrap();
        assert!(found.verdict == Verdict::Fail && found.what.starts_with("file in "), "{found:?}");
    }
}
