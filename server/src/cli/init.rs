//! `gatematch init`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::terminal::Terminal;
use crate::settings::TEMPLATE;

/// `gatematch init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The file to write; one that is there is never overwritten
    #[arg(default_value = "gatematch.toml")]
    file: PathBuf,
}

pub(super) fn run(init: &Init, terminal: &mut Terminal) -> Result<(), Fault> {
    let shown = init.file.display();
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&init.file)?;
        file.write_all(TEMPLATE.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Fault::refused(
            format!("{shown} is there already."),
            "It was left as it is.",
            "Name another file: gatematch init FILE",
        ),
        _ => {
            Fault::broken(format!("{shown} cannot be written: {error}."), "", "Name another file: gatematch init FILE")
        }
    })?;
    if terminal.is_json() {
        return terminal.json(&json!({"file": init.file}));
    }
    terminal.line(&format!("Wrote {shown}. Every setting in it is a comment: change what you need."))?;
    terminal.line(&format!("Next: gatematch serve --config {shown}"))
}
