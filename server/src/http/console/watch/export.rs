//! Lists as files: all that fits a filter, written out page by page.
//!
//! A file is as long as the log can be, and is written as it is read: nothing of it is kept, and whoever stops reading stops
//! the writing.

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::{audit, sign_ins, still_reads};
use crate::http::app::{App, HeldPlace};
use crate::http::params::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Guest, TheOperator};
use crate::report::{Asked, Cell, Name, csv_line, report};
use crate::store::{Look, StoreError};
use crate::words::Language;
use crate::words::watch::log::Log;

/// The most rows of a file.
pub(super) const MOST: u64 = 1_000_000;
/// How many files are written, and logs checked, at a time at this node.
pub(super) const AT_ONCE: usize = 3;
/// How many of them one person may have.
const OF_ONE: usize = 2;
/// How many rows are read at a time.
const PAGE: u32 = 1_000;

/// The columns of the audit log as CSV.
const COLUMNS: [&str; 16] = [
    "seq",
    "time",
    "type",
    "actor",
    "user",
    "device",
    "gateway",
    "client_ip",
    "client_name",
    "outcome",
    "reason",
    "number_match",
    "policy",
    "detail",
    "prev_hash",
    "hash",
];

/// A file that is being written.
struct File<T> {
    app: App,
    reader: (Guest, Role),
    /// What comes next; `None` when all is written.
    next: Option<T>,
    /// What stands before the next page.
    head: String,
    left: u64,
    _held: HeldPlace,
}

/// A page of a file, and what comes next.
struct Page<T> {
    text: String,
    rows: u64,
    next: Option<T>,
}

impl<T: Send + 'static> File<T> {
    /// Takes a place for it.
    fn new(app: &App, reader: (Guest, Role), first: T, head: String) -> Answer<Self> {
        let busy = || Problem::new(Code::Overloaded, "Too many files are being written. Try again in a moment.");
        let held = app.exports.hold(reader.0.account.user.id, OF_ONE, AT_ONCE).ok_or_else(busy)?;
        Ok(Self { app: App::clone(app), reader, next: Some(first), head, left: MOST, _held: held })
    }

    /// What is sent. Where a page cannot be read, or the server stops, the file breaks off, and its reader is told by the
    /// connection.
    fn body<F>(self, page: impl Fn(App, T) -> F + Send + Copy + 'static) -> Body
    where
        F: Future<Output = Result<Page<T>, StoreError>> + Send,
    {
        Body::from_stream(unfold(self, move |mut file| async move {
            let next = file.next.take().filter(|_| file.left > 0)?;
            if file.app.stopping.is_cancelled() {
                return Some((Err(StoreError::Closed), file));
            }
            match still_reads(&file.app, &file.reader.0, file.reader.1).await {
                Ok(true) => {}
                Ok(false) => return Some((Err(StoreError::ActorGone), file)),
                Err(error) => return Some((Err(error), file)),
            }
            let made = match page(App::clone(&file.app), next).await {
                Ok(made) => made,
                Err(error) => return Some((Err(error), file)),
            };
            file.left = file.left.saturating_sub(made.rows);
            file.next = made.next;
            let text = std::mem::take(&mut file.head) + &made.text;
            Some((Ok(Bytes::from(text)), file))
        }))
    }
}

fn answer(name: &str, media: &'static str, now: Timestamp, body: Body) -> Response {
    let day: String = now.to_string().chars().take(10).collect();
    let (stem, extension) = name.split_once('.').unwrap_or((name, "txt"));
    let file = format!("attachment; filename=\"{stem}-{day}.{extension}\"");
    ([(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, file)], body).into_response()
}

fn faulty() -> Problem {
    Problem::new(Code::MalformedQuery, "The filter is not right: open the list with it.")
}

/// Sign-ins, as the report has them.
pub(super) async fn sign_ins(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    query: Query,
) -> Answer<Response> {
    let filter = sign_ins::Filter::of(&query, Log::of(language));
    if filter.is_faulty() {
        return Err(faulty());
    }
    let asked = filter.asked(PAGE);
    app.tell_reading(&operator).await?;
    let file = File::new(&app, (guest, operator.role), (asked, true), String::new())?;
    let body = file.body(|app, (asked, is_first)| async move {
        let made = report(Name::SignIns, &asked, app.store.as_ref(), &app.settings.domains, app.now()).await;
        let made = made.map_err(|fault| StoreError::Database(fault.to_string().into()))?;
        let next = made.next.map(|next| (Asked { after: next, ..asked }, false));
        Ok(Page { text: made.csv(is_first), rows: made.rows.len() as u64, next })
    });
    Ok(answer("sign-ins.csv", "text/csv; charset=utf-8; header=present", app.now(), body))
}

/// Events, the oldest first.
pub(super) async fn audit(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    query: Query,
) -> Answer<Response> {
    let filter = audit::Filter::of(&query, Log::of(language));
    let is_csv = match query.text("format") {
        Some("csv") => true,
        Some("jsonl") => false,
        _ => return Err(faulty()),
    };
    if filter.is_faulty() {
        return Err(faulty());
    }
    app.tell_reading(&operator).await?;
    // What is written meanwhile is not waited for.
    let end = app.store.log_end().await?.size.saturating_add(1);
    let first = Look { after: 0, before: Some(end), latest_first: false, ..filter.look(&app, PAGE) };
    let head = if is_csv { csv_line(COLUMNS.iter().map(|column| (*column).to_owned())) } else { String::new() };
    let file = File::new(&app, (guest, operator.role), (first, is_csv), head)?;
    let body = file.body(|app, (look, is_csv)| async move {
        let looked = app.store.look(look.clone()).await?;
        let mut text = String::new();
        for event in &looked.events {
            text += &if is_csv { csv(event) } else { line(event)? };
        }
        let next = looked.reached.map(|reached| (Look { after: reached, ..look }, is_csv));
        Ok(Page { text, rows: looked.events.len() as u64, next })
    });
    let (name, media) = if is_csv {
        ("audit.csv", "text/csv; charset=utf-8; header=present")
    } else {
        ("audit.jsonl", "application/jsonl; charset=utf-8")
    };
    Ok(answer(name, media, app.now(), body))
}

fn line(event: &AuditEvent) -> Result<String, StoreError> {
    let text = serde_json::to_string(event).map_err(|_| StoreError::Corrupt("audit event"))?;
    Ok(text + "\n")
}

/// A line of CSV: nothing in it steers, and no spreadsheet takes a cell for a formula.
fn csv(event: &AuditEvent) -> String {
    let client = |name: &str| event.client.as_ref().and_then(|client| client.get(name)?.as_str()).map(str::to_owned);
    let detail = event.detail.as_ref().map(|detail| serde_json::Value::from(detail.clone()).to_string());
    let cells = [
        Cell::Number(event.seq),
        Cell::Time(event.at),
        event.kind.as_str().into(),
        event.actor.clone().into(),
        event.user.clone().into(),
        event.device.clone().into(),
        event.gateway.clone().into(),
        client("ip").into(),
        client("name").into(),
        event.outcome.clone().into(),
        event.reason.clone().into(),
        event.number_match.into(),
        event.policy.clone().into(),
        detail.into(),
        event.prev_hash.clone().into(),
        event.hash.clone().into(),
    ];
    csv_line(cells.iter().map(Cell::in_csv))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_cell_of_an_event_is_a_formula() {
        let event = json!({
            "seq": 7, "id": "01900000-0000-7000-8000-000000000001", "at": "2026-01-02T03:04:05Z", "type": "user.locked",
            "actor": "admin:x\",=1", "user": "@sum", "device": null, "gateway": null,
            "client": {"ip": "203.0.113.7", "name": "=cmd|' /C calc'!A0"}, "outcome": "success", "reason": "+1\n",
            "number_match": true, "policy": null, "detail": {"reason": "-1"}, "prev_hash": "-a", "hash": "b"
        });
        let line = csv(&serde_json::from_value(event).unwrap());
        let expected = "7,2026-01-02T03:04:05.000000Z,user.locked,\"admin:x\"\",'=1\",'@sum,,,203.0.113.7,'=cmd|' \
                        /C calc'!A0,success,'+1\u{fffd},true,,\"{\"\"reason\"\":\"\"-1\"\"}\",'-a,b\r\n";
        assert_eq!(line, expected);
        assert_eq!(COLUMNS.len(), line.split(',').count() - 1);
    }
}
