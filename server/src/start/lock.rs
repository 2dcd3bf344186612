//! One server on one data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::StartFault;

/// The file that a serving process keeps locked. It says where the process has the master key from.
pub(super) const LOCK_FILE: &str = "serve.lock";

/// How often it is tried to lock it, and how long after each time it is tried again.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(30);

/// Locks the data directory. Whoever ends lets go of it in a moment: a process that he has begun may hold it until then.
pub(crate) async fn of(dir: &Path) -> Result<File, StartFault> {
    let path = dir.join(LOCK_FILE);
    let fault = |source| StartFault::DataDir { path: path.clone(), source };
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(fault)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
    }
    Err(StartFault::InUse(dir.to_owned()))
}
