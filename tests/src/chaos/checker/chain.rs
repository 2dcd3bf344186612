//! The log as a chain.

use gatematch_protocol::audit::AuditEvent;

use super::Violation;

/// Whether it begins at its beginning, and each event follows from the one before.
pub(super) fn check(events: &[AuditEvent]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut before: Option<&AuditEvent> = None;
    for (number, event) in (1..).zip(events) {
        let follows = match before {
            None => true,
            Some(before) => before.hash.is_some() && event.prev_hash == before.hash,
        };
        if event.seq != number || !follows || event.hash.is_none() {
            found.push(Violation::Broken(event.seq));
        }
        before = Some(event);
    }
    found
}
