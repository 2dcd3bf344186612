//! The connect page itself, and what belongs to it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use gatematch_protocol::problem::Code;

use super::app::App;
use super::problem::{Answer, Problem};
use crate::connect;
use crate::words::Language;

/// Nothing from elsewhere, nothing inline, in nobody's frame (CSP level 3).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) async fn page(State(app): State<App>, asked: HeaderMap) -> Answer<impl IntoResponse> {
    let page = connect::page(&app.settings.name, app.settings.desktop.as_ref(), Language::of(&asked));
    let page = page.map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (header::VARY, HeaderValue::from_static("accept-language")),
    ];
    Ok((headers, Html(page)))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], connect::STYLE)
}

pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], connect::SCRIPT)
}

pub(super) async fn logo() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], connect::LOGO)
}

pub(super) async fn desktop(State(app): State<App>) -> Answer<impl IntoResponse> {
    let Some(connect::Desktop::File(bytes)) = app.settings.desktop.as_ref() else {
        return Err(Problem::new(Code::NotFound, "No .rdp file is configured."));
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-rdp"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"desktop.rdp\""),
    ];
    Ok((headers, bytes.as_ref().to_vec()))
}
