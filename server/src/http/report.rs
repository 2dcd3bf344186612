//! Reports, as JSON and as CSV. Reading them is remembered as reading the audit log is.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use gatematch_protocol::problem::Code;

use super::app::App;
use super::params::{Query, Segment, TheAdmin};
use super::problem::{Answer, Problem};
use crate::report::{Asked, MOST, Name, Report, ReportFault, report};

pub(super) async fn show(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    segment: Segment,
    query: Query,
) -> Answer<Response> {
    let name = Name::from_word(segment.text()?).ok_or_else(Problem::not_found)?;
    let asked = asked(&query)?;
    asked.check(name)?;
    let is_csv = match query.text("format") {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::new(Code::MalformedQuery, "format must be json or csv.")),
    };
    app.tell_reading(&admin).await?;
    let made = report(name, &asked, app.store.as_ref(), &app.settings.domains, app.now()).await?;
    Ok(if is_csv { csv(&made, &query) } else { Json(made).into_response() })
}

fn asked(query: &Query) -> Answer<Asked> {
    let text = |name| query.text(name).map(str::to_owned);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let days = text("days").map(|_| query.number("days", 0, 1..=36_500)).transpose()?;
    Ok(Asked {
        since: query.time("since")?,
        until: query.time("until")?,
        user: text("user"),
        gateway: text("gateway"),
        outcome: text("outcome"),
        method: text("method"),
        days: days.map(small),
        after: query.number("after", 0, 0..=u64::MAX)?,
        limit: small(query.number("limit", 100, 1..=u64::from(MOST))?),
    })
}

/// A file to be kept; where the next page is stands in `Link` (RFC 8288).
fn csv(made: &Report, query: &Query) -> Response {
    let name = made.name.as_str();
    let next = made.next.map(|next| query.with("after", &next.to_string()));
    let link = next.map(|query| [(header::LINK, format!("</v1/reports/{name}?{query}>; rel=\"next\""))]);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    let answer = (headers, made.csv(true));
    match link {
        Some(link) => (link, answer).into_response(),
        None => answer.into_response(),
    }
}

impl From<ReportFault> for Problem {
    fn from(fault: ReportFault) -> Self {
        match fault {
            ReportFault::Asked(why) => Self::new(Code::MalformedQuery, why),
            ReportFault::Store(error) => error.into(),
        }
    }
}
