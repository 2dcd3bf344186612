//! The phone as a web app, as browsers fetch it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::{IntoResponse, Redirect};

use super::app::App;
use super::params::Segment;
use super::problem::{Answer, Problem};
use crate::phone::{Asset, INDEX};

/// Nothing from elsewhere, nothing inline, in nobody's frame, and no text that becomes a script (CSP level 3).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
     worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types gatematch",
);
/// The camera reads the code at enrollment; nothing else is wanted.
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(self), microphone=(), geolocation=(), payment=(), usb=()");

/// Everything of the app is below its own folder. Relative, so that a proxy may serve it from deeper down.
pub(super) async fn enter() -> Redirect {
    Redirect::permanent("app/")
}

pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Answer<Response<Body>> {
    file_named(&app, INDEX, &headers)
}

pub(super) async fn file(State(app): State<App>, name: Segment, headers: HeaderMap) -> Answer<Response<Body>> {
    file_named(&app, name.text()?, &headers)
}

fn file_named(app: &App, name: &str, headers: &HeaderMap) -> Answer<Response<Body>> {
    let asset = app.phone.get(name).ok_or_else(Problem::not_found)?;
    let mut response =
        if is_known(headers, &asset.etag) { StatusCode::NOT_MODIFIED.into_response() } else { content(asset, headers) };
    let fixed = [
        // Kept by the browser, but never used without asking whether it is still the right one.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    response.headers_mut().extend(fixed);
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

fn content(asset: &Asset, headers: &HeaderMap) -> Response<Body> {
    let media_type = [(header::CONTENT_TYPE, asset.media_type)];
    match asset.zipped().filter(|_| takes_gzip(headers)) {
        Some(zipped) => (media_type, [(header::CONTENT_ENCODING, "gzip")], zipped.to_vec()).into_response(),
        None => (media_type, asset.plain().to_vec()).into_response(),
    }
}

/// Whether the browser has this content already (RFC 9110 section 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| one.trim().trim_start_matches("W/") == etag)
}

/// Whether gzip is named and not refused (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse().unwrap_or(0.0_f32) <= 0.0);
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
