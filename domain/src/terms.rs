//! For how long and how often a pass or a bypass is to work, checked.

use gatematch_protocol::authenticator::{CreateAccessPass, CreateBypass};
use gatematch_protocol::time::Timestamp;

use crate::factor::{MAX_BYPASS_SECONDS, MAX_PASS_SECONDS, MAX_USES};
use crate::fault::{Fault, seconds};
use crate::text::reason;

/// The terms of an access pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassTerms {
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// For how many sign-ins.
    pub max_uses: u32,
}

/// The terms of a bypass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassTerms {
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// For how many sign-ins; `None`: as many as there are.
    pub max_uses: Option<u32>,
}

impl PassTerms {
    /// The terms that `body` asks for.
    ///
    /// # Errors
    /// [`Fault::Range`] for more than 30 days, a start that is more than 30 days ahead, and no or too many uses.
    pub fn from_body(body: &CreateAccessPass, now: Timestamp) -> Result<Self, Fault> {
        let life = seconds("expires_in", Some(body.expires_in), 0, 1..=MAX_PASS_SECONDS)?;
        // One that began before has begun now: a clock that is a little ahead of ours does no harm.
        let starts_at = body.starts_at.unwrap_or(now).max(now);
        if starts_at > now.plus_seconds(MAX_PASS_SECONDS) {
            return Err(Fault::range("starts_at", "must be at most 30 days ahead"));
        }
        let max_uses = uses(body.max_uses)?.unwrap_or(1);
        Ok(Self { starts_at, expires_at: starts_at.plus_seconds(life), max_uses })
    }
}

impl BypassTerms {
    /// The terms that `body` asks for.
    ///
    /// # Errors
    /// [`Fault::Range`] for no reason, more than 24 hours, and no or too many uses.
    pub fn from_body(body: &CreateBypass, now: Timestamp) -> Result<Self, Fault> {
        let life = seconds("expires_in", Some(body.expires_in), 0, 1..=MAX_BYPASS_SECONDS)?;
        let reason = reason(&body.reason)?;
        Ok(Self { reason, expires_at: now.plus_seconds(life), max_uses: uses(body.max_uses)? })
    }
}

fn uses(given: Option<i64>) -> Result<Option<u32>, Fault> {
    let counted = |count: i64| u32::try_from(count).ok().filter(|_| (1..=MAX_USES).contains(&count));
    match given {
        None => Ok(None),
        Some(count) => counted(count).map(Some).ok_or_else(|| Fault::range("max_uses", "must be from 1 to 1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_numeric_date(1_000_000)
    }

    #[test]
    fn a_pass_has_an_end() {
        let body = |expires_in, starts_in: i64, max_uses| CreateAccessPass {
            expires_in,
            starts_at: Some(now().plus_seconds(starts_in)),
            max_uses,
            reason: None,
        };
        let terms = PassTerms::from_body(&body(60, 3_600, None), now()).unwrap();
        assert_eq!(terms.starts_at, now().plus_seconds(3_600));
        assert_eq!((terms.expires_at, terms.max_uses), (now().plus_seconds(3_660), 1));
        assert_eq!(PassTerms::from_body(&body(60, -9, Some(3)), now()).unwrap().starts_at, now());
        for (expires_in, starts_in, max_uses) in [
            (0, 0, None),
            (-1, 0, None),
            (2_592_001, 0, None),
            (60, 2_592_001, None),
            (60, 0, Some(0)),
            (60, 0, Some(1_001)),
        ] {
            assert!(PassTerms::from_body(&body(expires_in, starts_in, max_uses), now()).is_err());
        }
    }

    #[test]
    fn a_bypass_has_a_reason_and_an_end() {
        let body =
            |reason: &str, expires_in, max_uses| CreateBypass { reason: reason.to_owned(), expires_in, max_uses };
        let terms = BypassTerms::from_body(&body("outage", 86_400, None), now()).unwrap();
        assert_eq!((terms.expires_at, terms.max_uses), (now().plus_seconds(86_400), None));
        for (reason, expires_in, max_uses) in [
            ("", 60, None),
            ("outage", 0, None),
            ("outage", 86_401, None),
            ("outage", 60, Some(0)),
            ("outage", 60, Some(-1)),
        ] {
            assert!(
                BypassTerms::from_body(&body(reason, expires_in, max_uses), now()).is_err(),
                "{reason} {expires_in}"
            );
        }
    }
}
