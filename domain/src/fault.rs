//! What is wrong with a request's values.

/// Why a value in a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The wrong type (HTTP 400).
    #[error("{member} {why}")]
    Type {
        /// The member's name.
        member: String,
        /// What it must be.
        why: String,
    },
    /// The right type but out of range (HTTP 422).
    #[error("{member} {why}")]
    Range {
        /// The member's name.
        member: String,
        /// What it must be.
        why: String,
    },
    /// A number was to be displayed by a gateway that cannot (HTTP 422).
    #[error("this gateway was registered as one that cannot display a number")]
    DisplayNotPossible,
}

impl Fault {
    /// A [`Fault::Range`].
    #[must_use]
    pub fn range(member: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Range { member: member.into(), why: why.into() }
    }

    /// A [`Fault::Type`].
    #[must_use]
    pub fn of_type(member: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Type { member: member.into(), why: why.into() }
    }
}

/// The seconds in `given`, or `default`; refused outside `range`.
///
/// # Errors
/// [`Fault::Range`].
pub fn seconds(
    member: &str,
    given: Option<i64>,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<i64, Fault> {
    let seconds = given.unwrap_or(default);
    if range.contains(&seconds) {
        return Ok(seconds);
    }
    Err(Fault::range(member, format!("must be from {} to {} seconds", range.start(), range.end())))
}
