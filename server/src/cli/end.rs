//! The end of a process that runs until it is told: SIGTERM, or Ctrl-C.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears the signals that end a process.
pub struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// Begins to listen for signals.
    ///
    /// # Errors
    /// [`io::Error`] where the system does not allow it.
    pub fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the end.
    pub async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
