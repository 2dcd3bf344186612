//! What is said about the reasons for which a challenge was refused or ended (contract section 6).
//!
//! The person is told [`REFUSED`] whatever the reason was: which one it is would tell somebody with a stolen password
//! how far he has come. Cause and cure are for the helpdesk, who reads the reason in the audit log.

/// What a person is told at the gateway, whatever the reason.
pub const REFUSED: &str =
    "The sign-in was not approved. Nothing was opened. Tell your helpdesk if you did not start it.";

/// The words about one reason or limit. They have code spans between backticks, as in Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The word on the wire and in the audit log.
    pub word: &'static str,
    /// What has happened.
    pub cause: &'static str,
    /// What the helpdesk does about it.
    pub cure: &'static str,
}

/// Every reason, in the order of the contract.
pub const REASONS: [Explained; 11] = [
    Explained {
        word: "user",
        cause: "The person pressed Deny on his phone.",
        cure: "Ask him. If he had started the sign-in, he starts again and types the number. If he had not, somebody \
            has his password: change it.",
    },
    Explained {
        word: "reported",
        cause: "The person pressed \"It wasn't me\" on his phone, or No on the connect page. For 15 minutes nothing \
            from this gateway and PC name reaches him.",
        cure: "Take it seriously: somebody has his password. Change it, and look in the gateway's own log from where \
            the sign-in came. If he says that it was a mistake, he waits the 15 minutes; unlocking does not shorten \
            them.",
    },
    Explained {
        word: "wrong-number",
        cause: "The number that was typed is not the one that was shown: a slip, a number of an older window, or an \
            approval of somebody else's sign-in.",
        cure: "He starts again and types the new number. If he saw no number at all, it was not his sign-in: change \
            his password. 5 wrong numbers or codes make him wait for 5 minutes, 10 lock the account.",
    },
    Explained {
        word: "passcode",
        cause: "Three wrong codes were typed in place of the phone, in one sign-in: slips, codes that are used up or \
            too old, or somebody who guesses.",
        cure: "Ask whether it was him. `GET /v1/users/NAME/authenticators` shows what he has, and how many are left.",
    },
    Explained {
        word: "policy",
        cause: "A rule refuses it: `policy` in the event has its name. Or the gateway has no screen and the person had \
            no connect page open before he started. Or the policy cannot be read: then everybody is refused, and the \
            server's log says so.",
        cure: "`gatematch policy explain --event ID`, with the event's `id`, reads the rules aloud. If it says `deny`, \
            it says why; whether that is right is for whoever writes the rules. If it says `ask`, there was no page: \
            first the page, then the desktop, and on the page the name with which he signs in.",
    },
    Explained {
        word: "locked",
        cause: "The account is locked (after 10 wrong numbers or codes, or by an administrator) or disabled, perhaps \
            while the sign-in waited.",
        cure: "`gatematch user show NAME` says which, and `user.locked` or `user.disabled` in the audit log why. Find \
            out who typed the wrong ones before you open it: `gatematch user unlock NAME --reason TEXT`, or `gatematch \
            user enable NAME`.",
    },
    Explained {
        word: "not-enrolled",
        cause: "There is no account of this name, or it has nothing to sign in with: no phone, and no code that may be \
            used here, or none of the ways that the rule takes. Or the name's domain is not in `domains`.",
        cure: "`gatematch user show NAME`, with the name as the event has it. Then `gatematch user add NAME`, \
            `gatematch enroll NAME`, or the setting `domains`. If he has something, `gatematch policy explain --event \
            ID`, with the event's `id`, says which ways the rule takes.",
    },
    Explained {
        word: "rate-limited",
        cause: "A limit stands against asking the phone now. `limit` in the event's `detail` says which: see below. \
            Without `limit`, a code was typed in place of the phone while the account had to wait (`cooldown`).",
        cure: "Find out who asks so often before you lift the limit.",
    },
    Explained {
        word: "superseded",
        cause: "Another sign-in of the same person took its place. Either he started again from the same PC, and only \
            the newer one counts. Or there were two at once and nobody can tell which is his: then both ended, and the \
            log has `challenge.collision`.",
        cure: "Once and without a collision: nothing. At every sign-in: the gateway repeats its request too early. At \
            a collision, ask whether he started both. If not, change his password.",
    },
    Explained {
        word: "revoked",
        cause: "The phone, the browser, the account or the gateway was removed while the sign-in was open.",
        cure: "The event of the removal is just before it. If it was meant, nothing is left to do but a new phone: \
            `gatematch enroll NAME`.",
    },
    Explained {
        word: "timeout",
        cause: "Nobody answered in time, or the gateway did not fetch the approval in time.",
        cure: "Does his phone ring, and does it show the request when he opens the app? Does the number appear at \
            once? Is the gateway's time long enough (`time_limit`)? If he had started nothing, somebody may have his \
            password.",
    },
];

/// The words that `limit` has in the audit event of a challenge that is `rate-limited`.
pub const LIMITS: [Explained; 5] = [
    Explained {
        word: "cooldown",
        cause: "5 wrong numbers or codes since he was last let in. The account waits for 5 minutes; at 10 it is \
            locked.",
        cure: "Wait, or `gatematch user unlock NAME --reason TEXT`.",
    },
    Explained {
        word: "reported",
        cause: "He reported a sign-in by this gateway and PC name less than 15 minutes ago.",
        cure: "Wait. Unlocking does not lift it.",
    },
    Explained {
        word: "backoff",
        cause: "He denied twice or more in a row: he is asked again after 60 seconds, then twice as long each time, up \
            to 15 minutes.",
        cure: "Ask whether the sign-ins were his; if not, change his password. Then wait: unlocking does not lift it.",
    },
    Explained {
        word: "prompts",
        cause: "His phone was asked 10 times within 10 minutes, and he was not let in.",
        cure: "Wait: unlocking does not lift it. If he started only one, the gateway repeats its request too early, or \
            somebody else tries.",
    },
    Explained {
        word: "pending",
        cause: "Three sign-ins of his wait already.",
        cure: "He answers them, or lets them run out. If they are not his, change his password.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_put_into_whole_sentences_once() {
        for table in [&REASONS[..], &LIMITS[..]] {
            let mut seen = std::collections::BTreeSet::new();
            for Explained { word, cause, cure } in table {
                assert!(seen.insert(word), "{word} stands twice");
                for text in [cause, cure] {
                    assert!(text.ends_with('.') && !text.contains("  ") && !text.contains('!'), "{word}: {text}");
                    assert_eq!(text.matches('`').count() % 2, 0, "{word}: {text}");
                }
            }
        }
    }

    #[test]
    fn what_the_person_is_told_gives_no_reason_away() {
        for Explained { word, .. } in REASONS {
            assert!(!REFUSED.contains(word), "{word}");
        }
    }
}
