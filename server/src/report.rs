//! Reports: what the audit log and the accounts tell, as columns and rows.

mod accounts;
mod cell;
mod newest;
mod sign_ins;

use gatematch_domain::username::Domains;
use gatematch_protocol::time::Timestamp;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

pub use self::cell::Cell;
pub(crate) use self::cell::csv_line;
pub(crate) use self::newest::{Newest, newest};
pub(crate) use self::sign_ins::{METHODS, OUTCOMES};
use crate::store::{Store, StoreError};

/// The most sign-ins of one page.
pub const MOST: u32 = 1_000;
/// For how many days a phone is not used that is stale, where nobody says otherwise.
pub const STALE_DAYS: u32 = 90;

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Every sign-in.
    SignIns,
    /// How many there were, by outcome and method.
    Outcomes,
    /// Every account, and what it signs in with.
    Enrollment,
    /// Phones that nobody uses.
    StaleDevices,
    /// Accounts that let nobody in, or are not asked for now.
    Locks,
    /// Bypasses in force.
    Bypasses,
}

impl Name {
    /// Every report.
    pub const ALL: [Self; 6] =
        [Self::SignIns, Self::Outcomes, Self::Enrollment, Self::StaleDevices, Self::Locks, Self::Bypasses];

    /// The word in paths and commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIns => "sign-ins",
            Self::Outcomes => "outcomes",
            Self::Enrollment => "enrollment",
            Self::StaleDevices => "stale-devices",
            Self::Locks => "locks",
            Self::Bypasses => "bypasses",
        }
    }

    /// The report with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    /// Its columns, in order.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::SignIns => &sign_ins::COLUMNS,
            Self::Outcomes => &["outcome", "method", "count"],
            Self::Enrollment => &accounts::ENROLLMENT,
            Self::StaleDevices => &accounts::STALE_DEVICES,
            Self::Locks => &accounts::LOCKS,
            Self::Bypasses => &accounts::BYPASSES,
        }
    }

    /// Whether it tells of sign-ins.
    const fn is_of_sign_ins(self) -> bool {
        matches!(self, Self::SignIns | Self::Outcomes)
    }
}

/// What of a report is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Sign-ins that began at this time or later.
    pub since: Option<Timestamp>,
    /// Sign-ins that began before this time.
    pub until: Option<Timestamp>,
    /// Of this person; any spelling.
    pub user: Option<String>,
    /// Sign-ins at this gateway: its name or its id.
    pub gateway: Option<String>,
    /// Sign-ins that ended so.
    pub outcome: Option<String>,
    /// Sign-ins in this way.
    pub method: Option<String>,
    /// For how many days a phone is not used.
    pub days: Option<u32>,
    /// Sign-ins after this cursor.
    pub after: u64,
    /// At most so many sign-ins.
    pub limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            since: None,
            until: None,
            user: None,
            gateway: None,
            outcome: None,
            method: None,
            days: None,
            after: 0,
            limit: MOST,
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// It cannot be asked for so.
    #[error("{0}")]
    Asked(String),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Asked {
    /// Whether `name` can be asked for so.
    ///
    /// # Errors
    /// [`ReportFault::Asked`] for a word that is none, and for what does not go with that report.
    pub fn check(&self, name: Name) -> Result<(), ReportFault> {
        let about_sign_ins = [
            ("since", self.since.is_some()),
            ("until", self.until.is_some()),
            ("gateway", self.gateway.is_some()),
            ("outcome", self.outcome.is_some()),
            ("method", self.method.is_some()),
        ];
        let stray = about_sign_ins.into_iter().filter(|_| !name.is_of_sign_ins());
        let stray = stray.chain([("days", self.days.is_some() && name != Name::StaleDevices)]);
        if let Some((member, _)) = stray.into_iter().find(|(_, is_given)| *is_given) {
            return Err(ReportFault::Asked(format!("{member} does not go with the report {}.", name.as_str())));
        }
        for (member, given, words) in
            [("outcome", &self.outcome, &sign_ins::OUTCOMES[..]), ("method", &self.method, &sign_ins::METHODS)]
        {
            if given.as_ref().is_some_and(|given| !words.contains(&given.as_str())) {
                return Err(ReportFault::Asked(format!("{member} must be one of {}.", words.join(", "))));
            }
        }
        Ok(())
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Which.
    pub name: Name,
    /// What is in each of the columns, row by row.
    pub rows: Vec<Vec<Cell>>,
    /// Where the next page begins, where there may be more.
    pub next: Option<u64>,
}

impl Report {
    /// As CSV (RFC 4180): `with_heads`, the names of the columns come first.
    #[must_use]
    pub fn csv(&self, with_heads: bool) -> String {
        let heads = with_heads.then(|| csv_line(self.name.columns().iter().map(|column| (*column).to_owned())));
        let rows = self.rows.iter().map(|row| csv_line(row.iter().map(Cell::in_csv)));
        heads.into_iter().chain(rows).collect()
    }
}

/// A row as JSON has it: by the names of its columns.
struct Item<'a>(&'a [&'static str], &'a [Cell]);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.name.columns();
        let items: Vec<_> = self.rows.iter().map(|row| Item(columns, row)).collect();
        let mut report = serializer.serialize_struct("Report", 4)?;
        report.serialize_field("report", self.name.as_str())?;
        report.serialize_field("columns", columns)?;
        report.serialize_field("items", &items)?;
        report.serialize_field("next_cursor", &self.next.map(|next| next.to_string()))?;
        report.end()
    }
}

/// Makes a report.
///
/// # Errors
/// [`ReportFault`].
pub async fn report(
    name: Name,
    asked: &Asked,
    store: &dyn Store,
    domains: &Domains,
    now: Timestamp,
) -> Result<Report, ReportFault> {
    asked.check(name)?;
    let mut next = None;
    let user = asked.user.as_ref().map(|name| domains.canonical_or_as_given(name));
    let rows = match name {
        Name::SignIns => {
            let rows;
            (rows, next) = sign_ins::rows(store, asked, user).await?;
            rows
        }
        Name::Outcomes => sign_ins::counted(store, asked, user).await?,
        name => accounts::rows(name, store, asked, domains, now).await?,
    };
    Ok(Report { name, rows, next })
}
