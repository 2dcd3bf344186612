//! Who is told what a commit has changed.

use std::sync::Arc;

use gatematch_domain::challenge::Challenge;
use gatematch_protocol::time::Timestamp;

use crate::hub::{Hub, Topic};
use crate::push::Letter;
use crate::push::office::Mailbox;
use crate::store::Bell;

/// Nobody waits: for commands, which end when they are done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Bell for Silent {
    fn ring(&self, _: Topic) {}
    fn tell(&self, _: &Challenge) {}
    fn ring_all(&self) {}
    fn deadline(&self, _: Timestamp) {}
    fn post(&self, _: Vec<Letter>) {}
}

/// Tells those who wait here, and phones elsewhere.
pub(super) struct Ringer {
    pub(super) hub: Arc<Hub>,
    pub(super) mailbox: Mailbox,
}

impl Bell for Ringer {
    fn ring(&self, topic: Topic) {
        self.hub.wake(topic);
    }

    fn tell(&self, challenge: &Challenge) {
        self.hub.wake_with(challenge);
    }

    fn ring_all(&self) {
        self.hub.wake_all();
    }

    fn deadline(&self, at: Timestamp) {
        self.hub.note_deadline(at);
    }

    fn post(&self, letters: Vec<Letter>) {
        self.mailbox.post(letters);
    }
}
