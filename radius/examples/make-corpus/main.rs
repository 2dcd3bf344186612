//! Writes the seeds of the fuzz targets to `radius/corpus/`: `cargo run -p gatematch-radius --example make-corpus`.
//!
//! What a fuzzer finds is added there by hand, under a name of its own; this leaves it alone.

mod seeds;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in [("packet", seeds::packet()), ("door", seeds::door())] {
        std::fs::create_dir_all(corpus.join(target))?;
        for (name, octets) in seeds {
            std::fs::write(corpus.join(target).join(name), octets)?;
        }
    }
    Ok(())
}
