//! Server-sent events (HTML Living Standard, section 9.2), as far as the connect page needs them.

use std::collections::VecDeque;
use std::time::Duration;

use gatematch_protocol::connect::SessionView;

use crate::failure::Failure;
use crate::http::Opened;

/// An event that is longer is not read on, in bytes.
const MAX_EVENT: usize = 64 * 1024;

/// What the page shows, whenever it changes.
#[derive(Debug)]
pub struct Events {
    opened: Opened,
    parser: Parser,
}

/// Cuts a stream of bytes into the data of its events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    data: Option<String>,
    ready: VecDeque<String>,
    after_return: bool,
}

impl Events {
    /// Longer than a session can live (10 minutes).
    pub(super) const LIFETIME: Duration = Duration::from_secs(15 * 60);

    pub(super) fn new(opened: Opened) -> Self {
        Self { opened, parser: Parser::default() }
    }

    /// The next view; `None` once the server has ended the stream.
    ///
    /// # Errors
    /// [`Failure::Transport`], or [`Failure::Unexpected`] for an event that is no view.
    pub async fn next(&mut self) -> Result<Option<SessionView>, Failure> {
        loop {
            if let Some(data) = self.parser.next() {
                let view = serde_json::from_str(&data);
                return view.map(Some).map_err(|fault| Failure::unexpected(200, fault.to_string()));
            }
            match self.opened.chunk().await? {
                Some(chunk) => self.parser.feed(&chunk),
                None => return Ok(None),
            }
            if self.parser.is_too_long() {
                return Err(Failure::unexpected(200, "an event is far too long"));
            }
        }
    }
}

impl Parser {
    /// Takes what came, wherever it was cut. Lines end with CR LF, LF or CR.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let is_second_half = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                _ if is_second_half => {}
                b'\r' | b'\n' => self.end_line(),
                other => self.line.push(*other),
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.ready.extend(self.data.take());
            return;
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        if field != "data" {
            // Comments keep the connection open; names and ids are not used here.
            return;
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
    }

    /// The data of the next whole event.
    pub(super) fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    fn is_too_long(&self) -> bool {
        self.line.len().max(self.data.as_ref().map_or(0, String::len)) > MAX_EVENT
    }
}
