//! The states of a challenge, and which may follow which.

/// How far on a challenge is; nothing for what is no state.
pub(super) fn of(status: &str) -> Option<u8> {
    match status {
        "pending" => Some(0),
        "approved" => Some(1),
        "denied" | "expired" | "cancelled" | "redeemed" => Some(2),
        _ => None,
    }
}

/// Whether somebody who was told `before` may be told `after` later.
pub(super) fn may_follow(before: &str, after: &str) -> bool {
    match (before, after) {
        (same, other) if same == other => true,
        ("pending", _) | ("approved", "redeemed" | "expired" | "cancelled") => true,
        _ => false,
    }
}
