//! For those who watch the server.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use gatematch_protocol::problem::Code;
use serde_json::{Value, json};

use super::app::App;
use super::problem::{Answer, Problem};

/// The process is up.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The server can decide.
pub(super) async fn readyz(State(app): State<App>) -> Answer<Json<Value>> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Code::Unavailable, "The server is stopping."));
    }
    if !app.whole.load(Ordering::Acquire) {
        return Err(Problem::new(Code::Unavailable, "The server is starting."));
    }
    app.store.ready().await?;
    Ok(Json(json!({"status": "ok"})))
}

pub(super) async fn metrics(State(app): State<App>) -> Answer<impl IntoResponse> {
    app.metrics.waiting.set(i64::try_from(app.hub.len()).unwrap_or(i64::MAX));
    let text = app.metrics.text().map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}
