//! A file that the audit log is added to, a line each.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Adds `text`, durably. The file is opened anew each time, so that it can be moved away and begun again at any moment.
pub(super) fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    // A line that was torn off when the machine stopped stays by itself; the event is written again.
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn a_torn_line_stays_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        append(&path, "{\"seq\":1}\n").unwrap();
        std::fs::write(&path, "{\"seq\":1}\n{\"se").unwrap();
        append(&path, "{\"seq\":2}\n{\"seq\":3}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"seq\":1}\n{\"se\n{\"seq\":2}\n{\"seq\":3}\n");
    }
}
