//! How the simulator listens to the keyboard.

use std::io;

use super::fault::Fault;

/// The next line; `None` once nobody types any more.
pub(crate) async fn line() -> Result<Option<String>, Fault> {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|read| (read > 0).then_some(line))
    });
    Ok(line.await.map_err(io::Error::other)??)
}
