//! A policy in a file.

use std::fs;
use std::path::Path;

use gatematch_domain::policy::Policy;
use gatematch_protocol::policy::PutPolicy;

use crate::cli::fault::Fault;
use crate::policy::file;

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
    file::parsed(&text).map_err(|what| {
        let todo = "A file to begin with: gatematch policy show --toml. What it may hold: docs/policy.md";
        Fault::usage(format!("{}: {what}.", path.display()), nothing, todo)
    })
}

/// `policy` as a file.
pub(super) fn written(policy: &Policy) -> Result<String, Fault> {
    file::written(policy).map_err(|fault| Fault::broken(format!("The policy cannot be written: {fault}."), "", ""))
}
