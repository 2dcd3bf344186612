//! The audit log, for those who read it. Reading is remembered too, once an hour and key.

use axum::Json as Answered;
use axum::extract::State;
use gatematch_domain::audit::Event;
use gatematch_protocol::audit::{AuditPage, Checkpoint};

use super::administrator::Administrator;
use super::app::{App, Inner};
use super::params::{Query, TheAdmin};
use super::problem::{Answer, Problem};
use crate::audit::LogFault;
use crate::store::{AuditQuery, StoreError};

pub(super) async fn list(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    query: Query,
) -> Answer<Answered<AuditPage>> {
    let after = query.number("after", 0, 0..=u64::MAX)?;
    let limit = query.number("limit", 100, 1..=1_000)?;
    let user = query.text("user").map(|name| app.settings.domains.canonical_or_as_given(name));
    let kinds = query.text("type").map(str::to_owned).into_iter().collect();
    app.tell_reading(&admin).await?;
    let limit = u32::try_from(limit).unwrap_or(1_000);
    let items = app.store.audit(AuditQuery { after, limit, user, kinds, ..AuditQuery::default() }).await?;
    let full = items.len() == limit as usize;
    let next_cursor = items.last().filter(|_| full).map(|event| event.seq.to_string());
    Ok(Answered(AuditPage { items, next_cursor }))
}

/// What the log ends in now, signed.
pub(super) async fn checkpoint(State(app): State<App>) -> Answer<Answered<Checkpoint>> {
    Ok(Answered(app.checkpoint().await?))
}

impl From<LogFault> for Problem {
    fn from(fault: LogFault) -> Self {
        match fault {
            LogFault::Store(error) => error.into(),
            LogFault::Signing(error) => error.into(),
            LogFault::Chain(_) | LogFault::Moved | LogFault::Io(_) => Self::internal(fault),
        }
    }
}

impl Inner {
    /// Writes down that `admin` reads what happened, once an hour.
    pub(super) async fn tell_reading(&self, admin: &Administrator) -> Result<(), StoreError> {
        // Two keys may have one name.
        let reader = format!("{:?}", admin.actor);
        if !self.audit_readers.is_first_this_hour(&reader, self.now()) {
            return Ok(());
        }
        let recorded = self.store.record_events(vec![Event::new("audit.read", admin.actor.clone(), self.now())]).await;
        if recorded.is_err() {
            self.audit_readers.forget(&reader);
        }
        recorded
    }
}
