//! When a transaction is committed, told from the messages of one connection.

use std::collections::BTreeSet;

use super::message::Message;

/// When a cable is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The node has said COMMIT, and the server has not heard it: nothing was written.
    BeforeCommit,
    /// The server has committed, and the node has not heard it: everything was written.
    AfterCommit,
}

/// A moment that has come.
pub(super) struct Seen {
    pub(super) moment: Moment,
    /// Whether the node has sent the marker in this transaction.
    pub(super) is_marked: bool,
}

/// What is known of one connection.
#[derive(Default)]
pub(super) struct Watch {
    listens: bool,
    is_marked: bool,
    /// Whether the server is within a transaction that somebody has begun.
    in_block: bool,
    /// Whether something was written without one: that is committed when the server is ready again.
    wrote_alone: bool,
    /// The names of prepared statements that are a COMMIT.
    commits: BTreeSet<Vec<u8>>,
}

impl Watch {
    pub(super) fn listens(&self) -> bool {
        self.listens
    }

    /// The node says this.
    pub(super) fn said(&mut self, message: &Message, is_marked: impl FnOnce(&Message) -> bool) -> Option<Seen> {
        self.is_marked |= is_marked(message);
        self.listens |= message.contains(b"LISTEN ");
        let mut texts = message.body().split(|byte| *byte == 0);
        let is_commit = match message.kind() {
            b'Q' => message.contains(b"COMMIT"),
            // A statement is prepared: its name, and its text. It is done later, by its name.
            b'P' => {
                let (name, text) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                if text.starts_with(b"COMMIT") {
                    self.commits.insert(name.to_vec());
                } else {
                    self.commits.remove(name);
                }
                false
            }
            // It is done now: the name of what comes of it, and its own.
            b'B' => texts.nth(1).is_some_and(|name| self.commits.contains(name)),
            _ => false,
        };
        is_commit.then_some(Seen { moment: Moment::BeforeCommit, is_marked: self.is_marked })
    }

    /// The server answers this.
    pub(super) fn heard(&mut self, message: &Message) -> Option<Seen> {
        let after = Seen { moment: Moment::AfterCommit, is_marked: self.is_marked };
        match message.kind() {
            // A statement was done: its name, and how many rows.
            b'C' => {
                let is_commit = message.body().starts_with(b"COMMIT");
                let writes: [&[u8]; 3] = [b"INSERT", b"UPDATE", b"DELETE"];
                self.wrote_alone |= !self.in_block && writes.iter().any(|name| message.body().starts_with(name));
                is_commit.then_some(after)
            }
            // The server is ready again: outside of a transaction, within one, or within one that has failed.
            b'Z' => {
                let was_alone = std::mem::take(&mut self.wrote_alone);
                let is_idle = message.body() == b"I";
                self.in_block = !is_idle;
                if is_idle {
                    self.is_marked = false;
                }
                (was_alone && is_idle).then_some(after)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen where the node says and the server answers these.
    fn seen(messages: &[(char, &[u8])]) -> Vec<(Moment, bool)> {
        let mut watch = Watch::default();
        let told = messages.iter().filter_map(|(kind, body)| {
            let kind = u8::try_from(*kind).unwrap();
            if kind.is_ascii_lowercase() {
                watch.said(&Message::of(kind.to_ascii_uppercase(), body), |sent| sent.contains(b"alice"))
            } else {
                watch.heard(&Message::of(kind, body))
            }
        });
        told.map(|seen| (seen.moment, seen.is_marked)).collect()
    }

    #[test]
    fn a_transaction_is_committed_by_its_own_word() {
        let begun: [(char, &[u8]); 4] = [('q', b"BEGIN\0"), ('C', b"BEGIN\0"), ('Z', b"T"), ('b', b"..alice..")];
        let written: [(char, &[u8]); 2] = [('C', b"INSERT 0 1\0"), ('Z', b"T")];
        let ended: [(char, &[u8]); 3] = [('q', b"COMMIT\0"), ('C', b"COMMIT\0"), ('Z', b"I")];
        let both = [(Moment::BeforeCommit, true), (Moment::AfterCommit, true)];
        assert_eq!(seen(&[begun.as_slice(), &written, &ended].concat()), both);
        let undone: [(char, &[u8]); 3] = [('q', b"ROLLBACK\0"), ('C', b"ROLLBACK\0"), ('Z', b"I")];
        assert_eq!(seen(&[begun.as_slice(), &written, &undone].concat()), []);
        // The same by a statement that was prepared once.
        let prepared: [(char, &[u8]); 1] = [('p', b"s7\0COMMIT\0")];
        let by_name: [(char, &[u8]); 3] = [('b', b"\0s7\0"), ('C', b"COMMIT\0"), ('Z', b"I")];
        assert_eq!(seen(&[prepared.as_slice(), &begun, &written, &by_name].concat()), both);
        // The next one on the same connection is somebody else's.
        let next = [begun[..3].to_vec(), written.to_vec(), ended.to_vec()].concat();
        let told = seen(&[begun.to_vec(), written.to_vec(), undone.to_vec(), next].concat());
        assert_eq!(told, [(Moment::BeforeCommit, false), (Moment::AfterCommit, false)]);
    }

    #[test]
    fn a_statement_alone_is_committed_when_the_server_is_ready_again() {
        let after = (Moment::AfterCommit, true);
        assert_eq!(seen(&[('b', b"alice"), ('C', b"UPDATE 1\0"), ('Z', b"I")]), [after]);
        assert_eq!(seen(&[('b', b"alice"), ('C', b"SELECT 1\0"), ('Z', b"I")]), [], "who reads writes nothing");
    }
}
