//! Writes `docs/errors.md` anew: `cargo run -p gatematch-protocol --example make-errors`.
//!
//! A file can be given as the only argument; without one it is `docs/errors.md` at the top of the tree.

mod page;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let file = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| page::FILE.to_owned()));
    std::fs::write(&file, page::errors_page()?)?;
    writeln!(std::io::stdout().lock(), "{} is written", file.display())?;
    Ok(())
}
