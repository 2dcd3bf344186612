//! Is it working, what needs me, what happened.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::visit::Place;

use super::chart::Chart;
use super::feed::{self, Line};
use super::health::{self, Check};
use super::needs::{NAMED, Need, needs};
use super::{At, READERS};
use crate::http::app::App;
use crate::http::problem::Answer;
use crate::http::site::{Shell, TheOperator, page};
use crate::tally::Ending;
use crate::words::Language;
use crate::words::shell::Shell as ShellWords;
use crate::words::watch::Watch;

#[derive(Template)]
#[template(path = "console/watch/overview.html")]
struct Overview {
    shell: Shell,
    words: &'static Watch,
    now: At,
    has_phone: bool,
    state: &'static str,
    summary: String,
    checks: Vec<Check>,
    needs: Vec<Need>,
    charts: Option<[Chart; 2]>,
    endings: Vec<(&'static str, &'static str)>,
    /// For those who may see it.
    feed: Option<Vec<Line>>,
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
) -> Answer<Response> {
    let (words, now, role) = (Watch::of(language), app.now(), operator.role);
    let standing = app.store.standing(now, NAMED).await?;
    let checks = health::checks(&app, standing.waiting, language).await?;
    let (state, summary) = health::summary(&checks, words);
    app.tally.go_on(app.store.as_ref(), now).await?;
    let charts = app.tally.hours(now).zip(app.tally.days(now));
    let charts = charts.map(|(hours, days)| [Chart::of_hours(&hours, words), Chart::of_days(&days, words)]);
    let feed = if READERS.contains(&role) {
        app.tell_reading(&operator).await?;
        Some(feed::lines(&app, role, language).await?)
    } else {
        None
    };
    page(&Overview {
        needs: needs(&app, &standing, role, words).await?,
        shell: Shell::new(
            &app,
            Place::Console,
            Some(&guest),
            language,
            ("overview", ShellWords::of(language).overview),
        ),
        words,
        now: At::from(now),
        has_phone: guest.has_phone(),
        state: state.class(),
        summary,
        checks,
        charts,
        endings: Ending::ALL.into_iter().map(|ending| (ending.as_str(), words.ending(ending))).collect(),
        feed,
    })
}
