//! What sign-ins are said to be: how they ended, by what, and why.

use gatematch_domain::text::disarm;

super::super::words! {
    /// How sign-ins ended, by what, and why.
    Happened {
        asked: "is asked", "wird gefragt";
        approved: "approved, not let in yet", "freigegeben, noch nicht eingelassen";
        let_in: "let in", "eingelassen";
        refused: "refused", "abgelehnt";
        reported: "reported: not me", "gemeldet: nicht ich";
        ran_out: "ran out of time", "Zeit abgelaufen";
        taken_back: "taken back", "zurückgezogen";
        two_at_once: "two at once", "zwei zugleich";
        by_number: "phone, with the number", "Telefon, mit der Zahl";
        by_push: "phone", "Telefon";
        by_totp: "app or token", "App oder Token";
        by_recovery_code: "recovery code", "Notfallcode";
        by_access_pass: "pass", "Pass";
        by_bypass: "exception", "Ausnahme";
        by_policy: "rule", "Regel";
        by_reuse: "earlier approval", "frühere Freigabe";
        by_nothing: "nothing", "nichts";
        why_user: "the person refused", "die Person lehnte ab";
        why_reported: "the person said: not me", "die Person sagte: nicht ich";
        why_wrong_number: "wrong number typed", "falsche Zahl eingegeben";
        why_passcode: "three wrong codes", "drei falsche Codes";
        why_policy: "a rule refuses it", "eine Regel verbietet es";
        why_locked: "the account is locked or disabled", "das Konto ist gesperrt oder abgeschaltet";
        why_not_enrolled: "nothing to sign in with", "nichts zum Anmelden da";
        why_rate_limited: "too much was tried", "zu viel versucht";
        why_superseded: "another sign-in stood against it", "eine andere Anmeldung stand dagegen";
        why_revoked: "the phone, person or gateway is gone", "Telefon, Person oder Gateway ist weg";
        why_timeout: "nobody decided in time", "niemand entschied rechtzeitig";
        outcome_pending: "waiting", "wartet";
        outcome_approved: "let in", "eingelassen";
        outcome_denied: "refused", "abgelehnt";
        outcome_expired: "ran out of time", "Zeit abgelaufen";
        outcome_cancelled: "taken back", "zurückgezogen";
        console: "Console", "Konsole";
        portal: "Portal", "Portal";
    }
}

impl Happened {
    /// What the method with this word is called.
    #[must_use]
    pub fn method(&self, word: &str) -> &'static str {
        match word {
            "number" => self.by_number,
            "push" => self.by_push,
            "totp" => self.by_totp,
            "recovery_code" => self.by_recovery_code,
            "access_pass" => self.by_access_pass,
            "bypass" => self.by_bypass,
            "policy" => self.by_policy,
            "reuse" => self.by_reuse,
            _ => self.by_nothing,
        }
    }

    /// What the outcome with this word is called in a filter.
    #[must_use]
    pub fn outcome(&self, word: &str) -> &'static str {
        match word {
            "pending" => self.outcome_pending,
            "approved" => self.outcome_approved,
            "denied" => self.outcome_denied,
            "expired" => self.outcome_expired,
            _ => self.outcome_cancelled,
        }
    }

    /// Why, in words; as the log says it where there are none, and nothing in it steers.
    #[must_use]
    pub fn reason(&self, word: &str) -> String {
        let known = match word {
            "user" => self.why_user,
            "reported" => self.why_reported,
            "wrong-number" => self.why_wrong_number,
            "passcode" => self.why_passcode,
            "policy" => self.why_policy,
            "locked" => self.why_locked,
            "not-enrolled" => self.why_not_enrolled,
            "rate-limited" => self.why_rate_limited,
            "superseded" => self.why_superseded,
            "revoked" => self.why_revoked,
            "timeout" => self.why_timeout,
            other => return disarm(other),
        };
        known.to_owned()
    }
}
