//! Writes the test vectors of `protocol/vectors` anew: `cargo run -p gatematch-protocol --example make-vectors`.
//!
//! Keys, ids and times are fixed and signatures are deterministic (RFC 6979), so the same source writes the
//! same bytes. A folder can be given as the only argument; without one it is `vectors` beside `Cargo.toml`.

mod files;

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| beside.to_owned()));
    std::fs::create_dir_all(&folder)?;
    for file in files::all() {
        std::fs::write(folder.join(file.name), file.to_text()?)?;
        writeln!(std::io::stdout().lock(), "{}: {} cases", file.name, file.cases.len())?;
    }
    Ok(())
}
